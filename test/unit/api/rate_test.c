/* rate_test.c - token buckets in simulated time. */
#include "api_test.h"
#include "api/rate.h"

#define S ((int64_t)1000000)

static int take_many(struct rate_table *t, uint64_t key, int64_t rate, int64_t now, int n)
{
	int taken = 0;

	while (n--)
		taken += !rate_take(t, key, rate, now);
	return taken;
}

TEST(a_bucket_holds_a_second_and_refills)
{
	struct rate_table *t = rate_new(512);

	assert_int_equal(take_many(t, 7, 700, 100 * S, 1000), 700);
	assert_int_equal(take_many(t, 7, 700, 100 * S + S / 2, 1000), 350);
	assert_int_equal(take_many(t, 7, 700, 110 * S, 1000), 700);
	rate_free(t);
}

TEST(a_rate_of_one_lets_one_through_and_says_when_again)
{
	struct rate_table *t = rate_new(512);

	assert_int_equal(rate_take(t, 1, 1, 50 * S), 0);
	assert_int_equal(rate_take(t, 1, 1, 50 * S), S);
	assert_int_equal(rate_take(t, 1, 1, 50 * S + S / 4), S * 3 / 4);
	assert_int_equal(rate_take(t, 1, 1, 51 * S), 0);
	assert_true(rate_take(t, 1, 1, 51 * S + 1) > 0);
	rate_free(t);
}

TEST(keys_do_not_share)
{
	struct rate_table *t = rate_new(512);

	assert_int_equal(rate_take(t, 1, 1, S), 0);
	assert_int_equal(rate_take(t, 2, 1, S), 0);
	assert_true(rate_take(t, 1, 1, S) > 0);
	rate_free(t);
	rate_free(NULL);
}

TEST(no_rate_is_no_limit)
{
	struct rate_table *t = rate_new(512);

	assert_int_equal(take_many(t, 1, 0, S, 5000), 5000);
	assert_int_equal(take_many(t, 1, -1, S, 10), 10);
	assert_int_equal(take_many(t, 1, INT64_MAX, S, 10), 10);
	rate_free(t);
}

TEST(a_flood_of_keys_does_not_push_out_one_that_is_empty)
{
	struct rate_table *t = rate_new(512);

	/* The bucket in use is emptier than those that took one token, so it stays. */
	assert_int_equal(take_many(t, 1, 100, 10 * S, 100), 100);
	for (uint64_t k = 1000; k < 100000; k++)
		assert_int_equal(rate_take(t, k, 100, 10 * S), 0);
	assert_true(rate_take(t, 1, 100, 10 * S) > 0);
	rate_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_bucket_holds_a_second_and_refills),
		RUN(a_rate_of_one_lets_one_through_and_says_when_again),
		RUN(keys_do_not_share),
		RUN(no_rate_is_no_limit),
		RUN(a_flood_of_keys_does_not_push_out_one_that_is_empty),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
