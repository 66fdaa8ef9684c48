/* dispatch.c - who leaves next: gives deliveries to connections that have room, in fair turns. */
#include "core/intake.h"
#include "core/ring.h"
#include "model/codes.h"

#ifndef DISPATCH_MAX      /* the simulation is also built with small limits */
#define DISPATCH_MAX 4096 /* attempts begun in one batch */
#define SCANS_MAX 4       /* stretches of REFILL_SCAN rows in one turn */
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

/* Who was put on a list since the message was accepted gets it no more; the word that he is on it, he gets. */
static bool end_listed(struct engine *e, struct live *lv)
{
	struct refusal why = intake_refusal(lv->d->account, lv->d->sub_account, lv->d->t.number);
	struct fact f = {.kind = FACT_REFUSE, .code = why.code, .reason = why.reason};

	if (!why.code || (why.code == SENT_DESTINATION_BLOCKED_BY_OPTOUT && lv->d->flags & DF_CONFIRM))
		return false;
	engine_step(e, lv, &f);
	return true;
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
int64_t dispatch_head(struct engine *e, struct queue *k)
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
	int64_t key = dispatch_head(e, k);
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
