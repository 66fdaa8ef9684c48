/* Submitting: parts, windows, answers of every kind, throttling in order, doubt. */
#include "world.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>

static struct world *start(void)
{
	struct world *w = xnew(struct world);

	world_setup(w);
	return w;
}

static void finish(struct world *w)
{
	world_end(w);
	free(w);
}

static void sent(struct world *w, unsigned n) { WAIT_FOR(w, smsc_count(&w->smsc, SMPP_SUBMIT_SM) == n); }

static void one_part_goes_out_and_is_accepted(void **state)
{
	struct world *w = start();
	const struct smpp_pdu *m;
	struct attempt *a;

	(void)state;
	w->conn.profile.service_type = (char *)(uintptr_t) "CMT";
	world_bound(w);
	a = attempt_make(42, "5511999990001", "Ol\xc3\xa0 @", 1);
	a->attempt = 3;
	a->expires_at = wall_ms() + 1805000;
	world_send(w, a);
	WAIT_FOR(w, w->result_count == 1);
	m = smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0);
	assert_string_equal(m->dest.text, "5511999990001");
	assert_int_equal(m->dest.ton, 1);
	assert_int_equal(m->dest.npi, 1);
	assert_string_equal(m->source.text, "27182");
	assert_int_equal(m->source.ton, 3);
	assert_string_equal(m->service_type, "CMT");
	assert_int_equal(m->registered_delivery, 1);
	assert_int_equal(m->data_coding, 0);
	assert_int_equal(m->short_message.n, 5);
	assert_memory_equal(m->short_message.p, "Ol\x7f \0", 5);
	assert_memory_equal(m->validity, "0000000030", 10); /* half an hour and some seconds */
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	assert_int_equal(w->results[0]->key, 42);
	assert_int_equal(w->results[0]->attempt, 3);
	assert_int_equal(w->results[0]->connection, 1);
	assert_int_equal(w->results[0]->part, 0);
	assert_int_equal(w->results[0]->parts, 1);
	assert_string_equal(w->results[0]->id, "00001000");
	assert_true(w->results[0]->id_hash != 0);
	WAIT_FOR(w, w->credits == 10); /* the slot was granted again */
	finish(w);
}

static void no_reports_and_flash(void **state)
{
	struct world *w = start();
	struct attempt *a;

	(void)state;
	world_bound(w);
	a = attempt_make(1, "5511999990001", "x", 1);
	a->flags = DF_NO_REPORTS | DF_FLASH;
	world_send(w, a);
	sent(w, 1);
	assert_int_equal(smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0)->registered_delivery, 0);
	assert_int_equal(smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0)->data_coding, 0x10);
	finish(w);
}

static void long_texts_go_out_in_a_row_with_a_receipt_asked_on_every_part(void **state)
{
	struct world *w = start();
	char *text = repeat('a', 400);

	(void)state;
	w->conn.binds = 2;
	world_bound(w);
	world_text(w, 1, "5511999990001", text, 3);
	world_text(w, 2, "5511999990002", text, 3);
	world_text(w, 3, "5511999990001", text, 3);
	WAIT_FOR(w, w->result_count == 9);
	for (unsigned i = 0; i < 9; i++) {
		const struct smsc_pdu *k = &w->smsc.pdus[i];

		assert_int_equal(k->m.registered_delivery, 1);
		assert_int_equal(k->m.esm_class, SMPP_ESM_UDHI);
		assert_int_equal(k->m.short_message.p[4], 3);
	}
	for (int64_t key = 1; key <= 3; key++) {
		unsigned seen = 0;

		for (unsigned n = 0; n < 3; n++) {
			struct result *r = result_of(w, key, n);

			assert_int_equal(r->verdict, V_ACCEPTED);
			assert_int_equal(r->parts, 3);
			seen |= 1u << r->part;
		}
		assert_int_equal(seen, 7);
	}
	/* In a row on one link: of each link's stream, parts 1 2 3 1 2 3 with one reference each. */
	for (unsigned link = 0; link < 2; link++) {
		unsigned want = 1, ref = 0;

		for (unsigned i = 0; i < 9; i++) {
			const uint8_t *udh = w->smsc.pdus[i].m.short_message.p;

			if (w->smsc.pdus[i].link != link)
				continue;
			assert_int_equal(udh[5], want);
			assert_true(want == 1 || udh[3] == ref);
			ref = udh[3];
			want = want % 3 + 1;
		}
		assert_int_equal(want, 1);
	}
	free(text);
	finish(w);
}

static void references_to_one_number_differ(void **state)
{
	struct world *w = start();
	char *text = repeat('a', 200);
	uint8_t refs[5];

	(void)state;
	world_bound(w);
	for (int i = 0; i < 5; i++) {
		world_text(w, i + 1, "5511999990001", text, 2);
		sent(w, (unsigned)(i + 1) * 2);
		refs[i] = w->smsc.pdus[i * 2].m.short_message.p[3];
		assert_int_equal(w->smsc.pdus[i * 2 + 1].m.short_message.p[3], refs[i]);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(refs[k], refs[i]);
	}
	free(text);
	finish(w);
}

static void every_way_of_joining(void **state)
{
	static const enum join joins[] = {JOIN_UDH16, JOIN_SAR, JOIN_PAYLOAD, JOIN_NONE};
	char *text = repeat('a', 200);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		struct world *w = start();
		unsigned n = joins[i] == JOIN_PAYLOAD ? 1 : 2;
		const struct smpp_pdu *m;

		w->conn.profile.join = joins[i];
		world_bound(w);
		world_text(w, 1, "5511999990001", text, 2);
		WAIT_FOR(w, w->result_count == n);
		WAIT_FOR(w, w->credits == 10); /* charged 2, whatever it became */
		m = smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0);
		assert_int_equal(w->results[0]->parts, n);
		switch (joins[i]) {
		case JOIN_UDH16:
			assert_int_equal(m->esm_class, SMPP_ESM_UDHI);
			assert_int_equal(m->short_message.p[0], 6);
			break;
		case JOIN_SAR:
			assert_int_equal(m->esm_class, 0);
			assert_int_equal(m->sar_total, 2);
			break;
		case JOIN_PAYLOAD:
			assert_int_equal(m->payload.n, 200);
			assert_int_equal(m->short_message.n, 0);
			break;
		case JOIN_NONE: assert_memory_equal(m->short_message.p, "(1/2) ", 6); break;
		case JOIN_UDH8: break;
		}
		finish(w);
	}
	free(text);
}

static void texts_and_numbers_that_cannot_go_are_said_at_once(void **state)
{
	struct world *w = start();

	(void)state;
	w->conn.profile.alphabets = ALPHABET_ASCII;
	world_bound(w);
	world_text(w, 1, "5511999990001", "\xe6\xbc\xa2", 1);
	world_text(w, 2, "", "x", 1);
	world_text(w, 3, "55119999900015511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 3);
	assert_int_equal(result_of(w, 1, 0)->verdict, V_TEXT);
	assert_int_equal(result_of(w, 2, 0)->verdict, V_BAD_NUMBER);
	assert_int_equal(result_of(w, 3, 0)->verdict, V_BAD_NUMBER);
	assert_int_equal(w->smsc.pdu_count, 0);
	WAIT_FOR(w, w->credits == 10);
	finish(w);
}

static void the_window_holds_and_answers_come_in_any_order(void **state)
{
	struct world *w = start();

	(void)state;
	w->conn.window = 4;
	w->smsc.mute_submits = true;
	world_bound(w);
	for (int i = 1; i <= 12; i++) /* more than was granted: they wait in the link's queue */
		world_text(w, i, "5511999990001", "x", 1);
	sent(w, 4);
	world_run(w, 30);
	assert_int_equal(smsc_count(&w->smsc, SMPP_SUBMIT_SM), 4);
	smsc_answer(&w->smsc, 3, 0, "d");
	smsc_answer(&w->smsc, 1, 0, "b");
	WAIT_FOR(w, w->result_count == 2);
	assert_string_equal(result_of(w, 4, 0)->id, "d");
	assert_string_equal(result_of(w, 2, 0)->id, "b");
	sent(w, 6);
	for (unsigned i = 0; i < 12; i++) {
		if (i == 1 || i == 3)
			continue;
		WAIT_FOR(w, w->smsc.pdu_count > i);
		smsc_answer(&w->smsc, i, 0, "z");
	}
	WAIT_FOR(w, w->result_count == 12);
	WAIT_FOR(w, w->credits == 4);
	finish(w);
}

static void more_parts_than_the_window_are_never_torn(void **state)
{
	struct world *w = start();
	char *text = repeat('a', 153 * 7);

	(void)state;
	w->conn.window = 2;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", text, 7);
	world_text(w, 2, "5511999990002", "x", 1);
	for (unsigned i = 0; i < 8; i++) {
		WAIT_FOR(w, w->smsc.pdu_count > i);
		smsc_answer(&w->smsc, i, 0, "z");
	}
	WAIT_FOR(w, w->result_count == 8);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(w->smsc.pdus[i].m.short_message.p[5], i + 1);
	assert_string_equal(w->smsc.pdus[7].m.dest.text, "5511999990002");
	WAIT_FOR(w, w->credits == 2);
	free(text);
	finish(w);
}

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
	struct world *w = start();

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
	finish(w);
}

static void accepted_without_an_id_is_accepted(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void nack_by_number_ends_its_message_others_are_logged(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void answers_nobody_asked_for_change_nothing(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void a_refused_part_stops_the_others(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static uint32_t throttle_4th_to_6th(struct smsc *s, const struct smpp_pdu *m)
{
	(void)m;
	return s->count >= 3 && s->count < 6 ? s->count % 2 ? SMPP_RTHROTTLED : SMPP_RMSGQFUL : 0;
}

static void throttled_parts_go_first_and_in_order(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static uint32_t always_throttled(struct smsc *s, const struct smpp_pdu *m)
{
	(void)s, (void)m;
	return SMPP_RTHROTTLED;
}

static void throttled_until_it_expires(void **state)
{
	struct world *w = start();
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
	finish(w);
}

/* A window that shuts: what did not leave, or was refused by throttling, waits for the next; what has begun is finished. */
static void what_has_not_left_when_its_window_shuts_comes_back(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void no_response_is_doubt_and_a_late_one_is_told(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void a_lost_link_with_a_full_window(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void what_the_kernel_never_got_was_not_sent(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static uint32_t bad_bind_state(struct smsc *s, const struct smpp_pdu *m)
{
	(void)s;
	return m->dest.text[12] == '9' ? SMPP_RINVBNDSTS : 0;
}

static void a_session_status_drops_the_link_but_is_no_doubt(void **state)
{
	struct world *w = start();

	(void)state;
	w->smsc.judge = bad_bind_state;
	world_bound(w);
	world_text(w, 1, "5511999990009", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_NOT_SENT);
	assert_int_equal(w->results[0]->status, SMPP_RINVBNDSTS);
	WAIT_FOR(w, w->smsc.link_count == 2 && w->up);
	finish(w);
}

static void parts_accepted_before_the_loss_make_the_rest_doubtful(void **state)
{
	struct world *w = start();
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
	finish(w);
}

static void rate_holds_in_coarse_terms(void **state)
{
	struct world *w = start();
	int64_t from, took;
	int64_t most = 0;

	(void)state;
	w->conn.rate = 100;
	w->conn.window = 1000;
	world_open(w);
	WAIT_FOR(w, w->up);
	from = mono_us();
	for (int i = 0; i < 60;) {
		most = MAX(most, w->credits);
		while (w->credits > 0 && i < 60)
			world_text(w, ++i, "5511999990001", "x", 1);
		world_turn(w);
	}
	WAIT_FOR(w, w->result_count == 60);
	took = (mono_us() - from) / 1000;
	assert_in_range(took, 500, 5000);
	assert_in_range(most, 1, 6); /* about 50 ms ahead */
	assert_int_equal(results_with(w, V_ACCEPTED), 60);
	finish(w);
}

static void a_long_message_under_a_low_rate(void **state)
{
	struct world *w = start();
	char *text = repeat('a', 153 * 6);

	(void)state;
	w->conn.rate = 20;
	world_open(w);
	WAIT_FOR(w, w->up && w->credits == 1);
	world_text(w, 1, "5511999990001", text, 6); /* the core owes five */
	assert_int_equal(w->credits, -5);
	WAIT_FOR(w, w->result_count == 6);
	WAIT_FOR(w, w->credits == 1);
	world_run(w, 100);
	assert_int_equal(w->credits, 1);
	free(text);
	finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_part_goes_out_and_is_accepted),
		cmocka_unit_test(no_reports_and_flash),
		cmocka_unit_test(long_texts_go_out_in_a_row_with_a_receipt_asked_on_every_part),
		cmocka_unit_test(references_to_one_number_differ),
		cmocka_unit_test(every_way_of_joining),
		cmocka_unit_test(texts_and_numbers_that_cannot_go_are_said_at_once),
		cmocka_unit_test(the_window_holds_and_answers_come_in_any_order),
		cmocka_unit_test(more_parts_than_the_window_are_never_torn),
		cmocka_unit_test(statuses_become_verdicts),
		cmocka_unit_test(accepted_without_an_id_is_accepted),
		cmocka_unit_test(nack_by_number_ends_its_message_others_are_logged),
		cmocka_unit_test(answers_nobody_asked_for_change_nothing),
		cmocka_unit_test(a_refused_part_stops_the_others),
		cmocka_unit_test(throttled_parts_go_first_and_in_order),
		cmocka_unit_test(throttled_until_it_expires),
		cmocka_unit_test(what_has_not_left_when_its_window_shuts_comes_back),
		cmocka_unit_test(no_response_is_doubt_and_a_late_one_is_told),
		cmocka_unit_test(a_lost_link_with_a_full_window),
		cmocka_unit_test(what_the_kernel_never_got_was_not_sent),
		cmocka_unit_test(a_session_status_drops_the_link_but_is_no_doubt),
		cmocka_unit_test(parts_accepted_before_the_loss_make_the_rest_doubtful),
		cmocka_unit_test(rate_holds_in_coarse_terms),
		cmocka_unit_test(a_long_message_under_a_low_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
