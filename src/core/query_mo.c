/* query_mo.c - reading MOs: the list that each user consumes, the search, and one with its history. An MO never changes, so the rows are
 * the whole truth; only the cursors are asked of the engine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/ask.h"

static bool in_scope(const struct scope *sc, const struct mo *m)
{
	return sc->everything || (m->account == sc->account && (!sc->sub_account || m->sub_account == sc->sub_account));
}

struct listing {
	struct list_walk walk;
	const struct list_ask *ask;
	struct mo **out;
};

static bool list_row(void *ctx, const struct mo *m)
{
	struct listing *l = ctx;

	if (!walk_looks(&l->walk, m->key))
		return false;
	if (in_scope(&l->ask->scope, m) && !walk_was_listed(&l->walk, m->sub_account) &&
	    (!l->ask->start || m->at >= l->ask->start) && (!l->ask->end || m->at <= l->ask->end)) {
		l->out[l->walk.n] = mo_copy(m);
		walk_lists(&l->walk);
	}
	return true;
}

static int read_gap(struct list_walk *w, struct stretch gap, int64_t deadline_ms)
{
	struct listing *l = OWNER(struct listing, walk, w);

	return w->q->store->ops->r_mos(w->q->r, gap.from, gap.to, false, list_row, l, deadline_ms);
}

static void drop(struct mo **out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(out[i]);
}

ssize_t query_mo_list(struct query *q, const struct list_ask *ask, struct mo **out, struct lease **ret, int64_t deadline_ms)
{
	int64_t now = wall_ms(), keep = MIN(MO_LIST_MS, q->e->settings->retention.mo_ms);
	struct listing l = {.ask = ask, .out = out};
	ssize_t n;

	l.walk = (struct list_walk){.q = q,
				    .ask = {.user = ask->user,
					    .kind = LIST_MO,
					    .sub_account = ask->narrow ? ask->scope.sub_account : 0,
					    .edge = uid_key_at(now - keep) - 1,
					    .raise = true},
				    .filtered = ask->start || ask->end,
				    .limit = ask->limit,
				    .read = read_gap};
	l.walk.numbers = xcalloc(ask->limit + 1, sizeof *l.walk.numbers);
	n = walk_list(&l.walk, ret, deadline_ms);
	free(l.walk.numbers);
	if (n < 0)
		drop(out, l.walk.n);
	return n;
}

/* -- by time ------------------------------------------------------------------------------------------------------------ */

struct range {
	const struct scope *sc;
	struct str number;
	int64_t since, until;
	struct mo **out;
	size_t n, max;
	bool (*fn)(void *ctx, const struct mo *m);
	void *ctx;
};

static bool range_row(void *ctx, const struct mo *m)
{
	struct range *x = ctx;

	if (!in_scope(x->sc, m) || m->at < x->since || m->at > x->until || (x->number.n && !str_eqz(x->number, m->source)))
		return true;
	if (x->fn)
		return x->fn(x->ctx, m);
	x->out[x->n++] = mo_copy(m);
	return x->n < x->max;
}

/* The key's moment may be a little ahead of the clock's when very many were given out at once. */
static int read_range(struct query *q, struct range *x, bool newest_first, int64_t deadline_ms)
{
	int64_t from = uid_key_at(MAX(x->since, (int64_t)0)),
		to = x->until < INT64_MAX / 2 ? uid_key_at(x->until + 60000) : INT64_MAX;

	return q->store->ops->r_mos(q->r, from, to, newest_first, range_row, x, deadline_ms);
}

ssize_t query_mo_range(struct query *q, const struct scope *sc, int64_t since, int64_t until, struct mo **out,
		       size_t max, int64_t deadline_ms)
{
	struct range x = {.sc = sc, .since = since, .until = until, .out = out, .max = max};
	int r = read_range(q, &x, false, deadline_ms);

	if (r < 0)
		drop(out, x.n);
	return r < 0 ? r : (ssize_t)x.n;
}

int query_mo_search(struct query *q, const struct scope *sc, struct str number, int64_t since, int64_t until,
		    bool (*fn)(void *ctx, const struct mo *m), void *ctx)
{
	struct range x = {.sc = sc, .number = number, .since = since, .until = until ? until : INT64_MAX, .fn = fn, .ctx = ctx};

	return read_range(q, &x, true, 10000);
}

int query_mo(struct query *q, const struct scope *sc, struct uid id, struct mo **ret, struct event **events, size_t *n)
{
	const struct store_ops *o = q->store->ops;
	int64_t *seqs = NULL;
	size_t count = 0;
	int r = o->r_mo(q->r, id.key, ret);

	if (r < 0)
		return r;
	if ((*ret)->rest != id.rest || !in_scope(sc, *ret)) {
		free(*ret);
		return -ENOENT;
	}
	r = o->r_mo_history(q->r, id.key, &seqs, &count);
	*events = xcalloc(count + 1, sizeof **events);
	*n = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		if (o->r_event(q->r, seqs[i], &(*events)[*n]) == 0)
			++*n;
	free(seqs);
	if (r < 0) {
		free(*ret);
		free(*events);
	}
	return r;
}
