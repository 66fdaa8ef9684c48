/* load.c - an HTTP load generator that knows what it sent (`pombo bench`). One thread, keep-alive, plain or TLS, loopback only.
 *
 * Each message has its own number (bench.h), counted up from --first, so that scripts can compare what was accepted (--ledger) with
 * what arrived. With a rate, latency counts from when the request should have left, so that a slow server cannot hide behind a
 * generator that waits for it. */
#include <getopt.h>
#include <openssl/ssl.h>
#include <sysexits.h>
#include "bench.h"

#define CONNS_MAX 4096
#define BULK_MAX 1000
#define READ_MAX (128 << 10)

enum state { CLOSED, CONNECTING, HANDSHAKE, IDLE, BUSY };
struct conn {
	int fd;
	enum state state;
	uint32_t events; /* as told to epoll */
	SSL *ssl;
	struct bytes in, out;
	size_t sent;               /* of out */
	int64_t began_us, wait_us; /* of the request; not before (after an error) */
	uint32_t first, count;     /* numbers in the request */
};
enum mode { GET, POST, BULK };
static struct {
	enum mode mode;
	const char *path, *query, *body;
	char headers[4096];
	uint16_t port;
	bool tls, persist;
	unsigned connections, bulk;
	double rate, seconds;
	uint64_t count;
	FILE *ledger;
	SSL_CTX *ctx;
	int epoll;
	struct conn conn[CONNS_MAX];
	uint32_t next;
	uint64_t sent, accepted, refused, unknown, requests, connects, status[600];
	uint64_t busy;
	struct hist latency;
	int64_t start_us, end_us, last_us;
	struct bytes scratch;
} g = {.mode = POST, .connections = 64, .bulk = BULK_MAX, .seconds = 5, .next = NUMBER_FIRST};

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

static void conn_open(struct conn *c)
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

/* Octets written or read; 0 for not now, negative when the connection is over. */
static ssize_t put_octets(struct conn *c, const char *p, size_t n)
{
	ssize_t r;

	if (c->ssl) {
		r = SSL_write(c->ssl, p, (int)n);
		if (r > 0)
			return r;
		switch (SSL_get_error(c->ssl, (int)r)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE: return 0;
		default: return -1;
		}
	}
	r = write(c->fd, p, n);
	return r < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : r;
}

static ssize_t get_octets(struct conn *c, char *p, size_t n)
{
	ssize_t r;

	if (c->ssl) {
		r = SSL_read(c->ssl, p, (int)n);
		if (r > 0)
			return r;
		switch (SSL_get_error(c->ssl, (int)r)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE: return 0;
		default: return -1;
		}
	}
	r = read(c->fd, p, n);
	return r < 0 ? (errno == EAGAIN || errno == EINTR ? 0 : -1) : r == 0 ? -1 : r;
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

static void begin(struct conn *c, uint32_t n, int64_t should_us)
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

static void on_event(struct conn *c, uint32_t what)
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

/* How many messages the next request may hold now; 0: none yet. */
static uint32_t allowance(int64_t now, int64_t *should_us)
{
	uint32_t n = g.mode == BULK ? g.bulk : 1;

	*should_us = now;
	if (g.count && g.sent - g.refused - g.unknown >= g.count)
		return 0;
	if (g.count && g.count - (g.sent - g.refused - g.unknown) < n)
		n = (uint32_t)(g.count - (g.sent - g.refused - g.unknown));
	if (g.next + n > NUMBER_END)
		return 0;
	if (g.rate > 0) {
		*should_us = g.start_us + (int64_t)((double)g.sent * 1e6 / g.rate);
		if (*should_us > now)
			return 0;
	}
	return n;
}

static void feed(int64_t now)
{
	static unsigned turn;
	int64_t should;
	uint32_t n;

	for (unsigned i = 0; i < g.connections; i++) {
		struct conn *c = &g.conn[turn++ % g.connections];

		if (c->state == CLOSED && now >= c->wait_us)
			conn_open(c);
		if (c->state != IDLE || now < c->wait_us)
			continue;
		n = allowance(now, &should);
		if (n == 0)
			return;
		begin(c, n, should);
	}
}

static void run(void)
{
	struct epoll_event ev[256];
	struct timespec wait = {0, 200000};
	bool over = false;
	int64_t now = g.start_us = now_us();

	g.end_us = g.start_us + (int64_t)(g.seconds * 1e6);
	while (!over || (g.busy && now < g.end_us)) {
		int n = epoll_pwait2(g.epoll, ev, 256, &wait, NULL);

		for (int i = 0; i < n; i++)
			on_event(ev[i].data.ptr, ev[i].events);
		now = now_us();
		if (!over && (stopping || now >= g.end_us || (g.count && g.accepted >= g.count) || g.next >= NUMBER_END)) {
			over = true;
			g.end_us = now + 5000000; /* answers may still come */
		}
		if (!over)
			feed(now);
		if (g.ledger)
			fflush(g.ledger);
	}
}

static void report(void)
{
	double seconds = (double)(g.last_us - g.start_us) / 1e6;
	const char *comma = "";

	printf("{\"messages\":%llu,\"requests\":%llu,\"accepted\":%llu,\"refused\":%llu,\"unknown\":%llu,"
	       "\"connects\":%llu,"
	       "\"seconds\":%.3f,\"rate\":%.0f,\"start_us\":%lld,\"last_us\":%lld,\"next\":%u,\"cpu\":%.2f,"
	       "\"status\":{",
	       (unsigned long long)g.sent, (unsigned long long)g.requests, (unsigned long long)g.accepted,
	       (unsigned long long)g.refused, (unsigned long long)(g.unknown), (unsigned long long)g.connects,
	       seconds, seconds > 0 ? (double)g.accepted / seconds : 0.0, (long long)g.start_us,
	       (long long)g.last_us, g.next, cpu_seconds());
	for (unsigned i = 0; i < 600; i++)
		if (g.status[i]) {
			printf("%s\"%u\":%llu", comma, i, (unsigned long long)g.status[i]);
			comma = ",";
		}
	printf("}");
	hist_print(&g.latency, "latency", stdout);
	printf("}\n");
}

static void add_header(const char *h)
{
	size_t n = strlen(g.headers);

	if (n + strlen(h) + 3 > sizeof(g.headers))
		die("--header: too long");
	sprintf(g.headers + n, "%s\r\n", h);
}

static void set_mode(const char *word)
{
	g.mode = strcmp(word, "get") == 0 ? GET : strcmp(word, "post") == 0 ? POST : BULK;
	if (g.mode == BULK && strcmp(word, "bulk") != 0)
		die("--mode: get, post or bulk");
}

static _Noreturn void usage(FILE *to, int code)
{
	fputs("Usage: pombo bench --port N [OPTIONS]\n\n"
	      "Sends messages to a gateway on this machine and prints one line of JSON: how many were accepted, how fast, and\n"
	      "how long answers took.\n\n"
	      "  --port N                 the gateway's, on 127.0.0.1\n"
	      "  --tls                    HTTPS; the certificate is not checked\n"
	      "  --mode get|post|bulk     what to send (post)\n"
	      "  --header 'NAME: VALUE'   for instance username and authenticationtoken; may be repeated\n"
	      "  --path P, --query T, --body T\n"
	      "                           instead of the built-in ones; in T {n} is the message's own number, {t} the clock in\n"
	      "                           microseconds, {b} the list of a bulk\n"
	      "  --connections N          kept alive (64)\n"
	      "  --bulk N                 messages in a bulk (1000)\n"
	      "  --rate N                 messages a second; 0: as fast as answers come (0)\n"
	      "  --seconds N              how long (5)\n"
	      "  --count N                ends once so many were accepted\n"
	      "  --first N                number of the first message (900000000, for 5511900000000)\n"
	      "  --ledger FILE            appends \"id number\" for each message answered with 200\n"
	      "  --persist                goes on when the server is gone; what was in flight counts as unknown\n",
	      to);
	exit(code);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {{"port", 1, NULL, 'p'},    {"tls", 0, NULL, 't'},
					      {"mode", 1, NULL, 'm'},    {"path", 1, NULL, 'a'},
					      {"query", 1, NULL, 'q'},   {"body", 1, NULL, 'b'},
					      {"header", 1, NULL, 'h'},  {"connections", 1, NULL, 'c'},
					      {"bulk", 1, NULL, 'k'},    {"rate", 1, NULL, 'r'},
					      {"seconds", 1, NULL, 's'}, {"count", 1, NULL, 'n'},
					      {"first", 1, NULL, 'f'},   {"ledger", 1, NULL, 'l'},
					      {"persist", 0, NULL, 'P'}, {"help", 0, NULL, 'H'},   {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': g.port = (uint16_t)atoi(optarg); break;
		case 't': g.tls = true; break;
		case 'm': set_mode(optarg); break;
		case 'a': g.path = optarg; break;
		case 'q': g.query = optarg; break;
		case 'b': g.body = optarg; break;
		case 'h': add_header(optarg); break;
		case 'c': g.connections = (unsigned)atoi(optarg); break;
		case 'k': g.bulk = (unsigned)atoi(optarg); break;
		case 'r': g.rate = atof(optarg); break;
		case 's': g.seconds = atof(optarg); break;
		case 'n': g.count = strtoull(optarg, NULL, 10); break;
		case 'f': g.next = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'P': g.persist = true; break;
		case 'H': usage(stdout, 0);
		case 'l':
			g.ledger = fopen(optarg, "ae");
			if (!g.ledger)
				die("%s: %s", optarg, strerror(errno));
			break;
		default: usage(stderr, EX_USAGE);
		}
	}
	if (!g.port || g.connections < 1 || g.connections > CONNS_MAX || g.bulk < 1 || g.bulk > BULK_MAX)
		die("load: --port is needed, 1 to %d connections, bulks of 1 to %d", CONNS_MAX, BULK_MAX);
	if (!g.path)
		g.path = g.mode == BULK ? "/v1/send-bulk-sms" : "/v1/send-sms";
	if (!g.query)
		g.query = "destination={n}&messageText=bench+%40{t}";
	if (!g.body)
		g.body = g.mode == BULK
				 ? "{\"defaultValues\":{\"messageText\":\"bench @{t}\"},\"messages\":[{b}]}"
				 : "{\"destination\":\"{n}\",\"messageText\":\"bench @{t}\"}";
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	catch_signals();
	if (g.tls) {
		g.ctx = SSL_CTX_new(TLS_client_method());
		if (!g.ctx)
			die("TLS: out of memory");
		SSL_CTX_set_verify(g.ctx, SSL_VERIFY_NONE, NULL); /* own throw-away certificate, own loopback */
		SSL_CTX_set_mode(g.ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	}
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	run();
	report();
	if (g.ledger)
		fclose(g.ledger);
	return 0;
}
