#include "base/time.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"

static void iso_prints(void **state)
{
	static const struct {
		int64_t at_ms;
		bool millis;
		const char *text;
	} cases[] = {
		{0, false, "1970-01-01T00:00:00Z"},
		{1795355101123, false, "2026-11-22T13:45:01Z"},
		{1795355101123, true, "2026-11-22T13:45:01.123Z"},
		{1795355101007, true, "2026-11-22T13:45:01.007Z"},
		{-1, true, "1969-12-31T23:59:59.999Z"},
		{-1000, false, "1969-12-31T23:59:59Z"},
		{951827696000, false, "2000-02-29T12:34:56Z"},
		{253402300799999, true, "9999-12-31T23:59:59.999Z"},
		{253402300800000, false, "10000-01-01T00:00:00Z"},
		{-62167219200000, false, "0000-01-01T00:00:00Z"},
		{-62167219200001, true, "-1-12-31T23:59:59.999Z"},
		{INT64_MAX, true, "292278994-08-17T07:12:55.807Z"},
		{INT64_MIN, true, "-292275055-05-16T16:47:04.192Z"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[ISO_MAX];

		assert_string_equal(iso_utc(out, cases[i].at_ms, cases[i].millis), cases[i].text);
	}
}

static void iso_parses(void **state)
{
	static const struct {
		const char *text;
		int64_t at_ms;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-22T13:45", 1795355100000},
		{"2026-11-22T13:45Z", 1795355100000},
		{"2026-11-22T13:45:01", 1795355101000},
		{"2026-11-22T13:45:01Z", 1795355101000},
		{"2026-11-22T13:45:01.5Z", 1795355101500},
		{"2026-11-22T13:45:01.12", 1795355101120},
		{"2026-11-22T13:45:01.123456789Z", 1795355101123},
		{"2026-11-22T10:45:01-03:00", 1795355101000},
		{"2026-11-22T10:45:01-0300", 1795355101000},
		{"2026-11-22T10:45-0300", 1795355100000},
		{"2026-11-22T19:15:01.25+05:30", 1795355101250},
		{"2026-11-23T00:45:01+11:00", 1795355101000},
		{"2000-02-29T12:34:56Z", 951827696000},
		{"0000-01-01T00:00:00Z", -62167219200000},
		{"9999-12-31T23:59:59.999Z", 253402300799999},
		{"1969-12-31T23:59:59.999Z", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t at = 77;

		if (iso_parse(str_of(cases[i].text), &at) || at != cases[i].at_ms)
			fail_msg("%s: %lld", cases[i].text, (long long)at);
	}
}

static void iso_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"2026",
		"2026-11-22",
		"2026-11-22T",
		"2026-11-22T13",
		"2026-11-22T13:",
		"2026-11-22 13:45:01",
		"2026-11-22t13:45:01Z",
		"2026-11-22T13:45:01z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00.1234567890Z",
		"2026-01-01T00:00.5Z",
		"2026-01-01T00:00:00+",
		"2026-01-01T00:00:00+03",
		"2026-01-01T00:00:00+3:00",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+03:60",
		"2026-01-01T00:00:00Z ",
		" 2026-01-01T00:00:00Z",
		"2026-01-01T00:00:00ZZ",
		"2026-01-01T00:00:00-03:00Z",
		"+026-01-01T00:00:00Z",
		"-026-01-01T00:00:00Z",
		"2026-1-01T00:00:00Z",
		"20260101T000000Z",
		"2026-01-01T00:00:0",
		"2026-01-01T00:00:",
		"2026-01-01T00:00:00,5Z",
		"12026-01-01T00:00:00Z",
		"now",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int64_t at = 77;

		if (iso_parse(str_of(bad[i]), &at) != -EINVAL || at != 77)
			fail_msg("%s", bad[i]);
	}
	/* Cut anywhere, from a block of exactly that size. */
	for (size_t n = 0; n < 29; n++) {
		int64_t at;

		(void)!iso_parse((struct str){"2026-11-22T10:45:01.123-03:00", n}, &at);
	}
}

static void civil_dates_agree_with_the_c_library(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 8);
	for (int i = 0; i < 200000; i++) {
		int64_t days = (int64_t)prng_below(&r, 4000000) - 2000000;
		time_t t = (time_t)(days * 86400);
		struct tm tm;
		int y, m, d;

		civil_from_days(days, &y, &m, &d);
		assert_non_null(gmtime_r(&t, &tm));
		if (y != tm.tm_year + 1900 || m != tm.tm_mon + 1 || d != tm.tm_mday || days_from_civil(y, m, d) != days)
			fail_msg("day %lld: %d-%d-%d", (long long)days, y, m, d);
	}
}

static void iso_goes_there_and_back(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 4);
	for (int i = 0; i < 100000; i++) {
		int64_t at = (int64_t)prng_below(&r, 253402300799999), back;
		char out[ISO_MAX];

		if (iso_parse(str_of(iso_utc(out, at, true)), &back) || back != at)
			fail_msg("%s", out);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t unit;
		int code;
		int64_t ms;
	} cases[] = {
		{"250ms", 1000, 0, 250},
		{"10s", 1, 0, 10000},
		{"5m", 1, 0, 300000},
		{"48h", 1, 0, 172800000},
		{"3d", 1, 0, 259200000},
		{"0s", 1, 0, 0},
		{"7", 1000, 0, 7000},
		{"7", 1, 0, 7},
		{"010s", 1, 0, 10000},
		{"7", 0, -EINVAL, 0},
		{"", 1, -EINVAL, 0},
		{"s", 1, -EINVAL, 0},
		{"ms", 1, -EINVAL, 0},
		{"-1s", 1, -EINVAL, 0},
		{"+1s", 1, -EINVAL, 0},
		{"1.5s", 1, -EINVAL, 0},
		{"1 s", 1, -EINVAL, 0},
		{"1S", 1, -EINVAL, 0},
		{"1w", 1, -EINVAL, 0},
		{"1h30m", 1, -EINVAL, 0},
		{"1s ", 1, -EINVAL, 0},
		{"9223372036854775807ms", 1, 0, INT64_MAX},
		{"9223372036854775808ms", 1, -ERANGE, 0},
		{"9223372036854775807", 2, -ERANGE, 0},
		{"106751991167d", 1, 0, (int64_t)106751991167 * 86400000},
		{"106751991168d", 1, -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = 77;

		if (duration_parse(str_of(cases[i].text), cases[i].unit, &ms) != cases[i].code ||
		    ms != (cases[i].code ? 77 : cases[i].ms))
			fail_msg("%s: %lld", cases[i].text, (long long)ms);
	}
}

static void clocks_run(void **state)
{
	int64_t wall = wall_ms(), mono = mono_us();

	(void)state;
	assert_true(wall > 1600000000000);
	assert_true(mono_us() >= mono);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iso_prints),
		cmocka_unit_test(iso_parses),
		cmocka_unit_test(iso_refuses),
		cmocka_unit_test(civil_dates_agree_with_the_c_library),
		cmocka_unit_test(iso_goes_there_and_back),
		cmocka_unit_test(durations),
		cmocka_unit_test(clocks_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
