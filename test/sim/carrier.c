/* carrier.c - the channel as core/channel.h wants it, without sockets: attempts are taken, given to links (carrier_links.c), and die with
 * the process. What the SMSC at the other end does is smsc.c's. */
#include <stdlib.h>

#include "sim/carrier.h"

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
	markers_open();
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
	markers_die();
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
