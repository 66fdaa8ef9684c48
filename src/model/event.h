/* event.h - one thing that happened to a delivery, as it is appended to the store. State = the row as accepted with all its
 * events applied in order (core/lifecycle.h: delivery_apply), live and at recovery alike. */
#pragma once
#include "base/util.h"

#define EVENT(id, text, change) id,
enum event_kind {
#include "model/event.def"
	EVENT_KINDS
};
#undef EVENT
enum hook_kind { HOOK_SENT = 1, HOOK_DELIVERED = 2, HOOK_MO = 3 };
#define EVENT_DETAIL_MAX 160
#define RECEIPT_HASHES 3 /* forms a receipt's id may be looked up under */
#define RECEIPT_STATE_DELIVERED \
	2 /* receipt states are the values of the message_state TLV (SMPP 3.4 5.2.28) */

struct event {
	int64_t seq;                /* given by the engine, ascending without gaps within a data folder */
	int64_t key;                /* the delivery */
	uint32_t sub_account, user; /* copied, so that lists need not read the delivery */
	int64_t at;                 /* wall ms */
	int64_t at2;                /* a second time or a duration, by kind */
	uint64_t hash;              /* by kind */
	int32_t code, arg;
	uint8_t kind; /* enum event_kind */
	uint8_t detail_len;
	char detail[EVENT_DETAIL_MAX]; /* UTF-8, not terminated */
};
const char *event_kind_name(int kind);
bool event_is_change(int kind);            /* may be one */
bool event_changes(const struct event *e); /* a status has changed: webhooks and lists tell it */
bool event_is_hook(int kind);              /* the outcome of a webhook call; arg = enum hook_kind */
void event_detail(struct event *e, const char *fmt, ...) PRINTF_LIKE(2, 3); /* cuts at a character */
