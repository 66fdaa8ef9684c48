/* commands_account.c - accounts. */
#include <ctype.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_texts.h"

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

int account_list(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	int r = find_all(c, &all);

	(void)a;
	if (r)
		return r;
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
		buf_puts(&b, ",\"timeZone\":");
		buf_json_or_null(&b, str_of(x->zone)); /* null: inherited */
		protect_allow_json(&b, &x->allow);
		buf_fmt(&b, ",\"disabled\":%s", x->disabled ? "true" : "false");
		text_rule_put(c, &b, x->id, 0);
		buf_putc(&b, '}');
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
