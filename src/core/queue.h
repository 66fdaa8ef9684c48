/* queue.h - what is ready to leave: a queue per (route, lane, sub-account), a bounded window of keys in memory, the rest on disk.
 * Engine thread only.
 *
 * A queue over its window is spilled: its newer deliveries are only in the store, found again by scanning the rows from
 * spill_from on. Nothing is appended to a spilled queue's window until the scan has caught up, so order is kept. */
#pragma once
#include "base/list.h"
#include "core/live.h"

#ifndef QUEUE_WINDOW /* the simulation is also built with small limits */
#define QUEUE_WINDOW 65536
#endif
enum lane {
	LANE_TRANSACTIONAL,
	LANE_MARKETING,
	LANES,
	LANE_TIMERS = LANES /* due rows of attempts in doubt and receipt waits */
};

struct queue {
	struct queue_id id;
	int64_t *ring;
	uint32_t head, count, cap;
	bool spilled;
	int64_t spill_from; /* keys above it may wait on disk */
	int64_t due_next;   /* earliest row of the due table, INT64_MAX none */
	size_t waiting;     /* in all: window, disk and due table */
	struct node active; /* in its lane while it may have something ready */
	struct node all;
};
struct lane_set { /* the queues of one route */
	uint32_t route;
	struct list lane[LANES]; /* struct queue.active, taken in turn: fair shares among sub-accounts */
	int turn;                /* transactional ones since the last marketing one */
};
struct queues {
	struct map *by_id[LANES + 1];
	struct list all;
	struct lane_set **sets;
	size_t set_count;
	int64_t new_from; /* not 0: a queue that is made now begins spilled from here, see queues_scatter */
};
/* For a reload that changed the routes: every window is emptied, and every queue, also one made later, finds its rows again by a scan
 * from that key on. */
void queues_scatter(struct queues *q, int64_t from);
void queues_init(struct queues *q);
void queues_done(struct queues *q);
struct queue *queue_of(struct queues *q, const struct queue_id *id); /* made when new */
struct lane_set *queues_set(struct queues *q, uint32_t route);
/* A delivery became ready: newest key last. false: only on disk (the queue is spilled), drop it from memory if you like. */
bool queue_push(struct queues *q, struct queue *k, int64_t key);
void queue_wake(struct queues *q, struct queue *k); /* it may have something ready on disk */
/* Its turn was taken back: to the head, behind older ones that are there. */
void queue_push_front(struct queues *q, struct queue *k, int64_t key);
int64_t queue_peek(const struct queue *k); /* 0 = window empty */
int64_t queue_pop(struct queue *k);
/* Reads more of a spilled queue from the store: at most scan rows. route_of tells the queue of a row's delivery. */
struct delivery;
typedef struct queue *queue_route_fn(void *ctx, const struct delivery *d);
void queue_refill(struct queues *q, struct queue *k, struct lives *l, int64_t until, size_t scan,
		  queue_route_fn *route_of, void *ctx);
/* The queue whose turn it is on that route; NULL = nothing ready. One in ten is marketing's when both wait. */
struct queue *queues_next(struct lane_set *s);
void queue_rotate(struct queues *q, struct queue *k); /* it had its turn */
