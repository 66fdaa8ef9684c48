/* commands_numbers.c - block lists and opt-out lists: one number or a file of millions, in force at once in a running server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/number_file.h"
#include "app/number_keeper.h"
#include "base/time.h"
#include "wire/csv.h"
#include "wire/phone.h"

#define CHUNK 5000 /* numbers of a transaction, so that single changes get their turn between */
#define PAGE 2000

struct which {
	enum number_list list;
	uint32_t owner;
	const char *group;             /* "block" */
	char name[2 * NAME_MAX_BYTES]; /* account, or account/sub-account */
};

/* Block lists are the account's, or with --sub-account that one's; opt-outs are always of a sub-account. */
static int find_list(struct context *c, const struct args *a, struct which *w)
{
	const char *reference = a->value[OPT_SUB_ACCOUNT];
	struct sub_account sub = {0};
	struct account account = {0};
	int r = find_account(c, a, &account);

	w->group = a->command->group;
	w->list = strcmp(w->group, "block") != 0 ? LIST_OPT_OUT
		  : reference                    ? LIST_BLOCK_SUB
						 : LIST_BLOCK_ACCOUNT;
	if (r == 0 && w->list != LIST_BLOCK_ACCOUNT)
		r = find_sub_account(c, a, reference ? reference : "default", &sub);
	if (r)
		return r;
	w->owner = w->list == LIST_BLOCK_ACCOUNT ? account.id : sub.id;
	str_copy(w->name, sizeof w->name, str_of(account.name));
	if (w->list != LIST_BLOCK_ACCOUNT) {
		size_t n = strlen(w->name);

		w->name[n] = '/';
		str_copy(w->name + n + 1, sizeof w->name - n - 1, str_of(sub.reference));
	}
	return 0;
}

static int read_number(struct context *c, const char *text, uint64_t *ret)
{
	struct phone p;

	if (phone_read(str_of(text), &p) < 0 || p.n < 8)
		return complain(c, EX_DATAERR, "%s: not a number with country code", text);
	phone_canonical(&p, &p);
	*ret = number_read((struct str){p.digits, p.n});
	return 0;
}

/* -- changes -------------------------------------------------------------------------------------------------------- */

static int change(struct context *c, const struct args *a, bool on)
{
	struct number_change ch[ARGUMENTS_MAX];
	const char *why = a->value[OPT_WHY] ? a->value[OPT_WHY] : "";
	size_t changed = 0;
	struct which w;
	struct err e;
	int r = find_list(c, a, &w);

	if (r == 0 && strlen(why) > NUMBER_WHY_MAX)
		return complain(c, EX_DATAERR, "--why: longer than %d octets", NUMBER_WHY_MAX);
	for (size_t i = 0; r == 0 && i < a->count; i++) {
		ch[i] = (struct number_change){.list = (uint8_t)w.list,
					       .on = on,
					       .owner = w.owner,
					       .at = wall_ms(),
					       .source = FROM_COMMAND,
					       .why = str_of(why)};
		r = read_number(c, a->argument[i], &ch[i].number);
	}
	if (r)
		return r;
	r = keeper_change(c->numbers, ch, a->count, &changed, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	if (c->json)
		say(c, "{\"changed\":%zu}\n", changed);
	else if (changed < a->count)
		say(c, on ? "%zu of %zu were on the list already\n" : "%zu of %zu were not on the list\n",
		    a->count - changed, a->count);
	return context_audit(c, on ? "numbers.add" : "numbers.remove",
			     "list=%s of=%s numbers=%zu changed=%zu", w.group, w.name, a->count, changed);
}

int numbers_add(struct context *c, const struct args *a) { return change(c, a, true); }

int numbers_remove(struct context *c, const struct args *a) { return change(c, a, false); }

int complain_file(struct context *c, const char *path, const struct number_file_faults *f)
{
	for (size_t i = 0; i < MIN(f->count, (size_t)NUMBER_FILE_FAULTS); i++)
		complain(c, EX_DATAERR, "%s: %s", path, f->text[i]);
	if (f->count > NUMBER_FILE_FAULTS)
		complain(c, EX_DATAERR, "%s: and %zu more", path, f->count - NUMBER_FILE_FAULTS);
	return complain(c, EX_DATAERR, "nothing was taken from %s", path);
}

/* In chunks: a failure of the disk leaves the earlier ones, and the same file again does the rest. */
static int take_in(struct context *c, const struct which *w, struct number_change *ch, size_t n, size_t *changed)
{
	for (size_t at = 0; at < n; at += CHUNK) {
		size_t some = MIN(n - at, (size_t)CHUNK), here = 0;
		struct err e;
		int r;

		for (size_t i = at; i < at + some; i++) {
			ch[i].list = (uint8_t)w->list;
			ch[i].owner = w->owner;
		}
		r = keeper_change(c->numbers, ch + at, some, &here, &e);
		if (r < 0)
			return complain_errno(c, r, &e);
		*changed += here;
		if (context_gone(c))
			return EX_TEMPFAIL;
	}
	return 0;
}

int numbers_import(struct context *c, const struct args *a)
{
	struct number_file_faults *faults = xnew(struct number_file_faults);
	char *path = context_path(c, a->argument[0]);
	struct number_change *ch = NULL;
	struct buf memory = BUF_INIT;
	size_t n = 0, changed = 0;
	struct which w;
	struct err e;
	int r, code = find_list(c, a, &w);

	if (code == 0) {
		r = number_file_list(path, wall_ms(), &ch, &n, &memory, faults, &e);
		code = r == 0                          ? 0
		       : r == -EINVAL && faults->count ? complain_file(c, path, faults)
						       : complain_errno(c, r, &e);
	}
	if (code == 0)
		code = take_in(c, &w, ch, n, &changed);
	if (code == 0) {
		say(c, c->json ? "{\"read\":%zu,\"changed\":%zu}\n" : "%zu read, %zu new\n", n, changed);
		code = context_audit(c, "numbers.import", "list=%s of=%s read=%zu changed=%zu", w.group, w.name, n, changed);
	}
	buf_done(&memory);
	free(ch);
	free(path);
	free(faults);
	return code;
}

/* -- reading -------------------------------------------------------------------------------------------------------- */

struct printing {
	struct context *c;
	bool csv;
	size_t n;
	uint64_t last;
};

static void json_entry(struct buf *b, const struct number_change *x)
{
	char digits[24], at[ISO_MAX];

	number_print(digits, x->number);
	buf_fmt(b, "{\"number\":\"%s\",\"since\":\"%s\",\"source\":\"%s\",\"why\":", digits,
		iso_utc(at, x->at, false), number_source_name(x->source));
	buf_json(b, x->why);
}

static bool print_entry(void *ctx, const struct number_change *x)
{
	struct printing *p = ctx;
	char digits[24], at[ISO_MAX];
	struct buf b = BUF_INIT;

	number_print(digits, x->number);
	iso_utc(at, x->at, false);
	if (p->csv) {
		buf_fmt(&b, "%s,%s,%s,", digits, at, number_source_name(x->source));
		csv_put(&b, x->why);
		buf_putc(&b, '\n');
	} else if (p->c->json) {
		buf_puts(&b, p->n ? "," : "");
		json_entry(&b, x);
		buf_putc(&b, '}');
	} else {
		buf_fmt(&b, "%-15s  %s  %-7s  %.*s\n", digits, at, number_source_name(x->source),
			(int)x->why.n, x->why.n ? x->why.p : "");
	}
	p->n++;
	p->last = x->number;
	buf_str(&p->c->out, buf_view(&b)); /* said when the list is not locked any more */
	buf_done(&b);
	return true;
}

/* Page by page, so that changes get their turn between. */
static int print_list(struct printing *p, const struct which *w, size_t limit)
{
	for (size_t before = 1; p->n != before && p->n < limit && !context_gone(p->c);) {
		struct err e;
		int r;

		before = p->n;
		r = numbers_db_page(keeper_db(p->c->numbers), w->list, w->owner, p->last,
				    MIN(limit - p->n, (size_t)PAGE), print_entry, p, &e);
		if (r < 0)
			return complain_errno(p->c, r, &e);
		say_flush(p->c);
	}
	return EX_OK;
}

int numbers_list(struct context *c, const struct args *a)
{
	struct printing p = {.c = c};
	size_t limit;
	struct which w;
	int r = find_list(c, a, &w);

	if (r == 0)
		r = find_limit(c, a, &limit);
	if (r)
		return r;
	if (c->json)
		say(c, "[");
	r = print_list(&p, &w, limit);
	if (c->json)
		say(c, "]\n");
	return r;
}

int numbers_export(struct context *c, const struct args *a)
{
	struct printing p = {.c = c, .csv = true};
	struct which w;
	int r = find_list(c, a, &w);

	if (r)
		return r;
	say(c, "number,since,source,why\n");
	return print_list(&p, &w, SIZE_MAX);
}

static bool print_past(void *ctx, const struct number_change *x, const struct number_change *end)
{
	struct printing *p = ctx;
	struct buf *b = &p->c->out;
	char at[ISO_MAX];

	if (p->c->json) {
		buf_puts(b, p->n ? "," : "");
		json_entry(b, x);
		if (end) {
			buf_fmt(b, ",\"until\":\"%s\",\"endSource\":\"%s\",\"endWhy\":", iso_utc(at, end->at, false),
				number_source_name(end->source));
			buf_json(b, end->why);
		}
		buf_putc(b, '}');
	} else {
		buf_fmt(b, "on it since %s by %s%s%.*s\n", iso_utc(at, x->at, false), number_source_name(x->source),
			x->why.n ? ": " : "", (int)x->why.n, x->why.n ? x->why.p : "");
		if (end)
			buf_fmt(b, "  taken off %s by %s%s%.*s\n", iso_utc(at, end->at, false),
				number_source_name(end->source), end->why.n ? ": " : "", (int)end->why.n,
				end->why.n ? end->why.p : "");
	}
	p->n++;
	return true;
}

int numbers_show(struct context *c, const struct args *a)
{
	struct printing p = {.c = c};
	uint64_t number = 0;
	struct which w;
	struct err e;
	int r = find_list(c, a, &w);

	if (r == 0)
		r = read_number(c, a->argument[0], &number);
	if (r)
		return r;
	if (c->json)
		say(c, "[");
	r = numbers_db_history(keeper_db(c->numbers), w.list, w.owner, number, print_past, &p, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	if (c->json)
		say(c, "]\n");
	else if (!p.n)
		say(c, "never on the list of %s\n", w.name);
	return EX_OK;
}
