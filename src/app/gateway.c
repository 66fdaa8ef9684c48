/* gateway.c - wiring. It reads like the picture of the threads:
 *
 *   HTTP threads (api) --submission--> engine thread <--results, receipts-- carrier thread (sms)
 *   control thread (commands) --calls--^    |  ^------outcomes------ webhook thread (sender)
 *                                           +--> store
 *
 * Order of opening: admin data, store, engine (recovers), webhooks, carriers, API, control socket. Closing goes backwards, with the
 * edge first: no new requests, then what is under way finishes within a bound, then the engine's last commit. */
#include "app/gateway.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "app/campaigns.h"
#include "app/control.h"
#include "app/number_keeper.h"
#include "base/log.h"
#include "base/loop.h"
#include "channel/sms/sms.h"
#include "model/metrics.h"
#include "webhook/sender.h"

#define HOLD_MS 5000 /* one turn of the engine: a commit on a slow disk */

int gateway_numbers(struct settings *s, struct admin *a, struct err *e)
{
	for (size_t i = 0; i < s->sms.connection_count; i++) {
		struct connection_setting *c = &s->sms.connections[i];
		int hold = HOLD_NONE, r = admin_connection_number(a, str_of(c->name), &c->number, e);

		if (r == 0)
			r = admin_connection_hold(a, str_of(c->name), &hold, e);
		if (r < 0)
			return r;
		c->hold = (enum hold)hold;
	}
	return 0;
}

int gateway_publish(struct admin *a, struct err *e)
{
	struct admin_all all = {0};
	struct texts texts = {0};
	int r = admin_load(a, &all, e);

	if (r == 0)
		r = admin_texts_load(a, &texts, e);
	if (r < 0) {
		admin_all_done(&all);
		return r;
	}
	struct snapshot_source src = {
		.accounts = all.accounts,
		.account_count = all.account_count,
		.sub_accounts = all.sub_accounts,
		.sub_account_count = all.sub_account_count,
		.users = all.users,
		.user_count = all.user_count,
		.webhooks = all.webhooks,
		.webhook_count = all.webhook_count,
		.short_codes = all.short_codes,
		.short_code_count = all.short_code_count,
		.keywords = all.keywords,
		.keyword_count = all.keyword_count,
		.texts = &texts,
	};
	snapshot_publish(snapshot_new(&src));
	admin_all_done(&all);
	texts_done(&texts);
	return 0;
}

int gateway_republish(struct gateway *g, struct err *e) { return gateway_publish(g->admin, e); }

static void *carrier_main(void *arg)
{
	struct gateway *g = arg;

	pthread_setname_np(pthread_self(), "carriers");
	loop_run(g->carriers);
	return NULL;
}

static void *engine_main(void *arg)
{
	struct gateway *g = arg;
	struct err why;

	pthread_setname_np(pthread_self(), "engine");
	/* The store failed: nothing can be kept any more, so nothing more is said to anybody. The connections end with the process, and
	 * the next start recovers; tidying up would only let them wait for answers that cannot come. */
	if (engine_run(g->engine, &why) < 0) {
		log_error("store_failed", "why=%s", log_quote(str_of(why.text)).s);
		_exit(EX_IOERR);
	}
	g->ended = true;
	return NULL;
}

static void hook_back(void *ctx, struct hook_call *done)
{
	done->in.kind = INPUT_HOOK;
	engine_post(ctx, &done->in, true);
}

static bool ready(void *ctx, struct buf *why)
{
	struct gateway *g = ctx;

	if (engine_accepting(g->engine))
		return true;
	buf_puts(why, "stopping");
	return false;
}

static int open_data(struct gateway *g, struct err *e)
{
	struct store_options o = {.data = g->settings->data,
				  .status_retention_ms = g->settings->retention.status_ms,
				  .message_retention_ms = g->settings->retention.message_ms};
	int r;

	if (mkdir(g->settings->data, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "data: cannot make %s: %s", g->settings->data, strerrordesc_np(errno));
	r = store_sqlite_open(&g->store, &o, e);
	if (r == 0)
		r = admin_open(&g->admin, g->settings->data, e);
	if (r == 0)
		r = gateway_numbers(g->settings, g->admin, e);
	if (r == 0)
		r = admin_campaigns_recover(g->admin, e);
	if (r == 0)
		r = gateway_publish(g->admin, e);
	if (r == 0)
		r = keeper_open(&g->numbers, g->settings->data, true, e);
	if (r == 0)
		r = keeper_start(g->numbers, e);
	return r;
}

static int start_threads(struct gateway *g, struct err *e)
{
	int r = -pthread_create(&g->engine_thread, NULL, engine_main, g);

	if (r < 0)
		return err_set(e, r, "no thread for the engine: %s", strerrordesc_np(-r));
	g->engine_running = true;
	r = -pthread_create(&g->carrier_thread, NULL, carrier_main, g);
	if (r < 0)
		return err_set(e, r, "no thread for the carriers: %s", strerrordesc_np(-r));
	g->carrier_running = true;
	return 0;
}

int gateway_open(struct gateway *g, struct err *e)
{
	struct engine_config ec;
	struct api_config ac;
	int r;

	pthread_mutex_init(&g->lock, NULL);
	metrics_setup();
	r = open_data(g, e);
	if (r < 0)
		goto out;
	ec = (struct engine_config){.store = g->store,
				    .settings = g->settings,
				    .optout = keeper_optout,
				    .optout_ctx = g->numbers,
				    .optout_written = keeper_written,
				    .optout_mark = keeper_mark(g->numbers)};
	r = engine_open(&g->engine, &ec, e);
	if (r < 0)
		goto out;
	r = sender_open(&g->sender, g->settings, hook_back, g->engine, e);
	if (r < 0)
		goto out;
	engine_attach_sender(g->engine, &sender_ops, g->sender);
	g->carriers = loop_new();
	r = sms_open(&g->sms, g->carriers, g->settings, engine_channel_env(g->engine), e);
	if (r < 0)
		goto out;
	engine_attach_channel(g->engine, g->sms);
	r = start_threads(g, e);
	if (r < 0)
		goto out;
	r = campaigns_open(&g->campaigns, g, e);
	if (r < 0)
		goto out;
	ac = (struct api_config){.settings = g->settings,
				 .engine = g->engine,
				 .ready = ready,
				 .ready_ctx = g,
				 .campaigns = campaigns_post,
				 .campaigns_ctx = g->campaigns};
	r = api_open(&g->api, &ac, e);
	if (r < 0)
		goto out;
	r = control_open(&g->control, g, e);
out:
	if (r < 0)
		gateway_close(g, 0);
	return r;
}

/* Other threads may hold them, so they are freed at the end only. */
static void keep_settings(struct gateway *g, struct settings *s)
{
	g->earlier = xrealloc(g->earlier, g->earlier_count + 1, sizeof(struct settings *));
	g->earlier[g->earlier_count++] = s;
}

/* The engine first: a new connection may be bound, and grant credits, before the channel's reload returns, and credits of a connection
 * that the engine does not know are lost. Its mailbox keeps the order. */
static int apply(struct gateway *g, struct settings *s, struct err *e)
{
	int r;

	engine_settings(g->engine, s);
	r = g->sms->ops->reload(g->sms, s, e);
	if (r < 0) {
		engine_settings(g->engine, g->settings);
		keep_settings(g, s);
		return r;
	}
	sender_settings(g->sender, s);
	api_settings(g->api, s);
	g->store->ops->retention(g->store, s->retention.status_ms, s->retention.message_ms);
	keep_settings(g, g->settings);
	g->settings = s;
	return 0;
}

int gateway_reload(struct gateway *g, struct buf *note, struct err *e)
{
	struct config_faults faults = {0};
	struct settings *s = NULL;
	int r;

	pthread_mutex_lock(&g->lock);
	r = config_read(g->file, &s, &faults);
	if (r < 0) {
		err_set(e, r, "%s", faults.count ? faults.list[0].text : "the configuration cannot be read");
		goto out;
	}
	config_reload_diff(g->settings, s, note);
	r = gateway_numbers(s, g->admin, e);
	if (r == 0)
		r = api_reload_certificates(g->api, e);
	if (r < 0)
		goto out;
	r = apply(g, s, e);
	s = NULL;
out:
	settings_free(s);
	config_faults_done(&faults);
	pthread_mutex_unlock(&g->lock);
	return r;
}

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool open;
};

static void carriers_stopped(void *ctx)
{
	struct gate *gate = ctx;

	pthread_mutex_lock(&gate->lock);
	gate->open = true;
	pthread_cond_signal(&gate->cond);
	pthread_mutex_unlock(&gate->lock);
}

/* The carriers finish what they have while the engine still takes their answers. */
static void stop_carriers(struct gateway *g)
{
	struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

	if (g->sms && g->carrier_running) {
		g->sms->ops->stop(g->sms, carriers_stopped, &gate);
		pthread_mutex_lock(&gate.lock);
		while (!gate.open)
			pthread_cond_wait(&gate.cond, &gate.lock);
		pthread_mutex_unlock(&gate.lock);
	}
	if (g->carrier_running) {
		loop_stop(g->carriers);
		pthread_join(g->carrier_thread, NULL);
		g->carrier_running = false;
	}
}

void gateway_close(struct gateway *g, int64_t grace_ms)
{
	control_close(g->control);
	if (g->api)
		api_stop(g->api, grace_ms);
	campaigns_stop(g->campaigns);
	if (g->engine_running && !g->ended)
		engine_hold(g->engine, HOLD_MS);
	if (g->sender)
		sender_stop(g->sender, grace_ms);
	stop_carriers(g);
	if (g->engine_running) {
		engine_stop(g->engine, grace_ms);
		pthread_join(g->engine_thread, NULL);
		g->engine_running = false;
	}
	campaigns_close(g->campaigns);
	g->campaigns = NULL;
	sender_close(g->sender);
	api_close(g->api);
	if (g->sms)
		g->sms->ops->free(g->sms);
	if (g->carriers)
		loop_free(g->carriers);
	engine_close(g->engine);
	keeper_close(g->numbers);
	if (g->store)
		g->store->ops->close(g->store);
	admin_close(g->admin);
	snapshot_publish(NULL);
	settings_free(g->settings);
	for (size_t i = 0; i < g->earlier_count; i++)
		settings_free(g->earlier[i]);
	free(g->earlier);
	pthread_mutex_destroy(&g->lock);
}
