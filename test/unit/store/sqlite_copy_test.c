/* Beside the writer: readers and their deadlines, backup, restore, check. */
#include "sqlite_fixture.h"

/* -- readers ----------------------------------------------------------------------------------------------------------------- */

static bool slowly(void *ctx, const struct delivery *d)
{
	int64_t until = mono_us() + 1000;

	(void)d;
	++*(int *)ctx;
	while (mono_us() < until)
		;
	return true;
}

static void reader_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct store_reader *r = NULL;
	struct delivery *d = NULL;
	int told = 0;

	fill(f, 0, 20000);
	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	assert_int_equal(f->o->r_scan(r, 0, INT64_MAX, slowly, &told, 20), -ETIMEDOUT);
	assert_true(told < 5000);
	assert_int_equal(f->o->r_load(r, uid_key_at(START), &d), 0); /* and is of use afterwards */
	delivery_free(d);
	f->o->reader_close(r);
}

struct others {
	struct fixture *f;
	atomic_bool stop;
	atomic_llong upto;
	long reads;
};

static bool count_event(void *ctx, const struct event *e)
{
	int64_t *last = ctx;

	assert_true(e->seq > *last);
	*last = e->seq;
	return true;
}

static void *read_all_the_time(void *arg)
{
	struct others *o = arg;
	const struct store_ops *ops = o->f->o;
	struct store_reader *r = NULL;
	uint32_t sub = 4;

	assert_int_equal(ops->reader_open(o->f->s, &r, NULL), 0);
	while (!atomic_load(&o->stop)) {
		int64_t upto = atomic_load(&o->upto), last = 0, keys[4];
		struct delivery *d = NULL;

		if (!upto)
			continue;
		assert_int_equal(ops->r_load(r, upto, &d), 0);
		delivery_free(d);
		assert_int_equal(ops->r_changes(r, &sub, 1, 1, INT64_MAX, 1000, count_event, &last, 0), 0);
		assert_true(ops->r_by_correlation(r, 3, STR("c"), keys, 4) > 0);
		o->reads++;
	}
	ops->reader_close(r);
	return NULL;
}

static void readers_and_writer_work_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct others o[2] = {{.f = f}, {.f = f}};
	pthread_t threads[2];

	f->options.message_retention_ms = 2 * DAY_MS;
	restart(f);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &o[i]), 0);
	for (int64_t i = 0; i < 60; i++) {
		int64_t key = key_at(f, 0);

		f->o->begin(f->s);
		accept_one(f, key, "c");
		event_one(f, key, EV_SENT, id_hash(i));
		merge_one(f, key, D_DONE, f->seq);
		set_mark(f, "merged", f->seq + 1);
		commit(f);
		for (size_t k = 0; k < 2; k++)
			atomic_store(&o[k].upto, key);
		f->now += DAY_MS / 3;
		idle(f, 3);
	}
	for (size_t i = 0; i < 2; i++) {
		atomic_store(&o[i].stop, true);
		pthread_join(threads[i], NULL);
	}
	assert_false(exists(f, DAY_FILE));
	assert_sound(f);
}

/* -- backup ------------------------------------------------------------------------------------------------------------------- */

static void *back_up(void *arg)
{
	struct others *o = arg;
	char path[256];
	struct err e = {""};

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/backup-%d", o->f->path, i);
		if (o->f->o->backup(o->f->s, path, &e) < 0)
			fail_msg("%s", e.text);
	}
	atomic_store(&o->stop, true);
	return NULL;
}

static bool count_recovered(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	(void)ev;
	(void)n;
	++*(int64_t *)ctx;
	delivery_free(take);
	return true;
}

static void backup_of_a_busy_store_is_of_one_moment(void **state)
{
	struct fixture *f = *state;
	struct others o = {.f = f};
	struct store_options there = f->options;
	struct buf report = BUF_INIT;
	struct store *s = NULL;
	struct err e = {""};
	char from[256], to[256];
	pthread_t thread;
	int64_t i = 0;

	sql(f, "admin.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
	fill(f, 0, 10000);
	f->now += DAY_MS;
	idle(f, 1);
	assert_int_equal(pthread_create(&thread, NULL, back_up, &o), 0);
	for (; !atomic_load(&o.stop) || i < 10; i++) { /* each batch accepts one and finishes one of the day before */
		f->o->begin(f->s);
		accept_one(f, key_at(f, i), "c");
		merge_one(f, uid_key_at(START) + i, D_DONE, i + 1);
		event_one(f, uid_key_at(START) + i, EV_DELIVERED, 0);
		commit(f);
	}
	pthread_join(thread, NULL);
	for (int k = 0; k < 3; k++) {
		int64_t unfinished = 0;

		snprintf(from, sizeof(from), "%s/backup-%d", f->path, k);
		snprintf(to, sizeof(to), "%s/restored-%d", f->path, k);
		if (store_restore(from, to, &e) < 0)
			fail_msg("%s", e.text);
		there.data = to;
		if (store_sqlite_open(&s, &there, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(s->ops->check(s, &report, &e), 0);
		buf_done(&report);
		/* As many came as went: rows, and final ones with a later event, which recovery tells too. */
		assert_int_equal(s->ops->recover(s, count_recovered, &unfinished), 0);
		assert_int_equal(unfinished, 10000 + s->ops->last_seq(s) - 10000);
		s->ops->close(s);
		snprintf(to, sizeof(to), "restored-%d/admin.db", k);
		assert_true(exists(f, to));
	}
	assert_int_equal(f->o->backup(f->s, from, &e), -EEXIST);
}

static void restore_refuses_what_it_should(void **state)
{
	struct fixture *f = *state;
	char backup[256], to[256];
	struct err e = {""};

	fill(f, 0, 3000);
	snprintf(backup, sizeof(backup), "%s/backup", f->path);
	snprintf(to, sizeof(to), "%s/to", f->path);
	assert_int_equal(f->o->backup(f->s, backup, &e), 0);
	assert_int_equal(store_restore(backup, f->path, &e), -ENOTEMPTY);
	assert_int_equal(store_restore("/nonexistent", to, &e), -ENOENT);
	assert_int_equal(mkdir(to, 0700), 0);
	assert_int_equal(store_restore(to, to, &e), -ENOENT); /* no backup */
	sql(f, "backup/" DAY_FILE, "PRAGMA user_version=42");
	assert_int_equal(store_restore(backup, to, &e), -EPROTO);
	sql(f, "backup/" DAY_FILE, OUR_SCHEMA);
	char file[512];
	snprintf(file, sizeof(file), "%s/%s", backup, DAY_FILE);
	int fd = open(file, O_WRONLY);
	for (int i = 4; i < 40; i++)
		assert_int_equal(pwrite(fd, "XXXXXXXX", 8, i * 4096), 8);
	close(fd);
	assert_int_equal(store_restore(backup, to, &e), -EBADMSG);
	assert_true(rmdir(to) == 0); /* nothing was left there */
}

static void check_finds_what_is_wrong(void **state)
{
	static const char *const harm[] = {
		"DELETE FROM m WHERE k=(SELECT min(k) FROM m)",
		"UPDATE blk SET n=n+1",
		"INSERT INTO st SELECT k+1000000,state,last,s,h FROM st LIMIT 1",
		"INSERT INTO ledger VALUES(1,0,1,1,1,0,10,0,10,0),(2,0,1,1,1,0,10,0,21,0)",
		"INSERT INTO ledger VALUES(1,0,5,1,1,0,0,3,0,3),(2,0,7,1,1,0,0,-3,0,1)",
		"INSERT INTO ledger VALUES(1,0,1,1,1,0,10,0,10,0); INSERT INTO balance VALUES(1,1,1,9,0,0,1)",
		("INSERT INTO ledger VALUES(1,0,1,1,1,0,10,0,10,0); INSERT INTO balance "
		 "VALUES(1,1,1,10,0,0,3)"),
	};
	struct fixture *f = *state;
	struct err e = {""};

	fill(f, 0, 100);
	f->o->begin(f->s);
	merge_one(f, uid_key_at(START), D_DONE, 1);
	accept_one(f, uid_key_at(START) + ((int64_t)1 << 40), "c");
	commit(f);
	assert_sound(f);
	for (size_t i = 0; i < COUNT_OF(harm); i++) {
		struct buf report = BUF_INIT;
		char to[32], undo[256];

		stop(f);
		copy_file(f, DAY_FILE, "kept");
		sql(f, DAY_FILE, harm[i]);
		start(f);
		assert_int_equal(f->o->check(f->s, &report, &e), -EBADMSG);
		assert_true(report.n > 0);
		buf_done(&report);
		stop(f);
		snprintf(to, sizeof(to), "%s", DAY_FILE);
		snprintf(undo, sizeof(undo), "%s/runs-20241004.db", f->path);
		(void)unlink(undo);
		copy_file(f, "kept", to);
		start(f);
		assert_sound(f);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(reader_ends_at_its_deadline),
		T(readers_and_writer_work_side_by_side),
		T(backup_of_a_busy_store_is_of_one_moment),
		T(restore_refuses_what_it_should),
		T(check_finds_what_is_wrong),
	};

	return cmocka_run_group_tests_name("store-sqlite-copy", tests, NULL, NULL);
}
