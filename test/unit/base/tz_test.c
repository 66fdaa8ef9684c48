#include "base/tz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

static int64_t civil(int y, int m, int d, int hour, int minute)
{
	return days_from_civil(y, m, d) * 86400 + hour * 3600 + minute * 60;
}

static const struct tz *zone(const char *name)
{
	const struct tz *z = tz_get(str_of(name));

	if (!z)
		fail_msg("no zone %s", name);
	return z;
}

/* -- bytes made here ------------------------------------------------------------------------------------------------ */

static void put(struct buf *b, uint64_t v, int bytes)
{
	while (bytes--)
		buf_putc(b, (char)(bytes < 8 ? v >> 8 * bytes : 0));
}

static void put_head(struct buf *b, char version, uint32_t leaps, uint32_t times, uint32_t types)
{
	buf_puts(b, "TZif");
	buf_putc(b, version);
	put(b, 0, 15);
	put(b, 0, 4);
	put(b, 0, 4);
	put(b, leaps, 4);
	put(b, times, 4);
	put(b, types, 4);
	put(b, 4, 4);
}

/* Two types (an hour west, an hour east) and a change at each of times; footer NULL: version 1. */
static void put_file(struct buf *b, char version, const int64_t *times, uint32_t n, const char *footer)
{
	int bytes = footer ? 8 : 4;

	if (footer) {
		put_head(b, version, 0, 0, 1);
		put(b, 0, 6);
		put(b, 0, 4);
	}
	put_head(b, version, 0, n, 2);
	for (uint32_t i = 0; i < n; i++)
		put(b, (uint64_t)times[i], bytes);
	for (uint32_t i = 0; i < n; i++)
		put(b, (i + 1) % 2, 1);
	put(b, (uint32_t)-3600, 4);
	put(b, 0, 2);
	put(b, 3600, 4);
	put(b, 0x0100, 2);
	put(b, 0, 4);
	if (footer)
		buf_fmt(b, "\n%s\n", footer);
}

static const struct tz *made(char version, const int64_t *times, uint32_t n, const char *footer)
{
	struct buf b = BUF_INIT;
	struct tz *z = NULL;

	put_file(&b, version, times, n, footer);
	if (tz_decode(buf_view(&b), "Made", &z) < 0)
		z = NULL;
	buf_done(&b);
	return z;
}

static void every_version_is_read(void **state)
{
	const int64_t times[] = {1000, 2000, 3000};
	const struct tz *z = made(0, times, 3, NULL);

	(void)state;
	assert_non_null(z);
	assert_int_equal(tz_offset(z, 999), -3600);
	assert_int_equal(tz_offset(z, 1000), 3600);
	assert_int_equal(tz_offset(z, 2000), -3600);
	assert_int_equal(tz_offset(z, 1LL << 40), 3600);
	assert_int_equal(tz_next_change(z, 1000), 2000);
	assert_true(tz_next_change(z, 3000) == INT64_MAX);
	tz_put(z);
	for (char version = '2'; version <= '5'; version++) { /* a later one is read as far as it is known */
		z = made(version, times, 1, "<+05>-5");
		assert_non_null(z);
		assert_int_equal(tz_offset(z, 1000), 18000);
		assert_int_equal(tz_offset(z, 999), -3600);
		tz_put(z);
		z = made(version, times, 3, "");
		assert_int_equal(tz_offset(z, 1LL << 40), 3600);
		tz_put(z);
	}
}

static void damaged_files_are_refused(void **state)
{
	static const char *const footers[] = {"EST5EDT",
					      "A5",
					      "<A>5",
					      "EST",
					      "EST200",
					      "EST5EDT,M13.1.0,M1.1.0",
					      "EST5EDT,M1.6.0,M1.1.0",
					      "EST5EDT,M1.1.7,M1.1.0",
					      "EST5EDT,J0,J1",
					      "EST5EDT,J1,366",
					      "EST5EDT,J1",
					      "EST5EDT,J1,J2x",
					      "EST5EDT,J1/168,J2",
					      "EST26",
					      "EST5:60",
					      "<EST5",
					      "EST5EDT,M1.1,J2"};
	const int64_t backwards[] = {2000, 1000}, one[] = {1000};
	struct buf b = BUF_INIT;
	struct tz *z;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(footers); i++)
		if (made('2', one, 1, footers[i]))
			fail_msg("%s was taken", footers[i]);
	assert_null(made('2', backwards, 2, "EST5"));
	assert_null(made('1', one, 1, NULL));
	put_file(&b, '2', one, 1, "EST5");
	for (size_t n = 0; n < b.n; n++) /* cut off anywhere */
		assert_true(tz_decode((struct str){b.p, n}, "x", &z) < 0);
	assert_int_equal(tz_decode(buf_view(&b), "x", &z), 0);
	tz_put(z);
	buf_clear(&b);
	put_head(&b, 0, 1, 0, 1); /* leap seconds */
	put(&b, 0, 6 + 4 + 8);
	assert_true(tz_decode(buf_view(&b), "x", &z) < 0);
	buf_done(&b);
}

/* -- footers -------------------------------------------------------------------------------------------------------- */

static void assert_rule(const char *footer, int64_t at, int32_t offset, int64_t next)
{
	const struct tz *z = made('3', NULL, 0, footer);

	assert_non_null(z);
	if (tz_offset(z, at) != offset || tz_next_change(z, at) != next)
		fail_msg("%s at %lld: offset %d, next %lld", footer, (long long)at, tz_offset(z, at),
			 (long long)tz_next_change(z, at));
	tz_put(z);
}

static void footers_hold_for_ever(void **state)
{
	(void)state;
	/* 2050: summer from Sunday 13 March 07:00Z to Sunday 6 November 06:00Z */
	assert_rule("EST5EDT,M3.2.0,M11.1.0", civil(2050, 3, 13, 6, 59), -18000, civil(2050, 3, 13, 7, 0));
	assert_rule("EST5EDT,M3.2.0,M11.1.0", civil(2050, 3, 13, 7, 0), -14400, civil(2050, 11, 6, 6, 0));
	assert_rule("EST5EDT,M3.2.0,M11.1.0", civil(2050, 11, 6, 6, 0), -18000, civil(2051, 3, 12, 7, 0));
	/* south of the equator summer lasts over the new year */
	assert_rule("AEST-10AEDT,M10.1.0,M4.1.0/3", civil(2051, 1, 1, 0, 0), 39600, civil(2051, 4, 1, 16, 0));
	/* half an hour, and a time before midnight of the day */
	assert_rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", civil(2051, 1, 1, 0, 0), 39600, civil(2051, 4, 1, 15, 0));
	assert_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", civil(2026, 3, 29, 0, 59), -7200, civil(2026, 3, 29, 1, 0));
	/* winter is the exception (Dublin) */
	assert_rule("IST-1GMT0,M10.5.0,M3.5.0/1", civil(2030, 1, 1, 0, 0), 0, civil(2030, 3, 31, 1, 0));
	assert_rule("IST-1GMT0,M10.5.0,M3.5.0/1", civil(2030, 7, 1, 0, 0), 3600, civil(2030, 10, 27, 1, 0));
	/* summer all the year */
	assert_rule("XXX3EDT4,0/0,J365/23", civil(2030, 12, 31, 12, 0), -14400, civil(2031, 1, 1, 3, 0));
	assert_rule("XXX3EDT4,0/0,J365/23", civil(2031, 1, 1, 3, 0), -14400, civil(2032, 1, 1, 3, 0));
	/* 29 February counts for n, not for Jn: day 60 is 1 March, or 29 February and then 1 March */
	assert_rule("AAA0BBB,J60/0,J300/0", civil(2028, 2, 29, 23, 59), 0, civil(2028, 3, 1, 0, 0));
	assert_rule("AAA0BBB,59/0,J300/0", civil(2028, 2, 28, 23, 59), 0, civil(2028, 2, 29, 0, 0));
	assert_rule("AAA0BBB,59/0,J300/0", civil(2027, 2, 28, 23, 59), 0, civil(2027, 3, 1, 0, 0));
	assert_rule("AAA3", civil(2027, 2, 28, 23, 59), -10800, INT64_MAX);
}

/* -- the system's zones --------------------------------------------------------------------------------------------- */

static void assert_instant(const char *name, int64_t local, int64_t want, enum tz_fit want_fit)
{
	const struct tz *z = zone(name);
	enum tz_fit fit = TZ_ONCE;
	int64_t at = tz_instant(z, local, &fit);

	if (at != want || fit != want_fit || tz_instant(z, local, NULL) != want)
		fail_msg("%s %lld: %lld (%d), wanted %lld (%d)", name, (long long)local, (long long)at, fit,
			 (long long)want, want_fit);
	tz_put(z);
}

static void civil_times_become_instants(void **state)
{
	(void)state;
	assert_instant("America/Sao_Paulo", civil(2026, 11, 22, 12, 0), civil(2026, 11, 22, 15, 0), TZ_ONCE);
	/* clocks set forward at midnight, 4 November 2018: 00:30 was skipped */
	assert_instant("America/Sao_Paulo", civil(2018, 11, 4, 0, 30), civil(2018, 11, 4, 3, 30), TZ_SKIPPED);
	assert_instant("America/Sao_Paulo", civil(2018, 11, 3, 23, 59), civil(2018, 11, 4, 2, 59), TZ_ONCE);
	assert_instant("America/Sao_Paulo", civil(2018, 11, 4, 1, 0), civil(2018, 11, 4, 3, 0), TZ_ONCE);
	/* and back on 17 February 2019: 23:30 came twice */
	assert_instant("America/Sao_Paulo", civil(2019, 2, 16, 23, 30), civil(2019, 2, 17, 1, 30), TZ_TWICE);
	assert_instant("America/New_York", civil(2050, 3, 13, 2, 30), civil(2050, 3, 13, 7, 30), TZ_SKIPPED);
	assert_instant("America/New_York", civil(2050, 11, 6, 1, 0), civil(2050, 11, 6, 5, 0), TZ_TWICE);
	assert_instant("America/New_York", civil(2050, 11, 6, 2, 0), civil(2050, 11, 6, 7, 0), TZ_ONCE);
	/* half an hour is skipped */
	assert_instant("Australia/Lord_Howe", civil(2026, 10, 4, 2, 15), civil(2026, 10, 3, 15, 45), TZ_SKIPPED);
	/* a day is skipped: 30 December 2011 */
	assert_instant("Pacific/Apia", civil(2011, 12, 30, 12, 0), civil(2011, 12, 30, 22, 0), TZ_SKIPPED);
	assert_instant("Asia/Kathmandu", civil(2026, 1, 1, 0, 0), civil(2025, 12, 31, 18, 15), TZ_ONCE);
	assert_instant("UTC", civil(2026, 1, 1, 0, 0), civil(2026, 1, 1, 0, 0), TZ_ONCE);
	assert_instant("+14:00", civil(2026, 1, 1, 0, 0), civil(2025, 12, 31, 10, 0), TZ_ONCE);
}

static void names_are_what_requests_give(void **state)
{
	static const struct {
		const char *name, *canonical;
		int32_t offset;
	} good[] = {
		{"UTC", "UTC", 0},
		{"utc", "UTC", 0},
		{"Z", "UTC", 0},
		{"+00:00", "UTC", 0},
		{"-0000", "UTC", 0},
		{"+03:00", "+03:00", 10800},
		{"-0100", "-01:00", -3600},
		{"+05", "+05:00", 18000},
		{" 03:00", "+03:00", 10800},
		{"-09:30", "-09:30", -34200},
		{"+18:00", "+18:00", 64800},
		{"Etc/GMT+3", "Etc/GMT+3", -10800},
		{"Asia/Kolkata", "Asia/Kolkata", 19800},
		{"Africa/Porto-Novo", "Africa/Porto-Novo", 3600},
		{"America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires", -10800},
	};
	static const char *const bad[] = {
		"",
		" ",
		"Mars/Olympus",
		"/usr/share/zoneinfo/UTC",
		"../zoneinfo/America/Sao_Paulo",
		"America/../America/Sao_Paulo",
		"America/",
		"America//Sao_Paulo",
		"America",
		"zone.tab",
		"localtime",
		"posixrules",
		"posix/America/Sao_Paulo",
		"right/America/Sao_Paulo",
		"+18:01",
		"+19:00",
		"+3",
		"+3:00",
		"+03:0",
		"+03:60",
		"+0x:00",
		"03:00",
		"+03-00",
		"UTC+3",
		"America/Sao_Paulo/",
		"america/sao_paulo",
		"America/S\xc3\xa3o_Paulo",
		"+03:00:00",
		"-",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		for (int again = 0; again < 2; again++) {
			const struct tz *z = zone(good[i].name);

			assert_string_equal(tz_name(z), good[i].canonical);
			assert_int_equal(tz_offset(z, civil(2026, 1, 1, 0, 0)), good[i].offset);
			tz_put(z);
		}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (tz_get(str_of(bad[i])))
			fail_msg("\"%s\" is no zone", bad[i]);
	assert_null(tz_get((struct str){"America/Sao_Paulo\0x", 19}));
	assert_null(tz_get((struct str){NULL, 0}));
}

/* -- updates -------------------------------------------------------------------------------------------------------- */

static void write_zone(const char *dir, const char *footer)
{
	struct buf b = BUF_INIT;
	char path[256], new[256];
	FILE *f;

	put_file(&b, '2', NULL, 0, footer);
	snprintf(path, sizeof(path), "%s/Moving", dir);
	snprintf(new, sizeof(new), "%s/.new", dir);
	f = fopen(new, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(new, path), 0);
	buf_done(&b);
}

static void an_updated_file_is_noticed(void **state)
{
	char dir[] = "/tmp/pombo-tz-XXXXXX", path[64];
	const struct tz *old, *new;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/Moving", dir);
	tz_folder(dir, 0);
	assert_null(tz_get(STR("Moving")));
	write_zone(dir, "AAA3");
	old = zone("Moving");
	new = zone("Moving");
	assert_ptr_equal(old, new);
	tz_put(new);
	assert_int_equal(tz_offset(old, 0), -10800);
	write_zone(dir, "AAA2");
	new = zone("Moving");
	assert_int_equal(tz_offset(new, 0), -7200);
	assert_int_equal(tz_offset(old, 0), -10800); /* who has it keeps it */
	tz_put(old);
	tz_put(new);
	write_zone(dir, "damaged"); /* as is known */
	new = zone("Moving");
	assert_int_equal(tz_offset(new, 0), -7200);
	tz_put(new);
	unlink(path);
	new = zone("Moving");
	assert_int_equal(tz_offset(new, 0), -7200);
	tz_put(new);
	write_zone(dir, "AAA1");
	tz_folder(dir, 3600000);
	new = zone("Moving");
	write_zone(dir, "AAA2");
	assert_ptr_equal(zone("Moving"), new); /* not every time */
	tz_put(new);
	tz_put(new);
	unlink(path);
	rmdir(dir);
	tz_folder(NULL, 30000);
	assert_null(tz_get(STR("Moving")));
	tz_put(zone("America/Sao_Paulo"));
}

static void *worker(void *arg)
{
	static const char *const names[] = {"America/Sao_Paulo", "Europe/Lisbon", "+03:00",
					    "Asia/Tokyo",        "UTC",           "No/Such"};
	int64_t *sum = arg;

	for (int i = 0; i < 3000; i++) {
		const struct tz *z = tz_get(str_of(names[i % 6]));

		if (z)
			*sum += tz_offset(z, 1790000000 + i);
		tz_put(z);
	}
	return NULL;
}

static void threads_share_zones(void **state)
{
	pthread_t t[4];
	int64_t sum[4] = {0};

	(void)state;
	tz_folder(NULL, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, &sum[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 1; i < 4; i++)
		assert_int_equal(sum[i], sum[0]);
	tz_folder(NULL, 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_is_read),        cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(footers_hold_for_ever),        cmocka_unit_test(civil_times_become_instants),
		cmocka_unit_test(names_are_what_requests_give), cmocka_unit_test(an_updated_file_is_noticed),
		cmocka_unit_test(threads_share_zones),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	tz_folder(NULL, 30000);
	return failed;
}
