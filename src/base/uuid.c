/* uuid.c - UUID version 7 to and from (key, rest).
 *
 *   bits 0..47 unix_ms | 48..51 version 7 | 52..63 counter, high 12 | 64..65 variant 2 | 66..68 counter, low 3 | 69..127 rest
 */
#include "base/uuid.h"

#include <errno.h>
#include <string.h>

#include "base/rng.h"

#define COUNTER_BITS 15
#define REST_BITS 59
#define REST_MASK (((uint64_t)1 << REST_BITS) - 1)
#define MS_MAX (((int64_t)1 << 48) - 1)

int64_t uid_key_at(int64_t at_ms)
{
	if (at_ms < 0)
		return 0;
	return MIN(at_ms, MS_MAX) << COUNTER_BITS;
}

int64_t uid_key_ms(int64_t key) { return key >> COUNTER_BITS; }

int64_t uid_take(struct uid_source *s, int64_t now_ms, uint32_t n)
{
	int64_t first = MAX(uid_key_at(now_ms), s->last + 1);

	ASSERT(first <= INT64_MAX - (int64_t)n);
	s->last = first + (int64_t)n - 1;
	return first;
}

uint64_t uid_rest(void) { return rng_u64() >> (64 - REST_BITS); }

char *uid_print(char out[UUID_TEXT], struct uid u)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t key = (uint64_t)u.key;
	uint64_t high = key >> COUNTER_BITS << 16 | 0x7000 | (key >> 3 & 0xFFF);
	uint64_t low = (uint64_t)2 << 62 | (key & 7) << REST_BITS | (u.rest & REST_MASK);
	char *p = out;

	for (int i = 0; i < 32; i++) {
		uint64_t half = i < 16 ? high : low;

		if (i == 8 || i == 12 || i == 16 || i == 20)
			*p++ = '-';
		*p++ = hex[half >> (60 - (i & 15) * 4) & 15];
	}
	*p = '\0';
	return out;
}

int uid_parse(struct str s, struct uid *ret)
{
	uint64_t half[2] = {0, 0};
	int digits = 0;

	if (s.n != UUID_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		int v;

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s.p[i] != '-')
				return -EINVAL;
			continue;
		}
		v = hex_digit(s.p[i]);
		if (v < 0)
			return -EINVAL;
		half[digits / 16] = half[digits / 16] << 4 | (uint64_t)v;
		digits++;
	}
	/* The version and variant are not part of the key: another kind of UUID must not pass for one of ours. */
	if ((half[0] >> 12 & 15) != 7 || half[1] >> 62 != 2) {
		*ret = (struct uid){.key = UID_FOREIGN, .rest = half[1] & REST_MASK};
		return 0;
	}
	ret->key = (int64_t)(half[0] >> 16 << COUNTER_BITS | (half[0] & 0xFFF) << 3 | (half[1] >> REST_BITS & 7));
	ret->rest = half[1] & REST_MASK;
	return 0;
}
