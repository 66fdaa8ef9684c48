/* server_limits_test.c - the server on real sockets has bounds: slow clients, numbers of connections, sizes of bodies, rates. */
#include "served.h"

#include <sys/socket.h>
#include <unistd.h>

#include "model/metrics.h"

TEST(slow_senders_are_shut_out)
{
	struct client idle, drip, body;

	fixture_init(&f);
	f.settings.limits.request_deadline_ms = 300;
	f.settings.limits.idle_ms = 300;
	fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.request_deadline_ms = 200;
	f.settings.limits.idle_ms = 200;
	fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.request_deadline_ms = 400;
	fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.connections = 3;
	fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.connections_per_ip = 2;
	fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.body = 100000;
	f.settings.limits.inflight = 60000;
	fixture_start(&f);
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

TEST(rates_are_limited_by_address_user_and_account)
{
	char *proxies[] = {(char[]){"127.0.0.0/8"}};
	struct client c;
	struct answer a;
	int limited = 0;

	fixture_init(&f);
	f.settings.limits.requests_per_second = 5;
	fixture_start(&f);
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

		fixture_init(&f);
		f.settings.limits.requests_per_second = 1;
		fixture_start(&f);
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

	fixture_init(&f);
	f.settings.limits.status_queries_per_second = 1;
	fixture_start(&f);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(slow_senders_are_shut_out),
		RUN(a_wait_for_the_commit_has_no_deadline),
		RUN(a_slow_reader_is_shut_out),
		RUN(connections_are_limited_in_total_and_per_address),
		RUN(bodies_are_limited_each_and_in_total),
		RUN(rates_are_limited_by_address_user_and_account),
		RUN(what_is_refused_early_is_counted_too),
		RUN(status_queries_share_one_a_second),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("server_limits", tests, NULL, NULL);
}
