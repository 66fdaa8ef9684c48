#include "core/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/time.h"

#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)

static int64_t at(const char *iso)
{
	int64_t ms;

	if (iso_parse(str_of(iso), &ms) < 0)
		fail_msg("%s is no date", iso);
	return ms;
}

static uint32_t hours(const char *list)
{
	uint32_t mask = 0;

	for (const char *p = list; *p;) {
		int h = 0;

		for (; *p >= '0' && *p <= '9'; p++)
			h = h * 10 + (*p - '0');
		mask |= 1u << h;
		p += *p == ',';
	}
	return mask;
}

static struct sending_hours sending(const char *text, const char *holidays)
{
	struct sending_hours h = {0};
	struct err e;

	if (sending_hours_parse(str_of(text), &h, &e) < 0 || holidays_parse(str_of(holidays), &h, &e) < 0)
		fail_msg("%s", e.text);
	return h;
}

static void assert_next(const struct schedule *s, const char *from, const char *want)
{
	char got[ISO_MAX] = "never";
	int64_t next = schedule_next(s, at(from));

	if (next != SCHEDULE_NEVER)
		iso_utc(got, next, true);
	if (next != (want ? at(want) : SCHEDULE_NEVER))
		fail_msg("from %s: %s, wanted %s", from, got, want ? want : "never");
}

static void a_window_is_local_hours(void **state)
{
	struct schedule s = {.window = hours("11,12,18"), .zone = tz_get(STR("America/Sao_Paulo"))};

	(void)state;
	assert_next(&s, "2026-11-22T13:59:59.999Z", "2026-11-22T14:00:00Z");
	assert_next(&s, "2026-11-22T14:00:00.001Z", "2026-11-22T14:00:00.001Z");
	assert_next(&s, "2026-11-22T15:59:59.999Z", "2026-11-22T15:59:59.999Z");
	assert_next(&s, "2026-11-22T16:00:00Z", "2026-11-22T21:00:00Z");
	assert_next(&s, "2026-11-22T22:00:00Z", "2026-11-23T14:00:00Z");
	s.window = hours("22,23,0,1"); /* over midnight */
	assert_next(&s, "2026-11-22T12:00:00Z", "2026-11-23T01:00:00Z");
	assert_next(&s, "2026-11-23T04:59:59Z", "2026-11-23T04:59:59Z");
	assert_next(&s, "2026-11-23T05:00:00Z", "2026-11-24T01:00:00Z");
	s.window = 0;
	assert_next(&s, "2026-11-23T05:00:00Z", "2026-11-23T05:00:00Z");
	s.window = 0xffffff;
	assert_next(&s, "2026-11-23T05:00:00Z", "2026-11-23T05:00:00Z");
	tz_put(s.zone);
	s = (struct schedule){.window = hours("3"), .zone = tz_get(STR("Asia/Kathmandu"))}; /* +05:45 */
	assert_next(&s, "2026-11-23T00:00:00Z", "2026-11-23T21:15:00Z");
	assert_int_equal(schedule_shuts(&s, at("2026-11-23T21:15:00Z")), at("2026-11-23T22:15:00Z"));
	tz_put(s.zone);
	s = (struct schedule){.window = hours("3")}; /* no zone is UTC */
	assert_next(&s, "1969-12-31T04:00:00.5Z", "1970-01-01T03:00:00Z");
}

static void windows_follow_the_clock_over_changes(void **state)
{
	struct schedule s = {.window = hours("2"), .zone = tz_get(STR("America/New_York"))};

	(void)state;
	/* 2027-03-14: no hour 2 that day */
	assert_next(&s, "2027-03-13T07:00:00Z", "2027-03-13T07:00:00Z");
	assert_next(&s, "2027-03-13T08:00:00Z", "2027-03-15T06:00:00Z");
	s.window = hours("1"); /* 2027-11-07: it comes twice */
	assert_next(&s, "2027-11-07T04:59:59Z", "2027-11-07T05:00:00Z");
	assert_next(&s, "2027-11-07T06:30:00Z", "2027-11-07T06:30:00Z");
	assert_next(&s, "2027-11-07T07:00:00Z", "2027-11-08T06:00:00Z");
	assert_int_equal(schedule_shuts(&s, at("2027-11-07T05:00:00Z")), at("2027-11-07T07:00:00Z"));
	tz_put(s.zone);
	s = (struct schedule){.window = hours("0"), .zone = tz_get(STR("America/Sao_Paulo"))};
	assert_next(&s, "2018-11-03T04:00:00Z", "2018-11-05T02:00:00Z"); /* midnight was skipped on the 4th */
	tz_put(s.zone);
	s = (struct schedule){.window = hours("9"), .zone = tz_get(STR("Pacific/Apia"))};
	assert_next(&s, "2011-12-29T21:00:00Z", "2011-12-30T19:00:00Z"); /* the 30th was skipped */
	tz_put(s.zone);
}

static void sending_hours_are_obeyed_besides(void **state)
{
	struct sending_hours h = sending("mon-fri=08:30-20 sat=9-14 holidays=none", "12-25,2026-11-24");
	struct schedule s = {.hours = &h, .hours_zone = tz_get(STR("America/Sao_Paulo"))};

	(void)state;
	assert_next(&s, "2026-11-22T15:00:00Z", "2026-11-23T11:30:00Z"); /* Sunday */
	assert_next(&s, "2026-11-23T22:59:59.999Z", "2026-11-23T22:59:59.999Z");
	assert_next(&s, "2026-11-23T23:00:00Z", "2026-11-25T11:30:00Z"); /* over that year's holiday */
	assert_next(&s, "2026-11-28T17:00:00Z", "2026-11-30T11:30:00Z"); /* Saturday afternoon */
	assert_next(&s, "2026-12-24T23:00:00Z", "2026-12-26T12:00:00Z"); /* Christmas */
	assert_next(&s, "2027-11-24T12:00:00Z", "2027-11-24T12:00:00Z"); /* once */
	s.window = hours("7,20");
	s.zone = s.hours_zone;
	assert_next(&s, "2026-11-22T15:00:00Z", NULL); /* nothing in common */
	s.zone = tz_get(STR("UTC"));
	assert_next(&s, "2026-11-22T15:00:00Z", "2026-11-23T20:00:00Z");
	assert_int_equal(schedule_shuts(&s, at("2026-11-23T20:00:00Z")), at("2026-11-23T21:00:00Z"));
	tz_put(s.zone);
	h = sending("quiet=21:00-08:00", "");
	s.window = 0;
	assert_next(&s, "2026-11-23T00:00:00Z", "2026-11-23T11:00:00Z");
	assert_next(&s, "2026-11-23T04:00:00Z", "2026-11-23T11:00:00Z");
	assert_next(&s, "2026-11-23T23:59:59Z", "2026-11-23T23:59:59Z");
	assert_int_equal(schedule_shuts(&s, at("2026-11-23T12:00:00Z")), at("2026-11-24T00:00:00Z"));
	h = sending("quiet=12:00-13:00 mon-sun=all holidays=all", "");
	assert_next(&s, "2026-11-23T15:20:00Z", "2026-11-23T16:00:00Z");
	h = sending("mon=none", "");
	assert_next(&s, "2026-11-23T15:20:00Z", NULL);
	tz_put(s.hours_zone);
}

static void dates_and_epochs_are_read(void **state)
{
	static const char *const bad[] = {"",
					  "2026-11-22",
					  "2026-11-22T10:00",
					  "2026-11-22 10:00:00",
					  "2026-02-29T10:00:00",
					  "2026-11-22T24:00:00",
					  "2026-11-22T10:00:00X",
					  "2026-11-22T10:00:00+3",
					  "22/11/2026",
					  "2026-11-22T10:00:00.123456789012345678901234567890Z"};
	struct when w;

	(void)state;
	assert_int_equal(when_date(STR("2026-11-22T10:00:01"), &w), 0);
	assert_int_equal(w.kind, WHEN_CIVIL);
	assert_int_equal(w.value, at("2026-11-22T10:00:01Z") / 1000);
	assert_int_equal(when_date(STR("2026-11-22T10:00:01Z"), &w), 0);
	assert_int_equal(w.kind, WHEN_AT);
	assert_int_equal(w.value, at("2026-11-22T10:00:01Z"));
	assert_int_equal(when_date(STR("2026-11-22T10:00:01-03:00"), &w), 0);
	assert_int_equal(w.value, at("2026-11-22T13:00:01Z"));
	assert_int_equal(when_date(STR("2026-11-22T10:00:01 0300"), &w), 0);
	assert_int_equal(w.value, at("2026-11-22T07:00:01Z"));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (when_date(str_of(bad[i]), &w) == 0)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(when_epoch(1790000000).value, 1790000000000);
	assert_int_equal(when_epoch(1790000000000).value, 1790000000000);
	assert_int_equal(when_epoch(99999999999).value, 99999999999000);
	assert_int_equal(when_epoch(100000000000).value, 100000000000);
}

static void fields_become_instants(void **state)
{
	const int64_t now = at("2026-11-22T15:00:00Z");
	const struct when none = {WHEN_NONE, 0}, soon = {WHEN_MINUTES, 10}, late = {WHEN_MINUTES, 20},
			  past = {WHEN_AT, 5}, far = {WHEN_MINUTES, (int64_t)367 * 1440},
			  huge = {WHEN_MINUTES, INT64_MAX}, zero = {WHEN_MINUTES, 0};
	struct schedule s = {0};
	struct when w;
	struct times t;

	(void)state;
	assert_int_equal(schedule_times(&none, &none, tz_utc(), &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.not_before, 0);
	assert_int_equal(t.departs, now);
	assert_int_equal(t.expires_at, now + DAY_MS);
	assert_int_equal(schedule_times(&soon, &none, tz_utc(), &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.not_before, now + 600000);
	assert_int_equal(t.expires_at, now + 600000 + DAY_MS);
	assert_int_equal(schedule_times(&past, &late, tz_utc(), &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.not_before, 0);
	assert_int_equal(t.expires_at, now + 1200000); /* from receipt */
	assert_int_equal(schedule_times(&late, &soon, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_EARLY);
	assert_int_equal(schedule_times(&late, &late, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_EARLY);
	assert_int_equal(schedule_times(&none, &past, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_PAST);
	assert_int_equal(schedule_times(&none, &zero, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_PAST);
	assert_int_equal(schedule_times(&far, &none, tz_utc(), &s, now, DAY_MS, &t), TIMES_START_FAR);
	assert_int_equal(schedule_times(&huge, &none, tz_utc(), &s, now, DAY_MS, &t), TIMES_START_FAR);
	assert_int_equal(schedule_times(&none, &far, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_FAR);
	assert_int_equal(schedule_times(&none, &huge, tz_utc(), &s, now, DAY_MS, &t), TIMES_EXPIRY_FAR);
	/* the usual validity begins when the window opens */
	s.window = hours("20");
	assert_int_equal(schedule_times(&soon, &none, tz_utc(), &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.departs, at("2026-11-22T20:00:00Z"));
	assert_int_equal(t.expires_at, at("2026-11-23T20:00:00Z"));
	assert_int_equal(t.not_before, now + 600000);
	/* an expiry before that is the caller's will */
	assert_int_equal(schedule_times(&none, &soon, tz_utc(), &s, now, DAY_MS, &t), TIMES_OK);
	assert_true(t.departs > t.expires_at);
	/* civil times in their zone: in a gap, and the earlier of two */
	s.window = 0;
	s.zone = tz_get(STR("America/New_York"));
	assert_int_equal(when_date(STR("2027-03-14T02:30:00"), &w), 0);
	assert_int_equal(schedule_times(&w, &none, s.zone, &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.not_before, at("2027-03-14T07:30:00Z"));
	assert_int_equal(when_date(STR("2027-11-07T01:30:00"), &w), 0);
	assert_int_equal(schedule_times(&w, &none, s.zone, &s, now, DAY_MS, &t), TIMES_OK);
	assert_int_equal(t.not_before, at("2027-11-07T05:30:00Z"));
	tz_put(s.zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_is_local_hours),
		cmocka_unit_test(windows_follow_the_clock_over_changes),
		cmocka_unit_test(sending_hours_are_obeyed_besides),
		cmocka_unit_test(dates_and_epochs_are_read),
		cmocka_unit_test(fields_become_instants),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	tz_folder(NULL, 30000);
	return failed;
}
