/* session_bound.c - a link in use: what is written on it, what is due while it is bound, how it drains. Its states and lives are in
 * session.c. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/time.h"
#include "channel/sms/internal.h"

#define ENQUIRE_ANSWER_MS 10000
#define SEQ_MAX 0x7fffffffu

/* -- out ----------------------------------------------------------------------------------------------------------- */

uint32_t session_seq(struct session *s)
{
	s->seq = s->seq >= SEQ_MAX ? 1 : s->seq + 1;
	return s->seq;
}

void session_stage(struct session *s, const struct smpp_pdu *m)
{
	/* Cannot fail: all that we make fits its PDU, and the peer is no longer read long before the buffer's ceiling. */
	int r = smpp_encode(m, &s->out);

	ASSERT(r == 0);
	sms_touch(session_sms(s));
}

void session_answer(struct session *s, uint32_t response, uint32_t seq, uint32_t status)
{
	struct smpp_pdu m = {.id = response, .status = status, .seq = seq};

	session_stage(s, &m);
}

size_t session_unsent(const struct session *s)
{
	return s->out.n + evbuffer_get_length(bufferevent_get_output(s->bev));
}

void session_reading(struct session *s)
{
	if (s->stalled || s->stuck)
		bufferevent_disable(s->bev, EV_READ);
	else
		bufferevent_enable(s->bev, EV_READ);
}

void session_flush(struct session *s)
{
	if (!s->bev || !s->out.n)
		return;
	if (bufferevent_write(s->bev, s->out.p, s->out.n) < 0) {
		session_fail(s, "write");
		return;
	}
	s->added += s->out.n;
	buf_clear(&s->out);
	if (session_unsent(s) > OUTPUT_STUCK && !s->stuck) {
		s->stuck = true;
		session_reading(s);
	}
}

void session_on_write(struct bufferevent *bev, void *ctx)
{
	struct session *s = ctx;
	size_t unsent = session_unsent(s);

	(void)bev;
	if (s->close_when_sent && !unsent) {
		session_fail(s, "unbound by the SMSC");
		return;
	}
	if (s->stuck && unsent <= OUTPUT_LOW) {
		s->stuck = false;
		session_reading(s);
	}
	if (s->output_full) {
		s->output_full = false;
		sms_touch(session_sms(s));
	}
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

void session_wake_at(struct session *s, int64_t us)
{
	if (us >= s->timer_at)
		return;
	s->timer_at = us;
	timer_set(&s->timer, (us - mono_us() + 999) / 1000);
}

void session_serve(struct session *s)
{
	const struct smpp_timers *t = &s->conn->set->timers;
	int64_t now = mono_us(), due;

	s->timer_at = INT64_MAX;
	if (s->stalled) { /* we do not listen, so silence and missing responses say nothing */
		session_wake_at(s, now + 1000000);
		sms_touch(session_sms(s)); /* a drain may end */
		return;
	}
	due = submit_overdue(s, now);
	if (s->enquired_at) {
		int64_t end = s->enquired_at + MIN((int64_t)ENQUIRE_ANSWER_MS, t->enquire_link_ms) * 1000;

		if (now >= end) {
			session_fail(s, "no answer to enquire_link");
			return;
		}
		due = MIN(due, end);
	} else if (now >= s->heard_at + t->enquire_link_ms * 1000) {
		session_answer(s, SMPP_ENQUIRE_LINK, session_seq(s), 0);
		s->enquired_at = now;
		due = MIN(due, now + MIN((int64_t)ENQUIRE_ANSWER_MS, t->enquire_link_ms) * 1000);
	} else {
		due = MIN(due, s->heard_at + t->enquire_link_ms * 1000);
	}
	if (s->draining && now < s->drain_until)
		due = MIN(due, s->drain_until);
	sms_touch(session_sms(s));
	session_wake_at(s, due);
}

/* -- draining ------------------------------------------------------------------------------------------------------ */

/* When the program or the link has to go, the wait is short. The operator who drains a connection has time: until the last answer is
 * there, or has not come. */
static int64_t drain_ms(const struct session *s)
{
	int64_t response = s->conn->set->timers.response_ms;

	return s->conn->retired ? MIN((int64_t)DRAIN_MS, response) : response + 1000;
}

void session_drain(struct session *s)
{
	if (s->draining) {
		s->drain_until = MIN(s->drain_until, mono_us() + drain_ms(s) * 1000);
		return;
	}
	if (s->state != SESSION_BOUND) {
		s->draining = true;
		if (s->state != SESSION_UNBINDING)
			session_fail(s, "stopped");
		return;
	}
	s->draining = true;
	s->drain_until = mono_us() + drain_ms(s) * 1000;
	submit_drain(s);
	session_wake_at(s, s->drain_until);
	sms_touch(session_sms(s));
}

void session_undrain(struct session *s)
{
	s->draining = false;
	if (s->state == SESSION_CLOSED)
		session_start(s);
}

void session_turn(struct session *s)
{
	bool done;

	if (s->state != SESSION_BOUND || !s->draining)
		return;
	done = submit_idle(s) && !s->unacked && !s->stalled;
	if (!done && mono_us() < s->drain_until)
		return;
	session_answer(s, SMPP_UNBIND, session_seq(s), 0);
	session_go(s, SESSION_UNBINDING, MIN((int64_t)UNBIND_MS, s->conn->set->timers.bind_ms), "drained");
}
