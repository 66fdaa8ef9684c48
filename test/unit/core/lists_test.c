/* lists_test.c - a user's lists through a running engine: what is unread comes in one call whatever lies read or leased in between, to
 * one caller at a time, and an answer counts once it is consumed, over restarts too. */
#include "engine_bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
#include "core/query.h"
#include "core/snapshot.h"
#include "model/codes.h"

#define T0 1790000000000
#define USER 7
#define MANY 1000 /* an answer's entries */

static struct fixture {
	struct engine_bench b;
	struct query *q;
	pthread_t thread;
	sem_t done;
	int64_t from, to; /* keys that were accepted */
} f;

static void *run(void *ctx)
{
	struct err err;

	(void)ctx;
	assert_int_equal(engine_run(f.b.e, &err), 0);
	return NULL;
}

static void begin(void)
{
	struct err err;

	engine_bench_open(&f.b);
	assert_int_equal(query_open(&f.q, f.b.e, &err), 0);
	assert_int_equal(pthread_create(&f.thread, NULL, run, NULL), 0);
}

static void end(void)
{
	engine_stop(f.b.e, 0);
	pthread_join(f.thread, NULL);
	query_close(f.q);
	engine_close(f.b.e);
	f.b.e = NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	engine_bench_make(&f.b, T0);
	f.b.settings.retention.status_ms = INT64_MAX / 2;
	sem_init(&f.done, 0, 0);
	begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end();
	snapshot_publish(NULL);
	engine_bench_close(&f.b);
	sem_destroy(&f.done);
	return 0;
}

static void accepted(struct submission *s)
{
	(void)s;
	sem_post(&f.done);
}

static void told(void *ctx)
{
	(void)ctx;
	sem_post(&f.done);
}

/* n messages that end at once: one change each. They are known by their place, 0 is the first one ever. */
static void happen_to(uint32_t sub_account, uint32_t n)
{
	struct draft *d = xcalloc(n, sizeof *d);
	struct submission s = {
		.in.kind = INPUT_SUBMIT, .account = 1, .sub_account = sub_account, .user = 1, .count = n, .drafts = d, .done = accepted};

	s.ids = xcalloc(n, sizeof *s.ids);
	for (uint32_t i = 0; i < n; i++)
		d[i] = (struct draft){.t = {.destination = STR("1"), .text = STR("x")},
				      .validity_ms = 86400000,
				      .parts = 1,
				      .invalid = SENT_INVALID_DESTINATION_NUMBER,
				      .invalid_reason = REASON_BAD_NUMBER};
	assert_true(intake_post(f.b.e, &s));
	sem_wait(&f.done);
	assert_int_equal(s.status, SUBMIT_OK);
	free(s.ids);
	free(d);
}

static void happen(uint32_t n) { happen_to(1, n); }

struct answer {
	ssize_t n;
	int64_t at[MANY]; /* when its messages ended, counted from T0 */
	struct lease *lease;
};

static struct answer answer_to(const struct list_ask *ask)
{
	struct delivery *out[MANY];
	struct answer a;

	a.n = query_list(f.q, ask, out, &a.lease, 10000);
	assert_true(a.n >= 0);
	assert_true((a.n > 0) == (a.lease != NULL));
	for (ssize_t i = 0; i < a.n; i++) {
		a.at[i] = out[i]->updated_at - T0;
		assert_true(!i || a.at[i] >= a.at[i - 1]);
		delivery_free(out[i]);
	}
	return a;
}

static struct answer list(size_t limit, int64_t start, int64_t end)
{
	return answer_to(&(struct list_ask){
		.user = USER, .scope = {.account = 1, .sub_account = 1}, .limit = limit, .start = start, .end = end});
}

/* What an administrator asks; 0 = of all sub-accounts. */
static struct answer list_of(uint32_t sub_account)
{
	return answer_to(&(struct list_ask){
		.user = USER, .scope = {.account = 1, .sub_account = sub_account}, .limit = MANY, .narrow = sub_account});
}

static void consume(struct answer *a)
{
	lease_consume(f.b.e, a->lease, told, NULL);
	sem_wait(&f.done);
}

/* Of the moments 0..n-1 those that mod leaves with rest are read, each by a call of its own. */
static void read_each(int64_t n, int64_t mod, int64_t rest)
{
	for (int64_t i = rest; i < n; i += mod) {
		struct answer a = list(MANY, T0 + i, T0 + i);

		assert_int_equal(a.n, 1);
		assert_int_equal(a.at[0], i);
		consume(&a);
	}
}

static void moments(int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		f.b.now = T0 + i;
		happen(1);
	}
}

/* More holes than the engine leases in one go. */
static void one_call_goes_across_holes(void **state)
{
	struct answer a;

	(void)state;
	moments(900);
	read_each(900, 3, 1);
	a = list(MANY, 0, 0);
	assert_int_equal(a.n, 600);
	for (int i = 0; i < 600; i++)
		assert_int_equal(a.at[i], i / 2 * 3 + i % 2 * 2);
	lease_release(f.b.e, a.lease);
	/* Its limit cuts it where it is; the next goes on there. */
	a = list(250, 0, 0);
	assert_int_equal(a.n, 250);
	assert_int_equal(a.at[249], 374);
	consume(&a);
	end();
	begin();
	a = list(MANY, 0, 0);
	assert_int_equal(a.n, 350);
	assert_int_equal(a.at[0], 375);
	consume(&a);
	end();
	begin();
	assert_int_equal(list(MANY, 0, 0).n, 0);
}

static void calls_at_the_same_time_share_out_what_is_there(void **state)
{
	static bool seen[400];
	struct answer a[4], left;
	int total = 0;

	(void)state;
	moments(400);
	read_each(400, 2, 1);
	for (int k = 0; k < 4; k++)
		a[k] = list(60, 0, 0);
	for (int k = 0; k < 4; k++)
		for (ssize_t i = 0; i < a[k].n; i++, total++) {
			assert_false(seen[a[k].at[i]]);
			seen[a[k].at[i]] = true;
		}
	assert_int_equal(total, 200);
	assert_int_equal(a[3].n, 20);
	/* Two arrive, two do not: theirs come again, in one call, though the others lie between. */
	consume(&a[2]);
	consume(&a[0]);
	lease_release(f.b.e, a[1].lease);
	lease_release(f.b.e, a[3].lease);
	left = list(MANY, 0, 0);
	assert_int_equal(left.n, 80);
	for (int i = 0; i < 80; i++)
		assert_int_equal(left.at[i], i < 60 ? a[1].at[i] : a[3].at[i - 60]);
	/* A process that dies has leased nothing. */
	lease_release(f.b.e, left.lease);
	end();
	begin();
	left = list(MANY, 0, 0);
	assert_int_equal(left.n, 80);
	consume(&left);
}

static void a_lease_ends_whole_after_its_time(void **state)
{
	struct answer a, b;

	(void)state;
	moments(300);
	read_each(300, 2, 0);
	a = list(MANY, 0, 0);
	assert_int_equal(a.n, 150);
	assert_int_equal(list(MANY, 0, 0).n, 0);
	f.b.now += 31000;
	happen(1); /* a turn, and then another second's */
	f.b.now += 1000;
	happen(1);
	b = list(MANY, 0, 0);
	assert_int_equal(b.n, 152);
	consume(&a); /* too late: somebody else has been given them */
	lease_release(f.b.e, b.lease);
	b = list(MANY, 0, 0);
	assert_int_equal(b.n, 152);
	consume(&b);
	assert_int_equal(list(MANY, 0, 0).n, 0);
}

/* What a filter passes over is not counted against the answer's size. */
static void a_filter_finds_what_lies_behind_much_that_is_unread(void **state)
{
	struct answer a;

	(void)state;
	happen(2500);
	f.b.now = T0 + 1;
	happen(5);
	f.b.now = T0 + 2;
	happen(5);
	a = list(MANY, T0 + 1, T0 + 1);
	assert_int_equal(a.n, 5);
	consume(&a);
	for (int i = 0; i < 3; i++) {
		a = list(MANY, 0, 0);
		assert_int_equal(a.n, i < 2 ? 1000 : 505);
		consume(&a);
	}
	assert_int_equal(list(MANY, 0, 0).n, 0);
}

/* Moments 0, 3, 6.. are of sub-account 1, the next ones of 2, the ones after those of 3. */
static void three_sub_accounts(int64_t n)
{
	static const struct account account = {.id = 1, .name = "default"};
	static const struct sub_account subs[] = {{.id = 1, .account = 1, .reference = "one"},
						  {.id = 2, .account = 1, .reference = "two"},
						  {.id = 3, .account = 1, .reference = "three"}};

	snapshot_publish(snapshot_new(&(struct snapshot_source){
		.accounts = &account, .account_count = 1, .sub_accounts = subs, .sub_account_count = COUNT_OF(subs)}));
	for (int64_t i = 0; i < n; i++) {
		f.b.now = T0 + i;
		happen_to((uint32_t)(i % 3 + 1), 1);
	}
}

static void expect(const struct answer *a, ssize_t n, int64_t first, int64_t step)
{
	assert_int_equal(a->n, n);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(a->at[i], first + i * step);
}

static void one_sub_accounts_changes_leave_the_others_unread(void **state)
{
	struct answer a;

	(void)state;
	three_sub_accounts(300);
	a = list_of(2);
	expect(&a, 100, 1, 3);
	consume(&a);
	end(); /* what was read of one is known after a restart, too */
	begin();
	assert_int_equal(list_of(2).n, 0);
	a = list_of(0);
	assert_int_equal(a.n, 200);
	for (int i = 0; i < 200; i++)
		assert_int_equal(a.at[i], i / 2 * 3 + (i % 2 ? 2 : 0));
	consume(&a);
	for (uint32_t sub = 0; sub <= 3; sub++)
		assert_int_equal(list_of(sub).n, 0);
}

static void calls_for_two_sub_accounts_do_not_wait_for_each_other(void **state)
{
	struct answer one, two, all;

	(void)state;
	three_sub_accounts(30);
	one = list_of(1);
	expect(&one, 10, 0, 3);
	two = list_of(2);
	expect(&two, 10, 1, 3);
	assert_int_equal(list_of(1).n, 0);
	assert_int_equal(list_of(0).n, 0); /* what is in others' hands may come back, and must not be passed over */
	lease_release(f.b.e, one.lease);
	consume(&two);
	all = list_of(0);
	assert_int_equal(all.n, 20);
	assert_int_equal(all.at[0], 0);
	assert_int_equal(all.at[1], 2);
	assert_int_equal(list_of(3).n, 0);
	consume(&all);
	assert_int_equal(list_of(1).n, 0);
}

/* Octets of the user's cursor; over a restart. */
static size_t stored(void)
{
	struct buf mark = BUF_INIT;
	size_t n;

	end();
	assert_true(f.b.s->ops->mark_get(f.b.s, "list/7", &mark));
	n = mark.n;
	buf_done(&mark);
	begin();
	return n;
}

/* However long an administrator asks for one sub-account alone, no holes pile up. */
static void what_is_read_of_one_takes_no_room(void **state)
{
	struct answer a;

	(void)state;
	three_sub_accounts(3);
	for (int i = 0; i < 100; i++) {
		for (uint32_t sub = 1; sub <= 3; sub++)
			happen_to(sub, 1);
		a = list_of(1);
		assert_true(a.n > 0);
		consume(&a);
	}
	assert_int_equal(stored(), 8 + 2 * 16); /* the mark; whose it is and one stretch */
	a = list_of(0);
	assert_int_equal(a.n, 202);
	consume(&a);
	assert_int_equal(stored(), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_call_goes_across_holes, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_at_the_same_time_share_out_what_is_there, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lease_ends_whole_after_its_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_filter_finds_what_lies_behind_much_that_is_unread, setup, teardown),
		cmocka_unit_test_setup_teardown(one_sub_accounts_changes_leave_the_others_unread, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_for_two_sub_accounts_do_not_wait_for_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_read_of_one_takes_no_room, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
