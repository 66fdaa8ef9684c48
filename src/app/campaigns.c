/* campaigns.c - see campaigns.h. One thread registers, under the lock of administrative changes; whoever asks for the same alias at the
 * same time gets the same id, because the table says so. */
#include "app/campaigns.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateway.h"
#include "base/log.h"

#define WAITING_MAX 1024

struct campaigns {
	struct gateway *g;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting; /* struct campaign_ask.node */
	bool end;
};

static size_t wishes_of(struct list *asks, struct campaign_wish **ret)
{
	struct campaign_wish *w;
	size_t n = 0;

	for (struct node *x = list_first(asks); x; x = list_next(asks, x))
		n += OWNER(struct campaign_ask, node, x)->count;
	*ret = w = xcalloc(n + 1, sizeof(*w));
	for (struct node *x = list_first(asks); x; x = list_next(asks, x)) {
		const struct campaign_ask *ask = OWNER(struct campaign_ask, node, x);

		for (size_t i = 0; i < ask->count; i++)
			*w++ = (struct campaign_wish){ask->account, ask->aliases[i], 0};
	}
	return n;
}

static int register_all(struct campaigns *c, struct list *asks)
{
	struct campaign_wish *wishes, *w;
	size_t n = wishes_of(asks, &wishes);
	struct err e;
	int r = admin_campaigns_ensure(c->g->admin, wishes, n, &e);

	w = wishes;
	for (struct node *x = list_first(asks); r == 0 && x; x = list_next(asks, x)) {
		struct campaign_ask *ask = OWNER(struct campaign_ask, node, x);

		for (size_t i = 0; i < ask->count; i++)
			ask->ids[i] = w++->id;
	}
	if (r < 0)
		log_info("campaigns_refused", "count=%zu why=\"%s\"", n, e.text);
	free(wishes);
	return r;
}

static void set_errors(struct list *asks, int r)
{
	for (struct node *x = list_first(asks); x; x = list_next(asks, x))
		OWNER(struct campaign_ask, node, x)->error = r;
}

/* Each for itself, so that one account that is full holds up nobody else. */
static void register_singly(struct campaigns *c, struct list *asks)
{
	struct list rest;
	struct node *x;

	list_init(&rest);
	while ((x = list_pop(asks)))
		list_push(&rest, x);
	while ((x = list_pop(&rest))) {
		struct list one;

		list_init(&one);
		list_push(&one, x);
		set_errors(&one, register_all(c, &one));
		list_remove(&one, x);
		list_push(asks, x);
	}
}

static void serve(struct campaigns *c, struct list *asks)
{
	struct node *x;
	struct err e;
	int r;

	pthread_mutex_lock(&c->g->lock);
	r = register_all(c, asks);
	set_errors(asks, r);
	if (r < 0 && asks->count > 1)
		register_singly(c, asks);
	/* Without it they are looked up again, which does no harm. */
	if (gateway_republish(c->g, &e) < 0)
		log_error("campaigns", "failed=\"%s\"", e.text);
	pthread_mutex_unlock(&c->g->lock);
	while ((x = list_pop(asks))) {
		struct campaign_ask *ask = OWNER(struct campaign_ask, node, x);

		ask->done(ask);
	}
}

static void *work(void *arg)
{
	struct campaigns *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct list asks;
		struct node *x;

		while (!c->waiting.count && !c->end)
			pthread_cond_wait(&c->wake, &c->lock);
		if (!c->waiting.count)
			break;
		list_init(&asks);
		while ((x = list_pop(&c->waiting)))
			list_push(&asks, x);
		pthread_mutex_unlock(&c->lock);
		serve(c, &asks);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

bool campaigns_post(void *campaigns, struct campaign_ask *ask)
{
	struct campaigns *c = campaigns;
	bool taken;

	pthread_mutex_lock(&c->lock);
	taken = !c->end && c->waiting.count < WAITING_MAX;
	if (taken) {
		list_push(&c->waiting, &ask->node);
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return taken;
}

int campaigns_open(struct campaigns **ret, struct gateway *g, struct err *e)
{
	struct campaigns *c = xnew(struct campaigns);
	int r;

	c->g = g;
	list_init(&c->waiting);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	r = -pthread_create(&c->thread, NULL, work, c);
	if (r < 0) {
		campaigns_close(c);
		return err_set(e, r, "no thread for campaigns: %s", strerrordesc_np(-r));
	}
	c->runs = true;
	*ret = c;
	return 0;
}

void campaigns_close(struct campaigns *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->end = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (c->runs)
		pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c);
}
