/* rehome.c - after a reload that changed the routes: every queued delivery finds its queue again. */
#include <string.h>

#include "core/ring.h"
#include "model/codes.h"

#ifndef REHOME_MAX /* the simulation is also built with small limits */
#define REHOME_MAX 512
#endif

/* Every queue looks for its rows again. What has unmerged events is not in its row as it is, and what came from the due table is passed
 * over by that scan, so they move by hand. A walk over the rows makes the queues that there were not before, and ends what has no route any more. */
void dispatch_routes_changed(struct engine *e)
{
	struct buf keys = {.max = (size_t)1 << 32};

	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		for (int64_t key; k->id.lane < LANES && (key = queue_pop(&e->queues, k));) {
			struct live *lv = k->fired ? live_get(&e->lives, key) : live_find(&e->lives, key);

			if (lv && (lv->n || lv->d->due_at) && lv->d->state == D_QUEUED)
				buf_put(&keys, &key, sizeof(key));
		}
	}
	e->rehome = unfinished_mark(e) - 1;
	e->rehome_until = e->ids.last;
	queues_scatter(&e->queues, e->rehome);
	for (size_t i = keys.n / sizeof(int64_t); i-- > 0;) {
		struct live *lv;
		int64_t key;

		memcpy(&key, keys.p + i * sizeof(key), sizeof(key));
		lv = live_get(&e->lives, key);
		if (!lv)
			continue;
		queue_push_front(&e->queues, engine_queue_of(e, lv->d), key);
		engine_queue_of(e, lv->d)->fired |= lv->d->due_at != 0;
		engine_queue_of(e, lv->d)->waiting++;
	}
	buf_done(&keys);
}

struct rows {
	struct delivery *a[REFILL_SCAN];
	size_t n;
};

static bool gather_row(void *ctx, struct delivery *take)
{
	struct rows *r = ctx;

	r->a[r->n++] = take;
	return r->n < REFILL_SCAN;
}

static void rehome_one(struct engine *e, struct delivery *take)
{
	struct live *lv = live_find(&e->lives, take->key);
	struct queue *k = engine_queue_of(e, take);
	struct fact f = {.kind = FACT_REFUSE, .code = SENT_CARRIER_COMMUNICATION_ERROR, .reason = REASON_NO_ROUTE};
	bool waits = take->state == D_QUEUED && (!lv || (!lv->n && lv->d->state == D_QUEUED));

	k->waiting += waits;
	queue_wake(&e->queues, k);
	if (waits && !k->id.route) {
		engine_step(e, lv ? lv : live_add(&e->lives, take), &f);
		if (!lv)
			return;
	}
	delivery_free(take);
}

void rehome_rows(struct engine *e)
{
	struct rows r = {.n = 0};
	int64_t last = e->rehome;

	if (e->rehome >= e->rehome_until)
		return;
	e->ops->unfinished_after(e->store, 1u << D_QUEUED, e->rehome, e->rehome_until, REFILL_SCAN, gather_row, &r, &last);
	e->rehome = last == e->rehome ? e->rehome_until : last;
	for (size_t i = 0; i < r.n; i++)
		rehome_one(e, r.a[i]);
	if (e->rehome >= e->rehome_until)
		e->queues.new_from = 0;
}

/* Keys that came back to a queue whose route is gone (from a carrier, or due again). */
void rehome_queues(struct engine *e)
{
	int left = REHOME_MAX;

	for (struct queue *k; left-- && (k = queues_next(&e->queues.pools[0]));) {
		struct live *lv;
		struct queue *to;
		int64_t key;

		/* Its rows on disk were found by their new queues, in the walk over all of them. */
		if (k->id.route && !k->count)
			k->spilled = false;
		key = dispatch_head(e, k);
		lv = key ? live_get(&e->lives, key) : NULL;
		to = lv && lv->d->state == D_QUEUED ? engine_queue_of(e, lv->d) : NULL;
		queue_pop(&e->queues, k);
		if (!node_linked(&k->later))
			queue_served(&e->queues, k, 0);
		if (to && to->id.route) {
			queue_push_front(&e->queues, to, key);
		} else if (to) {
			struct fact f = {.kind = FACT_REFUSE, .code = SENT_CARRIER_COMMUNICATION_ERROR, .reason = REASON_NO_ROUTE};

			engine_step(e, lv, &f);
		}
	}
}
