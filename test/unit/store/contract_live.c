/* contract_live.c - small rows that come and go: webhooks, parked receipts. */
#include "contract.h"

/* -- webhooks ------------------------------------------------------------------------------------------------------------ */

static struct hook_row hook(int64_t key, uint8_t kind, uint32_t webhook, int64_t when)
{
	return (struct hook_row){.key = key, .kind = kind, .webhook = webhook, .due = when};
}

static void set_hook(struct fixture *f, int64_t key, uint8_t kind, uint32_t webhook, int64_t when)
{
	struct hook_row h = hook(key, kind, webhook, when);

	f->o->hook_set(f->s, &h);
}

static void hook_comes_back_whole(struct fixture *f)
{
	struct hook_row in = {.key = 5,
			      .kind = HOOK_DELIVERED,
			      .dead = true,
			      .seq = INT64_MAX - 3,
			      .webhook = UINT32_MAX,
			      .due = INT64_MAX,
			      .first_at = 11,
			      .last_at = 12,
			      .tries = UINT16_MAX,
			      .status = -1},
			out;

	memset(in.why, 'w', sizeof(in.why) - 1);
	begin(f);
	f->o->hook_set(f->s, &in);
	commit(f);
	for (int i = 0; i < 2; i++) {
		memset(&out, 0, sizeof(out));
		assert_true(f->o->hook_get(f->s, 5, HOOK_DELIVERED, &out));
		assert_int_equal(out.key, in.key);
		assert_int_equal(out.kind, in.kind);
		assert_true(out.dead);
		assert_int_equal(out.seq, in.seq);
		assert_int_equal(out.webhook, in.webhook);
		assert_int_equal(out.due, in.due);
		assert_int_equal(out.first_at, 11);
		assert_int_equal(out.last_at, 12);
		assert_int_equal(out.tries, in.tries);
		assert_int_equal(out.status, -1);
		assert_string_equal(out.why, in.why);
		assert_false(f->o->hook_get(f->s, 5, HOOK_SENT, &out));
		assert_false(f->o->hook_get(f->s, 6, HOOK_DELIVERED, &out));
		check_reopen(f);
	}
}

static void hook_set_replaces(struct fixture *f)
{
	struct hook_row out;
	struct list l = {0};

	begin(f);
	set_hook(f, 1, HOOK_SENT, 7, 10);
	set_hook(f, 1, HOOK_DELIVERED, 7, INT64_MAX);
	commit(f);
	begin(f);
	set_hook(f, 1, HOOK_SENT, 7, 90);
	commit(f);
	assert_true(f->o->hook_get(f->s, 1, HOOK_SENT, &out));
	assert_int_equal(out.due, 90);
	assert_int_equal(f->o->hook_list(f->s, 7, 50, 10, list_hook, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(f->o->hook_list(f->s, 7, INT64_MAX, 10, list_hook, &l), 0);
	assert_list(&l, 1, 1);
}

static void hooks_are_by_due(struct fixture *f)
{
	struct list one = {0}, all = {0}, few = {0}, stop = {.stop = 2};

	begin(f);
	set_hook(f, 1, HOOK_SENT, 7, 30);
	set_hook(f, 2, HOOK_SENT, 7, 10);
	set_hook(f, 3, HOOK_SENT, 8, 20);
	set_hook(f, 4, HOOK_SENT, 7, 20);
	set_hook(f, 5, HOOK_SENT, 7, 99);
	commit(f);
	assert_int_equal(f->o->hook_list(f->s, 7, 30, 10, list_hook, &one), 0);
	assert_list(&one, 2, 4, 1);
	assert_int_equal(f->o->hook_list(f->s, 0, 30, 10, list_hook, &all), 0);
	assert_list(&all, 2, 3, 4, 1);
	assert_int_equal(f->o->hook_list(f->s, 0, 30, 3, list_hook, &few), 0);
	assert_list(&few, 2, 3, 4);
	assert_int_equal(f->o->hook_list(f->s, 7, 30, 10, list_hook, &stop), 0);
	assert_list(&stop, 2, 4);
}

static void hook_del_takes_one_kind(struct fixture *f)
{
	struct hook_row out;

	begin(f);
	set_hook(f, 1, HOOK_SENT, 7, 10);
	set_hook(f, 1, HOOK_DELIVERED, 7, 10);
	commit(f);
	begin(f);
	f->o->hook_del(f->s, 1, HOOK_SENT);
	f->o->hook_del(f->s, 99, HOOK_SENT);
	commit(f);
	check_reopen(f);
	assert_false(f->o->hook_get(f->s, 1, HOOK_SENT, &out));
	assert_true(f->o->hook_get(f->s, 1, HOOK_DELIVERED, &out));
}

static bool take_hook(void *ctx, const struct hook_row *h)
{
	struct fixture *f = ctx;

	f->o->hook_del(f->s, h->key, h->kind);
	return true;
}

static void hooks_may_be_taken_while_listing(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 50; i++)
		set_hook(f, i, HOOK_SENT, 7, i);
	assert_int_equal(f->o->hook_list(f->s, 7, 40, 100, take_hook, f), 0);
	commit(f);
	assert_int_equal(f->o->hook_list(f->s, 0, 100, 100, list_hook, &l), 0);
	assert_int_equal(l.n, 10);
}

/* -- parked receipts ------------------------------------------------------------------------------------------------------ */

static bool told_parked(void *ctx, const struct parked_row *p)
{
	*(struct parked_row *)ctx = *p;
	return true;
}

static void parked_receipt_comes_back_whole(struct fixture *f)
{
	struct parked_row in = {.id = 9,
				.connection = UINT16_MAX,
				.state = 3,
				.final = true,
				.hashes = 3,
				.id_hash = {UINT64_MAX, 2, 3},
				.at = 77,
				.carrier_id = "00AB",
				.err = "045",
				.source = "5511912340001",
				.destination = "28604"},
			  out;

	begin(f);
	f->o->park(f->s, &in);
	commit(f);
	for (int i = 0; i < 2; i++) {
		memset(&out, 0, sizeof(out));
		assert_int_equal(f->o->parked_find(f->s, UINT64_MAX, told_parked, &out), 0);
		assert_int_equal(out.id, 9);
		assert_int_equal(out.connection, UINT16_MAX);
		assert_int_equal(out.state, 3);
		assert_true(out.final);
		assert_int_equal(out.hashes, 3);
		assert_memory_equal(out.id_hash, in.id_hash, sizeof(in.id_hash));
		assert_int_equal(out.at, 77);
		assert_string_equal(out.carrier_id, "00AB");
		assert_string_equal(out.err, "045");
		assert_string_equal(out.source, "5511912340001");
		assert_string_equal(out.destination, "28604");
		assert_int_equal(f->o->parked_count(f->s), 1);
		check_reopen(f);
	}
}

static void parked_receipts_are_found_by_each_hash(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	f->o->park(f->s, &(struct parked_row){.id = 1, .hashes = 1, .id_hash = {10, 50, 50}});
	f->o->park(f->s, &(struct parked_row){.id = 2, .hashes = 3, .id_hash = {20, 10, 30}});
	f->o->park(f->s, &(struct parked_row){.id = 3, .hashes = 2, .id_hash = {10, 10, 50}});
	f->o->park(f->s, &(struct parked_row){.id = 4, .hashes = 0});
	commit(f);
	assert_int_equal(f->o->parked_find(f->s, 10, list_parked, &l), 0);
	assert_list(&l, 1, 2, 3);
	l.n = 0;
	assert_int_equal(f->o->parked_find(f->s, 30, list_parked, &l), 0);
	assert_list(&l, 2);
	l.n = 0;
	assert_int_equal(f->o->parked_find(f->s, 50, list_parked, &l), 0);
	assert_int_equal(l.n, 0); /* beyond the count that is given */
}

static void every_parked_receipt_is_listed(struct fixture *f)
{
	struct list l = {0}, stop = {.stop = 1};

	begin(f);
	for (int64_t i = 1; i <= 4; i++)
		f->o->park(f->s, &(struct parked_row){.id = i, .hashes = 1, .id_hash = {(uint64_t)i}});
	commit(f);
	assert_int_equal(f->o->parked_find(f->s, 0, list_parked, &l), 0);
	assert_list(&l, 1, 2, 3, 4);
	assert_int_equal(f->o->parked_find(f->s, 0, list_parked, &stop), 0);
	assert_list(&stop, 1);
}

static void unpark_takes_it_out(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	f->o->park(f->s, &(struct parked_row){.id = 1, .hashes = 1, .id_hash = {10}});
	f->o->park(f->s, &(struct parked_row){.id = 2, .hashes = 1, .id_hash = {10}});
	commit(f);
	begin(f);
	f->o->unpark(f->s, 1);
	f->o->unpark(f->s, 77);
	assert_int_equal(f->o->parked_count(f->s), 1);
	commit(f);
	check_reopen(f);
	assert_int_equal(f->o->parked_count(f->s), 1);
	assert_int_equal(f->o->parked_find(f->s, 10, list_parked, &l), 0);
	assert_list(&l, 2);
}

static bool take_parked(void *ctx, const struct parked_row *p)
{
	struct fixture *f = ctx;

	f->o->unpark(f->s, p->id);
	return true;
}

static void parked_receipts_may_be_taken_while_listing(struct fixture *f)
{
	begin(f);
	for (int64_t i = 1; i <= 50; i++)
		f->o->park(f->s, &(struct parked_row){.id = i, .hashes = 1, .id_hash = {10}});
	assert_int_equal(f->o->parked_find(f->s, 10, take_parked, f), 0);
	assert_int_equal(f->o->parked_count(f->s), 0);
	commit(f);
	assert_int_equal(f->o->parked_count(f->s), 0);
}

const struct check live_checks[] = {
	CHECK(hook_comes_back_whole),
	CHECK(hook_set_replaces),
	CHECK(hooks_are_by_due),
	CHECK(hook_del_takes_one_kind),
	CHECK(hooks_may_be_taken_while_listing),
	CHECK(parked_receipt_comes_back_whole),
	CHECK(parked_receipts_are_found_by_each_hash),
	CHECK(every_parked_receipt_is_listed),
	CHECK(unpark_takes_it_out),
	CHECK(parked_receipts_may_be_taken_while_listing),
};
const size_t live_check_count = COUNT_OF(live_checks);
