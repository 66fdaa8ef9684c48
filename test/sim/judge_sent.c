/* judge_sent.c - whether the carriers' words bear out what a message says of itself: accepted, sent or why not, delivered, by whose
 * receipt. */
#include <inttypes.h>
#include <string.h>

#include "model/codes.h"
#include "sim/judge.h"
#include "sim/mo.h"

/* Receipts carry a tag of ours in their error text, so that each is known again wherever it is written down. */
uint32_t tag_in(const char *text, size_t n)
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

void check_receipt(struct sim *s, struct message *m, const struct event *e)
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

bool limited(const struct sim *s, const struct delivery *d)
{
	return s->plan.per_destination && d->sub_account == 3 && (d->flags & DF_MARKETING) && d->t.number.n;
}

/* Marketing messages of that sub-account to the same number that were accepted before it, in the period, and did not fail. */
uint32_t to_the_same(struct sim *s, const struct delivery *d)
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

void check_part(struct sim *s, struct message *m, const struct event *e)
{
	if (!told_id(current(m), (unsigned)e->arg & 0xff) && !(m->d->state == D_DOUBT && receipt_says_sent(s, m, e)))
		sim_fail(s, "%" PRId64 ": part %d accepted, but nobody said so", e->key, e->arg & 0xff);
}

void check_sent(struct sim *s, struct message *m, const struct event *e)
{
	const char *why = why_not_sent(s, m, e, current(m));

	if (!m->ever_held && !campaign_pause_asked(s, m))
		timing_check_end(s, m->d, e);
	if (why)
		sim_fail(s, "%" PRId64 ": sent %d reason %s in state %s: %s", e->key, e->code,
			 reason_text((int)e->at2), delivery_state_name(m->d->state), why);
}

int64_t receipt_wait(const struct sim *s, const struct delivery *d)
{
	return d->operator_id == 2 ? s->settings->operators[1].receipt_wait_ms : s->settings->sms.receipt_wait_ms;
}

void note_receipt(const struct sim *s, struct message *m, const struct event *e)
{
	struct truth *t = map_ptr(s->judge.tags, tag_in(e->detail, e->detail_len));

	if (!t || !t->final || t->attempt < 1 || t->attempt > ATTEMPTS_MAX)
		return;
	if (t->state == RECEIPT_STATE_DELIVERED)
		m->attempt[t->attempt].delivered |= 1u << t->part;
	else
		m->attempt[t->attempt].failed |= 1u << t->part;
}

void check_delivered(struct sim *s, struct message *m, const struct event *e)
{
	const struct attempt_facts *f = current(m);

	if (m->guessed || (f->restarted && f->parts != m->d->part_count))
		return;
	if (e->code == DELIVERED_DELIVERED_SUCCESS && f->parts > 0 && f->delivered != all_parts(f->parts))
		sim_fail(s, "%" PRId64 ": delivered, but only parts %x of %u are", e->key, f->delivered, f->parts);
	if (e->code != DELIVERED_DELIVERED_SUCCESS && !f->failed)
		sim_fail(s, "%" PRId64 ": not delivered, but no receipt says so", e->key);
}
