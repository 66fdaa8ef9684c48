/* What the SQLite driver does beyond the contract: files, refusals, runs, crashes between two files, backups, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/time.h"
#include "store/sqlite.h"

#define START (20000 * (int64_t)DAY_MS + 36000000) /* 2024-10-04 10:00 */
#define DAY_FILE "day-20241004.db"
#define NEXT_FILE "day-20241005.db"

struct fixture {
	char path[64];
	struct store_options options;
	int64_t now;
	struct store *s;
	const struct store_ops *o;
	int64_t seq;
};

static int64_t clock_of(void *ctx) { return ((struct fixture *)ctx)->now; }

static void start(struct fixture *f)
{
	struct err e = {""};

	if (store_sqlite_open(&f->s, &f->options, &e) < 0)
		fail_msg("%s", e.text);
	f->o = f->s->ops;
}

static void stop(struct fixture *f)
{
	if (f->s)
		f->o->close(f->s);
	f->s = NULL;
}

static void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

static int set_up(void **state)
{
	struct fixture *f = xnew(struct fixture);

	snprintf(f->path, sizeof(f->path), "/tmp/pombo-sqlite-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->now = START;
	f->options = (struct store_options){.data = f->path,
					    .status_retention_ms = 3 * DAY_MS,
					    .message_retention_ms = 5 * DAY_MS,
					    .now = clock_of,
					    .now_ctx = f};
	start(f);
	*state = f;
	return 0;
}

static void remove_folder(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (d->d_type == DT_DIR && d->d_name[0] != '.') {
			char inner[512];

			snprintf(inner, sizeof(inner), "%s/%s", path, d->d_name);
			remove_folder(inner);
		} else {
			(void)unlinkat(dirfd(dir), d->d_name, 0);
		}
	if (dir)
		closedir(dir);
	(void)rmdir(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stop(f);
	remove_folder(f->path);
	free(f);
	return 0;
}

static int64_t key_at(const struct fixture *f, int64_t i) { return uid_key_at(f->now) + i; }

static void accept_one(struct fixture *f, int64_t key, const char *correlation)
{
	struct delivery_text t = {.text = STR("hello"), .correlation = str_of(correlation)};
	struct delivery *d = delivery_new(&t);

	d->key = key;
	d->account = 3;
	d->part_count = 1;
	f->o->accept(f->s, d);
	delivery_free(d);
}

static void event_one(struct fixture *f, int64_t key, int kind, uint64_t hash)
{
	f->o->event(f->s, &(struct event){.seq = ++f->seq, .key = key, .kind = (uint8_t)kind, .hash = hash, .sub_account = 4});
}

static void merge_one(struct fixture *f, int64_t key, int state, int64_t seq)
{
	struct delivery *d = NULL;
	const struct delivery *one;
	const int64_t *seqs = &seq;
	size_t n = 1;

	assert_int_equal(f->o->load(f->s, key, &d), 0);
	d->state = (uint8_t)state;
	d->last_seq = seq;
	one = d;
	f->o->merge(f->s, &one, &seqs, &n, 1);
	delivery_free(d);
}

static void commit(struct fixture *f)
{
	struct err e = {""};

	if (f->o->commit(f->s, &e) < 0)
		fail_msg("%s", e.text);
}

static int state_of(struct fixture *f, int64_t key)
{
	struct delivery *d = NULL;
	int state = f->o->load(f->s, key, &d) == 0 ? d->state : -1;

	delivery_free(d);
	return state;
}

static bool exists(const struct fixture *f, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return access(path, F_OK) == 0;
}

static void sql(const struct fixture *f, const char *name, const char *text)
{
	char path[512], *why = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

static void set_mark(struct fixture *f, const char *key, int64_t v)
{
	f->o->mark(f->s, key, (struct str){(const char *)&v, sizeof(v)});
}

static void idle(struct fixture *f, int times)
{
	while (times-- > 0)
		f->o->idle(f->s, f->now);
}

static void assert_sound(struct fixture *f)
{
	struct buf report = BUF_INIT;
	struct err e = {""};

	if (f->o->check(f->s, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_cstr(&report));
	buf_done(&report);
}

/* -- files ---------------------------------------------------------------------------------------------------------------- */

static void files_are_named_by_day_and_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	DIR *dir;

	for (int i = 0; i < 2; i++, f->now += DAY_MS) {
		f->o->begin(f->s);
		accept_one(f, key_at(f, 0), "c");
		commit(f);
	}
	assert_true(exists(f, DAY_FILE));
	assert_true(exists(f, NEXT_FILE));
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	dir = opendir(f->path);
	for (struct dirent *d; (d = readdir(dir));) {
		assert_int_equal(fstatat(dirfd(dir), d->d_name, &st, 0), 0);
		if (S_ISREG(st.st_mode))
			assert_int_equal(st.st_mode & 0777, 0600);
	}
	closedir(dir);
}

static void second_writer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;
	struct err e = {""};

	assert_int_equal(store_sqlite_open(&other, &f->options, &e), -EBUSY);
	assert_non_null(strstr(e.text, "in use"));
	stop(f);
	assert_int_equal(store_sqlite_open(&other, &f->options, &e), 0);
	other->ops->close(other);
	start(f);
}

static void newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;
	struct err e = {""};

	stop(f);
	sql(f, DAY_FILE, "PRAGMA user_version=42");
	assert_int_equal(store_sqlite_open(&other, &f->options, &e), -EPROTO);
	assert_non_null(strstr(e.text, "42"));
	assert_non_null(strstr(e.text, "1"));
	sql(f, DAY_FILE, "PRAGMA user_version=1");
	start(f);
}

static void missing_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_options o = f->options;
	struct store *other = NULL;
	struct err e = {""};

	o.data = "/nonexistent/folder";
	assert_int_equal(store_sqlite_open(&other, &o, &e), -ENOENT);
	assert_true(e.text[0] != '\0');
}

static void file_in_which_nothing_was_committed_is_nothing(void **state)
{
	struct fixture *f = *state;
	char path[256];

	f->o->begin(f->s);
	accept_one(f, key_at(f, 0), "c");
	commit(f);
	stop(f);
	snprintf(path, sizeof(path), "%s/%s", f->path, NEXT_FILE);
	close(open(path, O_RDWR | O_CREAT, 0600)); /* a crash while the next day's file was made */
	start(f);
	assert_int_equal(state_of(f, key_at(f, 0)), D_QUEUED);
	assert_false(exists(f, NEXT_FILE));
	f->now += DAY_MS;
	f->o->begin(f->s);
	accept_one(f, key_at(f, 0), "c");
	commit(f);
	assert_true(exists(f, NEXT_FILE));
	restart(f);
	assert_int_equal(state_of(f, key_at(f, 0)), D_QUEUED);
}

static void folder_that_is_no_database_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *other = NULL;
	struct err e = {""};
	char path[256];
	int fd;

	stop(f);
	snprintf(path, sizeof(path), "%s/%s", f->path, DAY_FILE);
	fd = open(path, O_WRONLY | O_TRUNC);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "garbage ", 8), 8);
	close(fd);
	assert_int_equal(store_sqlite_open(&other, &f->options, &e), -EBADMSG);
	assert_non_null(strstr(e.text, DAY_FILE));
	assert_int_equal(unlink(path), 0);
	start(f);
}

/* -- runs ------------------------------------------------------------------------------------------------------------------ */

static uint64_t id_hash(int64_t i) { return (uint64_t)i * 0x9E3779B97F4A7C15u + 1; }

static void fill(struct fixture *f, int64_t from, int64_t to)
{
	char correlation[32];

	for (int64_t i = from; i < to;) {
		f->o->begin(f->s);
		for (int64_t end = MIN(i + 2000, to); i < end; i++) {
			snprintf(correlation, sizeof(correlation), "c-%lld", (long long)i);
			accept_one(f, uid_key_at(START) + i, correlation);
			event_one(f, uid_key_at(START) + i, EV_SENT, id_hash(i));
		}
		commit(f);
	}
}

static void assert_found(struct fixture *f, int64_t n, int64_t step)
{
	struct store_reader *r = NULL;
	char correlation[32];
	int64_t key;

	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	for (int64_t i = 0; i < n; i += step) {
		key = 0;
		assert_int_equal(f->o->by_carrier(f->s, id_hash(i), &key, 1), 1);
		assert_int_equal(key, uid_key_at(START) + i);
		snprintf(correlation, sizeof(correlation), "c-%lld", (long long)i);
		assert_int_equal(f->o->r_by_correlation(r, 3, str_of(correlation), &key, 1), 1);
		assert_int_equal(key, uid_key_at(START) + i);
	}
	assert_int_equal(f->o->by_carrier(f->s, id_hash(n), &key, 1), 0);
	f->o->reader_close(r);
}

static void ids_are_found_in_ram_and_runs_and_after_restarts(void **state)
{
	struct fixture *f = *state;
	char path[256];

	fill(f, 0, 150000);
	assert_found(f, 150000, 911);
	index_settle(sq_of(f->s)->index);
	assert_true(index_runs(sq_of(f->s)->index) >= 2);
	assert_found(f, 150000, 911);
	restart(f);
	assert_found(f, 150000, 911);
	stop(f);
	snprintf(path, sizeof(path), "%s/runs-20241004.db", f->path);
	assert_int_equal(unlink(path), 0); /* lost: made again from the rows */
	start(f);
	assert_found(f, 150000, 911);
	index_settle(sq_of(f->s)->index);
	assert_true(index_runs(sq_of(f->s)->index) >= 2);
	f->now += DAY_MS;
	idle(f, 1);
	restart(f);
	index_settle(sq_of(f->s)->index);
	assert_int_equal(index_runs(sq_of(f->s)->index), 1); /* the day is over */
	assert_found(f, 150000, 911);
	assert_sound(f);
}

/* -- crashes between two files ----------------------------------------------------------------------------------------------- */

static void merge_that_did_not_reach_its_file_is_done_at_the_start(void **state)
{
	struct fixture *f = *state;
	int64_t key = key_at(f, 0);
	struct store_reader *r = NULL;
	int64_t *seqs = NULL;
	size_t n = 0;

	f->o->begin(f->s);
	accept_one(f, key, "c");
	event_one(f, key, EV_SENT, 0);
	commit(f);
	f->now += DAY_MS;
	f->o->begin(f->s);
	merge_one(f, key, D_DONE, 1);
	commit(f);
	assert_int_equal(state_of(f, key), D_DONE);
	stop(f);
	/* The batch is there, and the older file as it was before. */
	sql(f, DAY_FILE, "DELETE FROM st; UPDATE blk SET done=0;");
	start(f);
	assert_int_equal(state_of(f, key), D_DONE);
	for (int i = 0; i < 3; i++) { /* again changes nothing */
		restart(f);
		assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
		assert_int_equal(f->o->r_history(r, key, &seqs, &n), 0);
		assert_int_equal(n, 1);
		free(seqs);
		f->o->reader_close(r);
	}
	f->o->begin(f->s);
	commit(f);
	assert_sound(f);
}

static void copy_file(const struct fixture *f, const char *from, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command), "cp %s/%s %s/%s", f->path, from, f->path, to);
	assert_int_equal(system(command), 0);
}

static void run_days(struct fixture *f, int64_t first, int64_t last)
{
	for (int64_t day = first; day <= last; day++) {
		f->now = START + day * DAY_MS;
		f->o->begin(f->s);
		accept_one(f, key_at(f, 0), "c");
		event_one(f, key_at(f, 0), EV_SENT, 0);
		merge_one(f, key_at(f, 0), D_DONE, f->seq);
		set_mark(f, "merged", f->seq + 1);
		commit(f);
	}
}

static void file_that_should_be_gone_goes_at_the_start(void **state)
{
	struct fixture *f = *state;

	run_days(f, 0, 9);
	stop(f);
	copy_file(f, DAY_FILE, "kept");
	start(f);
	idle(f, 20);
	assert_false(exists(f, DAY_FILE));
	stop(f);
	copy_file(f, "kept", DAY_FILE);
	start(f);
	assert_false(exists(f, DAY_FILE));
	assert_int_equal(state_of(f, uid_key_at(START)), -1);
	assert_int_equal(f->o->last_seq(f->s), 10);
}

/* Thousands are carried forward in steps, and a restart at each step loses or doubles nothing. */
static void carrying_forward_survives_restarts(void **state)
{
	enum { N = 2000 };
	struct fixture *f = *state;
	struct event e;
	bool gone = false;

	f->o->begin(f->s);
	for (int64_t i = 0; i < N; i++) {
		accept_one(f, key_at(f, i), "c");
		event_one(f, key_at(f, i), EV_SENT, 0);
	}
	commit(f);
	f->o->begin(f->s);
	for (int64_t i = 0; i < N; i++)
		merge_one(f, key_at(f, i), i % 2 ? D_DONE : D_SENT, i + 1);
	set_mark(f, "merged", N + 1);
	commit(f);
	run_days(f, 1, 9);
	for (int i = 0; i < 40 && !gone; i++) {
		idle(f, 1);
		/* half way, one that was carried and one that was not are merged again */
		if (i == 1) {
			f->o->begin(f->s);
			event_one(f, uid_key_at(START), EV_RECEIPT, 0);
			merge_one(f, uid_key_at(START), D_DOUBT, f->seq);
			event_one(f, uid_key_at(START) + N - 2, EV_RECEIPT, 0);
			merge_one(f, uid_key_at(START) + N - 2, D_DOUBT, f->seq);
			set_mark(f, "merged", f->seq + 1);
			commit(f);
		}
		restart(f);
		gone = !exists(f, DAY_FILE);
	}
	assert_true(gone);
	for (int64_t i = 0; i < N; i += 2) {
		assert_int_equal(state_of(f, uid_key_at(START) + i), i == 0 || i == N - 2 ? D_DOUBT : D_SENT);
		assert_int_equal(f->o->load_event(f->s, i + 1, &e), 0);
	}
	assert_int_equal(state_of(f, uid_key_at(START) + 1), -1);
	assert_sound(f);
}

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
	sql(f, "backup/" DAY_FILE, "PRAGMA user_version=1");
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

/* -- faults ------------------------------------------------------------------------------------------------------------------- */

#ifdef POMBO_FAULTS
static void error_sticks_and_the_next_start_recovers(void **state)
{
	static const struct {
		const char *spec;
		int error;
	} faults[] = {{"store.write:1", -ENOSPC}, {"store.write:2", -ENOSPC}, {"store.sync:1", -EIO}, {"store.commit:1", -EIO}};
	struct fixture *f = *state;
	struct err e = {""};

	f->o->begin(f->s);
	accept_one(f, key_at(f, 0), "c");
	commit(f);
	for (size_t i = 0; i < COUNT_OF(faults); i++) {
		int64_t key = key_at(f, 1 + (int64_t)i);

		fault_set(faults[i].spec);
		f->o->begin(f->s);
		accept_one(f, key, "c");
		assert_int_equal(f->o->commit(f->s, &e), faults[i].error);
		assert_true(e.text[0] != '\0');
		fault_set(NULL);
		f->o->begin(f->s); /* nothing is tried again */
		accept_one(f, key_at(f, 50), "c");
		assert_int_equal(f->o->commit(f->s, &e), faults[i].error);
		f->o->idle(f->s, f->now);
		restart(f);
		assert_int_equal(state_of(f, key_at(f, 0)), D_QUEUED);
		assert_int_equal(state_of(f, key_at(f, 50)), -1);
		assert_sound(f);
		f->o->begin(f->s);
		if (state_of(f, key) < 0) /* a failed sync may have written all the same */
			accept_one(f, key, "c");
		commit(f);
	}
}
#endif

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(files_are_named_by_day_and_private),
		T(second_writer_is_refused),
		T(newer_schema_is_refused),
		T(missing_folder_is_refused),
		T(file_in_which_nothing_was_committed_is_nothing),
		T(folder_that_is_no_database_is_refused),
		T(ids_are_found_in_ram_and_runs_and_after_restarts),
		T(merge_that_did_not_reach_its_file_is_done_at_the_start),
		T(file_that_should_be_gone_goes_at_the_start),
		T(carrying_forward_survives_restarts),
		T(reader_ends_at_its_deadline),
		T(readers_and_writer_work_side_by_side),
		T(backup_of_a_busy_store_is_of_one_moment),
		T(restore_refuses_what_it_should),
		T(check_finds_what_is_wrong),
#ifdef POMBO_FAULTS
		T(error_sticks_and_the_next_start_recovers),
#endif
	};

	return cmocka_run_group_tests_name("store-sqlite", tests, NULL, NULL);
}
