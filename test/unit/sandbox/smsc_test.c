/* smsc_test.c - the SMSC as an ESME sees it, over loopback. */
#include "esme.h"

static struct net net;
static struct esme a, b;

static int start(void **state)
{
	static const char *const settings[] = {"system_id=pombo", "password=secret", "deliver_retry=20ms", NULL};

	(void)state;
	net_start(&net, settings);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	net_stop(&net);
	return 0;
}

static void reads_receipt(const struct smpp_pdu *m, const char *id, enum receipt_state state)
{
	struct receipt r, t;
	struct smpp_octets text = smpp_text(m);

	assert_int_equal(m->id, SMPP_DELIVER_SM);
	assert_true(receipt_is(m));
	assert_true(smpp_has(m, SMPP_TLV_RECEIPTED_MESSAGE_ID));
	assert_true(smpp_has(m, SMPP_TLV_MESSAGE_STATE));
	assert_true(smpp_has(m, SMPP_TLV_NETWORK_ERROR_CODE));
	assert_int_equal(receipt_from_pdu(m, &r), 0);
	assert_string_equal(r.id, id);
	assert_int_equal(r.state, state);
	assert_int_equal(receipt_parse((struct str){(const char *)text.p, text.n}, &t), 0);
	assert_string_equal(t.id, id);
	assert_int_equal(t.state, state);
}

static void binds_only_with_the_right_account(void **state)
{
	struct smpp_pdu m;

	(void)state;
	assert_int_equal(esme_bind(&a, &net, SMPP_BIND_TRANSMITTER, "other", "secret"), SMPP_RINVSYSID);
	esme_close(&a);
	assert_int_equal(esme_bind(&a, &net, SMPP_BIND_RECEIVER, "pombo", "wrong"), SMPP_RINVPASWD);
	esme_close(&a);
	esme_trx(&a, &net);
	m = (struct smpp_pdu){.id = SMPP_BIND_TRANSCEIVER};
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_BIND_TRANSCEIVER_RESP);
	assert_int_equal(m.status, SMPP_RALYBND);
	m = (struct smpp_pdu){.id = SMPP_UNBIND};
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_UNBIND_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	assert_false(esme_next(&a, &m, WAIT_MS));
	esme_close(&a);
}

static void refuses_what_the_state_forbids(void **state)
{
	struct smpp_pdu m;

	(void)state;
	esme_dial(&a, &net);
	esme_submit(&a, "5511990000001", "x");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RINVBNDSTS);
	m = (struct smpp_pdu){.id = SMPP_ENQUIRE_LINK};
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_ENQUIRE_LINK_RESP);
	esme_close(&a);
	assert_int_equal(esme_bind(&a, &net, SMPP_BIND_RECEIVER, "pombo", "secret"), SMPP_ROK);
	esme_submit(&a, "5511990000001", "x");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RINVBNDSTS);
	esme_close(&a);
}

static void answers_malformed_pdus(void **state)
{
	static const uint8_t unknown[] = {0, 0, 0, 16, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 77};
	static const uint8_t cut[] = {0, 0, 0, 18, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 78, 0, 1};
	static const uint8_t broken[] = {0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 79};
	struct smpp_pdu m;

	(void)state;
	esme_trx(&a, &net);
	esme_raw(&a, unknown, sizeof(unknown));
	esme_want(&a, &m, SMPP_GENERIC_NACK);
	assert_int_equal(m.status, SMPP_RINVCMDID);
	assert_int_equal(m.seq, 77);
	esme_raw(&a, cut, sizeof(cut));
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_true(m.status != 0);
	assert_int_equal(m.seq, 78);
	m = esme_message("", "nowhere");
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RINVDSTADR);
	m = esme_message("5511990000001", "x");
	strcpy(m.validity, "tomorrow");
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RINVEXPIRY);
	m = esme_message("5511990000001", "\x20x");
	m.esm_class = SMPP_ESM_UDHI;
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RINVESMCLASS);
	esme_raw(&a, broken, sizeof(broken));
	esme_want(&a, &m, SMPP_GENERIC_NACK);
	assert_int_equal(m.status, SMPP_RINVCMDLEN);
	assert_false(esme_next(&a, &m, WAIT_MS));
	esme_close(&a);
}

/* Any outcome of "accepted, then one receipt". */
static void one_receipt(const char *to, enum receipt_state want)
{
	struct smpp_pdu m;
	char id[SMPP_ID_MAX + 2];

	esme_submit(&a, to, "Ola");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	assert_int_equal(strlen(m.message_id), 8);
	strcpy(id, m.message_id);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, id, want);
	assert_string_equal(m.source.text, to);
	assert_string_equal(m.dest.text, "27182");
	esme_ack(&a, &m, SMPP_ROK);
}

static void refused(const char *to, uint32_t want)
{
	struct smpp_pdu m;

	esme_submit(&a, to, "Ola");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, want);
}

static void follows_the_table(void **state)
{
	struct smpp_pdu m;
	uint32_t seq;
	char id[SMPP_ID_MAX + 2], other[16];

	(void)state;
	esme_trx(&a, &net);
	one_receipt("5511990000001", RECEIPT_DELIVERED);
	one_receipt("5511990009101", RECEIPT_EXPIRED);
	one_receipt("5511990009104", RECEIPT_UNDELIVERABLE);
	refused("5511990009102", SMPP_RINVDSTADR);
	refused("5511990009103", SMPP_RSUBMITFAIL);
	refused("5511990009058", SMPP_RTHROTTLED);
	refused("5511990009058", SMPP_RTHROTTLED);
	one_receipt("5511990009058", RECEIPT_DELIVERED);
	refused("5511990009058", SMPP_RTHROTTLED);

	esme_submit(&a, "5511990009001", "early");
	esme_want(&a, &m, SMPP_DELIVER_SM);
	strcpy(id, m.receipted_id);
	reads_receipt(&m, id, RECEIPT_DELIVERED);
	esme_ack(&a, &m, SMPP_ROK);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_string_equal(m.message_id, id);

	esme_submit(&a, "5511990009003", "other");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	snprintf(other, sizeof(other), "%lu", strtoul(m.message_id, NULL, 16));
	esme_want(&a, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, other, RECEIPT_DELIVERED);
	esme_ack(&a, &m, SMPP_ROK);

	esme_submit(&a, "5511990009002", "twice");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	strcpy(id, m.message_id);
	for (int i = 0; i < 3; i++) {
		esme_want(&a, &m, SMPP_DELIVER_SM);
		reads_receipt(&m, id, i == 1 ? RECEIPT_ENROUTE : RECEIPT_DELIVERED);
		esme_ack(&a, &m, SMPP_ROK);
	}

	esme_submit(&a, "5511990009007", "stay?");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	esme_ack(&a, &m, SMPP_ROK);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	assert_int_equal(m.esm_class, 0);
	assert_memory_equal(m.short_message.p, "SAIR", 4);
	assert_string_equal(m.source.text, "5511990009007");
	assert_string_equal(m.dest.text, "27182");
	esme_ack(&a, &m, SMPP_ROK);

	one_receipt("5511990009007", RECEIPT_DELIVERED); /* not answered again so soon: what follows is no MO */

	/* Neither a response nor a receipt: what comes next belongs to what was sent next. */
	esme_submit(&a, "5511990009004", "silence");
	seq = esme_submit(&a, "5511990009000", "no receipt");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.seq, seq);
	one_receipt("5511990000002", RECEIPT_DELIVERED);

	esme_submit(&a, "5511990009005", "bye");
	assert_false(esme_next(&a, &m, WAIT_MS));
	esme_close(&a);
}

static void the_second_part_fails(void **state)
{
	const struct split_options how = {.join = SPLIT_UDH8, .ref = 7};
	struct split parts = {0};
	char text[401];
	struct smpp_pdu m;
	unsigned failed = 0;

	(void)state;
	memset(text, 'x', 400);
	text[400] = '\0';
	assert_int_equal(split_text(str_of(text), &how, &parts), 0);
	assert_int_equal(parts.n, 3);
	esme_trx(&a, &net);
	for (unsigned i = 0; i < 3; i++) {
		m = esme_message("5511990009006", "");
		split_fill(&parts, i, &m);
		esme_send(&a, &m);
	}
	for (unsigned i = 0; i < 6; i++) {
		assert_true(esme_next(&a, &m, WAIT_MS));
		if (m.id == SMPP_DELIVER_SM) {
			failed += m.message_state == RECEIPT_UNDELIVERABLE;
			esme_ack(&a, &m, SMPP_ROK);
		} else {
			assert_int_equal(m.status, SMPP_ROK);
		}
	}
	assert_int_equal(failed, 1);
	split_done(&parts);
	esme_close(&a);
}

static void receipts_come_only_when_asked_for(void **state)
{
	struct smpp_pdu m;

	(void)state;
	esme_trx(&a, &net);
	m = esme_message("5511990000001", "none");
	m.registered_delivery = 0;
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	m = esme_message("5511990000001", "only failures");
	m.registered_delivery = 2;
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	m = esme_message("5511990009104", "a failure");
	m.registered_delivery = 2;
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	assert_string_equal(m.source.text, "5511990009104");
	esme_ack(&a, &m, SMPP_ROK);
	esme_close(&a);
}

static void receipts_wait_and_come_again_until_acknowledged(void **state)
{
	struct smpp_pdu m;
	char id[SMPP_ID_MAX + 2];

	(void)state;
	/* A transmitter cannot receive: the receipt waits for a receiver of the same system_id. */
	assert_int_equal(esme_bind(&a, &net, SMPP_BIND_TRANSMITTER, "pombo", "secret"), SMPP_ROK);
	esme_submit(&a, "5511990000001", "later");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	strcpy(id, m.message_id);
	assert_int_equal(esme_bind(&b, &net, SMPP_BIND_RECEIVER, "pombo", "secret"), SMPP_ROK);
	esme_want(&b, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, id, RECEIPT_DELIVERED);
	esme_close(&b); /* not acknowledged */
	assert_int_equal(esme_bind(&b, &net, SMPP_BIND_RECEIVER, "pombo", "secret"), SMPP_ROK);
	esme_want(&b, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, id, RECEIPT_DELIVERED);
	esme_ack(&b, &m, SMPP_RX_T_APPN); /* not now */
	esme_want(&b, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, id, RECEIPT_DELIVERED);
	esme_ack(&b, &m, SMPP_ROK);
	esme_submit(&a, "5511990000009", "next");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	strcpy(id, m.message_id);
	esme_want(&b, &m, SMPP_DELIVER_SM);
	reads_receipt(&m, id, RECEIPT_DELIVERED); /* and not the first once more */
	esme_ack(&b, &m, SMPP_ROK);
	esme_close(&a);
	esme_close(&b);
}

static void data_sm_is_a_message_too(void **state)
{
	struct smpp_pdu m = esme_message("5511990000001", "");
	static const uint8_t text[] = "by payload";

	(void)state;
	esme_trx(&a, &net);
	m.id = SMPP_DATA_SM;
	m.payload = (struct smpp_octets){text, sizeof(text) - 1};
	smpp_mark(&m, SMPP_TLV_MESSAGE_PAYLOAD);
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_DATA_SM_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	assert_int_equal(strlen(m.message_id), 8);
	esme_want(&a, &m, SMPP_DELIVER_SM);
	esme_ack(&a, &m, SMPP_ROK);
	esme_close(&a);
}

static void many_in_flight_are_all_answered_once(void **state)
{
	enum { N = 20000, WINDOW = 500 };
	static bool answered[N + 2], receipted[N + 2];
	char to[32];
	struct smpp_pdu m;
	unsigned sent = 0, got = 0, receipts = 0;
	uint32_t first = 0;

	(void)state;
	memset(answered, 0, sizeof(answered));
	memset(receipted, 0, sizeof(receipted));
	esme_trx(&a, &net);
	first = a.seq + 1;
	while (got < N || receipts < N) {
		for (; sent < N && sent - got < WINDOW; sent++) {
			snprintf(to, sizeof(to), "551190%05u0000", sent);
			esme_submit(&a, to, "fast");
		}
		assert_true(esme_next(&a, &m, WAIT_MS));
		if (m.id == SMPP_DELIVER_SM) {
			unsigned i = (unsigned)atoi(m.source.text + 6) / 10000;

			assert_true(i < N && !receipted[i]);
			receipted[i] = true;
			receipts++;
			esme_ack(&a, &m, SMPP_ROK);
		} else {
			assert_int_equal(m.id, SMPP_SUBMIT_SM_RESP);
			assert_int_equal(m.status, SMPP_ROK);
			assert_true(m.seq - first < N && !answered[m.seq - first]);
			answered[m.seq - first] = true;
			got++;
		}
	}
	esme_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_only_with_the_right_account),
		cmocka_unit_test(refuses_what_the_state_forbids),
		cmocka_unit_test(answers_malformed_pdus),
		cmocka_unit_test(follows_the_table),
		cmocka_unit_test(the_second_part_fails),
		cmocka_unit_test(receipts_come_only_when_asked_for),
		cmocka_unit_test(receipts_wait_and_come_again_until_acknowledged),
		cmocka_unit_test(data_sm_is_a_message_too),
		cmocka_unit_test(many_in_flight_are_all_answered_once),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
