/* util.c - error texts, memory that never fails, looking at and copying of borrowed text. */
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(e->text, sizeof(e->text), fmt, ap) < 0)
		e->text[0] = '\0';
	va_end(ap);
	return code;
}

static _Noreturn void out_of_memory(size_t n, size_t size)
{
	fprintf(stderr, "error out-of-memory count=%zu size=%zu\n", n, size);
	abort();
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(n, size);
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory(n, size);
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = s ? strnlen(s, n) : 0;
	char *r = xcalloc(len + 1, 1);

	if (len)
		memcpy(r, s, len);
	return r;
}

char *xstrdup(const char *s) { return xstrndup(s, s ? strlen(s) : 0); }

void assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "error impossible condition=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}

struct str str_of(const char *z) { return (struct str){z, z ? strlen(z) : 0}; }

bool str_eq(struct str a, struct str b) { return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0); }

bool str_eqz(struct str a, const char *z) { return str_eq(a, str_of(z)); }

/* Not strncasecmp: the locale has no say in protocols. */
static unsigned char ascii_lower(unsigned char c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower((unsigned char)a.p[i]) != ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

bool str_iskip(struct str *s, const char *z)
{
	size_t n = strlen(z);

	if (s->n < n || !str_ieq((struct str){s->p, n}, (struct str){z, n}))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)ascii_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int64_t doubled(int64_t v, int64_t times, int64_t most)
{
	for (; times > 0 && v > 0 && v <= most / 2; times--)
		v *= 2;
	return times > 0 && v > 0 ? most : MIN(v, most);
}

int str_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	uint64_t v = 0;
	bool over = false;
	int64_t r;

	if (s.n == (negative ? 1u : 0u))
		return -EINVAL;
	for (size_t i = negative; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9)
			return -EINVAL;
		/* Keeps looking after an overflow: a letter further on is the worse fault. */
		if (v > (limit - digit) / 10)
			over = true;
		else
			v = v * 10 + digit;
	}
	if (over)
		return -ERANGE;
	r = negative ? (int64_t)(0 - v) : (int64_t)v;
	if (r < min || r > max)
		return -ERANGE;
	*ret = r;
	return 0;
}

bool str_copy(char *dst, size_t size, struct str s)
{
	size_t n = s.n;

	if (!size)
		return false;
	if (n > size - 1)
		n = size - 1;
	if (n)
		memcpy(dst, s.p, n);
	dst[n] = '\0';
	return n == s.n;
}
