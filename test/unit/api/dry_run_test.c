/* dry_run_test.c - dry runs over HTTP, with the fake core behind: the answer's fields, how the connection's way with texts counts, what is
 * refused as it would be without, and that neither ids nor campaigns nor keys are used up. */
#include "served.h"

#include <errno.h>

#include "model/codes.h"
#include "model/metrics.h"
#include "wire/json.h"

static int setup(void **state)
{
	static char plain[] = "plain", folds[] = "folds", narrow[] = "narrow", joined[] = "errorCode";
	static struct connection_setting connections[] = {
		{.name = plain, .number = 1},
		{.name = folds, .number = 2, .profile = {.accents = ACCENTS_FOLD}},
		{.name = narrow, .number = 3, .profile = {.alphabets = ALPHABET_ASCII}},
		{.name = joined, .number = 4, .profile = {.join = JOIN_NONE}},
	};

	(void)state;
	fixture_init(&f);
	f.settings.sms.connections = connections;
	f.settings.sms.connection_count = COUNT_OF(connections);
	fixture_start(&f);
	return 0;
}

static void foretell(unsigned i, uint16_t connection, uint32_t price)
{
	struct forecast t = {.connection = connection, .coded_for = connection, .unit_price = price, .departs_at = 1795348800000};

	fake_foretell(f.engine, i, &t);
}

static const char *dry(int status, const char *user, const char *fields)
{
	static char body[16384];

	snprintf(body, sizeof body, "{\"destination\":\"5511900000000\",\"dryRun\":true%s}", fields);
	return expect_answer(&f, status, "POST", "/v1/send-sms", user, "", body);
}

/* Parts and encoding of that text by that connection. */
static void coded(uint16_t connection, const char *text, int parts, const char *encoding)
{
	static char fields[8192], want[100];

	foretell(0, connection, 1);
	snprintf(fields, sizeof fields, ",\"messageText\":\"%s\"", text);
	snprintf(want, sizeof want, ",\"parts\":%d,\"encoding\":\"%s\"", parts, encoding);
	contains(dry(200, "ana", fields), want);
}

TEST(the_answer_has_just_these_fields)
{
	foretell(0, 1, 3);
	assert_string_equal(
		dry(200, "ana", ",\"messageText\":\"x\",\"correlationId\":\"c\""),
		"{\"dryRun\":true,\"messages\":[{\"destination\":\"5511900000000\",\"accepted\":true,"
		"\"parts\":1,"
		"\"encoding\":\"GSM7\",\"connection\":\"plain\",\"carrierId\":1,\"carrierName\":\"VIVO\","
		"\"departsAt\":1795348800000,\"units\":3}]}\n");
	assert_true(fake_last(f.engine).dry);
	assert_string_equal(
		expect_answer(&f, 200, "GET", "/v1/send-sms?destination=abc&messageText=x&dryRun=true", "ana", "", NULL), "{\"dryRun\":true,\"messages\":[{\"destination\":\"abc\",\"accepted\":false,\"sentStatusCode\":202,"
															  "\"reason\":\"bad_number\",\"parts\":1,\"encoding\":\"GSM7\",\"connection\":null,\"carrierId\":0,"
															  "\"carrierName\":\"UNKNOWN\",\"departsAt\":null,\"units\":0}]}\n");
	/* the form that a user's answers have does not matter */
	assert_memory_equal(dry(200, "Maria da Silva", ",\"messageText\":\"x\""), "{\"dryRun\":true", 14);
	assert_int_equal(fake_accepted(f.engine), 0);
	/* and false is as if nothing was said */
	assert_memory_equal(expect_answer(&f, 200, "GET", "/v1/send-sms?destination=5511900000000&messageText=x&dryRun=false",
					  "ana", "", NULL),
			    "[{\"id\"", 6);
	assert_int_equal(fake_accepted(f.engine), 1);
	assert_false(fake_last(f.engine).dry);
}

TEST(a_bulk_is_foretold_in_its_order)
{
	const char *text;

	foretell(0, 1, 1);
	foretell(1, 2, 2);
	fake_foretell(f.engine, 2,
		      &(struct forecast){.code = 201, .reason = REASON_NO_CREDIT, .coded_for = 1, .unit_price = 5});
	fake_foretell(f.engine, 3,
		      &(struct forecast){.code = 205, .reason = REASON_MESSAGE_LIMIT, .coded_for = 1, .unit_price = 5});
	fake_foretell(f.engine, 4, &(struct forecast){.coded_for = 2, .unit_price = 1, .departs_at = 5});
	text = expect_answer(&f, 200, "POST", "/v1/send-bulk-sms", "rui", "",
			     "{\"messages\":[{\"destination\":\"5511900000000\"},{\"destination\":"
			     "\"5511900000001\",\"messageText\":\"é€\"},"
			     "{\"destination\":\"5511900000002\"},{\"destination\":\"5511900000003\"},{"
			     "\"destination\":\"5511900000004\"}],"
			     "\"defaultValues\":{\"messageText\":\"ç\"},\"dryRun\":\"true\"}");
	contains(text, "{\"destination\":\"5511900000000\",\"accepted\":true,\"parts\":1,\"encoding\":"
		       "\"UCS2\",\"connection\":\"plain\"");
	contains(text, "{\"destination\":\"5511900000001\",\"accepted\":true,\"parts\":1,\"encoding\":"
		       "\"GSM7\",\"connection\":\"folds\"");
	contains(text, "\"units\":2},");
	contains(text, "{\"destination\":\"5511900000002\",\"accepted\":false,\"sentStatusCode\":201,"
		       "\"reason\":\"no_credit\",\"parts\":1,"
		       "\"encoding\":\"UCS2\",\"connection\":null,\"carrierId\":1,\"carrierName\":\"VIVO\","
		       "\"departsAt\":null,\"units\":5}");
	contains(text, "\"sentStatusCode\":205,\"reason\":\"message_limit\",\"parts\":1,\"encoding\":"
		       "\"UCS2\",\"connection\":null,"
		       "\"carrierId\":1,\"carrierName\":\"VIVO\",\"departsAt\":null,\"units\":0}");
	/* none is up: it would wait; the text is coded as the likeliest does */
	contains(text, "{\"destination\":\"5511900000004\",\"accepted\":true,\"parts\":1,\"encoding\":"
		       "\"GSM7\",\"connection\":null,"
		       "\"carrierId\":1,\"carrierName\":\"VIVO\",\"departsAt\":5,\"units\":1}");
	assert_null(strstr(text, "\"id\""));
	assert_true(fake_last(f.engine).bulk);
	assert_int_equal(fake_last(f.engine).count, 5);
}

TEST(texts_are_coded_as_the_connection_does)
{
	coded(1, repeat("a", 160), 1, "GSM7");
	coded(1, repeat("a", 161), 2, "GSM7");
	coded(1, repeat("a", 307), 3, "GSM7");
	coded(1, repeat("€", 80), 1, "GSM7");
	coded(1, repeat("€", 81), 2, "GSM7");
	coded(1, repeat("ç", 70), 1, "UCS2");
	coded(1, repeat("ç", 71), 2, "UCS2");
	coded(2, repeat("ç", 160), 1, "GSM7");
	coded(3, repeat("a", 160), 1, "GSM7");
	coded(4, repeat("a", 161), 2, "GSM7");
	coded(9, repeat("ç", 71), 2, "UCS2"); /* a connection that went away meanwhile */
}

TEST(a_text_that_the_connection_cannot_spell_is_refused)
{
	foretell(0, 3, 1); /* it drops accents, but has no Cyrillic */
	contains(dry(200, "ana", ",\"messageText\":\"Ж\""),
		 "\"accepted\":false,\"sentStatusCode\":301,\"reason\":\"text\",\"parts\":1,\"encoding\":"
		 "\"GSM7\",\"connection\":null");
	contains(dry(200, "ana", ",\"messageText\":\"c\""), "\"accepted\":true");
}

TEST(templates_and_params_are_put_in)
{
	foretell(0, 1, 1);
	dry(200, "ana", ",\"messageText\":\"{{a}}{{b}}\",\"params\":{\"a\":\"1\",\"c\":2}");
	assert_string_equal(fake_last(f.engine).text, "1");
	dry(200, "ana", ",\"templateId\":7");
	assert_true(fake_last(f.engine).dry);
}

TEST(what_is_refused_is_refused_as_without)
{
	contains(dry(400, "ana", ""), "\"errorMessage\":\"messageText: missing\"");
	contains(dry(400, "ana", ",\"messageText\":\"x\",\"templateId\":4711"), "templateId: unknown");
	contains(dry(400, "ana", ",\"messageText\":\"x\",\"expiresInMinutes\":-1"), "expiresInMinutes: ");
	contains(dry(403, "ana", ",\"messageText\":\"x\",\"subAccount\":\"marketing\""),
		 "only administrators");
	contains(dry(400, "eva", ",\"messageText\":\"x\",\"campaignAlias\":\"new\""),
		 "registers none by use");
	expect_answer(&f, 401, "POST", "/v1/send-sms", "gone", "",
		      "{\"destination\":\"1\",\"messageText\":\"x\",\"dryRun\":true}");
	contains(dry(403, "plat", ",\"messageText\":\"x\""), "platform");
	fake_too_many(f.engine, 2500);
	contains(dry(429, "ana", ",\"messageText\":\"x\""), "none of these was taken");
	fake_too_many(f.engine, 0);
	fake_refuse(f.engine, true);
	dry(503, "ana", ",\"messageText\":\"x\"");
	fake_refuse(f.engine, false);
	assert_int_equal(fake_accepted(f.engine), 0);
}

TEST(no_campaign_is_registered)
{
	foretell(0, 1, 1);
	dry(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	assert_int_equal(f.campaigns_asked, 0);
	assert_int_equal(fake_last(f.engine).campaign_id, 0);
	dry(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"promo\"");
	assert_int_equal(fake_last(f.engine).campaign_id, 64);
	/* too many is the same 400 */
	publish_campaigns(CAMPAIGNS_MAX - 1);
	dry(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	contains(expect_answer(&f, 400, "POST", "/v1/send-bulk-sms", "ana", "",
			       "{\"dryRun\":true,\"messageText\":\"x\",\"messages\":[{\"destination\":\"1\","
			       "\"campaignAlias\":\"a\"},"
			       "{\"destination\":\"2\",\"campaignAlias\":\"b\"}]}"),
		 "campaignAlias: the account has too many campaigns to register another one");
	expect_answer(&f, 200, "POST", "/v1/send-bulk-sms", "ana", "",
		      "{\"dryRun\":true,\"messageText\":\"x\",\"messages\":[{\"destination\":\"1\","
		      "\"campaignAlias\":\"a\"},"
		      "{\"destination\":\"2\",\"campaignAlias\":\"A\"}]}");
	publish_campaigns(CAMPAIGNS_MAX);
	dry(400, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	dry(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"c17\"");
	assert_int_equal(f.campaigns_asked, 0);
	publish_users();
}

TEST(no_key_is_remembered)
{
	static const char key[] = "Idempotency-Key: k\r\n";
	static const char dry[] = "{\"destination\":\"5511900000000\",\"messageText\":\"x\",\"dryRun\":true}";
	static const char meant[] = "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}";

	foretell(0, 1, 1);
	expect_answer(&f, 200, "POST", "/v1/send-sms", "ana", key, dry);
	assert_int_equal(fake_last(f.engine).idem_hash, 0);
	expect_answer(&f, 200, "POST", "/v1/send-sms", "ana", key, meant);
	contains(expect_answer(&f, 200, "POST", "/v1/send-sms", "ana", key, dry), "\"dryRun\":true");
	assert_int_equal(fake_accepted(f.engine), 1);
	expect_answer(&f, 400, "POST", "/v1/send-sms", "ana", "Idempotency-Key: \r\n", dry);
}

TEST(no_answer_time_is_counted_and_errorCode_never_spelt)
{
	struct client c = client_open(&f);
	struct answer a;
	const char *text;

	foretell(0, 4, 1);
	a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "",
		"{\"destination\":\"errorCode\",\"messageText\":\"x\",\"dryRun\":true}");
	assert_int_equal(a.status, 200);
	text = answer_text_of(&a);
	assert_null(strstr(text, "errorCode"));
	contains(text, "\"destination\":\"error\\u0043ode\"");
	a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "",
		"{\"destination\":\"5511900000000\",\"messageText\":\"x\",\"dryRun\":true}");
	text = answer_text_of(&a);
	assert_null(strstr(text, "errorCode"));
	contains(text, "\"connection\":\"error\\u0043ode\"");
	client_close(&c);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, served_teardown)
	const struct CMUnitTest tests[] = {
		T(the_answer_has_just_these_fields),
		T(a_bulk_is_foretold_in_its_order),
		T(texts_are_coded_as_the_connection_does),
		T(a_text_that_the_connection_cannot_spell_is_refused),
		T(templates_and_params_are_put_in),
		T(what_is_refused_is_refused_as_without),
		T(no_campaign_is_registered),
		T(no_key_is_remembered),
		T(no_answer_time_is_counted_and_errorCode_never_spelt),
	};

	return cmocka_run_group_tests_name("dry_run", tests, NULL, NULL);
}
