/* served.c - the server of each test, and the requests that tests have in common (served.h). */
#include "served.h"

#include "base/time.h"
#include "wire/json.h"

struct fixture f;

int served_setup(void **state)
{
	(void)state;
	fixture_init(&f);
	fixture_start(&f);
	return 0;
}

int served_teardown(void **state)
{
	(void)state;
	fixture_stop(&f);
	return 0;
}

const char *send_body(int status, const char *user, const char *body)
{
	return expect_answer(&f, status, "POST", "/v1/send-sms", user, "", body);
}

void contains(const char *text, const char *what)
{
	if (!strstr(text, what))
		print_error("not there: %s\nin: %s\n", what, text);
	assert_non_null(strstr(text, what));
}

struct uid know(uint32_t account, uint32_t sub, const char *correlation, int64_t age_ms, int sent)
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

size_t total(const char *text)
{
	struct err e;
	struct json_doc *d = json_read(text, strlen(text), &e);
	size_t n = json_count(json_get(json_root(d), strstr(text, "\"messages\":") ? "messages" : "smsStatuses"));

	assert_non_null(d);
	assert_int_equal(json_int(json_get(json_root(d), "total")), n);
	json_free(d);
	return n;
}

/* -- texts --------------------------------------------------------------------------------------------------------- */

/* One message with the given fields after its destination. */
const char *single(int status, const char *user, const char *fields)
{
	static char body[16384];

	int n = snprintf(body, sizeof body, "{\"destination\":\"5511900000000\"%s}", fields);

	assert_true(n > 0 && (size_t)n < sizeof body);
	return expect_answer(&f, status, "POST", "/v1/send-sms", user, "", body);
}

const char *bulk(int status, const char *user, const char *body)
{
	return expect_answer(&f, status, "POST", "/v1/send-bulk-sms", user, "", body);
}

const char *get(int status, const char *user, const char *more)
{
	static char target[8192];

	snprintf(target, sizeof target, "/v1/send-sms?destination=5511900000000%s", more);
	return expect_answer(&f, status, "GET", target, user, "", NULL);
}

void message_is(const char *answer, const char *error)
{
	char want[300];

	snprintf(want, sizeof want, "\"errorMessage\":\"%s\"", error);
	if (!strstr(answer, want))
		print_error("not there: %s\nin: %s\n", want, answer);
	assert_non_null(strstr(answer, want));
}

void sent(const char *text, const char *invalid)
{
	struct fake_seen s = fake_last(f.engine);

	assert_string_equal(s.text, text);
	assert_string_equal(s.invalid_params, invalid);
}
