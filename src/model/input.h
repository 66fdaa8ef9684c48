/* input.h - what can happen, as handed to the engine. Each input is embedded in an object that its poster allocated (malloc); the engine
 * takes it whole and gives it back by the call-back it holds (done, stored), or frees it with free() when it has none (capacity,
 * result). */
#pragma once
#include "base/mailbox.h"
#include "model/codes.h"
#include "model/delivery.h"
#include "model/event.h"

enum input_kind {
	INPUT_SUBMIT,   /* struct submission: from the API or the command line */
	INPUT_CAPACITY, /* struct capacity: a connection can take more, or nothing any more */
	INPUT_RESULT,   /* struct result: the fate of one part of an attempt */
	INPUT_RECEIPT,  /* struct receipt_in: delivery receipt, answered after the commit */
	INPUT_MO,       /* struct mo_in: incoming message, answered after the commit */
	INPUT_HOOK,     /* struct hook_call coming back with its outcome */
	INPUT_CALL,     /* struct call: run a function on the engine thread, between two batches' decisions */
};
struct input {
	struct mail mail; /* first member: a struct mail * is a struct input * */
	enum input_kind kind;
	uint32_t weight; /* what it counted at the mailbox; the engine releases it */
};

/* -- intake -------------------------------------------------------------------------------------------------------- */
struct draft {                          /* one message of a request, valid and complete */
	struct delivery_text t;         /* borrowed from the submission's memory */
	int64_t validity_ms;            /* from now to expiry, when expires_at is 0 */
	int64_t expires_at, not_before; /* wall ms; 0 = not given */
	uint32_t window;                /* as in struct delivery; t.zone goes with it */
	uint32_t campaign_id;
	int32_t operator_id;
	uint16_t parts;   /* estimate */
	uint16_t flags;   /* enum delivery_flag; DF_MARKETING is the lane, which a template may choose */
	uint16_t invalid; /* sent code that ends it at once (202, ...), 0 = none */
	uint16_t invalid_reason;
};
/* The draft is to end with that code. Checks may come in any order, on any thread: the code that ranks first stays. */
static inline void draft_refuse(struct draft *d, enum sent_code code, enum reason why)
{
	if (d->invalid && sent_code_rank(d->invalid) <= sent_code_rank(code))
		return;
	d->invalid = (uint16_t)code;
	d->invalid_reason = (uint16_t)why;
}
/* What would become of a draft if it were submitted now. */
struct forecast {
	uint16_t code, reason; /* enum sent_code and reason that would end it before it leaves; 0 = it would be sent */
	uint16_t connection; /* that would take it, as things are; 0 = none is up and well, or it would not be sent */
	uint16_t coded_for; /* connection whose way with texts counts: that one, else the likeliest; 0 = no route */
	uint32_t unit_price; /* of a part */
	int64_t departs_at; /* wall ms: the earliest moment that its schedule, window and sending hours allow */
};
enum submit_status {
	SUBMIT_OK,
	SUBMIT_REPLAYED /* idempotent: ids are the first answer's */,
	SUBMIT_CONFLICT /* other body: 422 */,
	SUBMIT_STOPPING /* 503 */,
	SUBMIT_TOO_MANY /* more than the sub-account's velocity: 429 */
};
struct submission {
	struct input in;
	uint32_t account, sub_account, user;
	bool bulk;      /* wants a batch id */
	uint32_t count; /* drafts */
	struct draft *drafts;
	uint64_t idem_hash; /* of (user, method, path, key); 0 = no key given */
	uint64_t body_hash;
	int64_t received_us; /* mono, for the answer-time histogram */
	/* count of them: a dry run, which fills them in, gives no ids, and has no effect. NULL: it is meant. Memory is the poster's. */
	struct forecast *forecasts;
	/* filled before done() */
	enum submit_status status;
	int64_t retry_ms; /* TOO_MANY: when it may fit */
	struct uid batch; /* bulk only */
	struct uid *ids;  /* count of them; memory is the poster's */
	/* Called once, on the engine thread, after the commit (or refusal). The object is the poster's again from then on. */
	void (*done)(struct submission *s);
};

/* -- carriers ------------------------------------------------------------------------------------------------------ */
/* Room at a connection, in parts. grant > 0 adds credits; reset = all earlier credits are void (link lost, stopped). */
struct capacity {
	struct input in;
	uint16_t connection; /* number of the connection */
	bool reset;
	bool up; /* at least one link can submit */
	int32_t grant;
	int32_t window; /* parts that may be outstanding over all links now; the most one grant chain can reach */
};
enum verdict {
	V_ACCEPTED,   /* carrier took the part; id is set */
	V_REFUSED,    /* final for this message: status */
	V_BAD_NUMBER, /* 0x0B: 202 */
	V_NACK,       /* generic_nack: 102 */
	V_TEMPORARY,  /* again later, perhaps elsewhere: status */
	V_NOT_SENT,   /* no octet left: not an attempt */
	V_EXPIRED,    /* throttled, or waiting in the link, until its validity ended */
	V_DOUBT,      /* octets left, no answer: link gone or response timer */
	V_TEXT,       /* the text cannot be encoded for this connection */
};
#define CARRIER_ID_MAX 65
struct result {
	struct input in;
	int64_t key;
	uint16_t connection;
	uint8_t attempt; /* delivery.attempts when it was handed over: answers of an older attempt are told apart */
	uint8_t verdict; /* enum verdict */
	uint16_t part, parts; /* 0-based; parts = how many the channel made of it. A message-wide verdict has part 0 and
	                                stops all parts that were not accepted */
	int32_t status;          /* SMPP command_status */
	uint64_t id_hash;        /* of the id as a response's (core/receipts.h), 0 when none */
	char id[CARRIER_ID_MAX]; /* message_id exactly as it came */
	int64_t at;              /* wall ms */
	bool lost;               /* V_DOUBT: with its link, not by the response timer */
};
struct receipt_in {
	struct input in;
	uint16_t connection;
	uint8_t state;  /* enum receipt_state of wire/receipt.h */
	bool final;     /* not ENROUTE, ACCEPTED or an intermediate notification */
	uint8_t hashes; /* how many of id_hash are candidates, in order of preference */
	uint64_t id_hash[RECEIPT_HASHES];
	char id[CARRIER_ID_MAX];          /* as it came */
	char err[16];                     /* network error as text, "" when none */
	char source[24], destination[24]; /* addresses of the deliver_sm, for matching attempts in doubt */
	int64_t at;
	/* Called on the engine thread once the receipt is stored: the channel answers its SMSC and frees the object. */
	void (*stored)(struct receipt_in *r);
	void *session;
	uint64_t session_id;
	uint32_t sequence; /* the channel's own */
};
#define MO_LINKS_MAX 64
struct mo_in {
	struct input in;
	uint16_t connection;
	char source[24]; /* digits of E.164 where it is a number of a subscriber, else as it came */
	char destination[24];
	uint8_t data_coding, esm_class;
	int64_t at;
	uint16_t ref;
	uint8_t total, part; /* total 0 or 1: whole */
	uint64_t link;       /* the life of the link that brought it, never 0 */
	uint8_t link_count; /* lives of that connection's links now; what a dead one brought may come again */
	uint64_t links[MO_LINKS_MAX];
	uint32_t text_len;
	char *text; /* UTF-8, owned by the object */
	void (*stored)(struct mo_in *m);
	void *session;
	uint64_t session_id;
	uint32_t sequence;
};

/* -- anything else ------------------------------------------------------------------------------------------------- */
struct engine;
struct call {
	struct input in;
	void (*fn)(struct engine *e, struct call *c); /* on the engine thread, inside the open batch */
	void (*done)(struct call *c); /* on the engine thread, after that batch's commit; may free c */
	void (*lost)(struct call *c); /* instead, when the engine ended before it could tell; NULL: nobody is told */
	void *ctx;
};
