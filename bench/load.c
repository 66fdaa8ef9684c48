/* load.c - an HTTP load generator that knows what it sent (`pombo bench`). One thread, keep-alive, plain or TLS, loopback only.
 *
 * Each message has its own number (bench.h), counted up from --first, so that scripts can compare what was accepted (--ledger) with
 * what arrived. With a rate, latency counts from when the request should have left, so that a slow server cannot hide behind a
 * generator that waits for it. */
#include <getopt.h>
#include <openssl/ssl.h>
#include <sysexits.h>

#include "load.h"

struct load g = {.mode = POST, .connections = 64, .bulk = BULK_MAX, .seconds = 5, .next = NUMBER_FIRST};

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
