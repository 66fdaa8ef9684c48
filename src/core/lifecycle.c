/* lifecycle.c - the life of a delivery: every rule of the product about attempts, receipts, doubt and retries is here. What is
 * decided are events; lifecycle_apply.c puts them into the delivery.
 *
 *            dispatch                   all parts accepted                 receipt, or none in time
 *   QUEUED --------------> SENDING ------------------------------> SENT ---------------------------> DONE
 *    |  ^                   | | |                                   ^ \ the operator gives no reports --^
 *    |  |  again later,     | | | answer lost, or restart           |
 *    |  |  not sent at all  | | v                                   | accepted after all, or a receipt
 *    |  +-------------------+ | DOUBT ------------------------------+
 *    |  |                     |  |  wait over: end (102) --------------------------------------------> DONE
 *    |  +---------------------|--+ wait over: send again
 *    |                        | refused, or failed for good ------------------------------------------> DONE
 *    +-- expired, or refused at acceptance -------------------------------------------------------------> DONE
 *
 * Final is final, with one documented exception: a receipt that comes after the wait for receipts had ended, or from an
 * operator that was said to give none, still counts. Every other late fact becomes an EV_LATE and changes nothing. */
#include "core/lifecycle.h"

#include "model/codes.h"

static struct event *say(struct decision *out, enum event_kind kind, int64_t now)
{
	struct event *e = &out->ev[out->n++];

	ASSERT(out->n <= DECISION_EVENTS);
	*e = (struct event){.kind = (uint8_t)kind, .at = now};
	return e;
}

/* The first level is decided: 2, or the code that ends it. */
static struct event *say_sent(struct decision *out, int64_t now, int code, int reason, int status)
{
	struct event *e = say(out, EV_SENT, now);

	e->code = code;
	e->arg = code == SENT_SENT_SUCCESS ? 0 : status;
	e->at2 = reason;
	return e;
}

static void say_requeued(struct decision *out, int64_t now, int64_t due, int reason, int status)
{
	struct event *e = say(out, EV_REQUEUED, now);

	e->code = reason;
	e->arg = status;
	e->at2 = due;
}

/* Back into its queue, unless its owner cancelled it meanwhile. */
static void say_again(const struct delivery *d, struct decision *out, int64_t now, int64_t due, int reason, int status)
{
	if (d->flags & DF_CANCEL)
		say_sent(out, now, SENT_EXPIRED, REASON_CANCELLED, status);
	else
		say_requeued(out, now, due, reason, status);
}

static void say_late(struct decision *out, int64_t now, int code, int arg, const char *what, const char *id, const char *err)
{
	struct event *e = say(out, EV_LATE, now);

	e->code = code;
	e->arg = arg;
	event_detail(e, "%s %s%s%s", what, id ? id : "", err && *err ? " err " : "", err ? err : "");
}

/* A part was accepted while others are still open, or it was the last. The part count is the channel's: it knows the
 * connection's alphabet and joins, the estimate of acceptance did not. */
static void accepted(const struct delivery *d, const struct result *r, int64_t now, struct decision *out)
{
	bool recount = r->parts != d->part_count;
	unsigned before = recount ? 0 : d->accepted_parts;
	const struct part *p = d->part_count > 1 ? d->parts : &d->one;
	struct event *e;

	if (!recount && r->part < d->part_count && p[r->part].state != PART_NONE) {
		say_late(out, now, r->verdict, r->part, "accepted again", r->id, NULL);
		return;
	}
	if (r->part >= r->parts) {
		say_late(out, now, r->verdict, r->part, "no such part", r->id, NULL);
		return;
	}
	e = say(out, before + 1u >= r->parts ? EV_SENT : EV_PART, now);
	e->code = e->kind == EV_SENT ? SENT_SENT_SUCCESS : r->parts;
	e->arg = r->part | r->parts << 8;
	e->hash = r->id_hash;
	event_detail(e, "%s", r->id);
	if (e->kind != EV_SENT || recount)
		return;
	/* A receipt that failed an earlier part came while this one was still open: now it decides. */
	for (unsigned i = 0; i < d->part_count; i++) {
		if (p[i].state != PART_FAILED)
			continue;
		e = say(out, EV_DELIVERED, now);
		e->code = DELIVERED_NOT_DELIVERED;
		e->arg = (int32_t)i;
		event_detail(e, "part %u had failed", i + 1);
		return;
	}
}

/* Back-off doubles with each try, half of it is chance, so that a crowd does not come back at once. */
static int64_t retry_at(const struct delivery *d, const struct policy *p, int64_t now, double jitter)
{
	int64_t half = doubled(p->retry_delay_ms, d->tries - 1, p->retry_delay_max_ms) / 2;

	return now + half + (int64_t)((double)half * jitter);
}

static void begin_doubt(const struct policy *p, int64_t now, int parts, const char *why, struct decision *out)
{
	struct event *e = say(out, EV_DOUBT, now);

	e->code = REASON_IN_DOUBT;
	e->arg = parts; /* as the channel made them; 0 = not known */
	e->at2 = now + p->doubt_wait_ms;
	event_detail(e, "%s", why);
}

static void step_result(const struct delivery *d, const struct fact *f, const struct policy *p, int64_t now,
			struct decision *out)
{
	const struct result *r = f->result;

	if (d->state != D_SENDING && d->state != D_DOUBT) {
		/* The attempt was settled already (a refused part, a receipt, the end of doubt). */
		if (r->verdict == V_ACCEPTED)
			say_late(out, now, r->verdict, r->part, "accepted", r->id, NULL);
		return;
	}
	if (r->attempt != d->attempts) {
		if (r->verdict == V_ACCEPTED)
			say_late(out, now, r->verdict, r->part, "earlier attempt accepted", r->id, NULL);
		return;
	}
	switch ((enum verdict)r->verdict) {
	case V_ACCEPTED: accepted(d, r, now, out); break;
	case V_REFUSED: say_sent(out, now, SENT_REJECTED_BY_CARRIER, REASON_CARRIER_STATUS, r->status); break;
	case V_BAD_NUMBER:
		say_sent(out, now, SENT_INVALID_DESTINATION_NUMBER, REASON_CARRIER_STATUS, r->status);
		break;
	case V_NACK: say_sent(out, now, SENT_CARRIER_COMMUNICATION_ERROR, REASON_NACK, r->status); break;
	case V_TEXT: say_sent(out, now, SENT_INTERNAL_ERROR, REASON_TEXT, 0); break;
	case V_EXPIRED: say_sent(out, now, SENT_EXPIRED, REASON_THROTTLED_OUT, r->status); break;
	case V_NOT_SENT:
		if (d->state != D_SENDING)
			break;
		if (now >= d->expires_at)
			say_sent(out, now, SENT_EXPIRED, REASON_LINK_DOWN, 0);
		else
			say_again(d, out, now, 0, REASON_LINK_DOWN, 0);
		break;
	case V_TEMPORARY:
		if (now >= d->expires_at)
			say_sent(out, now, SENT_EXPIRED, REASON_EXPIRED, r->status);
		else if (d->tries >= p->retry_tries)
			say_sent(out, now, SENT_CARRIER_COMMUNICATION_ERROR, REASON_FAILOVER_SPENT, r->status);
		else
			say_again(d, out, now, MIN(retry_at(d, p, now, f->jitter), d->expires_at),
				  REASON_CARRIER_STATUS, r->status);
		break;
	case V_DOUBT:
		if (d->state == D_SENDING)
			begin_doubt(p, now, r->parts, "no answer", out);
		break;
	}
}

static void say_delivered(struct decision *out, int64_t now, const struct fact *f, bool failed)
{
	struct event *e = say(out, EV_DELIVERED, now);

	e->code = failed ? DELIVERED_NOT_DELIVERED : DELIVERED_DELIVERED_SUCCESS;
	e->arg = f->receipt_state << 8 | (f->part < 0 ? 0 : f->part);
	event_detail(e, "%s%s%s", f->carrier_id, f->err[0] ? " err " : "", f->err);
}

/* True when this receipt decides the message: a part failed, or the last one arrived. */
static bool receipt_decides(const struct delivery *d, const struct fact *f)
{
	const struct part *p = d->part_count > 1 ? d->parts : &d->one;

	if (!f->receipt_final)
		return false;
	if (f->receipt_state != RECEIPT_STATE_DELIVERED)
		return true;
	if (f->part < 0)
		return d->part_count <= 1;
	return p[f->part].state != PART_DELIVERED && d->delivered_parts + 1u >= d->part_count;
}

static void say_receipt(struct decision *out, int64_t now, const struct fact *f)
{
	struct event *e = say(out, EV_RECEIPT, now);

	e->code = f->receipt_state;
	e->arg = MAX(f->part, 0) | (f->receipt_final ? 1 << 8 : 0);
	event_detail(e, "%s%s%s", f->carrier_id, f->err[0] ? " err " : "", f->err);
}

/* A receipt proves that the carrier took the part. One of unknown id is that of a part without an answer. When it was the last one
 * that was missing, the message is sent after all. */
static void receipt_in_doubt(const struct delivery *d, const struct fact *f, int64_t now, struct decision *out)
{
	const struct part *p = d->part_count > 1 ? d->parts : &d->one;
	struct fact g = *f;
	bool failed = f->receipt_state != RECEIPT_STATE_DELIVERED, last = d->accepted_parts + 1u >= d->part_count;
	struct event *e;

	for (int i = 0; g.part < 0 && i < d->part_count; i++)
		if (p[i].state == PART_NONE)
			g.part = i;
	if (g.part < 0 || g.part >= d->part_count || p[g.part].state != PART_NONE) {
		say_receipt(out, now, &g);
		return;
	}
	e = say(out, last ? EV_SENT : EV_PART, now);
	e->code = last ? SENT_SENT_SUCCESS : d->part_count;
	e->arg = g.part | d->part_count << 8;
	e->hash = f->id_hash;
	event_detail(e, "%s", f->carrier_id);
	for (unsigned i = 0; i < d->part_count; i++)
		failed |= p[i].state == PART_FAILED;
	if (last && (failed || receipt_decides(d, &g)))
		say_delivered(out, now, &g, failed);
	else
		say_receipt(out, now, &g);
}

static void step_receipt(const struct delivery *d, const struct fact *f, int64_t now, struct decision *out)
{
	bool open_end = d->state == D_DONE && d->sent_code == SENT_SENT_SUCCESS &&
			d->delivered_code != DELIVERED_DELIVERED_SUCCESS &&
			(d->reason == REASON_NO_RECEIPT || d->reason == REASON_NO_REPORTS);

	if (f->earlier) {
		say_late(out, now, f->receipt_state, 0, "earlier attempt's receipt", f->carrier_id, f->err);
		return;
	}
	if (d->state == D_SENT || open_end) {
		if (receipt_decides(d, f)) {
			say_delivered(out, now, f, f->receipt_state != RECEIPT_STATE_DELIVERED);
			return;
		}
	} else if (d->state == D_DOUBT && f->receipt_final) {
		receipt_in_doubt(d, f, now, out);
		return;
	} else if (d->state == D_DONE || d->state == D_QUEUED) {
		say_late(out, now, f->receipt_state, MAX(f->part, 0), "receipt", f->carrier_id, f->err);
		return;
	}
	say_receipt(out, now, f);
}

static int expiry_reason(const struct delivery *d, const struct fact *f)
{
	if (f->held || delivery_paused(d))
		return REASON_PAUSED;
	if (f->shut)
		return REASON_SHUT;
	return d->attempts ? REASON_EXPIRED : REASON_LINK_DOWN;
}

static void step_timer(const struct delivery *d, const struct fact *f, const struct policy *p, int64_t now,
		       struct decision *out)
{
	switch ((enum delivery_state)d->state) {
	case D_QUEUED:
		if (now >= d->expires_at)
			say_sent(out, now, SENT_EXPIRED, expiry_reason(d, f), 0);
		break;
	case D_DOUBT:
		if (now < d->due_at)
			break;
		if (!(d->flags & DF_RESEND_DOUBT) || d->tries >= p->retry_tries)
			say_sent(out, now, SENT_CARRIER_COMMUNICATION_ERROR, REASON_IN_DOUBT, 0);
		else if (now >= d->expires_at)
			say_sent(out, now, SENT_EXPIRED, REASON_IN_DOUBT, 0);
		else
			say_again(d, out, now, 0, REASON_IN_DOUBT, 0);
		break;
	case D_SENT:
		if (now >= d->sent_at + p->receipt_wait_ms) {
			struct event *e = say(out, EV_NO_RECEIPT, now);
			e->code = p->no_receipt_fails ? DELIVERED_NOT_DELIVERED : 0;
		}
		break;
	case D_SENDING: /* the channel answers every attempt, the restart settles the rest */
	case D_DONE: break;
	}
}

/* What its owner says counts before it leaves. A cancellation of one that is under way counts should it come back. */
static void step_owner(const struct delivery *d, enum fact_kind what, int64_t now, struct decision *out)
{
	bool under_way = d->state == D_SENDING || d->state == D_DOUBT;

	if (what == FACT_CANCEL && d->state == D_QUEUED)
		say_sent(out, now, SENT_EXPIRED, REASON_CANCELLED, 0);
	else if (what == FACT_CANCEL && under_way && !(d->flags & DF_CANCEL))
		say(out, EV_CANCELLED, now);
	else if (what == FACT_PAUSE && d->state == D_QUEUED && !delivery_paused(d))
		say(out, EV_PAUSED, now);
	else if (what == FACT_RESUME && delivery_paused(d))
		say(out, EV_RESUMED, now);
}

void lifecycle_step(const struct delivery *d, const struct fact *f, const struct policy *p, int64_t now, struct decision *out)
{
	out->n = 0;
	out->send = false;
	switch (f->kind) {
	case FACT_DISPATCH:
		if (d->state != D_QUEUED || delivery_paused(d))
			break;
		if (now >= d->expires_at) {
			say_sent(out, now, SENT_EXPIRED, REASON_EXPIRED, 0);
			break;
		}
		if (f->no_credit) {
			say_sent(out, now, SENT_NO_CREDIT, REASON_NO_CREDIT, 0);
			break;
		}
		struct event *e = say(out, EV_ATTEMPT, now);
		e->at2 = f->held_from ? (int64_t)f->unit_price << 2 | f->held_from : 0;
		e->code = f->connection;
		e->arg = d->part_count ? d->part_count : 1;
		event_detail(e, "%s", f->connection_name);
		out->send = true;
		break;
	case FACT_RESULT: step_result(d, f, p, now, out); break;
	case FACT_RECEIPT: step_receipt(d, f, now, out); break;
	case FACT_TIMER: step_timer(d, f, p, now, out); break;
	case FACT_RESTART:
		if (d->state == D_SENDING)
			begin_doubt(p, now, 0, "restart", out);
		break;
	case FACT_REFUSE:
		if (d->state == D_QUEUED)
			say_sent(out, now, f->code, f->reason, 0);
		break;
	case FACT_CANCEL:
	case FACT_PAUSE:
	case FACT_RESUME: step_owner(d, f->kind, now, out); break;
	}
}
