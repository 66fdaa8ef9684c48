/* numbers.h - block and opt-out lists in memory, and the table of ported numbers: what acceptance and departure ask. One of a
 * process, as the snapshot is. Any thread; look-ups never wait for more than one number's change. */
#pragma once
#include "model/number_list.h"

struct ranges;
/* Ends what is sent to this number: 0, SENT_BLACKLISTED or SENT_DESTINATION_BLOCKED_BY_OPTOUT, the first that applies. Some 50 to 150 ns; one
 * load when the lists are empty. */
int numbers_refusal(uint32_t account, uint32_t sub_account, struct str digits);
bool numbers_listed(enum number_list list, uint32_t owner, uint64_t number);
/* Applies changes in their order; when it returns every look-up sees them. The owner of the lists' file calls it. */
void numbers_change(const struct number_change *c, size_t n);
size_t numbers_count(void); /* entries of all lists */
void numbers_clear(void);   /* lists and table */

/* The operator a number was ported to; false: it is in no table. */
bool numbers_ported(struct str digits, int32_t *operator_id);
/* Replaces the table; NULL: there is none. The old one is closed. */
void numbers_ported_set(struct ranges *take);
size_t numbers_ported_count(void); /* ranges of the table */
