/* Classes of command_status; a connection's rules come before the book. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "channel/sms/status.h"

static void the_book(void **state)
{
	static const struct status_rule want[] = {
		{0x00, STATUS_OK},          {0x14, STATUS_THROTTLED}, {0x58, STATUS_THROTTLED},
		{0x08, STATUS_TEMPORARY},   {0x64, STATUS_TEMPORARY}, {0xfe, STATUS_TEMPORARY},
		{0xff, STATUS_TEMPORARY},   {0x45, STATUS_UNSURE},    {0x0b, STATUS_BAD_NUMBER},
		{0x04, STATUS_SESSION},     {0x05, STATUS_SESSION},   {0x0d, STATUS_SESSION},
		{0x0e, STATUS_SESSION},     {0x0f, STATUS_SESSION},   {0x01, STATUS_FINAL},
		{0x0a, STATUS_FINAL},       {0x15, STATUS_FINAL},     {0x33, STATUS_FINAL},
		{0x42, STATUS_FINAL},       {0x43, STATUS_FINAL},     {0x48, STATUS_FINAL},
		{0x51, STATUS_FINAL},       {0x61, STATUS_FINAL},     {0x62, STATUS_FINAL},
		{0x65, STATUS_FINAL},       {0x66, STATUS_FINAL},     {0xc0, STATUS_FINAL},
		{0xc4, STATUS_FINAL},       {0x400, STATUS_FINAL},    {0x4ff, STATUS_FINAL},
		{0xffffffff, STATUS_FINAL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_int_equal(status_classify(NULL, 0, want[i].status), want[i].means);
}

static void rules_of_the_connection_win(void **state)
{
	static const struct status_rule rules[] = {{0x400, STATUS_TEMPORARY},
						   {0x401, STATUS_THROTTLED},
						   {0x402, STATUS_BAD_NUMBER},
						   {0x08, STATUS_FINAL},
						   {0x00, STATUS_FINAL}};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(status_classify(rules, COUNT_OF(rules), rules[i].status), rules[i].means);
	assert_int_equal(status_classify(rules, COUNT_OF(rules), 0x403), STATUS_FINAL);
	assert_int_equal(status_classify(rules, COUNT_OF(rules), 0), STATUS_OK); /* nobody may redefine success */
}

static void words(void **state)
{
	enum status_class c;

	(void)state;
	assert_int_equal(status_class_parse("final", &c), 0);
	assert_int_equal(c, STATUS_FINAL);
	assert_int_equal(status_class_parse("temporary", &c), 0);
	assert_int_equal(c, STATUS_TEMPORARY);
	assert_int_equal(status_class_parse("throttled", &c), 0);
	assert_int_equal(c, STATUS_THROTTLED);
	assert_int_equal(status_class_parse("bad_number", &c), 0);
	assert_int_equal(c, STATUS_BAD_NUMBER);
	assert_true(status_class_parse("", &c) < 0);
	assert_true(status_class_parse("ok", &c) < 0);
	assert_true(status_class_parse(NULL, &c) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_book),
		cmocka_unit_test(rules_of_the_connection_win),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
