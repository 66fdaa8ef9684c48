/* send_times_test.c - when the messages of a request may leave and when they expire: schedules, windows, zones, sending hours. */
#include "request_reader.h"

#include "api/send_request.h"

#define NOON 1795348800000 /* 2026-11-22T12:00:00Z, a Sunday */
#define MINUTE_MS ((int64_t)60000)
#define DAY_MS ((int64_t)86400000)
static struct user sender;
static struct account company;
static struct sub_account branch;
static struct settings settings = {.sms.validity_ms = DAY_MS};

static int8_t lane = TEXT_OF_SUB_ACCOUNT; /* as send_texts() finds it */

static void work_out(void)
{
	struct send_who who = {&sender, &company, &branch, &settings, NOON};

	good();
	for (size_t i = 0; i < request.count; i++)
		request.items[i].lane = lane;
	send_times(&request, &who, &arena, &faults);
}

static void nobody_has_a_zone(void)
{
	memset(&sender, 0, sizeof(sender));
	memset(&company, 0, sizeof(company));
	memset(&branch, 0, sizeof(branch));
}

static void assert_times(size_t i, int64_t not_before, int64_t expires_at)
{
	const struct times *t = &request.items[i].time.out;

	good();
	if (t->not_before != not_before || t->expires_at != expires_at)
		fail_msg("message %zu: not before %lld, expires %lld", i, (long long)t->not_before,
			 (long long)t->expires_at);
}

TEST(schedules_and_expiries_are_worked_out)
{
	static const struct {
		const char *more;
		int64_t not_before, expires_at; /* after noon */
	} cases[] = {
		{"", 0, 0},
		{",\"scheduledAt\":1795349400", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"scheduledAt\":\"1795349400000\"", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"scheduledAt\":1795348000", 0, DAY_MS}, /* past: now */
		{",\"scheduledDate\":\"2026-11-22T12:10:00\"", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"scheduleDate\":\"2026-11-22T12:10:00\"", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"scheduledDate\":\"2026-11-22T12:10:00\",\"timeZone\":\"-0100\"", 70 * MINUTE_MS, 70 * MINUTE_MS + DAY_MS},
		{",\"scheduledDate\":\"2026-11-22T12:10:00Z\",\"timeZone\":\"-0100\"", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"scheduledDate\":\"2026-11-22T09:10:00-03:00\"", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"delayedInMinutes\":10", 10 * MINUTE_MS, 10 * MINUTE_MS + DAY_MS},
		{",\"delayedInMinutes\":0", 0, DAY_MS},
		{",\"expiresInMinutes\":\"5\"", 0, 5 * MINUTE_MS},
		{",\"expiresAt\":1795349100", 0, 5 * MINUTE_MS},
		{",\"expiresDate\":\"2026-11-22T12:05:00\"", 0, 5 * MINUTE_MS},
		{",\"delayedInMinutes\":10,\"expiresInMinutes\":15", 10 * MINUTE_MS, 15 * MINUTE_MS},
		{",\"timeWindow\":[14,20]", 0, 2 * 60 * MINUTE_MS + DAY_MS}, /* validity from when it may leave */
		{",\"timeWindow\":[14],\"expiresInMinutes\":5", 0, 5 * MINUTE_MS},
		{",\"scheduledAt\":\"\",\"expiresDate\":null,\"timeZone\":\"\",\"timeWindow\":[]", 0, 0},
	};

	nobody_has_a_zone();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_with(cases[i].more);
		work_out();
		assert_times(0, cases[i].not_before ? NOON + cases[i].not_before : 0,
			     cases[i].expires_at ? NOON + cases[i].expires_at : 0);
	}
}

TEST(time_faults_are_named)
{
	static const char at[] = "must be a time in seconds or milliseconds since 1970",
			  minutes[] = "must be a whole number of minutes, not negative",
			  date[] = "must be yyyy-MM-ddTHH:mm:ss, optionally with Z or an offset",
			  one_start[] =
				  "only one of scheduledAt, scheduledDate and delayedInMinutes is allowed",
			  one_expiry[] = "only one of expiresAt, expiresDate and expiresInMinutes is allowed",
			  hour[] = "must be hours from 0 to 23", type[] = "must be a string or a whole number";
	static const struct {
		const char *more, *field, *rule;
	} cases[] = {
		{",\"scheduledAt\":1.5", "scheduledAt", type},
		{",\"scheduledAt\":-1", "scheduledAt", at},
		{",\"scheduledAt\":\"soon\"", "scheduledAt", at},
		{",\"expiresAt\":true", "expiresAt", type},
		{",\"expiresAt\":9223372036854775807", "expiresAt", at},
		{",\"delayedInMinutes\":-5", "delayedInMinutes", minutes},
		{",\"delayedInMinutes\":[1]", "delayedInMinutes", type},
		{",\"expiresInMinutes\":\"x\"", "expiresInMinutes", minutes},
		{",\"scheduledDate\":\"2026-02-30T10:00:00\"", "scheduledDate", date},
		{",\"scheduledDate\":20261122", "scheduledDate", "must be a string"},
		{",\"scheduleDate\":\"tomorrow\"", "scheduleDate", date},
		{",\"expiresDate\":\"2026-11-22\"", "expiresDate", date},
		{",\"timeZone\":\"Mars/Olympus\"", "timeZone", "unknown time zone"},
		{",\"timeZone\":\"../etc/passwd\"", "timeZone", "unknown time zone"},
		{",\"timeZone\":3", "timeZone", "must be a string"},
		{",\"timeWindow\":[24]", "timeWindow", hour},
		{",\"timeWindow\":[-1]", "timeWindow", hour},
		{",\"timeWindow\":[11,1.5]", "timeWindow", hour},
		{",\"timeWindow\":[[11]]", "timeWindow", hour},
		{",\"timeWindow\":\"11,,12\"", "timeWindow", hour},
		{",\"timeWindow\":\"11,\"", "timeWindow", hour},
		{",\"timeWindow\":{}", "timeWindow", "must be an array of hours"},
		{",\"timeWindow\":true", "timeWindow", "must be an array of hours"},
		{",\"scheduledAt\":1795349400,\"delayedInMinutes\":10", "delayedInMinutes", one_start},
		{",\"scheduledDate\":\"2026-11-22T12:10:00\",\"scheduledAt\":1795349400", "scheduledAt", one_start},
		{",\"scheduleDate\":\"2026-11-22T12:10:00\",\"scheduledDate\":\"2026-11-22T12:10:00\"",
		 "scheduledDate", one_start},
		{",\"expiresAt\":1795349400,\"expiresInMinutes\":10", "expiresInMinutes", one_expiry},
		{",\"expiresDate\":\"2026-11-22T12:10:00\",\"expiresAt\":1795349400", "expiresAt", one_expiry},
	};
	static const struct {
		const char *more, *field, *rule;
	} later[] = {
		{",\"expiresAt\":1795348800", "expiresAt", "is past"},
		{",\"expiresInMinutes\":0", "expiresInMinutes", "is past"},
		{",\"expiresDate\":\"2026-11-22T12:00:00\"", "expiresDate", "is past"},
		{",\"delayedInMinutes\":10,\"expiresInMinutes\":10", "expiresInMinutes", "must be later than the schedule"},
		{",\"scheduledDate\":\"2026-11-23T12:00:00\",\"expiresAt\":1795349400", "expiresAt", "must be later than the schedule"},
		{",\"scheduledDate\":\"2027-11-24T12:00:00\"", "scheduledDate", "is more than a year ahead"},
		{",\"delayedInMinutes\":600000", "delayedInMinutes", "is more than a year ahead"},
		{",\"expiresInMinutes\":600000", "expiresInMinutes", "is more than a year ahead"},
		{",\"expiresAt\":99999999999", "expiresAt", "is more than a year ahead"},
	};

	nobody_has_a_zone();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_with(cases[i].more);
		bad(cases[i].field, cases[i].rule);
		assert_int_equal(faults.count, 1);
	}
	for (size_t i = 0; i < COUNT_OF(later); i++) {
		read_with(later[i].more);
		work_out();
		bad(later[i].field, later[i].rule);
		assert_int_equal(faults.count, 1);
	}
	read_body(true, "{\"expiresInMinutes\":5,\"messages\":[{\"destination\":\"1\",\"messageText\":\"x\"},"
			"{\"destination\":\"1\","
			"\"messageText\":\"x\",\"delayedInMinutes\":9},{\"destination\":\"1\","
			"\"messageText\":\"x\",\"scheduledAt\":1,"
			"\"delayedInMinutes\":9,\"timeZone\":\"x\"}]}");
	assert_int_equal(faults.count, 2);
	bad("messages[2].delayedInMinutes", one_start);
	assert_string_equal(faults.f[1].field, "messages[2].timeZone");
	read_body(
		true,
		"{\"expiresInMinutes\":5,\"messages\":[{\"destination\":\"1\",\"messageText\":\"x\"},{"
		"\"destination\":\"1\","
		"\"messageText\":\"x\",\"delayedInMinutes\":9}],\"defaultValues\":{\"expiresInMinutes\":7}}");
	work_out();
	assert_int_equal(faults.count, 1);
	bad("defaultValues.expiresInMinutes", "must be later than the schedule");
}

TEST(times_come_from_message_then_defaults_then_root)
{
	nobody_has_a_zone();
	read_body(true, "{\"timeZone\":\"-03:00\",\"timeWindow\":[9],\"delayedInMinutes\":5,"
			"\"expiresInMinutes\":600,\"defaultValues\":{"
			"\"messageText\":\"x\",\"expiresInMinutes\":700,\"timeZone\":\"UTC\"},\"messages\":[{"
			"\"destination\":\"1\"},"
			"{\"destination\":\"2\",\"scheduledDate\":\"2026-11-22T12:30:00\",\"timeZone\":\"-01:"
			"00\",\"timeWindow\":[1,2]},"
			"{\"destination\":\"3\",\"expiresAt\":1795352400}]}");
	work_out();
	assert_times(0, NOON + 5 * MINUTE_MS, NOON + 700 * MINUTE_MS);
	assert_int_equal(request.items[0].time.window, 1u << 9);
	assert_true(str_eqz(request.items[0].time.zone, "UTC"));
	assert_times(1, NOON + 90 * MINUTE_MS, NOON + 700 * MINUTE_MS);
	assert_int_equal(request.items[1].time.window, 6);
	assert_true(str_eqz(request.items[1].time.zone, "-01:00"));
	assert_times(2, NOON + 5 * MINUTE_MS, NOON + 60 * MINUTE_MS);
}

TEST(the_zone_is_the_requests_the_users_the_sub_accounts_the_countrys_or_utc)
{
	const char *date = ",\"scheduledDate\":\"2026-11-22T20:00:00\"";
	const char *zoned = ",\"scheduledDate\":\"2026-11-22T20:00:00\",\"timeZone\":\"Asia/Tokyo\"";
	const int64_t hour = 60 * MINUTE_MS;

	nobody_has_a_zone();
	read_with(date);
	work_out();
	assert_times(0, NOON + 8 * hour, NOON + 8 * hour + DAY_MS);
	str_copy(company.country, sizeof(company.country), STR("PT"));
	read_with(date);
	work_out();
	assert_times(0, NOON + 8 * hour, NOON + 8 * hour + DAY_MS);
	str_copy(company.country, sizeof(company.country), STR("BR"));
	read_with(date);
	work_out();
	assert_times(0, NOON + 11 * hour, NOON + 11 * hour + DAY_MS);
	str_copy(branch.zone, sizeof(branch.zone), STR("+02:00"));
	read_with(date);
	work_out();
	assert_times(0, NOON + 6 * hour, NOON + 6 * hour + DAY_MS);
	str_copy(sender.zone, sizeof(sender.zone), STR("Europe/Paris"));
	read_with(date);
	work_out();
	assert_times(0, NOON + 7 * hour, NOON + 7 * hour + DAY_MS);
	read_with(zoned); /* 20:00 there is 11:00 UTC: past, so now */
	work_out();
	assert_times(0, 0, NOON + DAY_MS);
	/* of the destination: Manaus by its area code; where the number does not tell, the country */
	nobody_has_a_zone();
	str_copy(company.country, sizeof(company.country), STR("BR"));
	str_copy(branch.zone, sizeof(branch.zone), STR(ZONE_OF_DESTINATION));
	read_body(true, "{\"messageText\":\"x\",\"scheduledDate\":\"2026-11-22T20:00:00\",\"messages\":[{"
			"\"destination\":\"5592987654321\"},"
			"{\"destination\":\"5511987654321\"},{\"destination\":\"351912345678\"},{"
			"\"destination\":\"junk\"}]}");
	work_out();
	assert_times(0, NOON + 12 * hour, NOON + 12 * hour + DAY_MS);
	assert_times(1, NOON + 11 * hour, NOON + 11 * hour + DAY_MS);
	assert_times(2, NOON + 8 * hour, NOON + 8 * hour + DAY_MS);
	assert_times(3, NOON + 11 * hour, NOON + 11 * hour + DAY_MS);
}

/* A fixed line by the numbering plan, so only the operator's word says that it is there. */
TEST(what_the_operator_takes_as_a_mobile_has_its_zone)
{
	static char prefix[] = "559230", *prefixes[] = {prefix};
	const int64_t hour = 60 * MINUTE_MS;
	struct err e;

	nobody_has_a_zone();
	settings.sms.mobile_prefixes = prefixes;
	settings.sms.mobile_prefix_count = 1;
	str_copy(branch.zone, sizeof(branch.zone), STR(ZONE_OF_DESTINATION));
	read_body(true, "{\"messageText\":\"x\",\"scheduledDate\":\"2026-11-22T20:00:00\",\"messages\":[{"
			"\"destination\":\"+55 92 3012-3456\"}]}");
	work_out();
	assert_times(0, NOON + 12 * hour, NOON + 12 * hour + DAY_MS);
	/* Its sending hours are those of the place too: 8 to 20 on Mondays, four hours behind. */
	assert_int_equal(sending_hours_parse(STR("mon=8-20"), &branch.hours, &e), 0);
	lane = TEXT_MARKETING;
	read_body(true, "{\"messageText\":\"x\",\"messages\":[{\"destination\":\"+55 92 3012-3456\"}]}");
	work_out();
	assert_times(0, 0, NOON + 24 * hour + DAY_MS);
	lane = TEXT_OF_SUB_ACCOUNT;
	settings.sms.mobile_prefixes = NULL;
	settings.sms.mobile_prefix_count = 0;
}

TEST(sending_hours_count_for_marketing)
{
	const int64_t hour = 60 * MINUTE_MS;
	struct err e;

	nobody_has_a_zone();
	assert_int_equal(sending_hours_parse(STR("mon-fri=8-20"), &branch.hours, &e), 0);
	read_with("");
	work_out();
	assert_times(0, 0, 0); /* transactional */
	branch.marketing = true;
	read_with(""); /* Sunday; Monday 08:00 in Sao Paulo is 11:00 UTC */
	work_out();
	assert_times(0, 0, NOON + 23 * hour + DAY_MS);
	for (int8_t class = TEXT_TRANSACTIONAL; class <= TEXT_MARKETING; class ++) { /* a template's class wins */
		lane = class;
		branch.marketing = class == TEXT_TRANSACTIONAL;
		read_with("");
		work_out();
		assert_times(0, 0, class == TEXT_MARKETING ? NOON + 23 * hour + DAY_MS : 0);
	}
	lane = TEXT_OF_SUB_ACCOUNT;
	branch.marketing = true;
	read_with(",\"timeWindow\":[3],\"timeZone\":\"America/Sao_Paulo\"");
	work_out();
	bad("timeWindow", "has no moment in common with the sub-account's sending hours");
	read_body(true, "{\"messages\":[{\"destination\":\"5511900000000\",\"messageText\":\"x\","
			"\"timeWindow\":[3],\"timeZone\":\"-0300\"}]}");
	work_out();
	bad("messages[0].timeWindow", "has no moment in common with the sub-account's sending hours");
	nobody_has_a_zone();
}

TEST(a_query_has_times_too)
{
	nobody_has_a_zone();
	read_get("destination=1&messageText=x&timeWindow=11&timeWindow=12,13&timeWindow[]=14&timeWindow=%"
		 "5B15%2C+16%5D&timeZone=-03:00");
	work_out();
	good();
	assert_int_equal(request.items[0].time.window, 0x1f800);
	assert_true(str_eqz(request.items[0].time.zone, "-03:00"));
	read_get("destination=1&messageText=x&scheduledDate=2026-11-22T10:00:00&timeZone=+03:00"); /* a blank that was a plus */
	work_out();
	assert_times(0, 0, NOON + DAY_MS);
	read_get("destination=1&messageText=x&scheduledDate=2026-11-22T14:00:00+03:00&expiresInMinutes=30");
	work_out();
	assert_times(0, 0, NOON + 30 * MINUTE_MS);
	read_get("destination=1&messageText=x&delayedInMinutes=3&delayedInMinutes=4");
	bad("delayedInMinutes", "given more than once");
	read_get("destination=1&messageText=x&timeWindow=24");
	bad("timeWindow", "must be hours from 0 to 23");
	read_get("destination=1&messageText=x&timeZone=%ff");
	bad("timeZone", "not valid UTF-8, or holds a NUL");
	read_get("destination=1&messageText=x&scheduledAt=1795349400&scheduledDate=2026-11-22T14:00:00");
	bad("scheduledDate", "only one of scheduledAt, scheduledDate and delayedInMinutes is allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(schedules_and_expiries_are_worked_out),
		RUN(time_faults_are_named),
		RUN(times_come_from_message_then_defaults_then_root),
		RUN(the_zone_is_the_requests_the_users_the_sub_accounts_the_countrys_or_utc),
		RUN(what_the_operator_takes_as_a_mobile_has_its_zone),
		RUN(sending_hours_count_for_marketing),
		RUN(a_query_has_times_too),
	};

	return cmocka_run_group_tests_name("send_times", tests, NULL, NULL);
}
