/* admin.h - accounts, users, webhooks, short codes and numbers of connections: small, plain SQL, a file of its own (admin.db).
 * Thread-safe (one lock inside); every change is durable when the call returns, and audited (who, what, when). */
#pragma once
#include "model/account.h"

struct admin;
struct buf;
/* Creates account and sub-account `default` with their system users on first open. -EPROTO for a newer schema. */
int admin_open(struct admin **ret, const char *data_folder, struct err *e) MUST;
void admin_close(struct admin *a);

/* All that a snapshot needs; the arrays are owned by the caller (free). */
struct admin_all {
	struct account *accounts;
	size_t account_count;
	struct sub_account *sub_accounts;
	size_t sub_account_count;
	struct user *users;
	size_t user_count;
	struct webhook *webhooks;
	size_t webhook_count;
	struct short_code *short_codes;
	size_t short_code_count;
	struct keyword *keywords;
	size_t keyword_count;
};
int admin_load(struct admin *a, struct admin_all *ret, struct err *e) MUST;
void admin_all_done(struct admin_all *all);

/* -EEXIST, -ENOENT, -EINVAL with words for the operator. ids are returned where a thing is made. */
int admin_account_ensure(struct admin *a, struct str name, uint32_t *id, struct err *e) MUST;
int admin_sub_ensure(struct admin *a, uint32_t account, struct str reference, uint32_t *id, struct err *e) MUST;
int admin_sub_set(struct admin *a, const struct sub_account *sub, struct err *e) MUST;     /* by id */
int admin_account_set(struct admin *a, const struct account *account, struct err *e) MUST; /* by id */
/* Fills u->id; u->token is the hash of the token the caller made. Name and e-mail are unique over the installation. */
int admin_user_add(struct admin *a, struct user *u, struct err *e) MUST;
int admin_user_set(struct admin *a, const struct user *u, struct err *e) MUST; /* by id, all fields */
int admin_webhook_set(struct admin *a, struct webhook *w, struct err *e) MUST; /* by owner; fills id */
int admin_short_code_assign(struct admin *a, struct str code, uint32_t sub_account, struct err *e) MUST;
/* A word of a short code has one action: an older one is replaced. Fills id. */
int admin_keyword_set(struct admin *a, struct keyword *k, struct err *e) MUST;
int admin_keyword_remove(struct admin *a, uint32_t id, struct err *e) MUST; /* -ENOENT */
/* The number of a connection's name, made when new; 1..65535. */
int admin_connection_number(struct admin *a, struct str name, uint16_t *number, struct err *e) MUST;
/* What the operator said about it (enum hold, model/settings.h); of a name that has a number. */
int admin_connection_hold(struct admin *a, struct str name, int *hold, struct err *e) MUST;
int admin_connection_hold_set(struct admin *a, struct str name, int hold, struct err *e) MUST;
/* Who did what, for ever: callers audit each change they make. */
int admin_audit(struct admin *a, struct str actor, struct str action, struct str detail, struct err *e) MUST;
/* A copy in a file of its own, while in use; one that is there already is replaced. */
int admin_backup(struct admin *a, const char *path, struct err *e) MUST;
