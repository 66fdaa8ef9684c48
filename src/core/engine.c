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
 *  I6 An error of the store ends the process: nothing is answered any more, the next start recovers. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "core/intake.h"
#include "core/optout.h"
#include "core/ring.h"
#include "model/codes.h"

#ifndef MAIL_LIMIT       /* the simulation is also built with small limits */
#define MAIL_LIMIT 65536 /* messages and receipts waiting to be looked at; beyond it the edge refuses */
#define BATCH_MAX 4096   /* weight taken into one batch */
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
	if (a)
		e->channel->ops->send(e->channel, a);
	while (m) {
		struct mail *next = m->next;

		call_back(m);
		m = next;
	}
	if (h)
		e->sender_ops->send(e->sender, h);
}

/* -- the turn ------------------------------------------------------------------------------------------------------- */

static void put_mark(struct engine *e, const char *name, int64_t value)
{
	unsigned char le[8];

	for (int i = 0; i < 8; i++)
		le[i] = (unsigned char)((uint64_t)value >> (8 * i));
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

/* -- the edge ------------------------------------------------------------------------------------------------------- */

bool engine_post(struct engine *e, struct input *in, bool must)
{
	if (must) {
		in->weight = 0;
		mailbox_post_always(e->mail, &in->mail);
		return true;
	}
	if (!in->weight)
		in->weight = 1;
	return mailbox_post(e->mail, &in->mail, in->weight);
}

bool intake_post(struct engine *e, struct submission *s)
{
	if (!e->accepting)
		return false;
	s->in.kind = INPUT_SUBMIT;
	s->in.weight = s->count;
	return engine_post(e, &s->in, false);
}

static bool env_post(void *ctx, struct input *in, bool must)
{
	in->weight = 0;
	return engine_post(ctx, in, must);
}

static uint64_t env_id_hash(void *ctx, uint16_t connection, const char *normal_id)
{
	struct engine *e = ctx;
	char text[2 + CARRIER_ID_MAX];
	size_t n = strnlen(normal_id, CARRIER_ID_MAX);
	uint64_t h;

	text[0] = (char)(connection & 0xff);
	text[1] = (char)(connection >> 8);
	memcpy(text + 2, normal_id, n);
	h = hash_keyed(&e->hash_key, text, n + 2);
	return h ? h : 1;
}

const struct channel_env *engine_channel_env(struct engine *e) { return &e->env; }

void engine_attach_channel(struct engine *e, struct channel *ch) { e->channel = ch; }

void engine_attach_sender(struct engine *e, const struct hook_sender_ops *ops, void *sender)
{
	e->sender_ops = ops;
	e->sender = sender;
}

bool engine_accepting(const struct engine *e) { return e->accepting; }

/* -- settings ------------------------------------------------------------------------------------------------------- */

static uint32_t place(void *ctx, uint32_t route, void **way)
{
	struct engine *e = ctx;
	struct route *r = routes_by_hash(&e->routes, route);

	*way = r;
	return r ? r->pool : 0;
}

static bool set_routes(struct engine *e, const struct settings *s)
{
	const struct snapshot *snap = snapshot_get();
	bool changed = routes_set(&e->routes, s, snap);

	e->snap_seen = snapshot_serial(snap);
	snapshot_put(snap);
	queues_pools(&e->queues, e->routes.pools + 1, place, e);
	return changed;
}

/* True when messages may have another way now. */
static bool use_settings(struct engine *e, const struct settings *s)
{
	e->settings = s;
	e->policy = (struct policy){.doubt_wait_ms = s->sms.doubt_wait_ms,
				    .receipt_wait_ms = s->sms.receipt_wait_ms,
				    .no_receipt_fails = s->sms.no_receipt_fails,
				    .retry_delay_ms = s->sms.retry_delay_ms,
				    .retry_delay_max_ms = s->sms.retry_delay_max_ms,
				    .retry_tries = (int)s->sms.retry_tries};
	mos_settings(e, s);
	return set_routes(e, s);
}

static void swap_settings(struct engine *e, struct call *c)
{
	if (use_settings(e, c->ctx))
		dispatch_routes_changed(e);
}

static void free_call(struct call *c) { free(c); }

void engine_settings(struct engine *e, const struct settings *s)
{
	struct call *c = xnew(struct call);

	c->in.kind = INPUT_CALL;
	c->fn = swap_settings;
	c->done = free_call;
	c->ctx = (void *)(uintptr_t)s;
	engine_post(e, &c->in, true);
}

/* -- life ----------------------------------------------------------------------------------------------------------- */

static int64_t real_clock(void *ctx)
{
	(void)ctx;
	return wall_ms();
}

int engine_open(struct engine **ret, const struct engine_config *c, struct err *err)
{
	struct engine *e = xnew(struct engine);
	int r;

	e->store = c->store;
	e->ops = c->store->ops;
	e->clock = c->now ? c->now : real_clock;
	e->clock_ctx = c->now_ctx;
	e->now = e->clock(e->clock_ctx);
	prng_seed(&e->prng, c->seed ? c->seed : rng_u64());
	e->optout = c->optout;
	e->optout_ctx = c->optout_ctx;
	e->optout_written = c->optout_written;
	e->optout_mark = c->optout_mark;
	e->mail = mailbox_new(MAIL_LIMIT);
	e->unfinished = map_new();
	e->unfinished_low = INT64_MAX;
	e->hash_key = *e->ops->hash_key(e->store);
	e->env = (struct channel_env){e, env_post, env_id_hash};
	e->ids.last = e->ops->last_key(e->store);
	e->seq = e->ops->last_seq(e->store);
	pthread_mutex_init(&e->status_lock, NULL);
	lives_init(&e->lives, e->store, (size_t)c->settings->memory);
	queues_init(&e->queues);
	hooks_init(e);
	receipts_init(e);
	lists_init(e);
	credit_init(e);
	mos_init(e);
	reach_init(e);
	control_init(e);
	list_init(&e->searching);
	(void)use_settings(e, c->settings);
	e->snap = snapshot_get();
	r = recover_all(e, err);
	snapshot_put(e->snap);
	e->snap = NULL;
	if (r < 0) {
		engine_close(e);
		return r;
	}
	e->accepting = true;
	*ret = e;
	return 0;
}

/* Inputs that nobody will look at any more; their posters were stopped before. */
static void drop_inputs(struct engine *e)
{
	struct mail *m = e->backlog ? e->backlog : mailbox_take(e->mail);

	while (m) {
		struct mail *next = m->next;
		struct input *in = (struct input *)m;

		if (in->kind == INPUT_SUBMIT) {
			((struct submission *)in)->status = SUBMIT_STOPPING;
			((struct submission *)in)->done((struct submission *)in);
		} else if (in->kind == INPUT_HOOK) {
			delivery_free(((struct hook_call *)in)->d);
			free(((struct hook_call *)in)->mo);
			free(in);
		} else if (in->kind == INPUT_CAPACITY || in->kind == INPUT_RESULT) {
			free(in);
		} else if (in->kind == INPUT_CALL && ((struct call *)in)->done) {
			((struct call *)in)->done((struct call *)in); /* not run: its result says so */
		}
		m = next ? next : mailbox_take(e->mail);
	}
	e->backlog = NULL;
}

/* Effects of a batch that failed to commit: nobody must hear of them. */
static void drop_effects(struct engine *e)
{
	for (struct mail *m = e->send_first ? &e->send_first->mail : NULL, *next; m; m = next) {
		next = m->next;
		attempt_free((struct attempt *)m);
	}
	for (struct mail *m = e->hook_first ? &e->hook_first->in.mail : NULL, *next; m; m = next) {
		next = m->next;
		delivery_free(((struct hook_call *)m)->d);
		free(((struct hook_call *)m)->mo);
		free(m);
	}
	for (struct mail *m = e->done_first, *next; m; m = next) {
		next = m->next;
		if (((struct input *)m)->kind == INPUT_CALL && ((struct call *)m)->lost)
			((struct call *)m)->lost((struct call *)m);
	}
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	drop_inputs(e);
	drop_effects(e);
	lists_done(e);
	control_done(e);
	credit_done(e);
	reach_done(e);
	mos_done(e);
	receipts_done(e);
	hooks_done(e);
	queues_done(&e->queues);
	routes_done(&e->routes);
	lives_done(&e->lives);
	map_free(e->unfinished);
	mailbox_free(e->mail);
	pthread_mutex_destroy(&e->status_lock);
	buf_done(&e->status);
	free(e);
}
