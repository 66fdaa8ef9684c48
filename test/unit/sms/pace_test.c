/* The token bucket in made-up time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "channel/sms/pace.h"

#define SECOND ((int64_t)1000000)

/* Parts that pass in [from, to) when asked every ms. */
static int64_t run(struct pace *p, int64_t from, int64_t to)
{
	int64_t n = 0;

	for (int64_t t = from; t < to; t += 1000) {
		while (n < 10000000 && pace_take(p, t))
			n++;
	}
	return n;
}

static void rate_holds_whatever_it_is(void **state)
{
	static const int64_t rates[] = {1, 5, 30, 100, 999, 20000};
	struct pace p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		int64_t n;

		pace_init(&p, rates[i], 1000, SECOND);
		run(&p, SECOND, 2 * SECOND); /* the bucket's first fill */
		n = run(&p, 2 * SECOND, 12 * SECOND);
		assert_in_range(n, rates[i] * 10 - rates[i] / 20 - 1, rates[i] * 10 + rates[i] / 20 + 1);
	}
}

static void no_burst_after_silence(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 100, 1000, 0);
	assert_in_range(run(&p, 3600 * SECOND, 3600 * SECOND + 1000), 1, 5);
}

static void without_a_limit_everything_passes(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 0, 1000, 0);
	assert_int_equal(pace_ahead(&p), 0);
	for (int i = 0; i < 10000; i++)
		assert_true(pace_take(&p, 5));
	assert_int_equal(pace_wait_us(&p, 5), 0);
}

static void wait_is_exact(void **state)
{
	struct pace p;
	int64_t now = SECOND, wait;

	(void)state;
	pace_init(&p, 5, 1000, now);
	assert_true(pace_take(&p, now));
	assert_false(pace_take(&p, now));
	wait = pace_wait_us(&p, now);
	assert_int_equal(wait, 200000);
	assert_false(pace_take(&p, now + wait - 10));
	assert_true(pace_take(&p, now + wait));
	assert_int_equal(pace_ahead(&p), 1);
}

static void throttled_pauses_halves_and_grows_back(void **state)
{
	struct pace p;
	int64_t t = 10 * SECOND, before, after;

	(void)state;
	pace_init(&p, 100, 1000, 0);
	pace_throttled(&p, t - 1000, t);
	assert_int_equal(p.now_rate, 50);
	assert_int_equal(run(&p, t, t + SECOND), 0);
	before = run(&p, t + SECOND, t + 2 * SECOND);
	assert_in_range(before, 45, 56);
	after = run(&p, t + 2 * SECOND, t + 3 * SECOND);
	assert_in_range(after, 57, 70);
	run(&p, t + 3 * SECOND, t + 10 * SECOND);
	assert_int_equal(p.now_rate, 100); /* never above what is configured */
}

static void answers_to_what_was_on_its_way_do_not_halve_again(void **state)
{
	struct pace p;
	int64_t t = 10 * SECOND;

	(void)state;
	pace_init(&p, 80, 1000, 0);
	pace_throttled(&p, t - 5000, t);
	pace_throttled(&p, t - 4000, t + 100);
	pace_throttled(&p, t - 3000, t + 2 * SECOND);
	assert_int_equal(p.now_rate, 40);
	pace_throttled(&p, t + 2 * SECOND, t + 2 * SECOND + 1000);
	assert_int_equal(p.now_rate, 20);
	for (int i = 0; i < 20; i++) {
		t += 10 * SECOND;
		p.grown_at = t; /* as if no step had come */
		pace_throttled(&p, t - 1, t);
	}
	assert_int_equal(p.now_rate, 1); /* never stands still for good */
}

static void without_a_limit_the_rate_is_measured_and_let_go_again(void **state)
{
	struct pace p;
	int64_t t;

	(void)state;
	pace_init(&p, 0, 100, 0);
	for (t = 0; t < 3 * SECOND; t += 10000)
		assert_true(pace_take(&p, t)); /* 100/s */
	pace_throttled(&p, t - 1, t);
	assert_in_range(p.now_rate, 45, 55);
	assert_in_range(pace_ahead(&p), 1, 4);
	run(&p, t, t + 5 * SECOND);
	assert_int_equal(p.now_rate, 0);
}

static void changed_settings_take_effect(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 10, 1000, 0);
	pace_change(&p, 1000, 1000, SECOND);
	assert_in_range(run(&p, SECOND, 2 * SECOND), 940, 1010);
	pace_change(&p, 0, 1000, 2 * SECOND);
	assert_int_equal(pace_ahead(&p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_holds_whatever_it_is),
		cmocka_unit_test(no_burst_after_silence),
		cmocka_unit_test(without_a_limit_everything_passes),
		cmocka_unit_test(wait_is_exact),
		cmocka_unit_test(throttled_pauses_halves_and_grows_back),
		cmocka_unit_test(answers_to_what_was_on_its_way_do_not_halve_again),
		cmocka_unit_test(without_a_limit_the_rate_is_measured_and_let_go_again),
		cmocka_unit_test(changed_settings_take_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
