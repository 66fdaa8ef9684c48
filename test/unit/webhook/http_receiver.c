/* http_receiver.c - see http_receiver.h. One poll loop; what is to be written waits in out, byte by byte where it drips. */
#include "unit/webhook/http_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"

#define CONNECTIONS 512
#define KEPT 4096
#define DRIP_MS 10
#define HUGE_BYTES ((size_t)4 << 20)

struct connection {
	int fd;
	struct buf in, out;
	bool drips, pending;  /* pending: a request waits for its answer */
	int64_t answer_at_ms; /* 0 = none planned */
};
struct http_receiver {
	int listener, stop_fd, port;
	pthread_t thread;
	struct connection c[CONNECTIONS];
	int count;
	pthread_mutex_t lock;
	struct http_receiver_counts counts;
	struct buf heads[KEPT], bodies[KEPT];
};

static int64_t now_ms(void) { return mono_us() / 1000; }

static void drop(struct http_receiver *r, struct connection *c)
{
	if (c->pending) {
		pthread_mutex_lock(&r->lock);
		r->counts.at_once--;
		pthread_mutex_unlock(&r->lock);
	}
	close(c->fd);
	buf_done(&c->in);
	buf_done(&c->out);
	*c = r->c[--r->count];
}

static void answered(struct http_receiver *r, struct connection *c)
{
	c->pending = false;
	pthread_mutex_lock(&r->lock);
	r->counts.at_once--;
	r->counts.answered++;
	pthread_mutex_unlock(&r->lock);
}

static void answer(struct http_receiver *r, struct connection *c, int status, const char *retry_after)
{
	buf_fmt(&c->out, "HTTP/1.1 %d Words\r\nContent-Length: %d\r\n", status, status == 204 ? 0 : 2);
	if (status >= 300 && status < 400)
		buf_fmt(&c->out, "Location: http://127.0.0.1:%d/status/200\r\n", r->port);
	if (retry_after)
		buf_fmt(&c->out, "Retry-After: %s\r\n", retry_after);
	buf_puts(&c->out, status == 204 ? "\r\n" : "\r\nok");
	answered(r, c);
}

static void record(struct http_receiver *r, struct connection *c, size_t head, size_t body)
{
	int i;

	pthread_mutex_lock(&r->lock);
	i = r->counts.requests++;
	if (i < KEPT) {
		buf_put(&r->heads[i], c->in.p, head);
		buf_put(&r->bodies[i], c->in.p + head, body);
	}
	if (++r->counts.at_once > r->counts.most_at_once)
		r->counts.most_at_once = r->counts.at_once;
	pthread_mutex_unlock(&r->lock);
	c->pending = true;
}

/* "%20" to a blank is all that the tests need. */
static void unescape(char *text)
{
	for (char *p = text; (p = strstr(p, "%20"));) {
		*p++ = ' ';
		memmove(p, p + 2, strlen(p + 2) + 1);
	}
}

/* False: the connection shall go. */
static bool act(struct http_receiver *r, struct connection *c, char *path)
{
	char *retry = strstr(path, "?retry-after=");

	if (strncmp(path, "/status/", 8) == 0) {
		if (retry)
			unescape(retry);
		answer(r, c, atoi(path + 8), retry ? retry + 13 : NULL);
	} else if (strncmp(path, "/slow/", 6) == 0) {
		c->answer_at_ms = now_ms() + atoi(path + 6);
	} else if (strcmp(path, "/close") == 0) {
		return false;
	} else if (strcmp(path, "/reset") == 0) {
		struct linger l = {.l_onoff = 1};

		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		return false;
	} else if (strcmp(path, "/garbage") == 0) {
		buf_puts(&c->out, "220 mail.example.com ESMTP\r\n\r\n");
		answered(r, c);
	} else if (strcmp(path, "/drip-head") == 0) {
		c->drips = true;
		buf_puts(&c->out, "HTTP/1.1 200 OK\r\nX-Slow: ");
		for (int i = 0; i < 20000; i++)
			buf_putc(&c->out, 'x');
	} else if (strcmp(path, "/drip-body") == 0) {
		buf_puts(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx");
	} else if (strcmp(path, "/huge-head") == 0) {
		buf_puts(&c->out, "HTTP/1.1 200 OK\r\n");
		for (int i = 0; i < 20000; i++)
			buf_fmt(&c->out, "X-%d: some value or other\r\n", i);
	} else if (strcmp(path, "/huge-body") == 0) {
		buf_fmt(&c->out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", HUGE_BYTES);
		memset(buf_space(&c->out, HUGE_BYTES), 'y', HUGE_BYTES);
		c->out.n += HUGE_BYTES;
	} /* else /hang */
	return true;
}

/* Takes what whole requests there are. */
static bool requests(struct http_receiver *r, struct connection *c)
{
	while (!c->pending && c->in.n) {
		const char *end = memmem(c->in.p, c->in.n, "\r\n\r\n", 4), *length;
		char path[256] = "";
		size_t head, body;

		if (!end)
			break;
		head = (size_t)(end - c->in.p) + 4;
		length = memmem(c->in.p, head, "Content-Length: ", 16);
		body = length ? (size_t)atoi(length + 16) : 0;
		if (c->in.n < head + body)
			break;
		buf_cstr(&c->in);
		if (sscanf(c->in.p, "POST %255s ", path) != 1)
			return false;
		record(r, c, head, body);
		buf_consume(&c->in, head + body);
		if (!act(r, c, path))
			return false;
	}
	return true;
}

static bool readable(struct http_receiver *r, struct connection *c)
{
	char *to = buf_space(&c->in, 65536);
	ssize_t n = recv(c->fd, to, 65536, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	c->in.n += (size_t)n;
	return requests(r, c);
}

static bool writable(struct http_receiver *r, struct connection *c)
{
	ssize_t n = send(c->fd, c->out.p, c->drips ? 1 : c->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return false;
	buf_consume(&c->out, (size_t)n);
	return c->out.n || requests(r, c);
}

static void add(struct http_receiver *r)
{
	int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (r->count == CONNECTIONS) {
		close(fd);
		return;
	}
	r->c[r->count++] = (struct connection){.fd = fd};
	pthread_mutex_lock(&r->lock);
	r->counts.connections++;
	pthread_mutex_unlock(&r->lock);
}

/* Fills the poll set; returns the time to wait. */
static int prepare(struct http_receiver *r, struct pollfd *fds)
{
	int wait = -1;

	fds[0] = (struct pollfd){.fd = r->listener, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = r->stop_fd, .events = POLLIN};
	for (int i = 0; i < r->count; i++) {
		struct connection *c = &r->c[i];

		if (c->answer_at_ms && c->answer_at_ms <= now_ms()) {
			c->answer_at_ms = 0;
			answer(r, c, 200, NULL);
		}
		fds[i + 2] = (struct pollfd){.fd = c->fd, .events = POLLIN | (c->out.n && !c->drips ? POLLOUT : 0)};
		if (c->answer_at_ms || (c->drips && c->out.n))
			wait = wait < 0 ? DRIP_MS : wait;
	}
	return wait;
}

static void *run(void *ctx)
{
	struct http_receiver *r = ctx;
	struct pollfd fds[CONNECTIONS + 2];

	for (;;) {
		int wait = prepare(r, fds), n = r->count;

		poll(fds, (nfds_t)n + 2, wait);
		if (fds[1].revents)
			return NULL;
		for (int i = n - 1; i >= 0; i--) { /* backwards: drop() moves the last one down */
			struct connection *c = &r->c[i];
			bool ok = true;

			if (fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR))
				ok = readable(r, c);
			if (ok && c->out.n && (c->drips || fds[i + 2].revents & POLLOUT))
				ok = writable(r, c);
			if (!ok)
				drop(r, c);
		}
		if (fds[0].revents)
			add(r);
	}
}

struct http_receiver *http_receiver_new(void)
{
	struct http_receiver *r = xnew(struct http_receiver);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);

	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	ASSERT(bind(r->listener, (struct sockaddr *)&a, len) == 0 && listen(r->listener, 256) == 0);
	ASSERT(getsockname(r->listener, (struct sockaddr *)&a, &len) == 0);
	r->port = ntohs(a.sin_port);
	pthread_mutex_init(&r->lock, NULL);
	ASSERT(pthread_create(&r->thread, NULL, run, r) == 0);
	return r;
}

void http_receiver_free(struct http_receiver *r)
{
	uint64_t one = 1;

	ASSERT(write(r->stop_fd, &one, sizeof(one)) == sizeof(one));
	pthread_join(r->thread, NULL);
	while (r->count)
		drop(r, &r->c[0]);
	for (int i = 0; i < KEPT; i++) {
		buf_done(&r->heads[i]);
		buf_done(&r->bodies[i]);
	}
	close(r->listener);
	close(r->stop_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

int http_receiver_port(const struct http_receiver *r) { return r->port; }

struct http_receiver_counts http_receiver_counts(struct http_receiver *r)
{
	struct http_receiver_counts c;

	pthread_mutex_lock(&r->lock);
	c = r->counts;
	pthread_mutex_unlock(&r->lock);
	return c;
}

void http_receiver_request(struct http_receiver *r, int i, struct buf *head, struct buf *body)
{
	pthread_mutex_lock(&r->lock);
	buf_str(head, buf_view(&r->heads[i]));
	buf_str(body, buf_view(&r->bodies[i]));
	pthread_mutex_unlock(&r->lock);
}
