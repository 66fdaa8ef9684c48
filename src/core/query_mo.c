/* query_mo.c - reading MOs: the list that each user consumes, the search, and one with its history. An MO never changes, so the rows are
 * the whole truth; only the cursors are asked of the engine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/ask.h"

#define ROWS_A_LOOK 200000 /* of other people's MOs, passed over in one look */

static bool in_scope(const struct scope *sc, const struct mo *m)
{
	return sc->everything || (m->account == sc->account && (!sc->sub_account || m->sub_account == sc->sub_account));
}

struct listing {
	const struct list_ask *ask;
	struct mo **out;
	size_t n, looked;
	int64_t last; /* key looked at */
	bool whole;   /* everything was looked at */
};

static bool list_row(void *ctx, const struct mo *m)
{
	struct listing *l = ctx;

	if (l->n == l->ask->limit || l->looked == ROWS_A_LOOK) {
		l->whole = false;
		return false;
	}
	l->looked++;
	l->last = m->key;
	if (in_scope(&l->ask->scope, m) && (!l->ask->start || m->at >= l->ask->start) &&
	    (!l->ask->end || m->at <= l->ask->end))
		l->out[l->n++] = mo_copy(m);
	return true;
}

static void drop(struct mo **out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(out[i]);
}

/* What of the gap the answer covers: all that was looked at, or just what is in it when something was asked to be left. */
static void cover(struct lease *l, const struct listing *x, const struct lease_ask *got, bool filtered)
{
	l->consumed = xcalloc(x->n + 1, sizeof *l->consumed);
	for (size_t i = 0; filtered && i < x->n; i++)
		l->consumed[l->n++] = (struct stretch){x->out[i]->key, x->out[i]->key};
	if (!filtered && (x->whole || x->looked))
		l->consumed[l->n++] = (struct stretch){got->gap.from, x->whole ? got->gap.to : x->last};
}

static int ask_engine(struct query *q, void (*fn)(struct engine *e, struct ask *a), struct lease_ask *la,
		      int64_t to, int64_t deadline_ms)
{
	struct ask *a = ask_new(fn, NULL, 0);
	int r;

	a->lease = *la;
	a->to = to;
	r = ask_wait(q, a, deadline_ms);
	if (r == 0)
		*la = a->lease;
	ask_put(a);
	return r;
}

/* One gap. Returns how many of it are listed; 0 with a lease: nothing in it, look behind it. */
static ssize_t list_gap(struct query *q, struct listing *x, struct lease_ask *la, bool filtered,
			struct lease **ret, int64_t deadline_ms)
{
	int64_t until = wall_ms() + deadline_ms;
	int r = ask_engine(q, ask_lease, la, 0, deadline_ms);

	if (r < 0 || !la->id)
		return r;
	*ret = xnew(struct lease);
	(*ret)->user = la->user;
	(*ret)->kind = LIST_MO;
	(*ret)->id = la->id;
	if (filtered && la->full)
		return -ENOSPC;
	x->whole = true;
	x->looked = 0;
	r = q->store->ops->r_mos(q->r, la->gap.from, la->gap.to, false, list_row, x, MAX(until - wall_ms(), (int64_t)1));
	if (r < 0)
		return r;
	cover(*ret, x, la, filtered);
	if (!x->whole)
		la->gap.to = x->last;
	if (!x->whole || filtered)
		r = ask_engine(q, ask_narrow, la, x->n && filtered ? x->out[x->n - 1]->key : la->gap.to,
			       MAX(until - wall_ms(), (int64_t)1));
	return r < 0 ? r : (ssize_t)x->n;
}

ssize_t query_mo_list(struct query *q, const struct list_ask *ask, struct mo **out, struct lease **ret, int64_t deadline_ms)
{
	int64_t now = wall_ms(), until = now + deadline_ms, keep = MIN(MO_LIST_MS, q->e->settings->retention.mo_ms);
	struct lease_ask la = {.user = ask->user, .kind = LIST_MO, .edge = uid_key_at(now - keep) - 1, .raise = true};
	struct listing x = {.ask = ask, .out = out};
	bool filtered = ask->start || ask->end || ask->narrow;
	ssize_t n = 0;

	*ret = NULL;
	for (int turn = 0; turn < 64; turn++) {
		int64_t left = until - wall_ms();

		n = left > 0 ? list_gap(q, &x, &la, filtered, ret, left) : -ETIMEDOUT;
		if (n != 0 || !*ret)
			break;
		la.after = la.gap.to;
		if ((*ret)->n)
			lease_consume(q->e, *ret, NULL, NULL);
		else
			lease_release(q->e, *ret);
		*ret = NULL;
	}
	if (n >= 0)
		return n;
	drop(out, x.n);
	if (*ret)
		lease_release(q->e, *ret);
	*ret = NULL;
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
