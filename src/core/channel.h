/* channel.h - all that a carrier is to the core. Contract:
 *  1. send() takes a chain of attempts that are already durable and for which the core holds credits (parts) that the channel
 *     granted. It never blocks and may be called from the engine thread only.
 *  2. Every attempt taken is answered by INPUT_RESULTs: either one per part (V_ACCEPTED each), or one that ends it. Nothing stays
 *     unanswered: a lost link answers V_DOUBT for parts whose octets may have left, V_NOT_SENT when no part of the attempt left.
 *  3. Credits: the channel posts INPUT_CAPACITY with what it can take beyond what it granted before; each part the core sends
 *     costs one. The channel grants a part's credit again when that part is settled (paced by its rate). reset voids all.
 *  4. Parts of one attempt go out in a row on one link. Throttling is handled inside: the part goes back to the head of its
 *     link's queue until it is accepted, refused or expired (V_EXPIRED); other parts do not overtake it.
 *  5. Receipts and MOs are posted as inputs and answered to the carrier only from their stored() call-back, or never if the link
 *     is gone by then (the carrier sends them again).
 *  6. stop(): takes no more, lets what is outstanding finish within a bound, then calls stopped() once, after the last input. */
#pragma once
#include "model/input.h"
#include "model/settings.h"

struct attempt { /* one allocation, freed by the channel with attempt_free() */
	struct mail mail;
	int64_t key;
	uint8_t attempt;     /* echoed in results */
	uint16_t flags;      /* DF_FLASH, DF_NO_REPORTS */
	uint16_t parts;      /* credits it was charged */
	uint16_t connection; /* whose credits */
	int64_t expires_at; /* wall ms: not a first octet after it; what is left of it is the validity period */
	int64_t shuts_at; /* wall ms: when its window shuts, 0 = not so soon; a message of which nothing left by then is V_NOT_SENT */
	int64_t accepted_at;             /* or not_before, when that is later */
	struct str number, source, text; /* into the same allocation */
};
struct attempt *attempt_new(const struct delivery *d, uint8_t attempt, uint16_t parts);
void attempt_free(struct attempt *a);

struct channel_env { /* what the core gives a channel; callable from the channel's thread */
	void *ctx;
	/* Hands an input to the engine. must = results, capacity: never refused. Otherwise (receipts, MOs) false = full: the
	 * channel keeps the object, stops reading that link and tries again shortly. */
	bool (*post)(void *ctx, struct input *in, bool must);
	/* Stable 64-bit hash of a carrier's message id in normal form on that connection (never 0). */
	uint64_t (*id_hash)(void *ctx, uint16_t connection, const char *normal_id);
};
struct channel; /* first member of each implementation's struct */
struct buf;
struct channel_ops {
	const char *kind;                                        /* "sms" */
	void (*send)(struct channel *ch, struct attempt *chain); /* takes the chain (linked by mail.next) */
	/* New settings for the connections; names keep their numbers. Removed ones drain and go away. */
	int (*reload)(struct channel *ch, const struct settings *s, struct err *e);
	void (*status)(struct channel *ch, struct buf *json); /* any thread: [{"name","binds":[...],...}] */
	/* The operator's word about a connection: PAUSED takes and begins nothing more (what had not begun comes back as V_NOT_SENT, no
	 * credits, not up), its links stay; DRAINED waits for what is out and unbinds as well; NONE goes on. done is called once, on
	 * the channel's thread, when it is in force; found = false: no such connection. Any thread. A reload brings the same in
	 * connection_setting.hold. */
	void (*hold)(struct channel *ch, uint16_t connection, enum hold hold,
		     void (*done)(void *ctx, bool found), void *ctx);
	void (*stop)(struct channel *ch, void (*stopped)(void *ctx), void *ctx);
	void (*free)(struct channel *ch); /* after stopped() */
};
struct channel {
	const struct channel_ops *ops;
};
