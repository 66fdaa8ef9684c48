/* head_test.c - which request heads pass and which are refused. */
#include "api_test.h"
#include "split_head.h"

#define OK_HOST "Host: x\r\n"

static int check(const char *text, size_t n, struct head_facts *f)
{
	struct split_head s;
	const char *why = NULL;
	int status = -1;

	if (split_head((const uint8_t *)text, n, &s)) {
		status = head_check(&s.head, f, &why);
		assert_true(!status == !why);
		if (!status && !head_seamless(&s.head))
			status = 400;
	}
	split_head_done(&s);
	return status;
}

static void expect(int status, const char *text)
{
	struct head_facts f;
	int got = check(text, strlen(text), &f);

	if (got != status)
		print_error("%s", text);
	assert_int_equal(got, status);
}

TEST(ordinary_heads_pass)
{
	struct head_facts f;
	const char *post =
		"POST /v1/send-sms HTTP/1.1\r\n" OK_HOST "Content-Length: 12\r\nExpect: 100-continue\r\n\r\n";
	const char *chunked = "POST / HTTP/1.1\r\nhost:x\r\nTRANSFER-ENCODING:\t Chunked\r\n\r\n";

	expect(0, "GET / HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(0, "GET /a?b=c%20d&e=+f HTTP/1.1\r\n" OK_HOST "X: a b\tc  \r\nEmpty:\r\nBlank: \r\n\r\n");
	expect(0, "GET / HTTP/1.0\r\n\r\n");
	expect(0, "GET / HTTP/1.1\r\n" OK_HOST "X: a\r\nX: b\r\nUser-Agent: caf\xc3\xa9\r\n\r\n");
	expect(0, "get http://h/x HTTP/1.1\r\n" OK_HOST "\r\n");
	assert_int_equal(check(post, strlen(post), &f), 0);
	assert_true(f.body && f.expects_continue && !f.chunked && f.length == 12);
	assert_int_equal(check(chunked, strlen(chunked), &f), 0);
	assert_true(f.body && f.chunked && !f.length);
}

TEST(two_framings_are_refused)
{
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Content-Length: 4\r\ncontent-length: 4\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Content-Length: 4, 4\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST
		    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding: gzip, chunked\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding: xchunked\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding: chunked \r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding:\r\n\r\n");
	expect(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(lengths_are_digits)
{
	static const char *const bad[] = {"",
					  "+4",
					  "-1",
					  "0x4",
					  "4 ",
					  "4;",
					  "4.0",
					  "9999999999999999999",
					  "1e3",
					  ("\x0b"
					   "4")};
	char text[128];

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" OK_HOST "Content-Length: %s\r\n\r\n", bad[i]);
		expect(400, text);
	}
	expect(0, "POST / HTTP/1.1\r\n" OK_HOST "Content-Length: 007\r\n\r\n");
}

TEST(names_and_values_are_clean)
{
	struct head_facts f;
	static const char nul[] = "GET / HTTP/1.1\r\n" OK_HOST "X: y\0Transfer-Encoding: chunked\r\n\r\n";

	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Content-Length : 4\r\n\r\n");
	expect(400, "POST / HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "X(: y\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "X: y\rTransfer-Encoding: chunked\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "X: \x7f\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST ": y\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST ": y\r\nX: z\r\n\r\n");
	assert_int_equal(check(nul, sizeof(nul) - 1, &f), 400);
}

TEST(lines_end_in_cr_lf_and_are_not_folded)
{
	expect(400, "GET / HTTP/1.1\n" OK_HOST "\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: x\n\r\n");
	expect(400, "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "\n");
	expect(400, "POST / HTTP/1.1\r\n" OK_HOST "Transfer-Encoding:\r\n chunked\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "X: y\r\n z\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "X: y\r\n\tz\r\nB: c\r\n\r\n");
}

TEST(request_lines_have_one_reading)
{
	expect(400, "GET  / HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(400, "GET /a b HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(400, "G@T / HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(400, "GET /\x01 HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(505, "GET / HTTP/1.2\r\n" OK_HOST "\r\n");
	expect(505, "GET / HTTP/2.0\r\n" OK_HOST "\r\n");
	expect(505, "GET / http/1.1\r\n" OK_HOST "\r\n");
	expect(400, "GET / HTTP/1.1\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST OK_HOST "\r\n");
}

TEST(credentials_and_keys_are_not_repeated)
{
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "username: a\r\nUserName: b\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "authenticationtoken: a\r\nauthenticationtoken: a\r\n\r\n");
	expect(400, "GET / HTTP/1.1\r\n" OK_HOST "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n");
}

TEST(long_heads_are_refused)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, "GET /");
	for (size_t i = 0; i < HEAD_URI_MAX - 1; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, " HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(0, buf_cstr(&b));
	buf_clear(&b);
	buf_puts(&b, "GET /");
	for (size_t i = 0; i < HEAD_URI_MAX; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, " HTTP/1.1\r\n" OK_HOST "\r\n");
	expect(414, buf_cstr(&b));
	buf_clear(&b);
	buf_puts(&b, "GET / HTTP/1.1\r\n" OK_HOST);
	for (int i = 1; i < HEAD_FIELDS_MAX; i++)
		buf_fmt(&b, "X-%d: y\r\n", i);
	buf_puts(&b, "\r\n");
	expect(0, buf_cstr(&b));
	b.n -= 2;
	buf_puts(&b, "Y: z\r\n\r\n");
	expect(431, buf_cstr(&b));
	buf_done(&b);
}

TEST(fields_are_found_in_any_case_and_trimmed)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nUserName:\t  a b  \t\r\nEmpty:   \r\n\r\n";
	struct split_head s;

	assert_true(split_head((const uint8_t *)text, sizeof(text) - 1, &s));
	assert_true(str_eqz(head_get(&s.head, "username"), "a b"));
	assert_int_equal(head_get(&s.head, "empty").n, 0);
	assert_null(head_get(&s.head, "absent").p);
	split_head_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(ordinary_heads_pass),
		RUN(two_framings_are_refused),
		RUN(lengths_are_digits),
		RUN(names_and_values_are_clean),
		RUN(lines_end_in_cr_lf_and_are_not_folded),
		RUN(request_lines_have_one_reading),
		RUN(credentials_and_keys_are_not_repeated),
		RUN(long_heads_are_refused),
		RUN(fields_are_found_in_any_case_and_trimmed),
	};

	return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
