/* reach.c - counts of messages by number and by sub-account (reach.h). A sub-account's messages are in a ring in order of acceptance, so
 * that what leaves the period leaves it in front; beside it how many of them each number has. */
#include "core/reach.h"

#include <stdlib.h>
#include <string.h>

#include "core/ring.h"
#include "model/codes.h"

struct entry {
	int64_t key;     /* of the message: when it was accepted is in it */
	uint64_t number; /* hash; 0: it failed */
};
struct reach_sub {
	struct entry *ring;
	size_t head, n, cap;
	struct map *counts; /* hash -> messages in the ring */
	double tokens;      /* velocity: what may be sent at once */
	int64_t tokens_at;  /* when that was so; 0 = never looked */
};

static struct reach_sub *sub_of(struct engine *e, uint32_t id)
{
	struct reach_sub *r = map_ptr(e->reach.subs, id);

	if (!r) {
		r = xnew(struct reach_sub);
		map_set_ptr(e->reach.subs, id, r);
	}
	return r;
}

static struct reach_sub *counting(struct engine *e, uint32_t id)
{
	struct reach_sub *r = sub_of(e, id);

	if (!r->counts) {
		r->counts = map_new();
		e->reach.counted++;
	}
	return r;
}

static struct entry *at(const struct reach_sub *r, size_t i)
{
	return &r->ring[(r->head + i) & (r->cap - 1)];
}

static uint64_t hash_of(struct str number)
{
	uint64_t h = hash_bytes(number.p, number.n);

	return h ? h : 1;
}

static void uncount(struct reach_sub *r, struct entry *x)
{
	uint64_t n = 0;

	if (!x->number)
		return;
	map_get(r->counts, x->number, &n);
	if (n > 1)
		map_set(r->counts, x->number, n - 1);
	else
		map_del(r->counts, x->number, NULL);
	x->number = 0;
}

static void drop_first(struct reach_sub *r)
{
	uncount(r, at(r, 0));
	r->head = (r->head + 1) & (r->cap - 1);
	r->n--;
}

static void expire(struct reach_sub *r, int64_t before_ms)
{
	while (r->n && uid_key_ms(at(r, 0)->key) <= before_ms)
		drop_first(r);
}

static void grow(struct reach_sub *r)
{
	size_t cap = r->cap ? 2 * r->cap : 64;
	struct entry *ring = xcalloc(cap, sizeof(*ring));

	for (size_t i = 0; i < r->n; i++)
		ring[i] = *at(r, i);
	free(r->ring);
	r->ring = ring;
	r->cap = cap;
	r->head = 0;
}

static void remember(struct engine *e, struct reach_sub *r, int64_t key, uint64_t number)
{
	uint64_t n = 0;

	while (r->n && r->n >= MAX(REACH_MAX / e->reach.counted, 1024))
		drop_first(r);
	if (r->n == r->cap)
		grow(r);
	r->n++;
	*at(r, r->n - 1) = (struct entry){key, number};
	map_get(r->counts, number, &n);
	map_set(r->counts, number, n + 1);
}

static bool counts(const struct sub_account *sub, const struct delivery *d)
{
	return sub && sub->per_destination && (d->flags & DF_MARKETING) && d->t.number.n;
}

bool reach_spent(struct engine *e, const struct sub_account *sub, const struct delivery *d, uint32_t beside)
{
	struct reach_sub *r;
	uint64_t n = 0;

	if (!counts(sub, d))
		return false;
	r = map_ptr(e->reach.subs, sub->id);
	if (r && r->counts) {
		expire(r, uid_key_ms(d->key) - sub->per_destination_ms);
		map_get(r->counts, hash_of(d->t.number), &n);
	}
	return n + beside >= sub->per_destination;
}

void reach_accepted(struct engine *e, const struct sub_account *sub, const struct delivery *d)
{
	if (counts(sub, d))
		remember(e, counting(e, sub->id), d->key, hash_of(d->t.number));
}

void reach_failed(struct engine *e, const struct delivery *d)
{
	struct reach_sub *r = e->reach.counted ? map_ptr(e->reach.subs, d->sub_account) : NULL;
	size_t low = 0, high = r ? r->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (at(r, mid)->key < d->key)
			low = mid + 1;
		else
			high = mid;
	}
	if (r && low < r->n && at(r, low)->key == d->key)
		uncount(r, at(r, low));
}

static double per_ms(const struct sub_account *sub)
{
	return (double)sub->velocity / (double)sub->velocity_ms;
}

static double tokens_now(const struct reach_sub *r, const struct sub_account *sub, int64_t now)
{
	double most = sub->velocity;

	return r && r->tokens_at ? MIN(most, r->tokens + (double)MAX(now - r->tokens_at, 0) * per_ms(sub)) : most;
}

/* 0, or ms until there are tokens for n; for more at once than ever may be, until there are as many as can be. */
static int64_t wait_for(const struct sub_account *sub, double tokens, uint32_t n)
{
	double lacking = MIN((double)n, (double)sub->velocity) - tokens;

	return n <= sub->velocity && lacking <= 0 ? 0 : MAX((int64_t)(lacking / per_ms(sub)) + 1, 1);
}

int64_t reach_velocity_wait(const struct engine *e, const struct sub_account *sub, uint32_t n)
{
	if (!sub || !sub->velocity)
		return 0;
	return wait_for(sub, tokens_now(map_ptr(e->reach.subs, sub->id), sub, e->now), n);
}

int64_t reach_velocity(struct engine *e, const struct sub_account *sub, uint32_t n)
{
	struct reach_sub *r;
	int64_t wait;

	if (!sub || !sub->velocity)
		return 0;
	r = sub_of(e, sub->id);
	r->tokens = tokens_now(r, sub, e->now);
	r->tokens_at = e->now;
	wait = wait_for(sub, r->tokens, n);
	if (!wait)
		r->tokens -= n;
	return wait;
}

/* -- life -------------------------------------------------------------------------------------------------------------- */

void reach_init(struct engine *e) { e->reach = (struct reach){.subs = map_new()}; }

static bool sub_free(void *ctx, uint64_t key, uint64_t value)
{
	struct reach_sub *r = (struct reach_sub *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	free(r->ring);
	map_free(r->counts);
	free(r);
	return true;
}

void reach_done(struct engine *e)
{
	map_each(e->reach.subs, sub_free, NULL);
	map_free(e->reach.subs);
}

struct again { /* newest first, as the rows are read */
	struct engine *e;
	struct found {
		int64_t key;
		uint64_t number;
		uint32_t sub;
	} * a;
	size_t n, cap;
};

static bool found(void *ctx, const struct delivery *row)
{
	struct again *g = ctx;
	const struct live *lv = live_find(&g->e->lives, row->key); /* later than the row */
	const struct delivery *d = lv ? lv->d : row;
	const struct sub_account *sub = snapshot_sub(g->e->snap, d->sub_account);

	if (!counts(sub, d) || (d->sent_code && d->sent_code != SENT_SENT_SUCCESS))
		return true;
	if (uid_key_ms(d->key) <= g->e->now - sub->per_destination_ms)
		return true;
	if (g->n == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 1024;
		g->a = xrealloc(g->a, g->cap, sizeof(*g->a));
	}
	g->a[g->n++] = (struct found){d->key, hash_of(d->t.number), d->sub_account};
	return g->n < REACH_MAX;
}

void reach_recover(struct engine *e)
{
	struct again g = {.e = e};
	struct store_reader *r = NULL;
	int64_t longest = e->snap ? snapshot_longest_per_destination(e->snap) : 0;
	struct err err;

	if (!longest || e->ops->reader_open(e->store, &r, &err) < 0)
		return;
	e->ops->r_scan(r, e->now - longest, INT64_MAX, found, &g, 0);
	e->ops->reader_close(r);
	for (size_t i = g.n; i-- > 0;)
		remember(e, counting(e, g.a[i].sub), g.a[i].key, g.a[i].number);
	free(g.a);
}
