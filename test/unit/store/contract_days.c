/* Over the edge of a day, and retention. Drivers that keep days apart must not let it show. */
#include <errno.h>

#include "contract.h"

#define SEQS(...) ((const int64_t[]){__VA_ARGS__})

/* A message an hour, then the next day begins: keys[0..n) over several days, events 1..n. */
static void days_of_messages(struct fixture *f, int64_t *keys, size_t n, int64_t step)
{
	for (size_t i = 0; i < n; i++) {
		keys[i] = key_at(f, 0);
		begin(f);
		accept_with(f, keys[i], "c", D_QUEUED);
		event_full(f, &(struct event){.seq = (int64_t)i + 1, .key = keys[i], .kind = EV_SENT, .hash = 100 + i, .sub_account = 4});
		commit(f);
		f->now += step;
		f->o->idle(f->s, f->now);
	}
}

static void everything_is_there_after_the_edge(struct fixture *f)
{
	int64_t keys[8], found[8], last = 0;
	struct event e;
	struct list l = {0};

	days_of_messages(f, keys, 8, DAY / 2);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 8; i++) {
			assert_true(has(f, keys[i]));
			assert_int_equal(f->o->load_event(f->s, (int64_t)i + 1, &e), 0);
			assert_int_equal(e.key, keys[i]);
			assert_int_equal(f->o->by_carrier(f->s, 100 + i, found, 8), 1);
			assert_int_equal(found[0], keys[i]);
		}
		l.n = 0;
		assert_int_equal(f->o->events_from(f->s, 3, 4, list_event, &l), 0);
		assert_list(&l, 3, 4, 5, 6);
		l.n = 0;
		assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
		assert_int_equal(l.n, 8);
		assert_memory_equal(l.a, keys, sizeof(keys));
		l.n = 0;
		assert_int_equal(
			f->o->unfinished_after(f->s, 1u << D_QUEUED, keys[1], keys[6], 3, list_delivery, &l, &last), 0);
		assert_list(&l, keys[2], keys[3], keys[4]);
		assert_int_equal(last, keys[4]);
		assert_int_equal(f->o->last_seq(f->s), 8);
		assert_int_equal(f->o->last_key(f->s), keys[7]);
		check_reopen(f);
	}
}

static void readers_see_over_the_edge(struct fixture *f)
{
	struct store_reader *r = NULL;
	struct delivery *d = NULL;
	struct event e;
	struct list l = {0};
	int64_t keys[6], found[8];
	uint32_t sub = 4;

	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	days_of_messages(f, keys, 6, DAY / 2);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(f->o->r_load(r, keys[i], &d), 0);
		delivery_free(d);
		assert_int_equal(f->o->r_event(r, (int64_t)i + 1, &e), 0);
	}
	assert_int_equal(f->o->r_by_correlation(r, 3, STR("c"), found, 8), 6);
	assert_int_equal(found[0], keys[5]);
	assert_int_equal(f->o->r_changes(r, &sub, 1, 2, 5, 100, list_event, &l, 0), 0);
	assert_list(&l, 2, 3, 4, 5);
	l.n = 0;
	assert_int_equal(f->o->r_scan(r, uid_key_ms(keys[1]), uid_key_ms(keys[4]), list_scanned, &l, 0), 0);
	assert_list(&l, keys[4], keys[3], keys[2], keys[1]);
	f->o->reader_close(r);
}

static void live_rows_live_on(struct fixture *f)
{
	const struct queue_id q = {.route = 1, .sub_account = 2};
	struct hook_row h;
	struct list l = {0};
	struct buf b = BUF_INIT;
	struct idem_row idem;
	int64_t key = key_at(f, 0);

	begin(f);
	accept_one(f, key);
	f->o->due_set(f->s, &(struct due){.queue = q, .at = 5, .key = key});
	f->o->hook_set(f->s, &(struct hook_row){.key = key, .kind = HOOK_SENT, .webhook = 1, .due = 9});
	f->o->park(f->s, &(struct parked_row){.id = 1, .hashes = 1, .id_hash = {5}});
	f->o->mark(f->s, "list/1", STR("x"));
	f->o->idem(f->s, &(struct idem_row){.hash = 8, .first_key = key, .count = 1, .at = f->now});
	commit(f);
	f->now += DAY;
	begin(f);
	accept_one(f, key_at(f, 0));
	commit(f);
	for (int i = 0; i < 2; i++) {
		l.n = 0;
		assert_int_equal(f->o->due_list(f->s, &q, 9, 9, list_due, &l), 0);
		assert_list(&l, key);
		assert_true(f->o->hook_get(f->s, key, HOOK_SENT, &h));
		assert_int_equal(f->o->parked_count(f->s), 1);
		l.n = 0;
		assert_int_equal(f->o->parked_find(f->s, 5, list_parked, &l), 0);
		assert_list(&l, 1);
		buf_clear(&b);
		assert_true(f->o->mark_get(f->s, "list/1", &b));
		assert_true(f->o->idem_find(f->s, 8, &idem));
		assert_int_equal(idem.first_key, key);
		check_reopen(f);
	}
	begin(f);
	f->o->due_del(f->s, &(struct due){.queue = q, .at = 5, .key = key});
	f->o->hook_del(f->s, key, HOOK_SENT);
	f->o->unpark(f->s, 1);
	commit(f);
	f->now += DAY;
	f->o->idle(f->s, f->now);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &q, 9, 9, list_due, &l), 0);
	assert_int_equal(l.n, 0);
	assert_false(f->o->hook_get(f->s, key, HOOK_SENT, &h));
	assert_int_equal(f->o->parked_count(f->s), 0);
	buf_done(&b);
}

static void older_days_are_merged_into(struct fixture *f)
{
	int64_t keys[6];
	struct store_reader *r = NULL;
	struct list l = {0};
	int64_t *seqs = NULL;
	size_t n = 0;

	days_of_messages(f, keys, 6, DAY / 2);
	begin(f);
	event_one(f, 7, keys[0], EV_DELIVERED);
	merge_one(f, keys[0], D_DONE, SEQS(1, 7), 2);
	merge_one(f, keys[2], D_DONE, SEQS(3), 1);
	merge_one(f, keys[5], D_DONE, SEQS(6), 1);
	assert_int_equal(state_of(f, keys[0]), D_DONE); /* already in the open batch */
	commit(f);
	begin(f);
	event_one(f, 8, keys[0], EV_HOOK_DONE);
	merge_one(f, keys[0], D_DONE, SEQS(8), 1);
	commit(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(state_of(f, keys[0]), D_DONE);
		assert_int_equal(state_of(f, keys[1]), D_QUEUED);
		assert_int_equal(state_of(f, keys[2]), D_DONE);
		l.n = 0;
		assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
		assert_list(&l, keys[1], keys[3], keys[4]);
		assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
		assert_int_equal(f->o->r_history(r, keys[0], &seqs, &n), 0);
		assert_int_equal(n, 3);
		assert_true(seqs[0] == 1 && seqs[1] == 7 && seqs[2] == 8);
		free(seqs);
		f->o->reader_close(r);
		check_reopen(f);
	}
}

static void lost_merge_into_an_older_day_is_lost(struct fixture *f)
{
	int64_t keys[3];

	days_of_messages(f, keys, 3, DAY);
	begin(f);
	merge_one(f, keys[0], D_DONE, SEQS(1), 1);
	check_reopen(f);
	assert_int_equal(state_of(f, keys[0]), D_QUEUED);
	begin(f);
	merge_one(f, keys[0], D_SENT, SEQS(1), 1);
	commit(f);
	check_reopen(f);
	assert_int_equal(state_of(f, keys[0]), D_SENT);
}

static void clock_may_go_back(struct fixture *f)
{
	int64_t keys[3];

	days_of_messages(f, keys, 2, DAY);
	f->now -= 3 * DAY;
	begin(f);
	keys[2] = keys[1] + 1; /* keys never go back */
	accept_one(f, keys[2]);
	commit(f);
	f->o->idle(f->s, f->now);
	check_reopen(f);
	for (size_t i = 0; i < 3; i++)
		assert_true(has(f, keys[i]));
	assert_int_equal(f->o->last_key(f->s), keys[2]);
}

/* -- retention ------------------------------------------------------------------------------------------------------------ */

static void idle_until(struct fixture *f, int64_t now)
{
	f->now = now;
	for (int i = 0; i < 20; i++)
		f->o->idle(f->s, f->now);
}

static void what_is_over_goes_after_its_time(struct fixture *f)
{
	int64_t keys[4];
	struct event e;

	days_of_messages(f, keys, 4, DAY);
	begin(f);
	for (int64_t i = 0; i < 4; i++)
		merge_one(f, keys[i], D_DONE, SEQS(i + 1), 1);
	set_mark(f, "merged", 5);
	commit(f);
	idle_until(f, START + 5 * DAY);
	assert_true(has(f, keys[0])); /* its day is kept for five days after its end */
	idle_until(f, START + 7 * DAY);
	assert_false(has(f, keys[0]));
	assert_int_equal(f->o->load_event(f->s, 1, &e), -ENOENT);
	assert_true(has(f, keys[1]) || has(f, keys[2]));
	idle_until(f, START + 30 * DAY);
	begin(f);
	accept_one(f, key_at(f, 0));
	commit(f);
	idle_until(f, START + 31 * DAY);
	for (size_t i = 0; i < 4; i++)
		assert_false(has(f, keys[i]));
	check_reopen(f);
	assert_false(has(f, keys[0]));
	assert_true(has(f, uid_key_at(START + 30 * DAY)));
	assert_int_equal(f->o->last_seq(f->s), 4);
}

static void what_is_not_over_stays(struct fixture *f)
{
	enum { FINAL, QUEUED, HOOK, MERGED_SENT };
	int64_t keys[4], *seqs = NULL, last;
	struct hook_row h;
	struct store_reader *r = NULL;
	struct event e;
	struct list l = {0};
	size_t n = 0;

	begin(f);
	for (int64_t i = 0; i < 4; i++) {
		keys[i] = key_at(f, i);
		accept_with(f, keys[i], "c", D_QUEUED);
		event_one(f, i + 1, keys[i], EV_SENT);
	}
	commit(f);
	begin(f);
	merge_one(f, keys[FINAL], D_DONE, SEQS(1), 1);
	merge_one(f, keys[HOOK], D_DONE, SEQS(3), 1);
	merge_one(f, keys[MERGED_SENT], D_SENT, SEQS(4), 1);
	merge_one(f, keys[QUEUED], D_QUEUED, SEQS(2), 1);
	f->o->hook_set(f->s, &(struct hook_row){.key = keys[HOOK], .kind = HOOK_SENT, .webhook = 1, .due = 9});
	f->o->hook_set(f->s, &(struct hook_row){.key = keys[FINAL], .kind = HOOK_SENT, .webhook = 1, .dead = true, .due = INT64_MAX});
	set_mark(f, "merged", 5);
	commit(f);
	for (int64_t day = 1; day <= 9; day++) {
		f->now = START + day * DAY;
		begin(f);
		accept_with(f, key_at(f, 0), "", D_DONE);
		event_one(f, 4 + day, key_at(f, 0), EV_SENT);
		set_mark(f, "merged", 5 + day);
		commit(f);
		idle_until(f, f->now);
	}
	for (int i = 0; i < 2; i++) {
		assert_false(has(f, keys[FINAL]));
		assert_false(f->o->hook_get(f->s, keys[FINAL], HOOK_SENT, &h));
		assert_int_equal(state_of(f, keys[QUEUED]), D_QUEUED);
		assert_int_equal(state_of(f, keys[HOOK]), D_DONE);
		assert_true(f->o->hook_get(f->s, keys[HOOK], HOOK_SENT, &h));
		assert_int_equal(state_of(f, keys[MERGED_SENT]), D_SENT);
		assert_int_equal(f->o->load_event(f->s, 4, &e), 0);
		l.n = 0;
		assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
		assert_true(l.n >= 2 && l.a[0] == keys[QUEUED] && l.a[1] == keys[MERGED_SENT]);
		l.n = 0;
		assert_int_equal(f->o->unfinished_after(f->s, 1u << D_SENT, 0, INT64_MAX, 10000, list_delivery, &l, &last), 0);
		assert_list(&l, keys[MERGED_SENT]);
		assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
		assert_int_equal(f->o->r_history(r, keys[MERGED_SENT], &seqs, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(f->o->r_event(r, seqs[0], &e), 0);
		assert_int_equal(e.key, keys[MERGED_SENT]);
		free(seqs);
		f->o->reader_close(r);
		check_reopen(f);
	}
	/* once it is over, it goes with the file that took it in */
	begin(f);
	event_one(f, 14, keys[QUEUED], EV_CANCELLED);
	event_one(f, 15, keys[MERGED_SENT], EV_DELIVERED);
	merge_one(f, keys[QUEUED], D_DONE, SEQS(14), 1);
	merge_one(f, keys[MERGED_SENT], D_DONE, SEQS(15), 1);
	f->o->hook_del(f->s, keys[HOOK], HOOK_SENT);
	set_mark(f, "merged", 16);
	commit(f);
	assert_int_equal(state_of(f, keys[QUEUED]), D_DONE);
	for (int64_t day = 10; day <= 25; day++) {
		f->now = START + day * DAY;
		begin(f);
		accept_with(f, key_at(f, 0), "", D_DONE);
		event_one(f, 6 + day, key_at(f, 0), EV_SENT);
		set_mark(f, "merged", 7 + day);
		commit(f);
		idle_until(f, f->now);
	}
	for (size_t i = 0; i < 4; i++)
		assert_false(has(f, keys[i]));
}

static void without_retention_nothing_goes(struct fixture *f)
{
	int64_t key = key_at(f, 0);

	f->options.message_retention_ms = 0;
	f->o->close(f->s);
	f->driver->place_free(f->place);
	f->place = f->driver->place_new();
	fixture_open(f);
	begin(f);
	accept_with(f, key, "", D_DONE);
	commit(f);
	for (int64_t i = 1; i < 5; i++) {
		f->now += 100 * DAY;
		begin(f);
		event_one(f, i, key, EV_LATE);
		set_mark(f, "merged", i + 1);
		commit(f);
		idle_until(f, f->now);
	}
	assert_true(has(f, key));
}

/* A reload may change it while the store is open, in either direction. */
static void retention_changes_while_it_runs(struct fixture *f)
{
	int64_t keys[4], found[4];
	struct store_reader *r = NULL;

	days_of_messages(f, keys, 4, DAY);
	begin(f);
	for (int64_t i = 0; i < 4; i++)
		merge_one(f, keys[i], D_DONE, SEQS(i + 1), 1);
	set_mark(f, "merged", 5);
	commit(f);
	f->o->retention(f->s, 60 * DAY, 60 * DAY);
	idle_until(f, START + 12 * DAY);
	for (size_t i = 0; i < 4; i++)
		assert_true(has(f, keys[i])); /* five days would have taken the first */
	begin(f);
	accept_with(f, key_at(f, 0), "", D_DONE);
	commit(f);
	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	assert_int_equal(f->o->r_by_correlation(r, 3, STR("c"), found, 4), 4); /* three days would not look so far back */
	assert_int_equal(found[3], keys[0]);
	f->o->reader_close(r);
	f->o->retention(f->s, 3 * DAY, 5 * DAY);
	idle_until(f, START + 12 * DAY);
	assert_false(has(f, keys[0]));
	f->o->retention(f->s, 0, 0);
	idle_until(f, START + 400 * DAY);
	assert_true(has(f, uid_key_at(START + 12 * DAY)));
	f->o->retention(f->s, 3 * DAY, 5 * DAY);
	begin(f);
	accept_with(f, key_at(f, 0), "", D_DONE);
	set_mark(f, "merged", 6);
	commit(f);
	idle_until(f, START + 401 * DAY);
	assert_false(has(f, uid_key_at(START + 12 * DAY)));
}

const struct check day_checks[] = {
	CHECK(everything_is_there_after_the_edge),
	CHECK(readers_see_over_the_edge),
	CHECK(live_rows_live_on),
	CHECK(older_days_are_merged_into),
	CHECK(lost_merge_into_an_older_day_is_lost),
	CHECK(clock_may_go_back),
	CHECK(what_is_over_goes_after_its_time),
	CHECK(what_is_not_over_stays),
	CHECK(without_retention_nothing_goes),
	CHECK(retention_changes_while_it_runs),
};
const size_t day_check_count = COUNT_OF(day_checks);
