#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_aligned_zeroed_and_apart(void **state)
{
	struct arena a = {0};
	unsigned char *last = NULL;

	(void)state;
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_ptr_not_equal(p, last);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xAA, n);
		last = p;
	}
	arena_done(&a);
	assert_null(a.head);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_alloc(&a, 1)); /* usable again */
	arena_done(&a);
	arena_done(&a);
}

static void a_piece_may_be_bigger_than_a_block(void **state)
{
	struct arena a = {0};
	char *p = arena_alloc(&a, (size_t)3 << 20);

	(void)state;
	assert_non_null(p);
	p[((size_t)3 << 20) - 1] = 1;
	assert_non_null(arena_alloc(&a, 10));
	arena_done(&a);
}

static void the_ceiling_holds(void **state)
{
	struct arena a = {.max = 64};

	(void)state;
	assert_non_null(arena_alloc(&a, 1));  /* counts 16 */
	assert_non_null(arena_alloc(&a, 33)); /* counts 48 */
	assert_int_equal(a.used, 64);
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, 0));
	assert_null(arena_strndup(&a, "x", 1));
	arena_done(&a);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1));
	a.max = 0;
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_done(&a);
}

static void strndup_terminates(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_string_equal(arena_strndup(&a, "hello", 4), "hell");
	assert_string_equal(arena_strndup(&a, "hello", 50), "hello");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(a_piece_may_be_bigger_than_a_block),
		cmocka_unit_test(the_ceiling_holds),
		cmocka_unit_test(strndup_terminates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
