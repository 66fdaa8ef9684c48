/* sender.c - the thread: takes calls, queues them by receiver, keeps up to so many under way, posts what has ended.
 *
 * A call's way:   mailbox -> receiver's queue -> transfer -> post()
 *                        \___________\__________________/  no webhook, refused, waited too long, shutting down
 *
 * Who may begin: receivers with work take turns; each has its own limit (receiver.h), failing ones together may hold half of all
 * places, so that hosts which answer always find room. Nothing waits here for longer than one call may take. */
#include "webhook/sender.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "webhook/receiver.h"
#include "webhook/transfer.h"

#define SWEEP_US 500000 /* how exact the wait in a queue is limited */

struct sender {
	void (*post)(void *ctx, struct hook_call *done);
	void *ctx;
	struct mailbox *inbox;
	pthread_t thread;
	bool running;
	_Atomic(struct hook_config *) next_config; /* from sender_settings() */
	atomic_bool stopping;
	_Atomic int64_t stop_at_us;
	/* the thread's own */
	struct hook_config *config;
	struct poller poller;
	struct receivers receivers;
	struct list free, busy;
	unsigned failing_under_way;
	int64_t swept_us;
};

/* took_ms is the outcome's; until there is one, it keeps when the call came (mono ms). */
static void give_back(struct sender *s, struct hook_call *c)
{
	c->in.kind = INPUT_HOOK;
	s->post(s->ctx, c);
}

static void give_back_untried(struct sender *s, struct hook_call *c, const char *why)
{
	c->took_ms = 0;
	c->untried = true;
	snprintf(c->why, sizeof(c->why), "%s", why);
	give_back(s, c);
}

static bool find_target(const struct snapshot *snap, struct hook_call *c, struct hook_target *ret)
{
	*ret = c->mo ? snapshot_hook(snap, c->mo->sub_account, c->mo->user, HOOK_MO)
		     : snapshot_hook(snap, c->d->sub_account, c->d->user, c->kind);
	return ret->url[0];
}

static void no_webhook(struct sender *s, struct hook_call *c)
{
	c->ok = true;
	give_back_untried(s, c, "no webhook");
}

/* -- in ------------------------------------------------------------------------------------------------------------ */
static void arrive(struct sender *s, const struct snapshot *snap, struct hook_call *c, int64_t now_us)
{
	struct hook_target target;
	struct receiver *r;

	c->ok = c->gone = c->untried = false;
	c->status = 0;
	c->retry_after_ms = 0;
	c->why[0] = '\0';
	c->took_ms = now_us / 1000;
	if (atomic_load(&s->stopping) || !snap) {
		give_back_untried(s, c, snap ? "shutting down" : "starting up");
		return;
	}
	if (!find_target(snap, c, &target)) {
		no_webhook(s, c);
		return;
	}
	r = receiver_of(&s->receivers, target.url, target.webhook->id);
	if (r->failing && r->queued >= s->config->per_receiver)
		give_back_untried(s, c, "not tried: the receiver does not answer");
	else
		receiver_queue(&s->receivers, r, c);
}

static void take_mail(struct sender *s, const struct snapshot *snap)
{
	int64_t now_us = mono_us();
	struct mail *m, *next;

	while ((m = mailbox_take(s->inbox)))
		for (; m; m = next) {
			next = m->next;
			arrive(s, snap, OWNER(struct hook_call, in.mail, m), now_us);
		}
}

/* -- under way ----------------------------------------------------------------------------------------------------- */
static void begin(struct sender *s, const struct snapshot *snap, struct receiver *r, int64_t now_us, int64_t wall)
{
	struct hook_call *c = receiver_take(&s->receivers, r, true);
	struct hook_target target;
	struct transfer *t;
	struct node *n;

	/* Looked up again: it may have changed while the call waited. */
	if (!find_target(snap, c, &target)) {
		receiver_ended(&s->receivers, r, true, now_us, now_us);
		no_webhook(s, c);
		return;
	}
	c->webhook = target.webhook->id;
	n = list_pop(&s->free);
	t = n ? OWNER(struct transfer, node, n) : transfer_new(&s->poller);
	if (transfer_start(t, c, &target, s->config, now_us, wall) < 0) {
		list_push_front(&s->free, &t->node);
		receiver_ended(&s->receivers, r, true, now_us, now_us);
		c->took_ms = 0;
		give_back(s, c);
		return;
	}
	t->receiver = r;
	s->failing_under_way += r->failing;
	list_push(&s->busy, &t->node);
}

static void begin_what_may(struct sender *s, const struct snapshot *snap)
{
	int64_t now_us = mono_us(), wall = wall_ms();
	size_t passed_over = 0;
	struct receiver *r;

	while (s->busy.count < s->config->total && passed_over < s->receivers.ready.count) {
		r = receiver_next_ready(&s->receivers);
		if (r->failing && s->failing_under_way >= MAX(s->config->total / 2, 1)) {
			passed_over++;
			continue;
		}
		passed_over = 0;
		begin(s, snap, r, now_us, wall);
	}
}

static void give_back_queue(struct sender *s, struct receiver *r, const char *cause)
{
	char why[sizeof(((struct hook_call *)0)->why)];

	snprintf(why, sizeof(why), "not tried: %.80s", cause);
	while (r->queued)
		give_back_untried(s, receiver_take(&s->receivers, r, false), why);
}

static void finish(struct sender *s, struct transfer *t, CURLcode code, int64_t now_us)
{
	struct hook_call *c = t->call;
	struct receiver *r = t->receiver;
	bool was_failing = r->failing;

	transfer_end(t, code, now_us);
	list_remove(&s->busy, &t->node);
	list_push_front(&s->free, &t->node);
	receiver_ended(&s->receivers, r, c->status > 0, t->begun_us, now_us);
	if (r->failing && !was_failing && !atomic_load(&s->stopping)) {
		log_info("webhook", "receiver=failing webhook=%u why=%s", c->webhook,
			 log_quote(str_of(c->why)).s);
		give_back_queue(s, r, c->why);
	} else if (was_failing && !r->failing) {
		log_info("webhook", "receiver=answers webhook=%u status=%d", c->webhook, c->status);
	}
	give_back(s, c);
}

/* Kept as a count of what is there, not of ups and downs: a receiver may change its state while calls are under way. */
static void count_failing(struct sender *s)
{
	s->failing_under_way = 0;
	for (struct node *n = list_first(&s->busy); n; n = list_next(&s->busy, n))
		s->failing_under_way += OWNER(struct transfer, node, n)->receiver->failing;
}

static void collect(struct sender *s)
{
	int64_t now_us = mono_us();
	struct CURLMsg *m;
	bool recount = false;
	int left;

	while ((m = curl_multi_info_read(s->poller.multi, &left))) {
		CURLcode code = m->data.result;
		char *p = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
		recount |= code != CURLE_OK || s->failing_under_way;
		finish(s, (struct transfer *)(void *)p, code, now_us);
	}
	if (recount)
		count_failing(s);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */
static void sweep(struct sender *s)
{
	int64_t now_us = mono_us(), oldest = now_us / 1000 - s->config->timeout_ms;
	struct node *n, *next;

	if (now_us < s->swept_us + SWEEP_US)
		return;
	s->swept_us = now_us;
	for (n = list_first(&s->receivers.waiting); n; n = next) {
		struct receiver *r = OWNER(struct receiver, waiting, n);

		next = list_next(&s->receivers.waiting, n);
		while (r->first && OWNER(struct hook_call, in.mail, r->first)->took_ms < oldest)
			give_back_untried(s, receiver_take(&s->receivers, r, false), "not tried: too many calls before it");
	}
}

static void new_config(struct sender *s)
{
	struct hook_config *c = atomic_exchange(&s->next_config, NULL);

	if (!c)
		return;
	for (struct node *n = list_first(&s->busy); n; n = list_next(&s->busy, n))
		OWNER(struct transfer, node, n)->config = c;
	hook_config_free(s->config);
	s->config = c;
	s->receivers.per_receiver = c->per_receiver;
	curl_multi_setopt(s->poller.multi, CURLMOPT_MAXCONNECTS, (long)c->total + 64);
}

/* Gives back the queues, and what is under way once the grace is over. True when nothing is left. */
static bool wind_up(struct sender *s)
{
	int64_t now_us = mono_us();
	struct node *n;

	while ((n = list_first(&s->receivers.waiting)))
		give_back_untried(s, receiver_take(&s->receivers, OWNER(struct receiver, waiting, n), false), "shutting down");
	if (now_us >= atomic_load(&s->stop_at_us)) {
		while ((n = list_first(&s->busy))) {
			struct transfer *t = OWNER(struct transfer, node, n);

			snprintf(t->error, sizeof(t->error), "shutting down");
			finish(s, t, CURLE_ABORTED_BY_CALLBACK, now_us);
		}
	}
	return !s->busy.count;
}

static int64_t patience_ms(struct sender *s, bool stopping)
{
	int64_t left;

	if (stopping) {
		left = (atomic_load(&s->stop_at_us) - mono_us() + 999) / 1000;
		return MAX(left, 0);
	}
	return s->receivers.waiting.count ? SWEEP_US / 1000 : -1;
}

static void *run(void *ctx)
{
	struct sender *s = ctx;

	pthread_setname_np(pthread_self(), "webhooks");
	for (;;) {
		const struct snapshot *snap = snapshot_get();
		bool stopping;

		new_config(s);
		take_mail(s, snap);
		stopping = atomic_load(&s->stopping);
		if (!stopping && snap)
			begin_what_may(s, snap);
		snapshot_put(snap);
		if (stopping && wind_up(s))
			return NULL;
		poller_turn(&s->poller, patience_ms(s, stopping));
		collect(s);
		sweep(s);
	}
}

/* -- from other threads -------------------------------------------------------------------------------------------- */
static void send_chain(void *sender, struct hook_call *chain)
{
	struct sender *s = sender;
	struct mail *m, *next;

	for (m = chain ? &chain->in.mail : NULL; m; m = next) {
		next = m->next;
		mailbox_post_always(s->inbox, m);
	}
}
const struct hook_sender_ops sender_ops = {.send = send_chain};

void sender_settings(struct sender *s, const struct settings *new_settings)
{
	hook_config_free(atomic_exchange(&s->next_config, hook_config_new(new_settings)));
	mailbox_wake(s->inbox);
}

void sender_stop(struct sender *s, int64_t grace_ms)
{
	atomic_store(&s->stop_at_us, mono_us() + grace_ms * 1000);
	atomic_store(&s->stopping, true);
	mailbox_wake(s->inbox);
}

static int start_thread(struct sender *s)
{
	sigset_t all, before;
	int r;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	s->running = r == 0;
	return -r;
}

int sender_open(struct sender **ret, const struct settings *settings,
		void (*post)(void *ctx, struct hook_call *done), void *ctx, struct err *e)
{
	struct sender *s = xnew(struct sender);
	int r;

	s->post = post;
	s->ctx = ctx;
	s->inbox = mailbox_new(1);
	list_init(&s->free);
	list_init(&s->busy);
	receivers_init(&s->receivers);
	atomic_store(&s->next_config, hook_config_new(settings));
	s->poller.ep = -1;
	r = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : err_set(e, -EIO, "libcurl does not start");
	if (r < 0)
		goto out;
	r = poller_open(&s->poller, mailbox_fd(s->inbox), e);
	if (r < 0)
		goto out;
	new_config(s);
	r = start_thread(s);
	if (r < 0)
		err_set(e, r, "thread: %s", strerrordesc_np(-r));
out:
	if (r < 0)
		sender_close(s);
	else
		*ret = s;
	return r;
}

void sender_close(struct sender *s)
{
	struct mail *m, *next;
	struct node *n;

	if (!s)
		return;
	if (s->running) {
		if (!atomic_load(&s->stopping))
			sender_stop(s, 0);
		pthread_join(s->thread, NULL);
	}
	for (m = mailbox_take(s->inbox); m; m = next) {
		next = m->next;
		OWNER(struct hook_call, in.mail, m)->ok = false;
		give_back_untried(s, OWNER(struct hook_call, in.mail, m), "shutting down");
	}
	while ((n = list_pop(&s->free)))
		transfer_free(OWNER(struct transfer, node, n));
	if (s->poller.ep >= 0)
		poller_close(&s->poller);
	receivers_done(&s->receivers);
	hook_config_free(s->config);
	hook_config_free(atomic_load(&s->next_config));
	mailbox_free(s->inbox);
	curl_global_cleanup();
	free(s);
}
