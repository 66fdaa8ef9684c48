/* route.h - which way a number goes: longest prefix, then the route's connections by weight and order. Engine thread only; the
 * pure look-ups for acceptance are in intake.h. */
#pragma once
#include "core/channel.h"
#include "model/settings.h"

struct connection { /* what the core knows of a carrier's connection */
	uint16_t number;
	char name[64];
	bool up;
	bool configured; /* false after a reload that dropped it */
	int32_t credits; /* parts it can take; below zero: parts of a long message it still owes */
	int32_t window;
};
#define ROUTE_CONNECTIONS_MAX 16
struct route {
	uint32_t hash; /* stable over restarts: prefix, connection names and weights */
	char prefix[24];
	size_t prefix_len;
	int n;
	struct {
		struct connection *c;
		int weight;
		int current; /* smooth weighted round robin */
	} to[ROUTE_CONNECTIONS_MAX];
};
struct routes {
	struct route *a; /* longest prefix first */
	size_t n;
	struct connection **connections;
	size_t connection_count;
};
/* Rebuilds the table; connections known before keep their state. */
void routes_set(struct routes *r, const struct settings *s);
void routes_done(struct routes *r);
struct connection *routes_connection(struct routes *r, uint16_t number);
struct route *routes_find(struct routes *r, struct str digits);
struct route *routes_by_hash(struct routes *r, uint32_t hash);

/* The connection that should take parts now: by weight among those that are up and have room (weight 0 only when no other is up),
 * except the one to avoid if there is another. A full one is passed over: weights share what can be shared, and one that answers
 * slowly holds up nobody. NULL: none is up, or none has room (then wait). Charge it by route_charge(). */
struct connection *route_pick(struct route *r, int parts, uint16_t avoid);
void route_charge(struct route *r, struct connection *c, int parts);
bool route_up(const struct route *r); /* some connection of it is up */
