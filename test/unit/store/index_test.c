/* sqlite_index.c, sqlite_runs.c: entries are found in RAM, in runs, in joined runs, after a restart, and after a lost file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "store/sqlite_index.h"
#include "unit/folder.h"

#define TODAY 20000

struct fixture {
	char path[FOLDER_MAX];
	struct index *x;
	struct index_reader *r;
	atomic_int failures;
};

static void failed(void *ctx, int error, const char *words)
{
	struct fixture *f = ctx;

	(void)error;
	(void)words;
	atomic_fetch_add(&f->failures, 1);
}

static void file_name(const struct fixture *f, char *out, size_t size, const char *prefix, int64_t day)
{
	/* days 20000 and following are 2024-10-04 ... */
	snprintf(out, size, "%s/%s202410%02d.db", f->path, prefix, (int)(day - TODAY + 4));
}

static void touch_day(const struct fixture *f, int64_t day)
{
	char path[128];
	int fd;

	file_name(f, path, sizeof(path), "day-", day);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void start(struct fixture *f)
{
	struct err e = {""};

	if (index_open(&f->x, f->path, failed, f, &e) < 0)
		fail_msg("%s", e.text);
	f->r = index_reader_new(f->x);
}

static void stop(struct fixture *f)
{
	index_reader_free(f->r);
	index_close(f->x);
	f->x = NULL;
	f->r = NULL;
}

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	test_folder(f->path, "index");
	for (int64_t day = TODAY; day < TODAY + 3; day++)
		touch_day(f, day);
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stop(f);
	test_folder_remove(f->path);
	assert_int_equal(f->failures, 0);
	free(f);
	return 0;
}

static size_t find(struct fixture *f, uint64_t hash, int64_t *keys, size_t max)
{
	return index_find(f->r, INDEX_CARRIER, hash, 0, keys, max);
}

/* n entries hash = key = first.. in one table of its own. */
static void table(struct fixture *f, int64_t day, int64_t first, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		index_add(f->x, day, INDEX_CARRIER, (uint64_t)(first + i), first + i);
	index_mark(f->x, day, first + n - 1, first + n - 1, (size_t)n, true);
}

static void all_found(struct fixture *f, int64_t first, int64_t n)
{
	int64_t key = 0;

	for (int64_t i = 0; i < n; i++) {
		if (find(f, (uint64_t)(first + i), &key, 1) != 1 || key != first + i)
			fail_msg("entry %lld is not found", (long long)(first + i));
	}
	assert_int_equal(find(f, (uint64_t)(first + n), &key, 1), 0);
}

static void full_table_becomes_a_run(void **state)
{
	struct fixture *f = *state;
	int64_t key, seq;

	for (int64_t i = 0; i < TABLE_ENTRIES; i++)
		index_add(f->x, TODAY, INDEX_CARRIER, (uint64_t)i, i);
	index_mark(f->x, TODAY, 77, 88, 1, false);
	index_settle(f->x);
	assert_int_equal(index_runs(f->x), 1);
	index_covered(f->x, TODAY, &key, &seq);
	assert_int_equal(key, 77);
	assert_int_equal(seq, 88);
	for (int64_t i = 0; i < TABLE_ENTRIES; i += 997)
		assert_int_equal(find(f, (uint64_t)i, &key, 1), 1);
	stop(f);
	start(f);
	for (int64_t i = 0; i < TABLE_ENTRIES; i += 97) {
		assert_int_equal(find(f, (uint64_t)i, &key, 1), 1);
		assert_int_equal(key, i);
	}
	assert_int_equal(find(f, TABLE_ENTRIES, &key, 1), 0);
}

static void what_is_in_no_run_is_not_covered(void **state)
{
	struct fixture *f = *state;
	int64_t key, seq;

	table(f, TODAY, 1, 10);
	index_add(f->x, TODAY, INDEX_CARRIER, 11, 11);
	index_mark(f->x, TODAY, 11, 11, 1, false);
	index_settle(f->x);
	stop(f);
	start(f);
	index_covered(f->x, TODAY, &key, &seq);
	assert_int_equal(key, 10);
	assert_int_equal(find(f, 11, &key, 1), 0); /* the caller reads it from its rows again */
}

static void runs_are_joined(void **state)
{
	struct fixture *f = *state;

	for (int64_t i = 0; i < 100; i++)
		table(f, TODAY, i * 500, 500);
	index_settle(f->x);
	/* the newest 8 tables are in RAM as well, the 92 others: one of 64, three of 8, four */
	assert_true(index_runs(f->x) <= 8 + 7 + 7 + 1);
	all_found(f, 0, 50000);
	stop(f);
	start(f);
	index_settle(f->x);
	all_found(f, 0, 50000);
}

static void day_that_is_over_is_one_run(void **state)
{
	struct fixture *f = *state;
	int64_t key;

	for (int64_t i = 0; i < 5; i++)
		table(f, TODAY, i * 100, 100);
	for (int64_t i = 5; i < 20; i++)
		table(f, TODAY + 1, i * 100, 100);
	index_settle(f->x);
	stop(f);
	start(f);
	table(f, TODAY + 1, 2000, 100);
	index_today(f->x, TODAY + 2);
	index_settle(f->x);
	assert_int_equal(index_runs(f->x), 3); /* the last table is in RAM and a run of its own */
	all_found(f, 0, 2100);
	/* as far back as is asked for */
	assert_int_equal(index_find(f->r, INDEX_CARRIER, 5, TODAY + 1, &key, 1), 0);
	assert_int_equal(index_find(f->r, INDEX_CARRIER, 5, TODAY, &key, 1), 1);
	assert_int_equal(index_find(f->r, INDEX_CARRIER, 505, TODAY + 1, &key, 1), 1);
}

static void kinds_are_apart(void **state)
{
	struct fixture *f = *state;
	int64_t key = 0;

	for (int restart = 0; restart < 2; restart++) {
		if (!restart) {
			index_add(f->x, TODAY, INDEX_CORRELATION, 5, 1);
			index_add(f->x, TODAY, INDEX_CARRIER, 5, 2);
			index_add(f->x, TODAY, INDEX_IDEMPOTENCY, 5, 3);
			index_add(f->x, TODAY, INDEX_CARRIER, 6, 4);
			index_mark(f->x, TODAY, 1, 1, 4, true);
			index_settle(f->x);
		} else {
			stop(f);
			start(f);
		}
		assert_int_equal(index_find(f->r, INDEX_CORRELATION, 5, 0, &key, 1), 1);
		assert_int_equal(key, 1);
		assert_int_equal(index_find(f->r, INDEX_CARRIER, 5, 0, &key, 1), 1);
		assert_int_equal(key, 2);
		assert_int_equal(index_find(f->r, INDEX_IDEMPOTENCY, 5, 0, &key, 1), 1);
		assert_int_equal(key, 3);
		assert_int_equal(index_find(f->r, INDEX_IDEMPOTENCY, 6, 0, &key, 1), 0);
		assert_int_equal(index_find(f->r, INDEX_CORRELATION, 6, 0, &key, 1), 0);
	}
}

static void newest_come_first_over_tables_and_runs(void **state)
{
	struct fixture *f = *state;
	int64_t keys[64];

	for (int64_t t = 0; t < 12; t++) {
		for (int64_t i = 0; i < 5; i++) {
			index_add(f->x, TODAY, INDEX_CORRELATION, 9, t * 5 + i);
			index_add(f->x, TODAY, INDEX_CORRELATION, 9, t * 5 + i); /* twice is once */
		}
		index_mark(f->x, TODAY, t, t, 5, true);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(index_find(f->r, INDEX_CORRELATION, 9, 0, keys, 64), 60);
		for (int64_t k = 0; k < 60; k++)
			assert_int_equal(keys[k], 59 - k);
		assert_int_equal(index_find(f->r, INDEX_CORRELATION, 9, 0, keys, 7), 7);
		assert_int_equal(keys[6], 53);
		index_settle(f->x);
		stop(f);
		start(f);
	}
}

/* A client may give every message the same correlation id. */
static void hot_hash_keeps_its_newest(void **state)
{
	struct fixture *f = *state;
	static int64_t keys[SAME_MAX + 10];
	int64_t key;

	for (int64_t t = 0; t < 20; t++) {
		for (int64_t i = 0; i < 5000; i++)
			index_add(f->x, TODAY, INDEX_CORRELATION, 9, t * 5000 + i);
		index_add(f->x, TODAY, INDEX_CORRELATION, (uint64_t)(1000 + t), t);
		index_mark(f->x, TODAY, t, t, 5000, true);
	}
	index_settle(f->x);
	stop(f);
	start(f);
	index_settle(f->x);
	assert_int_equal(index_find(f->r, INDEX_CORRELATION, 9, 0, keys, SAME_MAX), SAME_MAX);
	for (int64_t i = 0; i < SAME_MAX; i++)
		assert_int_equal(keys[i], 99999 - i);
	for (int64_t t = 0; t < 20; t++) {
		assert_int_equal(index_find(f->r, INDEX_CORRELATION, (uint64_t)(1000 + t), 0, &key, 1), 1);
		assert_int_equal(key, t);
	}
}

static void dropped_day_is_gone(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int64_t key;

	for (int64_t i = 0; i < 10; i++)
		table(f, TODAY, i * 10, 10);
	for (int64_t i = 10; i < 20; i++)
		table(f, TODAY + 1, i * 10, 10);
	index_settle(f->x);
	assert_int_equal(find(f, 5, &key, 1), 1); /* opens the file */
	index_drop_day(f->x, TODAY);
	index_settle(f->x);
	assert_int_equal(find(f, 5, &key, 1), 0);
	assert_int_equal(find(f, 105, &key, 1), 1);
	file_name(f, path, sizeof(path), "runs-", TODAY);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void file_without_its_day_is_removed(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int64_t key;

	table(f, TODAY, 1, 10);
	index_settle(f->x);
	stop(f);
	file_name(f, path, sizeof(path), "day-", TODAY);
	assert_int_equal(unlink(path), 0);
	start(f);
	assert_int_equal(find(f, 5, &key, 1), 0);
	file_name(f, path, sizeof(path), "runs-", TODAY);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void damaged_file_is_made_again(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int64_t key, seq;
	int fd;

	table(f, TODAY, 1, 10);
	index_settle(f->x);
	stop(f);
	file_name(f, path, sizeof(path), "runs-", TODAY);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "this is not a database at all, whatever its name says ............................", 80),
			 80);
	close(fd);
	start(f);
	index_covered(f->x, TODAY, &key, &seq);
	assert_int_equal(key, 0);
	table(f, TODAY, 1, 10);
	index_settle(f->x);
	all_found(f, 1, 10);
}

struct looker {
	struct fixture *f;
	atomic_bool stop;
	atomic_llong upto; /* entries below it are in the index */
	long looked;
};

static void *look(void *arg)
{
	struct looker *l = arg;
	struct index_reader *r = index_reader_new(l->f->x);
	struct prng rng;

	prng_seed(&rng, 5);
	while (!atomic_load(&l->stop) || l->looked < 1000) {
		int64_t upto = atomic_load(&l->upto), key = -1, want;

		if (!upto)
			continue;
		want = (int64_t)prng_below(&rng, (uint64_t)upto);
		if (index_find(r, INDEX_CARRIER, (uint64_t)want, 0, &key, 1) != 1 || key != want)
			fail_msg("entry %lld of %lld is not found", (long long)want, (long long)upto);
		l->looked++;
	}
	index_reader_free(r);
	return NULL;
}

static void lookers_miss_nothing_while_runs_are_made_and_joined(void **state)
{
	struct fixture *f = *state;
	struct looker l = {.f = f};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, look, &l), 0);
	for (int64_t i = 0; i < 150; i++) {
		table(f, TODAY, i * 200, 200);
		atomic_store(&l.upto, (i + 1) * 200);
	}
	index_settle(f->x);
	atomic_store(&l.stop, true);
	pthread_join(thread, NULL);
	assert_true(index_runs(f->x) < 40);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(full_table_becomes_a_run),
		T(what_is_in_no_run_is_not_covered),
		T(runs_are_joined),
		T(day_that_is_over_is_one_run),
		T(kinds_are_apart),
		T(newest_come_first_over_tables_and_runs),
		T(hot_hash_keeps_its_newest),
		T(dropped_day_is_gone),
		T(file_without_its_day_is_removed),
		T(damaged_file_is_made_again),
		T(lookers_miss_nothing_while_runs_are_made_and_joined),
	};

	return cmocka_run_group_tests_name("store-index", tests, NULL, NULL);
}
