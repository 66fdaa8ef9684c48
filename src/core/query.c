/* query.c - reading beside the engine: what is in its memory is asked of it (a call that runs in a turn), the rest is read from the
 * files. A delivery that the engine does not hold is complete in its row, so nothing is missed between the two. */
#include "core/query.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "core/lists.h"

struct query {
	struct engine *e; /* NULL: beside no engine, see query_open_store */
	struct store *store;
	struct store_reader *r;
	struct map *unmerged; /* without an engine: key -> struct delivery with its events applied */
};

int query_open(struct query **ret, struct engine *e, struct err *err)
{
	struct query *q = xnew(struct query);
	int r;

	q->e = e;
	q->store = e->store;
	r = q->store->ops->reader_open(q->store, &q->r, err);
	if (r < 0) {
		free(q);
		return r;
	}
	*ret = q;
	return 0;
}

static bool keep_unmerged(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	struct query *q = ctx;

	for (size_t i = 0; i < n; i++)
		delivery_apply(take, &ev[i]);
	if (n)
		map_set_ptr(q->unmerged, (uint64_t)take->key, take);
	else
		delivery_free(take);
	return true;
}

int query_open_store(struct query **ret, struct store *s, struct err *err)
{
	struct query *q = xnew(struct query);
	int r;

	q->store = s;
	q->unmerged = map_new();
	r = s->ops->reader_open(s, &q->r, err);
	if (r >= 0)
		r = s->ops->recover(s, keep_unmerged, q);
	if (r < 0) {
		query_close(q);
		return r;
	}
	*ret = q;
	return 0;
}

static bool free_one(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	delivery_free((void *)(uintptr_t)value);
	return true;
}

void query_close(struct query *q)
{
	if (!q)
		return;
	if (q->r)
		q->store->ops->reader_close(q->r);
	if (q->unmerged) {
		map_each(q->unmerged, free_one, NULL);
		map_free(q->unmerged);
	}
	free(q);
}

/* -- asking the engine ---------------------------------------------------------------------------------------------- */

/* Shared by the asker and the engine; whoever lets go last frees it: an asker may give up at its deadline. */
struct ask {
	struct call call;
	atomic_int refs;
	sem_t answered;
	void (*fn)(struct engine *e, struct ask *a);
	/* deliveries */
	int64_t *keys;
	struct delivery **found; /* copies of what is in memory */
	size_t n;
	bool want_seqs;
	int64_t *seqs; /* of keys[0], unmerged */
	size_t seq_n;
	/* leases */
	struct lease_ask lease;
	struct stretch *consumed;
	size_t consumed_n;
	int64_t to;
	int64_t head; /* last event number */
};

static struct ask *ask_new(void (*fn)(struct engine *e, struct ask *a), const int64_t *keys, size_t n)
{
	struct ask *a = xnew(struct ask);

	a->fn = fn;
	a->n = n;
	a->keys = xcalloc(n + 1, sizeof *a->keys);
	a->found = xcalloc(n + 1, sizeof *a->found);
	if (n)
		memcpy(a->keys, keys, n * sizeof *keys);
	sem_init(&a->answered, 0, 0);
	atomic_store(&a->refs, 2);
	return a;
}

static void ask_put(struct ask *a)
{
	if (atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	for (size_t i = 0; i < a->n; i++)
		delivery_free(a->found[i]);
	free(a->keys);
	free(a->found);
	free(a->seqs);
	free(a->consumed);
	sem_destroy(&a->answered);
	free(a);
}

static void run(struct engine *e, struct call *c)
{
	struct ask *a = (struct ask *)c;

	a->head = e->seq;
	a->fn(e, a);
}

static void answered(struct call *c)
{
	struct ask *a = (struct ask *)c;

	sem_post(&a->answered);
	ask_put(a);
}

/* 0, or -ETIMEDOUT; the asker still owns its reference. */
static int ask_wait(struct query *q, struct ask *a, int64_t deadline_ms)
{
	struct timespec until;
	int64_t at = wall_ms() + (deadline_ms > 0 ? deadline_ms : 60000);

	a->call.in.kind = INPUT_CALL;
	a->call.fn = run;
	a->call.done = answered;
	engine_post(q->e, &a->call.in, true);
	until.tv_sec = at / 1000;
	until.tv_nsec = at % 1000 * 1000000;
	while (sem_timedwait(&a->answered, &until) < 0)
		if (errno != EINTR)
			return -ETIMEDOUT;
	return 0;
}

static void copy_live(struct engine *e, struct ask *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct live *lv = live_find(&e->lives, a->keys[i]);

		if (!lv)
			continue;
		a->found[i] = delivery_copy(lv->d);
		if (a->want_seqs && i == 0 && lv->n) {
			a->seqs = xcalloc(lv->n, sizeof *a->seqs);
			memcpy(a->seqs, lv->seqs, lv->n * sizeof *a->seqs);
			a->seq_n = lv->n;
		}
	}
}

static bool in_scope(const struct scope *sc, const struct delivery *d)
{
	return sc->everything || (d->account == sc->account && (!sc->sub_account || d->sub_account == sc->sub_account));
}

/* The newest state of each key, NULL when unknown. */
static int current(struct query *q, const int64_t *keys, size_t n, struct delivery **out, int64_t deadline_ms)
{
	int64_t until = wall_ms() + deadline_ms;

	memset(out, 0, n * sizeof *out);
	if (q->e) {
		struct ask *a = ask_new(copy_live, keys, n);
		int r = ask_wait(q, a, deadline_ms);

		if (r == 0) {
			memcpy(out, a->found, n * sizeof *out);
			memset(a->found, 0, n * sizeof *out);
		}
		ask_put(a);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		const struct delivery *d = q->unmerged ? map_ptr(q->unmerged, (uint64_t)keys[i]) : NULL;

		if (d)
			out[i] = delivery_copy(d);
		else if (!out[i] && q->store->ops->r_load(q->r, keys[i], &out[i]) < 0)
			out[i] = NULL;
		if (deadline_ms > 0 && wall_ms() > until) {
			for (size_t k = 0; k < n; k++) {
				delivery_free(out[k]);
				out[k] = NULL;
			}
			return -ETIMEDOUT;
		}
	}
	return 0;
}

int query_ids(struct query *q, const struct scope *sc, const struct uid *ids, size_t n, struct delivery **out, int64_t deadline_ms)
{
	int64_t *keys = xcalloc(n + 1, sizeof *keys);
	int r;

	for (size_t i = 0; i < n; i++)
		keys[i] = ids[i].key;
	r = current(q, keys, n, out, deadline_ms);
	free(keys);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (out[i] && (out[i]->rest != ids[i].rest || !in_scope(sc, out[i]))) {
			delivery_free(out[i]);
			out[i] = NULL;
		}
	return r;
}

ssize_t query_correlation(struct query *q, const struct scope *sc, struct str correlation,
			  struct delivery **out, size_t max, int64_t deadline_ms)
{
	int64_t *keys = xcalloc(max + 1, sizeof *keys);
	size_t n = q->store->ops->r_by_correlation(q->r, sc->account, correlation, keys, max), kept = 0;
	int r = current(q, keys, n, out, deadline_ms);

	free(keys);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (out[i] && in_scope(sc, out[i]) && str_eq(out[i]->t.correlation, correlation))
			out[kept++] = out[i];
		else
			delivery_free(out[i]);
	}
	return (ssize_t)kept;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int query_history(struct query *q, const struct scope *sc, struct uid id, struct delivery **ret,
		  struct event **events, size_t *n)
{
	struct delivery *d = NULL;
	int64_t *seqs = NULL;
	size_t merged = 0, all, kept = 0;
	struct ask *a = NULL;
	int r = 0;

	if (q->e) {
		a = ask_new(copy_live, &id.key, 1);
		a->want_seqs = true;
		r = ask_wait(q, a, 10000);
		if (r == 0) {
			d = a->found[0];
			a->found[0] = NULL;
		}
	} else if (map_ptr(q->unmerged, (uint64_t)id.key)) {
		d = delivery_copy(map_ptr(q->unmerged, (uint64_t)id.key));
	}
	if (r == 0 && !d && q->store->ops->r_load(q->r, id.key, &d) < 0)
		r = -ENOENT;
	if (r == 0 && (d->rest != id.rest || !in_scope(sc, d)))
		r = -ENOENT;
	if (r < 0) {
		delivery_free(d);
		if (a)
			ask_put(a);
		return r;
	}
	if (q->store->ops->r_history(q->r, id.key, &seqs, &merged) < 0)
		merged = 0;
	all = merged + (a && r == 0 ? a->seq_n : 0);
	seqs = xrealloc(seqs, all + 1, sizeof *seqs);
	if (a && a->seq_n)
		memcpy(seqs + merged, a->seqs, a->seq_n * sizeof *seqs);
	if (all)
		qsort(seqs, all, sizeof *seqs, by_number);
	*events = xcalloc(all + 1, sizeof **events);
	for (size_t i = 0; i < all; i++) {
		if (i && seqs[i] == seqs[i - 1])
			continue;
		if (q->store->ops->r_event(q->r, seqs[i], &(*events)[kept]) == 0)
			kept++;
	}
	free(seqs);
	if (a)
		ask_put(a);
	*n = kept;
	*ret = d;
	return 0;
}

/* -- search --------------------------------------------------------------------------------------------------------- */

#define SEARCH_STEP 256
struct searching {
	const struct scope *sc;
	const struct search *s;
	int64_t keys[SEARCH_STEP];
	size_t n;
	int64_t last; /* key of the oldest row looked at */
};

static bool fits(const struct scope *sc, const struct search *s, const struct delivery *d)
{
	return in_scope(sc, d) && (!s->number.n || str_eq(d->t.number, s->number)) &&
	       (!s->correlation.n || str_eq(d->t.correlation, s->correlation)) &&
	       (!s->campaign.n || str_eq(d->t.campaign, s->campaign));
}

static bool search_row(void *ctx, const struct delivery *d)
{
	struct searching *x = ctx;

	x->last = d->key;
	if (fits(x->sc, x->s, d))
		x->keys[x->n++] = d->key;
	return x->n < SEARCH_STEP;
}

int query_search(struct query *q, const struct scope *sc, const struct search *s,
		 bool (*fn)(void *ctx, const struct delivery *d), void *ctx)
{
	int64_t until = s->until ? s->until : wall_ms() + 60000;
	struct delivery *found[SEARCH_STEP];
	size_t given = 0, limit = s->limit ? s->limit : SIZE_MAX;
	int64_t seen = INT64_MAX;
	bool more = true;

	while (more && given < limit) {
		struct searching x = {.sc = sc, .s = s};
		int r = q->store->ops->r_scan(q->r, s->since, until, search_row, &x, 10000);

		if (r == 0)
			r = current(q, x.keys, x.n, found, 10000);
		if (r < 0)
			return r;
		more = x.n == SEARCH_STEP && x.last < seen;
		for (size_t i = 0; i < x.n; i++) {
			struct delivery *d = found[i];
			bool ok = d && d->key < seen && given < limit &&
				  (s->status < 0 || d->sent_code == s->status || d->delivered_code == s->status);

			if (ok) {
				given++;
				if (!fn(ctx, d))
					more = false, limit = 0;
			}
			delivery_free(d);
		}
		/* The next stretch begins in the millisecond this one ended in; `seen` keeps its rows from coming twice. */
		seen = x.last;
		until = uid_key_ms(x.last);
	}
	return 0;
}

/* -- lists ---------------------------------------------------------------------------------------------------------- */

struct lease {
	uint32_t user;
	uint64_t id;
	struct stretch *consumed;
	size_t n;
};

static void do_lease(struct engine *e, struct ask *a) { lists_lease(e, &a->lease); }

static void do_narrow(struct engine *e, struct ask *a) { lists_narrow(e, a->lease.user, a->lease.id, a->to); }

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
	struct ask *a = ask_new(do_lease, NULL, 0);
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
		a = ask_new(do_narrow, NULL, 0);
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
		if (n != 0 || !la.id)
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
		int r = current(q, x.keys, kept, out, deadline_ms);

		if (r < 0)
			n = r;
		for (size_t i = 0; r == 0 && i < kept; i++)
			if (out[i] && in_scope(&ask->scope, out[i]))
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

	lists_end(e, l->lease->user, l->lease->id, l->lease->consumed, l->consume ? l->lease->n : 0);
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

/* -- what lies aside ------------------------------------------------------------------------------------------------ */

struct aside {
	bool (*parked)(void *ctx, const struct parked *p);
	bool (*dead)(void *ctx, const struct dead_hook *h);
	void *ctx;
	struct query *q;
};

static bool parked_row(void *ctx, const struct parked_row *r)
{
	struct aside *a = ctx;
	struct parked p = {.id = r->id, .connection = r->connection, .at = r->at, .state = r->state};

	memcpy(p.carrier_id, r->carrier_id, sizeof p.carrier_id);
	memcpy(p.source, r->source, sizeof p.source);
	memcpy(p.destination, r->destination, sizeof p.destination);
	memcpy(p.err, r->err, sizeof p.err);
	return a->parked(a->ctx, &p);
}

int query_parked(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct parked *p), void *ctx)
{
	struct aside a = {.parked = fn, .ctx = ctx};

	return q->store->ops->r_parked(q->r, limit, parked_row, &a);
}

static bool dead_row(void *ctx, const struct hook_row *r)
{
	struct aside *a = ctx;
	struct dead_hook h = {.key = r->key,
			      .kind = r->kind,
			      .webhook = r->webhook,
			      .since = r->first_at,
			      .last = r->last_at,
			      .status = r->status,
			      .tries = r->tries};
	struct delivery *d = NULL;

	if (a->q->store->ops->r_load(a->q->r, r->key, &d) == 0) {
		h.rest = d->rest;
		delivery_free(d);
	}
	memcpy(h.why, r->why, sizeof h.why);
	return a->dead(a->ctx, &h);
}

int query_dead_hooks(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct dead_hook *h), void *ctx)
{
	struct aside a = {.dead = fn, .ctx = ctx, .q = q};

	return q->store->ops->r_hooks_dead(q->r, limit, dead_row, &a);
}
