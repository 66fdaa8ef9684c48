/* smsc_sink.c - a fast SMSC for measurements: takes any bind, answers each submit_sm at once, sends receipts after a delay to
 * those who ask, and counts what came. Receipts stay until acknowledged: when a link goes, they wait for the next bind of the
 * same system_id. Prints one JSON line a second and one at the end. One thread, loopback only, no faults: those are the
 * sandbox's matter.
 *
 *   smsc_sink [--port N] [--delay MS] [--window N] [--dump FILE] [--quiet]
 *
 * Latency: a text with "@" and digits holds the sender's clock (microseconds); the time since then goes into a histogram. */
#include <getopt.h>

#include "smsc_sink.h"

#define READ_MAX (256 << 10)
#define PDU_MAX (72 << 10)

struct sink g;

static void conn_arm(struct conn *c, bool want)
{
	struct epoll_event ev = {.events = EPOLLIN | (want ? EPOLLOUT : 0u), .data.ptr = c};

	if (c->armed != want)
		epoll_ctl(g.epoll, EPOLL_CTL_MOD, c->fd, &ev);
	c->armed = want;
}

bool conn_flush(struct conn *c)
{
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
	conn_arm(c, c->out.n > 0);
	return true;
}

void conn_close(struct conn *c)
{
	struct conn **at = &g.conns;

	for (size_t i = 0; c->flies && i < g.window; i++)
		if (c->flies[i])
			ring_push(&g.back[c->system], &c->flying[i]);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	g.nconns--;
	close(c->fd);
	free(c->in.p);
	free(c->out.p);
	free(c->flying);
	free(c->flies);
	free(c);
}

static bool conn_read(struct conn *c)
{
	int64_t now = now_us();
	size_t done = 0;
	ssize_t r;

	bytes_space(&c->in, READ_MAX);
	r = read(c->fd, c->in.p + c->in.n, READ_MAX);
	if (r <= 0)
		return r < 0 && (errno == EAGAIN || errno == EINTR);
	c->in.n += (size_t)r;
	while (c->in.n - done >= 16) {
		size_t len = get32(c->in.p + done);

		if (len < 16 || len > PDU_MAX)
			return false;
		if (c->in.n - done < len)
			break;
		if (!on_pdu(c, c->in.p + done, len, now))
			return false;
		done += len;
	}
	bytes_drop(&c->in, done);
	return true;
}

static void on_accept(int listener)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct conn *c;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		nodelay(fd);
		c = calloc(1, sizeof(*c));
		if (!c)
			die("out of memory");
		c->fd = fd;
		c->seq = 1;
		c->next = g.conns;
		g.conns = c;
		g.nconns++;
		ev.data.ptr = c;
		epoll_ctl(g.epoll, EPOLL_CTL_ADD, fd, &ev);
	}
}

static void print_counts(const char *kind, uint64_t rate, double seconds)
{
	printf("{\"kind\":\"%s\",\"submits\":%llu,\"rate\":%llu,\"distinct\":%llu,\"repeated\":%llu,"
	       "\"other\":%llu,"
	       "\"receipts\":%llu,\"acked\":%llu,\"waiting\":%zu,\"connections\":%zu,\"first_us\":%llu,"
	       "\"last_us\":%llu,"
	       "\"cpu\":%.2f,\"seconds\":%.2f",
	       kind, (unsigned long long)g.submits, (unsigned long long)rate, (unsigned long long)g.set.distinct,
	       (unsigned long long)g.set.repeated, (unsigned long long)g.other,
	       (unsigned long long)g.receipts, (unsigned long long)g.acked, g.waiting, g.nconns,
	       (unsigned long long)g.first_us, (unsigned long long)g.last_us, cpu_seconds(), seconds);
	hist_print(&g.latency, "latency", stdout);
	printf("}\n");
	fflush(stdout);
}

static void serve(int listener, bool quiet)
{
	struct epoll_event ev[64], add = {.events = EPOLLIN};
	int64_t start = now_us(), second = start;
	uint64_t last = 0;

	epoll_ctl(g.epoll, EPOLL_CTL_ADD, listener, &add);
	while (!stopping) {
		int n = epoll_wait(g.epoll, ev, 64, g.waiting ? 1 : 100);
		int64_t now;

		for (int i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			bool ok = true;

			if (!c) {
				on_accept(listener);
				continue;
			}
			if (ev[i].events & ~(uint32_t)EPOLLOUT)
				ok = conn_read(c);
			if (!ok || !conn_flush(c))
				conn_close(c);
		}
		now = now_us();
		send_receipts(now);
		if (!quiet && now - second >= 1000000) {
			print_counts("second", (g.submits - last) * 1000000u / (uint64_t)(now - second),
				     (double)(now - start) / 1e6);
			last = g.submits;
			second = now;
		}
	}
	print_counts("total", g.last_us > g.first_us ? g.submits * 1000000u / (g.last_us - g.first_us) : 0,
		     (double)(now_us() - start) / 1e6);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"port", 1, NULL, 'p'},   {"delay", 1, NULL, 'd'},
					      {"window", 1, NULL, 'w'}, {"dump", 1, NULL, 'u'},
					      {"quiet", 0, NULL, 'q'},  {0}};
	const char *dump = NULL;
	bool quiet = false;
	uint16_t port = 0;
	int o, listener;

	g.delay_us = 20000;
	g.window = 1000;
	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 'p': port = (uint16_t)atoi(optarg); break;
		case 'd': g.delay_us = atoll(optarg) * 1000; break; /* negative: no receipts */
		case 'w': g.window = (size_t)atoll(optarg); break;
		case 'u': dump = optarg; break;
		case 'q': quiet = true; break;
		default: die("smsc_sink [--port N] [--delay MS] [--window N] [--dump FILE] [--quiet]");
		}
	}
	if (g.window < 1 || g.window > 1000000)
		die("--window: 1 to 1000000");
	catch_signals();
	set_open(&g.set);
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	g.last_id = (uint32_t)now_us(); /* not the ids of an earlier run */
	listener = listen_on(&port);
	printf("ready port=%u\n", port);
	fflush(stdout);
	serve(listener, quiet);
	if (dump)
		set_dump(&g.set, dump);
	return 0;
}
