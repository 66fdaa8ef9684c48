/* split_test.c - parts of long texts: their number, where they are cut, their octets, what folding saves. */
#include "wire_test.h"

#include <errno.h>

#include "wire/split.h"

TEST(parts_are_counted_as_the_standard_says)
{
	static const struct {
		const char *unit;
		size_t times;
		const char *tail;
		enum split_join join;
		unsigned alphabets, parts, alphabet;
	} c[] = {
		{"", 0, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7},
		{"0", 160, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7},
		{"0", 161, "", SPLIT_UDH8, 0, 2, SPLIT_GSM7},
		{"0", 306, "", SPLIT_UDH8, 0, 2, SPLIT_GSM7},
		{"0", 307, "", SPLIT_UDH8, 0, 3, SPLIT_GSM7},
		{"0", 304, "", SPLIT_UDH16, 0, 2, SPLIT_GSM7},
		{"0", 305, "", SPLIT_UDH16, 0, 3, SPLIT_GSM7},
		{"0", 306, "", SPLIT_SAR, 0, 2, SPLIT_GSM7},
		{"0", 306, "", SPLIT_PAYLOAD, 0, 2, SPLIT_GSM7},
		{"0", 1280, "", SPLIT_UDH8, 0, 9, SPLIT_GSM7},
		/* 160 - "(1/2) " = 154 */
		{"0", 308, "", SPLIT_NONE, 0, 2, SPLIT_GSM7},
		{"0", 309, "", SPLIT_NONE, 0, 3, SPLIT_GSM7},
		{"0", 9 * 154, "", SPLIT_NONE, 0, 9, SPLIT_GSM7},
		{"0", 9 * 154 + 1, "", SPLIT_NONE, 0, 10, SPLIT_GSM7},
		{"0", 9 * 153 + 152, "", SPLIT_NONE, 0, 10, SPLIT_GSM7},
		{"0", 9 * 153 + 153, "", SPLIT_NONE, 0, 11, SPLIT_GSM7},
		{"€", 80, "", SPLIT_UDH8, 0, 1, SPLIT_GSM7EXT},
		{"€", 80, "a", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT},
		{"€", 153, "", SPLIT_UDH8, 0, 3, SPLIT_GSM7EXT}, /* 76 pairs a part */
		{"€", 152, "", SPLIT_UDH8, 0, 2, SPLIT_GSM7EXT},
		{"á", 70, "", SPLIT_UDH8, 0, 1, SPLIT_UCS2},
		{"á", 71, "", SPLIT_UDH8, 0, 2, SPLIT_UCS2},
		{"á", 134, "", SPLIT_UDH8, 0, 2, SPLIT_UCS2},
		{"á", 135, "", SPLIT_UDH8, 0, 3, SPLIT_UCS2},
		{"á", 132, "", SPLIT_UDH16, 0, 2, SPLIT_UCS2},
		{"á", 133, "", SPLIT_UDH16, 0, 3, SPLIT_UCS2},
		{"😀", 35, "", SPLIT_UDH8, 0, 1, SPLIT_UCS2},
		{"😀", 36, "", SPLIT_UDH8, 0, 2, SPLIT_UCS2},
		{"😀", 66, "", SPLIT_UDH8, 0, 2, SPLIT_UCS2}, /* 33 pairs a part of 67 units */
		{"😀", 67, "", SPLIT_UDH8, 0, 3, SPLIT_UCS2},
		{"x", 160, "", SPLIT_UDH8, SPLIT_ASCII | SPLIT_UCS2, 1, SPLIT_ASCII},
		{"á", 140, "", SPLIT_UDH8, SPLIT_LATIN1 | SPLIT_UCS2, 1, SPLIT_LATIN1},
		{"á", 141, "", SPLIT_UDH8, SPLIT_LATIN1 | SPLIT_UCS2, 2, SPLIT_LATIN1},
		{"á", 268, "", SPLIT_UDH8, SPLIT_LATIN1, 2, SPLIT_LATIN1},
		{"á", 269, "", SPLIT_UDH8, SPLIT_LATIN1, 3, SPLIT_LATIN1},
		{"á", 267, "", SPLIT_UDH16, SPLIT_LATIN1, 3, SPLIT_LATIN1},
		{"{", 160, "", SPLIT_UDH8, SPLIT_GSM7 | SPLIT_UCS2, 3, SPLIT_UCS2}, /* no extension allowed */
		{"á", 160, "", SPLIT_UDH8, SPLIT_GSM7, 1, SPLIT_GSM7}, /* folded, there is no other way */
		{"я", 160, "", SPLIT_UDH8, SPLIT_GSM7, 1, SPLIT_GSM7}, /* lost */
		{"я", 160, "", SPLIT_UDH8, SPLIT_GSM7EXT, 1, SPLIT_GSM7EXT},
		{"я{", 80, "", SPLIT_UDH8, SPLIT_GSM7EXT, 2, SPLIT_GSM7EXT},
		{"0", 255 * 153, "", SPLIT_UDH8, 0, 255, SPLIT_GSM7},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		char *z = repeat(c[i].unit, c[i].times, c[i].tail);
		struct split_options o = {.join = c[i].join, .alphabets = c[i].alphabets};
		struct split_count n;
		struct split s = {0};

		assert_int_equal(split_count(str_of(z), &o, &n), 0);
		if (n.parts != c[i].parts || n.alphabet != c[i].alphabet)
			fail_msg("case %zu: %u parts in alphabet %u", i, n.parts, n.alphabet);
		assert_int_equal(split_text(str_of(z), &o, &s), 0);
		assert_int_equal(s.n, n.pdus);
		assert_int_equal(s.n, c[i].join == SPLIT_PAYLOAD ? 1 : n.parts);
		split_done(&s);
		free(z);
	}
}

TEST(too_many_parts_are_refused)
{
	static const enum split_join joins[] = {SPLIT_UDH8, SPLIT_UDH16, SPLIT_SAR, SPLIT_PAYLOAD, SPLIT_NONE};
	char *z = repeat("0", 255 * 154 + 1, "");

	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		struct split_options o = {.join = joins[i]};
		struct split_count n;
		struct split s = {0};

		assert_int_equal(split_count(str_of(z), &o, &n), -E2BIG);
		assert_true(n.parts > SPLIT_PARTS_MAX);
		assert_int_equal(split_text(str_of(z), &o, &s), -E2BIG);
		assert_int_equal(s.n, 0);
		split_done(&s);
	}
	free(z);
}

TEST(the_octets_of_the_parts_are_right)
{
	char *z = repeat("0123456789", 16, "x");
	struct split_options o = {.join = SPLIT_UDH8, .ref = 0x1234};
	struct split s = {0};
	struct smpp_pdu m = {.id = SMPP_SUBMIT_SM, .esm_class = 3};

	assert_int_equal(split_text(str_of(z), &o, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.part[0].n, 159);
	assert_hex(s.part[0].p, 9, "050003340201303132");
	assert_hex(s.part[1].p, s.part[1].n, "050003340202 33343536373839 78");
	assert_int_equal(s.part[1].udh, 6);
	split_fill(&s, 1, &m);
	assert_int_equal(m.esm_class, 0x43);
	assert_int_equal(m.data_coding, 0);
	assert_int_equal(m.short_message.n, s.part[1].n);
	assert_int_equal(m.tlvs, 0);

	o.join = SPLIT_UDH16;
	assert_int_equal(split_text(str_of(z), &o, &s), 0);
	assert_int_equal(s.part[0].n, 159);
	assert_hex(s.part[1].p, s.part[1].n, "06080412340202 3233343536373839 78");

	o.join = SPLIT_SAR;
	assert_int_equal(split_text(str_of(z), &o, &s), 0);
	split_fill(&s, 1, &m);
	assert_int_equal(m.esm_class, 3);
	assert_hex(m.short_message.p, m.short_message.n, "33343536373839 78");
	assert_int_equal(m.sar_ref, 0x34);
	assert_int_equal(m.sar_total, 2);
	assert_int_equal(m.sar_seq, 2);

	memset(&m, 0, sizeof(m));
	o.join = SPLIT_PAYLOAD;
	assert_int_equal(split_text(str_of(z), &o, &s), 0);
	split_fill(&s, 0, &m);
	assert_int_equal(m.short_message.n, 0);
	assert_int_equal(m.payload.n, 161);
	assert_true(smpp_has(&m, SMPP_TLV_MESSAGE_PAYLOAD));

	o.join = SPLIT_NONE;
	assert_int_equal(split_text(str_of(z), &o, &s), 0);
	assert_memory_equal(s.part[0].p, "(1/2) 0123", 10);
	assert_int_equal(s.part[0].n, 160);
	assert_int_equal(s.part[1].n, 6 + 7);
	assert_memory_equal(s.part[1].p, "(2/2) 456789x", 13);
	assert_int_equal(s.esm_class, 0);
	split_done(&s);
	free(z);
}

TEST(a_short_text_is_one_plain_message_however_parts_are_joined)
{
	static const enum split_join joins[] = {SPLIT_UDH8, SPLIT_UDH16, SPLIT_SAR, SPLIT_PAYLOAD, SPLIT_NONE};

	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		struct split_options o = {.join = joins[i]};
		struct split s = {0};
		struct smpp_pdu m = {.id = SMPP_SUBMIT_SM};

		assert_int_equal(split_text(STR("Ol@"), &o, &s), 0);
		assert_int_equal(s.n, 1);
		split_fill(&s, 0, &m);
		assert_hex(m.short_message.p, m.short_message.n, "4f6c00");
		assert_int_equal(m.esm_class, 0);
		assert_int_equal(m.tlvs, 0);
		assert_int_equal(split_text((struct str){0}, &o, &s), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.part[0].n, 0);
		split_done(&s);
	}
}

TEST(pairs_are_never_torn)
{
	static const struct {
		const char *unit, *pair;
		size_t fill; /* units before the pair, so that its halves lie on both sides of the edge */
		unsigned cap;
	} c[] = {{"0", "€", 152, 153}, {"0", "{", 152, 153}, {"á", "😀", 66, 67}};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		for (size_t shift = 0; shift < 3; shift++) {
			char *front = repeat(c[i].unit, c[i].fill - 1 + shift, c[i].pair);
			char *z = repeat(front, 1, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
			struct split_options o = {.join = SPLIT_UDH8};
			struct split s = {0};
			size_t width = i == 2 ? 2 : 1, want = shift == 1 ? c[i].cap - 1 : c[i].cap;

			assert_int_equal(split_text(str_of(z), &o, &s), 0);
			assert_int_equal(s.n, 2);
			assert_int_equal((s.part[0].n - 6) / width, want);
			split_done(&s);
			free(z);
			free(front);
		}
	}
}

TEST(codings_follow_alphabet_and_flash)
{
	static const struct {
		const char *text;
		unsigned alphabets;
		enum split_flash flash;
		uint8_t data_coding, subunit;
	} c[] = {
		{"a", 0, SPLIT_FLASH_OFF, 0x00, 0},
		{"{", 0, SPLIT_FLASH_OFF, 0x00, 0},
		{"á", 0, SPLIT_FLASH_OFF, 0x08, 0},
		{"a", SPLIT_ASCII, SPLIT_FLASH_OFF, 0x01, 0},
		{"á", SPLIT_LATIN1, SPLIT_FLASH_OFF, 0x03, 0},
		{"a", 0, SPLIT_FLASH_CLASS, 0x10, 0},
		{"á", 0, SPLIT_FLASH_CLASS, 0x18, 0},
		{"a", 0, SPLIT_FLASH_F0, 0xf0, 0},
		{"á", 0, SPLIT_FLASH_F0, 0x18, 0},
		{"a", 0, SPLIT_FLASH_SUBUNIT, 0x00, 1},
		{"á", 0, SPLIT_FLASH_SUBUNIT, 0x08, 1},
		{"a", SPLIT_ASCII, SPLIT_FLASH_CLASS, 0x01, 1},
		{"á", SPLIT_LATIN1, SPLIT_FLASH_F0, 0x03, 1},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct split_options o = {.alphabets = c[i].alphabets, .flash = c[i].flash};
		struct split s = {0};
		struct smpp_pdu m = {.id = SMPP_SUBMIT_SM};
		struct sms_part part;
		struct buf text = BUF_INIT;

		assert_int_equal(split_text(str_of(c[i].text), &o, &s), 0);
		split_fill(&s, 0, &m);
		assert_int_equal(m.data_coding, c[i].data_coding);
		assert_int_equal(m.dest_addr_subunit, c[i].subunit);
		assert_int_equal(smpp_has(&m, SMPP_TLV_DEST_ADDR_SUBUNIT), c[i].subunit);
		sms_read(&m, SPLIT_GSM7EXT, &text, &part);
		assert_buf_text(&text, c[i].text);
		assert_int_equal(part.flash, c[i].flash != SPLIT_FLASH_OFF);
		buf_done(&text);
		split_done(&s);
	}
}

TEST(folding_saves_parts_and_nothing_is_lost_silently)
{
	static const struct {
		const char *text, *want;
		unsigned alphabets;
		bool fold, lossy;
	} c[] = {
		{"Olá, não", "Olá, não", 0, false, false},
		{"Olá, não", "Ola, nao", 0, true, false},
		{"Olá 😀", "Olá 😀", 0, true, false}, /* UCS-2 all the same */
		{"Olá é", "Olá é", SPLIT_UCS2, true, false},
		{"Olá é", "Ola é", SPLIT_GSM7, false, false}, /* no alphabet holds it: the least is lost */
		{"Olá é", "Ola e", SPLIT_ASCII, false, false},
		{"Olá 😀", "Ola ?", SPLIT_GSM7, false, true},
		{"{€}", "???", SPLIT_GSM7, false, true},
		{"{€}", "{€}", SPLIT_GSM7EXT, false, false},
		{"Olá 😀 {", "Ola ? {", SPLIT_GSM7EXT, true, true},
		{"Olá 😀", "Ola ?", SPLIT_LATIN1, false, true},
		{"“á”", "\"a\"", SPLIT_LATIN1, true, false},
		{"ação", "ação", SPLIT_LATIN1, false, false},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct split_options o = {.alphabets = c[i].alphabets, .fold = c[i].fold};
		struct split s = {0};
		struct smpp_pdu m = {.id = SMPP_SUBMIT_SM};
		struct sms_part part;
		struct buf text = BUF_INIT;

		assert_int_equal(split_text(str_of(c[i].text), &o, &s), 0);
		assert_int_equal(s.lossy, c[i].lossy);
		split_fill(&s, 0, &m);
		sms_read(&m, SPLIT_GSM7EXT, &text, &part);
		assert_buf_text(&text, c[i].want);
		buf_done(&text);
		split_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(parts_are_counted_as_the_standard_says),
		RUN(too_many_parts_are_refused),
		RUN(the_octets_of_the_parts_are_right),
		RUN(a_short_text_is_one_plain_message_however_parts_are_joined),
		RUN(pairs_are_never_torn),
		RUN(codings_follow_alphabet_and_flash),
		RUN(folding_saves_parts_and_nothing_is_lost_silently),
	};

	return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
