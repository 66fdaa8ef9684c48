/* server_test.c - the server on real sockets: keeping connections, broken and hostile requests, slow clients, limits, TLS,
 * stopping. */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/metrics.h"

#define AUTH "username: ana\r\nauthenticationtoken: t-ana\r\n"
#define HEAD_OF(line) line " HTTP/1.1\r\nHost: x\r\n" AUTH
#define GET_ONE "GET /v1/send-sms?destination=5511900000000&messageText=x"

static struct fixture f;

static void start(void) { fixture_start(&f); }

static void fresh(void) { fixture_init(&f); }

/* Sends octets, expects that status and then the end of the connection. */
static void refused(const char *p, size_t n, int status)
{
	struct client c = client_open(&f);
	struct answer a;

	client_send(&c, p, n);
	a = client_read(&c);
	if (a.status != status)
		print_error("%.*s\n-> %d %s\n", (int)n, p, a.status, answer_text_of(&a));
	assert_int_equal(a.status, status);
	assert_non_null(answer_header(&a, "Connection"));
	assert_true(client_eof(&c));
	client_close(&c);
}

#define REFUSED(text, status) refused(text, sizeof(text) - 1, status)

TEST(a_connection_is_kept_and_requests_are_pipelined)
{
	struct client c;
	struct buf b = BUF_INIT;

	fresh();
	start();
	c = client_open(&f);
	for (int i = 0; i < 20; i++) {
		struct answer a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "",
				      "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}");

		assert_int_equal(a.status, 200);
		a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=y", "ana", "", NULL);
		assert_int_equal(a.status, 200);
		assert_null(answer_header(&a, "Connection"));
	}
	for (int i = 0; i < 50; i++)
		buf_fmt(&b, "%s&correlationId=%d HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", GET_ONE, i);
	client_send(&c, b.p, b.n);
	for (int i = 0; i < 50; i++) {
		struct answer a = client_read(&c);
		char want[40];

		snprintf(want, sizeof(want), "\"correlationId\":\"%d\"", i);
		assert_true(answer_has(&a, want));
		assert_int_equal(a.status, 200);
	}
	client_close(&c);
	buf_done(&b);
	assert_int_equal(fake_accepted(f.engine), 90);
	fixture_stop(&f);
}

TEST(smuggling_forms_are_refused_and_the_connection_closed)
{
	fresh();
	start();
	REFUSED(HEAD_OF("POST /v1/send-sms") "Content-Length: 4\r\nTransfer-Encoding: "
					     "chunked\r\n\r\n0\r\n\r\n",
		400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\nContent-Length: "
					     "5\r\n\r\n0\r\n\r\n",
		400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Content-Length: 4\r\nContent-Length: 2\r\n\r\nabcd", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Content-Length : 4\r\n\r\nabcd", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Content-Length\t: 4\r\n\r\nabcd", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
					     "identity\r\n\r\n0\r\n\r\n",
		400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400);
	REFUSED(HEAD_OF("POST /v1/send-sms") "X: a\r\n Content-Length: 4\r\n\r\nabcd", 400);
	REFUSED(HEAD_OF("GET /healthz") "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X: a\rTransfer-Encoding: chunked\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X: a\0Transfer-Encoding: chunked\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X: a\nTransfer-Encoding: chunked\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X: a\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X: a\r\n\n", 400);
	REFUSED("GET /healthz HTTP/1.1\nHost: x\r\n\r\n", 400);
	REFUSED("GET /healthz HTTP/1.1\nHost: x\n\n", 400);
	REFUSED("GET /healthz HTTP/1.1\r\n Host: x\r\nX: y\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") ": a\r\n\r\n", 400);
	REFUSED(HEAD_OF("GET /healthz") "X Y: a\r\n\r\n", 400);
	REFUSED("GET /healthz HTTP/1.1\r\n\r\n", 400);
	REFUSED("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400);
	REFUSED("GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400);
	REFUSED("GET /healthz /x HTTP/1.1\r\nHost: x\r\n\r\n", 400);
	REFUSED("GET /health\x01z HTTP/1.1\r\nHost: x\r\n\r\n", 400);
	REFUSED("GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n", 505);
	REFUSED("POST /v1/send-sms HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
	assert_int_equal(fake_accepted(f.engine), 0);
	fixture_stop(&f);
}

/* What follows a refused request or a chunked one on the same connection is never answered. */
TEST(nothing_behind_a_doubtful_body_is_executed)
{
	static const char *const first[] = {
		HEAD_OF("POST /v1/send-sms") "Content-Length: 6\r\nTransfer-Encoding: "
					     "chunked\r\n\r\n0\r\n\r\nX",
		HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\n\r\n2;a=b\n{}\r\n0\r\n\r\n",
		HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		HEAD_OF("GET /healthz") "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	};

	fresh();
	start();
	for (size_t i = 0; i < COUNT_OF(first); i++) {
		struct client c = client_open(&f);
		struct buf b = BUF_INIT;
		struct answer a;

		buf_fmt(&b, "%s%s HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n", first[i], GET_ONE);
		client_send(&c, b.p, b.n);
		a = client_read(&c);
		assert_true(a.status == 400 || i == 3);
		assert_true(client_eof(&c));
		client_close(&c);
		buf_done(&b);
	}
	assert_int_equal(fake_accepted(f.engine), 0);
	fixture_stop(&f);
}

TEST(bodies_come_in_any_pieces)
{
	static const char body[] = "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}";
	static const char plain[] =
		HEAD_OF("POST /v1/send-sms") "Content-Type: application/json\r\nContent-Length: 49\r\n\r\n";
	struct client c;
	struct buf b = BUF_INIT;
	struct answer a;

	assert_int_equal(sizeof(body) - 1, 49);
	fresh();
	start();
	c = client_open(&f);
	for (size_t i = 0; i < sizeof(plain) - 1; i++)
		client_send(&c, plain + i, 1);
	for (size_t i = 0; i < sizeof(body) - 1; i++)
		client_send(&c, body + i, 1);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	buf_puts(&b, HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < sizeof(body) - 1; i += 7)
		buf_fmt(&b, "%zx\r\n%.7s\r\n", MIN((size_t)7, sizeof(body) - 1 - i), body + i);
	buf_puts(&b, "0\r\n\r\n");
	client_send(&c, b.p, b.n);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_header(&a, "Connection"), "close");
	assert_true(client_eof(&c));
	client_close(&c);
	buf_done(&b);
	fixture_stop(&f);
}

TEST(expect_100_continue_is_answered)
{
	static const char head[] =
		HEAD_OF("POST /v1/send-sms") "Expect: 100-continue\r\nContent-Length: 49\r\n\r\n";
	struct client c;
	struct answer a;

	fresh();
	start();
	c = client_open(&f);
	client_puts(&c, head);
	client_puts(&c, "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}");
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	client_close(&c);
	/* A refusal is told before the body is sent. */
	c = client_open(&f);
	client_puts(&c, "POST /v1/send-sms HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
			"49\r\n\r\n");
	a = client_read(&c);
	assert_int_equal(a.status, 401);
	client_close(&c);
	fixture_stop(&f);
}

TEST(a_long_query_fits_and_a_longer_one_is_refused)
{
	struct client c;
	struct buf b = BUF_INIT;
	struct answer a;

	fresh();
	start();
	c = client_open(&f);
	buf_puts(&b, "GET /v1/send-sms?destination=5511900000000&messageText=");
	for (int i = 0; i < 1280; i++)
		buf_puts(&b, "%F0%9F%98%80");
	buf_puts(&b, "&extraInfo=");
	for (int i = 0; i < 255; i++)
		buf_puts(&b, "%F0%9F%98%80");
	buf_puts(&b, "&correlationId=");
	for (int i = 0; i < 64; i++)
		buf_puts(&b, "%F0%9F%98%80");
	assert_true(b.n > 19000);
	buf_puts(&b, " HTTP/1.1\r\nHost: x\r\n" AUTH);
	for (int i = 0; i < 40; i++)
		buf_fmt(&b, "X-Filler-%d: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\n",
			i);
	buf_puts(&b, "\r\n");
	client_send(&c, b.p, b.n);
	a = client_read(&c);
	assert_true(answer_has(&a, "\"correlationId\""));
	assert_int_equal(strlen(fake_last(f.engine).text), 2047); /* as much as the fake keeps */
	buf_clear(&b);
	buf_puts(&b, "GET /v1/send-sms?x=");
	for (int i = 0; i < 25000; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, " HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n");
	client_send(&c, b.p, b.n);
	a = client_read(&c);
	assert_int_equal(a.status, 414);
	assert_true(answer_has(&a, "\"errorCode\":414"));
	client_close(&c);
	/* Beyond the library's memory it answers itself, or just closes. */
	c = client_open(&f);
	buf_clear(&b);
	buf_puts(&b, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
	for (int i = 0; i < 200000; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\r\n\r\n");
	client_send(&c, b.p, b.n);
	a = client_read(&c);
	assert_int_equal(a.status, 431);
	client_close(&c);
	buf_done(&b);
	fixture_stop(&f);
}

TEST(a_half_closed_client_gets_its_answer)
{
	struct client c;
	struct answer a;

	fresh();
	start();
	fake_hold(f.engine, true);
	c = client_open(&f);
	client_puts(&c, HEAD_OF(GET_ONE) "\r\n");
	shutdown(c.fd, SHUT_WR);
	fake_await_waiting(f.engine, 1);
	fake_hold(f.engine, false);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	assert_true(client_eof(&c));
	client_close(&c);
	fixture_stop(&f);
}

TEST(a_client_that_leaves_while_it_waits_frees_nothing_too_early)
{
	struct client c[20];

	fresh();
	start();
	fake_hold(f.engine, true);
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		c[i] = client_open(&f);
		client_puts(&c[i], HEAD_OF(GET_ONE) "\r\n");
	}
	fake_await_waiting(f.engine, COUNT_OF(c));
	for (size_t i = 0; i < COUNT_OF(c); i++)
		client_close(&c[i]);
	fake_hold(f.engine, false);
	expect_answer(&f, 200, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(fake_accepted(f.engine), COUNT_OF(c) + 1);
	fixture_stop(&f);
}

TEST(slow_senders_are_shut_out)
{
	struct client idle, drip, body;

	fresh();
	f.settings.limits.request_deadline_ms = 300;
	f.settings.limits.idle_ms = 300;
	start();
	idle = client_open(&f);
	drip = client_open(&f);
	body = client_open(&f);
	client_puts(&drip, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
	client_puts(&body, HEAD_OF("POST /v1/send-sms") "Content-Length: 1000\r\n\r\n{");
	for (int i = 0; i < 8; i++) { /* activity does not help */
		usleep(50000);
		client_puts(&drip, "a");
		client_puts(&body, " ");
	}
	assert_true(client_eof(&idle));
	assert_true(client_eof(&drip));
	assert_true(client_eof(&body));
	client_close(&idle);
	client_close(&drip);
	client_close(&body);
	fixture_stop(&f);
}

TEST(a_wait_for_the_commit_has_no_deadline)
{
	struct client c;
	struct answer a;

	fresh();
	f.settings.limits.request_deadline_ms = 200;
	f.settings.limits.idle_ms = 200;
	start();
	fake_hold(f.engine, true);
	c = client_open(&f);
	client_puts(&c, HEAD_OF(GET_ONE) "\r\n");
	fake_await_waiting(f.engine, 1);
	usleep(600000);
	fake_hold(f.engine, false);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	assert_true(client_eof(&c)); /* then it idles */
	client_close(&c);
	fixture_stop(&f);
}

TEST(a_slow_reader_is_shut_out)
{
	struct client c;
	struct buf b = BUF_INIT;
	int small = 4096;

	fresh();
	f.settings.limits.request_deadline_ms = 400;
	start();
	c = client_open(&f);
	setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < 2000; i++)
		buf_puts(&b, "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n");
	client_send(&c, b.p, MIN(b.n, (size_t)65536));
	/* It never reads: its socket is shut and the server is as before. */
	usleep(900000);
	expect_answer(&f, 200, "GET", "/healthz", NULL, "", NULL);
	client_close(&c);
	buf_done(&b);
	fixture_stop(&f);
}

TEST(connections_are_limited_in_total_and_per_address)
{
	struct client c[4], one_more;

	fresh();
	f.settings.limits.connections = 3;
	start();
	for (int i = 0; i < 3; i++) {
		c[i] = client_open(&f);
		assert_int_equal(ask(&f, &c[i], "GET", "/healthz", NULL, "", NULL).status, 200);
	}
	one_more = client_open(&f);
	assert_true(client_eof(&one_more));
	client_close(&one_more);
	client_close(&c[0]);
	for (;;) { /* until the server has noticed */
		char octet;

		c[0] = client_open(&f);
		client_puts(&c[0], "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
		if (recv(c[0].fd, &octet, 1, MSG_PEEK) == 1)
			break;
		client_close(&c[0]);
	}
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	fixture_stop(&f);

	fresh();
	f.settings.limits.connections_per_ip = 2;
	start();
	for (int i = 0; i < 2; i++) {
		c[i] = client_open(&f);
		assert_int_equal(ask(&f, &c[i], "GET", "/healthz", NULL, "", NULL).status, 200);
	}
	one_more = client_open(&f);
	assert_true(client_eof(&one_more));
	client_close(&one_more);
	/* A trusted proxy may have more. */
	f.settings.trusted_proxies = (char *[]){(char[]){"127.0.0.0/8"}};
	f.settings.trusted_proxy_count = 1;
	fixture_change(&f);
	c[2] = client_open(&f);
	assert_int_equal(ask(&f, &c[2], "GET", "/healthz", NULL, "", NULL).status, 200);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	fixture_stop(&f);
}

TEST(bodies_are_limited_each_and_in_total)
{
	struct buf b = BUF_INIT;
	struct client c, waiting;
	struct answer a;

	fresh();
	f.settings.limits.body = 100000;
	f.settings.limits.inflight = 60000;
	start();
	/* by its length, before it is read */
	c = client_open(&f);
	client_puts(&c, HEAD_OF("POST /v1/send-sms") "Content-Length: 100001\r\n\r\n");
	a = client_read(&c);
	assert_int_equal(a.status, 413);
	assert_true(client_eof(&c));
	client_close(&c);
	/* while it streams */
	c = client_open(&f);
	buf_puts(&b, HEAD_OF("POST /v1/send-sms") "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 101; i++) {
		buf_puts(&b, "3e8\r\n");
		for (int k = 0; k < 100; k++)
			buf_puts(&b, "          ");
		buf_puts(&b, "\r\n");
	}
	buf_puts(&b, "0\r\n\r\n");
	client_send(&c, b.p, b.n);
	a = client_read(&c);
	assert_int_equal(a.status, 413);
	assert_true(client_eof(&c));
	client_close(&c);
	/* in total: one alone may be larger than the total, a second one finds no room */
	waiting = client_open(&f);
	client_puts(&waiting, HEAD_OF("POST /v1/send-sms") "Content-Length: 50000\r\n\r\n");
	buf_clear(&b);
	for (int k = 0; k < 4999; k++)
		buf_puts(&b, "          ");
	client_send(&waiting, b.p, b.n);
	while (metric_get(M_INFLIGHT_BYTES) < (int64_t)b.n)
		usleep(1000);
	c = client_open(&f);
	client_puts(&c, HEAD_OF("POST /v1/send-sms") "Content-Length: 50000\r\n\r\n");
	client_send(&c, b.p, b.n);
	client_puts(&c, "          ");
	a = client_read(&c);
	assert_int_equal(a.status, 503);
	assert_string_equal(answer_header(&a, "Retry-After"), "1");
	client_close(&c);
	client_puts(&waiting, "          ");
	a = client_read(&waiting);
	assert_int_equal(a.status, 400);
	client_close(&waiting);
	c = client_open(&f);
	a = ask(&f, &c, "GET", "/healthz", NULL, "", NULL);
	client_close(&c);
	while (metric_get(M_INFLIGHT_BYTES))
		usleep(1000);
	buf_done(&b);
	fixture_stop(&f);
}

TEST(a_small_refused_body_does_not_cost_the_connection)
{
	struct client c;
	struct answer a;

	fresh();
	start();
	c = client_open(&f);
	a = ask(&f, &c, "POST", "/nowhere", "ana", "", "some body");
	assert_int_equal(a.status, 404);
	a = ask(&f, &c, "DELETE", "/v1/send-sms", "ana", "", "some body");
	assert_int_equal(a.status, 405);
	assert_string_equal(answer_header(&a, "Allow"), "GET, POST");
	a = ask(&f, &c, "POST", "/v1/send-sms", NULL, "", "some body");
	assert_int_equal(a.status, 401);
	a = ask(&f, &c, "GET", "/healthz", NULL, "", "GET /v1/send-sms HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(a.status, 200);
	a = ask(&f, &c, "HEAD", "/healthz", NULL, "", NULL);
	assert_int_equal(a.status, 200);
	assert_string_equal(answer_header(&a, "Content-Length"), "3");
	a = ask(&f, &c, "GET", "http://example.com/healthz", NULL, "", NULL);
	assert_int_equal(a.status, 200);
	client_close(&c);
	fixture_stop(&f);
}

TEST(rates_are_limited_by_address_user_and_account)
{
	char *proxies[] = {(char[]){"127.0.0.0/8"}};
	struct client c;
	struct answer a;
	int limited = 0;

	fresh();
	f.settings.limits.requests_per_second = 5;
	start();
	c = client_open(&f);
	for (int i = 0; i < 8; i++) {
		a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
		if (a.status == 429) {
			limited++;
			assert_string_equal(answer_header(&a, "Retry-After"), "1");
			assert_true(answer_has(&a, "more than 5 requests a second from one address"));
		}
	}
	assert_true(limited >= 2);
	assert_int_equal(ask(&f, &c, "GET", "/healthz", NULL, "", NULL).status, 200);
	/* Behind a trusted proxy other clients have their own buckets. */
	f.settings.trusted_proxies = proxies;
	f.settings.trusted_proxy_count = 1;
	f.settings.limits.requests_per_second = 1;
	fixture_change(&f);
	a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana",
		"X-Forwarded-For: 198.51.100.1\r\n", NULL);
	assert_int_equal(a.status, 200);
	a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana",
		"X-Forwarded-For: 198.51.100.9\r\nX-Forwarded-For: 198.51.100.2, 127.0.0.1\r\n", NULL);
	assert_int_equal(a.status, 200);
	a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana",
		"X-Forwarded-For: 1.1.1.1, 198.51.100.1\r\n", NULL);
	assert_int_equal(a.status, 429);
	f.settings.limits.requests_per_second = 0;
	f.settings.limits.user_requests_per_second = 1;
	fixture_change(&f);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL).status, 200);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL).status, 429);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "rui", "", NULL).status, 200);
	f.settings.limits.user_requests_per_second = 0;
	f.settings.limits.account_requests_per_second = 1;
	fixture_change(&f);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL).status, 200);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "rui", "", NULL).status, 429);
	assert_int_equal(
		ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "eva", "", NULL).status, 200);
	client_close(&c);
	fixture_stop(&f);
}

/* Whoever guesses paths, methods or users is counted; a scanner gets 429 as anybody does. */
TEST(what_is_refused_early_is_counted_too)
{
	static const struct {
		const char *method, *target, *user, *headers;
		int status;
		bool closes;
	} rows[] = {
		{"GET", "/v1/no-such-thing", NULL, "", 404, false},
		{"GET", "/v1/no-such-thing", "ana", "", 404, false},
		{"DELETE", "/v1/send-sms", NULL, "", 405, false},
		{"POST", "/healthz", NULL, "", 405, false},
		{"GET", "/v1/send-sms?messageText=x", NULL, "", 401, false},
		{"GET", "/v1/send-sms?messageText=x", NULL, "Host: twice\r\n", 400, true},
	};
	struct client c;
	struct answer a;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool limited = false;

		fresh();
		f.settings.limits.requests_per_second = 1;
		start();
		c = client_open(&f);
		a = ask(&f, &c, rows[i].method, rows[i].target, rows[i].user, rows[i].headers, NULL);
		assert_int_equal(a.status, rows[i].status);
		/* One a second: of a hundred some come too early even on a slow machine. */
		for (int k = 0; k < 100 && !limited; k++) {
			if (rows[i].closes) {
				client_close(&c);
				c = client_open(&f);
			}
			a = ask(&f, &c, rows[i].method, rows[i].target, rows[i].user, rows[i].headers, NULL);
			limited = a.status == 429;
			assert_true(limited || a.status == rows[i].status);
		}
		assert_true(limited);
		assert_true(answer_has(&a, "more than 1 request a second from one address"));
		assert_string_equal(answer_header(&a, "Retry-After"), "1");
		if (rows[i].closes) {
			client_close(&c);
			c = client_open(&f);
		}
		assert_int_equal(ask(&f, &c, "GET", "/healthz", NULL, "", NULL).status, 200);
		client_close(&c);
		fixture_stop(&f);
	}
}

TEST(status_queries_share_one_a_second)
{
	struct client c;
	struct answer a;

	fresh();
	f.settings.limits.status_queries_per_second = 1;
	start();
	c = client_open(&f);
	a = ask(&f, &c, "GET", "/v1/sms/status/list", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	a = ask(&f, &c, "GET", "/v1/sms-status?id=x", "ana", "", NULL);
	assert_int_equal(a.status, 429);
	assert_true(answer_has(&a, "more than 1 status query a second from one address"));
	assert_string_equal(answer_header(&a, "Retry-After"), "1");
	a = ask(&f, &c, "POST", "/v1/sms/status/search", "ana", "", "{\"ids\":[]}");
	assert_int_equal(a.status, 429);
	a = ask(&f, &c, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	client_close(&c);
	fixture_stop(&f);
}

/* -- TLS ----------------------------------------------------------------------------------------------------------- */

TEST(tls_serves_and_certificates_change_under_it)
{
	char dir[] = "/tmp/pombo-api-XXXXXX", crt[64], key[64], name[64];
	struct client first, second, c;
	struct answer a;
	struct err e;
	bool ok;

	assert_non_null(mkdtemp(dir));
	snprintf(crt, sizeof(crt), "%s/tls.crt", dir);
	snprintf(key, sizeof(key), "%s/tls.key", dir);
	write_certificate(crt, key, "first");
	fresh();
	f.listen[1] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"}, .certificate = crt, .key = key};
	f.settings.http_count = 2;
	start();
	first = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.3", &ok);
	assert_true(ok);
	a = ask(&f, &first, "POST", "/v1/send-sms", "ana", "", "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}");
	assert_int_equal(a.status, 200);
	client_peer_name(&first, name);
	assert_string_equal(name, "first");

	/* A key of another certificate is refused and changes nothing. */
	char other[80];
	snprintf(other, sizeof(other), "%s/other.crt", dir);
	write_certificate(other, key, "stranger");
	assert_true(api_reload_certificates(f.api, &e) < 0);
	assert_non_null(strstr(e.text, "tls.crt"));
	c = client_open_tls(&f, 1, "NORMAL", &ok);
	assert_true(ok);
	client_close(&c);

	write_certificate(crt, key, "second");
	assert_int_equal(api_reload_certificates(f.api, &e), 0);
	assert_int_equal(api_reload_certificates(f.api, &e), 0); /* nothing new */
	second = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.2", &ok);
	assert_true(ok);
	client_peer_name(&second, name);
	assert_string_equal(name, "second");
	a = ask(&f, &second, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	/* The old connection goes on. */
	a = ask(&f, &first, "GET", "/v1/send-sms?destination=5511900000000&messageText=x", "ana", "", NULL);
	assert_int_equal(a.status, 200);
	c = client_open_tls(&f, 1, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", &ok);
	assert_false(ok);
	client_close(&c);
	/* The plain listener beside it works, and plain text to the TLS one does not hurt. */
	expect_answer(&f, 200, "GET", "/healthz", NULL, "", NULL);
	struct buf out = BUF_INIT;
	api_addresses(f.api, &out);
	assert_non_null(strstr(buf_cstr(&out), " https://127.0.0.1:"));
	buf_done(&out);
	client_close(&first);
	client_close(&second);
	fixture_stop(&f);
	unlink(crt);
	unlink(key);
	unlink(other);
	rmdir(dir);
}

/* -- opening and stopping ------------------------------------------------------------------------------------------ */

TEST(faulty_listeners_are_named)
{
	char *const bad[] = {
		(char[]){"nonsense"}, (char[]){"127.0.0.1:x"}, (char[]){"127.0.0.1:99999"}, (char[]){"1:2:3"},
		(char[]){""},         (char[]){"192.0.2.1:0"}};
	struct api_config c = {.settings = &f.settings};
	struct api *a = NULL;
	struct err e;

	fresh();
	c.engine = fake_engine_new();
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		f.listen[0].listen = bad[i];
		assert_true(api_open(&a, &c, &e) < 0);
		assert_null(a);
		assert_non_null(strstr(e.text, bad[i]));
	}
	f.listen[0] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"},
					      .certificate = (char[]){"/nowhere.crt"},
					      .key = (char[]){"/nowhere.key"}};
	assert_true(api_open(&a, &c, &e) < 0);
	assert_non_null(strstr(e.text, "/nowhere.crt"));
	f.listen[0] = (struct listen_setting){.listen = (char[]){"127.0.0.1:0"}, .certificate = (char[]){"/nowhere.crt"}};
	assert_true(api_open(&a, &c, &e) < 0);
	fake_engine_free(c.engine);
	api_close(NULL);
}

TEST(a_busy_port_is_said)
{
	struct api_config c = {.settings = &f.settings};
	char address[32];
	struct api *a = NULL;
	struct err e;

	fresh();
	start();
	snprintf(address, sizeof(address), "127.0.0.1:%u", api_port(f.api, 0));
	struct settings again = f.settings;
	struct listen_setting listen = {.listen = address};
	again.http = &listen;
	c.settings = &again;
	c.engine = f.engine;
	assert_int_equal(api_open(&a, &c, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, address));
	fixture_stop(&f);
}

TEST(stopping_finishes_what_is_under_way)
{
	struct client c, idle;
	struct answer a;

	fresh();
	start();
	idle = client_open(&f);
	assert_int_equal(ask(&f, &idle, "GET", "/healthz", NULL, "", NULL).status, 200);
	fake_hold(f.engine, true);
	c = client_open(&f);
	client_puts(&c, HEAD_OF(GET_ONE) "\r\n");
	fake_await_waiting(f.engine, 1);
	fake_hold(f.engine, false);
	api_stop(f.api, 5000);
	api_stop(f.api, 5000);
	a = client_read(&c);
	assert_int_equal(a.status, 200);
	assert_true(client_eof(&c));
	assert_true(client_eof(&idle));
	client_close(&c);
	client_close(&idle);
	fixture_stop(&f);
}

/* How many of four clients were answered 503; then the query may go on. */
static void *read_then_release(void *ctx)
{
	struct client *c = ctx;
	intptr_t told = 0;

	for (int i = 0; i < 4; i++)
		told += client_read(&c[i]).status == 503;
	fake_query_hold(false);
	return (void *)told;
}

TEST(stopping_with_suspended_connections_answers_503_and_frees_later)
{
	struct client c[10], slow;
	struct answer a;
	pthread_t reader;
	void *told;
	int64_t before = metric_get(M_REQUESTS);

	fresh();
	start();
	fake_hold(f.engine, true);
	fake_query_hold(true);
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		c[i] = client_open(&f);
		client_puts(
			&c[i], i < 6 ? HEAD_OF(GET_ONE) "\r\n"
				     : HEAD_OF("GET /v1/sms-status?id=0190163d-8694-739b-aea5-966c26f8ad91") "\r\n");
	}
	slow = client_open(&f);
	client_puts(&slow, HEAD_OF("POST /v1/send-sms") "Content-Length: 1000\r\n\r\n{");
	fake_await_waiting(f.engine, 6);
	fake_query_await(1);
	fixture_await_requests(before, COUNT_OF(c) + 1);
	/* The engine says nothing; the look-up thread sits in its query until its clients have been told off. */
	assert_int_equal(pthread_create(&reader, NULL, read_then_release, &c[6]), 0);
	api_stop(f.api, 100);
	pthread_join(reader, &told);
	assert_int_equal((intptr_t)told, 4);
	for (size_t i = 0; i < 6; i++) {
		a = client_read(&c[i]);
		assert_int_equal(a.status, 503);
		assert_true(answer_has(&a, "\"errorCode\":503"));
	}
	for (size_t i = 0; i < COUNT_OF(c); i++)
		client_close(&c[i]);
	client_close(&slow);
	assert_int_equal(fake_waiting(f.engine), 6);
	api_close(f.api);
	/* The engine answers after all: nobody waits, the memory goes. */
	fake_engine_free(f.engine);
	fake_forget();
	snapshot_publish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_connection_is_kept_and_requests_are_pipelined),
		RUN(smuggling_forms_are_refused_and_the_connection_closed),
		RUN(nothing_behind_a_doubtful_body_is_executed),
		RUN(bodies_come_in_any_pieces),
		RUN(expect_100_continue_is_answered),
		RUN(a_long_query_fits_and_a_longer_one_is_refused),
		RUN(a_half_closed_client_gets_its_answer),
		RUN(a_client_that_leaves_while_it_waits_frees_nothing_too_early),
		RUN(slow_senders_are_shut_out),
		RUN(a_wait_for_the_commit_has_no_deadline),
		RUN(a_slow_reader_is_shut_out),
		RUN(connections_are_limited_in_total_and_per_address),
		RUN(bodies_are_limited_each_and_in_total),
		RUN(a_small_refused_body_does_not_cost_the_connection),
		RUN(rates_are_limited_by_address_user_and_account),
		RUN(what_is_refused_early_is_counted_too),
		RUN(status_queries_share_one_a_second),
		RUN(tls_serves_and_certificates_change_under_it),
		RUN(faulty_listeners_are_named),
		RUN(a_busy_port_is_said),
		RUN(stopping_finishes_what_is_under_way),
		RUN(stopping_with_suspended_connections_answers_503_and_frees_later),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
