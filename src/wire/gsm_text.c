/* gsm_text.c - the alphabets of short messages: measuring a text in each, and octets to and from UTF-8. */
#include <string.h>
#include "wire/gsm_text.h"

#define ESC 0x1b
#define REPLACEMENT 0xfffdu
#define EXT 0x80         /* in the tables below: reached through ESC */
#define NONE (EXT | ESC) /* the one pair that no table can have */

/* clang-format off */
/* 3GPP TS 23.038 6.2.1: the character of each septet. ESC stands for itself. */
static const uint16_t basic[128] = {
	'@', 0xa3, '$', 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, '\n', 0xd8, 0xf8, '\r', 0xc5, 0xe5,
	0x394, '_', 0x3a6, 0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, ESC, 0xc6, 0xe6, 0xdf, 0xc9,
	' ', '!', '"', '#', 0xa4, '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
	0xa1, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 0xc4, 0xd6, 0xd1, 0xdc, 0xa7,
	0xbf, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0xe4, 0xf6, 0xf1, 0xfc, 0xe0,
};

/* 6.2.1.1: what may follow ESC. */
static const struct {
	uint8_t septet;
	uint16_t cp;
} extension[] = {
	{0x0a, '\f'}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2f, '\\'},
	{0x3c, '['}, {0x3d, '~'}, {0x3e, ']'}, {0x40, '|'}, {0x65, 0x20ac},
};

/* Annex A.2.3 and A.2.2: what the national tables hold besides the extension table. */
struct national {
	uint8_t septet;
	uint16_t cp;
};
static const struct national portuguese[] = {
	{0x05, 0xea}, {0x09, 0xe7}, {0x0b, 0xd4}, {0x0c, 0xf4}, {0x0e, 0xc1}, {0x0f, 0xe1}, {0x12, 0x3a6}, {0x13, 0x393},
	{0x15, 0x3a9}, {0x16, 0x3a0}, {0x17, 0x3a8}, {0x18, 0x3a3}, {0x19, 0x398}, {0x1f, 0xca}, {0x41, 0xc0}, {0x49, 0xcd},
	{0x4f, 0xd3}, {0x55, 0xda}, {0x5b, 0xc3}, {0x5c, 0xd5}, {0x61, 0xc2}, {0x69, 0xed}, {0x6f, 0xf3}, {0x75, 0xfa},
	{0x7b, 0xe3}, {0x7c, 0xf5}, {0x7f, 0xe2},
};
static const struct national spanish[] = {
	{0x09, 0xe7}, {0x41, 0xc1}, {0x49, 0xcd}, {0x4f, 0xd3}, {0x55, 0xda}, {0x61, 0xe1}, {0x69, 0xed}, {0x6f, 0xf3},
	{0x75, 0xfa},
};

/* The way back for U+0000..U+00FF: septet, EXT | septet, or NONE. */
#define N NONE
static const uint8_t septet_of[256] = {
	N, N, N, N, N, N, N, N, N, N, 0x0a, N, EXT | 0x0a, 0x0d, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	0x20, 0x21, 0x22, 0x23, 0x02, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f,
	0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
	0x00, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
	0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, EXT | 0x3c, EXT | 0x2f, EXT | 0x3e,
	EXT | 0x14, 0x11,
	N, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
	0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, EXT | 0x28, EXT | 0x40, EXT | 0x29,
	EXT | 0x3d, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, N,
	N, 0x40, N, 0x01, 0x24, 0x03, N, 0x5f, N, N, N, N, N, N, N, N,
	N, N, N, N, N, N, N, N, N, N, N, N, N, N, N, 0x60,
	N, N, N, N, 0x5b, 0x0e, 0x1c, 0x09, N, 0x1f, N, N, N, N, N, N,
	N, 0x5d, N, N, N, N, 0x5c, N, 0x0b, N, N, N, 0x5e, N, N, 0x1e,
	0x7f, N, N, N, 0x7b, 0x0f, 0x1d, N, 0x04, 0x05, N, N, 0x07, N, N, N,
	N, 0x7d, 0x08, N, N, N, 0x7c, N, 0x0c, 0x06, N, N, 0x7e, N, N, N,
};
#undef N
/* clang-format on */

static uint8_t septet(uint32_t cp)
{
	if (cp < 256)
		return septet_of[cp];
	switch (cp) {
	case 0x393: return 0x13;
	case 0x394: return 0x10;
	case 0x398: return 0x19;
	case 0x39b: return 0x14;
	case 0x39e: return 0x1a;
	case 0x3a0: return 0x16;
	case 0x3a3: return 0x18;
	case 0x3a6: return 0x12;
	case 0x3a8: return 0x17;
	case 0x3a9: return 0x15;
	case 0x20ac: return EXT | 0x65;
	default: return NONE;
	}
}

static const struct national *national_table(enum gsm_shift shift, size_t *n)
{
	*n = shift == GSM_SHIFT_PORTUGUESE ? COUNT_OF(portuguese)
	     : shift == GSM_SHIFT_SPANISH  ? COUNT_OF(spanish)
					   : 0;
	return shift == GSM_SHIFT_PORTUGUESE ? portuguese : spanish;
}

/* What the default alphabet has keeps its one septet also where the national table has it too (the Greek capitals). */
static uint8_t shifted_septet(uint32_t cp, enum gsm_shift shift)
{
	uint8_t s = septet(cp);
	const struct national *t;
	size_t n;

	if (s != NONE)
		return s;
	t = national_table(shift, &n);
	for (size_t i = 0; i < n; i++) {
		if (t[i].cp == cp)
			return EXT | t[i].septet;
	}
	return NONE;
}

unsigned gsm_shift_septets(uint32_t cp, enum gsm_shift shift)
{
	uint8_t s = shifted_septet(cp, shift);

	return s == NONE ? 0 : s & EXT ? 2 : 1;
}

unsigned gsm_septets(uint32_t cp) { return gsm_shift_septets(cp, GSM_SHIFT_NONE); }

/* The Portuguese table holds all letters of the Spanish one at the same price, so letters of the default alphabet that only
 * Spanish writes decide between the two. */
enum gsm_shift gsm_shift_for(struct str s, size_t *septets)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	bool fits_spanish = true, looks_spanish = false;
	size_t n = 0;

	while (p < end) {
		uint32_t cp = (unsigned char)*p < 0x80 ? (unsigned char)*p++ : utf8_next(&p, end);
		unsigned k = gsm_shift_septets(cp, GSM_SHIFT_PORTUGUESE);

		if (!k)
			return GSM_SHIFT_NONE;
		n += k;
		if (cp < 0x80)
			continue;
		fits_spanish &= gsm_shift_septets(cp, GSM_SHIFT_SPANISH) != 0;
		looks_spanish |= cp == 0xf1 || cp == 0xd1 || cp == 0xbf || cp == 0xa1; /* n with tilde; inverted ? and ! */
	}
	*septets = n;
	return fits_spanish && looks_spanish ? GSM_SHIFT_SPANISH : GSM_SHIFT_PORTUGUESE;
}

/* Runs for every message that is accepted, so ASCII takes one table look-up a character. */
void text_measure(struct str s, struct text_measure *ret)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	struct text_measure m = {.ascii = true, .latin1 = true, .gsm = true};

	while (p < end) {
		uint32_t cp = (unsigned char)*p;
		uint8_t g;

		if (cp < 0x80) {
			p++;
			m.units++;
		} else {
			cp = utf8_next(&p, end);
			m.ascii = false;
			m.latin1 &= cp < 0x100;
			m.units += cp > 0xffff ? 2 : 1;
		}
		g = septet(cp);
		m.points++;
		if (g == NONE) {
			m.gsm = false;
		} else {
			m.septets += 1u + (g >> 7);
			m.extended |= g >> 7;
		}
	}
	*ret = m;
}

/* Room is asked for once for the whole text: no alphabet needs more than two octets for one octet of UTF-8. */
static uint8_t *room(struct buf *out, size_t n) { return (uint8_t *)buf_space(out, n * 2 + 1); }

static bool septets_put(struct buf *out, struct str s, uint8_t refused, enum gsm_shift shift)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	uint8_t *o = room(out, s.n), *start = o;
	bool all = true;

	if (!o)
		return false;
	while (p < end) {
		uint32_t cp = (unsigned char)*p < 0x80 ? (unsigned char)*p++ : utf8_next(&p, end);
		uint8_t g = shifted_septet(cp, shift);

		if (g == NONE || g & refused) {
			all = false;
			g = '?';
		}
		if (g & EXT)
			*o++ = ESC;
		*o++ = g & 0x7f;
	}
	out->n += (size_t)(o - start);
	return all;
}

bool gsm_put(struct buf *out, struct str s) { return septets_put(out, s, 0, GSM_SHIFT_NONE); }
bool gsm_basic_put(struct buf *out, struct str s) { return septets_put(out, s, EXT, GSM_SHIFT_NONE); }

bool gsm_shift_put(struct buf *out, struct str s, enum gsm_shift shift)
{
	return septets_put(out, s, 0, shift);
}

bool ucs2_put(struct buf *out, struct str s)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	uint8_t *o = room(out, s.n), *start = o;

	if (!o)
		return false;
	while (p < end) {
		uint32_t cp = utf8_next(&p, end);

		if (cp > 0xffff) {
			uint32_t high = 0xd800 + ((cp - 0x10000) >> 10);

			*o++ = (uint8_t)(high >> 8);
			*o++ = (uint8_t)high;
			cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
		}
		*o++ = (uint8_t)(cp >> 8);
		*o++ = (uint8_t)cp;
	}
	out->n += (size_t)(o - start);
	return true;
}

static bool narrow_put(struct buf *out, struct str s, uint32_t limit)
{
	const char *p = s.p, *end = s.n ? p + s.n : p;
	uint8_t *o = room(out, s.n), *start = o;
	bool all = true;

	if (!o)
		return false;
	while (p < end) {
		uint32_t cp = utf8_next(&p, end);

		all &= cp < limit;
		*o++ = cp < limit ? (uint8_t)cp : '?';
	}
	out->n += (size_t)(o - start);
	return all;
}

bool latin1_put(struct buf *out, struct str s) { return narrow_put(out, s, 0x100); }
bool ascii_put(struct buf *out, struct str s) { return narrow_put(out, s, 0x80); }

static void put_cp(struct buf *out, uint32_t cp)
{
	char u[4];

	buf_put(out, u, (size_t)utf8_put(u, cp));
}

/* 0 when there is no such pair. */
static uint32_t extended(uint8_t septet, enum gsm_shift shift)
{
	size_t n;
	const struct national *t = national_table(shift, &n);

	for (size_t i = 0; i < n; i++) {
		if (t[i].septet == septet)
			return t[i].cp;
	}
	for (size_t i = 0; i < COUNT_OF(extension); i++) {
		if (extension[i].septet == septet)
			return extension[i].cp;
	}
	return 0;
}

/* Octets above 0x7F are no septets; what sends them mostly means Latin-1, so that reading is kept, but reported. */
static uint32_t not_a_septet(uint8_t c) { return c >= 0xa0 ? c : REPLACEMENT; }

bool gsm_shift_get(struct buf *out, const uint8_t *p, size_t n, enum gsm_shift shift)
{
	bool whole = true;

	for (size_t i = 0; i < n; i++) {
		uint32_t cp;

		if (p[i] > 0x7f) {
			whole = false;
			cp = not_a_septet(p[i]);
		} else if (p[i] != ESC) {
			cp = basic[p[i]];
		} else if (i + 1 < n && p[i + 1] != ESC && p[i + 1] < 0x80) {
			i++;
			cp = extended(p[i], shift);
			if (!cp) {
				whole = false;
				cp = basic[p[i]];
			}
		} else { /* 6.2.1: an escape without its second half shows as a blank */
			whole = false;
			cp = ' ';
		}
		put_cp(out, cp);
	}
	return whole;
}

bool gsm_get(struct buf *out, const uint8_t *p, size_t n) { return gsm_shift_get(out, p, n, GSM_SHIFT_NONE); }

bool ucs2_get(struct buf *out, const uint8_t *p, size_t n)
{
	bool whole = n % 2 == 0;
	size_t i;

	for (i = 0; i + 1 < n; i += 2) {
		uint32_t cp = (uint32_t)(p[i] << 8 | p[i + 1]);
		uint32_t low = i + 3 < n ? (uint32_t)(p[i + 2] << 8 | p[i + 3]) : 0;

		if (cp >= 0xd800 && cp < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		} else if ((cp >= 0xd800 && cp < 0xe000) || cp == 0) {
			whole = false;
			cp = REPLACEMENT;
		}
		put_cp(out, cp);
	}
	if (i < n)
		put_cp(out, REPLACEMENT);
	return whole;
}

static bool narrow_get(struct buf *out, const uint8_t *p, size_t n, uint32_t limit)
{
	bool whole = true;

	for (size_t i = 0; i < n; i++) {
		bool good = p[i] && p[i] < limit;

		whole &= good;
		put_cp(out, good ? p[i] : REPLACEMENT);
	}
	return whole;
}

bool latin1_get(struct buf *out, const uint8_t *p, size_t n) { return narrow_get(out, p, n, 0x100); }
bool ascii_get(struct buf *out, const uint8_t *p, size_t n) { return narrow_get(out, p, n, 0x80); }
