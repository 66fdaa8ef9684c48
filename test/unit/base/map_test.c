#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"

static void zero_is_a_key_like_others(void **state)
{
	struct map *m = map_new();
	uint64_t v = 7;

	(void)state;
	assert_false(map_get(m, 0, &v));
	assert_false(map_del(m, 0, &v));
	assert_int_equal(v, 7);
	map_set(m, 0, 11);
	assert_int_equal(map_count(m), 1);
	assert_true(map_get(m, 0, &v));
	assert_int_equal(v, 11);
	assert_true(map_get(m, 0, NULL));
	map_set(m, 0, 0);
	assert_true(map_get(m, 0, &v));
	assert_int_equal(v, 0);
	map_set(m, UINT64_MAX, 5);
	assert_int_equal(map_count(m), 2);
	assert_true(map_del(m, 0, NULL));
	assert_false(map_get(m, 0, NULL));
	assert_true(map_del(m, UINT64_MAX, &v));
	assert_int_equal(v, 5);
	assert_int_equal(map_count(m), 0);
	map_free(m);
	map_free(NULL);
}

static void pointers_can_be_kept(void **state)
{
	struct map *m = map_new();
	int x;

	(void)state;
	assert_null(map_ptr(m, 1));
	map_set_ptr(m, 1, &x);
	assert_ptr_equal(map_ptr(m, 1), &x);
	map_free(m);
}

/* The naive model: keys are drawn from a small universe, their values lie in an array. */
#define UNIVERSE 40000

struct model {
	uint64_t value[UNIVERSE];
	bool has[UNIVERSE];
	bool seen[UNIVERSE];
	size_t count, visited;
};

/* A key of a shape that occurs: small numbers, ids of successive milliseconds, hashes. */
static uint64_t key_of(size_t i)
{
	if (i % 3 == 0)
		return i;
	if (i % 3 == 1)
		return ((uint64_t)1795348000000 + i) << 15;
	return (uint64_t)i * 0x9E3779B97F4A7C15u;
}

static size_t index_of(uint64_t key)
{
	for (size_t shape = 0; shape < 3; shape++) {
		size_t i = shape == 0   ? (size_t)key
			   : shape == 1 ? (size_t)((key >> 15) - (uint64_t)1795348000000)
					: (size_t)(key * 0xF1DE83E19937733Du); /* the inverse of the multiplier above */

		if (i < UNIVERSE && i % 3 == shape && key_of(i) == key)
			return i;
	}
	fail_msg("a key that was never set: %llu", (unsigned long long)key);
	return 0;
}

static bool visit(void *ctx, uint64_t key, uint64_t value)
{
	struct model *model = ctx;
	size_t i = index_of(key);

	assert_false(model->seen[i]);
	assert_true(model->has[i]);
	assert_true(model->value[i] == value);
	model->seen[i] = true;
	model->visited++;
	return true;
}

static void assert_same(struct model *model, const struct map *m)
{
	for (size_t i = 0; i < UNIVERSE; i++)
		model->seen[i] = false;
	model->visited = 0;
	map_each(m, visit, model);
	assert_int_equal(model->visited, model->count);
	assert_int_equal(map_count(m), model->count);
}

static void a_million_random_changes_agree_with_a_naive_model(void **state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct map *m = map_new();
	struct prng r;

	(void)state;
	assert_non_null(model);
	prng_seed(&r, 42);
	for (int round = 0; round < 1000000; round++) {
		/* The tide turns every 60000 rounds, so that it grows and shrinks through all sizes. */
		bool more = prng_below(&r, 10) < (round / 60000 % 2 ? 2u : 8u);
		size_t i = (size_t)prng_below(&r, UNIVERSE);
		uint64_t key = key_of(i), v = 99, was = model->value[i];

		if (map_get(m, key, &v) != model->has[i] || (model->has[i] && v != was))
			fail_msg("get, round %d", round);
		if (more) {
			model->value[i] = prng_u64(&r);
			model->count += !model->has[i];
			model->has[i] = true;
			map_set(m, key, model->value[i]);
		} else {
			v = 99;
			if (map_del(m, key, &v) != model->has[i] || v != (model->has[i] ? was : 99))
				fail_msg("del, round %d", round);
			model->count -= model->has[i];
			model->has[i] = false;
		}
		if (round % 50000 == 0 || round < 200)
			assert_same(model, m);
	}
	assert_same(model, m);
	map_free(m);
	free(model);
}

static bool stop_at_three(void *ctx, uint64_t key, uint64_t value)
{
	(void)key;
	(void)value;
	return ++*(int *)ctx < 3;
}

static void each_stops_when_told(void **state)
{
	struct map *m = map_new();
	int n = 0;

	(void)state;
	map_each(m, stop_at_three, &n);
	assert_int_equal(n, 0);
	for (uint64_t i = 0; i < 100; i++)
		map_set(m, i, i);
	map_each(m, stop_at_three, &n);
	assert_int_equal(n, 3);
	map_free(m);
}

/* Big enough for mapped tables and their return piece by piece, up and down again. */
static void a_big_map_grows_and_empties(void **state)
{
	enum { N = 300000 };
	struct map *m = map_new();

	(void)state;
	for (uint64_t i = 1; i <= N; i++) {
		map_set(m, i << 15, i);
		if (!map_get(m, (i / 2 + 1) << 15, NULL))
			fail_msg("lost %llu at %llu", (unsigned long long)(i / 2 + 1), (unsigned long long)i);
	}
	assert_int_equal(map_count(m), N);
	for (uint64_t i = 1; i <= N; i++) {
		uint64_t v;

		if (!map_get(m, i << 15, &v) || v != i)
			fail_msg("lost %llu", (unsigned long long)i);
	}
	for (uint64_t i = 1; i <= N; i++) {
		uint64_t v;

		if (!map_del(m, i << 15, &v) || v != i || map_get(m, i << 15, NULL))
			fail_msg("delete %llu", (unsigned long long)i);
		if (i < N && !map_get(m, (uint64_t)N << 15, NULL))
			fail_msg("lost the last at %llu", (unsigned long long)i);
	}
	assert_int_equal(map_count(m), 0);
	map_free(m);
}

static void hashes_are_keyed(void **state)
{
	struct hash_key a = {{1}}, b = {{2}};

	(void)state;
	assert_true(hash_keyed(&a, "x", 1) == hash_keyed(&a, "x", 1));
	assert_true(hash_keyed(&a, "x", 1) != hash_keyed(&b, "x", 1));
	assert_true(hash_bytes("x", 1) == hash_bytes("x", 1));
	assert_true(hash_bytes("x", 1) != hash_bytes("y", 1));
	assert_true(hash_bytes(NULL, 0) == hash_bytes("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_is_a_key_like_others),
		cmocka_unit_test(pointers_can_be_kept),
		cmocka_unit_test(a_million_random_changes_agree_with_a_naive_model),
		cmocka_unit_test(each_stops_when_told),
		cmocka_unit_test(a_big_map_grows_and_empties),
		cmocka_unit_test(hashes_are_keyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
