/* Outstanding requests: found by number in any order, oldest first, late ones apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "channel/sms/window.h"

static void responses_are_found_in_any_order(void **state)
{
	struct window_entry e[100];
	struct window w;

	(void)state;
	window_init(&w, 4); /* few buckets, so that chains are long */
	for (uint32_t i = 0; i < 100; i++)
		window_add(&w, &e[i], i + 1, i);
	assert_int_equal(window_used(&w), 100);
	assert_ptr_equal(window_take(&w, 50), &e[49]);
	assert_null(window_take(&w, 50));
	assert_null(window_take(&w, 101));
	for (uint32_t i = 100; i >= 1; i--)
		assert_ptr_equal(window_take(&w, i), i == 50 ? NULL : &e[i - 1]);
	assert_int_equal(window_used(&w), 0);
	window_done(&w);
}

static void oldest_first_and_late_ones_do_not_count(void **state)
{
	struct window_entry e[3];
	struct window w;

	(void)state;
	window_init(&w, 10);
	for (uint32_t i = 0; i < 3; i++)
		window_add(&w, &e[i], i + 1, i * 10);
	assert_ptr_equal(window_oldest(&w), &e[0]);
	window_make_late(&w, &e[0]);
	assert_int_equal(window_used(&w), 2);
	assert_ptr_equal(window_oldest(&w), &e[1]);
	assert_ptr_equal(window_take(&w, 1), &e[0]);
	assert_true(e[0].late);
	window_make_late(&w, &e[2]);
	assert_ptr_equal(window_any(&w), &e[1]);
	window_remove(&w, &e[1]);
	assert_ptr_equal(window_any(&w), &e[2]);
	window_remove(&w, &e[2]);
	assert_null(window_any(&w));
	assert_null(window_oldest(&w));
	window_done(&w);
	window_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_found_in_any_order),
		cmocka_unit_test(oldest_first_and_late_ones_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
