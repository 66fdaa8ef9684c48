/* commands_account.c - accounts, sub-accounts, short codes. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_texts.h"
#include "wire/phone.h"

static const char *bool_word(bool b) { return b ? "true" : "false"; }

/* -- accounts ------------------------------------------------------------------------------------------------------- */

static int set_country(struct context *c, const struct args *a, struct account *account)
{
	const char *cc = a->value[OPT_COUNTRY];

	if (!cc)
		return 0;
	if (strlen(cc) != 2 || !isalpha((unsigned char)cc[0]) || !isalpha((unsigned char)cc[1]))
		return complain(c, EX_DATAERR, "--country: two letters of ISO 3166, such as BR");
	account->country[0] = (char)toupper((unsigned char)cc[0]);
	account->country[1] = (char)toupper((unsigned char)cc[1]);
	account->country[2] = '\0';
	return 0;
}

/* Which of its sub-accounts an administrator means who names none. */
static int set_default_sub(struct context *c, const struct args *a, struct account *account)
{
	const char *ref = a->value[OPT_DEFAULT_SUB_ACCOUNT];
	const struct snapshot *s;
	const struct sub_account *sub;

	if (!ref)
		return 0;
	s = snapshot_get();
	sub = s ? snapshot_sub_named(s, account->id, str_of(ref)) : NULL;
	account->default_sub = sub ? sub->id : account->default_sub;
	snapshot_put(s);
	return sub ? 0 : complain(c, EX_NOINPUT, "account %s has no sub-account %s", account->name, ref);
}

static int save_account(struct context *c, const struct account *account, const char *action)
{
	struct err e;
	int r = admin_account_set(c->admin, account, &e);

	c->changed = true;
	if (r < 0)
		return complain_errno(c, r, &e);
	return context_audit(c, action, "account=%s country=%s time_zone=%s default_sub=%u%s", account->name,
			     account->country, account->zone, account->default_sub,
			     account->disabled ? " disabled" : "");
}

int account_add(struct context *c, const struct args *a)
{
	struct str name = str_of(a->argument[0]);
	const struct snapshot *s = snapshot_get();
	bool exists = s && snapshot_account_named(s, name);
	struct account account = {0};
	struct err e;
	int r;

	snapshot_put(s);
	if (exists)
		return complain(c, EX_CANTCREAT, "there is an account %s already", a->argument[0]);
	if (!name_usable(name))
		return complain(c, EX_DATAERR, "a name has 1 to %d octets, without control characters and blanks around",
				NAME_MAX_BYTES - 1);
	str_copy(account.name, sizeof account.name, name);
	r = set_country(c, a, &account);
	if (r == 0)
		r = find_zone(c, a, false, account.zone);
	if (r == 0)
		r = protect_allow(c, a, &account.allow);
	if (r == 0)
		r = text_rule_check(c, a);
	if (r)
		return r;
	r = admin_account_ensure(c->admin, name, &account.id, &e);
	if (r == 0)
		r = admin_sub_ensure(c->admin, account.id, STR("default"), &(uint32_t){0}, &e);
	c->changed = true;
	if (r < 0)
		return complain_errno(c, r, &e);
	r = save_account(c, &account, "account.add");
	return r ? r : text_rule_save(c, a, account.id, 0);
}

int account_change(struct context *c, const struct args *a)
{
	struct args as_option = *a;
	struct account account = {0};
	int r;

	as_option.value[OPT_ACCOUNT] = a->argument[0];
	if (!args_has(a, OPT_COUNTRY) && !args_has(a, OPT_TIME_ZONE) &&
	    !args_has(a, OPT_DEFAULT_SUB_ACCOUNT) && !protect_given(a) && !text_rule_given(a))
		return complain(c, EX_USAGE, "nothing to set: give at least one of the options");
	r = find_account(c, &as_option, &account);
	if (r == 0)
		r = set_country(c, a, &account);
	if (r == 0)
		r = find_zone(c, a, false, account.zone);
	if (r == 0)
		r = set_default_sub(c, a, &account);
	if (r == 0)
		r = protect_allow(c, a, &account.allow);
	if (r == 0)
		r = text_rule_check(c, a);
	if (r == 0)
		r = save_account(c, &account, "account.set");
	return r ? r : text_rule_save(c, a, account.id, 0);
}

static int account_switch(struct context *c, const struct args *a, bool disabled)
{
	struct args as_option = *a;
	struct account account = {0};
	int r;

	as_option.value[OPT_ACCOUNT] = a->argument[0];
	r = find_account(c, &as_option, &account);
	account.disabled = disabled;
	return r ? r : save_account(c, &account, disabled ? "account.disable" : "account.enable");
}

int account_disable(struct context *c, const struct args *a) { return account_switch(c, a, true); }

int account_enable(struct context *c, const struct args *a) { return account_switch(c, a, false); }

/* null when it is inherited. */
static void zone_json(struct buf *b, const char *zone)
{
	buf_puts(b, ",\"timeZone\":");
	if (*zone)
		buf_json(b, str_of(zone));
	else
		buf_puts(b, "null");
}

int account_list(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	struct err e;
	int r = admin_load(c->admin, &all, &e);

	(void)a;
	if (r < 0)
		return complain_errno(c, r, &e);
	for (size_t i = 0; i < all.account_count; i++) {
		const struct account *x = &all.accounts[i];

		if (!c->json) {
			buf_fmt(&b, "%-24s %-2s %s%s", x->name, x->country, x->zone, x->disabled ? "  disabled" : "");
			text_rule_put(c, &b, x->id, 0);
			buf_putc(&b, '\n');
			continue;
		}
		buf_puts(&b, i ? ",{\"account\":" : "{\"account\":");
		buf_json(&b, str_of(x->name));
		buf_puts(&b, ",\"country\":");
		buf_json(&b, str_of(x->country));
		buf_puts(&b, ",\"defaultSubAccount\":");
		buf_json(&b, str_of(x->default_sub ? sub_account_name(&all, x->default_sub) : "default"));
		zone_json(&b, x->zone);
		protect_allow_json(&b, &x->allow);
		buf_fmt(&b, ",\"disabled\":%s", bool_word(x->disabled));
		text_rule_put(c, &b, x->id, 0);
		buf_putc(&b, '}');
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}

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
	struct err e;
	int r = args_has(a, OPT_ACCOUNT) ? find_account(c, a, &only) : 0;

	if (r)
		return r;
	r = admin_load(c->admin, &all, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
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
		zone_json(&b, x->zone);
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
	struct err e;
	int r = admin_load(c->admin, &all, &e);

	(void)a;
	if (r < 0)
		return complain_errno(c, r, &e);
	for (size_t i = 0; i < s->sms.short_code_count + all.short_code_count; i++) {
		bool assigned = i >= s->sms.short_code_count;
		const char *code =
			assigned ? all.short_codes[i - s->sms.short_code_count].code : s->sms.short_codes[i];
		uint32_t owner = owner_of(&all, code);
		const char *name = owner ? sub_account_name(&all, owner) : NULL;

		if (assigned && configured(s, code))
			continue;
		if (!c->json) {
			buf_fmt(&b, "%-8s %s%s\n", code, name ? name : "-", assigned ? "  (not configured)" : "");
			continue;
		}
		buf_fmt(&b, "%s{\"shortCode\":\"%s\",\"configured\":%s,\"subAccount\":", b.n ? "," : "", code,
			bool_word(!assigned));
		if (name)
			buf_json(&b, str_of(name));
		else
			buf_puts(&b, "null");
		buf_putc(&b, '}');
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
