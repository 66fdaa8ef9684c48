/* mo_list_test.c - MOs over HTTP: their fields, who sees which, times, lists that consume. */
#include "served.h"

#include <errno.h>

#include "base/time.h"
#include "model/metrics.h"

/* The first message of the documents' sample, as far as our ids allow. */
static struct mo sample_mo(int64_t ago_ms)
{
	static struct uid_source ids;
	int64_t at = wall_ms() - ago_ms;
	struct mo m = {.at = at,
		       .account = 1,
		       .sub_account = 10,
		       .user = 1,
		       .operator_id = 1,
		       .owner = MO_MT,
		       .total = 1,
		       .came = 1,
		       .mt = uid_take(&ids, at - 1000, 1),
		       .rest = 5,
		       .mt_rest = 6,
		       .source = "5516900000003",
		       .short_code = "28128",
		       .text = STR("Eu quero pizza"),
		       .correlation = STR("1876"),
		       .campaign = STR("Promo")};

	m.key = uid_take(&ids, at, 1);
	return m;
}

static const char *receive(int status, const char *what, const char *user)
{
	char target[256];

	snprintf(target, sizeof(target), "/v1/sms/receive/%s", what);
	return expect_answer(&f, status, "GET", target, user, "", NULL);
}

TEST(an_mo_has_exactly_the_documented_fields)
{
	struct mo m = sample_mo(1000),
		  bare = {.key = m.key + 1, .at = m.at, .account = 1, .sub_account = 10, .source = "123"};
	char id[UUID_TEXT], mt[UUID_TEXT], date[ISO_MAX], want[1024];
	const char *got;

	fake_receive(&m);
	uid_print(id, (struct uid){m.key, m.rest});
	uid_print(mt, (struct uid){m.mt, m.mt_rest});
	snprintf(want, sizeof(want),
		 "\"messages\":[{\"id\":\"%s\",\"subAccount\":\"default\",\"campaignAlias\":\"Promo\","
		 "\"carrierId\":1,"
		 "\"carrierName\":\"VIVO\",\"source\":\"5516900000003\",\"shortCode\":\"28128\","
		 "\"messageText\":\"Eu quero pizza\","
		 "\"receivedAt\":%lld,\"receivedDate\":\"%s\",\"mt\":{\"id\":\"%s\",\"correlationId\":"
		 "\"1876\","
		 "\"username\":\"ana\",\"email\":\"ana@example.com\"}}]}\n",
		 id, (long long)m.at, iso_utc(date, m.at, false), mt);
	got = receive(200, "search", "ana");
	contains(got, want);
	assert_memory_equal(got, "{\"total\":1,\"start\":\"", 20);
	contains(got, "Z\",\"end\":\"");
	contains(receive(200, "list", "ana"), want);
	fake_forget();
	fake_receive(&bare); /* answers nothing, from no known carrier */
	uid_print(id, (struct uid){bare.key, 0});
	snprintf(want, sizeof(want),
		 "[{\"id\":\"%s\",\"subAccount\":\"default\",\"carrierId\":0,\"carrierName\":\"UNKNOWN\","
		 "\"source\":\"123\","
		 "\"shortCode\":\"\",\"messageText\":\"\",\"receivedAt\":%lld,\"receivedDate\":\"%s\"}]",
		 id, (long long)bare.at, date);
	contains(receive(200, "search", "ana"), want);
}

TEST(mos_are_seen_by_role)
{
	struct mo ours = sample_mo(1000), theirs = sample_mo(900), other = sample_mo(800);

	theirs.sub_account = 11;
	other.account = 2;
	other.sub_account = 20;
	fake_receive(&ours);
	fake_receive(&theirs);
	fake_receive(&other);
	assert_int_equal(total(receive(200, "search", "ana")), 1);
	assert_int_equal(total(receive(200, "search", "rui")), 1);
	assert_int_equal(total(receive(200, "search", "eva")), 1);
	assert_int_equal(total(receive(200, "search", "root")), 2);
	assert_int_equal(total(receive(200, "search?subAccount=default", "root")), 1);
	contains(receive(403, "search?subAccount=default", "ana"), "subAccount: only administrators");
	contains(receive(400, "search?subAccount=nobody", "root"), "subAccount: unknown");
	contains(receive(400, "list?subAccount=nobody", "root"), "subAccount: unknown");
	receive(403, "list", "plat");
	assert_int_equal(total(receive(200, "list?subAccount=default", "root")), 1);
}

TEST(mo_times_are_read_clamped_and_echoed)
{
	struct mo old = sample_mo(4 * 86400000LL), fresh = sample_mo(1000);
	char target[200], iso[ISO_MAX], want[200];
	int64_t six = wall_ms() - 6 * 86400000LL;

	fake_receive(&old);
	fake_receive(&fresh);
	assert_int_equal(total(receive(200, "search", "ana")), 2);
	snprintf(target, sizeof(target), "search?start=%s", iso_utc(iso, fresh.at - 1, true));
	assert_int_equal(total(receive(200, target, "ana")), 1);
	contains(receive(200, target, "ana"), iso);
	iso_utc(iso, old.at / 1000 * 1000 + 1000, false);
	iso[strlen(iso) - 1] = '\0'; /* no zone: UTC */
	snprintf(target, sizeof(target), "search?end=%s", iso);
	assert_int_equal(total(receive(200, target, "ana")), 1);
	snprintf(want, sizeof(want), "\"end\":\"%sZ\"", iso);
	contains(receive(200, target, "ana"), want);
	/* Older than five days: clamped. */
	snprintf(target, sizeof(target), "search?start=%lld", (long long)six);
	assert_int_equal(total(receive(200, target, "ana")), 2);
	iso_utc(iso, six, false);
	assert_null(strstr(receive(200, target, "ana"), (iso[19] = '\0', iso)));
	assert_int_equal(
		total(receive(200, "search?start=2026-01-01T00:00:00+03:00&end=2026-01-02T00:00:00%2B03:00", "ana")), 0);
	assert_int_equal(total(receive(200, "search?limit=1", "ana")), 1);
	contains(receive(400, "search?start=ontem", "ana"), "start: neither an ISO-8601 time nor an epoch");
	contains(receive(400, "search?start=2026-01-02T00:00:00&end=2026-01-01T00:00:00", "ana"),
		 "end: before start");
	contains(receive(400, "search?limit=1001", "ana"), "limit: must be a number from 1 to 1000");
	contains(receive(400, "list?limit=0", "ana"), "limit: must be a number from 1 to 1000");
	expect_answer(&f, 405, "POST", "/v1/sms/receive/list", "ana", "", "{}");
}

TEST(an_mo_list_is_consumed_by_its_delivery)
{
	for (int i = 0; i < 3; i++) {
		struct mo m = sample_mo(1000 - i);

		fake_receive(&m);
	}
	assert_int_equal(total(receive(200, "list?limit=2", "ana")), 2);
	fake_await_leases(1, 0);
	assert_int_equal(total(receive(200, "list", "ana")), 1);
	fake_await_leases(2, 0);
	assert_int_equal(total(receive(200, "list", "ana")), 0);
	fake_query_fails(-ETIMEDOUT);
	receive(504, "list", "ana");
	receive(504, "search", "ana");
	fake_query_fails(0);
}

TEST(an_mo_never_spells_errorCode)
{
	struct mo m = sample_mo(1000);

	m.text = STR("errorCode");
	fake_receive(&m);
	assert_null(strstr(receive(200, "search", "ana"), "errorCode"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(an_mo_has_exactly_the_documented_fields),
		SERVED(mos_are_seen_by_role),
		SERVED(mo_times_are_read_clamped_and_echoed),
		SERVED(an_mo_list_is_consumed_by_its_delivery),
		SERVED(an_mo_never_spells_errorCode),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("mo_list", tests, NULL, NULL);
}
