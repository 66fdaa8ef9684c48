/* gsm_text_test.c - every character of the alphabets, both ways; which alphabet holds a text. */
#include "wire_test.h"

#include "base/rng.h"
#include "wire/gsm_text.h"

/* 3GPP TS 23.038 6.2.1 as text, ESC left out (shown as a blank at 0x1B, not tested from here). */
static const char *const alphabet[8] = {
	"@£$¥èéùìòÇ\nØø\rÅå", "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ", " !\"#¤%&'()*+,-./", "0123456789:;<=>?",
	"¡ABCDEFGHIJKLMNO",   "PQRSTUVWXYZÄÖÑÜ§",    "¿abcdefghijklmno",  "pqrstuvwxyzäöñüà",
};
static const struct {
	const char *text;
	uint8_t septet;
} extension[] = {{"\f", 0x0a}, {"^", 0x14}, {"{", 0x28}, {"}", 0x29}, {"\\", 0x2f},
		 {"[", 0x3c},  {"~", 0x3d}, {"]", 0x3e}, {"|", 0x40}, {"€", 0x65}};

TEST(each_septet_has_its_character)
{
	for (unsigned row = 0; row < 8; row++) {
		const char *p = alphabet[row], *end = p + strlen(p);

		for (uint8_t col = 0; col < 16; col++) {
			uint8_t septet = (uint8_t)(row * 16 + col);
			const char *start = p;
			uint32_t cp = utf8_next(&p, end);
			struct str text = {start, (size_t)(p - start)};
			struct buf b = BUF_INIT;

			if (septet == 0x1b)
				continue;
			assert_int_equal(gsm_septets(cp), 1);
			assert_true(gsm_put(&b, text));
			assert_hex(b.p, b.n, (char[]){"0123456789abcdef"[row], "0123456789abcdef"[col], 0});
			buf_clear(&b);
			assert_true(gsm_get(&b, &septet, 1));
			assert_true(str_eq(buf_view(&b), text));
			buf_done(&b);
		}
		assert_ptr_equal(p, end);
	}
}

TEST(each_extension_has_its_pair)
{
	for (size_t i = 0; i < COUNT_OF(extension); i++) {
		uint8_t pair[2] = {0x1b, extension[i].septet};
		struct buf b = BUF_INIT;

		assert_true(gsm_put(&b, str_of(extension[i].text)));
		assert_int_equal(b.n, 2);
		assert_memory_equal(b.p, pair, 2);
		buf_clear(&b);
		assert_false(gsm_basic_put(&b, str_of(extension[i].text)));
		assert_buf_text(&b, "?");
		buf_clear(&b);
		assert_true(gsm_get(&b, pair, 2));
		assert_buf_text(&b, extension[i].text);
		buf_done(&b);
	}
}

TEST(each_national_letter_has_its_pair)
{
	static const struct {
		enum gsm_shift shift;
		const char *octets, *text;
	} c[] = {
		{GSM_SHIFT_PORTUGUESE,
		 "1b05 1b09 1b0a 1b0b 1b0c 1b0e 1b0f 1b14 1b1f 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b41 1b49 "
		 "1b4f 1b55 1b5b 1b5c 1b61 1b65 1b69 1b6f 1b75 1b7b 1b7c 1b7f",
		 "êç\fÔôÁá^Ê{}\\[~]|ÀÍÓÚÃÕÂ€íóúãõâ"},
		{GSM_SHIFT_SPANISH, "1b09 1b0a 1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b41 1b49 1b4f 1b55 1b61 1b65 1b69 1b6f 1b75",
		 "ç\f^{}\\[~]|ÁÍÓÚá€íóú"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf out = BUF_INIT, back = BUF_INIT;

		assert_true(gsm_shift_put(&out, str_of(c[i].text), c[i].shift));
		assert_buf_hex(&out, c[i].octets);
		assert_true(gsm_shift_get(&back, (const uint8_t *)out.p, out.n, c[i].shift));
		assert_buf_text(&back, c[i].text);
		buf_clear(&out);
		assert_false(gsm_shift_put(&out, STR("aЖ"), c[i].shift));
		assert_buf_hex(&out, "613f");
		assert_false(gsm_shift_get(&back, (const uint8_t *)"\x1b\x02", 2, c[i].shift));
		buf_done(&out);
		buf_done(&back);
	}
}

TEST(greek_capitals_keep_their_septet_though_they_have_a_pair)
{
	struct buf out = BUF_INIT, back = BUF_INIT;

	assert_true(gsm_shift_get(&back, (const uint8_t *)"\x1b\x12\x1b\x13\x1b\x15\x1b\x16\x1b\x17\x1b\x18\x1b\x19",
				  14, GSM_SHIFT_PORTUGUESE));
	assert_buf_text(&back, "ΦΓΩΠΨΣΘ");
	assert_true(gsm_shift_put(&out, buf_view(&back), GSM_SHIFT_PORTUGUESE));
	assert_buf_hex(&out, "12131516171819");
	buf_done(&out);
	buf_done(&back);
}

TEST(the_national_table_is_chosen_by_the_text)
{
	static const struct {
		const char *text;
		enum gsm_shift want;
		size_t septets;
	} c[] = {
		{"", GSM_SHIFT_PORTUGUESE, 0},    {"Olá", GSM_SHIFT_PORTUGUESE, 4},
		{"mañana", GSM_SHIFT_SPANISH, 6}, {"Más mañana", GSM_SHIFT_SPANISH, 11},
		{"¡Así!", GSM_SHIFT_SPANISH, 6},  {"São mañana", GSM_SHIFT_PORTUGUESE, 11},
		{"Жук", GSM_SHIFT_NONE, 0},       {"não 😀", GSM_SHIFT_NONE, 0},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		size_t septets = 0;

		assert_int_equal(gsm_shift_for(str_of(c[i].text), &septets), c[i].want);
		assert_int_equal(septets, c[i].septets);
	}
}

TEST(no_other_code_point_is_gsm)
{
	unsigned one = 0, two = 0;

	for (uint32_t cp = 1; cp < 0x110000; cp++) {
		unsigned n = gsm_septets(cp);

		one += n == 1;
		two += n == 2;
	}
	assert_int_equal(one, 127);
	assert_int_equal(two, COUNT_OF(extension));
	assert_int_equal(gsm_septets(0x1b), 0);
	assert_int_equal(gsm_septets(0xe7), 0); /* ç: only the capital is there */
}

TEST(damaged_septets_are_read_as_well_as_they_go)
{
	static const struct {
		const char *hex, *text;
		bool whole;
	} c[] = {
		{"", "", true},
		{"4f6c00", "Ol@", true},
		{"1b", " ", false},
		{"411b", "A ", false},
		{"1b1b65", " €", false}, /* the first stands alone, the second has its half */
		{"1b41", "A", false},    /* no such pair: the character itself */
		{"1bff41", " ÿA", false},
		{"4fe7", "Oç", false}, /* Latin-1 that calls itself GSM */
		{"80", "\xef\xbf\xbd", false},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT;
		size_t n;
		uint8_t *p = unhex(c[i].hex, &n);

		assert_int_equal(gsm_get(&b, p, n), c[i].whole);
		assert_buf_text(&b, c[i].text);
		free(p);
		buf_done(&b);
	}
}

TEST(utf16_goes_both_ways)
{
	static const struct {
		const char *text, *hex;
	} c[] = {
		{"", ""},
		{"A", "0041"},
		{"ã", "00e3"},
		{"€", "20ac"},
		{"\xef\xbf\xbf", "ffff"},
		{"\xf0\x90\x80\x80", "d800dc00"},
		{"😀", "d83dde00"},
		{"\xf4\x8f\xbf\xbf", "dbffdfff"},
		{"a😀b", "0061d83dde000062"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT, back = BUF_INIT;

		assert_true(ucs2_put(&b, str_of(c[i].text)));
		assert_buf_hex(&b, c[i].hex);
		assert_true(ucs2_get(&back, (const uint8_t *)b.p, b.n));
		assert_buf_text(&back, c[i].text);
		buf_done(&b);
		buf_done(&back);
	}
}

TEST(damaged_utf16_gives_replacements)
{
	static const struct {
		const char *hex, *text;
	} c[] = {
		{"41", "\xef\xbf\xbd"},
		{"004142", "A\xef\xbf\xbd"},
		{"d83d", "\xef\xbf\xbd"},
		{"de000041", "\xef\xbf\xbd"
			     "A"},
		{"d83d0041", "\xef\xbf\xbd"
			     "A"},
		{"d83dd83dde00", "\xef\xbf\xbd😀"},
		{"0000", "\xef\xbf\xbd"},
		{"d83dde", "\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT;
		size_t n;
		uint8_t *p = unhex(c[i].hex, &n);

		assert_false(ucs2_get(&b, p, n));
		assert_buf_text(&b, c[i].text);
		free(p);
		buf_done(&b);
	}
}

TEST(narrow_alphabets_take_what_they_hold)
{
	struct buf b = BUF_INIT;

	assert_true(latin1_put(&b, STR("ação ÿ")));
	assert_buf_hex(&b, "61e7e36f20ff");
	buf_clear(&b);
	assert_true(latin1_get(&b, (const uint8_t *)"a\xe7\xe3o", 4));
	assert_buf_text(&b, "ação");
	buf_clear(&b);
	assert_false(latin1_put(&b, STR("5€")));
	assert_buf_text(&b, "5?");
	buf_clear(&b);
	assert_false(ascii_put(&b, STR("ação")));
	assert_buf_text(&b, "a??o");
	buf_clear(&b);
	assert_false(ascii_get(&b, (const uint8_t *)"a\xe7\0b", 4));
	assert_buf_text(&b, "a\xef\xbf\xbd\xef\xbf\xbd"
			    "b");
	buf_clear(&b);
	assert_false(latin1_get(&b, (const uint8_t *)"\0", 1));
	assert_buf_text(&b, "\xef\xbf\xbd");
	buf_done(&b);
}

TEST(a_text_is_measured_in_all_alphabets)
{
	static const struct {
		const char *text;
		struct text_measure want;
	} c[] = {
		{"", {0, 0, 0, true, true, true, false}},      {"Ola @", {5, 5, 5, true, true, true, false}},
		{"a\tb", {3, 2, 3, true, true, false, false}}, {"{}", {2, 4, 2, true, true, true, true}},
		{"5€", {2, 3, 2, false, false, true, true}},   {"Olá", {3, 2, 3, false, true, false, false}},
		{"é", {1, 1, 1, false, true, true, false}},    {"Ω", {1, 1, 1, false, false, true, false}},
		{"😀{", {2, 2, 3, false, false, false, true}},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct text_measure m;

		text_measure(str_of(c[i].text), &m);
		if (m.points != c[i].want.points || m.septets != c[i].want.septets ||
		    m.units != c[i].want.units || m.ascii != c[i].want.ascii ||
		    m.latin1 != c[i].want.latin1 || m.gsm != c[i].want.gsm || m.extended != c[i].want.extended)
			fail_msg("\"%s\"", c[i].text);
	}
}

TEST(any_octets_become_valid_utf8)
{
	static bool (*const get[])(struct buf *, const uint8_t *, size_t) = {gsm_get, ucs2_get, latin1_get, ascii_get};
	struct prng r;

	prng_seed(&r, 7);
	for (int round = 0; round < 20000; round++) {
		size_t n = prng_below(&r, 24);
		uint8_t *p = malloc(n + 1);
		struct buf b = BUF_INIT, folded = BUF_INIT;

		assert_non_null(p);
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)prng_u64(&r);
		(void)get[round % 4](&b, p, n);
		assert_true(utf8_valid(buf_view(&b), NULL));
		text_fold(&folded, buf_view(&b), TEXT_FOLD_ASCII);
		text_nfc(&folded, buf_view(&b));
		assert_true(utf8_valid(buf_view(&folded), NULL));
		free(p);
		buf_done(&b);
		buf_done(&folded);
	}
}

TEST(an_empty_text_may_have_no_address)
{
	struct str none = {0};
	struct text_measure m;
	struct buf b = BUF_INIT;

	text_measure(none, &m);
	assert_true(m.gsm && m.ascii && m.points == 0);
	assert_true(gsm_put(&b, none) && gsm_basic_put(&b, none) && ucs2_put(&b, none));
	assert_true(latin1_put(&b, none) && ascii_put(&b, none));
	assert_true(gsm_get(&b, NULL, 0) && ucs2_get(&b, NULL, 0) && latin1_get(&b, NULL, 0) && ascii_get(&b, NULL, 0));
	assert_true(text_is_nfc(none));
	text_nfc(&b, none);
	text_fold(&b, none, TEXT_FOLD_ASCII);
	assert_int_equal(b.n, 0);
	buf_done(&b);
}

TEST(a_full_buffer_is_noticed)
{
	struct buf b = {.max = 8};

	assert_false(ucs2_put(&b, STR("longer than that")));
	assert_true(b.failed);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(each_septet_has_its_character),
		RUN(each_extension_has_its_pair),
		RUN(each_national_letter_has_its_pair),
		RUN(greek_capitals_keep_their_septet_though_they_have_a_pair),
		RUN(the_national_table_is_chosen_by_the_text),
		RUN(no_other_code_point_is_gsm),
		RUN(damaged_septets_are_read_as_well_as_they_go),
		RUN(utf16_goes_both_ways),
		RUN(damaged_utf16_gives_replacements),
		RUN(narrow_alphabets_take_what_they_hold),
		RUN(a_text_is_measured_in_all_alphabets),
		RUN(any_octets_become_valid_utf8),
		RUN(an_empty_text_may_have_no_address),
		RUN(a_full_buffer_is_noticed),
	};

	return cmocka_run_group_tests_name("gsm_text", tests, NULL, NULL);
}
