/* drafts.c - checked messages into drafts: numbers, routes, parts, flags (send_request.h). */
#include <string.h>

#include "api/send_request.h"
#include "core/intake.h"
#include "model/codes.h"
#include "wire/phone.h"
#include "wire/split.h"

/* Texts repeat within a bulk (defaultValues): the last count is kept. */
struct counted {
	struct str text;
	uint16_t parts;
};

static uint16_t parts_of(struct str text, struct counted *last)
{
	static const struct split_options usual = {.alphabets = SPLIT_ALPHABETS};
	struct split_count c;

	if (last->text.p == text.p && last->text.n == text.n)
		return last->parts;
	/* A refusal still fills in the true number; 1280 characters need 39 parts at most. */
	(void)split_count(text, &usual, &c);
	*last = (struct counted){text, (uint16_t)MIN(MAX(c.parts, 1u), (unsigned)PARTS_MAX)};
	return last->parts;
}

static void end_with(struct draft *d, int code, int why)
{
	d->invalid = (uint16_t)code;
	d->invalid_reason = (uint16_t)why;
}

/* What the numbering plans do not know, or know otherwise, the operator may know better. */
static bool is_mobile(const struct settings *s, struct str written, struct phone *p)
{
	if (phone_destination(written, p))
		return true;
	for (size_t i = 0; p->n >= 8 && i < s->sms.mobile_prefix_count; i++)
		if (!strncmp(p->digits, s->sms.mobile_prefixes[i], strlen(s->sms.mobile_prefixes[i])))
			return true;
	return false;
}

static void set_number(struct draft *d, const struct settings *s, const struct sub_account *sub,
		       char digits[PHONE_MAX + 1])
{
	struct number_facts facts;
	struct refusal listed;
	struct phone p;

	if (!is_mobile(s, d->t.destination, &p)) {
		end_with(d, SENT_INVALID_DESTINATION_NUMBER, REASON_BAD_NUMBER);
		return;
	}
	memcpy(digits, p.digits, p.n);
	d->t.number = (struct str){digits, p.n};
	facts = intake_number(s, d->t.number);
	d->operator_id = facts.operator_id;
	if (!facts.reports)
		d->flags |= DF_NO_REPORTS;
	listed = intake_refusal(sub->account, sub->id, d->t.number);
	if (listed.code)
		end_with(d, listed.code, listed.reason);
	else if (!facts.routed)
		end_with(d, SENT_CARRIER_COMMUNICATION_ERROR, REASON_NO_ROUTE);
}

static uint8_t common_flags(const struct settings *s, const struct sub_account *sub)
{
	uint8_t flags = 0;

	if (sub->resend_doubt_set ? sub->resend_doubt : s->sms.doubt_resend)
		flags |= DF_RESEND_DOUBT;
	if (sub->marketing)
		flags |= DF_MARKETING;
	return flags;
}

struct draft *send_drafts(const struct send_request *r, const struct settings *s,
			  const struct sub_account *sub, struct arena *a)
{
	struct draft *drafts = arena_alloc(a, r->count * sizeof(*drafts));
	char(*digits)[PHONE_MAX + 1] = arena_alloc(a, r->count * sizeof(*digits));
	uint8_t flags = common_flags(s, sub);
	struct counted last = {{NULL, 0}, 0};

	ASSERT(drafts && digits); /* the arena has no ceiling and the count is bounded */
	for (size_t i = 0; i < r->count; i++) {
		const struct send_item *m = &r->items[i];
		struct draft *d = &drafts[i];

		d->t.destination = m->destination;
		d->t.text = m->text;
		d->t.correlation = m->correlation;
		d->t.extra = m->extra;
		d->validity_ms = s->sms.validity_ms;
		d->parts = parts_of(m->text, &last);
		d->flags = flags;
		if (m->flash > 0)
			d->flags |= DF_FLASH;
		if (m->correlation.n)
			d->flags |= DF_HAS_CORR;
		set_number(d, s, sub, digits[i]);
	}
	return drafts;
}
