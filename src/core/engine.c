/* engine.c - the ring. One turn: take what has piled up, decide, store, commit once, then speak.
 *
 *   inputs --> step (lifecycle.c, pure) --> events --> store --> COMMIT --> effects: answers, attempts, acks, webhook calls
 *     ^                                                                          |
 *     +------------------------ results come back as inputs <--------------------+
 *
 * Invariants, asserted where they can be:
 *  I1 Commit, then speak. done(), stored(), send() of channel and sender run only in release(), after a commit that returned 0.
 *  I2 Attempt before bytes. An attempt reaches the channel only from the effects of the batch that holds its EV_ATTEMPT.
 *  I3 One owner. Deliveries, queues and maps belong to this thread; what leaves it is a copy or handed over whole.
 *  I4 Every wait has a timer, every queue a limit. The mailbox refuses submissions and receipts over its weight.
 *  I5 Final is final. Only lifecycle.c says otherwise, in one documented place.
 *  I6 An error of the store ends the process: nothing is answered any more, the next start recovers.
 * Opening, closing, settings and the edge are in engine_life.c. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "core/intake.h"
#include "core/optout.h"
#include "core/ring.h"

#ifndef BATCH_MAX      /* the simulation is also built with small limits */
#define BATCH_MAX 4096 /* weight taken into one batch */
#endif

bool engine_batch(void *ctx)
{
	struct engine *e = ctx;

	if (!e->batch) {
		e->ops->begin(e->store);
		e->batch = true;
	}
	return true;
}

double engine_chance(struct engine *e)
{
	return (double)(prng_u64(&e->prng) >> 11) / (double)((uint64_t)1 << 53);
}

void engine_after_commit(struct engine *e, struct mail *m)
{
	m->next = NULL;
	if (e->done_last)
		e->done_last->next = m;
	else
		e->done_first = m;
	e->done_last = m;
}

/* -- inputs --------------------------------------------------------------------------------------------------------- */

static void capacity_take(struct engine *e, struct capacity *c)
{
	struct connection *to = routes_connection(&e->routes, c->connection);

	if (to) {
		if (c->reset)
			to->credits = 0;
		to->up = c->up;
		to->window = c->window;
		to->credits += c->grant;
	}
	free(c);
}

static enum breaker_outcome health_of(const struct result *r)
{
	switch ((enum verdict)r->verdict) {
	case V_ACCEPTED:
	case V_REFUSED:
	case V_BAD_NUMBER: return BREAKER_OK;
	case V_TEMPORARY:
	case V_NACK: return BREAKER_ERROR;
	case V_DOUBT: return r->lost ? BREAKER_NOTHING : BREAKER_TIMEOUT;
	case V_NOT_SENT:
	case V_EXPIRED:
	case V_TEXT: break;
	}
	return BREAKER_NOTHING;
}

/* What the end of an attempt says about its connection. */
static void judge_health(struct engine *e, const struct result *r, int64_t begun_at)
{
	struct connection *c = routes_connection(&e->routes, r->connection);

	if (!c || !breaker_ended(&c->breaker, &c->health, begun_at, health_of(r), e->now))
		return;
	metric_add(M_BREAKER_OPENED, 1);
	log_warn("connection_sick", "connection=%s why=\"%s\" pause_ms=%lld", c->name, c->breaker.why,
		 (long long)c->breaker.pause);
}

static void result_take(struct engine *e, struct result *r)
{
	struct live *lv = live_get(&e->lives, r->key);
	struct fact f = {.kind = FACT_RESULT, .result = r};
	bool sending = lv && lv->d->state == D_SENDING && lv->d->attempts == r->attempt;
	int64_t begun_at = lv ? lv->d->begun_at : 0;

	if (lv)
		engine_step(e, lv, &f);
	if (sending && lv->d->state != D_SENDING)
		judge_health(e, r, begun_at);
	else if (!lv) /* after doubt an acceptance may come when the delivery is over */
		log_line(r->verdict == V_ACCEPTED ? LOG_DEBUG : LOG_ERROR, "result_lost",
			 "key=%lld verdict=%d", (long long)r->key, r->verdict);
	free(r);
}

static void input_take(struct engine *e, struct input *in)
{
	switch (in->kind) {
	case INPUT_SUBMIT: intake_submission(e, (struct submission *)in); break;
	case INPUT_CAPACITY: capacity_take(e, (struct capacity *)in); break;
	case INPUT_RESULT: result_take(e, (struct result *)in); break;
	case INPUT_RECEIPT: receipts_take(e, (struct receipt_in *)in); break;
	case INPUT_MO: mo_take(e, (struct mo_in *)in); break;
	case INPUT_HOOK: hooks_back(e, (struct hook_call *)in); break;
	case INPUT_CALL: {
		struct call *c = (struct call *)in;

		c->fn(e, c);
		engine_after_commit(e, &in->mail);
		break;
	}
	}
}

static void take_inputs(struct engine *e)
{
	size_t weight = 0;
	struct mail *m;

	if (!e->backlog)
		e->backlog = mailbox_take(e->mail);
	while ((m = e->backlog) && weight < BATCH_MAX) {
		struct input *in = (struct input *)m;
		uint32_t w = in->weight;

		e->backlog = m->next;
		weight += MAX(w, 1);
		e->batch_inputs++;
		input_take(e, in);
		if (w)
			mailbox_release(e->mail, w);
		if (!e->backlog)
			e->backlog = mailbox_take(e->mail);
	}
}

/* -- effects -------------------------------------------------------------------------------------------------------- */

static void call_back(struct mail *m)
{
	struct input *in = (struct input *)m;

	switch (in->kind) {
	case INPUT_SUBMIT: ((struct submission *)in)->done((struct submission *)in); break;
	case INPUT_RECEIPT: ((struct receipt_in *)in)->stored((struct receipt_in *)in); break;
	case INPUT_MO: ((struct mo_in *)in)->stored((struct mo_in *)in); break;
	case INPUT_CALL: {
		struct call *c = (struct call *)in;

		if (c->done)
			c->done(c);
		break;
	}
	case INPUT_CAPACITY:
	case INPUT_RESULT:
	case INPUT_HOOK: ASSERT(!"an input without a call-back");
	}
}

static void release(struct engine *e)
{
	struct attempt *a = e->send_first;
	struct hook_call *h = e->hook_first;
	struct mail *m = e->done_first;

	ASSERT(!e->batch && !e->dead); /* I1 */
	e->send_first = e->send_last = NULL;
	e->hook_first = e->hook_last = NULL;
	e->done_first = e->done_last = NULL;
	/* Opt-outs are in force before the message that confirms them leaves. */
	while (m) {
		struct mail *next = m->next;

		call_back(m);
		m = next;
	}
	if (a)
		e->channel->ops->send(e->channel, a);
	if (h)
		e->sender_ops->send(e->sender, h);
}

/* -- the turn ------------------------------------------------------------------------------------------------------- */

static void put_mark(struct engine *e, const char *name, int64_t value)
{
	unsigned char le[8];

	le_put(le, (uint64_t)value, sizeof le);
	e->ops->mark(e->store, name, (struct str){(char *)le, sizeof le});
}

static void put_marks(struct engine *e)
{
	put_mark(e, "merged", lives_merged_seq(&e->lives, e->seq));
	put_mark(e, "unfinished", unfinished_mark(e));
	put_mark(e, "hooks", hooks_mark(e));
	put_mark(e, "mo_parts", mo_mark(e));
	put_mark(e, "mo_wishes", optout_mark(e));
	put_mark(e, "sweep", e->sweep);
	e->latest = MAX(e->latest, e->now);
	put_mark(e, "latest", e->latest);
}

static int commit(struct engine *e, struct err *err)
{
	int64_t start = mono_us();
	int r;

	if (e->now >= e->next_marks) {
		put_marks(e);
		e->next_marks = e->now + MARKS_MS;
	}
	credit_flush(e);
	e->batch = false;
	r = e->ops->commit(e->store, err);
	metric_observe_us(M_COMMIT_TIME, mono_us() - start);
	metric_add(M_COMMITS, 1);
	metric_add(M_INPUTS, (int64_t)e->batch_inputs);
	e->batch_inputs = 0;
	if (r < 0) {
		e->dead = true;
		e->accepting = false;
	}
	return r;
}

static int64_t next_timer(const struct engine *e)
{
	int64_t at = MIN(MIN(e->next_second, mo_next(e)), MIN(dispatch_next(e), hooks_next(e)));

	return MAX(at - e->now, 0);
}

int64_t engine_turn(struct engine *e, struct err *err)
{
	bool more, controlling;

	if (e->dead)
		return err_set(err, -EIO, "the store failed");
	e->snap = snapshot_get();
	engine_see_clock(e);
	e->queues.now = e->now;
	if (e->routes.by_sub && snapshot_serial(e->snap) != e->snap_seen) {
		routes_subs(&e->routes, e->snap);
		e->snap_seen = snapshot_serial(e->snap);
	}
	take_inputs(e);
	dispatch_timers(e);
	mo_turn(e);
	controlling = control_turn(e);
	dispatch_turn(e);
	hooks_turn(e);
	if (e->now >= e->next_second) {
		lists_second(e);
		mo_second(e);
		status_second(e);
		e->next_second = e->now + 1000;
	}
	size_t merged = lives_merge(&e->lives, e->now, false, e->batch_inputs > 0, engine_batch, e);
	if (merged)
		e->next_marks = 0;
	if (e->batch && commit(e, err) < 0) {
		snapshot_put(e->snap);
		return -EIO;
	}
	more = e->send_first || e->hook_first || merged || e->backlog || e->expiring ||
	       e->rehome < e->rehome_until || e->more_to_find || controlling;
	release(e);
	lives_trim(&e->lives);
	e->ops->idle(e->store, e->now);
	metric_set(M_LIVE, (int64_t)map_count(e->lives.map));
	snapshot_put(e->snap);
	e->snap = NULL;
	return more ? 0 : next_timer(e);
}

/* Everything merged: the next start has nothing to replay. Bounded, as it is only a courtesy. */
static void settle_down(struct engine *e, struct err *err)
{
	int64_t until = e->clock(e->clock_ctx) + 3000;

	e->snap = snapshot_get();
	while (e->clock(e->clock_ctx) < until) {
		take_inputs(e);
		if (!lives_merge(&e->lives, e->now, true, false, engine_batch, e) && !e->backlog)
			break;
		e->next_marks = 0;
		if (commit(e, err) < 0)
			break;
		release(e);
	}
	if (!e->dead) {
		engine_batch(e);
		e->next_marks = 0;
		if (commit(e, err) == 0)
			release(e);
	}
	snapshot_put(e->snap);
	e->snap = NULL;
}

int engine_run(struct engine *e, struct err *err)
{
	for (;;) {
		int64_t wait;

		/* When the cores are busy, those who bring inputs go first: fewer, larger commits. Costs nothing when they are idle. */
		sched_yield();
		wait = engine_turn(e, err);

		if (wait < 0)
			return (int)wait;
		if (e->stop_now || (e->stopping && e->clock(e->clock_ctx) >= e->stop_at) ||
		    (e->stopping && !e->under_way && !e->hooks.total_away && !e->backlog))
			break;
		mailbox_wait(e->mail, (int)MIN(wait, e->stopping ? 20 : 1000));
	}
	mailbox_close(e->mail);
	settle_down(e, err);
	return e->dead ? -EIO : 0;
}

void engine_stop(struct engine *e, int64_t grace_ms)
{
	e->accepting = false;
	e->hold = true;
	e->stop_at = e->clock(e->clock_ctx) + grace_ms;
	e->stopping = true;
	mailbox_wake(e->mail);
}
