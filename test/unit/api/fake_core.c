/* fake_core.c - the stand-in for the engine that messages are handed to (fake_core.h). */
#include "fake_core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

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
