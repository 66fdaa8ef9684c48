/* submit_answers_test.c - answers to what was submitted: statuses of every kind, refused parts, throttling in order. */
#include "world.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>

static void statuses_become_verdicts(void **state)
{
	static struct smpp_status_rule rules[] = {{0x400, (char *)(uintptr_t) "temporary"},
						  {0x401, (char *)(uintptr_t) "bad_number"}};
	static const struct {
		uint32_t status;
		int attempt, verdict;
	} cases[] = {
		{0x08, 1, V_TEMPORARY},  {0x64, 1, V_TEMPORARY},   {0xfe, 1, V_TEMPORARY},
		{0xff, 1, V_TEMPORARY},  {0x45, 1, V_TEMPORARY},   {0x45, 2, V_REFUSED},
		{0x0b, 1, V_BAD_NUMBER}, {0x0a, 1, V_REFUSED},     {0x65, 1, V_REFUSED},
		{0x400, 1, V_TEMPORARY}, {0x401, 1, V_BAD_NUMBER}, {0x402, 1, V_REFUSED},
	};
	struct world *w = world_start();

	(void)state;
	w->conn.statuses = rules;
	w->conn.status_count = 2;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct attempt *a = attempt_make(i + 1, "5511999990001", "x", 1);
		/* Three forms of an error's body: none, one NUL, and something of its own. */
		uint8_t raw[20] = {0, 0, 0, (uint8_t)(16 + i % 3), 0x80, 0, 0, 4};

		a->attempt = (uint8_t)cases[i].attempt;
		world_send(w, a);
		sent(w, i + 1);
		raw[10] = (uint8_t)(cases[i].status >> 8);
		raw[11] = (uint8_t)cases[i].status;
		raw[15] = (uint8_t)w->smsc.pdus[i].m.seq;
		raw[16] = i % 3 == 2 ? 0xc3 : 0;
		smsc_raw(&w->smsc, 0, raw, 16 + i % 3);
		WAIT_FOR(w, w->result_count == i + 1);
		assert_int_equal(w->results[i]->verdict, cases[i].verdict);
		assert_int_equal(w->results[i]->status, cases[i].status);
		assert_int_equal(w->results[i]->id_hash, 0);
	}
	world_finish(w);
}

static void accepted_without_an_id_is_accepted(void **state)
{
	struct world *w = world_start();
	uint8_t bare[16] = {0, 0, 0, 16, 0x80, 0, 0, 4};
	uint8_t monster[16 + 100] = {0, 0, 0, 116, 0x80, 0, 0, 4};

	(void)state;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	world_text(w, 2, "5511999990001", "x", 1);
	sent(w, 2);
	bare[15] = (uint8_t)w->smsc.pdus[0].m.seq;
	monster[15] = (uint8_t)w->smsc.pdus[1].m.seq;
	memset(monster + 16, 'x', 99);
	smsc_raw(&w->smsc, 0, bare, sizeof(bare));
	smsc_raw(&w->smsc, 0, monster, sizeof(monster));
	WAIT_FOR(w, w->result_count == 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(w->results[i]->verdict, V_ACCEPTED);
		assert_string_equal(w->results[i]->id, "");
		assert_int_equal(w->results[i]->id_hash, 0);
	}
	world_finish(w);
}

static void nack_by_number_ends_its_message_others_are_logged(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu nack = {.id = SMPP_GENERIC_NACK, .status = 2};

	(void)state;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	sent(w, 1);
	nack.seq = 4711;
	smsc_send(&w->smsc, 0, &nack);
	WAIT_FOR(w, world_logged(w, "sequence=4711"));
	assert_int_equal(w->result_count, 0);
	nack.seq = w->smsc.pdus[0].m.seq;
	smsc_send(&w->smsc, 0, &nack);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_NACK);
	assert_int_equal(w->results[0]->status, 2);
	assert_int_equal(w->smsc.link_count, 1);
	world_finish(w);
}

static void answers_nobody_asked_for_change_nothing(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu resp = {.id = SMPP_SUBMIT_SM_RESP, .seq = 99};

	(void)state;
	world_bound(w);
	smsc_send(&w->smsc, 0, &resp);
	resp.seq = 0;
	smsc_send(&w->smsc, 0, &resp);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	smsc_answer(&w->smsc, 0, 0, "again"); /* a second answer */
	smsc_answer(&w->smsc, 0, 0x0b, "");
	world_run(w, 20);
	assert_int_equal(w->result_count, 1);
	assert_int_equal(w->credits, 10);
	world_finish(w);
}

static void a_refused_part_stops_the_others(void **state)
{
	struct world *w = world_start();
	char *text = repeat('a', 153 * 5);

	(void)state;
	w->conn.window = 3;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", text, 5);
	sent(w, 3);
	smsc_answer(&w->smsc, 0, 0, "one");
	sent(w, 4);
	smsc_answer(&w->smsc, 1, SMPP_RSUBMITFAIL + 0x300, ""); /* 0x345: unknown, hence final */
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	assert_int_equal(w->results[1]->verdict, V_REFUSED);
	assert_int_equal(w->results[1]->part, 0);
	assert_int_equal(w->results[1]->parts, 5);
	smsc_answer(&w->smsc, 2, 0, "three");
	smsc_answer(&w->smsc, 3, 0x0b, "");
	world_run(w, 30);
	assert_int_equal(w->result_count, 2); /* the fifth part never left, the answers of the rest are not told */
	assert_int_equal(smsc_count(&w->smsc, SMPP_SUBMIT_SM), 4);
	WAIT_FOR(w, w->credits == 3);
	free(text);
	world_finish(w);
}

static uint32_t throttle_4th_to_6th(struct smsc *s, const struct smpp_pdu *m)
{
	(void)m;
	return s->count >= 3 && s->count < 6 ? s->count % 2 ? SMPP_RTHROTTLED : SMPP_RMSGQFUL : 0;
}

static void throttled_parts_go_first_and_in_order(void **state)
{
	struct world *w = world_start();
	char number[20];
	int last = 0;

	(void)state;
	w->smsc.judge = throttle_4th_to_6th;
	w->conn.window = 6;
	world_bound(w);
	for (int i = 1; i <= 12; i++) {
		snprintf(number, sizeof(number), "55119999900%02d", i);
		world_text(w, i, number, "x", 1);
	}
	WAIT_FOR(w, w->result_count == 12);
	assert_int_equal(results_with(w, V_ACCEPTED), 12);
	/* 1 2 3 4 5 6 were out when 4 was throttled; then 4 5 6 again before 7. */
	for (unsigned i = 6; i < w->smsc.pdu_count; i++) {
		int n = (int)strtol(w->smsc.pdus[i].m.dest.text + 11, NULL, 10);

		if (i == 6)
			assert_true(n == 4 || n == 7); /* 7 may have gone when 1 was answered */
		if (n < 4 || n > 6)
			continue;
		assert_true(n > last);
		last = n;
	}
	assert_int_equal(last, 6);
	for (unsigned i = 0; i < w->smsc.pdu_count; i++) {
		if (strcmp(w->smsc.pdus[i].m.dest.text, "5511999990008") == 0)
			assert_true(i > 8); /* did not overtake */
	}
	world_finish(w);
}

static uint32_t always_throttled(struct smsc *s, const struct smpp_pdu *m)
{
	(void)s, (void)m;
	return SMPP_RTHROTTLED;
}

static void throttled_until_it_expires(void **state)
{
	struct world *w = world_start();
	struct attempt *a;
	char *text = repeat('a', 300);

	(void)state;
	w->smsc.judge = always_throttled;
	w->conn.window = 2;
	w->conn.timers.throttle_ms = 30;
	world_bound(w);
	a = attempt_make(1, "5511999990001", text, 2);
	a->expires_at = wall_ms() + 400;
	world_send(w, a);
	a = attempt_make(2, "5511999990002", "x", 1); /* waits behind it */
	a->expires_at = wall_ms() + 300;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_EXPIRED);
	assert_int_equal(result_of(w, 2, 0)->verdict, V_EXPIRED);
	assert_in_range(smsc_count(&w->smsc, SMPP_SUBMIT_SM), 3, 40); /* tried again, with pauses */
	a = attempt_make(3, "5511999990003", "x", 1);
	a->expires_at = wall_ms() - 1;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 3);
	assert_int_equal(result_of(w, 3, 0)->verdict, V_EXPIRED);
	free(text);
	world_finish(w);
}

/* A window that shuts: what did not leave, or was refused by throttling, waits for the next; what has begun is finished. */
static void what_has_not_left_when_its_window_shuts_comes_back(void **state)
{
	struct world *w = world_start();
	struct attempt *a;

	(void)state;
	world_bound(w);
	a = attempt_make(1, "5511999990001", "x", 1);
	a->shuts_at = wall_ms() - 1;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_NOT_SENT);
	assert_int_equal(smsc_count(&w->smsc, SMPP_SUBMIT_SM), 0);
	a = attempt_make(2, "5511999990002", "x", 1);
	a->shuts_at = wall_ms() + 3600000;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 2);
	assert_int_equal(result_of(w, 2, 0)->verdict, V_ACCEPTED);
	w->smsc.judge = always_throttled;
	a = attempt_make(3, "5511999990003", "x", 1);
	a->shuts_at = wall_ms() + 300;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 3);
	assert_int_equal(result_of(w, 3, 0)->verdict, V_NOT_SENT);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses_become_verdicts),
		cmocka_unit_test(accepted_without_an_id_is_accepted),
		cmocka_unit_test(nack_by_number_ends_its_message_others_are_logged),
		cmocka_unit_test(answers_nobody_asked_for_change_nothing),
		cmocka_unit_test(a_refused_part_stops_the_others),
		cmocka_unit_test(throttled_parts_go_first_and_in_order),
		cmocka_unit_test(throttled_until_it_expires),
		cmocka_unit_test(what_has_not_left_when_its_window_shuts_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
