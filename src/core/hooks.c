/* hooks.c - webhook calls that must survive everything: which are open, in what order, when again.
 *
 *   change event --> pending (in memory) --> away at the sender --> done                       nothing stored but the event
 *                       |   ^                      |
 *       memory full,    v   | due                  | failed
 *       old, failed   hook row on disk <-----------+--> dead (kept, shown, replayable)
 *
 * What succeeds costs one EV_HOOK_DONE event and no row: a low-water mark over the sequence of changes says that everything before
 * it is done, dead, or has a row; the start looks only at the changes after it. A receiver that is slow or away has its backlog on
 * disk; only so many calls of one owner are in memory or away at once, so it delays nobody else. Per delivery `delivered` waits
 * until `sent` is done or dead. */
#include <stdlib.h>
#include <string.h>

#include "core/hooks.h"

void hooks_init(struct engine *e)
{
	list_init(&e->hooks.order);
	list_init(&e->hooks.ready_list);
	e->hooks.pending = map_new();
	e->hooks.endpoints = map_new();
}

static bool free_pending(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void hooks_done(struct engine *e)
{
	map_each(e->hooks.pending, free_pending, NULL);
	map_free(e->hooks.pending);
	heap_done(&e->hooks.due);
	for (size_t i = 0; i < e->hooks.count; i++)
		free(e->hooks.all[i]);
	free(e->hooks.all);
	map_free(e->hooks.endpoints);
}

struct endpoint *hooks_endpoint(struct engine *e, uint32_t webhook)
{
	struct endpoint *p = map_ptr(e->hooks.endpoints, webhook);

	if (p)
		return p;
	p = xnew(struct endpoint);
	p->webhook = webhook;
	p->next_due = INT64_MAX;
	list_init(&p->fifo);
	map_set_ptr(e->hooks.endpoints, webhook, p);
	e->hooks.all = xrealloc(e->hooks.all, e->hooks.count + 1, sizeof(struct endpoint *));
	e->hooks.all[e->hooks.count++] = p;
	return p;
}

size_t hooks_away_limit(const struct engine *e)
{
	return (size_t)e->settings->webhooks.per_endpoint * ENDPOINT_AWAY_FACTOR;
}

/* Thousands of owners may rest: only those that have something to hand over, or rows to read back, are looked at. */
void hooks_place(struct engine *e, struct endpoint *p)
{
	bool reads = p->stored && p->next_due != INT64_MAX && p->fifo.count <= ENDPOINT_MEMORY / 4;

	if (!node_linked(&p->ready) && p->fifo.count && p->away < hooks_away_limit(e))
		list_push(&e->hooks.ready_list, &p->ready);
	if (p->due.index && (!reads || p->due.at != p->next_due))
		heap_remove(&e->hooks.due, &p->due);
	if (reads && !p->due.index)
		heap_push(&e->hooks.due, &p->due, p->next_due);
}

void hooks_stored(struct engine *e, struct endpoint *p, int by)
{
	p->stored += (size_t)by;
	e->hooks.stored += (size_t)by;
	hooks_place(e, p);
}

void hooks_due(struct engine *e, struct endpoint *p, int64_t at)
{
	p->next_due = MIN(p->next_due, at);
	hooks_place(e, p);
}

void hooks_enqueue(struct engine *e, struct hook_pending *h)
{
	struct endpoint *p = hooks_endpoint(e, h->webhook);

	list_push(&p->fifo, &h->fifo);
	e->hooks.ready++;
	hooks_place(e, p);
}

/* By seq, nearly always at the end; one read back from disk has a row and holds up nothing. */
static void in_order(struct engine *e, struct hook_pending *h)
{
	struct node *at = &e->hooks.order.head;

	if (h->stored)
		return;
	while (at->prev != &e->hooks.order.head && OWNER(struct hook_pending, order, at->prev)->seq > h->seq)
		at = at->prev;
	list_insert_before(&e->hooks.order, at, &h->order);
}

static struct hook_pending *pend(struct engine *e, int64_t key, int64_t seq, uint8_t kind, uint32_t webhook)
{
	struct hook_pending *h = xnew(struct hook_pending);

	h->key = key;
	h->seq = h->told = seq;
	h->kind = kind;
	h->webhook = webhook;
	h->born = e->now;
	map_set_ptr(e->hooks.pending, hook_id(key, kind), h);
	metric_add(M_HOOK_PENDING, 1);
	return h;
}

void hooks_store(struct engine *e, const struct hook_pending *h, int64_t due, bool dead, const struct hook_call *c)
{
	struct hook_row row = {.key = h->key,
			       .kind = h->kind,
			       .dead = dead,
			       .seq = h->told,
			       .webhook = h->webhook,
			       .due = due,
			       .first_at = h->first_at,
			       .last_at = e->now,
			       .tries = h->tries};

	if (c) {
		row.status = c->status;
		str_copy(row.why, sizeof row.why, str_of(c->why));
	}
	engine_batch(e);
	e->ops->hook_set(e->store, &row);
}

/* Its place in memory is given up; the row on disk has it from now on. */
void hooks_to_disk(struct engine *e, struct hook_pending *h, int64_t due, const struct hook_call *c)
{
	struct endpoint *p = hooks_endpoint(e, h->webhook);

	hooks_store(e, h, due, false, c);
	if (!h->stored)
		hooks_stored(e, p, 1);
	hooks_due(e, p, due);
	if (node_linked(&h->order))
		list_remove(&e->hooks.order, &h->order);
	if (node_linked(&h->fifo)) {
		list_remove(&p->fifo, &h->fifo);
		e->hooks.ready--;
		hooks_place(e, p);
	}
	map_del(e->hooks.pending, hook_id(h->key, h->kind), NULL);
	free(h);
}

void hooks_forget(struct engine *e, struct hook_pending *h)
{
	if (h->stored)
		hooks_stored(e, hooks_endpoint(e, h->webhook), -1);
	if (node_linked(&h->order))
		list_remove(&e->hooks.order, &h->order);
	map_del(e->hooks.pending, hook_id(h->key, h->kind), NULL);
	metric_add(M_HOOK_PENDING, -1);
}

static bool sent_is_open(struct engine *e, struct live *lv)
{
	struct hook_row row;

	if (map_get(e->hooks.pending, hook_id(lv->d->key, HOOK_SENT), NULL))
		return true;
	/* Not in memory: perhaps on disk, if any owner of webhooks has a backlog there. */
	return e->hooks.stored && e->ops->hook_get(e->store, lv->d->key, HOOK_SENT, &row) && !row.dead;
}

/* A call of that kind is open already: it tells the state it finds when it leaves, so the newer change rides along; only one that is
 * away needs a second call. */
static bool told_later(struct engine *e, int64_t key, int64_t seq, uint8_t kind)
{
	struct hook_pending *h = map_ptr(e->hooks.pending, hook_id(key, kind));
	struct hook_row row;

	if (h && h->away)
		h->again = seq;
	else if (h)
		h->told = seq;
	if (h && !h->stored)
		return true;
	/* Only a receipt after no_receipt makes a second change of one kind; then a dead call of the first is out of date. */
	if (!e->hooks.stored && !(kind == HOOK_DELIVERED && e->policy.no_receipt_fails))
		return false;
	if (!e->ops->hook_get(e->store, key, kind, &row))
		return false;
	engine_batch(e);
	if (row.dead) {
		e->ops->hook_del(e->store, key, kind);
		return false;
	}
	row.seq = seq;
	e->ops->hook_set(e->store, &row);
	return true;
}

void hooks_open(struct engine *e, struct live *lv, int64_t key, int64_t seq, uint8_t kind, uint32_t webhook)
{
	struct endpoint *p = hooks_endpoint(e, webhook);
	struct hook_pending *h;
	bool waits;

	if (told_later(e, key, seq, kind))
		return;
	waits = kind == HOOK_DELIVERED && sent_is_open(e, lv);
	h = pend(e, key, seq, kind, webhook);

	h->waiting = waits;
	if (lv)
		lv->hooks |= (uint8_t)(1u << kind);
	in_order(e, h);
	if (waits) {
		if (!map_get(e->hooks.pending, hook_id(key, HOOK_SENT), NULL))
			hooks_to_disk(e, h, INT64_MAX, NULL); /* behind a row: a row too */
		return;
	}
	if (p->stored || p->fifo.count >= ENDPOINT_MEMORY)
		hooks_to_disk(e, h, e->now, NULL);
	else
		hooks_enqueue(e, h);
}

void hooks_event(struct engine *e, struct live *lv, const struct event *ev)
{
	uint8_t kind = ev->kind == EV_SENT ? HOOK_SENT : HOOK_DELIVERED;
	struct hook_target t;

	if (!e->snap)
		return;
	t = snapshot_hook(e->snap, lv->d->sub_account, lv->d->user, kind);
	if (t.webhook)
		hooks_open(e, lv, lv->d->key, ev->seq, kind, t.webhook->id);
}

void hooks_mo(struct engine *e, const struct mo *m)
{
	struct hook_target t = {0};

	if (e->snap && m->sub_account)
		t = snapshot_hook(e->snap, m->sub_account, m->user, HOOK_MO);
	if (t.webhook)
		hooks_open(e, NULL, m->key, m->seq, HOOK_MO, t.webhook->id);
}

void hooks_pend_mo(struct engine *e, int64_t key)
{
	struct hook_row row;
	struct mo *m;

	if (map_get(e->hooks.pending, hook_id(key, HOOK_MO), NULL) || e->ops->hook_get(e->store, key, HOOK_MO, &row))
		return; /* joined at this start; or it was given up, or waits on the disk */
	if (e->ops->mo_load(e->store, key, &m) < 0)
		return;
	hooks_mo(e, m);
	free(m);
}

void hooks_pend(struct engine *e, int64_t key, int64_t seq, uint8_t kind, uint32_t webhook)
{
	struct live *lv = live_get(&e->lives, key);
	struct hook_row row;

	if (!lv)
		return;
	if (e->ops->hook_get(e->store, key, kind, &row)) {
		if (row.seq >= seq)
			return; /* it was given up, or waits on the disk */
		if (row.dead) {
			engine_batch(e);
			e->ops->hook_del(e->store, key, kind);
		}
	}
	hooks_open(e, lv, key, seq, kind, webhook);
}

void hooks_row_found(struct engine *e, const struct hook_row *row)
{
	struct endpoint *p = hooks_endpoint(e, row->webhook);

	hooks_stored(e, p, 1);
	hooks_due(e, p, row->due);
	metric_add(M_HOOK_PENDING, 1);
}

int64_t hooks_mark(const struct engine *e)
{
	struct node *n = list_first(&e->hooks.order);

	return n ? OWNER(struct hook_pending, order, n)->seq : e->seq + 1;
}
