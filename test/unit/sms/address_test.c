/* TON, NPI and text of addresses; validity periods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "channel/sms/internal.h"

static char *codes[] = {(char *)(uintptr_t) "123456789"};

static struct sms_config config(void)
{
	return (struct sms_config){.source = (char *)(uintptr_t) "27182",
				   .short_codes = codes,
				   .short_code_count = 1,
				   .profile = {.source_ton = -1, .source_npi = -1, .dest_ton = -1, .dest_npi = -1}};
}

static void sources(void **state)
{
	static const struct {
		const char *source, *text;
		int ton, npi;
	} cases[] = {
		{"", "27182", 3, 0}, /* the connection's */
		{"28149", "28149", 3, 0},
		{"123456789", "123456789", 3, 0}, /* long, but one of ours */
		{"551130000000", "551130000000", 1, 1},
		{"+551130000000", "551130000000", 1, 1},
		{"+5511", "5511", 1, 1},
		{"Loja", "Loja", 5, 0},
		{"Padaria Joao e Filhos", "Padaria Joa", 5, 0},
		{"A\xc3\xa7\xc3\xa3o", "Acao", 5, 0},
		{"123456789012345678901", "12345678901", 5, 0}, /* no number is that long */
	};
	struct sms_config set = config();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct smpp_addr a = {0};

		address_source(&set, str_of(cases[i].source), &a);
		assert_string_equal(a.text, cases[i].text);
		assert_int_equal(a.ton, cases[i].ton);
		assert_int_equal(a.npi, cases[i].npi);
	}
}

static void no_source_at_all_leaves_it_to_the_smsc(void **state)
{
	struct sms_config set = config();
	struct smpp_addr a = {0};

	(void)state;
	set.source = (char *)(uintptr_t) "";
	set.profile.source_ton = 5;
	address_source(&set, STR(""), &a);
	assert_string_equal(a.text, "");
	assert_int_equal(a.ton, 0);
	assert_int_equal(a.npi, 0);
}

static void configured_types_win(void **state)
{
	struct sms_config set = config();
	struct smpp_addr a = {0};

	(void)state;
	set.profile.source_ton = 0;
	set.profile.source_npi = 1;
	set.profile.dest_ton = 2;
	set.profile.dest_npi = 8;
	address_source(&set, STR("28149"), &a);
	assert_int_equal(a.ton, 0);
	assert_int_equal(a.npi, 1);
	assert_true(address_dest(&set, STR("5511999990000"), &a));
	assert_int_equal(a.ton, 2);
	assert_int_equal(a.npi, 8);
}

static void destinations(void **state)
{
	struct sms_config set = config();
	struct smpp_addr a = {0};

	(void)state;
	assert_true(address_dest(&set, STR("+5511999990000"), &a));
	assert_string_equal(a.text, "5511999990000");
	assert_int_equal(a.ton, 1);
	assert_int_equal(a.npi, 1);
	assert_false(address_dest(&set, STR(""), &a));
	assert_false(address_dest(&set, STR("+"), &a));
	assert_false(address_dest(&set, STR("55119x"), &a));
	assert_false(address_dest(&set, STR("123456789012345678901"), &a));
}

static void validity(void **state)
{
	static const int64_t now = 1795354496000; /* 2026-11-22T13:34:56Z */
	static const struct {
		int64_t left_s;
		const char *relative, *absolute;
	} cases[] = {
		{86400, "000001000000000R", "261123133456000+"},
		{3661, "000000010101000R", "261122143557000+"},
		{0, "000000000001000R", "261122133457000+"},
		{-5, "000000000001000R", "261122133457000+"},
		{30 * 86400, "000030000000000R", "261222133456000+"},
		{40 * 86400, "000109000000000R", "270101133456000+"},
	};
	char out[17];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		validity_write(out, VALIDITY_RELATIVE, now, now + cases[i].left_s * 1000);
		assert_string_equal(out, cases[i].relative);
		validity_write(out, VALIDITY_ABSOLUTE, now, now + cases[i].left_s * 1000);
		assert_string_equal(out, cases[i].absolute);
	}
	validity_write(out, VALIDITY_NONE, now, now + 5000);
	assert_string_equal(out, "");
	validity_write(out, VALIDITY_RELATIVE, now, INT64_MAX / 2);
	assert_int_equal(strlen(out), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources),
		cmocka_unit_test(no_source_at_all_leaves_it_to_the_smsc),
		cmocka_unit_test(configured_types_win),
		cmocka_unit_test(destinations),
		cmocka_unit_test(validity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
