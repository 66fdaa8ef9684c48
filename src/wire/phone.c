/* phone.c - telephone numbers: reading what people write. What the digits mean is in phone_plan.c. */
#include <errno.h>
#include <string.h>
#include "wire/phone.h"

/* Country calling codes in use for subscribers (ITU-T E.164 Annex, list of assigned codes). The codes of one and two digits,
 * and per prefix of two digits those third digits that make a code of three, as a bit set. */
#define D(d) (1u << (d))
#define ALL 0x3ffu
/* clang-format off */
static const uint16_t three[100] = {
	[21] = D(1) | D(2) | D(3) | D(6) | D(8), [22] = ALL, [23] = ALL, [24] = ALL, [25] = ALL & ~D(9),
	[26] = ALL, [29] = D(0) | D(1) | D(7) | D(8) | D(9), [35] = ALL, [37] = ALL & ~D(9),
	[38] = D(0) | D(1) | D(2) | D(3) | D(5) | D(6) | D(7) | D(9), [42] = D(0) | D(1) | D(3), [50] = ALL, [59] = ALL,
	[67] = D(0) | D(2) | D(3) | D(4) | D(5) | D(6) | D(7) | D(8) | D(9),
	[68] = ALL & ~D(4), [69] = D(0) | D(1) | D(2), [85] = D(0) | D(2) | D(3) | D(5) | D(6),
	[87] = D(0) | D(8), [88] = D(0) | D(1) | D(2) | D(3) | D(6), [96] = ALL & ~D(9),
	[97] = D(0) | D(1) | D(2) | D(3) | D(4) | D(5) | D(6) | D(7), [99] = ALL & ~(D(0) | D(1) | D(7) | D(9)),
};
static const uint8_t two[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
	57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98};

/* clang-format on */

static uint8_t country_length(const char *d, unsigned n)
{
	unsigned first, pair;

	if (n < 3)
		return 0;
	first = (unsigned)(d[0] - '0');
	pair = first * 10 + (unsigned)(d[1] - '0');
	if (first == 1 || first == 7)
		return 1;
	for (size_t i = 0; i < COUNT_OF(two); i++) {
		if (two[i] == pair)
			return 2;
	}
	return three[pair] & D(d[2] - '0') ? 3 : 0;
}

/* Octets of a blank, dash or invisible character outside ASCII that copying from documents leaves in numbers: U+00A0,
 * U+00AD, U+2000..U+2015, U+2028..U+202F, U+2060, U+2212, U+FEFF. 0: none of them. */
static size_t typographic(const char *s, const char *end)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = (size_t)(end - s);

	if (n >= 2 && p[0] == 0xc2 && (p[1] == 0xa0 || p[1] == 0xad))
		return 2;
	if (n < 3)
		return 0;
	if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] <= 0x95 || (p[2] >= 0xa8 && p[2] <= 0xaf)))
		return 3;
	if ((p[0] == 0xe2 && p[1] == 0x81 && p[2] == 0xa0) ||
	    (p[0] == 0xe2 && p[1] == 0x88 && p[2] == 0x92) || (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf))
		return 3;
	return 0;
}

int phone_read(struct str s, struct phone *ret)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	char d[PHONE_MAX + 2]; /* the international prefix takes two */
	unsigned n = 0;
	bool plus = false;

	*ret = (struct phone){0};
	while (p < end) {
		size_t skip;

		if (*p >= '0' && *p <= '9') {
			if (n == sizeof(d))
				return -EINVAL;
			d[n++] = *p++;
		} else if (*p == '+') {
			if (n || plus)
				return -EINVAL;
			plus = true;
			p++;
		} else if (*p && strchr(" \t-().,/", *p)) {
			p++;
		} else if ((skip = typographic(p, end))) {
			p += skip;
		} else {
			return -EINVAL;
		}
	}
	/* No country code begins with 0: three noughts are no prefix, and what is read again stays as it is. */
	if (n >= 2 && d[0] == '0' && d[1] == '0' && (n == 2 || d[2] != '0') && !plus) {
		n -= 2;
		memmove(d, d + 2, n);
	}
	if (n == 0 || n > PHONE_MAX)
		return -EINVAL;
	memcpy(ret->digits, d, n);
	ret->n = (uint8_t)n;
	ret->country = country_length(d, n);
	return 0;
}

bool phone_destination(struct str s, struct phone *ret)
{
	if (phone_read(s, ret) < 0)
		return false;
	phone_canonical(ret, ret);
	return phone_usable(ret);
}

bool phone_is_short_code(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n >= 3 && s.n <= 6;
}
