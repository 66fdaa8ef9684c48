/* Owners of messages: now and then they cancel, pause and resume what they sent, single messages and campaigns. What was acknowledged to
 * them the judge holds the engine to. */
#include <stdio.h>
#include <stdlib.h>

#include "core/control.h"
#include "sim/sim.h"

struct owner_ask {
	struct call call;
	struct node node;
	struct sim *sim;
	bool ran;
	unsigned campaign;
	uint32_t resumed; /* owner.resumed when it was carried out */
	int64_t newest;   /* accepted when it was asked */
	struct control_request *r;
};

static void ask_fn(struct engine *e, struct call *c)
{
	struct owner_ask *a = OWNER(struct owner_ask, call, c);
	struct sim *s = a->sim;

	a->ran = true;
	a->resumed = s->owner.resumed[a->campaign];
	control_carry_out(e, a->r);
	for (size_t i = 0; i < a->r->n; i++)
		if (a->r->verb == CONTROL_RESUME && a->r->items[i].result != CONTROL_UNKNOWN)
			judge_resuming(s, a->r->items[i].id.key);
	if (a->r->campaign[0] && a->r->verb == CONTROL_RESUME) {
		s->owner.resumed[a->campaign]++;
		judge_campaign_resuming(s, a->campaign, a->r->scope.sub_account);
	}
}

static void ask_done(struct call *c)
{
	struct owner_ask *a = OWNER(struct owner_ask, call, c);
	struct sim *s = a->sim;
	struct control_request *r = a->r;

	list_remove(&s->owner.asks, &a->node);
	if (a->ran && sim_effect(s)) {
		s->owner.carried_out++;
		sim_note(s, "owner: verb %d acknowledged, %zu messages, campaign \"%s\"", r->verb, r->n, r->campaign);
		for (size_t i = 0; i < r->n; i++)
			judge_told(s, r->verb, r->items[i].id.key, r->items[i].result);
		/* A pause that a later word of the same turn ended holds nothing. */
		if (r->campaign[0] && r->campaign_result == CONTROL_DONE &&
		    (r->verb == CONTROL_CANCEL || a->resumed == s->owner.resumed[a->campaign]))
			judge_campaign_told(s, r->verb, a->campaign, r->scope.sub_account, a->newest);
	}
	control_request_free(r);
	free(a);
}

static void post(struct sim *s, struct control_request *r, unsigned campaign)
{
	struct owner_ask *a = xnew(struct owner_ask);

	a->call.in.kind = INPUT_CALL;
	a->call.fn = ask_fn;
	a->call.done = ask_done;
	a->sim = s;
	a->r = r;
	a->campaign = campaign;
	a->newest = judge_newest(s);
	r->scope.account = 1;
	for (size_t i = 0; i < r->n; i++)
		judge_asked(s, r->verb, r->items[i].id.key);
	if (r->campaign[0])
		judge_campaign_asked(s, r->verb, campaign, r->scope.sub_account);
	sim_note(s, "owner: verb %d, %zu messages, campaign \"%s\" of %u", r->verb, r->n, r->campaign, r->scope.sub_account);
	list_push(&s->owner.asks, &a->node);
	if (!engine_post(s->e, &a->call.in, true))
		sim_fail(s, "a call was refused");
}

static void about_campaign(struct sim *s, enum control_verb verb, unsigned campaign, uint32_t sub)
{
	struct control_request *r = xnew(struct control_request);

	r->verb = verb;
	r->scope.sub_account = sub;
	snprintf(r->campaign, sizeof r->campaign, "c%u", campaign);
	post(s, r, campaign);
}

static void about_messages(struct sim *s, enum control_verb verb)
{
	struct control_request *r = xnew(struct control_request);
	size_t n = (size_t)between(s, 1, 5);

	r->verb = verb;
	while (r->n < n) {
		struct uid id = judge_pick(s);

		if (!id.key)
			break;
		r->items[r->n++].id = id;
	}
	post(s, r, 0);
}

static void on_next(struct sim *s, struct task *t)
{
	/* Resumes most, as pauses stand in the way of everything else. */
	enum control_verb verb = chance(s, 40)   ? CONTROL_RESUME
				 : chance(s, 30) ? CONTROL_CANCEL
						 : CONTROL_PAUSE;

	if (s->calm)
		return;
	if (chance(s, 40))
		about_campaign(s, verb, (unsigned)between(s, 0, CAMPAIGNS - 1),
			       chance(s, 50) ? 0 : (uint32_t)between(s, 1, SUBS));
	else
		about_messages(s, verb);
	sim_at(s, t, s->now + between(s, 1, s->plan.control_ms), on_next);
}

void owner_calm(struct sim *s)
{
	if (!s->plan.control_ms || s->seed % 4 == 1)
		return; /* what is paused expires */
	for (unsigned i = 0; i < CAMPAIGNS; i++)
		about_campaign(s, CONTROL_RESUME, i, 0);
	for (int i = 0; i < 100; i++)
		about_messages(s, CONTROL_RESUME);
}

void owner_open(struct sim *s)
{
	list_init(&s->owner.asks);
	if (s->plan.control_ms)
		sim_at(s, &s->owner.next, s->now + between(s, 1, s->plan.control_ms), on_next);
}

void owner_die(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->owner.asks))) {
		struct owner_ask *a = OWNER(struct owner_ask, node, n);

		control_request_free(a->r);
		free(a);
	}
}
