/* submit_test.c - submitting: parts and how they are joined, the window, the rate. */
#include "world.h"

#include <event2/bufferevent.h>
#include <event2/event.h>

static void one_part_goes_out_and_is_accepted(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
}

static void no_reports_and_flash(void **state)
{
	struct world *w = world_start();
	struct attempt *a;

	(void)state;
	world_bound(w);
	a = attempt_make(1, "5511999990001", "x", 1);
	a->flags = DF_NO_REPORTS | DF_FLASH;
	world_send(w, a);
	sent(w, 1);
	assert_int_equal(smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0)->registered_delivery, 0);
	assert_int_equal(smsc_nth(&w->smsc, SMPP_SUBMIT_SM, 0)->data_coding, 0x10);
	world_finish(w);
}

static void long_texts_go_out_in_a_row_with_a_receipt_asked_on_every_part(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
}

static void references_to_one_number_differ(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
}

static void every_way_of_joining(void **state)
{
	static const enum join joins[] = {JOIN_UDH16, JOIN_SAR, JOIN_PAYLOAD, JOIN_NONE};
	char *text = repeat('a', 200);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		struct world *w = world_start();
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
		world_finish(w);
	}
	free(text);
}

static void texts_and_numbers_that_cannot_go_are_said_at_once(void **state)
{
	struct world *w = world_start();

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
	world_finish(w);
}

static void the_window_holds_and_answers_come_in_any_order(void **state)
{
	struct world *w = world_start();

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
	world_finish(w);
}

static void more_parts_than_the_window_are_never_torn(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
}

static void rate_holds_in_coarse_terms(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
}

static void a_long_message_under_a_low_rate(void **state)
{
	struct world *w = world_start();
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
	world_finish(w);
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
		cmocka_unit_test(rate_holds_in_coarse_terms),
		cmocka_unit_test(a_long_message_under_a_low_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
