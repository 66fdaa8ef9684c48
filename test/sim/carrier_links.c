/* carrier_links.c - the links of the channel in simulated time: windows, parts that go out in a row, throttling, response timers, links that
 * drop and bind again, and what the engine is told of it: credits and results. */
#include <stdlib.h>

#include "sim/carrier.h"

#define RESPONSE_MS 30000
#define THROTTLE_MS 1000

/* -- credits ------------------------------------------------------------------------------------------------------- */

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

void markers_open(void) { list_init(&markers); }

void markers_die(void)
{
	struct node *n;

	while ((n = list_pop(&markers)))
		free(OWNER(struct marker, node, n));
}

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

void flight_put(struct flight *f)
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
void end_flight(struct flight *f, enum verdict v, int32_t status)
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

void pump_soon(struct link *l, int64_t in_ms)
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

void on_bind(struct sim *s, struct task *t)
{
	struct link *l = OWNER(struct link, bind, t);

	l->up = true;
	sim_note(s, "link %u up", l->conn->number);
	post_capacity(l->conn, false, s->plan.window);
	if (s->plan.drop_every_ms && !l->drop.node.index)
		sim_at(s, &l->drop, s->now + between(s, 1, 2 * s->plan.drop_every_ms), on_drop);
}
