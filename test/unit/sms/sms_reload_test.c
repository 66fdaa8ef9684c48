/* sms_reload_test.c - connections that change while they run: by a reload, and by the operator's word. */
#include "world.h"

static void reload_in_place(void **state)
{
	struct world *w = world_start();
	struct err e;

	(void)state;
	world_bound(w);
	w->conn.window = 25;
	w->conn.source = words("Loja");
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, w->credits == 25);
	assert_int_equal(w->smsc.link_count, 1);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_string_equal(smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0)->source.text, "Loja");
	world_finish(w);
}

static void reload_with_another_account_drains_the_old_binds(void **state)
{
	struct world *w = world_start();
	struct err e;

	(void)state;
	w->smsc.mute_submits = true;
	w->conn.timers.response_ms = 5000;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	w->conn.system_id = words("other");
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, w->smsc.link_count == 2 && w->credits == 10);
	assert_string_equal(w->smsc.last_bind.system_id, "other");
	world_text(w, 2, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 2);
	assert_int_equal(w->smsc.pdus[1].link, 1);
	smsc_answer(&w->smsc, 0, 0, "old");
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_UNBIND) == 1 && w->smsc.links[0].closed);
	assert_true(w->up);
	world_finish(w);
}

static void reload_adds_and_removes(void **state)
{
	struct world *w = world_start();
	struct connection_setting two[2];
	struct attempt *a;
	struct err e;

	(void)state;
	smsc_open(&w->second, loop_base(w->loop), NULL);
	w->urls[1] = smsc_url(&w->second, "smpp", "127.0.0.1");
	world_bound(w);
	two[0] = two[1] = w->conn;
	two[1].name = words("backup");
	two[1].number = 2 + 256; /* same bucket as another would be */
	two[1].smpp = &w->urls[1];
	w->settings.sms.connections = two;
	w->settings.sms.connection_count = 2;
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, w->credits == 20); /* of both */
	a = attempt_make(1, "5511999990001", "x", 1);
	a->connection = 258;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->second.pdu_count, 1);
	w->settings.sms.connections = two + 1;
	w->settings.sms.connection_count = 1;
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, w->smsc.links[0].closed);
	assert_int_equal(w->second.link_count, 1);
	world_text(w, 2, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(w->results[1]->verdict, V_NOT_SENT);
	world_finish(w);
}

static void a_bad_reload_changes_nothing(void **state)
{
	struct world *w = world_start();
	char *good = w->urls[0];
	struct err e;

	(void)state;
	world_bound(w);
	w->urls[0] = words("http://x");
	assert_true(w->ch->ops->reload(w->ch, &w->settings, &e) < 0);
	assert_non_null(strstr(e.text, "http://x"));
	w->urls[0] = good;
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	world_finish(w);
}

static unsigned held, held_found;

static void on_held(void *ctx, bool found)
{
	(void)ctx;
	held++;
	held_found += found;
}

static void hold(struct world *w, uint16_t connection, enum hold h)
{
	unsigned before = held;

	w->ch->ops->hold(w->ch, connection, h, on_held, NULL);
	WAIT_FOR(w, held == before + 1);
}

static void a_paused_connection_begins_nothing_and_stays_bound(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.window = 4;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (int i = 1; i <= 6; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 4);
	held_found = 0;
	hold(w, 1, HOLD_PAUSED);
	assert_int_equal(held_found, 1);
	/* What had not begun is given back, and the core knows before that there is no room. */
	assert_int_equal(w->result_count, 2);
	assert_int_equal(result_of(w, 5, 0)->verdict, V_NOT_SENT);
	assert_int_equal(result_of(w, 6, 0)->verdict, V_NOT_SENT);
	assert_false(w->up);
	world_text(w, 7, "5511999990001", "x", 1); /* crossed the order on its way */
	WAIT_FOR(w, result_of(w, 7, 0));
	assert_int_equal(result_of(w, 7, 0)->verdict, V_NOT_SENT);
	/* What was out is answered as ever; there is no new room by it. */
	for (unsigned i = 0; i < 4; i++)
		smsc_answer(&w->smsc, i, 0, "id");
	WAIT_FOR(w, results_with(w, V_ACCEPTED) == 4);
	world_run(w, 20);
	assert_false(w->up);
	assert_int_equal(w->smsc.pdu_count, 4);
	assert_int_equal(w->smsc.binds, 1);
	hold(w, 1, HOLD_NONE);
	WAIT_FOR(w, w->up && w->credits == 4);
	world_text(w, 8, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 5);
	assert_int_equal(w->smsc.binds, 1);
	held_found = 0;
	hold(w, 99, HOLD_PAUSED);
	assert_int_equal(held_found, 0);
	world_finish(w);
}

static void what_was_only_throttled_comes_back_from_a_paused_connection(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.window = 4;
	w->conn.timers.throttle_ms = 60000;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	smsc_answer(&w->smsc, 0, SMPP_RTHROTTLED, "");
	WAIT_FOR(w, world_link(w, 0)->again.count == 1);
	hold(w, 1, HOLD_PAUSED);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_NOT_SENT);
	assert_int_equal(world_link(w, 0)->unwritten, 0);
	world_finish(w);
}

static void a_drained_connection_finishes_unbinds_and_comes_back(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	hold(w, 1, HOLD_DRAINED);
	world_run(w, 20);
	assert_int_equal(smsc_count(&w->smsc, SMPP_UNBIND), 0); /* an answer is still out */
	smsc_answer(&w->smsc, 0, 0, "id");
	WAIT_FOR(w, world_link(w, 0)->state == SESSION_CLOSED);
	assert_int_equal(smsc_count(&w->smsc, SMPP_UNBIND), 1);
	assert_int_equal(results_with(w, V_ACCEPTED), 1);
	world_run(w, 50);
	assert_int_equal(w->smsc.binds, 1); /* it does not come back by itself */
	hold(w, 1, HOLD_NONE);
	WAIT_FOR(w, w->smsc.binds == 2 && w->up && w->credits > 0);
	world_finish(w);
}

static void a_held_connection_is_held_from_the_start_and_by_a_reload(void **state)
{
	struct world *w = world_start();
	struct err e;

	(void)state;
	w->conn.hold = HOLD_DRAINED;
	world_open(w);
	world_run(w, 50);
	assert_int_equal(w->smsc.binds, 0);
	w->conn.hold = HOLD_PAUSED;
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, world_link(w, 0)->state == SESSION_BOUND);
	world_run(w, 20);
	assert_false(w->up);
	w->conn.hold = HOLD_NONE;
	assert_int_equal(w->ch->ops->reload(w->ch, &w->settings, &e), 0);
	WAIT_FOR(w, w->up && w->credits > 0);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_in_place),
		cmocka_unit_test(reload_with_another_account_drains_the_old_binds),
		cmocka_unit_test(reload_adds_and_removes),
		cmocka_unit_test(a_bad_reload_changes_nothing),
		cmocka_unit_test(a_paused_connection_begins_nothing_and_stays_bound),
		cmocka_unit_test(what_was_only_throttled_comes_back_from_a_paused_connection),
		cmocka_unit_test(a_drained_connection_finishes_unbinds_and_comes_back),
		cmocka_unit_test(a_held_connection_is_held_from_the_start_and_by_a_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
