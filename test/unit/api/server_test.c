/* server_test.c - the server on real sockets: connections that are kept, bodies in pieces, long requests, clients that leave. */
#include "served.h"

#include <sys/socket.h>

#include "model/metrics.h"

TEST(a_connection_is_kept_and_requests_are_pipelined)
{
	struct client c;
	struct buf b = BUF_INIT;

	fixture_init(&f);
	fixture_start(&f);
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

TEST(bodies_come_in_any_pieces)
{
	static const char body[] = "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}";
	static const char plain[] =
		HEAD_OF("POST /v1/send-sms") "Content-Type: application/json\r\nContent-Length: 49\r\n\r\n";
	struct client c;
	struct buf b = BUF_INIT;
	struct answer a;

	assert_int_equal(sizeof(body) - 1, 49);
	fixture_init(&f);
	fixture_start(&f);
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

	fixture_init(&f);
	fixture_start(&f);
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

	fixture_init(&f);
	fixture_start(&f);
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

	fixture_init(&f);
	fixture_start(&f);
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

	fixture_init(&f);
	fixture_start(&f);
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

TEST(a_small_refused_body_does_not_cost_the_connection)
{
	struct client c;
	struct answer a;

	fixture_init(&f);
	fixture_start(&f);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_connection_is_kept_and_requests_are_pipelined),
		RUN(bodies_come_in_any_pieces),
		RUN(expect_100_continue_is_answered),
		RUN(a_long_query_fits_and_a_longer_one_is_refused),
		RUN(a_half_closed_client_gets_its_answer),
		RUN(a_client_that_leaves_while_it_waits_frees_nothing_too_early),
		RUN(a_small_refused_body_does_not_cost_the_connection),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
