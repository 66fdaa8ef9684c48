/* send_request_test.c - what a request to send may hold: fields, types, lengths, singles, bulks and queries. */
#include "request_reader.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_single_has_every_field),      RUN(callers_are_tolerated),
		RUN(wrong_types_are_named),         RUN(what_is_required_is_missed),
		RUN(lengths_count_characters),      RUN(texts_become_nfc_before_they_are_counted),
		RUN(a_dry_run_is_said_at_the_root), RUN(a_bulk_takes_from_message_then_defaults_then_root),
		RUN(a_bulk_needs_messages),         RUN(faults_in_a_bulk_have_their_path_and_are_capped),
		RUN(a_query_is_a_single),
	};

	return cmocka_run_group_tests_name("send_request", tests, NULL, NULL);
}
