/* query_list.c - the status list of a user: leases a gap of unread changes, reads it, and says what the answer covered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/ask.h"

void ask_lease(struct engine *e, struct ask *a) { lists_lease(e, &a->lease); }

void ask_narrow(struct engine *e, struct ask *a)
{
	lists_narrow(e, a->lease.user, a->lease.kind, a->lease.id, a->to);
}

struct listing {
	const struct list_ask *ask;
	int64_t *keys, *seqs;
	size_t n;
	int64_t oldest;
};

static bool list_row(void *ctx, const struct event *ev)
{
	struct listing *l = ctx;

	if (ev->at < l->oldest || (l->ask->start && ev->at < l->ask->start) || (l->ask->end && ev->at > l->ask->end))
		return true;
	l->keys[l->n] = ev->key;
	l->seqs[l->n++] = ev->seq;
	return l->n < l->ask->limit;
}

/* The lowest event not older than the retention of statuses: events are in order of time, near enough. */
static int64_t retention_edge(struct query *q, int64_t head, int64_t oldest)
{
	int64_t low = 0, high = head;
	struct event ev;

	while (low < high) {
		int64_t mid = low + (high - low) / 2;

		if (q->store->ops->r_event(q->r, mid, &ev) < 0 || ev.at < oldest)
			low = mid + 1;
		else
			high = mid;
	}
	return MAX(low - 1, 0);
}

static void sub_accounts(const struct scope *sc, const uint32_t **subs, size_t *n, uint32_t **owned)
{
	const struct snapshot *s = snapshot_get();

	*owned = NULL;
	if (sc->sub_account) {
		*subs = &sc->sub_account;
		*n = 1;
	} else {
		*n = snapshot_subs_of(s, sc->account, owned);
		*subs = *owned;
	}
	snapshot_put(s);
}

static void lease_stretches(struct lease *l, const struct listing *x, const struct lease_ask *got, bool filtered, bool all)
{
	l->consumed = xcalloc(x->n + 1, sizeof *l->consumed);
	if (!filtered) {
		l->consumed[l->n++] = (struct stretch){got->gap.from, all ? got->gap.to : x->seqs[x->n - 1]};
		return;
	}
	for (size_t i = 0; i < x->n; i++)
		l->consumed[l->n++] = (struct stretch){x->seqs[i], x->seqs[i]};
}

/* One gap: what is unread in it, up to the limit. Returns the number of changes, -EAGAIN for an empty gap with more behind. */
static ssize_t list_gap(struct query *q, const struct list_ask *ask, struct lease_ask *la, struct listing *x,
			struct lease **ret, int64_t deadline_ms)
{
	struct ask *a = ask_new(ask_lease, NULL, 0);
	const uint32_t *subs;
	uint32_t *owned = NULL;
	size_t sub_n;
	bool filtered = ask->start || ask->end;
	int64_t head = 0;
	int r;

	a->lease = *la;
	r = ask_wait(q, a, deadline_ms);
	if (r == 0) {
		*la = a->lease;
		head = a->head;
	}
	ask_put(a);
	if (r < 0)
		return r;
	if (la->needs_edge) {
		la->edge = retention_edge(q, head, x->oldest);
		return -EAGAIN;
	}
	if (!la->id)
		return 0;
	*ret = xnew(struct lease);
	(*ret)->user = ask->user;
	(*ret)->id = la->id;
	if (filtered && la->full)
		return -ENOSPC;
	sub_accounts(&ask->scope, &subs, &sub_n, &owned);
	r = q->store->ops->r_changes(q->r, subs, sub_n, la->gap.from, la->gap.to, ask->limit, list_row, x, deadline_ms);
	free(owned);
	if (r < 0)
		return r;
	bool all = x->n < ask->limit;
	if (x->n || (all && !filtered))
		lease_stretches(*ret, x, la, filtered, all);
	if (!all || filtered) {
		a = ask_new(ask_narrow, NULL, 0);
		a->lease = *la;
		a->to = x->n ? x->seqs[x->n - 1] : la->gap.from;
		if (ask_wait(q, a, deadline_ms) < 0)
			r = -ETIMEDOUT;
		ask_put(a);
	}
	return r < 0 ? r : (ssize_t)x->n;
}

/* One entry a delivery, at the place of its oldest unread change. */
static size_t once_each(int64_t *keys, size_t n)
{
	struct map *seen = map_new();
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (map_get(seen, (uint64_t)keys[i], NULL))
			continue;
		map_set(seen, (uint64_t)keys[i], 1);
		keys[kept++] = keys[i];
	}
	map_free(seen);
	return kept;
}

ssize_t query_list(struct query *q, const struct list_ask *ask, struct delivery **out, struct lease **ret, int64_t deadline_ms)
{
	struct listing x = {.ask = ask, .oldest = wall_ms() - (q->e->settings->retention.status_ms)};
	struct lease_ask la = {.user = ask->user, .edge = -1};
	ssize_t n = -EAGAIN;
	size_t kept = 0, found = 0;

	x.keys = xcalloc(ask->limit + 1, sizeof *x.keys);
	x.seqs = xcalloc(ask->limit + 1, sizeof *x.seqs);
	*ret = NULL;
	/* Gaps without anything for this user are consumed on the way, unless a filter asked to leave them. */
	for (int turn = 0; turn < 64; turn++) {
		n = list_gap(q, ask, &la, &x, ret, deadline_ms);
		if (n == -EAGAIN)
			continue;
		if (n != 0 || !*ret)
			break;
		la.after = la.gap.to;
		if ((*ret)->n)
			lease_consume(q->e, *ret, NULL, NULL);
		else
			lease_release(q->e, *ret);
		*ret = NULL;
	}
	if (n > 0) {
		kept = once_each(x.keys, x.n);
		int r = query_current(q, x.keys, kept, out, deadline_ms);

		if (r < 0)
			n = r;
		for (size_t i = 0; r == 0 && i < kept; i++)
			if (out[i] && scope_holds(&ask->scope, out[i]))
				out[found++] = out[i];
			else
				delivery_free(out[i]);
	}
	free(x.keys);
	free(x.seqs);
	if (n < 0 && *ret) {
		lease_release(q->e, *ret);
		*ret = NULL;
	}
	return n < 0 ? (n == -EAGAIN ? 0 : n) : (ssize_t)found;
}

struct lease_end {
	struct call call;
	struct lease *lease;
	bool consume;
	void (*done)(void *ctx);
	void *ctx;
};

static void do_end(struct engine *e, struct call *c)
{
	struct lease_end *l = (struct lease_end *)c;

	lists_end(e, l->lease->user, l->lease->kind, l->lease->id, l->lease->consumed, l->consume ? l->lease->n : 0);
}

static void end_done(struct call *c)
{
	struct lease_end *l = (struct lease_end *)c;

	if (l->done)
		l->done(l->ctx);
	free(l->lease->consumed);
	free(l->lease);
	free(l);
}

static void end_lease(struct engine *e, struct lease *take, bool consume, void (*done)(void *ctx), void *ctx)
{
	struct lease_end *l = xnew(struct lease_end);

	l->call.in.kind = INPUT_CALL;
	l->call.fn = do_end;
	l->call.done = end_done;
	l->lease = take;
	l->consume = consume;
	l->done = done;
	l->ctx = ctx;
	engine_post(e, &l->call.in, true);
}

void lease_consume(struct engine *e, struct lease *take, void (*done)(void *ctx), void *ctx)
{
	end_lease(e, take, true, done, ctx);
}

void lease_release(struct engine *e, struct lease *take) { end_lease(e, take, false, NULL, NULL); }
