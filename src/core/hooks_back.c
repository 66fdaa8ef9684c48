/* hooks_back.c - webhook calls that come back: done, to be tried again, dead; and the replay of dead ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/hooks.h"
#include "core/mo.h"

/* -- and back ------------------------------------------------------------------------------------------------------ */

/* What waited behind a call that is settled now. */
static void release_next(struct engine *e, int64_t key)
{
	struct hook_pending *h = map_ptr(e->hooks.pending, hook_id(key, HOOK_DELIVERED));
	struct hook_row row;

	if (h && h->waiting) {
		struct endpoint *p = hooks_endpoint(e, h->webhook);

		h->waiting = false;
		if (p->stored && p->fifo.count >= ENDPOINT_MEMORY)
			hooks_to_disk(e, h, e->now, NULL);
		else
			hooks_enqueue(e, h);
	} else if (!h && e->hooks.stored && e->ops->hook_get(e->store, key, HOOK_DELIVERED, &row) &&
		   !row.dead && row.due == INT64_MAX) {
		struct endpoint *p = hooks_endpoint(e, row.webhook);

		row.due = e->now;
		engine_batch(e);
		e->ops->hook_set(e->store, &row);
		hooks_due(e, p, row.due);
	}
}

static void settled(struct engine *e, struct live *lv, struct hook_pending *h)
{
	hooks_forget(e, h);
	if (lv && h->again)
		hooks_open(e, lv, h->key, h->again, h->kind, h->webhook);
	if (lv)
		lv->hooks &= (uint8_t) ~(1u << h->kind);
	if (h->kind == HOOK_SENT)
		release_next(e, h->key);
	free(h);
}

static void record(struct engine *e, struct live *lv, const struct hook_call *c, struct event *ev)
{
	if (c->mo)
		mo_record(e, c->key, c->mo->sub_account, c->mo->user, ev);
	else if (lv)
		engine_record(e, lv, ev);
}

static bool client_fault(int status)
{
	return status >= 300 && status < 500 && status != 429 && status != 408;
}

/* What waits behind a call in memory follows it to the disk. */
static void follow(struct engine *e, const struct hook_call *c)
{
	struct hook_pending *h =
		c->kind == HOOK_SENT ? map_ptr(e->hooks.pending, hook_id(c->key, HOOK_DELIVERED)) : NULL;

	if (h && h->waiting)
		hooks_to_disk(e, h, INT64_MAX, NULL);
}

static void failed(struct engine *e, struct live *lv, struct hook_pending *h, struct hook_call *c)
{
	int64_t give_up = client_fault(c->status) ? e->settings->webhooks.give_up_client_ms
						  : e->settings->webhooks.give_up_ms;
	int64_t delay = doubled(e->settings->webhooks.retry_first_ms, h->tries - 1, e->settings->webhooks.retry_max_ms);
	int64_t half = delay / 2;
	struct event ev = {.at = e->now, .code = c->status, .arg = h->kind, .hash = (uint64_t)h->told};

	delay = delay - half / 2 + (int64_t)((double)half * engine_chance(e));
	delay = MAX(delay, c->retry_after_ms);
	event_detail(&ev, "%s", c->why);
	if (c->gone || e->now + delay > h->first_at + give_up) {
		ev.kind = EV_HOOK_DEAD;
		record(e, lv, c, &ev);
		hooks_store(e, h, INT64_MAX, true, c);
		metric_add(M_HOOK_DEAD, 1);
		settled(e, lv, h);
		return;
	}
	ev.kind = EV_HOOK_FAILED;
	ev.at2 = e->now + delay;
	record(e, lv, c, &ev);
	metric_add(M_HOOK_FAILED, 1);
	if (h->again)
		h->told = h->again;
	hooks_to_disk(e, h, e->now + delay, c);
	follow(e, c);
}

void hooks_back(struct engine *e, struct hook_call *c)
{
	struct hook_pending *h = c->pending;
	struct live *lv = c->mo ? NULL : live_get(&e->lives, c->key);
	struct endpoint *p = hooks_endpoint(e, h->webhook);

	p->away--;
	e->hooks.total_away--;
	hooks_place(e, p);
	h->away = false;
	h->tries += !c->untried;
	if (!c->ok && c->untried) {
		/* Nothing happened to it, so nothing is told; it waits its turn on the disk. */
		h->first_at = h->tries ? h->first_at : 0;
		hooks_to_disk(e, h, e->now + e->settings->webhooks.retry_first_ms, NULL);
		follow(e, c);
	} else if (c->ok) {
		struct event ev = {.kind = EV_HOOK_DONE,
				   .at = e->now,
				   .code = c->status,
				   .arg = h->kind,
				   .at2 = c->took_ms,
				   .hash = (uint64_t)h->told};

		record(e, lv, c, &ev);
		if (h->stored) {
			engine_batch(e);
			e->ops->hook_del(e->store, h->key, h->kind);
		}
		metric_add(M_HOOK_DONE, 1);
		settled(e, lv, h);
	} else {
		failed(e, lv, h, c);
	}
	delivery_free(c->d);
	free(c->mo);
	free(c);
}

/* -- replay --------------------------------------------------------------------------------------------------------- */

struct replay {
	struct call call;
	int64_t key;
	uint8_t kind;
	int result;
	void (*done)(void *ctx, int result);
	void *ctx;
};

/* When both of a delivery's calls are replayed, sent comes first: delivered waits behind it. A delivered that waits for a try of its own
 * went ahead when sent was given up, and stays ahead. */
static int64_t replay_order(struct engine *e, int64_t key, uint8_t kind)
{
	uint8_t other = kind == HOOK_SENT ? HOOK_DELIVERED : HOOK_SENT;
	struct hook_pending *h = kind == HOOK_MO ? NULL : map_ptr(e->hooks.pending, hook_id(key, other));
	struct hook_row row;

	if (kind == HOOK_MO)
		return e->now;
	if (kind == HOOK_DELIVERED)
		return h || (e->ops->hook_get(e->store, key, HOOK_SENT, &row) && !row.dead) ? INT64_MAX : e->now;
	if (h && !h->away && !h->tries) {
		hooks_to_disk(e, h, INT64_MAX, NULL);
	} else if (!h && e->ops->hook_get(e->store, key, HOOK_DELIVERED, &row) && !row.dead && !row.tries) {
		row.due = INT64_MAX;
		engine_batch(e);
		e->ops->hook_set(e->store, &row);
	}
	return e->now;
}

static void do_replay(struct engine *e, struct call *c)
{
	struct replay *r = (struct replay *)c;
	struct hook_row row;
	struct endpoint *p;

	r->result = -ENOENT;
	if (!e->ops->hook_get(e->store, r->key, r->kind, &row) || !row.dead)
		return;
	row.dead = false;
	row.due = replay_order(e, r->key, r->kind);
	row.first_at = 0;
	row.tries = 0;
	engine_batch(e);
	e->ops->hook_set(e->store, &row);
	p = hooks_endpoint(e, row.webhook);
	hooks_stored(e, p, 1);
	hooks_due(e, p, row.due);
	metric_add(M_HOOK_PENDING, 1);
	r->result = 0;
}

static void replay_done(struct call *c)
{
	struct replay *r = (struct replay *)c;

	if (r->done)
		r->done(r->ctx, r->result);
	free(r);
}

void engine_hook_replay(struct engine *e, int64_t key, uint8_t kind, void (*done)(void *ctx, int result), void *ctx)
{
	struct replay *r = xnew(struct replay);

	r->call.in.kind = INPUT_CALL;
	r->call.fn = do_replay;
	r->call.done = replay_done;
	r->key = key;
	r->kind = kind;
	r->result = -ESHUTDOWN;
	r->done = done;
	r->ctx = ctx;
	engine_post(e, &r->call.in, true);
}
