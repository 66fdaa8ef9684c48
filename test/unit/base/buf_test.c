#include "base/buf.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void pieces_add_up(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	buf_puts(&b, "one ");
	buf_putc(&b, '2');
	buf_str(&b, STR(" three"));
	buf_str(&b, (struct str){NULL, 0});
	buf_puts(&b, NULL);
	buf_put(&b, " 4", 2);
	buf_fmt(&b, " %s-%d", "five", 6);
	assert_string_equal(buf_cstr(&b), "one 2 three 4 five-6");
	assert_true(str_eqz(buf_view(&b), "one 2 three 4 five-6"));
	buf_clear(&b);
	assert_int_equal(b.n, 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
	assert_null(b.p);
	buf_puts(&b, "again");
	assert_string_equal(buf_cstr(&b), "again");
	buf_done(&b);
}

static void it_grows_over_any_size(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	assert_int_equal(b.n, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	buf_fmt(&b, "%0200000d", 7);
	assert_int_equal(b.n, 300000);
	assert_int_equal(b.p[299999], '7');
	buf_done(&b);
}

static void the_ceiling_is_exact_and_failure_sticks(void **state)
{
	struct buf b = {.max = 10};

	(void)state;
	buf_puts(&b, "0123456789");
	assert_false(b.failed);
	assert_string_equal(buf_cstr(&b), "0123456789");
	assert_non_null(buf_space(&b, 0));
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.n, 10);
	assert_string_equal(buf_cstr(&b), "");
	buf_consume(&b, 5);
	buf_putc(&b, 'y');
	assert_int_equal(b.n, 5); /* still failed, though there would be room */
	assert_null(buf_space(&b, 1));
	buf_clear(&b);
	buf_fmt(&b, "%010d", 1);
	assert_false(b.failed);
	buf_clear(&b);
	buf_fmt(&b, "%011d", 1);
	assert_true(b.failed);
	assert_int_equal(b.n, 0);
	buf_clear(&b);
	buf_hex(&b, "abcde", 5);
	assert_false(b.failed);
	buf_hex(&b, "a", 1);
	assert_true(b.failed);
	buf_clear(&b);
	buf_base64(&b, "123456", 6);
	assert_int_equal(b.n, 8);
	buf_base64(&b, "1", 1);
	assert_true(b.failed);
	buf_clear(&b);
	assert_null(buf_space(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_clear(&b);
	buf_hex(&b, "", SIZE_MAX);
	assert_true(b.failed);
	buf_done(&b);
}

static void the_default_ceiling_holds(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_non_null(buf_space(&b, BUF_MAX_DEFAULT));
	assert_null(buf_space(&b, BUF_MAX_DEFAULT + 1));
	buf_done(&b);
}

static void integers_print_like_printf(void **state)
{
	static const int64_t values[] = {0,   1,    9,         10,        99,        100,          101,
					 999, 1000, 12345,     99999999,  100000000, -1,           -9,
					 -10, -100, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MIN + 1};
	struct buf b = BUF_INIT;
	char want[32];
	int64_t v = 1;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		buf_clear(&b);
		buf_i64(&b, values[i]);
		snprintf(want, sizeof(want), "%" PRId64, values[i]);
		assert_string_equal(buf_cstr(&b), want);
	}
	for (int i = 0; i < 63; i++, v = (int64_t)((uint64_t)v * 2 + 1)) {
		buf_clear(&b);
		buf_i64(&b, v);
		buf_putc(&b, ' ');
		buf_i64(&b, -v);
		snprintf(want, sizeof(want), "%" PRId64 " ", v);
		assert_memory_equal(buf_cstr(&b), want, strlen(want));
		snprintf(want, sizeof(want), "%" PRId64, -v);
		assert_string_equal(strchr(buf_cstr(&b), ' ') + 1, want);
	}
	buf_done(&b);
}

static void what_is_empty_is_null_where_that_is_meant(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_json(&b, STR(""));
	buf_json_or_null(&b, STR(""));
	buf_json_or_null(&b, STR("null"));
	assert_string_equal(buf_cstr(&b), "\"\"null\"null\"");
	buf_done(&b);
}

static void json_escapes_what_it_must(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} cases[] = {
		{STR_INIT(""), "\"\""},
		{STR_INIT("plain / text"), "\"plain / text\""},
		{STR_INIT("\""), "\"\\\"\""},
		{STR_INIT("a\\b"), "\"a\\\\b\""},
		{STR_INIT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\""},
		{STR_INIT("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\""},
		{STR_INIT("a\0b"), "\"a\\u0000b\""},
		{STR_INIT("\xC3\xA1\xF0\x9F\x98\x80"), "\"\xC3\xA1\xF0\x9F\x98\x80\""},
		{STR_INIT("end\""), "\"end\\\"\""},
		{{NULL, 0}, "\"\""},
	};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buf_clear(&b);
		buf_json(&b, cases[i].in);
		assert_string_equal(buf_cstr(&b), cases[i].out);
	}
	buf_done(&b);
}

static void hex_url_and_base64(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const base64[][2] = {{"", ""},
						{"f", "Zg=="},
						{"fo", "Zm8="},
						{"foo", "Zm9v"},
						{"foob", "Zm9vYg=="},
						{"fooba", "Zm9vYmE="},
						{"foobar", "Zm9vYmFy"},
						{"\xFB\xFF\xBF", "+/+/"}};
	struct buf b = BUF_INIT;

	(void)state;
	buf_hex(&b, "\x00\x0f\xf0\xff", 4);
	assert_string_equal(buf_cstr(&b), "000ff0ff");
	buf_clear(&b);
	buf_urlencode(&b, STR("AZaz09-._~ +/%&=\xC3\xA1\0"));
	assert_string_equal(buf_cstr(&b), "AZaz09-._~%20%2B%2F%25%26%3D%C3%A1%00");
	for (size_t i = 0; i < COUNT_OF(base64); i++) {
		buf_clear(&b);
		buf_base64(&b, base64[i][0], strlen(base64[i][0]));
		assert_string_equal(buf_cstr(&b), base64[i][1]);
	}
	buf_done(&b);
}

static void consume_drops_the_front(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_consume(&b, 3);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "cdef");
	buf_consume(&b, 4);
	assert_int_equal(b.n, 0);
	buf_puts(&b, "xy");
	buf_consume(&b, 100);
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_add_up),
		cmocka_unit_test(it_grows_over_any_size),
		cmocka_unit_test(the_ceiling_is_exact_and_failure_sticks),
		cmocka_unit_test(the_default_ceiling_holds),
		cmocka_unit_test(integers_print_like_printf),
		cmocka_unit_test(what_is_empty_is_null_where_that_is_meant),
		cmocka_unit_test(json_escapes_what_it_must),
		cmocka_unit_test(hex_url_and_base64),
		cmocka_unit_test(consume_drops_the_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
