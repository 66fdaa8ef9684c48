/* submit_doubt_test.c - no answer to what was submitted: timers, links lost with a full window, what is in doubt and what is not. */
#include "world.h"

#include <event2/bufferevent.h>
#include <event2/event.h>

static void no_response_is_doubt_and_a_late_one_is_told(void **state)
{
	struct world *w = world_start();
	char *text = repeat('a', 300);

	(void)state;
	w->conn.timers.response_ms = 60;
	w->conn.window = 3;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	world_text(w, 2, "5511999990002", text, 2);
	sent(w, 3);
	smsc_answer(&w->smsc, 1, 0, "part1");
	WAIT_FOR(w, w->result_count == 3);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_DOUBT);
	assert_int_equal(result_of(w, 2, 0)->verdict, V_ACCEPTED);
	assert_int_equal(result_of(w, 2, 1)->verdict, V_DOUBT);
	WAIT_FOR(w, w->credits == 3);            /* the slots are free again */
	assert_int_equal(w->smsc.link_count, 1); /* the link stays */
	smsc_answer(&w->smsc, 0, 0, "late");
	smsc_answer(&w->smsc, 2, 0, "part2");
	WAIT_FOR(w, w->result_count == 5);
	assert_int_equal(result_of(w, 1, 1)->verdict, V_ACCEPTED);
	assert_string_equal(result_of(w, 1, 1)->id, "late");
	assert_int_equal(result_of(w, 2, 2)->verdict, V_ACCEPTED);
	assert_int_equal(result_of(w, 2, 2)->part, 1);
	/* Those that never come are forgotten one day: more late ones than the window are not kept. */
	for (int i = 10; i < 20; i++)
		world_text(w, i, "5511999990001", "x", 1);
	WAIT_FOR(w, results_with(w, V_DOUBT) == 12);
	assert_in_range(world_link(w, 0)->window.late.count, 1, 3);
	free(text);
	world_finish(w);
}

static void a_lost_link_with_a_full_window(void **state)
{
	struct world *w = world_start();
	unsigned resets = 0, i;

	(void)state;
	w->conn.window = 5;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (i = 1; i <= 8; i++)
		world_text(w, i, "5511999990001", "x", 1);
	sent(w, 5);
	smsc_answer(&w->smsc, 2, 0, "third");
	sent(w, 6);
	smsc_drop(&w->smsc, 0);
	WAIT_FOR(w, w->result_count == 8);
	assert_int_equal(result_of(w, 3, 0)->verdict, V_ACCEPTED);
	for (i = 1; i <= 8; i++) {
		assert_null(result_of(w, i, 1)); /* once per attempt */
		if (i != 3)
			assert_int_equal(result_of(w, i, 0)->verdict, i <= 6 ? V_DOUBT : V_NOT_SENT);
	}
	for (i = 0; i < w->cap_count; i++)
		resets += w->caps[i].reset && !w->caps[i].up;
	assert_int_equal(resets, 1);
	WAIT_FOR(w, w->up && w->credits == 5); /* and back it is, with a fresh window */
	assert_int_equal(w->smsc.link_count, 2);
	world_text(w, 20, "5511999990001", "x", 1);
	sent(w, 7);
	assert_int_equal(w->smsc.pdus[6].m.seq, 2); /* numbers start anew */
	smsc_answer(&w->smsc, 6, 0, "new");
	WAIT_FOR(w, w->result_count == 9);
	world_finish(w);
}

static void what_the_kernel_never_got_was_not_sent(void **state)
{
	struct world *w = world_start();
	char *text = repeat('a', 600);
	unsigned doubt, not_sent;

	(void)state;
	/* The SMSC does not read: socket buffers fill, the rest stays with us. */
	w->conn.window = 30000;
	w->conn.profile.join = JOIN_PAYLOAD;
	w->conn.timers.response_ms = 60000;
	world_bound(w);
	bufferevent_disable(w->smsc.links[0].bev, EV_READ);
	for (int i = 1; i <= 20000; i++)
		world_text(w, i, "5511999990001", text, 1);
	WAIT_FOR(w, world_link(w, 0)->output_full);
	world_run(w, 50);
	smsc_drop(&w->smsc, 0);
	WAIT_FOR(w, w->result_count == 20000);
	doubt = results_with(w, V_DOUBT);
	not_sent = results_with(w, V_NOT_SENT);
	assert_int_equal(doubt + not_sent, 20000);
	assert_true(doubt > 0);
	assert_true(not_sent > 0);
	/* What the SMSC's side of the socket held, and what was in between, is doubt: all of it before what was not sent. */
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(result_of(w, i, 0)->verdict, i <= (int)doubt ? V_DOUBT : V_NOT_SENT);
	free(text);
	world_finish(w);
}

static uint32_t bad_bind_state(struct smsc *s, const struct smpp_pdu *m)
{
	(void)s;
	return m->dest.text[12] == '9' ? SMPP_RINVBNDSTS : 0;
}

static void a_session_status_drops_the_link_but_is_no_doubt(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->smsc.judge = bad_bind_state;
	world_bound(w);
	world_text(w, 1, "5511999990009", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_NOT_SENT);
	assert_int_equal(w->results[0]->status, SMPP_RINVBNDSTS);
	WAIT_FOR(w, w->smsc.link_count == 2 && w->up);
	world_finish(w);
}

static void parts_accepted_before_the_loss_make_the_rest_doubtful(void **state)
{
	struct world *w = world_start();
	char *text = repeat('a', 153 * 4);

	(void)state;
	w->conn.window = 1;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", text, 4);
	sent(w, 1);
	smsc_answer(&w->smsc, 0, 0, "one");
	sent(w, 2);
	smsc_drop(&w->smsc, 0);
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	assert_int_equal(w->results[1]->verdict, V_DOUBT);
	free(text);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_response_is_doubt_and_a_late_one_is_told),
		cmocka_unit_test(a_lost_link_with_a_full_window),
		cmocka_unit_test(what_the_kernel_never_got_was_not_sent),
		cmocka_unit_test(a_session_status_drops_the_link_but_is_no_doubt),
		cmocka_unit_test(parts_accepted_before_the_loss_make_the_rest_doubtful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
