/* route.c - prefix table and choice of connection. Tables are small (tens of routes); a linear search over prefixes sorted by
 * length is a few comparisons. */
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
#include "core/outbox.h"

/* FNV-1a: the queue's name on disk, so it must never change with the process or its random seeds. */
static uint32_t stable_hash(uint32_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h ^ 0xff) * 16777619u;
}

static struct connection *connection_named(struct routes *r, const char *name)
{
	for (size_t i = 0; i < r->connection_count; i++)
		if (r->connections[i]->configured && !strcmp(r->connections[i]->name, name))
			return r->connections[i];
	return NULL;
}

struct connection *routes_connection(struct routes *r, uint16_t number)
{
	for (size_t i = 0; i < r->connection_count; i++)
		if (r->connections[i]->number == number)
			return r->connections[i];
	return NULL;
}

static void set_connections(struct routes *r, const struct settings *s)
{
	for (size_t i = 0; i < r->connection_count; i++)
		r->connections[i]->configured = false;
	for (size_t i = 0; i < s->sms.connection_count; i++) {
		const struct connection_setting *cs = &s->sms.connections[i];
		struct connection *c = routes_connection(r, cs->number);

		if (!c) {
			c = xnew(struct connection);
			c->number = cs->number;
			r->connections =
				xrealloc(r->connections, r->connection_count + 1, sizeof(struct connection *));
			r->connections[r->connection_count++] = c;
		}
		str_copy(c->name, sizeof c->name, str_of(cs->name));
		c->configured = true;
	}
}

static int by_length(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	return x->prefix_len != y->prefix_len ? (x->prefix_len < y->prefix_len ? 1 : -1) : 0;
}

void routes_set(struct routes *r, const struct settings *s)
{
	set_connections(r, s);
	free(r->a);
	r->n = 0;
	r->a = xcalloc(s->sms.route_count ? s->sms.route_count : 1, sizeof(struct route));
	for (size_t i = 0; i < s->sms.route_count; i++) {
		const struct route_setting *rs = &s->sms.routes[i];
		struct route *t = &r->a[r->n++];

		str_copy(t->prefix, sizeof t->prefix, str_of(rs->prefix));
		t->prefix_len = strlen(t->prefix);
		t->hash = stable_hash(2166136261u, t->prefix);
		for (size_t k = 0; k < rs->connection_count && t->n < ROUTE_CONNECTIONS_MAX; k++) {
			struct connection *c = connection_named(r, rs->connections[k].name);

			if (!c)
				continue; /* refused by the configuration's own check */
			t->to[t->n].c = c;
			t->to[t->n++].weight = (int)rs->connections[k].weight;
			t->hash = stable_hash(t->hash, c->name);
		}
	}
	qsort(r->a, r->n, sizeof *r->a, by_length);
}

void routes_done(struct routes *r)
{
	for (size_t i = 0; i < r->connection_count; i++)
		free(r->connections[i]);
	free(r->connections);
	free(r->a);
	*r = (struct routes){0};
}

struct route *routes_find(struct routes *r, struct str digits)
{
	for (size_t i = 0; i < r->n; i++)
		if (digits.n >= r->a[i].prefix_len && !memcmp(digits.p, r->a[i].prefix, r->a[i].prefix_len))
			return &r->a[i];
	return NULL;
}

struct route *routes_by_hash(struct routes *r, uint32_t hash)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->a[i].hash == hash)
			return &r->a[i];
	return NULL;
}

bool route_up(const struct route *r)
{
	for (int i = 0; i < r->n; i++)
		if (r->to[i].c->up)
			return true;
	return false;
}

struct connection *route_pick(struct route *r, int parts, uint16_t avoid)
{
	bool heavy = false, other = false;
	int best = -1, total = 0;

	for (int i = 0; i < r->n; i++) {
		if (!r->to[i].c->up)
			continue;
		heavy |= r->to[i].weight > 0 && r->to[i].c->number != avoid;
		other |= r->to[i].c->number != avoid;
	}
	for (int i = 0; i < r->n; i++) {
		struct connection *c = r->to[i].c;
		int weight = heavy ? r->to[i].weight : 1;

		if (!c->up || !weight || (other && c->number == avoid))
			continue;
		/* A long message waits for as much room as the connection can ever have, then owes the rest. */
		if (c->credits <= 0 || c->credits < MIN(parts, c->window))
			continue;
		if (!heavy)
			return c; /* failure mode: by order */
		total += weight;
		r->to[i].current += weight;
		if (best < 0 || r->to[i].current > r->to[best].current)
			best = i;
	}
	if (best < 0)
		return NULL;
	r->to[best].current -= total;
	return r->to[best].c;
}

void route_charge(struct route *r, struct connection *c, int parts)
{
	(void)r;
	c->credits -= parts;
}

/* -- what acceptance asks, on any thread ---------------------------------------------------------------------------- */

static size_t match(struct str digits, const char *prefix)
{
	size_t n = strlen(prefix);

	return digits.n >= n && !memcmp(digits.p, prefix, n) ? n + 1 : 0;
}

struct number_facts intake_number(const struct settings *s, struct str digits)
{
	struct number_facts f = {.reports = true};
	size_t best = 0;

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
		size_t n = match(digits, s->sms.routes[i].prefix);

		if (n > longest) {
			longest = n;
			route = &s->sms.routes[i];
		}
	}
	f.routed = route != NULL;
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

const char *operator_name(const struct settings *s, int32_t id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == id)
			return s->operators[i].name;
	return "UNKNOWN";
}
