/* query_string.c - query strings, decoded in place (query_string.h). */
#include "api/query_string.h"

#include <errno.h>
#include <string.h>

/* Decodes [p, p + n) onto itself; returns the new length or -EINVAL. */
static ssize_t decode(char *p, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = n - i > 2 ? hex_digit(p[i + 1]) : -1;
			int low = n - i > 2 ? hex_digit(p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		p[to++] = c;
	}
	return (ssize_t)to;
}

static int read_pair(char *p, size_t n, struct query_string *ret)
{
	char *equals = memchr(p, '=', n);
	size_t name = equals ? (size_t)(equals - p) : n;
	ssize_t name_len, value_len = 0;

	if (ret->count == QUERY_PAIRS_MAX)
		return -E2BIG;
	name_len = decode(p, name);
	if (equals)
		value_len = decode(equals + 1, n - name - 1);
	if (name_len < 0 || value_len < 0)
		return -EINVAL;
	ret->pair[ret->count++] =
		(struct query_pair){{p, (size_t)name_len}, {equals ? equals + 1 : p + name_len, (size_t)value_len}};
	return 0;
}

int query_read(char *p, size_t n, struct query_string *ret)
{
	ret->count = 0;
	while (n) {
		char *amp = memchr(p, '&', n);
		size_t len = amp ? (size_t)(amp - p) : n;
		int r = len ? read_pair(p, len, ret) : 0;

		if (r)
			return r;
		len += amp != NULL;
		p += len;
		n -= len;
	}
	return 0;
}

struct str query_get(const struct query_string *q, const char *name, bool fold, unsigned *times)
{
	struct str want = str_of(name), found = {NULL, 0};
	unsigned count = 0;

	for (unsigned i = 0; i < q->count; i++) {
		struct str have = q->pair[i].name;

		if (have.n != want.n || !(fold ? str_ieq(have, want) : str_eq(have, want)))
			continue;
		if (!count++)
			found = q->pair[i].value;
	}
	if (times)
		*times = count;
	return found;
}
