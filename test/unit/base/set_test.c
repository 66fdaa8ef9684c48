/* set_test.c - members, room, removal; against a plain table. */
#include "base/set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

static void members_come_and_go(void **state)
{
	struct set *s = set_copy(NULL, 0);

	(void)state;
	assert_int_equal(set_count(s), 0);
	assert_true(set_room(s) > 0);
	assert_false(set_has(s, 0));
	assert_false(set_has(s, 5));
	assert_false(set_del(s, 5));
	assert_false(set_del(s, 0));
	assert_true(set_add(s, 5));
	assert_false(set_add(s, 5));
	assert_true(set_add(s, UINT64_MAX));
	assert_true(set_has(s, 5));
	assert_true(set_has(s, UINT64_MAX));
	assert_int_equal(set_count(s), 2);
	assert_true(set_del(s, 5));
	assert_false(set_has(s, 5));
	assert_int_equal(set_count(s), 1);
	set_free(s);
	set_free(NULL);
}

static void a_copy_has_all_and_the_room_asked_for(void **state)
{
	struct set *s = set_copy(NULL, 1000), *t;

	(void)state;
	assert_true(set_room(s) >= 1000);
	for (uint64_t x = 1; x <= 1000; x++)
		assert_true(set_add(s, x * 1000003));
	t = set_copy(s, 5000);
	assert_int_equal(set_count(t), 1000);
	assert_true(set_room(t) >= 4000);
	for (uint64_t x = 1; x <= 1000; x++)
		assert_true(set_has(t, x * 1000003));
	set_free(t);
	t = set_copy(s, 0);
	assert_int_equal(set_count(t), 1000);
	set_free(t);
	set_free(s);
}

#define WORLD 600

static void it_is_what_a_table_says(void **state)
{
	bool in[WORLD] = {false};
	struct prng r;

	(void)state;
	prng_seed(&r, 11);
	for (int round = 0; round < 20; round++) {
		struct set *s = set_copy(NULL, 380); /* 512 places: it is nearly full at times */
		size_t count = 0;

		for (int i = 0; i < WORLD; i++)
			in[i] = false;
		for (int step = 0; step < 20000; step++) {
			size_t i = (size_t)prng_below(&r, WORLD);
			uint64_t x = 5511900000000 + i;

			if (prng_below(&r, 2) && set_room(s)) {
				assert_int_equal(set_add(s, x), !in[i]);
				count += !in[i];
				in[i] = true;
			} else {
				assert_int_equal(set_del(s, x), in[i]);
				count -= in[i];
				in[i] = false;
			}
			assert_int_equal(set_count(s), count);
		}
		for (size_t i = 0; i < WORLD; i++)
			assert_int_equal(set_has(s, 5511900000000 + i), in[i]);
		set_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_and_go),
		cmocka_unit_test(a_copy_has_all_and_the_room_asked_for),
		cmocka_unit_test(it_is_what_a_table_says),
	};

	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
