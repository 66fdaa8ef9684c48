/* commands_find.c - see commands_find.h. */
#include "app/commands_find.h"

#include <sysexits.h>

bool name_usable(struct str s)
{
	if (!s.n || s.n >= NAME_MAX_BYTES || !utf8_valid(s, NULL) || s.p[0] == ' ' || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

struct user *user_named(struct str name_or_email)
{
	static _Thread_local struct user copy;
	const struct snapshot *s = snapshot_get();
	const struct user *u = s ? snapshot_user_named(s, name_or_email) : NULL;

	if (u)
		copy = *u;
	snapshot_put(s);
	return u ? &copy : NULL;
}

int find_account(struct context *c, const struct args *a, struct account *ret)
{
	const char *name = a->value[OPT_ACCOUNT] ? a->value[OPT_ACCOUNT] : "default";
	const struct snapshot *s = snapshot_get();
	const struct account *found = s ? snapshot_account_named(s, str_of(name)) : NULL;

	if (found)
		*ret = *found;
	snapshot_put(s);
	return found ? 0 : complain(c, EX_NOINPUT, "there is no account %s", name);
}

int find_sub_account(struct context *c, const struct args *a, const char *reference, struct sub_account *ret)
{
	const struct sub_account *found;
	const struct snapshot *s;
	struct account account = {0};
	int r = find_account(c, a, &account);

	if (r)
		return r;
	s = snapshot_get();
	found = s ? snapshot_sub_named(s, account.id, str_of(reference)) : NULL;
	if (found)
		*ret = *found;
	snapshot_put(s);
	return found ? 0 : complain(c, EX_NOINPUT, "account %s has no sub-account %s", account.name, reference);
}

int find_limit(struct context *c, const struct args *a, size_t *ret)
{
	int64_t n = 50;

	if (args_has(a, OPT_LIMIT) && str_i64(str_of(a->value[OPT_LIMIT]), 1, 1000000, &n) < 0)
		return complain(c, EX_USAGE, "--limit: a number from 1 to 1000000");
	*ret = (size_t)n;
	return 0;
}

const char *account_name(const struct admin_all *all, uint32_t id)
{
	for (size_t i = 0; i < all->account_count; i++)
		if (all->accounts[i].id == id)
			return all->accounts[i].name;
	return "?";
}

const char *sub_account_name(const struct admin_all *all, uint32_t id)
{
	for (size_t i = 0; i < all->sub_account_count; i++)
		if (all->sub_accounts[i].id == id)
			return all->sub_accounts[i].reference;
	return "?";
}

const char *user_name(const struct admin_all *all, uint32_t id)
{
	for (size_t i = 0; i < all->user_count; i++)
		if (all->users[i].id == id)
			return all->users[i].name;
	return "?";
}
