/* MOs and their parts in the memory driver. */
#include <errno.h>
#include <string.h>

#include "store/memory_rows.h"

static void memory_mo(struct store *s, const struct mo *m)
{
	memory_set(s, &of(s)->c->mos, (struct row_key){{m->key}}, mo_copy(m), OP_MO, mo_copy(m));
	given_out(of(s)->c, m->key);
}

struct mo_part *mo_part_copy(const struct mo_part *p)
{
	struct mo_part *copy = xcalloc(1, sizeof(*p) + p->text.n);

	*copy = *p;
	copy->text.p = (const char *)(copy + 1);
	if (p->text.n > 0)
		memcpy(copy + 1, p->text.p, p->text.n);
	return copy;
}

static void memory_mo_part(struct store *s, const struct mo_part *p)
{
	memory_set(s, &of(s)->c->mo_parts, (struct row_key){{p->key}}, mo_part_copy(p), OP_MO_PART, mo_part_copy(p));
	given_out(of(s)->c, p->key);
}

static int memory_mo_load(struct store *s, int64_t key, struct mo **ret)
{
	const struct mo *m = seen(&of(s)->c->mos, (struct row_key){{key}});

	if (!m)
		return -ENOENT;
	*ret = mo_copy(m);
	return 0;
}

static int memory_mos_from(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo *m), void *ctx)
{
	const struct table *t = &of(s)->c->mos;

	for (size_t i = table_lower(t, (struct row_key){{from, INT64_MIN, INT64_MIN, INT64_MIN}}); i < t->n; i++)
		if (row_seen(t->a[i]) && !fn(ctx, row_seen(t->a[i])))
			break;
	return 0;
}

static int memory_mo_parts_from(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx)
{
	const struct table *t = &of(s)->c->mo_parts;

	for (size_t i = table_lower(t, (struct row_key){{from, INT64_MIN, INT64_MIN, INT64_MIN}}); i < t->n; i++)
		if (row_seen(t->a[i]) && !fn(ctx, row_seen(t->a[i])))
			break;
	return 0;
}

static int memory_r_mo(struct store_reader *r, int64_t key, struct mo **ret)
{
	const struct row *row;
	bool found;

	lock(r->m);
	row = table_find(&r->m->c->mos, (struct row_key){{key}});
	found = row && row->now;
	if (found)
		*ret = mo_copy(row->now);
	unlock(r->m);
	return found ? 0 : -ENOENT;
}

static int memory_r_mos(struct store_reader *r, int64_t from, int64_t to, bool newest_first,
			bool (*fn)(void *ctx, const struct mo *m), void *ctx, int64_t deadline_ms)
{
	const struct table *t = &r->m->c->mos;

	(void)deadline_ms;
	lock(r->m);
	for (size_t n = 0; n < t->n; n++) {
		const struct row *row = t->a[newest_first ? t->n - 1 - n : n];

		if (row->now && row->key.k[0] >= from && row->key.k[0] <= to && !fn(ctx, row->now))
			break;
	}
	unlock(r->m);
	return 0;
}

static int memory_r_mo_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n)
{
	const struct content *c = r->m->c;

	lock(r->m);
	*n = 0;
	*seqs = NULL;
	for (size_t i = 0; i < c->events_now; i++) {
		const struct event *e = c->events[i];

		if (e->key != key || (e->kind != EV_RECEIVED && !(event_is_hook(e->kind) && e->arg == HOOK_MO)))
			continue;
		*seqs = xrealloc(*seqs, *n + 1, sizeof(**seqs));
		(*seqs)[(*n)++] = e->seq;
	}
	if (!*seqs)
		*seqs = xcalloc(1, sizeof(**seqs));
	unlock(r->m);
	return 0;
}

void memory_mo_ops(struct store_ops *o)
{
	o->mo = memory_mo;
	o->mo_part = memory_mo_part;
	o->mo_load = memory_mo_load;
	o->mos_from = memory_mos_from;
	o->mo_parts_from = memory_mo_parts_from;
	o->r_mo = memory_r_mo;
	o->r_mos = memory_r_mos;
	o->r_mo_history = memory_r_mo_history;
}
