/* mo.c - see mo.h. */
#include "model/mo.h"

#include <string.h>

#include "base/le.h"

const char *mo_owner_name(int owner)
{
	static const char *const names[] = {"default", "short code", "keyword", "mt"};

	return owner >= 0 && owner < (int)COUNT_OF(names) ? names[owner] : "?";
}

size_t mo_part_count(const struct mo *m) { return m->parts.n / 8; }

int64_t mo_part_key(const struct mo *m, size_t i) { return (int64_t)le_get(m->parts.p + i * 8, 8); }

static struct str put(char **at, struct str s)
{
	struct str r = {*at, s.n};

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return r;
}

struct mo *mo_copy(const struct mo *m)
{
	struct mo *c = xcalloc(1, sizeof *c + m->text.n + m->correlation.n + m->campaign.n + m->parts.n);
	char *at = (char *)(c + 1);

	*c = *m;
	c->text = put(&at, m->text);
	c->correlation = put(&at, m->correlation);
	c->campaign = put(&at, m->campaign);
	c->parts = put(&at, m->parts);
	return c;
}
