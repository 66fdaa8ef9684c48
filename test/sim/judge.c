/* The judge: hears from the store what is durable and from carriers, receivers and clients what was said to them, and objects
 *  (1) to an answer, attempt, webhook call or receipt answer that is not covered by what is durable,
 *  (2) to a step that the states do not allow, or a final state that changes,
 *  (3) to a state in memory that is not what the events make of it,
 *  (4) to an outcome that the carriers' words do not bear out, or a receipt that went to the wrong message,
 *  (5) to `delivered` called while `sent` is open, or called before its time,
 *  (6) to an attempt that nothing permitted,
 *  (7) to credit that is not accounted for: the ledger must say what the messages' events say, go on where it ended, and be what the
 *      engine goes by, at every moment and after every crash,
 *  (8) at the end: to anything that is not settled. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/control.h"
#include "core/ring.h"
#include "model/codes.h"
#include "sim/mo.h"
#include "sim/sim.h"

#define ATTEMPTS_MAX 24
#define PARTS_SEEN 16
#define FORGOTTEN_MS ((int64_t)3600 * 1000) /* of calm, in which nothing leaves although something is ready */
#define LATE_MS 5000 /* how late the engine may be with a timer, once it gets its turns */

struct attempt_facts { /* what was said about one attempt */
	bool handed;
	uint16_t parts;             /* as the channel counts */
	uint32_t octets, accepted;  /* bits by part */
	uint32_t delivered, failed; /* by receipts that are durable */
	bool reported;              /* some final receipt of it was handed in */
	bool said[V_TEXT + 1];      /* verdicts */
	bool requeued;
	bool restarted; /* in doubt since a restart: how many parts the channel had made of it is lost */
	int requeue_reason;
};
struct hook_facts {
	int wanted, ended; /* changes to tell, calls settled: a newer change may take the place of an older one */
	bool settled;      /* the newest change was told, or given up */
	bool told;         /* the newest change is in a call */
	bool dead;         /* given up; may be replayed */
	uint64_t replayed;  /* when, in calls */
	int64_t seq, older; /* of the newest change, and the one before */
	int64_t not_before;
	int called;
};
struct message {
	struct node node, fresh;
	struct delivery *d; /* what the durable events make of it */
	bool acknowledged;
	bool cancel_asked, cancelled, paused; /* the latter two: acknowledged to the owner, and not resumed */
	bool ever_held;                       /* somebody paused it once */
	unsigned campaign;                    /* number + 1; 0 none */
	int64_t queued_at;
	bool guessed; /* got a receipt by its address that was that of an attempt long over: nobody can tell */
	struct attempt_facts attempt[ATTEMPTS_MAX + 1];
	struct hook_facts hook[HOOK_MO];
};
struct truth { /* whose a receipt really is */
	int64_t key;
	unsigned attempt, part, parts;
	uint8_t state;
	bool final, posted;
};

/* The engine's time does not go back while it runs; the wall clock may. */
static int64_t engine_now(const struct sim *s) { return s->e ? s->e->now : sim_wall(s); }

static uint64_t id_key(uint16_t connection, const char *id)
{
	return hash_bytes(id, strlen(id)) ^ connection;
}

static struct message *message_of(struct sim *s, int64_t key)
{
	return map_ptr(s->judge.messages, (uint64_t)key);
}

static struct attempt_facts *facts_of(struct sim *s, int64_t key, unsigned attempt)
{
	static struct attempt_facts nobody;
	struct message *m = message_of(s, key);

	if (m && attempt >= 1 && attempt <= ATTEMPTS_MAX)
		return &m->attempt[attempt];
	sim_fail(s, "%" PRId64 ": unknown message or attempt %u", key, attempt);
	return &nobody;
}

static struct attempt_facts *current(struct message *m)
{
	return &m->attempt[MIN(m->d->attempts, ATTEMPTS_MAX)];
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

/* Receipts carry a tag of ours in their error text, so that each is known again wherever it is written down. */
static uint32_t tag_in(const char *text, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (text[i] == 't' && (i == 0 || text[i - 1] == ' ') && text[i + 1] >= '0' && text[i + 1] <= '9') {
			uint32_t tag = 0;

			for (i++; i < n && text[i] >= '0' && text[i] <= '9'; i++)
				tag = tag * 10 + (uint32_t)(text[i] - '0');
			return tag;
		}
	return 0;
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

static uint32_t all_parts(unsigned n) { return (uint32_t)(((uint64_t)1 << n) - 1); }

static bool told_id(const struct attempt_facts *f, unsigned part) { return f->accepted & 1u << part; }

/* An id that the engine was never told may be matched by address, but only while no other attempt under way could be meant. */
static bool may_guess(struct sim *s, const struct message *m, const struct truth *t)
{
	const struct message *owner = message_of(s, t->key);

	if (m->d->state != D_DOUBT || !owner || !str_eq(owner->d->t.number, m->d->t.number))
		return false;
	if (told_id(facts_of(s, t->key, t->attempt), t->part))
		return false;
	return (owner->d->state != D_SENDING && owner->d->state != D_DOUBT) ||
	       owner->d->attempts != t->attempt || owner->d->connection != m->d->connection;
}

static void check_receipt(struct sim *s, struct message *m, const struct event *e)
{
	uint32_t tag = tag_in(e->detail, e->detail_len);
	struct truth *t = map_ptr(s->judge.tags, tag);

	if (!tag)
		return;
	map_set(s->judge.durable, tag, 1);
	if (!t)
		sim_fail(s, "event %" PRId64 ": receipt %u was never sent", e->seq, tag);
	else if (t->key != m->d->key && !m->guessed)
		sim_fail(s, "%" PRId64 ": receipt %u is that of %" PRId64, m->d->key, tag, t->key);
}

/* Sent by a receipt alone: whose is it? */
static bool receipt_says_sent(struct sim *s, struct message *m, const struct event *e)
{
	char id[EVENT_DETAIL_MAX + 1];
	struct truth *t;

	str_copy(id, sizeof(id), (struct str){e->detail, e->detail_len});
	t = map_ptr(s->judge.ids, id_key(m->d->connection, id));
	if (!t || !t->final)
		return false;
	if (t->key == m->d->key) {
		m->guessed |= t->attempt != m->d->attempts; /* of an earlier attempt of its own */
		return true;
	}
	m->guessed = may_guess(s, m, t);
	return m->guessed;
}

static bool limited(const struct sim *s, const struct delivery *d)
{
	return s->plan.per_destination && d->sub_account == 3 && (d->flags & DF_MARKETING) && d->t.number.n;
}

/* Marketing messages of that sub-account to the same number that were accepted before it, in the period, and did not fail. */
static uint32_t to_the_same(struct sim *s, const struct delivery *d)
{
	uint32_t n = 0;

	for (struct node *at = list_first(&s->judge.all); at; at = list_next(&s->judge.all, at)) {
		const struct delivery *other = OWNER(struct message, node, at)->d;

		n += other->key < d->key && uid_key_ms(other->key) > uid_key_ms(d->key) - s->plan.per_destination_ms &&
		     limited(s, other) && str_eq(other->t.number, d->t.number) &&
		     (!other->sent_code || other->sent_code == SENT_SENT_SUCCESS);
	}
	return n;
}

static bool campaign_pause_asked(const struct sim *s, const struct message *m)
{
	return m->campaign && (s->judge.campaign[m->campaign - 1].pause_asked[0] ||
			       s->judge.campaign[m->campaign - 1].pause_asked[m->d->sub_account]);
}

static bool campaign_cancel_asked(const struct sim *s, const struct message *m)
{
	return m->campaign && (s->judge.campaign[m->campaign - 1].cancel_asked[0] ||
			       s->judge.campaign[m->campaign - 1].cancel_asked[m->d->sub_account]);
}

static const char *why_not_sent(struct sim *s, struct message *m, const struct event *e, const struct attempt_facts *f)
{
	const struct delivery *d = m->d;

	if (e->code == SENT_SENT_SUCCESS) {
		if (d->state == D_DOUBT && receipt_says_sent(s, m, e))
			return NULL;
		if (f->parts > 0 && f->accepted == all_parts(f->parts))
			return NULL;
		return "not every part was accepted, and no receipt of its own says so";
	}
	switch (e->at2) {
	case REASON_CARRIER_STATUS:
		return f->said[V_REFUSED] || f->said[V_BAD_NUMBER] ? NULL : "no carrier refused it";
	case REASON_NACK: return f->said[V_NACK] ? NULL : "no generic_nack came";
	case REASON_TEXT: return f->said[V_TEXT] ? NULL : "its text was not refused";
	case REASON_THROTTLED_OUT: return f->said[V_EXPIRED] ? NULL : "it was not throttled";
	case REASON_FAILOVER_SPENT:
		return f->said[V_TEMPORARY] && d->attempts >= s->settings->sms.retry_tries ? NULL : "it has tries left";
	case REASON_EXPIRED:
	case REASON_LINK_DOWN: return e->at >= d->expires_at ? NULL : "it is not expired";
	case REASON_PAUSED:
		if (!delivery_paused(d) && !campaign_pause_asked(s, m))
			return "nobody paused it";
		return e->at >= d->expires_at ? NULL : "it is not expired";
	case REASON_SHUT: return e->at >= d->expires_at ? NULL : "it is not expired";
	case REASON_IN_DOUBT:
		return d->state == D_DOUBT && e->at >= d->due_at ? NULL : "the doubt is not over";
	case REASON_MESSAGE_LIMIT:
		return limited(s, d) && to_the_same(s, d) >= s->plan.per_destination ? NULL : "the number has not got so many";
	case REASON_CANCELLED:
		if (!m->cancel_asked && !campaign_cancel_asked(s, m))
			return "nobody cancelled it";
		return d->state == D_QUEUED || d->flags & DF_CANCEL ? NULL : "it was under way, and not marked";
	case REASON_NO_CREDIT:
		return s->plan.credit && d->state == D_QUEUED ? NULL : "credit is no matter here";
	case REASON_OPTED_OUT: return wishes_refuse(s, d) ? NULL : "its number has not asked for that";
	case REASON_BAD_NUMBER: return d->t.number.n == 0 ? NULL : "its number is good";
	case REASON_NO_ROUTE:
		if (s->plan.reload && d->t.number.n > 1 && d->t.number.p[0] == '3')
			return NULL;
		return d->t.number.n > 1 && d->t.number.p[0] == '9' ? NULL : "there is a route";
	}
	return "nothing explains that";
}

static void check_part(struct sim *s, struct message *m, const struct event *e)
{
	if (!told_id(current(m), (unsigned)e->arg & 0xff) && !(m->d->state == D_DOUBT && receipt_says_sent(s, m, e)))
		sim_fail(s, "%" PRId64 ": part %d accepted, but nobody said so", e->key, e->arg & 0xff);
}

static void check_sent(struct sim *s, struct message *m, const struct event *e)
{
	const char *why = why_not_sent(s, m, e, current(m));

	if (!m->ever_held && !campaign_pause_asked(s, m))
		timing_check_end(s, m->d, e);
	if (why)
		sim_fail(s, "%" PRId64 ": sent %d reason %s in state %s: %s", e->key, e->code,
			 reason_text((int)e->at2), delivery_state_name(m->d->state), why);
}

static int64_t receipt_wait(const struct sim *s, const struct delivery *d)
{
	return d->operator_id == 2 ? s->settings->operators[1].receipt_wait_ms : s->settings->sms.receipt_wait_ms;
}

static void note_receipt(const struct sim *s, struct message *m, const struct event *e)
{
	struct truth *t = map_ptr(s->judge.tags, tag_in(e->detail, e->detail_len));

	if (!t || !t->final || t->attempt < 1 || t->attempt > ATTEMPTS_MAX)
		return;
	if (t->state == RECEIPT_STATE_DELIVERED)
		m->attempt[t->attempt].delivered |= 1u << t->part;
	else
		m->attempt[t->attempt].failed |= 1u << t->part;
}

static void check_delivered(struct sim *s, struct message *m, const struct event *e)
{
	const struct attempt_facts *f = current(m);

	if (m->guessed || (f->restarted && f->parts != m->d->part_count))
		return;
	if (e->code == DELIVERED_DELIVERED_SUCCESS && f->parts > 0 && f->delivered != all_parts(f->parts))
		sim_fail(s, "%" PRId64 ": delivered, but only parts %x of %u are", e->key, f->delivered, f->parts);
	if (e->code != DELIVERED_DELIVERED_SUCCESS && !f->failed)
		sim_fail(s, "%" PRId64 ": not delivered, but no receipt says so", e->key);
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

/* -- credit ---------------------------------------------------------------------------------------------------------- */

/* What the events say about credit, by rules of its own: an attempt holds parts times its price; sent uses up as many parts as there
 * turned out to be; everything else that ends the attempt gives back. */
static void note_credit(struct sim *s, const struct delivery *d, uint32_t held, uint32_t price, uint8_t from,
			const struct event *e)
{
	bool begins = e->kind == EV_ATTEMPT, ends = e->kind == EV_SENT || e->kind == EV_REQUEUED;
	int64_t used = ends && e->kind == EV_SENT && e->code == SENT_SENT_SUCCESS
			       ? (int64_t)price * MAX(d->part_count, 1)
			       : 0;
	uint8_t whose = begins ? (uint8_t)(e->at2 & 3) : from;
	int64_t by = begins ? (e->at2 >> 2) * MAX(e->arg, 1) : -(int64_t)held;

	if (!begins && !ends)
		return;
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++) {
		if (!(whose & (kind == BALANCE_ACCOUNT ? CREDIT_FROM_ACCOUNT : CREDIT_FROM_SUB)))
			continue;
		if (kind == BALANCE_SUB && d->sub_account != 1)
			sim_fail(s, "%" PRId64 ": holds credit of sub-account %u, which has none", d->key, d->sub_account);
		s->judge.credit[kind].reserved += by;
		s->judge.credit[kind].balance -= used;
	}
}

static void on_ledger(void *ctx, const struct ledger_row *l)
{
	struct sim *s = ctx;
	struct judge *j = &s->judge;

	sim_note(s, "  ledger %d: %s of %" PRId64 ", balance %+" PRId64 " to %" PRId64 ", reserved %+" PRId64 " to %" PRId64,
		 l->balance_kind, ledger_kind_name(l->kind), l->key, l->balance_by, l->balance,
		 l->reserved_by, l->reserved);
	if (l->balance_kind < BALANCE_ACCOUNT || l->balance_kind > BALANCE_SUB || l->owner != 1) {
		sim_fail(s, "ledger row of kind %d, owner %u", l->balance_kind, l->owner);
		return;
	}
	if (l->id <= j->credit[l->balance_kind].last_id)
		sim_fail(s, "ledger row %" PRId64 " after %" PRId64, l->id, j->credit[l->balance_kind].last_id);
	j->credit[l->balance_kind].last_id = l->id;
	j->credit[l->balance_kind].ledger_balance += l->balance_by;
	j->credit[l->balance_kind].ledger_reserved += l->reserved_by;
	j->credit[l->balance_kind].rows++;
	if (l->balance != j->credit[l->balance_kind].ledger_balance ||
	    l->reserved != j->credit[l->balance_kind].ledger_reserved)
		sim_fail(s, "ledger row %" PRId64 " does not go on where the one before ended", l->id);
	if (!l->key) /* the operator's */
		j->credit[l->balance_kind].balance += l->balance_by;
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
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++)
		if (s->judge.credit[kind].balance != s->judge.credit[kind].ledger_balance ||
		    s->judge.credit[kind].reserved != s->judge.credit[kind].ledger_reserved)
			sim_fail(s,
				 "commit %" PRIu64 ": kind %d has balance %" PRId64 " and %" PRId64
				 " reserved by the events, %" PRId64 " and %" PRId64 " by the ledger",
				 number, kind, s->judge.credit[kind].balance, s->judge.credit[kind].reserved,
				 s->judge.credit[kind].ledger_balance, s->judge.credit[kind].ledger_reserved);
}

static bool check_balance(void *ctx, const struct balance_row *b)
{
	struct sim *s = ctx;

	if (b->balance != s->judge.credit[b->kind].ledger_balance || b->reserved != s->judge.credit[b->kind].ledger_reserved)
		sim_fail(s,
			 "the engine goes by balance %" PRId64 " and %" PRId64
			 " reserved for kind %d, the ledger says %" PRId64 " and %" PRId64,
			 b->balance, b->reserved, b->kind, s->judge.credit[b->kind].ledger_balance,
			 s->judge.credit[b->kind].ledger_reserved);
	return true;
}

static void check_credit(struct sim *s)
{
	uint64_t rows = s->judge.credit[BALANCE_ACCOUNT].rows + s->judge.credit[BALANCE_SUB].rows;
	size_t owners = map_count(s->e->credit.owners);

	s->store->ops->balances(s->store, check_balance, s);
	if (!rows && owners)
		sim_fail(s, "a balance nobody set");
	for (int kind = BALANCE_ACCOUNT; kind <= BALANCE_SUB; kind++)
		if (s->judge.credit[kind].reserved < 0)
			sim_fail(s, "less than nothing is reserved of kind %d", kind);
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

/* -- what leaves the process --------------------------------------------------------------------------------------- */

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

/* What an owner was told holds. */
static void check_owner(struct sim *s, const struct message *m, const struct attempt *a)
{
	const uint32_t subs[] = {0, m->d->sub_account};

	if (m->cancelled)
		sim_fail(s, "%" PRId64 ": attempt %u although it was cancelled", a->key, a->attempt);
	if (m->paused)
		sim_fail(s, "%" PRId64 ": attempt %u although it is paused", a->key, a->attempt);
	for (size_t i = 0; m->campaign && i < COUNT_OF(subs); i++) {
		if (s->judge.campaign[m->campaign - 1].paused[subs[i]])
			sim_fail(s, "%" PRId64 ": attempt %u although its campaign is paused", a->key, a->attempt);
		if (a->key <= s->judge.campaign[m->campaign - 1].cancelled[subs[i]])
			sim_fail(s, "%" PRId64 ": attempt %u although its campaign was cancelled", a->key, a->attempt);
	}
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

struct uid judge_pick(struct sim *s)
{
	struct node *n = list_first(&s->judge.all);
	int64_t at = s->judge.all.count ? between(s, 0, (int64_t)s->judge.all.count - 1) : 0;

	while (n && at--)
		n = list_next(&s->judge.all, n);
	return n ? (struct uid){OWNER(struct message, node, n)->d->key, OWNER(struct message, node, n)->d->rest}
		 : (struct uid){0};
}

int64_t judge_newest(const struct sim *s)
{
	int64_t key = 0;

	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n))
		key = MAX(key, OWNER(struct message, node, n)->d->key);
	return key;
}

void judge_asked(struct sim *s, int verb, int64_t key)
{
	struct message *m = message_of(s, key);

	if (m && verb == CONTROL_CANCEL)
		m->cancel_asked = true;
	if (m && verb == CONTROL_PAUSE)
		m->ever_held = true;
}

void judge_campaign_asked(struct sim *s, int verb, unsigned campaign, uint32_t sub)
{
	s->judge.campaign[campaign].cancel_asked[sub] |= verb == CONTROL_CANCEL;
	s->judge.campaign[campaign].pause_asked[sub] |= verb == CONTROL_PAUSE;
}

void judge_resuming(struct sim *s, int64_t key)
{
	struct message *m = message_of(s, key);

	if (m)
		m->paused = false;
}

void judge_campaign_resuming(struct sim *s, unsigned campaign, uint32_t sub)
{
	for (uint32_t i = 0; i <= SUBS; i++)
		if (!sub || i == sub)
			s->judge.campaign[campaign].paused[i] = false;
}

void judge_told(struct sim *s, int verb, int64_t key, int result)
{
	struct message *m = message_of(s, key);

	if (!m)
		return;
	if (verb == CONTROL_CANCEL && result == CONTROL_DONE) {
		m->cancelled = true;
		if (m->d->state != D_DONE || m->d->sent_code != SENT_EXPIRED || m->d->reason != REASON_CANCELLED)
			sim_fail(s, "%" PRId64 ": said to be cancelled, but durable is %s", key,
				 delivery_state_name(m->d->state));
	} else if (verb == CONTROL_PAUSE && result == CONTROL_DONE) {
		/* Unless a later word of the same batch resumed it. */
		m->paused = delivery_paused(m->d);
	} else if ((result == CONTROL_LEFT || result == CONTROL_DOUBT) && m->d->state == D_QUEUED && !m->d->attempts) {
		sim_fail(s, "%" PRId64 ": said to have left", key);
	}
}

void judge_campaign_told(struct sim *s, int verb, unsigned campaign, uint32_t sub, int64_t until)
{
	if (verb == CONTROL_CANCEL)
		s->judge.campaign[campaign].cancelled[sub] = MAX(s->judge.campaign[campaign].cancelled[sub], until);
	if (verb == CONTROL_PAUSE)
		s->judge.campaign[campaign].paused[sub] = true;
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
static void on_hook_set(void *ctx, const struct hook_row *row)
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

static bool replayed_row(void *ctx, struct delivery *d, const struct event *ev, size_t n)
{
	(void)ev;
	if (n > 0)
		sim_fail(ctx, "%" PRId64 ": %zu events are left to replay after a stop in peace", d->key, n);
	delivery_free(d);
	return true;
}

void judge_stopped(struct sim *s) { s->store->ops->recover(s->store, replayed_row, s); }

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

void judge_turn(struct sim *s, bool more)
{
	struct list *all = &s->judge.all;

	s->judge.hungry = more;
	check_bounds(s);
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
