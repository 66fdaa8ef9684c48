/* hooks_out.c - webhook calls on their way out: from memory to the sender, so many of each owner at once, and from the disk into memory
 * when they are due (hooks.c draws the whole). */
#include <stdlib.h>

#include "core/hooks.h"

#define SPILL_AGE_MS 60000 /* older ones go to disk, so that the mark moves */
#define ROWS_BACK_MAX 4096 /* of an endpoint that move with a clock that is set back */

static void hand_over(struct engine *e, struct endpoint *p, struct hook_pending *h)
{
	struct live *lv = h->kind == HOOK_MO ? NULL : live_get(&e->lives, h->key);
	struct hook_call *c;
	struct mo *mo = NULL;

	list_remove(&p->fifo, &h->fifo);
	e->hooks.ready--;
	if (!lv && (h->kind != HOOK_MO || e->ops->mo_load(e->store, h->key, &mo) < 0)) { /* its day was dropped by retention: nothing to tell any more */
		engine_batch(e);
		if (h->stored)
			e->ops->hook_del(e->store, h->key, h->kind);
		hooks_forget(e, h);
		free(h);
		return;
	}
	if (!h->first_at)
		h->first_at = e->now;
	c = xnew(struct hook_call);
	c->in.kind = INPUT_HOOK;
	c->key = h->key;
	c->seq = h->told;
	c->kind = h->kind;
	c->tries = h->tries;
	c->first_at = h->first_at;
	c->webhook = h->webhook;
	c->d = lv ? delivery_copy(lv->d) : NULL;
	c->mo = mo;
	if (mo)
		snapshot_mo_names(e->snap, mo->sub_account, mo->user, &c->names);
	c->pending = h;
	h->away = true;
	p->away++;
	e->hooks.total_away++;
	if (e->hook_last)
		e->hook_last->in.mail.next = &c->in.mail;
	else
		e->hook_first = c;
	e->hook_last = c;
}

static bool read_back(void *ctx, const struct hook_row *row)
{
	struct engine *e = ctx;
	struct hook_pending *h;

	if (map_get(e->hooks.pending, hook_id(row->key, row->kind), NULL))
		return true;
	h = xnew(struct hook_pending);
	h->key = row->key;
	h->seq = h->told = row->seq;
	h->kind = row->kind;
	h->webhook = row->webhook;
	h->first_at = row->first_at;
	h->tries = row->tries;
	h->stored = true;
	h->born = e->now;
	map_set_ptr(e->hooks.pending, hook_id(h->key, h->kind), h);
	hooks_enqueue(e, h);
	return hooks_endpoint(e, row->webhook)->fifo.count < ENDPOINT_MEMORY;
}

struct due_scan {
	struct engine *e;
	int64_t at; /* of the first row that is not in memory */
};

static bool first_due(void *ctx, const struct hook_row *row)
{
	struct due_scan *s = ctx;

	if (map_get(s->e->hooks.pending, hook_id(row->key, row->kind), NULL))
		return true;
	s->at = row->due;
	return false;
}

/* Rows of calls in memory are still listed, so ask for that many more. */
static void read_due(struct engine *e, struct endpoint *p)
{
	size_t here = p->away + p->fifo.count;
	struct due_scan s = {e, INT64_MAX};

	e->ops->hook_list(e->store, p->webhook, e->now, here + 1024, read_back, e);
	e->ops->hook_list(e->store, p->webhook, INT64_MAX - 1, p->away + p->fifo.count + 1, first_due, &s);
	p->next_due = MAX(s.at, e->now + 1);
	hooks_place(e, p);
}

void hooks_turn(struct engine *e)
{
	size_t total = (size_t)e->settings->webhooks.total * TOTAL_AWAY_FACTOR;
	struct heap_node *due;
	struct node *n;

	if (!e->sender_ops || e->hold)
		return;
	/* Afterwards it is due later than now, or not at all while its memory is full. */
	while ((due = heap_top(&e->hooks.due)) && due->at <= e->now)
		read_due(e, OWNER(struct endpoint, due, due));
	while (e->hooks.total_away < total && (n = list_pop(&e->hooks.ready_list))) {
		struct endpoint *p = OWNER(struct endpoint, ready, n);
		struct node *h;

		while (p->away < hooks_away_limit(e) && e->hooks.total_away < total && (h = list_first(&p->fifo)))
			hand_over(e, p, OWNER(struct hook_pending, fifo, h));
		hooks_place(e, p);
	}
	/* The oldest ones that could not leave make room for the mark. */
	while ((n = list_first(&e->hooks.order))) {
		struct hook_pending *h = OWNER(struct hook_pending, order, n);

		if (h->away || h->waiting || e->now - h->born < SPILL_AGE_MS)
			break;
		hooks_to_disk(e, h, e->now, NULL);
	}
}

struct rows_back {
	struct hook_row *a;
	size_t n;
	int64_t after;
};

static bool collect_row(void *ctx, const struct hook_row *row)
{
	struct rows_back *r = ctx;

	if (!row->dead && row->due > r->after)
		r->a[r->n++] = *row;
	return r->n < ROWS_BACK_MAX;
}

void hooks_set_back(struct engine *e, int64_t was, int64_t by)
{
	struct rows_back r = {.a = xcalloc(ROWS_BACK_MAX, sizeof(*r.a)), .after = e->now};

	for (size_t i = 0; i < e->hooks.count; i++) {
		struct endpoint *p = e->hooks.all[i];

		r.n = 0;
		if (p->stored)
			e->ops->hook_list(e->store, p->webhook, was + e->settings->webhooks.retry_max_ms,
					  ROWS_BACK_MAX, collect_row, &r);
		for (size_t k = 0; k < r.n; k++) {
			r.a[k].due -= by;
			engine_batch(e);
			e->ops->hook_set(e->store, &r.a[k]);
			p->next_due = MIN(p->next_due, r.a[k].due);
		}
	}
	for (struct node *n = list_first(&e->hooks.order); n; n = list_next(&e->hooks.order, n))
		OWNER(struct hook_pending, order, n)->born -= by;
	free(r.a);
}

int64_t hooks_next(const struct engine *e)
{
	struct heap_node *n = heap_top(&e->hooks.due);

	return n ? n->at : INT64_MAX;
}
