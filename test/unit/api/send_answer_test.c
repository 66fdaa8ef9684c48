/* send_answer_test.c - what a request to send is answered with over HTTP: ids, faults, 503, and the same answer for the same key. */
#include "served.h"

#include "model/codes.h"
#include "model/metrics.h"
#include "wire/json.h"

/* -- sends --------------------------------------------------------------------------------------------------------- */

TEST(a_single_is_answered_with_an_id)
{
	const char *text = send_body(200, "ana", "{\"destination\":\"+55 (11) 90000-0000\",\"messageText\":\"Ol\\u00e1\",\"correlationId\":\"c\",\"flashSMS\":true}");
	struct fake_seen s = fake_last(f.engine);
	struct uid id;

	assert_memory_equal(text, "[{\"id\":\"", 8);
	assert_int_equal(uid_parse((struct str){text + 8, 36}, &id), 0);
	assert_string_equal(text + 44, "\",\"correlationId\":\"c\"}]\n");
	assert_int_equal(s.account, 1);
	assert_int_equal(s.sub_account, 10);
	assert_int_equal(s.user, 1);
	assert_false(s.bulk);
	assert_string_equal(s.destination, "+55 (11) 90000-0000");
	assert_string_equal(s.number, "5511900000000");
	assert_string_equal(s.text, "Olá");
	assert_string_equal(s.correlation, "c");
	assert_int_equal(s.flags, DF_FLASH | DF_HAS_CORR);
	assert_int_equal(s.idem_hash, 0);
	text = expect_answer(&f, 200, "GET", SEND "&correlationId=", "ana", "", NULL);
	assert_null(strstr(text, "correlationId"));
	/* an unusable number is accepted; its draft says how it ends */
	send_body(200, "ana", "{\"destination\":\"abc\",\"messageText\":\"x\"}");
	assert_int_equal(fake_last(f.engine).invalid, SENT_INVALID_DESTINATION_NUMBER);
}

TEST(a_bulk_is_answered_with_its_id_and_theirs)
{
	const char *text = expect_answer(&f, 200, "POST", "/v1/send-bulk-sms", "rui", "",
					 "{\"messages\":[{\"destination\":\"5511900000000\"},{"
					 "\"destination\":\"5511900000001\",\"correlationId\":7}],"
					 "\"defaultValues\":{\"messageText\":\"x\"}}");
	struct err e;
	struct json_doc *d = json_read(text, strlen(text), &e);
	struct json *messages = json_get(json_root(d), "messages");

	assert_int_equal(json_count(json_root(d)), 2);
	assert_int_equal(json_str(json_get(json_root(d), "id")).n, 36);
	assert_int_equal(json_count(messages), 2);
	assert_int_equal(json_count(json_at(messages, 0)), 1);
	assert_true(str_eqz(json_str(json_get(json_at(messages, 1), "correlationId")), "7"));
	json_free(d);
	assert_true(fake_last(f.engine).bulk);
	assert_int_equal(fake_last(f.engine).count, 2);
	assert_int_equal(fake_last(f.engine).sub_account, 11);
	assert_int_equal(fake_last(f.engine).flags, DF_MARKETING);
	expect_answer(&f, 405, "GET", "/v1/send-bulk-sms", "rui", "", NULL);
	expect_answer(&f, 400, "POST", "/v1/send-bulk-sms", "rui", "", BODY);
}

TEST(the_answer_is_an_object_for_whom_it_is_set)
{
	assert_memory_equal(send_body(200, "Maria da Silva", BODY), "{\"id\":", 6);
	assert_memory_equal(send_body(200, "ana", BODY), "[{\"id\":", 7);
	f.settings.answer_object = true;
	fixture_change(&f);
	assert_memory_equal(send_body(200, "ana", BODY), "{\"id\":", 6);
}

TEST(faults_are_listed)
{
	const char *text = send_body(400, "ana", "{\"timeWindow\":[24]}");

	contains(text, "\"errorMessage\":\"timeWindow: must be hours from 0 to 23\"");
	contains(text, "\"errors\":[{\"field\":\"timeWindow\",\"message\":\"must be hours from 0 to 23\"},"
		       "{\"field\":\"destination\",\"message\":\"missing\"}");
	contains(send_body(400, "ana", "{"), "\"errorMessage\":\"malformed JSON: line 1");
	contains(send_body(400, "ana", ""), "the request has no body");
	send_body(400, "ana", "{\"destination\":\"1\",\"messageText\":\"\xff\"}");
	send_body(400, "ana", "{\"destination\":\"1\",\"messageText\":\"a\\u0000b\"}");
	send_body(400, "ana", "{\"destination\":\"1\",\"destination\":\"2\",\"messageText\":\"x\"}");
	contains(expect_answer(&f, 400, "GET", "/v1/send-sms?destination=1", "ana", "", NULL),
		 "\"errorMessage\":\"messageText: missing\"");
	contains(expect_answer(&f, 400, "GET", SEND "&x=%zz", "ana", "", NULL),
		 "without two hexadecimal digits");
	assert_int_equal(fake_accepted(f.engine), 0);
}

TEST(an_answer_never_spells_errorCode)
{
	const char *text = send_body(200, "ana", "{\"destination\":\"1\",\"messageText\":\"x\",\"correlationId\":\"errorCode\"}");

	assert_null(strstr(text, "errorCode"));
	contains(text, "\"error\\u0043ode\"");
}

TEST(no_room_is_503_with_retry_after)
{
	struct client c = client_open(&f);
	struct answer a;

	fake_refuse(f.engine, true);
	a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "", BODY);
	assert_int_equal(a.status, 503);
	assert_string_equal(answer_header(&a, "Retry-After"), "1");
	fake_refuse(f.engine, false);
	a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "", BODY);
	assert_int_equal(a.status, 200);
	client_close(&c);
}

/* -- idempotency --------------------------------------------------------------------------------------------------- */

static void ask_with_key(int status, const char *method, const char *target, const char *user,
			 const char *key, const char *body, char id[37])
{
	char header[512];
	const char *text;

	snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", key);
	text = expect_answer(&f, status, method, target, user, header, body);
	memset(id, 0, 37);
	if (status == 200)
		memcpy(id, strstr(text, "\"id\":\"") + 6, 36);
}

TEST(the_same_key_gives_the_same_answer)
{
	char a[37], b[37], long_key[300];

	ask_with_key(200, "POST", "/v1/send-sms", "ana", "k1", BODY, a);
	ask_with_key(200, "POST", "/v1/send-sms", "ana", "k1", BODY, b);
	assert_string_equal(a, b);
	assert_int_equal(fake_accepted(f.engine), 1);
	ask_with_key(422, "POST", "/v1/send-sms", "ana", "k1",
		     "{\"destination\":\"5511900000001\",\"messageText\":\"x\"}", b);
	ask_with_key(200, "POST", "/v1/send-sms", "ana", "k2", BODY, b);
	assert_string_not_equal(a, b);
	ask_with_key(200, "POST", "/v1/send-sms", "rui", "k1", BODY, b);
	assert_string_not_equal(a, b);
	ask_with_key(200, "GET", SEND, "ana", "k1", NULL, b);
	assert_string_not_equal(a, b);
	ask_with_key(200, "GET", SEND, "ana", "k1", NULL, a);
	assert_string_equal(a, b);
	ask_with_key(422, "GET", SEND "y", "ana", "k1", NULL, a);
	ask_with_key(400, "POST", "/v1/send-sms", "ana", "", BODY, b);
	ask_with_key(400, "POST", "/v1/send-sms", "ana", "a b", BODY, b);
	ask_with_key(400, "POST", "/v1/send-sms", "ana", "\xc3\xa7", BODY, b);
	memset(long_key, 'k', sizeof(long_key));
	long_key[256] = '\0';
	ask_with_key(400, "POST", "/v1/send-sms", "ana", long_key, BODY, b);
	long_key[255] = '\0';
	ask_with_key(200, "POST", "/v1/send-sms", "ana", long_key, BODY, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(a_single_is_answered_with_an_id),
		SERVED(a_bulk_is_answered_with_its_id_and_theirs),
		SERVED(the_answer_is_an_object_for_whom_it_is_set),
		SERVED(faults_are_listed),
		SERVED(an_answer_never_spells_errorCode),
		SERVED(no_room_is_503_with_retry_after),
		SERVED(the_same_key_gives_the_same_answer),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("send_answer", tests, NULL, NULL);
}
