/* route.h - which way a message goes: longest prefix, then the route with more conditions (operator, sub-account, class), then the first
 * as written; then the route's connections by weight, order and health. Engine thread only; the pure look-ups for acceptance are in
 * intake.h. */
#pragma once
#include "base/map.h"
#include "core/breaker.h"
#include "core/channel.h"
#include "core/snapshot.h"
#include "model/settings.h"

struct connection { /* what the core knows of a carrier's connection */
	uint16_t number;
	char name[64];
	bool up;
	bool configured; /* false after a reload that dropped it */
	bool saving;     /* a long message waits for more room: nobody else takes it in this turn */
	int32_t credits; /* parts it can take; below zero: parts of a long message it still owes */
	int32_t window;
	uint32_t pool; /* connections that are in a route together, and routes that share one: see routes.pools */
	struct breaker_setting health;
	struct breaker breaker;
	size_t depth;   /* for status.c */
	int64_t oldest; /* the same */
};
#define ROUTE_CONNECTIONS_MAX 16
struct route {
	uint32_t hash; /* stable over restarts: prefix, conditions, connection names */
	char prefix[24];
	size_t prefix_len;
	int32_t operator_id;  /* 0 any */
	const char *sub_name; /* NULL any; borrowed of the settings */
	uint32_t sub_account; /* its id; 0 with a name: there is none yet, so nothing fits */
	enum route_class class;
	int conditions;
	uint32_t pool;
	struct route *next; /* of the same prefix and sub-account, the better one first */
	int n;
	struct {
		struct connection *c;
		int weight;
		int current; /* smooth weighted round robin */
	} to[ROUTE_CONNECTIONS_MAX];
};
struct route_ask {
	struct str digits;
	int32_t operator_id;
	uint32_t sub_account;
	bool marketing;
};
struct routes {
	struct route *a; /* the better one first among those of one prefix length, longest prefix first */
	size_t n;
	struct map *by_hash, *by_prefix; /* by_prefix: hash of prefix and sub-account -> struct route */
	uint32_t lengths;                /* 1u << length of a prefix that there is */
	bool by_sub;                     /* some route names a sub-account */
	uint32_t pools;                  /* 1..pools; 0 is for what has no route */
	struct connection **connections;
	size_t connection_count;
};
/* Rebuilds the table; connections known before keep their state. snap (NULL ok) tells the sub-accounts' ids. True when messages may
 * have another way now. */
bool routes_set(struct routes *r, const struct settings *s, const struct snapshot *snap);
void routes_subs(struct routes *r, const struct snapshot *snap); /* there are other sub-accounts now */
void routes_done(struct routes *r);
struct connection *routes_connection(struct routes *r, uint16_t number);
struct route *routes_find(struct routes *r, const struct route_ask *ask);
struct route *routes_by_hash(const struct routes *r, uint32_t hash);

/* Up, well (or to be probed), and with room. */
bool connection_open(struct connection *c, int64_t now);
/* The connection that should take parts now: by weight among those that are up and well and have room (weight 0, in their order, only
 * when no other is up and well), except the one to avoid if there is another. A full one is passed over: weights share what can be
 * shared, and one that answers slowly holds up nobody. NULL: none is up and well, or none has room (then wait). Charge it by
 * route_charge(). */
struct connection *route_pick(struct route *r, int parts, uint16_t avoid, int64_t now);
/* Whom route_pick() would take, and if none has room, whose turn it is; NULL: none is up and well. Nothing of the connections changes; the
 * turn is counted in the copy of the route, so that asking again tells the next one's. */
struct connection *route_foresee(struct route *copy, int parts, int64_t now);
struct connection *route_heaviest(const struct route *r); /* up or not; of equals the first; NULL: it has none */
/* After NULL: what room there is is kept for this many parts until the end of the turn. */
void route_save(struct route *r, int parts, int64_t now);
void route_charge(struct route *r, struct connection *c, int parts);
bool route_up(const struct route *r); /* some connection of it is up */
