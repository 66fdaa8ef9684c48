/* receipt_id.c - the keys by which a receipt finds its message. Many SMSCs print one number in hexadecimal in the submit
 * response and in decimal in the receipt, or the other way round, with or without leading zeros. */
#include <string.h>
#include "wire/receipt.h"

__extension__ typedef unsigned __int128 number; /* ids of 32 hexadecimal digits exist */

enum alphabet { NO_DIGITS = 0, DECIMAL = 1, HEXADECIMAL = 2, WITH_HYPHENS = 4 };

static unsigned alphabet_of(struct str s)
{
	unsigned set = s.n ? DECIMAL | HEXADECIMAL : NO_DIGITS;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '-')
			set = (set & HEXADECIMAL) | (set & HEXADECIMAL ? WITH_HYPHENS : 0);
		else if (hex_digit(s.p[i]) < 0)
			return NO_DIGITS;
		else if (hex_digit(s.p[i]) > 9)
			set &= ~(unsigned)DECIMAL;
	}
	return set;
}

static struct str trim(struct str s)
{
	while (s.n && (unsigned char)s.p[0] <= ' ')
		s = (struct str){s.p + 1, s.n - 1};
	while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

static void fold(struct str s, struct id_key *ret)
{
	unsigned set;

	s = trim(s);
	set = alphabet_of(s);
	if (set && !(set & WITH_HYPHENS)) {
		while (s.n > 1 && *s.p == '0')
			s = (struct str){s.p + 1, s.n - 1};
	}
	str_copy(ret->s, sizeof(ret->s), s);
	for (char *p = ret->s; set && *p; p++) {
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	}
}

/* Reads in one base, writes in the other; false when it is no such number or too big. */
static bool convert(const struct id_key *key, unsigned from, unsigned to, struct id_key *ret)
{
	const number most = ~(number)0;
	char digits[40];
	size_t n = 0;
	number v = 0;

	if (!*key->s)
		return false;
	for (const char *p = key->s; *p; p++) {
		int d = hex_digit(*p);

		if (d < 0 || (unsigned)d >= from || v > (most - (unsigned)d) / from)
			return false;
		v = v * from + (unsigned)d;
	}
	do {
		digits[n++] = "0123456789abcdef"[v % to];
		v /= to;
	} while (v);
	for (size_t i = 0; i < n; i++)
		ret->s[i] = digits[n - 1 - i];
	ret->s[n] = '\0';
	return true;
}

void id_stored(enum id_notation how, struct str id, struct id_key *ret)
{
	if (how == ID_EXACT)
		str_copy(ret->s, sizeof(ret->s), id);
	else
		fold(id, ret);
}

static unsigned add(struct id_key *keys, unsigned n, unsigned from, unsigned to)
{
	if (!convert(&keys[0], from, to, &keys[n]))
		return n;
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(keys[i].s, keys[n].s) == 0)
			return n;
	}
	return n + 1;
}

unsigned id_lookup(enum id_notation how, struct str id, struct id_key ret[ID_KEYS_MAX])
{
	struct id_key other;
	unsigned n = 1;

	id_stored(how, id, &ret[0]);
	switch (how) {
	case ID_EXACT: break;
	case ID_EITHER:
		n = add(ret, n, 10, 16);
		n = add(ret, n, 16, 10);
		break;
	case ID_HEX_DEC:
		if (convert(&ret[0], 10, 16, &other))
			ret[0] = other;
		break;
	case ID_DEC_HEX:
		if (convert(&ret[0], 16, 10, &other))
			ret[0] = other;
		break;
	}
	return n;
}
