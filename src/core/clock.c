/* clock.c - the engine goes by the wall clock, because schedules, windows and expiries do. When somebody sets that clock back, what was
 * planned as "so long from now" would come that much too late: waits in memory are moved with the clock here, and so are the planned
 * retries, the ends of doubts and the webhook calls that are on disk. A clock that is set forward makes such waits shorter, no more.
 *
 * What is planned for a moment of the wall clock (schedules, windows, expiries) is not touched: it comes when the clock says so. */
#include <stdlib.h>

#include "base/log.h"
#include "core/ring.h"

#define JITTER_MS 1000 /* so little is a clock that is slewed, and no reason to undo the order of things */
#define ROWS_MAX \
	4096 /* of one queue or endpoint; those behind come later by as much as the clock was set back */

struct retries {
	struct due *a;
	size_t n;
	int64_t after;
};

static bool collect_retry(void *ctx, const struct due *d)
{
	struct retries *r = ctx;

	if (d->at > r->after)
		r->a[r->n++] = *d;
	return r->n < ROWS_MAX;
}

static void restate(struct engine *e, struct live *lv, enum event_kind kind, int64_t due)
{
	struct event ev = {.kind = (uint8_t)kind, .at = e->now, .at2 = due, .code = lv->d->reason, .arg = lv->d->detail};

	if (kind == EV_DOUBT)
		ev.arg = 0;
	event_detail(&ev, "the clock was set back");
	engine_record(e, lv, &ev);
}

static void move_retry(struct engine *e, const struct due *d, int64_t by)
{
	struct live *lv = live_get(&e->lives, d->key);

	if (!lv || lv->d->state != D_QUEUED || !lv->d->attempts || lv->d->due_at != d->at)
		return;
	e->ops->due_del(e->store, d);
	restate(e, lv, EV_REQUEUED, d->at - by);
	engine_postpone(e, &d->queue, lv->d, d->at - by);
}

static void move_retries(struct engine *e, int64_t was, int64_t by)
{
	struct retries r = {.a = xcalloc(ROWS_MAX, sizeof(*r.a)), .after = e->now};

	engine_batch(e);
	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		struct queue *k = OWNER(struct queue, all, n);

		r.n = 0;
		if (k->id.lane != LANE_TIMERS && k->due_next <= was + e->policy.retry_delay_max_ms)
			e->ops->due_list(e->store, &k->id, was + e->policy.retry_delay_max_ms, ROWS_MAX,
					 collect_retry, &r);
		for (size_t i = 0; i < r.n; i++)
			move_retry(e, &r.a[i], by);
	}
	free(r.a);
}

static void move_doubts(struct engine *e, int64_t by)
{
	for (struct node *n = list_first(&e->receipts.doubt); n; n = list_next(&e->receipts.doubt, n)) {
		struct live *lv = OWNER(struct live, doubt, n);
		struct due due = {engine_timers, lv->d->due_at, lv->d->key};

		engine_batch(e);
		e->ops->due_del(e->store, &due);
		restate(e, lv, EV_DOUBT, due.at - by);
		engine_due_set(e, &engine_timers, due.at - by, due.key);
	}
}

void engine_see_clock(struct engine *e)
{
	int64_t now = e->clock(e->clock_ctx), was = e->now, by = was - now;

	if (by < JITTER_MS) {
		e->now = MAX(was, now);
		return;
	}
	log_warn("clock_set_back", "ms=%lld", (long long)by);
	e->now = now;
	e->next_second = MIN(e->next_second, now);
	e->next_marks = MIN(e->next_marks, now);
	lives_set_back(&e->lives, by);
	lists_set_back(e, by);
	hooks_set_back(e, was, by);
	mo_set_back(e, by);
	for (size_t i = 0; i < e->routes.connection_count; i++) {
		e->routes.connections[i]->breaker.since -= by;
		e->routes.connections[i]->breaker.until -= by;
	}
	move_retries(e, was, by);
	move_doubts(e, by);
}
