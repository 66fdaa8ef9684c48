/* split_read_test.c - what was split reads back as it was: national tables, headers of every kind, data codings, random texts. */
#include "wire_test.h"

#include "base/rng.h"
#include "wire/gsm_text.h"
#include "wire/split.h"

/* A text of characters of all kinds, valid UTF-8. */
static void random_text(struct prng *r, struct buf *out)
{
	static const char *const kinds[][8] = {
		{"a", "@", "0", " ", "é", "\n", "Ω", "Z"},  {"a", "{", "€", "0", "]", "~", "é", "x"},
		{"á", "a", "😀", "ж", "中", "€", "ç", "\t"}, {"á", "a", "â", "{", "Ω", "é", "ç", "Ê"},
		{"á", "a", "ñ", "¿", "0", "é", "ç", "€"},   {"😀", "𝄞", "a", "😀", "🇧🇷", "ã", "1", "😀"},
	};
	const char *const *kind = kinds[prng_below(r, COUNT_OF(kinds))];

	for (uint64_t n = prng_below(r, prng_below(r, 8) ? 400 : 3000); n > 0; n--)
		buf_puts(out, kind[prng_below(r, 8)]);
}

/* Checks one part by itself, and appends its text. */
static void check_part(const struct split *s, unsigned i, struct buf *text)
{
	struct smpp_pdu m = {.id = SMPP_SUBMIT_SM};
	struct sms_part part;
	size_t units = s->part[i].n - s->part[i].udh;

	split_fill(s, i, &m);
	sms_read(&m, SPLIT_GSM7EXT, text, &part);
	assert_false(part.damaged);
	assert_int_equal(part.joined, s->n > 1 && s->join != SPLIT_NONE);
	assert_int_equal(part.total, part.joined ? s->n : 1);
	assert_int_equal(part.seq, part.joined ? i + 1 : 1);
	if (part.joined)
		assert_int_equal(part.ref, s->ref);
	if (s->join == SPLIT_PAYLOAD)
		return;
	if (s->alphabet == SPLIT_UCS2) {
		assert_true(s->part[i].n <= 140);
		assert_int_equal(part.units, units / 2);
	} else {
		assert_true((s->part[i].udh * 8 + 6) / 7 + units <= 160);
		assert_int_equal(part.units, units);
	}
}

TEST(a_national_table_keeps_letters_out_of_ucs2)
{
	static const struct {
		const char *unit;
		size_t times;
		const char *tail;
		enum split_join join;
		unsigned alphabets, parts, alphabet;
		enum gsm_shift shift;
		const char *first; /* octets the first part begins with */
	} c[] = {
		{"Ola", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7, GSM_SHIFT_NONE, "4f6c61"},
		{"{", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_NONE, "1b28"},
		{"Não á€ç", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 4e1b7b6f201b0f1b651b09"},
		{"¿Qué más, señor?", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_SPANISH,
		 "03240102 6051750520 6d1b6173 2c20 73657d6f723f"},
		{"Está {aqui}", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 4573741b0f201b28"},
		{"ñã", 1, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 7d1b7b"},
		{"ã 😀", 1, "", SPLIT_UDH8, 0, 1, SPLIT_UCS2, GSM_SHIFT_NONE, "00e30020d83dde00"},
		{"ã`", 1, "", SPLIT_UDH8, 0, 1, SPLIT_UCS2, GSM_SHIFT_NONE, "00e30060"},
		/* alone: 155 septets, so 77 letters or 153 plain ones and a letter */
		{"ã", 77, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 1b7b"},
		{"ã", 77, "a", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 1b7b"},
		{"ã", 78, "", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340201240103 1b7b"},
		{"a", 153, "ã", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 6161"},
		{"a", 154, "ã", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340201240103 6161"},
		/* in parts: 149 septets, 148 with the wide reference; 74 letters either way */
		{"a", 2 * 149 - 2, "ã", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340201240103"},
		{"a", 2 * 149 - 1, "ã", SPLIT_UDH8, 0, 3, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340301240103"},
		{"a", 2 * 148 - 2, "ã", SPLIT_UDH16, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "09080412340201240103"},
		{"a", 2 * 148 - 1, "ã", SPLIT_UDH16, 0, 3, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "09080412340301240103"},
		{"ã", 148, "", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340201240103"},
		{"ã", 149, "", SPLIT_UDH8, 0, 3, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "080003340301240103"},
		{"a", 2 * 149 - 2, "ã", SPLIT_NONE, 0, 2, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 28312f322920 6161"},
		{"a", 2 * 149 - 1, "ã", SPLIT_NONE, 0, 3, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 28312f332920 6161"},
		/* where the SMSC makes the parts, only what fits one has the header */
		{"ã", 77, "", SPLIT_SAR, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 1b7b"},
		{"ã", 78, "", SPLIT_SAR, 0, 2, SPLIT_UCS2, GSM_SHIFT_NONE, "00e300e3"},
		{"ã", 77, "", SPLIT_PAYLOAD, 0, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 1b7b"},
		{"ã", 78, "", SPLIT_PAYLOAD, 0, 2, SPLIT_UCS2, GSM_SHIFT_NONE, "00e300e3"},
		/* other alphabets as they are allowed */
		{"ã", 1, "", SPLIT_UDH8, SPLIT_LATIN1 | SPLIT_GSM7EXT | SPLIT_UCS2, 1, SPLIT_LATIN1, GSM_SHIFT_NONE, "e3"},
		{"ã", 1, "", SPLIT_UDH8, SPLIT_GSM7EXT, 1, SPLIT_GSM7EXT, GSM_SHIFT_PORTUGUESE, "03240103 1b7b"},
		{"ã", 1, "", SPLIT_UDH8, SPLIT_GSM7 | SPLIT_UCS2, 1, SPLIT_UCS2, GSM_SHIFT_NONE, "00e3"},
		{"ã", 1, "", SPLIT_UDH8, SPLIT_UCS2, 1, SPLIT_UCS2, GSM_SHIFT_NONE, "00e3"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		char *z = repeat(c[i].unit, c[i].times, c[i].tail);
		struct split_options o = {.join = c[i].join, .alphabets = c[i].alphabets, .shift = true, .ref = 0x1234};
		struct split_count n;
		struct split s = {0};
		struct buf back = BUF_INIT;
		uint8_t *first;
		size_t first_n;

		assert_int_equal(split_count(str_of(z), &o, &n), 0);
		assert_int_equal(split_text(str_of(z), &o, &s), 0);
		if (n.parts != c[i].parts || n.alphabet != c[i].alphabet || n.shift != c[i].shift)
			fail_msg("case %zu: %u parts in alphabet %u, shift %u", i, n.parts, n.alphabet, n.shift);
		assert_int_equal(s.shift, n.shift);
		assert_int_equal(s.n, n.pdus);
		assert_false(s.lossy);
		assert_int_equal(s.data_coding, n.alphabet == SPLIT_UCS2     ? 8
						: n.alphabet == SPLIT_LATIN1 ? 3
									     : 0);
		assert_int_equal(s.esm_class != 0, n.shift || (n.parts > 1 && c[i].join < SPLIT_SAR));
		first = unhex(c[i].first, &first_n);
		assert_true(s.part[0].n >= first_n);
		assert_memory_equal(s.part[0].p, first, first_n);
		free(first);
		for (unsigned k = 0; k < s.n && c[i].join != SPLIT_NONE; k++)
			check_part(&s, k, &back);
		if (c[i].join != SPLIT_NONE)
			assert_buf_text(&back, z);
		buf_done(&back);
		split_done(&s);
		free(z);
	}
}

TEST(a_national_table_saves_what_no_other_alphabet_holds)
{
	struct split_options o = {.alphabets = SPLIT_GSM7EXT, .shift = true, .fold = true};
	struct split s = {0};

	assert_int_equal(split_text(STR("não"), &o, &s), 0);
	assert_hex(s.part[0].p, s.part[0].n, "03240103 6e1b7b6f");
	assert_int_equal(split_text(STR("não “é”"), &o, &s), 0); /* no table has these quotes: folded as ever */
	assert_int_equal(s.shift, GSM_SHIFT_NONE);
	assert_hex(s.part[0].p, s.part[0].n, "6e616f2022 05 22");
	split_done(&s);
}

TEST(what_is_split_reads_back_as_it_was)
{
	static const enum split_join joins[] = {SPLIT_UDH8, SPLIT_UDH16, SPLIT_SAR, SPLIT_PAYLOAD};
	struct split s = {0};
	struct prng r;

	prng_seed(&r, 42);
	for (int round = 0; round < 1500; round++) {
		struct split_options o = {
			.join = joins[prng_below(&r, 4)], .shift = round % 2, .ref = (uint16_t)prng_u64(&r)};
		struct buf text = BUF_INIT, back = BUF_INIT;
		struct split_count n;

		random_text(&r, &text);
		assert_int_equal(split_count(buf_view(&text), &o, &n), 0);
		assert_int_equal(split_text(buf_view(&text), &o, &s), 0);
		assert_int_equal(s.n, n.pdus);
		assert_int_equal(s.alphabet, n.alphabet);
		assert_int_equal(s.shift, n.shift);
		assert_false(s.lossy);
		for (unsigned i = 0; i < s.n; i++)
			check_part(&s, i, &back);
		assert_true(str_eq(buf_view(&back), buf_view(&text)));
		buf_done(&text);
		buf_done(&back);
	}
	split_done(&s);
}

TEST(marked_messages_hold_the_text_in_order)
{
	struct split s = {0};
	struct prng r;

	prng_seed(&r, 43);
	for (int round = 0; round < 500; round++) {
		struct split_options o = {.join = SPLIT_NONE, .shift = round % 2};
		struct buf text = BUF_INIT, back = BUF_INIT;
		struct split_count n;

		random_text(&r, &text);
		assert_int_equal(split_count(buf_view(&text), &o, &n), 0);
		assert_int_equal(split_text(buf_view(&text), &o, &s), 0);
		assert_int_equal(s.n, n.parts);
		for (unsigned i = 0; i < s.n; i++) {
			struct buf one = BUF_INIT;
			char mark[16];
			int len = s.n > 1 ? snprintf(mark, sizeof(mark), "(%u/%u) ", i + 1, s.n) : 0;

			check_part(&s, i, &one);
			assert_true(one.n >= (size_t)len);
			if (len)
				assert_memory_equal(one.p, mark, len);
			buf_put(&back, one.p + len, one.n - (size_t)len);
			buf_done(&one);
		}
		assert_true(str_eq(buf_view(&back), buf_view(&text)));
		buf_done(&text);
		buf_done(&back);
	}
	split_done(&s);
}

TEST(every_data_coding_has_a_reading)
{
	static const struct {
		uint8_t from, to;
		unsigned alphabet;
		bool damaged;
	} c[] = {
		{0x00, 0x00, SPLIT_LATIN1, false},
		{0x01, 0x01, SPLIT_ASCII, false},
		{0x02, 0x02, 0, false},
		{0x03, 0x03, SPLIT_LATIN1, false},
		{0x04, 0x04, 0, false},
		{0x05, 0x07, SPLIT_LATIN1, false},
		{0x08, 0x08, SPLIT_UCS2, false},
		{0x09, 0x0f, SPLIT_LATIN1, false},
		{0x10, 0x13, SPLIT_GSM7EXT, false},
		{0x14, 0x17, 0, false},
		{0x18, 0x1b, SPLIT_UCS2, false},
		{0x1c, 0x1f, SPLIT_GSM7EXT, false},
		{0x20, 0x3f, 0, true},
		{0x40, 0x43, SPLIT_GSM7EXT, false},
		{0x58, 0x5b, SPLIT_UCS2, false},
		{0x60, 0x7f, 0, true},
		{0x80, 0xbf, SPLIT_LATIN1, false},
		{0xc0, 0xdf, SPLIT_GSM7EXT, false},
		{0xe0, 0xef, SPLIT_UCS2, false},
		{0xf0, 0xf3, SPLIT_GSM7EXT, false},
		{0xf4, 0xf7, 0, false},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		for (unsigned dcs = c[i].from; dcs <= c[i].to; dcs++) {
			struct smpp_pdu m = {.data_coding = (uint8_t)dcs, .short_message = {(const uint8_t *)"\0A", 2}};
			struct sms_part part;
			struct buf b = BUF_INIT;

			if (c[i].alphabet == SPLIT_ASCII || c[i].alphabet == SPLIT_LATIN1 || !c[i].alphabet)
				m.short_message = (struct smpp_octets){(const uint8_t *)"AB", 2};
			sms_read(&m, SPLIT_LATIN1, &b, &part);
			if (part.alphabet != c[i].alphabet || part.damaged != c[i].damaged)
				fail_msg("data_coding 0x%02x: alphabet %u", dcs, part.alphabet);
			assert_int_equal(part.binary, part.alphabet == 0);
			assert_int_equal(part.flash, dcs == 0x10 || dcs == 0x14 || dcs == 0x18 || dcs == 0x1c ||
							     dcs == 0x30 || dcs == 0x34 || dcs == 0x38 || dcs == 0x3c ||
							     dcs == 0x58 || dcs == 0x70 || dcs == 0x74 || dcs == 0x78 ||
							     dcs == 0x7c || dcs == 0xf0 || dcs == 0xf4);
			buf_done(&b);
		}
	}
}

TEST(headers_of_all_kinds_are_survived)
{
	static const struct {
		const char *hex, *text;
		bool joined, damaged;
		uint16_t ref;
		uint8_t total, seq;
	} c[] = {
		{"050003cc0302 4142", "AB", true, false, 0xcc, 3, 2},
		{"060804abcd0302 4142", "AB", true, false, 0xabcd, 3, 2},
		{"050003cc0101 4142", "AB", false, false, 0xcc, 1, 1},
		{"0b0504158200000003cc0302 41", "A", true, false, 0xcc, 3, 2}, /* a port element before */
		{"03240101 4142", "AB", false, false, 0, 1, 1},  /* a language we have no table for */
		{"03240101 411b69", "Ai", false, true, 0, 1, 1}, /* and a letter of it */
		{"03240102 1b69", "í", false, false, 0, 1, 1},
		{"03240103 1b691b7b1b65", "íã€", false, false, 0, 1, 1},
		{"03240103 1b1c1b", "Æ ", false, true, 0, 1, 1},
		{"080003cc0302240103 1b7b", "ã", true, false, 0xcc, 3, 2},
		{"080003cc0302240103 1b", " ", true, true, 0xcc, 3, 2},
		{"06240102240103 1b7b", "ã", false, false, 0, 1, 1}, /* the last of two counts */
		{"0424020303 41", "A", false, true, 0, 1, 1},
		{"022400 41", "A", false, true, 0, 1, 1},
		{"03250100 4142", "AB", false, false, 0, 1, 1},
		{"03250103 4142", "AB", false, true, 0, 1, 1}, /* another table for plain letters */
		{"00 41", "A", false, false, 0, 1, 1},         /* empty header */
		{"", "", false, true, 0, 1, 1},
		{"050003cc03", "é@¥Ì¥", false, true, 0, 1, 1}, /* longer than the text: all is text */
		{"ff4142", "ÿAB", false, true, 0, 1, 1},
		{"050003cc0300 41", "A", false, true, 0, 1, 1}, /* part 0 */
		{"050003cc0304 41", "A", false, true, 0, 1, 1}, /* part 4 of 3 */
		{"050003cc0001 41", "A", false, true, 0, 1, 1}, /* of 0 */
		{"050005cc0302 41", "A", false, true, 0, 1, 1}, /* element longer than the header */
		{"0500020302aa 41", "A", false, true, 0, 1, 1}, /* wrong element length */
		{"01 00 41", "A", false, true, 0, 1, 1},        /* half an element */
		{"050003cc0302", "", true, false, 0xcc, 3, 2},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		size_t n;
		uint8_t *p = unhex(c[i].hex, &n);
		struct smpp_pdu m = {.esm_class = SMPP_ESM_UDHI, .short_message = {p, n}};
		struct sms_part part;
		struct buf b = BUF_INIT;

		sms_read(&m, SPLIT_GSM7EXT, &b, &part);
		if (part.joined != c[i].joined || part.damaged != c[i].damaged || part.ref != c[i].ref ||
		    part.total != c[i].total || part.seq != c[i].seq)
			fail_msg("case %zu: %d %d ref %u %u/%u", i, part.joined, part.damaged, part.ref,
				 part.seq, part.total);
		assert_buf_text(&b, c[i].text);
		buf_done(&b);
		free(p);
	}
}

TEST(sar_parameters_are_taken_when_there_is_no_header)
{
	struct smpp_pdu m = {.short_message = {(const uint8_t *)"AB", 2}, .sar_ref = 0x1234, .sar_total = 2, .sar_seq = 1};
	struct sms_part part;
	struct buf b = BUF_INIT;

	smpp_mark(&m, SMPP_TLV_SAR_MSG_REF_NUM);
	smpp_mark(&m, SMPP_TLV_SAR_TOTAL_SEGMENTS);
	sms_read(&m, SPLIT_GSM7EXT, &b, &part);
	assert_false(part.joined);
	smpp_mark(&m, SMPP_TLV_SAR_SEGMENT_SEQNUM);
	sms_read(&m, SPLIT_GSM7EXT, &b, &part);
	assert_true(part.joined && part.wide);
	assert_int_equal(part.ref, 0x1234);
	m.sar_seq = 3;
	sms_read(&m, SPLIT_GSM7EXT, &b, &part);
	assert_true(!part.joined && part.damaged);
	m.short_message.n = 0;
	m.payload = (struct smpp_octets){(const uint8_t *)"long", 4};
	buf_clear(&b);
	sms_read(&m, SPLIT_GSM7EXT, &b, &part);
	assert_buf_text(&b, "long");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_national_table_keeps_letters_out_of_ucs2),
		RUN(a_national_table_saves_what_no_other_alphabet_holds),
		RUN(what_is_split_reads_back_as_it_was),
		RUN(marked_messages_hold_the_text_in_order),
		RUN(every_data_coding_has_a_reading),
		RUN(headers_of_all_kinds_are_survived),
		RUN(sar_parameters_are_taken_when_there_is_no_header),
	};

	return cmocka_run_group_tests_name("split_read", tests, NULL, NULL);
}
