/* commands_texts.h - what the commands about texts share (commands_texts.c, commands_text_rule.c, commands_words.c, and those of accounts
 * and sub-accounts). */
#pragma once
#include "app/commands.h"
#include "base/time.h"

/* Whose templates, flows and words: the account's of --account, or just the sub-account's of --sub-account. */
struct text_owner {
	struct account account;
	uint32_t sub_account;           /* 0: the whole account */
	char reference[NAME_MAX_BYTES]; /* "" then */
};
int find_text_owner(struct context *c, const struct args *a, struct text_owner *ret) MUST; /* 0 or an exit code, told */
void text_owner_name(struct context *c, uint32_t sub_account, char out[NAME_MAX_BYTES]); /* "" for 0, "?" when unknown */
bool text_owner_wants(const struct args *a, const struct text_owner *o, uint32_t account, uint32_t sub_account); /* for the lists */
/* The text of --option in NFC, owned by the caller. placeholders: it may hold them, and may not be empty. NULL: it is not usable, which is
 * told, with the exit code in *code. */
char *usable_text(struct context *c, const char *option, const char *given, size_t most, bool placeholders, int *code) MUST;
/* What a list command shows: put adds the lines, or the JSON objects with commas between them, that are of the owner. */
int text_list(struct context *c, const struct args *a,
	      void (*put)(struct context *c, const struct args *a, const struct text_owner *o,
			  const struct texts *all, struct buf *b));
void put_sub_account(struct buf *b, const char *owner); /* `"subAccount":` and its reference, or null for "" */

/* -- commands_text_rule.c: --max-length, --header, --footer of sub-accounts, --campaigns of accounts ------------------------------- */
bool text_rule_given(const struct args *a);
int text_rule_check(struct context *c, const struct args *a) MUST; /* before anything is changed: 0 or an exit code, told */
int text_rule_save(struct context *c, const struct args *a, uint32_t account, uint32_t sub_account) MUST;
void text_rule_put(struct context *c, struct buf *b, uint32_t account, uint32_t sub_account); /* for the lists */
