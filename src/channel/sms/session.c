/* session.c - one link to an SMSC: the bind state machine, its timers. What comes in is in input.c.
 *
 *              start            connected        handshake done
 *   CLOSED ------------> CONNECTING -------> TLS --------------+
 *     ^                   ^      |            |                v     bind_resp 0
 *     |            delay  |      |            |   plain ---> BINDING ----------> BOUND
 *     |                   |      v            v                |                  |  |
 *     |                  BACKOFF <----- any failure, time-out -+------------------+  | unbind, theirs or ours
 *     |                   ^                                                          v
 *     +-- when draining --+--------------------------------------------------- UNBINDING
 *
 * One timer serves the state: its limit, the delay of BACKOFF, in BOUND whatever is due next (oldest response, enquire_link, end of
 * a drain). It is set when something comes due sooner than it would fire, and looks again whenever it fires, so that the
 * thousands of PDUs in between touch no timer. A failed connect or bind goes on to the next host; a round over all of them
 * ends in an exponential delay. The generation numbers the lives of links: what comes back from other threads names it.
 * What a bound link does is in session_bound.c. */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "channel/sms/internal.h"

#define INPUT_HIGH ((size_t)128 * 1024) /* more than PDU_MAX, or a whole one would never be there */
#define ALREADY_BOUND_MS 30000          /* the old session lives until the SMSC notices */
#define NEXT_HOST_MS 50
#define STABLE_US 5000000 /* a bind that held for so long starts the delays anew */
#define INTERFACE_VERSION 0x34

struct state_rule {
	const char *text;
	unsigned next; /* bits */
};
#define BIT(x) (1u << SESSION_##x)
#define STATE_RULE(id, text, next) [SESSION_##id] = {text, next},
static const struct state_rule rules[] = {SESSION_STATES(STATE_RULE)};

const char *session_state_name(enum session_state st) { return rules[st].text; }

static const struct sms_host *host_of(const struct session *s)
{
	return &s->conn->set->hosts[s->host % s->conn->set->host_count];
}

/* The only writer of s->state. limit_ms: when the timer fires, 0 = it stays off. */
void session_go(struct session *s, enum session_state to, int64_t limit_ms, const char *why)
{
	struct sms *ch = session_sms(s);
	const char *url = host_of(s)->url;
	enum log_level level = to == SESSION_BACKOFF ? LOG_WARN : LOG_INFO;

	ASSERT(rules[s->state].next & 1u << to);
	if (log_on(level))
		log_line(level, "smpp_link", "connection=%s link=%u from=%s to=%s host=%s delay_ms=%lld why=%s",
			 s->conn->set->name, s->index, rules[s->state].text, rules[to].text, url,
			 to == SESSION_BACKOFF ? (long long)limit_ms : 0LL, log_quote(str_of(why)).s);
	s->state = to;
	pthread_mutex_lock(&ch->lock);
	s->shown_state = to;
	s->shown_since = wall_ms();
	s->shown_retry_ms = to == SESSION_BACKOFF ? limit_ms : 0;
	str_copy(s->shown_why, sizeof(s->shown_why), str_of(why));
	str_copy(s->shown_host, sizeof(s->shown_host), str_of(url));
	pthread_mutex_unlock(&ch->lock);
	s->timer_at = INT64_MAX;
	timer_off(&s->timer);
	if (limit_ms > 0)
		timer_set(&s->timer, limit_ms);
}

bool session_submits(const struct session *s)
{
	return s->state == SESSION_BOUND && s->role != ROLE_RECEIVER && !s->draining && !s->conn->hold;
}

/* -- the end of a life --------------------------------------------------------------------------------------------- */

static void free_bev(void *ctx) { bufferevent_free(ctx); }

/* Everything that hung on the connection is answered or forgotten; the socket is closed at the end of the turn. */
static void end_life(struct session *s)
{
	dial_off(&s->dial);
	if (!s->bev)
		return;
	if (s->state == SESSION_BOUND || s->state == SESSION_UNBINDING) {
		map_del(session_sms(s)->links, s->generation, NULL);
		submit_lost(s);
		deliver_lost(s);
	}
	bufferevent_setcb(s->bev, NULL, NULL, NULL, NULL);
	bufferevent_disable(s->bev, EV_READ | EV_WRITE);
	loop_defer(session_sms(s)->loop, free_bev, s->bev);
	s->bev = NULL;
	s->generation = 0;
	buf_done(&s->out);
}

static bool stays_closed(const struct session *s)
{
	return session_sms(s)->stopping || s->conn->retired || s->conn->hold == HOLD_DRAINED;
}

static void leave(struct session *s, int64_t delay_ms, const char *why)
{
	char kept[160]; /* why may lie in what goes */
	bool submitted = session_submits(s);

	str_copy(kept, sizeof(kept), str_of(why));
	if (submitted)
		conn_lost(s->conn, s);
	end_life(s);
	sms_touch(session_sms(s));
	if (stays_closed(s))
		session_go(s, SESSION_CLOSED, 0, kept);
	else
		session_go(s, SESSION_BACKOFF, MAX(delay_ms, (int64_t)1), kept);
}

/* Full delay with jitter, so that the links of many gateways do not come back at once. */
static int64_t backoff_ms(struct session *s)
{
	const struct smpp_timers *t = &s->conn->set->timers;
	int64_t ms = doubled(t->reconnect_ms, (int64_t)s->fails++, t->reconnect_max_ms);

	ms += (int64_t)(rng_u64() % ((uint64_t)ms / 2 + 1));
	if (ms > t->reconnect_max_ms)
		ms = t->reconnect_max_ms - (ms - t->reconnect_max_ms) / 2;
	return ms;
}

static void next_host(struct session *s)
{
	s->host = (s->host + 1) % (unsigned)s->conn->set->host_count;
	s->tries++;
}

/* No link came about: the next host at once, after a whole round a delay. */
static void fail_dial(struct session *s, const char *why)
{
	bool round_over = ++s->round >= s->conn->set->host_count;
	int64_t delay = NEXT_HOST_MS;

	if (round_over) {
		s->round = 0;
		delay = backoff_ms(s);
	}
	leave(s, delay, why);
	next_host(s);
}

void session_fail(struct session *s, const char *why)
{
	switch (s->state) {
	case SESSION_CLOSED: return;
	case SESSION_BACKOFF:
		if (stays_closed(s))
			session_go(s, SESSION_CLOSED, 0, why);
		return;
	case SESSION_CONNECTING:
	case SESSION_TLS:
	case SESSION_BINDING: fail_dial(s, why); return;
	case SESSION_BOUND:
	case SESSION_UNBINDING:
		if (mono_us() - s->bound_at >= STABLE_US)
			s->fails = 0;
		leave(s, backoff_ms(s), why);
		return;
	}
}

/* -- binding ------------------------------------------------------------------------------------------------------- */

static void send_bind(struct session *s)
{
	static const uint32_t ids[] = {
		[ROLE_TRANSCEIVER] = SMPP_BIND_TRANSCEIVER,
		[ROLE_TRANSMITTER] = SMPP_BIND_TRANSMITTER,
		[ROLE_RECEIVER] = SMPP_BIND_RECEIVER,
	};
	const struct sms_config *set = s->conn->set;
	struct smpp_pdu m = {.id = ids[s->role], .interface_version = INTERFACE_VERSION};

	s->bind_seq = m.seq = session_seq(s);
	str_copy(m.system_id, sizeof(m.system_id), str_of(set->system_id));
	str_copy(m.password, sizeof(m.password), str_of(set->password));
	str_copy(m.system_type, sizeof(m.system_type), str_of(set->system_type));
	session_stage(s, &m);
	session_go(s, SESSION_BINDING, set->timers.bind_ms, "connected");
}

static void on_bound(struct session *s)
{
	struct sms *ch = session_sms(s);
	int64_t now = mono_us();

	s->bound_at = s->heard_at = now;
	s->round = 0;
	map_set_ptr(ch->links, s->generation, s);
	session_go(s, SESSION_BOUND, 0, "bound");
	session_wake_at(s, now + s->conn->set->timers.enquire_link_ms * 1000);
	sms_touch(ch);
}

void session_bind_answer(struct session *s, uint32_t status)
{
	const char *name = smpp_status_name(status);
	char why[120];

	if (status == SMPP_ROK) {
		on_bound(s);
		return;
	}
	snprintf(why, sizeof(why), "bind refused: 0x%02x %s", status, name ? name : "");
	if (status == SMPP_RALYBND) {
		leave(s, ALREADY_BOUND_MS, why);
		next_host(s);
	} else if (status == SMPP_RBINDFAIL || status == SMPP_RINVPASWD || status == SMPP_RINVSYSID) {
		log_error("smpp_account", "connection=%s link=%u host=%s why=%s", s->conn->set->name,
			  s->index, host_of(s)->url, log_quote(str_of(why)).s);
		leave(s, s->conn->set->timers.reconnect_max_ms, why);
		next_host(s);
	} else {
		session_fail(s, why);
	}
}

void session_unbound(struct session *s, uint32_t seq)
{
	bool submitted = session_submits(s);

	session_answer(s, SMPP_UNBIND_RESP, seq, SMPP_ROK);
	s->close_when_sent = true;
	if (s->state != SESSION_BOUND) /* while binding, the bind's time limit ends it if the socket does not */
		return;
	session_go(s, SESSION_UNBINDING, MIN((int64_t)UNBIND_MS, s->conn->set->timers.bind_ms), "the SMSC unbinds");
	if (submitted)
		conn_lost(s->conn, s);
	submit_drain(s);
}

/* -- the transport ------------------------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct session *s = ctx;

	(void)bev;
	s->heard_at = mono_us();
	s->enquired_at = 0;
	session_input(s);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct session *s = ctx;
	char why[160];

	if (what & BEV_EVENT_CONNECTED) {
		if (s->state == SESSION_TLS)
			send_bind(s);
		return;
	}
	if (s->state == SESSION_TLS)
		dial_tls_why(bev, why, sizeof(why));
	else if (what & BEV_EVENT_EOF)
		snprintf(why, sizeof(why), "closed by the SMSC");
	else
		snprintf(why, sizeof(why), "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
	session_fail(s, why);
}

static void begin_life(struct session *s, struct bufferevent *bev, bool tls)
{
	s->bev = bev;
	s->tls = tls;
	s->generation = ++session_sms(s)->generations;
	s->seq = 0;
	s->added = 0;
	s->enquired_at = 0;
	s->output_full = s->stuck = s->close_when_sent = s->refusing = false;
	s->heard_at = mono_us();
	bufferevent_setcb(bev, on_read, session_on_write, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_HIGH);
	bufferevent_setwatermark(bev, EV_WRITE, OUTPUT_LOW, 0);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static void on_dialled(void *ctx, int fd, const char *why)
{
	struct session *s = ctx;
	const struct sms_host *h = host_of(s);
	struct event_base *base = loop_base(session_sms(s)->loop);
	struct bufferevent *bev;

	if (fd < 0) {
		session_fail(s, why);
		return;
	}
	if (!h->tls) {
		begin_life(s, dial_plain(base, fd), false);
		send_bind(s);
		return;
	}
	bev = dial_tls(base, fd, s->conn->set, h);
	if (!bev) {
		session_fail(s, "TLS cannot be set up");
		return;
	}
	begin_life(s, bev, true);
	session_go(s, SESSION_TLS, s->conn->set->timers.bind_ms, "connected");
}

void session_start(struct session *s)
{
	session_go(s, SESSION_CONNECTING, s->conn->set->timers.bind_ms, s->state == SESSION_CLOSED ? "start" : "retry");
	/* All hosts have their first address tried before any has its second. */
	dial_start(&s->dial, host_of(s), s->tries / (unsigned)s->conn->set->host_count);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void on_timer(struct timer *timer)
{
	struct session *s = OWNER(struct session, timer, timer);

	switch (s->state) {
	case SESSION_CLOSED: return;
	case SESSION_CONNECTING: session_fail(s, "connect: time-out"); return;
	case SESSION_TLS: session_fail(s, "tls: time-out"); return;
	case SESSION_BINDING: session_fail(s, "no answer to the bind"); return;
	case SESSION_BOUND: session_serve(s); return;
	case SESSION_UNBINDING: session_fail(s, "no end of the unbind"); return;
	case SESSION_BACKOFF: session_start(s); return;
	}
}

static void on_retry(struct timer *t) { deliver_retry(OWNER(struct session, retry, t)); }

/* -- life ---------------------------------------------------------------------------------------------------------- */

struct session *session_new(struct conn *c, enum role role, unsigned index)
{
	struct session *s = xnew(struct session);

	s->conn = c;
	s->role = role;
	s->index = index;
	s->dial = (struct dial){.base = loop_base(c->ch->loop), .dns = &c->ch->dns, .fn = on_dialled, .ctx = s, .fd = -1};
	timer_init(&s->timer, c->ch->loop, on_timer);
	timer_init(&s->retry, c->ch->loop, on_retry);
	window_init(&s->window, c->set->window);
	list_init(&s->queue);
	list_init(&s->again);
	return s;
}

void session_free(struct session *s)
{
	end_life(s);
	timer_done(&s->timer);
	timer_done(&s->retry);
	window_done(&s->window);
	free(s);
}
