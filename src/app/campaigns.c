/* campaigns.c - see campaigns.h. One thread registers, under the lock of administrative changes; whoever asks for the same alias at the
 * same time gets the same id, because the table says so. What is new is pending in the table until the first request that asked for it
 * was accepted, and is deleted when the last of them was refused. After a crash it stays: a message may have it. */
#include "app/campaigns.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/gateway.h"
#include "base/log.h"
#include "base/map.h"

#define WAITING_MAX 1024

struct campaigns {
	struct gateway *g;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list waiting; /* struct campaign_ask.node */
	size_t asked;        /* of these: first asks */
	bool end, over;      /* takes no first asks; takes nothing */
	struct map *held;    /* the thread's: id of a pending campaign -> asks that are not settled */
};

static struct campaign_ask *ask_of(struct node *x) { return OWNER(struct campaign_ask, node, x); }

/* -- asked for ------------------------------------------------------------------------------------------------------- */

static size_t wishes_of(struct list *asks, struct campaign_wish **ret)
{
	struct campaign_wish *w;
	size_t n = 0;

	for (struct node *x = list_first(asks); x; x = list_next(asks, x))
		n += ask_of(x)->count;
	*ret = w = xcalloc(n + 1, sizeof(*w));
	for (struct node *x = list_first(asks); x; x = list_next(asks, x)) {
		const struct campaign_ask *ask = ask_of(x);

		for (size_t i = 0; i < ask->count; i++)
			*w++ = (struct campaign_wish){ask->account, ask->aliases[i], 0, true};
	}
	return n;
}

static void hold(struct campaigns *c, uint32_t id)
{
	uint64_t n = 0;

	map_get(c->held, id, &n);
	map_set(c->held, id, n + 1);
}

/* *stale: some are there, and yet the asker did not see them. */
static int register_all(struct campaigns *c, struct list *asks, bool *stale)
{
	struct campaign_wish *wishes, *w;
	size_t n = wishes_of(asks, &wishes);
	struct err e;
	int r = admin_campaigns_ensure(c->g->admin, wishes, n, &e);

	w = wishes;
	for (struct node *x = list_first(asks); r == 0 && x; x = list_next(asks, x)) {
		struct campaign_ask *ask = ask_of(x);

		for (size_t i = 0; i < ask->count; i++, w++) {
			ask->ids[i] = w->id;
			if (w->pending)
				hold(c, w->id);
			else
				*stale = true;
		}
	}
	if (r < 0)
		log_info("campaigns_refused", "count=%zu why=\"%s\"", n, e.text);
	free(wishes);
	return r;
}

static void set_errors(struct list *asks, int r)
{
	for (struct node *x = list_first(asks); x; x = list_next(asks, x))
		ask_of(x)->error = r;
}

/* Each for itself, so that one account that is full holds up nobody else. */
static void register_singly(struct campaigns *c, struct list *asks, bool *stale)
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
		set_errors(&one, register_all(c, &one, stale));
		list_remove(&one, x);
		list_push(asks, x);
	}
}

/* -- settled --------------------------------------------------------------------------------------------------------- */

/* Whether that decides what becomes of it: the first that was accepted, or the last that was refused. */
static bool decides(struct campaigns *c, uint32_t id, bool accepted)
{
	uint64_t n;

	if (!map_get(c->held, id, &n))
		return false;
	if (accepted || n == 1)
		return map_del(c->held, id, NULL);
	map_set(c->held, id, n - 1);
	return false;
}

/* True: some are there now. */
static bool settle(struct campaigns *c, struct list *asks)
{
	struct campaign_verdict *v;
	size_t n = 0;
	bool kept = false;
	struct err e;

	for (struct node *x = list_first(asks); x; x = list_next(asks, x))
		n += ask_of(x)->count;
	v = xcalloc(n + 1, sizeof(*v));
	n = 0;
	for (struct node *x = list_first(asks); x; x = list_next(asks, x)) {
		const struct campaign_ask *ask = ask_of(x);
		bool accepted = ask->phase == CAMPAIGNS_ACCEPTED;

		for (size_t i = 0; i < ask->count; i++)
			if (decides(c, ask->ids[i], accepted)) {
				v[n++] = (struct campaign_verdict){ask->ids[i], accepted};
				kept |= accepted;
			}
	}
	/* Those it cannot keep now, the next start does. */
	if (n && admin_campaigns_settle(c->g->admin, v, n, &e) < 0)
		log_error("campaigns", "failed=\"%s\"", e.text);
	free(v);
	return kept;
}

/* ------------------------------------------------------------------------------------------------------------------- */

static void answer(struct list *asks)
{
	struct node *x;

	while ((x = list_pop(asks))) {
		struct campaign_ask *ask = ask_of(x);

		ask->done(ask);
	}
}

static void serve(struct campaigns *c, struct list *asks, struct list *verdicts)
{
	bool changed = false;
	struct err e;
	int r = 0;

	pthread_mutex_lock(&c->g->lock);
	if (verdicts->count)
		changed = settle(c, verdicts);
	if (asks->count)
		r = register_all(c, asks, &changed);
	set_errors(asks, r);
	if (r < 0 && asks->count > 1)
		register_singly(c, asks, &changed);
	/* Without it they are looked up again, which does no harm. */
	if (changed && gateway_republish(c->g, &e) < 0)
		log_error("campaigns", "failed=\"%s\"", e.text);
	pthread_mutex_unlock(&c->g->lock);
	answer(verdicts);
	answer(asks);
}

static void *work(void *arg)
{
	struct campaigns *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct list asks, verdicts;
		struct node *x;

		while (!c->waiting.count && !c->end)
			pthread_cond_wait(&c->wake, &c->lock);
		if (!c->waiting.count) {
			c->over = true;
			break;
		}
		list_init(&asks);
		list_init(&verdicts);
		while ((x = list_pop(&c->waiting)))
			list_push(ask_of(x)->phase == CAMPAIGNS_ASKED ? &asks : &verdicts, x);
		c->asked = 0;
		pthread_mutex_unlock(&c->lock);
		serve(c, &asks, &verdicts);
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
	taken = ask->phase == CAMPAIGNS_ASKED ? !c->end && c->asked < WAITING_MAX : !c->over;
	if (taken) {
		c->asked += ask->phase == CAMPAIGNS_ASKED;
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
	c->held = map_new();
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

void campaigns_stop(struct campaigns *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->end = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (c->runs)
		pthread_join(c->thread, NULL);
	c->runs = false;
}

void campaigns_close(struct campaigns *c)
{
	if (!c)
		return;
	campaigns_stop(c);
	map_free(c->held);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	free(c);
}
