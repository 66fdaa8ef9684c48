#include "base/cidr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void addresses_are_read_or_refused(void **state)
{
	static const struct {
		const char *text;
		int family;
		unsigned char want[16];
	} table[] = {
		{"192.0.2.1", 4, {192, 0, 2, 1}},
		{"255.255.255.255", 4, {255, 255, 255, 255}},
		{"::", 6, {0}},
		{"2001:DB8::1", 6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
		{"::ffff:192.0.2.1", 6, {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}},
		{"", -EINVAL, {0}},
		{"1.2.3", -EINVAL, {0}},
		{"1.2.3.256", -EINVAL, {0}},
		{"1.2.3.4 ", -EINVAL, {0}},
		{"1.2.3.4:80", -EINVAL, {0}},
		{"::g", -EINVAL, {0}},
		{"1::2::3", -EINVAL, {0}},
		{"localhost", -EINVAL, {0}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		unsigned char a[16] = {0};

		assert_int_equal(address_parse(str_of(table[i].text), a), table[i].family);
		assert_memory_equal(a, table[i].want, sizeof(a));
	}
}

static void a_nul_inside_is_no_end(void **state)
{
	unsigned char a[16];
	struct cidr c;

	(void)state;
	assert_int_equal(address_parse((struct str){"::1\0x", 5}, a), -EINVAL);
	assert_int_equal(cidr_parse((struct str){"::1\0/128", 8}, &c), -EINVAL);
	assert_int_equal(cidr_parse((struct str){NULL, 0}, &c), -EINVAL);
}

static void networks_are_read_or_refused(void **state)
{
	static const struct {
		const char *text;
		int r, family, bits;
	} table[] = {
		{"10.0.0.0/8", 0, 4, 8},
		{"0.0.0.0/0", 0, 4, 0},
		{"1.2.3.4", 0, 4, 32},
		{"1.2.3.4/32", 0, 4, 32},
		{"::/0", 0, 6, 0},
		{"fd00::/8", 0, 6, 8},
		{"::1", 0, 6, 128},
		{"2001:db8::/33", 0, 6, 33},
		{"", -EINVAL, 0, 0},
		{"/8", -EINVAL, 0, 0},
		{"10.0.0.0/", -EINVAL, 0, 0},
		{"10.0.0.0/33", -EINVAL, 0, 0},
		{"10.0.0.1/8", -EINVAL, 0, 0},
		{"::1/64", -EINVAL, 0, 0},
		{"::/129", -EINVAL, 0, 0},
		{"10/8", -EINVAL, 0, 0},
		{"localhost", -EINVAL, 0, 0},
		{"10.0.0.0/8 ", -EINVAL, 0, 0},
		{"10.0.0.0/-1", -EINVAL, 0, 0},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", -EINVAL, 0, 0},
		{"10.0.0.0/8/8", -EINVAL, 0, 0},
		{"010.0.0.0/8", -EINVAL, 0, 0},
		{"fe80::1%lo", -EINVAL, 0, 0},
		{"[::1]", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct cidr c = {0};

		assert_int_equal(cidr_parse(str_of(table[i].text), &c), table[i].r);
		assert_int_equal(c.family, table[i].family);
		assert_int_equal(c.bits, table[i].bits);
	}
}

static void networks_hold_what_they_should(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} table[] = {
		{"10.0.0.0/8", "10.255.1.2", "11.0.0.0"},
		{"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
		{"192.0.2.5", "192.0.2.5", "192.0.2.4"},
		{"0.0.0.0/0", "203.0.113.9", "2001:db8::1"}, /* the families stay apart */
		{"::/0", "2001:db8::1", "203.0.113.9"},
		{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
		{"::1", "::1", "::2"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		unsigned char in[16], out[16];
		int in_family = address_parse(str_of(table[i].in), in);
		int out_family = address_parse(str_of(table[i].out), out);
		struct cidr c;

		assert_int_equal(cidr_parse(str_of(table[i].net), &c), 0);
		assert_true(cidr_holds(&c, in_family, in));
		assert_false(cidr_holds(&c, out_family, out));
	}
}

static void prefixes_are_compared_by_bits(void **state)
{
	(void)state;
	assert_true(prefix_eq((const unsigned char[]){0xff}, (const unsigned char[]){0x00}, 0));
	assert_true(prefix_eq((const unsigned char[]){0xab, 0xc0}, (const unsigned char[]){0xab, 0xdf}, 11));
	assert_false(prefix_eq((const unsigned char[]){0xab, 0xc0}, (const unsigned char[]){0xab, 0xdf}, 12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_or_refused),
		cmocka_unit_test(a_nul_inside_is_no_end),
		cmocka_unit_test(networks_are_read_or_refused),
		cmocka_unit_test(networks_hold_what_they_should),
		cmocka_unit_test(prefixes_are_compared_by_bits),
	};

	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
