/* mo.h - a message from a handset (MO): as it is kept, listed and told. One allocation: this struct, then its texts. */
#pragma once
#include "base/uuid.h"

enum mo_wish {
	MO_WISH_NONE,
	MO_WISH_OUT,
	MO_WISH_IN
}; /* what it asks for: off or onto a sub-account's messages */
enum mo_owner { MO_DEFAULT, MO_SHORT_CODE, MO_KEYWORD, MO_MT }; /* what said whose it is */
const char *mo_owner_name(int owner);

struct mo {
	int64_t key; /* its own id, given when it was whole; ascends with time: also its place in the lists */
	uint64_t rest;
	int64_t at;  /* wall ms when it was whole */
	int64_t seq; /* of its EV_RECEIVED */
	uint32_t account, sub_account;
	uint32_t user;       /* who sent the MT, 0 = none */
	int32_t operator_id; /* 0 = unknown */
	uint16_t connection;
	uint8_t owner;       /* enum mo_owner */
	uint8_t total, came; /* parts it was announced with, parts that came; 1, 1 for a single one */
	int64_t mt;          /* the message it answers, 0 = none */
	uint64_t mt_rest;
	uint8_t wish;      /* enum mo_wish */
	uint32_t wish_sub; /* of which sub-account */
	uint64_t hash;   /* of what the carrier sent, to know it again (single ones; parts have their own) */
	char source[24]; /* the handset: digits of E.164 where it is a number, else as it came */
	char short_code[24];              /* where it was sent to */
	struct str text;                  /* UTF-8 */
	struct str correlation, campaign; /* of the MT: the caller's correlationId, campaignAlias; empty when none */
	struct str parts; /* keys of its parts, 8 bytes little-endian each; empty for a single one */
};
/* What its owners are called now; "" when there is none (any more). */
struct mo_names {
	char sub_account[128], username[128], email[128];
};
size_t mo_part_count(const struct mo *m);          /* 0 for a single one */
int64_t mo_part_key(const struct mo *m, size_t i); /* i < mo_part_count() */
struct mo *mo_copy(const struct mo *m);            /* with copies of all texts; freed by free() */

/* One part of a long MO, as it came. */
struct mo_part {
	int64_t key;
	uint64_t hash;
	uint16_t connection;
	int64_t at;
	uint16_t ref;
	uint8_t total, part; /* 1 <= part <= total */
	char source[24], short_code[24];
	struct str text;
};
