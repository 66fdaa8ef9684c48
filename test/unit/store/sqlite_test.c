/* What the SQLite driver does beyond the contract: files, refusals, runs, crashes between two files, injected faults. */
#include "sqlite_fixture.h"

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
	assert_non_null(strstr(e.text, NUMBER_TEXT(SCHEMA_VERSION)));
	sql(f, DAY_FILE, OUR_SCHEMA);
	start(f);
}

static bool no_balance(void *ctx, const struct balance_row *b)
{
	(void)b;
	++*(int *)ctx;
	return true;
}

static bool count_part(void *ctx, const struct mo_part *p)
{
	assert_int_equal(p->key, 77);
	assert_int_equal(p->hash, 0);
	assert_string_equal(p->source, "5511999990000");
	assert_true(str_eq(p->text, STR("sim")));
	++*(int *)ctx;
	return true;
}

#define OLD_MO                                                                                        \
	"DROP TABLE mo; DROP TABLE mo_ev; ALTER TABLE mo_part DROP COLUMN hash; ALTER TABLE mo_part " \
	"RENAME TO mo;"                                                                               \
	"INSERT INTO mo VALUES(77,1,1,0,5,0,0,0,'5511999990000','27182','sim');"

static void older_schema_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct balance_row b = {.kind = BALANCE_ACCOUNT, .owner = 1, .limited = true, .balance = 5};
	struct err e = {""};
	int n = 0, parts = 0;

	stop(f);
	sql(f, DAY_FILE,
	    OLD_MO "ALTER TABLE m DROP COLUMN bad; DROP TABLE ledger; DROP TABLE balance;"
		   "ALTER TABLE m DROP COLUMN nbf; ALTER TABLE m DROP COLUMN win; ALTER TABLE m DROP COLUMN "
		   "zone; PRAGMA user_version=1");
	start(f);
	f->o->begin(f->s);
	f->o->balance_set(f->s, &b);
	assert_int_equal(f->o->commit(f->s, &e), 0);
	assert_int_equal(f->o->balances(f->s, no_balance, &n), 0);
	assert_int_equal(f->o->mo_parts_from(f->s, 0, count_part, &parts), 0); /* what was kept then waits to be joined now */
	assert_int_equal(parts, 1);
	assert_int_equal(n, 1);
}

/* A file of the fifth version has no columns for schedules; they are there after the start, and what it held is as it was. */
static void file_without_schedules_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct delivery_text t = {.destination = STR("5511912340001"), .text = STR("hi"), .zone = STR("UTC")};
	struct delivery *d = delivery_new(&t), *back = NULL;

	d->key = uid_key_at(f->now) + 1;
	d->part_count = 1;
	d->expires_at = f->now + 1000;
	f->o->begin(f->s);
	f->o->accept(f->s, d);
	commit(f);
	stop(f);
	sql(f, DAY_FILE, "ALTER TABLE m DROP COLUMN nbf; ALTER TABLE m DROP COLUMN win; ALTER TABLE m DROP COLUMN zone; PRAGMA user_version=5");
	start(f);
	assert_int_equal(f->o->load(f->s, d->key, &back), 0);
	assert_int_equal(back->expires_at, d->expires_at);
	assert_int_equal(back->not_before, 0);
	assert_int_equal(back->window, 0);
	assert_int_equal(back->t.zone.n, 0);
	delivery_free(back);
	d->key++;
	d->not_before = f->now + 500;
	d->window = 7;
	f->o->begin(f->s);
	f->o->accept(f->s, d);
	commit(f);
	assert_int_equal(f->o->load(f->s, d->key, &back), 0);
	assert_int_equal(back->not_before, d->not_before);
	assert_int_equal(back->window, 7);
	assert_true(str_eq(back->t.zone, STR("UTC")));
	delivery_free(back);
	delivery_free(d);
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

		fault_set_here(faults[i].spec); /* the checkpoints' thread writes and syncs too */
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
		T(older_schema_is_brought_up),
		T(file_without_schedules_is_brought_up),
		T(missing_folder_is_refused),
		T(file_in_which_nothing_was_committed_is_nothing),
		T(folder_that_is_no_database_is_refused),
		T(ids_are_found_in_ram_and_runs_and_after_restarts),
		T(merge_that_did_not_reach_its_file_is_done_at_the_start),
		T(file_that_should_be_gone_goes_at_the_start),
		T(carrying_forward_survives_restarts),
#ifdef POMBO_FAULTS
		T(error_sticks_and_the_next_start_recovers),
#endif
	};

	return cmocka_run_group_tests_name("store-sqlite", tests, NULL, NULL);
}
