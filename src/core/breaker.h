/* breaker.h - whether a connection is well: a circuit breaker. Pure; times in wall ms. Engine thread only.
 *
 *            too many errors, or time-outs in a row          pause over
 *   CLOSED ----------------------------------------> OPEN -----------> HALF_OPEN
 *     ^                                               ^                 |    |
 *     |                                               +--- one failed --+    |
 *     +----------------- as many probes as wanted went well -----------------+
 *
 * While it is open nothing is begun on the connection; half open only so many attempts at a time (probes). The pause doubles with each
 * probe that fails. What began before the breaker opened tells nothing about the probes. */
#pragma once
#include "model/settings.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };
enum breaker_outcome {
	BREAKER_NOTHING, /* says nothing about the carrier: not sent, expired, the link went */
	BREAKER_OK,      /* it answered, and not that it cannot */
	BREAKER_ERROR,   /* a temporary error, or it did not understand */
	BREAKER_TIMEOUT, /* no answer in time */
};
struct breaker {
	enum breaker_state state;
	int64_t since;               /* of the state */
	int64_t until;               /* OPEN: the pause ends */
	int64_t pause;               /* the latest one's length */
	int64_t bucket;              /* number of the stretch of time that is counted in here[] */
	uint32_t here[2], before[2]; /* good and bad ones of this stretch and the one before it */
	uint32_t timeouts;           /* in a row */
	uint32_t probing, passed;    /* HALF_OPEN: under way, gone well */
	uint64_t opened;             /* so often */
	const char *why;             /* it opened last */
};
const char *breaker_name(enum breaker_state s); /* "closed", ... */
/* An attempt may begin now. Turns OPEN into HALF_OPEN when the pause is over. */
bool breaker_allows(struct breaker *b, const struct breaker_setting *p, int64_t now);
bool breaker_would_allow(const struct breaker *b, const struct breaker_setting *p, int64_t now); /* the same, and turns nothing */
void breaker_began(struct breaker *b);
/* An attempt that began at begun_at has ended. Returns true when the breaker opened by it. */
bool breaker_ended(struct breaker *b, const struct breaker_setting *p, int64_t begun_at,
		   enum breaker_outcome o, int64_t now);
