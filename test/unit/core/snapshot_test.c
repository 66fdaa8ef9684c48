/* snapshot_test.c - look-ups in the picture of accounts, and its life while it is replaced. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "core/snapshot.h"
#include "model/event.h"

static const struct account accounts[] = {{.id = 1, .name = "default"},
					  {.id = 2, .name = "other"},
					  {.id = 3, .name = "chosen", .default_sub = 5},
					  {.id = 4, .name = "stale", .default_sub = 5}};
static const struct sub_account subs[] = {
	{.id = 1, .account = 1, .reference = "default"},
	{.id = 2, .account = 1, .reference = "Marketing", .marketing = true, .per_destination = 2, .per_destination_ms = 7000},
	{.id = 3, .account = 2, .reference = "default"},
	{.id = 4, .account = 3, .reference = "default", .per_destination_ms = 9000},
	{.id = 5, .account = 3, .reference = "shop"},
	{.id = 6, .account = 4, .reference = "default"},
};
static const struct user users[] = {
	{.id = 1, .account = 1, .sub_account = 1, .name = "Minha Loja", .email = "loja@example.com"},
	{.id = 2, .account = 1, .sub_account = 2, .name = "promo", .email = ""},
};
static const struct webhook hooks[] = {
	{.id = 7, .sub_account = 1, .sent = "http://sub/sent", .delivered = "http://sub/dr"},
	{.id = 8, .user = 1, .sent = "http://user/sent"},
};

static const struct short_code codes[] = {{"27182", 2}, {"28149", 0}};

static void publish(void)
{
	struct snapshot_source s = {.accounts = accounts,
				    .account_count = COUNT_OF(accounts),
				    .sub_accounts = subs,
				    .sub_account_count = COUNT_OF(subs),
				    .users = users,
				    .user_count = 2,
				    .webhooks = hooks,
				    .webhook_count = 2,
				    .short_codes = codes,
				    .short_code_count = 2};

	snapshot_publish(snapshot_new(&s));
}

static void names_are_found_in_any_letter_case(void **state)
{
	const struct snapshot *s;

	(void)state;
	publish();
	s = snapshot_get();
	assert_int_equal(snapshot_user_named(s, STR("minha loja"))->id, 1);
	assert_int_equal(snapshot_user_named(s, STR("LOJA@example.com"))->id, 1);
	assert_null(snapshot_user_named(s, STR("")));
	assert_null(snapshot_user_named(s, STR("minha")));
	assert_int_equal(snapshot_sub_named(s, 1, STR("marketing"))->id, 2);
	assert_null(snapshot_sub_named(s, 2, STR("marketing")));
	assert_int_equal(snapshot_sub_default(s, 2)->id, 3);
	assert_int_equal(snapshot_sub_default(s, 3)->id, 5); /* as chosen */
	assert_int_equal(snapshot_sub_default(s, 4)->id, 6); /* the chosen one is another account's */
	assert_null(snapshot_sub_default(s, 9));
	assert_int_equal(snapshot_longest_per_destination(s), 7000);
	assert_int_equal(snapshot_account_named(s, STR("other"))->id, 2);
	assert_string_equal(snapshot_short_code(s, 2), "27182");
	assert_null(snapshot_short_code(s, 1));
	assert_null(snapshot_short_code(s, 0));
	assert_null(snapshot_account(s, 9));
	assert_null(snapshot_user(s, 0));
	snapshot_put(s);
	snapshot_publish(NULL);
}

static void the_users_webhook_wins_address_by_address(void **state)
{
	const struct snapshot *s;

	(void)state;
	publish();
	s = snapshot_get();
	assert_string_equal(snapshot_hook(s, 1, 1, HOOK_SENT).url, "http://user/sent");
	assert_int_equal(snapshot_hook(s, 1, 1, HOOK_SENT).webhook->id, 8);
	assert_string_equal(snapshot_hook(s, 1, 1, HOOK_DELIVERED).url, "http://sub/dr");
	assert_string_equal(snapshot_hook(s, 1, 2, HOOK_SENT).url, "http://sub/sent");
	assert_string_equal(snapshot_hook(s, 2, 2, HOOK_SENT).url, "");
	assert_null(snapshot_hook(s, 2, 2, HOOK_SENT).webhook);
	assert_string_equal(snapshot_hook(s, 1, 1, HOOK_MO).url, "");
	snapshot_put(s);
	snapshot_publish(NULL);
}

static void sub_accounts_of_an_account(void **state)
{
	const struct snapshot *s;
	uint32_t *ids;

	(void)state;
	publish();
	s = snapshot_get();
	assert_int_equal(snapshot_subs_of(s, 1, &ids), 2);
	assert_int_equal(ids[0] + ids[1], 3);
	free(ids);
	assert_int_equal(snapshot_subs_of(s, 5, &ids), 0);
	free(ids);
	snapshot_put(s);
	snapshot_publish(NULL);
}

static void a_taken_picture_outlives_its_replacement(void **state)
{
	const struct snapshot *old;

	(void)state;
	assert_null(snapshot_get());
	publish();
	old = snapshot_get();
	publish();
	assert_ptr_not_equal(old, NULL);
	assert_int_equal(snapshot_user_named(old, STR("promo"))->id, 2);
	snapshot_put(old);
	snapshot_publish(NULL);
	assert_null(snapshot_get());
	snapshot_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_in_any_letter_case),
		cmocka_unit_test(the_users_webhook_wins_address_by_address),
		cmocka_unit_test(sub_accounts_of_an_account),
		cmocka_unit_test(a_taken_picture_outlives_its_replacement),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
