/* breaker_test.c - when a connection counts as sick, and how it comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/breaker.h"

static const struct breaker_setting usual = {
	.errors = 50, .least = 10, .window_ms = 1000, .timeouts = 3, .pause_ms = 100, .pause_max_ms = 300, .probes = 2};

/* n outcomes at that time, of attempts that began then; true when it opened. */
static bool feed(struct breaker *b, enum breaker_outcome o, int n, int64_t now)
{
	bool opened = false;

	while (n--)
		opened |= breaker_ended(b, &usual, now, o, now);
	return opened;
}

static void errors_count_when_there_are_enough_answers(void **state)
{
	struct breaker b = {0};

	(void)state;
	assert_false(feed(&b, BREAKER_ERROR, 4, 5000));
	assert_false(feed(&b, BREAKER_OK, 5, 5000));
	assert_true(breaker_would_allow(&b, &usual, 5000));
	assert_true(feed(&b, BREAKER_ERROR, 1, 5000)); /* five of ten */
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_false(breaker_would_allow(&b, &usual, 5099));
	assert_true(breaker_would_allow(&b, &usual, 5100));
	assert_true(breaker_would_allow(&b, &usual, 4999)); /* the clock was set back */
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_string_equal(b.why, "too many errors");
	assert_int_equal(b.opened, 1);
}

static void a_share_below_the_limit_is_life(void **state)
{
	struct breaker b = {0};

	(void)state;
	for (int64_t t = 5000; t < 50000; t += 10)
		assert_false(feed(&b, t % 30 ? BREAKER_OK : BREAKER_ERROR, 1, t));
	assert_int_equal(b.state, BREAKER_CLOSED);
}

static void old_errors_are_forgotten(void **state)
{
	struct breaker b = {0};

	(void)state;
	assert_false(feed(&b, BREAKER_ERROR, 9, 5000));
	assert_false(feed(&b, BREAKER_ERROR, 9, 7100)); /* the stretch between was empty */
	assert_true(feed(&b, BREAKER_ERROR, 1, 8100));  /* the one before counts */
}

static void time_outs_count_in_a_row(void **state)
{
	struct breaker b = {0};

	(void)state;
	assert_false(feed(&b, BREAKER_TIMEOUT, 2, 5000));
	assert_false(feed(&b, BREAKER_OK, 1, 5000));
	assert_false(feed(&b, BREAKER_TIMEOUT, 2, 5000));
	assert_false(feed(&b, BREAKER_NOTHING, 5, 5000)); /* a link that went says nothing */
	assert_true(feed(&b, BREAKER_TIMEOUT, 1, 5000));
	assert_string_equal(b.why, "answers stayed away");
}

static void probes_are_few_and_close_it(void **state)
{
	struct breaker b = {0};

	(void)state;
	feed(&b, BREAKER_TIMEOUT, 3, 5000);
	assert_false(breaker_allows(&b, &usual, 5099));
	assert_true(breaker_allows(&b, &usual, 5100));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	breaker_began(&b);
	assert_true(breaker_allows(&b, &usual, 5100));
	breaker_began(&b);
	assert_false(breaker_allows(&b, &usual, 5100));
	/* What began before it opened is no probe, well or not. */
	assert_false(breaker_ended(&b, &usual, 4000, BREAKER_OK, 5110));
	assert_false(breaker_ended(&b, &usual, 4000, BREAKER_TIMEOUT, 5110));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_false(breaker_ended(&b, &usual, 5100, BREAKER_OK, 5120));
	assert_false(breaker_allows(&b, &usual, 5120)); /* one went well, one is under way: enough */
	assert_false(breaker_ended(&b, &usual, 5100, BREAKER_OK, 5130));
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(breaker_allows(&b, &usual, 5130));
}

static void a_probe_that_says_nothing_is_made_again(void **state)
{
	struct breaker b = {0};

	(void)state;
	feed(&b, BREAKER_TIMEOUT, 3, 5000);
	assert_true(breaker_allows(&b, &usual, 5100));
	breaker_began(&b);
	breaker_began(&b);
	assert_false(breaker_ended(&b, &usual, 5100, BREAKER_NOTHING, 5110));
	assert_true(breaker_allows(&b, &usual, 5110));
}

static void the_pause_doubles_to_its_limit_and_begins_anew(void **state)
{
	static const int64_t pauses[] = {100, 200, 300, 300};
	struct breaker b = {0};
	int64_t now = 5000;

	(void)state;
	feed(&b, BREAKER_TIMEOUT, 3, now);
	for (size_t i = 0; i < COUNT_OF(pauses); i++) {
		assert_int_equal(b.until - now, pauses[i]);
		now = b.until;
		assert_true(breaker_allows(&b, &usual, now));
		breaker_began(&b);
		assert_true(breaker_ended(&b, &usual, now, BREAKER_ERROR, now));
		assert_string_equal(b.why, "a probe met an error");
	}
	now = b.until;
	assert_true(breaker_allows(&b, &usual, now));
	for (int i = 0; i < 2; i++) {
		breaker_began(&b);
		breaker_ended(&b, &usual, now, BREAKER_OK, now);
	}
	assert_int_equal(b.state, BREAKER_CLOSED);
	feed(&b, BREAKER_TIMEOUT, 3, now);
	assert_int_equal(b.until - now, 100);
}

static void it_can_be_turned_off_and_survives_a_clock_set_back(void **state)
{
	static const struct breaker_setting off = {.window_ms = 1000, .pause_ms = 100, .pause_max_ms = 100, .probes = 1};
	struct breaker b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(breaker_ended(&b, &off, 5000, BREAKER_TIMEOUT, 5000));
	assert_true(breaker_allows(&b, &off, 5000));
	feed(&b, BREAKER_TIMEOUT, 3, 5000);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_true(breaker_allows(&b, &usual, 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_count_when_there_are_enough_answers),
		cmocka_unit_test(a_share_below_the_limit_is_life),
		cmocka_unit_test(old_errors_are_forgotten),
		cmocka_unit_test(time_outs_count_in_a_row),
		cmocka_unit_test(probes_are_few_and_close_it),
		cmocka_unit_test(a_probe_that_says_nothing_is_made_again),
		cmocka_unit_test(the_pause_doubles_to_its_limit_and_begins_anew),
		cmocka_unit_test(it_can_be_turned_off_and_survives_a_clock_set_back),
	};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
