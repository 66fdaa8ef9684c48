/* carrier.h - the look-up of numbers: what is asked and what is answered. Pure but for the arena. Internal to the room. */
#pragma once
#include "api/faults.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/uuid.h"
#include "model/settings.h"
#include "wire/json.h"

#define CARRIER_DESTINATIONS_MAX 1000

struct carrier_ask {
	size_t count;
	struct str *destinations; /* as the caller wrote them, valid UTF-8; in the arena or the document */
};
/* Fills ret and f; the request is good when f->count stays 0. Texts borrow from root's document and the arena. */
void carrier_read(struct json *root, struct arena *a, struct carrier_ask *ret, struct faults *f);
/* {"id":"...","destinations":[{"destination":"...","active":true,"carrier":{"name":"VIVO","countryCode":"BR"}}]} */
void carrier_answer(struct buf *out, struct uid id, const struct carrier_ask *ask, const struct settings *s);
