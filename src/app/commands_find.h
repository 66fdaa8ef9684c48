/* commands_find.h - what commands name: users, accounts, sub-accounts. Looked up in the current snapshot, which every change
 * renews before the next one begins. */
#pragma once
#include "app/commands.h"

/* 1 to 127 octets of UTF-8, no control characters, no blank at either end. */
bool name_usable(struct str s);
/* Copies into memory of this thread that the next call overwrites; NULL: unknown. */
struct user *user_named(struct str name_or_email);
/* The account of --account, default `default`. 0 or an exit code, told. */
int find_account(struct context *c, const struct args *a, struct account *ret) MUST;
/* The sub-account with that reference in the account of --account. 0 or an exit code, told. */
int find_sub_account(struct context *c, const struct args *a, const char *reference, struct sub_account *ret) MUST;
/* --time-zone into ret[ZONE_MAX_BYTES], as it is when it is not given; "none" takes it away, "destination" is a sub-account's. 0 or an exit
 * code, told. */
int find_zone(struct context *c, const struct args *a, bool destination, char *ret) MUST;
/* An option such as 2/24h into *n and *ms, as they are when it is not given; "none" makes them 0. The time is from 1 s to 31 days. 0 or
 * an exit code, told. */
int find_rate(struct context *c, const struct args *a, enum option_id option, uint32_t *n, int64_t *ms) MUST;
void print_rate(struct buf *b, uint32_t n, int64_t ms); /* "2/24h", "none" */
/* All there is in the administration's file; freed by admin_all_done(). 0 or an exit code, told. */
int find_all(struct context *c, struct admin_all *ret) MUST;
/* What a command lists of the store, each row by walk's call-back with the listing: text, or with --json an array; --limit rows at most. An
 * exit code, told. */
struct row_listing {
	struct context *c;
	size_t count; /* the call-back's: of the rows so far */
};
int list_rows(struct context *c, const struct args *a,
	      int (*walk)(struct query *q, size_t limit, struct row_listing *l)) MUST;
/* --limit, 50 when it is not given. 0 or an exit code, told. */
int find_limit(struct context *c, const struct args *a, size_t *ret) MUST;
/* Names of ids; "?" when unknown. */
const char *account_name(const struct admin_all *all, uint32_t id);
const char *sub_account_name(const struct admin_all *all, uint32_t id);
const char *user_name(const struct admin_all *all, uint32_t id);
/* The webhook of --username or --sub-account; id 0 when it has none yet. 0 or an exit code, told. */
int webhook_owner(struct context *c, const struct args *a, struct webhook *ret) MUST;
