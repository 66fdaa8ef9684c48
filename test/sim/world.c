/* world.c - moves the virtual clock from one thing to the next and gives the engine its turns, until all is settled. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "sim/mo.h"
#include "sim/world.h"

void rng_fix(uint64_t seed);
#define TURNS_MAX 3000000

/* -- tasks --------------------------------------------------------------------------------------------------------- */

void sim_at(struct sim *s, struct task *t, int64_t at, void (*run)(struct sim *s, struct task *t))
{
	heap_remove(&s->tasks, &t->node);
	t->run = run;
	heap_push(&s->tasks, &t->node, at);
}

void sim_off(struct sim *s, struct task *t) { heap_remove(&s->tasks, &t->node); }

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failure[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->failure, sizeof(s->failure), fmt, ap);
	va_end(ap);
	sim_note(s, "FAILED: %s", s->failure);
}

void sim_note(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->verbose)
		return;
	printf("%10.3f ", (double)(s->now - s->start) / 1000);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

bool sim_effect(struct sim *s)
{
	if (s->effects_left < 0)
		return true;
	if (s->effects_left == 0)
		return false;
	s->effects_left--;
	return true;
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void run_due(struct sim *s)
{
	struct heap_node *n;

	while (!s->failure[0] && (n = heap_top(&s->tasks)) && n->at <= s->now) {
		struct task *t = OWNER(struct task, node, n);

		heap_remove(&s->tasks, n);
		t->run(s, t);
	}
}

static void restart(struct sim *s)
{
	process_end(s);
	if (!s->failure[0])
		process_start(s);
}

/* Returns ms until the engine wants its next turn. */
static int64_t give_turn(struct sim *s)
{
	struct err err = {""};
	int64_t wait;

	s->turns++;
	if (s->turns > TURNS_MAX)
		sim_fail(s, "the engine turns for ever");
	wait = engine_turn(s->e, &err);
	if (wait >= -1 && s->stopping && sim_wall(s) >= s->stop_at && s->effects_left != 0) {
		if (engine_run(s->e, &err) == 0 && s->effects_left != 0)
			judge_stopped(s);
		wait = -EIO;
	}
	if (wait < -1 || s->effects_left == 0) {
		restart(s);
		return 0;
	}
	judge_turn(s, wait == 0);
	return wait < 0 ? HOUR : wait;
}

static void step(struct sim *s)
{
	struct heap_node *n;
	int64_t wait = 1, next;

	run_due(s);
	if (s->failure[0])
		return;
	if (!s->calm && s->now >= s->troubled_until) {
		sim_note(s, "-- calm");
		s->calm = true;
		sim_off(s, &s->crash);
		if (s->stopping) { /* nobody would end it any more */
			s->stop_at = sim_wall(s);
			engine_stop(s->e, 0);
		}
		owner_calm(s);
		if (chance(s, 50))
			sim_at(s, &s->replay, s->now + between(s, 1, 20 * MINUTE), on_replay);
	}
	if (!chance(s, s->calm ? 0 : s->plan.lag))
		wait = give_turn(s);
	n = heap_top(&s->tasks);
	if (wait == 0)
		s->now += chance(s, 20) ? 1 : 0;
	next = wait == 0 ? s->now : s->now + wait;
	/* In the long quiet time the engine is not asked every second. */
	if (s->calm && wait > 0)
		next = MAX(next, s->now + s->nap);
	s->now = MAX(s->now, n ? MIN(n->at, next) : next);
}

static bool over(struct sim *s)
{
	return s->calm && !s->replay.node.index && s->client.left <= 0 && s->client.orders.count == 0 &&
	       s->carrier.reports.count == 0 && s->effects_left < 0 && judge_settled(s);
}

static void run(struct sim *s)
{
	int64_t until = s->troubled_until + s->settings->sms.receipt_wait_ms + 3 * HOUR +
			s->settings->webhooks.give_up_ms + s->settings->webhooks.retry_max_ms * 2 +
			s->settings->sms.validity_ms + DAY + (s->timing.on ? DAY : 0);
	uint64_t look = 0, events = 0;

	while (!s->failure[0] && s->now < until) {
		step(s);
		/* The longer nothing happens, the longer the naps: days of waiting for receipts that do not come. */
		if (s->judge.events != events || s->now < s->troubled_until)
			s->nap = 0;
		else
			s->nap = MIN(s->nap * 5 / 4 + 10, 10 * MINUTE);
		events = s->judge.events;
		if (++look % 64 == 0 && over(s))
			break;
	}
	if (!s->failure[0])
		judge_end(s);
}

bool sim_run(struct sim *s, uint64_t seed, bool verbose)
{
	struct store_options o = {.message_retention_ms = 90 * DAY, .now = sim_clock, .now_ctx = s};

	rng_fix(seed);
	prng_seed(&s->r, seed);
	s->seed = seed;
	s->verbose = verbose;
	s->start = s->now = 1790000000000 + between(s, 0, DAY);
	plan_draw(s);
	if (store_memory_open(&s->store, &o, NULL) < 0)
		return false;
	store_memory_seed(s->store, seed);
	judge_open(s);
	wishes_open(s);
	carrier_open(s);
	s->effects_left = -1;
	process_start(s);
	client_open(s);
	owner_open(s);
	receiver_open(s);
	if (s->plan.reload)
		sim_at(s, &s->reload, s->now + between(s, 1, s->plan.length_ms), on_reload);
	sim_at(s, &s->step_clock, s->now + between(s, 1, s->plan.length_ms), on_step_clock);
	if (s->plan.credit)
		sim_at(s, &s->credit, s->now, on_credit);
	run(s);
	process_end(s);
	client_close(s);
	carrier_close(s);
	judge_close(s);
	wishes_close(s);
	s->store->ops->close(s->store);
	settings_free(s->settings);
	settings_free(s->other);
	heap_done(&s->tasks);
	return s->failure[0] == 0;
}
