/* words_test.c - words found whatever their letter case and accents. */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *normal(const char *text)
{
	static struct buf b;

	buf_clear(&b);
	words_normal(&b, str_of(text));
	return buf_cstr(&b);
}

static struct words *set_of(const char *const *list, size_t n)
{
	struct str s[16];

	assert_true(n <= COUNT_OF(s));
	for (size_t i = 0; i < n; i++)
		s[i] = str_of(list[i]);
	return words_new(s, n);
}

static void letters_lose_case_and_accents(void **state)
{
	static const struct {
		const char *text, *normal;
	} cases[] = {
		{"", ""},
		{" \t.,;!", ""},
		{"SAIR", "sair"},
		{"  Não,  é   AÇÃO!! ", "nao e acao"},
		{"na\xcc\x83o", "nao"}, /* decomposed */
		{"Straße ŁÓDŹ Ørsted", "strasse lodz orsted"},
		{"Ærø œuvre", "aero oeuvre"},
		{"ﬁm ＦＵＬＬ 𝐁𝐨𝐥𝐝", "fim full bold"},
		{"ΟΔΟΣ Άλφα", "οδοσ αλφα"},
		{"ЁЖ Йод", "еж иод"},
		{"v\xc2\xad"
		 "ir\xe2\x80\x8bus",
		 "virus"}, /* soft hyphen, zero width space */
		{"a_b-c'd/e", "a b c d e"},
		{"R$100,00", "r 100 00"},
		{"日本語 テスト", "日本語 テスト"},
		{"😀sair😀", "sair"},
		{"1º lugar", "1o lugar"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_string_equal(normal(cases[i].text), cases[i].normal);
}

static void whole_words_are_found(void **state)
{
	static const char *const list[] = {"cassino", "Cartão de Crédito", "aposta", "cartao", "", "!!"};
	struct words *w = set_of(list, COUNT_OF(list));

	(void)state;
	assert_int_equal(words_count(w), 6);
	assert_int_equal(words_find(w, STR("Venha ao CASSINÓ!")), 0);
	assert_int_equal(words_find(w, STR("cassinos")), -1);
	assert_int_equal(words_find(w, STR("xcassino")), -1);
	assert_int_equal(words_find(w, STR("seu cartao-de\ncredito")), 1);
	assert_int_equal(words_find(w, STR("seu cartao de creditos")), 3);
	assert_int_equal(words_find(w, STR("(Apostá)")), 2);
	assert_int_equal(words_find(w, STR("")), -1);
	assert_int_equal(words_find(w, STR("...")), -1);
	words_free(w);
}

static void a_text_begins_with_it_or_is_it(void **state)
{
	static const char *const list[] = {"sair", "sair da lista", "pare"};
	struct words *w = set_of(list, COUNT_OF(list));

	(void)state;
	assert_int_equal(words_begin(w, STR("Sair por favor")), 0);
	assert_int_equal(words_begin(w, STR("quero sair")), -1);
	assert_int_equal(words_begin(w, STR("SAIR DA LISTA já")), 1);
	assert_int_equal(words_whole(w, STR(" Sáir. ")), 0);
	assert_int_equal(words_whole(w, STR("sair da lista")), 1);
	assert_int_equal(words_whole(w, STR("sair da")), -1);
	assert_int_equal(words_whole(w, STR("nao pare")), -1);
	assert_int_equal(words_whole(w, STR("PARE!!!")), 2);
	words_free(w);
}

static void an_empty_set_finds_nothing(void **state)
{
	struct words *w = words_new(NULL, 0);

	(void)state;
	assert_int_equal(words_find(w, STR("a")), -1);
	assert_int_equal(words_find(NULL, STR("a")), -1);
	assert_int_equal(words_whole(NULL, STR("")), -1);
	assert_int_equal(words_count(NULL), 0);
	words_free(w);
	words_free(NULL);
}

/* Chains of one first word, in any order of their lengths. */
static void phrases_that_begin_alike(void **state)
{
	static const char *const list[] = {"a b", "a", "a b c d", "a b c", "a x"};
	struct words *w = set_of(list, COUNT_OF(list));

	(void)state;
	assert_int_equal(words_find(w, STR("a b c d e")), 2);
	assert_int_equal(words_find(w, STR("a b c x")), 3);
	assert_int_equal(words_find(w, STR("a b x")), 0);
	assert_int_equal(words_find(w, STR("a x")), 4);
	assert_int_equal(words_find(w, STR("b a")), 1);
	words_free(w);
}

static void many_words(void **state)
{
	enum { N = 5000 };
	struct str *list = xcalloc(N, sizeof(*list));
	struct words *w;
	char text[32];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "palavra%zu x", i);
		list[i] = (struct str){xstrdup(text), strlen(text)};
	}
	w = words_new(list, N);
	for (size_t i = 0; i < N; i += 7) {
		snprintf(text, sizeof(text), "eis PALAVRA%zu X aqui", i);
		assert_int_equal(words_find(w, str_of(text)), i);
	}
	assert_int_equal(words_find(w, STR("palavra5000 x")), -1);
	words_free(w);
	for (size_t i = 0; i < N; i++)
		free((char *)(uintptr_t)list[i].p);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_lose_case_and_accents),
		cmocka_unit_test(whole_words_are_found),
		cmocka_unit_test(a_text_begins_with_it_or_is_it),
		cmocka_unit_test(an_empty_set_finds_nothing),
		cmocka_unit_test(phrases_that_begin_alike),
		cmocka_unit_test(many_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
