/* route_pick.c - which of a route's connections takes a message now: weights, order, health and room (route.h). */
#include "core/route.h"

bool route_up(const struct route *r)
{
	for (int i = 0; i < r->n; i++)
		if (r->to[i].c->up)
			return true;
	return false;
}

static bool usable(struct connection *c, int64_t now)
{
	return c->up && breaker_allows(&c->breaker, &c->health, now);
}

bool connection_open(struct connection *c, int64_t now) { return c->credits > 0 && usable(c, now); }

/* A long message waits for as much room as the connection can ever have, then owes the rest. */
static bool has_room(const struct connection *c, int parts)
{
	return !c->saving && c->credits > 0 && c->credits >= MIN(parts, c->window);
}

/* One of those that can, by weight; parts 0: whether it has room or not. The turn it takes is counted in r. */
static struct connection *choose(struct route *r, const bool can[ROUTE_CONNECTIONS_MAX], int parts, uint16_t avoid)
{
	bool heavy = false, other = false;
	int best = -1, total = 0;

	for (int i = 0; i < r->n; i++) {
		if (!can[i])
			continue;
		heavy |= r->to[i].weight > 0 && r->to[i].c->number != avoid;
		other |= r->to[i].c->number != avoid;
	}
	for (int i = 0; i < r->n; i++) {
		struct connection *c = r->to[i].c;
		int weight = heavy ? r->to[i].weight : 1;

		if (!can[i] || !weight || (other && c->number == avoid))
			continue;
		if (parts && !has_room(c, parts))
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

struct connection *route_pick(struct route *r, int parts, uint16_t avoid, int64_t now)
{
	bool can[ROUTE_CONNECTIONS_MAX];

	for (int i = 0; i < r->n; i++)
		can[i] = usable(r->to[i].c, now);
	return choose(r, can, parts, avoid);
}

struct connection *route_foresee(struct route *copy, int parts, int64_t now)
{
	bool can[ROUTE_CONNECTIONS_MAX];
	struct connection *c;

	for (int i = 0; i < copy->n; i++) {
		c = copy->to[i].c;
		can[i] = c->up && breaker_would_allow(&c->breaker, &c->health, now);
	}
	c = choose(copy, can, parts, 0);
	return c ? c : choose(copy, can, 0, 0);
}

struct connection *route_heaviest(const struct route *r)
{
	int best = -1;

	for (int i = 0; i < r->n; i++)
		if (best < 0 || r->to[i].weight > r->to[best].weight)
			best = i;
	return best < 0 ? NULL : r->to[best].c;
}

void route_save(struct route *r, int parts, int64_t now)
{
	for (int i = 0; parts > 1 && i < r->n; i++)
		r->to[i].c->saving |= connection_open(r->to[i].c, now);
}

void route_charge(struct route *r, struct connection *c, int parts)
{
	(void)r;
	c->credits -= parts;
}
