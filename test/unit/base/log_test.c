#include "base/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <cmocka.h>

static char last[20000];
static int lines;

static void keep(void *ctx, const char *line)
{
	(void)ctx;
	snprintf(last, sizeof(last), "%s", line);
	lines++;
}

static int capture(void **state)
{
	(void)state;
	log_setup(LOG_INFO, LOG_TEXT);
	log_capture(keep, NULL);
	lines = 0;
	return 0;
}

static int restore(void **state)
{
	(void)state;
	log_capture(NULL, NULL);
	log_setup(LOG_INFO, LOG_TEXT);
	return 0;
}

/* The line without its time, which must look like one. */
static const char *without_time(void)
{
	static char out[sizeof(last)];

	assert_true(strlen(last) > 31);
	assert_int_equal(last[5], ' ');
	assert_int_equal(last[16], 'T');
	assert_int_equal(last[29], 'Z');
	snprintf(out, sizeof(out), "%.6s%s", last, last + 31);
	return out;
}

static void text_lines_have_level_time_event_and_pairs(void **state)
{
	(void)state;
	log_info("link", "from=%s to=%s tries=%d", "down", "up", 3);
	assert_string_equal(without_time(), "info  link from=down to=up tries=3");
	log_error("store", "why=%s", "full");
	assert_string_equal(without_time(), "error store why=full");
	log_warn("start", "%s", "");
	assert_string_equal(without_time(), "warn  start");
	assert_int_equal(lines, 3);
}

static void levels_are_obeyed(void **state)
{
	(void)state;
	assert_true(log_on(LOG_INFO));
	assert_false(log_on(LOG_DEBUG));
	log_debug("x", "a=%d", 1);
	assert_int_equal(lines, 0);
	log_setup(LOG_DEBUG, LOG_TEXT);
	log_debug("x", "a=%d", 1);
	assert_int_equal(lines, 1);
	log_setup(LOG_ERROR, LOG_TEXT);
	log_warn("x", "a=%d", 1);
	log_info("x", "a=%d", 1);
	assert_int_equal(lines, 1);
	log_error("x", "a=%d", 1);
	assert_int_equal(lines, 2);
}

static void nothing_breaks_the_line(void **state)
{
	char big[9000];

	(void)state;
	log_info("x", "a=%s", "one\ntwo\rthree\t\x1b[31m\x7f\xff\xC3\xA1\xC3");
	assert_string_equal(without_time(), "info  x a=one?two?three??[31m??\xC3\xA1");
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("x", "a=%s", big);
	assert_in_range(strlen(last), 3000, 4096);
	/* Cut in the middle of a character: it goes whole. */
	for (size_t i = 0; i + 1 < sizeof(big) - 1; i += 2)
		memcpy(big + i, "\xC3\xA1", 2);
	log_info("x", "a=%s", big);
	assert_true(utf8_valid(str_of(last), NULL));
	log_info("x", "ab=%s", big);
	assert_true(utf8_valid(str_of(last), NULL));
}

static void json_lines_are_objects(void **state)
{
	struct log_text q = log_quote(STR("say \"hi\" to C:\\ \xC3\xA1 \x01"));
	json_t *j;

	(void)state;
	log_setup(LOG_INFO, LOG_JSON);
	log_info("link", "from=%s n=%d zero=0 neg=-5 code=%s big=12345678901234567890 why=%s raw=\"a \"b\" c\" empty= e2=\"\"",
		 "down", 42, "0103", q.s);
	j = json_loads(last, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "level")), "info");
	assert_string_equal(json_string_value(json_object_get(j, "event")), "link");
	assert_int_equal(strlen(json_string_value(json_object_get(j, "time"))), 24);
	assert_string_equal(json_string_value(json_object_get(j, "from")), "down");
	assert_int_equal(json_integer_value(json_object_get(j, "n")), 42);
	assert_true(json_is_integer(json_object_get(j, "zero")));
	assert_int_equal(json_integer_value(json_object_get(j, "neg")), -5);
	assert_string_equal(json_string_value(json_object_get(j, "code")), "0103");
	assert_string_equal(json_string_value(json_object_get(j, "big")), "12345678901234567890");
	assert_string_equal(json_string_value(json_object_get(j, "why")),
			    "say \"hi\" to C:\\ \xC3\xA1 \\u0001");
	assert_string_equal(json_string_value(json_object_get(j, "raw")), "a \"b\" c");
	assert_string_equal(json_string_value(json_object_get(j, "empty")), "");
	assert_string_equal(json_string_value(json_object_get(j, "e2")), "");
	json_decref(j);
}

static void json_survives_any_text(void **state)
{
	static const char *const odd[] = {
		"",
		"just words here",
		"a=1 then words",
		"=",
		"= = =",
		"a=\"",
		"a=\"x",
		"a=\"x\\",
		"a=\"x\\\"",
		"a=\"x\"y b=2",
		"\"",
		"\\",
		"a=\\u12",
		"a=b=c",
		"  a=1  b=2  ",
		"\xC3\xA1=\xC3\xA1",
	};
	char big[9000];

	(void)state;
	log_setup(LOG_INFO, LOG_JSON);
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		json_t *j;

		log_info("odd", "%s", odd[i]);
		j = json_loads(last, 0, NULL);
		if (!j)
			fail_msg("%s -> %s", odd[i], last);
		json_decref(j);
	}
	memset(big, '\\', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	for (int pass = 0; pass < 3; pass++) {
		json_t *j;

		log_info("big", pass == 0 ? "a=%s" : pass == 1 ? "a=\"%s\"" : "%s", big);
		j = json_loads(last, 0, NULL);
		if (!j)
			fail_msg("%s", last);
		json_decref(j);
		memset(big, pass ? '"' : '=', sizeof(big) - 1);
	}
}

static void quoted_text_is_escaped_and_cut(void **state)
{
	char big[400];
	struct log_text q;

	(void)state;
	assert_string_equal(log_quote(STR("")).s, "\"\"");
	assert_string_equal(log_quote(STR("a b")).s, "\"a b\"");
	assert_string_equal(log_quote(STR("\"\\\n\x80\xC3\xA1")).s, "\"\\\"\\\\\\u000a\\u0080\xC3\xA1\"");
	assert_string_equal(log_quote(STR("a\0b")).s, "\"a\\u0000b\"");
	assert_string_equal(log_quote((struct str){"\xC3\xA1", 1}).s, "\"\\u00c3\"");
	for (size_t n = 140; n < sizeof(big); n++) {
		static const char *const fill[] = {"x", "\"", "\x01", "\xC3\xA1"};

		for (size_t f = 0; f < COUNT_OF(fill); f++) {
			size_t len = strlen(fill[f]);

			for (size_t i = 0; i + len <= n; i += len)
				memcpy(big + i, fill[f], len);
			q = log_quote((struct str){big, n / len * len});
			assert_true(strlen(q.s) < sizeof(q.s));
			assert_int_equal(q.s[strlen(q.s) - 1], '"');
			assert_true(utf8_valid(str_of(q.s), NULL));
		}
	}
	q = log_quote((struct str){big, sizeof(big) - 1});
	assert_non_null(strstr(q.s, "\xE2\x80\xA6\""));
}

static void numbers_are_masked(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"27182", "27182"},
		{"123456", "123456"},
		{"1234567", "12\xE2\x80\xA6"
			    "67"},
		{"551199990001", "55119\xE2\x80\xA6"
				 "0001"},
		{"5511999990001", "55119\xE2\x80\xA6"
				  "0001"},
		{"+5511999990001", "+5511\xE2\x80\xA6"
				   "0001"},
		{"a b\"c=\n", "a?\xE2\x80\xA6"
			      "??"},
	};
	char big[500];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(log_number(str_of(cases[i][0])).s, cases[i][1]);
	memset(big, '1', sizeof(big));
	assert_int_equal(strlen(log_number((struct str){big, sizeof(big)}).s), 5 + 3 + 4);
}

static void lines_go_to_standard_error(void **state)
{
	char got[200] = "";
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	(void)state;
	log_capture(NULL, NULL);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	log_info("x", "a=%d", 1);
	dup2(saved, STDERR_FILENO);
	n = read(fds[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_int_equal(strncmp(got, "info  ", 6), 0);
	assert_string_equal(got + n - 7, " x a=1\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

static void *many(void *ctx)
{
	for (int i = 0; i < 500; i++)
		log_info("thread", "n=%d", *(int *)ctx);
	return NULL;
}

static void threads_may_log_at_once(void **state)
{
	pthread_t t[4];
	int n[4] = {0, 1, 2, 3};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, &n[i]), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(lines, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(text_lines_have_level_time_event_and_pairs, capture, restore),
		cmocka_unit_test_setup_teardown(levels_are_obeyed, capture, restore),
		cmocka_unit_test_setup_teardown(nothing_breaks_the_line, capture, restore),
		cmocka_unit_test_setup_teardown(json_lines_are_objects, capture, restore),
		cmocka_unit_test_setup_teardown(json_survives_any_text, capture, restore),
		cmocka_unit_test_setup_teardown(quoted_text_is_escaped_and_cut, capture, restore),
		cmocka_unit_test_setup_teardown(numbers_are_masked, capture, restore),
		cmocka_unit_test_setup_teardown(lines_go_to_standard_error, capture, restore),
		cmocka_unit_test_setup_teardown(threads_may_log_at_once, capture, restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
