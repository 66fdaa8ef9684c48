/* query.c - look-ups by id, correlation and time, histories, and what lies aside; see ask.c for where the answers come from. */
#include "core/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/ask.h"

#define HISTORY_MS 10000

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
	struct unmerged *u;

	if (!n) {
		delivery_free(take);
		return true;
	}
	u = xcalloc(1, sizeof(*u) + n * sizeof(u->seqs[0]));
	u->d = take;
	u->n = n;
	for (size_t i = 0; i < n; i++) {
		delivery_apply(take, &ev[i]);
		u->seqs[i] = ev[i].seq;
	}
	map_set_ptr(q->unmerged, (uint64_t)take->key, u);
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
	struct unmerged *u = (void *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	delivery_free(u->d);
	free(u);
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

int query_ids(struct query *q, const struct scope *sc, const struct uid *ids, size_t n, struct delivery **out, int64_t deadline_ms)
{
	int64_t *keys = xcalloc(n + 1, sizeof *keys);
	int r;

	for (size_t i = 0; i < n; i++)
		keys[i] = ids[i].key;
	r = query_current(q, keys, n, out, deadline_ms);
	free(keys);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (out[i] && (out[i]->rest != ids[i].rest || !scope_holds(sc, out[i]))) {
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
	int r = query_current(q, keys, n, out, deadline_ms);

	free(keys);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (out[i] && scope_holds(sc, out[i]) && str_eq(out[i]->t.correlation, correlation))
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

/* The newest state and the events that are not in the row's history yet; the caller owns both. */
static int history_now(struct query *q, int64_t key, struct delivery **d, int64_t **seqs, size_t *n)
{
	const struct unmerged *u = unmerged_of(q, key);
	struct ask *a;
	int r = 0;

	if (q->e) {
		a = ask_new(ask_live, &key, 1);
		a->want_seqs = true;
		r = ask_wait(q, a, HISTORY_MS);
		if (r == 0) {
			*d = a->found[0];
			*seqs = a->seqs;
			*n = a->seq_n;
			a->found[0] = NULL;
			a->seqs = NULL;
		}
		ask_put(a);
	} else if (u) {
		*d = delivery_copy(u->d);
		*n = u->n;
		*seqs = xcalloc(u->n, sizeof(int64_t));
		memcpy(*seqs, u->seqs, u->n * sizeof(int64_t));
	}
	if (r == 0 && !*d && q->store->ops->r_load(q->r, key, d) < 0)
		r = -ENOENT;
	return r;
}

int query_history(struct query *q, const struct scope *sc, struct uid id, struct delivery **ret,
		  struct event **events, size_t *n)
{
	struct delivery *d = NULL;
	int64_t *seqs = NULL, *merged = NULL;
	size_t fresh = 0, old = 0;
	int r = history_now(q, id.key, &d, &seqs, &fresh);

	if (r == 0 && (d->rest != id.rest || !scope_holds(sc, d)))
		r = -ENOENT;
	if (r < 0) {
		delivery_free(d);
		free(seqs);
		return r;
	}
	if (q->store->ops->r_history(q->r, id.key, &merged, &old) < 0)
		old = 0;
	seqs = xrealloc(seqs, fresh + old + 1, sizeof(int64_t));
	if (old)
		memcpy(seqs + fresh, merged, old * sizeof(int64_t));
	free(merged);
	qsort(seqs, fresh + old, sizeof(int64_t), by_number);
	*events = xcalloc(fresh + old + 1, sizeof **events);
	*n = 0;
	for (size_t i = 0; i < fresh + old; i++)
		if (!(i && seqs[i] == seqs[i - 1]) && q->store->ops->r_event(q->r, seqs[i], &(*events)[*n]) == 0)
			++*n;
	free(seqs);
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
	return scope_holds(sc, d) && (!s->number.n || str_eq(d->t.number, s->number)) &&
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

		if (r < 0)
			return r;
		r = query_current(q, x.keys, x.n, found, 10000);
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

	struct mo *mo = NULL;

	if (r->kind == HOOK_MO && a->q->store->ops->r_mo(a->q->r, r->key, &mo) == 0) {
		h.rest = mo->rest;
		free(mo);
	} else if (a->q->store->ops->r_load(a->q->r, r->key, &d) == 0) {
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

int query_balances(struct query *q, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	return q->store->ops->r_balances(q->r, fn, ctx);
}

int query_ledger(struct query *q, uint8_t kind, uint32_t owner,
		 bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx)
{
	return q->store->ops->r_ledger(q->r, kind, owner, fn, ctx);
}

struct numbering {
	bool (*fn)(void *ctx, const struct number_item *i);
	void *ctx;
};

static bool number_row(void *ctx, const struct number_row *r)
{
	struct numbering *n = ctx;
	struct number_item i = {{r->key, r->rest}, r->mo, r->at, r->source, r->destination, r->text};

	return n->fn(n->ctx, &i);
}

int query_number(struct query *q, struct str number, bool (*fn)(void *ctx, const struct number_item *i), void *ctx)
{
	struct numbering n = {fn, ctx};

	return q->store->ops->r_number(q->r, number, number_row, &n);
}
