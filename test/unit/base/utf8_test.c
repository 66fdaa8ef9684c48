#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void valid_forms_are_counted(void **state)
{
	static const struct {
		const char *text;
		size_t points;
	} cases[] = {
		{"", 0},
		{"a", 1},
		{"exactly8", 8},
		{"a longer text, of plain letters", 31},
		{"Ol\xC3\xA1!", 4},
		{"\x7F", 1},
		{"\xC2\x80", 1},         /* lowest of two */
		{"\xDF\xBF", 1},         /* highest of two */
		{"\xE0\xA0\x80", 1},     /* lowest of three */
		{"\xED\x9F\xBF", 1},     /* last before the surrogates */
		{"\xEE\x80\x80", 1},     /* first after them */
		{"\xEF\xBF\xBF", 1},     /* U+FFFF */
		{"\xF0\x90\x80\x80", 1}, /* U+10000 */
		{"\xF4\x8F\xBF\xBF", 1}, /* U+10FFFF */
		{"1234567\xC3\xA1 12345678", 17},
		{"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t points = 99;

		assert_true(utf8_valid(str_of(cases[i].text), &points));
		assert_int_equal(points, cases[i].points);
		assert_true(utf8_valid(str_of(cases[i].text), NULL));
	}
	assert_true(utf8_valid((struct str){NULL, 0}, NULL));
}

static void invalid_forms_are_refused_wherever_they_stand(void **state)
{
	static const struct str cases[] = {
		STR_INIT("\0"),
		STR_INIT("\x80"),
		STR_INIT("\xBF"),
		STR_INIT("\xC0\x80"),
		STR_INIT("\xC1\xBF"),
		STR_INIT("\xC2"),
		STR_INIT("\xC2\x20"),
		STR_INIT("\xC2\xC2"),
		STR_INIT("\xE0\x9F\xBF"),
		STR_INIT("\xE0\x80\x80"),
		STR_INIT("\xED\xA0\x80"),
		STR_INIT("\xED\xBF\xBF"),
		STR_INIT("\xE1\x80"),
		STR_INIT("\xE1"),
		STR_INIT("\xE1\x80\x20"),
		STR_INIT("\xF0\x8F\xBF\xBF"),
		STR_INIT("\xF0\x80\x80\x80"),
		STR_INIT("\xF4\x90\x80\x80"),
		STR_INIT("\xF5\x80\x80\x80"),
		STR_INIT("\xF0\x90\x80"),
		STR_INIT("\xF0\x90"),
		STR_INIT("\xF0"),
		STR_INIT("\xF8\x88\x80\x80\x80"),
		STR_INIT("\xFE"),
		STR_INIT("\xFF"),
		STR_INIT("\xF1\x80\x80\xC0"),
	};
	static const size_t places[] = {0, 1, 5, 7, 8, 9, 16, 20};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_false(utf8_valid(cases[i], NULL));
		for (size_t k = 0; k < COUNT_OF(places); k++) {
			char text[64];
			size_t n = places[k];

			memset(text, 'a', sizeof(text));
			memcpy(text + n, cases[i].p, cases[i].n);
			assert_false(utf8_valid((struct str){text, n + cases[i].n}, NULL));
			assert_false(utf8_valid((struct str){text, n + cases[i].n + 9}, NULL));
		}
	}
}

static void every_code_point_goes_there_and_back(void **state)
{
	(void)state;
	for (uint32_t cp = 1; cp <= 0x10FFFF; cp++) {
		char text[4];
		const char *p = text;
		size_t points, n;

		if (cp == 0xD800)
			cp = 0xE000;
		n = (size_t)utf8_put(text, cp);
		if (!utf8_valid((struct str){text, n}, &points) || points != 1 ||
		    utf8_next(&p, text + n) != cp || p != text + n)
			fail_msg("U+%04X", cp);
	}
}

static void next_never_passes_the_end(void **state)
{
	const char text[] = "\xF0\x9F";
	const char *p = text;

	(void)state;
	utf8_next(&p, text + 2);
	assert_ptr_equal(p, text + 2);
	p = text + 1;
	utf8_next(&p, text + 2);
	assert_ptr_equal(p, text + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_forms_are_counted),
		cmocka_unit_test(invalid_forms_are_refused_wherever_they_stand),
		cmocka_unit_test(every_code_point_goes_there_and_back),
		cmocka_unit_test(next_never_passes_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
