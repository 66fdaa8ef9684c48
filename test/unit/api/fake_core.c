/* fake_core.c - the stand-in for the engine (fake_core.h). */
#include "fake_core.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define KNOWN_MAX 2048

struct remembered {
	uint64_t idem, body;
	struct uid batch, first;
};
struct engine {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool hold, refuse, end;
	struct submission *queue[4096];
	unsigned count, accepted;
	struct uid_source ids;
	struct remembered remembered[64];
	unsigned remembered_count;
	struct fake_seen last;
	int64_t retry_ms;
	struct forecast forecasts[8];
};

static void note(struct engine *e, const struct submission *s)
{
	const struct draft *d = &s->drafts[0];

	e->last = (struct fake_seen){.account = s->account,
				     .sub_account = s->sub_account,
				     .user = s->user,
				     .count = s->count,
				     .bulk = s->bulk,
				     .dry = s->forecasts != NULL,
				     .idem_hash = s->idem_hash,
				     .flags = d->flags,
				     .invalid = d->invalid,
				     .parts = d->parts,
				     .campaign_id = d->campaign_id};
	str_copy(e->last.destination, sizeof(e->last.destination), d->t.destination);
	str_copy(e->last.number, sizeof(e->last.number), d->t.number);
	str_copy(e->last.campaign, sizeof(e->last.campaign), d->t.campaign);
	str_copy(e->last.invalid_params, sizeof(e->last.invalid_params), d->t.invalid);
	for (size_t i = 0; i < MIN(s->count, COUNT_OF(e->last.texts)); i++) {
		str_copy(e->last.texts[i], sizeof(e->last.texts[i]), s->drafts[i].t.text);
		e->last.campaign_ids[i] = s->drafts[i].campaign_id;
	}
	str_copy(e->last.text, sizeof(e->last.text), d->t.text);
	str_copy(e->last.correlation, sizeof(e->last.correlation), d->t.correlation);
}

static struct remembered *recall(struct engine *e, uint64_t idem)
{
	for (unsigned i = 0; idem && i < e->remembered_count; i++)
		if (e->remembered[i].idem == idem)
			return &e->remembered[i];
	return NULL;
}

static void give_ids(struct submission *s, struct uid batch, struct uid first)
{
	s->batch = batch;
	for (uint32_t i = 0; i < s->count; i++)
		s->ids[i] = (struct uid){first.key + i, first.rest + i};
}

static void decide(struct engine *e, struct submission *s)
{
	struct remembered *r = recall(e, s->idem_hash);
	int64_t key;

	if (e->end) {
		s->status = SUBMIT_STOPPING;
		return;
	}
	note(e, s);
	if (e->retry_ms) {
		s->status = SUBMIT_TOO_MANY;
		s->retry_ms = e->retry_ms;
		return;
	}
	if (s->forecasts) {
		s->status = SUBMIT_OK;
		for (uint32_t i = 0; i < s->count; i++) {
			s->forecasts[i] = e->forecasts[i % COUNT_OF(e->forecasts)];
			if (s->drafts[i].invalid)
				s->forecasts[i] = (struct forecast){
					s->drafts[i].invalid, s->drafts[i].invalid_reason, 0, 0, 1, 0};
		}
		return;
	}
	if (r) {
		s->status = r->body == s->body_hash ? SUBMIT_REPLAYED : SUBMIT_CONFLICT;
		give_ids(s, r->batch, r->first);
		return;
	}
	key = uid_take(&e->ids, wall_ms(), s->count + 1);
	s->status = SUBMIT_OK;
	give_ids(s, (struct uid){key, 7}, (struct uid){key + 1, 8});
	e->accepted += s->count;
	if (s->idem_hash && e->remembered_count < COUNT_OF(e->remembered))
		e->remembered[e->remembered_count++] =
			(struct remembered){s->idem_hash, s->body_hash, s->batch, s->ids[0]};
}

static void *run(void *ctx)
{
	struct engine *e = ctx;

	pthread_mutex_lock(&e->lock);
	while (!e->end || e->count) {
		struct submission *s;

		if (!e->count || (e->hold && !e->end)) {
			pthread_cond_wait(&e->changed, &e->lock);
			continue;
		}
		s = e->queue[0];
		memmove(e->queue, e->queue + 1, --e->count * sizeof(struct submission *));
		decide(e, s);
		pthread_mutex_unlock(&e->lock);
		s->done(s);
		pthread_mutex_lock(&e->lock);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

struct engine *fake_engine_new(void)
{
	struct engine *e = xnew(struct engine);

	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	ASSERT(!pthread_create(&e->thread, NULL, run, e));
	return e;
}

void fake_engine_free(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->end = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->changed);
	free(e);
}

bool intake_post(struct engine *e, struct submission *s)
{
	bool taken;

	pthread_mutex_lock(&e->lock);
	taken = !e->refuse && e->count < COUNT_OF(e->queue);
	if (taken) {
		e->queue[e->count++] = s;
		pthread_cond_broadcast(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return taken;
}

/* Brazil's numbers are routed to operator 1. */
struct number_facts intake_number(const struct settings *s, struct str digits)
{
	bool known = digits.n > 2 && !memcmp(digits.p, "55", 2);

	(void)s;
	return (struct number_facts){.operator_id = known, .reports = true, .routed = known};
}

struct refusal intake_refusal(uint32_t account, uint32_t sub_account, struct str digits)
{
	(void)account;
	(void)sub_account;
	(void)digits;
	return (struct refusal){0, 0};
}

static void set(struct engine *e, bool *what, bool to)
{
	pthread_mutex_lock(&e->lock);
	*what = to;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

void fake_hold(struct engine *e, bool hold) { set(e, &e->hold, hold); }

void fake_too_many(struct engine *e, int64_t retry_ms)
{
	pthread_mutex_lock(&e->lock);
	e->retry_ms = retry_ms;
	pthread_mutex_unlock(&e->lock);
}

void fake_foretell(struct engine *e, unsigned i, const struct forecast *f)
{
	pthread_mutex_lock(&e->lock);
	e->forecasts[i] = *f;
	pthread_mutex_unlock(&e->lock);
}

void fake_refuse(struct engine *e, bool refuse) { set(e, &e->refuse, refuse); }

unsigned fake_waiting(struct engine *e)
{
	unsigned n;

	pthread_mutex_lock(&e->lock);
	n = e->count;
	pthread_mutex_unlock(&e->lock);
	return n;
}

void fake_await_waiting(struct engine *e, unsigned n)
{
	pthread_mutex_lock(&e->lock);
	while (e->count < n)
		pthread_cond_wait(&e->changed, &e->lock);
	pthread_mutex_unlock(&e->lock);
}

unsigned fake_accepted(struct engine *e)
{
	unsigned n;

	pthread_mutex_lock(&e->lock);
	n = e->accepted;
	pthread_mutex_unlock(&e->lock);
	return n;
}

struct fake_seen fake_last(struct engine *e)
{
	struct fake_seen s;

	pthread_mutex_lock(&e->lock);
	s = e->last;
	pthread_mutex_unlock(&e->lock);
	return s;
}

/* -- query --------------------------------------------------------------------------------------------------------- */

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
