/* turns.c - whose turn it is: lanes of a pool, routes in a lane, queues of a route, by what each has sent (queue.h). Heaps all the way, so
 * that thousands of routes and sub-accounts cost a turn only what it touches. */
#include <stdlib.h>

#include "core/queue.h"

#define MARKETING_FLOOR 9 /* transactional turns before marketing gets one */

static struct queue *head_of(const struct lane_set *s, int lane)
{
	struct heap_node *n = heap_top(&s->lane[lane]);

	return n ? OWNER(struct queue, turn, n) : NULL;
}

/* The set's place among the others of its pool is that of its first queue. */
static void set_place(struct lane_set *s, int lane)
{
	struct heap_node *n = &s->first[lane], *head = heap_top(&s->lane[lane]);
	bool in = head && !node_linked(&s->blocked);

	if (n->index && (!in || n->at != head->at))
		heap_remove(&s->pool->lane[lane], n);
	if (in && !n->index)
		heap_push(&s->pool->lane[lane], n, head->at);
}

struct queue *queues_next(struct pool *p)
{
	struct heap_node *t = heap_top(&p->lane[LANE_TRANSACTIONAL]), *m = heap_top(&p->lane[LANE_MARKETING]);

	if (m && (!t || p->turn >= MARKETING_FLOOR))
		return head_of(OWNER(struct lane_set, first[LANE_MARKETING], m), LANE_MARKETING);
	return t ? head_of(OWNER(struct lane_set, first[LANE_TRANSACTIONAL], t), LANE_TRANSACTIONAL) : NULL;
}

void queue_wake(struct queues *q, struct queue *k)
{
	(void)q;
	if (!k->set || k->turn.index)
		return;
	k->served = MAX(k->served, k->set->pool->clock[k->id.lane]);
	heap_push(&k->set->lane[k->id.lane], &k->turn, k->served);
	set_place(k->set, k->id.lane);
}

void queue_leave(struct queues *q, struct queue *k)
{
	(void)q;
	if (!k->turn.index)
		return;
	heap_remove(&k->set->lane[k->id.lane], &k->turn);
	set_place(k->set, k->id.lane);
}

void queue_served(struct queues *q, struct queue *k, int parts)
{
	struct pool *p = k->set->pool;
	int lane = k->id.lane;

	if (parts && lane == LANE_MARKETING)
		p->turn = 0;
	else if (parts && heap_top(&p->lane[LANE_MARKETING]))
		p->turn++;
	p->clock[lane] = MAX(p->clock[lane], k->served);
	k->served += parts;
	if (parts || !(k->count || k->spilled))
		queue_leave(q, k);
	if (k->count || k->spilled)
		queue_wake(q, k);
}

void queues_block(struct queues *q, struct lane_set *s)
{
	if (!node_linked(&s->blocked))
		list_push(&q->blocked, &s->blocked);
	for (int lane = 0; lane < LANES; lane++)
		set_place(s, lane);
}

void queues_unblock(struct queues *q)
{
	struct node *n;

	while ((n = list_pop(&q->blocked)))
		for (int lane = 0; lane < LANES; lane++)
			set_place(OWNER(struct lane_set, blocked, n), lane);
}

/* -- sets and pools --------------------------------------------------------------------------------------------------- */

static void set_settle(struct queues *q, struct lane_set *s)
{
	uint32_t pool = q->place ? q->place(q->place_ctx, s->route, &s->way) : 0;

	s->pool = &q->pools[pool < q->pool_count ? pool : 0];
	for (int lane = 0; lane < LANES; lane++)
		set_place(s, lane);
}

struct lane_set *queues_set(struct queues *q, uint32_t route)
{
	struct lane_set *s = map_ptr(q->sets, route);

	if (s)
		return s;
	s = xnew(struct lane_set);
	s->route = route;
	map_set_ptr(q->sets, route, s);
	set_settle(q, s);
	return s;
}

/* What a queue had sent counts among the others of its pool only; in a new one all begin alike. */
static bool uproot(void *ctx, uint64_t route, uint64_t value)
{
	struct lane_set *s = (void *)(uintptr_t)value;

	(void)ctx;
	(void)route;
	for (int lane = 0; lane < LANES; lane++)
		heap_remove(&s->pool->lane[lane], &s->first[lane]);
	return true;
}

static bool replant(void *ctx, uint64_t route, uint64_t value)
{
	(void)route;
	set_settle(ctx, (void *)(uintptr_t)value);
	return true;
}

static void drop_pools(struct queues *q)
{
	for (size_t i = 0; i < q->pool_count; i++)
		for (int lane = 0; lane < LANES; lane++)
			heap_done(&q->pools[i].lane[lane]);
	free(q->pools);
}

void queues_pools(struct queues *q, size_t count, queues_place_fn *place, void *ctx)
{
	queues_unblock(q);
	map_each(q->sets, uproot, NULL);
	for (struct node *n = list_first(&q->all); n; n = list_next(&q->all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		k->served = 0;
		if (!k->turn.index)
			continue;
		heap_remove(&k->set->lane[k->id.lane], &k->turn);
		heap_push(&k->set->lane[k->id.lane], &k->turn, 0);
	}
	drop_pools(q);
	q->pools = xcalloc(count, sizeof *q->pools);
	q->pool_count = count;
	q->place = place;
	q->place_ctx = ctx;
	map_each(q->sets, replant, q);
}

void turns_init(struct queues *q)
{
	list_init(&q->blocked);
	q->sets = map_new();
	q->pools = xcalloc(1, sizeof *q->pools);
	q->pool_count = 1;
}

static bool free_set(void *ctx, uint64_t route, uint64_t value)
{
	struct lane_set *s = (void *)(uintptr_t)value;

	(void)ctx;
	(void)route;
	for (int lane = 0; lane < LANES; lane++)
		heap_done(&s->lane[lane]);
	free(s);
	return true;
}

void turns_done(struct queues *q)
{
	drop_pools(q);
	map_each(q->sets, free_set, NULL);
	map_free(q->sets);
}
