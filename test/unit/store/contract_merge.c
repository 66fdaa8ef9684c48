/* State into rows, what is unfinished, and recovery. */
#include <errno.h>

#include "contract.h"

#define SEQS(...) ((const int64_t[]){__VA_ARGS__})

static void merge_moves_the_state(struct fixture *f)
{
	struct delivery *in = sample(key_at(f, 1)), *d = NULL;
	const struct delivery *one;
	const int64_t *seqs = SEQS(1, 2);
	size_t n = 2;

	begin(f);
	f->o->accept(f->s, in);
	event_one(f, 1, in->key, EV_ATTEMPT);
	event_one(f, 2, in->key, EV_SENT);
	commit(f);
	assert_int_equal(f->o->load(f->s, in->key, &d), 0);
	d->state = D_SENT;
	d->attempts = 3;
	d->sent_code = 2;
	d->sent_at = 1234;
	d->last_seq = 2;
	delivery_set_parts(d, 3);
	delivery_part(d, 1)->id_hash = 99;
	delivery_part(d, 1)->state = PART_ACCEPTED;
	one = d;
	begin(f);
	f->o->merge(f->s, &one, &seqs, &n, 1);
	delivery_free(in);
	assert_int_equal(f->o->load(f->s, d->key, &in), 0); /* in the open batch too */
	assert_true(same_delivery(in, d));
	delivery_free(in);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->load(f->s, d->key, &in), 0);
	assert_true(same_delivery(in, d));
	delivery_free(in);
	delivery_free(d);
}

static size_t text_left(struct fixture *f, int64_t key)
{
	struct delivery *d = NULL;
	size_t n;

	assert_int_equal(f->o->load(f->s, key, &d), 0);
	n = d->t.text.n;
	delivery_free(d);
	return n;
}

/* Merged by a later day as well: the row is then in an older file. */
static void final_state_takes_the_text_where_it_is_to_go(struct fixture *f)
{
	static const struct {
		uint8_t flags, state;
		bool goes;
	} rows[] = {{DF_REDACT, D_DONE, true}, {DF_REDACT, D_SENT, false}, {0, D_DONE, false}, {DF_REDACT | DF_LATE, D_DONE, true}};

	for (int later = 0; later < 2; later++)
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			int64_t key = key_at(f, 1), seq = f->o->last_seq(f->s) + 1;
			const int64_t *seqs = &seq;
			struct delivery *d = NULL;
			const struct delivery *one;
			size_t n = 1;

			begin(f);
			accept_one(f, key);
			event_one(f, seq, key, EV_SENT);
			commit(f);
			assert_int_equal(f->o->load(f->s, key, &d), 0);
			d->flags = rows[i].flags;
			d->state = rows[i].state;
			d->last_seq = seq;
			one = d;
			if (later)
				f->now += DAY;
			begin(f);
			f->o->merge(f->s, &one, &seqs, &n, 1);
			commit(f);
			assert_int_equal(text_left(f, key) == 0, rows[i].goes);
			check_reopen(f);
			assert_int_equal(text_left(f, key) == 0, rows[i].goes);
			delivery_free(d);
			f->now += 1000;
		}
}

static void lost_merge_changes_nothing(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	accept_one(f, key_at(f, 1));
	event_one(f, 1, key_at(f, 1), EV_SENT);
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, SEQS(1), 1);
	check_reopen(f);
	assert_int_equal(state_of(f, key_at(f, 1)), D_QUEUED);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 1));
	assert_int_equal(l.each[0].events, 1);
}

static size_t history(struct fixture *f, int64_t key, int64_t *to, size_t max)
{
	struct store_reader *r = NULL;
	int64_t *seqs = NULL;
	size_t n = 0;

	assert_int_equal(f->o->reader_open(f->s, &r, NULL), 0);
	assert_int_equal(f->o->r_history(r, key, &seqs, &n), 0);
	assert_true(n <= max);
	if (n)
		memcpy(to, seqs, n * sizeof(*to));
	free(seqs);
	f->o->reader_close(r);
	return n;
}

static void history_grows_with_each_merge(struct fixture *f)
{
	int64_t got[8];
	const int64_t want[] = {1, 2, 130, 5000, 1000000000000};

	begin(f);
	accept_one(f, key_at(f, 1));
	accept_one(f, key_at(f, 2));
	merge_one(f, key_at(f, 1), D_SENDING, SEQS(1, 2), 2);
	merge_one(f, key_at(f, 1), D_SENT, SEQS(130), 1);
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 1), D_SENT, SEQS(5000), 1);
	merge_one(f, key_at(f, 1), D_DONE, SEQS(1000000000000), 1);
	commit(f);
	check_reopen(f);
	assert_int_equal(history(f, key_at(f, 1), got, 8), 5);
	assert_memory_equal(got, want, sizeof(want));
	assert_int_equal(history(f, key_at(f, 2), got, 8), 0);
	assert_int_equal(state_of(f, key_at(f, 1)), D_DONE);
}

static void merge_without_events_is_fine(struct fixture *f)
{
	begin(f);
	accept_one(f, key_at(f, 1));
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, NULL, 0);
	commit(f);
	check_reopen(f);
	assert_int_equal(state_of(f, key_at(f, 1)), D_DONE);
}

static void many_are_merged_at_once(struct fixture *f)
{
	enum { N = 3000 };
	struct delivery *d[N];
	const int64_t *seqs[N];
	int64_t seq[N];
	size_t counts[N];
	struct list l = {0};

	begin(f);
	for (int i = 0; i < N; i++) {
		accept_one(f, key_at(f, (int64_t)i << 24));
		event_one(f, i + 1, key_at(f, (int64_t)i << 24), EV_SENT);
	}
	commit(f);
	for (int i = 0; i < N; i++) {
		assert_int_equal(f->o->load(f->s, key_at(f, (int64_t)i << 24), &d[i]), 0);
		d[i]->state = i % 1000 == 7 ? D_SENT : D_DONE;
		d[i]->last_seq = seq[i] = i + 1;
		seqs[i] = &seq[i];
		counts[i] = 1;
	}
	begin(f);
	f->o->merge(f->s, (const struct delivery *const *)d, seqs, counts, N);
	commit(f);
	for (int i = 0; i < N; i++)
		delivery_free(d[i]);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 7ll << 24), key_at(f, 1007ll << 24), key_at(f, 2007ll << 24));
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_int_equal(l.n, 3);
}

/* -- recovery ------------------------------------------------------------------------------------------------------------ */

static void recovery_tells_what_is_unfinished(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 6; i++)
		accept_with(f, key_at(f, i), "", i == 6 ? D_DONE : D_QUEUED);
	event_one(f, 1, key_at(f, 2), EV_ATTEMPT);
	event_one(f, 2, key_at(f, 3), EV_ATTEMPT);
	event_one(f, 3, key_at(f, 2), EV_SENT);
	event_one(f, 4, key_at(f, 3), EV_SENT);
	event_one(f, 5, key_at(f, 4), EV_ATTEMPT);
	event_one(f, 6, key_at(f, 5), EV_SENT);
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 3), D_DONE, SEQS(2, 4), 2); /* over */
	merge_one(f, key_at(f, 4), D_SENDING, SEQS(5), 1); /* not over, nothing since */
	merge_one(f, key_at(f, 5), D_DONE, SEQS(6), 1);    /* over, and something since */
	event_one(f, 7, key_at(f, 5), EV_HOOK_DONE);
	event_one(f, 8, key_at(f, 2), EV_DELIVERED);
	commit(f);
	for (int i = 0; i < 2; i++) {
		l.n = 0;
		assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
		assert_list(&l, key_at(f, 1), key_at(f, 2), key_at(f, 4), key_at(f, 5));
		assert_int_equal(l.each[0].events, 0);
		assert_int_equal(l.each[1].events, 3);
		assert_int_equal(l.each[1].first, 1);
		assert_int_equal(l.each[1].last, 8);
		assert_int_equal(l.each[2].events, 0);
		assert_int_equal(l.each[3].events, 1);
		assert_int_equal(l.each[3].first, 7);
		check_reopen(f);
	}
}

static void recovery_stops_when_told(struct fixture *f)
{
	struct list l = {.stop = 2};

	begin(f);
	for (int64_t i = 1; i <= 5; i++)
		accept_one(f, key_at(f, i));
	commit(f);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 1), key_at(f, 2));
}

static void recovery_holds_to_the_marks(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 4; i++)
		accept_one(f, key_at(f, i));
	event_one(f, 1, key_at(f, 1), EV_SENT);
	event_one(f, 2, key_at(f, 2), EV_SENT);
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, SEQS(1), 1);
	merge_one(f, key_at(f, 2), D_SENT, SEQS(2), 1);
	set_mark(f, "merged", 3);
	set_mark(f, "unfinished", key_at(f, 2));
	commit(f);
	begin(f);
	event_one(f, 3, key_at(f, 1), EV_LATE); /* below the lowest unfinished one */
	event_one(f, 4, key_at(f, 2), EV_DELIVERED);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 1), key_at(f, 2), key_at(f, 3), key_at(f, 4));
	assert_int_equal(l.each[0].first, 3);
	assert_int_equal(l.each[1].events, 1);
	assert_int_equal(l.each[1].first, 4);
}

static void event_of_no_delivery_disturbs_nobody(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	accept_one(f, key_at(f, 5));
	event_one(f, 1, key_at(f, 1), EV_HOOK_DONE); /* an MO's, perhaps */
	event_one(f, 2, key_at(f, 5), EV_ATTEMPT);
	event_one(f, 3, key_at(f, 9), EV_HOOK_DONE);
	commit(f);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 5));
	assert_int_equal(l.each[0].events, 1);
}

/* The state a delivery has is the same whether its events were merged or come with it. */
static void recovery_after_any_merge_tells_the_rest(struct fixture *f)
{
	for (size_t merged = 0; merged <= 4; merged++) {
		int64_t key = key_at(f, (int64_t)merged), first = (int64_t)merged * 4;
		const int64_t *seqs = SEQS(first + 1, first + 2, first + 3, first + 4);

		begin(f);
		accept_one(f, key);
		for (int64_t i = 1; i <= 4; i++)
			event_one(f, first + i, key, i < 4 ? EV_RECEIPT : EV_DELIVERED);
		commit(f);
		begin(f);
		if (merged)
			merge_one(f, key, merged < 4 ? D_SENT : D_DONE, seqs, merged);
		commit(f);
	}
	check_reopen(f);
	struct list l = {0};
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_int_equal(l.n, 4); /* the fifth is over, all told */
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(l.each[i].events, 4 - i);
		assert_int_equal(l.each[i].last, (int64_t)i * 4 + 4);
	}
}

/* -- refills -------------------------------------------------------------------------------------------------------------- */

#define BIT(s) (1u << (s))

static void states_1_to_8(struct fixture *f)
{
	begin(f);
	for (int64_t i = 1; i <= 8; i++)
		accept_one(f, key_at(f, i));
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 2), D_DONE, NULL, 0);
	merge_one(f, key_at(f, 3), D_SENT, NULL, 0);
	merge_one(f, key_at(f, 5), D_DOUBT, NULL, 0);
	merge_one(f, key_at(f, 6), D_SENT, NULL, 0);
	commit(f);
}

static void unfinished_are_found_by_state(struct fixture *f)
{
	struct list queued = {0}, sent = {0}, both = {0}, stop = {.stop = 2};
	int64_t last = 0;

	states_1_to_8(f);
	assert_int_equal(f->o->unfinished_after(f->s, BIT(D_QUEUED), 0, INT64_MAX, 100, list_delivery, &queued, &last), 0);
	assert_list(&queued, key_at(f, 1), key_at(f, 4), key_at(f, 7), key_at(f, 8));
	assert_int_equal(last, key_at(f, 8));
	assert_int_equal(f->o->unfinished_after(f->s, BIT(D_SENT), 0, INT64_MAX, 100, list_delivery, &sent, &last), 0);
	assert_list(&sent, key_at(f, 3), key_at(f, 6));
	assert_int_equal(f->o->unfinished_after(f->s, BIT(D_SENT) | BIT(D_DOUBT), key_at(f, 3), key_at(f, 6),
						100, list_delivery, &both, &last),
			 0);
	assert_list(&both, key_at(f, 5), key_at(f, 6));
	assert_int_equal(last, key_at(f, 6));
	assert_int_equal(f->o->unfinished_after(f->s, BIT(D_QUEUED), 0, INT64_MAX, 100, list_delivery, &stop, &last), 0);
	assert_list(&stop, key_at(f, 1), key_at(f, 4));
	assert_int_equal(last, key_at(f, 4));
}

static void refill_is_bounded_and_goes_on(struct fixture *f)
{
	struct list l = {0};
	int64_t after = 0, last = 0;
	int turns = 0;

	begin(f);
	for (int64_t i = 0; i < 1000; i++)
		accept_one(f, key_at(f, i << 22));
	commit(f);
	for (;; turns++) {
		size_t before = l.n;

		assert_int_equal(
			f->o->unfinished_after(f->s, BIT(D_QUEUED), after, INT64_MAX, 64, list_delivery, &l, &last), 0);
		assert_true(l.n - before <= 64);
		if (last == after)
			break;
		after = last;
	}
	assert_int_equal(turns, 16);
	assert_int_equal(l.n, 1000);
	for (size_t i = 1; i < l.n; i++)
		assert_true(l.a[i - 1] < l.a[i]);
}

static void refill_sees_the_open_batch(struct fixture *f)
{
	struct list l = {0};
	int64_t last;

	states_1_to_8(f);
	begin(f);
	accept_one(f, key_at(f, 9));
	merge_one(f, key_at(f, 1), D_DONE, NULL, 0);
	assert_int_equal(f->o->unfinished_after(f->s, BIT(D_QUEUED), 0, INT64_MAX, 100, list_delivery, &l, &last), 0);
	assert_list(&l, key_at(f, 4), key_at(f, 7), key_at(f, 8), key_at(f, 9));
	commit(f);
}

/* Blocks of keys that are over are skipped: one that is unfinished again must not be. */
static void finished_may_be_unfinished_again(struct fixture *f)
{
	struct list l = {0};
	const int64_t far = (int64_t)1 << 40;

	begin(f);
	accept_one(f, key_at(f, 1));
	accept_with(f, key_at(f, 2), "", D_DONE);
	accept_one(f, key_at(f, far));
	commit(f);
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, SEQS(1), 1);
	merge_one(f, key_at(f, 2), D_DONE, SEQS(2), 1);
	merge_one(f, key_at(f, 2), D_DONE, SEQS(3), 1);
	commit(f);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, far));
	begin(f);
	merge_one(f, key_at(f, 1), D_QUEUED, SEQS(4), 1); /* a message that is sent again */
	merge_one(f, key_at(f, 2), D_SENT, SEQS(5), 1);
	commit(f);
	l.n = 0;
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 1), key_at(f, 2), key_at(f, far));
	begin(f);
	merge_one(f, key_at(f, 1), D_DONE, SEQS(6), 1);
	merge_one(f, key_at(f, 2), D_DONE, SEQS(7), 1);
	merge_one(f, key_at(f, far), D_DONE, SEQS(8), 1);
	commit(f);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_int_equal(l.n, 0);
}

const struct check merge_checks[] = {
	CHECK(merge_moves_the_state),
	CHECK(final_state_takes_the_text_where_it_is_to_go),
	CHECK(lost_merge_changes_nothing),
	CHECK(history_grows_with_each_merge),
	CHECK(merge_without_events_is_fine),
	CHECK(many_are_merged_at_once),
	CHECK(recovery_tells_what_is_unfinished),
	CHECK(recovery_stops_when_told),
	CHECK(recovery_holds_to_the_marks),
	CHECK(event_of_no_delivery_disturbs_nobody),
	CHECK(recovery_after_any_merge_tells_the_rest),
	CHECK(unfinished_are_found_by_state),
	CHECK(refill_is_bounded_and_goes_on),
	CHECK(refill_sees_the_open_batch),
	CHECK(finished_may_be_unfinished_again),
};
const size_t merge_check_count = COUNT_OF(merge_checks);
