#include "model/sending_hours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "model/zones.h"

static void texts_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *canonical;
	} good[] = {
		{"", ""},
		{"none", ""},
		{"mon-fri=8-20,sat=09:30-14;holidays=10-12",
		 "mon=08:00-20:00 tue=08:00-20:00 wed=08:00-20:00 thu=08:00-20:00 fri=08:00-20:00 "
		 "sat=09:30-14:00 sun=none "
		 "holidays=10:00-12:00"},
		{"quiet=21-8", "mon=00:00-24:00 tue=00:00-24:00 wed=00:00-24:00 thu=00:00-24:00 "
			       "fri=00:00-24:00 sat=00:00-24:00 sun=00:00-24:00 "
			       "holidays=none quiet=21:00-08:00"},
		{"SAT-mon=all quiet=none", "mon=00:00-24:00 tue=none wed=none thu=none fri=none "
					   "sat=00:00-24:00 sun=00:00-24:00 holidays=none"},
	};
	static const char *const bad[] = {"8-20",
					  "mon",
					  "mon=",
					  "mon=8",
					  "mon=20-8",
					  "mon=8-8",
					  "mon=8-25",
					  "mon=8:60-9",
					  "mon=24:30-24",
					  "mon=8-20 mon=9-10",
					  "mon-fri=8-20 wed=none",
					  "may=8-20",
					  "mon-holidays=8-20",
					  "quiet=8-8",
					  "quiet=1-2 quiet=3-4",
					  "none mon=8-20",
					  "mon=008-20",
					  "mon=-8-20"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct sending_hours h = {0}, again = {0};
		char text[SENDING_HOURS_TEXT];
		struct err e;

		assert_int_equal(sending_hours_parse(str_of(good[i].text), &h, &e), 0);
		sending_hours_text(&h, text);
		assert_string_equal(text, good[i].canonical);
		assert_int_equal(sending_hours_parse(str_of(text), &again, &e), 0);
		assert_memory_equal(&h, &again, sizeof(h));
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct sending_hours h = {0};
		struct err e = {""};

		if (sending_hours_parse(str_of(bad[i]), &h, &e) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_true(e.text[0] != '\0' && !h.set);
	}
}

static void holidays_are_read_and_written(void **state)
{
	static const char *const bad[] = {"13-01", "00-10", "02-30",      "2026-2-3",  "12/25",
					  "1225",  "x",     "2026-12-32", "0000-12-25"};
	char text[HOLIDAYS_TEXT];
	struct sending_hours h = {0};
	struct err e;

	(void)state;
	assert_int_equal(holidays_parse(STR("12-25, 2027-02-09 02-29"), &h, &e), 0);
	assert_int_equal(h.holiday_count, 3);
	holidays_text(&h, text);
	assert_string_equal(text, "12-25,2027-02-09,02-29");
	assert_int_equal(sending_hours_parse(STR("mon=8-9"), &h, &e), 0);
	assert_int_equal(h.holiday_count, 3); /* the dates stay */
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (holidays_parse(str_of(bad[i]), &h, &e) == 0)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(holidays_parse(STR("none"), &h, &e), 0);
	assert_int_equal(h.holiday_count, 0);
}

static void numbers_and_countries_have_zones(void **state)
{
	static const struct {
		const char *number, *zone;
	} all[] = {{"5511987654321", "America/Sao_Paulo"},
		   {"5592987654321", "America/Manaus"},
		   {"5568987654321", "America/Rio_Branco"},
		   {"351912345678", "Europe/Lisbon"},
		   {"12125550123", "America/New_York"},
		   {"18095550123", "America/Santo_Domingo"},
		   {"77011234567", "Asia/Almaty"},
		   {"79161234567", "Europe/Moscow"},
		   {"5", NULL},
		   {"", NULL},
		   {"8835100", NULL},
		   {"55", "America/Sao_Paulo"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		const char *zone = zone_of_number(str_of(all[i].number));

		if (all[i].zone)
			assert_string_equal(zone, all[i].zone);
		else
			assert_null(zone);
	}
	assert_string_equal(zone_of_country("BR"), "America/Sao_Paulo");
	assert_string_equal(zone_of_country("PT"), "Europe/Lisbon");
	assert_string_equal(zone_of_country("AD"), "Europe/Andorra");
	assert_string_equal(zone_of_country("ZW"), "Africa/Harare");
	assert_null(zone_of_country(""));
	assert_null(zone_of_country("XX"));
	assert_null(zone_of_country("br"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_and_written),
		cmocka_unit_test(holidays_are_read_and_written),
		cmocka_unit_test(numbers_and_countries_have_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
