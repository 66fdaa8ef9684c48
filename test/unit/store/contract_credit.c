/* contract_credit.c - balances and the ledger. */
#include "contract.h"

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

const struct check credit_checks[] = {
	CHECK(balances_come_back_whole_and_are_replaced),
	CHECK(balance_of_a_lost_batch_is_as_it_was),
	CHECK(ledger_is_read_newest_first_over_days),
};
const size_t credit_check_count = COUNT_OF(credit_checks);
