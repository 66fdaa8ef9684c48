/* judge_out.c - what leaves the process and what comes back: each answer, attempt, webhook call and answer to a receipt must be covered by
 * what is durable, and permitted. */
#include <inttypes.h>

#include "model/codes.h"
#include "sim/judge.h"
#include "sim/mo.h"

void judge_acknowledged(struct sim *s, const struct draft *d, struct uid id, uint32_t order, uint32_t index)
{
	struct message *m = message_of(s, id.key);

	if (!m) {
		sim_fail(s, "order %u.%u was answered, but is not durable", order, index);
		return;
	}
	if (m->d->rest != id.rest || !str_eq(m->d->t.correlation, d->t.correlation) || !str_eq(m->d->t.number, d->t.number))
		sim_fail(s, "order %u.%u was answered with the id of another message", order, index);
	m->acknowledged = true;
}

/* Ready since its acceptance, short, and never out before: it has nothing to wait for but its turn. */
static bool waits_for_its_turn(const struct sim *s, const struct message *m, char prefix)
{
	const struct delivery *d = m->d;
	bool held = m->paused || delivery_paused(d) || m->cancel_asked;

	for (uint32_t sub = 0; m->campaign && sub <= SUBS; sub++)
		held |= s->judge.campaign[m->campaign - 1].paused[sub] ||
			s->judge.campaign[m->campaign - 1].cancel_asked[sub];
	return d->state == D_QUEUED && !d->attempts && !d->due_at && !d->not_before && !d->window &&
	       d->part_count == 1 && !held && d->t.number.n && d->t.number.p[0] == prefix &&
	       !(d->flags & DF_MARKETING) && engine_now(s) < d->expires_at;
}

/* While a transactional message waits on the route, no two of marketing leave it in a row. What lies on the disk is not in its lane yet,
 * and with routes for some messages only the same number may have another way. */
static void check_lanes(struct sim *s, const struct message *m)
{
	char prefix = m->d->t.number.n ? m->d->t.number.p[0] : '5';
	int *in_a_row = &s->judge.in_a_row;

	if (s->plan.conditions || s->plan.reload || !(m->d->flags & DF_MARKETING)) {
		*in_a_row = 0;
		return;
	}
	for (struct node *n = list_first(&s->e->queues.all); n; n = list_next(&s->e->queues.all, n))
		if (OWNER(struct queue, all, n)->spilled)
			return;
	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n)) {
		if (!waits_for_its_turn(s, OWNER(struct message, node, n), prefix))
			continue;
		if (++*in_a_row > 1)
			sim_fail(s, "%" PRId64 ": the %dth of marketing in a row while %" PRId64 " waits",
				 m->d->key, *in_a_row, OWNER(struct message, node, n)->d->key);
		return;
	}
}

void judge_attempt(struct sim *s, const struct attempt *a)
{
	struct message *m = message_of(s, a->key);
	struct attempt_facts *f = facts_of(s, a->key, a->attempt), *before;

	s->judge.attempts++;
	if (!m)
		return;
	if (m->d->state != D_SENDING || m->d->attempts != a->attempt || m->d->connection != a->connection)
		sim_fail(s, "%" PRId64 ": attempt %u handed over, durable is %s, attempt %u", a->key,
			 a->attempt, delivery_state_name(m->d->state), m->d->attempts);
	if (f->handed)
		sim_fail(s, "%" PRId64 ": attempt %u handed over twice", a->key, a->attempt);
	wishes_attempt(s, m->d);
	if (engine_now(s) >= a->expires_at + LATE_MS)
		sim_fail(s, "%" PRId64 ": handed over after its expiry", a->key);
	timing_check_leaves(s, m->d, engine_now(s), "handed over");
	f->handed = true;
	s->judge.last_attempt = engine_now(s);
	check_owner(s, m, a);
	check_lanes(s, m);
	if (a->attempt < 2)
		return;
	before = facts_of(s, a->key, a->attempt - 1u);
	if (!before->requeued)
		sim_fail(s, "%" PRId64 ": attempt %u without a requeue", a->key, a->attempt);
	else if (before->requeue_reason == REASON_IN_DOUBT ? !(m->d->flags & DF_RESEND_DOUBT)
							   : !before->said[V_TEMPORARY] && !before->said[V_NOT_SENT])
		sim_fail(s, "%" PRId64 ": attempt %u although nothing permits it", a->key, a->attempt);
}

void judge_octets(struct sim *s, int64_t key, unsigned attempt, unsigned part)
{
	struct attempt_facts *f = facts_of(s, key, attempt);
	struct message *m = message_of(s, key);

	if (m && !f->octets && s->now >= s->lenient_until) {
		timing_check_leaves(s, m->d, sim_wall(s), "leaves");
		if (sim_wall(s) >= m->d->expires_at)
			sim_fail(s, "%" PRId64 ": leaves after its expiry", key);
	}
	if (f->octets & 1u << part)
		sim_fail(s, "%" PRId64 ": part %u of attempt %u left twice", key, part, attempt);
	f->octets |= 1u << part;
}

void judge_result(struct sim *s, const struct result *r)
{
	struct attempt_facts *f = facts_of(s, r->key, r->attempt);

	f->parts = r->parts;
	if (r->verdict == V_ACCEPTED)
		f->accepted |= 1u << r->part;
	f->said[r->verdict] = true;
}

void judge_receipt(struct sim *s, uint16_t connection, const char *id, int64_t key, unsigned attempt,
		   unsigned part, unsigned parts, uint32_t tag, uint8_t state, bool final)
{
	struct truth *t = xnew(struct truth);

	*t = (struct truth){key, attempt, part, parts, state, final, true};
	map_set_ptr(s->judge.tags, tag, t);
	if (final)
		map_set_ptr(s->judge.ids, id_key(connection, id), t);
}

void judge_stored(struct sim *s, uint32_t tag)
{
	s->judge.receipts++;
	if (!map_get(s->judge.durable, tag, NULL))
		sim_fail(s, "receipt %u is answered, but not durable", tag);
}

/* -- webhooks ------------------------------------------------------------------------------------------------------- */

void judge_call(struct sim *s, const struct hook_call *c)
{
	struct message *m = message_of(s, c->key);
	struct hook_facts *h = m && c->kind < HOOK_MO ? &m->hook[c->kind] : NULL;

	s->judge.calls++;
	if (mo_call(s, c))
		return;
	sim_note(s, "webhook %" PRId64 " kind %d try %u", c->key, c->kind, c->tries);
	if (!h || !h->wanted || c->seq > s->judge.last_seq) {
		sim_fail(s, "%" PRId64 ": webhook %d is called for what is not durable", c->key, c->kind);
		return;
	}
	if (h->settled)
		sim_fail(s, "%" PRId64 ": webhook %d is called after it was settled", c->key, c->kind);
	if (c->seq != h->seq && (c->seq != h->older || h->told))
		sim_fail(s, "%" PRId64 ": webhook %d tells change %" PRId64 ", not %" PRId64, c->key, c->kind,
			 c->seq, h->seq);
	if (engine_now(s) + s->timing.set_back < h->not_before)
		sim_fail(s, "%" PRId64 ": webhook %d is called %" PRId64 " ms too soon", c->key, c->kind,
			 h->not_before - engine_now(s));
	/* A replay of `sent` alone does not call back what was on its way. */
	if (c->kind == HOOK_DELIVERED && m->hook[HOOK_SENT].wanted && !m->hook[HOOK_SENT].settled &&
	    m->hook[HOOK_SENT].replayed <= h->replayed)
		sim_fail(s, "%" PRId64 ": delivered is called while sent is open", c->key);
	if (c->webhook != sim_webhook_of(m->d->sub_account, m->d->user, c->kind))
		sim_fail(s, "%" PRId64 ": webhook %d goes to %u", c->key, c->kind, c->webhook);
	if (!c->d->sent_code || (c->kind == HOOK_DELIVERED && !c->d->delivered_code))
		sim_fail(s, "%" PRId64 ": webhook %d tells codes %d and %d", c->key, c->kind, c->d->sent_code,
			 c->d->delivered_code);
	h->called++;
	h->told |= c->seq == h->seq;
}

void judge_call_back(struct sim *s, const struct hook_call *c)
{
	(void)s;
	(void)c;
}

/* A dead call that has a row of the living again was replayed. */
void on_hook_set(void *ctx, const struct hook_row *row)
{
	struct sim *s = ctx;
	struct message *m = message_of(s, row->key);
	struct hook_facts *h = m && row->kind < HOOK_MO ? &m->hook[row->kind] : NULL;

	if (mo_hook_set(s, row))
		return;
	if (!h || !h->dead || row->dead)
		return;
	h->dead = h->settled = false;
	h->replayed = ++s->judge.replays;
	h->ended--;
}

/* -- the operator's stop -------------------------------------------------------------------------------------------- */

static bool replayed_row(void *ctx, struct delivery *d, const struct event *ev, size_t n)
{
	(void)ev;
	if (n > 0)
		sim_fail(ctx, "%" PRId64 ": %zu events are left to replay after a stop in peace", d->key, n);
	delivery_free(d);
	return true;
}

void judge_stopped(struct sim *s) { s->store->ops->recover(s->store, replayed_row, s); }
