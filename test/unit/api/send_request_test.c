/* send_request_test.c - what a request to send may hold, and what becomes of it. */
#include "api_test.h"
#include "api/send_request.h"
#include "core/intake.h"
#include "core/snapshot.h"
#include "model/codes.h"

static struct arena arena;
static struct json_doc *doc;
static struct send_request request;
static struct faults faults;
static char query_text[32768];
static struct query_string query;

static const struct profile_setting *likely; /* of the connection that will carry it */

/* In core's place: numbers beginning with 5511 are routed. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	bool known = digits.n > 4 && !memcmp(digits.p, "5511", 4);

	(void)s;
	return (struct number_facts){.operator_id = known ? 1 : 0, .reports = known, .routed = known, .profile = likely};
}

/* In core's place: account 4 blocks numbers ending with 3, sub-account 6 has opt-outs of those ending with 4 and 3. */
struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	if (account == 4 && digits.p[digits.n - 1] == '3')
		return (struct refusal){SENT_BLACKLISTED, REASON_BLOCKED};
	if (sub_account == 6 && strchr("34", digits.p[digits.n - 1]))
		return (struct refusal){SENT_DESTINATION_BLOCKED_BY_OPTOUT, REASON_OPTED_OUT};
	return (struct refusal){0, 0};
}

static void forget(void)
{
	json_free(doc);
	doc = NULL;
	arena_done(&arena);
	faults.count = 0;
}

static void read_body(bool bulk, const char *body)
{
	struct err e;

	forget();
	doc = json_read(body, strlen(body), &e);
	if (!doc)
		print_error("%s: %s", e.text, body);
	assert_non_null(doc);
	send_read_json(json_root(doc), bulk, &arena, &request, &faults);
}

static void read_get(const char *text)
{
	forget();
	assert_true(str_copy(query_text, sizeof(query_text), str_of(text)));
	assert_int_equal(query_read(query_text, strlen(query_text), &query), 0);
	send_read_query(&query, &arena, &request, &faults);
}

static void good(void)
{
	if (faults.count)
		print_error("%s: %s", faults.f[0].field, faults.f[0].rule);
	assert_int_equal(faults.count, 0);
}

static void bad(const char *field, const char *rule)
{
	assert_int_not_equal(faults.count, 0);
	assert_string_equal(faults.f[0].field, field);
	assert_string_equal(faults.f[0].rule, rule);
}

/* A body with fields after the two that are required. */
static void read_with(const char *more)
{
	char body[4096];

	snprintf(body, sizeof(body), "{\"destination\":\"5511900000000\",\"messageText\":\"x\"%s}", more);
	read_body(false, body);
}

static const char *repeat(const char *what, int n)
{
	static struct buf b;

	buf_clear(&b);
	while (n--)
		buf_puts(&b, what);
	return buf_cstr(&b);
}

TEST(a_single_has_every_field)
{
	read_body(false, "{\"destination\":\"5511900000000\",\"messageText\":\"Ol\\u00e1\",\"correlationId\":"
			 "\"c\",\"extraInfo\":\"e\","
			 "\"flashSMS\":true,\"subAccount\":\"ref\",\"callback\":\"f\",\"_\":1}");
	good();
	assert_int_equal(request.count, 1);
	assert_true(str_eqz(request.items[0].destination, "5511900000000"));
	assert_true(str_eqz(request.items[0].text, "Olá"));
	assert_true(str_eqz(request.items[0].correlation, "c"));
	assert_true(str_eqz(request.items[0].extra, "e"));
	assert_int_equal(request.items[0].flash, 1);
	assert_true(request.has_sub_account && str_eqz(request.sub_account, "ref"));
}

TEST(callers_are_tolerated)
{
	read_body(false, "{\"destination\":5511900000000,\"messageText\":\"x\",\"correlationId\":-7,"
			 "\"flashSms\":\"true\",\"subAccount\":12}");
	good();
	assert_true(str_eqz(request.items[0].destination, "5511900000000"));
	assert_true(str_eqz(request.items[0].correlation, "-7"));
	assert_int_equal(request.items[0].flash, 1);
	assert_true(str_eqz(request.sub_account, "12"));
	read_with(",\"flashSMS\":\"FALSE\",\"correlationId\":\"\",\"extraInfo\":null,\"timeWindow\":null,"
		  "\"subAccount\":null");
	good();
	assert_int_equal(request.items[0].flash, 0);
	assert_int_equal(request.items[0].correlation.n, 0);
	assert_false(request.has_sub_account);
}

TEST(wrong_types_are_named)
{
	static const struct {
		const char *more, *field, *rule;
	} cases[] = {
		{",\"correlationId\":1.5", "correlationId", "must be a string or a whole number"},
		{",\"correlationId\":true", "correlationId", "must be a string or a whole number"},
		{",\"extraInfo\":1", "extraInfo", "must be a string"},
		{",\"extraInfo\":{}", "extraInfo", "must be a string"},
		{",\"flashSMS\":1", "flashSMS", "must be true or false"},
		{",\"flashSMS\":\"yes\"", "flashSMS", "must be true or false"},
		{",\"subAccount\":[]", "subAccount", "must be a string or a whole number"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_with(cases[i].more);
		bad(cases[i].field, cases[i].rule);
		assert_int_equal(faults.count, 1);
	}
	read_body(false, "{\"destination\":5.5e12,\"messageText\":7}");
	assert_int_equal(faults.count, 2);
	bad("destination", "must be a string or a whole number");
	read_body(false, "[]");
	bad("", "the request must be an object");
	read_body(false, "\"x\"");
	bad("", "the request must be an object");
}

TEST(what_is_required_is_missed)
{
	read_body(false, "{}");
	assert_int_equal(faults.count, 2);
	bad("destination", "missing");
	assert_string_equal(faults.f[1].field, "messageText");
	read_body(false, "{\"destination\":\"\",\"messageText\":\"\"}");
	assert_int_equal(faults.count, 2);
	read_body(false, "{\"destination\":null,\"messageText\":\"x\"}");
	bad("destination", "missing");
}

TEST(lengths_count_characters)
{
	struct buf b = BUF_INIT;

	for (int over = 0; over < 2; over++) {
		buf_clear(&b);
		buf_fmt(&b, "{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("😀", 1280 + over));
		read_body(false, buf_cstr(&b));
		over ? bad("messageText", "longer than 1280 characters") : good();
		buf_clear(&b);
		buf_fmt(&b, "{\"destination\":\"1\",\"messageText\":\"x\",\"correlationId\":\"%s\"}",
			repeat("ç", 64 + over));
		read_body(false, buf_cstr(&b));
		over ? bad("correlationId", "longer than 64 characters") : good();
		buf_clear(&b);
		buf_fmt(&b, "{\"destination\":\"1\",\"messageText\":\"x\",\"extraInfo\":\"%s\"}", repeat("ç", 255 + over));
		read_body(false, buf_cstr(&b));
		over ? bad("extraInfo", "longer than 255 characters") : good();
		buf_clear(&b);
		buf_fmt(&b, "{\"messageText\":\"x\",\"destination\":\"%s\"}", repeat("1", 64 + over));
		read_body(false, buf_cstr(&b));
		over ? bad("destination", "longer than 64 characters") : good();
	}
	buf_done(&b);
}

TEST(texts_become_nfc_before_they_are_counted)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("e\xcc\x81", 1280));
	read_body(false, buf_cstr(&b));
	good();
	assert_int_equal(request.items[0].text.n, 2560);
	assert_memory_equal(request.items[0].text.p, "é", 2);
	buf_done(&b);
}

TEST(a_dry_run_is_said_at_the_root)
{
	read_with("");
	good();
	assert_false(request.dry_run);
	for (int i = 0; i < 4; i++) {
		static const char *const said[] = {"true", "\"true\"", "false", "null"};
		char text[64];

		snprintf(text, sizeof(text), ",\"dryRun\":%s", said[i]);
		read_with(text);
		good();
		assert_int_equal(request.dry_run, i < 2);
	}
	read_with(",\"dryRun\":\"\"");
	good();
	assert_false(request.dry_run);
	read_get("destination=1&messageText=x&dryRun=TRUE");
	good();
	assert_true(request.dry_run);
	read_get("destination=1&messageText=x&dryRun=false");
	good();
	assert_false(request.dry_run);
	read_body(true, "{\"messages\":[{\"destination\":\"1\"}],\"messageText\":\"x\",\"dryRun\":true}");
	good();
	assert_true(request.dry_run);
	/* whoever meant it otherwise is told, so that nothing goes out by mistake */
	for (int i = 0; i < 5; i++) {
		static const char *const said[] = {"1", "\"yes\"", "[true]", "{}", "\"1\""};
		char text[64];

		snprintf(text, sizeof(text), ",\"dryRun\":%s", said[i]);
		read_with(text);
		bad("dryRun", "must be true or false");
	}
	read_get("destination=1&messageText=x&dryRun=1");
	bad("dryRun", "must be true or false");
	read_get("destination=1&messageText=x&dryRun=true&dryRun=true");
	bad("dryRun", "given more than once");
	read_body(true, "{\"messages\":[{\"destination\":\"1\",\"dryRun\":false}],\"defaultValues\":{"
			"\"messageText\":\"x\",\"dryRun\":true}}");
	assert_int_equal(faults.count, 2);
	bad("defaultValues.dryRun", "only allowed at the root of the request");
	assert_string_equal(faults.f[1].field, "messages[0].dryRun");
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

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

TEST(a_bulk_takes_from_message_then_defaults_then_root)
{
	read_body(true,
		  "{\"messages\":[{\"destination\":\"1\",\"messageText\":\"own\",\"flashSMS\":false},{"
		  "\"destination\":2},"
		  "{\"destination\":\"3\",\"messageText\":\"\",\"extraInfo\":null,\"correlationId\":\"c3\"}],"
		  "\"defaultValues\":{\"messageText\":\"default\",\"flashSMS\":\"true\"},"
		  "\"messageText\":\"root\",\"extraInfo\":\"root\",\"correlationId\":\"r\",\"subAccount\":"
		  "\"s\"}");
	good();
	assert_int_equal(request.count, 3);
	assert_true(str_eqz(request.items[0].text, "own"));
	assert_int_equal(request.items[0].flash, 0);
	assert_true(str_eqz(request.items[0].correlation, "r"));
	assert_true(str_eqz(request.items[1].destination, "2"));
	assert_true(str_eqz(request.items[1].text, "default"));
	assert_int_equal(request.items[1].flash, 1);
	assert_true(str_eqz(request.items[1].extra, "root"));
	assert_true(str_eqz(request.items[2].text, "default"));
	assert_true(str_eqz(request.items[2].extra, "root"));
	assert_true(str_eqz(request.items[2].correlation, "c3"));
	assert_true(str_eqz(request.sub_account, "s"));
}

TEST(a_bulk_needs_messages)
{
	struct buf b = BUF_INIT;

	read_body(true, "{}");
	bad("messages", "missing");
	read_body(true, "{\"messages\":{}}");
	bad("messages", "must be an array");
	read_body(true, "{\"messages\":[]}");
	bad("messages", "empty");
	read_body(true, "{\"messages\":[1],\"messageText\":\"x\"}");
	bad("messages[0]", "must be an object");
	read_body(true,
		  "{\"messages\":[{\"destination\":\"1\",\"messageText\":\"x\"}],\"defaultValues\":[]}");
	bad("defaultValues", "must be an object");
	for (int over = 0; over < 2; over++) {
		buf_clear(&b);
		buf_fmt(&b, "{\"messageText\":\"x\",\"messages\":[%s", repeat("{\"destination\":\"1\"},", 1000 + over));
		b.n--;
		buf_puts(&b, "]}");
		read_body(true, buf_cstr(&b));
		over ? bad("messages", "more than 1000 messages") : good();
	}
	assert_int_equal(request.count, 0);
	buf_done(&b);
}

TEST(faults_in_a_bulk_have_their_path_and_are_capped)
{
	struct buf b = BUF_INIT;

	read_body(true, "{\"messages\":[{\"destination\":\"1\",\"messageText\":\"x\"},{\"destination\":true,"
			"\"messageText\":\"x\"},"
			"{\"messageText\":\"x\"},{\"destination\":\"1\"},{\"destination\":\"1\","
			"\"messageText\":\"x\",\"subAccount\":\"s\"}]}");
	assert_int_equal(faults.count, 4);
	bad("messages[1].destination", "must be a string or a whole number");
	assert_string_equal(faults.f[1].field, "messages[2].destination");
	assert_string_equal(faults.f[1].rule, "missing");
	assert_string_equal(faults.f[2].field, "messages[3].messageText");
	assert_string_equal(faults.f[3].field, "messages[4].subAccount");
	assert_string_equal(faults.f[3].rule, "only allowed at the root of the request");
	buf_fmt(&b, "{\"messages\":[%s", repeat("{\"destination\":\"1\"},", 100));
	b.n--;
	buf_puts(&b, "]}");
	read_body(true, buf_cstr(&b));
	assert_int_equal(faults.count, 100);
	/* A text that is wrong above is one fault, not one a message. */
	b.n--;
	buf_puts(&b, ",\"defaultValues\":{\"messageText\":5}}");
	read_body(true, buf_cstr(&b));
	assert_int_equal(faults.count, 1);
	bad("defaultValues.messageText", "must be a string");
	buf_done(&b);
}

TEST(a_query_is_a_single)
{
	struct buf b = BUF_INIT;

	read_get("destination=%2B55+11+90000-0000&messageText=Ol%C3%A1+mundo&correlationId=c&extraInfo=e&"
		 "flashSms=true&"
		 "subAccount=s&callback=f&_=1&username=u&authenticationToken=t");
	good();
	assert_true(str_eqz(request.items[0].destination, "+55 11 90000-0000"));
	assert_true(str_eqz(request.items[0].text, "Olá mundo"));
	assert_int_equal(request.items[0].flash, 1);
	assert_true(request.has_sub_account);
	read_get("messageText=x");
	bad("destination", "missing");
	read_get("destination=1&messageText=%ff");
	bad("messageText", "not valid UTF-8, or holds a NUL");
	read_get("destination=1&messageText=a%00b");
	bad("messageText", "not valid UTF-8, or holds a NUL");
	read_get("destination=1&destination=2&messageText=x");
	bad("destination", "given more than once");
	read_get("destination=1&messageText=x&flashSMS=1");
	bad("flashSMS", "must be true or false");
	buf_fmt(&b, "destination=1&messageText=%s", repeat("%F0%9F%98%80", 1280));
	read_get(buf_cstr(&b));
	good();
	buf_puts(&b, "x");
	read_get(buf_cstr(&b));
	bad("messageText", "longer than 1280 characters");
	buf_done(&b);
}

/* -- drafts -------------------------------------------------------------------------------------------------------- */

static struct sub_account sub;

static struct draft *drafts(const char *body)
{
	const struct snapshot_source nothing = {.accounts = NULL};
	struct text_scope sc = {.sub = &sub};

	read_body(true, body);
	good();
	snapshot_publish(snapshot_new(&nothing));
	sc.snap = snapshot_get();
	send_texts(&request, &sc, &arena, &faults);
	snapshot_put(sc.snap);
	snapshot_publish(NULL);
	good();
	return send_drafts(&request, &settings, &sub, &arena);
}

TEST(numbers_decide_what_a_draft_becomes)
{
	struct draft *d = drafts("{\"messageText\":\"x\",\"messages\":[{\"destination\":\"+55 (11) "
				 "90000-0000\"},{\"destination\":\"abc\"},"
				 "{\"destination\":\"551\"},{\"destination\":\"351912345678\"},{"
				 "\"destination\":\"551187654321\"}]}");

	assert_true(str_eqz(d[0].t.number, "5511900000000"));
	assert_true(str_eqz(d[0].t.destination, "+55 (11) 90000-0000"));
	assert_int_equal(d[0].invalid, 0);
	assert_int_equal(d[0].operator_id, 1);
	assert_int_equal(d[0].validity_ms, 86400000);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(d[i].invalid, SENT_INVALID_DESTINATION_NUMBER);
		assert_int_equal(d[i].invalid_reason, REASON_BAD_NUMBER);
		assert_int_equal(d[i].t.number.n, 0);
		assert_int_equal(d[i].operator_id, 0);
	}
	assert_int_equal(d[3].invalid, SENT_CARRIER_COMMUNICATION_ERROR);
	assert_int_equal(d[3].invalid_reason, REASON_NO_ROUTE);
	assert_true(str_eqz(d[3].t.number, "351912345678"));
	assert_true(d[3].flags & DF_NO_REPORTS);
	/* The ninth digit is added for routing; the caller's spelling is echoed. */
	assert_true(str_eqz(d[4].t.number, "5511987654321"));
	assert_true(str_eqz(d[4].t.destination, "551187654321"));
}

TEST(only_mobiles_are_taken_and_what_the_operator_adds)
{
	static char prefix[] = "551130", *prefixes[] = {prefix};
	static const char body[] =
		"{\"messageText\":\"x\",\"messages\":[{\"destination\":\"+55 11 3000-1234\"},"
		"{\"destination\":27182},{\"destination\":\"+44 7700 900123\"},"
		"{\"destination\":\"+44 (0)7400 123456\"},{\"destination\":\"551130\"}]}";
	struct draft *d = drafts(body);

	for (int i = 0; i < 3; i++)
		assert_int_equal(d[i].invalid, SENT_INVALID_DESTINATION_NUMBER);
	assert_true(str_eqz(d[3].t.number, "447400123456"));
	settings.sms.mobile_prefixes = prefixes;
	settings.sms.mobile_prefix_count = 1;
	d = drafts(body);
	assert_int_equal(d[0].invalid, 0);
	assert_true(str_eqz(d[0].t.number, "551130001234"));
	assert_int_equal(d[1].invalid, SENT_INVALID_DESTINATION_NUMBER);
	assert_int_equal(d[4].invalid, SENT_INVALID_DESTINATION_NUMBER);
	settings.sms.mobile_prefix_count = 0;
}

TEST(listed_numbers_end_before_routes_are_asked)
{
	static const char body[] = "{\"messageText\":\"x\",\"messages\":[{\"destination\":\"5511900000003\"},"
				   "{\"destination\":\"351912345674\"},{\"destination\":\"5511900000005\"},"
				   "{\"destination\":\"3\"}]}";
	struct draft *d;

	sub = (struct sub_account){.id = 6, .account = 4};
	d = drafts(body);
	assert_int_equal(d[0].invalid, SENT_BLACKLISTED);
	assert_int_equal(d[0].invalid_reason, REASON_BLOCKED);
	assert_int_equal(d[0].operator_id, 1);
	assert_int_equal(d[1].invalid, SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	assert_int_equal(d[1].invalid_reason, REASON_OPTED_OUT);
	assert_int_equal(d[2].invalid, 0);
	assert_int_equal(d[3].invalid, SENT_INVALID_DESTINATION_NUMBER);
	sub.account = 5;
	assert_int_equal(drafts(body)[0].invalid, SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	sub = (struct sub_account){0};
}

TEST(parts_are_estimated)
{
	struct buf b = BUF_INIT;
	struct draft *d;

	buf_fmt(&b, "{\"messages\":[{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("a", 160));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("a", 161));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("ã", 71));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}]}", repeat("😀", 1280));
	d = drafts(buf_cstr(&b));
	assert_int_equal(d[0].parts, 1);
	assert_int_equal(d[1].parts, 2);
	assert_int_equal(d[2].parts, 2);
	assert_int_equal(d[3].parts, 39);
	buf_done(&b);
}

/* The connection's profile decides how many they will be. */
TEST(parts_are_estimated_as_the_connection_will_make_them)
{
	static const struct {
		struct profile_setting profile;
		const char *unit;
		int times, parts;
	} cases[] = {
		{{.alphabets = ALPHABET_LATIN1 | ALPHABET_UCS2}, "ã", 140, 1},
		{{.alphabets = ALPHABET_LATIN1 | ALPHABET_UCS2}, "ã", 141, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_FOLD}, "ã", 160, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_SINGLE_SHIFT}, "ã", 77, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_SINGLE_SHIFT}, "ã", 78, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2}, "€", 80, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2}, "€", 80, 2}, /* gsm7basic */
		{{.alphabets = ALPHABET_ASCII}, "a", 160, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_UDH16}, "a", 305, 3},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_UDH8}, "a", 306, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_NONE}, "a", 309, 3},
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		likely = &cases[i].profile;
		buf_clear(&b);
		buf_fmt(&b, "{\"messages\":[{\"destination\":\"5511900000000\",\"messageText\":\"%s\"}]}",
			repeat(cases[i].unit, cases[i].times));
		assert_int_equal(drafts(buf_cstr(&b))[0].parts, cases[i].parts);
	}
	likely = NULL;
	buf_done(&b);
}

TEST(flags_come_from_request_and_sub_account)
{
	static const char body[] = "{\"messageText\":\"x\",\"messages\":[{\"destination\":\"5511900000000\","
				   "\"flashSMS\":true,\"correlationId\":\"c\"}]}";

	sub = (struct sub_account){0};
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR);
	sub.marketing = true;
	settings.sms.doubt_resend = true;
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR | DF_MARKETING | DF_RESEND_DOUBT);
	sub = (struct sub_account){.resend_doubt_set = true};
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR);
	settings.sms.doubt_resend = false;
	sub.resend_doubt = true;
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR | DF_RESEND_DOUBT);
	repeat("", 0);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_single_has_every_field),
		RUN(callers_are_tolerated),
		RUN(wrong_types_are_named),
		RUN(what_is_required_is_missed),
		RUN(lengths_count_characters),
		RUN(texts_become_nfc_before_they_are_counted),
		RUN(a_dry_run_is_said_at_the_root),
		RUN(schedules_and_expiries_are_worked_out),
		RUN(time_faults_are_named),
		RUN(times_come_from_message_then_defaults_then_root),
		RUN(the_zone_is_the_requests_the_users_the_sub_accounts_the_countrys_or_utc),
		RUN(what_the_operator_takes_as_a_mobile_has_its_zone),
		RUN(sending_hours_count_for_marketing),
		RUN(a_query_has_times_too),
		RUN(a_bulk_takes_from_message_then_defaults_then_root),
		RUN(a_bulk_needs_messages),
		RUN(faults_in_a_bulk_have_their_path_and_are_capped),
		RUN(a_query_is_a_single),
		RUN(numbers_decide_what_a_draft_becomes),
		RUN(only_mobiles_are_taken_and_what_the_operator_adds),
		RUN(listed_numbers_end_before_routes_are_asked),
		RUN(parts_are_estimated),
		RUN(parts_are_estimated_as_the_connection_will_make_them),
		RUN(flags_come_from_request_and_sub_account),
	};

	return cmocka_run_group_tests_name("send_request", tests, NULL, NULL);
}
