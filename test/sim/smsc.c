/* What the SMSCs do: refuse, accept, stay silent, and report: before the response, twice, late, never, for messages that nobody
 * sent. They outlive the process. A receipt stays theirs until it is answered; on a lost link they send it again. */
#include "sim/mo.h"
#include "sim/smsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_DELIVERED 2
#define STATE_ENROUTE 1
#define STATE_UNDELIVERABLE 5

struct report { /* a receipt the SMSC has to hand in */
	struct node node;
	struct task task;
	struct sim *s;
	struct conn *conn;
	struct link *link; /* on which it is under way */
	uint32_t session;
	bool away, acked, told;
	uint32_t tag, mo_tag;
	uint8_t state;
	bool final, two_forms, mo; /* mo: no receipt, a text */
	int64_t key;               /* 0: nobody's */
	unsigned attempt, part, parts;
	char id[24], source[24], destination[24];
};

void smsc_fate(struct sim *s, struct flight *f)
{
	const struct plan *p = &s->plan;
	struct {
		int percent;
		enum verdict v;
	} fates[] = {{p->refused, V_REFUSED}, {p->bad_number, V_BAD_NUMBER}, {p->nack, V_NACK}, {p->temporary, V_TEMPORARY}};
	int dice = (int)between(s, 0, 99);

	f->fate = V_ACCEPTED;
	f->actual = f->a->parts;
	if (chance(s, p->other_part_count))
		f->actual = f->actual > 1 && chance(s, 50) ? f->actual - 1 : f->actual + 1;
	f->fate_part = (unsigned)between(s, 0, f->actual - 1);
	f->unencodable = !s->calm && chance(s, p->text);
	for (size_t i = 0; i < COUNT_OF(fates) && !s->calm; i++) {
		if (dice < fates[i].percent) {
			f->fate = fates[i].v;
			return;
		}
		dice -= fates[i].percent;
	}
}

void smsc_part_fate(struct sim *s, struct out *o)
{
	struct flight *f = o->flight;

	o->answer = o->part == f->fate_part ? f->fate : V_ACCEPTED;
	o->status = o->answer == V_ACCEPTED ? 0 : 0x40 + (int32_t)o->answer;
	if (s->calm)
		return;
	if (chance(s, s->plan.throttled))
		o->throttled = (int)between(s, 1, 3);
	o->silent = chance(s, s->plan.silent);
	if (o->silent && chance(s, 50))
		o->answer = V_REFUSED; /* never arrived there */
	else if (o->silent && o->answer == V_ACCEPTED && !chance(s, s->plan.late_answer))
		o->answer = V_NACK; /* arrived, taken, and no word of it: only the receipt will tell */
}

/* -- receipts ------------------------------------------------------------------------------------------------------ */

static void on_report(struct sim *s, struct task *t);

/* What the engine holds of ours, so that nothing is lost track of when it dies. */
struct posted {
	struct node node;
	struct report *report;
	union {
		struct receipt_in receipt;
		struct mo_in mo;
	} in;
};

static void stored(struct posted *p, uint32_t session)
{
	struct report *r = p->report;
	struct sim *s = r->s;

	if (sim_effect(s)) {
		if (r->mo)
			mo_acknowledged(s, r->mo_tag, r->part);
		else
			judge_stored(s, r->tag);
		sim_note(s, "receipt %s tag %u stored", r->id, r->tag);
		if (r->away && session == r->session && r->link->session == r->session)
			r->acked = true;
	}
	list_remove(&s->carrier.posted, &p->node);
	free(p);
}

static void receipt_stored(struct receipt_in *in)
{
	stored(OWNER(struct posted, in.receipt, in), (uint32_t)in->session_id);
}

static void mo_stored(struct mo_in *in) { stored(OWNER(struct posted, in.mo, in), (uint32_t)in->session_id); }

static void report_free(struct sim *s, struct report *r)
{
	sim_off(s, &r->task);
	list_remove(&s->carrier.reports, &r->node);
	free(r);
}

static struct input *receipt_of(struct sim *s, struct report *r, struct posted *p)
{
	const struct channel_env *env = engine_channel_env(s->e);
	struct receipt_in *in = &p->in.receipt;
	char other[sizeof(r->id) + 2];

	in->in.kind = INPUT_RECEIPT;
	in->connection = r->conn->number;
	in->state = r->state;
	in->final = r->final;
	str_copy(in->id, sizeof(in->id), str_of(r->id));
	snprintf(in->err, sizeof(in->err), "t%u", r->tag);
	str_copy(in->source, sizeof(in->source), str_of(r->source));
	str_copy(in->destination, sizeof(in->destination), str_of(r->destination));
	in->at = sim_wall(s);
	if (r->two_forms) { /* the notation is not known: the wrong reading comes first */
		snprintf(other, sizeof(other), "x%s", r->id);
		in->id_hash[in->hashes++] = env->id_hash(env->ctx, r->conn->number, other);
	}
	in->id_hash[in->hashes++] = env->id_hash(env->ctx, r->conn->number, r->id);
	in->stored = receipt_stored;
	in->session_id = r->session;
	return &in->in;
}

/* Sessions of different links have the same numbers. */
static uint64_t link_name(const struct link *l)
{
	return (uint64_t)l->session << 8 | (uint64_t)(l - l->conn->link + 1);
}

static struct input *mo_of(struct sim *s, struct report *r, struct posted *p)
{
	struct mo_in *in = &p->in.mo;

	in->in.kind = INPUT_MO;
	in->connection = r->conn->number;
	in->at = sim_wall(s);
	str_copy(in->source, sizeof(in->source), str_of(r->source));
	str_copy(in->destination, sizeof(in->destination), str_of(r->destination));
	if (r->parts > 1) {
		in->ref = (uint16_t)r->mo_tag;
		in->total = (uint8_t)r->parts;
		in->part = (uint8_t)(r->part + 1);
	}
	in->text = r->id;
	in->text_len = (uint32_t)strlen(r->id);
	in->stored = mo_stored;
	in->session_id = r->session;
	in->link = link_name(r->link);
	for (int i = 0; i < r->conn->links; i++)
		if (r->conn->link[i].up)
			in->links[in->link_count++] = link_name(&r->conn->link[i]);
	return &in->in;
}

static struct link *some_link(struct sim *s, struct conn *c)
{
	int first = (int)between(s, 0, c->links - 1);

	for (int i = 0; i < c->links; i++)
		if (c->link[(first + i) % c->links].up)
			return &c->link[(first + i) % c->links];
	return NULL;
}

/* Sends it, or looks what became of it. */
static void on_report(struct sim *s, struct task *t)
{
	struct report *r = OWNER(struct report, task, t);
	const struct channel_env *env = engine_channel_env(s->e);
	struct posted *p;

	if (r->acked) {
		report_free(s, r);
		return;
	}
	sim_at(s, t, s->now + between(s, 200, 3000), on_report);
	if (r->away && r->link->session == r->session)
		return;
	r->away = false;
	r->link = some_link(s, r->conn);
	if (!r->link)
		return;
	r->session = r->link->session;
	p = xnew(struct posted);
	p->report = r;
	if (!env->post(env->ctx, r->mo ? mo_of(s, r, p) : receipt_of(s, r, p), false)) {
		free(p);
		return;
	}
	list_push(&s->carrier.posted, &p->node);
	r->away = true;
	sim_note(s, "receipt %s state %u tag %u of %lld/%u", r->id, r->state, r->tag, (long long)r->key, r->attempt);
	if (!r->told && !r->mo)
		judge_receipt(s, r->conn->number, r->id, r->key, r->attempt, r->part, r->parts, r->tag, r->state, r->final);
	r->told = true;
}

static struct report *report(struct sim *s, struct conn *c, int64_t at, uint8_t state)
{
	struct report *r = xnew(struct report);

	r->s = s;
	r->conn = c;
	r->tag = ++s->carrier.next_tag;
	r->state = state;
	r->final = state != STATE_ENROUTE;
	r->two_forms = c->two_forms;
	list_push(&s->carrier.reports, &r->node);
	sim_at(s, &r->task, MAX(at, s->now), on_report);
	return r;
}

static void of_part(struct report *r, const struct out *o)
{
	const struct attempt *a = o->flight->a;

	r->key = a->key;
	r->attempt = a->attempt;
	r->part = o->part;
	r->parts = o->flight->actual;
	str_copy(r->id, sizeof(r->id), str_of(o->id));
	str_copy(r->source, sizeof(r->source), a->number);
	str_copy(r->destination, sizeof(r->destination), a->source);
}

static void report_part(struct sim *s, struct conn *c, const struct out *o, int64_t answer_at)
{
	const struct plan *p = &s->plan;
	int64_t at = answer_at + between(s, 0, p->receipt_ms);
	uint8_t state = chance(s, p->receipt_failed) ? STATE_UNDELIVERABLE : STATE_DELIVERED;

	if (chance(s, p->receipt_never))
		return;
	if (chance(s, p->receipt_early))
		at = between(s, s->now, answer_at);
	if (chance(s, p->receipt_enroute))
		of_part(report(s, c, between(s, s->now, at), STATE_ENROUTE), o);
	of_part(report(s, c, at, state), o);
	if (chance(s, p->receipt_twice))
		of_part(report(s, c, at + between(s, 0, 5000), state), o);
}

static void stranger(struct sim *s, struct conn *c)
{
	struct report *r = report(s, c, s->now + between(s, 0, 60000), chance(s, 50) ? STATE_DELIVERED : STATE_UNDELIVERABLE);

	snprintf(r->id, sizeof(r->id), "stranger%u", r->tag);
	snprintf(r->source, sizeof(r->source), "5500%08u", r->tag);
	snprintf(r->destination, sizeof(r->destination), "27182");
}

/* Somebody answers, or writes by himself; the parts of a long one take each its own way. */
static void handset(struct sim *s, struct conn *c)
{
	const struct delivery *d = chance(s, 70) ? judge_some(s) : NULL;
	unsigned total = chance(s, s->plan.mo_long) ? (unsigned)between(s, 2, 5) : 1;
	uint32_t tag = ++s->carrier.next_mo;
	char number[24];

	snprintf(number, sizeof(number), "5500%08u", tag);
	if (d && d->t.number.n)
		str_copy(number, sizeof(number), d->t.number);
	mo_said(s, tag, total);
	for (unsigned i = 0; i < total; i++) {
		struct report *r = report(s, c, s->now + between(s, 0, 30000), STATE_DELIVERED);

		r->mo = true;
		r->mo_tag = tag;
		r->part = i;
		r->parts = total;
		mo_part_text(r->id, sizeof(r->id), tag, i);
		if (total == 1)
			wishes_say(s, r->id, sizeof(r->id));
		str_copy(r->source, sizeof(r->source), str_of(number));
		snprintf(r->destination, sizeof(r->destination), "27182");
	}
}

void smsc_take(struct sim *s, struct out *o, int64_t answer_at)
{
	struct conn *c = o->flight->link->conn;
	bool taken = o->answer == V_ACCEPTED || (o->silent && o->answer == V_NACK);

	if (!s->calm && chance(s, s->plan.strangers))
		stranger(s, c);
	if (!s->calm && chance(s, s->plan.mos))
		handset(s, c);
	if (!taken)
		return;
	snprintf(o->id, sizeof(o->id), "%llu", (unsigned long long)++c->next_id);
	if (!(o->flight->a->flags & DF_NO_REPORTS) || chance(s, 10))
		report_part(s, c, o, answer_at);
}

/* The engine that held them is gone. Their reports come again by themselves, see on_report(). */
void smsc_die(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->carrier.posted)))
		free(OWNER(struct posted, node, n));
}

void smsc_close(struct sim *s)
{
	struct node *n;

	while ((n = list_first(&s->carrier.reports)))
		report_free(s, OWNER(struct report, node, n));
}
