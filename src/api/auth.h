/* auth.h - who is asking: user name or e-mail with a token, against the snapshot. */
#pragma once
#include "core/snapshot.h"
#include "wire/signature.h"

/* The user the token belongs to, into s; NULL when the name is unknown, the token wrong or the user or account disabled (the
 * answer must not tell which). Takes as long for an unknown name as for a wrong token. */
const struct user *auth_find(const struct snapshot *s, struct str name, const struct token_hash *token, int64_t now_ms);
/* The same user, still there and still with that token? For requests whose body took its time. */
const struct user *auth_again(const struct snapshot *s, uint32_t user, const struct token_hash *token, int64_t now_ms);
