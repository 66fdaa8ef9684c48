/* contract_due.c - what is due when: rows by queue and time. */
#include "contract.h"

static const struct queue_id A = {.route = 1, .sub_account = 1, .lane = 0},
			     B = {.route = 1, .sub_account = 1, .lane = 1},
			     C = {.route = 2, .sub_account = 1, .lane = 0},
			     D = {.route = 1, .sub_account = 2, .lane = 0};

static void due(struct fixture *f, const struct queue_id *q, int64_t at, int64_t key)
{
	f->o->due_set(f->s, &(struct due){.queue = *q, .at = at, .key = key});
}

static void due_is_by_time_then_key(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 30, 1);
	due(f, &A, 10, 4);
	due(f, &A, 10, 3);
	due(f, &A, 20, 2);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &l), 0);
	assert_list(&l, 3, 4, 2, 1);
	commit(f);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &A, INT64_MAX, SIZE_MAX, list_due, &l), 0);
	assert_list(&l, 3, 4, 2, 1);
}

static void due_is_bounded(struct fixture *f)
{
	struct list until = {0}, max = {0}, stop = {.stop = 1};

	begin(f);
	for (int64_t i = 1; i <= 5; i++)
		due(f, &A, i * 10, i);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 30, 100, list_due, &until), 0);
	assert_list(&until, 1, 2, 3);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 2, list_due, &max), 0);
	assert_list(&max, 1, 2);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &stop), 0);
	assert_list(&stop, 1);
}

static bool told_due(void *ctx, const struct due *d)
{
	*(struct due *)ctx = *d;
	return true;
}

static void due_names_its_queue(struct fixture *f)
{
	struct due got = {0},
		   in = {.queue = {.route = UINT32_MAX, .sub_account = UINT32_MAX, .lane = 1}, .at = 5, .key = 6};

	begin(f);
	f->o->due_set(f->s, &in);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &in.queue, 5, 1, told_due, &got), 0);
	assert_int_equal(got.queue.route, UINT32_MAX);
	assert_int_equal(got.queue.sub_account, UINT32_MAX);
	assert_int_equal(got.queue.lane, 1);
	assert_int_equal(got.at, 5);
	assert_int_equal(got.key, 6);
}

static void queues_are_apart(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 1, 1);
	due(f, &B, 1, 2);
	due(f, &C, 1, 3);
	due(f, &D, 1, 4);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &C, 9, 9, list_due, &l), 0);
	assert_list(&l, 3);
}

static void due_set_twice_is_one_row_and_del_takes_it(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 1, 1);
	due(f, &A, 1, 1);
	due(f, &A, 2, 1);
	f->o->due_del(f->s, &(struct due){.queue = A, .at = 9, .key = 1}); /* no such row */
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1, 1);
	begin(f);
	f->o->due_del(f->s, &(struct due){.queue = A, .at = 1, .key = 1});
	commit(f);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1);
}

struct queues {
	struct {
		struct queue_id id;
		int64_t first_at;
		size_t count;
	} a[8];
	size_t n;
};

static bool told_queue(void *ctx, const struct queue_id *q, int64_t first_at, size_t count)
{
	struct queues *l = ctx;

	assert_true(l->n < COUNT_OF(l->a));
	l->a[l->n].id = *q;
	l->a[l->n].first_at = first_at;
	l->a[l->n++].count = count;
	return true;
}

static void queues_are_counted(struct fixture *f)
{
	struct queues l = {0};

	begin(f);
	due(f, &A, 50, 1);
	due(f, &A, 40, 2);
	due(f, &A, 60, 3);
	due(f, &B, 7, 4);
	commit(f);
	assert_int_equal(f->o->due_queues(f->s, told_queue, &l), 0);
	assert_int_equal(l.n, 2);
	for (size_t i = 0; i < l.n; i++) {
		assert_int_equal(l.a[i].first_at, l.a[i].id.lane ? 7 : 40);
		assert_int_equal(l.a[i].count, l.a[i].id.lane ? 1 : 3);
	}
}

static bool take_due(void *ctx, const struct due *d)
{
	struct fixture *f = ctx;

	f->o->due_del(f->s, d);
	return true;
}

static void due_may_be_taken_while_listing(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 50; i++)
		due(f, &A, i, i);
	assert_int_equal(f->o->due_list(f->s, &A, 40, 100, take_due, f), 0);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &l), 0);
	assert_int_equal(l.n, 10);
	assert_int_equal(l.a[0], 41);
}

const struct check due_checks[] = {
	CHECK(due_is_by_time_then_key),
	CHECK(due_is_bounded),
	CHECK(due_names_its_queue),
	CHECK(queues_are_apart),
	CHECK(due_set_twice_is_one_row_and_del_takes_it),
	CHECK(queues_are_counted),
	CHECK(due_may_be_taken_while_listing),
};
const size_t due_check_count = COUNT_OF(due_checks);
