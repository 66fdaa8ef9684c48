/* endpoints_test.c - who may ask which endpoint, in what form, over HTTP: users and their roles, kinds of bodies; the look-up of numbers
 * and the pages. */
#include "served.h"

#include "model/metrics.h"

#define SEARCH(more) "{\"ids\":[\"01a203a8-1e50-7000-85cd-9b96ffc4afcf\"]" more "}"

/* -- who ----------------------------------------------------------------------------------------------------------- */

static int status_as(const char *credentials, const char *query)
{
	struct client c = client_open(&f);
	struct answer a;
	char text[1024];

	snprintf(text, sizeof(text), "GET " SEND "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, credentials);
	client_puts(&c, text);
	a = client_read(&c);
	if (a.status == 401 && credentials[0])
		assert_true(answer_has(
			&a, "{\"errorCode\":401,\"errorMessage\":\"unknown user or wrong token\"}"));
	client_close(&c);
	return a.status;
}

TEST(users_are_known_by_name_or_mail_and_token)
{
	assert_int_equal(status_as("UserName: ana\r\nAuthenticationToken: t-ana\r\n", ""), 200);
	assert_int_equal(status_as("USERNAME: ana@example.com\r\nauthenticationtoken: t-ana\r\n", ""), 200);
	assert_int_equal(status_as("username: Maria da Silva  \r\nauthenticationtoken:\tt-maria \r\n", ""), 200);
	assert_int_equal(status_as("", "&username=ana&authenticationToken=t-ana"), 200);
	assert_int_equal(status_as("", "&UserName=Maria+da%20Silva&AUTHENTICATIONTOKEN=t-maria"), 200);
	assert_int_equal(status_as("username: ana\r\n", "&username=rui&authenticationToken=t-ana"), 200);
	assert_int_equal(status_as("username: old\r\nauthenticationtoken: t-old\r\n", ""), 200);
	assert_int_equal(status_as("username: old\r\nauthenticationtoken: old-old\r\n", ""), 200);
	assert_int_equal(status_as("username: older\r\nauthenticationtoken: older\r\n", ""), 401);
	assert_int_equal(status_as("username: ana\r\nauthenticationtoken: t-rui\r\n", ""), 401);
	assert_int_equal(status_as("username: nobody\r\nauthenticationtoken: t-ana\r\n", ""), 401);
	assert_int_equal(status_as("username: gone\r\nauthenticationtoken: t-gone\r\n", ""), 401);
	assert_int_equal(status_as("username: shut\r\nauthenticationtoken: t-shut\r\n", ""), 401);
	assert_int_equal(status_as("", ""), 401);
	assert_int_equal(status_as("", "&username=ana"), 401);
	/* POST takes headers only */
	expect_answer(&f, 401, "POST", "/v1/send-sms?username=ana&authenticationToken=t-ana", NULL, "", BODY);
	/* without any snapshot nobody is known */
	snapshot_publish(NULL);
	assert_int_equal(status_as("username: ana\r\nauthenticationtoken: t-ana\r\n", ""), 401);
	publish_users();
}

TEST(a_user_disabled_while_the_body_comes_is_refused)
{
	struct client c = client_open(&f);
	struct answer a;

	a = ask(&f, &c, "POST", "/v1/send-sms", "ana", "", BODY);
	assert_int_equal(a.status, 200);
	int64_t before = metric_get(M_REQUESTS);
	client_puts(&c, "POST /v1/send-sms HTTP/1.1\r\nHost: x\r\nusername: ana\r\nauthenticationtoken: "
			"t-ana\r\nContent-Length: 49\r\n\r\n{");
	fixture_await_requests(before, 1); /* its head has been seen */
	publish_users_without("ana");
	client_puts(&c, &BODY[1]);
	a = client_read(&c);
	assert_int_equal(a.status, 401);
	client_close(&c);
	publish_users();
	assert_int_equal(fake_accepted(f.engine), 1);
}

TEST(too_many_for_the_sub_account_is_429)
{
	fake_too_many(f.engine, 2500);
	contains(send_body(429, "ana", BODY), "\"errorCode\":429");
	contains(send_body(429, "ana", BODY), "may not send so many messages");
	assert_int_equal(fake_accepted(f.engine), 0);
	fake_too_many(f.engine, 0);
	send_body(200, "ana", BODY);
}

TEST(roles_and_sub_accounts)
{
	contains(expect_answer(&f, 403, "GET", SEND, "plat", "", NULL), "\"errorCode\":403");
	expect_answer(&f, 403, "GET", "/v1/sms/status/list", "plat", "", NULL);
	contains(expect_answer(&f, 403, "GET", SEND "&subAccount=default", "ana", "", NULL),
		 "\"errorMessage\":\"subAccount: only administrators may choose a sub-account\"");
	expect_answer(&f, 200, "GET", SEND, "root", "", NULL);
	assert_int_equal(fake_last(f.engine).sub_account, 10);
	expect_answer(&f, 200, "GET", SEND "&subAccount=marketing", "root", "", NULL);
	assert_int_equal(fake_last(f.engine).sub_account, 11);
	send_body(200, "root", "{\"destination\":\"1\",\"messageText\":\"x\",\"subAccount\":11}");
	assert_int_equal(fake_last(f.engine).sub_account, 11);
	contains(expect_answer(&f, 400, "GET", SEND "&subAccount=theirs", "root", "", NULL),
		 "\"errorMessage\":\"subAccount: unknown\"");
	expect_answer(&f, 400, "GET", SEND "&subAccount=21", "root", "", NULL); /* of another account */
	expect_answer(&f, 400, "GET", SEND "&subAccount=99999999999", "root", "", NULL);
	expect_answer(&f, 200, "GET", "/v1/sms/status/list?subAccount=marketing", "root", "", NULL);
	expect_answer(&f, 400, "GET", "/v1/sms/status/list?subAccount=theirs", "root", "", NULL);
	expect_answer(&f, 403, "GET", "/v1/sms/status/list?subAccount=default", "ana", "", NULL);
	/* searches: the same rule, by reference or id */
	expect_answer(&f, 200, "POST", "/v1/sms/status/search", "root", "", SEARCH(",\"subAccount\":\"marketing\""));
	expect_answer(&f, 200, "POST", "/v1/sms/status/search", "root", "", SEARCH(",\"subAccount\":11"));
	expect_answer(&f, 200, "POST", "/v1/sms/status/search", "ana", "", SEARCH(",\"subAccount\":null"));
	contains(expect_answer(&f, 400, "POST", "/v1/sms/status/search", "root", "", SEARCH(",\"subAccount\":\"theirs\"")),
		 "\"errorMessage\":\"subAccount: unknown\"");
	contains(expect_answer(&f, 400, "POST", "/v1/sms/status/search", "root", "", SEARCH(",\"subAccount\":[]")),
		 "\"errorMessage\":\"subAccount: must be a string or a whole number\"");
	contains(expect_answer(&f, 403, "POST", "/v1/sms/status/search", "ana", "", SEARCH(",\"subAccount\":\"default\"")),
		 "\"errorMessage\":\"subAccount: only administrators may choose a sub-account\"");
	expect_answer(&f, 403, "POST", "/v1/sms/status/search", "plat", "", SEARCH(""));
	expect_answer(&f, 403, "GET", "/v1/sms-status?id=x&subAccount=default", "ana", "", NULL);
	expect_answer(&f, 400, "GET", "/v1/sms-status?id=x&subAccount=theirs", "root", "", NULL);
	expect_answer(&f, 404, "GET", "/v1/sms-status?id=x&subAccount=marketing", "root", "", NULL);
	expect_answer(&f, 403, "POST", "/v1/send-bulk-sms", "ana",
		      "", "{\"messages\":[{\"destination\":\"1\"}],\"defaultValues\":{\"messageText\":\"x\"},\"subAccount\":\"default\"}");
}

/* -- kinds of bodies ----------------------------------------------------------------------------------------------- */

static int typed(const char *headers)
{
	struct client c = client_open(&f);
	struct answer a = ask(&f, &c, "POST", "/v1/send-sms", "ana", headers, BODY);

	client_close(&c);
	return a.status;
}

TEST(only_json_is_taken)
{
	assert_int_equal(typed(""), 200);
	assert_int_equal(typed("Content-Type: application/json\r\n"), 200);
	assert_int_equal(typed("content-type: Application/JSON; charset=UTF-8\r\n"), 200);
	assert_int_equal(typed("Content-Type: application/json;charset=\"utf-8\"; x=y\r\n"), 200);
	assert_int_equal(typed("Content-Type: application/json; charset=iso-8859-1\r\n"), 415);
	assert_int_equal(typed("Content-Type: application/x-www-form-urlencoded\r\n"), 415);
	assert_int_equal(typed("Content-Type: text/plain\r\n"), 415);
	assert_int_equal(typed("Content-Type: application/jsonx\r\n"), 415);
	assert_int_equal(typed("Content-Encoding: gzip\r\n"), 415);
	assert_int_equal(typed("Content-Encoding: identity\r\n"), 200);
}

/* -- whose number it is ---------------------------------------------------------------------------------------------- */

static const char *carrier(int status, const char *user, const char *body)
{
	return expect_answer(&f, status, "POST", "/v1/carrier/lookup", user, "", body);
}

TEST(numbers_are_looked_up)
{
	const char *text = carrier(200, "ana", "{\"destinations\":[5511900000001,\"2312312\"],\"subAccount\":\"x\"}");
	struct uid id;

	assert_memory_equal(text, "{\"id\":\"", 7);
	assert_int_equal(uid_parse((struct str){text + 7, 36}, &id), 0);
	contains(text, "\",\"destinations\":[{\"destination\":\"5511900000001\",\"active\":true,\"carrier\":{"
		       "\"name\":");
	contains(text,
		 "{\"destination\":\"2312312\",\"active\":false,\"carrier\":{\"name\":\"UNKNOWN\"}}]}\n");
	carrier(200, "root", "{\"destinations\":[1]}");
	carrier(403, "plat", "{\"destinations\":[1]}");
	carrier(401, NULL, "{\"destinations\":[1]}");
	contains(carrier(400, "ana", "{\"destinations\":[1,null]}"),
		 "\"errorMessage\":\"destinations[1]: must be a string or a whole number\"");
	contains(carrier(400, "ana", "{"), "malformed JSON");
	carrier(400, "ana", "");
	expect_answer(&f, 405, "GET", "/v1/carrier/lookup", "ana", "", NULL);
	assert_int_equal(fake_accepted(f.engine), 0);
}

/* -- pages --------------------------------------------------------------------------------------------------------- */

TEST(pages_need_no_user)
{
	struct client c = client_open(&f);
	struct answer a = ask(&f, &c, "GET", "/healthz?x=1", NULL, "", NULL);

	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "ok\n"));
	a = ask(&f, &c, "GET", "/readyz", NULL, "", NULL);
	assert_int_equal(a.status, 200);
	a = ask(&f, &c, "GET", "/metrics", NULL, "", NULL);
	assert_int_equal(a.status, 200);
	assert_true(answer_has(&a, "pombo_http_requests_total"));
	assert_string_equal(answer_header(&a, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
	a = ask(&f, &c, "GET", "/openapi.yaml", NULL, "", NULL);
	assert_int_equal(a.status, 200);
	static const char *const described[] = {
#define ROUTE(path, ...) "\n  " path ":\n",
#include "api/routes.def"
#undef ROUTE
	};
	for (size_t i = 0; i < COUNT_OF(described); i++)
		assert_true(answer_has(&a, described[i]));
	a = ask(&f, &c, "POST", "/healthz", NULL, "", NULL);
	assert_int_equal(a.status, 405);
	assert_string_equal(answer_header(&a, "Allow"), "GET, HEAD");
	a = ask(&f, &c, "GET", "/", NULL, "", NULL);
	assert_int_equal(a.status, 404);
	assert_true(answer_has(&a, "{\"errorCode\":404,\"errorMessage\":\"no such endpoint\"}"));
	client_close(&c);
	f.ready = false;
	contains(expect_answer(&f, 503, "GET", "/readyz", NULL, "", NULL), "not ready: the store recovers");
	f.ready = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(users_are_known_by_name_or_mail_and_token),
		SERVED(a_user_disabled_while_the_body_comes_is_refused),
		SERVED(too_many_for_the_sub_account_is_429),
		SERVED(roles_and_sub_accounts),
		SERVED(only_json_is_taken),
		SERVED(numbers_are_looked_up),
		SERVED(pages_need_no_user),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
