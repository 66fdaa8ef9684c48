/* phone_plan.c - what the numbering plans say of a number: a walk through one automaton over its digits, made by
 * tools/phone_table.py (phone_plan.def). A state is a few edges, most have one or two, so that a look-up is some fifteen short
 * searches in 40 KB of tables. */
#include <string.h>

#include "wire/phone.h"

#define COUNTRY(name, code, trunk, zone) COUNTRY_##name,
enum {
#include "wire/phone_plan.def"
	COUNTRIES
};
#undef COUNTRY

#define COUNTRY(name, code, trunk, zone) {#name, trunk, zone},
static const struct country {
	char name[3], trunk[4];
	const char *zone;
} countries[] = {
#include "wire/phone_plan.def"
};
#undef COUNTRY

#define COUNTRY(name, code, trunk, zone) {code, COUNTRY_##name},
static const struct {
	uint16_t code;
	uint8_t country;
} codes[] = {
#include "wire/phone_plan.def"
};
#undef COUNTRY

#define BRAZIL_ZONE(area, zone) [area] = (zone),
static const char *const brazil_zones[100] = {
#include "wire/phone_plan.def"
};
#undef BRAZIL_ZONE

#define EDGE(digits, to) {digits, to},
static const struct {
	uint16_t digits, to;
} edges[] = {
#include "wire/phone_plan.def"
};
#undef EDGE

/* What a state says of a number that ends in it: 0, or country + 1 and the kind. */
#define NONE 0
#define MOBILE(name) ((COUNTRY_##name + 1) << 1)
#define MAYBE(name) (MOBILE(name) | 1)
#define STATE(first, what) {first, what},
static const struct {
	uint16_t first, what;
} states[] = {
#include "wire/phone_plan.def"
	{COUNT_OF(edges), NONE},
};
#undef STATE

static uint16_t walk(const struct phone *p)
{
	unsigned state = 1;

	for (const char *d = p->digits; *d && state; d++) {
		unsigned digit = 1u << (*d - '0'), i = states[state].first, end = states[state + 1].first;

		while (i < end && !(edges[i].digits & digit))
			i++;
		state = i < end ? edges[i].to : 0;
	}
	return states[state].what;
}

struct phone_plan phone_plan(const struct phone *p)
{
	struct phone_plan r = {.kind = PHONE_NO_MOBILE};
	unsigned what = walk(p);

	if (what == NONE)
		return r;
	r.kind = what & 1 ? PHONE_MAYBE_MOBILE : PHONE_MOBILE;
	memcpy(r.country, countries[(what >> 1) - 1].name, sizeof(r.country));
	return r;
}

bool phone_usable(const struct phone *p) { return walk(p) != NONE; }

static bool is_brazil(const struct phone *p) { return p->digits[0] == '5' && p->digits[1] == '5'; }

const char *phone_zone(const struct phone *p)
{
	unsigned what = walk(p);

	if (what == NONE)
		return NULL;
	if ((what >> 1) - 1 == COUNTRY_BR) {
		const char *zone = brazil_zones[(p->digits[2] - '0') * 10 + (p->digits[3] - '0')];

		if (zone)
			return zone;
	}
	return countries[(what >> 1) - 1].zone;
}

/* -- the canonical form -------------------------------------------------------------------------------------------- */

/* The trunk prefix behind the number's country code, "" when it has none. Countries that share a code share it. */
static const char *trunk_of(const struct phone *p)
{
	unsigned code = 0;

	for (unsigned i = 0; i < p->country; i++)
		code = code * 10 + (unsigned)(p->digits[i] - '0');
	for (size_t i = 0; code && i < COUNT_OF(codes); i++)
		if (codes[i].code == code)
			return countries[codes[i].country].trunk;
	return "";
}

static void without_trunk(struct phone *p)
{
	const char *trunk = trunk_of(p);
	size_t n = strlen(trunk);
	struct phone q = *p;

	if (!n || strncmp(p->digits + p->country, trunk, n) != 0)
		return;
	memmove(q.digits + q.country, q.digits + q.country + n, q.n - q.country - n + 1);
	q.n = (uint8_t)(q.n - n);
	if (phone_usable(&q))
		*p = q;
}

static void with_ninth_digit(struct phone *p)
{
	if (p->n != 12 || !is_brazil(p) || p->digits[4] < '6')
		return;
	memmove(p->digits + 5, p->digits + 4, 8);
	p->digits[4] = '9';
	p->digits[13] = '\0';
	p->n = 13;
}

/* One repair, not both: 55 01 99999-0001 is a mistyped area code, not a trunk prefix before an old number of area 19. What no repair
 * helps stays as it is. */
void phone_canonical(const struct phone *p, struct phone *ret)
{
	struct phone q = *p, written = *p;

	with_ninth_digit(&q);
	if (!phone_usable(&q)) {
		struct phone old;

		q = written;
		without_trunk(&q);
		old = q;
		with_ninth_digit(&old);
		if (old.n != q.n)
			q = written;
	}
	*ret = q;
}
