/* mo_body.h - what a webhook call says of a message from a handset: JSON for POST, a query for GET, the documented fields in both. */
#pragma once
#include "base/buf.h"
#include "core/outbox.h"
#include "model/mo.h"

/* Appends one object. carrier: of m->operator_id. */
void hook_mo_body(struct buf *out, const struct mo *m, const struct mo_names *names, const struct carrier_told *carrier);
/* Appends name=value pairs joined by '&'; the mt object as mtId, mtCorrelationId, ... */
void hook_mo_query(struct buf *out, const struct mo *m, const struct mo_names *names, const struct carrier_told *carrier);
/* Appends url with the query behind what it has already; its fragment, which is the receiver's own business, is left out. */
void hook_mo_url(struct buf *out, const char *url, struct str query);
