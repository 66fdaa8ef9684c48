/* intake.h - the way in for messages: whoever has a finished submission posts it here. Any thread. */
#pragma once
#include "model/input.h"
#include "model/settings.h"

struct engine;
/* Hands the submission over; its done() will be called exactly once. false: the engine is full or stopping, nothing was taken
 * and nothing will be called: answer 503 with Retry-After. */
bool intake_post(struct engine *e, struct submission *s) MUST;

/* What acceptance must know about a number: its operator, whether a route exists, how many parts the text is estimated at. Pure;
 * any thread. */
struct number_facts {
	int32_t operator_id; /* 0 = unknown */
	bool reports;        /* operator gives delivery reports */
	bool routed; /* some route has its prefix; what else the route asks for is seen when it is queued */
	/* How the connection that will most likely carry it wants texts (the heaviest of the route, of equals the first); NULL: no
	 * route. A fail-over may find another one; then the channel counts again. */
	const struct profile_setting *profile;
};
struct number_facts intake_number(const struct settings *s, struct str digits);
/* Lists that end what goes to this number before it leaves: code and reason of the first that applies (203, 204), code 0 when
 * none does. The engine asks again when the message is about to leave. Any thread. */
struct refusal {
	int code;   /* enum sent_code */
	int reason; /* enum reason */
};
struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits);
