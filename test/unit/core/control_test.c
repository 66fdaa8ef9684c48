/* control_test.c - cancel, pause, resume as the engine carries them out: of messages, batches and campaigns, by whom, over restarts, and
 * a big campaign in small steps. That nothing held leaves is the simulation's to show (test/sim/owner.c). */
#include "engine_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/control.h"
#include "core/intake.h"
#include "core/ring.h"
#include "model/codes.h"

static struct fixture {
	struct engine_bench b;
	struct route_connection to;
	struct route_setting route;
	struct connection_setting connection;
	char name[8], prefix[8];
} f;

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	engine_bench_make(&f.b, 1790000000000);
	strcpy(f.name, "main");
	strcpy(f.prefix, "55");
	f.connection = (struct connection_setting){.name = f.name, .number = 1};
	f.to = (struct route_connection){f.name, 1};
	f.route = (struct route_setting){.prefix = f.prefix, .connections = &f.to, .connection_count = 1};
	f.b.settings.sms.connections = &f.connection;
	f.b.settings.sms.routes = &f.route;
	f.b.settings.sms.connection_count = f.b.settings.sms.route_count = 1;
	engine_bench_open(&f.b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_bench_close(&f.b);
	return 0;
}

/* A kill: what was not committed is gone. */
static void restart(void)
{
	engine_close(f.b.e);
	engine_bench_open(&f.b);
}

static void turn(void) { engine_bench_turn(&f.b); }

static void settle(void)
{
	for (int i = 0; f.b.e->control.cancels; i++) {
		assert_true(i < 100000);
		turn();
	}
}

static void done(struct submission *s) { s->received_us = 0; }

/* n messages of a campaign ("": none) of sub-account sub of account 1; returns the batch's id. */
static struct uid send(uint32_t n, uint32_t sub, const char *campaign, uint32_t campaign_id, struct uid *ids)
{
	struct draft *d = xcalloc(n, sizeof *d);
	struct submission s = {.in.kind = INPUT_SUBMIT,
			       .account = 1,
			       .sub_account = sub,
			       .user = 1,
			       .bulk = true,
			       .count = n,
			       .drafts = d,
			       .done = done,
			       .received_us = 1};

	s.ids = xcalloc(n, sizeof *s.ids);
	for (uint32_t i = 0; i < n; i++) {
		d[i].t = (struct delivery_text){.destination = STR("5511999990001"),
						.number = STR("5511999990001"),
						.text = STR("x"),
						.campaign = str_of(campaign)};
		d[i].validity_ms = 86400000;
		d[i].campaign_id = campaign_id;
		d[i].parts = 1;
	}
	assert_true(intake_post(f.b.e, &s));
	turn();
	assert_int_equal(s.received_us, 0);
	assert_int_equal(s.status, SUBMIT_OK);
	if (ids)
		memcpy(ids, s.ids, n * sizeof *ids);
	free(s.ids);
	free(d);
	return s.batch;
}

static struct control_request asked;

static void run_asked(struct engine *e, struct call *c)
{
	(void)c;
	control_carry_out(e, &asked);
}

static void forget(void)
{
	for (size_t i = 0; i < asked.n; i++)
		free((void *)(uintptr_t)asked.items[i].correlation.p);
	memset(&asked, 0, sizeof asked);
}

static void carry_out(void)
{
	struct call c = {.in.kind = INPUT_CALL, .fn = run_asked};

	assert_true(engine_post(f.b.e, &c.in, true));
	turn();
}

static enum control_result one(enum control_verb verb, struct uid id, uint32_t account, uint32_t sub)
{
	forget();
	asked.verb = verb;
	asked.scope = (struct scope){.account = account, .sub_account = sub};
	asked.items[0].id = id;
	asked.n = 1;
	carry_out();
	return asked.items[0].result;
}

static enum control_result campaign(enum control_verb verb, const char *alias, uint32_t id, uint32_t account, uint32_t sub)
{
	forget();
	asked.verb = verb;
	asked.scope = (struct scope){.account = account, .sub_account = sub};
	asked.campaign_id = id;
	snprintf(asked.campaign, sizeof asked.campaign, "%s", alias);
	carry_out();
	return asked.campaign_result;
}

static const struct delivery *now_of(struct uid id) { return live_get(&f.b.e->lives, id.key)->d; }

static bool was_cancelled(struct uid id)
{
	const struct delivery *d = now_of(id);

	return d->state == D_DONE && d->sent_code == SENT_EXPIRED && d->reason == REASON_CANCELLED;
}

static void messages_are_told_apart(void **state)
{
	struct uid id[4];

	(void)state;
	send(4, 2, "", 0, id);
	assert_int_equal(one(CONTROL_CANCEL, id[0], 1, 3), CONTROL_UNKNOWN); /* another sub-account's */
	assert_int_equal(one(CONTROL_CANCEL, id[0], 2, 0), CONTROL_UNKNOWN); /* another account's */
	assert_int_equal(one(CONTROL_CANCEL, (struct uid){id[0].key, id[0].rest ^ 1}, 1, 0), CONTROL_UNKNOWN);
	assert_int_equal(one(CONTROL_CANCEL, (struct uid){id[3].key + 100, 1}, 1, 0), CONTROL_UNKNOWN);
	assert_int_equal(now_of(id[0])->state, D_QUEUED);
	assert_int_equal(one(CONTROL_RESUME, id[0], 1, 2), CONTROL_NOT_PAUSED);
	assert_int_equal(one(CONTROL_CANCEL, id[0], 1, 2), CONTROL_DONE);
	assert_true(was_cancelled(id[0]));
	assert_int_equal(one(CONTROL_CANCEL, id[0], 1, 0), CONTROL_DONE); /* the same again is no other answer */
	assert_int_equal(one(CONTROL_PAUSE, id[0], 1, 0), CONTROL_ENDED);
	assert_int_equal(one(CONTROL_PAUSE, id[1], 1, 0), CONTROL_DONE);
	assert_int_equal(one(CONTROL_PAUSE, id[1], 1, 0), CONTROL_DONE);
	assert_true(delivery_paused(now_of(id[1])));
	assert_int_equal(one(CONTROL_RESUME, id[1], 1, 0), CONTROL_DONE);
	assert_int_equal(one(CONTROL_RESUME, id[1], 1, 0), CONTROL_NOT_PAUSED);
	/* paused and cancelled */
	assert_int_equal(one(CONTROL_PAUSE, id[2], 1, 0), CONTROL_DONE);
	assert_int_equal(one(CONTROL_CANCEL, id[2], 1, 0), CONTROL_DONE);
	assert_true(was_cancelled(id[2]));
	assert_int_equal(one(CONTROL_RESUME, id[2], 1, 0), CONTROL_ENDED);
	forget();
}

static void what_was_said_outlives_the_process(void **state)
{
	struct uid id[3], later;

	(void)state;
	send(3, 2, "spring", 0, id);
	assert_int_equal(one(CONTROL_CANCEL, id[0], 1, 2), CONTROL_DONE);
	assert_int_equal(one(CONTROL_PAUSE, id[1], 1, 2), CONTROL_DONE);
	assert_int_equal(campaign(CONTROL_PAUSE, "spring", 0, 1, 2), CONTROL_DONE);
	restart();
	assert_true(was_cancelled(id[0]));
	assert_true(delivery_paused(now_of(id[1])));
	assert_int_equal(control_says(f.b.e, now_of(id[2])), ORDER_PAUSE);
	send(1, 2, "spring", 0, &later);
	assert_int_equal(control_says(f.b.e, now_of(later)), ORDER_PAUSE); /* later ones too */
	assert_int_equal(one(CONTROL_RESUME, id[1], 1, 2), CONTROL_HELD);  /* by its campaign */
	assert_false(delivery_paused(now_of(id[1])));
	assert_int_equal(campaign(CONTROL_RESUME, "spring", 0, 1, 2), CONTROL_DONE);
	restart();
	assert_int_equal(control_says(f.b.e, now_of(id[1])), ORDER_NOTHING);
	assert_int_equal(campaign(CONTROL_RESUME, "spring", 0, 1, 2), CONTROL_NOT_PAUSED);
	forget();
}

static void a_batch_in_its_order_and_no_more(void **state)
{
	struct uid before, id[30], after, batch;

	(void)state;
	send(1, 2, "", 0, &before);
	batch = send(30, 2, "", 0, id);
	send(1, 2, "", 0, &after);
	assert_int_equal(one(CONTROL_CANCEL, id[7], 1, 2), CONTROL_DONE);
	for (int pass = 0; pass < 2; pass++) {
		forget();
		asked.verb = CONTROL_PAUSE;
		asked.scope = (struct scope){.account = 1, .sub_account = pass ? 2 : 3};
		asked.batch = batch;
		carry_out();
		assert_int_equal(asked.batch_result, pass ? CONTROL_DONE : CONTROL_UNKNOWN);
		assert_int_equal(asked.n, pass ? 30 : 0);
	}
	for (size_t i = 0; i < asked.n; i++) {
		assert_int_equal(asked.items[i].id.key, id[i].key);
		assert_int_equal(asked.items[i].result, i == 7 ? CONTROL_ENDED : CONTROL_DONE);
	}
	assert_false(delivery_paused(now_of(before)) || delivery_paused(now_of(after)));
	forget();
}

static void campaigns_by_scope_alias_and_id(void **state)
{
	struct uid a, b, c;

	(void)state;
	send(1, 2, "spring", 7, &a);
	send(1, 3, "spring", 7, &b);
	send(1, 2, "autumn", 8, &c);
	assert_int_equal(campaign(CONTROL_PAUSE, "spring", 0, 1, 2), CONTROL_DONE);
	assert_int_equal(campaign(CONTROL_PAUSE, "spring", 0, 1, 2), CONTROL_DONE);
	assert_int_equal(f.b.e->control.count, 1);
	assert_int_equal(control_says(f.b.e, now_of(a)), ORDER_PAUSE);
	assert_int_equal(control_says(f.b.e, now_of(b)), ORDER_NOTHING);
	assert_int_equal(control_says(f.b.e, now_of(c)), ORDER_NOTHING);
	assert_int_equal(campaign(CONTROL_PAUSE, "spring", 0, 2, 0), CONTROL_DONE); /* another account's of that name */
	assert_int_equal(control_says(f.b.e, now_of(b)), ORDER_NOTHING);
	assert_int_equal(campaign(CONTROL_PAUSE, "", 7, 1, 0), CONTROL_DONE);
	assert_int_equal(control_says(f.b.e, now_of(b)), ORDER_PAUSE);
	/* A sub-account cannot end what the account said. */
	assert_int_equal(campaign(CONTROL_RESUME, "", 7, 1, 3), CONTROL_HELD);
	assert_int_equal(control_says(f.b.e, now_of(b)), ORDER_PAUSE);
	assert_int_equal(campaign(CONTROL_RESUME, "", 7, 1, 0), CONTROL_DONE);
	assert_int_equal(control_says(f.b.e, now_of(b)), ORDER_NOTHING);
	assert_int_equal(control_says(f.b.e, now_of(a)), ORDER_PAUSE);               /* by alias still */
	assert_int_equal(campaign(CONTROL_RESUME, "spring", 0, 1, 0), CONTROL_DONE); /* the account ends a sub-account's */
	assert_int_equal(control_says(f.b.e, now_of(a)), ORDER_NOTHING);
	/* Cancelled wins over paused, and counts for what there was, not for what comes. */
	assert_int_equal(campaign(CONTROL_PAUSE, "", 8, 1, 0), CONTROL_DONE);
	assert_int_equal(campaign(CONTROL_CANCEL, "autumn", 0, 1, 0), CONTROL_DONE);
	settle();
	assert_true(was_cancelled(c));
	assert_int_equal(campaign(CONTROL_RESUME, "", 8, 1, 0), CONTROL_DONE);
	send(1, 2, "autumn", 8, &c);
	turn();
	assert_int_equal(now_of(c)->state, D_QUEUED);
	assert_int_equal(control_says(f.b.e, now_of(c)), ORDER_NOTHING);
	forget();
}

static uint64_t cancelled_of(void)
{
	const struct control *c = &f.b.e->control;

	return c->over[(c->over_n - 1) % CONTROL_OVER_MAX].say.cancelled;
}

/* In steps, others go on meanwhile, and a kill in the middle loses nothing. */
static void a_big_campaign_is_cancelled_in_steps(void **state)
{
	enum { MANY = 20, EACH = 1000 };
	static struct uid id[MANY][EACH];
	struct uid other, fresh;
	size_t ended = 0;

	(void)state;
	send(1, 2, "", 0, &other);
	for (int i = 0; i < MANY; i++)
		send(EACH, 2, i % 2 ? "big" : "small", 0, id[i]);
	assert_int_equal(campaign(CONTROL_CANCEL, "big", 0, 1, 2), CONTROL_DONE);
	assert_true(f.b.e->control.cancels); /* answered long before it is done */
	send(1, 2, "big", 0, &fresh);
	turn();
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < EACH; k++)
			ended += was_cancelled(id[i][k]);
	assert_true(ended > 0 && ended < MANY * EACH / 2);
	restart();
	assert_true(f.b.e->control.cancels);
	settle();
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < EACH; k++)
			assert_int_equal(was_cancelled(id[i][k]), i % 2);
	assert_int_equal(now_of(other)->state, D_QUEUED);
	assert_int_equal(now_of(fresh)->state, D_QUEUED); /* it came later */
	assert_int_equal(cancelled_of(), MANY * EACH / 2 - ended);
	restart();
	assert_int_equal(f.b.e->control.count, 0);
	forget();
}

static void there_is_room_for_so_many_orders(void **state)
{
	char alias[32];
	struct uid id;

	(void)state;
	send(1, 2, "", 0, &id);
	for (int i = 0; i < CONTROL_ORDERS_OF_ACCOUNT; i++) {
		snprintf(alias, sizeof alias, "c%d", i);
		assert_int_equal(campaign(CONTROL_PAUSE, alias, 0, 1, 0), CONTROL_DONE);
	}
	/* Refused, and then nothing else of the request is carried out either. */
	forget();
	asked.verb = CONTROL_PAUSE;
	asked.scope = (struct scope){.account = 1};
	asked.items[0].id = id;
	asked.n = 1;
	snprintf(asked.campaign, sizeof asked.campaign, "one too many");
	carry_out();
	assert_int_equal(asked.campaign_result, CONTROL_FULL);
	assert_false(delivery_paused(now_of(id)));
	assert_int_equal(campaign(CONTROL_PAUSE, "c0", 0, 2, 0), CONTROL_DONE); /* another account has its own */
	assert_int_equal(campaign(CONTROL_RESUME, "c17", 0, 1, 0), CONTROL_DONE);
	assert_int_equal(campaign(CONTROL_PAUSE, "one too many", 0, 1, 0), CONTROL_DONE);
	restart();
	assert_int_equal(f.b.e->control.count, CONTROL_ORDERS_OF_ACCOUNT + 1);
	forget();
}

static void paused_until_its_time_is_over(void **state)
{
	struct uid id, held;

	(void)state;
	send(1, 2, "", 0, &id);
	send(1, 2, "spring", 0, &held);
	assert_int_equal(one(CONTROL_PAUSE, id, 1, 0), CONTROL_DONE);
	assert_int_equal(campaign(CONTROL_PAUSE, "spring", 0, 1, 0), CONTROL_DONE);
	restart();
	f.b.now += 86400000 - 2000;
	turn();
	assert_int_equal(now_of(id)->state, D_QUEUED);
	f.b.now += 5000;
	turn();
	turn();
	for (int i = 0; i < 2; i++) {
		const struct delivery *d = now_of(i ? held : id);

		assert_int_equal(d->state, D_DONE);
		assert_int_equal(d->sent_code, SENT_EXPIRED);
		assert_int_equal(d->reason, REASON_PAUSED);
	}
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_said_outlives_the_process, setup, teardown),
		cmocka_unit_test_setup_teardown(a_batch_in_its_order_and_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(campaigns_by_scope_alias_and_id, setup, teardown),
		cmocka_unit_test_setup_teardown(a_big_campaign_is_cancelled_in_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_room_for_so_many_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(paused_until_its_time_is_over, setup, teardown),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
