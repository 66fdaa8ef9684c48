/* load_conn.c - the load generator's connections: requests with messages of their own numbers, plain or over TLS, and their answers. */
#include <openssl/ssl.h>

#include "load.h"

#define READ_MAX (128 << 10)

static void put_text(struct bytes *b, const char *z) { bytes_put(b, z, strlen(z)); }

static void put_list(struct bytes *b, uint32_t first, uint32_t n);

/* A template with its {n}, {t}, {b} replaced. */
static void put_template(struct bytes *b, const char *t, uint32_t first, uint32_t n)
{
	const char *brace;
	char num[32];

	while ((brace = strchr(t, '{'))) {
		char what = brace[1] && brace[2] == '}' ? brace[1] : 0;

		bytes_put(b, t, (size_t)(brace - t));
		t = brace + 3;
		if (what == 'n') {
			bytes_put(b, num, (size_t)sprintf(num, NUMBER_PREFIX "%09u", first));
		} else if (what == 't') {
			bytes_put(b, num, (size_t)sprintf(num, "%lld", (long long)now_us()));
		} else if (what == 'b') {
			put_list(b, first, n);
		} else {
			bytes_put(b, "{", 1);
			t = brace + 1;
		}
	}
	put_text(b, t);
}

static void put_list(struct bytes *b, uint32_t first, uint32_t n)
{
	char item[64];

	for (uint32_t i = 0; i < n; i++)
		bytes_put(b, item,
			  (size_t)sprintf(item, "%s{\"destination\":\"" NUMBER_PREFIX "%09u\"}", i ? "," : "", first + i));
}

static void put_request(struct conn *c)
{
	char line[64];

	c->out.n = c->sent = 0;
	put_text(&c->out, g.mode == GET ? "GET " : "POST ");
	put_text(&c->out, g.path);
	if (g.mode == GET) {
		put_text(&c->out, "?");
		put_template(&c->out, g.query, c->first, c->count);
	}
	put_text(&c->out, " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
	put_text(&c->out, g.headers);
	if (g.mode != GET) {
		g.scratch.n = 0;
		put_template(&g.scratch, g.body, c->first, c->count);
		bytes_put(&c->out, line,
			  (size_t)sprintf(line, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
					  g.scratch.n));
	}
	put_text(&c->out, "\r\n");
	if (g.mode != GET)
		bytes_put(&c->out, g.scratch.p, g.scratch.n);
}

static void watch(struct conn *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (c->events == events)
		return;
	epoll_ctl(g.epoll, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &ev);
	c->events = events;
}

static void conn_close(struct conn *c)
{
	if (c->state == BUSY) {
		g.unknown += c->count;
		g.busy--;
	}
	if (c->ssl)
		SSL_free(c->ssl);
	if (c->state != CLOSED)
		close(c->fd);
	c->ssl = NULL;
	c->in.n = c->out.n = 0;
	c->events = 0;
	c->state = CLOSED;
	c->wait_us = now_us() + 20000;
}

void conn_open(struct conn *c)
{
	c->fd = connect_to(g.port);
	if (c->fd < 0) {
		if (!g.persist)
			die("port %u: %s", g.port, strerror(errno));
		c->wait_us = now_us() + 20000;
		return;
	}
	g.connects++;
	c->state = CONNECTING;
	c->wait_us = 0;
	watch(c, EPOLLOUT);
}

static ssize_t tls_result(struct conn *c, int r)
{
	int why = r > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, r);

	return r > 0 ? r : why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* Octets written or read; 0 for not now, negative when the connection is over. */
static ssize_t put_octets(struct conn *c, const char *p, size_t n)
{
	ssize_t done;

	if (c->ssl) {
		int r = SSL_write(c->ssl, p, (int)n);

		return tls_result(c, r);
	}
	done = write(c->fd, p, n);
	return done < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : done;
}

static ssize_t get_octets(struct conn *c, char *p, size_t n)
{
	ssize_t came;

	if (c->ssl) {
		int r = SSL_read(c->ssl, p, (int)n);

		return tls_result(c, r);
	}
	came = read(c->fd, p, n);
	return came < 0 ? (errno == EAGAIN || errno == EINTR ? 0 : -1) : came == 0 ? -1 : came;
}

static bool conn_write(struct conn *c)
{
	while (c->sent < c->out.n) {
		ssize_t r = put_octets(c, c->out.p + c->sent, c->out.n - c->sent);

		if (r < 0)
			return false;
		if (r == 0)
			break;
		c->sent += (size_t)r;
	}
	watch(c, EPOLLIN | (c->sent < c->out.n ? EPOLLOUT : 0u));
	return true;
}

void begin(struct conn *c, uint32_t n, int64_t should_us)
{
	c->first = g.next;
	c->count = n;
	g.next += n;
	g.sent += n;
	g.requests++;
	c->began_us = should_us;
	c->state = BUSY;
	g.busy++;
	put_request(c);
	if (!conn_write(c))
		conn_close(c);
}

static const char *find(const char *p, size_t n, const char *z) { return memmem(p, n, z, strlen(z)); }

/* "id":"<36 characters>" in the order of the messages. */
static void write_ledger(struct conn *c, const char *p, size_t n)
{
	const char *end = p + n;
	uint32_t i = 0;

	if (g.mode == BULK && (p = find(p, n, "\"messages\"")) == NULL)
		return;
	while (i < c->count && (p = find(p, (size_t)(end - p), "\"id\""))) {
		for (p += 4; p < end && (*p == ':' || *p == ' ');)
			p++;
		if (end - p < 38 || *p != '"')
			break;
		fprintf(g.ledger, "%.36s " NUMBER_PREFIX "%09u\n", p + 1, c->first + i++);
		p += 37;
	}
}

static void answered(struct conn *c, unsigned status, const char *body, size_t n)
{
	int64_t now = now_us();

	g.status[status < 600 ? status : 0]++;
	if (status >= 200 && status < 300) {
		g.accepted += c->count;
		hist_add(&g.latency, now - c->began_us);
		if (g.ledger)
			write_ledger(c, body, n);
	} else {
		g.refused += c->count;
		c->wait_us = now + 20000; /* it asked for mercy */
	}
	g.last_us = now;
	c->state = IDLE;
	g.busy--;
}

/* Chunked body: moves the chunks together; the length of the encoded form, 0 when not all there, -1 when broken. */
static ssize_t dechunk(char *p, size_t n, size_t *body)
{
	char *at = p, *end = p + n, *to = p;

	for (;;) {
		char *eol = memmem(at, (size_t)(end - at), "\r\n", 2);
		unsigned long len;

		if (!eol)
			return 0;
		len = strtoul(at, NULL, 16);
		if ((size_t)(end - eol) < len + 4)
			return 0;
		memmove(to, eol + 2, len);
		to += len;
		at = eol + 2 + len + 2;
		if (len == 0) {
			*body = (size_t)(to - p);
			return at - p;
		}
	}
}

static bool on_answer(struct conn *c)
{
	char *head = c->in.p, *body, *end = c->in.n ? memmem(head, c->in.n, "\r\n\r\n", 4) : NULL, *v;
	size_t headn, n = 0, all;
	unsigned status;
	bool closes;

	if (!end)
		return true;
	headn = (size_t)(end - head) + 4;
	*end = '\0';
	if (sscanf(head, "HTTP/1.%*d %u", &status) != 1)
		return false;
	closes = strcasestr(head, "\r\nConnection: close") != NULL;
	body = head + headn;
	v = strcasestr(head, "\r\nContent-Length:");
	if (strcasestr(head, "\r\nTransfer-Encoding: chunked")) {
		char *copy;
		ssize_t r;

		*end = '\r';
		copy = malloc(c->in.n - headn + 1); /* it may have to wait for more, and then start over */
		if (!copy)
			die("out of memory");
		memcpy(copy, body, c->in.n - headn);
		r = dechunk(copy, c->in.n - headn, &n);
		if (r > 0)
			answered(c, status, copy, n);
		free(copy);
		if (r <= 0)
			return r == 0;
		all = headn + (size_t)r;
	} else {
		n = v ? strtoul(v + 17, NULL, 10) : 0;
		*end = '\r';
		if (c->in.n < headn + n)
			return true;
		answered(c, status, body, n);
		all = headn + n;
	}
	bytes_drop(&c->in, all);
	return !closes;
}

static bool conn_read(struct conn *c)
{
	for (;;) {
		ssize_t r = get_octets(c, bytes_space(&c->in, READ_MAX), READ_MAX);

		if (r < 0)
			return false;
		if (r == 0)
			return true;
		c->in.n += (size_t)r;
		if (c->state != BUSY || !on_answer(c))
			return false;
		if (!c->ssl && r < READ_MAX)
			return true;
	}
}

static bool handshake(struct conn *c)
{
	int r = SSL_connect(c->ssl);

	if (r == 1) {
		c->state = IDLE;
		watch(c, EPOLLIN);
		return true;
	}
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ: watch(c, EPOLLIN); return true;
	case SSL_ERROR_WANT_WRITE: watch(c, EPOLLOUT); return true;
	default: return false;
	}
}

static bool connected(struct conn *c)
{
	int why = 0;
	socklen_t n = sizeof(why);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &n);
	if (why) {
		if (!g.persist)
			die("port %u: %s", g.port, strerror(why));
		return false;
	}
	if (!g.tls) {
		c->state = IDLE;
		watch(c, EPOLLIN);
		return true;
	}
	c->ssl = SSL_new(g.ctx);
	if (!c->ssl)
		die("out of memory");
	SSL_set_fd(c->ssl, c->fd);
	c->state = HANDSHAKE;
	return handshake(c);
}

void on_event(struct conn *c, uint32_t what)
{
	bool ok = true;

	switch (c->state) {
	case CLOSED: return;
	case CONNECTING: ok = connected(c); break;
	case HANDSHAKE: ok = handshake(c); break;
	case IDLE:
	case BUSY:
		if (what & EPOLLOUT)
			ok = conn_write(c);
		if (ok && what & ~(uint32_t)EPOLLOUT)
			ok = conn_read(c);
	}
	if (!ok)
		conn_close(c);
}
