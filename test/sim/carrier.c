/* The channel as core/channel.h wants it, without sockets: links with windows that drop and bind again, parts that go out in a
 * row, throttling, response timers, credits. What the SMSC at the other end does is smsc.c's. */
#include <stdlib.h>
#include <string.h>

#include "sim/smsc.h"

#define RESPONSE_MS 30000
#define THROTTLE_MS 1000

static void post_capacity(struct conn *c, bool reset, int32_t grant)
{
	struct capacity *m = xnew(struct capacity);
	int64_t window = 0;

	m->in.kind = INPUT_CAPACITY;
	m->connection = c->number;
	m->reset = reset;
	m->grant = grant;
	for (int i = 0; i < c->links; i++) {
		m->up |= c->link[i].up;
		window += c->link[i].up ? c->s->plan.window : 0;
	}
	m->window = (int32_t)window;
	if (reset)
		c->balance = 0;
	c->balance += grant;
	sim_note(c->s, "capacity %u reset %d grant %d up %d", c->number, reset, grant, m->up);
	if (!engine_post(c->s->e, &m->in, true))
		sim_fail(c->s, "a capacity input was refused");
}

/* Tells when the engine has taken a reset: only then are its sends sure to be from credits that count. */
struct marker {
	struct call call;
	struct node node;
	struct conn *conn;
	unsigned life;
};
static struct list markers;

static void marker_fn(struct engine *e, struct call *call)
{
	struct marker *m = OWNER(struct marker, call, call);

	(void)e;
	m->conn->resets_unseen--;
}

static void marker_done(struct call *call)
{
	struct marker *m = OWNER(struct marker, call, call);

	list_remove(&markers, &m->node);
	free(m);
}

static void post_marker(struct conn *c)
{
	struct marker *m = xnew(struct marker);

	m->call.in.kind = INPUT_CALL;
	m->call.fn = marker_fn;
	m->call.done = marker_done;
	m->conn = c;
	c->resets_unseen++;
	list_push(&markers, &m->node);
	if (!engine_post(c->s->e, &m->call.in, true))
		sim_fail(c->s, "a call was refused");
}

static void on_grant(struct sim *s, struct task *t)
{
	struct conn *c = OWNER(struct conn, grant, t);
	int64_t room = 0;

	for (int i = 0; i < c->links; i++)
		room += c->link[i].up ? s->plan.window : 0;
	room -= c->unsettled + c->balance;
	if (room > 0)
		post_capacity(c, false, (int32_t)room);
}

static void grant_soon(struct conn *c)
{
	if (!c->grant.node.index)
		sim_at(c->s, &c->grant, c->s->now + between(c->s, 0, 10), on_grant);
}

static void settle(struct conn *c, struct flight *f, int64_t parts)
{
	int64_t n = MIN(parts, f->unsettled);

	f->unsettled -= n;
	c->unsettled -= n;
	if (n > 0)
		grant_soon(c);
}

/* -- results ------------------------------------------------------------------------------------------------------- */

static void post_result(struct flight *f, enum verdict v, unsigned part, int32_t status, const char *id)
{
	struct sim *s = f->link->conn->s;
	struct result *r = xnew(struct result);

	r->in.kind = INPUT_RESULT;
	r->key = f->a->key;
	r->connection = f->link->conn->number;
	r->attempt = f->a->attempt;
	r->verdict = (uint8_t)v;
	r->part = (uint16_t)part;
	r->parts = (uint16_t)f->actual;
	r->status = status;
	r->at = sim_wall(s);
	if (id) {
		str_copy(r->id, sizeof(r->id), str_of(id));
		r->id_hash = engine_channel_env(s->e)->id_hash(engine_channel_env(s->e)->ctx, r->connection, id);
		if (r->id_hash == 0)
			sim_fail(s, "id_hash is 0");
	}
	sim_note(s, "result %lld/%u part %u/%u verdict %d id %s", (long long)r->key, r->attempt, part,
		 f->actual, v, r->id);
	judge_result(s, r);
	if (!engine_channel_env(s->e)->post(engine_channel_env(s->e)->ctx, &r->in, true))
		sim_fail(s, "a result was refused");
}

static void flight_put(struct flight *f)
{
	struct conn *c = f->link->conn;

	if (f->parts_here > 0 || !f->closed)
		return;
	settle(c, f, f->unsettled);
	list_remove(&c->s->carrier.flights, &f->node);
	attempt_free(f->a);
	free(f);
}

/* Message-wide: nothing more of it is sent; what is away is not listened to any more. */
static void end_flight(struct flight *f, enum verdict v, int32_t status)
{
	if (f->closed)
		return;
	post_result(f, v, 0, status, NULL);
	f->closed = true;
}

static void out_free(struct sim *s, struct out *o, struct list *in)
{
	struct flight *f = o->flight;
	struct conn *c = f->link->conn;

	sim_off(s, &o->timer);
	list_remove(in, &o->node);
	free(o);
	f->parts_here--;
	settle(c, f, 1);
	flight_put(f);
}

/* -- links --------------------------------------------------------------------------------------------------------- */

static void on_pump(struct sim *s, struct task *t);

static void pump_soon(struct link *l, int64_t in_ms)
{
	if (!l->pump.node.index)
		sim_at(l->conn->s, &l->pump, l->conn->s->now + in_ms, on_pump);
}

static void on_no_response(struct sim *s, struct task *t)
{
	struct out *o = OWNER(struct out, timer, t);
	struct link *l = o->flight->link;

	o->late = o->answer == V_ACCEPTED && o->flight->actual == 1;
	end_flight(o->flight, V_DOUBT, 0);
	if (o->late) /* it comes after all, much too late */
		post_result(o->flight, V_ACCEPTED, 0, 0, o->id);
	out_free(s, o, &l->outstanding);
	pump_soon(l, 0);
}

static void on_response(struct sim *s, struct task *t)
{
	struct out *o = OWNER(struct out, timer, t);
	struct flight *f = o->flight;
	struct link *l = f->link;

	if (o->throttled > 0) {
		o->throttled--;
		list_remove(&l->outstanding, &o->node);
		list_push_front(&l->waiting, &o->node);
		l->throttled = true;
		sim_off(s, &l->pump);
		sim_at(s, &l->pump, s->now + THROTTLE_MS, on_pump);
		return;
	}
	if (!f->closed && o->answer == V_ACCEPTED) {
		post_result(f, V_ACCEPTED, o->part, 0, o->id);
		f->closed = ++f->accepted == f->actual;
	} else if (!f->closed) {
		end_flight(f, o->answer, o->status);
	}
	out_free(s, o, &l->outstanding);
	pump_soon(l, 0);
}

/* The octets of a part leave. */
static void leave(struct sim *s, struct link *l, struct out *o)
{
	int64_t rtt = between(s, 1, s->plan.rtt_ms);

	list_remove(&l->waiting, &o->node);
	list_push(&l->outstanding, &o->node);
	if (!o->left)
		judge_octets(s, o->flight->a->key, o->flight->a->attempt, o->part);
	o->left = o->flight->left = true;
	if (o->throttled == 0)
		smsc_take(s, o, s->now + rtt);
	if (o->silent)
		sim_at(s, &o->timer, s->now + RESPONSE_MS, on_no_response);
	else
		sim_at(s, &o->timer, s->now + rtt, on_response);
}

static void on_pump(struct sim *s, struct task *t)
{
	struct link *l = OWNER(struct link, pump, t);
	struct node *n;

	l->throttled = false;
	while (l->up && l->outstanding.count < (size_t)s->plan.window && (n = list_first(&l->waiting))) {
		struct out *o = OWNER(struct out, node, n);

		if (!o->flight->closed && sim_wall(s) >= o->flight->a->expires_at)
			end_flight(o->flight, V_EXPIRED, 0x58);
		if (!o->flight->closed && !o->flight->left && o->flight->a->shuts_at &&
		    sim_wall(s) >= o->flight->a->shuts_at)
			end_flight(o->flight, V_NOT_SENT, 0);
		if (o->flight->closed)
			out_free(s, o, &l->waiting);
		else
			leave(s, l, o);
	}
}

static void drop_list(struct sim *s, struct list *of)
{
	struct node *n;

	while ((n = list_first(of))) {
		struct out *o = OWNER(struct out, node, n);

		end_flight(o->flight, o->flight->left ? V_DOUBT : V_NOT_SENT, 0);
		out_free(s, o, of);
	}
}

static void link_lost(struct sim *s, struct link *l)
{
	struct conn *c = l->conn;
	bool capacity_first = chance(s, 50);
	int64_t room = 0;

	sim_note(s, "link %u down, %zu outstanding, %zu waiting", c->number, l->outstanding.count, l->waiting.count);
	l->up = l->throttled = false;
	l->session++;
	sim_off(s, &l->pump);
	/* Both halves are posted before the engine can look, in either order, as from another thread. */
	for (int step = 0; step < 2; step++) {
		if ((step == 0) != capacity_first) {
			drop_list(s, &l->outstanding);
			drop_list(s, &l->waiting);
			continue;
		}
		post_capacity(c, true, 0);
		post_marker(c);
	}
	sim_off(s, &c->grant);
	for (int i = 0; i < c->links; i++)
		room += c->link[i].up ? s->plan.window : 0;
	if (room > c->unsettled)
		post_capacity(c, false, (int32_t)(room - c->unsettled));
}

static void on_bind(struct sim *s, struct task *t);

static void on_drop(struct sim *s, struct task *t)
{
	struct link *l = OWNER(struct link, drop, t);

	if (l->up && !s->calm) {
		link_lost(s, l);
		sim_at(s, &l->bind, s->now + between(s, 1, s->plan.down_ms), on_bind);
	}
	if (!s->calm)
		sim_at(s, &l->drop, s->now + between(s, 1, 2 * s->plan.drop_every_ms), on_drop);
}

static void on_bind(struct sim *s, struct task *t)
{
	struct link *l = OWNER(struct link, bind, t);

	l->up = true;
	sim_note(s, "link %u up", l->conn->number);
	post_capacity(l->conn, false, s->plan.window);
	if (s->plan.drop_every_ms && !l->drop.node.index)
		sim_at(s, &l->drop, s->now + between(s, 1, 2 * s->plan.drop_every_ms), on_drop);
}

/* -- the vtable ---------------------------------------------------------------------------------------------------- */

static struct conn *conn_of(struct sim *s, uint16_t number)
{
	for (int i = 0; i < s->carrier.n; i++)
		if (s->carrier.conn[i].number == number)
			return &s->carrier.conn[i];
	return NULL;
}

static struct link *link_for(struct conn *c)
{
	struct link *best = NULL;

	for (int i = 0; i < c->links; i++) {
		struct link *l = &c->link[i];

		if (l->up && (!best || l->outstanding.count + l->waiting.count <
					       best->outstanding.count + best->waiting.count))
			best = l;
	}
	return best;
}

static void charge(struct sim *s, struct conn *c, struct flight *f)
{
	if (c->resets_unseen > 0)
		return; /* sent from credits that were void already: no fault of the engine's, and not charged */
	/* Longer than the window: it leaves when the window is empty, and owes the rest. */
	if (c->balance < MIN(f->a->parts, s->plan.window))
		sim_fail(s, "connection %u: sent %u parts with credit for %lld", c->number, f->a->parts,
			 (long long)c->balance);
	c->balance -= f->a->parts;
	c->unsettled += f->unsettled = f->a->parts;
}

static void take(struct sim *s, struct attempt *a)
{
	struct conn *c = conn_of(s, a->connection);
	struct flight *f = xnew(struct flight);
	struct link *l;

	judge_attempt(s, a);
	if (!c) {
		sim_fail(s, "attempt for connection %u, which there is not", a->connection);
		attempt_free(a);
		free(f);
		return;
	}
	l = link_for(c);
	f->a = a;
	f->link = l ? l : &c->link[0];
	list_push(&s->carrier.flights, &f->node);
	smsc_fate(s, f);
	charge(s, c, f);
	if (!l || f->unencodable) {
		end_flight(f, l ? V_TEXT : V_NOT_SENT, 0);
		flight_put(f);
		return;
	}
	for (unsigned i = 0; i < f->actual; i++) {
		struct out *o = xnew(struct out);

		o->flight = f;
		o->part = i;
		smsc_part_fate(s, o);
		list_push(&l->waiting, &o->node);
		f->parts_here++;
	}
	if (!l->throttled)
		pump_soon(l, between(s, 0, 3));
}

static void carrier_send(struct channel *ch, struct attempt *chain)
{
	struct carrier *carrier = OWNER(struct carrier, channel, ch);
	struct sim *s = OWNER(struct sim, carrier, carrier);

	while (chain) {
		struct attempt *a = chain;

		chain = (struct attempt *)(void *)a->mail.next;
		if (sim_effect(s))
			take(s, a);
		else
			attempt_free(a);
	}
}

static int carrier_reload(struct channel *ch, const struct settings *settings, struct err *e)
{
	(void)ch;
	(void)settings;
	(void)e;
	return 0;
}

static void carrier_status(struct channel *ch, struct buf *json)
{
	(void)ch;
	(void)json;
}

static void carrier_hold(struct channel *ch, uint16_t connection, enum hold hold,
			 void (*done)(void *ctx, bool found), void *ctx)
{
	(void)ch;
	(void)connection;
	(void)hold;
	done(ctx, false);
}

static void carrier_stop(struct channel *ch, void (*stopped)(void *ctx), void *ctx)
{
	struct carrier *carrier = OWNER(struct carrier, channel, ch);

	carrier->stopped = stopped;
	carrier->stopped_ctx = ctx;
}

static void carrier_free(struct channel *ch) { (void)ch; }

static const struct channel_ops ops = {"sim",        carrier_send, carrier_reload, carrier_status,
				       carrier_hold, carrier_stop, carrier_free};

/* -- life ---------------------------------------------------------------------------------------------------------- */

void carrier_open(struct sim *s)
{
	struct carrier *k = &s->carrier;

	k->channel.ops = &ops;
	k->n = s->plan.connections;
	list_init(&k->flights);
	list_init(&k->reports);
	list_init(&k->posted);
	list_init(&markers);
	for (int i = 0; i < k->n; i++) {
		struct conn *c = &k->conn[i];

		c->s = s;
		c->number = (uint16_t)(i + 1);
		c->links = s->plan.links;
		c->two_forms = chance(s, s->plan.receipt_two_forms);
		c->next_id = 1000; /* the same on every connection: ids are a connection's own */
		for (int j = 0; j < c->links; j++) {
			c->link[j].conn = c;
			list_init(&c->link[j].waiting);
			list_init(&c->link[j].outstanding);
		}
	}
}

void carrier_start(struct sim *s)
{
	for (int i = 0; i < s->carrier.n; i++)
		for (int j = 0; j < s->carrier.conn[i].links; j++)
			sim_at(s, &s->carrier.conn[i].link[j].bind, s->now + between(s, 1, 3000), on_bind);
}

static void forget(struct sim *s, struct list *of)
{
	struct node *n;

	while ((n = list_pop(of))) {
		struct out *o = OWNER(struct out, node, n);

		sim_off(s, &o->timer);
		free(o);
	}
}

void carrier_die(struct sim *s)
{
	struct node *n;

	for (int i = 0; i < s->carrier.n; i++) {
		struct conn *c = &s->carrier.conn[i];

		sim_off(s, &c->grant);
		c->balance = c->unsettled = c->resets_unseen = 0;
		for (int j = 0; j < c->links; j++) {
			struct link *l = &c->link[j];

			l->up = l->throttled = false;
			l->session++;
			sim_off(s, &l->pump);
			sim_off(s, &l->drop);
			sim_off(s, &l->bind);
			forget(s, &l->waiting);
			forget(s, &l->outstanding);
		}
	}
	while ((n = list_pop(&s->carrier.flights))) {
		struct flight *f = OWNER(struct flight, node, n);

		attempt_free(f->a);
		free(f);
	}
	while ((n = list_pop(&markers)))
		free(OWNER(struct marker, node, n));
	smsc_die(s);
	s->carrier.stopped = NULL;
}

void carrier_close(struct sim *s)
{
	carrier_die(s);
	smsc_close(s);
}

size_t carrier_parts_away(const struct sim *s)
{
	size_t n = 0;

	for (int i = 0; i < s->carrier.n; i++)
		n += (size_t)s->carrier.conn[i].unsettled;
	return n;
}
