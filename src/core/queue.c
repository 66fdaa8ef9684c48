/* queue.c - queues of keys that are ready, in lanes and fair shares. */
#include "core/queue.h"

#include <stdlib.h>
#include <string.h>

#define RETURN_LOOK 4096  /* keys looked at for the place of one that comes back */
#define MARKETING_FLOOR 9 /* transactional turns before marketing gets one */

void queues_init(struct queues *q)
{
	*q = (struct queues){0};
	for (int i = 0; i <= LANES; i++)
		q->by_id[i] = map_new();
	list_init(&q->all);
}

void queues_done(struct queues *q)
{
	struct node *n;

	while ((n = list_pop(&q->all))) {
		struct queue *k = OWNER(struct queue, all, n);

		free(k->ring);
		free(k);
	}
	for (int i = 0; i <= LANES; i++)
		map_free(q->by_id[i]);
	for (size_t i = 0; i < q->set_count; i++)
		free(q->sets[i]);
	free(q->sets);
}

/* Sets are few (one a route) and live as long as the engine. */
struct lane_set *queues_set(struct queues *q, uint32_t route)
{
	struct lane_set *s;

	for (size_t i = 0; i < q->set_count; i++)
		if (q->sets[i]->route == route)
			return q->sets[i];
	s = xnew(struct lane_set);
	s->route = route;
	for (int lane = 0; lane < LANES; lane++)
		list_init(&s->lane[lane]);
	q->sets = xrealloc(q->sets, q->set_count + 1, sizeof(struct lane_set *));
	q->sets[q->set_count++] = s;
	return s;
}

void queues_scatter(struct queues *q, int64_t from)
{
	q->new_from = from;
	for (struct node *n = list_first(&q->all); n; n = list_next(&q->all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		if (k->id.lane >= LANES)
			continue;
		k->count = k->head = 0;
		k->waiting = 0;
		k->spilled = true;
		k->spill_from = from;
		queue_wake(q, k);
	}
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
	k->due_next = INT64_MAX;
	k->spilled = q->new_from && id->lane < LANES;
	k->spill_from = q->new_from;
	map_set_ptr(m, key, k);
	list_push(&q->all, &k->all);
	return k;
}

void queue_wake(struct queues *q, struct queue *k)
{
	if (!node_linked(&k->active) && k->id.lane < LANES)
		list_push(&queues_set(q, k->id.route)->lane[k->id.lane], &k->active);
}

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

int64_t queue_peek(const struct queue *k) { return k->count ? k->ring[k->head] : 0; }

int64_t queue_pop(struct queue *k)
{
	int64_t key = queue_peek(k);

	if (key) {
		k->head = (k->head + 1) % k->cap;
		k->count--;
	}
	return key;
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
	/* In memory means that its events are newer than the row; a QUEUED one there with nothing unmerged is the row itself. */
	struct live *lv = live_find(r->l, take->key);
	const struct delivery *d = lv ? lv->d : take;
	bool mine = d->state == D_QUEUED && !d->due_at && !(lv && lv->n) && r->route_of(r->ctx, d) == r->k;

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
		k->spilled = false;
	k->spill_from = last;
}

struct queue *queues_next(struct lane_set *s)
{
	struct node *t = list_first(&s->lane[LANE_TRANSACTIONAL]), *m = list_first(&s->lane[LANE_MARKETING]);

	if (t && m)
		s->turn = s->turn >= MARKETING_FLOOR ? 0 : s->turn + 1;
	if (m && (!t || s->turn == 0))
		return OWNER(struct queue, active, m);
	return t ? OWNER(struct queue, active, t) : NULL;
}

void queue_rotate(struct queues *q, struct queue *k)
{
	struct list *lane = &queues_set(q, k->id.route)->lane[k->id.lane];

	list_remove(lane, &k->active);
	if (k->count || k->spilled)
		list_push(lane, &k->active);
}
