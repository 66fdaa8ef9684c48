/* fixture.c - the server for the tests of the API (fixture.h). */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "model/metrics.h"

static bool ready(void *ctx, struct buf *why)
{
	struct fixture *f = ctx;

	if (!f->ready)
		buf_puts(why, "the store recovers");
	return f->ready;
}

static void *registered(void *arg)
{
	struct campaign_ask *ask = arg;

	ask->done(ask);
	return NULL;
}

/* In the application's place: ids from 1000 on, by the number of letters, given on a thread of its own. */
static bool campaigns(void *ctx, struct campaign_ask *ask)
{
	struct fixture *f = ctx;
	pthread_t t;

	if (ask->phase != CAMPAIGNS_ASKED) {
		f->campaigns_settled[ask->phase == CAMPAIGNS_ACCEPTED] += (unsigned)ask->count;
		assert_int_equal(pthread_create(&t, NULL, registered, ask), 0);
		pthread_detach(t);
		return true;
	}
	if (f->campaign_error == -EAGAIN)
		return false;
	ask->error = f->campaign_error;
	for (size_t i = 0; i < ask->count; i++)
		ask->ids[i] = 1000 + (uint32_t)ask->aliases[i].n;
	f->campaigns_asked += (unsigned)ask->count;
	assert_int_equal(pthread_create(&t, NULL, registered, ask), 0);
	pthread_detach(t);
	return true;
}

void fixture_init(struct fixture *f)
{
	static char vivo[] = "VIVO";
	static struct operator_setting operators[] = {{.id = 1, .name = vivo}};

	memset(f, 0, sizeof(*f));
	f->settings.http = f->listen;
	f->settings.http_count = 1;
	f->settings.http_threads = 2;
	f->settings.operators = operators;
	f->settings.operator_count = 1;
	f->settings.limits.connections = 1000;
	f->settings.limits.body = 1 << 20;
	f->settings.limits.inflight = 16 << 20;
	f->settings.limits.request_deadline_ms = 20000;
	f->settings.limits.idle_ms = 20000;
	f->settings.sms.validity_ms = 86400000;
	f->settings.retention.status_ms = 3 * 86400000LL;
	f->settings.retention.mo_ms = 5 * 86400000LL;
	f->ready = true;
}

void fixture_start(struct fixture *f)
{
	struct api_config c = {
		.settings = &f->used[0], .ready = ready, .ready_ctx = f, .campaigns = campaigns, .campaigns_ctx = f};
	static char first[] = "127.0.0.1:0";
	struct err e;

	f->listen[0].listen = first;
	f->used[0] = f->settings;
	publish_users();
	f->engine = fake_engine_new();
	c.engine = f->engine;
	if (api_open(&f->api, &c, &e)) {
		print_error("%s\n", e.text);
		fail();
	}
}

void fixture_change(struct fixture *f)
{
	f->slot = !f->slot;
	f->used[f->slot] = f->settings;
	api_settings(f->api, &f->used[f->slot]);
}

void fixture_await_requests(int64_t since, int64_t n)
{
	while (metric_get(M_REQUESTS) < since + n)
		usleep(1000);
}

void fixture_stop(struct fixture *f)
{
	api_stop(f->api, 5000);
	fake_engine_free(f->engine);
	api_close(f->api);
	fake_forget();
	snapshot_publish(NULL);
}
