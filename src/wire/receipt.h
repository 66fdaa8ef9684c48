/* receipt.h - delivery receipts: text form (SMPP 3.4 appendix B, as SMSCs really write it), TLVs, and message ids in
 * decimal and hexadecimal notation. */
#pragma once
#include "wire/smpp.h"

/* Values are those of the message_state TLV (SMPP 3.4 5.2.28); RECEIPT_NONE: not said, or a word nobody knows. */
#define RECEIPT_STATES(X) /* id, value, word in the text */ \
	X(ENROUTE, 1, "ENROUTE")                            \
	X(DELIVERED, 2, "DELIVRD")                          \
	X(EXPIRED, 3, "EXPIRED")                            \
	X(DELETED, 4, "DELETED")                            \
	X(UNDELIVERABLE, 5, "UNDELIV")                      \
	X(ACCEPTED, 6, "ACCEPTD")                           \
	X(UNKNOWN, 7, "UNKNOWN")                            \
	X(REJECTED, 8, "REJECTD")
#define RECEIPT_STATE_ID(id, value, word) RECEIPT_##id = value,
enum receipt_state { RECEIPT_NONE, RECEIPT_STATES(RECEIPT_STATE_ID) };

struct receipt {
	char id[SMPP_ID_MAX + 1]; /* exactly as it came; "" when missing or too long */
	enum receipt_state state;
	char err[16];         /* err: of the text, or "type:code" of network_error_code; "" when missing */
	char submit_date[20]; /* as written: informative, their zone is unknown */
	char done_date[20];
};
/* Reads the text; missing fields are "". -EINVAL when it has neither id nor a known state, that is, is no receipt. */
int receipt_parse(struct str text, struct receipt *ret) MUST;
/* From a deliver_sm or data_sm: the text, over which receipted_message_id, message_state and network_error_code win.
 * -EINVAL when id or state is missing after all. Does not look at esm_class, see receipt_is(). */
int receipt_from_pdu(const struct smpp_pdu *m, struct receipt *ret) MUST;
/* esm_class says receipt or intermediate notification. */
bool receipt_is(const struct smpp_pdu *m);
/* Writes the customary text; empty dates become zeros, text is cut to 20 octets and must be ASCII. */
void receipt_print(struct buf *out, const struct receipt *r, struct str text);
const char *receipt_state_word(enum receipt_state s); /* "DELIVRD"; "" for RECEIPT_NONE */
bool receipt_final(enum receipt_state s);             /* all but NONE, ENROUTE, ACCEPTED */

/* How one SMSC writes an id in its submit_sm_resp and in its receipts. */
enum id_notation {
	ID_EXACT,   /* the same text, letter by letter */
	ID_EITHER,  /* each may be decimal or hexadecimal, with leading zeros, in any letter case */
	ID_HEX_DEC, /* response hexadecimal, receipt decimal */
	ID_DEC_HEX, /* response decimal, receipt hexadecimal */
};
#define ID_KEYS_MAX 3
struct id_key {
	char s[SMPP_ID_MAX + 1];
};
/* The key a response's id is stored under. Not ID_EXACT: blanks around are cut; of ids that are hexadecimal digits and
 * hyphens the letters are folded to lower case; of those without hyphens leading zeros are cut. The response's id is never
 * converted. Other ids keep their case: two ids that differ only in case are two messages. */
void id_stored(enum id_notation how, struct str id, struct id_key *ret);
/* The keys to look a receipt's id up under, best first; returns their number (1..3).
 * ID_EITHER: first the id as it stands, so that an exact match always wins, then its conversions. A purely decimal id such as
 * 4096 may be decimal for 1000 or hexadecimal for 16534; both are tried, in this order. So a receipt whose own message is gone
 * may fit a stranger: callers compare the receipt's source address with the message's destination before they believe it.
 * ID_HEX_DEC, ID_DEC_HEX: the conversion alone, or the id as it stands when it is no number of that notation: no doubt
 * remains. Numbers over 128 bits are not converted. */
unsigned id_lookup(enum id_notation how, struct str id, struct id_key ret[ID_KEYS_MAX]);
