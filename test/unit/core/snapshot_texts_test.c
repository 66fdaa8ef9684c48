/* snapshot_texts_test.c - templates, flows, campaigns, words and rules as a snapshot gives them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/words.h"
#include "core/snapshot.h"

static char hello[] = "Oi {{name}}", bye[] = "Tchau", other[] = "Ola", promo[] = "Promo", natal[] = "natal",
	    casino[] = "cassino", bet[] = "Aposta certa", head[] = "LOJA:";
static struct text_template templates[] = {
	{.account = 1, .id = 0, .name = "hello", .lane = TEXT_OF_SUB_ACCOUNT, .text = hello},
	{.account = 1, .id = 7, .name = "bye", .lane = TEXT_MARKETING, .text = bye},
	{.account = 1, .sub_account = 2, .id = 8, .name = "Hello", .lane = TEXT_TRANSACTIONAL, .text = other},
	{.account = 2, .id = 7, .name = "bye", .lane = TEXT_OF_SUB_ACCOUNT, .text = other},
};
static struct flow flows[] = {
	{.account = 1, .id = "14f8142d-e731-4971-8220-5a76a12c413f", .text = hello},
	{.account = 1, .sub_account = 2, .id = "24f8142d-e731-4971-8220-5a76a12c413f", .text = bye},
};
static struct campaign campaigns[] = {{1, 1, promo, 5}, {2, 2, promo, 6}, {9, 1, natal, 7}};
static struct forbidden_word words[] = {{1, 0, casino}, {1, 2, bet}, {1, 2, casino}, {2, 0, bet}};
static struct text_rule rules[] = {
	{.account = 1, .closed_campaigns = true},
	{.account = 1, .sub_account = 2, .max_length = 160, .header = head},
};

static const struct snapshot *take(void)
{
	const struct texts t = {templates, COUNT_OF(templates), flows, COUNT_OF(flows),
				campaigns, COUNT_OF(campaigns), words, COUNT_OF(words),
				rules,     COUNT_OF(rules)};
	const struct snapshot_source src = {.texts = &t};

	snapshot_publish(snapshot_new(&src));
	return snapshot_get();
}

static void give_back(const struct snapshot *s)
{
	snapshot_put(s);
	snapshot_publish(NULL);
}

static void templates_are_found_by_id_within_what_one_may_see(void **state)
{
	const struct snapshot *s = take();

	(void)state;
	assert_string_equal(snapshot_template(s, 1, 1, 0)->text, hello);
	assert_ptr_not_equal(snapshot_template(s, 1, 1, 0)->text, hello);
	assert_int_equal(snapshot_template(s, 1, 0, 7)->lane, TEXT_MARKETING);
	assert_string_equal(snapshot_template(s, 2, 5, 7)->text, other);
	assert_null(snapshot_template(s, 1, 1, 8));
	assert_non_null(snapshot_template(s, 1, 2, 8));
	assert_non_null(snapshot_template(s, 1, 0, 8));
	assert_null(snapshot_template(s, 2, 0, 8));
	assert_null(snapshot_template(s, 1, 0, -1));
	give_back(s);
}

static void names_may_fit_several(void **state)
{
	const struct snapshot *s = take();
	const struct text_template *t;

	(void)state;
	assert_int_equal(snapshot_templates_named(s, 1, 1, STR("HELLO"), &t), 1);
	assert_int_equal(t->id, 0);
	assert_int_equal(snapshot_templates_named(s, 1, 2, STR("hello"), &t), 2);
	assert_int_equal(snapshot_templates_named(s, 1, 0, STR("hello"), &t), 2);
	assert_int_equal(snapshot_templates_named(s, 2, 0, STR("hello"), &t), 0);
	assert_null(t);
	assert_int_equal(snapshot_templates_named(s, 2, 3, STR("bye"), &t), 1);
	assert_int_equal(t->account, 2);
	give_back(s);
}

static void flows_and_campaigns(void **state)
{
	const struct snapshot *s = take();

	(void)state;
	assert_string_equal(snapshot_flow(s, 1, 1, STR("14F8142D-e731-4971-8220-5a76a12c413f"))->text, hello);
	assert_null(snapshot_flow(s, 1, 1, STR("24f8142d-e731-4971-8220-5a76a12c413f")));
	assert_non_null(snapshot_flow(s, 1, 2, STR("24f8142d-e731-4971-8220-5a76a12c413f")));
	assert_null(snapshot_flow(s, 2, 0, STR("14f8142d-e731-4971-8220-5a76a12c413f")));
	assert_int_equal(snapshot_campaign(s, 1, STR("PROMO"))->id, 1);
	assert_int_equal(snapshot_campaign(s, 2, STR("Promo"))->id, 2);
	assert_int_equal(snapshot_campaign(s, 1, STR("Natal"))->id, 9);
	assert_null(snapshot_campaign(s, 2, STR("Natal")));
	assert_int_equal(snapshot_campaign_count(s, 1), 2);
	assert_int_equal(snapshot_campaign_count(s, 2), 1);
	assert_int_equal(snapshot_campaign_count(s, 3), 0);
	assert_null(snapshot_campaign(s, 1, STR("")));
	give_back(s);
}

static void words_and_rules_are_their_owners(void **state)
{
	const struct snapshot *s = take();

	(void)state;
	assert_int_equal(words_count(snapshot_words(s, 1, 0)), 1);
	assert_int_equal(words_find(snapshot_words(s, 1, 0), STR("O Cassino")), 0);
	assert_int_equal(words_find(snapshot_words(s, 1, 2), STR("aposta CERTA")), 0);
	assert_int_equal(words_find(snapshot_words(s, 1, 2), STR("cassino")), 1);
	assert_null(snapshot_words(s, 1, 1));
	assert_int_equal(words_find(snapshot_words(s, 2, 0), STR("cassino")), -1);
	assert_true(snapshot_text_rule(s, 1, 0)->closed_campaigns);
	assert_int_equal(snapshot_text_rule(s, 1, 2)->max_length, 160);
	assert_string_equal(snapshot_text_rule(s, 1, 2)->header, "LOJA:");
	assert_null(snapshot_text_rule(s, 1, 2)->footer);
	assert_int_equal(snapshot_text_rule(s, 2, 2)->max_length, 0);
	give_back(s);
}

static void without_texts_nothing_is_found(void **state)
{
	const struct snapshot_source src = {.texts = NULL};
	const struct text_template *t;
	const struct snapshot *s;

	(void)state;
	snapshot_publish(snapshot_new(&src));
	s = snapshot_get();
	assert_null(snapshot_template(s, 1, 0, 1));
	assert_int_equal(snapshot_templates_named(s, 1, 0, STR("x"), &t), 0);
	assert_null(snapshot_flow(s, 1, 0, STR("x")));
	assert_null(snapshot_campaign(s, 1, STR("x")));
	assert_null(snapshot_words(s, 1, 0));
	assert_false(snapshot_text_rule(s, 1, 0)->closed_campaigns);
	give_back(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_found_by_id_within_what_one_may_see),
		cmocka_unit_test(names_may_fit_several),
		cmocka_unit_test(flows_and_campaigns),
		cmocka_unit_test(words_and_rules_are_their_owners),
		cmocka_unit_test(without_texts_nothing_is_found),
	};

	return cmocka_run_group_tests_name("snapshot_texts", tests, NULL, NULL);
}
