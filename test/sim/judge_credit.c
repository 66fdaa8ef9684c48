/* judge_credit.c - credit: the ledger must say what the messages' events say, go on where it ended, and be what the engine goes by. */
#include <inttypes.h>

#include "model/codes.h"
#include "sim/judge.h"

/* What the events say about credit, by rules of its own: an attempt holds parts times its price; sent uses up as many parts as there
 * turned out to be; everything else that ends the attempt gives back. */
void note_credit(struct sim *s, const struct delivery *d, uint32_t held, uint32_t price, uint8_t from,
		 const struct event *e)
{
	bool begins = e->kind == EV_ATTEMPT, ends = e->kind == EV_SENT || e->kind == EV_REQUEUED;
	int64_t used = ends && e->kind == EV_SENT && e->code == SENT_SENT_SUCCESS
			       ? (int64_t)price * MAX(d->part_count, 1)
			       : 0;
	uint8_t whose = begins ? (uint8_t)(e->at2 & 3) : from;
	int64_t by = begins ? (e->at2 >> 2) * MAX(e->arg, 1) : -(int64_t)held;

	if (!begins && !ends)
		return;
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++) {
		if (!(whose & (kind == BALANCE_ACCOUNT ? CREDIT_FROM_ACCOUNT : CREDIT_FROM_SUB)))
			continue;
		if (kind == BALANCE_SUB && d->sub_account != 1)
			sim_fail(s, "%" PRId64 ": holds credit of sub-account %u, which has none", d->key, d->sub_account);
		s->judge.credit[kind].reserved += by;
		s->judge.credit[kind].balance -= used;
	}
}

void on_ledger(void *ctx, const struct ledger_row *l)
{
	struct sim *s = ctx;
	struct judge *j = &s->judge;

	sim_note(s, "  ledger %d: %s of %" PRId64 ", balance %+" PRId64 " to %" PRId64 ", reserved %+" PRId64 " to %" PRId64,
		 l->balance_kind, ledger_kind_name(l->kind), l->key, l->balance_by, l->balance,
		 l->reserved_by, l->reserved);
	if (l->balance_kind < BALANCE_ACCOUNT || l->balance_kind > BALANCE_SUB || l->owner != 1) {
		sim_fail(s, "ledger row of kind %d, owner %u", l->balance_kind, l->owner);
		return;
	}
	if (l->id <= j->credit[l->balance_kind].last_id)
		sim_fail(s, "ledger row %" PRId64 " after %" PRId64, l->id, j->credit[l->balance_kind].last_id);
	j->credit[l->balance_kind].last_id = l->id;
	j->credit[l->balance_kind].ledger_balance += l->balance_by;
	j->credit[l->balance_kind].ledger_reserved += l->reserved_by;
	j->credit[l->balance_kind].rows++;
	if (l->balance != j->credit[l->balance_kind].ledger_balance ||
	    l->reserved != j->credit[l->balance_kind].ledger_reserved)
		sim_fail(s, "ledger row %" PRId64 " does not go on where the one before ended", l->id);
	if (!l->key) /* the operator's */
		j->credit[l->balance_kind].balance += l->balance_by;
}

void check_ledger(struct sim *s, uint64_t commit)
{
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++)
		if (s->judge.credit[kind].balance != s->judge.credit[kind].ledger_balance ||
		    s->judge.credit[kind].reserved != s->judge.credit[kind].ledger_reserved)
			sim_fail(s,
				 "commit %" PRIu64 ": kind %d has balance %" PRId64 " and %" PRId64
				 " reserved by the events, %" PRId64 " and %" PRId64 " by the ledger",
				 commit, kind, s->judge.credit[kind].balance, s->judge.credit[kind].reserved,
				 s->judge.credit[kind].ledger_balance, s->judge.credit[kind].ledger_reserved);
}

static bool check_balance(void *ctx, const struct balance_row *b)
{
	struct sim *s = ctx;

	if (b->balance != s->judge.credit[b->kind].ledger_balance || b->reserved != s->judge.credit[b->kind].ledger_reserved)
		sim_fail(s,
			 "the engine goes by balance %" PRId64 " and %" PRId64
			 " reserved for kind %d, the ledger says %" PRId64 " and %" PRId64,
			 b->balance, b->reserved, b->kind, s->judge.credit[b->kind].ledger_balance,
			 s->judge.credit[b->kind].ledger_reserved);
	return true;
}

void check_credit(struct sim *s)
{
	uint64_t rows = s->judge.credit[BALANCE_ACCOUNT].rows + s->judge.credit[BALANCE_SUB].rows;
	size_t owners = map_count(s->e->credit.owners);

	s->store->ops->balances(s->store, check_balance, s);
	if (!rows && owners)
		sim_fail(s, "a balance nobody set");
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++)
		if (s->judge.credit[kind].reserved < 0)
			sim_fail(s, "less than nothing is reserved of kind %d", kind);
}
