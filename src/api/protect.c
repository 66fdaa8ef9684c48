/* protect.c - allow-lists of countries and prefixes (protect.h). */
#include "api/protect.h"

#include <string.h>

#include "model/codes.h"
#include "wire/phone.h"

/* Words with commas between; fn(word) until one fits. */
static bool any_word(const char *list, bool (*fits)(struct str word, struct str what), struct str what)
{
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");

		if (fits((struct str){p, n}, what))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static bool begins(struct str word, struct str digits)
{
	return word.n <= digits.n && !memcmp(word.p, digits.p, word.n);
}

bool protect_covers(const struct allow_list *l, const char *country, struct str digits)
{
	if (!l->countries[0] && !l->prefixes[0])
		return true;
	return (country[0] && any_word(l->countries, str_eq, str_of(country))) || any_word(l->prefixes, begins, digits);
}

static bool may_go(const struct account *account, const struct sub_account *sub, struct str digits)
{
	struct phone p = {.n = (uint8_t)MIN(digits.n, (size_t)PHONE_MAX)};
	struct phone_plan plan;

	memcpy(p.digits, digits.p, p.n);
	plan = phone_plan(&p);
	return (!account || protect_covers(&account->allow, plan.country, digits)) &&
	       (!sub || protect_covers(&sub->allow, plan.country, digits));
}

static bool is_open(const struct allow_list *l) { return !l->countries[0] && !l->prefixes[0]; }

void protect_drafts(struct draft *d, size_t n, const struct account *account, const struct sub_account *sub)
{
	if ((!account || is_open(&account->allow)) && (!sub || is_open(&sub->allow)))
		return;
	for (size_t i = 0; i < n; i++) {
		/* An unusable number is told first; everything else that a draft may end with comes after this. */
		if (d[i].invalid == SENT_INVALID_DESTINATION_NUMBER || may_go(account, sub, d[i].t.number))
			continue;
		d[i].invalid = SENT_BLACKLISTED;
		d[i].invalid_reason = REASON_NOT_ALLOWED;
	}
}
