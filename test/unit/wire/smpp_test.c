/* smpp_test.c - the SMPP codec: both ways for every PDU, cut and mutated input, streams in drips, the tolerances. */
#include "wire_test.h"
#include <errno.h>
#include "base/rng.h"
#include "smpp_golden.h"

static bool same_octets(struct smpp_octets a, struct smpp_octets b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool same_addr(const struct smpp_addr *a, const struct smpp_addr *b)
{
	return a->ton == b->ton && a->npi == b->npi && strcmp(a->text, b->text) == 0;
}

static bool same(const struct smpp_pdu *a, const struct smpp_pdu *b)
{
	bool s = a->id == b->id && a->status == b->status && a->seq == b->seq && a->tlvs == b->tlvs;

#define PDU(name, id, text)
#define CSTR(f, e) s &= strcmp(a->f, b->f) == 0;
#define LAST(f, e) s &= strcmp(a->f, b->f) == 0;
#define U8(f) s &= a->f == b->f;
#define ADDR(f, e) s &= same_addr(&a->f, &b->f);
#define TEXT() s &= same_octets(a->short_message, b->short_message);
#define TLV_U8(name, tag, f) s &= a->f == b->f;
#define TLV_U16(name, tag, f) s &= a->f == b->f;
#define TLV_CSTR(name, tag, f) s &= strcmp(a->f, b->f) == 0;
#define TLV_OCTETS(name, tag, f, min, max) s &= same_octets(a->f, b->f);
#include "wire/smpp_pdu.def"
	return s;
}

static void set_length(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* Decodes hex whose command_length may be left as 00000000. */
static uint32_t decode_hex(const char *hex, struct smpp_pdu *m, uint8_t **keep)
{
	size_t n;
	uint8_t *p = unhex(hex, &n);
	uint32_t r;

	if (n >= 4 && !p[0] && !p[1] && !p[2] && !p[3])
		set_length(p, n);
	r = smpp_decode(p, n, m);
	*keep = p;
	return r;
}

static uint32_t status_of(const char *hex)
{
	struct smpp_pdu m;
	uint8_t *p;
	uint32_t r = decode_hex(hex, &m, &p);

	free(p);
	return r;
}

TEST(every_pdu_decodes_to_its_members)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		struct smpp_pdu m;
		uint8_t *p;
		uint32_t r = decode_hex(golden[i].hex, &m, &p);

		if (r || !same(&m, &golden[i].pdu))
			fail_msg("%s: status 0x%x", golden[i].name, r);
		assert_string_equal(smpp_command_name(m.id), golden[i].name);
		free(p);
	}
}

TEST(every_pdu_encodes_to_its_octets)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		struct buf b = BUF_INIT;

		assert_int_equal(smpp_encode(&golden[i].pdu, &b), 0);
		assert_buf_hex(&b, golden[i].hex);
		buf_done(&b);
	}
}

/* What decodes must be what it encodes to. */
static void check_again(const uint8_t *p, size_t n, const struct smpp_pdu *m, bool octets)
{
	struct buf b = BUF_INIT;
	struct smpp_pdu again;

	if (smpp_encode(m, &b) == 0) {
		if (octets) {
			assert_int_equal(b.n, n);
			assert_memory_equal(b.p, p, n);
		}
		assert_int_equal(smpp_decode((const uint8_t *)b.p, b.n, &again), 0);
		if (!smpp_is_response(m->id) || !m->status)
			assert_true(same(m, &again));
	}
	buf_clear(&b);
	smpp_print(m, &b);
	assert_true(b.n > 0);
	assert_true(utf8_valid(buf_view(&b), NULL));
	buf_done(&b);
}

TEST(a_cut_pdu_is_refused_and_its_header_kept)
{
	for (size_t i = 0; i < COUNT_OF(golden); i++) {
		const struct golden *g = &golden[i];
		size_t n;
		uint8_t *p = unhex(g->hex, &n);

		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *exact = malloc(cut ? cut : 1);
			struct smpp_pdu m;
			uint32_t r;

			assert_non_null(exact);
			memcpy(exact, p, cut);
			if (cut >= SMPP_HEADER) {
				assert_int_equal(smpp_decode(exact, cut, &m), SMPP_RINVCMDLEN); /* length says more */
				set_length(exact, cut);
			}
			r = smpp_decode(exact, cut, &m);
			if (cut < SMPP_HEADER) {
				assert_int_equal(r, SMPP_RINVCMDLEN);
			} else {
				assert_int_equal(m.id, g->pdu.id);
				assert_int_equal(m.seq, g->pdu.seq);
				assert_int_equal(m.status, g->pdu.status);
			}
			if (r == 0) /* a cut between two TLVs leaves a whole PDU; responses are taken without body */
				check_again(exact, cut, &m, !smpp_is_response(m.id));
			free(exact);
		}
		free(p);
	}
}

TEST(mutations_never_read_outside_and_decode_to_what_encodes)
{
	struct prng r;
	struct smpp_pdu m;

	prng_seed(&r, 20261122);
	for (int round = 0; round < 40000; round++) {
		size_t n;
		uint8_t *p = unhex(golden[prng_below(&r, COUNT_OF(golden))].hex, &n);

		for (uint64_t k = 1 + prng_below(&r, 4); k > 0; k--) {
			size_t at = 4 + prng_below(&r, n - 4);

			p[at] = (uint8_t)(prng_below(&r, 3) ? prng_u64(&r) : p[at] ^ (1u << prng_below(&r, 8)));
		}
		if (smpp_decode(p, n, &m) == 0)
			check_again(p, n, &m, false);
		free(p);
	}
}

TEST(a_stream_in_drips_gives_the_same_pdus)
{
	struct buf stream = BUF_INIT;
	size_t have = 0, found = 0, start = 0, len;

	for (size_t i = 0; i < COUNT_OF(golden); i++)
		assert_int_equal(smpp_encode(&golden[i].pdu, &stream), 0);
	for (have = 0; have <= stream.n; have++) {
		uint8_t *exact = malloc(have - start + 1);
		enum smpp_framing f;

		assert_non_null(exact);
		memcpy(exact, stream.p + start, have - start);
		f = smpp_frame(exact, have - start, 4096, &len);
		assert_int_not_equal(f, SMPP_FRAME_BROKEN);
		assert_true(len >= SMPP_HEADER);
		if (f == SMPP_FRAME_OK) {
			struct smpp_pdu m;

			assert_int_equal(smpp_decode(exact, len, &m), 0);
			assert_true(same(&m, &golden[found].pdu));
			found++;
			start += len;
		}
		free(exact);
	}
	assert_int_equal(found, COUNT_OF(golden));
	assert_int_equal(start, stream.n);
	buf_done(&stream);
}

TEST(a_length_out_of_bounds_breaks_the_stream)
{
	static const struct {
		const char *hex;
		size_t max;
		enum smpp_framing want;
	} c[] = {
		{"", 100, SMPP_FRAME_MORE},
		{"000000", 100, SMPP_FRAME_MORE},
		{"0000000f", 100, SMPP_FRAME_BROKEN},
		{"00000000", 100, SMPP_FRAME_BROKEN},
		{"00000010", 100, SMPP_FRAME_MORE},
		{"00000064", 100, SMPP_FRAME_MORE},
		{"00000065", 100, SMPP_FRAME_BROKEN},
		{"ffffffff", 1 << 20, SMPP_FRAME_BROKEN},
		{"47455420", 1 << 16, SMPP_FRAME_BROKEN}, /* "GET " */
		{"00000010 00000015 00000000 0000000d 0000", 100, SMPP_FRAME_OK},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		size_t n, len;
		uint8_t *p = unhex(c[i].hex, &n);

		assert_int_equal(smpp_frame(p, n, c[i].max, &len), c[i].want);
		free(p);
	}
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
		RUN(every_pdu_decodes_to_its_members),
		RUN(every_pdu_encodes_to_its_octets),
		RUN(a_cut_pdu_is_refused_and_its_header_kept),
		RUN(mutations_never_read_outside_and_decode_to_what_encodes),
		RUN(a_stream_in_drips_gives_the_same_pdus),
		RUN(a_length_out_of_bounds_breaks_the_stream),
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

	return cmocka_run_group_tests_name("smpp", tests, NULL, NULL);
}
