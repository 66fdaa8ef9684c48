/* judge_state.c - between turns and at the end: what is in memory is what the durable events make of it, nothing is forgotten, and in the
 * end everything is settled. */
#include <inttypes.h>

#include "base/buf.h"
#include "core/control.h"
#include "model/codes.h"
#include "sim/judge.h"
#include "sim/mo.h"

/* -- between turns ------------------------------------------------------------------------------------------------- */

static bool same_moving_half(const struct delivery *a, const struct delivery *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	delivery_state_write(a, &x);
	delivery_state_write(b, &y);
	same = str_eq(buf_view(&x), buf_view(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

/* All works, nobody holds it, nothing else leaves, and yet it stays. */
static bool forgotten(const struct sim *s, const struct delivery *d, int64_t now)
{
	int64_t quiet = now - FORGOTTEN_MS;

	if (d->state != D_QUEUED || s->judge.last_attempt > quiet || uid_key_ms(d->key) > quiet || d->due_at > quiet ||
	    d->not_before > quiet || d->window || (s->timing.hours && d->flags & DF_MARKETING) ||
	    d->expires_at <= now || delivery_paused(d) || control_says(s->e, d) != ORDER_NOTHING)
		return false;
	for (size_t i = 0; i < s->e->routes.connection_count; i++)
		if (!connection_open(s->e->routes.connections[i], now))
			return false;
	return true;
}

static void check_memory(struct sim *s, struct message *m)
{
	struct live *lv = live_find(&s->e->lives, m->d->key);
	int64_t now = engine_now(s);

	if (lv && !same_moving_half(lv->d, m->d))
		sim_fail(s, "%" PRId64 ": in memory it is %s (%u events), durable %s", m->d->key,
			 delivery_state_name(lv->d->state), lv->n, delivery_state_name(m->d->state));
	if (s->now < s->lenient_until || s->judge.hungry)
		return;
	if (s->calm && now > s->troubled_until + s->skew + FORGOTTEN_MS && forgotten(s, m->d, now))
		sim_fail(s, "%" PRId64 ": ready to leave, and forgotten", m->d->key);
	if (m->d->state == D_QUEUED && now > MAX(m->d->expires_at, m->queued_at) + LATE_MS + 2000 && m->acknowledged)
		sim_fail(s, "%" PRId64 ": still queued %" PRId64 " ms after its expiry", m->d->key, now - m->d->expires_at);
	if (m->d->state == D_DOUBT && now > m->d->due_at + LATE_MS)
		sim_fail(s, "%" PRId64 ": still in doubt %" PRId64 " ms after its wait", m->d->key, now - m->d->due_at);
}

static void check_bounds(struct sim *s)
{
	const struct engine *e = s->e;
	size_t connections = (size_t)s->plan.connections;
	size_t room = connections * (size_t)s->plan.links * (size_t)s->plan.window;

	if (e->lives.bytes > e->lives.budget + ((size_t)1 << 20))
		sim_fail(s, "%zu bytes of deliveries in memory, %zu are allowed", e->lives.bytes, e->lives.budget);
	if (e->hooks.total_away > (size_t)s->settings->webhooks.total * 8)
		sim_fail(s, "%zu webhook calls away", e->hooks.total_away);
	if (carrier_parts_away(s) > room + connections * PARTS_SEEN)
		sim_fail(s, "%zu parts at the carriers, whose windows take %zu", carrier_parts_away(s), room);
}

/* A start reads events from the mark on only: none below it may be missing in its row. */
static void check_merged_mark(struct sim *s)
{
	struct lives *l = &s->e->lives;
	int64_t mark = lives_merged_seq(l, s->e->seq);

	for (struct node *n = list_first(&l->dirty); n; n = list_next(&l->dirty, n)) {
		const struct live *lv = OWNER(struct live, dirty, n);

		if (lv->seqs[0] < mark)
			sim_fail(s, "%" PRId64 ": event %" PRId64 " is in no row, and the mark is at %" PRId64,
				 lv->d->key, lv->seqs[0], mark);
	}
}

void judge_turn(struct sim *s, bool more)
{
	struct list *all = &s->judge.all;

	s->judge.hungry = more;
	check_bounds(s);
	check_merged_mark(s);
	check_credit(s);
	/* Not all of them after each turn: the stretch that is looked at moves on. */
	for (int i = 0; i < 20 && all->count > 0; i++) {
		if (!s->judge.look)
			s->judge.look = list_first(all);
		check_memory(s, OWNER(struct message, node, s->judge.look));
		s->judge.look = list_next(all, s->judge.look);
	}
}

/* After recovery everything must be as the durable events make it. */
void judge_restart(struct sim *s)
{
	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n)) {
		struct message *m = OWNER(struct message, node, n);

		if (m->d->state == D_SENDING)
			sim_fail(s, "%" PRId64 ": an attempt without a result survived the restart", m->d->key);
	}
	check_merged_mark(s);
	check_credit(s);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static bool message_settled(const struct message *m)
{
	if (m->d->state != D_DONE)
		return false;
	for (int k = HOOK_SENT; k <= HOOK_DELIVERED; k++)
		if (m->hook[k].wanted && !m->hook[k].settled)
			return false;
	return true;
}

bool judge_settled(struct sim *s)
{
	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n))
		if (!message_settled(OWNER(struct message, node, n)))
			return false;
	return mo_settled(s);
}

/* No receipt that was handed in is forgotten: what they say together is what the message says. */
static void check_outcome(struct sim *s, struct message *m)
{
	const struct attempt_facts *f = current(m);

	if (m->d->sent_code == SENT_SENT_SUCCESS && m->d->reason == REASON_NO_RECEIPT && f->parts > 0 &&
	    (f->failed || f->delivered == all_parts(f->parts)))
		sim_fail(s, "%" PRId64 ": no receipt, but all that was needed came", m->d->key);
}

static void check_truths(struct sim *s)
{
	for (uint32_t tag = 1; tag <= s->carrier.next_tag; tag++) {
		const struct truth *t = map_ptr(s->judge.tags, tag);
		struct message *m = t && t->key ? message_of(s, t->key) : NULL;

		if (t && !map_get(s->judge.durable, tag, NULL))
			sim_fail(s, "receipt %u is nowhere", tag);
		if (!m || !t->final || m->d->state != D_DONE || m->d->reason != REASON_NO_RECEIPT)
			continue;
		/* The last attempt was accepted with ids: its receipts must have found it, unless they came in parts. */
		if (t->attempt == m->d->attempts && t->parts == 1 && current(m)->accepted == 1)
			sim_fail(s, "%" PRId64 ": receipt %u came, and the message says no_receipt", t->key, tag);
	}
}

/* A text that was to go is in no memory once the message is final, and in no row once its state is there; others stay. */
static void check_text(struct sim *s, const struct message *m, const struct delivery *row)
{
	const struct live *lv = live_find(&s->e->lives, m->d->key);
	bool goes = s->plan.redact && m->d->sub_account == 2;

	if (lv && lv->d->state == D_DONE && (lv->d->t.text.n == 0) != goes)
		sim_fail(s, "%" PRId64 ": in memory its text has %zu octets", m->d->key, lv->d->t.text.n);
	if (row && row->state == D_DONE && (row->t.text.n == 0) != goes)
		sim_fail(s, "%" PRId64 ": in its row the text has %zu octets", m->d->key, row->t.text.n);
}

void judge_end(struct sim *s)
{
	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n)) {
		struct message *m = OWNER(struct message, node, n);
		struct delivery *row = NULL;

		if (m->d->state != D_DONE)
			sim_fail(s, "%" PRId64 " is %s for ever (due %" PRId64 ", attempts %u)", m->d->key,
				 delivery_state_name(m->d->state), m->d->due_at, m->d->attempts);
		for (int k = HOOK_SENT; k <= HOOK_DELIVERED; k++)
			if (m->hook[k].wanted && !m->hook[k].settled)
				sim_fail(s, "%" PRId64 ": webhook %d was never settled (%d calls)", m->d->key,
					 k, m->hook[k].called);
		check_memory(s, m);
		check_outcome(s, m);
		if (s->store->ops->load(s->store, m->d->key, &row) < 0)
			sim_fail(s, "%" PRId64 " is not in the store any more", m->d->key);
		check_text(s, m, row);
		delivery_free(row);
	}
	check_truths(s);
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++)
		if (s->judge.credit[kind].reserved)
			sim_fail(s, "all is over, and %" PRId64 " units of kind %d are still reserved",
				 s->judge.credit[kind].reserved, kind);
	mo_judge_end(s);
}
