/* protect_test.c - allow-lists of countries and prefixes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "api/protect.h"
#include "model/codes.h"

static void lists_cover_what_they_name(void **state)
{
	static const struct {
		const char *countries, *prefixes, *country, *digits;
		bool covered;
	} rows[] = {
		{"", "", "", "5511900000000", true},
		{"BR", "", "BR", "5511900000000", true},
		{"PT,BR", "", "BR", "5511900000000", true},
		{"PT,AR", "", "BR", "5511900000000", false},
		{"BR", "", "", "5511900000000", false}, /* the plan does not know it */
		{"", "5511", "BR", "5511900000000", true},
		{"", "351,5511", "BR", "5511900000000", true},
		{"", "5512,351", "BR", "5511900000000", false},
		{"", "55119000000001", "BR", "5511900000000", false}, /* longer than the number */
		{"PT", "5511", "BR", "5511900000000", true},          /* either list will do */
		{"PT", "5512", "BR", "5511900000000", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct allow_list l = {"", ""};

		str_copy(l.countries, sizeof l.countries, str_of(rows[i].countries));
		str_copy(l.prefixes, sizeof l.prefixes, str_of(rows[i].prefixes));
		assert_int_equal(protect_covers(&l, rows[i].country, str_of(rows[i].digits)), rows[i].covered);
	}
}

static void drafts_end_in_203_unless_the_number_is_none(void **state)
{
	struct account account = {.id = 1, .allow = {"BR,PT", ""}};
	struct sub_account sub = {.id = 1, .allow = {"", "55"}};
	struct draft d[] = {
		{.t.number = STR("5511900000000")},
		{.t.number = STR("351912345678")}, /* the account would, the sub-account would not */
		{.t.number = STR("34600000000")},  /* neither */
		{.invalid = SENT_INVALID_DESTINATION_NUMBER, .invalid_reason = REASON_BAD_NUMBER},
		{.t.number = STR("34600000001"), .invalid = SENT_CARRIER_COMMUNICATION_ERROR, .invalid_reason = REASON_NO_ROUTE},
		{.t.number = STR("34600000002"), .invalid = SENT_INVALID_MESSAGE_TEXT},
	};
	const uint16_t want[] = {0, 203, 203, 202, 203, 203};

	(void)state;
	protect_drafts(d, COUNT_OF(d), &account, &sub);
	for (size_t i = 0; i < COUNT_OF(d); i++)
		assert_int_equal(d[i].invalid, want[i]);
	assert_int_equal(d[1].invalid_reason, REASON_NOT_ALLOWED);
	d[1].invalid = 0;
	protect_drafts(d, COUNT_OF(d), &account, NULL);
	assert_int_equal(d[1].invalid, 0);
	protect_drafts(d, COUNT_OF(d), NULL, NULL);
	assert_int_equal(d[1].invalid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_cover_what_they_name),
		cmocka_unit_test(drafts_end_in_203_unless_the_number_is_none),
	};

	return cmocka_run_group_tests_name("api-protect", tests, NULL, NULL);
}
