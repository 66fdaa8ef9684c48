/* utf8.c - strict UTF-8 (RFC 3629). */
#include "base/util.h"

#include <string.h>

/* Length of the sequence at p, or 0 when it is not well formed (RFC 3629 section 4, table of syntax). */
static size_t sequence(const unsigned char *p, size_t n)
{
	unsigned char c = p[0];
	unsigned char low = 0x80, high = 0xBF;
	size_t len;

	if (c < 0x80)
		return c ? 1 : 0;
	if (c < 0xC2)
		return 0; /* a continuation byte, or overlong */
	if (c < 0xE0) {
		len = 2;
	} else if (c < 0xF0) {
		len = 3;
		if (c == 0xE0)
			low = 0xA0; /* below: overlong */
		else if (c == 0xED)
			high = 0x9F; /* above: surrogates */
	} else if (c < 0xF5) {
		len = 4;
		if (c == 0xF0)
			low = 0x90;
		else if (c == 0xF4)
			high = 0x8F; /* above: past U+10FFFF */
	} else {
		return 0;
	}
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	return len;
}

/* True when all eight bytes are ASCII and none is NUL: most text is that, and is walked a word at a time. */
static bool plain_word(const unsigned char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return !((w | (w - 0x0101010101010101u)) & 0x8080808080808080u);
}

bool utf8_valid(struct str s, size_t *points)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t count = 0, i = 0;

	while (i < s.n) {
		size_t len;

		if (s.n - i >= 8 && plain_word(p + i)) {
			i += 8;
			count += 8;
			continue;
		}
		len = sequence(p + i, s.n - i);
		if (!len)
			return false;
		i += len;
		count++;
	}
	if (points)
		*points = count;
	return true;
}

uint32_t utf8_next(const char **p, const char *end)
{
	const unsigned char *s = (const unsigned char *)*p;
	size_t left = (size_t)(end - *p);
	uint32_t cp = s[0];
	size_t len = cp < 0x80 ? 1 : cp < 0xE0 ? 2 : cp < 0xF0 ? 3 : 4;

	if (len > left)
		len = left; /* not valid UTF-8; at least never past the end */
	if (len == 1) {
		*p += 1;
		return cp;
	}
	cp &= 0x7Fu >> len;
	for (size_t i = 1; i < len; i++)
		cp = cp << 6 | (s[i] & 0x3F);
	*p += len;
	return cp;
}

int utf8_put(char out[4], uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xC0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3F));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xE0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
		out[2] = (char)(0x80 | (cp & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
	out[3] = (char)(0x80 | (cp & 0x3F));
	return 4;
}
