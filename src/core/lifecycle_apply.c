/* lifecycle_apply.c - what an event makes of a delivery (lifecycle.h): the other half of the life cycle, which decides nothing. As live and
 * recovery both come through here, all that counts for the state stands in the event. */
#include "core/lifecycle.h"

#include "model/codes.h"

static void apply_part(struct delivery *d, const struct event *ev)
{
	unsigned part = (unsigned)ev->arg & 0xff, parts = (unsigned)ev->arg >> 8;

	if (parts >= 1 && parts <= PARTS_MAX && parts != d->part_count) {
		delivery_set_parts(d, parts);
		d->accepted_parts = d->delivered_parts = 0;
	}
	if (part >= d->part_count)
		return;
	struct part *p = delivery_part(d, part);
	if (p->state == PART_NONE) {
		p->state = PART_ACCEPTED;
		d->accepted_parts++;
	}
	if (ev->hash)
		p->id_hash = ev->hash;
}

static void apply_receipt(struct delivery *d, int state, unsigned part)
{
	struct part *p;

	if (part >= d->part_count)
		return;
	p = delivery_part(d, part);
	if (state == RECEIPT_STATE_DELIVERED) {
		if (p->state != PART_DELIVERED)
			d->delivered_parts++;
		p->state = PART_DELIVERED;
	} else if (p->state != PART_DELIVERED) {
		p->state = PART_FAILED;
	}
}

static void apply_sent(struct delivery *d, const struct event *ev)
{
	d->sent_code = (int16_t)ev->code;
	d->sent_at = ev->at;
	d->due_at = 0;
	if (ev->code != SENT_SENT_SUCCESS) {
		d->state = D_DONE;
		d->reason = (uint16_t)ev->at2;
		d->detail = ev->arg;
		return;
	}
	apply_part(d, ev);
	d->reason = REASON_NONE;
	d->detail = 0;
	d->state = D_SENT;
	if (d->flags & DF_NO_REPORTS) {
		d->state = D_DONE;
		d->reason = REASON_NO_REPORTS;
	}
}

/* Credit is held while an attempt is under way or in doubt, and by nothing else. */
static void apply_credit(struct delivery *d, const struct event *ev)
{
	d->held = d->unit_price = d->held_from = 0;
	if (ev->kind != EV_ATTEMPT || !(ev->at2 & (CREDIT_FROM_ACCOUNT | CREDIT_FROM_SUB)))
		return;
	d->held_from = ev->at2 & (CREDIT_FROM_ACCOUNT | CREDIT_FROM_SUB);
	d->unit_price = (uint32_t)(ev->at2 >> 2);
	d->held = d->unit_price * (uint32_t)MAX(ev->arg, 1);
}

/* Receipts may all have come before the last part's answer: then sent is followed by delivered at once, see the engine. */
void delivery_apply(struct delivery *d, const struct event *ev)
{
	if (ev->seq && ev->seq <= d->last_seq)
		return;
	d->last_seq = ev->seq ? ev->seq : d->last_seq;
	switch ((enum event_kind)ev->kind) {
	case EV_ATTEMPT:
		d->state = D_SENDING;
		d->connection = (uint16_t)ev->code;
		d->attempts += d->attempts < UINT8_MAX;
		d->tries += d->tries < UINT8_MAX;
		d->begun_at = ev->at;
		d->due_at = 0;
		d->accepted_parts = d->delivered_parts = 0;
		delivery_set_parts(d, (unsigned)MAX(ev->arg, 1));
		apply_credit(d, ev);
		break;
	case EV_PART: apply_part(d, ev); break;
	case EV_SENT:
		apply_sent(d, ev);
		apply_credit(d, ev);
		d->updated_at = ev->at;
		break;
	case EV_REQUEUED:
		d->state = D_QUEUED;
		d->due_at = ev->at2;
		d->reason = (uint16_t)ev->code;
		d->detail = ev->arg;
		if (ev->code == REASON_LINK_DOWN && d->tries)
			d->tries--; /* nothing left the house: it was no try */
		apply_credit(d, ev);
		break;
	case EV_DOUBT:
		if (ev->arg >= 1 && ev->arg <= PARTS_MAX && ev->arg != d->part_count && !d->accepted_parts)
			delivery_set_parts(d, (unsigned)ev->arg);
		d->state = D_DOUBT;
		d->due_at = ev->at2;
		d->reason = REASON_IN_DOUBT;
		break;
	case EV_RECEIPT:
		if (ev->arg >> 8)
			apply_receipt(d, ev->code, (unsigned)ev->arg & 0xff);
		break;
	case EV_DELIVERED:
		apply_receipt(d, ev->arg >> 8, (unsigned)ev->arg & 0xff);
		d->state = D_DONE;
		d->delivered_code = (int16_t)ev->code;
		d->delivered_at = d->updated_at = ev->at;
		d->reason = ev->code == DELIVERED_DELIVERED_SUCCESS ? REASON_NONE : REASON_RECEIPT;
		d->detail = ev->arg >> 8;
		break;
	case EV_NO_RECEIPT:
		d->state = D_DONE;
		d->reason = REASON_NO_RECEIPT;
		if (ev->code) {
			d->delivered_code = (int16_t)ev->code;
			d->delivered_at = d->updated_at = ev->at;
		}
		break;
	case EV_CANCELLED: d->flags |= DF_CANCEL; break;
	case EV_PAUSED: d->reason = REASON_PAUSED; break;
	case EV_RESUMED: d->reason = REASON_NONE; break;
	case EV_LATE: d->flags |= DF_LATE; break;
	case EV_HOOK_DONE:
	case EV_HOOK_FAILED:
	case EV_HOOK_DEAD:
	case EV_MO:
	case EV_RECEIVED:
	case EV_NONE:
	case EVENT_KINDS: break;
	}
}

int delivery_part_with(struct delivery *d, uint64_t id_hash)
{
	for (unsigned i = 0; i < d->part_count; i++)
		if (delivery_part(d, i)->id_hash == id_hash)
			return (int)i;
	return -1;
}
