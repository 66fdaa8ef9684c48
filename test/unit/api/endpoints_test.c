/* endpoints_test.c - every endpoint over HTTP, with the fake core behind it. */
#include "fixture.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api/send_request.h"
#include "base/time.h"
#include "model/codes.h"
#include "model/metrics.h"
#include "wire/json.h"

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_init(&f);
	fixture_start(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_stop(&f);
	return 0;
}

#define BODY "{\"destination\":\"5511900000000\",\"messageText\":\"x\"}"
#define SEARCH(more) "{\"ids\":[\"01a203a8-1e50-7000-85cd-9b96ffc4afcf\"]" more "}"
#define SEND "/v1/send-sms?destination=5511900000000&messageText=x"

static const char *send_body(int status, const char *user, const char *body)
{
	return expect_answer(&f, status, "POST", "/v1/send-sms", user, "", body);
}

static void contains(const char *text, const char *what)
{
	if (!strstr(text, what))
		print_error("not there: %s\nin: %s\n", what, text);
	assert_non_null(strstr(text, what));
}

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

/* -- status -------------------------------------------------------------------------------------------------------- */

static struct uid know(uint32_t account, uint32_t sub, const char *correlation, int64_t age_ms, int sent)
{
	static uint64_t rest = 100;
	static struct uid_source ids;
	struct delivery_text t = {.destination = STR("5511900000000"), .correlation = str_of(correlation)};
	struct delivery *d = delivery_new(&t);
	struct uid id = {uid_take(&ids, wall_ms(), 1), ++rest};

	d->key = id.key;
	d->rest = id.rest;
	d->account = account;
	d->sub_account = sub;
	d->operator_id = 1;
	d->sent_code = (int16_t)sent;
	d->sent_at = d->updated_at = wall_ms() - age_ms;
	fake_know(d);
	delivery_free(d);
	return id;
}

static size_t total(const char *text)
{
	struct err e;
	struct json_doc *d = json_read(text, strlen(text), &e);
	size_t n = json_count(json_get(json_root(d), strstr(text, "\"messages\":") ? "messages" : "smsStatuses"));

	assert_non_null(d);
	assert_int_equal(json_int(json_get(json_root(d), "total")), n);
	json_free(d);
	return n;
}

static size_t search(const char *user, const char *body)
{
	return total(expect_answer(&f, 200, "POST", "/v1/sms/status/search", user, "", body));
}

TEST(search_finds_by_id_and_correlation)
{
	struct uid mine = know(1, 10, "c1", 1000, 2), theirs = know(2, 20, "c1", 1000, 2),
		   old = know(1, 10, "old", 4 * 86400000LL, 2);
	char a[UUID_TEXT], b[UUID_TEXT], c[UUID_TEXT], body[512];

	know(1, 11, "c1", 1000, 0);
	uid_print(a, mine);
	uid_print(b, theirs);
	uid_print(c, old);
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\",\"%s\",\"nonsense\",\"\"]}", a, b);
	assert_int_equal(search("ana", body), 1);
	for (char *p = a; *p; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\"],\"correlationIds\":[\"c1\",\"c1\",\"none\"]}", a);
	assert_int_equal(search("ana", body), 1); /* a union: each once */
	assert_int_equal(search("root", body), 2);
	assert_int_equal(search("eva", "{\"correlationIds\":[\"c1\"]}"), 1);
	assert_int_equal(search("eva", body), 1);
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\"],\"correlationIds\":[\"old\"]}", c);
	assert_int_equal(search("ana", body), 0); /* kept for three days */
	assert_int_equal(search("ana", "{\"ids\":[],\"correlationIds\":[]}"), 0);
	know(1, 10, "42", 0, 2);
	assert_int_equal(search("ana", "{\"correlationIds\":[42]}"), 1);
	contains(expect_answer(&f, 200, "POST", "/v1/sms/status/search", "ana", "", "{\"correlationIds\":[42]}"), "\"correlationId\":\"42\",\"carrierId\":1,\"carrierName\":\"VIVO\",\"destination\":\"5511900000000\",\"sentStatusCode\":2,");
}

TEST(search_refuses_what_it_does_not_understand)
{
	struct buf b = BUF_INIT;
	static const struct {
		const char *body, *message;
	} bad[] = {
		{"{}", "ids: missing, and correlationIds too"},
		{"[]", "the request must be an object"},
		{"{\"ids\":\"x\"}", "ids: must be an array"},
		{"{\"ids\":[1]}", "ids[0]: must be a string"},
		{"{\"correlationIds\":[\"a\",null]}",
		 "correlationIds[1]: must be a string or a whole number"},
		{"x", "malformed JSON"},
		{"", "malformed JSON"},
	};

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		contains(expect_answer(&f, 400, "POST", "/v1/sms/status/search", "ana", "", bad[i].body), bad[i].message);
	buf_puts(&b, "{\"correlationIds\":[0");
	for (int i = 1; i < 1000; i++)
		buf_fmt(&b, ",%d", i);
	buf_puts(&b, "]}");
	assert_int_equal(search("ana", buf_cstr(&b)), 0);
	b.n -= 2;
	buf_puts(&b, ",1000]}");
	contains(expect_answer(&f, 400, "POST", "/v1/sms/status/search", "ana", "", buf_cstr(&b)),
		 "correlationIds: more than 1000 entries");
	buf_done(&b);
	expect_answer(&f, 405, "GET", "/v1/sms/status/search", "ana", "", NULL);
}

/* What is asked and who may; what it does is the engine's (core/control_test.c). */
TEST(cancel_pause_and_resume_are_read_strictly)
{
	static const struct {
		const char *body, *message;
	} bad[] = {
		{"{}", "ids: missing, and correlationIds, batchId, campaignId and campaignAlias too"},
		{"{\"ids\":null,\"batchId\":null}",
		 "ids: missing, and correlationIds, batchId, campaignId and campaignAlias too"},
		{"[]", "the request must be an object"},
		{"{\"ids\":\"x\"}", "ids: must be an array"},
		{"{\"ids\":[1]}", "ids[0]: must be a string"},
		{"{\"ids\":[\"nonsense\"]}", "ids[0]: not an id"},
		{"{\"correlationIds\":[{}]}", "correlationIds[0]: must be a string or a whole number"},
		{"{\"batchId\":1}", "batchId: must be a string"},
		{"{\"batchId\":\"x\"}", "batchId: not an id"},
		{"{\"campaignId\":\"1\"}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignId\":0}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignId\":4294967296}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignAlias\":1}", "campaignAlias: must be a string"},
		{"{\"campaignAlias\":\"\"}", "campaignAlias: must not be empty"},
		{"{\"campaignAlias\":\"a\",\"campaignId\":1}", "campaignAlias: campaignId is given too"},
		{"{\"campaignId\":1,\"subAccount\":[]}", "subAccount: must be a string or a whole number"},
		{"x", "malformed JSON"},
	};
	static const char *const paths[] = {"/admin/v1/messages/cancel", "/admin/v1/messages/pause",
					    "/admin/v1/messages/resume"};
	struct buf b = BUF_INIT;

	for (size_t k = 0; k < COUNT_OF(paths); k++) {
		for (size_t i = 0; i < COUNT_OF(bad); i++)
			contains(expect_answer(&f, 400, "POST", paths[k],
					       strstr(bad[i].body, "subAccount") ? "root" : "ana", "", bad[i].body),
				 bad[i].message);
		expect_answer(&f, 405, "GET", paths[k], "ana", "", NULL);
		expect_answer(&f, 403, "POST", paths[k], "plat", "", "{\"campaignId\":1}");
		contains(expect_answer(&f, 403, "POST", paths[k], "ana", "", "{\"campaignId\":1,\"subAccount\":\"default\"}"),
			 "subAccount");
	}
	buf_puts(&b, "{\"campaignAlias\":\"");
	for (int i = 0; i <= CAMPAIGN_ALIAS_MAX; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\"}");
	contains(expect_answer(&f, 400, "POST", paths[0], "ana", "", buf_cstr(&b)),
		 "campaignAlias: longer than 128 characters");
	buf_done(&b);
}

TEST(cancel_pause_and_resume_answer_for_each)
{
	char a[UUID_TEXT], b[UUID_TEXT], c[UUID_TEXT], body[600];

	know(1, 10, "c1", 1000, 2);
	uid_print(a, know(1, 10, "c2", 1000, 0));
	uid_print(b, know(1, 10, "", 1000, 2));
	uid_print(c, know(1, 11, "c2", 1000, 0));
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\",\"%s\",\"%s\"],\"correlationIds\":[\"c2\",\"none\"]}", a, b, c);
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "{\"total\":3,\"counts\":{\"cancelled\":1,\"left\":1,\"inDoubt\":0,\"ended\":0,\"notFound\":"
		 "1},\"messages\":[{\"id\":\"");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "\"result\":\"cancelled\"}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", body),
		 "\"result\":\"paused\"}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/resume", "ana", "", body),
		 "\"result\":\"left\"}");
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\"]}", c);
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "\"result\":\"notFound\"}]}"); /* another's */
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "root", "", body),
		 "\"result\":\"cancelled\"}]}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", "{\"campaignAlias\":\"black friday\"}"), "{\"total\":0,\"counts\":{\"paused\":0,\"left\":0,\"inDoubt\":0,\"ended\":0,\"notFound\":0},\"messages\":[],\"campaign\":{\"campaignAlias\":\"black friday\",\"result\":\"paused\"}}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/resume", "root", "", "{\"campaignId\":7}"),
		 "\"campaign\":{\"campaignId\":7,\"result\":\"held\"}}");
	contains(expect_answer(&f, 503, "POST", "/admin/v1/messages/pause", "ana", "", "{\"campaignId\":99}"),
		 "too many campaigns");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "",
			       "{\"batchId\":\"019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70\"}"),
		 "\"batch\":{\"id\":\"019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70\",\"result\":\"notFound\"}}");
}

TEST(orders_are_told)
{
	const char *text = expect_answer(&f, 200, "GET", "/admin/v1/messages/orders", "root", "", NULL);

	contains(text, "{\"total\":3,\"orders\":[{\"order\":\"pause\",\"campaignAlias\":\"black "
		       "\\\"friday\\\"\",\"subAccount\":\"");
	contains(text, "\"orderedAt\":1790000000000,\"orderedDate\":\"2026-09-21T");
	contains(text, "{\"order\":\"cancel\",\"campaignId\":7,\"orderedAt\":1790000000000,");
	contains(text, ",\"done\":false,\"cancelled\":5,\"left\":2}");
	contains(text, ",\"done\":true,\"cancelled\":0,\"left\":0,\"doneAt\":1790000060000,");
	contains(expect_answer(&f, 200, "GET", "/admin/v1/messages/orders", "ana", "", NULL),
		 "{\"total\":1,");
	contains(expect_answer(&f, 403, "GET", "/admin/v1/messages/orders?subAccount=default", "ana", "", NULL), "subAccount");
	expect_answer(&f, 403, "GET", "/admin/v1/messages/orders", "plat", "", NULL);
	expect_answer(&f, 405, "POST", "/admin/v1/messages/orders", "root", "", "{}");
}

TEST(control_names_a_thousand_messages_at_most)
{
	for (int i = 0; i < 600; i++) {
		know(1, 10, "again", 1000, 0);
		know(1, 10, "and again", 1000, 0);
	}
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", "{\"correlationIds\":[\"again\"]}"),
		 "{\"total\":600,");
	contains(expect_answer(&f, 400, "POST", "/admin/v1/messages/pause", "ana", "",
			       "{\"correlationIds\":[\"again\",\"and again\"]}"),
		 "correlationIds: more than 1000 messages are named");
}

TEST(the_newest_thousand_of_a_repeated_correlation)
{
	for (int i = 0; i < 1100; i++)
		know(1, 10, "again", 1000, 2);
	assert_int_equal(search("ana", "{\"correlationIds\":[\"again\"]}"), 1000);
}

TEST(one_status_is_a_bare_object)
{
	struct uid id = know(1, 10, "", 1000, 2), theirs = know(2, 20, "", 1000, 2);
	char uuid[UUID_TEXT], target[128];

	snprintf(target, sizeof(target), "/v1/sms-status?id=%s", uid_print(uuid, id));
	contains(expect_answer(&f, 200, "GET", target, "ana", "", NULL), uuid);
	assert_memory_equal(expect_answer(&f, 200, "GET", target, "ana", "", NULL), "{\"id\":", 6);
	snprintf(target, sizeof(target), "/v1/sms-status?id=%s", uid_print(uuid, theirs));
	expect_answer(&f, 404, "GET", target, "ana", "", NULL);
	expect_answer(&f, 404, "GET", "/v1/sms-status?id=nonsense", "ana", "", NULL);
	contains(expect_answer(&f, 400, "GET", "/v1/sms-status", "ana", "", NULL),
		 "\"errorMessage\":\"id: missing\"");
}

TEST(a_list_is_consumed_by_its_delivery)
{
	for (int i = 0; i < 5; i++)
		know(1, 10, "", 1000, 2);
	assert_int_equal(total(expect_answer(&f, 200, "GET", "/v1/sms/status/list?limit=2", "ana", "", NULL)), 2);
	fake_await_leases(1, 0);
	assert_int_equal(total(expect_answer(&f, 200, "GET", "/v1/sms/status/list", "ana", "", NULL)), 3);
	fake_await_leases(2, 0);
	assert_int_equal(total(expect_answer(&f, 200, "GET", "/v1/sms/status/list", "ana", "", NULL)), 0);
	assert_int_equal(fake_consumed(), 2);
	assert_int_equal(fake_released(), 0);
}

TEST(a_list_nobody_could_read_is_given_back)
{
	struct client c = client_open(&f);
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	know(1, 10, "", 1000, 2);
	fake_query_hold(true);
	client_puts(&c, "GET /v1/sms/status/list HTTP/1.1\r\nHost: x\r\nusername: "
			"ana\r\nauthenticationtoken: t-ana\r\n\r\n");
	fake_query_await(1);
	setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	client_close(&c);
	fake_query_hold(false);
	fake_await_leases(0, 1);
	assert_int_equal(total(expect_answer(&f, 200, "GET", "/v1/sms/status/list", "ana", "", NULL)), 1);
}

/* Asks for a list that the kernel takes whole for a client that reads nothing, and waits until it comes. */
static struct client ask_much(void)
{
	char extra[SEND_EXTRA_MAX + 1];
	struct delivery_text t = {.destination = STR("5511900000000"), .extra = {extra, SEND_EXTRA_MAX}};
	struct client c = client_open(&f);
	struct uid_source ids = {0};
	unsigned before = fake_consumed() + fake_released();
	int came = 0;

	memset(extra, 'x', sizeof(extra));
	for (int i = 0; i < 1000; i++) {
		struct delivery *d = delivery_new(&t);

		d->key = uid_take(&ids, wall_ms(), 1);
		d->account = 1;
		d->sub_account = 10;
		d->sent_code = SENT_SENT_SUCCESS;
		d->sent_at = d->updated_at = wall_ms();
		fake_know(d);
		delivery_free(d);
	}
	client_puts(&c, "GET /v1/sms/status/list HTTP/1.1\r\nHost: x\r\nusername: "
			"ana\r\nauthenticationtoken: t-ana\r\n\r\n");
	while (came < 32768)
		assert_int_equal(ioctl(c.fd, FIONREAD, &came), 0);
	assert_int_equal(fake_consumed() + fake_released(), before);
	return c;
}

TEST(a_list_is_not_consumed_before_it_has_arrived)
{
	struct client c = ask_much(), again;

	client_close(&c); /* with most of it unread */
	fake_await_leases(0, 1);
	again = ask_much();
	assert_int_equal(total(answer_text_of((struct answer[]){client_read(&again)})), 1000);
	fake_await_leases(1, 1);
	client_close(&again);
}

TEST(a_list_that_has_not_arrived_at_the_end_is_given_back)
{
	struct client c = ask_much();

	api_stop(f.api, 50);
	fake_await_leases(0, 1);
	client_close(&c);
}

TEST(who_asks_again_has_read)
{
	struct client c = ask_much();

	assert_int_equal(total(answer_text_of((struct answer[]){client_read(&c)})), 1000);
	client_puts(&c, "GET /v1/sms/status/list HTTP/1.1\r\nHost: x\r\nusername: "
			"ana\r\nauthenticationtoken: t-ana\r\n\r\n");
	assert_int_equal(total(answer_text_of((struct answer[]){client_read(&c)})), 0);
	assert_int_equal(fake_consumed(), 1);
	client_close(&c);
}

TEST(list_parameters_are_checked)
{
	static const char *const bad[] = {
		"limit=0", "limit=1001", "limit=x", "limit=-1", "start=yesterday", "end=2026-13-01T00:00:00", "start=2026-01-02T00:00:00&end=2026-01-01T00:00:00"};
	static const char *const good[] = {"limit=1",
					   "limit=1000",
					   "start=2026-01-01T00:00:00",
					   "start=2026-01-01T00:00:00Z&end=2026-01-01T00:00:00-03:00",
					   "start=1473088405",
					   "start=1473088405588&end=1473088405588",
					   "start=&end=&limit="};
	char target[160];

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		snprintf(target, sizeof(target), "/v1/sms/status/list?%s", bad[i]);
		expect_answer(&f, 400, "GET", target, "ana", "", NULL);
	}
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		snprintf(target, sizeof(target), "/v1/sms/status/list?%s", good[i]);
		expect_answer(&f, 200, "GET", target, "ana", "", NULL);
	}
}

/* -- MOs ----------------------------------------------------------------------------------------------------------- */

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

TEST(look_ups_that_fail_say_so)
{
	fake_query_fails(-ETIMEDOUT);
	contains(expect_answer(&f, 504, "POST", "/v1/sms/status/search", "ana", "", "{\"correlationIds\":[1]}"),
		 "\"errorCode\":504");
	fake_query_fails(-ENOSPC);
	contains(expect_answer(&f, 503, "GET", "/v1/sms/status/list?start=1473088405", "ana", "", NULL),
		 "without start and end");
	fake_query_fails(-EIO);
	expect_answer(&f, 500, "GET", "/v1/sms/status/list", "ana", "", NULL);
	fake_query_fails(0);
	expect_answer(&f, 200, "GET", "/v1/sms/status/list", "ana", "", NULL);
}

TEST(look_ups_that_queue_too_long_are_504)
{
	static const char text[] =
		"GET /v1/sms-status?id=0190163d-8694-739b-aea5-966c26f8ad91 HTTP/1.1\r\nHost: x\r\nusername: "
		"ana\r\nauthenticationtoken: t-ana\r\n\r\n";
	struct client first = client_open(&f), second = client_open(&f);

	fake_query_hold(true);
	client_puts(&first, text);
	fake_query_await(1);
	client_puts(&second, text); /* sits behind it */
	assert_int_equal(client_read(&second).status, 504);
	fake_query_hold(false);
	assert_int_equal(client_read(&first).status, 404);
	client_close(&first);
	client_close(&second);
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
#define SERVED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		SERVED(a_single_is_answered_with_an_id),
		SERVED(a_bulk_is_answered_with_its_id_and_theirs),
		SERVED(the_answer_is_an_object_for_whom_it_is_set),
		SERVED(faults_are_listed),
		SERVED(an_answer_never_spells_errorCode),
		SERVED(no_room_is_503_with_retry_after),
		SERVED(users_are_known_by_name_or_mail_and_token),
		SERVED(a_user_disabled_while_the_body_comes_is_refused),
		SERVED(too_many_for_the_sub_account_is_429),
		SERVED(roles_and_sub_accounts),
		SERVED(the_same_key_gives_the_same_answer),
		SERVED(only_json_is_taken),
		SERVED(search_finds_by_id_and_correlation),
		SERVED(search_refuses_what_it_does_not_understand),
		SERVED(cancel_pause_and_resume_are_read_strictly),
		SERVED(cancel_pause_and_resume_answer_for_each),
		SERVED(orders_are_told),
		SERVED(control_names_a_thousand_messages_at_most),
		SERVED(the_newest_thousand_of_a_repeated_correlation),
		SERVED(one_status_is_a_bare_object),
		SERVED(a_list_is_consumed_by_its_delivery),
		SERVED(a_list_nobody_could_read_is_given_back),
		SERVED(a_list_is_not_consumed_before_it_has_arrived),
		SERVED(a_list_that_has_not_arrived_at_the_end_is_given_back),
		SERVED(who_asks_again_has_read),
		SERVED(list_parameters_are_checked),
		SERVED(an_mo_has_exactly_the_documented_fields),
		SERVED(mos_are_seen_by_role),
		SERVED(mo_times_are_read_clamped_and_echoed),
		SERVED(an_mo_list_is_consumed_by_its_delivery),
		SERVED(an_mo_never_spells_errorCode),
		SERVED(look_ups_that_fail_say_so),
		SERVED(look_ups_that_queue_too_long_are_504),
		SERVED(numbers_are_looked_up),
		SERVED(pages_need_no_user),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("endpoints", tests, NULL, NULL);
}
