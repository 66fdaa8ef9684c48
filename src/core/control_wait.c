/* control_wait.c - what waits and must not leave now: rows that a paused campaign's messages were passed over at, found again when it is
 * resumed; and the walk that ends the messages of cancelled campaigns. All of it some rows at a time, so that a campaign of a million
 * stops nobody else.
 *
 * A queue remembers from where on a pause passed something over (held_from). When some pause ends, the queue is scanned from there again,
 * as one is whose window overflowed; what another pause still holds is passed over again. */
#include <stdlib.h>

#include "core/control.h"
#include "core/ring.h"

#ifndef CONTROL_SCAN      /* the simulation is also built with small limits */
#define CONTROL_SCAN 2048 /* rows of the walk in one turn */
#endif

/* -- passed over ------------------------------------------------------------------------------------------------------ */

/* Those whose events were merged meanwhile a scan finds: what remains is no more than the memory has room for. */
static void aside_prune(struct engine *e)
{
	struct control *c = &e->control;
	size_t n = 0;

	for (size_t i = 0; i < c->aside_n; i++) {
		const struct live *lv = live_find(&e->lives, c->aside[i]);

		if (lv && lv->n)
			c->aside[n++] = c->aside[i];
	}
	c->aside_n = n;
}

/* A row as it lies in the store is found again by a scan from there on; one with newer events may not be. */
static void put_aside(struct engine *e, struct queue *k, const struct live *lv)
{
	struct control *c = &e->control;

	k->held_from = MIN(k->held_from, lv->d->key - 1);
	if (!lv->n)
		return;
	if (c->aside_n == c->aside_cap) {
		aside_prune(e);
		if (c->aside_n >= c->aside_cap / 2) {
			c->aside_cap = c->aside_cap ? c->aside_cap * 2 : 64;
			c->aside = xrealloc(c->aside, c->aside_cap, sizeof *c->aside);
		}
	}
	c->aside[c->aside_n++] = lv->d->key;
}

void control_hold(struct engine *e, struct live *lv, enum order_says says)
{
	struct fact f = {.kind = FACT_CANCEL};

	if (says == ORDER_PAUSE) {
		put_aside(e, engine_queue_of(e, lv->d), lv);
		return;
	}
	if (lv->d->state == D_QUEUED)
		control_count(e, lv->d, false);
	engine_step(e, lv, &f);
}

/* The store must not be written while it is read: what is to be written is kept till the scan is over. */
void control_pass(struct engine *e, struct queue *k, const struct delivery *d)
{
	struct control *c = &e->control;

	if (d->due_at <= e->now) {
		k->held_from = MIN(k->held_from, d->key - 1);
		return;
	}
	if (c->lost_n == c->lost_cap) {
		c->lost_cap = c->lost_cap ? c->lost_cap * 2 : 64;
		c->lost = xrealloc(c->lost, c->lost_cap, sizeof *c->lost);
	}
	c->lost[c->lost_n++] = (struct due){k->id, d->due_at, d->key};
}

void control_scanned(struct engine *e)
{
	struct control *c = &e->control;

	for (size_t i = 0; i < c->lost_n; i++)
		engine_due_set(e, &c->lost[i].queue, c->lost[i].at, c->lost[i].key);
	c->lost_n = 0;
}

void control_timer(struct engine *e, const struct delivery *d, struct fact *f)
{
	enum order_says says = control_says(e, d);

	f->held = says == ORDER_PAUSE;
	if (says == ORDER_CANCEL) {
		control_count(e, d, false);
		f->kind = FACT_CANCEL; /* it was withdrawn before its time was over */
	}
}

void control_goes_on(struct engine *e, struct live *lv)
{
	struct queue *k = engine_queue_of(e, lv->d);
	int64_t departs, shuts;

	if (lv->d->state != D_QUEUED || delivery_paused(lv->d))
		return;
	k->fired |= lv->d->due_at != 0;
	if (!engine_may_leave(e, lv->d, &shuts, &departs))
		engine_postpone(e, &k->id, lv->d, departs);
	else if (!queue_return(&e->queues, k, lv->d->key, lv->d->attempts > 0))
		queue_rescan(&e->queues, k, lv->d->key - 1);
}

void control_look_again(struct engine *e)
{
	struct control *c = &e->control;

	/* Back to front, as each goes to the head. */
	for (size_t i = c->aside_n; i-- > 0;) {
		struct live *lv = live_get(&e->lives, c->aside[i]);

		if (lv)
			control_goes_on(e, lv);
	}
	c->aside_n = 0;
	for (struct node *at = list_first(&e->queues.all); at; at = list_next(&e->queues.all, at)) {
		struct queue *k = OWNER(struct queue, all, at);

		if (k->held_from != INT64_MAX)
			queue_rescan(&e->queues, k, k->held_from);
		k->held_from = INT64_MAX;
	}
}

/* -- the walk --------------------------------------------------------------------------------------------------------- */

static bool cancels(const struct control_order *o) { return o && o->say.verb == CONTROL_CANCEL; }

static void walk_begins(struct engine *e)
{
	struct control *c = &e->control;

	c->walk_at = unfinished_mark(e) - 1;
	c->walk_until = 0;
	for (size_t i = 0; i < c->slots; i++) {
		if (!cancels(c->slot[i]))
			continue;
		c->slot[i]->walking = true;
		c->slot[i]->say.left = 0; /* those under way are met again */
		c->walk_until = MAX(c->walk_until, c->slot[i]->until);
	}
}

static void walk_ends(struct engine *e)
{
	struct control *c = &e->control;

	c->walk_at = c->walk_until = 0;
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i] && c->slot[i]->walking)
			control_remove(e, i);
}

struct walked {
	struct delivery *a[CONTROL_SCAN];
	size_t n;
};

static bool walk_row(void *ctx, struct delivery *take)
{
	struct walked *w = ctx;

	w->a[w->n++] = take;
	return w->n < CONTROL_SCAN;
}

/* What is under way is marked, so that it is not sent again should it come back; and counted as having left. */
static void walk_one(struct engine *e, struct delivery *take)
{
	struct live *lv = live_find(&e->lives, take->key);
	const struct delivery *d = lv ? lv->d : take;
	struct fact f = {.kind = FACT_CANCEL};
	bool counts = d->state == D_QUEUED || d->state == D_SENDING || d->state == D_DOUBT;

	if (counts && control_says(e, d) == ORDER_CANCEL) {
		control_count(e, d, d->state != D_QUEUED);
		engine_step(e, lv ? lv : live_add(&e->lives, take), &f);
		if (!lv)
			return;
	}
	delivery_free(take);
}

bool control_turn(struct engine *e)
{
	const unsigned open = 1u << D_QUEUED | 1u << D_SENDING | 1u << D_DOUBT;
	struct control *c = &e->control;
	struct walked w = {.n = 0};
	int64_t last;

	c->held_left = CONTROL_SCAN;
	if (!c->cancels)
		return false;
	if (!c->walk_until)
		walk_begins(e);
	last = c->walk_at;
	if (c->walk_at < c->walk_until)
		e->ops->unfinished_after(e->store, open, c->walk_at, c->walk_until, CONTROL_SCAN, walk_row, &w, &last);
	c->walk_at = last == c->walk_at ? c->walk_until : last;
	for (size_t i = 0; i < w.n; i++)
		walk_one(e, w.a[i]);
	if (c->walk_at >= c->walk_until)
		walk_ends(e);
	return c->cancels > 0;
}
