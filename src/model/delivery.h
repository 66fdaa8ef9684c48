/* delivery.h - one contact and its message on the way: what the life cycle decides about and the store keeps.
 *
 * States (the arrows are events, model/event.def; core/lifecycle.c draws the diagram):
 *   QUEUED   accepted, no attempt under way; due_at says not before when (0 = now): scheduled, its window shut, or a retry
 *   SENDING  an attempt is durable; the carrier has not answered for every part
 *   SENT     every part accepted by the carrier; waits for receipts
 *   DOUBT    an attempt began, its answer is lost; waits for a receipt until due_at
 *   DONE     final: sent_code (and delivered_code when there is one) and reason do not change any more
 * A delivery is one allocation: this struct, then its texts. Times: wall ms since 1970, 0 = not reached. */
#pragma once
#include "base/uuid.h"

enum delivery_state { D_QUEUED, D_SENDING, D_SENT, D_DOUBT, D_DONE };
const char *delivery_state_name(int state);

enum part_state { PART_NONE, PART_ACCEPTED, PART_DELIVERED, PART_FAILED };
struct part {
	uint64_t id_hash; /* of (connection, normalised carrier id); 0 = none yet */
	uint8_t state;    /* enum part_state */
};
#define PARTS_MAX 255

enum delivery_flag {
	DF_FLASH = 1,      /* message class 0 */
	DF_NO_REPORTS = 2, /* operator gives no delivery reports: sent is final */
	DF_RESEND_DOUBT = 4, /* in doubt: send again instead of ending (sub-account's rule, fixed at acceptance) */
	DF_MARKETING = 8, /* lane: marketing; else transactional */
	DF_LATE = 16,     /* a fact came after the final state */
	DF_REDACT = 64,   /* its text goes once it is final */
	DF_CANCEL = 128,  /* cancelled while an attempt was under way: never sent again */
	DF_HAS_CORR = 32, /* the caller gave a correlationId (an empty one counts as none) */
	DF_CONFIRM = 256, /* tells its recipient that he is on the opt-out list, so that list does not stop it */
};

enum credit_from { CREDIT_FROM_ACCOUNT = 1, CREDIT_FROM_SUB = 2 }; /* whose balance it counts against */

/* Texts of a delivery, borrowed views into its own memory. */
struct delivery_text {
	struct str destination; /* as the caller spelt it: echoed */
	struct str number;      /* normalised digits: routed and dialled; empty when unusable */
	struct str source;      /* sender address; empty = connection's default */
	struct str text;        /* UTF-8, NFC */
	struct str correlation; /* caller's; empty when none */
	struct str extra;       /* extraInfo */
	struct str campaign;    /* alias */
	struct str invalid; /* params that did not fit the text: members of a JSON array; empty when all did */
	struct str zone;    /* of the window's hours, as base/tz.h names it; empty when there is no window */
};

struct delivery {
	/* fixed at acceptance */
	int64_t key;   /* struct uid.key: when it was accepted is uid_key_ms(key) */
	uint64_t rest; /* struct uid.rest */
	int64_t batch; /* key of the bulk request's id; 0 for a single */
	uint32_t account, sub_account, user;
	uint32_t campaign_id; /* 0 = none */
	int32_t operator_id;  /* carrierId; 0 = UNKNOWN */
	int64_t expires_at;   /* may not leave after this */
	int64_t not_before;   /* may not leave before this; 0 = at once */
	uint32_t window;      /* bit h: may leave while the clock of t.zone shows hour h; 0 = any */
	struct delivery_text t;
	/* moves with events */
	uint8_t state;       /* enum delivery_state */
	uint16_t flags;      /* enum delivery_flag */
	uint8_t attempts;    /* begun so far, saturating */
	uint8_t tries;       /* attempts that count against the fail-over budget */
	uint16_t connection; /* of the latest attempt: store's number of the connection's name; 0 = none */
	uint16_t part_count; /* of the latest attempt; at acceptance the estimate */
	uint16_t accepted_parts, delivered_parts;
	int16_t sent_code, delivered_code;
	uint16_t reason;  /* enum reason */
	int32_t detail;   /* carrier status, receipt state or network error code, by reason */
	int64_t due_at;   /* QUEUED: not before; DOUBT: end of the wait */
	int64_t begun_at; /* latest attempt */
	int64_t sent_at, delivered_at, updated_at;
	int64_t last_seq; /* highest event applied */
	/* Credit that the attempt under way holds (core/credit.h); all 0 when none counts, and once it is settled or given back. */
	uint32_t held;       /* units */
	uint32_t unit_price; /* units a part, as it was when the attempt began */
	uint8_t held_from;   /* enum credit_from */
	struct part one;     /* the part of a single-part message */
	struct part *parts;  /* part_count > 1: array of part_count, owned; else NULL */
};

/* Held by its owner until resumed; its time goes on. */
bool delivery_paused(const struct delivery *d);
/* One allocation holding copies of all texts; everything else zero. */
struct delivery *delivery_new(const struct delivery_text *t);
struct delivery *delivery_copy(const struct delivery *d);
void delivery_free(struct delivery *d);                         /* NULL ok */
size_t delivery_bytes(const struct delivery *d);                /* memory it takes, for budgets */
struct part *delivery_part(struct delivery *d, unsigned index); /* 0-based; index < part_count */
void delivery_set_parts(struct delivery *d, unsigned count);    /* 1..PARTS_MAX; all parts become PART_NONE */
/* Its text is to be kept no longer, and is overwritten here. */
static inline bool delivery_redacts(const struct delivery *d)
{
	return d->state == D_DONE && (d->flags & DF_REDACT);
}
void delivery_redact(struct delivery *d);
void delivery_erase(struct delivery *d); /* number, texts and the caller's references too */
/* The moving half as bytes for the store's state column (version byte first), and back. Unknown versions: -EPROTO. */
struct buf;
void delivery_state_write(const struct delivery *d, struct buf *out);
int delivery_state_read(struct delivery *d, struct str blob) MUST;
bool delivery_blob_redacts(struct str blob); /* delivery_redacts() of what those bytes hold */
