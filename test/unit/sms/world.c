/* world.c - the collecting core and the scripted SMSC of the SMS channel's tests. */
#include "world.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>

/* What src/core gives a channel; here without a core. */
void attempt_free(struct attempt *a) { free(a); }

/* -- the SMSC ------------------------------------------------------------------------------------------------------ */

void smsc_raw(struct smsc *s, unsigned link, const void *p, size_t n)
{
	assert_non_null(s->links[link].bev);
	assert_int_equal(bufferevent_write(s->links[link].bev, p, n), 0);
}

void smsc_send(struct smsc *s, unsigned link, const struct smpp_pdu *m)
{
	struct buf b = BUF_INIT;

	assert_int_equal(smpp_encode(m, &b), 0);
	smsc_raw(s, link, b.p, b.n);
	buf_done(&b);
}

void smsc_drop(struct smsc *s, unsigned link)
{
	struct smsc_link *l = &s->links[link];

	if (l->bev)
		bufferevent_free(l->bev);
	l->bev = NULL;
}

void smsc_answer(struct smsc *s, unsigned index, uint32_t status, const char *id)
{
	struct smpp_pdu r;

	smpp_response(&s->pdus[index].m, status, &r);
	str_copy(r.message_id, sizeof(r.message_id), str_of(id));
	smsc_send(s, s->pdus[index].link, &r);
}

static void submitted(struct smsc *s, unsigned index)
{
	char id[32];
	uint32_t status = s->judge ? s->judge(s, &s->pdus[index].m) : 0;

	s->count++;
	snprintf(id, sizeof(id), "%08X", 0x1000 + index);
	smsc_answer(s, index, status, status ? "" : id);
}

static void came(struct smsc_link *l, const uint8_t *p, size_t n)
{
	struct smsc *s = l->smsc;
	struct smsc_pdu *k = &s->pdus[s->pdu_count];
	unsigned link = (unsigned)(l - s->links);
	struct smpp_pdu r;

	assert_true(s->pdu_count < PDUS_MAX);
	k->octets = malloc(n);
	assert_non_null(k->octets);
	memcpy(k->octets, p, n);
	k->link = link;
	assert_int_equal(smpp_decode(k->octets, n, &k->m), 0); /* the channel never sends a malformed PDU */
	switch (k->m.id) {
	case SMPP_BIND_TRANSCEIVER:
	case SMPP_BIND_TRANSMITTER:
	case SMPP_BIND_RECEIVER:
		s->binds++;
		s->last_bind = k->m;
		if (s->bind_status >= 0) {
			smpp_response(&k->m, (uint32_t)s->bind_status, &r);
			smsc_send(s, link, &r);
		}
		if (!s->bind_status)
			l->bound_as = k->m.id;
		break;
	case SMPP_ENQUIRE_LINK:
		s->enquires++;
		smpp_response(&k->m, 0, &r);
		if (!s->mute_enquire)
			smsc_send(s, link, &r);
		break;
	case SMPP_SUBMIT_SM:
		s->pdu_count++;
		if (s->on_submit)
			s->on_submit(s, s->pdu_count - 1);
		else if (!s->mute_submits)
			submitted(s, s->pdu_count - 1);
		if (!s->forget)
			return;
		s->pdu_count--;
		break;
	case SMPP_DELIVER_SM_RESP:
		s->answers++;
		s->pdu_count += !s->forget;
		if (!s->forget)
			return;
		break;
	case SMPP_UNBIND:
		smpp_response(&k->m, 0, &r);
		if (!s->mute_unbind)
			smsc_send(s, link, &r);
		s->pdu_count++;
		return;
	default: s->pdu_count++; return;
	}
	free(k->octets);
	k->octets = NULL;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct smsc_link *l = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len;

	while (l->bev) {
		size_t n = evbuffer_get_length(in);

		if (smpp_frame(evbuffer_pullup(in, -1), n, 1 << 20, &len) != SMPP_FRAME_OK)
			return;
		came(l, evbuffer_pullup(in, -1), len);
		if (l->bev)
			evbuffer_drain(in, len);
	}
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct smsc_link *l = ctx;

	if (what & BEV_EVENT_CONNECTED)
		return;
	l->closed = true;
	l->bev = NULL;
	bufferevent_free(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int n, void *ctx)
{
	struct smsc *s = ctx;
	struct smsc_link *l = &s->links[s->link_count++];
	int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;

	(void)listener, (void)sa, (void)n;
	assert_true(s->link_count <= COUNT_OF(s->links));
	l->smsc = s;
	if (s->tls)
		l->bev = bufferevent_openssl_socket_new(s->base, fd, SSL_new(s->tls), BUFFEREVENT_SSL_ACCEPTING, options);
	else
		l->bev = bufferevent_socket_new(s->base, fd, options);
	assert_non_null(l->bev);
	bufferevent_setcb(l->bev, on_read, NULL, on_event, l);
	bufferevent_enable(l->bev, s->deaf ? EV_WRITE : EV_READ | EV_WRITE);
}

void smsc_open(struct smsc *s, struct event_base *base, struct ssl_ctx_st *tls)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sin);

	s->base = base;
	s->tls = tls;
	s->listener = evconnlistener_new_bind(base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
					      -1, (struct sockaddr *)&sin, sizeof(sin));
	assert_non_null(s->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&sin, &n), 0);
	s->port = ntohs(sin.sin_port);
}

void smsc_close(struct smsc *s)
{
	for (unsigned i = 0; i < s->link_count; i++)
		smsc_drop(s, i);
	for (unsigned i = 0; i < s->pdu_count; i++)
		free(s->pdus[i].octets);
	if (s->listener)
		evconnlistener_free(s->listener);
	s->listener = NULL;
}

char *smsc_url(const struct smsc *s, const char *scheme, const char *host)
{
	char url[100];

	snprintf(url, sizeof(url), "%s://%s:%d", scheme, host, s->port);
	return xstrdup(url);
}

unsigned smsc_index(const struct smsc *s, uint32_t command, unsigned n)
{
	for (unsigned i = 0; i < s->pdu_count; i++) {
		if (s->pdus[i].m.id == command && n-- == 0)
			return i;
	}
	return UINT_MAX;
}

const struct smpp_pdu *smsc_nth(const struct smsc *s, uint32_t command, unsigned n)
{
	unsigned i = smsc_index(s, command, n);

	return i == UINT_MAX ? NULL : &s->pdus[i].m;
}

unsigned smsc_count(const struct smsc *s, uint32_t command)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->pdu_count; i++)
		n += s->pdus[i].m.id == command;
	return n;
}

/* -- the core ------------------------------------------------------------------------------------------------------ */

static void take_capacity(struct world *w, struct capacity *c)
{
	assert_true(w->cap_count < INPUTS_MAX);
	w->caps[w->cap_count++] = *c;
	if (c->reset)
		w->credits = 0;
	w->credits += c->grant;
	w->up = c->up;
	free(c);
}

static bool post(void *ctx, struct input *in, bool must)
{
	struct world *w = ctx;

	if (!must && w->full) {
		w->refused++;
		return false;
	}
	switch (in->kind) {
	case INPUT_RESULT:
		assert_true(must && w->result_count < INPUTS_MAX);
		w->results[w->result_count++] = OWNER(struct result, in, in);
		return true;
	case INPUT_CAPACITY:
		assert_true(must);
		take_capacity(w, OWNER(struct capacity, in, in));
		return true;
	case INPUT_RECEIPT: w->receipts[w->receipt_count++] = OWNER(struct receipt_in, in, in); return true;
	case INPUT_MO: w->mos[w->mo_count++] = OWNER(struct mo_in, in, in); return true;
	case INPUT_SUBMIT:
	case INPUT_HOOK:
	case INPUT_CALL: break;
	}
	fail_msg("unexpected input");
	return false;
}

/* Tests must be able to say which text was hashed: FNV-1a. */
static uint64_t id_hash(void *ctx, uint16_t connection, const char *id)
{
	uint64_t h = 14695981039346656037u ^ connection;

	(void)ctx;
	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211u;
	return h | 1;
}

static void on_tick(struct timer *t) { loop_stop(OWNER(struct world, tick, t)->loop); }

void world_turn(struct world *w)
{
	timer_set(&w->tick, 1);
	loop_run(w->loop);
}

void world_run(struct world *w, int64_t ms)
{
	int64_t end = mono_us() + ms * 1000;

	while (mono_us() < end)
		world_turn(w);
}

static void on_log(void *ctx, const char *line)
{
	struct world *w = ctx;
	size_t n = strlen(w->log);

	if (n + strlen(line) + 2 < sizeof(w->log))
		snprintf(w->log + n, sizeof(w->log) - n, "%s\n", line);
}

bool world_logged(const struct world *w, const char *words) { return strstr(w->log, words) != NULL; }

void world_setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	log_setup(LOG_DEBUG, LOG_TEXT);
	log_capture(on_log, w);
	w->loop = loop_new();
	timer_init(&w->tick, w->loop, on_tick);
	smsc_open(&w->smsc, loop_base(w->loop), NULL);
	w->urls[0] = smsc_url(&w->smsc, "smpp", "127.0.0.1");
	w->conn = (struct connection_setting){
		.name = (char *)(uintptr_t) "main",
		.number = 1,
		.smpp = w->urls,
		.smpp_count = 1,
		.system_id = (char *)(uintptr_t) "pombo",
		.password = (char *)(uintptr_t) "secret",
		.source = (char *)(uintptr_t) "27182",
		.tls_verify = true,
		.binds = 1,
		.window = 10,
		.profile = {.source_ton = -1, .source_npi = -1, .dest_ton = 1, .dest_npi = 1, .alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2},
		.timers = {.bind_ms = 300, .response_ms = 400, .enquire_link_ms = 5000, .throttle_ms = 50, .reconnect_ms = 20, .reconnect_max_ms = 60}};
	w->settings.sms.connections = &w->conn;
	w->settings.sms.connection_count = 1;
}

void world_open(struct world *w)
{
	struct channel_env env = {.ctx = w, .post = post, .id_hash = id_hash};
	struct err e = {""};

	signal(SIGPIPE, SIG_IGN); /* as the program does; both ends write to connections the other has left */
	if (sms_open(&w->ch, w->loop, &w->settings, &env, &e) < 0)
		fail_msg("%s", e.text);
}

void world_bound(struct world *w)
{
	world_open(w);
	WAIT_FOR(w, w->credits == w->conn.window * w->conn.binds);
}

static void on_stopped(void *ctx) { ((struct world *)ctx)->stopped = true; }

void world_stop(struct world *w)
{
	w->ch->ops->stop(w->ch, on_stopped, w);
	WAIT_FOR(w, w->stopped);
}

void world_end(struct world *w)
{
	if (w->ch)
		w->ch->ops->free(w->ch);
	for (unsigned i = 0; i < w->receipt_count; i++) {
		if (w->receipts[i])
			w->receipts[i]->stored(w->receipts[i]);
	}
	for (unsigned i = 0; i < w->mo_count; i++) {
		if (w->mos[i])
			w->mos[i]->stored(w->mos[i]);
	}
	for (unsigned i = 0; i < w->result_count; i++)
		free(w->results[i]);
	smsc_close(&w->smsc);
	smsc_close(&w->second);
	timer_done(&w->tick);
	loop_free(w->loop);
	for (size_t i = 0; i < COUNT_OF(w->urls); i++)
		free(w->urls[i]);
	log_capture(NULL, NULL);
	log_setup(LOG_ERROR, LOG_TEXT);
}

struct attempt *attempt_make(int64_t key, const char *number, const char *text, uint16_t parts)
{
	struct attempt *a = xcalloc(1, sizeof(*a) + strlen(number) + strlen(text));
	char *p = (char *)(a + 1);

	a->key = key;
	a->attempt = 1;
	a->parts = parts;
	a->connection = 1;
	a->accepted_at = wall_ms();
	a->expires_at = a->accepted_at + 3600000;
	a->number = (struct str){p, strlen(number)};
	a->text = (struct str){p + strlen(number), strlen(text)};
	memcpy(p, number, strlen(number));
	memcpy(p + strlen(number), text, strlen(text));
	return a;
}

void world_send(struct world *w, struct attempt *a)
{
	w->credits -= a->parts;
	w->ch->ops->send(w->ch, a);
}

void world_text(struct world *w, int64_t key, const char *number, const char *text, uint16_t parts)
{
	world_send(w, attempt_make(key, number, text, parts));
}

struct result *result_of(struct world *w, int64_t key, unsigned n)
{
	for (unsigned i = 0; i < w->result_count; i++) {
		if (w->results[i]->key == key && n-- == 0)
			return w->results[i];
	}
	return NULL;
}

unsigned results_with(const struct world *w, int verdict)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->result_count; i++)
		n += w->results[i]->verdict == verdict;
	return n;
}

struct session *world_link(struct world *w, unsigned i)
{
	struct sms *ch = OWNER(struct sms, ch, w->ch);

	return sms_conn(ch, 1)->links[i];
}

char *repeat(char c, size_t n)
{
	char *s = xcalloc(n + 1, 1);

	memset(s, c, n);
	return s;
}

struct world *world_start(void)
{
	struct world *w = xnew(struct world);

	world_setup(w);
	return w;
}

void world_finish(struct world *w)
{
	world_end(w);
	free(w);
}
