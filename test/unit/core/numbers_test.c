/* numbers_test.c - lists in memory: owners, codes and their order, readers beside a writer, ported numbers. */
#include "core/numbers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/ranges.h"
#include "model/codes.h"

static void put(int list, uint32_t owner, uint64_t number, bool on)
{
	struct number_change c = {.list = (uint8_t)list, .on = on, .owner = owner, .number = number};

	numbers_change(&c, 1);
}

static int code(uint32_t account, uint32_t sub)
{
	return numbers_refusal(account, sub, STR("5511999990001"));
}

static void lists_have_owners_and_an_order(void **state)
{
	const uint64_t n = 5511999990001;

	(void)state;
	numbers_clear();
	assert_int_equal(code(1, 2), 0);
	put(LIST_OPT_OUT, 2, n, true);
	assert_int_equal(code(1, 2), SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	assert_int_equal(code(2, 1), 0); /* another sub-account; an account of the same number */
	put(LIST_BLOCK_SUB, 2, n, true);
	assert_int_equal(code(1, 2), SENT_BLACKLISTED);
	assert_int_equal(code(1, 3), 0);
	put(LIST_BLOCK_ACCOUNT, 1, n, true);
	assert_int_equal(code(1, 3), SENT_BLACKLISTED);
	assert_int_equal(code(2, 3), 0);
	assert_int_equal(numbers_count(), 3);
	put(LIST_BLOCK_ACCOUNT, 1, n, true);
	assert_int_equal(numbers_count(), 3);
	put(LIST_BLOCK_ACCOUNT, 1, n, false);
	put(LIST_BLOCK_SUB, 2, n, false);
	assert_int_equal(code(1, 2), SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	assert_true(numbers_listed(LIST_OPT_OUT, 2, n));
	put(LIST_OPT_OUT, 2, n, false);
	put(LIST_OPT_OUT, 2, n, false);
	assert_int_equal(numbers_count(), 0);
	assert_int_equal(code(1, 2), 0);
	assert_int_equal(numbers_refusal(1, 2, STR("")), 0);
}

#define MANY 200000

static void many_at_once(void **state)
{
	struct number_change *c = xcalloc(MANY, sizeof *c);

	(void)state;
	numbers_clear();
	for (size_t i = 0; i < MANY; i++)
		c[i] = (struct number_change){
			.list = LIST_BLOCK_ACCOUNT, .on = true, .owner = 1 + (i >= MANY / 2), .number = 5511900000000 + i};
	numbers_change(c, MANY);
	assert_int_equal(numbers_count(), MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(numbers_listed(LIST_BLOCK_ACCOUNT, c[i].owner, c[i].number));
		assert_false(numbers_listed(LIST_BLOCK_ACCOUNT, 3 - c[i].owner, c[i].number));
		c[i].on = false;
	}
	numbers_change(c, MANY);
	assert_int_equal(numbers_count(), 0);
	numbers_clear();
	free(c);
}

static _Atomic bool ended;

/* What was there before they began is always found, however much the set grows. */
static void *reader(void *ctx)
{
	size_t *missed = ctx;

	while (!ended)
		*missed += numbers_refusal(1, 1, STR("5511999990001")) != SENT_BLACKLISTED;
	return NULL;
}

static void readers_never_miss_what_is_there(void **state)
{
	pthread_t t[2];
	size_t missed[2] = {0, 0};

	(void)state;
	numbers_clear();
	ended = false;
	put(LIST_BLOCK_ACCOUNT, 1, 5511999990001, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, reader, &missed[i]), 0);
	for (uint64_t i = 0; i < 50000; i++)
		put(LIST_BLOCK_ACCOUNT, 1 + i % 3, 5521900000000 + i, true);
	for (uint64_t i = 0; i < 50000; i++)
		put(LIST_BLOCK_ACCOUNT, 1 + i % 3, 5521900000000 + i, false);
	ended = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(missed[0] + missed[1], 0);
	numbers_clear();
}

static void ported_numbers_have_their_operator(void **state)
{
	char file[] = "/tmp/pombo-numbers-XXXXXX";
	struct ranges_maker *m = NULL;
	struct ranges *r = NULL;
	int32_t op = 0;
	struct err e;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	numbers_clear();
	assert_false(numbers_ported(STR("5511999990001"), &op));
	assert_int_equal(ranges_make(&m, file, 0, &e), 0);
	assert_int_equal(ranges_add(m, 5511999990001, 5511999990001, 5, 1, &e), 0);
	assert_int_equal(ranges_finish(m, &e), 0);
	ranges_forget(m);
	assert_int_equal(ranges_open(&r, file, &e), 0);
	numbers_ported_set(r);
	assert_int_equal(numbers_ported_count(), 1);
	assert_true(numbers_ported(STR("5511999990001"), &op));
	assert_int_equal(op, 5);
	assert_false(numbers_ported(STR("5511999990002"), &op));
	numbers_clear();
	assert_int_equal(numbers_ported_count(), 0);
	assert_false(numbers_ported(STR("5511999990001"), &op));
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_have_owners_and_an_order),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(readers_never_miss_what_is_there),
		cmocka_unit_test(ported_numbers_have_their_operator),
	};

	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
