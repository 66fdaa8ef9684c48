/* template.c - see template.h. */
#include "wire/template.h"

#include <errno.h>
#include <string.h>

#define USED_MAX 1024 /* parameters whose use is noted; callers allow far fewer */

struct placeholder {
	struct str whole;  /* from {{ to }} */
	struct str name;   /* trimmed, may be empty */
	struct str filter; /* trimmed; p NULL: none */
};

/* Blanks, tabs, line ends and the no-break space. */
static size_t blank_at(const char *p, size_t n)
{
	if (n && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		return 1;
	return n >= 2 && !memcmp(p, "\xc2\xa0", 2) ? 2 : 0;
}

static struct str trim(struct str s)
{
	size_t k;

	while ((k = blank_at(s.p, s.n))) {
		s.p += k;
		s.n -= k;
	}
	for (;;) {
		if (s.n && blank_at(s.p + s.n - 1, 1))
			s.n--;
		else if (s.n >= 2 && blank_at(s.p + s.n - 2, 2) == 2)
			s.n -= 2;
		else
			return s;
	}
}

static size_t brace(const char *p, const char *end, char which)
{
	const char *found = p < end ? memchr(p, which, (size_t)(end - p)) : NULL;

	return (size_t)((found ? found : end) - p);
}

/* The next placeholder at or after *at; moves *at behind it. {{{x}}} is a brace, {{x}} and a brace. */
static bool next(const char **at, const char *end, struct placeholder *ret)
{
	const char *p = *at;

	while ((p += brace(p, end, '{')) < end) {
		const char *from = p, *close, *bar;

		if (end - p < 2 || p[1] != '{' || (end - p > 2 && p[2] == '{')) {
			p++;
			continue;
		}
		p += 2;
		close = p + MIN(brace(p, end, '}'), brace(p, end, '{'));
		if (end - close < 2 || close[0] != '}' || close[1] != '}')
			continue;
		bar = memchr(p, '|', (size_t)(close - p));
		ret->whole = (struct str){from, (size_t)(close + 2 - from)};
		ret->name = trim((struct str){p, (size_t)((bar ? bar : close) - p)});
		ret->filter = bar ? trim((struct str){bar + 1, (size_t)(close - bar - 1)}) : (struct str){NULL, 0};
		*at = close + 2;
		return true;
	}
	return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void put_value(struct buf *out, struct str value, bool digits)
{
	if (!digits) {
		buf_str(out, value);
		return;
	}
	for (size_t i = 0; i < value.n; i++) {
		if (i && is_digit(value.p[i]) && is_digit(value.p[i - 1]))
			buf_putc(out, ' ');
		buf_putc(out, value.p[i]);
	}
}

/* What is told, each once. */
struct told {
	struct buf *out;
	struct str seen[USED_MAX];
	size_t count;
};

static void tell(struct told *t, struct str what)
{
	for (size_t i = 0; i < MIN(t->count, (size_t)USED_MAX); i++)
		if (str_eq(t->seen[i], what))
			return;
	if (t->count < USED_MAX)
		t->seen[t->count] = what;
	if (t->out) {
		if (t->count)
			buf_putc(t->out, ',');
		buf_json(t->out, what);
	}
	t->count++;
}

size_t template_render(struct buf *out, struct str text, const struct template_param *params, size_t n, struct buf *invalid)
{
	const char *p = text.p, *end = text.n ? p + text.n : p, *from = p;
	bool used[USED_MAX] = {false};
	struct told t;
	struct placeholder h;

	t.out = invalid;
	t.count = 0;
	n = MIN(n, (size_t)USED_MAX);
	while (next(&p, end, &h)) {
		bool digits = h.filter.p && str_eqz(h.filter, "digits");
		size_t i = 0;

		buf_put(out, from, (size_t)(h.whole.p - from));
		from = p;
		while (i < n && !str_eq(params[i].name, h.name))
			i++;
		if (i < n) {
			used[i] = true;
			put_value(out, params[i].value, digits);
		}
		if (i == n || (h.filter.p && !digits))
			tell(&t, i == n ? h.name : h.whole);
	}
	buf_put(out, from, (size_t)(end - from));
	for (size_t i = 0; i < n; i++)
		if (!used[i])
			tell(&t, params[i].name);
	return t.count;
}

/* The beginning of it, for an error's words. */
static int quoted(struct str s)
{
	size_t n = MIN(s.n, (size_t)80);

	while (n < s.n && n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

int template_check(struct str text, size_t *placeholders, struct err *e)
{
	const char *p = text.p, *end = text.n ? p + text.n : p;
	struct placeholder h;
	size_t count = 0, points;

	while (next(&p, end, &h)) {
		count++;
		if (!h.name.n)
			return err_set(e, -EINVAL, "%.*s: a placeholder has a name", quoted(h.whole), h.whole.p);
		if (!utf8_valid(h.name, &points) || points > TEMPLATE_NAME_MAX)
			return err_set(e, -EINVAL, "a placeholder's name is longer than %d characters", TEMPLATE_NAME_MAX);
		if (h.filter.p && !str_eqz(h.filter, "digits"))
			return err_set(e, -EINVAL, "%.*s: the only filter is digits", quoted(h.whole), h.whole.p);
	}
	if (placeholders)
		*placeholders = count;
	return 0;
}
