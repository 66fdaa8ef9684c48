/* Receipts and MOs: forms and ids, answered only once stored, a full engine, a link that is gone by then. */
#include "world.h"

#include <event2/bufferevent.h>

static uint64_t hash(const char *id)
{
	uint64_t h = 14695981039346656037u ^ 1;

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * 1099511628211u;
	return h | 1;
}

static struct smpp_pdu receipt(uint32_t seq, const char *text)
{
	struct smpp_pdu m = {.id = SMPP_DELIVER_SM,
			     .seq = seq,
			     .esm_class = SMPP_ESM_RECEIPT,
			     .short_message = {(const uint8_t *)text, strlen(text)}};

	strcpy(m.source.text, "5511999990001");
	strcpy(m.dest.text, "27182");
	return m;
}

static void store_receipt(struct world *w, unsigned i)
{
	struct receipt_in *r = w->receipts[i];

	w->receipts[i] = NULL;
	r->stored(r);
}

static bool has_hash(const struct receipt_in *r, const char *id)
{
	for (unsigned i = 0; i < r->hashes; i++) {
		if (r->id_hash[i] == hash(id))
			return true;
	}
	return false;
}

#define TEXT(id, stat)                                                                       \
	"id:" id " sub:001 dlvrd:001 submit date:2611222100 done date:2611222101 stat:" stat \
	" err:007 text:oi"

static void answered_only_when_stored(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(71, TEXT("00001000", "DELIVRD"));
	struct receipt_in *r;

	(void)state;
	world_bound(w);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->receipt_count == 1);
	world_run(w, 30);
	assert_int_equal(w->smsc.pdu_count, 0);
	r = w->receipts[0];
	assert_int_equal(r->connection, 1);
	assert_int_equal(r->state, RECEIPT_DELIVERED);
	assert_true(r->final);
	assert_string_equal(r->id, "00001000");
	assert_string_equal(r->err, "007");
	assert_string_equal(r->source, "5511999990001");
	assert_string_equal(r->destination, "27182");
	assert_in_range(r->at, wall_ms() - 60000, wall_ms());
	store_receipt(w, 0);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	assert_true(w->smsc.pdus[0].m.id == SMPP_DELIVER_SM_RESP);
	assert_int_equal(w->smsc.pdus[0].m.seq, 71);
	assert_int_equal(w->smsc.pdus[0].m.status, 0);
	world_finish(w);
}

static void states_and_what_is_final(void **state)
{
	static const struct {
		const char *text;
		int esm_class, state;
		bool final;
	} cases[] = {
		{TEXT("1", "DELIVRD"), 0x04, RECEIPT_DELIVERED, true},
		{TEXT("1", "UNDELIV"), 0x04, RECEIPT_UNDELIVERABLE, true},
		{TEXT("1", "EXPIRED"), 0x04, RECEIPT_EXPIRED, true},
		{TEXT("1", "ENROUTE"), 0x04, RECEIPT_ENROUTE, false},
		{TEXT("1", "ACCEPTD"), 0x04, RECEIPT_ACCEPTED, false},
		{TEXT("1", "DELIVRD"), 0x20, RECEIPT_DELIVERED, false}, /* intermediate notification */
		{TEXT("1", "WHATEVR"), 0x04, RECEIPT_NONE, false},
	};
	struct world *w = world_start();

	(void)state;
	world_bound(w);
	for (unsigned i = 0; i < COUNT_OF(cases); i++) {
		struct smpp_pdu m = receipt(i + 1, cases[i].text);

		m.esm_class = (uint8_t)cases[i].esm_class;
		smsc_send(&w->smsc, 0, &m);
		WAIT_FOR(w, w->receipt_count == i + 1);
		assert_int_equal(w->receipts[i]->state, cases[i].state);
		assert_int_equal(w->receipts[i]->final, cases[i].final);
	}
	world_finish(w);
}

static void ids_in_either_notation_meet_the_responses(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu decimal = receipt(1, TEXT("4096", "DELIVRD")),
			hex = receipt(2, TEXT("1000", "DELIVRD"));
	struct smpp_pdu exact = receipt(3, TEXT("00001000", "DELIVRD"));

	(void)state;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_string_equal(w->results[0]->id, "00001000"); /* hexadecimal */
	assert_true(w->results[0]->id_hash == hash("1000"));
	smsc_send(&w->smsc, 0, &decimal);
	smsc_send(&w->smsc, 0, &hex);
	smsc_send(&w->smsc, 0, &exact);
	WAIT_FOR(w, w->receipt_count == 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(has_hash(w->receipts[i], "1000"));
	world_finish(w);
}

static void notations_that_are_known_are_kept_to(void **state)
{
	static const struct {
		enum ids_way ids;
		const char *receipt, *want;
	} cases[] = {{IDS_DECIMAL, "4096", "1000"}, {IDS_HEX, "1000", "4096"}, {IDS_EXACT, "00aB", "00aB"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct world *w = world_start();
		struct smpp_pdu m = receipt(1, "");

		w->conn.profile.ids = cases[i].ids;
		world_bound(w);
		str_copy(m.receipted_id, sizeof(m.receipted_id), str_of(cases[i].receipt));
		smpp_mark(&m, SMPP_TLV_RECEIPTED_MESSAGE_ID);
		m.message_state = 2;
		smpp_mark(&m, SMPP_TLV_MESSAGE_STATE);
		smsc_send(&w->smsc, 0, &m);
		WAIT_FOR(w, w->receipt_count == 1);
		assert_true(w->receipts[0]->id_hash[0] == hash(cases[i].want));
		world_finish(w);
	}
}

static void parameters_win_over_the_text_and_the_text_may_be_payload(void **state)
{
	static const uint8_t error[3] = {3, 0, 17};
	struct world *w = world_start();
	struct smpp_pdu m = receipt(1, TEXT("999", "DELIVRD"));
	struct smpp_pdu p = receipt(2, "");
	struct smpp_pdu t = receipt(3, "");

	(void)state;
	world_bound(w);
	strcpy(m.receipted_id, "abc-1");
	smpp_mark(&m, SMPP_TLV_RECEIPTED_MESSAGE_ID);
	m.message_state = RECEIPT_UNDELIVERABLE;
	smpp_mark(&m, SMPP_TLV_MESSAGE_STATE);
	m.network_error = (struct smpp_octets){error, 3};
	smpp_mark(&m, SMPP_TLV_NETWORK_ERROR_CODE);
	smsc_send(&w->smsc, 0, &m);
	p.payload =
		(struct smpp_octets){(const uint8_t *)TEXT("77", "EXPIRED"), sizeof(TEXT("77", "EXPIRED")) - 1};
	smpp_mark(&p, SMPP_TLV_MESSAGE_PAYLOAD);
	smsc_send(&w->smsc, 0, &p);
	t.esm_class = 0; /* not marked, but with both parameters of a receipt */
	strcpy(t.receipted_id, "78");
	smpp_mark(&t, SMPP_TLV_RECEIPTED_MESSAGE_ID);
	t.message_state = 2;
	smpp_mark(&t, SMPP_TLV_MESSAGE_STATE);
	smsc_send(&w->smsc, 0, &t);
	WAIT_FOR(w, w->receipt_count == 3);
	assert_string_equal(w->receipts[0]->id, "abc-1");
	assert_int_equal(w->receipts[0]->state, RECEIPT_UNDELIVERABLE);
	assert_string_equal(w->receipts[0]->err, "3:17");
	assert_string_equal(w->receipts[1]->id, "77");
	assert_int_equal(w->receipts[1]->state, RECEIPT_EXPIRED);
	assert_string_equal(w->receipts[2]->id, "78");
	world_finish(w);
}

static void a_receipt_may_come_before_its_response(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(1, TEXT("1000", "DELIVRD"));

	(void)state;
	w->smsc.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->receipt_count == 1);
	assert_int_equal(w->result_count, 0);
	smsc_answer(&w->smsc, 0, 0, "1000");
	WAIT_FOR(w, w->result_count == 1);
	assert_true(has_hash(w->receipts[0], "1000"));
	assert_true(w->results[0]->id_hash == w->receipts[0]->id_hash[0]);
	world_finish(w);
}

static void receipts_without_an_id_are_taken_and_logged(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(5, "nothing of the kind");

	(void)state;
	world_bound(w);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	assert_int_equal(w->smsc.pdus[0].m.status, 0);
	assert_int_equal(w->receipt_count, 0);
	assert_true(world_logged(w, "smpp_bad_receipt"));
	world_finish(w);
}

static void data_sm_gets_its_own_response(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = {.id = SMPP_DATA_SM, .seq = 12, .esm_class = SMPP_ESM_RECEIPT, .message_state = 2};

	(void)state;
	world_bound(w);
	strcpy(m.receipted_id, "1000");
	smpp_mark(&m, SMPP_TLV_RECEIPTED_MESSAGE_ID);
	smpp_mark(&m, SMPP_TLV_MESSAGE_STATE);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->receipt_count == 1);
	store_receipt(w, 0);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	assert_true(w->smsc.pdus[0].m.id == SMPP_DATA_SM_RESP);
	assert_int_equal(w->smsc.pdus[0].m.seq, 12);
	world_finish(w);
}

static void mos_are_decoded(void **state)
{
	static const uint8_t ucs2[] = {0xd8, 0x3d, 0xde, 0x00, 0x00, 'o', 0x00, 'i'};
	static const uint8_t joined[] = {5, 0, 3, 9, 3, 2, 'p', 'a', 'r', 't', 0x00};
	struct world *w = world_start();
	struct smpp_pdu m = {.id = SMPP_DELIVER_SM, .seq = 1, .data_coding = 8, .short_message = {ucs2, sizeof(ucs2)}};

	(void)state;
	world_bound(w);
	strcpy(m.source.text, "5511999990001");
	strcpy(m.dest.text, "27182");
	smsc_send(&w->smsc, 0, &m);
	m.seq = 2;
	m.data_coding = 0;
	m.esm_class = SMPP_ESM_UDHI;
	m.short_message = (struct smpp_octets){joined, sizeof(joined)};
	smsc_send(&w->smsc, 0, &m);
	m.seq = 3;
	m.esm_class = 0;
	m.short_message = (struct smpp_octets){NULL, 0};
	smsc_send(&w->smsc, 0, &m);
	m.seq = 4;
	m.short_message = (struct smpp_octets){(const uint8_t *)"sar", 3};
	m.sar_ref = 300;
	m.sar_total = 2;
	m.sar_seq = 1;
	smpp_mark(&m, SMPP_TLV_SAR_MSG_REF_NUM);
	smpp_mark(&m, SMPP_TLV_SAR_TOTAL_SEGMENTS);
	smpp_mark(&m, SMPP_TLV_SAR_SEGMENT_SEQNUM);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->mo_count == 4);
	assert_string_equal(w->mos[0]->text, "\xf0\x9f\x98\x80oi");
	assert_int_equal(w->mos[0]->text_len, 6);
	assert_int_equal(w->mos[0]->data_coding, 8);
	assert_string_equal(w->mos[0]->source, "5511999990001");
	assert_string_equal(w->mos[0]->destination, "27182");
	assert_in_range(w->mos[0]->total, 0, 1);
	assert_string_equal(w->mos[1]->text, "part@");
	assert_int_equal(w->mos[1]->ref, 9);
	assert_int_equal(w->mos[1]->total, 3);
	assert_int_equal(w->mos[1]->part, 2);
	assert_string_equal(w->mos[2]->text, "");
	assert_int_equal(w->mos[3]->ref, 300);
	assert_int_equal(w->mos[3]->part, 1);
	assert_int_equal(w->smsc.pdu_count, 0);
	for (unsigned i = 4; i-- > 0;) {
		struct mo_in *mo = w->mos[i];

		w->mos[i] = NULL;
		mo->stored(mo);
	}
	WAIT_FOR(w, w->smsc.pdu_count == 4); /* answers in the order of storing */
	assert_int_equal(w->smsc.pdus[0].m.seq, 4);
	world_finish(w);
}

static void a_full_engine_stops_the_reading_and_nothing_is_lost(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.response_ms = 60000;
	world_bound(w);
	w->full = true;
	for (uint32_t i = 1; i <= 100; i++) {
		struct smpp_pdu m = receipt(i, TEXT("1000", "DELIVRD"));

		smsc_send(&w->smsc, 0, &m);
	}
	WAIT_FOR(w, w->refused >= 3); /* the same object again and again */
	assert_non_null(world_link(w, 0)->stalled);
	assert_int_equal(w->smsc.pdu_count, 0);
	world_text(w, 1, "5511999990001", "x", 1); /* submits go on */
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_SUBMIT_SM) == 1);
	w->full = false;
	WAIT_FOR(w, w->receipt_count == 100 && w->result_count == 1);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(w->receipts[i]->sequence, i + 1);
		store_receipt(w, i);
	}
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_DELIVER_SM_RESP) == 100);
	world_finish(w);
}

static void full_for_too_long_puts_receipts_off(void **state)
{
	struct world *w = world_start();

	(void)state;
	w->conn.timers.response_ms = 300; /* so 50 ms */
	world_bound(w);
	w->full = true;
	for (uint32_t i = 1; i <= 3; i++) {
		struct smpp_pdu m = receipt(i, TEXT("1000", "DELIVRD"));

		smsc_send(&w->smsc, 0, &m);
	}
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_DELIVER_SM_RESP) == 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->smsc.pdus[i].m.status, SMPP_RX_T_APPN);
	assert_true(world_logged(w, "smpp_put_off"));
	w->full = false;
	for (uint32_t i = 4; i <= 5; i++) {
		struct smpp_pdu m = receipt(i, TEXT("1000", "DELIVRD"));

		smsc_send(&w->smsc, 0, &m);
	}
	WAIT_FOR(w, w->receipt_count == 2);
	world_finish(w);
}

static void stored_after_the_link_was_lost_answers_nobody(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(1, TEXT("1000", "DELIVRD"));

	(void)state;
	world_bound(w);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->receipt_count == 1);
	smsc_drop(&w->smsc, 0);
	WAIT_FOR(w, w->smsc.link_count == 2 && w->up);
	store_receipt(w, 0);
	world_run(w, 30);
	assert_int_equal(w->smsc.pdu_count, 0);
	smsc_send(&w->smsc, 1, &m); /* the SMSC sends it again */
	WAIT_FOR(w, w->receipt_count == 2);
	store_receipt(w, 1);
	WAIT_FOR(w, w->smsc.pdu_count == 1);
	world_finish(w);
}

static void a_link_lost_while_stalled_forgets_the_object(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(1, TEXT("1000", "DELIVRD"));

	(void)state;
	w->conn.timers.response_ms = 60000;
	world_bound(w);
	w->full = true;
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, world_link(w, 0)->stalled);
	session_fail(world_link(w, 0), "test");
	assert_null(world_link(w, 0)->stalled);
	w->full = false;
	WAIT_FOR(w, w->smsc.link_count == 2 && w->up);
	assert_int_equal(w->receipt_count, 0);
	world_finish(w);
}

static void stored_after_the_channel_is_gone_is_harmless(void **state)
{
	struct world *w = world_start();
	struct smpp_pdu m = receipt(1, TEXT("1000", "DELIVRD"));

	(void)state;
	world_bound(w);
	smsc_send(&w->smsc, 0, &m);
	WAIT_FOR(w, w->receipt_count == 1);
	w->ch->ops->free(w->ch);
	w->ch = NULL;
	store_receipt(w, 0);
	world_finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_only_when_stored),
		cmocka_unit_test(states_and_what_is_final),
		cmocka_unit_test(ids_in_either_notation_meet_the_responses),
		cmocka_unit_test(notations_that_are_known_are_kept_to),
		cmocka_unit_test(parameters_win_over_the_text_and_the_text_may_be_payload),
		cmocka_unit_test(a_receipt_may_come_before_its_response),
		cmocka_unit_test(receipts_without_an_id_are_taken_and_logged),
		cmocka_unit_test(data_sm_gets_its_own_response),
		cmocka_unit_test(mos_are_decoded),
		cmocka_unit_test(a_full_engine_stops_the_reading_and_nothing_is_lost),
		cmocka_unit_test(full_for_too_long_puts_receipts_off),
		cmocka_unit_test(stored_after_the_link_was_lost_answers_nobody),
		cmocka_unit_test(a_link_lost_while_stalled_forgets_the_object),
		cmocka_unit_test(stored_after_the_channel_is_gone_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
