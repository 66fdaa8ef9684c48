/* esme.h - for the sandbox's tests: a sandbox on a thread of its own, and a blocking ESME and HTTP client over loopback. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/loop.h"
#include "base/time.h"
#include "sandbox/sandbox.h"
#include "wire/receipt.h"
#include "wire/split.h"

#define WAIT_MS 10000 /* how long a test waits for what must come */

struct net {
	struct loop *loop;
	struct sandbox *sandbox;
	pthread_t thread;
};
struct esme {
	int fd;
	uint32_t seq;
	size_t n;
	uint8_t in[80 << 10];
	uint8_t pdu[80 << 10]; /* what the last decoded one points into */
};

static inline void *net_run(void *l)
{
	loop_run(l);
	return NULL;
}

/* settings: "name=value" texts up to NULL, over the defaults with free ports and no delay to speak of. */
static inline void net_start(struct net *n, const char *const *settings)
{
	struct sandbox_settings s;
	struct err e = {""};

	sandbox_settings_default(&s);
	strcpy(s.smpp, "127.0.0.1:0");
	strcpy(s.http, "127.0.0.1:0");
	s.delay = 5;
	for (; settings && *settings; settings++) {
		const char *eq = strchr(*settings, '=');

		assert_int_equal(sandbox_settings_set(&s, (struct str){*settings, (size_t)(eq - *settings)},
						      str_of(eq + 1), &e),
				 0);
	}
	n->loop = loop_new();
	if (sandbox_open(&n->sandbox, n->loop, &s, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(pthread_create(&n->thread, NULL, net_run, n->loop), 0);
}

static inline void net_stop(struct net *n)
{
	loop_stop(n->loop);
	pthread_join(n->thread, NULL);
	sandbox_close(n->sandbox);
	loop_free(n->loop);
}

static inline int dial(const char *address)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static inline void esme_dial(struct esme *x, const struct net *n)
{
	memset(x, 0, offsetof(struct esme, in));
	x->fd = dial(sandbox_smpp(n->sandbox));
}

static inline void esme_raw(struct esme *x, const void *p, size_t n)
{
	assert_int_equal(write(x->fd, p, n), (ssize_t)n);
}

static inline uint32_t esme_send(struct esme *x, struct smpp_pdu *m)
{
	struct buf b = BUF_INIT;

	if (!m->seq)
		m->seq = ++x->seq;
	assert_int_equal(smpp_encode(m, &b), 0);
	esme_raw(x, b.p, b.n);
	buf_done(&b);
	return m->seq;
}

/* The next PDU; false: end of the stream, or nothing within wait_ms. */
static inline bool esme_next(struct esme *x, struct smpp_pdu *m, int wait_ms)
{
	size_t len;

	while (smpp_frame(x->in, x->n, sizeof(x->in), &len) != SMPP_FRAME_OK) {
		struct pollfd p = {.fd = x->fd, .events = POLLIN};
		ssize_t r;

		if (poll(&p, 1, wait_ms) <= 0)
			return false;
		r = read(x->fd, x->in + x->n, sizeof(x->in) - x->n);
		if (r <= 0)
			return false;
		x->n += (size_t)r;
	}
	memcpy(x->pdu, x->in, len);
	memmove(x->in, x->in + len, x->n - len);
	x->n -= len;
	assert_int_equal(smpp_decode(x->pdu, len, m), 0);
	return true;
}

static inline void esme_want(struct esme *x, struct smpp_pdu *m, uint32_t id)
{
	assert_true(esme_next(x, m, WAIT_MS));
	assert_int_equal(m->id, id);
}

static inline uint32_t esme_bind(struct esme *x, const struct net *n, uint32_t how, const char *system_id, const char *password)
{
	struct smpp_pdu m = {.id = how, .interface_version = 0x34};

	esme_dial(x, n);
	str_copy(m.system_id, sizeof(m.system_id), str_of(system_id));
	str_copy(m.password, sizeof(m.password), str_of(password));
	esme_send(x, &m);
	esme_want(x, &m, how | SMPP_RESP);
	return m.status;
}

static inline void esme_trx(struct esme *x, const struct net *n)
{
	assert_int_equal(esme_bind(x, n, SMPP_BIND_TRANSCEIVER, "pombo", "secret"), SMPP_ROK);
}

static inline struct smpp_pdu esme_message(const char *to, const char *text)
{
	struct smpp_pdu m = {.id = SMPP_SUBMIT_SM, .registered_delivery = 1};

	str_copy(m.source.text, sizeof(m.source.text), STR("27182"));
	str_copy(m.dest.text, sizeof(m.dest.text), str_of(to));
	m.dest.ton = m.dest.npi = 1;
	m.short_message = (struct smpp_octets){(const uint8_t *)text, strlen(text)};
	return m;
}

static inline uint32_t esme_submit(struct esme *x, const char *to, const char *text)
{
	struct smpp_pdu m = esme_message(to, text);

	return esme_send(x, &m);
}

static inline void esme_ack(struct esme *x, const struct smpp_pdu *m, uint32_t status)
{
	struct smpp_pdu r;

	smpp_response(m, status, &r);
	esme_send(x, &r);
}

static inline void esme_close(struct esme *x) { close(x->fd); }

/* One request on a connection of its own; the body, NUL-terminated, in out. Returns the status. */
static inline int http(const struct net *n, const char *method, const char *path, const char *headers,
		       const char *body, char *out, size_t size)
{
	char head[1024];
	int fd = dial(sandbox_http(n->sandbox)), status = 0, len;
	size_t have = 0;
	ssize_t r;
	char *end;

	len = snprintf(head, sizeof(head),
		       "%s %s HTTP/1.1\r\n%sConnection: close\r\nContent-Length: %zu\r\n\r\n", method, path,
		       headers ? headers : "Host: 127.0.0.1\r\nContent-Type: application/json\r\n", strlen(body));
	assert_int_equal(write(fd, head, (size_t)len), len);
	assert_int_equal(write(fd, body, strlen(body)), (ssize_t)strlen(body));
	while (have + 1 < size && (r = read(fd, out + have, size - 1 - have)) > 0)
		have += (size_t)r;
	close(fd);
	out[have] = '\0';
	assert_int_equal(sscanf(out, "HTTP/1.1 %d", &status), 1);
	end = strstr(out, "\r\n\r\n");
	assert_non_null(end);
	memmove(out, end + 4, strlen(end + 4) + 1);
	return status;
}

/* Asks until the text occurs in the answer; what must come does so within WAIT_MS. */
static inline void http_until(const struct net *n, const char *path, const char *text, char *out, size_t size)
{
	int64_t until = mono_us() + WAIT_MS * 1000ll;

	do {
		assert_int_equal(http(n, "GET", path, NULL, "", out, size), 200);
		if (strstr(out, text))
			return;
		usleep(2000);
	} while (mono_us() < until);
	fail_msg("%s not in %s", text, out);
}
