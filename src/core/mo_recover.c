/* mo_recover.c - messages from handsets at the start: what came lately is known again, parts wait on for their fellows, wishes that may
 * not be in the lists' file are uttered again. */
#include <stdlib.h>
#include <string.h>

#include "core/mo.h"
#include "core/optout.h"

struct restart {
	struct engine *e;
	struct map *joined;                  /* keys of parts that are in a message */
	struct buf waiting;                  /* struct mo_part, the text's bytes behind it */
	int64_t mark, since, oldest, wishes; /* wishes: those above it may not be in the lists' file */
};

static bool known_mo(void *ctx, const struct mo *m)
{
	struct restart *r = ctx;

	r->e->mos.last = MAX(r->e->mos.last, m->key);
	if (m->key > r->wishes)
		mo_wish(r->e, m, true);
	for (size_t i = 0; i < mo_part_count(m); i++)
		map_set(r->joined, (uint64_t)mo_part_key(m, i), 1);
	if (m->total <= 1 && m->at >= r->since && m->hash)
		mo_remember(r->e, m->hash, 0, m->at, false);
	return true;
}

static bool known_part(void *ctx, const struct mo_part *p)
{
	struct restart *r = ctx;

	if (p->at >= r->since && p->hash)
		mo_remember(r->e, p->hash, 0, p->at, false);
	if (p->key < r->mark || p->at < r->oldest || map_get(r->joined, (uint64_t)p->key, NULL))
		return true;
	buf_put(&r->waiting, p, sizeof *p);
	buf_put(&r->waiting, p->text.p, p->text.n);
	return true;
}

/* What waited for its fellows waits on; what an older version stored without joining is taken now. */
static void take_waiting(struct restart *r)
{
	for (size_t at = 0; at + sizeof(struct mo_part) <= r->waiting.n;) {
		struct mo_part p;
		unsigned char le[8];

		memcpy(&p, r->waiting.p + at, sizeof p);
		p.text.p = r->waiting.p + at + sizeof p;
		at += sizeof p + p.text.n;
		if (p.total > 1 && p.part >= 1 && p.part <= p.total) {
			mo_join(r->e, &p);
			continue;
		}
		le_put(le, (uint64_t)p.key, sizeof le);
		mo_accept(r->e, &(struct mo_arrival){.connection = p.connection,
						     .total = 1,
						     .came = 1,
						     .source = p.source,
						     .short_code = p.short_code,
						     .text = p.text,
						     .parts = {(char *)le, sizeof le}});
	}
}

int mo_recover(struct engine *e, int64_t mark, int64_t wishes)
{
	struct restart r = {.e = e,
			    .joined = map_new(),
			    .waiting = {.max = (size_t)1 << 30},
			    .mark = mark,
			    .since = e->now - e->settings->sms.mo.duplicate_window_ms,
			    .oldest = e->now - e->settings->retention.mo_ms,
			    .wishes = MAX(wishes, e->optout_mark)};
	int64_t from = MIN(MIN(mark, r.wishes), uid_key_at(MAX(r.since, (int64_t)0)));
	int n;

	e->optout_mark = r.wishes;
	n = e->ops->mos_from(e->store, from, known_mo, &r);
	if (n == 0)
		n = e->ops->mo_parts_from(e->store, from, known_part, &r);
	if (n == 0)
		take_waiting(&r);
	/* Nothing lately: the lists' end is the last key given out, which is above every one there is. */
	e->mos.last = MAX(e->mos.last, e->ops->last_key(e->store));
	map_free(r.joined);
	buf_done(&r.waiting);
	return n;
}
