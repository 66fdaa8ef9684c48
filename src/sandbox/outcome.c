/* outcome.c - the table of outcomes. Numbers with a meaning behave the same every time, whatever the fault percentages say;
 * those apply to all others. */
#include "sandbox/outcome.h"

/* Last four digits as a number, -1 when there are none. */
static int suffix(struct str number)
{
	int v = 0;

	if (number.n < 4)
		return -1;
	for (size_t i = number.n - 4; i < number.n; i++) {
		if (number.p[i] < '0' || number.p[i] > '9')
			return -1;
		v = v * 10 + (number.p[i] - '0');
	}
	return v;
}

static bool happens(double percent, struct prng *r)
{
	return percent > 0 && (double)prng_below(r, 1000000) < percent * 10000;
}

static void ordinary(const struct sandbox_settings *s, struct prng *r, struct sandbox_outcome *o)
{
	if (happens(s->drop, r))
		o->close = true;
	else if (happens(s->throttle, r))
		o->status = SMPP_RTHROTTLED;
	else if (happens(s->reject, r))
		o->status = SMPP_RSUBMITFAIL;
	if (happens(s->fail, r))
		o->state = RECEIPT_UNDELIVERABLE;
	if (happens(s->late, r))
		o->delay_ms = s->late_delay;
	if (happens(s->no_receipt, r))
		o->receipts = 0;
}

static void second_part(const struct sandbox_settings *s, const struct sms_part *part, unsigned parts,
			struct sandbox_outcome *o)
{
	if (part->joined ? part->seq != 2 : parts < 2)
		return;
	if (s->second_part == SANDBOX_SECOND_PART_REFUSE)
		o->status = SMPP_RSUBMITFAIL;
	else
		o->state = RECEIPT_UNDELIVERABLE;
}

void sandbox_outcome(const struct sandbox_settings *s, struct str number, const struct sms_part *part,
		     unsigned parts, unsigned throttled, struct prng *r, struct sandbox_outcome *ret)
{
	struct sandbox_outcome o = {.status = SMPP_ROK, .receipts = 1, .state = RECEIPT_DELIVERED, .delay_ms = s->delay};

	switch (suffix(number)) {
	case 9101: o.state = RECEIPT_EXPIRED; break;
	case 9102: o.status = SMPP_RINVDSTADR; break;
	case 9103: o.status = SMPP_RSUBMITFAIL; break;
	case 9104: o.state = RECEIPT_UNDELIVERABLE; break;
	case 9058: o.status = throttled < OUTCOME_THROTTLES ? SMPP_RTHROTTLED : SMPP_ROK; break;
	case 9000: o.receipts = 0; break;
	case 9001: o.receipt_first = true; break;
	case 9002:
		o.receipts = 2;
		o.out_of_order = true;
		if (part->joined) /* the last part's receipt comes first */
			o.delay_ms += (part->total - part->seq) * 10;
		break;
	case 9003: o.other_notation = true; break;
	case 9004: o.silent = true; break;
	case 9005: o.close = true; break;
	case 9006: second_part(s, part, parts, &o); break;
	case 9007: o.answer = !part->joined || part->seq == part->total ? "SAIR" : NULL; break;
	default: ordinary(s, r, &o);
	}
	*ret = o;
}

bool sandbox_outcome_counts(struct str number) { return suffix(number) == 9058; }
