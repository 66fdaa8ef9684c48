/* phone_test.c - numbers as people write them, and which of them can be reached. */
#include "wire_test.h"
#include <errno.h>
#include "base/rng.h"
#include "wire/phone.h"

TEST(spellings_become_digits)
{
	static const struct {
		const char *text, *digits;
		unsigned country;
	} c[] = {
		{"5511999990001", "5511999990001", 2},
		{"+5511999990001", "5511999990001", 2},
		{"+55 (11) 99999-0001", "5511999990001", 2},
		{"(+55) 11 99999.0001", "5511999990001", 2},
		{"005511999990001", "5511999990001", 2},
		{"00 55 11 99999 0001", "5511999990001", 2},
		{"+55\u00a011\u202f99999\u20110001", "5511999990001", 2},
		{"\u202a+5511999990001\u202c", "5511999990001", 2},
		{"\t351 912/345,678 ", "351912345678", 3},
		{"14155550100", "14155550100", 1},
		{"79161234567", "79161234567", 1},
		{"0", "0", 0},
		{"00", NULL, 0},
		{"000", "000", 0},
		{"0000", "0000", 0},
		{"1", "1", 0},
		{"", NULL, 0},
		{" ", NULL, 0},
		{"+", NULL, 0},
		{"++55", NULL, 0},
		{"55+11", NULL, 0},
		{"abc", NULL, 0},
		{"5511a999990001", NULL, 0},
		{"55119999900011234", NULL, 0},
		{"1234567890123456", NULL, 0},
		{"123456789012345", "123456789012345", 1},
		{"00123456789012345", "123456789012345", 1},
		{"+00123456789012345", NULL, 0},
		{"55;11", NULL, 0},
		{"\xc2", NULL, 0},
		{"55\xe2\x80", NULL, 0},
		{"٥٥", NULL, 0},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct phone p;
		int r = phone_read(str_of(c[i].text), &p);

		if (r != (c[i].digits ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", c[i].text, r);
		if (r == 0) {
			assert_string_equal(p.digits, c[i].digits);
			assert_int_equal(p.n, strlen(c[i].digits));
			assert_int_equal(p.country, c[i].country);
		}
	}
	assert_int_equal(phone_read((struct str){"55\0"
						 "11",
						 5},
				    &(struct phone){0}),
			 -EINVAL);
}

TEST(numbers_are_usable_or_not)
{
	static const struct {
		const char *number;
		bool want;
	} c[] = {
		{"5511999990001", true},
		{"551199990001", true},
		{"551130001234", false},
		{"5511999999101", true},
		{"55119999900012", false},
		{"55119999001", false},
		{"5511899990001", false},
		{"551109990001", false},
		{"551119990001", false},
		{"5510999990001", false},
		{"5520999990001", false},
		{"5523999990001", false},
		{"5525999990001", false},
		{"5536999990001", false},
		{"5552999990001", false},
		{"5572999990001", false},
		{"5599999990001", true},
		{"5500999990001", false},
		{"5521999990001", true},
		{"5571999990001", true},
		{"11999990001", false}, /* Brazil's own spelling is no number of North America */
		{"14155550100", true},
		{"1415555010", false},
		{"141555501000", false},
		{"11155550100", false},
		{"14150550100", false},
		{"79161234567", true},
		{"351912345678", true},
		{"34612345678", true},
		{"442071838750", false},
		{"4915112345678", true},
		{"59899123456", true},
		{"595981123456", true},
		{"8613812345678", true},
		{"919812345678", true},
		{"2125551234", false},
		{"2105551234", false},
		{"2595551234", false},
		{"9995551234", false},
		{"0155512345", false},
		{"80012345678", false},
		{"8881234567", false},
		{"9791234567", false},
		{"3841234567", false},
		{"6991234567", false},
		{"88213300000", false},
		{"1234567", false},
		{"2901234", false},
		{"29012345", false},
		{"27182", false},
		{"28149", false},
		{"0", false},
		{"123456789012345", false},
		{"351123456789012", false},
		{"49", false},
		{"447911123456", true},
		{"+44 (0)7911 123456", true},
		{"+44 7624 300000", true}, /* Isle of Man */
		{"4407911123456", true},
		{"+55 (0)11 99999-0001", true},
		{"+55 0 11 9999-0001", false},
		{"5508001234567", false}, /* freephone */
		{"+390612345678", false},
		{"393331234567", true},
		{"881612345678", false}, /* satellite */
		{"212650123456", true},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct phone p;

		if (phone_destination(str_of(c[i].number), &p) != c[i].want)
			fail_msg("%s", c[i].number);
	}
}

/* ITU-T's list: from, to. */
static const unsigned short assigned[][2] = {
	{211, 213}, {216, 216}, {218, 218}, {220, 258}, {260, 269}, {290, 291}, {297, 299}, {350, 359},
	{370, 378}, {380, 383}, {385, 387}, {389, 389}, {420, 421}, {423, 423}, {500, 509}, {590, 599},
	{670, 670}, {672, 683}, {685, 692}, {850, 850}, {852, 853}, {855, 856}, {870, 870}, {878, 878},
	{880, 883}, {886, 886}, {960, 968}, {970, 977}, {992, 996}, {998, 998},
};

static bool is_assigned(unsigned code)
{
	for (size_t i = 0; i < COUNT_OF(assigned); i++) {
		if (code >= assigned[i][0] && code <= assigned[i][1])
			return true;
	}
	return false;
}

TEST(country_codes_are_those_assigned)
{
	static const char two[] = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 "
				  "57 58 60 61 62 63 64 65 66 "
				  "81 82 84 86 90 91 92 93 94 95 98";

	for (unsigned a = 100; a < 1000; a++) {
		char z[16];
		struct phone p;
		unsigned want;

		snprintf(z, sizeof(z), "%u55512345", a);
		assert_int_equal(phone_read(str_of(z), &p), 0);
		want = a < 200 || (a >= 700 && a < 800) ? 1 : is_assigned(a) ? 3 : 0;
		z[2] = '\0';
		if (strstr(two, z))
			want = 2;
		if (p.country != want)
			fail_msg("%u: %u instead of %u", a, p.country, want);
	}
}

TEST(brazil_has_sixty_seven_areas)
{
	unsigned areas = 0;

	for (unsigned a = 0; a < 100; a++) {
		char z[16];
		struct phone p;

		snprintf(z, sizeof(z), "55%02u999990001", a);
		areas += phone_destination(str_of(z), &p);
	}
	assert_int_equal(areas, 67);
}

TEST(old_mobiles_of_brazil_get_their_ninth_digit)
{
	static const struct {
		const char *number, *want;
	} c[] = {
		{"551199990001", "5511999990001"},  {"551169990001", "5511969990001"},
		{"551130001234", "551130001234"},   {"5511999990001", "5511999990001"},
		{"351912345678", "351912345678"},   {"55119999000", "55119999000"},
		{"5501199990001", "5501199990001"}, {"5501999990001", "5501999990001"},
		{"4407911123456", "447911123456"},  {"55011999990001", "5511999990001"},
		{"551170001234", "5511970001234"},  {"550179920001", "550179920001"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct phone p, q;

		assert_int_equal(phone_read(str_of(c[i].number), &p), 0);
		phone_canonical(&p, &q);
		assert_string_equal(q.digits, c[i].want);
		assert_int_equal(q.n, strlen(q.digits));
		phone_canonical(&q, &q);
		assert_string_equal(q.digits, c[i].want);
	}
}

TEST(plans_tell_kind_and_country)
{
	static const struct {
		const char *number, *country;
		enum phone_kind kind;
	} c[] = {
		{"5511999990001", "BR", PHONE_MOBILE},      {"551130001234", "", PHONE_NO_MOBILE},
		{"14155550100", "US", PHONE_MAYBE_MOBILE},  {"16135550100", "CA", PHONE_MAYBE_MOBILE},
		{"18765551234", "JM", PHONE_MOBILE},        {"447400123456", "GB", PHONE_MOBILE},
		{"447624300000", "IM", PHONE_MOBILE},       {"77011234567", "KZ", PHONE_MOBILE},
		{"79161234567", "RU", PHONE_MOBILE},        {"5215512345678", "", PHONE_NO_MOBILE},
		{"525512345678", "MX", PHONE_MAYBE_MOBILE}, {"38328123456", "XK", PHONE_NO_MOBILE},
		{"38343201234", "XK", PHONE_MOBILE},        {"", "", PHONE_NO_MOBILE},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct phone p = {.n = (uint8_t)strlen(c[i].number)};
		struct phone_plan plan;

		strcpy(p.digits, c[i].number);
		plan = phone_plan(&p);
		if (plan.kind != c[i].kind || (plan.kind && strcmp(plan.country, c[i].country) != 0))
			fail_msg("%s: %d %s", c[i].number, (int)plan.kind, plan.country);
	}
}

TEST(numbers_have_the_time_of_their_country_and_in_brazil_of_their_area)
{
	static const struct {
		const char *number, *zone;
	} c[] = {
		{"5511999990001", "America/Sao_Paulo"},
		{"5568999990001", "America/Rio_Branco"},
		{"5592999990001", "America/Manaus"},
		{"5565999990001", "America/Cuiaba"},
		{"5581999990001", "America/Recife"},
		{"351912345678", "Europe/Lisbon"},
		{"79161234567", "Europe/Moscow"},
		{"38343201234", "Europe/Belgrade"},
		{"61412345678", "Australia/Sydney"},
		{"551130001234", NULL},
		{"27182", NULL},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct phone p;
		const char *zone;

		assert_int_equal(phone_read(str_of(c[i].number), &p), 0);
		zone = phone_zone(&p);
		if (!zone != !c[i].zone || (zone && strcmp(zone, c[i].zone) != 0))
			fail_msg("%s: %s", c[i].number, zone ? zone : "none");
	}
}

TEST(short_codes_are_three_to_six_digits)
{
	static const struct {
		const char *text;
		bool want;
	} c[] = {{"27182", true},    {"123", true},    {"123456", true}, {"12", false},
		 {"1234567", false}, {"27a82", false}, {"", false}};

	for (size_t i = 0; i < COUNT_OF(c); i++)
		assert_int_equal(phone_is_short_code(str_of(c[i].text)), c[i].want);
}

TEST(any_octets_are_survived)
{
	struct prng r;

	prng_seed(&r, 5);
	for (int round = 0; round < 50000; round++) {
		size_t n = prng_below(&r, 24);
		char *p = malloc(n + 1);
		struct phone a, b;

		assert_non_null(p);
		for (size_t i = 0; i < n; i++)
			p[i] = (char)(prng_below(&r, 4)
					      ? (uint64_t) "0123456789+- ()\xe2\x80\x8b\xc2\xa0"[prng_below(&r, 20)]
					      : prng_u64(&r));
		if (phone_destination((struct str){p, n}, &a)) {
			assert_int_equal(strlen(a.digits), a.n);
			assert_true(phone_destination(str_of(a.digits), &b));
			assert_string_equal(a.digits, b.digits);
			phone_canonical(&a, &b);
			assert_true(phone_usable(&b));
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(spellings_become_digits),
		RUN(numbers_are_usable_or_not),
		RUN(country_codes_are_those_assigned),
		RUN(brazil_has_sixty_seven_areas),
		RUN(old_mobiles_of_brazil_get_their_ninth_digit),
		RUN(plans_tell_kind_and_country),
		RUN(numbers_have_the_time_of_their_country_and_in_brazil_of_their_area),
		RUN(short_codes_are_three_to_six_digits),
		RUN(any_octets_are_survived),
	};

	return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
