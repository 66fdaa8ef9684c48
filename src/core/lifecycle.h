/* lifecycle.h - what happens to a delivery next: the pure decision. No I/O, no clock, no logs: state + fact + policy + now in,
 * events out. The engine applies the events with delivery_apply(), stores them, and acts after the commit. */
#pragma once
#include "model/delivery.h"
#include "model/event.h"
#include "model/input.h"

struct policy {
	int64_t doubt_wait_ms;
	int64_t receipt_wait_ms;
	bool no_receipt_fails; /* 104 when no receipt came, instead of staying at 2 */
	int64_t retry_delay_ms, retry_delay_max_ms;
	int retry_tries; /* attempts that count, over all connections */
};
enum fact_kind {
	FACT_DISPATCH, /* a connection has room for it */
	FACT_RESULT,   /* the channel's answer for a part */
	FACT_RECEIPT,  /* a receipt matched to a part (or, in doubt, to the attempt) */
	FACT_TIMER, /* due_at, the expiry in the queue, or the receipt wait has come: the state says which */
	FACT_RESTART, /* the process began anew while an attempt was under way */
	FACT_REFUSE,  /* acceptance knew already: code and reason */
	FACT_CANCEL,  /* its owner: it must not leave */
	FACT_PAUSE,   /* its owner: it must not leave for now */
	FACT_RESUME,
};
struct fact {
	enum fact_kind kind;
	uint16_t connection;         /* DISPATCH */
	const char *connection_name; /* DISPATCH */
	const struct result *result; /* RESULT */
	/* RECEIPT */
	int part;              /* 0-based; -1 = the attempt in doubt as a whole */
	bool earlier;          /* it is that of an attempt before the latest */
	uint8_t receipt_state; /* enum receipt_state */
	bool receipt_final;
	const char *carrier_id, *err;
	uint64_t id_hash; /* the form it would be stored under */
	/* DISPATCH: what a part costs and whose credit counts (0: nobody's); or there is too little of it */
	uint32_t unit_price;
	uint8_t held_from;
	bool no_credit;
	/* REFUSE */
	int code, reason;
	bool held;     /* TIMER: its campaign is paused */
	bool shut;     /* TIMER, DISPATCH: its window or sending hours do not let it leave now */
	double jitter; /* 0..1, for back-off; the engine's random number */
};
#define DECISION_EVENTS 4
struct decision {
	struct event ev[DECISION_EVENTS]; /* kind, at, at2, hash, code, arg, detail; seq and ids are the engine's to fill */
	int n;
	bool send; /* DISPATCH: hand it to the connection after the commit */
};
void lifecycle_step(const struct delivery *d, const struct fact *f, const struct policy *p, int64_t now,
		    struct decision *out);

/* The only writer of a delivery's moving half, live and at recovery: applying the same events gives the same state. */
void delivery_apply(struct delivery *d, const struct event *ev);
/* Which part carries that id hash; -1 none. */
int delivery_part_with(struct delivery *d, uint64_t id_hash);
