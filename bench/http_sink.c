/* http_sink.c - a fast webhook receiver for measurements: HTTP/1.1 with keep-alive, one thread, loopback only. Answers 200 and
 * counts calls by path, distinct numbers per path included. Prints one JSON line a second and one at the end.
 *
 *   http_sink [--port N] [--key NAME] [--dump FILE] [--error PERCENT] [--reset PERCENT] [--hang PERCENT] [--quiet]
 *
 * The number is what follows NAME (default destination) in the query or in the JSON body: NAME=5511..., "NAME":"5511...".
 * --dump writes FILE.<path> for each path. --error answers 500, --reset closes instead, --hang never answers; such calls are
 * counted as faults, not as calls. */
#include <getopt.h>
#include "bench.h"

#define READ_MAX (256 << 10)
#define REQUEST_MAX (1 << 20)
#define KINDS_MAX 8

struct conn {
	int fd;
	bool armed, hangs;
	struct bytes in, out;
};
struct kind {
	char path[32];
	uint64_t calls;
	struct set set;
};
static struct {
	struct kind kind[KINDS_MAX];
	int kinds;
	char key[64];
	double error, reset, hang;
	uint64_t calls, faults, unread, bad, accepted, random;
	int64_t first_us, last_us;
	size_t conns;
	int epoll;
} g;

static struct kind *kind_of(const char *path, size_t n)
{
	n = n < sizeof(g.kind[0].path) - 1 ? n : sizeof(g.kind[0].path) - 1;
	for (int i = 0; i < g.kinds; i++)
		if (strlen(g.kind[i].path) == n && memcmp(g.kind[i].path, path, n) == 0)
			return &g.kind[i];
	if (g.kinds == KINDS_MAX)
		return &g.kind[KINDS_MAX - 1];
	memcpy(g.kind[g.kinds].path, path, n);
	set_open(&g.kind[g.kinds].set);
	return &g.kind[g.kinds++];
}

static bool find_number(const char *p, size_t n, uint32_t *ret)
{
	size_t k = strlen(g.key);
	const char *at = memmem(p, n, g.key, k), *end = p + n;

	if (!at)
		return false;
	for (at += k; at < end && (*at == '"' || *at == ':' || *at == '=' || *at == ' ' || *at == '+');)
		at++;
	return number_read(at, (size_t)(end - at), ret);
}

static bool happens(double percent)
{
	if (percent <= 0)
		return false;
	g.random = g.random * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(g.random >> 33) / 2147483648.0 * 100 < percent;
}

/* The value of a header, NULL when missing. head ends with an empty line. */
static const char *header(const char *head, size_t n, const char *name)
{
	size_t k = strlen(name);

	for (const char *p = head; (p = memchr(p, '\n', (size_t)(head + n - p))) && (size_t)(head + n - ++p) > k;)
		if (strncasecmp(p, name, k) == 0 && p[k] == ':')
			return p + k + 1 + strspn(p + k + 1, " ");
	return NULL;
}

/* One whole request: line, headers, body. false: close the connection. */
static bool on_call(struct conn *c, const char *head, size_t headn, const char *body, size_t bodyn)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static const char no[] = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
	const char *path = memchr(head, ' ', headn), *end;
	struct kind *k;
	uint32_t number;
	size_t n;

	if (happens(g.reset)) {
		g.faults++;
		return false;
	}
	if (happens(g.hang)) {
		g.faults++;
		c->hangs = true;
		return true;
	}
	if (happens(g.error)) {
		g.faults++;
		bytes_put(&c->out, no, sizeof(no) - 1);
		return true;
	}
	if (!path)
		return false;
	path++;
	end = memchr(path, ' ', (size_t)(head + headn - path));
	if (!end)
		return false;
	n = (size_t)(end - path);
	k = kind_of(path, memchr(path, '?', n) ? (size_t)((const char *)memchr(path, '?', n) - path) : n);
	k->calls++;
	g.calls++;
	if (find_number(path, n, &number) || find_number(body, bodyn, &number))
		set_add(&k->set, number);
	else
		g.unread++;
	g.last_us = now_us();
	if (!g.first_us)
		g.first_us = g.last_us;
	bytes_put(&c->out, ok, sizeof(ok) - 1);
	return true;
}

static bool parse(struct conn *c)
{
	size_t done = 0;

	while (done < c->in.n && !c->hangs) {
		const char *head = c->in.p + done, *end = memmem(head, c->in.n - done, "\r\n\r\n", 4), *v;
		size_t headn, bodyn = 0;

		if (!end)
			break;
		headn = (size_t)(end - head) + 4;
		v = header(head, headn, "Content-Length");
		if (v)
			bodyn = strtoul(v, NULL, 10);
		if (bodyn > REQUEST_MAX || header(head, headn, "Transfer-Encoding")) {
			g.bad++;
			return false;
		}
		if (c->in.n - done == headn && bodyn && header(head, headn, "Expect"))
			bytes_put(&c->out, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		if (c->in.n - done < headn + bodyn)
			break;
		if (!on_call(c, head, headn, end + 4, bodyn))
			return false;
		done += headn + bodyn;
	}
	bytes_drop(&c->in, done);
	return c->in.n < REQUEST_MAX;
}

static bool flush(struct conn *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	size_t done = 0;

	while (done < c->out.n) {
		ssize_t r = write(c->fd, c->out.p + done, c->out.n - done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno != EAGAIN)
			return false;
		if (r < 0)
			break;
		done += (size_t)r;
	}
	bytes_drop(&c->out, done);
	if (c->armed != (c->out.n > 0)) {
		c->armed = c->out.n > 0;
		ev.events |= c->armed ? EPOLLOUT : 0u;
		epoll_ctl(g.epoll, EPOLL_CTL_MOD, c->fd, &ev);
	}
	return true;
}

static bool on_ready(struct conn *c, uint32_t what)
{
	if (what & ~(uint32_t)EPOLLOUT) {
		ssize_t r;

		bytes_space(&c->in, READ_MAX);
		r = read(c->fd, c->in.p + c->in.n, READ_MAX);
		if (r <= 0)
			return r < 0 && (errno == EAGAIN || errno == EINTR);
		c->in.n += (size_t)r;
		if (!parse(c))
			return false;
	}
	return flush(c);
}

static void conn_close(struct conn *c)
{
	close(c->fd);
	free(c->in.p);
	free(c->out.p);
	free(c);
	g.conns--;
}

static void on_accept(int listener)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		if (!c)
			die("out of memory");
		nodelay(fd);
		c->fd = fd;
		ev.data.ptr = c;
		epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &ev);
		g.conns++;
		g.accepted++;
	}
}

static void print_counts(const char *kind, uint64_t rate, double seconds)
{
	printf("{\"kind\":\"%s\",\"calls\":%llu,\"rate\":%llu,\"faults\":%llu,\"unread\":%llu,\"bad\":%llu,"
	       "\"connections\":%zu,\"accepted\":%llu,\"first_us\":%lld,\"last_us\":%lld,\"cpu\":%.2f,"
	       "\"seconds\":%.2f,"
	       "\"paths\":{",
	       kind, (unsigned long long)g.calls, (unsigned long long)rate, (unsigned long long)g.faults,
	       (unsigned long long)g.unread, (unsigned long long)g.bad, g.conns, (unsigned long long)g.accepted,
	       (long long)g.first_us, (long long)g.last_us, cpu_seconds(), seconds);
	for (int i = 0; i < g.kinds; i++)
		printf("%s\"%s\":{\"calls\":%llu,\"distinct\":%llu,\"repeated\":%llu}", i ? "," : "",
		       g.kind[i].path, (unsigned long long)g.kind[i].calls,
		       (unsigned long long)g.kind[i].set.distinct, (unsigned long long)g.kind[i].set.repeated);
	printf("}}\n");
	fflush(stdout);
}

static void serve(int listener, bool quiet)
{
	struct epoll_event ev[128], add = {.events = EPOLLIN};
	int64_t start = now_us(), second = start, now;
	uint64_t last = 0;

	epoll_ctl(g.epoll, EPOLL_CTL_ADD, listener, &add);
	while (!stopping) {
		int n = epoll_wait(g.epoll, ev, 128, 100);

		for (int i = 0; i < n; i++) {
			if (!ev[i].data.ptr)
				on_accept(listener);
			else if (!on_ready(ev[i].data.ptr, ev[i].events))
				conn_close(ev[i].data.ptr);
		}
		now = now_us();
		if (!quiet && now - second >= 1000000) {
			print_counts("second", (g.calls - last) * 1000000u / (uint64_t)(now - second),
				     (double)(now - start) / 1e6);
			last = g.calls;
			second = now;
		}
	}
	print_counts("total", g.last_us > g.first_us ? g.calls * 1000000u / (uint64_t)(g.last_us - g.first_us) : 0,
		     (double)(now_us() - start) / 1e6);
}

static void dump(const char *file)
{
	for (int i = 0; i < g.kinds; i++) {
		char path[512], name[32];
		size_t n = 0;

		for (const char *p = g.kind[i].path; *p; p++)
			if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'))
				name[n++] = *p;
		name[n] = '\0';
		snprintf(path, sizeof(path), "%s.%s", file, name);
		set_dump(&g.kind[i].set, path);
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"port", 1, NULL, 'p'},  {"key", 1, NULL, 'k'},
					      {"dump", 1, NULL, 'u'},  {"error", 1, NULL, 'e'},
					      {"reset", 1, NULL, 'r'}, {"hang", 1, NULL, 'h'},
					      {"quiet", 0, NULL, 'q'}, {0}};
	const char *file = NULL;
	bool quiet = false;
	uint16_t port = 0;
	int o, listener;

	strcpy(g.key, "destination");
	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': port = (uint16_t)atoi(optarg); break;
		case 'k': snprintf(g.key, sizeof(g.key), "%s", optarg); break;
		case 'u': file = optarg; break;
		case 'e': g.error = atof(optarg); break;
		case 'r': g.reset = atof(optarg); break;
		case 'h': g.hang = atof(optarg); break;
		case 'q': quiet = true; break;
		default:
			die("http_sink [--port N] [--key NAME] [--dump FILE] [--error PERCENT] [--reset "
			    "PERCENT] [--hang PERCENT] "
			    "[--quiet]");
		}
	}
	catch_signals();
	g.random = (uint64_t)now_us();
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_on(&port);
	printf("ready port=%u\n", port);
	fflush(stdout);
	serve(listener, quiet);
	if (file)
		dump(file);
	return 0;
}
