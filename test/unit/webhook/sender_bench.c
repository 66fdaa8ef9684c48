/* sender_bench.c - the sender, its stand-ins for core and the calls that came back (sender_bench.h). */
#include "sender_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"
#include "model/codes.h"
#include "model/metrics.h"
#include "wire/signature.h"

/* -- stand-ins for core: sub-account n has webhook n ---------------------------------------------------------------- */
struct webhook hooks[HOOKS];
pthread_mutex_t hooks_lock = PTHREAD_MUTEX_INITIALIZER;

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

/* -- the bench ------------------------------------------------------------------------------------------------------ */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct hook_call *first, *last;
	size_t count;
} back = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
struct http_receiver *receiver;
struct sender *sender;
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

struct hook_call *wait_one(void)
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

void call_free(struct hook_call *c)
{
	delivery_free(c->d);
	free(c);
}

struct settings settings_for(int64_t timeout_ms, int64_t per_endpoint, int64_t total)
{
	struct settings s = {.operators = operators, .operator_count = 1};

	s.webhooks.allow = (char **)(uintptr_t)loopback;
	s.webhooks.allow_count = 1;
	s.webhooks.timeout_ms = timeout_ms;
	s.webhooks.per_endpoint = per_endpoint;
	s.webhooks.total = total;
	return s;
}

void open_sender(const struct settings *s)
{
	struct err e = {""};

	if (sender_open(&sender, s, on_back, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

void open_default(void)
{
	struct settings s = settings_for(30000, 16, 64);

	open_sender(&s);
}

void point(unsigned hook, const char *fmt, ...)
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

struct hook_call *call_new(unsigned hook)
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

void send_calls(unsigned hook, int n)
{
	struct hook_call *chain = NULL;

	while (n--) {
		struct hook_call *c = call_new(hook);

		c->in.mail.next = chain ? &chain->in.mail : NULL;
		chain = c;
	}
	sender_ops.send(sender, chain);
}

struct hook_call *call_path(const char *path)
{
	point(1, "%s", path);
	send_calls(1, 1);
	return wait_one();
}

int bench_setup(void **state)
{
	(void)state;
	memset(hooks, 0, sizeof(hooks));
	signature_secret_make(hooks[1].secret);
	receiver = http_receiver_new();
	return 0;
}

int bench_teardown(void **state)
{
	(void)state;
	sender_close(sender);
	sender = NULL;
	http_receiver_free(receiver);
	assert_int_equal(back.count, 0);
	return 0;
}

size_t came_back(void)
{
	size_t n;

	pthread_mutex_lock(&back.lock);
	n = back.count;
	pthread_mutex_unlock(&back.lock);
	return n;
}

static void quiet(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

void bench_quiet(void)
{
	log_capture(quiet, NULL);
	metrics_setup();
}
