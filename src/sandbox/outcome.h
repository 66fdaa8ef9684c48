/* outcome.h - what the network does with a message: by the last four digits of its number, else by the settings' shares. */
#pragma once
#include "base/rng.h"
#include "sandbox/settings.h"
#include "wire/receipt.h"
#include "wire/split.h"

struct sandbox_outcome {
	uint32_t status;    /* of the response */
	bool silent;        /* no response ever, nothing delivered */
	bool close;         /* the link is closed instead of an answer */
	bool receipt_first; /* the receipt leaves before the response */
	bool other_notation; /* the receipt's id is decimal where the response's was hexadecimal, or vice versa */
	bool out_of_order; /* after the final receipt comes ENROUTE, and receipts of later parts come first */
	unsigned receipts; /* how many final ones are sent to those who ask; 0 or more */
	enum receipt_state state; /* the end of an accepted message */
	const char *answer;       /* the handset's reply, NULL for none */
	int64_t delay_ms;         /* from acceptance to the end */
};
#define OUTCOME_THROTTLES 2 /* refusals of a number ending in 9058 before it is accepted */

/* part: one part as sms_read() told it; parts: how many a handset counts (more than 1 also for a long message_payload).
 * throttled: how often this number was throttled since it was last accepted. Draws from r only for ordinary numbers. */
void sandbox_outcome(const struct sandbox_settings *s, struct str number, const struct sms_part *part,
		     unsigned parts, unsigned throttled, struct prng *r, struct sandbox_outcome *ret);
/* The number is one that ends in 9058, for which the caller keeps the count. */
bool sandbox_outcome_counts(struct str number);
