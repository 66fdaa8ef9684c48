/* queue.h - what is ready to leave: a queue per (route, lane, sub-account), a bounded window of keys in memory, the rest on disk.
 * Engine thread only.
 *
 * A queue over its window is spilled: its newer deliveries are only in the store, found again by scanning the rows from
 * spill_from on. Nothing is appended to a spilled queue's window until the scan has caught up, so order is kept. */
#pragma once
#include "base/heap.h"
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

struct lane_set;
struct queue {
	struct queue_id id;
	struct lane_set *set; /* its route's; NULL for timers */
	int64_t *ring;
	uint32_t head, count, cap;
	bool spilled;
	bool fired;         /* keys from the due table went into its window: a scan passes over their rows */
	int64_t spill_from; /* keys above it may wait on disk */
	int64_t held_from;  /* a campaign's pause passed keys above it over; INT64_MAX none */
	bool regather;      /* until the scan has caught up: route_of is asked about what is due later too */
	int64_t due_next;   /* earliest row of the due table, INT64_MAX none */
	struct heap_node due; /* in queues.due while due_next is to be looked at */
	struct heap_node turn; /* in its lane while it may have something ready: by parts sent, so that sub-accounts share */
	int64_t served;    /* its place in the lane, see queue_served() */
	struct node later; /* dispatch.c: set aside for the rest of this turn */
	size_t waiting;    /* in all: window, disk and due table */
	struct node all;
};
/* Whose turn it is. The routes that share connections are a pool; a lane goes over all of it: a queue's place in it is what its
 * sub-account has sent on that route (in parts), and one that comes back begins where the others are. */
struct pool {
	struct heap lane[LANES]; /* struct lane_set.first */
	int64_t clock[LANES];    /* the place of the one served last */
	int turn;                /* transactional ones since the last marketing one, while both waited */
};
struct lane_set { /* the queues of one route */
	uint32_t route;
	struct pool *pool;
	void *way;                     /* what queues.place said: the route; NULL = there is none */
	struct heap lane[LANES];       /* struct queue.turn */
	struct heap_node first[LANES]; /* in its pool's lane, by its own first one's place */
	struct node blocked;           /* in queues.blocked: no room on its connections in this turn */
};
/* Tells a route's pool (1.. below the count given to queues_pools; 0: it has no route) and a pointer to keep in its lane_set. */
typedef uint32_t queues_place_fn(void *ctx, uint32_t route, void **way);
struct queues {
	struct map *by_id[LANES + 1];
	struct list all;
	struct heap due; /* struct queue.due */
	struct map *sets;
	struct list blocked;
	struct pool *pools;
	size_t pool_count;
	queues_place_fn *place;
	void *place_ctx;
	int64_t now;      /* of this turn */
	int64_t new_from; /* not 0: a queue that is made now begins spilled from here, see queues_scatter */
};
/* For a reload that changed the routes: every window is emptied, and every queue, also one made later, finds its rows again by a scan
 * from that key on. */
void queues_scatter(struct queues *q, int64_t from);
/* The pools anew: all routes find their places. Without it there is one. */
void queues_pools(struct queues *q, size_t count, queues_place_fn *place, void *ctx);
void queues_init(struct queues *q);
void queues_done(struct queues *q);
void turns_init(struct queues *q); /* the half of sets and pools, for queues_init() */
void turns_done(struct queues *q);
struct queue *queue_of(struct queues *q, const struct queue_id *id); /* made when new */
struct lane_set *queues_set(struct queues *q, uint32_t route);       /* made when new */
/* A delivery became ready: newest key last. false: only on disk (the queue is spilled), drop it from memory if you like. */
bool queue_push(struct queues *q, struct queue *k, int64_t key);
void queue_wake(struct queues *q, struct queue *k); /* it may have something ready on disk */
/* Its turn was taken back: to the head, behind older ones that are there. */
void queue_push_front(struct queues *q, struct queue *k, int64_t key);
/* Its time has come: behind all that wait, or, when their end is on disk, before them. */
void queue_push_due(struct queues *q, struct queue *k, int64_t key);
int64_t queue_peek(const struct queue *k); /* 0 = window empty */
int64_t queue_pop(struct queues *q, struct queue *k);
/* It may leave again: to the head, unless it is in the window still. false: the window is full, and must does not say to put it there
 * all the same (bounded by what is under way). */
bool queue_return(struct queues *q, struct queue *k, int64_t key, bool must);
/* Looks for its rows from that key on again, once its window is empty. */
void queue_rescan(struct queues *q, struct queue *k, int64_t from);
/* Reads more of a spilled queue from the store: at most scan rows. route_of tells the queue of a row's delivery,
 * NULL when it is not to leave now. Only while the window is empty. */
struct delivery;
typedef struct queue *queue_route_fn(void *ctx, const struct delivery *d);
void queue_refill(struct queues *q, struct queue *k, struct lives *l, int64_t until, size_t scan,
		  queue_route_fn *route_of, void *ctx);
/* The queue whose turn it is in the pool, those of blocked routes apart; NULL = nothing ready. Transactional first; after
 * MARKETING_FLOOR of them one of marketing, when both wait. */
struct queue *queues_next(struct pool *p);
/* It had its turn: parts left (0: none did). It stays in its lane as long as it may have more. */
void queue_served(struct queues *q, struct queue *k, int parts);
void queue_leave(struct queues *q, struct queue *k); /* out of its lane, whatever it has; queue_wake() brings it back */
void queues_block(struct queues *q, struct lane_set *s); /* until queues_unblock() */
void queues_unblock(struct queues *q);
/* The next row of the due table; looked at by its time. */
void queue_due(struct queues *q, struct queue *k, int64_t at);
struct queue *queues_due(struct queues *q); /* one whose time has come, NULL = none */
int64_t queues_next_due(const struct queues *q);
