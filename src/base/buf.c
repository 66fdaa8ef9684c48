/* buf.c - growing bytes. One byte more than cap is always allocated, so that terminating never needs room. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HEX[] = "0123456789abcdef";

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool grow(struct buf *b, size_t n)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	size_t cap;

	if (b->n > max || n > max - b->n) {
		b->failed = true;
		return false;
	}
	cap = MAX(b->n + n, MIN(b->cap * 2, max));
	cap = MAX(cap, MIN((size_t)64, max));
	b->p = xrealloc(b->p, cap + 1, 1);
	b->cap = cap;
	return true;
}

char *buf_space(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if ((n > b->cap - b->n || !b->p) && !grow(b, n))
		return NULL;
	return b->p + b->n;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	char *to = buf_space(b, n);

	if (!to || !n)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void buf_putc(struct buf *b, char c)
{
	char *to = buf_space(b, 1);

	if (to) {
		*to = c;
		b->n++;
	}
}

void buf_puts(struct buf *b, const char *z) { buf_put(b, z, z ? strlen(z) : 0); }

void buf_str(struct buf *b, struct str s) { buf_put(b, s.p, s.n); }

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to = buf_space(b, 0);
	size_t room;
	int n;

	if (!to)
		return;
	room = b->cap - b->n;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(to, room + 1, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n <= room) {
		b->n += (size_t)n;
	} else {
		to = buf_space(b, (size_t)n);
		if (to) {
			vsnprintf(to, (size_t)n + 1, fmt, again);
			b->n += (size_t)n;
		}
	}
	va_end(again);
}

void buf_i64(struct buf *b, int64_t v)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char text[20];
	size_t at = sizeof(text);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	while (u >= 100) {
		at -= 2;
		memcpy(text + at, pairs + u % 100 * 2, 2);
		u /= 100;
	}
	if (u >= 10) {
		at -= 2;
		memcpy(text + at, pairs + u * 2, 2);
	} else {
		text[--at] = (char)('0' + u);
	}
	if (v < 0)
		text[--at] = '-';
	buf_put(b, text + at, sizeof(text) - at);
}

/* The letter after the backslash, 'u' for \u00XX, 0 for what stands for itself (RFC 8259 section 7). */
static char json_escape(unsigned char c)
{
	switch (c) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return c < 0x20 ? 'u' : '\0';
	}
}

static bool json_plain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; }

void buf_json(struct buf *b, struct str s)
{
	size_t i = 0;

	buf_putc(b, '"');
	while (i < s.n) {
		size_t from = i;
		unsigned char c;
		char e;

		while (i < s.n && json_plain((unsigned char)s.p[i]))
			i++;
		if (i > from)
			buf_put(b, s.p + from, i - from);
		if (i == s.n)
			break;
		c = (unsigned char)s.p[i++];
		e = json_escape(c);
		if (e == 'u')
			buf_put(b, (char[6]){'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]}, 6);
		else
			buf_put(b, (char[2]){'\\', e}, 2);
	}
	buf_putc(b, '"');
}

void buf_json_or_null(struct buf *b, struct str s)
{
	if (s.n)
		buf_json(b, s);
	else
		buf_puts(b, "null");
}

void buf_hex(struct buf *b, const void *p, size_t n)
{
	const unsigned char *in = p;
	char *to = n <= SIZE_MAX / 2 ? buf_space(b, n * 2) : NULL;

	if (!to) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		to[i * 2] = HEX[in[i] >> 4];
		to[i * 2 + 1] = HEX[in[i] & 15];
	}
	b->n += n * 2;
}

static bool url_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

void buf_urlencode(struct buf *b, struct str s)
{
	static const char upper[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (url_unreserved(c))
			buf_putc(b, (char)c);
		else
			buf_put(b, (char[3]){'%', upper[c >> 4], upper[c & 15]}, 3);
	}
}

void buf_base64(struct buf *b, const void *p, size_t n)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = p;
	char *to = n <= SIZE_MAX / 2 ? buf_space(b, (n + 2) / 3 * 4) : NULL;

	if (!to) {
		b->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)in[i] << 16;

		if (left > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			v |= in[i + 2];
		*to++ = abc[v >> 18];
		*to++ = abc[v >> 12 & 63];
		*to++ = left > 1 ? abc[v >> 6 & 63] : '=';
		*to++ = left > 2 ? abc[v & 63] : '=';
	}
	b->n += (n + 2) / 3 * 4;
}

const char *buf_cstr(struct buf *b)
{
	if (b->failed || !b->p)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

struct str buf_view(const struct buf *b) { return (struct str){b->p, b->n}; }

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (!n)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}
