#include "base/rng.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void *draw(void *to)
{
	uint64_t *v = to;

	for (int i = 0; i < 2000; i++)
		v[i] = rng_u64();
	return NULL;
}

static void numbers_do_not_repeat_across_threads(void **state)
{
	static uint64_t v[4 * 2000];
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, draw, v + i * 2000), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	qsort(v, COUNT_OF(v), sizeof(v[0]), by_value);
	for (size_t i = 1; i < COUNT_OF(v); i++)
		assert_true(v[i] != v[i - 1]);
}

static void any_size_is_filled(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 16, 255, 256, 257, 1023, 1024, 1025, 5000};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		unsigned char p[5001] = {0};
		size_t n = sizes[i], touched = 0;

		rng_bytes(p, n);
		assert_int_equal(p[n], 0);
		for (size_t k = 0; k < n; k++)
			touched += p[k] != 0;
		assert_true(n < 16 || touched > n / 2);
	}
}

static void the_seeded_one_repeats(void **state)
{
	struct prng a, b, c;
	bool differs = false;

	(void)state;
	prng_seed(&a, 5);
	prng_seed(&b, 5);
	prng_seed(&c, 6);
	for (int i = 0; i < 1000; i++) {
		uint64_t x = prng_u64(&a);

		assert_true(x == prng_u64(&b));
		differs |= x != prng_u64(&c);
	}
	assert_true(differs);
	prng_seed(&a, 0);
	assert_true(prng_u64(&a) != prng_u64(&a));
}

static void below_is_even_and_within(void **state)
{
	struct prng r;
	int hits[6] = {0};

	(void)state;
	prng_seed(&r, 9);
	for (int i = 0; i < 60000; i++) {
		uint64_t x = prng_below(&r, 6);

		assert_true(x < 6);
		hits[x]++;
	}
	for (size_t i = 0; i < 6; i++)
		assert_in_range(hits[i], 9500, 10500);
	for (int i = 0; i < 100; i++) {
		assert_true(prng_below(&r, 1) == 0);
		assert_true(prng_below(&r, UINT64_MAX) < UINT64_MAX);
		assert_true(prng_below(&r, ((uint64_t)1 << 63) + 1) <= (uint64_t)1 << 63);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_do_not_repeat_across_threads),
		cmocka_unit_test(any_size_is_filled),
		cmocka_unit_test(the_seeded_one_repeats),
		cmocka_unit_test(below_is_even_and_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
