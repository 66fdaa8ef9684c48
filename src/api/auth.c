/* auth.c - authentication of API requests (auth.h). */
#include "api/auth.h"

#include <string.h>

static bool token_fits(const struct user *u, const struct token_hash *given, int64_t now_ms)
{
	struct token_hash now, old;
	bool fits;

	_Static_assert(sizeof(now.h) == sizeof(u->token), "token hash");
	memcpy(now.h, u->token, sizeof(now.h));
	memcpy(old.h, u->old_token, sizeof(old.h));
	fits = token_hash_eq(&now, given);
	/* No early way out: the time taken tells nothing. */
	return (token_hash_eq(&old, given) && now_ms < u->old_until) || fits;
}

static bool enabled(const struct snapshot *s, const struct user *u)
{
	const struct account *a = snapshot_account(s, u->account);

	return !u->disabled && a && !a->disabled;
}

const struct user *auth_find(const struct snapshot *s, struct str name, const struct token_hash *token, int64_t now_ms)
{
	static const struct user nobody;
	const struct user *u = name.n ? snapshot_user_named(s, name) : NULL;
	bool fits = token_fits(u ? u : &nobody, token, now_ms);

	return u && fits && enabled(s, u) ? u : NULL;
}

const struct user *auth_again(const struct snapshot *s, uint32_t user, const struct token_hash *token, int64_t now_ms)
{
	const struct user *u = snapshot_user(s, user);

	return u && token_fits(u, token, now_ms) && enabled(s, u) ? u : NULL;
}
