/* smsc_deliver.c - receipts and replies on their way to an ESME.
 *
 *   account.queue ──a receiving bind has room──► session.flying ──deliver_sm_resp 0──► gone
 *        ▲  ▲                                        │   │
 *        │  └────────── link lost, no answer ────────┘   └──temporary error──► waits, then ──► account.queue
 *        nobody fetches it for settings.keep: dropped and counted; a permanent error drops it at once
 */
#include "sandbox/smsc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/time.h"

void smsc_deliver_free(struct smsc *c, struct smsc_deliver *d)
{
	smsc_job_off(c, &d->again);
	c->delivers--;
	free(d);
}

static void again_drop(struct smsc *c, struct smsc_job *j)
{
	smsc_deliver_free(c, OWNER(struct smsc_deliver, again, j));
}

static void again_run(struct smsc *c, struct smsc_job *j)
{
	struct smsc_deliver *d = OWNER(struct smsc_deliver, again, j);

	list_push(&d->account->queue, &d->node);
	smsc_pump(c, d->account);
}

struct smsc_deliver *smsc_deliver_new(struct smsc *c, struct smsc_account *a, const void *text, size_t n)
{
	struct smsc_deliver *d = xcalloc(1, sizeof(*d) + n);

	d->again.run = again_run;
	d->again.drop = again_drop;
	d->account = a;
	d->born_ms = c->now_ms;
	d->n = n;
	if (n)
		memcpy(d->text, text, n);
	c->delivers++;
	list_push(&a->queue, &d->node);
	return d;
}

static void finish(struct smsc *c, struct smsc_deliver *d, enum handset_state state, const char *reason)
{
	if (d->handset)
		handset_end(c->handset, d->handset, d->part, state, reason, wall_ms(), mono_us());
	if (state == HANDSET_FAILED)
		c->counts.expired++;
	smsc_deliver_free(c, d);
}

static void send_deliver(struct smsc_session *s, struct smsc_deliver *d)
{
	struct smsc *c = s->smsc;
	struct smpp_pdu m = {.id = SMPP_DELIVER_SM,
			     .source = d->source,
			     .dest = d->dest,
			     .esm_class = d->esm_class,
			     .data_coding = d->data_coding,
			     .short_message = {d->text, d->n}};
	if (d->sar_total) {
		m.sar_ref = d->sar_ref;
		m.sar_total = d->sar_total;
		m.sar_seq = d->part;
		smpp_mark(&m, SMPP_TLV_SAR_MSG_REF_NUM);
		smpp_mark(&m, SMPP_TLV_SAR_TOTAL_SEGMENTS);
		smpp_mark(&m, SMPP_TLV_SAR_SEGMENT_SEQNUM);
	}
	if (d->payload) {
		m.payload = m.short_message;
		m.short_message.n = 0;
		smpp_mark(&m, SMPP_TLV_MESSAGE_PAYLOAD);
	}
	const uint8_t error[3] = {3, 0, d->error}; /* network type 3: GSM */

	if (d->state && s->version >= 0x34) {
		str_copy(m.receipted_id, sizeof(m.receipted_id), str_of(d->id));
		smpp_mark(&m, SMPP_TLV_RECEIPTED_MESSAGE_ID);
		m.message_state = d->state;
		smpp_mark(&m, SMPP_TLV_MESSAGE_STATE);
		m.network_error = (struct smpp_octets){error, sizeof(error)};
		smpp_mark(&m, SMPP_TLV_NETWORK_ERROR_CODE);
	}
	d->seq = m.seq = s->seq = s->seq >= 0x7fffffff ? 1 : s->seq + 1;
	d->sent_ms = c->now_ms;
	if (d->tries++)
		c->counts.redelivered++;
	list_push(&s->flying, &d->node);
	smsc_send(s, &m);
}

/* The next receiving bind that has room; binds take turns. */
static struct smsc_session *receiver(struct smsc *c, struct smsc_account *a)
{
	struct node *n;

	for (size_t i = a->receivers.count; i > 0 && (n = list_pop(&a->receivers)); i--) {
		struct smsc_session *s = OWNER(struct smsc_session, rx, n);

		list_push(&a->receivers, &s->rx);
		if (s->flying.count < (size_t)c->settings->window && !s->paused && s->out.n < SMSC_OUTPUT_MAX)
			return s;
	}
	return NULL;
}

void smsc_pump(struct smsc *c, struct smsc_account *a)
{
	struct smsc_session *s;
	struct node *n;

	while ((n = list_first(&a->queue)) && (s = receiver(c, a))) {
		struct smsc_deliver *d = OWNER(struct smsc_deliver, node, n);

		list_remove(&a->queue, n);
		if (c->now_ms - d->born_ms > c->settings->keep)
			finish(c, d, HANDSET_FAILED, "expired");
		else
			send_deliver(s, d);
	}
}

static bool temporary(uint32_t status)
{
	switch (status) {
	case SMPP_RX_P_APPN:
	case SMPP_RX_R_APPN: return false;
	default: return true;
	}
}

void smsc_deliver_answered(struct smsc_session *s, const struct smpp_pdu *resp)
{
	struct smsc *c = s->smsc;
	struct node *n = list_first(&s->flying);
	struct smsc_deliver *d;

	while (n && OWNER(struct smsc_deliver, node, n)->seq != resp->seq)
		n = list_next(&s->flying, n);
	if (!n)
		return;
	d = OWNER(struct smsc_deliver, node, n);
	list_remove(&s->flying, n);
	if (resp->status == SMPP_ROK && resp->id == SMPP_DELIVER_SM_RESP) {
		c->counts.receipts_acked += d->handset == 0;
		finish(c, d, HANDSET_DELIVERED, NULL);
	} else if (!temporary(resp->status)) {
		finish(c, d, HANDSET_FAILED, "refused");
	} else {
		smsc_job_at(c, &d->again, c->settings->deliver_retry);
	}
	if (s->account)
		smsc_pump(c, s->account);
}

void smsc_deliver_back(struct smsc_session *s)
{
	while (s->flying.count) { /* from the last, so that they stand in their old order */
		struct node *n = s->flying.head.prev;

		list_remove(&s->flying, n);
		list_push_front(&s->account->queue, n);
	}
	if (s->account)
		smsc_pump(s->smsc, s->account);
}

/* One session's deliveries that were not answered in time go back to the queue; the bind stays. */
static void sweep_session(struct smsc *c, struct smsc_session *s)
{
	struct node *n;

	while ((n = list_first(&s->flying))) {
		struct smsc_deliver *d = OWNER(struct smsc_deliver, node, n);

		if (c->now_ms - d->sent_ms < c->settings->deliver_timeout)
			break;
		list_remove(&s->flying, n);
		list_push(&d->account->queue, n);
	}
	if (s->account)
		smsc_pump(c, s->account);
}

static bool sweep_account(void *ctx, uint64_t key, uint64_t value)
{
	struct smsc *c = ctx;
	struct smsc_account *a = (void *)(uintptr_t)value;
	struct node *n;

	(void)key;
	while ((n = list_first(&a->queue))) {
		struct smsc_deliver *d = OWNER(struct smsc_deliver, node, n);

		if (c->now_ms - d->born_ms <= c->settings->keep)
			break;
		list_remove(&a->queue, n);
		finish(c, d, HANDSET_FAILED, "expired");
	}
	return true;
}

void smsc_sweep(struct smsc *c, struct smsc_job *j)
{
	for (struct node *n = list_first(&c->sessions), *next; n; n = next) {
		next = list_next(&c->sessions, n);
		sweep_session(c, OWNER(struct smsc_session, node, n));
	}
	map_each(c->accounts, sweep_account, c);
	smsc_job_at(c, j, MIN(1000, MAX(c->settings->deliver_timeout / 4, 20)));
}

static void print_date(char out[20], int64_t ms)
{
	int64_t s = ms / 1000, rest = s % 86400;
	int y, mo, d;

	civil_from_days(s / 86400, &y, &mo, &d);
	snprintf(out, 20, "%02u%02u%02u%02u%02u", (unsigned)y % 100, (unsigned)mo % 100, (unsigned)d % 100,
		 (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60) % 100);
}

/* Some network's numbers for why it failed, as real receipts carry them. */
static uint8_t error_of(enum receipt_state state)
{
	switch (state) {
	case RECEIPT_DELIVERED:
	case RECEIPT_ENROUTE:
	case RECEIPT_ACCEPTED:
	case RECEIPT_NONE: return 0;
	case RECEIPT_EXPIRED: return 12;
	case RECEIPT_DELETED: return 40;
	case RECEIPT_UNDELIVERABLE: return 11;
	case RECEIPT_UNKNOWN:
	case RECEIPT_REJECTED: return 69;
	}
	return 0;
}

void smsc_deliver_receipt(struct smsc *c, const struct smsc_message *m, enum receipt_state state)
{
	struct receipt r = {.state = state};
	struct smsc_deliver *d;
	struct buf text = BUF_INIT;
	char id[12];

	smsc_print_id(c, m->id, m->plan.other_notation, id);
	str_copy(r.id, sizeof(r.id), str_of(id));
	snprintf(r.err, sizeof(r.err), "%03u", error_of(state));
	print_date(r.submit_date, m->at_ms);
	print_date(r.done_date, m->end_ms);
	receipt_print(&text, &r, str_of(m->sample));
	d = smsc_deliver_new(c, m->account, text.p, text.n);
	buf_done(&text);
	memcpy(d->id, id, sizeof(d->id));
	d->state = (uint8_t)state;
	d->error = error_of(state);
	d->esm_class = SMPP_ESM_RECEIPT;
	d->source = m->addr[1];
	d->dest = m->addr[0];
	c->counts.receipts++;
	smsc_pump(c, m->account);
}
