/* commands_user.c - users and their tokens. A token is shown once, when it is made; the store has its SHA-256 only. */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "base/time.h"
#include "wire/signature.h"

static void new_token(struct user *u, char text[TOKEN_TEXT])
{
	struct token_hash h;

	token_make(text);
	token_hash(str_of(text), &h);
	memcpy(u->token, h.h, TOKEN_HASH);
}

static void print_token(struct context *c, const struct user *u, const char *token)
{
	struct buf b = BUF_INIT;

	if (c->json) {
		buf_puts(&b, "{\"username\":");
		buf_json(&b, str_of(u->name));
		buf_fmt(&b, ",\"role\":\"%s\",\"token\":", role_name(u->role));
		buf_json(&b, str_of(token));
		say(c, "%s}\n", buf_cstr(&b));
	} else {
		say(c, "token: %s\n", token);
	}
	buf_done(&b);
}

static bool email_usable(struct str s)
{
	const char *at = memchr(s.p, '@', s.n);

	return at && at > s.p && at < s.p + s.n - 1 && !memchr(s.p, ' ', s.n);
}

/* Account and sub-account of the new user, made when missing. */
static int user_home(struct context *c, const struct args *a, struct user *u)
{
	const char *account = a->value[OPT_ACCOUNT] ? a->value[OPT_ACCOUNT] : "default";
	const char *sub = a->value[OPT_SUB_ACCOUNT];
	struct err e;
	int r;

	if (u->role != ROLE_REGULAR && sub)
		return complain(c, EX_USAGE, "--sub-account: only a regular user belongs to one");
	if (!name_usable(str_of(account)) || (sub && !name_usable(str_of(sub))))
		return complain(c, EX_DATAERR, "names have 1 to %d octets, without control characters and blanks around",
				NAME_MAX_BYTES - 1);
	r = admin_account_ensure(c->admin, str_of(account), &u->account, &e);
	c->changed = true;
	if (r == 0 && u->role == ROLE_REGULAR)
		r = admin_sub_ensure(c->admin, u->account, str_of(sub ? sub : "default"), &u->sub_account, &e);
	else if (r == 0)
		r = admin_sub_ensure(c->admin, u->account, STR("default"), &(uint32_t){0}, &e);
	return r < 0 ? complain_errno(c, r, &e) : 0;
}

int user_add(struct context *c, const struct args *a)
{
	struct str name = str_of(a->value[OPT_USERNAME]), email = str_of(a->value[OPT_EMAIL]);
	struct user u = {.answer_object = -1};
	char token[TOKEN_TEXT];
	struct err e;
	int role = role_parse(str_of(a->value[OPT_ROLE])), r;

	if (role < 0)
		return complain(c, EX_USAGE, "--role: regular, administrator or platform");
	if (!name_usable(name))
		return complain(c, EX_DATAERR, "--username: 1 to %d octets, without control characters and blanks around",
				NAME_MAX_BYTES - 1);
	if (!name_usable(email) || !email_usable(email))
		return complain(c, EX_DATAERR, "--email: not an e-mail address");
	if (user_named(name) || user_named(email))
		return complain(c, EX_CANTCREAT, "there is a user with that name or e-mail already");
	u.role = (uint8_t)role;
	str_copy(u.name, sizeof u.name, name);
	str_copy(u.email, sizeof u.email, email);
	r = user_home(c, a, &u);
	if (r)
		return r;
	new_token(&u, token);
	r = admin_user_add(c->admin, &u, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	print_token(c, &u, token);
	return context_audit(c, "user.add", "user=%s role=%s", u.name, role_name(role));
}

/* A copy of the user named by the first argument. 0 or an exit code. */
static int named(struct context *c, const struct args *a, struct user *ret)
{
	struct user *u = user_named(str_of(a->argument[0]));

	if (!u)
		return complain(c, EX_NOUSER, "there is no user %s", a->argument[0]);
	*ret = *u;
	return 0;
}

static int save(struct context *c, const struct user *u, const char *action, const char *detail)
{
	struct err e;
	int r = admin_user_set(c->admin, u, &e);

	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, action, "user=%s%s", u->name, detail);
}

static int set_disabled(struct context *c, const struct args *a, bool disabled)
{
	struct user u = {0};
	int r = named(c, a, &u);

	if (r)
		return r;
	u.disabled = disabled;
	/* An old token must not come back to life with its user. */
	u.old_until = 0;
	return save(c, &u, disabled ? "user.disable" : "user.enable", "");
}

int user_disable(struct context *c, const struct args *a) { return set_disabled(c, a, true); }

int user_enable(struct context *c, const struct args *a) { return set_disabled(c, a, false); }

int user_token(struct context *c, const struct args *a)
{
	char token[TOKEN_TEXT];
	int64_t grace = 0;
	struct user u = {0};
	int r = named(c, a, &u);

	if (r)
		return r;
	if (args_has(a, OPT_GRACE) && duration_parse(str_of(a->value[OPT_GRACE]), 1000, &grace) < 0)
		return complain(c, EX_USAGE, "--grace: a time such as 24h or 30m");
	memcpy(u.old_token, u.token, TOKEN_HASH);
	u.old_until = grace ? wall_ms() + grace : 0;
	new_token(&u, token);
	r = save(c, &u, "user.token", grace ? " grace" : "");
	if (r == 0)
		print_token(c, &u, token);
	return r;
}

int user_set(struct context *c, const struct args *a)
{
	const char *answer = a->value[OPT_ANSWER];
	struct user u = {0};
	int r = named(c, a, &u);

	if (r)
		return r;
	if (!answer && !args_has(a, OPT_TIME_ZONE))
		return complain(c, EX_USAGE, "nothing to set: --answer, --time-zone");
	if (answer && strcmp(answer, "object") == 0)
		u.answer_object = 1;
	else if (answer && strcmp(answer, "array") == 0)
		u.answer_object = 0;
	else if (answer && strcmp(answer, "default") == 0)
		u.answer_object = -1;
	else if (answer)
		return complain(c, EX_USAGE, "--answer: array, object or default");
	r = find_zone(c, a, false, u.zone);
	return r ? r : save(c, &u, "user.set", answer ? args_has(a, OPT_TIME_ZONE) ? " answer time-zone" : " answer" : " time-zone");
}

static const char *answer_word(const struct user *u)
{
	if (u->answer_object < 0)
		return "default";
	return u->answer_object ? "object" : "array";
}

static void user_json(struct buf *b, const struct admin_all *all, const struct user *u)
{
	const char *sub = sub_account_name(all, u->sub_account);

	buf_puts(b, "{\"username\":");
	buf_json(b, str_of(u->name));
	buf_puts(b, ",\"email\":");
	buf_json(b, str_of(u->email));
	buf_fmt(b, ",\"role\":\"%s\",\"account\":", role_name(u->role));
	buf_json(b, str_of(account_name(all, u->account)));
	if (u->sub_account) {
		buf_puts(b, ",\"subAccount\":");
		buf_json(b, str_of(sub));
	}
	buf_fmt(b, ",\"disabled\":%s,\"system\":%s,\"answer\":\"%s\",\"timeZone\":", u->disabled ? "true" : "false",
		u->system ? "true" : "false", answer_word(u));
	buf_json_or_null(b, str_of(u->zone)); /* null: inherited */
	buf_putc(b, '}');
}

int user_list(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	int r = find_all(c, &all);

	(void)a;
	if (r)
		return r;
	if (c->json)
		buf_putc(&b, '[');
	for (size_t i = 0; i < all.user_count; i++) {
		const struct user *u = &all.users[i];

		if (c->json) {
			buf_puts(&b, i ? "," : "");
			user_json(&b, &all, u);
			continue;
		}
		buf_fmt(&b, "%-24s %-13s %s/%s  %s%s%s\n", u->name, role_name(u->role),
			account_name(&all, u->account), u->sub_account ? sub_account_name(&all, u->sub_account) : "*",
			u->email, u->disabled ? "  disabled" : "", u->system ? "  system" : "");
	}
	say(c, "%s%s", buf_cstr(&b), c->json ? "]\n" : "");
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
