/* texts_test.c - where the text of a request comes from, over HTTP with the fake core behind: templates, flows and their params; the samples
 * of the documents. */
#include "served.h"

#include "wire/json.h"

#define FLOW "14f8142d-e731-4971-8220-5a76a12c413f"
#define THEIR_FLOW "24f8142d-e731-4971-8220-5a76a12c413f"

/* -- templates and flows ------------------------------------------------------------------------------------------- */

TEST(a_template_is_named_by_id_or_name_or_both)
{
	static const char *const ways[] = {",\"templateId\":7", ",\"templateId\":\"7\"", ",\"templateName\":\"bye\"",
					   ",\"templateName\":\"BYE\"", ",\"templateId\":7,\"templateName\":\"Bye\""};

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		single(200, "ana", ways[i]);
		sent("Tchau", "");
	}
	single(200, "ana", ",\"templateId\":0,\"params\":{\"param1\":\"a\",\"param2\":\"b\"}");
	sent("Oi a e b", "");
	get(200, "ana", "&templateId=0&params[param1]=a&params[param2]=b");
	sent("Oi a e b", "");
	get(200, "ana", "&templateName=bye&templateId=7");
	sent("Tchau", "");
	single(200, "ana", ",\"flowId\":\"" FLOW "\",\"params\":{\"param1\":1,\"param2\":2.5}");
	sent("Oi 1 e 2.5", "");
	single(200, "ana", ",\"flowId\":\"14F8142D-E731-4971-8220-5A76A12C413F\",\"params\":{\"param1\":true,\"param2\":-0.1}");
	sent("Oi true e -0.1", "");
}

TEST(what_cannot_be_found_is_400_with_its_field)
{
	static const struct {
		const char *user, *fields, *error;
	} cases[] = {
		{"ana", ",\"templateId\":99", "templateId: unknown"},
		{"ana", ",\"templateId\":-1", "templateId: unknown"},
		{"ana", ",\"templateId\":8", "templateId: unknown"}, /* another sub-account's */
		{"eva", ",\"templateId\":0", "templateId: unknown"}, /* another account's */
		{"ana", ",\"templateName\":\"nothing\"", "templateName: unknown"},
		{"rui", ",\"templateName\":\"bye\"", "templateName: fits several templates; name one by its templateId"},
		{"root", ",\"templateName\":\"bye\"", "templateName: fits several templates; name one by its templateId"},
		{"ana", ",\"templateId\":0,\"templateName\":\"bye\"",
		 "templateName: is not the name of the template with that templateId"},
		{"ana", ",\"templateId\":1.5", "templateId: must be a string or a whole number"},
		{"ana", ",\"templateId\":\"x\"", "templateId: must be a whole number"},
		{"ana", ",\"templateId\":[]", "templateId: must be a string or a whole number"},
		{"ana", ",\"templateName\":7", "templateName: must be a string"},
		{"ana", ",\"flowId\":\"nothing\"", "flowId: unknown"},
		{"ana", ",\"flowId\":\"" THEIR_FLOW "\"", "flowId: unknown"},
		{"ana", ",\"flowId\":7", "flowId: must be a string"},
		{"ana", ",\"flowId\":\"" FLOW "x\"", "flowId: longer than 36 characters"},
		{"ana", ",\"flowId\":\"" FLOW "\",\"templateId\":7", "flowId: not together with a template"},
		{"ana", ",\"templateId\":null,\"templateName\":\"\",\"flowId\":\"\"", "messageText: missing"},
		{"ana", "", "messageText: missing"},
	};
	unsigned accepted = fake_accepted(f.engine);

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		message_is(single(400, cases[i].user, cases[i].fields), cases[i].error);
	assert_int_equal(fake_accepted(f.engine), accepted);
	message_is(get(400, "ana", "&templateId=x"), "templateId: must be a whole number");
	message_is(get(400, "ana", "&templateId=7&templateId=8"), "templateId: given more than once");
	message_is(get(400, "ana", "&flowId=x"), "flowId: unknown");
	/* the one it was meant to be */
	single(200, "rui", ",\"templateId\":8");
	sent("Outro", "");
	single(200, "rui", ",\"templateId\":7,\"templateName\":\"bye\"");
	sent("Tchau", "");
	single(200, "root", ",\"templateId\":8");
	sent("Outro", "");
	single(200, "root", ",\"templateName\":\"bye\",\"subAccount\":\"default\"");
	sent("Tchau", "");
	single(200, "rui", ",\"flowId\":\"" THEIR_FLOW "\"");
}

TEST(the_nearest_level_says_where_the_text_comes_from)
{
	static const struct {
		const char *body, *first, *second;
	} cases[] = {
		{"{\"messages\":[{\"destination\":\"1\",\"messageText\":\"own\"},{\"destination\":\"2\"}],"
		 "\"defaultValues\":{\"templateId\":7},\"messageText\":\"root\"}",
		 "own", "Tchau"},
		{"{\"messages\":[{\"destination\":\"1\",\"templateId\":7},{\"destination\":\"2\"}],"
		 "\"defaultValues\":{\"messageText\":\"default\"},\"flowId\":\"" FLOW "\"}",
		 "Tchau", "default"},
		{"{\"messages\":[{\"destination\":\"1\",\"messageText\":\"x\",\"templateName\":\"bye\"},{"
		 "\"destination\":\"2\"}],\"flowId\":\"" FLOW
		 "\",\"params\":{\"param1\":\"a\",\"param2\":\"b\"}}",
		 "Tchau", "Oi a e b"},
		{"{\"messages\":[{\"destination\":\"1\",\"flowId\":\"" FLOW
		 "\"},{\"destination\":\"2\"}],\"templateId\":0}",
		 "Oi  e ", "Oi  e "},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bulk(200, "ana", cases[i].body);
		assert_string_equal(fake_last(f.engine).texts[0], cases[i].first);
		assert_string_equal(fake_last(f.engine).texts[1], cases[i].second);
	}
	message_is(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"2\"}],\"defaultValues\":{\"templateId\":99}}"),
		   "defaultValues.templateId: unknown");
	/* once for all that take it */
	assert_null(strstr(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"2\"}],\"flowId\":\"x\"}"),
			   "errors"));
	message_is(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"2\",\"templateName\":\"none\"}],\"messageText\":\"x\"}"),
		   "messages[1].templateName: unknown");
	message_is(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"}],\"defaultValues\":{\"templateId\":7,\"flowId\":\"" FLOW "\"}}"),
		   "defaultValues.flowId: not together with a template");
}

/* -- params -------------------------------------------------------------------------------------------------------- */

TEST(params_merge_key_by_key)
{
	bulk(200, "ana",
	     "{\"messages\":[{\"destination\":\"1\",\"params\":{\"param1\":\"m1\"}},{\"destination\":\"2\"},"
	     "{\"destination\":\"3\",\"params\":{\"param1\":\"m3\",\"param2\":\"m4\"}},{\"destination\":"
	     "\"4\",\"params\":{}}],"
	     "\"defaultValues\":{\"params\":{\"param1\":\"d1\",\"param2\":null}},\"params\":{\"param1\":"
	     "\"r1\",\"param2\":\"r2\"},\"templateId\":0}");
	assert_string_equal(fake_last(f.engine).texts[0], "Oi m1 e r2");
	assert_string_equal(fake_last(f.engine).texts[1], "Oi d1 e r2");
	assert_string_equal(fake_last(f.engine).texts[2], "Oi m3 e m4");
	assert_string_equal(fake_last(f.engine).texts[3], "Oi d1 e r2");
	sent("Oi m1 e r2", "");
}

TEST(missing_and_superfluous_params_flag_the_message_and_it_is_sent)
{
	single(200, "ana", ",\"templateId\":0,\"params\":{\"param1\":\"a\",\"other\":\"x\"}");
	sent("Oi a e ", "\"param2\",\"other\"");
	single(200, "ana", ",\"templateId\":0");
	sent("Oi  e ", "\"param1\",\"param2\"");
	single(200, "ana", ",\"templateId\":7,\"params\":{\"x\":\"y\"}");
	sent("Tchau", "\"x\"");
	single(200, "ana", ",\"templateId\":0,\"params\":{\"param1\":null,\"param2\":\"\"}");
	sent("Oi  e ", "\"param1\"");
}

TEST(a_text_without_params_is_literal)
{
	single(200, "ana", ",\"messageText\":\"Oi {{name}}\"");
	sent("Oi {{name}}", "");
	single(200, "ana", ",\"messageText\":\"Oi {{name}}\",\"params\":{}");
	sent("Oi {{name}}", "");
	single(200, "ana", ",\"messageText\":\"Oi {{name}}\",\"params\":{\"name\":null}");
	sent("Oi {{name}}", "");
	single(200, "ana", ",\"messageText\":\"Oi {{ name }} {{n|digits}}\",\"params\":{\"name\":\"Ana\",\"n\":123}");
	sent("Oi Ana 1 2 3", "");
	single(200, "ana", ",\"messageText\":\"Oi\",\"params\":{\"name\":\"Ana\"}");
	sent("Oi", "\"name\"");
	get(200, "ana", "&messageText=Oi+%7B%7Bname%7D%7D");
	sent("Oi {{name}}", "");
}

TEST(a_query_gives_params_as_json_or_one_by_one)
{
	get(200, "ana", "&templateId=0&params=%7B%22param1%22%3A%22a%22%2C%22param2%22%3A2%7D");
	sent("Oi a e 2", "");
	get(200, "ana", "&templateId=0&params={\"param1\":\"a\"}&params[param2]=b+c");
	sent("Oi a e b c", "");
	get(200, "ana", "&templateId=0&params[%20param1]=%C3%A1&params[param2]=");
	sent("Oi á e ", "");
	get(200, "ana", "&templateId=7&params=");
	sent("Tchau", "");
	message_is(get(400, "ana", "&templateId=0&params=x"),
		   "params: must be an object in JSON, or params[name]=value");
	message_is(get(400, "ana", "&templateId=0&params=[1]"),
		   "params: must be an object in JSON, or params[name]=value");
	message_is(get(400, "ana", "&templateId=0&params[a=1"),
		   "params: must be an object in JSON, or params[name]=value");
	message_is(get(400, "ana", "&templateId=0&params[a]=1&params[a]=2"),
		   "params.a: given more than once");
	message_is(get(400, "ana", "&templateId=0&params={\"a\":1}&params[a]=2"),
		   "params.a: given more than once");
	message_is(get(400, "ana", "&templateId=0&params={\"a\":1}&params={\"b\":1}"),
		   "params: given more than once");
	message_is(get(400, "ana", "&templateId=0&params[]=1"), "params: a name is empty");
	message_is(get(400, "ana", "&templateId=0&params[a]=%ff"), "params: not valid UTF-8, or holds a NUL");
}

TEST(params_are_checked)
{
	static char body[200000];
	struct buf b = BUF_INIT;

	message_is(single(400, "ana", ",\"templateId\":0,\"params\":[]"), "params: must be an object");
	message_is(single(400, "ana", ",\"templateId\":0,\"params\":\"x\""), "params: must be an object");
	message_is(single(400, "ana", ",\"templateId\":0,\"params\":{\"a\":[1]}"),
		   "params.a: must be a string, a number or a boolean");
	message_is(single(400, "ana", ",\"templateId\":0,\"params\":{\"\":1}"), "params: a name is empty");
	message_is(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"1\",\"params\":{\"a\":{}}}],\"templateId\":0}"),
		   "messages[1].params.a: must be a string, a number or a boolean");
	message_is(bulk(400, "ana", "{\"messages\":[{\"destination\":\"1\"}],\"defaultValues\":{\"params\":7},\"templateId\":0}"),
		   "defaultValues.params: must be an object");
	snprintf(body, sizeof body, ",\"templateId\":0,\"params\":{\"%s\":1}", repeat("n", 65));
	message_is(single(400, "ana", body), "params: a name is longer than 64 characters");
	snprintf(body, sizeof body, ",\"templateId\":0,\"params\":{\"param1\":\"%s\"}", repeat("ç", 1281));
	message_is(single(400, "ana", body), "params.param1: longer than 1280 characters");
	/* 1280 counts before; what becomes longer is sent whole */
	snprintf(body, sizeof body, ",\"templateId\":0,\"params\":{\"param1\":\"%s\",\"param2\":\"x\"}",
		 repeat("ç", 1280));
	single(200, "ana", body);
	assert_int_equal(fake_last(f.engine).parts, 20);
	for (int i = 0; i <= 100; i++)
		buf_fmt(&b, "%s\"p%d\":1", i ? "," : "", i);
	snprintf(body, sizeof body, ",\"templateId\":0,\"params\":{%s}", buf_cstr(&b));
	message_is(single(400, "ana", body), "params: more than 100 parameters");
	buf_done(&b);
}

/* Texts that no carrier could take, and bodies that would make much of little. */
TEST(what_params_make_has_bounds)
{
	struct buf b = BUF_INIT;

	buf_fmt(&b, "{\"destination\":\"5511900000000\",\"messageText\":\"%s\",", repeat("{{a}}", 256));
	buf_fmt(&b, "\"params\":{\"a\":\"%s\"}}", repeat("x", 200));
	message_is(expect_answer(&f, 400, "POST", "/v1/send-sms", "ana", "", buf_cstr(&b)),
		   "params: make a text of more than 255 parts");
	buf_clear(&b);
	buf_fmt(&b, "{\"destination\":\"5511900000000\",\"messageText\":\"%s\",", repeat("{{a}}", 256));
	buf_fmt(&b, "\"params\":{\"a\":\"%s\"}}", repeat("x", 150));
	expect_answer(&f, 200, "POST", "/v1/send-sms", "ana", "", buf_cstr(&b));
	assert_int_equal(fake_last(f.engine).parts, 251);
	buf_clear(&b);
	buf_puts(&b, "{\"messages\":[");
	for (int i = 0; i < 1000; i++)
		buf_fmt(&b, "%s{\"destination\":\"5511900000000\",\"params\":{\"b\":%d}}", i ? "," : "", i);
	buf_fmt(&b, "],\"messageText\":\"%s\",", repeat("{{a}}", 255));
	buf_fmt(&b, "\"params\":{\"a\":\"%s\"}}", repeat("x", 150));
	message_is(expect_answer(&f, 400, "POST", "/v1/send-bulk-sms", "ana", "", buf_cstr(&b)),
		   "params: make texts of more than 16 MiB together");
	buf_done(&b);
}

/* -- the documents' own requests ------------------------------------------------------------------------------------ */

/* Exactly id and one id a message. */
static void has_documented_fields(const char *answer, size_t messages)
{
	struct err e;
	struct json_doc *d = json_read(answer, strlen(answer), &e);
	struct json *list = json_get(json_root(d), "messages");

	assert_non_null(d);
	assert_int_equal(json_count(json_root(d)), 2);
	assert_int_equal(json_str(json_get(json_root(d), "id")).n, 36);
	assert_int_equal(json_count(list), messages);
	for (size_t i = 0; i < messages; i++) {
		assert_int_equal(json_count(json_at(list, i)), 1);
		assert_int_equal(json_str(json_get(json_at(list, i), "id")).n, 36);
	}
	json_free(d);
}

TEST(documented_bulk_samples)
{
	static const struct {
		const char *body;
		size_t messages;
		const char *texts[3];
	} samples[] = {
		{"{ \"messages\":[{ \"destination\":\"5519999999999\", \"messageText\":\"First message\" }, "
		 "{ \"destination\":\"5519999999999\" }, "
		 "{ \"destination\":\"5519999999999\" }], \"defaultValues\":{\"messageText\":\"Default "
		 "message\" }}",
		 3,
		 {"First message", "Default message", "Default message"}},
		{"{\"messages\":[{\"destination\":\"5519900001111\",\"messageText\":\"First "
		 "message\"},{\"destination\":\"5519900002222\"},"
		 "{\"destination\":\"5519900003333\"}],\"defaultValues\":{\"messageText\":\"Default "
		 "message\"}}",
		 3,
		 {"First message", "Default message", "Default message"}},
		{"{\"messages\":[{\"destination\":\"5519900001111\"},{\"destination\":\"5519900002222\"}],"
		 "\"defaultValues\":{\"messageText\":\"Default message\",\"flashSMS\":\"true\"}}",
		 2,
		 {"Default message", "Default message"}},
		{"{\"messages\":[{\"destination\":\"5519900001111\",\"params\": {\"param1\": "
		 "\"other_value1\",\"param2\": \"other_value2\"}},"
		 "{\"destination\":\"5519900002222\"}],\"defaultValues\":{\"params\": {\"param1\": "
		 "\"value1\",\"param2\": \"value2\"}},"
		 "\"flowId\": \"14f8142d-e731-4971-8220-5a76a12c413f\"}",
		 2,
		 {"Oi other_value1 e other_value2", "Oi value1 e value2"}},
		/* the document writes 'name', which is not JSON */
		{"{\"messages\":[{\"destination\":\"5519900001111\",\"params\": {\"param1\": "
		 "\"other_value1\",\"param2\": \"other_value2\"}},"
		 "{\"destination\":\"5519900002222\"}],\"defaultValues\":{\"params\": {\"param1\": "
		 "\"value1\",\"param2\": \"value2\"}},"
		 "\"templateId\": 0,\"templateName\": \"zero\"}",
		 2,
		 {"Oi other_value1 e other_value2", "Oi value1 e value2"}},
	};

	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		has_documented_fields(bulk(200, "ana", samples[i].body), samples[i].messages);
		for (size_t k = 0; k < samples[i].messages; k++)
			assert_string_equal(fake_last(f.engine).texts[k], samples[i].texts[k]);
		assert_string_equal(fake_last(f.engine).invalid_params, "");
	}
}

TEST(documented_single_samples)
{
	struct err e;
	struct json_doc *d;
	const char *text =
		expect_answer(&f, 200, "POST", "/v1/send-sms", "ana", "content-type: application/json\r\n",
			      "{\"destination\": \"5511900000000\" , \"messageText\": \"linha\\nquebrada\"}");

	sent("linha\nquebrada", "");
	d = json_read(text, strlen(text), &e);
	assert_int_equal(json_count(json_root(d)), 1);
	assert_int_equal(json_count(json_at(json_root(d), 0)), 1);
	assert_int_equal(json_str(json_get(json_at(json_root(d), 0), "id")).n, 36);
	json_free(d);
	single(200, "ana", ",\"messageText\":\"A combinação foi perfeita :)\"");
	sent("A combinação foi perfeita :)", "");
	single(200, "ana", ",\"messageText\":\"A combina\\u00e7\\u00e3o foi perfeita :)\"");
	sent("A combinação foi perfeita :)", "");
	text = single(200, "ana", ",\"messageText\":\"x\",\"correlationId\":\"myId\"");
	assert_non_null(strstr(text, "\",\"correlationId\":\"myId\"}]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(a_template_is_named_by_id_or_name_or_both),
		SERVED(what_cannot_be_found_is_400_with_its_field),
		SERVED(the_nearest_level_says_where_the_text_comes_from),
		SERVED(params_merge_key_by_key),
		SERVED(missing_and_superfluous_params_flag_the_message_and_it_is_sent),
		SERVED(a_text_without_params_is_literal),
		SERVED(a_query_gives_params_as_json_or_one_by_one),
		SERVED(params_are_checked),
		SERVED(what_params_make_has_bounds),
		SERVED(documented_bulk_samples),
		SERVED(documented_single_samples),
	};

	return cmocka_run_group_tests_name("texts", tests, NULL, NULL);
}
