/* contract_mo.c - messages from handsets: what is stored comes back, in order, over files and restarts; the index of handsets. */
#include "contract.h"

static struct mo mo_of(int64_t key)
{
	return (struct mo){.key = key,
			   .rest = 0xfedcba9876543210u,
			   .at = uid_key_ms(key),
			   .seq = 1,
			   .account = 1,
			   .sub_account = 2,
			   .user = 3,
			   .operator_id = 4,
			   .connection = 5,
			   .owner = MO_MT,
			   .total = 3,
			   .came = 2,
			   .mt = 77,
			   .mt_rest = 0x8000000000000001u,
			   .hash = UINT64_MAX,
			   .source = "5511999990000",
			   .short_code = "27182",
			   .wish = MO_WISH_OUT,
			   .wish_sub = 9,
			   .text = STR("Eu quero pizza \xf0\x9f\x8d\x95"),
			   .correlation = STR("1876"),
			   .campaign = STR("Promo"),
			   .parts = {"12345678\0bcdefg\0", 16}};
}

static void put_mo(struct fixture *f, int64_t key)
{
	struct mo m = mo_of(key);

	f->o->mo(f->s, &m);
}

static void same(const struct mo *a, const struct mo *b)
{
	assert_true(a->key == b->key && a->rest == b->rest && a->at == b->at && a->seq == b->seq);
	assert_true(a->account == b->account && a->sub_account == b->sub_account && a->user == b->user);
	assert_true(a->operator_id == b->operator_id && a->connection == b->connection && a->owner == b->owner);
	assert_true(a->total == b->total && a->came == b->came && a->mt == b->mt && a->mt_rest == b->mt_rest);
	assert_true(a->hash == b->hash && a->wish == b->wish && a->wish_sub == b->wish_sub);
	assert_string_equal(a->source, b->source);
	assert_string_equal(a->short_code, b->short_code);
	assert_true(str_eq(a->text, b->text) && str_eq(a->correlation, b->correlation));
	assert_true(str_eq(a->campaign, b->campaign) && str_eq(a->parts, b->parts));
}

static bool list_mo(void *ctx, const struct mo *m)
{
	struct list *l = ctx;

	l->a[l->n++] = m->key;
	return l->n != l->stop;
}

static bool list_part(void *ctx, const struct mo_part *p)
{
	struct list *l = ctx;

	l->a[l->n++] = p->key;
	return l->n != l->stop;
}

static void mo_comes_back_whole(struct fixture *f)
{
	struct mo want = mo_of(key_at(f, 1)), *got = NULL;
	struct store_reader *r;
	struct err e;

	begin(f);
	f->o->mo(f->s, &want);
	assert_int_equal(f->o->mo_load(f->s, want.key, &got), 0); /* the writer sees the open batch */
	same(got, &want);
	free(got);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->mo_load(f->s, want.key, &got), 0);
	same(got, &want);
	free(got);
	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_mo(r, want.key, &got), 0);
	same(got, &want);
	free(got);
	assert_int_equal(f->o->r_mo(r, want.key + 1, &got), -ENOENT);
	assert_int_equal(f->o->mo_load(f->s, want.key + 1, &got), -ENOENT);
	f->o->reader_close(r);
}

static void mo_of_a_lost_batch_is_gone(struct fixture *f)
{
	struct mo *got;

	begin(f);
	put_mo(f, key_at(f, 1));
	check_reopen(f);
	assert_int_equal(f->o->mo_load(f->s, key_at(f, 1), &got), -ENOENT);
}

static void mos_are_listed_both_ways_over_days(struct fixture *f)
{
	struct list up = {0}, down = {0}, some = {.stop = 2}, middle = {0}, from = {0};
	int64_t a = key_at(f, 5), b, c, d;
	struct store_reader *r;
	struct mo *got;
	struct err e;

	begin(f);
	accept_one(f, key_at(f, 1)); /* older than the MO: the next day's file must still not claim it */
	put_mo(f, a);
	put_mo(f, a + 1);
	commit(f);
	f->now += DAY;
	b = key_at(f, 5);
	begin(f);
	put_mo(f, b);
	commit(f);
	f->now += DAY;
	c = key_at(f, 5);
	d = key_at(f, 9);
	begin(f);
	accept_one(f, key_at(f, 1));
	put_mo(f, c);
	put_mo(f, d);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_mos(r, 0, INT64_MAX, false, list_mo, &up, 0), 0);
	assert_list(&up, a, a + 1, b, c, d);
	assert_int_equal(f->o->r_mos(r, 0, INT64_MAX, true, list_mo, &down, 0), 0);
	assert_list(&down, d, c, b, a + 1, a);
	assert_int_equal(f->o->r_mos(r, 0, INT64_MAX, false, list_mo, &some, 0), 0);
	assert_list(&some, a, a + 1);
	assert_int_equal(f->o->r_mos(r, a + 1, c, false, list_mo, &middle, 0), 0);
	assert_list(&middle, a + 1, b, c);
	assert_int_equal(f->o->r_mo(r, a + 1, &got), 0);
	free(got);
	f->o->reader_close(r);
	assert_int_equal(f->o->mos_from(f->s, b, list_mo, &from), 0);
	assert_list(&from, b, c, d);
	assert_int_equal(f->o->mo_load(f->s, a, &got), 0);
	free(got);
}

static bool check_part(void *ctx, const struct mo_part *p)
{
	const struct mo_part *want = ctx;

	assert_true(p->key == want->key && p->hash == want->hash && p->connection == want->connection && p->at == want->at);
	assert_true(p->ref == want->ref && p->total == want->total && p->part == want->part);
	assert_string_equal(p->source, want->source);
	assert_string_equal(p->short_code, want->short_code);
	assert_true(str_eq(p->text, want->text));
	return true;
}

static void parts_come_back_whole_over_days(struct fixture *f)
{
	struct mo_part p = {.key = key_at(f, 1),
			    .hash = 0x8000000000000009u,
			    .connection = 2,
			    .at = f->now,
			    .ref = 65535,
			    .total = 255,
			    .part = 254,
			    .source = "5511999990000",
			    .short_code = "27182",
			    .text = STR("um dois tr\xc3\xaas")};
	struct mo_part q = p;
	struct list all = {0}, later = {0};

	begin(f);
	f->o->mo_part(f->s, &p);
	commit(f);
	f->now += DAY;
	q.key = key_at(f, 1);
	begin(f);
	f->o->mo_part(f->s, &q);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->last_key(f->s), q.key);
	assert_int_equal(f->o->mo_parts_from(f->s, 0, list_part, &all), 0);
	assert_list(&all, p.key, q.key);
	assert_int_equal(f->o->mo_parts_from(f->s, p.key + 1, list_part, &later), 0);
	assert_list(&later, q.key);
	assert_int_equal(f->o->mo_parts_from(f->s, q.key, check_part, &q), 0);
}

static void events_of_an_mo_are_its_history(struct fixture *f)
{
	int64_t *seqs = NULL, key = key_at(f, 1), mt = key_at(f, 0);
	struct store_reader *r;
	struct err e;
	size_t n;

	begin(f);
	accept_one(f, mt);
	event_full(f, &(struct event){.seq = 1, .key = key, .kind = EV_RECEIVED});
	put_mo(f, key);
	event_full(f, &(struct event){.seq = 2, .key = mt, .kind = EV_MO});
	event_full(f, &(struct event){.seq = 3, .key = mt, .kind = EV_HOOK_DONE, .arg = HOOK_SENT});
	event_full(f, &(struct event){.seq = 4, .key = key, .kind = EV_HOOK_FAILED, .arg = HOOK_MO});
	commit(f);
	f->now += DAY;
	begin(f);
	event_full(f, &(struct event){.seq = 5, .key = key, .kind = EV_HOOK_DONE, .arg = HOOK_MO});
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_mo_history(r, key, &seqs, &n), 0);
	assert_int_equal(n, 3);
	assert_true(seqs[0] == 1 && seqs[1] == 4 && seqs[2] == 5);
	free(seqs);
	f->o->reader_close(r);
	if (f->driver->files) {
		struct buf report = BUF_INIT;

		assert_int_equal(f->o->check(f->s, &report, &e), 0);
		buf_done(&report);
	}
}

static void an_mos_events_are_no_deliverys(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	event_full(f, &(struct event){.seq = 1, .key = key_at(f, 1), .kind = EV_RECEIVED});
	put_mo(f, key_at(f, 1));
	accept_one(f, key_at(f, 2));
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->recover(f->s, list_recovered, &l), 0);
	assert_list(&l, key_at(f, 2));
}

static void handset_finds_its_attempts(struct fixture *f)
{
	int64_t keys[4], first = key_at(f, 1), second = key_at(f, 2);

	begin(f);
	accept_one(f, first);
	accept_one(f, second);
	event_full(f, &(struct event){.seq = 1, .key = first, .kind = EV_ATTEMPT, .hash = 4000});
	event_full(f, &(struct event){.seq = 2, .key = second, .kind = EV_ATTEMPT, .hash = 4000});
	event_full(f, &(struct event){.seq = 3, .key = second, .kind = EV_SENT, .hash = 4004});
	event_full(f, &(struct event){.seq = 4, .key = first, .kind = EV_ATTEMPT, .hash = 0});
	commit(f);
	for (int i = 0; i < 2; i++) {
		size_t n = f->o->by_handset(f->s, 4000, 5, keys, COUNT_OF(keys));

		assert_int_equal(n, 2);
		assert_true((keys[0] == second && keys[1] == first) || (i && keys[0] == first && keys[1] == second));
		assert_int_equal(f->o->by_handset(f->s, 4004, 5, keys, COUNT_OF(keys)), 0);
		assert_int_equal(f->o->by_handset(f->s, 0, 5, keys, COUNT_OF(keys)), 0);
		assert_int_equal(f->o->by_carrier(f->s, 4000, keys, COUNT_OF(keys)), 0);
		f->now += DAY; /* a start reads them again, or finds them in yesterday's run */
		check_reopen(f);
	}
}

static void a_pending_call_keeps_its_mo(struct fixture *f)
{
	int64_t kept = key_at(f, 1), gone = key_at(f, 2);
	struct mo *got = NULL;
	struct store_reader *r;
	struct err e;

	begin(f);
	accept_with(f, key_at(f, 3), "c", D_DONE);
	put_mo(f, kept);
	put_mo(f, gone);
	f->o->hook_set(f->s, &(struct hook_row){.key = kept, .kind = HOOK_MO, .webhook = 1, .due = f->now});
	commit(f);
	for (int day = 0; day < 10; day++) {
		f->now += DAY;
		begin(f);
		accept_with(f, key_at(f, 1), "c", D_DONE);
		event_full(f, &(struct event){.seq = day + 1, .key = key_at(f, 1), .kind = EV_ATTEMPT});
		set_mark(f, "merged", day + 2);
		commit(f);
		for (int i = 0; i < 20; i++)
			f->o->idle(f->s, f->now);
	}
	check_reopen(f);
	assert_int_equal(f->o->mo_load(f->s, gone, &got), -ENOENT);
	assert_int_equal(f->o->mo_load(f->s, kept, &got), 0);
	free(got);
	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_mo(r, kept, &got), 0);
	free(got);
	f->o->reader_close(r);
}

const struct check mo_checks[] = {
	CHECK(mo_comes_back_whole),
	CHECK(mo_of_a_lost_batch_is_gone),
	CHECK(mos_are_listed_both_ways_over_days),
	CHECK(parts_come_back_whole_over_days),
	CHECK(events_of_an_mo_are_its_history),
	CHECK(an_mos_events_are_no_deliverys),
	CHECK(handset_finds_its_attempts),
	CHECK(a_pending_call_keeps_its_mo),
};
const size_t mo_check_count = COUNT_OF(mo_checks);
