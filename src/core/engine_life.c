/* engine_life.c - the engine opened and closed, its settings, and its edge: what other threads may call at any time. The turn is in
 * engine.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/intake.h"
#include "core/ring.h"

#ifndef MAIL_LIMIT       /* the simulation is also built with small limits */
#define MAIL_LIMIT 65536 /* messages and receipts waiting to be looked at; beyond it the edge refuses */
#endif

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
