/* fake_query.c - the stand-in for the look-ups and for orders of control (fake_core.h). */
#include "fake_core.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 2048

struct query {
	struct engine *e;
};
struct lease {
	bool mo;
	size_t from, to;
};
static pthread_mutex_t q_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t q_changed = PTHREAD_COND_INITIALIZER;
static struct delivery *known[KNOWN_MAX];
static size_t known_count, listed;
static struct mo *mos[KNOWN_MAX];
static size_t mo_count, mos_listed;
static int q_error;
static bool q_hold;
static unsigned q_inside, q_entered, q_consumed, q_released;

void fake_know(const struct delivery *d)
{
	pthread_mutex_lock(&q_lock);
	ASSERT(known_count < KNOWN_MAX);
	known[known_count++] = delivery_copy(d);
	pthread_mutex_unlock(&q_lock);
}

void fake_forget(void)
{
	pthread_mutex_lock(&q_lock);
	while (known_count)
		delivery_free(known[--known_count]);
	while (mo_count)
		free(mos[--mo_count]);
	listed = mos_listed = 0;
	q_consumed = q_released = q_entered = 0;
	q_error = 0;
	pthread_mutex_unlock(&q_lock);
}

void fake_query_fails(int error)
{
	pthread_mutex_lock(&q_lock);
	q_error = error;
	pthread_mutex_unlock(&q_lock);
}

void fake_query_hold(bool hold)
{
	pthread_mutex_lock(&q_lock);
	q_hold = hold;
	pthread_cond_broadcast(&q_changed);
	pthread_mutex_unlock(&q_lock);
}

void fake_query_await(unsigned n)
{
	pthread_mutex_lock(&q_lock);
	while (q_entered < n)
		pthread_cond_wait(&q_changed, &q_lock);
	pthread_mutex_unlock(&q_lock);
}

/* Leaves with the lock held. */
static int enter(void)
{
	pthread_mutex_lock(&q_lock);
	q_entered++;
	q_inside++;
	pthread_cond_broadcast(&q_changed);
	while (q_hold)
		pthread_cond_wait(&q_changed, &q_lock);
	q_inside--;
	return q_error;
}

static bool in_scope(const struct scope *sc, const struct delivery *d)
{
	return sc->everything || (d->account == sc->account && (!sc->sub_account || d->sub_account == sc->sub_account));
}

int query_open(struct query **ret, struct engine *e, struct err *err)
{
	(void)err;
	*ret = xnew(struct query);
	(*ret)->e = e;
	return 0;
}

void query_close(struct query *q) { free(q); }

int query_ids(struct query *q, const struct scope *sc, const struct uid *ids, size_t n, struct delivery **out, int64_t deadline_ms)
{
	int r = enter();

	(void)q;
	ASSERT(deadline_ms > 0);
	for (size_t i = 0; i < n && !r; i++) {
		out[i] = NULL;
		for (size_t k = 0; k < known_count; k++)
			if (known[k]->key == ids[i].key && known[k]->rest == ids[i].rest && in_scope(sc, known[k]))
				out[i] = delivery_copy(known[k]);
	}
	pthread_mutex_unlock(&q_lock);
	return r;
}

ssize_t query_correlation(struct query *q, const struct scope *sc, struct str correlation,
			  struct delivery **out, size_t max, int64_t deadline_ms)
{
	int r = enter();
	size_t n = 0;

	(void)q;
	ASSERT(deadline_ms > 0);
	for (size_t k = known_count; k-- > 0 && n < max && !r;)
		if (str_eq(known[k]->t.correlation, correlation) && in_scope(sc, known[k]))
			out[n++] = delivery_copy(known[k]);
	pthread_mutex_unlock(&q_lock);
	return r ? r : (ssize_t)n;
}

/* Carries out nothing: tells what it was asked by the results. */
int query_control(struct query *q, struct control_request *r, int64_t deadline_ms)
{
	int e = enter();

	(void)q;
	ASSERT(deadline_ms > 0);
	for (size_t i = 0; i < r->n; i++) {
		r->items[i].result = CONTROL_UNKNOWN;
		for (size_t k = 0; k < known_count; k++)
			if (known[k]->key == r->items[i].id.key && in_scope(&r->scope, known[k]))
				r->items[i].result = known[k]->sent_code ? CONTROL_LEFT : CONTROL_DONE;
	}
	r->batch_result = r->batch.key == 77 ? CONTROL_DONE : CONTROL_UNKNOWN;
	r->campaign_result = r->campaign_id == 99   ? CONTROL_FULL
			     : r->scope.sub_account ? CONTROL_DONE
						    : CONTROL_HELD;
	pthread_mutex_unlock(&q_lock);
	if (e)
		free(r);
	return e;
}

void control_request_free(struct control_request *r) { free(r); }

ssize_t query_orders(struct query *q, const struct scope *sc, struct campaign_order **ret, size_t max, int64_t deadline_ms)
{
	static const struct campaign_order all[] = {
		{.verb = CONTROL_PAUSE, .sub_account = 10, .campaign = "black \"friday\"", .at = 1790000000000},
		{.verb = CONTROL_CANCEL, .campaign_id = 7, .at = 1790000000000, .cancelled = 5, .left = 2},
		{.verb = CONTROL_CANCEL, .campaign_id = 8, .at = 1790000000000, .over_at = 1790000060000},
	};
	int e = enter();

	(void)q;
	ASSERT(deadline_ms > 0 && max >= COUNT_OF(all));
	pthread_mutex_unlock(&q_lock);
	if (e)
		return e;
	*ret = xcalloc(COUNT_OF(all), sizeof *all);
	memcpy(*ret, all, sizeof all);
	return sc->sub_account ? 1 : (ssize_t)COUNT_OF(all);
}

int query_history(struct query *q, const struct scope *sc, struct uid id, struct delivery **ret,
		  struct event **events, size_t *n)
{
	(void)q, (void)sc, (void)id, (void)ret, (void)events, (void)n;
	return -ENOENT;
}

int query_search(struct query *q, const struct scope *sc, const struct search *s,
		 bool (*fn)(void *ctx, const struct delivery *d), void *ctx)
{
	(void)q, (void)sc, (void)s, (void)fn, (void)ctx;
	return 0;
}

ssize_t query_list(struct query *q, const struct list_ask *ask, struct delivery **out, struct lease **ret, int64_t deadline_ms)
{
	int r = enter();
	size_t n = 0, from = listed;

	(void)q;
	ASSERT(deadline_ms > 0 && ask->limit >= 1 && ask->limit <= 1000);
	while (!r && listed < known_count && n < ask->limit) {
		if (in_scope(&ask->scope, known[listed]))
			out[n++] = delivery_copy(known[listed]);
		listed++;
	}
	*ret = NULL;
	if (n) {
		*ret = xnew(struct lease);
		**ret = (struct lease){.from = from, .to = listed};
	}
	pthread_mutex_unlock(&q_lock);
	return r ? r : (ssize_t)n;
}

void fake_receive(const struct mo *m)
{
	pthread_mutex_lock(&q_lock);
	ASSERT(mo_count < KNOWN_MAX);
	mos[mo_count++] = mo_copy(m);
	pthread_mutex_unlock(&q_lock);
}

static bool mo_in_scope(const struct scope *sc, const struct mo *m)
{
	return m->account == sc->account && (!sc->sub_account || m->sub_account == sc->sub_account);
}

ssize_t query_mo_list(struct query *q, const struct list_ask *ask, struct mo **out, struct lease **ret, int64_t deadline_ms)
{
	int r = enter();
	size_t n = 0, from = mos_listed;

	(void)q;
	ASSERT(deadline_ms > 0 && ask->limit >= 1 && ask->limit <= 1000);
	ASSERT(ask->user == 4 ? ask->narrow == (ask->scope.sub_account != 0) : !ask->narrow); /* 4: the administrator */
	for (; !r && mos_listed < mo_count && n < ask->limit; mos_listed++)
		if (mo_in_scope(&ask->scope, mos[mos_listed]))
			out[n++] = mo_copy(mos[mos_listed]);
	*ret = NULL;
	if (n) {
		*ret = xnew(struct lease);
		**ret = (struct lease){true, from, mos_listed};
	}
	pthread_mutex_unlock(&q_lock);
	return r ? r : (ssize_t)n;
}

ssize_t query_mo_range(struct query *q, const struct scope *sc, int64_t since, int64_t until, struct mo **out,
		       size_t max, int64_t deadline_ms)
{
	int r = enter();
	size_t n = 0;

	(void)q;
	ASSERT(deadline_ms > 0);
	for (size_t i = 0; !r && i < mo_count && n < max; i++)
		if (mo_in_scope(sc, mos[i]) && mos[i]->at >= since && mos[i]->at <= until)
			out[n++] = mo_copy(mos[i]);
	pthread_mutex_unlock(&q_lock);
	return r ? r : (ssize_t)n;
}

static void end_lease(struct lease *take, bool consumed)
{
	pthread_mutex_lock(&q_lock);
	if (consumed)
		q_consumed++;
	else
		q_released++;
	if (!consumed)
		*(take->mo ? &mos_listed : &listed) = take->from;
	pthread_cond_broadcast(&q_changed);
	pthread_mutex_unlock(&q_lock);
	free(take);
}

void lease_consume(struct engine *e, struct lease *take, void (*done)(void *ctx), void *ctx)
{
	(void)e;
	end_lease(take, true);
	if (done)
		done(ctx);
}

void lease_release(struct engine *e, struct lease *take)
{
	(void)e;
	end_lease(take, false);
}

void fake_await_leases(unsigned consumed, unsigned released)
{
	pthread_mutex_lock(&q_lock);
	while (q_consumed < consumed || q_released < released)
		pthread_cond_wait(&q_changed, &q_lock);
	pthread_mutex_unlock(&q_lock);
}

static unsigned counter(const unsigned *c)
{
	unsigned n;

	pthread_mutex_lock(&q_lock);
	n = *c;
	pthread_mutex_unlock(&q_lock);
	return n;
}

unsigned fake_consumed(void) { return counter(&q_consumed); }

unsigned fake_released(void) { return counter(&q_released); }

int query_parked(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct parked *p), void *ctx)
{
	(void)q, (void)limit, (void)fn, (void)ctx;
	return 0;
}

int query_dead_hooks(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct dead_hook *h), void *ctx)
{
	(void)q, (void)limit, (void)fn, (void)ctx;
	return 0;
}
