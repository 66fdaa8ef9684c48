/* stretches_test.c - a set of stretches against the same set as one flag a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/rng.h"
#include "core/stretches.h"

#define NUMBERS 300

static bool flags[NUMBERS + 2];

static void same(const struct stretches *s)
{
	size_t runs = 0;

	for (int64_t i = 1; i <= NUMBERS; i++) {
		size_t at = stretches_at(s, i);

		assert_int_equal(stretches_have(s, i), flags[i]);
		assert_true(at == s->n || s->a[at].to >= i);
		assert_true(!at || s->a[at - 1].to < i);
		runs += flags[i] && !flags[i - 1];
	}
	assert_int_equal(s->n, runs); /* those that touch are one */
	for (size_t i = 0; i < s->n; i++)
		assert_true(s->a[i].from <= s->a[i].to && (!i || s->a[i].from > s->a[i - 1].to + 1));
}

static void it_is_a_set(void **state)
{
	struct prng rng;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct stretches s = {0};

		prng_seed(&rng, seed);
		memset(flags, 0, sizeof flags);
		for (int step = 0; step < 60; step++) {
			int64_t from = 1 + (int64_t)prng_below(&rng, NUMBERS),
				to = from + (int64_t)prng_below(&rng, 12);

			to = MIN(to, NUMBERS);

			if (prng_below(&rng, 20)) {
				stretches_add(&s, (struct stretch){from, to});
				memset(flags + from, true, (size_t)(to - from) + 1);
			} else {
				stretches_drop(&s, to / 4);
				memset(flags, false, (size_t)(to / 4) + 1);
			}
			same(&s);
		}
		stretches_free(&s);
		assert_int_equal(s.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_a_set)};

	return cmocka_run_group_tests_name("stretches", tests, NULL, NULL);
}
