/* bloom_test.c - what is in the filter is never denied, little else passes, and what is loaded is what was kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "store/bloom.h"

#define KEYS 20000

static struct bloom filled(void)
{
	struct bloom b;
	struct prng rng;

	bloom_make(&b, KEYS);
	prng_seed(&rng, 1);
	for (int i = 0; i < KEYS; i++)
		bloom_add(&b, prng_u64(&rng));
	return b;
}

static void has_all(const struct bloom *b)
{
	struct prng rng;

	prng_seed(&rng, 1);
	for (int i = 0; i < KEYS; i++)
		assert_true(bloom_may(b, prng_u64(&rng)));
}

static int strangers(const struct bloom *b)
{
	struct prng rng;
	int n = 0;

	prng_seed(&rng, 2);
	for (int i = 0; i < KEYS; i++)
		n += bloom_may(b, prng_u64(&rng));
	return n;
}

static void nothing_is_denied_and_little_passes(void **state)
{
	struct bloom b = filled();

	(void)state;
	has_all(&b);
	assert_true(strangers(&b) < KEYS / 50); /* ten bits a key, four of them set: 1.2 % */
	bloom_done(&b);
}

static void copies_and_what_was_kept_are_the_same(void **state)
{
	struct bloom b = filled(), copy = bloom_copy(&b), kept;

	(void)state;
	bloom_load(&kept, b.bits, bloom_bytes(&b));
	assert_int_equal(kept.log2, b.log2);
	assert_int_equal(strangers(&copy), strangers(&b));
	assert_int_equal(strangers(&kept), strangers(&b));
	bloom_done(&b);
	has_all(&copy);
	has_all(&kept);
	bloom_done(&copy);
	bloom_done(&kept);
}

/* Without bits it says "perhaps" to everything: slower, never wrong. */
static void what_is_no_filter_denies_nothing(void **state)
{
	struct bloom b = filled(), none;

	(void)state;
	bloom_load(&none, b.bits, bloom_bytes(&b) - 1);
	assert_null(none.bits);
	bloom_load(&none, b.bits, 64);
	assert_null(none.bits);
	bloom_load(&none, NULL, 0);
	assert_int_equal(strangers(&none), KEYS);
	none = bloom_copy(&none);
	assert_null(none.bits);
	bloom_make(&none, 0);
	assert_true(bloom_may(&none, 1));
	bloom_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_denied_and_little_passes),
		cmocka_unit_test(copies_and_what_was_kept_are_the_same),
		cmocka_unit_test(what_is_no_filter_denies_nothing),
	};

	return cmocka_run_group_tests_name("bloom", tests, NULL, NULL);
}
