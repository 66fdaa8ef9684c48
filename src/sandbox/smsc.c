/* smsc.c - the SMSC's sockets: listeners, sessions' life, input cut into PDUs, output written once a turn, the timer. */
#include "sandbox/smsc.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"

#define READ_AT_ONCE (256 << 10) /* octets of one session in one turn, so that none starves the others */

void smsc_job_off(struct smsc *c, struct smsc_job *j) { heap_remove(&c->jobs, &j->due); }

void smsc_job_at(struct smsc *c, struct smsc_job *j, int64_t delay_ms)
{
	heap_remove(&c->jobs, &j->due);
	heap_push(&c->jobs, &j->due, c->now_ms + delay_ms);
}

void smsc_enter(struct smsc *c) { c->now_ms = mono_us() / 1000; }

static void session_free(struct smsc *c, struct smsc_session *s)
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

static void session_write(struct smsc_session *s)
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

void smsc_leave(struct smsc *c)
{
	struct heap_node *top;

	for (struct node *n; (n = list_pop(&c->dirty));)
		session_write(OWNER(struct smsc_session, dirty, n));
	for (struct node *n; (n = list_pop(&c->dead));)
		session_free(c, OWNER(struct smsc_session, node, n));
	top = heap_top(&c->jobs);
	if (!top || (c->timer_at && c->timer_at <= top->at))
		return;
	c->timer_at = MAX(top->at, c->now_ms + 1);
	timer_set(&c->timer, c->timer_at - c->now_ms);
}

static void on_timer(struct timer *t)
{
	struct smsc *c = OWNER(struct smsc, timer, t);
	struct heap_node *n;

	smsc_enter(c);
	c->timer_at = 0;
	while ((n = heap_top(&c->jobs)) && n->at <= c->now_ms) {
		struct smsc_job *j = OWNER(struct smsc_job, due, n);

		heap_remove(&c->jobs, n);
		j->run(c, j);
	}
	smsc_leave(c);
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

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int n, void *ctx)
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

static const char *tls_why(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return why ? why : "unusable";
}

static int open_tls(struct smsc *c, struct err *e)
{
	const struct sandbox_settings *s = c->settings;

	if (!*s->certificate || !*s->key)
		return err_set(e, -EINVAL, "smpps: needs certificate and key");
	ERR_clear_error();
	c->tls = SSL_CTX_new(TLS_server_method());
	if (!c->tls || !SSL_CTX_set_min_proto_version(c->tls, TLS1_2_VERSION))
		return err_set(e, -ENOMEM, "smpps: TLS: %s", tls_why());
	if (SSL_CTX_use_certificate_chain_file(c->tls, s->certificate) != 1)
		return err_set(e, -EINVAL, "certificate: %s: %s", s->certificate, tls_why());
	if (SSL_CTX_use_PrivateKey_file(c->tls, s->key, SSL_FILETYPE_PEM) != 1)
		return err_set(e, -EINVAL, "key: %s: %s", s->key, tls_why());
	return 0;
}

static int open_listener(struct smsc *c, int i, const char *name, const char *address, struct err *e)
{
	int fd;

	if (!*address)
		return 0;
	fd = listen_tcp(&c->at[i], name, address, SANDBOX_BACKLOG, e);
	if (fd < 0)
		return fd;
	c->listener[i] = evconnlistener_new(loop_base(c->loop), on_accept, c,
					    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener[i]) {
		evutil_closesocket(fd);
		return err_set(e, -ENOMEM, "%s cannot listen", name);
	}
	return 0;
}

int smsc_open(struct smsc **ret, struct loop *l, struct sandbox_settings *s, struct handset *h, struct err *e)
{
	struct smsc *c = xnew(struct smsc);
	int r = 0;

	c->loop = l;
	c->settings = s;
	c->handset = h;
	list_init(&c->sessions);
	list_init(&c->dead);
	list_init(&c->dirty);
	list_init(&c->coming);
	list_init(&c->history);
	c->by_session = map_new();
	c->by_id = map_new();
	c->accounts = map_new();
	c->throttled = map_new();
	c->answered = map_new();
	prng_seed(&c->rng, rng_u64());
	c->last_id = (uint32_t)(rng_u64() & 0x7fffffff); /* ids of an earlier run must not come again soon */
	timer_init(&c->timer, l, on_timer);
	smsc_enter(c);
	c->bucket_at_us = mono_us();
	c->bucket = 1e9; /* full, whatever the rate; over_rate() cuts it */
	c->sweep.run = smsc_sweep;
	if (*s->smpps)
		r = open_tls(c, e);
	if (r == 0)
		r = open_listener(c, 0, "smpp:", s->smpp, e);
	if (r == 0)
		r = open_listener(c, 1, "smpps:", s->smpps, e);
	if (r < 0) {
		smsc_close(c);
		return r;
	}
	smsc_job_at(c, &c->sweep, 100);
	smsc_leave(c);
	*ret = c;
	return 0;
}

struct smsc_account *smsc_account(struct smsc *c, struct str system_id)
{
	uint64_t key = hash_bytes(system_id.p, system_id.n);
	struct smsc_account *a;

	for (; (a = map_ptr(c->accounts, key)); key++)
		if (str_eqz(system_id, a->system_id))
			return a;
	if (map_count(c->accounts) >= SMSC_ACCOUNTS_MAX)
		return NULL;
	a = xnew(struct smsc_account);
	a->system_id = xstrndup(system_id.p ? system_id.p : "", system_id.n);
	list_init(&a->receivers);
	list_init(&a->queue);
	map_set_ptr(c->accounts, key, a);
	return a;
}

static bool free_message(void *ctx, uint64_t key, uint64_t value)
{
	struct smsc_message *m = (void *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	free(m->addr);
	free(m);
	return true;
}

static bool free_account(void *ctx, uint64_t key, uint64_t value)
{
	struct smsc_account *a = (void *)(uintptr_t)value;

	(void)key;
	for (struct node *n; (n = list_pop(&a->queue));)
		smsc_deliver_free(ctx, OWNER(struct smsc_deliver, node, n));
	free(a->system_id);
	free(a);
	return true;
}

static void free_jobs(struct smsc *c)
{
	for (struct heap_node *n; (n = heap_top(&c->jobs));) {
		struct smsc_job *j = OWNER(struct smsc_job, due, n);

		heap_remove(&c->jobs, n);
		if (j->drop)
			j->drop(c, j);
	}
}

void smsc_close(struct smsc *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < COUNT_OF(c->listener); i++)
		if (c->listener[i])
			evconnlistener_free(c->listener[i]);
	for (struct node *n; (n = list_first(&c->sessions));)
		smsc_drop(OWNER(struct smsc_session, node, n));
	for (struct node *n; (n = list_pop(&c->dead));)
		session_free(c, OWNER(struct smsc_session, node, n));
	free_jobs(c);
	map_each(c->accounts, free_account, c);
	map_each(c->by_id, free_message, c);
	map_free(c->accounts);
	map_free(c->by_id);
	map_free(c->by_session);
	map_free(c->throttled);
	map_free(c->answered);
	timer_done(&c->timer);
	heap_done(&c->jobs);
	buf_done(&c->scratch);
	SSL_CTX_free(c->tls);
	free(c);
}
