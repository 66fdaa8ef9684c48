/* server_hostile_test.c - requests made to be read in two ways: they are refused, and nothing behind them is answered. */
#include "served.h"

#include "model/metrics.h"

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

TEST(smuggling_forms_are_refused_and_the_connection_closed)
{
	fixture_init(&f);
	fixture_start(&f);
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

	fixture_init(&f);
	fixture_start(&f);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(smuggling_forms_are_refused_and_the_connection_closed),
		RUN(nothing_behind_a_doubtful_body_is_executed),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("server_hostile", tests, NULL, NULL);
}
