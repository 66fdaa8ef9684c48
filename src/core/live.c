/* live.c - the cache of deliveries and the merge of their states into rows. */
#include "core/live.h"

#include <stdlib.h>
#include <string.h>

#ifndef MERGE_ROUND       /* the simulation is also built with small limits */
#define MERGE_ROUND 65536 /* states written in one sorted run */
#define MERGE_SLICE 1024  /* of them in one batch when nobody waits for it: some milliseconds */
#define MERGE_AT 16384    /* dirty deliveries that make a round worth it */
#endif
#define MERGE_SHARE 4           /* part of a slice when somebody waits for the batch */
#define MERGE_AGE_MS 20000      /* what is unfinished is merged once it is this old */
#define MERGE_AGE_TIGHT_MS 1000 /* the same when memory is short */

void lives_init(struct lives *l, struct store *store, size_t budget)
{
	*l = (struct lives){.store = store, .map = map_new(), .budget = budget};
	list_init(&l->lru);
	list_init(&l->dirty);
}

static void live_free(struct lives *l, struct live *lv)
{
	l->bytes -= delivery_bytes(lv->d) + sizeof *lv;
	map_del(l->map, (uint64_t)lv->d->key, NULL);
	if (lv->seqs != lv->first_seqs)
		free(lv->seqs);
	delivery_free(lv->d);
	free(lv);
}

void lives_done(struct lives *l)
{
	struct node *n;

	while ((n = list_pop(&l->dirty)))
		live_free(l, OWNER(struct live, dirty, n));
	while ((n = list_pop(&l->lru)))
		live_free(l, OWNER(struct live, lru, n));
	map_free(l->map);
	free(l->round);
}

struct live *live_find(struct lives *l, int64_t key) { return map_ptr(l->map, (uint64_t)key); }

struct live *live_add(struct lives *l, struct delivery *take)
{
	struct live *lv = xnew(struct live);

	lv->d = take;
	lv->seqs = lv->first_seqs;
	lv->cap = COUNT_OF(lv->first_seqs);
	map_set_ptr(l->map, (uint64_t)take->key, lv);
	list_push(&l->lru, &lv->lru);
	l->bytes += delivery_bytes(take) + sizeof *lv;
	return lv;
}

struct live *live_get(struct lives *l, int64_t key)
{
	struct live *lv = live_find(l, key);
	struct delivery *d;

	if (lv)
		return lv;
	if (l->store->ops->load(l->store, key, &d) < 0)
		return NULL;
	return live_add(l, d);
}

void live_touch(struct lives *l, struct live *lv, int64_t seq, int64_t now)
{
	if (lv->n == lv->cap) {
		uint16_t cap = (uint16_t)(lv->cap * 2);
		int64_t *a = xcalloc(cap, sizeof *a);

		ASSERT(cap > lv->cap); /* a delivery with 32,768 unmerged events would be a fault of ours */
		memcpy(a, lv->seqs, lv->n * sizeof *a);
		if (lv->seqs != lv->first_seqs)
			free(lv->seqs);
		lv->seqs = a;
		lv->cap = cap;
	}
	lv->seqs[lv->n++] = seq;
	if (lv->n > 1)
		return;
	list_remove(&l->lru, &lv->lru);
	list_push(&l->dirty, &lv->dirty);
	lv->dirty_since = now;
}

void live_redact(struct lives *l, struct live *lv)
{
	size_t before = delivery_bytes(lv->d);

	delivery_redact(lv->d);
	l->bytes -= before - delivery_bytes(lv->d);
}

void live_erase(struct lives *l, struct live *lv)
{
	size_t before = delivery_bytes(lv->d);

	delivery_erase(lv->d);
	l->bytes -= before - delivery_bytes(lv->d);
}

void lives_set_back(struct lives *l, int64_t by)
{
	for (struct node *n = list_first(&l->dirty); n; n = list_next(&l->dirty, n))
		OWNER(struct live, dirty, n)->dirty_since -= by;
}

bool lives_roomy(const struct lives *l) { return l->bytes < l->budget / 4 * 3; }

void lives_trim(struct lives *l)
{
	struct node *n;

	for (size_t look = l->lru.count; l->bytes > l->budget && look && (n = list_pop(&l->lru)); look--) {
		struct live *lv = OWNER(struct live, lru, n);

		if (lv->pins)
			list_push(&l->lru, n);
		else
			live_free(l, lv);
	}
}

static int by_key(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t merge_age(const struct lives *l)
{
	return l->bytes > l->budget / 2 ? MERGE_AGE_TIGHT_MS : MERGE_AGE_MS;
}

/* Settled deliveries first of all: their rows are then written once. What moves is merged when it is old, so that the log of
 * events to replay stays short. */
static void plan_round(struct lives *l, int64_t now, bool all)
{
	size_t look = 0, n = 0;

	for (struct node *at = list_first(&l->dirty); at && n < MERGE_ROUND && look < 4 * MERGE_ROUND;
	     at = list_next(&l->dirty, at), look++) {
		const struct live *lv = OWNER(struct live, dirty, at);

		if (!all && !(lv->d->state == D_DONE && !lv->hooks) && now - lv->dirty_since < merge_age(l))
			continue;
		if (!l->round)
			l->round = xcalloc(MERGE_ROUND, sizeof *l->round);
		l->round[n++] = lv->d->key;
	}
	if (n)
		qsort(l->round, n, sizeof *l->round, by_key);
	l->round_n = n;
	l->round_at = 0;
	l->tried_at = n ? 0 : l->dirty.count;
}

static bool round_worth_it(const struct lives *l, int64_t now, bool all)
{
	struct node *first = list_first(&l->dirty);

	if (!first)
		return false;
	if (all || now - OWNER(struct live, dirty, first)->dirty_since >= merge_age(l))
		return true;
	return l->dirty.count >= MERGE_AT && l->dirty.count >= l->tried_at + MERGE_AT / 4;
}

size_t lives_merge(struct lives *l, int64_t now, bool all, bool busy, bool (*open_batch)(void *ctx), void *ctx)
{
	const struct delivery *d[MERGE_SLICE];
	const int64_t *seqs[MERGE_SLICE];
	size_t counts[MERGE_SLICE], n = 0;
	struct live *lv[MERGE_SLICE];

	if (l->round_at >= l->round_n && round_worth_it(l, now, all))
		plan_round(l, now, all);
	while (n < (busy ? MAX(MERGE_SLICE / MERGE_SHARE, 1) : MERGE_SLICE) && l->round_at < l->round_n) {
		struct live *x = live_find(l, l->round[l->round_at++]);

		if (!x || !x->n)
			continue;
		lv[n] = x;
		d[n] = x->d;
		seqs[n] = x->seqs;
		counts[n++] = x->n;
	}
	if (!n || !open_batch(ctx))
		return 0;
	l->store->ops->merge(l->store, d, seqs, counts, n);
	for (size_t i = 0; i < n; i++) {
		lv[i]->n = 0;
		list_remove(&l->dirty, &lv[i]->dirty);
		list_push(&l->lru, &lv[i]->lru);
	}
	return n;
}

static int by_first_seq(const void *a, const void *b)
{
	const struct live *x = *(const struct live *const *)a, *y = *(const struct live *const *)b;

	return (x->seqs[0] > y->seqs[0]) - (x->seqs[0] < y->seqs[0]);
}

void lives_recovered(struct lives *l)
{
	size_t n = 0, all = l->dirty.count;
	struct live **a = xcalloc(all + 1, sizeof(struct live *));
	struct node *at;

	while ((at = list_pop(&l->dirty)))
		a[n++] = OWNER(struct live, dirty, at);
	qsort(a, n, sizeof(struct live *), by_first_seq);
	for (size_t i = 0; i < n; i++)
		list_push(&l->dirty, &a[i]->dirty);
	free(a);
}

int64_t lives_merged_seq(const struct lives *l, int64_t last_seq)
{
	struct node *first = list_first(&l->dirty);

	return first ? OWNER(struct live, dirty, first)->seqs[0] : last_seq + 1;
}
