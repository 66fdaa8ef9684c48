/* ask.c - asking the engine: what is in its memory is asked of it (a call that runs in a turn), the rest is read from the files. A
 * delivery that the engine does not hold is complete in its row, so nothing is missed between the two. */
#include "core/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"

struct ask *ask_new(void (*fn)(struct engine *e, struct ask *a), const int64_t *keys, size_t n)
{
	struct ask *a = xnew(struct ask);

	a->fn = fn;
	a->n = n;
	a->keys = xcalloc(n + 1, sizeof *a->keys);
	a->found = xcalloc(n + 1, sizeof *a->found);
	if (n)
		memcpy(a->keys, keys, n * sizeof *keys);
	sem_init(&a->answered, 0, 0);
	atomic_store(&a->refs, 2);
	return a;
}

void ask_put(struct ask *a)
{
	if (atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	for (size_t i = 0; i < a->n; i++)
		delivery_free(a->found[i]);
	free(a->keys);
	free(a->found);
	free(a->seqs);
	sub_reads_free(a->subs, a->sub_n);
	control_request_free(a->control);
	free(a->orders);
	sem_destroy(&a->answered);
	free(a);
}

static void run(struct engine *e, struct call *c)
{
	struct ask *a = (struct ask *)c;

	a->head = e->seq;
	a->fn(e, a);
}

static void answered(struct call *c)
{
	struct ask *a = (struct ask *)c;

	sem_post(&a->answered);
	ask_put(a);
}

int ask_wait(struct query *q, struct ask *a, int64_t deadline_ms)
{
	struct timespec until;
	int64_t at = wall_ms() + (deadline_ms > 0 ? deadline_ms : 60000);

	a->call.in.kind = INPUT_CALL;
	a->call.fn = run;
	a->call.done = answered;
	engine_post(q->e, &a->call.in, true);
	until.tv_sec = at / 1000;
	until.tv_nsec = at % 1000 * 1000000;
	while (sem_timedwait(&a->answered, &until) < 0)
		if (errno != EINTR)
			return -ETIMEDOUT;
	return 0;
}

void ask_live(struct engine *e, struct ask *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct live *lv = live_find(&e->lives, a->keys[i]);

		if (!lv)
			continue;
		a->found[i] = delivery_copy(lv->d);
		if (a->want_seqs && i == 0 && lv->n) {
			a->seqs = xcalloc(lv->n, sizeof *a->seqs);
			memcpy(a->seqs, lv->seqs, lv->n * sizeof *a->seqs);
			a->seq_n = lv->n;
		}
	}
}

bool scope_holds(const struct scope *sc, const struct delivery *d)
{
	return sc->everything || (d->account == sc->account && (!sc->sub_account || d->sub_account == sc->sub_account));
}

int query_current(struct query *q, const int64_t *keys, size_t n, struct delivery **out, int64_t deadline_ms)
{
	int64_t until = wall_ms() + deadline_ms;

	memset(out, 0, n * sizeof *out);
	if (q->e) {
		struct ask *a = ask_new(ask_live, keys, n);
		int r = ask_wait(q, a, deadline_ms);

		if (r == 0) {
			memcpy(out, a->found, n * sizeof *out);
			memset(a->found, 0, n * sizeof *out);
		}
		ask_put(a);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		const struct unmerged *u = unmerged_of(q, keys[i]);

		if (u)
			out[i] = delivery_copy(u->d);
		else if (!out[i] && q->store->ops->r_load(q->r, keys[i], &out[i]) < 0)
			out[i] = NULL;
		if (deadline_ms > 0 && wall_ms() > until) {
			for (size_t k = 0; k < n; k++) {
				delivery_free(out[k]);
				out[k] = NULL;
			}
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static void ask_nothing(struct engine *e, struct ask *a)
{
	(void)e;
	(void)a;
}

/* A call is answered in the turn that takes it, and that turn began after the flags were set. */
void engine_hold(struct engine *e, int64_t wait_ms)
{
	struct query q = {.e = e};
	struct ask *a = ask_new(ask_nothing, NULL, 0);

	e->accepting = false;
	e->hold = true;
	(void)!ask_wait(&q, a, wait_ms);
	ask_put(a);
}
