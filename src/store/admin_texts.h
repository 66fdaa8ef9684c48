/* admin_texts.h - templates, flows, campaigns, forbidden words and rules of lengths in admin.db. Thread-safe as admin.h; every change is
 * durable when the call returns. -EEXIST, -ENOENT, -EINVAL, -ENOSPC with words for the operator. */
#pragma once
#include "model/texts.h"
#include "store/admin.h"

int admin_texts_load(struct admin *a, struct texts *ret, struct err *e) MUST; /* texts_done() */

/* id_given: with t->id, else the next one of the installation, filled in. Texts were checked by the caller. */
int admin_template_add(struct admin *a, struct text_template *t, bool id_given, struct err *e) MUST;
int admin_template_remove(struct admin *a, uint32_t account, int64_t id, struct err *e) MUST;
int admin_flow_add(struct admin *a, const struct flow *f, struct err *e) MUST;
int admin_flow_remove(struct admin *a, uint32_t account, const char *id, struct err *e) MUST;

/* The ids of aliases, registered where they are new: all in one transaction. An id is never given again, not even after its campaign
 * was removed. -ENOSPC: an account would have more than CAMPAIGNS_MAX; then nothing is registered.
 *
 * pending, in: what is new has its id, but is not there for anybody who reads until admin_campaigns_settle() keeps it. Filled: it is so,
 * by this wish or by another one. */
struct campaign_wish {
	uint32_t account;
	struct str alias;
	uint32_t id; /* filled */
	bool pending;
};
int admin_campaigns_ensure(struct admin *a, struct campaign_wish *w, size_t n, struct err *e) MUST;
/* Pending ones are kept, or forgotten; others stay as they are. One transaction. */
struct campaign_verdict {
	uint32_t id;
	bool keep;
};
int admin_campaigns_settle(struct admin *a, const struct campaign_verdict *v, size_t n, struct err *e) MUST;
/* At the start: nobody knows any more whether what is pending was accepted, so it is kept. */
int admin_campaigns_recover(struct admin *a, struct err *e) MUST;
int admin_campaign_remove(struct admin *a, uint32_t account, struct str alias, struct err *e) MUST;

/* Words that are there already, whatever their letter case and accents, are left alone. *done = how many were new, or there. */
int admin_words_add(struct admin *a, uint32_t account, uint32_t sub_account, const struct str *words,
		    size_t n, size_t *done, struct err *e) MUST;
int admin_words_remove(struct admin *a, uint32_t account, uint32_t sub_account, const struct str *words,
		       size_t n, size_t *done, struct err *e) MUST;

int admin_text_rule_set(struct admin *a, const struct text_rule *r, struct err *e) MUST; /* by owner, all fields */
