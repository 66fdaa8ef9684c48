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
	const struct profile_setting *profile;
	uint16_t parts;
};

/* What the connection will make of it (channel/sms/submit.c). */
static struct split_options options_of(const struct profile_setting *p)
{
	struct split_options o = {.alphabets = SPLIT_ALPHABETS};

	_Static_assert(JOIN_UDH8 == (int)SPLIT_UDH8 && JOIN_UDH16 == (int)SPLIT_UDH16 && JOIN_SAR == (int)SPLIT_SAR &&
			       JOIN_PAYLOAD == (int)SPLIT_PAYLOAD && JOIN_NONE == (int)SPLIT_NONE,
		       "joins");
	_Static_assert(ALPHABET_GSM7EXT == (unsigned)SPLIT_GSM7EXT && ALPHABET_UCS2 == (unsigned)SPLIT_UCS2, "alphabets");
	if (!p)
		return o;
	o.alphabets = p->alphabets;
	o.join = (enum split_join)p->join;
	o.fold = p->accents == ACCENTS_FOLD;
	o.shift = p->accents == ACCENTS_SINGLE_SHIFT;
	return o;
}

static uint16_t parts_of(struct str text, const struct profile_setting *profile, struct counted *last)
{
	struct split_options o;
	struct split_count c;

	if (last->parts && last->text.p == text.p && last->text.n == text.n && last->profile == profile)
		return last->parts;
	o = options_of(profile);
	/* A refusal still fills in the true number. */
	(void)split_count(text, &o, &c);
	*last = (struct counted){text, profile, (uint16_t)MIN(MAX(c.parts, 1u), (unsigned)PARTS_MAX)};
	return last->parts;
}

struct send_parts send_parts(struct str text, const struct profile_setting *profile)
{
	const struct split_options o = options_of(profile);
	struct split whole = {0};
	struct split_count c;
	bool fits = split_count(text, &o, &c) == 0;

	/* Where there is UCS-2 every text can be spelt. */
	if (fits && o.alphabets && !(o.alphabets & SPLIT_UCS2))
		fits = split_text(text, &o, &whole) == 0 && !whole.lossy;
	split_done(&whole);
	return (struct send_parts){(uint16_t)MIN(MAX(c.parts, 1u), (unsigned)PARTS_MAX), c.alphabet == SPLIT_UCS2, fits};
}

/* What the numbering plans do not know, or know otherwise, the operator may know better. */
bool send_usable(const struct settings *s, struct str written, struct phone *p)
{
	if (phone_destination(written, p))
		return true;
	for (size_t i = 0; p->n >= 8 && i < s->sms.mobile_prefix_count; i++)
		if (!strncmp(p->digits, s->sms.mobile_prefixes[i], strlen(s->sms.mobile_prefixes[i])))
			return true;
	return false;
}

/* Returns how the connection it will leave by wants texts, NULL when none is known. */
static const struct profile_setting *set_number(struct draft *d, const struct settings *s,
						const struct sub_account *sub, char digits[PHONE_MAX + 1])
{
	struct number_facts facts;
	struct refusal listed;
	struct phone p;

	if (!send_usable(s, d->t.destination, &p)) {
		draft_refuse(d, SENT_INVALID_DESTINATION_NUMBER, REASON_BAD_NUMBER);
		return NULL;
	}
	memcpy(digits, p.digits, p.n);
	d->t.number = (struct str){digits, p.n};
	facts = intake_number(s, d->t.number);
	d->operator_id = facts.operator_id;
	if (!facts.reports)
		d->flags |= DF_NO_REPORTS;
	listed = intake_refusal(sub->account, sub->id, d->t.number);
	if (listed.code)
		draft_refuse(d, (enum sent_code)listed.code, (enum reason)listed.reason);
	if (!facts.routed)
		draft_refuse(d, SENT_CARRIER_COMMUNICATION_ERROR, REASON_NO_ROUTE);
	return facts.profile;
}

static uint8_t common_flags(const struct settings *s, const struct sub_account *sub)
{
	uint8_t flags = 0;

	if (sub->resend_doubt_set ? sub->resend_doubt : s->sms.doubt_resend)
		flags |= DF_RESEND_DOUBT;
	return flags;
}

bool send_is_marketing(const struct send_item *m, const struct sub_account *sub)
{
	return m->lane == TEXT_OF_SUB_ACCOUNT ? sub->marketing : m->lane == TEXT_MARKETING;
}

struct draft *send_drafts(const struct send_request *r, const struct settings *s,
			  const struct sub_account *sub, struct arena *a)
{
	struct draft *drafts = arena_alloc(a, r->count * sizeof(*drafts));
	char(*digits)[PHONE_MAX + 1] = arena_alloc(a, r->count * sizeof(*digits));
	uint8_t flags = common_flags(s, sub);
	struct counted last = {{NULL, 0}, NULL, 0};

	ASSERT(drafts && digits); /* the arena has no ceiling and the count is bounded */
	for (size_t i = 0; i < r->count; i++) {
		const struct send_item *m = &r->items[i];
		struct draft *d = &drafts[i];

		d->t.destination = m->destination;
		d->t.text = m->final;
		d->t.campaign = m->campaign;
		d->t.invalid = m->invalid;
		d->campaign_id = m->campaign_id;
		d->t.correlation = m->correlation;
		d->t.extra = m->extra;
		d->validity_ms = s->sms.validity_ms;
		d->not_before = m->time.out.not_before;
		d->expires_at = m->time.out.expires_at;
		d->window = m->time.window;
		if (m->time.window)
			d->t.zone = m->time.zone;
		d->flags = flags;
		if (m->flash > 0)
			d->flags |= DF_FLASH;
		if (m->correlation.n)
			d->flags |= DF_HAS_CORR;
		if (send_is_marketing(m, sub))
			d->flags |= DF_MARKETING;
		if (m->forbidden)
			draft_refuse(d, SENT_INVALID_MESSAGE_TEXT, REASON_FORBIDDEN_WORDS);
		d->parts = parts_of(m->final, set_number(d, s, sub, digits[i]), &last);
	}
	return drafts;
}
