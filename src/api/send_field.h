/* send_field.h - one field of a request to send, from JSON or a query into a checked value; between send_field.c and send_request.c. */
#pragma once
#include "api/send_request.h"

/* By name in send_fields.def. */
enum field {
	F_UNKNOWN,
	F_DESTINATION,
	F_TEXT,
	F_CORRELATION,
	F_EXTRA,
	F_FLASH,
	F_SUB_ACCOUNT,
	F_TEMPLATE_ID,
	F_TEMPLATE_NAME,
	F_FLOW,
	F_PARAMS,
	F_CAMPAIGN,
	F_WINDOW,
	F_START_AT, /* from here to F_ZONE in the order of enum send_time_field */
	F_START_DATE,
	F_START_MINUTES,
	F_EXPIRY_AT,
	F_EXPIRY_DATE,
	F_EXPIRY_MINUTES,
	F_ZONE,
	F_DRY_RUN
};
struct reading {
	struct arena *arena;
	struct send_request *request;
	struct faults *faults;
	unsigned bad; /* bits by enum field: given at this level or above, but wrong, so not missing as well */
};

enum field send_field_of(struct str name);
/* The field at that place breaks a rule: a fault with its path, and a bit in bad. */
void send_field_fault(struct reading *r, const struct place *at, struct str name, const char *rule);
/* One member of a level into `to`, or into the request when the field is of all of it. Unknown names are passed over; null counts as
 * not given. Values borrow from j and the arena. */
void send_field_json(struct reading *r, const struct place *at, struct str name, struct json *j, struct send_item *to);
/* The same from the text of a query's pair; field is any but F_UNKNOWN and F_PARAMS. */
void send_field_text(struct reading *r, const struct place *at, enum field field, struct str name,
		     struct str v, struct send_item *to);
