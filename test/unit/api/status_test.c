/* status_test.c - asking for statuses over HTTP: searches, one message, lists and their leases, look-ups that fail. */
#include "served.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api/send_request.h"
#include "base/time.h"
#include "model/codes.h"
#include "model/metrics.h"

/* -- status -------------------------------------------------------------------------------------------------------- */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(search_finds_by_id_and_correlation),
		SERVED(search_refuses_what_it_does_not_understand),
		SERVED(the_newest_thousand_of_a_repeated_correlation),
		SERVED(one_status_is_a_bare_object),
		SERVED(a_list_is_consumed_by_its_delivery),
		SERVED(a_list_nobody_could_read_is_given_back),
		SERVED(a_list_is_not_consumed_before_it_has_arrived),
		SERVED(a_list_that_has_not_arrived_at_the_end_is_given_back),
		SERVED(who_asks_again_has_read),
		SERVED(list_parameters_are_checked),
		SERVED(look_ups_that_fail_say_so),
		SERVED(look_ups_that_queue_too_long_are_504),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
