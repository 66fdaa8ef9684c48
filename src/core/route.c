/* route.c - the table of routes. A message's route is found by one look-up for each length of prefix that there is, and one more where
 * routes name sub-accounts. */
#include "core/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_MAX 15 /* digits, as the configuration allows */

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
		c->health = cs->breaker;
	}
}

/* Longest prefix, then more conditions; what was written first stays first. */
static bool better(const struct route *x, const struct route *y)
{
	if (x->prefix_len != y->prefix_len)
		return x->prefix_len > y->prefix_len;
	return x->conditions > y->conditions || (x->conditions == y->conditions && x < y);
}

static int by_rank(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	if (x->prefix_len != y->prefix_len)
		return x->prefix_len < y->prefix_len ? 1 : -1;
	if (x->conditions != y->conditions)
		return x->conditions < y->conditions ? 1 : -1;
	return x->pool < y->pool ? -1 : 1; /* still its place in the configuration */
}

/* -- the index: thousands of routes by sub-account must not cost a look at each --------------------------------------- */

static uint64_t place(uint64_t digits, size_t length, uint32_t sub)
{
	return (digits * 16 + length) * 0x9e3779b97f4a7c15u ^ (uint64_t)sub * 0xc2b2ae3d27d4eb4fu;
}

static uint64_t number_of(const char *digits, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(digits[i] - '0');
	return v;
}

/* "reference" in the account default, or "account/reference". */
static uint32_t sub_id(const char *name, const struct snapshot *snap)
{
	const char *slash = strchr(name, '/');
	struct str account = slash ? (struct str){name, (size_t)(slash - name)} : STR("default");
	const struct account *a = snap ? snapshot_account_named(snap, account) : NULL;
	const struct sub_account *sub = a ? snapshot_sub_named(snap, a->id, str_of(slash ? slash + 1 : name)) : NULL;

	return sub ? sub->id : 0;
}

void routes_subs(struct routes *r, const struct snapshot *snap)
{
	map_free(r->by_prefix);
	r->by_prefix = map_new();
	r->lengths = 0;
	/* From the last to the first, so that each chain begins with its best. */
	for (size_t i = r->n; i-- > 0;) {
		struct route *t = &r->a[i];
		uint64_t key;

		if (t->sub_name)
			t->sub_account = sub_id(t->sub_name, snap);
		key = place(number_of(t->prefix, t->prefix_len), t->prefix_len, t->sub_account);
		t->next = map_ptr(r->by_prefix, key);
		map_set_ptr(r->by_prefix, key, t);
		r->lengths |= 1u << t->prefix_len;
	}
}

static bool fits(const struct route *t, const struct route_ask *ask, size_t length, uint32_t sub)
{
	if (t->prefix_len != length || memcmp(t->prefix, ask->digits.p, length) != 0)
		return false; /* only its hash was the same */
	if (t->sub_account != sub || (t->sub_name && !sub))
		return false;
	if (t->operator_id && t->operator_id != ask->operator_id)
		return false;
	return t->class == CLASS_ANY || (t->class == CLASS_MARKETING) == ask->marketing;
}

static struct route *first_fit(struct routes *r, const struct route_ask *ask, uint64_t digits, size_t length, uint32_t sub)
{
	struct route *t = map_ptr(r->by_prefix, place(digits, length, sub));

	while (t && !fits(t, ask, length, sub))
		t = t->next;
	return t;
}

struct route *routes_find(struct routes *r, const struct route_ask *ask)
{
	size_t most = MIN(ask->digits.n, (size_t)PREFIX_MAX);
	uint64_t digits = ask->digits.n ? number_of(ask->digits.p, most) : 0;

	for (size_t length = most;; length--, digits /= 10) {
		if (r->lengths & 1u << length) {
			struct route *any = first_fit(r, ask, digits, length, 0), *own = NULL;

			if (r->by_sub && ask->sub_account)
				own = first_fit(r, ask, digits, length, ask->sub_account);
			if (own && (!any || better(own, any)))
				return own;
			if (any)
				return any;
		}
		if (!length)
			return NULL;
	}
}

struct route *routes_by_hash(const struct routes *r, uint32_t hash) { return map_ptr(r->by_hash, hash); }

/* -- pools ------------------------------------------------------------------------------------------------------------ */

static void join(struct routes *r, uint32_t a, uint32_t b)
{
	for (size_t i = 0; a != b && i < r->connection_count; i++)
		if (r->connections[i]->pool == b)
			r->connections[i]->pool = a;
}

static void find_pools(struct routes *r)
{
	uint32_t n = 0, *name;

	for (size_t i = 0; i < r->connection_count; i++)
		r->connections[i]->pool = (uint32_t)i + 1;
	for (size_t i = 0; i < r->n; i++)
		for (int k = 1; k < r->a[i].n; k++)
			join(r, r->a[i].to[0].c->pool, r->a[i].to[k].c->pool);
	name = xcalloc(r->connection_count + 1, sizeof *name);
	for (size_t i = 0; i < r->connection_count; i++) {
		struct connection *c = r->connections[i];

		if (!name[c->pool])
			name[c->pool] = ++n;
		c->pool = name[c->pool];
	}
	free(name);
	r->pools = n;
	for (size_t i = 0; i < r->n; i++)
		r->a[i].pool = r->a[i].n ? r->a[i].to[0].c->pool : 0;
}

/* -- the table -------------------------------------------------------------------------------------------------------- */

static void set_conditions(struct routes *r, struct route *t, const struct route_setting *rs)
{
	char text[32];

	t->operator_id = (int32_t)rs->operator_id;
	t->sub_name = rs->sub_account;
	t->class = rs->class;
	t->conditions = (t->operator_id != 0) + (t->sub_name != NULL) + (t->class != CLASS_ANY);
	r->by_sub |= t->sub_name != NULL;
	/* Without conditions the name is what it was before there were any. */
	if (!t->conditions)
		return;
	snprintf(text, sizeof text, "?%d/%d", (int)t->operator_id, (int)t->class);
	t->hash = stable_hash(t->hash, text);
	t->hash = stable_hash(t->hash, t->sub_name ? t->sub_name : "");
}

static void set_route(struct routes *r, struct route *t, const struct route_setting *rs)
{
	str_copy(t->prefix, sizeof t->prefix, str_of(rs->prefix));
	t->prefix_len = strlen(t->prefix);
	t->hash = stable_hash(2166136261u, t->prefix);
	set_conditions(r, t, rs);
	for (size_t k = 0; k < rs->connection_count && t->n < ROUTE_CONNECTIONS_MAX; k++) {
		struct connection *c = connection_named(r, rs->connections[k].name);

		if (!c)
			continue; /* refused by the configuration's own check */
		t->to[t->n].c = c;
		t->to[t->n++].weight = (int)rs->connections[k].weight;
		t->hash = stable_hash(t->hash, c->name);
	}
}

/* The hash holds all that decides about a message's way. */
static bool same_routes(const struct route *a, size_t n, const struct routes *r)
{
	for (size_t i = 0; i < n; i++)
		if (i >= r->n || a[i].hash != r->a[i].hash)
			return false;
	return n == r->n;
}

bool routes_set(struct routes *r, const struct settings *s, const struct snapshot *snap)
{
	struct route *old = r->a;
	size_t old_n = r->n;
	bool same;

	set_connections(r, s);
	r->n = 0;
	r->by_sub = false;
	r->a = xcalloc(s->sms.route_count ? s->sms.route_count : 1, sizeof(struct route));
	for (size_t i = 0; i < s->sms.route_count; i++) {
		struct route *t = &r->a[r->n++];

		set_route(r, t, &s->sms.routes[i]);
		t->pool = (uint32_t)i; /* for the order; find_pools() overwrites it */
	}
	qsort(r->a, r->n, sizeof *r->a, by_rank);
	find_pools(r);
	map_free(r->by_hash);
	r->by_hash = map_new();
	for (size_t i = r->n; i-- > 0;)
		map_set_ptr(r->by_hash, r->a[i].hash, &r->a[i]);
	routes_subs(r, snap);
	same = same_routes(old, old_n, r);
	free(old);
	return !same;
}

void routes_done(struct routes *r)
{
	for (size_t i = 0; i < r->connection_count; i++)
		free(r->connections[i]);
	free(r->connections);
	free(r->a);
	map_free(r->by_hash);
	map_free(r->by_prefix);
	*r = (struct routes){0};
}
