/* The webhook sender and the receivers behind it: fine, failing, hanging, gone, slow, busy. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/sim.h"

#define TIMEOUT_MS 10000

struct call_away {
	struct node node;
	struct task back;
	struct hook_call *call;
};

static void on_back(struct sim *s, struct task *t)
{
	struct call_away *a = OWNER(struct call_away, back, t);

	list_remove(&s->receiver.calls, &a->node);
	judge_call_back(s, a->call);
	sim_note(s, "webhook %lld kind %d -> %d %s", (long long)a->call->key, a->call->kind, a->call->status,
		 a->call->why);
	if (!engine_post(s->e, &a->call->in, true))
		sim_fail(s, "a webhook's outcome was refused");
	free(a);
}

/* The outcome is fixed when the call leaves; it comes back after the time returned. */
static int64_t outcome(struct sim *s, struct hook_call *c, enum receiver_mode mode)
{
	int64_t took = between(s, 1, MAX(s->plan.hook_ms, 1));

	switch (mode) {
	case RECEIVER_OK:
	case RECEIVER_MODES:
		c->ok = true;
		c->status = 200;
		break;
	case RECEIVER_SLOW:
		took = between(s, 1000, TIMEOUT_MS - 1);
		c->ok = true;
		c->status = 204;
		break;
	case RECEIVER_500: c->status = 500; break;
	case RECEIVER_404: c->status = 404; break;
	case RECEIVER_TIMEOUT:
		took = TIMEOUT_MS;
		snprintf(c->why, sizeof(c->why), "timeout");
		break;
	case RECEIVER_GONE:
		c->gone = true;
		c->status = 410;
		break;
	case RECEIVER_BUSY:
		c->status = 429;
		c->retry_after_ms = between(s, 1, 120) * 1000;
		break;
	}
	c->took_ms = took;
	return took;
}

static void receiver_send(void *sender, struct hook_call *chain)
{
	struct sim *s = sender;

	while (chain) {
		struct hook_call *c = chain;
		struct call_away *a;

		chain = (struct hook_call *)(void *)c->in.mail.next;
		if (!sim_effect(s)) {
			delivery_free(c->d);
			free(c->mo);
			free(c);
			continue;
		}
		judge_call(s, c);
		a = xnew(struct call_away);
		a->call = c;
		list_push(&s->receiver.calls, &a->node);
		if (c->webhook > WEBHOOKS) {
			sim_fail(s, "call for webhook %u, which there is not", c->webhook);
			c->webhook = 0;
		}
		sim_at(s, &a->back, s->now + outcome(s, c, s->receiver.endpoint[c->webhook].mode), on_back);
	}
}

const struct hook_sender_ops receiver_ops = {receiver_send};

static void on_change(struct sim *s, struct task *t)
{
	for (size_t i = 1; i <= WEBHOOKS; i++) {
		if (t != &s->receiver.endpoint[i].change)
			continue;
		s->receiver.endpoint[i].mode = !s->calm && chance(s, s->plan.hook_failing)
						       ? (enum receiver_mode)between(s, RECEIVER_OK, RECEIVER_MODES - 1)
						       : RECEIVER_OK;
		sim_note(s, "receiver %zu mode %d", i, s->receiver.endpoint[i].mode);
	}
	if (!s->calm)
		sim_at(s, t, s->now + between(s, 1, s->plan.length_ms / 4), on_change);
}

void receiver_open(struct sim *s)
{
	list_init(&s->receiver.calls);
	for (size_t i = 1; i <= WEBHOOKS; i++)
		sim_at(s, &s->receiver.endpoint[i].change, s->now, on_change);
}

void receiver_die(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->receiver.calls))) {
		struct call_away *a = OWNER(struct call_away, node, n);

		sim_off(s, &a->back);
		delivery_free(a->call->d);
		free(a->call->mo);
		free(a->call);
		free(a);
	}
}
