/* dispatch.c - who leaves next, and what falls due: gives deliveries to connections that have room, in fair turns, and turns
 * timers into facts. */
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"
#include "model/codes.h"

#ifndef DISPATCH_MAX      /* the simulation is also built with small limits */
#define DISPATCH_MAX 4096 /* attempts begun in one batch */
#define REFILL_SCAN 4096  /* rows looked at in one go when a queue comes back from disk */
#define DUE_MAX 1024      /* due rows taken in one turn */
#define SWEEP_SCAN 2048
#define REHOME_MAX 512
#endif

struct queue *engine_queue_of(void *ctx, const struct delivery *d)
{
	struct engine *e = ctx;
	struct route *r = routes_find(&e->routes, d->t.number);
	struct queue_id id = {.route = r ? r->hash : 0,
			      .sub_account = d->sub_account,
			      .lane = d->flags & DF_MARKETING ? LANE_MARKETING : LANE_TRANSACTIONAL};

	return queue_of(&e->queues, &id);
}

void engine_due_set(struct engine *e, const struct queue_id *q, int64_t at, int64_t key)
{
	struct queue *k = queue_of(&e->queues, q);
	struct due due = {.queue = *q, .at = at, .key = key};

	engine_batch(e);
	e->ops->due_set(e->store, &due);
	k->due_next = MIN(k->due_next, at);
}

static void hand_over(struct engine *e, struct live *lv, struct connection *c)
{
	struct attempt *a = attempt_new(lv->d, lv->d->attempts, lv->d->part_count);

	c->credits -= lv->d->part_count;
	if (e->send_last)
		e->send_last->mail.next = &a->mail;
	else
		e->send_first = a;
	e->send_last = a;
	a->connection = c->number;
}

/* One delivery of that queue; false when nothing can leave on its route for now. */
static bool dispatch_one(struct engine *e, struct route *r, struct queue *k)
{
	struct live *lv = NULL;
	int64_t key = queue_peek(k);
	struct connection *c;
	struct fact f = {.kind = FACT_DISPATCH};
	uint16_t avoid;
	int parts;

	if (!key) {
		if (k->spilled)
			queue_refill(&e->queues, k, &e->lives, e->ids.last, REFILL_SCAN, engine_queue_of, e);
		if (!k->count) {
			queue_rotate(&e->queues, k);
			return k->spilled; /* look at the next stretch */
		}
		return true;
	}
	lv = live_get(&e->lives, key);
	if (!lv || lv->d->state != D_QUEUED) {
		queue_pop(k);
		queue_rotate(&e->queues, k);
		return true;
	}
	avoid = lv->d->reason == REASON_CARRIER_STATUS ? lv->d->connection : 0;
	parts = MAX(lv->d->part_count, 1);
	c = route_pick(r, parts, avoid);
	if (!c)
		return false;
	queue_pop(k);
	queue_rotate(&e->queues, k);
	f.connection = c->number;
	f.connection_name = c->name;
	if (e->credit.limited) {
		struct credit_need need = credit_need(e, lv->d);

		f.unit_price = need.unit_price;
		f.held_from = need.from;
		f.no_credit = need.too_little;
	}
	if (engine_step(e, lv, &f)) {
		hand_over(e, lv, c);
		metric_add(M_ATTEMPTS, 1);
	}
	return true;
}

/* -- after a reload that changed the routes ---------------------------------------------------------------------------- */

/* Every queue looks for its rows again. What has unmerged events is not in its row as it is, so it moves by hand. A walk over the rows
 * makes the queues that there were not before, and ends what has no route any more. */
void dispatch_routes_changed(struct engine *e)
{
	struct buf keys = {.max = (size_t)1 << 32};

	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		for (int64_t key; k->id.lane < LANES && (key = queue_pop(k));) {
			struct live *lv = live_find(&e->lives, key);

			if (lv && lv->n && lv->d->state == D_QUEUED)
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
		lv = live_find(&e->lives, key);
		if (!lv)
			continue;
		queue_push_front(&e->queues, engine_queue_of(e, lv->d), key);
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

static void rehome_rows(struct engine *e)
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
static void rehome_queue(struct engine *e, struct lane_set *s)
{
	int left = REHOME_MAX;

	for (struct queue *k; left-- && (k = queues_next(s));) {
		int64_t key = queue_pop(k);
		struct live *lv = key ? live_get(&e->lives, key) : NULL;
		struct queue *to = lv && lv->d->state == D_QUEUED ? engine_queue_of(e, lv->d) : NULL;

		if (to && to->id.route) {
			queue_push_front(&e->queues, to, key);
		} else if (to) {
			struct fact f = {.kind = FACT_REFUSE, .code = SENT_CARRIER_COMMUNICATION_ERROR, .reason = REASON_NO_ROUTE};

			engine_step(e, lv, &f);
		}
		queue_rotate(&e->queues, k);
	}
}

void dispatch_turn(struct engine *e)
{
	int left = DISPATCH_MAX;

	if (e->hold || !e->channel)
		return;
	rehome_rows(e);
	for (size_t i = 0; i < e->queues.set_count; i++) {
		struct lane_set *s = e->queues.sets[i];
		struct route *r = routes_by_hash(&e->routes, s->route);
		struct queue *k;

		if (!r) {
			rehome_queue(e, s);
			continue;
		}
		while (left > 0 && (k = queues_next(s)) && dispatch_one(e, r, k))
			left--;
	}
}

/* -- what falls due ------------------------------------------------------------------------------------------------- */

struct due_batch {
	struct due a[DUE_MAX];
	size_t n;
	int64_t next;
};

static bool collect_due(void *ctx, const struct due *d)
{
	struct due_batch *b = ctx;

	b->a[b->n++] = *d;
	return b->n < DUE_MAX;
}

static bool peek_due(void *ctx, const struct due *d)
{
	*(int64_t *)ctx = d->at;
	return false;
}

static void fire(struct engine *e, struct queue *k, const struct due *d)
{
	struct live *lv = live_get(&e->lives, d->key);
	struct fact f = {.kind = FACT_TIMER};

	engine_batch(e);
	e->ops->due_del(e->store, d);
	if (!lv)
		return;
	if (lv->d->state == D_QUEUED && e->now < lv->d->expires_at) {
		if (k->id.lane == LANE_TIMERS)
			return; /* a timer of an earlier state */
		queue_push_front(&e->queues, k, d->key);
		return;
	}
	engine_step(e, lv, &f);
}

static void due_turn(struct engine *e, struct queue *k)
{
	struct due_batch b;
	int64_t next = INT64_MAX;

	if (k->id.lane != LANE_TIMERS && k->count > QUEUE_WINDOW / 2)
		return; /* its window is full: they wait in the table */
	b.n = 0;
	e->ops->due_list(e->store, &k->id, e->now, DUE_MAX, collect_due, &b);
	/* Back to front, as each goes to the head of the queue. */
	for (size_t i = b.n; i-- > 0;)
		fire(e, k, &b.a[i]);
	e->ops->due_list(e->store, &k->id, INT64_MAX, 1, peek_due, &next);
	k->due_next = next;
}

struct swept {
	struct delivery *a[SWEEP_SCAN];
	size_t n;
};

static bool sweep_row(void *ctx, struct delivery *take)
{
	struct swept *s = ctx;

	s->a[s->n++] = take;
	return s->n < SWEEP_SCAN;
}

static void sweep_one(struct engine *e, struct delivery *take)
{
	struct live *lv = live_find(&e->lives, take->key);
	struct fact f = {.kind = FACT_TIMER};

	if (lv)
		delivery_free(take);
	else
		lv = live_add(&e->lives, take);
	if (lv->d->state != D_SENT)
		return; /* once it is sent, engine.c sees that the sweep is past it */
	if (e->now < lv->d->sent_at + engine_receipt_wait(e, lv->d))
		engine_due_set(e, &engine_timers, lv->d->sent_at + engine_receipt_wait(e, lv->d), lv->d->key);
	else
		engine_step(e, lv, &f);
}

/* What waited past the usual validity ends here, carrier or not: a walk over the rows in key order, each looked at once. A validity that
 * is longer, and what comes back to its queue later, has a timer row. True when there is more to do at once. */
static bool expire(struct engine *e)
{
	int64_t until = uid_key_at(e->now - e->settings->sms.validity_ms), last;
	struct swept s = {.n = 0};

	e->expired = MAX(e->expired, unfinished_mark(e) - 1);
	if (until <= e->expired)
		return false;
	last = e->expired;
	e->ops->unfinished_after(e->store, 1u << D_QUEUED, e->expired, until, SWEEP_SCAN, sweep_row, &s, &last);
	e->expired = last == e->expired ? until : last;
	for (size_t i = 0; i < s.n; i++) {
		struct live *lv = live_find(&e->lives, s.a[i]->key);
		struct fact f = {.kind = FACT_TIMER};

		if (lv)
			delivery_free(s.a[i]);
		else
			lv = live_add(&e->lives, s.a[i]);
		if (lv->d->state == D_QUEUED && lv->d->expires_at > e->now)
			engine_due_set(e, &engine_timers, lv->d->expires_at, lv->d->key);
		else if (lv->d->state == D_QUEUED)
			engine_step(e, lv, &f);
	}
	return e->expired < until;
}

/* Deliveries whose receipt wait may be over, found by age: a walk over old rows in key order, each looked at once. */
static void sweep(struct engine *e)
{
	const unsigned open = 1u << D_QUEUED | 1u << D_SENDING | 1u << D_SENT | 1u << D_DOUBT;
	int64_t until = uid_key_at(e->now - e->policy.receipt_wait_ms), last = e->sweep;
	struct swept s = {.n = 0};

	if (until <= e->sweep)
		return;
	e->ops->unfinished_after(e->store, open, e->sweep, until, SWEEP_SCAN, sweep_row, &s, &last);
	e->sweep = last == e->sweep ? until : last;
	for (size_t i = 0; i < s.n; i++)
		sweep_one(e, s.a[i]);
}

void dispatch_timers(struct engine *e)
{
	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		if (k->due_next <= e->now)
			due_turn(e, k);
	}
	if (e->now < e->next_second && !e->expiring)
		return;
	e->expiring = expire(e);
	sweep(e);
}

int64_t dispatch_next(const struct engine *e)
{
	int64_t at = INT64_MAX;

	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		const struct queue *k = OWNER(struct queue, all, n);

		if (k->id.lane == LANE_TIMERS || k->count <= QUEUE_WINDOW / 2)
			at = MIN(at, k->due_next);
	}
	return at;
}
