/* commands_message.c - looking messages up: one with all that happened to it, many by what is known of them, and the receipts that
 * fit none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_mo.h"
#include "app/commands_timeline.h"
#include "base/time.h"
#include "model/codes.h"
#include "wire/phone.h"
#include "wire/receipt.h"

static const struct scope everything = {.everything = true};

/* -- show ----------------------------------------------------------------------------------------------------------- */

static void show(struct context *c, const struct delivery *d, const struct event *ev, size_t n,
		 const struct timeline_names *names, bool text)
{
	int64_t accepted = uid_key_ms(d->key);
	struct buf b = BUF_INIT;
	char at[ISO_MAX];

	if (c->json) {
		timeline_json(&b, d, ev, n, names, text);
		buf_putc(&b, '\n');
	} else {
		timeline_head(&b, d, names, text);
		buf_fmt(&b, "\n%s  +0.000s  accepted\n", iso_utc(at, accepted, true));
		for (size_t i = 0; i < n; i++)
			timeline_event(&b, &ev[i], accepted);
	}
	say(c, "%s", buf_cstr(&b));
	buf_done(&b);
}

int message_show(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct timeline_names names = {&all, c->settings};
	struct delivery *d = NULL;
	struct event *events = NULL;
	struct uid id;
	struct err e;
	size_t n = 0;
	int code, r;
	struct query *q = context_query(c, &code);

	if (!q)
		return code;
	if (uid_parse(str_of(a->argument[0]), &id) < 0)
		return complain(c, EX_DATAERR, "%s: not an id", a->argument[0]);
	r = query_history(q, &everything, id, &d, &events, &n);
	if (r == -ENOENT && admin_load(c->admin, &all, &e) == 0) {
		code = mo_show(c, q, id, &names, !args_has(a, OPT_NO_TEXT));
		admin_all_done(&all);
		if (code != -ENOENT)
			return code;
	}
	if (r == -ENOENT)
		return complain(c, EX_NOINPUT, "there is no message %s", a->argument[0]);
	if (r < 0)
		return complain(c, EX_IOERR, "the store cannot be read: %s", strerrordesc_np(-r));
	r = admin_load(c->admin, &all, &e);
	if (r == 0)
		show(c, d, events, n, &names, !args_has(a, OPT_NO_TEXT));
	else
		code = complain_errno(c, r, &e);
	admin_all_done(&all);
	delivery_free(d);
	free(events);
	return code;
}

/* -- search --------------------------------------------------------------------------------------------------------- */

struct found {
	struct context *c;
	struct timeline_names names;
	size_t count;
};

static bool found_one(void *ctx, const struct delivery *d)
{
	struct found *f = ctx;
	struct buf b = BUF_INIT;
	char id[UUID_TEXT], at[ISO_MAX];

	if (f->c->json) {
		buf_puts(&b, f->count ? "," : "");
		timeline_json(&b, d, NULL, 0, &f->names, false);
	} else {
		iso_utc(at, uid_key_ms(d->key), true);
		buf_fmt(&b, "%s  %s  %.*s  ", uid_print(id, (struct uid){d->key, d->rest}), at,
			(int)(d->t.number.n ? d->t.number.n : d->t.destination.n),
			d->t.number.n ? d->t.number.p : d->t.destination.p);
		timeline_state(&b, d);
		buf_putc(&b, '\n');
	}
	say(f->c, "%s", buf_cstr(&b));
	buf_done(&b);
	f->count++;
	return !context_gone(f->c);
}

/* A moment: ISO 8601, or an age that counts back from now. */
static int moment(struct context *c, const struct args *a, enum option_id id, int64_t *ret)
{
	struct str s = a->value[id] ? str_of(a->value[id]) : STR("");
	int64_t age;

	*ret = 0;
	if (!a->value[id] || iso_parse(s, ret) == 0)
		return 0;
	if (duration_parse(s, 1000, &age) < 0)
		return complain(c, EX_USAGE, "--%s: a time such as 2026-11-22T13:45:01, or an age such as 2h",
				option_rows[id].name);
	*ret = wall_ms() - age;
	return 0;
}

struct wanted {
	struct search s;
	struct phone number;
	bool account_given;
	struct account account;
};

static int read_wanted(struct context *c, const struct args *a, struct wanted *w)
{
	struct phone raw;
	int64_t n;
	int r = find_limit(c, a, &w->s.limit);

	if (r)
		return r;
	w->s.status = -1;
	if (args_has(a, OPT_NUMBER)) {
		if (phone_read(str_of(a->value[OPT_NUMBER]), &raw) < 0)
			return complain(c, EX_DATAERR, "--number: not a telephone number");
		phone_canonical(&raw, &w->number);
		w->s.number = (struct str){w->number.digits, w->number.n};
	}
	if (args_has(a, OPT_CORRELATION_ID))
		w->s.correlation = str_of(a->value[OPT_CORRELATION_ID]);
	if (args_has(a, OPT_STATUS)) {
		if (str_i64(str_of(a->value[OPT_STATUS]), 0, 999, &n) < 0)
			return complain(c, EX_USAGE, "--status: a code, such as 2, 4 or 101");
		w->s.status = (int)n;
	}
	if (args_has(a, OPT_RECEIVED) && (args_has(a, OPT_STATUS) || args_has(a, OPT_CORRELATION_ID)))
		return complain(c, EX_USAGE, "--received: goes with --number, --since, --until, --limit and --account");
	r = moment(c, a, OPT_SINCE, &w->s.since);
	if (r == 0)
		r = moment(c, a, OPT_UNTIL, &w->s.until);
	if (r == 0 && args_has(a, OPT_ACCOUNT)) {
		w->account_given = true;
		r = find_account(c, a, &w->account);
	}
	return r;
}

static bool fits(const struct search *s, const struct delivery *d)
{
	int64_t at = uid_key_ms(d->key);

	return (!s->number.n || str_eq(s->number, d->t.number)) && (!s->since || at >= s->since) &&
	       (!s->until || at <= s->until) &&
	       (s->status < 0 || d->sent_code == s->status || d->delivered_code == s->status);
}

/* The correlation index goes by account: every account is asked. It gives candidates, newest first, from which the rest selects. */
static int by_correlation(struct context *c, struct query *q, const struct wanted *w,
			  const struct admin_all *all, struct found *f)
{
	const size_t max = 1000;
	struct delivery **d = xcalloc(max, sizeof(struct delivery *));
	int code = EX_OK;

	for (size_t i = 0; i < all->account_count && code == EX_OK; i++) {
		struct scope sc = {.account = all->accounts[i].id};
		ssize_t n;

		if (w->account_given && w->account.id != sc.account)
			continue;
		n = query_correlation(q, &sc, w->s.correlation, d, max, 10000);
		if (n < 0)
			code = complain(c, EX_IOERR, "the store cannot be read: %s", strerrordesc_np((int)-n));
		for (ssize_t k = 0; k < n; k++) {
			if (f->count < w->s.limit && fits(&w->s, d[k]))
				found_one(f, d[k]);
			delivery_free(d[k]);
		}
	}
	free(d);
	return code;
}

int message_search(struct context *c, const struct args *a)
{
	struct wanted w = {.s.status = -1};
	struct admin_all all = {0};
	struct found f = {.c = c, .names = {&all, c->settings}};
	struct scope sc = everything;
	int code, r;
	struct query *q = context_query(c, &code);

	if (!q)
		return code;
	code = read_wanted(c, a, &w);
	if (code)
		return code;
	r = find_all(c, &all);
	if (r)
		return r;
	if (w.account_given)
		sc = (struct scope){.account = w.account.id};
	if (c->json)
		say(c, "[");
	if (args_has(a, OPT_RECEIVED))
		r = mo_search(c, q, &sc, &w.s, &f.names);
	else if (w.s.correlation.n)
		code = by_correlation(c, q, &w, &all, &f);
	else
		r = query_search(q, &sc, &w.s, found_one, &f);
	if (r < 0)
		code = complain(c, EX_IOERR, "the store cannot be read: %s", strerrordesc_np(-r));
	else if (c->json)
		say(c, "]\n");
	admin_all_done(&all);
	return code;
}

/* -- receipts that fit nothing -------------------------------------------------------------------------------------- */

static bool parked_one(void *ctx, const struct parked *p)
{
	struct row_listing *l = ctx;
	struct context *c = l->c;
	const char *connection = "?";
	struct buf b = BUF_INIT;
	char at[ISO_MAX];

	for (size_t i = 0; i < c->settings->sms.connection_count; i++)
		if (c->settings->sms.connections[i].number == p->connection)
			connection = c->settings->sms.connections[i].name;
	iso_utc(at, p->at, true);
	const char *const names[] = {"connection", "state", "carrierId", "err", "source", "destination"};
	const char *const values[] = {connection,    receipt_state_word((enum receipt_state)p->state),
				      p->carrier_id, p->err,
				      p->source,     p->destination};

	if (c->json) {
		buf_fmt(&b, "%s{\"at\":\"%s\"", l->count ? "," : "", at);
		for (size_t i = 0; i < COUNT_OF(names); i++)
			timeline_member(&b, names[i], str_of(values[i]));
		buf_putc(&b, '}');
	} else {
		buf_puts(&b, at);
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			buf_fmt(&b, "  %s ", names[i]);
			timeline_safe(&b, str_of(*values[i] ? values[i] : "-"));
		}
		buf_putc(&b, '\n');
	}
	say(c, "%s", buf_cstr(&b));
	buf_done(&b);
	l->count++;
	return !context_gone(c);
}

static int each_parked(struct query *q, size_t limit, struct row_listing *l)
{
	return query_parked(q, limit, parked_one, l);
}

int receipt_parked(struct context *c, const struct args *a) { return list_rows(c, a, each_parked); }
