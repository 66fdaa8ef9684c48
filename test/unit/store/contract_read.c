/* Readers: only what is committed, in the order promised, within scope. */
#include <errno.h>

#include "contract.h"
#include "model/codes.h"

static struct store_reader *reader(struct fixture *f)
{
	struct store_reader *r = NULL;

	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	return r;
}

static void readers_see_what_is_committed(struct fixture *f)
{
	struct store_reader *r = reader(f), *other = reader(f);
	struct delivery *d = NULL;
	struct event e;

	begin(f);
	accept_one(f, key_at(f, 1));
	event_one(f, 1, key_at(f, 1), EV_SENT);
	assert_int_equal(f->o->r_load(r, key_at(f, 1), &d), -ENOENT);
	assert_int_equal(f->o->r_event(r, 1, &e), -ENOENT);
	commit(f);
	assert_int_equal(f->o->r_load(r, key_at(f, 1), &d), 0);
	assert_int_equal(d->state, D_QUEUED);
	delivery_free(d);
	assert_int_equal(f->o->r_event(other, 1, &e), 0);
	assert_int_equal(e.kind, EV_SENT);
	assert_int_equal(f->o->r_load(r, key_at(f, 2), &d), -ENOENT);
	assert_int_equal(f->o->r_load(r, UID_FOREIGN, &d), -ENOENT);
	assert_int_equal(f->o->r_load(r, INT64_MAX, &d), -ENOENT);
	assert_int_equal(f->o->r_event(r, 2, &e), -ENOENT);
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, (const int64_t[]){1}, 1);
	assert_int_equal(f->o->r_load(r, key_at(f, 1), &d), 0);
	assert_int_equal(d->state, D_QUEUED);
	delivery_free(d);
	commit(f);
	assert_int_equal(f->o->r_load(other, key_at(f, 1), &d), 0);
	assert_int_equal(d->state, D_DONE);
	delivery_free(d);
	f->o->reader_close(r);
	f->o->reader_close(other);
}

static void reader_loads_all_of_it(struct fixture *f)
{
	struct store_reader *r = reader(f);
	struct delivery *in = sample(key_at(f, 1)), *out = NULL;

	begin(f);
	f->o->accept(f->s, in);
	commit(f);
	assert_int_equal(f->o->r_load(r, in->key, &out), 0);
	assert_true(same_delivery(in, out));
	delivery_free(in);
	delivery_free(out);
	f->o->reader_close(r);
}

static void history_of_nobody_is_unknown(struct fixture *f)
{
	struct store_reader *r = reader(f);
	int64_t *seqs = NULL;
	size_t n = 9;

	begin(f);
	accept_one(f, key_at(f, 1));
	commit(f);
	assert_int_equal(f->o->r_history(r, key_at(f, 2), &seqs, &n), -ENOENT);
	assert_int_equal(f->o->r_history(r, key_at(f, 1), &seqs, &n), 0);
	assert_int_equal(n, 0);
	free(seqs);
	f->o->reader_close(r);
}

/* -- correlation ids ------------------------------------------------------------------------------------------------------ */

static void correlation_gives_the_newest_first(struct fixture *f)
{
	struct store_reader *r = reader(f);
	int64_t keys[8];

	begin(f);
	for (int64_t i = 1; i <= 5; i++)
		accept_with(f, key_at(f, i), i == 3 ? "other" : "same", D_QUEUED);
	accept_with(f, key_at(f, 6), "", D_QUEUED);
	commit(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f->o->r_by_correlation(r, 3, STR("same"), keys, 8), 4);
		assert_int_equal(keys[0], key_at(f, 5));
		assert_int_equal(keys[3], key_at(f, 1));
		assert_int_equal(f->o->r_by_correlation(r, 3, STR("same"), keys, 2), 2);
		assert_int_equal(keys[1], key_at(f, 4));
		assert_int_equal(f->o->r_by_correlation(r, 3, STR("other"), keys, 8), 1);
		assert_int_equal(f->o->r_by_correlation(r, 3, STR("none"), keys, 8), 0);
		assert_int_equal(f->o->r_by_correlation(r, 3, STR(""), keys, 8), 0);
		f->o->reader_close(r);
		check_reopen(f);
		r = reader(f);
	}
	f->o->reader_close(r);
}

static void correlation_is_within_its_account(struct fixture *f)
{
	struct store_reader *r = reader(f);
	int64_t keys[8];

	begin(f);
	accept_with(f, key_at(f, 1), "same", D_QUEUED);
	commit(f);
	assert_int_equal(f->o->r_by_correlation(r, 4, STR("same"), keys, 8), 0);
	assert_int_equal(f->o->r_by_correlation(r, 3, STR("same"), keys, 8), 1);
	f->o->reader_close(r);
}

/* -- changes -------------------------------------------------------------------------------------------------------------- */

static void change(struct fixture *f, int64_t seq, uint32_t sub, int kind)
{
	event_full(f, &(struct event){.seq = seq, .key = key_at(f, seq), .kind = (uint8_t)kind, .sub_account = sub});
}

static size_t changes(struct fixture *f, struct list *l, uint32_t sub, int64_t from, int64_t to, size_t max)
{
	struct store_reader *r = reader(f);

	l->n = 0;
	assert_int_equal(f->o->r_changes(r, &sub, 1, from, to, max, list_event, l, 10000), 0);
	f->o->reader_close(r);
	return l->n;
}

static void changes_are_those_of_the_sub_account(struct fixture *f)
{
	struct list l = {0};
	struct store_reader *r;

	begin(f);
	for (int64_t i = 1; i <= 12; i++)
		change(f, i, (uint32_t)(i % 3 + 1), i % 2 ? EV_SENT : EV_ATTEMPT);
	commit(f);
	changes(f, &l, 2, 1, INT64_MAX, 100);
	assert_list(&l, 1, 7);
	changes(f, &l, 2, 2, 7, 100);
	assert_list(&l, 7);
	changes(f, &l, 2, 2, 6, 100);
	assert_int_equal(l.n, 0);
	changes(f, &l, 9, 1, INT64_MAX, 100);
	assert_int_equal(l.n, 0);
	r = reader(f);
	l.n = 0;
	assert_int_equal(f->o->r_changes(r, (const uint32_t[]){1, 2, 3}, 3, 1, 11, 4, list_event, &l, 0), 0);
	assert_list(&l, 1, 3, 5, 7);
	l.n = 0;
	l.stop = 2;
	assert_int_equal(f->o->r_changes(r, (const uint32_t[]){1, 2, 3}, 3, 1, 11, 100, list_event, &l, 0), 0);
	assert_list(&l, 1, 3);
	l.n = 0;
	assert_int_equal(f->o->r_changes(r, NULL, 0, 1, 11, 100, list_event, &l, 0), 0);
	assert_int_equal(l.n, 0);
	f->o->reader_close(r);
}

/* A receipt that never came may mean 104, which is told, or nothing at all. */
static void no_receipt_is_a_change_when_it_says_so(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 4; i++)
		event_full(f, &(struct event){.seq = i,
					      .key = key_at(f, i),
					      .kind = EV_NO_RECEIPT,
					      .sub_account = 2,
					      .code = i % 2 ? DELIVERED_NOT_DELIVERED : 0});
	commit(f);
	changes(f, &l, 2, 1, INT64_MAX, 100);
	assert_list(&l, 1, 3);
	check_reopen(f);
	changes(f, &l, 2, 1, INT64_MAX, 100);
	assert_list(&l, 1, 3);
	changes(f, &l, 2, 1, INT64_MAX, 1);
	assert_list(&l, 1);
}

/* Some sub-accounts are silent for long stretches, which a driver may skip; nothing of theirs may be skipped with them. */
static void changes_are_found_across_long_stretches(struct fixture *f)
{
	static const int64_t rare[] = {1, 4095, 4096, 4097, 8191, 8192, 12288, 20000, 24999};
	struct list l = {0};
	int64_t seq = 1;

	for (int round = 0; round < 5; round++) {
		begin(f);
		for (; seq < 5000 * (round + 1); seq++) {
			bool is_rare = false;

			for (size_t i = 0; i < COUNT_OF(rare); i++)
				is_rare |= rare[i] == seq;
			change(f, seq, is_rare ? 77 : 1000 + (uint32_t)(seq % 50), EV_DELIVERED);
		}
		commit(f);
		if (round == 2)
			check_reopen(f);
		changes(f, &l, 77, 1, INT64_MAX, 100);
		for (size_t i = 0; i < COUNT_OF(rare); i++)
			assert_int_equal(rare[i] < seq, i < l.n);
	}
	assert_int_equal(l.n, COUNT_OF(rare));
	assert_memory_equal(l.a, rare, sizeof(rare));
	changes(f, &l, 77, 4096, 12287, 100);
	assert_list(&l, 4096, 4097, 8191, 8192);
	assert_int_equal(changes(f, &l, 1003, 1, INT64_MAX, 4000), 500);
	check_reopen(f);
	assert_int_equal(changes(f, &l, 77, 1, INT64_MAX, 100), COUNT_OF(rare));
}

/* -- scans, lists ----------------------------------------------------------------------------------------------------------- */

static void scan_is_newest_first_and_bounded(struct fixture *f)
{
	struct store_reader *r = reader(f);
	struct list l = {0}, stop = {.stop = 3};
	int64_t at = f->now;

	begin(f);
	for (int64_t i = 0; i < 10; i++)
		accept_one(f, uid_key_at(at + i * 1000));
	commit(f);
	assert_int_equal(f->o->r_scan(r, at + 2000, at + 4000, list_scanned, &l, 1000), 0);
	assert_list(&l, uid_key_at(at + 4000), uid_key_at(at + 3000), uid_key_at(at + 2000));
	l.n = 0;
	assert_int_equal(f->o->r_scan(r, at + 2001, at + 3999, list_scanned, &l, 0), 0);
	assert_list(&l, uid_key_at(at + 3000));
	l.n = 0;
	assert_int_equal(f->o->r_scan(r, 0, at + DAY, list_scanned, &l, 0), 0);
	assert_int_equal(l.n, 10);
	assert_int_equal(f->o->r_scan(r, 0, INT64_MAX, list_scanned, &stop, 0), 0);
	assert_list(&stop, uid_key_at(at + 9000), uid_key_at(at + 8000), uid_key_at(at + 7000));
	f->o->reader_close(r);
}

static void parked_receipts_are_shown_newest_first(struct fixture *f)
{
	struct store_reader *r = reader(f);
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 4; i++)
		f->o->park(f->s, &(struct parked_row){.id = i, .hashes = 1, .id_hash = {5}});
	commit(f);
	assert_int_equal(f->o->r_parked(r, 3, list_parked, &l), 0);
	assert_list(&l, 4, 3, 2);
	f->o->reader_close(r);
}

static void dead_webhooks_are_shown(struct fixture *f)
{
	struct store_reader *r = reader(f);
	struct list l = {0}, one = {0};

	begin(f);
	for (int64_t i = 1; i <= 4; i++)
		f->o->hook_set(f->s, &(struct hook_row){.key = i, .kind = HOOK_SENT, .dead = i % 2 == 0, .due = INT64_MAX});
	commit(f);
	assert_int_equal(f->o->r_hooks_dead(r, 10, list_hook, &l), 0);
	assert_list(&l, 4, 2);
	assert_int_equal(f->o->r_hooks_dead(r, 1, list_hook, &one), 0);
	assert_list(&one, 4);
	f->o->reader_close(r);
}

static void sound_store_passes_its_check(struct fixture *f)
{
	struct buf report = BUF_INIT;
	struct err e = {""};

	begin(f);
	for (int64_t i = 0; i < 100; i++) {
		accept_with(f, key_at(f, i << 27), "c", i % 7 ? D_QUEUED : D_DONE);
		event_one(f, i + 1, key_at(f, i << 27), EV_SENT);
	}
	commit(f);
	begin(f);
	for (int64_t i = 0; i < 100; i += 3)
		merge_one(f, key_at(f, i << 27), D_DONE, (const int64_t[]){i + 1}, 1);
	commit(f);
	if (f->o->check(f->s, &report, &e) != 0)
		fail_msg("%s: %s", e.text, buf_cstr(&report));
	assert_true(report.n > 0);
	buf_done(&report);
}

const struct check reader_checks[] = {
	CHECK(readers_see_what_is_committed),
	CHECK(reader_loads_all_of_it),
	CHECK(history_of_nobody_is_unknown),
	CHECK(correlation_gives_the_newest_first),
	CHECK(correlation_is_within_its_account),
	CHECK(changes_are_those_of_the_sub_account),
	CHECK(no_receipt_is_a_change_when_it_says_so),
	CHECK(changes_are_found_across_long_stretches),
	CHECK(scan_is_newest_first_and_bounded),
	CHECK(parked_receipts_are_shown_newest_first),
	CHECK(dead_webhooks_are_shown),
	CHECK(sound_store_passes_its_check),
};
const size_t reader_check_count = COUNT_OF(reader_checks);
