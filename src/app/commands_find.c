/* commands_find.c - see commands_find.h. */
#include "app/commands_find.h"

#include <string.h>
#include <sysexits.h>

#include "base/time.h"
#include "base/tz.h"

#define RATE_MAX 1000000000
#define RATE_MS_MAX ((int64_t)31 * 86400000)

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

static bool zone_exists(const char *z)
{
	const struct tz *zone = strlen(z) < ZONE_MAX_BYTES ? tz_get(str_of(z)) : NULL;

	tz_put(zone);
	return zone != NULL;
}

int find_zone(struct context *c, const struct args *a, bool destination, char *ret)
{
	const char *z = a->value[OPT_TIME_ZONE];

	if (!z)
		return 0;
	if (strcmp(z, "none") == 0)
		z = "";
	else if (!(destination && strcmp(z, ZONE_OF_DESTINATION) == 0) && !zone_exists(z))
		return complain(c, EX_DATAERR, "--time-zone: a name of the tz database such as America/Sao_Paulo, an offset such as -03:00, or none");
	str_copy(ret, ZONE_MAX_BYTES, str_of(z));
	return 0;
}

int find_rate(struct context *c, const struct args *a, enum option_id option, uint32_t *n, int64_t *ms)
{
	const char *v = a->value[option], *slash = v ? strchr(v, '/') : NULL;
	int64_t count, time;

	if (!v)
		return 0;
	if (strcmp(v, "none") == 0) {
		*n = 0;
		*ms = 0;
		return 0;
	}
	if (!slash || str_i64((struct str){v, (size_t)(slash - v)}, 1, RATE_MAX, &count) < 0 ||
	    duration_parse(str_of(slash + 1), 1000, &time) < 0 || time < 1000 || time > RATE_MS_MAX)
		return complain(c, EX_USAGE, "--%s: a number and a time from 1s to 31d, such as 2/24h; or none",
				option_rows[option].name);
	*n = (uint32_t)count;
	*ms = time;
	return 0;
}

void print_rate(struct buf *b, uint32_t n, int64_t ms)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
	size_t i = 0;

	if (!n) {
		buf_puts(b, "none");
		return;
	}
	while (i + 1 < COUNT_OF(units) && ms % units[i].ms)
		i++;
	buf_fmt(b, "%u/%lld%c", n, (long long)(ms / units[i].ms), units[i].unit);
}

int find_limit(struct context *c, const struct args *a, size_t *ret)
{
	int64_t n = 50;

	if (args_has(a, OPT_LIMIT) && str_i64(str_of(a->value[OPT_LIMIT]), 1, 1000000, &n) < 0)
		return complain(c, EX_USAGE, "--limit: a number from 1 to 1000000");
	*ret = (size_t)n;
	return 0;
}

int find_all(struct context *c, struct admin_all *ret)
{
	struct err e;
	int r = admin_load(c->admin, ret, &e);

	return r < 0 ? complain_errno(c, r, &e) : 0;
}

int list_rows(struct context *c, const struct args *a, int (*walk)(struct query *q, size_t limit, struct row_listing *l))
{
	struct row_listing l = {.c = c};
	size_t limit;
	int code = find_limit(c, a, &limit);
	struct query *q = code ? NULL : context_query(c, &code);

	if (!q)
		return code;
	if (c->json)
		say(c, "[");
	if (walk(q, limit, &l) < 0)
		return complain(c, EX_IOERR, "the store cannot be read");
	if (c->json)
		say(c, "]\n");
	return EX_OK;
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
