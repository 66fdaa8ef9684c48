/* outbox.h - webhook calls between the engine, which owns them until they are done, and the sender, which makes them. A call is
 * handed to the sender whole (send) and comes back whole as INPUT_HOOK with its outcome; at most so many are away at once. */
#pragma once
#include "model/input.h"
#include "model/mo.h"

struct snapshot;
struct settings;
struct hook_call {
	struct input in; /* INPUT_HOOK when it comes back; also the mail to the sender */
	/* set by the engine */
	int64_t key;
	int64_t seq;           /* of the event it tells */
	uint8_t kind;          /* enum hook_kind */
	uint16_t tries;        /* made before this one */
	int64_t first_at;      /* first try, wall ms; 0 = this is it */
	uint32_t webhook;      /* id of the webhook whose URL was chosen */
	struct delivery *d;    /* copy as of the event, owned by the call; NULL: */
	struct mo *mo;         /* HOOK_MO; owned by the call */
	struct mo_names names; /* of it */
	void *pending;         /* the engine's own */
	/* set by the sender */
	bool ok;        /* 2xx */
	bool untried;   /* it was not even begun (stopping, or its receiver had just failed): not a try */
	bool gone;      /* 410: give up at once */
	int16_t status; /* HTTP status; 0 = no answer */
	int64_t retry_after_ms; /* from 429/503's Retry-After; 0 = none */
	int64_t took_ms;
	char why[96]; /* "timeout", "connection refused", "private address 10.0.0.1", ... */
};
struct hook_sender_ops {
	/* Takes a chain (linked by in.mail.next). Never blocks. Every call comes back through post(). */
	void (*send)(void *sender, struct hook_call *chain);
};
/* carrierId and carrierName of the body: an operator that is no longer configured is as unknown as one that never was. */
struct carrier_told {
	int32_t id;
	const char *name; /* of the settings */
};
struct carrier_told carrier_of(const struct settings *s, int32_t operator_id);
