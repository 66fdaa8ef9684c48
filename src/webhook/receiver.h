/* receiver.h - who is called: one per (scheme, host, port, webhook), with its queue and what it is trusted with at once.
 *
 *            answers: limit doubles up to per_receiver
 *   STEADY ------------------------------------------------ no answer since the failed call began --> FAILING
 *      ^                                                                                                 |
 *      `----------------------------------- any answer ---------------------------------------------------'
 *
 * A failing receiver is tried by one call at a time, holds few more, and gives what it held back to the engine, which tries again
 * later: so neither the places under way nor the engine's window fill up with calls to a dead host. */
#pragma once
#include "base/list.h"
#include "core/outbox.h"

struct receiver {
	struct node ready;   /* has work and may begin it */
	struct node waiting; /* has work */
	struct node idle;    /* has neither work nor calls under way */
	uint64_t key;
	struct mail *first, *last; /* calls, oldest first */
	size_t queued;
	unsigned under_way, limit;
	bool failing;
	int64_t answered_us; /* mono; last answer */
};
struct receivers {
	struct map *by_key;
	struct list ready, waiting, idle;
	unsigned per_receiver;
};
void receivers_init(struct receivers *rs);
void receivers_done(struct receivers *rs); /* no calls are left in it */
/* Finds or makes. url: only its scheme and authority count. */
struct receiver *receiver_of(struct receivers *rs, const char *url, uint32_t webhook);
void receiver_queue(struct receivers *rs, struct receiver *r, struct hook_call *c);
/* The oldest call, which must exist. begun: it goes under way; else it is just taken out. */
struct hook_call *receiver_take(struct receivers *rs, struct receiver *r, bool begun);
/* A call under way has ended. */
void receiver_ended(struct receivers *rs, struct receiver *r, bool answered, int64_t begun_us, int64_t now_us);
struct receiver *receiver_next_ready(struct receivers *rs); /* in turn; NULL when none; it goes behind the others */
