/* mo.c - see mo.h. */
#include "model/mo.h"

#include <string.h>

const char *mo_owner_name(int owner)
{
	static const char *const names[] = {"default", "short code", "keyword", "mt"};

	return owner >= 0 && owner < (int)COUNT_OF(names) ? names[owner] : "?";
}

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
