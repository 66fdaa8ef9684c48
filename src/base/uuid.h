/* uuid.h - message ids: UUID version 7 (RFC 9562 section 5.7), of which 63 bits are the store's integer key.
 *
 * key = unix_ms << 15 | counter: 48 bits of milliseconds and 15 bits that count within the millisecond (12 in rand_a, the
 * top 3 of rand_b). rest = the other 59 bits, random; it is compared after a look-up by key, so that a guessed key is not
 * an id. Keys of one process never go back, whatever the clock does. */
#pragma once
#include "base/util.h"

#define UUID_TEXT 37
#define UID_FOREIGN ((int64_t)-1) /* the key of a parsed UUID that is not of version 7: no message has it */
struct uid {
	int64_t key;
	uint64_t rest;
};
struct uid_source {
	int64_t last; /* highest key given out */
};
/* n consecutive keys are reserved; returns the first. Callers derive rest for each by uid_rest(). */
int64_t uid_take(struct uid_source *s, int64_t now_ms, uint32_t n);
uint64_t uid_rest(void);
int64_t uid_key_ms(int64_t key);                    /* when the key was made */
int64_t uid_key_at(int64_t at_ms);                  /* the lowest key of that millisecond */
char *uid_print(char out[UUID_TEXT], struct uid u); /* lower case, terminated */
int uid_parse(struct str s, struct uid *ret) MUST; /* any letter case; any UUID parses (foreign ones simply are not found); -EINVAL */
