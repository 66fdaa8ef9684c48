/* queue_test.c - order, lanes, fair turns, and the way back from disk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "core/queue.h"

static const struct queue_id q1 = {.route = 7, .sub_account = 1, .lane = LANE_TRANSACTIONAL};
static const struct queue_id q2 = {.route = 7, .sub_account = 2, .lane = LANE_TRANSACTIONAL};
static const struct queue_id m1 = {.route = 7, .sub_account = 1, .lane = LANE_MARKETING};

static void first_in_first_out_and_back_to_the_head(void **state)
{
	struct queues q;
	struct queue *k;

	(void)state;
	queues_init(&q);
	k = queue_of(&q, &q1);
	assert_ptr_equal(queue_of(&q, &q1), k);
	assert_int_equal(queue_pop(k), 0);
	for (int64_t i = 1; i <= 1000; i++)
		assert_true(queue_push(&q, k, i));
	assert_int_equal(queue_pop(k), 1);
	assert_int_equal(queue_pop(k), 2);
	queue_push_front(&q, k, 2);
	queue_push_front(&q, k, 1);
	for (int64_t i = 1; i <= 1000; i++)
		assert_int_equal(queue_pop(k), i);
	assert_int_equal(queue_peek(k), 0);
	queues_done(&q);
}

static void sub_accounts_take_turns(void **state)
{
	struct queues q;
	struct lane_set *s;
	int turns[3] = {0};

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++)
		(void)queue_push(&q, queue_of(&q, &q1), i);
	for (int64_t i = 2001; i <= 2010; i++)
		(void)queue_push(&q, queue_of(&q, &q2), i);
	s = queues_set(&q, 7);
	for (int i = 0; i < 20; i++) {
		struct queue *k = queues_next(s);

		turns[k->id.sub_account]++;
		queue_pop(k);
		queue_rotate(&q, k);
	}
	assert_int_equal(turns[1], 10);
	assert_int_equal(turns[2], 10);
	queues_done(&q);
}

static void marketing_has_a_floor_and_no_more(void **state)
{
	struct queues q;
	struct lane_set *s;
	int marketing = 0;

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++) {
		(void)queue_push(&q, queue_of(&q, &q1), i);
		(void)queue_push(&q, queue_of(&q, &m1), 10000 + i);
	}
	s = queues_set(&q, 7);
	for (int i = 0; i < 500; i++) {
		struct queue *k = queues_next(s);

		marketing += k->id.lane == LANE_MARKETING;
		queue_pop(k);
		queue_rotate(&q, k);
	}
	assert_int_equal(marketing, 50);
	queues_done(&q);
}

static void many_routes_keep_their_queues(void **state)
{
	struct queues q;

	(void)state;
	queues_init(&q);
	for (uint32_t r = 1; r <= 50; r++) {
		struct queue_id id = {.route = r, .sub_account = 1};

		(void)queue_push(&q, queue_of(&q, &id), r);
	}
	for (uint32_t r = 1; r <= 50; r++)
		assert_int_equal(queue_peek(queues_next(queues_set(&q, r))), r);
	queues_done(&q);
}

/* -- disk ----------------------------------------------------------------------------------------------------------- */

static struct queue *all_to_one(void *ctx, const struct delivery *d)
{
	(void)d;
	return ctx;
}

static void a_full_window_spills_and_comes_back_in_order(void **state)
{
	enum { EXTRA = 3000 };
	struct store_options o = {.data = "."};
	struct store *st;
	struct lives l;
	struct queues q;
	struct queue *k;
	struct err e;
	int64_t expected = 1;

	(void)state;
	assert_int_equal(store_memory_open(&st, &o, &e), 0);
	lives_init(&l, st, 1 << 20);
	queues_init(&q);
	k = queue_of(&q, &q1);
	st->ops->begin(st);
	for (int64_t i = 1; i <= QUEUE_WINDOW + EXTRA; i++) {
		struct delivery_text t = {.number = STR("5511999990001"), .text = STR("x")};
		struct delivery *d = delivery_new(&t);

		d->key = i;
		delivery_set_parts(d, 1);
		st->ops->accept(st, d);
		assert_int_equal(queue_push(&q, k, i), i <= QUEUE_WINDOW);
		delivery_free(d);
	}
	assert_int_equal(st->ops->commit(st, &e), 0);
	assert_true(k->spilled);
	while (expected <= QUEUE_WINDOW + EXTRA) {
		if (!queue_peek(k))
			queue_refill(&q, k, &l, QUEUE_WINDOW + EXTRA, 500, all_to_one, k);
		assert_int_equal(queue_pop(k), expected++);
	}
	queue_refill(&q, k, &l, QUEUE_WINDOW + EXTRA, 500, all_to_one, k);
	assert_int_equal(queue_pop(k), 0);
	assert_false(k->spilled); /* caught up: what comes now goes into the window again */
	assert_true(queue_push(&q, k, QUEUE_WINDOW + EXTRA + 1));
	queues_done(&q);
	lives_done(&l);
	st->ops->close(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_in_first_out_and_back_to_the_head),
		cmocka_unit_test(sub_accounts_take_turns),
		cmocka_unit_test(marketing_has_a_floor_and_no_more),
		cmocka_unit_test(many_routes_keep_their_queues),
		cmocka_unit_test(a_full_window_spills_and_comes_back_in_order),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
