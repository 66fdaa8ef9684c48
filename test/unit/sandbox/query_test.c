/* query_test.c - query_sm, cancel_sm, replace_sm, validity, and what the settings limit. */
#include "esme.h"

static struct net net;
static struct esme a, b;
static char out[1 << 20];

static int stop(void **state)
{
	(void)state;
	net_stop(&net);
	return 0;
}

static int start_slow(void **state)
{
	static const char *const settings[] = {"delay=1h", NULL};

	(void)state;
	net_start(&net, settings);
	return 0;
}

static int start(void **state)
{
	(void)state;
	net_start(&net, NULL);
	return 0;
}

static void submitted(const char *to, const char *text, char *id)
{
	struct smpp_pdu m;

	esme_submit(&a, to, text);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	strcpy(id, m.message_id);
}

static struct smpp_pdu ask(struct esme *x, uint32_t what, const char *id, const char *source, const char *dest)
{
	struct smpp_pdu m = {.id = what};
	static const uint8_t text[] = "replaced";

	str_copy(m.message_id, sizeof(m.message_id), str_of(id));
	str_copy(m.source.text, sizeof(m.source.text), str_of(source));
	str_copy(m.dest.text, sizeof(m.dest.text), str_of(dest));
	m.registered_delivery = 1; /* of a replace_sm */
	if (what == SMPP_REPLACE_SM)
		m.short_message = (struct smpp_octets){text, sizeof(text) - 1};
	esme_send(x, &m);
	esme_want(x, &m, what | SMPP_RESP);
	return m;
}

static void wants_deleted(const char *id)
{
	struct smpp_pdu m;
	struct receipt r;

	esme_want(&a, &m, SMPP_DELIVER_SM);
	assert_int_equal(receipt_from_pdu(&m, &r), 0);
	assert_string_equal(r.id, id);
	assert_int_equal(r.state, RECEIPT_DELETED);
	esme_ack(&a, &m, SMPP_ROK);
}

static void a_pending_message_can_be_asked_for_replaced_and_cancelled(void **state)
{
	struct smpp_pdu m;
	char id[80];

	(void)state;
	esme_trx(&a, &net);
	submitted("5511990000001", "first", id);
	m = ask(&a, SMPP_QUERY_SM, id, "27182", "");
	assert_int_equal(m.status, 0);
	assert_int_equal(m.query_state, RECEIPT_ENROUTE);
	assert_string_equal(m.message_id, id);
	assert_string_equal(m.final_date, "");
	assert_int_equal(ask(&a, SMPP_REPLACE_SM, id, "27182", "").status, 0);
	assert_int_equal(http(&net, "GET", "/messages", NULL, "", out, sizeof(out)), 200);
	assert_non_null(strstr(out, "\"text\":\"replaced\""));
	assert_int_equal(ask(&a, SMPP_REPLACE_SM, id, "1", "").status, SMPP_RINVMSGID);
	assert_int_equal(ask(&a, SMPP_CANCEL_SM, id, "27182", "").status, 0);
	wants_deleted(id);
	m = ask(&a, SMPP_QUERY_SM, id, "27182", "");
	assert_int_equal(m.query_state, RECEIPT_DELETED);
	assert_int_equal(strlen(m.final_date), 16);
	assert_int_equal(ask(&a, SMPP_CANCEL_SM, id, "27182", "").status, SMPP_RCANCELFAIL);
	assert_int_equal(ask(&a, SMPP_REPLACE_SM, id, "27182", "").status, SMPP_RREPLACEFAIL);
	esme_close(&a);
}

static void all_between_two_addresses_can_be_cancelled(void **state)
{
	struct smpp_pdu m = {.id = SMPP_CANCEL_SM, .source.text = "27182", .dest.text = "5511990000002"};
	char id[3][80];
	unsigned got = 0;

	(void)state;
	esme_trx(&a, &net);
	submitted("5511990000002", "x", id[0]);
	submitted("5511990000003", "z", id[1]);
	submitted("5511990000002", "y", id[2]);
	esme_send(&a, &m);
	while (got < 3) {
		assert_true(esme_next(&a, &m, WAIT_MS));
		assert_int_equal(m.status, 0);
		if (m.id == SMPP_DELIVER_SM)
			assert_string_equal(m.source.text, "5511990000002");
		got++;
	}
	assert_int_equal(ask(&a, SMPP_QUERY_SM, id[1], "27182", "").query_state, RECEIPT_ENROUTE);
	esme_close(&a);
}

static void validity_ends_a_message(void **state)
{
	struct smpp_pdu m = esme_message("5511990000001", "soon");
	struct receipt r;

	(void)state;
	esme_trx(&a, &net);
	strcpy(m.validity, "000000000000000R");
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, 0);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	assert_int_equal(receipt_from_pdu(&m, &r), 0);
	assert_int_equal(r.state, RECEIPT_EXPIRED);
	esme_close(&a);
}

static int start_limited(void **state)
{
	static const char *const settings[] = {"rate=10", "window=2", "deliver_timeout=100ms", "keep=1s", NULL};

	(void)state;
	net_start(&net, settings);
	return 0;
}

static void above_the_rate_is_throttled(void **state)
{
	struct smpp_pdu m;
	unsigned throttled = 0;

	(void)state;
	esme_trx(&a, &net);
	for (int i = 0; i < 100; i++)
		esme_submit(&a, "5511990000001", "x");
	for (int got = 0; got < 100;) {
		assert_true(esme_next(&a, &m, WAIT_MS));
		if (m.id != SMPP_SUBMIT_SM_RESP)
			continue;
		got++;
		throttled += m.status == SMPP_RTHROTTLED;
	}
	assert_in_range(throttled, 50, 99);
	esme_close(&a);
}

/* Two may be unanswered; without answers the same two come again, after the one hundred milliseconds of the settings. */
static void unanswered_receipts_come_again_within_the_window(void **state)
{
	struct smpp_pdu m;
	char first[3][80];

	(void)state;
	esme_trx(&a, &net);
	for (int i = 0; i < 4; i++)
		esme_submit(&a, "5511990000001", "x");
	for (int got = 0, seen = 0; got < 3 || seen < 4;) {
		assert_true(esme_next(&a, &m, WAIT_MS));
		if (m.id == SMPP_DELIVER_SM && got < 3)
			strcpy(first[got++], m.receipted_id);
		seen += m.id == SMPP_SUBMIT_SM_RESP;
	}
	assert_string_not_equal(first[0], first[1]);
	do
		esme_want(&a, &m, SMPP_DELIVER_SM);
	while (strcmp(m.receipted_id, first[0]) != 0);
	esme_close(&a);
}

static void silence_is_looked_into(void **state)
{
	struct smpp_pdu m;

	(void)state;
	esme_trx(&a, &net);
	assert_int_equal(http(&net, "PUT", "/settings", NULL, "{\"enquire_link\":100}", out, sizeof(out)), 200);
	assert_int_equal(esme_bind(&b, &net, SMPP_BIND_TRANSCEIVER, "b", ""), 0);
	for (int i = 0; i < 2; i++) {
		esme_want(&b, &m, SMPP_ENQUIRE_LINK);
		esme_ack(&b, &m, SMPP_ROK);
	}
	esme_close(&a);
	esme_close(&b);
}

static void others_messages_are_not_theirs(void **state)
{
	char id[80];

	(void)state;
	esme_trx(&a, &net);
	submitted("5511990000001", "mine", id);
	assert_int_equal(esme_bind(&b, &net, SMPP_BIND_TRANSCEIVER, "another", ""), SMPP_ROK);
	assert_int_equal(ask(&b, SMPP_QUERY_SM, id, "27182", "").status, SMPP_RQUERYFAIL);
	assert_int_equal(ask(&b, SMPP_CANCEL_SM, id, "27182", "").status, SMPP_RINVMSGID);
	assert_int_equal(ask(&b, SMPP_CANCEL_SM, "", "27182", "5511990000001").status, SMPP_RCANCELFAIL);
	assert_int_equal(ask(&a, SMPP_QUERY_SM, "no id", "27182", "").status, SMPP_RQUERYFAIL);
	esme_close(&a);
	esme_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pending_message_can_be_asked_for_replaced_and_cancelled, start_slow, stop),
		cmocka_unit_test_setup_teardown(all_between_two_addresses_can_be_cancelled, start_slow, stop),
		cmocka_unit_test_setup_teardown(validity_ends_a_message, start_slow, stop),
		cmocka_unit_test_setup_teardown(above_the_rate_is_throttled, start_limited, stop),
		cmocka_unit_test_setup_teardown(unanswered_receipts_come_again_within_the_window, start_limited, stop),
		cmocka_unit_test_setup_teardown(silence_is_looked_into, start, stop),
		cmocka_unit_test_setup_teardown(others_messages_are_not_theirs, start_slow, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
