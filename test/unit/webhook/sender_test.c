/* The sender against receivers of every kind. The snapshot and the operators' names are core's; here they are plain tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "base/log.h"
#include "base/time.h"
#include "model/codes.h"
#include "model/metrics.h"
#include "unit/webhook/http_receiver.h"
#include "webhook/sender.h"
#include "webhook/transfer.h"
#include "wire/signature.h"

/* -- stand-ins for core: sub-account n has webhook n ---------------------------------------------------------------- */
#define HOOKS 16
static struct webhook hooks[HOOKS];
static pthread_mutex_t hooks_lock = PTHREAD_MUTEX_INITIALIZER;

const struct snapshot *snapshot_get(void)
{
	pthread_mutex_lock(&hooks_lock);
	return (const struct snapshot *)(const void *)hooks;
}
void snapshot_put(const struct snapshot *s)
{
	if (s)
		pthread_mutex_unlock(&hooks_lock);
}
struct hook_target snapshot_hook(const struct snapshot *s, uint32_t sub_account, uint32_t user, int hook_kind)
{
	struct webhook *w = &hooks[sub_account];

	(void)s;
	(void)user;
	return (struct hook_target){hook_kind == HOOK_SENT ? w->sent : w->delivered, w};
}
struct carrier_told carrier_of(const struct settings *s, int32_t operator_id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == operator_id)
			return (struct carrier_told){operator_id, s->operators[i].name};
	return (struct carrier_told){0, "UNKNOWN"};
}

/* Stands before the C library's for libcurl's resolver threads: one name never gets an answer until the test lets go. */
static sem_t name_server;
static atomic_int names_asked, names_told;
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	(void)service, (void)hints, (void)res;
	if (node && strcmp(node, "hangs.example") == 0) {
		atomic_fetch_add(&names_asked, 1);
		sem_wait(&name_server);
		atomic_fetch_add(&names_told, 1);
	}
	return EAI_NONAME;
}

/* -- the bench ------------------------------------------------------------------------------------------------------ */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct hook_call *first, *last;
	size_t count;
} back = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
static struct http_receiver *receiver;
static struct sender *sender;
static char *const loopback[] = {(char[]){"127.0.0.0/8"}};
static struct operator_setting operators[] = {{.id = 1, .name = (char[]){"VIVO"}}};

static void on_back(void *ctx, struct hook_call *c)
{
	(void)ctx;
	pthread_mutex_lock(&back.lock);
	c->in.mail.next = NULL;
	if (back.last)
		back.last->in.mail.next = &c->in.mail;
	else
		back.first = c;
	back.last = c;
	back.count++;
	pthread_cond_signal(&back.more);
	pthread_mutex_unlock(&back.lock);
}

static struct hook_call *wait_one(void)
{
	struct timespec end;
	struct hook_call *c;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 60;
	pthread_mutex_lock(&back.lock);
	while (!back.first)
		if (pthread_cond_timedwait(&back.more, &back.lock, &end) != 0)
			fail_msg("no call came back");
	c = back.first;
	back.first = (struct hook_call *)(void *)c->in.mail.next;
	if (!back.first)
		back.last = NULL;
	back.count--;
	pthread_mutex_unlock(&back.lock);
	assert_int_equal(c->in.kind, INPUT_HOOK);
	return c;
}

static void call_free(struct hook_call *c)
{
	delivery_free(c->d);
	free(c);
}

static struct settings settings_for(int64_t timeout_ms, int64_t per_endpoint, int64_t total)
{
	struct settings s = {.operators = operators, .operator_count = 1};

	s.webhooks.allow = (char **)(uintptr_t)loopback;
	s.webhooks.allow_count = 1;
	s.webhooks.timeout_ms = timeout_ms;
	s.webhooks.per_endpoint = per_endpoint;
	s.webhooks.total = total;
	return s;
}

static void open_sender(const struct settings *s)
{
	struct err e = {""};

	if (sender_open(&sender, s, on_back, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

static void open_default(void)
{
	struct settings s = settings_for(30000, 16, 64);

	open_sender(&s);
}

static void point(unsigned hook, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void point(unsigned hook, const char *fmt, ...)
{
	char path[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&hooks_lock);
	hooks[hook].id = 100 + hook;
	if (path[0] == '/')
		snprintf(hooks[hook].sent, URL_MAX_BYTES, "http://127.0.0.1:%d%s", http_receiver_port(receiver), path);
	else
		snprintf(hooks[hook].sent, URL_MAX_BYTES, "%s", path);
	memcpy(hooks[hook].delivered, hooks[hook].sent, URL_MAX_BYTES);
	pthread_mutex_unlock(&hooks_lock);
}

static struct hook_call *call_new(unsigned hook)
{
	static struct uid_source ids;
	struct hook_call *c = xnew(struct hook_call);

	c->d = delivery_new(&(struct delivery_text){
		.destination = STR("5511999990001"), .number = STR("5511999990001"), .correlation = STR("c-1")});
	c->d->key = c->key = uid_take(&ids, wall_ms(), 1);
	c->d->rest = uid_rest();
	c->d->sub_account = hook;
	c->d->operator_id = 1;
	c->d->sent_code = SENT_SENT_SUCCESS;
	c->d->sent_at = wall_ms();
	c->kind = HOOK_SENT;
	return c;
}

static void send_calls(unsigned hook, int n)
{
	struct hook_call *chain = NULL;

	while (n--) {
		struct hook_call *c = call_new(hook);

		c->in.mail.next = chain ? &chain->in.mail : NULL;
		chain = c;
	}
	sender_ops.send(sender, chain);
}

static struct hook_call *call_path(const char *path)
{
	point(1, "%s", path);
	send_calls(1, 1);
	return wait_one();
}

static int setup(void **state)
{
	(void)state;
	memset(hooks, 0, sizeof(hooks));
	signature_secret_make(hooks[1].secret);
	receiver = http_receiver_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sender_close(sender);
	sender = NULL;
	http_receiver_free(receiver);
	assert_int_equal(back.count, 0);
	return 0;
}

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

/* -- many ----------------------------------------------------------------------------------------------------------- */
static void connections_are_used_again(void **state)
{
	(void)state;
	open_default();
	point(1, "/status/200");
	for (int i = 0; i < 50; i++) {
		send_calls(1, 1);
		call_free(wait_one());
	}
	assert_int_equal(http_receiver_counts(receiver).connections, 1);
	send_calls(1, 2000);
	for (int i = 0; i < 2000; i++) {
		struct hook_call *c = wait_one();

		assert_true(c->ok);
		call_free(c);
	}
	assert_in_range(http_receiver_counts(receiver).connections, 1, 17);
	assert_int_equal(http_receiver_counts(receiver).requests, 2050);
	assert_true(metric_get(M_HOOK_TIME) >= 2050);
}

static void a_receiver_gets_no_more_at_once_than_allowed(void **state)
{
	struct settings s = settings_for(30000, 3, 64);

	(void)state;
	open_sender(&s);
	point(1, "/slow/20");
	send_calls(1, 30);
	for (int i = 0; i < 30; i++)
		call_free(wait_one());
	assert_int_equal(http_receiver_counts(receiver).most_at_once, 3);
}

static void all_receivers_together_have_a_limit(void **state)
{
	struct settings s = settings_for(30000, 8, 5);

	(void)state;
	open_sender(&s);
	for (unsigned h = 1; h < 5; h++) {
		point(h, "/slow/20");
		send_calls(h, 10);
	}
	for (int i = 0; i < 40; i++) {
		struct hook_call *c = wait_one();

		assert_true(c->ok);
		call_free(c);
	}
	assert_int_equal(http_receiver_counts(receiver).most_at_once, 5);
}

static void a_hanging_receiver_does_not_hold_up_others(void **state)
{
	struct settings s = settings_for(3000, 16, 24);
	int others = 0, hung = 0;

	(void)state;
	open_sender(&s);
	point(1, "/hang");
	point(2, "/status/200");
	send_calls(1, 100);
	send_calls(2, 500);
	for (int i = 0; i < 600; i++) {
		struct hook_call *c = wait_one();

		if (c->d->sub_account == 2) {
			assert_true(c->ok);
			assert_int_equal(hung, 0); /* all of them before the first time-out */
			others++;
		} else {
			assert_false(c->ok);
			hung++;
		}
		call_free(c);
	}
	assert_int_equal(others, 500);
	assert_int_equal(hung, 100);
}

static void a_hanging_name_server_holds_up_nobody(void **state)
{
	struct settings s = settings_for(300, 16, 64);
	struct hook_call *c;
	int asked;

	(void)state;
	sem_init(&name_server, 0, 0);
	open_sender(&s);
	point(1, "http://hangs.example/x");
	send_calls(1, 1);
	c = wait_one();
	assert_string_equal(c->why, "timeout");
	assert_true(c->took_ms < 20000);
	call_free(c);
	/* The look-up still hangs; the thread that makes the calls does not. */
	assert_int_equal(atomic_load(&names_told), 0);
	point(2, "/status/200");
	send_calls(2, 20);
	for (int i = 0; i < 20; i++) {
		c = wait_one();
		assert_true(c->ok);
		call_free(c);
	}
	point(3, "http://unknown.example/x");
	send_calls(3, 1);
	c = wait_one();
	assert_string_equal(c->why, "host not found");
	call_free(c);
	asked = atomic_load(&names_asked);
	assert_true(asked > 0);
	for (int i = 0; i < asked; i++)
		sem_post(&name_server);
	while (atomic_load(&names_told) < asked)
		usleep(1000);
}

static void a_dead_receiver_gives_its_queue_back_and_is_probed(void **state)
{
	struct settings s = settings_for(30000, 8, 64);
	int tried = 0, untried = 0;
	struct hook_call *c;

	(void)state;
	open_sender(&s);
	point(1, "/close");
	send_calls(1, 100);
	for (int i = 0; i < 100; i++) {
		c = wait_one();
		assert_false(c->ok);
		if (strncmp(c->why, "not tried: ", 11) == 0)
			untried++;
		else
			tried++;
		call_free(c);
	}
	assert_int_equal(tried + untried, 100);
	assert_true(untried >= 50);
	/* It comes back to life. */
	point(1, "/status/200");
	for (int i = 0; i < 3; i++) {
		send_calls(1, 5);
		for (int k = 0; k < 5; k++) {
			c = wait_one();
			assert_true(c->ok);
			call_free(c);
		}
	}
}

static void what_waits_too_long_is_given_back(void **state)
{
	struct settings s = settings_for(1000, 1, 64);
	int late = 0;

	(void)state;
	open_sender(&s);
	point(1, "/slow/100");
	send_calls(1, 100);
	for (int i = 0; i < 100; i++) {
		struct hook_call *c = wait_one();

		late += strcmp(c->why, "not tried: too many calls before it") == 0;
		assert_true(c->ok || c->status == 0);
		call_free(c);
	}
	assert_true(late > 50);
}

/* -- the end -------------------------------------------------------------------------------------------------------- */
static void closing_gives_every_call_back(void **state)
{
	int n = 0;

	(void)state;
	open_default();
	point(1, "/hang");
	send_calls(1, 50);
	while (http_receiver_counts(receiver).requests < 8)
		usleep(1000);
	sender_stop(sender, 0);
	send_calls(1, 5);
	sender_close(sender);
	sender = NULL;
	while (back.count) {
		struct hook_call *c = wait_one();

		assert_false(c->ok);
		assert_string_equal(c->why, "shutting down");
		call_free(c);
		n++;
	}
	assert_int_equal(n, 55);
}

static void what_is_under_way_may_finish_within_the_grace(void **state)
{
	struct hook_call *c;
	int ok = 0;

	(void)state;
	open_default();
	point(1, "/slow/1500");
	send_calls(1, 20);
	while (http_receiver_counts(receiver).requests < 8)
		usleep(1000);
	sender_stop(sender, 30000);
	sender_close(sender);
	sender = NULL;
	for (int i = 0; i < 20; i++) {
		c = wait_one();
		ok += c->ok;
		call_free(c);
	}
	assert_int_equal(ok, 8);
}

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(the_request_is_as_documented),
		T(statuses_become_outcomes),
		T(a_date_in_retry_after_counts_from_now),
		T(no_answer_says_why),
		T(silence_ends_by_the_time_limit),
		T(a_whole_head_is_an_answer_whatever_the_body),
		T(private_targets_are_refused_when_connecting),
		T(proxies_of_the_environment_are_not_asked),
		T(without_a_webhook_the_call_is_done),
		T(a_webhook_removed_while_calls_wait_ends_them),
		T(connections_are_used_again),
		T(a_receiver_gets_no_more_at_once_than_allowed),
		T(all_receivers_together_have_a_limit),
		T(a_hanging_receiver_does_not_hold_up_others),
		T(a_hanging_name_server_holds_up_nobody),
		T(a_dead_receiver_gives_its_queue_back_and_is_probed),
		T(what_waits_too_long_is_given_back),
		T(closing_gives_every_call_back),
		T(what_is_under_way_may_finish_within_the_grace),
	};
	log_capture(quiet, NULL);
	metrics_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
