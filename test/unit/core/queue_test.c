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
	assert_int_equal(queue_pop(&q, k), 0);
	for (int64_t i = 1; i <= 1000; i++)
		assert_true(queue_push(&q, k, i));
	assert_int_equal(queue_pop(&q, k), 1);
	assert_int_equal(queue_pop(&q, k), 2);
	queue_push_front(&q, k, 2);
	queue_push_front(&q, k, 1);
	for (int64_t i = 1; i <= 1000; i++)
		assert_int_equal(queue_pop(&q, k), i);
	assert_int_equal(queue_peek(k), 0);
	queues_done(&q);
}

static void sub_accounts_take_turns(void **state)
{
	struct queues q;
	struct pool *s;
	int turns[3] = {0};

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++)
		(void)queue_push(&q, queue_of(&q, &q1), i);
	for (int64_t i = 2001; i <= 2010; i++)
		(void)queue_push(&q, queue_of(&q, &q2), i);
	s = queues_set(&q, 7)->pool;
	for (int i = 0; i < 20; i++) {
		struct queue *k = queues_next(s);

		turns[k->id.sub_account]++;
		queue_pop(&q, k);
		queue_served(&q, k, 1);
	}
	assert_int_equal(turns[1], 10);
	assert_int_equal(turns[2], 10);
	queues_done(&q);
}

static void marketing_has_a_floor_and_no_more(void **state)
{
	struct queues q;
	struct pool *s;
	int marketing = 0;

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++) {
		(void)queue_push(&q, queue_of(&q, &q1), i);
		(void)queue_push(&q, queue_of(&q, &m1), 10000 + i);
	}
	s = queues_set(&q, 7)->pool;
	for (int i = 0; i < 500; i++) {
		struct queue *k = queues_next(s);

		marketing += k->id.lane == LANE_MARKETING;
		queue_pop(&q, k);
		queue_served(&q, k, 1);
	}
	assert_int_equal(marketing, 50);
	queues_done(&q);
}

static void many_routes_keep_their_queues(void **state)
{
	struct queues q;
	bool seen[51] = {false};

	(void)state;
	queues_init(&q);
	for (uint32_t r = 1; r <= 50; r++) {
		struct queue_id id = {.route = r, .sub_account = 1};

		(void)queue_push(&q, queue_of(&q, &id), r);
	}
	for (uint32_t r = 1; r <= 50; r++) { /* one of each takes its turn before any comes again */
		struct queue *k = queues_next(queues_set(&q, r)->pool);
		struct queue_id id = {.route = r, .sub_account = 1};

		assert_false(seen[k->id.route]);
		seen[k->id.route] = true;
		queue_pop(&q, k);
		queue_served(&q, k, 1);
		(void)queue_push(&q, queue_of(&q, &id), r + 100);
	}
	queues_done(&q);
}

/* One that sends long messages, one that was quiet: both get the same number of parts from then on. */
static void shares_are_of_parts_and_nothing_is_saved_up(void **state)
{
	struct queues q;
	struct pool *p;
	int parts[3] = {0};

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 2000; i++)
		(void)queue_push(&q, queue_of(&q, &q1), i);
	p = queues_set(&q, 7)->pool;
	for (int i = 0; i < 500; i++) {
		struct queue *k = queues_next(p);

		queue_pop(&q, k);
		queue_served(&q, k, 5);
	}
	for (int64_t i = 3001; i <= 5000; i++)
		(void)queue_push(&q, queue_of(&q, &q2), i);
	for (int i = 0; i < 600; i++) {
		struct queue *k = queues_next(p);
		int n = k->id.sub_account == 1 ? 5 : 1;

		parts[k->id.sub_account] += n;
		queue_pop(&q, k);
		queue_served(&q, k, n);
	}
	assert_in_range(parts[1], parts[2] - 6, parts[2] + 6);
	queues_done(&q);
}

static uint32_t by_tens(void *ctx, uint32_t route, void **way)
{
	(void)ctx;
	*way = NULL;
	return route / 10;
}

/* Two routes of one pool: the lanes go over both, a route that is blocked holds up no other, and other pools are left alone. */
static void lanes_go_over_all_routes_of_a_pool(void **state)
{
	const struct queue_id t11 = {.route = 11, .sub_account = 1},
			      m12 = {.route = 12, .sub_account = 1, .lane = LANE_MARKETING},
			      m13 = {.route = 13, .sub_account = 2, .lane = LANE_MARKETING},
			      m21 = {.route = 21, .lane = LANE_MARKETING};
	struct queues q;
	int turns[LANES] = {0};

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++) {
		(void)queue_push(&q, queue_of(&q, &m12), i);
		(void)queue_push(&q, queue_of(&q, &m13), i + 10000);
		(void)queue_push(&q, queue_of(&q, &t11), i + 20000);
		(void)queue_push(&q, queue_of(&q, &m21), i + 30000);
	}
	queues_pools(&q, 4, by_tens, NULL);
	assert_null(queues_next(&q.pools[0]));
	assert_null(queues_next(&q.pools[3]));
	assert_ptr_equal(queues_next(&q.pools[2]), queue_of(&q, &m21));
	for (int i = 0; i < 100; i++) {
		struct queue *k = queues_next(&q.pools[1]);

		turns[k->id.lane]++;
		queue_pop(&q, k);
		queue_served(&q, k, 1);
	}
	assert_int_equal(turns[LANE_MARKETING], 10);
	queues_block(&q, queues_set(&q, 11));
	queues_block(&q, queues_set(&q, 12));
	for (int i = 0; i < 5; i++) {
		struct queue *k = queues_next(&q.pools[1]);

		assert_ptr_equal(k, queue_of(&q, &m13));
		queue_pop(&q, k);
		queue_served(&q, k, 1);
	}
	queues_block(&q, queues_set(&q, 13));
	assert_null(queues_next(&q.pools[1]));
	queues_unblock(&q);
	assert_ptr_equal(queues_next(&q.pools[1]), queue_of(&q, &t11));
	queue_leave(&q, queue_of(&q, &t11));
	assert_int_equal(queues_next(&q.pools[1])->id.lane, LANE_MARKETING);
	queues_done(&q);
}

/* The floor is not lost when the one whose turn it is finds no room: a turn counts when something left. */
static void a_turn_that_found_no_room_does_not_count(void **state)
{
	struct queues q;
	struct pool *p;
	int marketing = 0;

	(void)state;
	queues_init(&q);
	for (int64_t i = 1; i <= 1000; i++) {
		(void)queue_push(&q, queue_of(&q, &q1), i);
		(void)queue_push(&q, queue_of(&q, &m1), 10000 + i);
	}
	p = queues_set(&q, 7)->pool;
	for (int i = 0; i < 200; i++) { /* one credit at a time: each second look is in vain */
		struct queue *k = queues_next(p);

		marketing += k->id.lane == LANE_MARKETING;
		queue_pop(&q, k);
		queue_served(&q, k, 1);
		(void)queues_next(p);
		queues_block(&q, queues_set(&q, 7));
		assert_null(queues_next(p));
		queues_unblock(&q);
	}
	assert_int_equal(marketing, 20);
	queues_done(&q);
}

/* Thousands of queues, and only those whose time has come are looked at. */
static void due_queues_are_found_by_their_time(void **state)
{
	struct queues q;
	struct queue *half;

	(void)state;
	queues_init(&q);
	for (uint32_t i = 1; i <= 5000; i++) {
		struct queue_id id = {.route = 7, .sub_account = i};

		queue_due(&q, queue_of(&q, &id), 1000 + i);
	}
	assert_int_equal(queues_next_due(&q), 1001);
	q.now = 1000;
	assert_null(queues_due(&q));
	q.now = 1002;
	assert_int_equal(queues_due(&q)->id.sub_account, 1);
	queue_due(&q, queues_due(&q), INT64_MAX);
	assert_int_equal(queues_due(&q)->id.sub_account, 2);
	queue_due(&q, queues_due(&q), 9000);
	assert_null(queues_due(&q));
	assert_int_equal(queues_next_due(&q), 1003);
	/* A full window takes nothing from the table until there is room again. */
	half = queue_of(&q, &(struct queue_id){.route = 7, .sub_account = 3});
	for (int64_t i = 1; i <= QUEUE_WINDOW / 2 + 1; i++)
		(void)queue_push(&q, half, i);
	queue_due(&q, half, 1003);
	assert_int_equal(queues_next_due(&q), 1004);
	queue_pop(&q, half);
	assert_int_equal(queues_next_due(&q), 1003);
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
		assert_int_equal(queue_pop(&q, k), expected++);
	}
	queue_refill(&q, k, &l, QUEUE_WINDOW + EXTRA, 500, all_to_one, k);
	assert_int_equal(queue_pop(&q, k), 0);
	assert_false(k->spilled); /* caught up: what comes now goes into the window again */
	assert_true(queue_push(&q, k, QUEUE_WINDOW + EXTRA + 1));
	queues_done(&q);
	lives_done(&l);
	st->ops->close(st);
}

/* What a pause passed over comes back: into the window just once, or by a scan from there. */
static void what_was_held_comes_back(void **state)
{
	enum { MANY = 100 };
	struct store_options o = {.data = "."};
	struct store *st;
	struct lives l;
	struct queues q;
	struct queue *k;
	struct err e;

	(void)state;
	assert_int_equal(store_memory_open(&st, &o, &e), 0);
	lives_init(&l, st, 1 << 20);
	queues_init(&q);
	k = queue_of(&q, &q1);
	assert_int_equal(k->held_from, INT64_MAX);
	st->ops->begin(st);
	for (int64_t i = 1; i <= MANY; i++) {
		struct delivery_text t = {.number = STR("5511999990001"), .text = STR("x")};
		struct delivery *d = delivery_new(&t);

		d->key = i;
		delivery_set_parts(d, 1);
		st->ops->accept(st, d);
		assert_true(queue_push(&q, k, i));
		delivery_free(d);
	}
	assert_int_equal(st->ops->commit(st, &e), 0);
	for (int64_t i = 1; i <= 50; i++)
		assert_int_equal(queue_pop(&q, k), i);
	assert_true(queue_return(&q, k, 60, false)); /* it is there */
	assert_int_equal(k->count, 50);
	assert_true(queue_return(&q, k, 7, false));
	assert_int_equal(k->count, 51);
	assert_int_equal(queue_pop(&q, k), 7);
	queue_rescan(&q, k, 19);
	assert_true(k->spilled && k->regather);
	for (int64_t i = 51; i <= MANY; i++) /* what is in the window first */
		assert_int_equal(queue_pop(&q, k), i);
	for (int64_t i = 20; i <= MANY; i++) {
		if (!queue_peek(k))
			queue_refill(&q, k, &l, MANY, 30, all_to_one, k);
		assert_int_equal(queue_pop(&q, k), i);
	}
	queue_refill(&q, k, &l, MANY, 30, all_to_one, k);
	assert_false(k->spilled || k->regather);
	for (int64_t i = 1; i <= QUEUE_WINDOW; i++)
		assert_true(queue_push(&q, k, 1000 + i));
	assert_false(queue_return(&q, k, 7, false)); /* full */
	assert_true(queue_return(&q, k, 7, true));
	assert_int_equal(queue_pop(&q, k), 7);
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
		cmocka_unit_test(shares_are_of_parts_and_nothing_is_saved_up),
		cmocka_unit_test(lanes_go_over_all_routes_of_a_pool),
		cmocka_unit_test(a_turn_that_found_no_room_does_not_count),
		cmocka_unit_test(due_queues_are_found_by_their_time),
		cmocka_unit_test(a_full_window_spills_and_comes_back_in_order),
		cmocka_unit_test(what_was_held_comes_back),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
