/* gsm_fold_test.c - composition of letters with their marks, and folding to what an alphabet has. */
#include "wire_test.h"

#include "wire/gsm_text.h"

TEST(letters_and_accents_are_composed)
{
	static const struct {
		const char *text, *want;
	} c[] = {
		{"", ""},
		{"abc", "abc"},
		{"Olá", "Olá"},
		{"a\u0300", "à"},
		{"a\u0301", "á"},
		{"a\u0302", "â"},
		{"a\u0303", "ã"},
		{"u\u0308", "ü"},
		{"c\u0327", "ç"},
		{"A\u030a", "Å"},
		{"s\u030c", "š"},
		{"n\u0303", "ñ"},
		{"g\u0306", "ğ"},
		{"o\u030b", "ő"},
		{"e\u0328", "ę"},
		{"I\u0307", "İ"},
		{"z\u0307", "ż"},
		{"o\u0301\u0301", "ó\u0301"},
		{"na\u0303o esta\u0301", "não está"},
		{"a\u0302\u0301", "ấ"},
		{"a\u0323\u0302", "ậ"},
		{"a\u0302\u0323", "ậ"},
		{"â\u0323", "ậ"},
		{"c\u0327\u0301", "ḉ"},
		{"c\u0301\u0327", "ḉ"},
		{"a\u0315\u0300", "à\u0315"},
		{"\u0301a", "\u0301a"},
		{"\u0301\u0300", "\u0301\u0300"},
		{"b\u0301", "b\u0301"},
		{"1\u0301", "1\u0301"},
		{"\u212b", "Å"},
		{"\u212a", "K"},
		{"\u2126", "Ω"},
		{"\u037e", ";"},
		{"\u0387", "·"},
		{"a\u0340", "à"},
		{"a\u0341", "á"},
		{"\u0344", "\u0308\u0301"},
		{"ι\u0344", "ΐ"},
		{"и\u0306", "й"},
		{"е\u0308", "ё"},
		{"α\u0301", "ά"},
		{"α\u0345\u0313", "ᾀ"},
		{"\u1f71", "ά"},
		{"=\u0338", "≠"},
		{"а\u0484\u0323", "а\u0323\u0484"},
		{"😀\u0301", "😀\u0301"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT, again = BUF_INIT;

		text_nfc(&b, str_of(c[i].text));
		if (strcmp(buf_cstr(&b), c[i].want) != 0)
			fail_msg("\"%s\" became \"%s\"", c[i].text, buf_cstr(&b));
		if (text_is_nfc(str_of(c[i].text)))
			assert_string_equal(c[i].text, c[i].want);
		text_nfc(&again, buf_view(&b));
		assert_buf_text(&again, c[i].want);
		buf_done(&b);
		buf_done(&again);
	}
	assert_true(text_is_nfc(STR("Olá, não está — 5 € ≤ 7 ™")));
}

TEST(heaps_of_marks_do_no_harm)
{
	struct buf text = BUF_INIT, out = BUF_INIT;

	buf_puts(&text, "a");
	for (int i = 0; i < 1000; i++)
		buf_puts(&text, i % 2 ? "\u0323" : "\u0308\u0344");
	text_nfc(&out, buf_view(&text));
	assert_true(utf8_valid(buf_view(&out), NULL));
	assert_true(out.n > 3000);
	buf_done(&text);
	buf_done(&out);
}

TEST(folding_leaves_what_the_alphabet_has)
{
	static const struct {
		const char *text, *gsm, *ascii;
	} c[] = {
		{"Olá, não está pronta", "Ola, nao esta pronta", "Ola, nao esta pronta"},
		{"àéèìòùÇñäöüßøåÆ", "àéèìòùÇñäöüßøåÆ", "aeeiouCnaoussoaAE"},
		{"çãõâêôíóú", "caoaeoiou", "caoaeoiou"},
		{"“aspas” ‘s’ – — … 1º 2ª", "\"aspas\" 's' - - ... 1o 2a", "\"aspas\" 's' - - ... 1o 2a"},
		{"a\u00a0b\u200bc\td", "a bc d", "a bc\td"},
		{"ấ ǿ ł đ", "a ø l d", "a o l d"},
		{"5 €", "5 €", "5 €"},
		{"a\u0301", "a", "a"},
		{"😀 привет", "😀 привет", "😀 привет"},
		{"a ≠ b", "a ≠ b", "a ≠ b"},
		{"", "", ""},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct buf b = BUF_INIT;

		text_fold(&b, str_of(c[i].text), TEXT_FOLD_GSM);
		assert_buf_text(&b, c[i].gsm);
		buf_clear(&b);
		text_fold(&b, str_of(c[i].text), TEXT_FOLD_ASCII);
		assert_buf_text(&b, c[i].ascii);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(letters_and_accents_are_composed),
		RUN(heaps_of_marks_do_no_harm),
		RUN(folding_leaves_what_the_alphabet_has),
	};

	return cmocka_run_group_tests_name("gsm_fold", tests, NULL, NULL);
}
