/* commands_timeline.h - a message and what happened to it, as lines for a person and as JSON. */
#pragma once
#include "base/buf.h"
#include "core/query.h"
#include "model/settings.h"
#include "store/admin.h"

struct timeline_names {
	const struct admin_all *all;
	const struct settings *settings;
};
/* Head of the message: who, what, where it stands. */
void timeline_head(struct buf *out, const struct delivery *d, const struct timeline_names *names, bool text);
/* "accepted", then one line an event; since: wall ms of the acceptance, events show their distance to it. */
void timeline_event(struct buf *out, const struct event *e, int64_t since);
/* One object, with "timeline" when events is not NULL. */
void timeline_json(struct buf *out, const struct delivery *d, const struct event *events, size_t n,
		   const struct timeline_names *names, bool text);
void timeline_event_json(struct buf *out, const struct event *e);
/* "sent (2 SENT_SUCCESS)", "delivered (4 DELIVERED_SUCCESS)", "queued", ... and the reason. */
void timeline_state(struct buf *out, const struct delivery *d);
/* A text of a customer or a carrier for a terminal: what would move or recolour it is written as \\uXXXX, octets that are not UTF-8
 * become '?'. */
void timeline_safe(struct buf *out, struct str s);
/* ,"key":"value", made valid UTF-8; nothing when the value is empty. */
void timeline_member(struct buf *out, const char *key, struct str value);
