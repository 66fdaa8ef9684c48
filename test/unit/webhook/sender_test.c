/* sender_test.c - one call against receivers of every kind: what is sent, and what becomes of each answer or of none. */
#include "sender_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "webhook/head.h"
#include "wire/signature.h"

/* -- answers -------------------------------------------------------------------------------------------------------- */
static void the_request_is_as_documented(void **state)
{
	struct buf head = BUF_INIT, body = BUF_INIT;
	struct signature_key key;
	struct hook_call *c;
	char want[256], id[HOOK_ID_MAX], stamp[32] = "", signature[256] = "";
	const char *p;

	(void)state;
	open_default();
	c = call_path("/status/200");
	assert_true(c->ok);
	assert_int_equal(c->status, 200);
	assert_string_equal(c->why, "");
	assert_int_equal(c->webhook, 101);
	http_receiver_request(receiver, 0, &head, &body);
	assert_non_null(strstr(buf_cstr(&head), "POST /status/200 HTTP/1.1\r\n"));
	assert_non_null(strstr(head.p, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(head.p, "\r\nUser-Agent: pombo/" POMBO_VERSION "\r\n"));
	hook_id(id, c->d->key, c->d->rest, HOOK_SENT);
	snprintf(want, sizeof(want), "\r\nwebhook-id: %s\r\n", id);
	assert_non_null(strstr(head.p, want));
	p = strstr(head.p, "\r\nwebhook-timestamp: ");
	assert_non_null(p);
	assert_int_equal(sscanf(p + 21, "%31[0-9]", stamp), 1);
	p = strstr(head.p, "\r\nwebhook-signature: ");
	assert_non_null(p);
	assert_int_equal(sscanf(p + 21, "%255[^\r]", signature), 1);
	assert_int_equal(signature_key_parse(str_of(hooks[1].secret), &key, NULL), 0);
	assert_true(signature_verify(str_of(signature), &key, str_of(id), atoll(stamp), buf_view(&body)));
	assert_non_null(strstr(buf_cstr(&body), "\"carrierName\":\"VIVO\""));
	assert_memory_equal(body.p, "{\"id\":\"", 7);
	call_free(c);
	buf_done(&head);
	buf_done(&body);
}

static void statuses_become_outcomes(void **state)
{
	static const struct {
		const char *path;
		int status;
		bool ok, gone;
		int64_t retry_min, retry_max;
		const char *why;
	} table[] = {
		{"/status/200", 200, true, false, 0, 0, ""},
		{"/status/204", 204, true, false, 0, 0, ""},
		{"/status/299", 299, true, false, 0, 0, ""},
		{"/status/302", 302, false, false, 0, 0, "HTTP 302, redirects are not followed"},
		{"/status/308", 308, false, false, 0, 0, "HTTP 308, redirects are not followed"},
		{"/status/404", 404, false, false, 0, 0, "HTTP 404"},
		{"/status/410", 410, false, true, 0, 0, "HTTP 410"},
		{"/status/500", 500, false, false, 0, 0, "HTTP 500"},
		{"/status/500?retry-after=7", 500, false, false, 0, 0, "HTTP 500"},
		{"/status/503?retry-after=7", 503, false, false, 7000, 7000, "HTTP 503"},
		{"/status/429?retry-after=120", 429, false, false, 120000, 120000, "HTTP 429"},
		{"/status/429", 429, false, false, 0, 0, "HTTP 429"},
		{"/status/429?retry-after=soon", 429, false, false, 0, 0, "HTTP 429"},
		{"/status/429?retry-after=-5", 429, false, false, 0, 0, "HTTP 429"},
		{"/status/429?retry-after=99999999999999999999", 429, false, false, 0, 86400000, "HTTP 429"},
		{"/status/429?retry-after=Wed,%2021%20Oct%202015%2007:28:00%20GMT", 429, false, false, 0, 0, "HTTP 429"},
		{"/status/429?retry-after=Fri,%2031%20Dec%202088%2023:59:59%20GMT", 429, false, false,
		 86400000, 86400000, "HTTP 429"},
	};

	(void)state;
	open_default();
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct hook_call *c = call_path(table[i].path);

		print_message("# %s\n", table[i].path);
		assert_int_equal(c->status, table[i].status);
		assert_int_equal(c->ok, table[i].ok);
		assert_int_equal(c->gone, table[i].gone);
		assert_in_range(c->retry_after_ms, table[i].retry_min, table[i].retry_max);
		assert_string_equal(c->why, table[i].why);
		call_free(c);
	}
	/* Nothing followed a redirect. */
	assert_int_equal(http_receiver_counts(receiver).requests, COUNT_OF(table));
}

static void a_date_in_retry_after_counts_from_now(void **state)
{
	char path[200], date[64];
	struct hook_call *c;
	time_t t = time(NULL) + 1000;
	struct tm tm;

	(void)state;
	open_default();
	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%a,%%20%d%%20%b%%20%Y%%20%H:%M:%S%%20GMT", &tm);
	snprintf(path, sizeof(path), "/status/503?retry-after=%s", date);
	c = call_path(path);
	assert_in_range(c->retry_after_ms, 900000, 1000000);
	call_free(c);
}

static int closed_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Bound and not listening: nobody else can get the port. */
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	hooks[15].id = (uint32_t)fd;
	return ntohs(a.sin_port);
}

static void no_answer_says_why(void **state)
{
	static const struct {
		const char *url, *why;
	} table[] = {
		{"/close", "closed without an answer"},   {"/reset", "connection reset"},
		{"/garbage", "not an HTTP answer"},       {"/huge-head", "answer too long"},
		{"ftp://127.0.0.1/x", "not an HTTP URL"}, {"http://", "not a URL"},
		{"http://127.0.0.1:99999/", "not a URL"}, {"gopher://127.0.0.1/", "not an HTTP URL"},
	};
	struct hook_call *c;

	(void)state;
	open_default();
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		c = call_path(table[i].url);
		print_message("# %s: %s\n", table[i].url, c->why);
		assert_false(c->ok);
		assert_int_equal(c->status, 0);
		assert_string_equal(c->why, table[i].why);
		call_free(c);
	}
	point(1, "http://127.0.0.1:%d/", closed_port());
	send_calls(1, 1);
	c = wait_one();
	assert_string_equal(c->why, "connection refused");
	close((int)hooks[15].id);
	call_free(c);
}

static void silence_ends_by_the_time_limit(void **state)
{
	static const char *const paths[] = {"/hang", "/drip-head"};
	struct settings s = settings_for(200, 16, 64);

	(void)state;
	open_sender(&s);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct hook_call *c = call_path(paths[i]);

		assert_false(c->ok);
		assert_int_equal(c->status, 0);
		assert_string_equal(c->why, "timeout");
		assert_true(c->took_ms >= 190);
		call_free(c);
	}
}

static void a_whole_head_is_an_answer_whatever_the_body(void **state)
{
	struct settings s = settings_for(300, 16, 64);
	struct hook_call *c;

	(void)state;
	open_sender(&s);
	c = call_path("/drip-body");
	assert_true(c->ok);
	assert_int_equal(c->status, 200);
	call_free(c);
	c = call_path("/huge-body");
	assert_true(c->ok);
	call_free(c);
}

/* -- targets -------------------------------------------------------------------------------------------------------- */
static void private_targets_are_refused_when_connecting(void **state)
{
	struct settings s = settings_for(30000, 16, 64);
	static const char *const hosts[] = {"127.0.0.1", "localhost",          "2130706433",
					    "0x7f.1",    "[::ffff:127.0.0.1]", "127.1"};
	struct hook_call *c;

	(void)state;
	s.webhooks.allow_count = 0;
	open_sender(&s);
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		point(1, "http://%s:%d/status/200", hosts[i], http_receiver_port(receiver));
		send_calls(1, 1);
		c = wait_one();
		print_message("# %s: %s\n", hosts[i], c->why);
		assert_false(c->ok);
		assert_int_equal(c->status, 0);
		assert_non_null(strstr(c->why, "private address "));
		assert_non_null(strstr(c->why, " is not allowed"));
		call_free(c);
	}
	assert_int_equal(http_receiver_counts(receiver).connections, 0);
	s.webhooks.allow_count = 1;
	sender_settings(sender, &s);
	c = call_path("/status/200");
	assert_true(c->ok);
	call_free(c);
}

static void proxies_of_the_environment_are_not_asked(void **state)
{
	struct hook_call *c;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	open_default();
	c = call_path("/status/200");
	assert_true(c->ok);
	call_free(c);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void without_a_webhook_the_call_is_done(void **state)
{
	struct hook_call *c;

	(void)state;
	open_default();
	send_calls(2, 1);
	c = wait_one();
	assert_true(c->ok);
	assert_int_equal(c->status, 0);
	assert_string_equal(c->why, "no webhook");
	call_free(c);
	c = call_new(1);
	c->kind = HOOK_MO;
	sender_ops.send(sender, c);
	c = wait_one();
	assert_string_equal(c->why, "no webhook");
	call_free(c);
}

static void a_webhook_removed_while_calls_wait_ends_them(void **state)
{
	struct settings s = settings_for(30000, 1, 64);
	int done = 0;

	(void)state;
	open_sender(&s);
	point(1, "/slow/1500");
	send_calls(1, 4);
	while (http_receiver_counts(receiver).requests < 1)
		usleep(1000);
	pthread_mutex_lock(&hooks_lock);
	hooks[1].sent[0] = '\0';
	pthread_mutex_unlock(&hooks_lock);
	for (int i = 0; i < 4; i++) {
		struct hook_call *c = wait_one();

		assert_true(c->ok);
		done += c->status == 0;
		call_free(c);
	}
	assert_int_equal(done, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(the_request_is_as_documented),
		ON_BENCH(statuses_become_outcomes),
		ON_BENCH(a_date_in_retry_after_counts_from_now),
		ON_BENCH(no_answer_says_why),
		ON_BENCH(silence_ends_by_the_time_limit),
		ON_BENCH(a_whole_head_is_an_answer_whatever_the_body),
		ON_BENCH(private_targets_are_refused_when_connecting),
		ON_BENCH(proxies_of_the_environment_are_not_asked),
		ON_BENCH(without_a_webhook_the_call_is_done),
		ON_BENCH(a_webhook_removed_while_calls_wait_ends_them),
	};
	bench_quiet();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
