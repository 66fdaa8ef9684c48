/* The small rows that come and go: due, webhooks, parked receipts. */
#include <endian.h>

#include "contract.h"

/* -- due ---------------------------------------------------------------------------------------------------------------- */

static const struct queue_id A = {.route = 1, .sub_account = 1, .lane = 0},
			     B = {.route = 1, .sub_account = 1, .lane = 1},
			     C = {.route = 2, .sub_account = 1, .lane = 0},
			     D = {.route = 1, .sub_account = 2, .lane = 0};

static void due(struct fixture *f, const struct queue_id *q, int64_t at, int64_t key)
{
	f->o->due_set(f->s, &(struct due){.queue = *q, .at = at, .key = key});
}

static void due_is_by_time_then_key(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 30, 1);
	due(f, &A, 10, 4);
	due(f, &A, 10, 3);
	due(f, &A, 20, 2);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &l), 0);
	assert_list(&l, 3, 4, 2, 1);
	commit(f);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &A, INT64_MAX, SIZE_MAX, list_due, &l), 0);
	assert_list(&l, 3, 4, 2, 1);
}

static void due_is_bounded(struct fixture *f)
{
	struct list until = {0}, max = {0}, stop = {.stop = 1};

	begin(f);
	for (int64_t i = 1; i <= 5; i++)
		due(f, &A, i * 10, i);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 30, 100, list_due, &until), 0);
	assert_list(&until, 1, 2, 3);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 2, list_due, &max), 0);
	assert_list(&max, 1, 2);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &stop), 0);
	assert_list(&stop, 1);
}

static bool told_due(void *ctx, const struct due *d)
{
	*(struct due *)ctx = *d;
	return true;
}

static void due_names_its_queue(struct fixture *f)
{
	struct due got = {0},
		   in = {.queue = {.route = UINT32_MAX, .sub_account = UINT32_MAX, .lane = 1}, .at = 5, .key = 6};

	begin(f);
	f->o->due_set(f->s, &in);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &in.queue, 5, 1, told_due, &got), 0);
	assert_int_equal(got.queue.route, UINT32_MAX);
	assert_int_equal(got.queue.sub_account, UINT32_MAX);
	assert_int_equal(got.queue.lane, 1);
	assert_int_equal(got.at, 5);
	assert_int_equal(got.key, 6);
}

static void queues_are_apart(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 1, 1);
	due(f, &B, 1, 2);
	due(f, &C, 1, 3);
	due(f, &D, 1, 4);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &C, 9, 9, list_due, &l), 0);
	assert_list(&l, 3);
}

static void due_set_twice_is_one_row_and_del_takes_it(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	due(f, &A, 1, 1);
	due(f, &A, 1, 1);
	due(f, &A, 2, 1);
	f->o->due_del(f->s, &(struct due){.queue = A, .at = 9, .key = 1}); /* no such row */
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1, 1);
	begin(f);
	f->o->due_del(f->s, &(struct due){.queue = A, .at = 1, .key = 1});
	commit(f);
	check_reopen(f);
	l.n = 0;
	assert_int_equal(f->o->due_list(f->s, &A, 9, 9, list_due, &l), 0);
	assert_list(&l, 1);
}

struct queues {
	struct {
		struct queue_id id;
		int64_t first_at;
		size_t count;
	} a[8];
	size_t n;
};

static bool told_queue(void *ctx, const struct queue_id *q, int64_t first_at, size_t count)
{
	struct queues *l = ctx;

	assert_true(l->n < COUNT_OF(l->a));
	l->a[l->n].id = *q;
	l->a[l->n].first_at = first_at;
	l->a[l->n++].count = count;
	return true;
}

static void queues_are_counted(struct fixture *f)
{
	struct queues l = {0};

	begin(f);
	due(f, &A, 50, 1);
	due(f, &A, 40, 2);
	due(f, &A, 60, 3);
	due(f, &B, 7, 4);
	commit(f);
	assert_int_equal(f->o->due_queues(f->s, told_queue, &l), 0);
	assert_int_equal(l.n, 2);
	for (size_t i = 0; i < l.n; i++) {
		assert_int_equal(l.a[i].first_at, l.a[i].id.lane ? 7 : 40);
		assert_int_equal(l.a[i].count, l.a[i].id.lane ? 1 : 3);
	}
}

static bool take_due(void *ctx, const struct due *d)
{
	struct fixture *f = ctx;

	f->o->due_del(f->s, d);
	return true;
}

static void due_may_be_taken_while_listing(struct fixture *f)
{
	struct list l = {0};

	begin(f);
	for (int64_t i = 1; i <= 50; i++)
		due(f, &A, i, i);
	assert_int_equal(f->o->due_list(f->s, &A, 40, 100, take_due, f), 0);
	commit(f);
	assert_int_equal(f->o->due_list(f->s, &A, 100, 100, list_due, &l), 0);
	assert_int_equal(l.n, 10);
	assert_int_equal(l.a[0], 41);
}

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

/* -- credit ------------------------------------------------------------------------------------------------------------- */

struct credit_seen {
	struct balance_row b[8];
	struct ledger_row l[8];
	size_t n, stop;
};

static bool see_balance(void *ctx, const struct balance_row *b)
{
	struct credit_seen *s = ctx;

	s->b[s->n++] = *b;
	return s->n != s->stop;
}

static bool see_ledger(void *ctx, const struct ledger_row *l)
{
	struct credit_seen *s = ctx;

	s->l[s->n++] = *l;
	return s->n != s->stop;
}

static const struct balance_row account_7 = {BALANCE_ACCOUNT, 7, true, -5, 3, 100, 44},
				sub_7 = {BALANCE_SUB, 7, false, INT64_C(1) << 40, 0, 0, 45};

static void same_balance(const struct balance_row *a, const struct balance_row *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->limited, b->limited);
	assert_true(a->balance == b->balance && a->reserved == b->reserved);
	assert_true(a->overdraft == b->overdraft && a->ledger == b->ledger);
}

static void balances_come_back_whole_and_are_replaced(struct fixture *f)
{
	struct credit_seen s = {.n = 0};
	struct balance_row more = account_7;

	begin(f);
	f->o->balance_set(f->s, &sub_7);
	f->o->balance_set(f->s, &account_7);
	assert_int_equal(f->o->balances(f->s, see_balance, &s), 0); /* the writer sees its batch */
	assert_int_equal(s.n, 2);
	commit(f);
	check_reopen(f);
	s.n = 0;
	assert_int_equal(f->o->balances(f->s, see_balance, &s), 0);
	assert_int_equal(s.n, 2);
	same_balance(&s.b[0], &account_7);
	same_balance(&s.b[1], &sub_7);
	more.balance = 99;
	begin(f);
	f->o->balance_set(f->s, &more);
	commit(f);
	f->now += DAY; /* and into the next day */
	f->o->idle(f->s, f->now);
	check_reopen(f);
	s.n = 0;
	assert_int_equal(f->o->balances(f->s, see_balance, &s), 0);
	assert_int_equal(s.n, 2);
	same_balance(&s.b[0], &more);
	same_balance(&s.b[1], &sub_7);
}

static void balance_of_a_lost_batch_is_as_it_was(struct fixture *f)
{
	struct credit_seen s = {.n = 0};
	struct balance_row more = account_7;

	begin(f);
	f->o->balance_set(f->s, &account_7);
	commit(f);
	more.balance = 99;
	begin(f);
	f->o->balance_set(f->s, &more);
	f->o->ledger(f->s, &(struct ledger_row){.id = 50, .kind = LEDGER_ADD, .balance_kind = BALANCE_ACCOUNT, .owner = 7});
	check_reopen(f);
	assert_int_equal(f->o->balances(f->s, see_balance, &s), 0);
	same_balance(&s.b[0], &account_7);
}

static void add_ledger(struct fixture *f, int64_t id, uint8_t kind, uint32_t owner)
{
	struct ledger_row l = {id, f->now, LEDGER_SETTLE, kind, owner, key_at(f, id), -id, -2, 1000 - id, 9};

	begin(f);
	f->o->ledger(f->s, &l);
	commit(f);
}

static void ledger_is_read_newest_first_over_days(struct fixture *f)
{
	struct credit_seen s = {.n = 0};
	struct store_reader *r = NULL;
	struct err e;

	add_ledger(f, 1, BALANCE_ACCOUNT, 1);
	add_ledger(f, 2, BALANCE_SUB, 1);
	f->now += DAY;
	f->o->idle(f->s, f->now);
	add_ledger(f, 3, BALANCE_ACCOUNT, 2);
	add_ledger(f, 4, BALANCE_ACCOUNT, 1);
	check_reopen(f);
	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_ledger(r, BALANCE_ACCOUNT, 1, see_ledger, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.l[0].id, 4);
	assert_int_equal(s.l[1].id, 1);
	assert_int_equal(s.l[0].kind, LEDGER_SETTLE);
	assert_int_equal(s.l[0].balance_kind, BALANCE_ACCOUNT);
	assert_int_equal(s.l[0].owner, 1);
	assert_int_equal(s.l[0].at, f->now);
	assert_int_equal(s.l[0].key, key_at(f, 4));
	assert_int_equal(s.l[0].balance_by, -4);
	assert_int_equal(s.l[0].reserved_by, -2);
	assert_int_equal(s.l[0].balance, 996);
	assert_int_equal(s.l[0].reserved, 9);
	s = (struct credit_seen){.stop = 1};
	assert_int_equal(f->o->r_ledger(r, BALANCE_ACCOUNT, 1, see_ledger, &s), 0);
	assert_int_equal(s.n, 1);
	begin(f);
	f->o->balance_set(f->s, &account_7);
	s = (struct credit_seen){.n = 0};
	assert_int_equal(f->o->r_balances(r, see_balance, &s), 0);
	assert_int_equal(s.n, 0); /* readers see what is committed */
	commit(f);
	assert_int_equal(f->o->r_balances(r, see_balance, &s), 0);
	assert_int_equal(s.n, 1);
	same_balance(&s.b[0], &account_7);
	f->o->reader_close(r);
}

/* -- one number's data -------------------------------------------------------------------------------------------------- */

struct number_seen {
	int64_t keys[16];
	size_t n, mos;
	char text[32];
};

static bool see_number(void *ctx, const struct number_row *r)
{
	struct number_seen *s = ctx;

	s->keys[s->n++] = r->key;
	s->mos += r->mo;
	if (r->mo)
		str_copy(s->text, sizeof(s->text), r->text);
	return s->n < 16;
}

static struct number_seen of_number(struct fixture *f, const char *number)
{
	struct number_seen s = {.n = 0};
	struct store_reader *r = NULL;
	struct err e;

	assert_int_equal(f->o->reader_open(f->s, &r, &e), 0);
	assert_int_equal(f->o->r_number(r, str_of(number), see_number, &s), 0);
	f->o->reader_close(r);
	return s;
}

static void accept_to(struct fixture *f, int64_t key, const char *destination, const char *number)
{
	struct delivery *from = sample(key), *d;
	struct delivery_text t = from->t;

	t.destination = str_of(destination);
	t.number = str_of(number);
	d = delivery_new(&t);
	d->key = key;
	d->state = D_DONE;
	d->sent_code = 2;
	f->o->accept(f->s, d);
	delivery_free(d);
	delivery_free(from);
}

/* Joined from two parts with the two keys before its own. */
static void mo_in_parts(struct fixture *f, int64_t key)
{
	uint64_t keys[2];

	for (int i = 0; i < 2; i++) {
		struct mo_part p = {.key = key - 2 + i,
				    .total = 2,
				    .part = (uint8_t)(i + 1),
				    .source = "+5511900000001",
				    .short_code = "27182",
				    .text = i ? STR("ply") : STR("a re")};

		keys[i] = htole64((uint64_t)p.key);
		f->o->mo_part(f->s, &p);
	}
	f->o->mo(f->s, &(struct mo){.key = key,
				    .source = "5511900000001",
				    .short_code = "27182",
				    .text = STR("a reply"),
				    .correlation = STR("mine"),
				    .total = 2,
				    .came = 2,
				    .parts = {(const char *)keys, sizeof(keys)}});
}

static bool count_text(void *ctx, const struct mo_part *p)
{
	*(size_t *)ctx += p->text.n && p->source[0];
	return true;
}

static size_t texts_of_parts(struct fixture *f, int64_t from)
{
	size_t n = 0;

	assert_int_equal(f->o->mo_parts_from(f->s, from, count_text, &n), 0);
	return n;
}

static void number_is_found_and_erased_over_days(struct fixture *f)
{
	int64_t a = key_at(f, 1), b, mo, seq = f->o->last_seq(f->s);
	const int64_t *seqs = &(const int64_t){seq + 1};
	struct number_seen s;
	struct delivery *d = NULL;
	struct mo *m = NULL;
	struct event e = {.seq = seq + 1, .key = a, .kind = EV_RECEIPT, .sub_account = 1, .at = f->now}, got;
	struct parked_row parked = {
		.id = 1, .source = "5511900000001", .destination = "27182", .carrier_id = "x", .hashes = 1, .id_hash = {7}};

	event_detail(&e, "said by a carrier");
	begin(f);
	accept_to(f, a, "5511900000001", "5511900000001");
	accept_to(f, a + 1, "5511900000002", "5511900000002");
	f->o->event(f->s, &e);
	f->o->park(f->s, &parked);
	merge_one(f, a, D_DONE, seqs, 1);
	commit(f);
	f->now += DAY;
	f->o->idle(f->s, f->now);
	b = key_at(f, 5);
	mo = b + 3;
	begin(f);
	accept_to(f, b, "+55 11 90000-0001", "5511900000001");
	mo_in_parts(f, mo);
	commit(f);
	s = of_number(f, "5511900000001");
	assert_int_equal(s.n, 3);
	assert_int_equal(s.mos, 1);
	assert_int_equal(texts_of_parts(f, mo - 2), 2);
	assert_string_equal(s.text, "a reply");
	assert_int_equal(s.keys[0], a);
	assert_int_equal(of_number(f, "5511900000002").n, 1);
	assert_int_equal(of_number(f, "55119").n, 0);
	begin(f);
	f->o->erase(f->s, a, NULL, 0);
	f->o->erase(f->s, b, NULL, 0);
	f->o->erase(f->s, mo, NULL, 0);
	f->o->erase(f->s, 12345, NULL, 0); /* nobody's */
	f->o->erase_parked(f->s, STR("5511900000001"));
	commit(f);
	f->o->idle(f->s, f->now);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(of_number(f, "5511900000001").n, 0);
		assert_int_equal(of_number(f, "").n >= 2, true);
		assert_int_equal(of_number(f, "5511900000002").n, 1);
		assert_int_equal(f->o->load(f->s, a, &d), 0);
		assert_int_equal(
			d->t.destination.n + d->t.number.n + d->t.text.n + d->t.correlation.n + d->t.extra.n, 0);
		assert_int_equal(d->state, D_DONE);
		assert_int_equal(d->account, 0);
		delivery_free(d);
		assert_int_equal(f->o->load_event(f->s, seq + 1, &got), 0);
		assert_int_equal(got.detail_len, 0);
		assert_int_equal(got.kind, EV_RECEIPT);
		assert_int_equal(f->o->parked_count(f->s), 1);
		assert_int_equal(f->o->mo_load(f->s, mo, &m), 0);
		assert_int_equal(m->text.n + m->correlation.n + strlen(m->source), 0);
		assert_string_equal(m->short_code, "27182");
		free(m);
		assert_int_equal(texts_of_parts(f, mo - 2), 0);
		check_reopen(f);
	}
}

#define CHECK(name)         \
	{                   \
#name, name \
	}
const struct check live_checks[] = {
	CHECK(due_is_by_time_then_key),
	CHECK(due_is_bounded),
	CHECK(due_names_its_queue),
	CHECK(queues_are_apart),
	CHECK(due_set_twice_is_one_row_and_del_takes_it),
	CHECK(queues_are_counted),
	CHECK(due_may_be_taken_while_listing),
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
	CHECK(balances_come_back_whole_and_are_replaced),
	CHECK(balance_of_a_lost_batch_is_as_it_was),
	CHECK(ledger_is_read_newest_first_over_days),
	CHECK(number_is_found_and_erased_over_days),
};
const size_t live_check_count = COUNT_OF(live_checks);
