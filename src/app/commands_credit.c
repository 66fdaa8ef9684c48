/* commands_credit.c - balances of accounts and sub-accounts: changed on the engine where a server runs, else in the store. */
#include <inttypes.h>
#include <semaphore.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "base/time.h"
#include "core/credit.h"

#define AMOUNT_MAX INT64_C(1000000000000)

struct owner {
	uint8_t kind; /* enum balance_kind */
	uint32_t id;
	struct account account;
	struct sub_account sub;
};

/* The sub-account where one is named, else the account. 0 or an exit code, told. */
static int find_owner(struct context *c, const struct args *a, struct owner *o)
{
	const char *ref = a->value[OPT_SUB_ACCOUNT];
	int r = find_account(c, a, &o->account);

	if (r == 0 && ref)
		r = find_sub_account(c, a, ref, &o->sub);
	o->kind = ref ? BALANCE_SUB : BALANCE_ACCOUNT;
	o->id = ref ? o->sub.id : o->account.id;
	return r;
}

static void put_names(struct buf *b, bool json, const char *account, const char *sub)
{
	if (!json) {
		buf_fmt(b, "%s%s%s", account, sub ? "/" : "", sub ? sub : "");
		return;
	}
	buf_puts(b, "{\"account\":");
	buf_json(b, str_of(account));
	buf_puts(b, ",\"subAccount\":");
	buf_json_or_null(b, str_of(sub));
}

/* A balance that does not count is null. */
static void put_balance(struct buf *b, bool json, const struct balance_row *row)
{
	if (json && row->limited)
		buf_fmt(b, ",\"balance\":%" PRId64 ",\"reserved\":%" PRId64 ",\"limit\":%" PRId64 ",\"usable\":%" PRId64 "}",
			row->balance, row->reserved, row->overdraft, balance_usable(row));
	else if (json)
		buf_fmt(b, ",\"balance\":null,\"reserved\":%" PRId64 ",\"limit\":0,\"usable\":null}", row->reserved);
	else if (row->limited)
		buf_fmt(b, "  balance %" PRId64 ", reserved %" PRId64 ", limit %" PRId64 ", usable %" PRId64 "\n",
			row->balance, row->reserved, row->overdraft, balance_usable(row));
	else
		buf_fmt(b, "  unlimited, reserved %" PRId64 "\n", row->reserved);
}

static void print_balance(struct context *c, const struct owner *o, const struct balance_row *row)
{
	struct buf b = BUF_INIT;

	put_names(&b, c->json, o->account.name, o->kind == BALANCE_SUB ? o->sub.reference : NULL);
	put_balance(&b, c->json, row);
	say(c, "%s%s", buf_cstr(&b), c->json ? "\n" : "");
	buf_done(&b);
}

/* -- changes ----------------------------------------------------------------------------------------------------------- */

struct wait {
	sem_t done;
	struct balance_row after;
	bool ok;
};

static void changed(void *ctx, const struct balance_row *after)
{
	struct wait *w = ctx;

	w->ok = after != NULL;
	if (after)
		w->after = *after;
	sem_post(&w->done);
}

static int change_running(struct context *c, const struct credit_change *change, struct balance_row *after)
{
	struct wait w = {.ok = false};

	sem_init(&w.done, 0, 0);
	engine_credit(c->g->engine, change, changed, &w);
	while (sem_wait(&w.done) < 0)
		;
	sem_destroy(&w.done);
	*after = w.after;
	return w.ok ? 0 : complain(c, EX_UNAVAILABLE, "the server is stopping");
}

static int change(struct context *c, const struct args *a, enum ledger_kind what, int64_t amount)
{
	struct owner o = {0};
	struct credit_change change = {.what = what, .amount = amount};
	struct balance_row after = {0};
	struct err e;
	int r = find_owner(c, a, &o);

	if (r)
		return r;
	change.kind = o.kind;
	change.owner = o.id;
	if (c->g) {
		r = change_running(c, &change, &after);
	} else {
		r = credit_store_change(c->store, &change, wall_ms(), &after, &e);
		r = r < 0 ? complain_errno(c, r, &e) : 0;
	}
	if (r)
		return r;
	print_balance(c, &o, &after);
	return context_audit(c, "credit", "%s account=%s%s%s amount=%" PRId64 " balance=%" PRId64,
			     ledger_kind_name(what), o.account.name, o.kind == BALANCE_SUB ? " sub_account=" : "",
			     o.kind == BALANCE_SUB ? o.sub.reference : "", amount, after.balance);
}

static int read_amount(struct context *c, const struct args *a, int64_t low, int64_t *ret)
{
	if (str_i64(str_of(a->value[OPT_AMOUNT]), low, AMOUNT_MAX, ret) == 0)
		return 0;
	return complain(c, EX_USAGE, "--amount: a whole number of units, from %" PRId64 " to %" PRId64, low, AMOUNT_MAX);
}

int credit_add(struct context *c, const struct args *a)
{
	int64_t amount;
	int r = read_amount(c, a, -AMOUNT_MAX, &amount);

	return r ? r : change(c, a, LEDGER_ADD, amount);
}

int credit_set(struct context *c, const struct args *a)
{
	int64_t amount;
	int r;

	if (strcmp(a->value[OPT_AMOUNT], "unlimited") == 0)
		return change(c, a, LEDGER_UNLIMITED, 0);
	r = read_amount(c, a, -AMOUNT_MAX, &amount);
	return r ? r : change(c, a, LEDGER_SET, amount);
}

int credit_limit(struct context *c, const struct args *a)
{
	int64_t amount;
	int r = read_amount(c, a, 0, &amount);

	return r ? r : change(c, a, LEDGER_LIMIT, amount);
}

/* -- reading ----------------------------------------------------------------------------------------------------------- */

struct balance_search {
	const struct owner *o;
	struct balance_row row;
};

static bool is_owner(void *ctx, const struct balance_row *b)
{
	struct balance_search *s = ctx;

	if (b->kind != s->o->kind || b->owner != s->o->id)
		return true;
	s->row = *b;
	return false;
}

int credit_show(struct context *c, const struct args *a)
{
	struct owner o = {0};
	struct balance_search s = {.o = &o};
	int code = find_owner(c, a, &o);
	struct query *q = code ? NULL : context_query(c, &code);

	if (!q)
		return code;
	if (query_balances(q, is_owner, &s) < 0)
		return complain(c, EX_IOERR, "the store cannot be read");
	print_balance(c, &o, &s.row);
	return EX_OK;
}

struct listing {
	struct context *c;
	const struct admin_all *all;
	struct buf out;
	size_t n, limit;
};

static bool list_one(void *ctx, const struct balance_row *b)
{
	struct listing *l = ctx;
	uint32_t account = b->owner;
	const char *sub = NULL;

	for (size_t i = 0; b->kind == BALANCE_SUB && i < l->all->sub_account_count; i++)
		if (l->all->sub_accounts[i].id == b->owner) {
			account = l->all->sub_accounts[i].account;
			sub = l->all->sub_accounts[i].reference;
		}
	if (l->c->json && l->n++)
		buf_putc(&l->out, ',');
	put_names(&l->out, l->c->json, account_name(l->all, account), sub);
	put_balance(&l->out, l->c->json, b);
	return true;
}

int credit_list(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct listing l = {.c = c, .all = &all, .out = BUF_INIT};
	struct err e;
	int code = EX_OK, r = admin_load(c->admin, &all, &e);
	struct query *q = r < 0 ? NULL : context_query(c, &code);

	(void)a;
	if (r < 0)
		return complain_errno(c, r, &e);
	if (q && query_balances(q, list_one, &l) < 0)
		code = complain(c, EX_IOERR, "the store cannot be read");
	if (code == EX_OK)
		say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&l.out));
	buf_done(&l.out);
	admin_all_done(&all);
	return code;
}

static bool ledger_one(void *ctx, const struct ledger_row *row)
{
	struct listing *l = ctx;
	char at[ISO_MAX];

	iso_utc(at, row->at, true);
	if (l->c->json)
		say(l->c,
		    "%s{\"at\":\"%s\",\"kind\":\"%s\",\"key\":%" PRId64 ",\"balanceBy\":%" PRId64
		    ",\"reservedBy\":%" PRId64 ",\"balance\":%" PRId64 ",\"reserved\":%" PRId64 "}",
		    l->n ? "," : "", at, ledger_kind_name(row->kind), row->key, row->balance_by,
		    row->reserved_by, row->balance, row->reserved);
	else
		say(l->c, "%s  %-9s %+8" PRId64 " reserved %+6" PRId64 "  ->  balance %" PRId64 ", reserved %" PRId64 "\n",
		    at, ledger_kind_name(row->kind), row->balance_by, row->reserved_by, row->balance, row->reserved);
	return ++l->n < l->limit && !context_gone(l->c);
}

int credit_ledger(struct context *c, const struct args *a)
{
	struct owner o = {0};
	struct listing l = {.c = c};
	int code = find_owner(c, a, &o);
	struct query *q = code ? NULL : context_query(c, &code);

	if (!q)
		return code;
	code = find_limit(c, a, &l.limit);
	if (code)
		return code;
	if (c->json)
		say(c, "[");
	if (query_ledger(q, o.kind, o.id, ledger_one, &l) < 0)
		return complain(c, EX_IOERR, "the store cannot be read");
	if (c->json)
		say(c, "]\n");
	return EX_OK;
}
