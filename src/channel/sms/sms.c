/* sms.c - the channel as the core sees it: attempts in by a mailbox, the end of each turn, reload, stop, status. */
#include "channel/sms/sms.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"
#include "channel/sms/internal.h"

#define REFS 4096 /* buckets of concatenation references */

/* What other threads want of the loop's. */
struct order {
	struct mail mail;
	bool stop;
	bool holds; /* connection, hold, held */
	uint16_t connection;
	enum hold hold;
	void (*held)(void *ctx, bool found);
	struct sms_config **sets; /* reload; owned */
	size_t count;
	void (*stopped)(void *ctx);
	void *ctx;
};

static void end_of_turn(void *ctx);

void sms_touch(struct sms *ch)
{
	if (ch->touched)
		return;
	ch->touched = true;
	loop_defer(ch->loop, end_of_turn, ch);
}

void sms_post(struct sms *ch, struct input *in)
{
	if (ch->dead) /* freed without a stop */
		free(in);
	else
		(void)ch->env.post(ch->env.ctx, in, true);
}

static struct conn **bucket(struct sms *ch, uint16_t number)
{
	return &ch->by_number[number % COUNT_OF(ch->by_number)];
}

struct conn *sms_conn(struct sms *ch, uint16_t number)
{
	struct conn *c = *bucket(ch, number);

	while (c && c->set->number != number)
		c = c->chain;
	return c;
}

static void add_conn(struct sms *ch, struct sms_config *take)
{
	struct conn *c = conn_new(ch, take);
	struct conn **at = bucket(ch, c->set->number);

	c->chain = *at;
	*at = c;
	pthread_mutex_lock(&ch->lock);
	list_push(&ch->conns, &c->node);
	pthread_mutex_unlock(&ch->lock);
}

static void retire(struct sms *ch, struct conn *c)
{
	struct conn **at = bucket(ch, c->set->number);

	while (*at && *at != c)
		at = &(*at)->chain;
	if (*at)
		*at = c->chain;
	conn_retire(c);
}

/* -- attempts ------------------------------------------------------------------------------------------------------ */

static void sms_send(struct channel *channel, struct attempt *chain)
{
	struct sms *ch = OWNER(struct sms, ch, channel);

	while (chain) {
		struct attempt *a = chain;

		chain = (struct attempt *)(void *)a->mail.next;
		mailbox_post_always(ch->work, &a->mail); /* their number is bounded by the credits */
	}
}

static void on_work(void *ctx, struct mail *first)
{
	struct sms *ch = ctx;

	while (first) {
		struct attempt *a = (struct attempt *)(void *)first;
		struct conn *c = sms_conn(ch, a->connection);

		first = first->next;
		if (c)
			conn_take(c, a);
		else
			submit_refuse(ch, a, V_NOT_SENT, 0);
	}
}

/* -- the end of a turn --------------------------------------------------------------------------------------------- */

static void drop_gone(struct sms *ch)
{
	struct node *n = list_first(&ch->conns);

	while (n) {
		struct conn *c = OWNER(struct conn, node, n);

		n = list_next(&ch->conns, n);
		if (!c->retired || !conn_gone(c))
			continue;
		pthread_mutex_lock(&ch->lock);
		list_remove(&ch->conns, &c->node);
		pthread_mutex_unlock(&ch->lock);
		conn_free(c);
	}
}

static void end_of_turn(void *ctx)
{
	struct sms *ch = ctx;

	if (ch->dead) {
		free(ch);
		return;
	}
	/* Cleared first: what comes up meanwhile gets the next turn. */
	ch->touched = false;
	for (struct node *n = list_first(&ch->conns); n; n = list_next(&ch->conns, n))
		conn_turn(OWNER(struct conn, node, n));
	drop_gone(ch);
	if (!ch->stopping || ch->stopped || ch->conns.count || (ch->unstored && !ch->forced))
		return;
	ch->stopped = true;
	timer_off(&ch->stop_timer);
	if (ch->stopped_fn)
		ch->stopped_fn(ch->stopped_ctx);
}

/* -- orders -------------------------------------------------------------------------------------------------------- */

static void free_sets(struct sms_config **sets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sms_config_free(sets[i]);
	free(sets);
}

static int make_sets(const struct settings *s, struct sms_config ***ret, struct err *e)
{
	struct sms_config **sets = xcalloc(MAX(s->sms.connection_count, (size_t)1), sizeof(sets[0]));

	for (size_t i = 0; i < s->sms.connection_count; i++) {
		int r = sms_config_new(&sets[i], s, &s->sms.connections[i], e);

		if (r < 0) {
			free_sets(sets, i);
			return r;
		}
	}
	*ret = sets;
	return 0;
}

static struct sms_config *take_same(struct sms_config **sets, size_t count, const struct conn *c)
{
	for (size_t i = 0; i < count; i++) {
		struct sms_config *set = sets[i];

		if (set && sms_config_same_links(set, c->set)) {
			sets[i] = NULL;
			return set;
		}
	}
	return NULL;
}

static void apply_reload(struct sms *ch, struct order *o)
{
	for (struct node *n = list_first(&ch->conns); n; n = list_next(&ch->conns, n)) {
		struct conn *c = OWNER(struct conn, node, n);
		struct sms_config *set = c->retired ? NULL : take_same(o->sets, o->count, c);

		if (set)
			conn_configure(c, set);
		else if (!c->retired)
			retire(ch, c);
	}
	for (size_t i = 0; i < o->count; i++) {
		if (o->sets[i])
			add_conn(ch, o->sets[i]);
	}
	free(o->sets);
	o->count = 0;
	o->sets = NULL;
}

static void apply_stop(struct sms *ch, const struct order *o)
{
	if (ch->stopping)
		return;
	ch->stopping = true;
	ch->stopped_fn = o->stopped;
	ch->stopped_ctx = o->ctx;
	for (struct node *n = list_first(&ch->conns); n; n = list_next(&ch->conns, n)) {
		struct conn *c = OWNER(struct conn, node, n);

		if (!c->retired)
			retire(ch, c);
	}
	timer_set(&ch->stop_timer, DRAIN_MS + UNBIND_MS + 1000);
}

static void apply_hold(struct sms *ch, const struct order *o)
{
	struct conn *c = ch->stopping ? NULL : sms_conn(ch, o->connection);

	if (c)
		conn_hold(c, o->hold);
	if (o->held)
		o->held(o->ctx, c != NULL);
}

static void on_stop_timer(struct timer *t)
{
	struct sms *ch = OWNER(struct sms, stop_timer, t);

	ch->forced = true;
	for (struct node *n = list_first(&ch->conns); n; n = list_next(&ch->conns, n)) {
		struct conn *c = OWNER(struct conn, node, n);

		for (unsigned i = 0; i < c->link_count; i++)
			session_fail(c->links[i], "stopped");
	}
	sms_touch(ch);
}

static void on_control(void *ctx, struct mail *first)
{
	struct sms *ch = ctx;

	while (first) {
		struct order *o = OWNER(struct order, mail, first);

		first = first->next;
		if (o->holds)
			apply_hold(ch, o);
		else if (o->stop)
			apply_stop(ch, o);
		else if (!ch->stopping)
			apply_reload(ch, o);
		free_sets(o->sets, o->count);
		free(o);
	}
	sms_touch(ch);
}

static int sms_reload(struct channel *channel, const struct settings *s, struct err *e)
{
	struct sms *ch = OWNER(struct sms, ch, channel);
	struct order *o = xnew(struct order);
	int r = make_sets(s, &o->sets, e);

	if (r < 0) {
		free(o);
		return r;
	}
	o->count = s->sms.connection_count;
	mailbox_post_always(ch->control, &o->mail);
	return 0;
}

static void sms_hold(struct channel *channel, uint16_t connection, enum hold hold,
		     void (*done)(void *ctx, bool found), void *ctx)
{
	struct sms *ch = OWNER(struct sms, ch, channel);
	struct order *o = xnew(struct order);

	o->holds = true;
	o->connection = connection;
	o->hold = hold;
	o->held = done;
	o->ctx = ctx;
	mailbox_post_always(ch->control, &o->mail);
}

static void sms_stop(struct channel *channel, void (*stopped)(void *ctx), void *ctx)
{
	struct sms *ch = OWNER(struct sms, ch, channel);
	struct order *o = xnew(struct order);

	o->stop = true;
	o->stopped = stopped;
	o->ctx = ctx;
	mailbox_post_always(ch->control, &o->mail);
}

static void sms_status(struct channel *channel, struct buf *json)
{
	struct sms *ch = OWNER(struct sms, ch, channel);
	bool first = true;

	buf_putc(json, '[');
	pthread_mutex_lock(&ch->lock);
	for (struct node *n = list_first(&ch->conns); n; n = list_next(&ch->conns, n)) {
		if (!first)
			buf_putc(json, ',');
		first = false;
		conn_status(OWNER(struct conn, node, n), json);
	}
	pthread_mutex_unlock(&ch->lock);
	buf_putc(json, ']');
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

static void empty_mailboxes(struct sms *ch)
{
	struct mail *m;

	while ((m = mailbox_take(ch->work)) != NULL) {
		while (m) {
			struct mail *next = m->next;

			attempt_free((struct attempt *)(void *)m);
			m = next;
		}
	}
	while ((m = mailbox_take(ch->control)) != NULL) {
		while (m) {
			struct order *o = OWNER(struct order, mail, m);

			m = m->next;
			if (o->held)
				o->held(o->ctx, false);
			free_sets(o->sets, o->count);
			free(o);
		}
	}
	mailbox_free(ch->work);
	mailbox_free(ch->control);
}

static void sms_free(struct channel *channel)
{
	struct sms *ch = OWNER(struct sms, ch, channel);
	struct node *n;

	ch->dead = true;
	while ((n = list_pop(&ch->conns)) != NULL)
		conn_free(OWNER(struct conn, node, n));
	empty_mailboxes(ch);
	door_close(ch->door);
	dial_dns_done(&ch->dns);
	timer_done(&ch->stop_timer);
	map_free(ch->links);
	split_done(&ch->scratch);
	free(ch->refs);
	pthread_mutex_destroy(&ch->lock);
	if (!ch->touched) /* else the loop still holds it for the end of a turn */
		free(ch);
}

static const struct channel_ops sms_ops = {
	.kind = "sms",
	.send = sms_send,
	.reload = sms_reload,
	.status = sms_status,
	.hold = sms_hold,
	.stop = sms_stop,
	.free = sms_free,
};

/* After a restart numbers should not begin where they did, or parts of before and after might be joined. */
static uint16_t *new_refs(void)
{
	uint16_t *refs = xcalloc(REFS, sizeof(refs[0]));

	rng_bytes(refs, REFS * sizeof(refs[0]));
	return refs;
}

uint16_t *sms_ref(struct sms *ch, struct str number)
{
	return &ch->refs[hash_bytes(number.p, number.n) % REFS];
}

int sms_open(struct channel **ret, struct loop *loop, const struct settings *s, const struct channel_env *env,
	     struct err *e)
{
	struct sms_config **sets;
	struct sms *ch;
	int r = make_sets(s, &sets, e);

	if (r < 0)
		return r;
	ch = xnew(struct sms);
	ch->ch.ops = &sms_ops;
	ch->loop = loop;
	ch->env = *env;
	ch->work = mailbox_new(1);
	ch->control = mailbox_new(1);
	ch->door = door_new();
	ch->links = map_new();
	ch->refs = new_refs();
	list_init(&ch->conns);
	pthread_mutex_init(&ch->lock, NULL);
	timer_init(&ch->stop_timer, loop, on_stop_timer);
	r = loop_attach(loop, ch->work, on_work, ch);
	if (r == 0)
		r = loop_attach(loop, ch->control, on_control, ch);
	if (r == 0)
		r = loop_attach(loop, ch->door->acks, deliver_acks, ch);
	if (r < 0) {
		free_sets(sets, s->sms.connection_count);
		sms_free(&ch->ch);
		return err_set(e, r, "the SMS channel cannot watch its mailboxes");
	}
	for (size_t i = 0; i < s->sms.connection_count; i++)
		add_conn(ch, sets[i]);
	free(sets);
	*ret = &ch->ch;
	return 0;
}
