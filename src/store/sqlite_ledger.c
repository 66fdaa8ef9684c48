/* Credit in the day files: table ledger, one row a change, stays where it is written; table balance is small, belongs to the newest
 * file and is carried forward. Every ledger row says what the balance was after it, so that the chain can be checked without adding up
 * what retention has taken. */
#include <stdlib.h>

#include "store/sqlite.h"

void sq_balance_set(struct store *st, const struct balance_row *b)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(c, S_BALANCE_SET);
	sqlite3_bind_int(q, 1, b->kind);
	sqlite3_bind_int64(q, 2, b->owner);
	sqlite3_bind_int(q, 3, b->limited);
	sqlite3_bind_int64(q, 4, b->balance);
	sqlite3_bind_int64(q, 5, b->reserved);
	sqlite3_bind_int64(q, 6, b->overdraft);
	sqlite3_bind_int64(q, 7, b->ledger);
	sq_run(s, c, q, "balance");
}

void sq_ledger(struct store *st, const struct ledger_row *l)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(c, S_LEDGER);
	sqlite3_bind_int64(q, 1, l->id);
	sqlite3_bind_int64(q, 2, l->at);
	sqlite3_bind_int(q, 3, l->kind);
	sqlite3_bind_int(q, 4, l->balance_kind);
	sqlite3_bind_int64(q, 5, l->owner);
	sqlite3_bind_int64(q, 6, l->key);
	sqlite3_bind_int64(q, 7, l->balance_by);
	sqlite3_bind_int64(q, 8, l->reserved_by);
	sqlite3_bind_int64(q, 9, l->balance);
	sqlite3_bind_int64(q, 10, l->reserved);
	sq_run(s, c, q, "ledger");
}

static struct ledger_row ledger_row(sqlite3_stmt *q)
{
	return (struct ledger_row){.id = sqlite3_column_int64(q, 0),
				   .at = sqlite3_column_int64(q, 1),
				   .kind = (uint8_t)sqlite3_column_int(q, 2),
				   .balance_kind = (uint8_t)sqlite3_column_int(q, 3),
				   .owner = (uint32_t)sqlite3_column_int64(q, 4),
				   .key = sqlite3_column_int64(q, 5),
				   .balance_by = sqlite3_column_int64(q, 6),
				   .reserved_by = sqlite3_column_int64(q, 7),
				   .balance = sqlite3_column_int64(q, 8),
				   .reserved = sqlite3_column_int64(q, 9)};
}

int conn_balances(struct conn *c, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	sqlite3_stmt *q = conn_stmt(c, S_BALANCES);
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct balance_row b = {.kind = (uint8_t)sqlite3_column_int(q, 0),
					.owner = (uint32_t)sqlite3_column_int64(q, 1),
					.limited = sqlite3_column_int(q, 2) != 0,
					.balance = sqlite3_column_int64(q, 3),
					.reserved = sqlite3_column_int64(q, 4),
					.overdraft = sqlite3_column_int64(q, 5),
					.ledger = sqlite3_column_int64(q, 6)};

		if (!fn(ctx, &b))
			break;
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

int sq_balances(struct store *st, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	return conn_balances(&sq_of(st)->today->w, fn, ctx);
}

/* Newest first, until fn returns false. 1 = it did. */
int conn_ledger_back(struct conn *c, uint8_t kind, uint32_t owner,
		     bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx)
{
	sqlite3_stmt *q = conn_stmt(c, S_LEDGER_BACK);
	bool more = true;
	int rc;

	sqlite3_bind_int(q, 1, kind);
	sqlite3_bind_int64(q, 2, owner);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW && more) {
		struct ledger_row l = ledger_row(q);

		more = fn(ctx, &l);
	}
	sqlite3_reset(q);
	return more ? sqlite_errno(rc) : 1;
}

/* -- check ----------------------------------------------------------------------------------------------------------- */

struct chain {
	struct map *last; /* kind << 32 | owner -> struct ledger_row, the latest so far */
	int64_t broken;
};

struct chain *chain_new(void)
{
	struct chain *ch = xnew(struct chain);

	ch->last = map_new();
	return ch;
}

static bool free_row(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void chain_free(struct chain *ch)
{
	map_each(ch->last, free_row, NULL);
	map_free(ch->last);
	free(ch);
}

/* Each row must go on where its owner's one before it ended; files in order. Returns how many do not, -1 when it cannot be read. */
int64_t chain_day(struct chain *ch, struct conn *c)
{
	sqlite3_stmt *q = conn_stmt(c, S_LEDGER_ALL);
	int64_t broken = 0;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct ledger_row l = ledger_row(q);
		uint64_t owner = (uint64_t)l.balance_kind << 32 | l.owner;
		struct ledger_row *before = map_ptr(ch->last, owner);

		if (before)
			broken += before->balance + l.balance_by != l.balance ||
				  before->reserved + l.reserved_by != l.reserved;
		else
			map_set_ptr(ch->last, owner, before = xnew(struct ledger_row));
		*before = l;
	}
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? broken : -1;
}

struct compare {
	struct chain *ch;
	int64_t wrong;
};

static bool compare_balance(void *ctx, const struct balance_row *b)
{
	struct compare *t = ctx;
	const struct ledger_row *l = map_ptr(t->ch->last, (uint64_t)b->kind << 32 | b->owner);

	/* Older than what is kept: nothing to compare with. */
	t->wrong += l && (l->id != b->ledger || l->balance != b->balance || l->reserved != b->reserved);
	return true;
}

/* The newest file's balances against the last rows of the chain. */
int64_t chain_end(struct chain *ch, struct conn *newest)
{
	struct compare t = {.ch = ch};

	return conn_balances(newest, compare_balance, &t) < 0 ? -1 : t.wrong;
}
