/* The judge: hears from the store what is durable and from carriers, receivers and clients what was said to them, and objects
 *  (1) to an answer, attempt, webhook call or receipt answer that is not covered by what is durable,
 *  (2) to a step that the states do not allow, or a final state that changes,
 *  (3) to a state in memory that is not what the events make of it,
 *  (4) to an outcome that the carriers' words do not bear out, or a receipt that went to the wrong message,
 *  (5) to `delivered` called while `sent` is open, or called before its time,
 *  (6) to an attempt that nothing permitted,
 *  (7) to credit that is not accounted for: the ledger must say what the messages' events say, go on where it ended, and be what the
 *      engine goes by, at every moment and after every crash,
 *  (8) at the end: to anything that is not settled.
 * This file hears what becomes durable; judge.h says where the rest is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/codes.h"
#include "sim/judge.h"
#include "sim/mo.h"

struct attempt_facts *facts_of(struct sim *s, int64_t key, unsigned attempt)
{
	static struct attempt_facts nobody;
	struct message *m = message_of(s, key);

	if (m && attempt >= 1 && attempt <= ATTEMPTS_MAX)
		return &m->attempt[attempt];
	sim_fail(s, "%" PRId64 ": unknown message or attempt %u", key, attempt);
	return &nobody;
}

/* -- what becomes durable ------------------------------------------------------------------------------------------ */

static void on_accept(void *ctx, const struct delivery *d)
{
	struct sim *s = ctx;
	struct message *m = xnew(struct message);

	if (message_of(s, d->key))
		sim_fail(s, "%" PRId64 " accepted twice", d->key);
	if (str_eqz(d->t.correlation, SIM_DRY))
		sim_fail(s, "%" PRId64 " accepted of a dry run", d->key);
	if (d->state != D_QUEUED)
		sim_fail(s, "%" PRId64 " accepted in state %s", d->key, delivery_state_name(d->state));
	m->d = delivery_copy(d);
	if (d->t.campaign.n)
		m->campaign = (unsigned)(d->t.campaign.p[1] - '0') + 1;
	map_set_ptr(s->judge.messages, (uint64_t)d->key, m);
	list_push(&s->judge.all, &m->node);
	list_push(&s->judge.fresh, &m->fresh);
	s->judge.accepts++;
}

static void on_park(void *ctx, const struct parked_row *p)
{
	struct sim *s = ctx;

	map_set(s->judge.durable, tag_in(p->err, strlen(p->err)), 1);
}

static void on_mo(void *ctx, const struct mo *m) { mo_durable(ctx, m); }

static void on_mo_part(void *ctx, const struct mo_part *p) { mo_part_durable(ctx, p); }

const struct delivery *judge_last_sent(struct sim *s, struct str number, struct str short_code)
{
	const struct delivery *best = NULL;

	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n)) {
		const struct delivery *d = OWNER(struct message, node, n)->d;
		bool left = d->state == D_SENDING || d->state == D_DOUBT || d->sent_code == SENT_SENT_SUCCESS;

		if (left && str_eq(d->t.number, number) && str_eq(d->t.source, short_code) &&
		    d->begun_at >= engine_now(s) - 5 * (int64_t)86400000 &&
		    (!best || d->begun_at > best->begun_at || (d->begun_at == best->begun_at && d->key > best->key)))
			best = d;
	}
	return best;
}

const struct delivery *judge_some(struct sim *s)
{
	struct node *n = list_first(&s->judge.all);

	if (!n)
		return NULL;
	for (int64_t skip = between(s, 0, (int64_t)s->judge.all.count - 1); skip > 0; skip--)
		n = list_next(&s->judge.all, n);
	return OWNER(struct message, node, n)->d;
}

#define MAY(state) (1u << (state))
static const unsigned allowed[EVENT_KINDS] = {
	[EV_ATTEMPT] = MAY(D_QUEUED),
	[EV_PART] = MAY(D_SENDING) | MAY(D_DOUBT),
	[EV_SENT] = MAY(D_QUEUED) | MAY(D_SENDING) | MAY(D_DOUBT),
	[EV_REQUEUED] = MAY(D_SENDING) | MAY(D_DOUBT) | MAY(D_QUEUED), /* the last two restated: the clock was set back */
	[EV_DOUBT] = MAY(D_SENDING) | MAY(D_DOUBT),
	[EV_RECEIPT] = MAY(D_SENDING) | MAY(D_SENT) | MAY(D_DOUBT) | MAY(D_DONE),
	[EV_DELIVERED] = MAY(D_SENT) | MAY(D_DONE),
	[EV_NO_RECEIPT] = MAY(D_SENT),
	[EV_CANCELLED] = MAY(D_SENDING) | MAY(D_DOUBT),
	[EV_PAUSED] = MAY(D_QUEUED),
	[EV_RESUMED] = MAY(D_QUEUED),
	[EV_LATE] = ~0u,
	[EV_HOOK_DONE] = ~0u,
	[EV_HOOK_FAILED] = ~0u,
	[EV_HOOK_DEAD] = ~0u,
	[EV_MO] = MAY(D_SENDING) | MAY(D_SENT) | MAY(D_DOUBT) | MAY(D_DONE),
};

/* The one exception to final is final: a receipt after the wait for it was given up, or that was not to be expected. */
static bool open_end(const struct delivery *d)
{
	return d->state == D_DONE && d->sent_code == SENT_SENT_SUCCESS &&
	       d->delivered_code != DELIVERED_DELIVERED_SUCCESS &&
	       (d->reason == REASON_NO_RECEIPT || d->reason == REASON_NO_REPORTS);
}

static void want_hook(struct message *m, int kind, const struct event *e)
{
	if (!sim_webhook_of(m->d->sub_account, m->d->user, kind))
		return;
	/* There may be a second `delivered`, after the wait for receipts had been given up as failed: a new change to tell. */
	m->hook[kind].older = m->hook[kind].seq;
	m->hook[kind].seq = e->seq;
	m->hook[kind].wanted++;
	m->hook[kind].not_before = 0;
	m->hook[kind].settled = m->hook[kind].told = false;
}

static void note_hook(struct sim *s, struct message *m, const struct event *e)
{
	struct hook_facts *h = &m->hook[e->arg == HOOK_SENT || e->arg == HOOK_DELIVERED ? e->arg : 0];

	if (h->ended >= h->wanted || h->settled) {
		sim_fail(s, "%" PRId64 ": %s for a call (%d) that is not open", e->key, event_kind_name(e->kind), e->arg);
		return;
	}
	h->not_before = e->kind == EV_HOOK_FAILED ? e->at2 : 0;
	h->ended += e->kind != EV_HOOK_FAILED;
	h->settled = e->kind != EV_HOOK_FAILED && h->told;
	h->dead = e->kind == EV_HOOK_DEAD;
}

/* What was let through although the number had got all that is allowed. Those that count now did when it was accepted. */
static void check_fresh(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->judge.fresh))) {
		const struct delivery *d = OWNER(struct message, fresh, n)->d;

		if (limited(s, d) && !(d->sent_code && d->sent_code != SENT_SENT_SUCCESS) &&
		    to_the_same(s, d) >= s->plan.per_destination)
			sim_fail(s, "%" PRId64 ": accepted, although its number has got %u", d->key, to_the_same(s, d));
	}
}

/* Whatever else was in the batch: after it, ledger and events say the same. */
static void on_committed(void *ctx, uint64_t number)
{
	struct sim *s = ctx;

	check_fresh(s);
	check_ledger(s, number);
}

static void on_event(void *ctx, const struct event *e)
{
	struct sim *s = ctx;
	struct message *m = message_of(s, e->key);
	int from;

	if (e->seq != s->judge.last_seq + 1)
		sim_fail(s, "event %" PRId64 " after %" PRId64, e->seq, s->judge.last_seq);
	s->judge.last_seq = e->seq;
	s->judge.events++;
	if (!m && mo_event(s, e))
		return;
	if (!m) {
		sim_fail(s, "event %" PRId64 " (%s) of an unknown message", e->seq, event_kind_name(e->kind));
		return;
	}
	from = m->d->state;
	sim_note(s, "  %" PRId64 " %s: %s code %d arg %d at2 %" PRId64 " \"%.*s\"", e->key, delivery_state_name(from),
		 event_kind_name(e->kind), e->code, e->arg, e->at2, e->detail_len, e->detail);
	if (!(allowed[e->kind] & MAY(from)))
		sim_fail(s, "%" PRId64 ": %s in state %s", e->key, event_kind_name(e->kind), delivery_state_name(from));
	if ((e->kind == EV_RECEIPT || e->kind == EV_DELIVERED) && from == D_DONE && !open_end(m->d))
		sim_fail(s, "%" PRId64 ": %s after the end", e->key, event_kind_name(e->kind));
	if (e->kind == EV_RECEIPT || e->kind == EV_DELIVERED || e->kind == EV_LATE)
		check_receipt(s, m, e);
	if (e->kind == EV_RECEIPT || e->kind == EV_DELIVERED)
		note_receipt(s, m, e);
	if (e->kind == EV_PART)
		check_part(s, m, e);
	if (e->kind == EV_SENT)
		check_sent(s, m, e);
	if (e->kind == EV_DELIVERED)
		check_delivered(s, m, e);
	if (e->kind == EV_NO_RECEIPT && e->at < m->d->sent_at + receipt_wait(s, m->d))
		sim_fail(s, "%" PRId64 ": gave up its receipt too soon", e->key);
	if ((e->kind == EV_DOUBT || e->kind == EV_REQUEUED) && (from == D_DOUBT || from == D_QUEUED) &&
	    e->detail_len && !s->timing.set_back)
		sim_fail(s, "%" PRId64 ": %s restated, but no clock was set back", e->key, event_kind_name(e->kind));
	if (e->kind == EV_DOUBT && from == D_SENDING)
		current(m)->restarted = e->arg == 0;
	if (e->kind == EV_REQUEUED) {
		current(m)->requeued = true;
		current(m)->requeue_reason = e->code;
	}
	uint32_t held = m->d->held, price = m->d->unit_price;
	uint8_t held_from = m->d->held_from;

	delivery_apply(m->d, e);
	note_credit(s, m->d, held, price, held_from, e);
	if (e->kind == EV_SENT)
		want_hook(m, HOOK_SENT, e);
	if (e->kind == EV_DELIVERED || (e->kind == EV_NO_RECEIPT && e->code))
		want_hook(m, HOOK_DELIVERED, e);
	if (e->kind == EV_HOOK_DONE || e->kind == EV_HOOK_FAILED || e->kind == EV_HOOK_DEAD)
		note_hook(s, m, e);
	if (m->d->state == D_QUEUED && from != D_QUEUED)
		m->queued_at = engine_now(s);
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

void judge_open(struct sim *s)
{
	list_init(&s->judge.all);
	list_init(&s->judge.fresh);
	s->judge.messages = map_new();
	s->judge.tags = map_new();
	s->judge.durable = map_new();
	mo_judge_open(s);
	s->judge.ids = map_new();
	store_memory_observe(s->store, &(struct store_memory_observer){.ctx = s,
								       .accept = on_accept,
								       .event = on_event,
								       .park = on_park,
								       .hook_set = on_hook_set,
								       .mo = on_mo,
								       .mo_part = on_mo_part,

								       .ledger = on_ledger,
								       .committed = on_committed});
}

static bool free_truth(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void judge_close(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->judge.all))) {
		struct message *m = OWNER(struct message, node, n);

		delivery_free(m->d);
		free(m);
	}
	map_each(s->judge.tags, free_truth, NULL);
	map_free(s->judge.messages);
	map_free(s->judge.tags);
	map_free(s->judge.durable);
	mo_judge_close(s);
	map_free(s->judge.ids);
}
