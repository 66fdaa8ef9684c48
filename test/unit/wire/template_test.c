/* template_test.c - placeholders in texts. */
#include "wire_test.h"
#include <errno.h>
#include "wire/template.h"

static struct buf out, invalid;

static const char *render(const char *text, const struct template_param *p, size_t n)
{
	buf_clear(&out);
	buf_clear(&invalid);
	template_render(&out, str_of(text), p, n, &invalid);
	return buf_cstr(&out);
}

TEST(values_take_the_place_of_names)
{
	static const struct template_param p[] = {{STR_INIT("name"), STR_INIT("Ana")},
						  {STR_INIT("código"), STR_INIT("12-345")},
						  {STR_INIT("e"), STR_INIT("")},
						  {STR_INIT("two words"), STR_INIT("x")}};
	static const struct {
		const char *text, *result, *invalid;
	} cases[] = {
		{"Oi {{name}}!", "Oi Ana!", "\"código\",\"e\",\"two words\""},
		{"{{ name }}{{\tcódigo\n}}{{e}}{{two words}}", "Ana12-345x", ""},
		{"{{código|digits}} {{ código | digits }} {{e}}{{name}}{{\xc2\xa0two words }}", "1 2-3 4 5 1 2-3 4 5 Anax", ""},
		{"{{nobody}}{{name}}{{e}}{{código}}{{two words}}", "Ana12-345x", "\"nobody\""},
		{"{{x}}{{x}}{{y}}{{name}}{{e}}{{código}}{{two words}}", "Ana12-345x", "\"x\",\"y\""},
		{"{{}}{{ }}", "", "\"\",\"name\",\"código\",\"e\",\"two words\""},
		{"{{name|upper}}{{e}}{{código}}{{two words}}", "Ana12-345x", "\"{{name|upper}}\""},
		{"{{{name}}}{{e}}{{código}}{{two words}}", "{Ana}12-345x", ""},
		{"{name} {{name {{name}} }} {{{e}} {{código}{{two words}}", "{name} {{name Ana }} { {{código}x", "\"código\""},
		{"{{Name}}{{name}}{{e}}{{código}}{{two words}}", "Ana12-345x", "\"Name\""},
		{"{{", "{{", NULL},
		{"{{a}", "{{a}", NULL},
		{"}}{{", "}}{{", NULL},
		{"", "", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_string_equal(render(cases[i].text, p, COUNT_OF(p)), cases[i].result);
		if (cases[i].invalid)
			assert_string_equal(buf_cstr(&invalid), cases[i].invalid);
	}
}

TEST(without_params_everything_is_missing)
{
	assert_string_equal(render("a{{b}}c{{b}}d{{\"q\"}}", NULL, 0), "acd");
	assert_string_equal(buf_cstr(&invalid), "\"b\",\"\\\"q\\\"\"");
	assert_int_equal(template_render(&out, STR("{{b}}{{c}}"), NULL, 0, NULL), 2);
	assert_int_equal(template_render(&out, STR("plain"), NULL, 0, NULL), 0);
}

TEST(values_are_not_looked_into)
{
	static const struct template_param p[] = {{STR_INIT("a"), STR_INIT("{{b}}")}, {STR_INIT("b"), STR_INIT("no")}};

	assert_string_equal(render("{{a}}", p, 2), "{{b}}");
	assert_string_equal(buf_cstr(&invalid), "\"b\"");
}

TEST(digits_are_spelt)
{
	static const struct {
		const char *value, *spelt;
	} cases[] = {{"", ""},         {"7", "7"},
		     {"123", "1 2 3"}, {"12 34", "1 2 3 4"},
		     {"a1b", "a1b"},   {"R$10,50", "R$1 0,5 0"},
		     {"١٢", "١٢"}};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct template_param p = {STR("x"), str_of(cases[i].value)};

		assert_string_equal(render("{{x|digits}}", &p, 1), cases[i].spelt);
		assert_int_equal(invalid.n, 0);
	}
}

TEST(templates_are_checked_before_they_are_kept)
{
	struct err e;
	size_t n = 9;

	assert_int_equal(template_check(STR("Oi {{name}}, {{ code | digits }} {x} {{"), &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(template_check(STR(""), &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(template_check(STR("{{ }}"), NULL, &e), -EINVAL);
	assert_string_equal(e.text, "{{ }}: a placeholder has a name");
	assert_int_equal(template_check(STR("{{a|b}}"), NULL, &e), -EINVAL);
	assert_string_equal(e.text, "{{a|b}}: the only filter is digits");
	assert_int_equal(
		template_check(STR("{{0123456789012345678901234567890123456789012345678901234567890123}}"), NULL, &e), 0);
	assert_int_equal(
		template_check(STR("{{01234567890123456789012345678901234567890123456789012345678901234}}"), NULL, &e),
		-EINVAL);
	buf_done(&out);
	buf_done(&invalid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(values_take_the_place_of_names),
		RUN(without_params_everything_is_missing),
		RUN(values_are_not_looked_into),
		RUN(digits_are_spelt),
		RUN(templates_are_checked_before_they_are_kept),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
