/* smpp_fields_test.c - the SMPP codec's tolerances: faults and the status to answer with, oddities of real peers, TLVs, ids, texts of all
 * sizes; responses, names and log lines. */
#include "smpp_check.h"
#include "smpp_golden.h"

#include <errno.h>

static uint32_t status_of(const char *hex)
{
	struct smpp_pdu m;
	uint8_t *p;
	uint32_t r = decode_hex(hex, &m, &p);

	free(p);
	return r;
}

TEST(errors_name_the_status_to_answer_with)
{
	static const struct {
		const char *hex;
		uint32_t want;
	} c[] = {
		/* submit_multi and other ids we do not speak */
		{"00000000 00000021 00000000 00000001 00", SMPP_RINVCMDID},
		{"00000000 000000ff 00000000 00000001", SMPP_RINVCMDID},
		{"00000000 80000021 00000000 00000001", SMPP_RINVCMDID},
		/* octets behind the body */
		{"00000000 00000015 00000000 00000001 00", SMPP_RINVOPTPARSTREAM},
		{"00000000 00000015 00000000 00000001 000100", SMPP_RINVOPTPARSTREAM},
		{"00000000 00000015 00000000 00000001 0001000512", SMPP_RINVOPTPARSTREAM},
		/* known TLVs of a wrong length: message_state, sar_msg_ref_num, network_error_code, an id too long for its member */
		{"00000000 00000015 00000000 00000001 0427000400000002", SMPP_RINVPARLEN},
		{"00000000 00000015 00000000 00000001 04270000", SMPP_RINVPARLEN},
		{"00000000 00000015 00000000 00000001 020c000101", SMPP_RINVPARLEN},
		{"00000000 00000015 00000000 00000001 042300020300", SMPP_RINVPARLEN},
		{"00000000 00000015 00000000 00000001 001e 0003 610062", SMPP_RINVPARLEN}, /* octets behind the NUL */
		/* sm_length beyond the end: replace_sm */
		{"00000000 00000007 00000000 00000001 3100 010100 00 00 00 00 05 61626364", SMPP_RINVMSGLEN},
		/* no NUL: query_sm */
		{"00000000 00000003 00000000 00000001 31323334", SMPP_RINVCMDLEN},
		/* too long for the field: service_type of six characters */
		{"00000000 00000004 00000000 00000001 414243444546 00 0101 00", SMPP_RINVSERTYP},
		/* schedule of 17 characters in replace_sm */
		{"00000000 00000007 00000000 00000001 3100 010100 3030303030303030303030303030303030 00 00 "
		 "00 00 00",
		 SMPP_RINVSCHED},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		uint32_t got = status_of(c[i].hex);

		if (got != c[i].want)
			fail_msg("case %zu: 0x%x instead of 0x%x", i, got, c[i].want);
	}
}

TEST(addresses_too_long_are_named)
{
	char hex[1000] = "00000000 00000103 00000000 00000001 00 0101 ";

	for (int i = 0; i < 66; i++)
		strcat(hex, "31");
	strcat(hex, "00 0101 00 00 00 00");
	assert_int_equal(status_of(hex), SMPP_RINVSRCADR);
}

TEST(oddities_of_real_peers_are_taken)
{
	static const struct {
		const char *hex, *id;
		uint32_t status;
	} c[] = {
		{"00000000 80000004 00000058 00000001", "", 0x58},          /* error without a body */
		{"00000000 80000004 00000058 00000001 00", "", 0x58},       /* with one NUL */
		{"00000000 80000004 00000400 00000001 00", "", 0x400},      /* a vendor's status */
		{"00000000 80000004 0000000b 00000001 ffff00ff", "", 0x0b}, /* with garbage */
		{"00000000 80000004 0000000b 00000001 310000", "", 0x0b},
		{"00000000 80000004 00000000 00000001", "", 0},        /* success without a body */
		{"00000000 80000004 00000000 00000001 3132", "12", 0}, /* id without its NUL */
		{"00000000 80000004 00000000 00000001 3132 00 0427 0001 02", "12", 0},
		{"00000000 80000000 00000003 00000000", "", 3},       /* sequence 0 */
		{"00000000 80000004 00000000 ffffffff 3100", "1", 0}, /* sequence beyond 0x7FFFFFFF */
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct smpp_pdu m;
		uint8_t *p;
		uint32_t r = decode_hex(c[i].hex, &m, &p);

		if (r || strcmp(m.message_id, c[i].id) != 0 || m.status != c[i].status)
			fail_msg("case %zu: 0x%x id '%s'", i, r, m.message_id);
		free(p);
	}
}

TEST(tlvs_are_read_with_care)
{
	struct smpp_pdu m;
	uint8_t *p;

	/* unknown ones are skipped, of repeated ones the last counts, the NUL of an id may be missing */
	assert_int_equal(
		decode_hex("00000000 00000015 00000000 00000001 1400 0002 abcd 001e 0002 3132 0427 0001 01 "
			   "0427 0001 05 1401 0000",
			   &m, &p),
		0);
	assert_string_equal(m.receipted_id, "12");
	assert_int_equal(m.message_state, 5);
	assert_int_equal(m.tlvs, HAS(RECEIPTED_MESSAGE_ID) | HAS(MESSAGE_STATE));
	free(p);

	/* a longer value before a shorter one leaves nothing behind */
	assert_int_equal(decode_hex("00000000 00000015 00000000 00000001 001e 0004 61626364 001e 0001 7a", &m, &p), 0);
	assert_string_equal(m.receipted_id, "z");
	free(p);
	assert_int_equal(decode_hex("00000000 00000015 00000000 00000001 001e 0000", &m, &p), 0);
	assert_string_equal(m.receipted_id, "");
	free(p);
}

TEST(ids_have_sixty_four_characters)
{
	for (size_t n = SMPP_ID_MAX; n <= SMPP_ID_MAX + 1; n++) {
		struct buf b = BUF_INIT;
		struct smpp_pdu m;

		buf_put(&b, "\0\0\0\0\x80\0\0\4\0\0\0\0\0\0\0\1", SMPP_HEADER);
		for (size_t i = 0; i < n; i++)
			buf_putc(&b, 'f');
		set_length((uint8_t *)b.p, b.n);
		assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &m), n > SMPP_ID_MAX ? SMPP_RINVMSGID : 0);
		assert_int_equal(strlen(m.message_id), n > SMPP_ID_MAX ? 0 : n);
		buf_putc(&b, '\0');
		set_length((uint8_t *)b.p, b.n);
		assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &m), n > SMPP_ID_MAX ? SMPP_RINVMSGID : 0);
		buf_done(&b);
	}
}

TEST(types_of_number_are_carried_whatever_they_are)
{
	struct smpp_pdu m = {.id = SMPP_SUBMIT_SM, .seq = 1, .source = {8, 11, "x"}, .dest = {255, 254, "y"}}, back;
	struct buf b = BUF_INIT;

	assert_int_equal(smpp_encode(&m, &b), 0);
	assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &back), 0);
	assert_true(same(&m, &back));
	buf_done(&b);
}

TEST(texts_of_all_sizes_go_through)
{
	static uint8_t big[65536];
	static const struct {
		size_t text, payload;
		int want;
	} c[] = {{0, 0, 0},    {254, 0, 0},   {255, 0, 0},        {256, 0, -EINVAL},
		 {0, 1025, 0}, {0, 65535, 0}, {0, 65536, -EINVAL}};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct smpp_pdu m = {.id = SMPP_SUBMIT_SM, .seq = 1}, back;
		struct buf b = BUF_INIT;

		m.short_message = (struct smpp_octets){big, c[i].text};
		if (c[i].payload) {
			m.payload = (struct smpp_octets){big, c[i].payload};
			smpp_mark(&m, SMPP_TLV_MESSAGE_PAYLOAD);
		}
		assert_int_equal(smpp_encode(&m, &b), c[i].want);
		if (c[i].want) {
			assert_int_equal(b.n, 0);
		} else {
			assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &back), 0);
			assert_true(same(&m, &back));
			assert_int_equal(smpp_text(&back).n, c[i].text ? c[i].text : c[i].payload);
		}
		buf_done(&b);
	}
}

TEST(nothing_is_appended_when_encoding_fails)
{
	struct smpp_pdu unknown = {.id = 0x21}, fine = {.id = SMPP_ENQUIRE_LINK};
	struct smpp_pdu wrong = {.id = SMPP_ENQUIRE_LINK, .network_error = OCTETS("12"), .tlvs = HAS(NETWORK_ERROR_CODE)};
	struct buf b = {.max = 40};

	buf_puts(&b, "x");
	assert_int_equal(smpp_encode(&unknown, &b), -EINVAL);
	assert_int_equal(b.n, 1);
	assert_int_equal(smpp_encode(&fine, &b), -EMSGSIZE);
	assert_int_equal(b.n, 1);
	assert_true(b.failed);
	buf_done(&b);
	assert_int_equal(smpp_encode(&wrong, &b), -EINVAL);
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

TEST(a_response_belongs_to_its_request)
{
	static const struct {
		uint32_t id, want;
	} c[] = {
		{SMPP_SUBMIT_SM, SMPP_SUBMIT_SM_RESP},
		{SMPP_BIND_TRANSCEIVER, SMPP_BIND_TRANSCEIVER_RESP},
		{SMPP_DELIVER_SM, SMPP_DELIVER_SM_RESP},
		{SMPP_ENQUIRE_LINK, SMPP_ENQUIRE_LINK_RESP},
		{0x21, SMPP_GENERIC_NACK},
		{0xffff, SMPP_GENERIC_NACK},
		{SMPP_ALERT_NOTIFICATION, SMPP_GENERIC_NACK},
		{SMPP_OUTBIND, SMPP_GENERIC_NACK},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct smpp_pdu req = {.id = c[i].id, .seq = 77, .message_id = "x"}, resp;

		smpp_response(&req, SMPP_RSYSERR, &resp);
		assert_int_equal(resp.id, c[i].want);
		assert_int_equal(resp.seq, 77);
		assert_int_equal(resp.status, SMPP_RSYSERR);
		assert_string_equal(resp.message_id, "");
	}
}

TEST(errors_of_binds_and_submits_have_no_body_others_have)
{
	static const struct {
		uint32_t id;
		size_t octets;
	} c[] = {
		{SMPP_SUBMIT_SM_RESP, 16},        {SMPP_BIND_TRANSCEIVER_RESP, 16},
		{SMPP_BIND_TRANSMITTER_RESP, 16}, {SMPP_BIND_RECEIVER_RESP, 16},
		{SMPP_DELIVER_SM_RESP, 17},       {SMPP_GENERIC_NACK, 16},
		{SMPP_QUERY_SM_RESP, 20},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct smpp_pdu m = {.id = c[i].id, .status = 8, .seq = 1};
		struct buf b = BUF_INIT;

		assert_int_equal(smpp_encode(&m, &b), 0);
		assert_int_equal(b.n, c[i].octets);
		buf_done(&b);
	}
}

TEST(names_are_known)
{
	assert_string_equal(smpp_status_name(0x58), "ESME_RTHROTTLED");
	assert_string_equal(smpp_status_text(0x58), "throttled");
	assert_string_equal(smpp_status_name(0), "ESME_ROK");
	assert_null(smpp_status_name(0x400));
	assert_string_equal(smpp_status_text(0x400), "vendor's own error");
	assert_string_equal(smpp_status_text(0x09), "reserved");
	assert_null(smpp_command_name(0x21));
	assert_string_equal(smpp_tlv_name(SMPP_TLV_MESSAGE_PAYLOAD), "MESSAGE_PAYLOAD");
	assert_null(smpp_tlv_name(SMPP_TLV_COUNT));
}

TEST(a_log_line_keeps_secrets)
{
	static const struct {
		struct smpp_pdu m;
		const char *want;
	} c[] = {
		{{.id = SMPP_BIND_TRANSMITTER, .seq = 1, .system_id = "a\"b\n", .password = "hidden"},
		 "bind_transmitter seq=1 system_id=\"a\\\"b\\x0a\""},
		{{.id = SMPP_SUBMIT_SM, .seq = 2, .source = {5, 0, "Pombo"}, .dest = {1, 1, "5511999990001"}, .short_message = OCTETS("body")},
		 "submit_sm seq=2 from=\"Pombo\"/5/0 to=\"55119****0001\"/1/1 esm_class=0x00 "
		 "data_coding=0x00 "
		 "registered_delivery=0 octets=4"},
		{{.id = SMPP_SUBMIT_SM_RESP, .status = 0x58, .seq = 2}, "submit_sm_resp seq=2 status=0x58(ESME_RTHROTTLED)"},
		{{.id = SMPP_QUERY_SM, .seq = 3, .message_id = "7", .source = {1, 1, "27182"}},
		 "query_sm seq=3 message_id=\"7\" from=\"27182\"/1/1"},
		{{.id = 0x21, .status = 0x401}, "0x00000021 seq=0 status=0x401"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT;

		smpp_print(&c[i].m, &b);
		assert_buf_text(&b, c[i].want);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(errors_name_the_status_to_answer_with),
		RUN(addresses_too_long_are_named),
		RUN(oddities_of_real_peers_are_taken),
		RUN(tlvs_are_read_with_care),
		RUN(ids_have_sixty_four_characters),
		RUN(types_of_number_are_carried_whatever_they_are),
		RUN(texts_of_all_sizes_go_through),
		RUN(nothing_is_appended_when_encoding_fails),
		RUN(a_response_belongs_to_its_request),
		RUN(errors_of_binds_and_submits_have_no_body_others_have),
		RUN(names_are_known),
		RUN(a_log_line_keeps_secrets),
	};

	return cmocka_run_group_tests_name("smpp_fields", tests, NULL, NULL);
}
