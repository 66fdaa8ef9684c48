/* control.c - cancel, pause, resume: what is asked, carried out in one batch, and what is told; see control.h. */
#include "core/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ask.h"
#include "core/ring.h"
#include "model/codes.h"

/* -- single messages -------------------------------------------------------------------------------------------------- */

static enum control_result resume_one(struct engine *e, struct live *lv)
{
	struct fact f = {.kind = FACT_RESUME};
	bool held = control_says(e, lv->d) == ORDER_PAUSE;

	if (!delivery_paused(lv->d))
		return held ? CONTROL_HELD : CONTROL_NOT_PAUSED;
	engine_step(e, lv, &f);
	control_goes_on(e, lv);
	return held ? CONTROL_HELD : CONTROL_DONE;
}

static enum control_result control_one(struct engine *e, struct live *lv, enum control_verb verb)
{
	struct fact f = {.kind = verb == CONTROL_CANCEL ? FACT_CANCEL : FACT_PAUSE};
	const struct delivery *d = lv->d;

	switch ((enum delivery_state)d->state) {
	case D_QUEUED:
		if (verb == CONTROL_RESUME)
			return resume_one(e, lv);
		engine_step(e, lv, &f);
		return CONTROL_DONE;
	case D_SENDING:
	case D_DOUBT:
		if (verb == CONTROL_CANCEL)
			engine_step(e, lv, &f);
		return d->state == D_DOUBT ? CONTROL_DOUBT : CONTROL_LEFT;
	case D_SENT: return CONTROL_LEFT;
	case D_DONE: break;
	}
	if (d->sent_code == SENT_SENT_SUCCESS)
		return CONTROL_LEFT;
	return verb == CONTROL_CANCEL && d->reason == REASON_CANCELLED ? CONTROL_DONE : CONTROL_ENDED;
}

static void control_item(struct engine *e, const struct control_request *r, struct control_item *item)
{
	struct live *lv = live_get(&e->lives, item->id.key);
	const struct str *correlation;

	item->result = CONTROL_UNKNOWN;
	if (!lv || lv->d->rest != item->id.rest || !scope_holds(&r->scope, lv->d))
		return;
	correlation = &lv->d->t.correlation;
	free((void *)(uintptr_t)item->correlation.p);
	item->correlation =
		(struct str){xstrndup(correlation->n ? correlation->p : "", correlation->n), correlation->n};
	lv->pins++;
	item->result = control_one(e, lv, r->verb);
	lv->pins--;
}

/* A batch's messages have the keys just below its own. */
static void control_batch(struct engine *e, struct control_request *r)
{
	size_t first = r->n;

	for (int64_t key = r->batch.key - 1; r->n < COUNT_OF(r->items) && r->n - first < CONTROL_MESSAGES_MAX; key--) {
		struct live *lv = live_get(&e->lives, key);

		if (!lv || lv->d->batch != r->batch.key || !scope_holds(&r->scope, lv->d))
			break;
		r->items[r->n].id = (struct uid){key, lv->d->rest};
		control_item(e, r, &r->items[r->n++]);
	}
	for (size_t i = first, k = r->n; i + 1 < k; i++, k--) { /* in the order they were sent */
		struct control_item swap = r->items[i];

		r->items[i] = r->items[k - 1];
		r->items[k - 1] = swap;
	}
	r->batch_result = r->n > first ? CONTROL_DONE : CONTROL_UNKNOWN;
}

/* -- campaigns -------------------------------------------------------------------------------------------------------- */

/* By id or alias: an order may be older than the campaign's id. */
static bool same_campaign(const struct control_order *o, const struct control_order *as)
{
	const struct campaign_order *a = &o->say, *b = &as->say;

	return o->account == as->account && ((a->campaign_id && a->campaign_id == b->campaign_id) ||
					     (a->campaign[0] && str_ieq(str_of(a->campaign), str_of(b->campaign))));
}

static enum control_result resume_campaign(struct engine *e, const struct control_order *as)
{
	struct control *c = &e->control;
	bool found = false, held = false;

	for (size_t i = 0; i < c->slots; i++) {
		const struct control_order *o = c->slot[i];

		if (!o || o->say.verb != CONTROL_PAUSE || !same_campaign(o, as))
			continue;
		/* Who speaks for the whole account ends every pause of it; a sub-account just its own. */
		if (as->say.sub_account && o->say.sub_account != as->say.sub_account) {
			held |= !o->say.sub_account;
			continue;
		}
		control_remove(e, i);
		found = true;
	}
	if (found)
		control_look_again(e);
	return held ? CONTROL_HELD : found ? CONTROL_DONE : CONTROL_NOT_PAUSED;
}

static enum control_result order_campaign(struct engine *e, struct control_order *as)
{
	struct control *c = &e->control;

	/* The same word again. An order by an alias that has got its id meanwhile holds no less. */
	as->until = as->say.verb == CONTROL_CANCEL ? e->ids.last : 0;
	for (size_t i = 0; i < c->slots; i++) {
		struct control_order *o = c->slot[i];

		if (!o || o->say.verb != as->say.verb || !same_campaign(o, as) || o->say.sub_account != as->say.sub_account)
			continue;
		if (o->say.verb == CONTROL_CANCEL && o->until < as->until) {
			o->until = as->until; /* once more, as far as now; the walk under way may be past it */
			o->walking = false;
			control_store(e, o);
		}
		return CONTROL_DONE;
	}
	return control_add(e, as) ? CONTROL_DONE : CONTROL_FULL;
}

static enum control_result control_campaign(struct engine *e, const struct control_request *r)
{
	struct control_order as = {.account = r->scope.account};

	as.say = (struct campaign_order){
		.verb = r->verb, .sub_account = r->scope.sub_account, .campaign_id = r->campaign_id, .at = e->now};
	memcpy(as.say.campaign, r->campaign, sizeof as.say.campaign);
	return r->verb == CONTROL_RESUME ? resume_campaign(e, &as) : order_campaign(e, &as);
}

/* -- asking ----------------------------------------------------------------------------------------------------------- */

void control_carry_out(struct engine *e, struct control_request *r)
{
	size_t asked = r->n;

	engine_batch(e);
	if (r->campaign_id || r->campaign[0])
		r->campaign_result = control_campaign(e, r);
	if (r->campaign_result == CONTROL_FULL)
		return; /* what is refused has no effect at all */
	for (size_t i = 0; i < asked; i++)
		control_item(e, r, &r->items[i]);
	if (r->batch.key)
		control_batch(e, r);
}

static void carry_out(struct engine *e, struct ask *a) { control_carry_out(e, a->control); }

int query_control(struct query *q, struct control_request *take, int64_t deadline_ms)
{
	struct ask *a = ask_new(carry_out, NULL, 0);
	int r;

	a->control = take;
	r = ask_wait(q, a, deadline_ms);
	if (r == 0)
		a->control = NULL;
	ask_put(a);
	return r;
}

void control_request_free(struct control_request *r)
{
	for (size_t i = 0; r && i < r->n; i++)
		free((void *)(uintptr_t)r->items[i].correlation.p);
	free(r);
}

/* -- telling ---------------------------------------------------------------------------------------------------------- */

static void tell(struct ask *a, const struct control_order *o)
{
	const struct scope *sc = &a->order_scope;

	if (!sc->everything && (o->account != sc->account ||
				(sc->sub_account && o->say.sub_account && o->say.sub_account != sc->sub_account)))
		return;
	a->orders[a->order_n++] = o->say;
}

static void tell_orders(struct engine *e, struct ask *a)
{
	const struct control *c = &e->control;

	a->orders = xcalloc(CONTROL_ORDERS_MAX + CONTROL_OVER_MAX, sizeof *a->orders);
	for (size_t i = 0; i < c->slots; i++)
		if (c->slot[i])
			tell(a, c->slot[i]);
	for (size_t i = 0; i < MIN(c->over_n, (size_t)CONTROL_OVER_MAX); i++)
		tell(a, &c->over[i]);
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct campaign_order *)a)->at, y = ((const struct campaign_order *)b)->at;

	return (x < y) - (x > y);
}

ssize_t query_orders(struct query *q, const struct scope *sc, struct campaign_order **ret, size_t max, int64_t deadline_ms)
{
	struct ask *a = ask_new(tell_orders, NULL, 0);
	ssize_t n = -ETIMEDOUT;

	*ret = NULL;
	a->order_scope = *sc;
	if (ask_wait(q, a, deadline_ms) == 0) {
		qsort(a->orders, a->order_n, sizeof *a->orders, newest_first);
		n = (ssize_t)MIN(a->order_n, max);
		*ret = a->orders;
		a->orders = NULL;
	}
	ask_put(a);
	return n;
}
