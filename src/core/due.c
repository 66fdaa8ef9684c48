/* due.c - what falls due: rows of the due table whose time has come, what expires in its queue, receipts that never came. Timers become
 * facts, and what waited for its time goes into its queue. */
#include "core/ring.h"

#ifndef DUE_MAX      /* the simulation is also built with small limits */
#define DUE_MAX 1024 /* due rows taken in one turn */
#define SWEEP_SCAN 2048
#endif

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

/* What has waited for its time goes on: true when it is ready to leave, for the caller to put into its queue. */
static bool fire(struct engine *e, struct queue *k, const struct due *d, bool *retry)
{
	struct live *lv = live_get(&e->lives, d->key);
	struct fact f = {.kind = FACT_TIMER};
	int64_t departs, shuts;

	engine_batch(e);
	e->ops->due_del(e->store, d);
	if (!lv)
		return false;
	if (lv->d->state != D_QUEUED || e->now >= lv->d->expires_at) {
		engine_step(e, lv, &f);
		return false;
	}
	if (k->id.lane == LANE_TIMERS || delivery_paused(lv->d))
		return false; /* a timer of an earlier state; resume brings it back */
	if (!engine_may_leave(e, lv->d, &shuts, &departs)) {
		engine_postpone(e, &k->id, lv->d, departs);
		return false;
	}
	*retry = lv->d->attempts > 0;
	return true;
}

static void due_turn(struct engine *e, struct queue *k)
{
	int64_t again[DUE_MAX];
	int64_t next = INT64_MAX;
	struct due_batch b;
	size_t retries = 0;

	b.n = 0;
	e->ops->due_list(e->store, &k->id, e->now, DUE_MAX, collect_due, &b);
	for (size_t i = 0; i < b.n; i++) {
		bool retry = false;

		if (!fire(e, k, &b.a[i], &retry))
			continue;
		k->fired = true;
		if (retry)
			again[retries++] = b.a[i].key;
		else
			queue_push_due(&e->queues, k, b.a[i].key);
	}
	/* Who was out already is older than all that wait: to the head, back to front. */
	while (retries > 0)
		queue_push_front(&e->queues, k, again[--retries]);
	e->ops->due_list(e->store, &k->id, INT64_MAX, 1, peek_due, &next);
	queue_due(&e->queues, k, next);
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
	int64_t until = MIN(uid_key_at(e->now - e->settings->sms.validity_ms), e->ids.last), last;
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
		if (lv->d->state == D_QUEUED && lv->d->due_at > e->now)
			continue; /* its due row sees to it */
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
	int64_t until = MIN(uid_key_at(e->now - e->policy.receipt_wait_ms), e->ids.last), last = e->sweep;
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
	struct queue *k;

	/* Each at most once a turn, however much of it is due. */
	for (size_t left = e->queues.due.n; left-- && (k = queues_due(&e->queues));) {
		if (k->set && k->count > QUEUE_WINDOW / 2)
			queue_due(&e->queues, k, k->due_next); /* its window is full: they wait in the table */
		else
			due_turn(e, k);
	}
	if (e->now < e->next_second && !e->expiring)
		return;
	e->expiring = expire(e);
	sweep(e);
}

int64_t dispatch_next(const struct engine *e) { return queues_next_due(&e->queues); }
