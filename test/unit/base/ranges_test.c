/* ranges_test.c - tables made and read: order, nesting, files that are none; random tables against a plain array. */
#include "base/ranges.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"

static char folder[64], file[96];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/pombo-ranges-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/table", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(folder); /* nothing else is left in it */
}

struct row {
	uint64_t first, last;
	uint32_t value;
};

static struct ranges *made(const struct row *rows, size_t n, size_t at_once)
{
	struct ranges_maker *m = NULL;
	struct ranges *r = NULL;
	struct err e;

	assert_int_equal(ranges_make(&m, file, at_once, &e), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ranges_add(m, rows[i].first, rows[i].last, rows[i].value, (uint32_t)i + 1, &e), 0);
	if (ranges_finish(m, &e) < 0)
		fail_msg("%s", e.text);
	ranges_forget(m);
	assert_int_equal(ranges_open(&r, file, &e), 0);
	return r;
}

static uint32_t find(const struct ranges *r, uint64_t x)
{
	uint32_t v = 0;

	return ranges_find(r, x, &v) ? v : 0;
}

static void numbers_are_found_in_their_range(void **state)
{
	static const struct row rows[] = {{5511990000000, 5511990009999, 1},
					  {5511980000000, 5511980000000, 5},
					  {1, 1, 7},
					  {UINT64_MAX - 1, UINT64_MAX - 1, 9}};
	struct ranges *r = made(rows, COUNT_OF(rows), 0);

	(void)state;
	assert_int_equal(ranges_count(r), 4);
	assert_int_equal(find(r, 5511990000000), 1);
	assert_int_equal(find(r, 5511990009999), 1);
	assert_int_equal(find(r, 5511990010000), 0);
	assert_int_equal(find(r, 5511989999999), 0);
	assert_int_equal(find(r, 5511980000000), 5);
	assert_int_equal(find(r, 5511980000001), 0);
	assert_int_equal(find(r, 1), 7);
	assert_int_equal(find(r, 0), 0);
	assert_int_equal(find(r, UINT64_MAX - 1), 9);
	assert_int_equal(find(r, UINT64_MAX), 0);
	ranges_close(r);
	ranges_close(NULL);
}

static void the_narrower_counts_and_of_equals_the_later(void **state)
{
	static const struct row rows[] = {{100, 199, 1}, {150, 159, 2}, {155, 155, 3}, {300, 300, 4},
					  {300, 300, 5}, {100, 199, 6}, {200, 209, 6}, {0, 10000000000, 8}};
	struct ranges *r = made(rows, COUNT_OF(rows), 2);

	(void)state;
	assert_int_equal(find(r, 99), 8);
	assert_int_equal(find(r, 100), 6);
	assert_int_equal(find(r, 149), 6);
	assert_int_equal(find(r, 150), 2);
	assert_int_equal(find(r, 155), 3);
	assert_int_equal(find(r, 156), 2);
	assert_int_equal(find(r, 160), 6);
	assert_int_equal(find(r, 209), 6);
	assert_int_equal(find(r, 210), 8);
	assert_int_equal(find(r, 300), 5);
	assert_int_equal(find(r, 301), 8);
	assert_int_equal(find(r, 10000000000), 8);
	assert_int_equal(find(r, 10000000001), 0);
	ranges_close(r);
}

static void ranges_that_cross_are_refused_by_their_lines(void **state)
{
	struct ranges_maker *m = NULL;
	struct err e;

	(void)state;
	assert_int_equal(ranges_make(&m, file, 0, &e), 0);
	assert_int_equal(ranges_add(m, 10, 20, 1, 7, &e), 0);
	assert_int_equal(ranges_add(m, 15, 25, 1, 3, &e), 0);
	assert_int_equal(ranges_finish(m, &e), -EINVAL);
	assert_string_equal(e.text, "the ranges of lines 3 and 7 overlap, and neither is inside the other");
	ranges_forget(m);
	assert_int_equal(access(file, F_OK), -1);
}

static void an_empty_table_finds_nothing(void **state)
{
	struct ranges *r = made(NULL, 0, 0);

	(void)state;
	assert_int_equal(ranges_count(r), 0);
	assert_int_equal(find(r, 1), 0);
	ranges_close(r);
}

static void other_files_are_told_apart(void **state)
{
	static const char *const texts[] = {"", "x", "RANGES1\n", "RANGES1\n\1\0\0\0\0\0\0\0 too short",
					    "RANGES2\n\0\0\0\0\0\0\0\0"};
	static const size_t sizes[] = {0, 1, 8, 26, 16};
	struct ranges *r = NULL;
	struct err e;

	(void)state;
	assert_int_equal(ranges_open(&r, file, &e), -ENOENT);
	assert_int_equal(ranges_open(&r, folder, &e), -EPROTO);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		FILE *f = fopen(file, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(texts[i], 1, sizes[i], f), sizes[i]);
		fclose(f);
		assert_int_equal(ranges_open(&r, file, &e), -EPROTO);
	}
}

#define WORLD 4000

/* Nested at random, in random order, with runs of a few: what a plain array says that is painted from wide to narrow. */
static void random_tables_agree_with_an_array(void **state)
{
	struct prng p;

	(void)state;
	prng_seed(&p, 3);
	for (int round = 0; round < 60; round++) {
		struct row rows[300];
		uint32_t want[WORLD] = {0};
		size_t n = 0;
		struct ranges *r;

		for (uint64_t width = 1024; width; width /= 4) /* aligned, so that they nest */
			for (int i = 0; i < 40; i++) {
				uint64_t first = prng_below(&p, WORLD / width) * width;

				rows[n] = (struct row){first, first + width - 1, 1 + (uint32_t)prng_below(&p, 3)};
				for (uint64_t x = first; x < first + width; x++)
					want[x] = rows[n].value;
				n++;
			}
		/* Shuffled, but the same range twice keeps its order. */
		for (size_t i = n; i-- > 1;) {
			size_t k = (size_t)prng_below(&p, i + 1);
			struct row row = rows[i];
			bool again = false;

			for (size_t j = MIN(k, i); j <= MAX(k, i) && !again; j++)
				again = (j != i && rows[j].first == rows[i].first && rows[j].last == rows[i].last) ||
					(j != k && rows[j].first == rows[k].first && rows[j].last == rows[k].last);
			if (again)
				continue;
			rows[i] = rows[k];
			rows[k] = row;
		}
		r = made(rows, n, 1 + (size_t)prng_below(&p, 50));
		for (uint64_t x = 0; x < WORLD; x++)
			if (find(r, x) != want[x])
				fail_msg("round %d: %llu: %u, not %u", round, (unsigned long long)x,
					 find(r, x), want[x]);
		ranges_close(r);
	}
}

static void many_steps_of_the_index(void **state)
{
	struct row *rows = xcalloc(100000, sizeof *rows);
	struct ranges *r;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		uint64_t x = (i * 7919 + 13) % 100000; /* every number once */

		rows[i] = (struct row){5511900000000 + x * 3, 5511900000000 + x * 3, (uint32_t)(x % 7) + 1};
	}
	r = made(rows, 100000, 30000);
	assert_int_equal(ranges_count(r), 100000);
	for (uint64_t x = 0; x < 100000; x++) {
		assert_int_equal(find(r, 5511900000000 + x * 3), x % 7 + 1);
		assert_int_equal(find(r, 5511900000000 + x * 3 + 1), 0);
	}
	ranges_close(r);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_are_found_in_their_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_narrower_counts_and_of_equals_the_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ranges_that_cross_are_refused_by_their_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_table_finds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_files_are_told_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_tables_agree_with_an_array, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_steps_of_the_index, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
