/* control.h - what owners say about messages that have not left: cancel, pause, resume; of single ones, of a batch (at most 1000, they
 * lie side by side), of a campaign. Engine thread only; others ask through query_control() of core/query.h.
 *
 * Single messages get events. A campaign may be a million in the queue, so its word is an order: one small durable record that holds from
 * its commit on, because whatever is about to leave is held against the orders first. A pause stays until it is resumed and counts for
 * what is accepted later too. A cancellation counts for what was accepted before it; a walk over the waiting rows, some in each turn,
 * ends them, and then the order is done. A crash in the middle begins the walk anew.
 *
 * A pause of a message and a pause of its campaign are two things: it leaves when neither holds it. */
#pragma once
#include "core/query.h"

struct delivery;
struct due;
struct engine;
struct live;
struct map;
struct queue;
#define CONTROL_ORDERS_MAX 1024       /* in all */
#define CONTROL_ORDERS_OF_ACCOUNT 256 /* so that one account leaves room for the others */
#define CONTROL_OVER_MAX 64           /* cancellations that are over, remembered to be told */
struct control_order {
	struct campaign_order say;
	uint32_t account;
	int64_t until;              /* CANCEL: the last key it counts for */
	bool walking;               /* CANCEL: the walk under way ends it */
	struct control_order *next; /* of the same campaign */
};
struct control {
	struct control_order *slot[CONTROL_ORDERS_MAX]; /* its number on disk */
	size_t slots;                                   /* used ones are below */
	size_t count, cancels;
	struct map *by_campaign;
	struct control_order over[CONTROL_OVER_MAX]; /* a ring */
	size_t over_n;                               /* so many ever */
	int64_t walk_at, walk_until;                 /* rows looked at by the walk */
	int64_t *aside; /* keys that a pause took out of a window and that no scan would find: they have events that are not merged */
	size_t aside_n, aside_cap;
	struct due *lost; /* waited for a due time that a clock set back made the future once more: to be put into the due table */
	size_t lost_n, lost_cap;
	int held_left; /* heads of queues that orders may hold in this turn */
};

/* control_orders.c: the orders and their places on disk. */
void control_init(struct engine *e);
void control_done(struct engine *e);
void control_recover(struct engine *e); /* before any delivery */
/* What the orders say about a delivery that waits. */
enum order_says { ORDER_NOTHING, ORDER_PAUSE, ORDER_CANCEL };
enum order_says control_says(const struct engine *e, const struct delivery *d);
/* One that ORDER_CANCEL counts for it: left = it was under way and could not be cancelled. */
void control_count(struct engine *e, const struct delivery *d, bool left);
struct control_order *control_add(struct engine *e, const struct control_order *as); /* NULL: there are too many */
void control_store(struct engine *e, const struct control_order *o);                 /* it was changed */
void control_remove(struct engine *e, size_t slot);

/* control_wait.c: what waits, and must not leave now. */
/* Some rows of cancelled campaigns end. True when there is more to do at once. */
bool control_turn(struct engine *e);
/* A head of its queue about which the orders say something: it ends, or is put out of the window, to be found again by resume. */
void control_hold(struct engine *e, struct live *lv, enum order_says says);
/* A row that a scan finds and that a pause holds, or (due in the future) may have lost its due row while it did. */
void control_pass(struct engine *e, struct queue *k, const struct delivery *d);
void control_scanned(struct engine *e); /* the scan is over */
/* The time of one that waits is over: what its campaign's orders make of that. */
struct fact;
void control_timer(struct engine *e, const struct delivery *d, struct fact *f);
/* Some pause ended: all that was passed over is looked at again. */
void control_look_again(struct engine *e);
/* One that waits, and that nothing of its own holds any more, goes on: into its queue, or till its time comes. */
void control_goes_on(struct engine *e, struct live *lv);

/* Carries a request out; what it says is in the open batch. */
void control_carry_out(struct engine *e, struct control_request *r);
