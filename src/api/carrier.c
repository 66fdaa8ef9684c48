/* carrier.c - POST /v1/carrier/lookup: which numbers are mobiles, and whose, without sending anything [api.md section 13].
 *
 * "active" is what the original service made of it: the number is one that a carrier has given out to mobiles, as far as plans and
 * tables know. Whether a handset is there only the network knows; whether the caller may write to it (block lists, opt-outs) is another
 * question, which sends answer. So everybody gets the same answer for a number, and 202 and "active": false are one judgement. */
#include "api/carrier.h"

#include <stdio.h>
#include <string.h>

#include "api/answer.h"
#include "api/routes.h"
#include "base/time.h"
#include "core/intake.h"
#include "wire/phone.h"

/* -- what is asked ------------------------------------------------------------------------------------------------- */

static void fault_at(struct faults *f, size_t i, const char *rule)
{
	char field[FAULT_FIELD_MAX];

	snprintf(field, sizeof(field), "destinations[%zu]", i);
	fault_add(f, field, "%s", rule);
}

static struct str read_one(struct json *j, size_t i, struct arena *a, struct faults *f)
{
	char scratch[JSON_SCRATCH], *copy;
	struct str s = json_scalar(j, scratch);
	size_t points = 0;

	if (!s.p) {
		fault_at(f, i, "must be a string or a whole number");
		return s;
	}
	if (!utf8_valid(s, &points) || points > SEND_DESTINATION_MAX) {
		char rule[48];

		snprintf(rule, sizeof(rule), "longer than %d characters", SEND_DESTINATION_MAX);
		fault_at(f, i, rule);
		return s;
	}
	if (s.p != scratch)
		return s;
	copy = arena_strndup(a, s.p, s.n);
	return (struct str){copy, copy ? s.n : 0};
}

void carrier_read(struct json *root, struct arena *a, struct carrier_ask *ret, struct faults *f)
{
	struct json *list = json_get(root, "destinations");
	size_t n = json_count(list);

	memset(ret, 0, sizeof(*ret));
	if (json_kind(root) != JSON_KIND_OBJECT)
		fault_add(f, "", "the request must be an object");
	else if (json_kind(list) == JSON_KIND_NULL)
		fault_add(f, "destinations", "missing");
	else if (json_kind(list) != JSON_KIND_ARRAY)
		fault_add(f, "destinations", "must be an array");
	else if (!n)
		fault_add(f, "destinations", "empty");
	else if (n > CARRIER_DESTINATIONS_MAX)
		fault_add(f, "destinations", "more than %d entries", CARRIER_DESTINATIONS_MAX);
	if (f->count)
		return;
	ret->destinations = arena_alloc(a, n * sizeof(*ret->destinations));
	if (!ret->destinations)
		return;
	ret->count = n;
	for (size_t i = 0; i < n; i++)
		ret->destinations[i] = read_one(json_at(list, i), i, a, f);
}

/* -- the answer ---------------------------------------------------------------------------------------------------- */

static void put_one(struct buf *out, struct str destination, const struct settings *s)
{
	struct phone p;
	bool active = send_usable(s, destination, &p);
	struct str name = STR("UNKNOWN");
	const char *country = "";

	if (active) {
		struct number_facts facts = intake_number(s, (struct str){p.digits, p.n});

		name = answer_operator_name(s, facts.operator_id);
		country = phone_plan(&p).country;
	}
	buf_puts(out, "{\"destination\":");
	answer_text(out, destination);
	buf_puts(out, active ? ",\"active\":true,\"carrier\":{\"name\":" : ",\"active\":false,\"carrier\":{\"name\":");
	answer_text(out, name);
	if (*country) {
		buf_puts(out, ",\"countryCode\":");
		answer_text(out, str_of(country));
	}
	buf_puts(out, "}}");
}

void carrier_answer(struct buf *out, struct uid id, const struct carrier_ask *ask, const struct settings *s)
{
	char text[UUID_TEXT];

	buf_puts(out, "{\"id\":\"");
	buf_puts(out, uid_print(text, id));
	buf_puts(out, "\",\"destinations\":[");
	for (size_t i = 0; i < ask->count; i++) {
		if (i)
			buf_putc(out, ',');
		put_one(out, ask->destinations[i], s);
	}
	buf_puts(out, "]}\n");
}

/* -- the endpoint -------------------------------------------------------------------------------------------------- */

void carrier_run(struct request *q, const struct settings *s)
{
	struct carrier_ask ask;
	struct faults f;
	struct err e;

	f.count = 0;
	if (q->user->role == ROLE_PLATFORM) {
		request_refuse(q, MHD_HTTP_FORBIDDEN,
			       "a platform user looks nothing up; use an administrator or a regular user");
		return;
	}
	q->doc = json_read(q->body.p, q->body.n, &e);
	if (!q->doc) {
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "malformed JSON: %s", e.text);
		return;
	}
	carrier_read(json_root(q->doc), &q->arena, &ask, &f);
	if (f.count) {
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, &f);
		return;
	}
	carrier_answer(&q->out, (struct uid){uid_key_at(wall_ms()), uid_rest()}, &ask, s);
	q->status = MHD_HTTP_OK;
}
