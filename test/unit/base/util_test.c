#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void err_set_formats_and_returns_its_code(void **state)
{
	struct err e = {"old"};

	(void)state;
	assert_int_equal(err_set(&e, -EINVAL, "line %d: %s", 7, "odd"), -EINVAL);
	assert_string_equal(e.text, "line 7: odd");
	assert_int_equal(err_set(NULL, -EIO, "nobody listens"), -EIO);
}

static void err_set_cuts_what_is_too_long(void **state)
{
	struct err e;
	char big[2000];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, 0, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

static void memory_is_zeroed_and_never_null(void **state)
{
	unsigned char *p = xcalloc(100, 3);
	char *s;

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
	p = xrealloc(p, 1000, 1);
	p[999] = 1;
	free(p);
	p = xcalloc(0, 0);
	assert_non_null(p);
	free(p);
	s = xstrdup("abc");
	assert_string_equal(s, "abc");
	free(s);
	s = xstrdup(NULL);
	assert_string_equal(s, "");
	free(s);
	s = xstrndup("abc", 2);
	assert_string_equal(s, "ab");
	free(s);
	s = xstrndup("abc", 200);
	assert_string_equal(s, "abc");
	free(s);
	s = xstrndup(NULL, 5);
	assert_string_equal(s, "");
	free(s);
}

static void str_compares_bytes(void **state)
{
	(void)state;
	assert_true(str_eq(STR("a\0b"), STR("a\0b")));
	assert_false(str_eq(STR("a\0b"), STR("a\0c")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq((struct str){NULL, 0}, STR("")));
	assert_true(str_eqz(STR("abc"), "abc"));
	assert_false(str_eqz(STR("abc"), "ab"));
	assert_true(str_eqz((struct str){NULL, 0}, NULL));
	assert_true(str_ieq(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_ieq(STR("a@"), STR("a`"))); /* 0x40 and 0x60 differ in the case bit only, but are no letters */
	assert_false(str_ieq(STR("a["), STR("a{")));
	assert_false(str_ieq(STR("\xC3\x89"), STR("\xC3\xA9")));
	assert_int_equal(str_of(NULL).n, 0);
}

static void a_front_is_taken_off_whole_or_not_at_all(void **state)
{
	struct str s = STR("HTTPS://host");

	(void)state;
	assert_false(str_iskip(&s, "http://"));
	assert_true(str_eq(s, STR("HTTPS://host")));
	assert_true(str_iskip(&s, "https://"));
	assert_true(str_eq(s, STR("host")));
	assert_false(str_iskip(&s, "hostname"));
	assert_true(str_iskip(&s, "host"));
	assert_int_equal(s.n, 0);
	s = (struct str){NULL, 0};
	assert_false(str_iskip(&s, "a"));
}

static void hexadecimal_digits_have_values(void **state)
{
	const char *const digits = "0123456789abcdef0123456789ABCDEF";

	(void)state;
	for (int c = -128; c < 128; c++) {
		const char *at = c ? memchr(digits, c, 32) : NULL;

		assert_int_equal(hex_digit((char)c), at ? (at - digits) % 16 : -1);
	}
}

static void str_i64_takes_whole_numbers_in_range_only(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int code;
		int64_t value;
	} cases[] = {
		{"0", 0, 10, 0, 0},
		{"10", 0, 10, 0, 10},
		{"007", 0, 10, 0, 7},
		{"11", 0, 10, -ERANGE, 0},
		{"-1", 0, 10, -ERANGE, 0},
		{"-1", -1, 10, 0, -1},
		{"-0", -1, 10, 0, 0},
		{"", 0, 10, -EINVAL, 0},
		{"-", -10, 10, -EINVAL, 0},
		{"--1", -10, 10, -EINVAL, 0},
		{"+1", 0, 10, -EINVAL, 0},
		{" 1", 0, 10, -EINVAL, 0},
		{"1 ", 0, 10, -EINVAL, 0},
		{"1x", 0, 10, -EINVAL, 0},
		{"0x1", 0, 10, -EINVAL, 0},
		{"1.0", 0, 10, -EINVAL, 0},
		{"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
		{"9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0},
		{"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
		{"-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0},
		{"18446744073709551616", INT64_MIN, INT64_MAX, -ERANGE, 0},
		{"99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0},
		{"99999999999999999999999999x", INT64_MIN, INT64_MAX, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t v = 4711;

		assert_int_equal(str_i64(str_of(cases[i].text), cases[i].min, cases[i].max, &v), cases[i].code);
		assert_int_equal(v, cases[i].code ? 4711 : cases[i].value);
	}
}

static void delays_double_up_to_the_most(void **state)
{
	(void)state;
	assert_int_equal(doubled(1000, -1, 60000), 1000);
	assert_int_equal(doubled(1000, 0, 60000), 1000);
	assert_int_equal(doubled(1000, 1, 60000), 2000);
	assert_int_equal(doubled(1000, 5, 60000), 32000);
	assert_int_equal(doubled(1000, 6, 60000), 60000);
	assert_int_equal(doubled(1000, 6, 64000), 64000);
	assert_int_equal(doubled(1000, INT64_MAX, 60000), 60000);
	assert_int_equal(doubled(3, INT64_MAX, INT64_MAX), INT64_MAX);
	assert_int_equal(doubled(70000, 0, 60000), 60000);
	assert_int_equal(doubled(0, INT64_MAX, 60000), 0);
}

static void str_copy_says_when_it_cuts(void **state)
{
	char out[4] = "zzz";

	(void)state;
	assert_true(str_copy(out, sizeof(out), STR("abc")));
	assert_string_equal(out, "abc");
	assert_false(str_copy(out, sizeof(out), STR("abcd")));
	assert_string_equal(out, "abc");
	assert_true(str_copy(out, sizeof(out), (struct str){NULL, 0}));
	assert_string_equal(out, "");
	assert_false(str_copy(out, 0, STR("a")));
	assert_true(str_copy(out, 1, STR("")));
	assert_false(str_copy(out, 1, STR("a")));
	assert_string_equal(out, "");
}

static void owner_finds_the_object_of_a_member(void **state)
{
	struct thing {
		int a;
		struct str member;
	} t;

	(void)state;
	assert_ptr_equal(OWNER(struct thing, member, &t.member), &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_formats_and_returns_its_code),
		cmocka_unit_test(err_set_cuts_what_is_too_long),
		cmocka_unit_test(memory_is_zeroed_and_never_null),
		cmocka_unit_test(str_compares_bytes),
		cmocka_unit_test(a_front_is_taken_off_whole_or_not_at_all),
		cmocka_unit_test(hexadecimal_digits_have_values),
		cmocka_unit_test(str_i64_takes_whole_numbers_in_range_only),
		cmocka_unit_test(delays_double_up_to_the_most),
		cmocka_unit_test(str_copy_says_when_it_cuts),
		cmocka_unit_test(owner_finds_the_object_of_a_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
