/* send_field.c - the fields of a request to send, one at a time: their names, types and lengths (send_field.h; docs/api.md "Sending"). What a
 * message inherits and may not lack is send_request.c's. */
#include "api/send_field.h"

#include <stdio.h>
#include <string.h>

#include "wire/gsm_text.h"

_Static_assert(F_ZONE - F_START_AT == SEND_ZONE - SEND_START_AT, "the same order");

static const struct {
	enum field field;
	const char *name;
	size_t n;
} fields[] = {
#define FIELD(what, text) {what, text, sizeof(text) - 1},
#include "api/send_fields.def"
#undef FIELD
};

enum field send_field_of(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (fields[i].n == name.n && !memcmp(fields[i].name, name.p, name.n))
			return fields[i].field;
	return F_UNKNOWN;
}

void send_path(char out[FAULT_FIELD_MAX], const struct place *at, struct str name)
{
	int n = (int)MIN(name.n, (size_t)40);

	switch (at->level) {
	case AT_ROOT: snprintf(out, FAULT_FIELD_MAX, "%.*s", n, name.p); break;
	case AT_DEFAULTS: snprintf(out, FAULT_FIELD_MAX, "defaultValues.%.*s", n, name.p); break;
	case AT_MESSAGE: snprintf(out, FAULT_FIELD_MAX, "messages[%zu].%.*s", at->index, n, name.p); break;
	}
}

void send_field_fault(struct reading *r, const struct place *at, struct str name, const char *rule)
{
	char path[FAULT_FIELD_MAX];

	send_path(path, at, name);
	fault_add(r->faults, path, "%s", rule);
	r->bad |= 1u << send_field_of(name);
}

static void too_long(struct reading *r, const struct place *at, struct str name, int most)
{
	char rule[48];

	snprintf(rule, sizeof(rule), "longer than %d characters", most);
	send_field_fault(r, at, name, rule);
}

/* The text in NFC, in the arena when that changes it. */
struct str send_nfc(struct arena *a, struct str s)
{
	struct buf b = BUF_INIT;
	char *p;
	size_t n;

	if (text_is_nfc(s))
		return s;
	text_nfc(&b, s);
	n = b.n;
	p = b.failed ? NULL : arena_alloc(a, n);
	if (p)
		memcpy(p, b.p, n);
	buf_done(&b);
	return p ? (struct str){p, n} : s;
}

static void set_text(struct reading *r, const struct place *at, enum field field, struct str name,
		     struct str v, struct send_item *to)
{
	struct str *into;
	size_t points = 0;
	int most;

	switch (field) {
	case F_DESTINATION:
		into = &to->destination;
		most = SEND_DESTINATION_MAX;
		break;
	case F_TEXT:
		into = &to->text;
		most = SEND_TEXT_MAX;
		v = send_nfc(r->arena, v);
		break;
	case F_CORRELATION:
		into = &to->correlation;
		most = SEND_CORRELATION_MAX;
		break;
	case F_EXTRA:
		into = &to->extra;
		most = SEND_EXTRA_MAX;
		break;
	case F_TEMPLATE_NAME:
		into = &to->template_name;
		most = NAME_MAX_BYTES - 1;
		break;
	case F_FLOW:
		into = &to->flow;
		most = UUID_TEXT - 1;
		break;
	case F_CAMPAIGN:
		into = &to->campaign;
		most = CAMPAIGN_ALIAS_MAX;
		v = send_nfc(r->arena, v);
		break;
	case F_UNKNOWN:
	case F_FLASH:
	case F_SUB_ACCOUNT:
	case F_TEMPLATE_ID:
	case F_PARAMS:
	case F_WINDOW:
	case F_START_AT:
	case F_START_DATE:
	case F_START_MINUTES:
	case F_EXPIRY_AT:
	case F_EXPIRY_DATE:
	case F_EXPIRY_MINUTES:
	case F_ZONE:
	case F_DRY_RUN:
	default: return;
	}
	if (!utf8_valid(v, &points))
		send_field_fault(r, at, name, "not valid UTF-8, or holds a NUL");
	else if (points > (size_t)most)
		too_long(r, at, name, most);
	else
		*into = v;
}

/* An empty one counts as not given. */
static void set_yes_no(struct reading *r, const struct place *at, struct str name, struct str v, int8_t *to)
{
	if (str_ieq(v, STR("true")))
		*to = 1;
	else if (str_ieq(v, STR("false")))
		*to = 0;
	else if (v.n)
		send_field_fault(r, at, name, "must be true or false");
}

static void json_yes_no(struct reading *r, const struct place *at, struct str name, struct json *j, int8_t *to)
{
	if (json_kind(j) == JSON_KIND_BOOL)
		*to = json_bool(j);
	else if (json_kind(j) == JSON_KIND_STRING)
		set_yes_no(r, at, name, json_str(j), to);
	else
		send_field_fault(r, at, name, "must be true or false");
}

/* Of the whole request: a part of one that is not meant would be misread too easily. */
static bool at_root(struct reading *r, const struct place *at, struct str name)
{
	if (at->level != AT_ROOT)
		send_field_fault(r, at, name, "only allowed at the root of the request");
	return at->level == AT_ROOT;
}

/* 0 is an id as any other; "" counts as not given. */
static void set_template_id(struct reading *r, const struct place *at, struct str name, struct str v, struct send_item *to)
{
	if (!v.n)
		return;
	if (str_i64(v, INT64_MIN, INT64_MAX, &to->template_id))
		send_field_fault(r, at, name, "must be a whole number");
	else
		to->has_template_id = true;
}

static void set_time(struct reading *r, const struct place *at, enum field field, struct str name,
		     struct str v, struct send_item *to)
{
	char path[FAULT_FIELD_MAX];
	const char *rule = "not valid UTF-8, or holds a NUL";

	send_path(path, at, name);
	if (utf8_valid(v, NULL))
		rule = field == F_WINDOW ? send_time_hours(v, &to->time)
					 : send_time_read(r->arena, (enum send_time_field)(field - F_START_AT),
							  path, v, &to->time);
	if (rule)
		send_field_fault(r, at, name, rule);
}

static void set_sub_account(struct reading *r, const struct place *at, struct str name, struct str v)
{
	if (!at_root(r, at, name))
		return;
	r->request->has_sub_account = v.n > 0;
	r->request->sub_account = v;
}

/* A string, or where allowed the digits of a whole number. false: wrong type, which is noted. */
static bool json_text(struct reading *r, const struct place *at, struct str name, struct json *j,
		      bool numbers, struct str *ret)
{
	char scratch[JSON_SCRATCH], *copy;

	if (json_kind(j) == JSON_KIND_STRING) {
		*ret = json_str(j);
		return true;
	}
	if (numbers && json_kind(j) == JSON_KIND_INTEGER) {
		struct str digits = json_scalar(j, scratch);

		copy = arena_alloc(r->arena, digits.n);
		if (!copy)
			return false;
		memcpy(copy, digits.p, digits.n);
		*ret = (struct str){copy, digits.n};
		return true;
	}
	send_field_fault(r, at, name, numbers ? "must be a string or a whole number" : "must be a string");
	return false;
}

/* timeWindow: [11, 12], 11, or as in a query. */
static void read_window(struct reading *r, const struct place *at, struct str name, struct json *j, struct send_item *to)
{
	bool array = json_kind(j) == JSON_KIND_ARRAY;
	char scratch[JSON_SCRATCH];
	unsigned before = r->faults->count;

	if (!array && json_kind(j) != JSON_KIND_INTEGER && json_kind(j) != JSON_KIND_STRING)
		send_field_fault(r, at, name, "must be an array of hours");
	else if (!array)
		set_time(r, at, F_WINDOW, name, json_scalar(j, scratch), to);
	for (size_t i = 0; array && i < json_count(j) && r->faults->count == before; i++) {
		struct json *hour = json_at(j, i);

		if (json_kind(hour) == JSON_KIND_INTEGER ||
		    (json_kind(hour) == JSON_KIND_STRING && json_str(hour).n))
			set_time(r, at, F_WINDOW, name, json_scalar(hour, scratch), to);
		else
			send_field_fault(r, at, name, "must be hours from 0 to 23");
	}
}

void send_field_json(struct reading *r, const struct place *at, struct str name, struct json *j, struct send_item *to)
{
	enum field field = send_field_of(name);
	struct str v;

	if (json_kind(j) == JSON_KIND_NULL)
		return;
	switch (field) {
	case F_UNKNOWN: return;
	case F_DRY_RUN:
		if (at_root(r, at, name))
			json_yes_no(r, at, name, j, &r->request->dry_run);
		return;
	case F_FLASH: json_yes_no(r, at, name, j, &to->flash); return;
	case F_SUB_ACCOUNT:
		if (json_text(r, at, name, j, true, &v))
			set_sub_account(r, at, name, v);
		return;
	case F_TEMPLATE_ID:
		if (json_text(r, at, name, j, true, &v))
			set_template_id(r, at, name, v, to);
		return;
	case F_PARAMS: {
		struct param_list list = {NULL, 0};

		params_read(j, at, r->arena, &list, r->faults);
		to->params = list.p;
		to->param_count = list.n;
		return;
	}
	case F_WINDOW: read_window(r, at, name, j, to); return;
	case F_START_DATE:
	case F_EXPIRY_DATE:
	case F_ZONE:
	case F_START_AT:
	case F_START_MINUTES:
	case F_EXPIRY_AT:
	case F_EXPIRY_MINUTES:
		if (json_text(r, at, name, j, field != F_START_DATE && field != F_EXPIRY_DATE && field != F_ZONE, &v))
			set_time(r, at, field, name, v, to);
		return;
	case F_DESTINATION:
	case F_CORRELATION:
	case F_TEXT:
	case F_TEMPLATE_NAME:
	case F_FLOW:
	case F_CAMPAIGN:
	case F_EXTRA: break;
	}
	if (json_text(r, at, name, j, field == F_DESTINATION || field == F_CORRELATION || field == F_CAMPAIGN, &v))
		set_text(r, at, field, name, v, to);
}

void send_field_text(struct reading *r, const struct place *at, enum field field, struct str name,
		     struct str v, struct send_item *to)
{
	if (field == F_DRY_RUN)
		set_yes_no(r, at, name, v, &r->request->dry_run);
	else if (field == F_FLASH)
		set_yes_no(r, at, name, v, &to->flash);
	else if (field == F_TEMPLATE_ID)
		set_template_id(r, at, name, v, to);
	else if (field >= F_WINDOW && field <= F_ZONE)
		set_time(r, at, field, name, v, to);
	else if (field != F_SUB_ACCOUNT)
		set_text(r, at, field, name, v, to);
	else if (utf8_valid(v, NULL))
		set_sub_account(r, at, name, v);
	else
		send_field_fault(r, at, name, "not valid UTF-8, or holds a NUL");
}
