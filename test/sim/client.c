/* Who submits: singles and bulks, some with an idempotency key, which are sent again when the process died before it answered, and
 * sometimes without any reason, or with another body. Some ask beforehand what would become of it (a dry run), of which nothing may stay. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"
#include "model/codes.h"
#include "sim/sim.h"

#define TEXT_LONG 400

struct order {
	struct node node;
	struct submission s;
	struct sim *sim;
	uint32_t content; /* number of what it says; a repetition says the same */
	struct idem_use *use;
	bool other_body;
	char text[TEXT_LONG];
	struct {
		char number[24], source[16], correlation[24], campaign[8];
	} * names;
};
struct idem_use { /* a request with a key, as the client remembers it */
	struct node node;
	struct task again;
	struct prng shape; /* draws the same content again */
	uint32_t content;
	bool answered;
	struct uid *ids;
	uint32_t count;
};

static void submit(struct sim *s, struct idem_use *use, bool other_body);

/* -- answers ------------------------------------------------------------------------------------------------------- */

static void on_again(struct sim *s, struct task *t)
{
	struct idem_use *u = OWNER(struct idem_use, again, t);

	submit(s, u, u->answered && chance(s, 20));
}

static void answered_ok(struct sim *s, struct order *o)
{
	struct idem_use *u = o->use;

	if (o->other_body)
		sim_fail(s, "another body under a used idempotency key was accepted");
	for (uint32_t i = 0; i < o->s.count; i++)
		judge_acknowledged(s, &o->s.drafts[i], o->s.ids[i], o->content, i);
	if (!u)
		return;
	if (u->answered && memcmp(u->ids, o->s.ids, u->count * sizeof(*u->ids)) != 0)
		sim_fail(s, "order %u: a repetition got other ids", o->content);
	if (u->answered && o->s.status == SUBMIT_OK)
		sim_fail(s, "order %u: a repetition was accepted anew", o->content);
	if (!u->answered) {
		u->answered = true;
		u->count = o->s.count;
		u->ids = xcalloc(u->count, sizeof(*u->ids));
		memcpy(u->ids, o->s.ids, u->count * sizeof(*u->ids));
	}
	if (!s->calm && chance(s, 30))
		sim_at(s, &u->again, s->now + between(s, 1, 60000), on_again);
}

/* It says something of each, gives no id, and (the judge sees to it) leaves nothing. */
static void answered_dry(struct sim *s, const struct order *o)
{
	for (uint32_t i = 0; i < o->s.count; i++) {
		const struct forecast *f = &o->s.forecasts[i];

		if (o->s.ids[i].key || o->s.batch.key)
			sim_fail(s, "order %u: a dry run gave ids", o->content);
		if (f->departs_at < s->e->now || (f->connection && f->connection != f->coded_for))
			sim_fail(s, "order %u.%u: a dry run said what cannot be", o->content, i);
		if (o->s.drafts[i].invalid && f->code != o->s.drafts[i].invalid)
			sim_fail(s, "order %u.%u: a dry run said %u for %u", o->content, i, f->code,
				 o->s.drafts[i].invalid);
	}
}

static void order_free(struct order *o)
{
	free(o->s.forecasts);
	free(o->s.drafts);
	free(o->s.ids);
	free(o->names);
	free(o);
}

static void done(struct submission *sub)
{
	struct order *o = OWNER(struct order, s, sub);
	struct sim *s = o->sim;

	list_remove(&s->client.orders, &o->node);
	if (sim_effect(s)) {
		sim_note(s, "order %u answered %d, first id %lld", o->content, sub->status,
			 (long long)sub->ids[0].key);
		if (sub->forecasts && sub->status == SUBMIT_OK)
			answered_dry(s, o);
		else if (sub->status == SUBMIT_OK || sub->status == SUBMIT_REPLAYED) {
			s->client.answered++;
			s->client.replayed += sub->status == SUBMIT_REPLAYED;
			answered_ok(s, o);
		} else if (sub->status == SUBMIT_CONFLICT && !o->other_body) {
			sim_fail(s, "order %u: conflict without another body", o->content);
		}
	} else if (o->use && !o->use->again.node.index) {
		sim_at(s, &o->use->again, s->now + between(s, 1, 5000), on_again);
	}
	order_free(o);
}

/* -- orders -------------------------------------------------------------------------------------------------------- */

static int percent(struct prng *r) { return (int)prng_below(r, 100); }

static void fill_draft(struct sim *s, struct order *o, uint32_t i, struct prng *r)
{
	const struct plan *p = &s->plan;
	struct draft *d = &o->s.drafts[i];
	bool long_text = percent(r) < p->long_text;
	uint32_t who = percent(r) < p->same_number ? (uint32_t)prng_below(r, 3) : o->content * 1000 + i;
	const char *prefix = percent(r) < p->unrouted ? "99" : prng_below(r, 2) ? "55" : "351";

	snprintf(o->names[i].number, sizeof(o->names[i].number), "%s11%09u", prefix, who);
	snprintf(o->names[i].source, sizeof(o->names[i].source), "%d", 27182);
	snprintf(o->names[i].correlation, sizeof(o->names[i].correlation), "%u.%u", o->content, i);
	d->t.destination = d->t.number = str_of(o->names[i].number);
	d->t.source = str_of(o->names[i].source);
	d->t.correlation = str_of(o->names[i].correlation);
	d->t.text = (struct str){o->text, long_text ? TEXT_LONG : 20};
	d->parts = long_text ? (uint16_t)(2 + prng_below(r, 5)) : 1;
	d->validity_ms = percent(r) < p->short_validity ? 1000 + (int64_t)prng_below(r, 120000)
							: s->settings->sms.validity_ms;
	d->operator_id = (int32_t)prng_below(r, 3);
	d->flags = DF_HAS_CORR;
	d->flags |= percent(r) < p->no_reports ? DF_NO_REPORTS : 0;
	d->flags |= percent(r) < p->resend_doubt ? DF_RESEND_DOUBT : 0;
	d->flags |= percent(r) < p->marketing ? DF_MARKETING : 0;
	if (p->control_ms && (o->content + i) % 2) {
		snprintf(o->names[i].campaign, sizeof(o->names[i].campaign), "c%u", (o->content / 2 + i) % CAMPAIGNS);
		d->t.campaign = str_of(o->names[i].campaign);
	}
	if (percent(r) < p->invalid) {
		d->t.number = (struct str){0};
		d->invalid = 202;
		d->invalid_reason = REASON_BAD_NUMBER;
	}
}

static struct order *order_new(struct sim *s, uint32_t content, struct prng r)
{
	struct order *o = xnew(struct order);
	uint32_t n = prng_below(&r, 3) ? 1 : 1 + (uint32_t)prng_below(&r, (uint64_t)s->plan.bulk_max);

	o->sim = s;
	o->content = content;
	memset(o->text, 'a', sizeof(o->text));
	o->s.account = 1;
	o->s.user = 1 + (uint32_t)prng_below(&r, USERS);
	o->s.sub_account = sim_sub_of(o->s.user);
	o->s.bulk = n > 1;
	o->s.count = n;
	o->s.drafts = xcalloc(n, sizeof(*o->s.drafts));
	o->s.ids = xcalloc(n, sizeof(*o->s.ids));
	o->names = xcalloc(n, sizeof(*o->names));
	o->s.received_us = 1;
	o->s.done = done;
	o->s.in.kind = INPUT_SUBMIT;
	for (uint32_t i = 0; i < n; i++)
		fill_draft(s, o, i, &r);
	for (uint32_t i = 0; i < n; i++)
		timing_fill(s, &o->s.drafts[i], s->seed * 1000003 + (uint64_t)content * 1009 + i, sim_wall(s));
	return o;
}

static void ask_beforehand(struct sim *s, const struct idem_use *u)
{
	struct order *o = order_new(s, u->content, u->shape);

	o->s.forecasts = xcalloc(o->s.count, sizeof(*o->s.forecasts));
	for (uint32_t i = 0; i < o->s.count; i++)
		o->s.drafts[i].t.correlation = STR(SIM_DRY);
	sim_note(s, "order %u: what would become of it", o->content);
	list_push(&s->client.orders, &o->node);
	if (intake_post(s->e, &o->s))
		return;
	list_remove(&s->client.orders, &o->node);
	order_free(o);
}

static void submit(struct sim *s, struct idem_use *u, bool other_body)
{
	struct order *o = order_new(s, u->content, u->shape);

	if (u->count != UINT32_MAX) {
		o->use = u;
		o->other_body = other_body;
		o->s.idem_hash = 1 + u->content;
		o->s.body_hash = 7 + u->content + (other_body ? 1 : 0);
	}
	sim_note(s, "order %u: %u messages%s", o->content, o->s.count, o->use ? ", with a key" : "");
	list_push(&s->client.orders, &o->node);
	if (intake_post(s->e, &o->s))
		return;
	s->client.refused++;
	list_remove(&s->client.orders, &o->node);
	if (o->use)
		sim_at(s, &u->again, s->now + between(s, 100, 5000), on_again);
	order_free(o);
}

static void on_next(struct sim *s, struct task *t)
{
	struct idem_use *u = xnew(struct idem_use);

	u->content = ++s->client.next_order;
	prng_seed(&u->shape, prng_u64(&s->r));
	if (u->content % 8 == 3)
		ask_beforehand(s, u);
	if (chance(s, s->plan.idempotent)) {
		list_push(&s->client.keys, &u->node);
		submit(s, u, false);
	} else {
		u->count = UINT32_MAX; /* no key */
		submit(s, u, false);
		free(u);
	}
	s->client.left -= 1 + s->plan.bulk_max / 6;
	if (s->client.left > 0)
		sim_at(s, t, s->now + (chance(s, 60) ? 0 : between(s, 0, s->plan.gap_ms)), on_next);
}

void client_open(struct sim *s)
{
	list_init(&s->client.orders);
	list_init(&s->client.keys);
	s->client.left = s->plan.messages;
	sim_at(s, &s->client.next, s->now, on_next);
}

/* The connection of every request that waits breaks; who has a key asks again. */
void client_die(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->client.orders))) {
		struct order *o = OWNER(struct order, node, n);

		if (o->use && !o->use->again.node.index)
			sim_at(s, &o->use->again, s->now + between(s, 1, 5000), on_again);
		order_free(o);
	}
}

void client_close(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->client.orders)))
		order_free(OWNER(struct order, node, n));
	while ((n = list_pop(&s->client.keys))) {
		struct idem_use *u = OWNER(struct idem_use, node, n);

		free(u->ids);
		free(u);
	}
}
