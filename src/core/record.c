/* record.c - what a decision does: its events are numbered, applied and stored, and what follows from a change of state inside the core
 * follows here - queues, timers, attempts in doubt, webhooks. Nothing leaves the engine from this file. */
#include "core/ring.h"
#include "model/codes.h"

int64_t engine_receipt_wait(const struct engine *e, const struct delivery *d)
{
	for (size_t i = 0; i < e->settings->operator_count; i++)
		if (e->settings->operators[i].id == d->operator_id && e->settings->operators[i].receipt_wait_ms)
			return e->settings->operators[i].receipt_wait_ms;
	return e->policy.receipt_wait_ms;
}

/* -- deliveries that a restart must look at, counted by 65 seconds of acceptance ------------------------------------ */

void unfinished_add(struct engine *e, int64_t key, int n)
{
	uint64_t chunk = (uint64_t)key >> UNFINISHED_SHIFT, have = 0;

	map_get(e->unfinished, chunk, &have);
	have += (uint64_t)n;
	if (have)
		map_set(e->unfinished, chunk, have);
	else
		map_del(e->unfinished, chunk, NULL);
	if (n > 0)
		e->unfinished_low = MIN(e->unfinished_low, (int64_t)chunk);
}

int64_t unfinished_mark(struct engine *e)
{
	int64_t top = e->ids.last >> UNFINISHED_SHIFT;

	while (e->unfinished_low <= top && !map_get(e->unfinished, (uint64_t)e->unfinished_low, NULL))
		e->unfinished_low++;
	if (e->unfinished_low > top)
		return e->ids.last + 1; /* what is accepted next is above it */
	return MIN(e->unfinished_low << UNFINISHED_SHIFT, e->ids.last + 1);
}

static bool is_unfinished(int state) { return state == D_QUEUED || state == D_SENDING || state == D_DOUBT; }

/* -- recording ------------------------------------------------------------------------------------------------------ */

const struct queue_id engine_timers = {.lane = LANE_TIMERS};

void engine_waiting(struct engine *e, const struct delivery *d, int n)
{
	struct queue *k = engine_queue_of(e, d);

	/* After a reload of the routes a queue counts again from what it finds; it shows, nothing depends on it. */
	k->waiting = n < 0 && k->waiting < (size_t)-n ? 0 : k->waiting + (size_t)n;
	metric_add(M_QUEUED, n);
}

static void enter_queue(struct engine *e, struct live *lv)
{
	struct queue *k = engine_queue_of(e, lv->d);

	engine_waiting(e, lv->d, 1);
	/* Heads of queues are watched for their expiry, but what comes back need not be the oldest: a timer of its own. */
	engine_due_set(e, &engine_timers, lv->d->expires_at, lv->d->key);
	if (lv->d->due_at > e->now)
		engine_due_set(e, &k->id, lv->d->due_at, lv->d->key);
	else
		queue_push_front(&e->queues, k, lv->d->key);
}

static void moved(struct engine *e, struct live *lv, int from, int64_t old_due)
{
	int to = lv->d->state;
	int64_t wait;

	if (from == to)
		return;
	if (is_unfinished(from) != is_unfinished(to))
		unfinished_add(e, lv->d->key, is_unfinished(to) ? 1 : -1);
	if (from == D_QUEUED)
		engine_waiting(e, lv->d, -1);
	if (from == D_SENDING || from == D_DOUBT)
		lv->pins--;
	if (to == D_SENDING || to == D_DOUBT)
		lv->pins++;
	e->under_way += (to == D_SENDING) - (size_t)(from == D_SENDING);
	if (from == D_SENDING || to == D_SENDING)
		receipts_sending(e, lv->d, to == D_SENDING ? 1 : -1);
	if (from == D_DOUBT) {
		struct due due = {.queue = engine_timers, .at = old_due, .key = lv->d->key};

		list_remove(&e->receipts.doubt, &lv->doubt);
		e->ops->due_del(e->store, &due);
		metric_set(M_IN_DOUBT_NOW, (int64_t)e->receipts.doubt.count);
	}
	switch ((enum delivery_state)to) {
	case D_QUEUED: enter_queue(e, lv); break;
	case D_DOUBT:
		list_push(&e->receipts.doubt, &lv->doubt);
		engine_due_set(e, &engine_timers, lv->d->due_at, lv->d->key);
		metric_add(M_DOUBT, 1);
		metric_set(M_IN_DOUBT_NOW, (int64_t)e->receipts.doubt.count);
		break;
	case D_SENT:
		/* The sweep was past it already, or would come too late: a timer of its own. */
		wait = engine_receipt_wait(e, lv->d);
		if (lv->d->key <= e->sweep || wait < e->policy.receipt_wait_ms)
			engine_due_set(e, &engine_timers, lv->d->sent_at + wait, lv->d->key);
		break;
	case D_DONE:
		if (delivery_redacts(lv->d))
			live_redact(&e->lives, lv);
		break;
	case D_SENDING: break;
	}
}

static void count(const struct event *ev)
{
	if (ev->kind == EV_SENT)
		metric_add(ev->code == SENT_SENT_SUCCESS ? M_SENT_OK : M_SENT_FAILED, 1);
	else if (ev->kind == EV_DELIVERED)
		metric_add(ev->code == DELIVERED_DELIVERED_SUCCESS ? M_DELIVERED : M_NOT_DELIVERED, 1);
	else if (ev->kind == EV_NO_RECEIPT)
		metric_add(M_NO_RECEIPT, 1);
}

void engine_record(struct engine *e, struct live *lv, struct event *ev)
{
	int from = lv->d->state;
	int64_t old_due = lv->d->due_at;
	struct credit_hold held = credit_hold_of(lv->d);

	engine_batch(e);
	ev->seq = ++e->seq;
	ev->key = lv->d->key;
	ev->sub_account = lv->d->sub_account;
	ev->user = lv->d->user;
	if (ev->kind == EV_ATTEMPT)
		ev->hash = mo_attempt_hash(e, lv->d, (uint16_t)ev->code);
	delivery_apply(lv->d, ev);
	e->ops->event(e->store, ev);
	live_touch(&e->lives, lv, ev->seq, e->now);
	moved(e, lv, from, old_due);
	if (held.from || lv->d->held_from)
		credit_event(e, lv->d, held, ev);
	if (e->reach.counted && ev->kind == EV_SENT && ev->code != SENT_SENT_SUCCESS)
		reach_failed(e, lv->d);
	count(ev);
	if (event_changes(ev))
		hooks_event(e, lv, ev);
}

bool engine_step(struct engine *e, struct live *lv, struct fact *f)
{
	struct decision out;
	struct policy policy = e->policy;
	bool sending = lv->d->state == D_SENDING;
	int64_t departs, shuts;

	f->jitter = engine_chance(e);
	if (f->kind == FACT_TIMER && lv->d->state == D_QUEUED) {
		f->shut = !engine_may_leave(e, lv->d, &shuts, &departs);
		control_timer(e, lv->d, f);
	}
	if (f->kind == FACT_TIMER)
		policy.receipt_wait_ms = engine_receipt_wait(e, lv->d);
	lifecycle_step(lv->d, f, &policy, e->now, &out);
	lv->pins++; /* what follows may trim the cache */
	for (int i = 0; i < out.n; i++)
		engine_record(e, lv, &out.ev[i]);
	for (int i = 0; i < out.n; i++) {
		if (out.ev[i].kind == EV_PART || (out.ev[i].kind == EV_SENT && out.ev[i].hash))
			receipts_for(e, lv, out.ev[i].hash);
		else if (out.ev[i].kind == EV_DOUBT)
			receipts_for_doubt(e, lv);
	}
	if (sending && lv->d->state != D_SENDING)
		receipts_answered(e, lv->d);
	lv->pins--;
	return out.send;
}
