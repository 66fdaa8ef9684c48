/* intake_number.c - what acceptance asks about a number, on any thread (intake.h): its operator, whether there is a route at all, who
 * forbids messages to it. */
#include <string.h>

#include "core/intake.h"
#include "core/numbers.h"
#include "core/outbox.h"
#include "model/codes.h"

static size_t match(struct str digits, const char *prefix)
{
	size_t n = strlen(prefix);

	return digits.n >= n && !memcmp(digits.p, prefix, n) ? n + 1 : 0;
}

/* The table of ported numbers says which operator's it is, whatever it begins with. An operator that the configuration does not know
 * (any more) is unknown. */
static bool find_ported(const struct settings *s, struct str digits, struct number_facts *f)
{
	int32_t id;

	if (!numbers_ported(digits, &id))
		return false;
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == id) {
			f->operator_id = id;
			f->reports = s->operators[i].delivery_reports;
		}
	return true;
}

struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	struct refusal r = {.code = numbers_refusal(account, sub_account, digits)};

	if (r.code)
		r.reason = r.code == SENT_BLACKLISTED ? REASON_BLOCKED : REASON_OPTED_OUT;
	return r;
}

static const struct profile_setting *likely_profile(const struct settings *s, const struct route_setting *r)
{
	const struct route_connection *best = NULL;

	for (size_t i = 0; i < r->connection_count; i++)
		if (!best || r->connections[i].weight > best->weight)
			best = &r->connections[i];
	for (size_t i = 0; best && i < s->sms.connection_count; i++)
		if (strcmp(s->sms.connections[i].name, best->name) == 0)
			return &s->sms.connections[i].profile;
	return NULL;
}

struct number_facts intake_number(const struct settings *s, struct str digits)
{
	struct number_facts f = {.reports = true};
	size_t best = find_ported(s, digits, &f) ? SIZE_MAX : 0;

	for (size_t i = 0; i < s->operator_count; i++) {
		const struct operator_setting *o = &s->operators[i];

		for (size_t k = 0; k < o->prefix_count; k++) {
			size_t n = match(digits, o->prefixes[k]);

			if (n > best) {
				best = n;
				f.operator_id = (int32_t)o->id;
				f.reports = o->delivery_reports;
			}
		}
	}
	size_t longest = 0;
	const struct route_setting *route = NULL;
	for (size_t i = 0; i < s->sms.route_count; i++) {
		const struct route_setting *rs = &s->sms.routes[i];
		size_t n = match(digits, rs->prefix);

		/* Whether its conditions fit is the engine's to say. */
		f.routed |= n > 0;
		if (n > longest && !rs->operator_id && !rs->sub_account && rs->class == CLASS_ANY) {
			longest = n;
			route = rs;
		}
	}
	if (route)
		f.profile = likely_profile(s, route);
	if (best || !route)
		return f;
	/* No prefix tells the operator: the default of the connection it will leave by. */
	for (size_t i = 0; i < s->sms.connection_count && route->connection_count; i++) {
		const struct connection_setting *c = &s->sms.connections[i];

		if (strcmp(c->name, route->connections[0].name) != 0 || !c->operator_id)
			continue;
		f.operator_id = (int32_t)c->operator_id;
		for (size_t k = 0; k < s->operator_count; k++)
			if (s->operators[k].id == c->operator_id)
				f.reports = s->operators[k].delivery_reports;
	}
	return f;
}

struct carrier_told carrier_of(const struct settings *s, int32_t operator_id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == operator_id)
			return (struct carrier_told){operator_id, s->operators[i].name};
	return (struct carrier_told){0, "UNKNOWN"};
}
