/* receipt_test.c - receipts as real message centres write them, and ids in two notations. */
#include "wire_test.h"
#include <errno.h>
#include "base/rng.h"
#include "wire/receipt.h"

static const struct {
	const char *text, *id;
	enum receipt_state state;
	const char *err, *submit, *done;
} texts[] = {
	/* the book's form */
	{"id:00001004 sub:001 dlvrd:001 submit date:2611221345 done date:2611221346 stat:DELIVRD err:000 "
	 "text:Ola",
	 "00001004", RECEIPT_DELIVERED, "000", "2611221345", "2611221346"},
	/* seconds, capital Text, hex id */
	{"id:C449ab9744f47b6af1879e49e75e4f40 sub:001 dlvrd:0 submit date:0610191018 done date:0610191018 "
	 "stat:ACCEPTD err:0 "
	 "text:This is an Acti",
	 "C449ab9744f47b6af1879e49e75e4f40", RECEIPT_ACCEPTED, "0", "0610191018", "0610191018"},
	{"id:7220bb6bd0be98fa628de66590f80070 sub:001 dlvrd:1 submit date:0610190851 done date:0610190951 "
	 "stat:DELIVRD err:0 "
	 "text:This is an Action SMS from",
	 "7220bb6bd0be98fa628de66590f80070", RECEIPT_DELIVERED, "0", "0610190851", "0610190951"},
	{"id:0123456789 sub:001 dlvrd:000 submit date:261122134501 done date:261122134610 stat:UNDELIV "
	 "err:011 Text:",
	 "0123456789", RECEIPT_UNDELIVERABLE, "011", "261122134501", "261122134610"},
	/* upper case names, other order, fields missing */
	{"STAT:EXPIRED ID:77 ERR:1B", "77", RECEIPT_EXPIRED, "1B", "", ""},
	{"stat:REJECTD id:abc-def-12", "abc-def-12", RECEIPT_REJECTED, "", "", ""},
	{"id:9 stat:deleted", "9", RECEIPT_DELETED, "", "", ""},
	{"id:9 stat:UNKNOWN err:255", "9", RECEIPT_UNKNOWN, "255", "", ""},
	{"id:9 stat:ENROUTE", "9", RECEIPT_ENROUTE, "", "", ""},
	/* blanks and line ends between and around */
	{"  id: 55 \r\nstat: DELIVRD\terr: 000 ", "55", RECEIPT_DELIVERED, "000", "", ""},
	{"id:55;stat:DELIVRD;err:000", "55", RECEIPT_DELIVERED, "000", "", ""},
	{"id:55, stat:DELIVRD, err:000", "55", RECEIPT_DELIVERED, "000", "", ""},
	/* words spelt out */
	{"id:1 stat:Delivered", "1", RECEIPT_DELIVERED, "", "", ""},
	{"id:1 stat:UNDELIVERABLE", "1", RECEIPT_UNDELIVERABLE, "", "", ""},
	{"id:1 stat:FOO", "1", RECEIPT_NONE, "", "", ""},
	/* what the subscriber wrote is no field */
	{"id:1 stat:DELIVRD err:000 text:id:2 stat:UNDELIV err:999", "1", RECEIPT_DELIVERED, "000", "", ""},
	{"stat:DELIVRD text:id:2", "", RECEIPT_DELIVERED, "", "", ""},
	/* names inside words, the first of two counts */
	{"xid:3 id:4 id:5 stat:DELIVRD", "4", RECEIPT_DELIVERED, "", "", ""},
	{"mid:3 substat:UNDELIV id:4", "4", RECEIPT_NONE, "", "", ""},
	/* empty values do not swallow the next name */
	{"id: sub:001 stat:DELIVRD", "", RECEIPT_DELIVERED, "", "", ""},
	{"id:1 submit date: done date: stat:DELIVRD err: text:", "1", RECEIPT_DELIVERED, "", "", ""},
	{"id:1 submit date:2611221345", "1", RECEIPT_NONE, "", "2611221345", ""},
	/* 64 characters are an id, 65 are none, an error code is cut */
	{"id:0123456789012345678901234567890123456789012345678901234567890123 stat:DELIVRD",
	 "0123456789012345678901234567890123456789012345678901234567890123", RECEIPT_DELIVERED, "", "", ""},
	{"id:01234567890123456789012345678901234567890123456789012345678901234 stat:DELIVRD", "",
	 RECEIPT_DELIVERED, "", "", ""},
	{"id:1 err:0123456789012345678901", "1", RECEIPT_NONE, "012345678901234", "", ""},
};

TEST(real_texts_are_understood)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct receipt r;

		assert_int_equal(receipt_parse(str_of(texts[i].text), &r), 0);
		if (strcmp(r.id, texts[i].id) != 0 || r.state != texts[i].state || strcmp(r.err, texts[i].err) != 0 ||
		    strcmp(r.submit_date, texts[i].submit) != 0 || strcmp(r.done_date, texts[i].done) != 0)
			fail_msg("\"%s\": id '%s' state %d err '%s' submit '%s' done '%s'", texts[i].text,
				 r.id, r.state, r.err, r.submit_date, r.done_date);
	}
}

TEST(other_texts_are_no_receipts)
{
	static const char *const c[] = {"",
					"Hello",
					"identity: 5",
					"text:id:5 stat:DELIVRD",
					"stat:",
					"id:",
					"id: stat: err:",
					"bid:5",
					":::",
					"id",
					"stat"};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct receipt r;

		assert_int_equal(receipt_parse(str_of(c[i]), &r), -EINVAL);
	}
}

TEST(a_cut_text_never_reads_outside)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		for (size_t n = 0; n <= strlen(texts[i].text); n++) {
			char *exact = malloc(n ? n : 1);
			struct receipt r;

			assert_non_null(exact);
			memcpy(exact, texts[i].text, n);
			(void)!receipt_parse((struct str){exact, n}, &r);
			free(exact);
		}
	}
}

TEST(parameters_win_over_the_text)
{
	static const char text[] = "id:1000 stat:ENROUTE err:7 text:x";
	struct smpp_pdu m = {.id = SMPP_DELIVER_SM,
			     .esm_class = 4,
			     .short_message = {(const uint8_t *)text, sizeof(text) - 1},
			     .receipted_id = "3e8",
			     .message_state = 5,
			     .network_error = {(const uint8_t *)"\3\1\2", 3}};
	struct receipt r;

	assert_int_equal(receipt_from_pdu(&m, &r), 0);
	assert_string_equal(r.id, "1000");
	assert_int_equal(r.state, RECEIPT_ENROUTE);
	assert_string_equal(r.err, "7");
	smpp_mark(&m, SMPP_TLV_RECEIPTED_MESSAGE_ID);
	smpp_mark(&m, SMPP_TLV_MESSAGE_STATE);
	smpp_mark(&m, SMPP_TLV_NETWORK_ERROR_CODE);
	assert_int_equal(receipt_from_pdu(&m, &r), 0);
	assert_string_equal(r.id, "3e8");
	assert_int_equal(r.state, RECEIPT_UNDELIVERABLE);
	assert_string_equal(r.err, "3:258");

	m.short_message = (struct smpp_octets){0};
	assert_int_equal(receipt_from_pdu(&m, &r), 0); /* parameters alone are enough */
	m.message_state = 9;
	assert_int_equal(receipt_from_pdu(&m, &r), -EINVAL);
	m.message_state = 0;
	assert_int_equal(receipt_from_pdu(&m, &r), -EINVAL);
	m.payload = (struct smpp_octets){(const uint8_t *)text, sizeof(text) - 1};
	m.receipted_id[0] = '\0';
	assert_int_equal(receipt_from_pdu(&m, &r), 0); /* an empty parameter and an unknown state say nothing */
	assert_string_equal(r.id, "1000");
	assert_int_equal(r.state, RECEIPT_ENROUTE);
}

TEST(esm_class_tells_receipts)
{
	static const struct {
		uint8_t esm;
		bool want;
	} c[] = {{0, false},    {4, true},     {0x20, true},  {0x44, true}, {0x08, false},
		 {0x10, false}, {0x18, false}, {0x40, false}, {0x07, true}, {0x24, false}};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct smpp_pdu m = {.esm_class = c[i].esm};

		assert_int_equal(receipt_is(&m), c[i].want);
	}
}

TEST(what_is_printed_reads_back)
{
	for (int s = RECEIPT_ENROUTE; s <= RECEIPT_REJECTED; s++) {
		struct receipt r = {.id = "00ab", .state = (enum receipt_state)s, .err = "012", .done_date = "2611221345"},
			       back;
		struct buf b = BUF_INIT;

		receipt_print(&b, &r, STR("stat:no id:no and some more words"));
		assert_int_equal(receipt_parse(buf_view(&b), &back), 0);
		assert_string_equal(back.id, r.id);
		assert_int_equal(back.state, r.state);
		assert_string_equal(back.err, "012");
		assert_string_equal(back.submit_date, "0000000000");
		assert_string_equal(back.done_date, "2611221345");
		assert_int_equal(receipt_final(r.state), s != RECEIPT_ENROUTE && s != RECEIPT_ACCEPTED);
		buf_done(&b);
	}
	assert_string_equal(receipt_state_word(RECEIPT_NONE), "");
	assert_false(receipt_final(RECEIPT_NONE));
}

TEST(ids_are_stored_in_a_normal_form)
{
	static const struct {
		enum id_notation how;
		const char *id, *want;
	} c[] = {
		{ID_EITHER, "00001004", "1004"},
		{ID_EITHER, "0", "0"},
		{ID_EITHER, "000", "0"},
		{ID_EITHER, "00AB", "ab"},
		{ID_EITHER, " 12 ", "12"},
		{ID_EITHER, "", ""},
		{ID_EXACT, "00AB", "00AB"},
		{ID_EXACT, " 1", " 1"},
		{ID_HEX_DEC, "00AB", "ab"},
		{ID_DEC_HEX, "0012", "12"},
		{ID_EITHER, "A1B2-00C3", "a1b2-00c3"},
		{ID_EITHER, "00A1-B2", "00a1-b2"},
		{ID_EITHER, "Xa0", "Xa0"},
		{ID_EITHER, "00Xa", "00Xa"}, /* no hexadecimal number: letter case is kept */
		{ID_EITHER, "0123456789012345678901234567890123456789012345678901234567890123",
		 "123456789012345678901234567890123456789012345678901234567890123"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct id_key k;

		id_stored(c[i].how, str_of(c[i].id), &k);
		assert_string_equal(k.s, c[i].want);
	}
}

TEST(receipts_are_looked_up_in_all_readings)
{
	static const struct {
		enum id_notation how;
		const char *id, *want; /* keys with blanks between */
	} c[] = {
		{ID_EXACT, "00001000", "00001000"},
		{ID_EITHER, "4096", "4096 1000 16534"},
		{ID_EITHER, "00001000", "1000 3e8 4096"},
		{ID_EITHER, "1A2B", "1a2b 6699"},
		{ID_EITHER, "7", "7"}, /* the same in both */
		{ID_EITHER, "a", "a 10"},
		{ID_EITHER, "xyz", "xyz"},
		{ID_EITHER, "a1-b2", "a1-b2"},
		{ID_EITHER, "", ""},
		{ID_HEX_DEC, "4096", "1000"},
		{ID_HEX_DEC, "0004096", "1000"},
		{ID_HEX_DEC, "1a2b", "1a2b"}, /* not the notation that was promised */
		{ID_DEC_HEX, "1000", "4096"},
		{ID_DEC_HEX, "0000FFFF", "65535"},
		{ID_DEC_HEX, "xyz", "xyz"},
		{ID_EITHER, "18446744073709551616",
		 "18446744073709551616 10000000000000000 "
		 "114598615266301018707478"},
		{ID_EITHER, "ffffffffffffffffffffffffffffffff",
		 "ffffffffffffffffffffffffffffffff 340282366920938463463374607431768211455"},
		{ID_EITHER, "1ffffffffffffffffffffffffffffffff", "1ffffffffffffffffffffffffffffffff"},
		{ID_EITHER, "340282366920938463463374607431768211456", "340282366920938463463374607431768211456"},
		{ID_DEC_HEX, "100000000000000000000000000000000", "100000000000000000000000000000000"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct id_key keys[ID_KEYS_MAX];
		unsigned n = id_lookup(c[i].how, str_of(c[i].id), keys);
		struct buf b = BUF_INIT;

		for (unsigned k = 0; k < n; k++) {
			buf_puts(&b, k ? " " : "");
			buf_puts(&b, keys[k].s);
		}
		assert_buf_text(&b, c[i].want);
		buf_done(&b);
	}
}

TEST(either_notation_finds_its_message)
{
	struct prng r;

	prng_seed(&r, 3);
	for (int round = 0; round < 2000; round++) {
		uint64_t id = prng_u64(&r) >> prng_below(&r, 64);
		const char *const forms[] = {"%llu", "%llx", "%llX", "%08llX", "%016llx", "%020llu"};
		char resp[32], dlr[32];
		const char *a = forms[prng_below(&r, COUNT_OF(forms))], *b = forms[prng_below(&r, COUNT_OF(forms))];
		struct id_key stored, keys[ID_KEYS_MAX];
		bool found = false;
		unsigned n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(resp, sizeof(resp), a, (unsigned long long)id);
		snprintf(dlr, sizeof(dlr), b, (unsigned long long)id);
#pragma GCC diagnostic pop
		id_stored(ID_EITHER, str_of(resp), &stored);
		n = id_lookup(ID_EITHER, str_of(dlr), keys);
		for (unsigned i = 0; i < n; i++)
			found |= strcmp(keys[i].s, stored.s) == 0;
		if (!found)
			fail_msg("response %s, receipt %s", resp, dlr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(real_texts_are_understood),         RUN(other_texts_are_no_receipts),
		RUN(a_cut_text_never_reads_outside),    RUN(parameters_win_over_the_text),
		RUN(esm_class_tells_receipts),          RUN(what_is_printed_reads_back),
		RUN(ids_are_stored_in_a_normal_form),   RUN(receipts_are_looked_up_in_all_readings),
		RUN(either_notation_finds_its_message),
	};

	return cmocka_run_group_tests_name("receipt", tests, NULL, NULL);
}
