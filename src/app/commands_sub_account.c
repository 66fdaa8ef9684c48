/* commands_sub_account.c - sub-accounts, and the short codes that are theirs. */
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_texts.h"
#include "wire/phone.h"

/* -- sub-accounts --------------------------------------------------------------------------------------------------- */

/* --sending-hours, --holidays. */
static int sub_hours(struct context *c, const struct args *a, struct sub_account *sub)
{
	const char *hours = a->value[OPT_SENDING_HOURS], *holidays = a->value[OPT_HOLIDAYS];
	struct err e;

	if (hours && sending_hours_parse(str_of(hours), &sub->hours, &e) < 0)
		return complain(c, EX_DATAERR, "--sending-hours: %s", e.text);
	if (holidays && holidays_parse(str_of(holidays), &sub->hours, &e) < 0)
		return complain(c, EX_DATAERR, "--holidays: %s", e.text);
	return 0;
}

static int sub_rules(struct context *c, const struct args *a, struct sub_account *sub)
{
	const char *class = a->value[OPT_CLASS], *doubt = a->value[OPT_IN_DOUBT];
	int r;

	if (class && strcmp(class, "marketing") != 0 && strcmp(class, "transactional") != 0)
		return complain(c, EX_USAGE, "--class: transactional or marketing");
	if (class)
		sub->marketing = strcmp(class, "marketing") == 0;
	if (doubt && strcmp(doubt, "end") != 0 && strcmp(doubt, "resend") != 0 && strcmp(doubt, "default") != 0)
		return complain(c, EX_USAGE, "--in-doubt: end, resend or default");
	if (doubt) {
		sub->resend_doubt = strcmp(doubt, "resend") == 0;
		sub->resend_doubt_set = strcmp(doubt, "default") != 0;
	}
	r = find_zone(c, a, true, sub->zone);
	if (r == 0)
		r = sub_hours(c, a, sub);
	return r ? r : protect_rules(c, a, sub);
}

static const char *doubt_word(const struct sub_account *s)
{
	if (!s->resend_doubt_set)
		return "default";
	return s->resend_doubt ? "resend" : "end";
}

static int save_sub(struct context *c, const struct sub_account *sub, const char *action)
{
	char hours[SENDING_HOURS_TEXT];
	struct err e;
	struct buf rules = BUF_INIT;
	int r = admin_sub_set(c->admin, sub, &e);

	c->changed = true;
	if (r < 0)
		return complain_errno(c, r, &e);
	sending_hours_text(&sub->hours, hours);
	protect_text(&rules, sub);
	r = context_audit(c, action, "sub_account=%s class=%s in_doubt=%s time_zone=%s sending_hours=\"%s\" holidays=%u%s",
			  sub->reference, sub->marketing ? "marketing" : "transactional", doubt_word(sub),
			  sub->zone, hours, sub->hours.holiday_count, buf_cstr(&rules));
	buf_done(&rules);
	return r;
}

int sub_account_add(struct context *c, const struct args *a)
{
	struct str reference = str_of(a->argument[0]);
	struct sub_account sub = {0};
	const struct snapshot *s;
	struct account account = {0};
	struct err e;
	bool exists;
	int r = find_account(c, a, &account);

	if (r)
		return r;
	s = snapshot_get();
	exists = snapshot_sub_named(s, account.id, reference) != NULL;
	snapshot_put(s);
	if (exists)
		return complain(c, EX_CANTCREAT, "account %s has a sub-account %s already", account.name,
				a->argument[0]);
	if (!name_usable(reference))
		return complain(c, EX_DATAERR, "a reference has 1 to %d octets, without control characters and blanks around",
				NAME_MAX_BYTES - 1);
	sub.account = account.id;
	str_copy(sub.reference, sizeof sub.reference, reference);
	r = sub_rules(c, a, &sub);
	if (r == 0)
		r = text_rule_check(c, a);
	if (r)
		return r;
	r = admin_sub_ensure(c->admin, account.id, reference, &sub.id, &e);
	c->changed = true;
	if (r < 0)
		return complain_errno(c, r, &e);
	r = save_sub(c, &sub, "sub-account.add");
	return r ? r : text_rule_save(c, a, account.id, sub.id);
}

int sub_account_change(struct context *c, const struct args *a)
{
	struct sub_account sub = {0};
	int r = find_sub_account(c, a, a->argument[0], &sub);

	if (r == 0 && !args_has(a, OPT_CLASS) && !args_has(a, OPT_IN_DOUBT) && !args_has(a, OPT_TIME_ZONE) &&
	    !args_has(a, OPT_SENDING_HOURS) && !args_has(a, OPT_HOLIDAYS) && !protect_given(a) && !text_rule_given(a))
		return complain(c, EX_USAGE, "nothing to set: give at least one of the options");
	if (r == 0)
		r = sub_rules(c, a, &sub);
	if (r == 0)
		r = text_rule_check(c, a);
	if (r == 0)
		r = save_sub(c, &sub, "sub-account.set");
	return r ? r : text_rule_save(c, a, sub.account, sub.id);
}

int sub_account_list(struct context *c, const struct args *a)
{
	char hours[SENDING_HOURS_TEXT], holidays[HOLIDAYS_TEXT];
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	struct account only = {0};
	int r = args_has(a, OPT_ACCOUNT) ? find_account(c, a, &only) : 0;

	if (r)
		return r;
	r = find_all(c, &all);
	if (r)
		return r;
	for (size_t i = 0; i < all.sub_account_count; i++) {
		const struct sub_account *x = &all.sub_accounts[i];
		const char *account = account_name(&all, x->account), *class = x->marketing ? "marketing" : "transactional";

		if (only.id && x->account != only.id)
			continue;
		sending_hours_text(&x->hours, hours);
		holidays_text(&x->hours, holidays);
		if (!c->json) {
			buf_fmt(&b, "%s/%-24s %-13s in doubt: %s%s%s", account, x->reference, class,
				doubt_word(x), hours[0] ? "  sends: " : "", hours);
			protect_text(&b, x);
			text_rule_put(c, &b, x->account, x->id);
			buf_putc(&b, '\n');
			continue;
		}
		buf_puts(&b, b.n ? ",{\"account\":" : "{\"account\":");
		buf_json(&b, str_of(account));
		buf_puts(&b, ",\"subAccount\":");
		buf_json(&b, str_of(x->reference));
		buf_fmt(&b, ",\"id\":%u,\"class\":\"%s\",\"inDoubt\":\"%s\",\"sendingHours\":\"%s\",\"holidays\":\"%s\"",
			x->id, class, doubt_word(x), hours, holidays);
		buf_puts(&b, ",\"timeZone\":");
		buf_json_or_null(&b, str_of(x->zone)); /* null: inherited */
		protect_json(&b, x);
		text_rule_put(c, &b, x->account, x->id);
		buf_putc(&b, '}');
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}

/* -- short codes ---------------------------------------------------------------------------------------------------- */

static bool configured(const struct settings *s, const char *code)
{
	for (size_t i = 0; i < s->sms.short_code_count; i++)
		if (strcmp(s->sms.short_codes[i], code) == 0)
			return true;
	return false;
}

int short_code_assign(struct context *c, const struct args *a)
{
	const char *code = a->argument[0];
	struct sub_account sub = {0};
	struct err e;
	int r;

	if (!phone_is_short_code(str_of(code)))
		return complain(c, EX_DATAERR, "%s: a short code has 3 to 6 digits", code);
	if (!configured(c->settings, code))
		return complain(c, EX_NOINPUT, "%s: not among sms.short_codes of the configuration", code);
	r = find_sub_account(c, a, a->value[OPT_SUB_ACCOUNT], &sub);
	if (r)
		return r;
	r = admin_short_code_assign(c->admin, str_of(code), sub.id, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, "short-code.assign", "code=%s sub_account=%s", code, sub.reference);
}

static uint32_t owner_of(const struct admin_all *all, const char *code)
{
	for (size_t i = 0; i < all->short_code_count; i++)
		if (strcmp(all->short_codes[i].code, code) == 0)
			return all->short_codes[i].sub_account;
	return 0;
}

/* Those of the configuration, and those assigned that are not in it any more. */
int short_code_list(struct context *c, const struct args *a)
{
	const struct settings *s = c->settings;
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	int r = find_all(c, &all);

	(void)a;
	if (r)
		return r;
	for (size_t i = 0; i < s->sms.short_code_count + all.short_code_count; i++) {
		bool assigned = i >= s->sms.short_code_count;
		const char *code =
			assigned ? all.short_codes[i - s->sms.short_code_count].code : s->sms.short_codes[i];
		uint32_t owner = owner_of(&all, code);
		const char *name = owner ? sub_account_name(&all, owner) : "";

		if (assigned && configured(s, code))
			continue;
		if (!c->json) {
			buf_fmt(&b, "%-8s %s%s\n", code, *name ? name : "-", assigned ? "  (not configured)" : "");
			continue;
		}
		buf_fmt(&b, "%s{\"shortCode\":\"%s\",\"configured\":%s,\"subAccount\":", b.n ? "," : "", code,
			assigned ? "false" : "true");
		buf_json_or_null(&b, str_of(name));
		buf_putc(&b, '}');
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
