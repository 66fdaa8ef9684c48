/* body.h - what a webhook call says: the JSON of a sent status (callback) and of a delivery report (DR), with the documented
 * fields and no others. */
#pragma once
#include "base/buf.h"
#include "core/outbox.h"
#include "model/delivery.h"

/* Appends one object. kind: HOOK_SENT or HOOK_DELIVERED (model/event.h); carrier: of d->operator_id. */
void hook_body(struct buf *out, const struct delivery *d, int kind, const struct carrier_told *carrier);
