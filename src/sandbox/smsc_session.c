/* smsc_session.c - a session's socket and life: accepted, input cut into PDUs, output written once a turn, the end. */
#include "sandbox/smsc.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include "base/log.h"
#include "base/map.h"

#define READ_AT_ONCE (256 << 10) /* octets of one session in one turn, so that none starves the others */

void smsc_session_free(struct smsc *c, struct smsc_session *s)
{
	map_del(c->by_session, s->id, NULL);
	smsc_job_off(c, &s->watch);
	if (node_linked(&s->dirty))
		list_remove(&c->dirty, &s->dirty);
	if (bufferevent_openssl_get_ssl(s->bev)) {
		SSL_set_shutdown(bufferevent_openssl_get_ssl(s->bev), SSL_RECEIVED_SHUTDOWN); /* say it, do not wait */
		SSL_shutdown(bufferevent_openssl_get_ssl(s->bev));
	}
	bufferevent_free(s->bev);
	buf_done(&s->out);
	free(s);
}

void smsc_session_write(struct smsc_session *s)
{
	if (s->state == SMSC_DEAD)
		return;
	if (s->out.n && bufferevent_write(s->bev, s->out.p, s->out.n) < 0) {
		smsc_drop(s);
		return;
	}
	s->out.n = 0;
	if (!s->paused && evbuffer_get_length(bufferevent_get_output(s->bev)) > SMSC_OUTPUT_MAX) {
		s->paused = true;
		bufferevent_disable(s->bev, EV_READ);
	}
}

void smsc_send(struct smsc_session *s, const struct smpp_pdu *m)
{
	if (s->state == SMSC_DEAD)
		return;
	if (smpp_encode(m, &s->out) < 0) {
		log_warn("smsc_encode", "session=%llu command=%08x", (unsigned long long)s->id, m->id);
		smsc_drop(s);
		return;
	}
	if (!node_linked(&s->dirty))
		list_push(&s->smsc->dirty, &s->dirty);
}

void smsc_drop(struct smsc_session *s)
{
	struct smsc *c = s->smsc;

	if (s->state == SMSC_DEAD)
		return;
	s->state = SMSC_DEAD;
	list_remove(&c->sessions, &s->node);
	list_push(&c->dead, &s->node);
	if (s->account) {
		if (node_linked(&s->rx))
			list_remove(&s->account->receivers, &s->rx);
		smsc_deliver_back(s);
		log_info("smsc_gone", "session=%llu system_id=%s", (unsigned long long)s->id,
			 log_quote(str_of(s->account->system_id)).s);
	}
}

void smsc_finish(struct smsc_session *s)
{
	if (s->state >= SMSC_CLOSING)
		return;
	s->state = SMSC_CLOSING;
	if (node_linked(&s->rx))
		list_remove(&s->account->receivers, &s->rx);
	smsc_deliver_back(s);
	smsc_job_at(s->smsc, &s->watch, SMSC_BIND_MS); /* it may never read its answer */
	if (!s->out.n && !evbuffer_get_length(bufferevent_get_output(s->bev)))
		smsc_drop(s);
}

static void one_pdu(struct smsc_session *s, const uint8_t *p, size_t n)
{
	struct smpp_pdu m;
	uint32_t fault = smpp_decode(p, n, &m);

	if (log_on(LOG_DEBUG)) {
		struct buf line = BUF_INIT;

		smpp_print(&m, &line);
		log_debug("smsc_in", "session=%llu fault=%02x pdu=%s", (unsigned long long)s->id, fault,
			  log_quote(buf_view(&line)).s);
		buf_done(&line);
	}
	smsc_request(s, &m, fault);
}

static void broken_stream(struct smsc_session *s)
{
	struct smpp_pdu nack = {.id = SMPP_GENERIC_NACK, .status = SMPP_RINVCMDLEN};

	smsc_send(s, &nack);
	smsc_finish(s);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct smsc_session *s = ctx;
	struct smsc *c = s->smsc;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t all = evbuffer_get_length(in), n = MIN(all, READ_AT_ONCE), done = 0, len;
	const uint8_t *p;

	smsc_enter(c);
	s->heard_ms = c->now_ms;
	p = evbuffer_pullup(in, (ssize_t)n);
	while (p && s->state < SMSC_CLOSING) {
		enum smpp_framing f = smpp_frame(p + done, n - done, SMSC_PDU_MAX, &len);

		if (f == SMPP_FRAME_MORE)
			break;
		if (f == SMPP_FRAME_BROKEN) {
			broken_stream(s);
			break;
		}
		one_pdu(s, p + done, len);
		done += len;
	}
	if (s->state < SMSC_CLOSING) {
		evbuffer_drain(in, done);
		if (all > n)
			bufferevent_trigger(bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	}
	smsc_leave(c);
}

/* The output has run empty. */
static void on_write(struct bufferevent *bev, void *ctx)
{
	struct smsc_session *s = ctx;
	struct smsc *c = s->smsc;

	smsc_enter(c);
	if (s->state == SMSC_CLOSING) {
		smsc_drop(s);
	} else if (s->paused) {
		s->paused = false;
		bufferevent_enable(bev, EV_READ);
	}
	if (s->state == SMSC_BOUND)
		smsc_pump(c, s->account);
	smsc_leave(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct smsc_session *s = ctx;
	struct smsc *c = s->smsc;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	smsc_enter(c);
	smsc_drop(s);
	smsc_leave(c);
}

static struct bufferevent *new_stream(struct smsc *c, evutil_socket_t fd, bool tls)
{
	struct event_base *base = loop_base(c->loop);
	struct bufferevent *bev;
	SSL *ssl;

	if (!tls)
		return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	ssl = SSL_new(c->tls);
	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!bev)
		SSL_free(ssl);
	return bev;
}

void smsc_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int n, void *ctx)
{
	struct smsc *c = ctx;
	struct bufferevent *bev = NULL;
	struct smsc_session *s;
	int on = 1;

	(void)sa;
	(void)n;
	if (c->sessions.count < SMSC_SESSIONS_MAX)
		bev = new_stream(c, fd, l == c->listener[1]);
	if (!bev) {
		log_warn("smsc_refused", "sessions=%zu", c->sessions.count);
		evutil_closesocket(fd);
		return;
	}
	smsc_enter(c);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* failing is no matter */
	s = xnew(struct smsc_session);
	s->smsc = c;
	s->bev = bev;
	s->id = ++c->last_session;
	s->heard_ms = c->now_ms;
	s->watch.run = smsc_watch;
	list_init(&s->flying);
	list_push(&c->sessions, &s->node);
	map_set_ptr(c->by_session, s->id, s);
	bufferevent_setcb(bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(bev, EV_READ, 0, 2 * READ_AT_ONCE);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	smsc_job_at(c, &s->watch, SMSC_BIND_MS);
	smsc_leave(c);
}
