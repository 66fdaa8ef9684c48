/* smpp.h - SMPP 3.4 PDUs: octets <-> struct smpp_pdu. Pure functions, no allocation on decode.
 * Source: "Short Message Peer to Peer Protocol Specification v3.4", sections 3.2, 4, 5. */
#pragma once
#include "base/buf.h"

#define SMPP_HEADER 16
#define SMPP_ID_MAX 64        /* characters of a message id */
#define SMPP_RESP 0x80000000u /* command id of a response = that of its request | this */

#define PDU(name, id, text) SMPP_##name = id,
__extension__ enum smpp_command { /* over INT_MAX: C23 allows it, gcc and clang always did */
#include "wire/smpp_pdu.def"
};

#define STATUS(name, value, text) SMPP_##name = value,
enum smpp_status {
#include "wire/smpp_pdu.def"
};

/* Index of an optional parameter; its presence is bit (1 << index) of smpp_pdu.tlvs, see smpp_has(). */
#define TLV_U8(name, tag, field) SMPP_TLV_##name,
#define TLV_U16(name, tag, field) SMPP_TLV_##name,
#define TLV_CSTR(name, tag, field) SMPP_TLV_##name,
#define TLV_OCTETS(name, tag, field, min, max) SMPP_TLV_##name,
enum smpp_tlv {
#include "wire/smpp_pdu.def"
	SMPP_TLV_COUNT
};

/* esm_class (5.2.12) and registered_delivery (5.2.17) */
#define SMPP_ESM_TYPE 0x3c         /* mask of the message type */
#define SMPP_ESM_RECEIPT 0x04      /* SMSC delivery receipt */
#define SMPP_ESM_INTERMEDIATE 0x20 /* intermediate delivery notification */
#define SMPP_ESM_UDHI 0x40         /* short_message starts with a user data header */
#define SMPP_RECEIPT_ALWAYS 0x01   /* registered_delivery: on success and failure */

enum smpp_ton {
	SMPP_TON_UNKNOWN,
	SMPP_TON_INTERNATIONAL,
	SMPP_TON_NATIONAL,
	SMPP_TON_NETWORK,
	SMPP_TON_SUBSCRIBER,
	SMPP_TON_ALPHANUMERIC,
	SMPP_TON_ABBREVIATED
};
enum smpp_npi { SMPP_NPI_UNKNOWN, SMPP_NPI_E164 };

struct smpp_addr {
	uint8_t ton, npi; /* any value is carried, peers use more than the book knows */
	char text[66];    /* 20 characters in most PDUs, 64 in data_sm and alert_notification */
};
struct smpp_octets {
	const uint8_t *p; /* borrowed; after smpp_decode() it points into the input */
	size_t n;
};
/* All members of all PDUs; those a PDU does not have are zero. C strings are terminated and have passed their length limit,
 * but are the octets of the peer, not necessarily UTF-8. system_id, password and system_type take more than the book's 15, 8
 * and 12 characters because real accounts have more. */
struct smpp_pdu {
	uint32_t id; /* enum smpp_command, or an unknown number (then smpp_decode() said SMPP_RINVCMDID) */
	uint32_t status; /* enum smpp_status or any vendor's value */
	uint32_t seq;    /* any value, 0 included */
	uint32_t tlvs;   /* bit set of enum smpp_tlv */

	uint8_t interface_version;
	uint8_t esm_class, protocol_id, priority_flag;
	uint8_t registered_delivery, replace_if_present, data_coding, sm_default_msg_id;
	uint8_t query_state, error_code; /* query_sm_resp */
	uint8_t dest_addr_subunit, sar_total, sar_seq, sc_interface_version, ms_availability;
	uint8_t failure_reason, more_messages, message_state;
	uint16_t user_reference, sar_ref;
	struct smpp_octets short_message; /* at most 255 octets; may hold NUL */
	struct smpp_octets payload;       /* message_payload */
	struct smpp_octets network_error; /* 3 octets: network type, code (big endian) */
	struct smpp_addr source, dest;    /* alert_notification: dest is esme_addr */
	char service_type[6];
	char schedule[17], validity[17], final_date[17];
	char message_id[SMPP_ID_MAX + 1];
	char receipted_id[SMPP_ID_MAX + 1];
	char system_id[66], password[66], system_type[34];
	struct smpp_addr range; /* bind: addr_ton, addr_npi, address_range */
	char status_info[257];  /* additional_status_info_text */
};
static inline bool smpp_has(const struct smpp_pdu *m, enum smpp_tlv t) { return m->tlvs >> t & 1; }
static inline void smpp_mark(struct smpp_pdu *m, enum smpp_tlv t) { m->tlvs |= 1u << t; }
static inline bool smpp_is_response(uint32_t id) { return (id & SMPP_RESP) != 0; }
/* The text of a message wherever it is: short_message, or message_payload when that is empty. */
struct smpp_octets smpp_text(const struct smpp_pdu *m);

enum smpp_framing { SMPP_FRAME_MORE, SMPP_FRAME_OK, SMPP_FRAME_BROKEN };
/* Looks at the head of a stream of n octets. OK: the first *len octets are one PDU. MORE: wait; *len is the length needed as
 * far as known (at least 16). BROKEN: length below 16 or above max; the stream cannot be trusted any more, drop the link. */
enum smpp_framing smpp_frame(const uint8_t *p, size_t n, size_t max, size_t *len) MUST;

/* Decodes one whole PDU of n octets. 0, or the command_status to answer with (SMPP_RINVCMDLEN, SMPP_RINVCMDID, a field's own,
 * 0xC0..0xC4); *ret is overwritten, and its id, status and seq are those of the header even then (n >= 16). Unknown TLVs are
 * skipped; of repeated ones the last counts. A response with a non-zero status never fails for its body, which is optional;
 * one with status 0 may come without a body. */
uint32_t smpp_decode(const uint8_t *p, size_t n, struct smpp_pdu *ret) MUST;
/* Appends the PDU. 0; -EINVAL: unknown id or short_message over 255 octets; -EMSGSIZE: out's ceiling. Nothing is appended on
 * failure, and a buffer that had already failed stays so. Bind and submit_sm responses with a non-zero status are written
 * without a body, as the book says. */
int smpp_encode(const struct smpp_pdu *m, struct buf *out) MUST;
/* The response to req with the given status; generic_nack when req's id is unknown. Other members are zero. */
void smpp_response(const struct smpp_pdu *req, uint32_t status, struct smpp_pdu *ret);

const char *smpp_command_name(uint32_t id);    /* "submit_sm"; NULL when unknown */
const char *smpp_status_name(uint32_t status); /* "ESME_RTHROTTLED"; NULL when unknown */
const char *smpp_status_text(uint32_t status); /* "throttled"; "vendor's own error", "reserved" when unknown */
const char *smpp_tlv_name(enum smpp_tlv t);
/* One line for debug logs: no bodies, no passwords, numbers masked; text of the peer is escaped. */
void smpp_print(const struct smpp_pdu *m, struct buf *out);
