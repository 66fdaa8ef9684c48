#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The reference vectors of SipHash-2-4 (Aumasson, Bernstein 2012): key 00..0f, inputs 00, 00 01, ... What is kept on disk
 * depends on these values. */
static void keyed_hash_is_siphash(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} cases[] = {
		{0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu},  {7, 0xab0200f58b01d137u},
		{8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u},
	};
	struct hash_key k;
	unsigned char in[16];

	(void)state;
	for (unsigned char i = 0; i < 16; i++)
		k.k[i] = in[i] = i;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(hash_keyed(&k, in, cases[i].n) == cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyed_hash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
