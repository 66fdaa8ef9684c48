/* credit.h - who may still send, in units. Engine thread only, but for what says otherwise.
 *
 * A balance belongs to an account or to a sub-account; where both have one, both must cover a message. None: unlimited, and nothing
 * here costs anything. Units are reserved when an attempt begins (EV_ATTEMPT), held while it is under way or in doubt, used up when
 * the message is sent (2), given back otherwise. Each of these is a ledger row in the batch of the event that caused it, and the
 * balances after a batch are in it too: a crash leaves both or neither. */
#pragma once
#include "model/delivery.h"
#include "model/event.h"
#include "model/ledger.h"

struct engine;
struct store;
struct map;
struct settings;
struct credit {
	struct map *owners;         /* kind << 32 | owner -> struct credit_owner */
	struct credit_owner *dirty; /* changed by the open batch */
	size_t limited;             /* owners with a balance */
	int64_t last_id;            /* of the ledger */
};
void credit_init(struct engine *e);
int credit_recover(struct engine *e); /* balances from the store */
void credit_done(struct engine *e);

struct credit_need {
	uint32_t unit_price; /* units a part */
	uint8_t from;        /* enum credit_from; 0: nobody's credit counts */
	bool too_little;
};
/* What an attempt to send d now would take. */
struct credit_need credit_need(const struct engine *e, const struct delivery *d);
/* The same when others of its account and sub-account will have taken so many units before. */
struct credit_need credit_need_beside(const struct engine *e, const struct delivery *d, int64_t units_before);
/* What a part to that number costs, whether anybody's credit counts or not. Units. */
uint32_t credit_price(const struct settings *s, struct str number);
/* d has changed by ev; before: what it held until then. */
struct credit_hold {
	uint32_t held, unit_price;
	uint8_t from;
};
static inline struct credit_hold credit_hold_of(const struct delivery *d)
{
	return (struct credit_hold){d->held, d->unit_price, d->held_from};
}
void credit_event(struct engine *e, const struct delivery *d, struct credit_hold before, const struct event *ev);
void credit_flush(struct engine *e); /* the balances into the open batch, before its commit */

struct credit_change {
	uint8_t kind; /* enum balance_kind */
	uint32_t owner;
	enum ledger_kind what; /* ADD, SET, LIMIT, UNLIMITED */
	int64_t amount;
};
/* On the engine thread, in a batch of its own choosing; done is called after the commit with the balance then. Any thread. */
void engine_credit(struct engine *e, const struct credit_change *c,
		   void (*done)(void *ctx, const struct balance_row *after), void *ctx);
/* The same beside no engine. */
int credit_store_change(struct store *s, const struct credit_change *c, int64_t now,
			struct balance_row *after, struct err *e) MUST;
