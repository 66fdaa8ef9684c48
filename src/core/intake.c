/* intake.c - acceptance: gives ids, stores what was sent in, queues it. Also attempts, the copies that go to a channel. */
#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
#include "core/ring.h"
#include "core/schedule.h"
#include "model/codes.h"

#define IDEMPOTENCY_MS ((int64_t)24 * 3600 * 1000)

/* The first answer again: keys are consecutive, the random halves of the ids are in the rows. */
static void replay(struct engine *e, struct submission *s, const struct idem_row *row)
{
	if (row->body_hash != s->body_hash || row->count != s->count) {
		s->status = SUBMIT_CONFLICT;
		return;
	}
	s->status = SUBMIT_REPLAYED;
	s->batch = (struct uid){row->batch, row->batch_rest};
	for (uint32_t i = 0; i < s->count; i++) {
		struct live *lv = live_get(&e->lives, row->first_key + i);

		s->ids[i] = (struct uid){row->first_key + i, lv ? lv->d->rest : 0};
	}
}

static void remember(struct engine *e, const struct submission *s)
{
	struct idem_row row = {.hash = s->idem_hash,
			       .body_hash = s->body_hash,
			       .first_key = s->ids[0].key,
			       .count = s->count,
			       .batch = s->batch.key,
			       .batch_rest = s->batch.rest,
			       .at = e->now};

	e->ops->idem(e->store, &row);
}

/* -- what acceptance refuses ----------------------------------------------------------------------------------------
 * The message gets an id and ends at once with the first code that applies, in the order of the API: 202, 203, 204, 207 (seen
 * where the request is read: the draft says so), 205, 201, and last that no route leads to its number. One function each; true: it
 * applies. */

static bool refused_by_draft(const struct draft *m, bool route, struct refusal *r)
{
	if (!m->invalid || (m->invalid_reason == REASON_NO_ROUTE) != route)
		return false;
	*r = (struct refusal){m->invalid, m->invalid_reason};
	return true;
}

static bool refused_by_reach(struct engine *e, const struct sub_account *sub, const struct delivery *d,
			     uint32_t before, struct refusal *r)
{
	if (!reach_spent(e, sub, d, before))
		return false;
	*r = (struct refusal){SENT_DESTINATION_MESSAGE_LIMIT_REACHED, REASON_MESSAGE_LIMIT};
	return true;
}

/* What leaves later is charged later: its credit is looked at when it is to leave. */
static bool refused_by_credit(const struct engine *e, const struct delivery *d, int64_t units_before, struct refusal *r)
{
	if (!e->credit.limited || d->due_at > e->now || !credit_need_beside(e, d, units_before).too_little)
		return false;
	*r = (struct refusal){SENT_NO_CREDIT, REASON_NO_CREDIT};
	return true;
}

bool intake_refused(struct engine *e, const struct sub_account *sub, const struct draft *m,
		    const struct delivery *d, const struct intake_before *before, struct refusal *r)
{
	return refused_by_draft(m, false, r) || refused_by_reach(e, sub, d, before->same_number, r) ||
	       refused_by_credit(e, d, before->units, r) || refused_by_draft(m, true, r);
}

struct intake_sender intake_sender(const struct engine *e, uint32_t sub_account)
{
	const struct sub_account *sub = e->snap ? snapshot_sub(e->snap, sub_account) : NULL;
	const char *source = e->snap ? snapshot_short_code(e->snap, sub_account) : NULL;

	return (struct intake_sender){.sub = sub,
				      .resend = sub && sub->resend_doubt_set ? sub->resend_doubt
									     : e->settings->sms.doubt_resend,
				      .source = str_of(source)};
}

struct delivery *intake_delivery(struct engine *e, const struct submission *s, uint32_t i,
				 const struct intake_sender *from, struct uid id, int64_t *departs)
{
	struct draft *m = &s->drafts[i];
	const struct sub_account *sub = from->sub;
	struct delivery *d;
	int64_t shuts;

	if (!m->t.source.n)
		m->t.source = from->source;
	d = delivery_new(&m->t);
	d->key = id.key;
	d->rest = id.rest;
	d->batch = s->batch.key;
	d->account = s->account;
	d->sub_account = s->sub_account;
	d->user = s->user;
	d->campaign_id = m->campaign_id;
	d->operator_id = m->operator_id;
	d->expires_at = m->expires_at ? m->expires_at : e->now + m->validity_ms;
	d->not_before = m->not_before;
	d->window = m->window;
	d->updated_at = e->now;
	d->flags = (uint16_t)(m->flags | (sub && sub->redact ? DF_REDACT : 0) | (from->resend ? DF_RESEND_DOUBT : 0));
	delivery_set_parts(d, MAX(MIN(m->parts, PARTS_MAX), 1));
	if (!m->invalid && !engine_may_leave(e, d, &shuts, departs)) {
		if (!m->expires_at && *departs != SCHEDULE_NEVER) /* a reply: the validity counts from when it may first leave */
			d->expires_at = *departs + m->validity_ms;
		d->due_at = MIN(*departs, d->expires_at);
	}
	return d;
}

static void accept_one(struct engine *e, const struct submission *s, uint32_t i, const struct intake_sender *from)
{
	const struct intake_before none = {0};
	const struct draft *m = &s->drafts[i];
	const struct sub_account *sub = from->sub;
	int64_t departs = 0;
	struct delivery *d = intake_delivery(e, s, i, from, s->ids[i], &departs);
	struct queue *k;
	struct refusal why;

	e->ops->accept(e->store, d);
	unfinished_add(e, d->key, 1);
	engine_waiting(e, d, 1);
	if (intake_refused(e, sub, m, d, &none, &why)) {
		struct fact f = {.kind = FACT_REFUSE, .code = why.code, .reason = why.reason};

		engine_step(e, live_add(&e->lives, d), &f);
		return;
	}
	reach_accepted(e, sub, d);
	/* The usual validity is seen at the queues' heads, which are their oldest; a shorter one has a timer of its own, and so has what
	 * waits for its time: its queue may be full when that comes. */
	if (d->due_at || d->expires_at < e->now + e->settings->sms.validity_ms)
		engine_due_set(e, &engine_timers, d->expires_at, d->key);
	k = engine_queue_of(e, d);
	if (d->due_at) {
		engine_postpone(e, &k->id, d, departs);
		delivery_free(d);
		return;
	}
	/* A long queue reads its deliveries back in time; keeping the newest would push out what is needed first. */
	if (queue_push(&e->queues, k, d->key) && lives_roomy(&e->lives))
		live_add(&e->lives, d);
	else
		delivery_free(d);
}

void intake_submission(struct engine *e, struct submission *s)
{
	const struct intake_sender from = intake_sender(e, s->sub_account);
	struct idem_row row;
	int64_t first;

	engine_after_commit(e, &s->in.mail);
	if (!e->accepting) {
		s->status = SUBMIT_STOPPING;
		return;
	}
	if (s->forecasts) {
		intake_forecast(e, s, &from);
		return;
	}
	if (s->idem_hash && e->ops->idem_find(e->store, s->idem_hash, &row) && row.at + IDEMPOTENCY_MS > e->now) {
		replay(e, s, &row);
		return;
	}
	s->retry_ms = reach_velocity(e, from.sub, s->count);
	if (s->retry_ms) {
		s->status = SUBMIT_TOO_MANY;
		return;
	}
	s->status = SUBMIT_OK;
	engine_batch(e);
	first = uid_take(&e->ids, e->now, s->count + (s->bulk ? 1 : 0));
	if (s->bulk)
		s->batch = (struct uid){first + s->count, uid_rest()};
	for (uint32_t i = 0; i < s->count; i++) {
		s->ids[i] = (struct uid){first + i, uid_rest()};
		accept_one(e, s, i, &from);
	}
	if (s->idem_hash)
		remember(e, s);
	metric_add(M_ACCEPTED, s->count);
}

/* -- replies of keywords ------------------------------------------------------------------------------------------------ */

/* How many parts it will be, near enough for the credits: the channel knows better. */
static uint16_t parts_about(struct str text)
{
	size_t n = text.n;
	bool plain = utf8_valid(text, &n) && n == text.n;

	if (n <= (plain ? 160u : 70u))
		return 1;
	return (uint16_t)MIN((n + (plain ? 152u : 66u)) / (plain ? 153u : 67u), (size_t)PARTS_MAX);
}

void intake_reply(struct engine *e, const struct sub_account *sub, struct str number, struct str source,
		  struct str text, bool confirms)
{
	const struct user *u = snapshot_system_user(e->snap, sub->id);
	struct number_facts facts = intake_number(e->settings, number);
	struct draft m = {.t = {.destination = number, .number = number, .source = source, .text = text},
			  .validity_ms = e->settings->sms.validity_ms,
			  .operator_id = facts.operator_id,
			  .parts = parts_about(text),
			  .flags = facts.reports ? 0 : DF_NO_REPORTS};
	struct uid id = {uid_take(&e->ids, e->now, 1), uid_rest()};
	struct intake_sender from = intake_sender(e, sub->id);
	struct submission s = {
		.account = sub->account, .sub_account = sub->id, .user = u ? u->id : 0, .count = 1, .drafts = &m, .ids = &id};

	/* What its recipient waits for to know that there will be no more is no marketing: neither hours nor caps hold it back. */
	if (confirms)
		m.flags |= DF_CONFIRM;
	else if (sub->marketing)
		m.flags |= DF_MARKETING;
	if (!facts.routed) {
		m.invalid = SENT_CARRIER_COMMUNICATION_ERROR;
		m.invalid_reason = REASON_NO_ROUTE;
	}
	engine_batch(e);
	from.source = source;
	accept_one(e, &s, 0, &from);
	metric_add(M_ACCEPTED, 1);
}

/* -- attempts ------------------------------------------------------------------------------------------------------- */

static struct str put(char **at, struct str s)
{
	struct str r = {*at, s.n};

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return r;
}

struct attempt *attempt_new(const struct delivery *d, uint8_t attempt, uint16_t parts)
{
	struct attempt *a = xcalloc(1, sizeof *a + d->t.number.n + d->t.source.n + d->t.text.n);
	char *at = (char *)(a + 1);

	a->key = d->key;
	a->attempt = attempt;
	a->flags = d->flags;
	a->parts = parts;
	a->expires_at = d->expires_at;
	a->accepted_at = MAX(uid_key_ms(d->key), d->not_before);
	a->number = put(&at, d->t.number);
	a->source = put(&at, d->t.source);
	a->text = put(&at, d->t.text);
	return a;
}

void attempt_free(struct attempt *a) { free(a); }
