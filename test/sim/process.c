/* process.c - the process in which the engine runs: how it starts, what its operator does to it, and how it dies: between turns, in the
 * middle of a turn's effects, by a commit that fails (and is there or is not), or stopped. */
#include <inttypes.h>

#include "core/credit.h"
#include "sim/mo.h"
#include "sim/world.h"

#define GRACE_MS 5000

int64_t sim_clock(void *ctx) { return sim_wall(ctx); }

static void on_crash(struct sim *s, struct task *t);

void process_start(struct sim *s)
{
	struct engine_config c = {.store = s->store,
				  .settings = s->reloaded ? s->other : s->settings,
				  .now = sim_clock,
				  .now_ctx = s,
				  .seed = prng_u64(&s->r) | 1};
	struct err err = {""};

	wishes_start(s, &c);
	s->life++;
	s->effects_left = -1;
	s->stopping = s->stopped = false;
	sim_note(s, "-- process %u starts", s->life);
	if (engine_open(&s->e, &c, &err) < 0) {
		sim_fail(s, "engine_open: %s", err.text);
		s->e = NULL;
		return;
	}
	judge_restart(s);
	engine_attach_channel(s->e, &s->carrier.channel);
	engine_attach_sender(s->e, &receiver_ops, s);
	carrier_start(s);
	mo_reader_start(s);
	if (s->plan.crash_every_ms && !s->calm)
		sim_at(s, &s->crash, s->now + between(s, 1, 2 * s->plan.crash_every_ms), on_crash);
}

/* Whatever it was doing: only what is durable remains. */
void process_end(struct sim *s)
{
	struct store *next = store_memory_crash(s->store);

	s->effects_left = 0;
	sim_off(s, &s->crash);
	engine_close(s->e);
	s->e = NULL;
	s->store->ops->close(s->store);
	s->store = next;
	mo_reader_die(s);
	wishes_die(s);
	carrier_die(s);
	receiver_die(s);
	client_die(s);
	owner_die(s);
	s->now += between(s, 0, 2000);
}

void on_reload(struct sim *s, struct task *t)
{
	s->reloaded = !s->calm && !s->reloaded;
	sim_note(s, "-- reload: %s routes", s->reloaded ? "other" : "first");
	engine_settings(s->e, s->reloaded ? s->other : s->settings);
	if (!s->calm)
		sim_at(s, t, s->now + between(s, 1, s->plan.length_ms / 3), on_reload);
}

void on_step_clock(struct sim *s, struct task *t)
{
	(void)t;
	if (!s->calm && chance(s, s->plan.clock_steps)) {
		timing_step_clock(s, between(s, -30000, 30000));
		s->lenient_until = MAX(s->lenient_until, s->now + MINUTE);
	}
	sim_note(s, "-- clock: %" PRId64 " ms off", s->skew);
	if (!s->calm)
		sim_at(s, t, s->now + between(s, 1, s->plan.length_ms / 2), on_step_clock);
}

static bool replay_row(void *ctx, const struct hook_row *row)
{
	struct sim *s = ctx;

	sim_note(s, "-- replay of webhook %" PRId64 " kind %d%s", row->key, row->kind, row->dead ? "" : ", which is not dead");
	engine_hook_replay(s->e, row->key, row->kind, NULL, NULL);
	return true;
}

/* The operator has mended his receivers and asks for everything again. */
void on_replay(struct sim *s, struct task *t)
{
	(void)t;
	s->store->ops->hook_list(s->store, 0, INT64_MAX, SIZE_MAX, replay_row, s);
}

/* The operator buys, corrects, and takes the limit away and sets it again, at any moment. */
void on_credit(struct sim *s, struct task *t)
{
	bool sub = s->plan.sub_credit && chance(s, 50);
	int64_t share = s->plan.messages * s->plan.credit / 100;
	struct credit_change c = {.kind = sub ? BALANCE_SUB : BALANCE_ACCOUNT, .owner = 1};

	switch (prng_below(&s->r, 6)) {
	case 0:
		c.what = LEDGER_SET;
		c.amount = between(s, 0, share);
		break;
	case 1:
		c.what = LEDGER_LIMIT;
		c.amount = between(s, 0, 20);
		break;
	case 2: c.what = LEDGER_UNLIMITED; break;
	default: c.what = LEDGER_ADD; c.amount = between(s, -5, share);
	}
	sim_note(s, "-- credit %s %" PRId64 " for kind %d", ledger_kind_name(c.what), c.amount, c.kind);
	engine_credit(s->e, &c, NULL, NULL);
	if (!s->calm)
		sim_at(s, t, s->now + between(s, 1, s->plan.length_ms / 4), on_credit);
}

static void on_crash(struct sim *s, struct task *t)
{
	(void)t;
	if (s->calm)
		return;
	if (chance(s, s->plan.graceful)) {
		sim_note(s, "-- stop");
		s->stopping = true;
		s->stop_at = sim_wall(s) + GRACE_MS;
		engine_stop(s->e, GRACE_MS);
		return;
	}
	if (chance(s, s->plan.commit_fails)) {
		sim_note(s, "-- a commit will fail");
		store_memory_fail_next(s->store, (unsigned)between(s, 1, 5), chance(s, 50) ? MEMORY_KEPT : MEMORY_LOST);
	} else {
		s->effects_left = chance(s, s->plan.mid_effects) ? (int)between(s, 1, 20) : 0;
		sim_note(s, "-- it dies after %d effects", s->effects_left);
	}
}
