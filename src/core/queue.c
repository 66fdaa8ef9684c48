/* queue.c - queues of keys that are ready: their windows, what is found again on disk, their rows in the due table. Whose turn it is, is
 * turns.c's. */
#include "core/queue.h"

#include <stdlib.h>

#define RETURN_LOOK 4096 /* keys looked at for the place of one that comes back */

void queues_init(struct queues *q)
{
	*q = (struct queues){0};
	for (int i = 0; i <= LANES; i++)
		q->by_id[i] = map_new();
	list_init(&q->all);
	turns_init(q);
}

void queues_done(struct queues *q)
{
	struct node *n;

	turns_done(q);
	heap_done(&q->due);
	while ((n = list_pop(&q->all))) {
		struct queue *k = OWNER(struct queue, all, n);

		free(k->ring);
		free(k);
	}
	for (int i = 0; i <= LANES; i++)
		map_free(q->by_id[i]);
}

struct queue *queue_of(struct queues *q, const struct queue_id *id)
{
	struct map *m = q->by_id[MIN(id->lane, LANE_TIMERS)];
	uint64_t key = (uint64_t)id->route << 32 | id->sub_account;
	struct queue *k = map_ptr(m, key);

	if (k)
		return k;
	k = xnew(struct queue);
	k->id = *id;
	k->set = id->lane < LANES ? queues_set(q, id->route) : NULL;
	k->due_next = k->held_from = INT64_MAX;
	k->spilled = q->new_from && k->set;
	k->spill_from = q->new_from;
	map_set_ptr(m, key, k);
	list_push(&q->all, &k->all);
	return k;
}

/* -- due rows --------------------------------------------------------------------------------------------------------- */

/* A window that is half full takes no more from the table: they wait there. */
static void due_place(struct queues *q, struct queue *k)
{
	bool in = k->due_next != INT64_MAX && (!k->set || k->count <= QUEUE_WINDOW / 2);

	if (k->due.index && (!in || k->due.at != k->due_next))
		heap_remove(&q->due, &k->due);
	if (in && !k->due.index)
		heap_push(&q->due, &k->due, k->due_next);
}

void queue_due(struct queues *q, struct queue *k, int64_t at)
{
	k->due_next = at;
	due_place(q, k);
}

struct queue *queues_due(struct queues *q)
{
	struct heap_node *n = heap_top(&q->due);

	return n && n->at <= q->now ? OWNER(struct queue, due, n) : NULL;
}

int64_t queues_next_due(const struct queues *q)
{
	struct heap_node *n = heap_top(&q->due);

	return n ? n->at : INT64_MAX;
}

/* -- the window ------------------------------------------------------------------------------------------------------- */

static void ring_grow(struct queue *k)
{
	uint32_t cap = k->cap ? k->cap * 2 : MIN(64, QUEUE_WINDOW);
	int64_t *ring = xcalloc(cap, sizeof *ring);

	ASSERT(k->count <= k->cap);
	for (uint32_t i = 0; i < k->count; i++)
		ring[i] = k->ring[(k->head + i) % k->cap];
	free(k->ring);
	k->ring = ring;
	k->head = 0;
	k->cap = cap;
}

static bool ring_room(struct queue *k)
{
	if (k->count < k->cap)
		return true;
	if (k->cap >= QUEUE_WINDOW)
		return false;
	ring_grow(k);
	return true;
}

static bool ring_push(struct queue *k, int64_t key)
{
	if (!ring_room(k))
		return false;
	k->ring[(k->head + k->count++) % k->cap] = key;
	return true;
}

bool queue_push(struct queues *q, struct queue *k, int64_t key)
{
	queue_wake(q, k);
	if (k->spilled)
		return false;
	if (ring_push(k, key))
		return true;
	k->spilled = true;
	k->spill_from = key - 1;
	return false;
}

/* The window may grow past its limit by what was away at the carriers: bounded by their windows. */
void queue_push_front(struct queues *q, struct queue *k, int64_t key)
{
	uint32_t at;

	queue_wake(q, k);
	if (k->count == k->cap)
		ring_grow(k);
	/* Behind the older ones that came back before it: a whole window that returns keeps its order. */
	k->head = (k->head + k->cap - 1) % k->cap;
	for (at = 0; at < MIN(k->count, RETURN_LOOK); at++) {
		int64_t next = k->ring[(k->head + at + 1) % k->cap];

		if (next > key)
			break;
		k->ring[(k->head + at) % k->cap] = next;
	}
	k->ring[(k->head + at) % k->cap] = key;
	k->count++;
}

void queue_push_due(struct queues *q, struct queue *k, int64_t key)
{
	queue_wake(q, k);
	if (k->spilled || !ring_push(k, key))
		queue_push_front(q, k, key);
}

int64_t queue_peek(const struct queue *k) { return k->count ? k->ring[k->head] : 0; }

int64_t queue_pop(struct queues *q, struct queue *k)
{
	int64_t key = queue_peek(k);

	if (key) {
		k->head = (k->head + 1) % k->cap;
		k->count--;
		if (k->due_next != INT64_MAX && k->count == QUEUE_WINDOW / 2)
			due_place(q, k);
	}
	return key;
}

bool queue_return(struct queues *q, struct queue *k, int64_t key, bool must)
{
	if (k->count >= QUEUE_WINDOW && !must)
		return false;
	for (uint32_t i = 0; i < k->count; i++)
		if (k->ring[(k->head + i) % k->cap] == key)
			return true;
	queue_push_front(q, k, key);
	return true;
}

void queue_rescan(struct queues *q, struct queue *k, int64_t from)
{
	k->regather = true;
	k->spill_from = k->spilled ? MIN(k->spill_from, from) : from;
	k->spilled = true;
	queue_wake(q, k);
}

void queues_scatter(struct queues *q, int64_t from)
{
	q->new_from = from;
	for (struct node *n = list_first(&q->all); n; n = list_next(&q->all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		if (!k->set)
			continue;
		k->count = k->head = 0;
		k->waiting = 0;
		k->spilled = true;
		k->spill_from = from;
		due_place(q, k);
		queue_wake(q, k);
	}
}

struct refill {
	struct queues *q;
	struct queue *k;
	struct lives *l;
	queue_route_fn *route_of;
	void *ctx;
	int64_t stop; /* window full at this key */
};

static bool refill_row(void *ctx, struct delivery *take)
{
	struct refill *r = ctx;
	/* In memory means that its events are newer than the row. The window was empty: what is found is not in it. */
	struct live *lv = live_find(r->l, take->key);
	const struct delivery *d = lv ? lv->d : take;
	bool mine = d->state == D_QUEUED && (d->due_at <= r->q->now || r->k->regather) &&
		    r->route_of(r->ctx, d) == r->k;

	if (mine && !ring_push(r->k, take->key)) {
		r->stop = take->key;
		delivery_free(take);
		return false;
	}
	if (mine && !lv && lives_roomy(r->l))
		live_add(r->l, take);
	else
		delivery_free(take);
	return true;
}

void queue_refill(struct queues *q, struct queue *k, struct lives *l, int64_t until, size_t scan,
		  queue_route_fn *route_of, void *ctx)
{
	struct refill r = {q, k, l, route_of, ctx, 0};
	int64_t last = k->spill_from;

	if (!k->spilled)
		return;
	l->store->ops->unfinished_after(l->store, 1u << D_QUEUED, k->spill_from, until, scan, refill_row, &r, &last);
	if (r.stop) {
		k->spill_from = r.stop - 1;
		return;
	}
	/* Nothing looked at: the scan has caught up with acceptance. */
	if (last == k->spill_from)
		k->spilled = k->regather = false;
	k->spill_from = last;
}
