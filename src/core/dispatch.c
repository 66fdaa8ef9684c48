/* dispatch.c - who leaves next, and what falls due: gives deliveries to connections that have room, in fair turns, and turns
 * timers into facts. */
#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
#include "core/ring.h"
#include "model/codes.h"

#ifndef DISPATCH_MAX      /* the simulation is also built with small limits */
#define DISPATCH_MAX 4096 /* attempts begun in one batch */
#define REFILL_SCAN 4096  /* rows looked at in one go when a queue comes back from disk */
#define DUE_MAX 1024      /* due rows taken in one turn */
#define SWEEP_SCAN 2048
#define REHOME_MAX 512
#define SCANS_MAX 4 /* stretches of REFILL_SCAN rows in one turn */
#endif

struct route *engine_route_of(struct engine *e, const struct delivery *d)
{
	struct route_ask ask = {.digits = d->t.number,
				.operator_id = d->operator_id,
				.sub_account = d->sub_account,
				.marketing = d->flags & DF_MARKETING};

	return routes_find(&e->routes, &ask);
}

struct queue *engine_queue_of(void *ctx, const struct delivery *d)
{
	struct engine *e = ctx;
	struct route *r = engine_route_of(e, d);
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
	if (at < k->due_next)
		queue_due(&e->queues, k, at);
}

static void hand_over(struct engine *e, struct live *lv, struct connection *c, int64_t shuts)
{
	struct attempt *a = attempt_new(lv->d, lv->d->attempts, lv->d->part_count);

	a->shuts_at = shuts;
	if (lv->d->not_before && !lv->d->window && lv->d->attempts == 1)
		metric_observe_us(M_SCHEDULE_LATE, (e->now - lv->d->not_before) * 1000);
	c->credits -= lv->d->part_count;
	breaker_began(&c->breaker);
	if (e->send_last)
		e->send_last->mail.next = &a->mail;
	else
		e->send_first = a;
	e->send_last = a;
	a->connection = c->number;
}

/* Who was put on a list since the message was accepted gets it no more. */
static bool end_listed(struct engine *e, struct live *lv)
{
	struct refusal why = intake_refusal(lv->d->account, lv->d->sub_account, lv->d->t.number);
	struct fact f = {.kind = FACT_REFUSE, .code = why.code, .reason = why.reason};

	if (why.code)
		engine_step(e, lv, &f);
	return why.code != 0;
}

/* What is at the head is not to leave from here: it ended, is under way, or is paused. */
static bool idle_head(const struct live *lv)
{
	return !lv || lv->d->state != D_QUEUED || delivery_paused(lv->d);
}

/* For the scan of a queue's rows: what is paused stays where it is. */
static struct queue *ready_queue_of(void *ctx, const struct delivery *d)
{
	struct engine *e = ctx;
	struct queue *k;

	if (delivery_paused(d))
		return NULL;
	k = engine_queue_of(e, d);
	if (d->due_at <= e->now && control_says(e, d) != ORDER_PAUSE)
		return k;
	control_pass(e, k, d);
	return NULL;
}

/* For the rest of this turn, as the others have a right to theirs. */
static void put_off(struct engine *e, struct queue *k)
{
	queue_leave(&e->queues, k);
	list_push(&e->searching, &k->later);
}

/* Its campaign is under an order: it does not leave. So many a turn. */
static bool held_head(struct engine *e, struct queue *k, struct live *lv)
{
	enum order_says says = control_says(e, lv->d);

	if (says == ORDER_NOTHING)
		return false;
	if (!e->control.held_left) {
		put_off(e, k);
		return true;
	}
	e->control.held_left--;
	queue_pop(&e->queues, k);
	queue_served(&e->queues, k, 0);
	control_hold(e, lv, says);
	return true;
}

/* The head of that queue; a spilled one reads on. Returns 0 when there is none for now: the queue left its lane, for good or (once the
 * scans of this turn are used up) till the next turn. */
static int64_t head_of(struct engine *e, struct queue *k)
{
	int64_t key = queue_peek(k);

	if (key || !k->spilled)
		return key;
	if (e->scans_left) {
		e->scans_left--;
		queue_refill(&e->queues, k, &e->lives, e->ids.last, REFILL_SCAN, ready_queue_of, e);
		control_scanned(e);
		return queue_peek(k);
	}
	put_off(e, k);
	return 0;
}

/* Takes the queue whose turn it is one step further. True when a delivery left. */
static bool dispatch_one(struct engine *e, struct queue *k)
{
	struct route *r = k->set->way;
	int64_t key = head_of(e, k);
	struct live *lv = key ? live_get(&e->lives, key) : NULL;
	struct fact f = {.kind = FACT_DISPATCH};
	struct connection *c;
	int64_t departs, shuts;
	uint16_t avoid;
	int parts;

	if (!key || idle_head(lv)) {
		queue_pop(&e->queues, k);
		if (!node_linked(&k->later))
			queue_served(&e->queues, k, 0);
		return false;
	}
	if (e->control.count && held_head(e, k, lv))
		return false;
	if (!engine_may_leave(e, lv->d, &shuts, &departs)) { /* its window shut while it waited, or the clock was set back */
		queue_pop(&e->queues, k);
		queue_served(&e->queues, k, 0);
		engine_postpone(e, &k->id, lv->d, departs);
		return false;
	}
	avoid = lv->d->reason == REASON_CARRIER_STATUS ? lv->d->connection : 0;
	parts = MAX(lv->d->part_count, 1);
	c = route_pick(r, parts, avoid, e->now);
	if (!c) {
		route_save(r, parts, e->now);
		queues_block(&e->queues, k->set);
		return false;
	}
	queue_pop(&e->queues, k);
	if (end_listed(e, lv)) {
		queue_served(&e->queues, k, 0);
		return false;
	}
	queue_served(&e->queues, k, parts);
	f.connection = c->number;
	f.connection_name = c->name;
	if (e->credit.limited) {
		struct credit_need need = credit_need(e, lv->d);

		f.unit_price = need.unit_price;
		f.held_from = need.from;
		f.no_credit = need.too_little;
	}
	if (!engine_step(e, lv, &f))
		return false;
	hand_over(e, lv, c, shuts);
	metric_add(M_ATTEMPTS, 1);
	return true;
}

/* -- after a reload that changed the routes ---------------------------------------------------------------------------- */

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
static void rehome_queues(struct engine *e)
{
	int left = REHOME_MAX;

	for (struct queue *k; left-- && (k = queues_next(&e->queues.pools[0]));) {
		struct live *lv;
		struct queue *to;
		int64_t key;

		/* Its rows on disk were found by their new queues, in the walk over all of them. */
		if (k->id.route && !k->count)
			k->spilled = false;
		key = head_of(e, k);
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

/* One in DISPATCH_MAX steps is a message that leaves; the others are bounded by what is in the windows. */
static void pool_turn(struct engine *e, struct pool *p)
{
	struct queue *k;

	while (e->dispatch_left > 0 && (k = queues_next(p)))
		e->dispatch_left -= dispatch_one(e, k);
}

void dispatch_turn(struct engine *e)
{
	struct routes *r = &e->routes;
	struct node *n;

	if (e->hold || !e->channel)
		return;
	e->dispatch_left = DISPATCH_MAX;
	e->scans_left = SCANS_MAX;
	rehome_rows(e);
	rehome_queues(e);
	for (size_t i = 0; i < r->connection_count; i++)
		r->connections[i]->saving = false;
	/* A pool that has room on none of its connections costs nothing. Another one begins each turn. */
	for (size_t i = 0; i < r->connection_count; i++) {
		struct connection *c = r->connections[(e->dispatch_from + i) % r->connection_count];

		if (c->pool < e->queues.pool_count && connection_open(c, e->now))
			pool_turn(e, &e->queues.pools[c->pool]);
	}
	e->dispatch_from++;
	queues_unblock(&e->queues);
	e->more_to_find = e->searching.count > 0 || queues_next(&e->queues.pools[0]);
	while ((n = list_pop(&e->searching)))
		queue_wake(&e->queues, OWNER(struct queue, later, n));
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
