/* credit.c - balances in memory, ledger rows and balances in the store (credit.h).
 *
 *            reserve                     settle
 *   usable ----------> held by attempt ----------> used up
 *      ^                     |
 *      +---------------------+ refund
 *
 * What is settled is the number of parts that the carrier was given, at the price of the attempt's beginning; the channel may have made
 * more of them than acceptance thought, so that a balance can end a few units below its limit. Ledger ids grow with the wall clock, and
 * past the latest of every balance, so that they ascend over restarts. */
#include "core/credit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"
#include "model/codes.h"

struct credit_owner {
	struct balance_row row;
	struct credit_owner *next_dirty;
	bool dirty;
};

static uint64_t owner_key(uint8_t kind, uint32_t owner) { return (uint64_t)kind << 32 | owner; }

static struct credit_owner *owner_find(const struct engine *e, uint8_t kind, uint32_t owner)
{
	return map_ptr(e->credit.owners, owner_key(kind, owner));
}

static struct credit_owner *owner_add(struct engine *e, const struct balance_row *row)
{
	struct credit_owner *o = xnew(struct credit_owner);

	o->row = *row;
	map_set_ptr(e->credit.owners, owner_key(row->kind, row->owner), o);
	e->credit.limited += row->limited;
	e->credit.last_id = MAX(e->credit.last_id, row->ledger);
	return o;
}

/* -- life ------------------------------------------------------------------------------------------------------------ */

void credit_init(struct engine *e) { e->credit = (struct credit){.owners = map_new()}; }

static bool found(void *ctx, const struct balance_row *row)
{
	owner_add(ctx, row);
	return true;
}

int credit_recover(struct engine *e) { return e->ops->balances(e->store, found, e); }

static bool owner_free(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void credit_done(struct engine *e)
{
	map_each(e->credit.owners, owner_free, NULL);
	map_free(e->credit.owners);
}

/* -- a change ---------------------------------------------------------------------------------------------------------- */

static int64_t next_id(int64_t last, int64_t now) { return MAX(last + 1, now << 20); }

/* Changes the balance, and says so in the ledger. */
static struct ledger_row move(struct balance_row *b, int64_t id, int64_t at, enum ledger_kind kind,
			      int64_t key, int64_t balance_by, int64_t reserved_by)
{
	b->balance += balance_by;
	b->reserved += reserved_by;
	b->ledger = id;
	return (struct ledger_row){.id = id,
				   .at = at,
				   .kind = (uint8_t)kind,
				   .balance_kind = b->kind,
				   .owner = b->owner,
				   .key = key,
				   .balance_by = balance_by,
				   .reserved_by = reserved_by,
				   .balance = b->balance,
				   .reserved = b->reserved};
}

static void owner_move(struct engine *e, struct credit_owner *o, enum ledger_kind kind, int64_t key,
		       int64_t balance_by, int64_t reserved_by)
{
	struct ledger_row row;

	engine_batch(e);
	e->credit.last_id = next_id(e->credit.last_id, e->now);
	row = move(&o->row, e->credit.last_id, e->now, kind, key, balance_by, reserved_by);
	e->ops->ledger(e->store, &row);
	if (o->dirty)
		return;
	o->dirty = true;
	o->next_dirty = e->credit.dirty;
	e->credit.dirty = o;
}

void credit_flush(struct engine *e)
{
	while (e->credit.dirty) {
		struct credit_owner *o = e->credit.dirty;

		e->ops->balance_set(e->store, &o->row);
		o->dirty = false;
		e->credit.dirty = o->next_dirty;
	}
}

/* -- messages ---------------------------------------------------------------------------------------------------------- */

uint32_t credit_price(const struct settings *s, struct str number)
{
	int64_t units = 1;
	size_t best = 0;
	bool any = false;

	for (size_t i = 0; i < s->credit.price_count; i++) {
		struct str p = str_of(s->credit.prices[i].prefix);

		if (p.n > number.n || (any && p.n <= best) || (p.n && memcmp(p.p, number.p, p.n) != 0))
			continue;
		any = true;
		best = p.n;
		units = s->credit.prices[i].units;
	}
	return (uint32_t)units;
}

static bool counts(const struct credit_owner *o) { return o && o->row.limited; }

struct credit_need credit_need_beside(const struct engine *e, const struct delivery *d, int64_t units_before)
{
	struct credit_need n = {0};
	const struct credit_owner *account, *sub;
	int64_t units;

	if (!e->credit.limited)
		return n;
	account = owner_find(e, BALANCE_ACCOUNT, d->account);
	sub = owner_find(e, BALANCE_SUB, d->sub_account);
	if (!counts(account) && !counts(sub))
		return n;
	n.unit_price = credit_price(e->settings, d->t.number);
	if (!n.unit_price)
		return n; /* free of charge */
	n.from = (counts(account) ? CREDIT_FROM_ACCOUNT : 0) | (counts(sub) ? CREDIT_FROM_SUB : 0);
	units = units_before + (int64_t)n.unit_price * MAX(d->part_count, 1);
	n.too_little = (counts(account) && balance_usable(&account->row) < units) ||
		       (counts(sub) && balance_usable(&sub->row) < units);
	return n;
}

struct credit_need credit_need(const struct engine *e, const struct delivery *d)
{
	return credit_need_beside(e, d, 0);
}

static void both(struct engine *e, const struct delivery *d, uint8_t from, enum ledger_kind kind,
		 int64_t balance_by, int64_t reserved_by)
{
	struct credit_owner *account = from & CREDIT_FROM_ACCOUNT ? owner_find(e, BALANCE_ACCOUNT, d->account) : NULL;
	struct credit_owner *sub = from & CREDIT_FROM_SUB ? owner_find(e, BALANCE_SUB, d->sub_account) : NULL;

	if (account)
		owner_move(e, account, kind, d->key, balance_by, reserved_by);
	if (sub)
		owner_move(e, sub, kind, d->key, balance_by, reserved_by);
}

void credit_event(struct engine *e, const struct delivery *d, struct credit_hold before, const struct event *ev)
{
	if (d->held_from && !before.from)
		both(e, d, d->held_from, LEDGER_RESERVE, 0, d->held);
	else if (before.from && !d->held_from && ev->kind == EV_SENT && ev->code == SENT_SENT_SUCCESS)
		both(e, d, before.from, LEDGER_SETTLE, -(int64_t)before.unit_price * MAX(d->part_count, 1),
		     -(int64_t)before.held);
	else if (before.from && !d->held_from)
		both(e, d, before.from, LEDGER_REFUND, 0, -(int64_t)before.held);
}

/* -- by the operator --------------------------------------------------------------------------------------------------- */

/* How the balance moves; its limits are changed here. */
static int64_t decide(struct balance_row *b, const struct credit_change *c)
{
	switch (c->what) {
	case LEDGER_ADD: b->limited = true; return c->amount;
	case LEDGER_SET: b->limited = true; return c->amount - b->balance;
	case LEDGER_LIMIT:
		b->limited = true;
		b->overdraft = c->amount;
		return 0;
	case LEDGER_UNLIMITED:
		b->limited = false;
		b->overdraft = 0;
		return -b->balance;
	case LEDGER_RESERVE:
	case LEDGER_SETTLE:
	case LEDGER_REFUND:
	default: return 0;
	}
}

struct credit_call {
	struct call call;
	struct credit_change change;
	struct balance_row after;
	bool ran;
	void (*done)(void *ctx, const struct balance_row *after);
	void *ctx;
};

static void change_run(struct engine *e, struct call *call)
{
	struct credit_call *c = OWNER(struct credit_call, call, call);
	struct credit_owner *o = owner_find(e, c->change.kind, c->change.owner);
	int64_t by;

	if (!o)
		o = owner_add(e, &(struct balance_row){.kind = c->change.kind, .owner = c->change.owner});
	e->credit.limited -= o->row.limited;
	by = decide(&o->row, &c->change);
	e->credit.limited += o->row.limited;
	owner_move(e, o, c->change.what, 0, by, 0);
	c->after = o->row;
	c->ran = true;
}

static void change_done(struct call *call)
{
	struct credit_call *c = OWNER(struct credit_call, call, call);

	if (c->done)
		c->done(c->ctx, c->ran ? &c->after : NULL);
	free(c);
}

static void change_lost(struct call *call)
{
	OWNER(struct credit_call, call, call)->ran = false;
	change_done(call);
}

void engine_credit(struct engine *e, const struct credit_change *change,
		   void (*done)(void *ctx, const struct balance_row *after), void *ctx)
{
	struct credit_call *c = xnew(struct credit_call);

	c->call.in.kind = INPUT_CALL;
	c->call.fn = change_run;
	c->call.done = change_done;
	c->call.lost = change_lost;
	c->change = *change;
	c->done = done;
	c->ctx = ctx;
	engine_post(e, &c->call.in, true);
}

struct lookup {
	const struct credit_change *c;
	struct balance_row row;
	int64_t last;
};

static bool look(void *ctx, const struct balance_row *row)
{
	struct lookup *l = ctx;

	if (row->kind == l->c->kind && row->owner == l->c->owner)
		l->row = *row;
	l->last = MAX(l->last, row->ledger);
	return true;
}

int credit_store_change(struct store *s, const struct credit_change *c, int64_t now,
			struct balance_row *after, struct err *e)
{
	struct lookup l = {.c = c, .row = {.kind = c->kind, .owner = c->owner}};
	struct ledger_row row;
	int64_t by;
	int r = s->ops->balances(s, look, &l);

	if (r < 0)
		return err_set(e, r, "the balances cannot be read");
	by = decide(&l.row, c);
	row = move(&l.row, next_id(l.last, now), now, c->what, 0, by, 0);
	s->ops->begin(s);
	s->ops->ledger(s, &row);
	s->ops->balance_set(s, &l.row);
	*after = l.row;
	return s->ops->commit(s, e);
}
