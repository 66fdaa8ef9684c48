/* Batches: what goes in comes back, all or nothing, in order; look-ups by carrier id, idempotency key and mark. */
#include <errno.h>

#include "contract.h"

static void fresh_store_is_empty(struct fixture *f)
{
	struct delivery *d = NULL;
	struct event e;
	struct list l = {0};
	struct buf b = BUF_INIT;
	int64_t keys[1], last;

	assert_int_equal(f->o->last_seq(f->s), 0);
	assert_int_equal(f->o->last_key(f->s), 0);
	assert_int_equal(f->o->load(f->s, key_at(f, 0), &d), -ENOENT);
	assert_int_equal(f->o->load(f->s, UID_FOREIGN, &d), -ENOENT);
	assert_int_equal(f->o->load_event(f->s, 1, &e), -ENOENT);
	assert_int_equal(f->o->by_carrier(f->s, 7, keys, 1), 0);
	assert_int_equal(f->o->parked_count(f->s), 0);
	assert_false(f->o->mark_get(f->s, "x", &b));
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_int_equal(f->o->events_from(f->s, 0, 10, list_event, &l), 0);
	assert_int_equal(f->o->unfinished_after(f->s, ~0u, 0, INT64_MAX, 10, list_delivery, &l, &last), 0);
	assert_int_equal(last, 0);
	assert_int_equal(l.n, 0);
}

static void delivery_comes_back_whole(struct fixture *f)
{
	struct delivery *in = sample(key_at(f, 5)), *out = NULL;

	begin(f);
	f->o->accept(f->s, in);
	commit(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f->o->load(f->s, in->key, &out), 0);
		assert_true(same_delivery(in, out));
		delivery_free(out);
		check_reopen(f);
	}
	delivery_free(in);
}

static void odd_texts_come_back(struct fixture *f)
{
	char long_text[6000];
	const struct delivery_text odd[] = {
		{.text = {NULL, 0}},
		{.destination = STR("5511"), .number = STR("5511")},
		{.destination = STR("abc"), .number = {NULL, 0}},
		{.destination = {NULL, 0}, .number = STR("5511")},
		{.text = {long_text, sizeof(long_text)}, .source = STR("\xf0\x9f\x93\xb1")},
		{.text = STR("'; DROP TABLE m; --"), .extra = STR("a\nb"), .campaign = STR(" ")},
	};
	struct delivery *d;

	memset(long_text, 'x', sizeof(long_text));
	begin(f);
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		d = delivery_new(&odd[i]);
		d->key = key_at(f, (int64_t)i);
		f->o->accept(f->s, d);
		delivery_free(d);
	}
	commit(f);
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		assert_int_equal(f->o->load(f->s, key_at(f, (int64_t)i), &d), 0);
		assert_true(str_eq(d->t.destination, odd[i].destination));
		assert_true(str_eq(d->t.number, odd[i].number));
		assert_true(str_eq(d->t.source, odd[i].source));
		assert_true(str_eq(d->t.text, odd[i].text));
		assert_true(str_eq(d->t.extra, odd[i].extra));
		assert_true(str_eq(d->t.campaign, odd[i].campaign));
		delivery_free(d);
	}
}

static void extreme_numbers_come_back(struct fixture *f)
{
	struct delivery *in = sample(INT64_MAX >> 1), *out = NULL;

	in->rest = ((uint64_t)1 << 59) - 1;
	in->account = in->sub_account = in->user = in->campaign_id = UINT32_MAX;
	in->operator_id = INT32_MIN;
	in->expires_at = INT64_MAX;
	in->batch = 0;
	in->sent_code = -1;
	in->detail = INT32_MIN;
	in->last_seq = INT64_MAX - 1;
	begin(f);
	f->o->accept(f->s, in);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->load(f->s, in->key, &out), 0);
	assert_true(same_delivery(in, out));
	delivery_free(out);
	delivery_free(in);
}

static void event_comes_back_whole(struct fixture *f)
{
	struct event a = {.seq = 1,
			  .key = INT64_MAX,
			  .sub_account = UINT32_MAX,
			  .user = UINT32_MAX,
			  .at = -1,
			  .at2 = INT64_MIN,
			  .hash = UINT64_MAX,
			  .code = INT32_MIN,
			  .arg = INT32_MAX,
			  .kind = EV_DELIVERED,
			  .detail_len = EVENT_DETAIL_MAX},
		     out;
	struct event bare = {.seq = 2, .key = 1, .kind = EV_ATTEMPT};

	memset(a.detail, 'z', sizeof(a.detail));
	begin(f);
	event_full(f, &a);
	event_full(f, &bare);
	commit(f);
	check_reopen(f);
	memset(&out, 0, sizeof(out));
	assert_int_equal(f->o->load_event(f->s, 1, &out), 0);
	assert_memory_equal(&out, &a, sizeof(a));
	memset(&out, 0, sizeof(out));
	assert_int_equal(f->o->load_event(f->s, 2, &out), 0);
	assert_memory_equal(&out, &bare, sizeof(bare));
	assert_int_equal(f->o->load_event(f->s, 3, &out), -ENOENT);
}

static void writer_sees_the_open_batch(struct fixture *f)
{
	struct event e;
	int64_t key;

	begin(f);
	accept_one(f, key_at(f, 1));
	event_full(f, &(struct event){.seq = 1, .key = key_at(f, 1), .kind = EV_SENT, .hash = 77});
	assert_true(has(f, key_at(f, 1)));
	assert_int_equal(f->o->load_event(f->s, 1, &e), 0);
	assert_int_equal(f->o->by_carrier(f->s, 77, &key, 1), 1);
	assert_int_equal(f->o->last_seq(f->s), 1);
	assert_int_equal(f->o->last_key(f->s), key_at(f, 1));
	commit(f);
}

static void what_was_not_committed_is_gone(struct fixture *f)
{
	struct event e;
	int64_t key;
	struct buf b = BUF_INIT;

	begin(f);
	accept_one(f, key_at(f, 1));
	event_one(f, 1, key_at(f, 1), EV_ATTEMPT);
	commit(f);
	begin(f);
	accept_one(f, key_at(f, 2));
	event_full(f, &(struct event){.seq = 2, .key = key_at(f, 2), .kind = EV_SENT, .hash = 77});
	set_mark(f, "m", 1);
	f->o->park(f->s, &(struct parked_row){.id = 1});
	f->o->due_set(f->s, &(struct due){.at = 1, .key = key_at(f, 2)});
	check_reopen(f);
	assert_true(has(f, key_at(f, 1)));
	assert_false(has(f, key_at(f, 2)));
	assert_int_equal(f->o->load_event(f->s, 2, &e), -ENOENT);
	assert_int_equal(f->o->by_carrier(f->s, 77, &key, 1), 0);
	assert_false(f->o->mark_get(f->s, "m", &b));
	assert_int_equal(f->o->parked_count(f->s), 0);
	assert_int_equal(f->o->last_seq(f->s), 1);
	assert_int_equal(f->o->last_key(f->s), key_at(f, 1));
	begin(f);
	event_one(f, 2, key_at(f, 1), EV_SENT);
	commit(f);
	assert_int_equal(f->o->load_event(f->s, 2, &e), 0);
	assert_int_equal(e.key, key_at(f, 1));
}

static void empty_batch_is_fine(struct fixture *f)
{
	for (int i = 0; i < 3; i++) {
		begin(f);
		commit(f);
		f->o->idle(f->s, f->now);
	}
	check_reopen(f);
	assert_int_equal(f->o->last_key(f->s), 0);
}

static void every_committed_batch_survives(struct fixture *f)
{
	for (int64_t i = 0; i < 50; i++) {
		begin(f);
		accept_one(f, key_at(f, i));
		event_one(f, i + 1, key_at(f, i), EV_ATTEMPT);
		commit(f);
		if (i % 10 == 9)
			check_reopen(f);
	}
	for (int64_t i = 0; i < 50; i++)
		assert_true(has(f, key_at(f, i)));
	assert_int_equal(f->o->last_seq(f->s), 50);
}

static void large_batch_is_one(struct fixture *f)
{
	begin(f);
	for (int64_t i = 0; i < 5000; i++)
		accept_one(f, key_at(f, i));
	check_reopen(f);
	assert_false(has(f, key_at(f, 0)));
	assert_false(has(f, key_at(f, 4999)));
	begin(f);
	for (int64_t i = 0; i < 5000; i++)
		accept_one(f, key_at(f, i));
	commit(f);
	check_reopen(f);
	assert_true(has(f, key_at(f, 0)));
	assert_true(has(f, key_at(f, 4999)));
}

static void last_key_counts_batches_mos_and_idempotency(struct fixture *f)
{
	struct delivery *d = sample(key_at(f, 1));
	struct mo mo = {.key = key_at(f, 3000), .source = "5511", .text = STR("yes")};

	begin(f);
	f->o->accept(f->s, d); /* its batch is key + 1000 */
	commit(f);
	assert_int_equal(f->o->last_key(f->s), d->key + 1000);
	check_reopen(f);
	assert_int_equal(f->o->last_key(f->s), d->key + 1000);
	begin(f);
	f->o->mo(f->s, &mo);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->last_key(f->s), mo.key);
	begin(f);
	accept_one(f, key_at(f, 3001));
	f->o->idem(f->s, &(struct idem_row){.hash = 1, .first_key = key_at(f, 3001), .count = 1, .batch = key_at(f, 4000)});
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->last_key(f->s), key_at(f, 4000));
	delivery_free(d);
}

static void hash_key_stays(struct fixture *f)
{
	struct hash_key k = *f->o->hash_key(f->s);

	check_reopen(f);
	assert_memory_equal(&k, f->o->hash_key(f->s), sizeof(k));
}

/* -- events in order ---------------------------------------------------------------------------------------------------- */

static void events_from_is_ascending_and_bounded(struct fixture *f)
{
	struct list l = {0}, few = {0}, stopped = {.stop = 2}, none = {0};

	begin(f);
	for (int64_t i = 1; i <= 10; i++)
		event_one(f, i, key_at(f, 10 - i), EV_ATTEMPT);
	commit(f);
	assert_int_equal(f->o->events_from(f->s, 0, 100, list_event, &l), 0);
	assert_list(&l, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	assert_int_equal(f->o->events_from(f->s, 4, 3, list_event, &few), 0);
	assert_list(&few, 4, 5, 6);
	assert_int_equal(f->o->events_from(f->s, 9, 100, list_event, &stopped), 0);
	assert_list(&stopped, 9, 10);
	assert_int_equal(f->o->events_from(f->s, 11, 100, list_event, &none), 0);
	assert_int_equal(f->o->events_from(f->s, 1, 0, list_event, &none), 0);
	assert_int_equal(none.n, 0);
}

/* -- carrier ids -------------------------------------------------------------------------------------------------------- */

static void sent(struct fixture *f, int64_t seq, int64_t key, uint64_t hash, int kind)
{
	event_full(f, &(struct event){.seq = seq, .key = key, .kind = (uint8_t)kind, .hash = hash});
}

static void carrier_id_finds_its_delivery(struct fixture *f)
{
	int64_t keys[4];

	begin(f);
	sent(f, 1, 101, 7, EV_SENT);
	sent(f, 2, 102, 8, EV_PART);
	sent(f, 3, 103, 9, EV_RECEIPT); /* not an id given by the carrier */
	sent(f, 4, 104, 0, EV_SENT);
	commit(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f->o->by_carrier(f->s, 7, keys, 4), 1);
		assert_int_equal(keys[0], 101);
		assert_int_equal(f->o->by_carrier(f->s, 8, keys, 4), 1);
		assert_int_equal(keys[0], 102);
		assert_int_equal(f->o->by_carrier(f->s, 9, keys, 4), 0);
		assert_int_equal(f->o->by_carrier(f->s, 0, keys, 4), 0);
		assert_int_equal(f->o->by_carrier(f->s, 1234, keys, 4), 0);
		check_reopen(f);
	}
}

static void carrier_id_of_several_gives_the_newest_first(struct fixture *f)
{
	int64_t keys[8];
	const int64_t all[] = {105, 104, 103, 102, 101};

	begin(f);
	for (int64_t i = 1; i <= 5; i++)
		sent(f, i, 100 + i, 7, EV_SENT);
	commit(f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f->o->by_carrier(f->s, 7, keys, 8), 5);
		assert_memory_equal(keys, all, sizeof(all));
		assert_int_equal(f->o->by_carrier(f->s, 7, keys, 2), 2);
		assert_memory_equal(keys, all, 2 * sizeof(keys[0]));
		check_reopen(f);
	}
}

static void carrier_id_names_a_delivery_once(struct fixture *f)
{
	int64_t keys[4];

	begin(f);
	sent(f, 1, 101, 7, EV_PART);
	sent(f, 2, 101, 7, EV_SENT);
	commit(f);
	assert_int_equal(f->o->by_carrier(f->s, 7, keys, 4), 1);
	check_reopen(f);
	assert_int_equal(f->o->by_carrier(f->s, 7, keys, 4), 1);
}

/* -- idempotency keys --------------------------------------------------------------------------------------------------- */

static struct idem_row idem_sample(struct fixture *f, uint64_t hash, int64_t i)
{
	return (struct idem_row){.hash = hash,
				 .body_hash = UINT64_MAX - 1,
				 .first_key = key_at(f, i),
				 .count = 1000,
				 .batch = key_at(f, i + 1000),
				 .batch_rest = 99,
				 .at = f->now};
}

static void idempotency_key_comes_back_whole(struct fixture *f)
{
	struct idem_row in = idem_sample(f, UINT64_MAX, 1), out;

	begin(f);
	accept_one(f, in.first_key);
	f->o->idem(f->s, &in);
	assert_true(f->o->idem_find(f->s, UINT64_MAX, &out));
	commit(f);
	for (int i = 0; i < 2; i++) {
		memset(&out, 0, sizeof(out));
		assert_true(f->o->idem_find(f->s, UINT64_MAX, &out));
		assert_memory_equal(&in, &out, sizeof(in));
		assert_false(f->o->idem_find(f->s, 1, &out));
		check_reopen(f);
	}
}

static void idempotency_key_used_again_gives_the_newest(struct fixture *f)
{
	struct idem_row a = idem_sample(f, 5, 1), b = idem_sample(f, 5, 2001), out;

	begin(f);
	accept_one(f, a.first_key);
	f->o->idem(f->s, &a);
	commit(f);
	begin(f);
	accept_one(f, b.first_key);
	f->o->idem(f->s, &b);
	commit(f);
	assert_true(f->o->idem_find(f->s, 5, &out));
	assert_int_equal(out.first_key, b.first_key);
	check_reopen(f);
	assert_true(f->o->idem_find(f->s, 5, &out));
	assert_int_equal(out.first_key, b.first_key);
}

static void idempotency_key_of_a_lost_batch_is_unknown(struct fixture *f)
{
	struct idem_row in = idem_sample(f, 5, 1), out;

	begin(f);
	accept_one(f, in.first_key);
	f->o->idem(f->s, &in);
	check_reopen(f);
	assert_false(f->o->idem_find(f->s, 5, &out));
}

/* -- marks -------------------------------------------------------------------------------------------------------------- */

static void marks_are_kept_and_replaced(struct fixture *f)
{
	struct buf b = BUF_INIT;

	begin(f);
	f->o->mark(f->s, "list/17", STR("one"));
	f->o->mark(f->s, "empty", (struct str){NULL, 0});
	f->o->mark(f->s, "list/17", STR("two"));
	commit(f);
	begin(f);
	f->o->mark(f->s, "list/18", STR("a\0b"));
	assert_true(f->o->mark_get(f->s, "list/18", &b));
	commit(f);
	for (int i = 0; i < 2; i++) {
		buf_clear(&b);
		assert_true(f->o->mark_get(f->s, "list/17", &b));
		assert_true(str_eqz(buf_view(&b), "two"));
		buf_clear(&b);
		assert_true(f->o->mark_get(f->s, "list/18", &b));
		assert_true(str_eq(buf_view(&b), STR("a\0b")));
		buf_clear(&b);
		assert_true(f->o->mark_get(f->s, "empty", &b));
		assert_int_equal(b.n, 0);
		assert_false(f->o->mark_get(f->s, "list/1", &b));
		check_reopen(f);
	}
	buf_done(&b);
}

const struct check batch_checks[] = {
	CHECK(fresh_store_is_empty),
	CHECK(delivery_comes_back_whole),
	CHECK(odd_texts_come_back),
	CHECK(extreme_numbers_come_back),
	CHECK(event_comes_back_whole),
	CHECK(writer_sees_the_open_batch),
	CHECK(what_was_not_committed_is_gone),
	CHECK(empty_batch_is_fine),
	CHECK(every_committed_batch_survives),
	CHECK(large_batch_is_one),
	CHECK(last_key_counts_batches_mos_and_idempotency),
	CHECK(hash_key_stays),
	CHECK(events_from_is_ascending_and_bounded),
	CHECK(carrier_id_finds_its_delivery),
	CHECK(carrier_id_of_several_gives_the_newest_first),
	CHECK(carrier_id_names_a_delivery_once),
	CHECK(idempotency_key_comes_back_whole),
	CHECK(idempotency_key_used_again_gives_the_newest),
	CHECK(idempotency_key_of_a_lost_batch_is_unknown),
	CHECK(marks_are_kept_and_replaced),
};
const size_t batch_check_count = COUNT_OF(batch_checks);
