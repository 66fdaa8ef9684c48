/* snapshot.h - accounts, users, webhooks and routes as one immutable, reference-counted picture that is swapped whole. Any
 * thread takes one for as long as it works with it. */
#pragma once
#include "model/account.h"
#include "model/settings.h"
#include "model/texts.h"

struct snapshot;         /* opaque */
struct snapshot_source { /* arrays are copied */
	const struct account *accounts;
	size_t account_count;
	const struct sub_account *sub_accounts;
	size_t sub_account_count;
	const struct user *users;
	size_t user_count;
	const struct webhook *webhooks;
	size_t webhook_count;
	const struct short_code *short_codes;
	size_t short_code_count;
	const struct keyword *keywords;
	size_t keyword_count;
	const struct texts *texts; /* copied too; NULL = none */
};
struct snapshot *snapshot_new(const struct snapshot_source *src);
void snapshot_publish(struct snapshot *take);       /* becomes the current one of this process */
const struct snapshot *snapshot_get(void);          /* takes a reference; NULL before the first publish */
void snapshot_put(const struct snapshot *s);        /* NULL ok */
uint64_t snapshot_serial(const struct snapshot *s); /* no two of a process have the same; 0 for NULL */

/* All look-ups return pointers into s, NULL when unknown. */
const struct account *snapshot_account(const struct snapshot *s, uint32_t id);
const struct account *snapshot_account_named(const struct snapshot *s, struct str name);
const struct sub_account *snapshot_sub(const struct snapshot *s, uint32_t id);
const struct sub_account *snapshot_sub_named(const struct snapshot *s, uint32_t account, struct str reference);
/* Ids of an account's sub-accounts; the array is the caller's. Returns their number. */
size_t snapshot_subs_of(const struct snapshot *s, uint32_t account, uint32_t **ids);
int64_t snapshot_longest_per_destination(const struct snapshot *s); /* period in ms, of all sub-accounts; 0: none has a limit */
const struct sub_account *snapshot_sub_default(const struct snapshot *s, uint32_t account); /* as chosen, else the one called "default" */
const struct user *snapshot_user(const struct snapshot *s, uint32_t id);
const struct user *snapshot_system_user(const struct snapshot *s, uint32_t sub_account);
const struct user *snapshot_user_named(const struct snapshot *s, struct str name_or_email);
/* The webhook URLs that count for a message: the user's own where set, else the sub-account's. url is "" when none. */
struct hook_target {
	const char *url;
	const struct webhook *webhook; /* whose secret, credentials, headers */
};
struct hook_target snapshot_hook(const struct snapshot *s, uint32_t sub_account, uint32_t user, int hook_kind);
const struct webhook *snapshot_webhook(const struct snapshot *s, uint32_t id);
/* The short code that is assigned to a sub-account (the first of several); NULL when none. */
const char *snapshot_short_code(const struct snapshot *s, uint32_t sub_account);
/* What sub-account and user of an MO are called. */
struct mo_names;
void snapshot_mo_names(const struct snapshot *s, uint32_t sub_account, uint32_t user, struct mo_names *ret);
/* Whose short code it is; 0: nobody's. */
uint32_t snapshot_code_owner(const struct snapshot *s, struct str code);
/* The keyword of that short code that a text begins with, the longest of several; normal: the text by words_normal(). */
const struct keyword *snapshot_keyword(const struct snapshot *s, struct str short_code, struct str normal);

/* -- texts (snapshot_texts.c). sub_account: who asks sees what is the whole account's and that sub-account's; 0 sees everything of the
 * account. */
struct words;
const struct text_template *snapshot_template(const struct snapshot *s, uint32_t account, uint32_t sub_account, int64_t id);
/* How many have that name (letter case of ASCII ignored); *ret is one of them. */
size_t snapshot_templates_named(const struct snapshot *s, uint32_t account, uint32_t sub_account,
				struct str name, const struct text_template **ret);
const struct flow *snapshot_flow(const struct snapshot *s, uint32_t account, uint32_t sub_account, struct str id);
const struct campaign *snapshot_campaign(const struct snapshot *s, uint32_t account, struct str alias);
const struct campaign *snapshot_campaign_id(const struct snapshot *s, uint32_t account, uint32_t id); /* looks at all of them */
size_t snapshot_campaign_count(const struct snapshot *s, uint32_t account);
/* The list of just that owner (sub_account 0: the account's); NULL when it has no words. */
const struct words *snapshot_words(const struct snapshot *s, uint32_t account, uint32_t sub_account);
const struct text_rule *snapshot_text_rule(const struct snapshot *s, uint32_t account, uint32_t sub_account); /* never NULL */
