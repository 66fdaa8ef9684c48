/* fake_core.h - an engine and a query that a test can hold, refuse with, and look into. Stands in for core/intake.h and
 * core/query.h when a test of the API is linked (fake_core.c, fake_query.c); snapshots are the real ones. */
#pragma once
#include "core/intake.h"
#include "core/query.h"
#include "core/snapshot.h"

/* What a submission was, copied before it was answered. */
struct fake_seen {
	uint32_t account, sub_account, user, count;
	bool bulk, dry;
	uint64_t idem_hash;
	char destination[80], number[20], text[2048], correlation[80]; /* of the first draft */
	uint8_t flags;
	uint16_t invalid, parts;
	uint32_t campaign_id;
	char campaign[80], invalid_params[256];
	char texts[8][512]; /* of the first eight */
	uint32_t campaign_ids[8];
};
struct engine *fake_engine_new(void);        /* with a thread that answers at once */
void fake_engine_free(struct engine *e);     /* answers what it still holds with SUBMIT_STOPPING first */
void fake_hold(struct engine *e, bool hold); /* submissions stay unanswered while held */
void fake_too_many(struct engine *e, int64_t retry_ms); /* the sub-account sends too fast; 0: no more */
void fake_refuse(struct engine *e, bool refuse);        /* intake_post() says no */
/* What dry runs are told of message i of a request (i below 8), unless its draft is refused. */
void fake_foretell(struct engine *e, unsigned i, const struct forecast *f);
unsigned fake_waiting(struct engine *e);               /* submissions held now */
void fake_await_waiting(struct engine *e, unsigned n); /* blocks until so many are held */
unsigned fake_accepted(struct engine *e);              /* messages given an id */
struct fake_seen fake_last(struct engine *e);

/* The query: messages it knows, shown by list in order until consumed. take is a copy. */
void fake_know(const struct delivery *d);
void fake_receive(const struct mo *m); /* an MO it knows */
void fake_forget(void);
void fake_query_fails(int error);  /* 0: no more */
void fake_query_hold(bool hold);   /* look-ups block while held, then find what they find */
void fake_query_await(unsigned n); /* blocks until so many look-ups are in there */
unsigned fake_consumed(void);
unsigned fake_released(void);
void fake_await_leases(unsigned consumed, unsigned released); /* blocks until both are reached */
