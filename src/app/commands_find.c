/* commands_find.c - see commands_find.h. */
#include "app/commands_find.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

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

/* +03:00, -0100 */
static bool is_offset(const char *z)
{
	size_t n = strlen(z), digits = 0;

	if ((*z != '+' && *z != '-') || (n != 5 && n != 6) || (n == 6 && z[3] != ':'))
		return false;
	for (size_t i = 1; i < n; i++)
		digits += isdigit((unsigned char)z[i]) != 0;
	return digits == 4 && (z[1] - '0') * 10 + (z[2] - '0') <= 18 && z[n - 2] < '6';
}

/* A name of the system's tz database: words of letters, digits, _ + - with strokes between. */
static bool is_zone_name(const char *z)
{
	char path[sizeof(ZONES) + 1 + ZONE_MAX_BYTES];

	if (!isalpha((unsigned char)*z) || strlen(z) >= ZONE_MAX_BYTES || strstr(z, "//") || z[strlen(z) - 1] == '/')
		return false;
	for (const char *p = z; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p))
			return false;
	snprintf(path, sizeof path, ZONES "/%s", z);
	return strcmp(z, "UTC") == 0 || access(path, R_OK) == 0;
}

int find_zone(struct context *c, const struct args *a, char *ret)
{
	const char *z = a->value[OPT_TIME_ZONE];

	if (!z)
		return 0;
	if (strcmp(z, "none") == 0)
		z = "";
	else if (!is_offset(z) && !is_zone_name(z))
		return complain(c, EX_DATAERR, "--time-zone: a name of the tz database such as America/Sao_Paulo, an offset such as -03:00, or none");
	str_copy(ret, ZONE_MAX_BYTES, str_of(z));
	return 0;
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
