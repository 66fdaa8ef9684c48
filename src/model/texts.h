/* texts.h - what an account keeps about its texts: templates, flows, campaigns, forbidden words, rules of lengths. Read-only copies
 * travel in a snapshot (core/snapshot.h); the store's admin part owns the truth. Everything is an account's; sub_account 0 means
 * all of its sub-accounts. Texts are valid UTF-8 without NUL. */
#pragma once
#include "base/uuid.h"
#include "model/account.h"

#define TEMPLATE_TEXT_MAX 1280 /* code points, of templates and flows; placeholders as they are written */
#define CAMPAIGN_ALIAS_MAX 128 /* code points */
#define CAMPAIGNS_MAX 10000    /* of one account */
#define WORD_MAX 100           /* code points of a forbidden word or phrase */
#define WORDS_MAX 100000       /* of one account or sub-account */
#define AFFIX_MAX 320          /* code points of a header or footer */

enum text_class { TEXT_OF_SUB_ACCOUNT = -1, TEXT_TRANSACTIONAL = 0, TEXT_MARKETING = 1 };

struct text_template {
	uint32_t account, sub_account;
	int64_t id;                /* unique within the account; 0 is an id as any other */
	char name[NAME_MAX_BYTES]; /* several may have the same */
	int8_t lane;               /* enum text_class */
	char *text;
};
struct flow {
	uint32_t account, sub_account;
	char id[UUID_TEXT]; /* lower case; unique within the account */
	char *text;
};
struct campaign {
	uint32_t id; /* unique over the installation, never given again */
	uint32_t account;
	char *alias; /* unique within the account, letter case of ASCII ignored */
	int64_t at;  /* when it was registered, wall ms */
};
struct forbidden_word {
	uint32_t account, sub_account;
	char *word; /* as it was written; a phrase may be several words */
};
struct text_rule { /* of a sub-account; of an account (sub_account 0) only closed_campaigns counts */
	uint32_t account, sub_account;
	uint32_t max_length;   /* code points of text, header and footer; 0: no limit but the usual one */
	char *header, *footer; /* of messages of class marketing; NULL: none */
	bool closed_campaigns; /* an unknown alias is refused instead of registered */
};
struct texts { /* arrays ordered by account, then sub-account, then id, name or word */
	struct text_template *templates;
	size_t template_count;
	struct flow *flows;
	size_t flow_count;
	struct campaign *campaigns;
	size_t campaign_count;
	struct forbidden_word *words;
	size_t word_count;
	struct text_rule *rules;
	size_t rule_count;
};
void texts_done(struct texts *t);
