/* conn.c - one connection: its links, which of them takes an attempt, and what it grants to the core.
 *
 * Credits. The core may send what it was granted (held). What it sent is the links' load: parts unanswered and parts not yet
 * written. So that nobody waits for nothing and no window overflows:
 *
 *      grant  =  windows of the links that submit  -  load  -  held
 *
 * and with a rate (configured, or found by throttling) no more than the rate yields in about 50 ms may be held or unwritten, else
 * the backlog would stand here, where it can neither change its carrier nor its order. A lost link voids what the core holds,
 * since nobody knows which link the credits were meant for; the links that remain grant anew. Attempts that crossed the
 * reset on their way make held too small by as much until the next one; they wait in the link's queue, that is all. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/time.h"
#include "channel/sms/internal.h"

#define TICK_MS 1000 /* how often the queues are looked through for what expired */

static const char *hold_name(enum hold h)
{
	switch (h) {
	case HOLD_NONE: return "none";
	case HOLD_PAUSED: return "paused";
	case HOLD_DRAINED: break;
	}
	return "drained";
}

static void on_pace(struct timer *t) { sms_touch(OWNER(struct conn, pace_timer, t)->ch); }

static void on_tick(struct timer *t)
{
	struct conn *c = OWNER(struct conn, tick, t);
	int64_t now = wall_ms();

	for (unsigned i = 0; i < c->link_count; i++)
		submit_sweep(c->links[i], now);
	sms_touch(c->ch);
}

struct conn *conn_new(struct sms *ch, struct sms_config *take)
{
	struct conn *c = xnew(struct conn);
	bool pairs = take->mode == BIND_TRANSMITTER_RECEIVER;

	c->ch = ch;
	c->set = take;
	c->link_count = pairs ? take->binds * 2 : take->binds;
	c->links = xcalloc(c->link_count, sizeof(c->links[0]));
	pace_init(&c->pace, take->rate, take->timers.throttle_ms, mono_us());
	timer_init(&c->pace_timer, ch->loop, on_pace);
	timer_init(&c->tick, ch->loop, on_tick);
	c->cell_binds =
		metric_cell("pombo_binds_up", "Links bound to the carrier", METRIC_GAUGE, "connection", take->name);
	c->cell_window = metric_cell("pombo_window_used", "Parts submitted and not yet answered",
				     METRIC_GAUGE, "connection", take->name);
	for (unsigned i = 0; i < c->link_count; i++) {
		enum role role = !pairs ? ROLE_TRANSCEIVER : i % 2 ? ROLE_RECEIVER : ROLE_TRANSMITTER;

		c->links[i] = session_new(c, role, i);
	}
	c->cell_hold = metric_cell("pombo_connection_held", "1 paused by the operator, 2 drained",
				   METRIC_GAUGE, "connection", take->name);
	c->hold = take->hold;
	for (unsigned i = 0; i < c->link_count; i++)
		if (c->hold == HOLD_DRAINED)
			c->links[i]->draining = true;
		else
			session_start(c->links[i]);
	sms_touch(ch);
	return c;
}

void conn_free(struct conn *c)
{
	for (unsigned i = 0; i < c->link_count; i++)
		session_free(c->links[i]);
	timer_done(&c->pace_timer);
	timer_done(&c->tick);
	sms_config_free(c->set);
	free(c->links);
	free(c);
}

/* -- what the core may send ---------------------------------------------------------------------------------------- */

static void post_capacity(struct conn *c, bool reset, bool up, int64_t grant, int64_t window)
{
	struct capacity *cap = xnew(struct capacity);

	cap->in.kind = INPUT_CAPACITY;
	cap->connection = c->set->number;
	cap->reset = reset;
	cap->up = up;
	cap->grant = (int32_t)grant;
	cap->window = (int32_t)window;
	c->was_up = up;
	sms_post(c->ch, &cap->in);
}

struct load {
	int64_t window, out, unwritten; /* of the links that take attempts */
	int64_t waiting; /* parts not written, of all links: those that drain finish what they began */
};
static struct load load_of(const struct conn *c, const struct session *except)
{
	struct load l = {0};

	for (unsigned i = 0; i < c->link_count; i++) {
		l.waiting += c->links[i]->unwritten;
		if (!session_submits(c->links[i]) || c->links[i] == except)
			continue;
		l.window += c->set->window;
		l.out += (int64_t)window_used(&c->links[i]->window);
		l.unwritten += c->links[i]->unwritten;
	}
	return l;
}

static int64_t reach(const struct conn *c, const struct load *l)
{
	int64_t ahead = pace_ahead(&c->pace);

	return ahead ? MIN(ahead, l->window) : l->window;
}

void conn_lost(struct conn *c, const struct session *s)
{
	struct load l = load_of(c, s);

	sms_touch(c->ch);
	if (c->retired)
		return;
	/* Said before the results of the lost link, so that the core does not send them here again. */
	c->held = 0;
	post_capacity(c, true, l.window > 0, 0, reach(c, &l));
}

static void grant(struct conn *c, const struct load *l)
{
	int64_t ahead = pace_ahead(&c->pace);
	int64_t room = l->window - l->out - l->unwritten - c->held;

	if (!l->window || c->retired)
		return;
	if (ahead)
		room = MIN(room, ahead - l->unwritten - c->held);
	else if (room < l->window / 8 && l->out + l->unwritten > 0)
		return; /* not worth an input; there will be more */
	if (c->pace.paused_until)
		room = 0;
	if (room <= 0 && c->was_up)
		return;
	room = MAX(room, (int64_t)0);
	c->held += room;
	post_capacity(c, false, true, room, reach(c, l));
}

/* -- attempts ------------------------------------------------------------------------------------------------------ */

void conn_take(struct conn *c, struct attempt *a)
{
	struct session *best = NULL;
	int64_t most = INT64_MIN;

	c->held -= MAX(a->parts, 1);
	for (unsigned i = 0; i < c->link_count; i++) {
		struct session *s = c->links[i];
		int64_t room;

		if (!session_submits(s))
			continue;
		room = -(int64_t)window_used(&s->window) - s->unwritten;
		if (room > most) {
			most = room;
			best = s;
		}
	}
	if (best)
		submit_queue(best, a);
	else
		submit_refuse(c->ch, a, V_NOT_SENT, 0);
	sms_touch(c->ch);
}

static void arm(struct conn *c, const struct load *l, int64_t now_us)
{
	int64_t wait;

	if (l->waiting && !timer_on(&c->tick))
		timer_set(&c->tick, TICK_MS);
	/* Also while nothing waits: a pause must end in a grant. */
	if (!l->waiting && !c->pace.paused_until)
		return;
	wait = pace_wait_us(&c->pace, now_us);
	if (wait > 0 && !timer_on(&c->pace_timer))
		timer_set(&c->pace_timer, (wait + 999) / 1000);
}

static void show(struct conn *c, const struct load *l)
{
	unsigned bound = 0;
	int64_t out = 0;

	for (unsigned i = 0; i < c->link_count; i++) {
		bound += c->links[i]->state == SESSION_BOUND;
		out += (int64_t)window_used(&c->links[i]->window);
	}
	atomic_store_explicit(&c->shown_used, (int)out, memory_order_relaxed);
	atomic_store_explicit(&c->shown_hold, (int)c->hold, memory_order_relaxed);
	atomic_store_explicit(&c->shown_queued, (int)l->unwritten, memory_order_relaxed);
	atomic_store_explicit(&c->shown_window, (int)l->window, memory_order_relaxed);
	atomic_store_explicit(&c->shown_rate, (int)c->pace.now_rate, memory_order_relaxed);
	if (c->retired)
		return;
	metric_cell_set(c->cell_binds, bound);
	metric_cell_set(c->cell_window, out);
	metric_cell_set(c->cell_hold, (int64_t)c->hold);
}

void conn_turn(struct conn *c)
{
	int64_t now_us = mono_us(), now_ms = wall_ms();
	struct load l;

	/* Another link first each time, else a rate would starve the last ones. */
	for (unsigned i = 0; i < c->link_count; i++)
		submit_pump(c->links[(c->pump_from + i) % c->link_count], now_us, now_ms);
	c->pump_from++;
	for (unsigned i = 0; i < c->link_count; i++) {
		session_turn(c->links[i]);
		session_flush(c->links[i]);
	}
	l = load_of(c, NULL);
	arm(c, &l, now_us);
	grant(c, &l);
	show(c, &l);
}

/* -- the operator's word -------------------------------------------------------------------------------------------- */

/* Credits are void first, so that what comes back goes elsewhere, or waits. */
void conn_hold(struct conn *c, enum hold hold)
{
	enum hold old = c->hold;

	if (hold == old || c->retired)
		return;
	c->hold = hold;
	if (old == HOLD_NONE)
		conn_lost(c, NULL);
	for (unsigned i = 0; i < c->link_count; i++) {
		struct session *s = c->links[i];

		submit_put_back(s);
		if (hold == HOLD_DRAINED)
			session_drain(s);
		else if (old == HOLD_DRAINED)
			session_undrain(s);
	}
	log_info("connection_hold", "connection=%s hold=%s", c->set->name, hold_name(hold));
	sms_touch(c->ch);
}

/* -- settings ------------------------------------------------------------------------------------------------------ */

void conn_configure(struct conn *c, struct sms_config *take)
{
	struct sms_config *old = c->set;

	pthread_mutex_lock(&c->ch->lock);
	c->set = take;
	pthread_mutex_unlock(&c->ch->lock);
	pace_change(&c->pace, take->rate, take->timers.throttle_ms, mono_us());
	if (old->window != take->window || old->rate != take->rate)
		conn_lost(c, NULL);
	conn_hold(c, take->hold);
	sms_config_free(old);
}

void conn_retire(struct conn *c)
{
	if (c->was_up)
		post_capacity(c, true, false, 0, 0);
	metric_cell_set(c->cell_binds, 0);
	metric_cell_set(c->cell_hold, 0);
	metric_cell_set(c->cell_window, 0);
	pthread_mutex_lock(&c->ch->lock);
	c->retired = true;
	pthread_mutex_unlock(&c->ch->lock);
	for (unsigned i = 0; i < c->link_count; i++)
		session_drain(c->links[i]);
}

bool conn_gone(const struct conn *c)
{
	for (unsigned i = 0; i < c->link_count; i++) {
		if (c->links[i]->state != SESSION_CLOSED)
			return false;
	}
	return true;
}

static const char *role_name(enum role r)
{
	switch (r) {
	case ROLE_TRANSCEIVER: return "transceiver";
	case ROLE_TRANSMITTER: return "transmitter";
	case ROLE_RECEIVER: break;
	}
	return "receiver";
}

/* Drained once the last link is closed. */
static const char *shown_hold(const struct conn *c)
{
	enum hold hold = (enum hold)atomic_load_explicit(&c->shown_hold, memory_order_relaxed);

	if (hold != HOLD_DRAINED)
		return hold_name(hold);
	for (unsigned i = 0; i < c->link_count; i++)
		if (c->links[i]->shown_state != SESSION_CLOSED)
			return "draining";
	return "drained";
}

void conn_status(struct conn *c, struct buf *json)
{
	int window = atomic_load_explicit(&c->shown_window, memory_order_relaxed);

	buf_puts(json, "{\"name\":");
	buf_json(json, str_of(c->set->name));
	buf_fmt(json, ",\"number\":%u,\"up\":%s,\"retired\":%s,\"hold\":\"%s\",\"window\":%d,\"used\":%d,\"queued\":%d,\"rate\":%d,\"binds\":[",
		c->set->number, window ? "true" : "false", c->retired ? "true" : "false", shown_hold(c),
		window, atomic_load_explicit(&c->shown_used, memory_order_relaxed),
		atomic_load_explicit(&c->shown_queued, memory_order_relaxed),
		atomic_load_explicit(&c->shown_rate, memory_order_relaxed));
	for (unsigned i = 0; i < c->link_count; i++) {
		const struct session *s = c->links[i];

		buf_fmt(json, "%s{\"role\":\"%s\",\"state\":\"%s\",\"host\":", i ? "," : "",
			role_name(s->role), session_state_name(s->shown_state));
		buf_json(json, str_of(s->shown_host));
		buf_fmt(json, ",\"since\":%lld,\"retryMs\":%lld,\"why\":", (long long)s->shown_since,
			(long long)s->shown_retry_ms);
		buf_json(json, str_of(s->shown_why));
		buf_putc(json, '}');
	}
	buf_puts(json, "]}");
}
