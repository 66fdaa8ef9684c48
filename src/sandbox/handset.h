/* handset.h - what telephones have received and sent: the newest messages, joined from their parts, by number.
 * One thread, no clock: callers pass times. Texts are valid UTF-8. */
#pragma once
#include "base/list.h"
#include "sandbox/settings.h"
#include "wire/receipt.h"
#include "wire/split.h"

#define HANDSET_STATES(X)           /* id, word in JSON and on the page */                      \
	X(PENDING, "pending")       /* accepted, not at its end; or an MO nobody fetched yet */ \
	X(DELIVERED, "delivered")   /* all parts; an MO: acknowledged */                        \
	X(FAILED, "failed")         /* accepted, then not delivered; an MO: dropped */          \
	X(REFUSED, "refused")       /* answered with an error that is final */                  \
	X(UNANSWERED, "unanswered") /* the network kept silent */
#define HANDSET_STATE_ID(id, word) HANDSET_##id,
enum handset_state { HANDSET_STATES(HANDSET_STATE_ID) };

struct handset_number {
	struct node node;     /* in handset.numbers, the most recently active first */
	struct list messages; /* by change, oldest first */
	uint64_t key;
	char *text;
};
struct handset_message {
	struct node by_age, by_change, by_number;
	uint64_t id;     /* 1, 2, ... */
	uint64_t change; /* grows with every change of any message */
	struct handset_number *number;
	char *short_code;      /* the other end: an MT's source, an MO's destination */
	const char *system_id; /* borrowed from the SMSC's accounts, which live as long as it; "" when unknown */
	char *text;            /* joined as far as parts are there */
	char reason[40];       /* of FAILED and REFUSED: "UNDELIV", "ESME_RSUBMITFAIL" */
	uint8_t ton, npi;      /* of short_code */
	bool mo, flash, binary, damaged;
	unsigned alphabet;             /* enum split_alphabet, 0: binary */
	unsigned parts, arrived, done; /* done: delivered, or acknowledged */
	unsigned repeats;              /* parts that came again */
	enum handset_state state;
	int64_t at_ms, end_ms; /* wall clock; end_ms 0 while pending */
	int64_t at_us, end_us; /* monotonic, for the time between */

	uint64_t join_key;         /* 0: not waiting for parts */
	struct handset_part *part; /* of messages of several parts, while they are pending or incomplete */
};
struct handset; /* opaque */
/* event (NULL ok) is called when a message reaches its end, when an MO is written, and for nothing else. */
typedef void handset_event_fn(void *ctx, const struct handset_message *m);
struct handset *handset_new(size_t messages, handset_event_fn *event, void *ctx);
void handset_free(struct handset *h); /* NULL ok */

/* One submitted part. text is that part's alone. */
struct handset_in {
	const char *system_id; /* outlives the handset */
	struct str number;
	const struct smpp_addr *source;
	struct str text;
	const struct sms_part *part;
	unsigned parts; /* of a message that came whole: how many it is on the air */
	int64_t wall_ms, mono_us;
};
/* Returns the message's id, which is the handle for what follows. An id whose message is forgotten is ignored everywhere. */
uint64_t handset_mt(struct handset *h, const struct handset_in *in);
/* Part seq (1 for a whole message) reached its end. reason: why it failed, else NULL. Final is final. */
void handset_end(struct handset *h, uint64_t id, unsigned seq, enum handset_state state, const char *reason,
		 int64_t wall_ms, int64_t mono_us);
/* The text of a pending whole message is another one (replace_sm). */
void handset_replace(struct handset *h, uint64_t id, struct str text);
/* A reply. in->source is its destination, in->part->total its parts. */
uint64_t handset_mo(struct handset *h, const struct handset_in *in);
/* The last MT that this number got from that short code; NULL when there is none (any more). */
const struct handset_message *handset_last(struct handset *h, struct str number, struct str short_code);

/* {"messages":[...],"next":n}: those changed after since, oldest change first, at most limit; with since < 0 the newest limit.
 * next is the since of the following call. number empty: all. */
void handset_print(struct handset *h, struct str number, int64_t since, size_t limit, struct buf *out);
/* {"numbers":[...]}: the most recently active first, at most limit. */
void handset_print_numbers(struct handset *h, size_t limit, struct buf *out);
const char *handset_alphabet(unsigned alphabet); /* "GSM", "UCS2", ... */
const char *handset_state_word(enum handset_state s);
size_t handset_count(const struct handset *h);
