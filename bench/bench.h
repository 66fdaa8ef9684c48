/* bench.h - what the tools of the bench share: time, histogram, sets of numbers, sockets. Tools end on any error of their own;
 * they are run by a script that wants to know. All clocks are CLOCK_MONOTONIC, so that times compare across processes. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BENCH_UNUSED __attribute__((unused))

/* Destinations are 5511 and nine digits, so that the number tells which message it is: a set is a bitmap. Those of Brazilian
 * mobiles start at 900000000. */
#define NUMBER_PREFIX "5511"
#define NUMBER_FIRST 900000000u
#define NUMBER_END 1000000000u

BENCH_UNUSED __attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

static inline int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

BENCH_UNUSED static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

BENCH_UNUSED static void *grow(void *p, size_t n)
{
	void *q = realloc(p, n);

	if (!q)
		die("out of memory");
	return q;
}

/* Latencies in microseconds: exact to 1/16 from 1 us to over an hour. */
struct hist {
	uint64_t n, sum, max;
	uint64_t bucket[32 * 16];
};
BENCH_UNUSED static void hist_add(struct hist *h, int64_t us)
{
	uint64_t v = us < 1 ? 1 : (uint64_t)us;
	unsigned log = 63u - (unsigned)__builtin_clzll(v);
	unsigned sub = (unsigned)(log >= 4 ? v >> (log - 4) : v << (4 - log)) & 15;

	h->n++;
	h->sum += v;
	h->max = v > h->max ? v : h->max;
	h->bucket[log > 31 ? 511 : log * 16 + sub]++;
}
BENCH_UNUSED static uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)((double)h->n * q), seen = 0;

	for (unsigned i = 0; i < 512; i++) {
		seen += h->bucket[i];
		if (seen > want)
			return i / 16 >= 4 ? (uint64_t)(16 + i % 16) << (i / 16 - 4)
					   : (uint64_t)(16 + i % 16) >> (4 - i / 16);
	}
	return h->max;
}
BENCH_UNUSED static void hist_print(const struct hist *h, const char *name, FILE *f)
{
	fprintf(f, ",\"%s\":{\"n\":%llu,\"mean_us\":%.0f,\"p50_us\":%llu,\"p90_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu}",
		name, (unsigned long long)h->n, h->n ? (double)h->sum / (double)h->n : 0.0,
		(unsigned long long)hist_quantile(h, 0.5), (unsigned long long)hist_quantile(h, 0.9),
		(unsigned long long)hist_quantile(h, 0.99), (unsigned long long)h->max);
}

/* A set of numbers 0..999999999 with "seen before": two bits each, 250 MB of address space of which only what is touched
 * takes memory. */
struct set {
	uint8_t *bits;
	uint64_t distinct, repeated;
};
BENCH_UNUSED static void set_open(struct set *s)
{
	s->bits = mmap(NULL, NUMBER_END / 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->bits == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}
/* true: for the first time. */
BENCH_UNUSED static bool set_add(struct set *s, uint32_t number)
{
	uint8_t *b = &s->bits[number / 4];
	unsigned shift = number % 4 * 2;

	if (!(*b >> shift & 1)) {
		*b = (uint8_t)(*b | 1u << shift);
		s->distinct++;
		return true;
	}
	*b = (uint8_t)(*b | 2u << shift);
	s->repeated++;
	return false;
}
/* One line a number that is there: its digits, and "again" when it came more than once. */
BENCH_UNUSED static void set_dump(const struct set *s, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die("%s: %s", path, strerror(errno));
	for (uint32_t i = 0; i < NUMBER_END / 4; i++)
		for (unsigned k = 0; s->bits[i] && k < 4; k++)
			if (s->bits[i] >> (k * 2) & 1)
				fprintf(f, NUMBER_PREFIX "%09u%s\n", i * 4 + k, s->bits[i] >> (k * 2) & 2 ? " again" : "");
	fclose(f);
}
/* The counter in "5511900000042"; false when it is something else. */
BENCH_UNUSED static bool number_read(const char *p, size_t n, uint32_t *ret)
{
	uint32_t v = 0;

	if (n < 13 || memcmp(p, NUMBER_PREFIX, 4) != 0)
		return false;
	for (size_t i = 4; i < 13; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(p[i] - '0');
	}
	*ret = v;
	return true;
}

BENCH_UNUSED static void nodelay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}
/* Loopback only. Port 0 takes a free one; *port is the one taken. */
BENCH_UNUSED static int listen_on(uint16_t *port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, 1024) < 0)
		die("port %u: %s", *port, strerror(errno));
	getsockname(fd, (struct sockaddr *)&sa, &n);
	*port = ntohs(sa.sin_port);
	return fd;
}
BENCH_UNUSED static int connect_to(uint16_t port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	nodelay(fd);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static volatile sig_atomic_t stopping;
static void on_stop(int sig)
{
	(void)sig;
	stopping = 1;
}
BENCH_UNUSED static void catch_signals(void)
{
	struct sigaction a = {.sa_handler = on_stop};

	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Octets in and out of a connection. */
struct bytes {
	char *p;
	size_t n, cap;
};
static inline char *bytes_space(struct bytes *b, size_t n)
{
	if (b->cap - b->n < n) {
		b->cap = (b->n + n) * 2;
		b->p = grow(b->p, b->cap);
	}
	return b->p + b->n;
}
static inline void bytes_put(struct bytes *b, const void *p, size_t n)
{
	if (!n)
		return;
	memcpy(bytes_space(b, n), p, n);
	b->n += n;
}
static inline void bytes_drop(struct bytes *b, size_t n)
{
	b->n -= n;
	if (b->n)
		memmove(b->p, b->p + n, b->n);
}
