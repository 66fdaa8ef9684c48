/* optout.c - a recipient's wish on its way: kept with the batch that stores its MO, applied when that is durable (optout.h). */
#include "core/optout.h"

#include <stdlib.h>
#include <string.h>

#include "core/numbers.h"
#include "core/ring.h"

struct wish {
	struct call call;
	struct number_change change;
	int64_t key;
	char why[NUMBER_WHY_MAX + 1];
};

static void apply(struct engine *e, const struct number_change *c, int64_t key)
{
	if (e->optout)
		e->optout(e->optout_ctx, c, key);
	else
		numbers_change(c, 1);
}

static void on_durable(struct call *call)
{
	struct wish *w = (struct wish *)call;

	apply(call->ctx, &w->change, w->key);
	free(w);
}

static struct number_change change_of(const struct optout *o)
{
	struct number_change c = {.list = LIST_OPT_OUT,
				  .on = o->out,
				  .owner = o->sub_account,
				  .number = number_read(o->digits),
				  .at = o->at,
				  .source = FROM_MO,
				  .why = o->proof};

	/* Not in the middle of a character. */
	for (c.why.n = MIN(c.why.n, (size_t)NUMBER_WHY_MAX); c.why.n < o->proof.n && c.why.n;) {
		if ((o->proof.p[c.why.n] & 0xc0) != 0x80)
			break;
		c.why.n--;
	}
	return c;
}

void optout_change(struct engine *e, const struct optout *o)
{
	struct wish *w = xnew(struct wish);

	engine_batch(e);
	e->optout_last = o->key;
	w->call.in.kind = INPUT_CALL;
	w->call.done = on_durable;
	w->call.ctx = e;
	w->change = change_of(o);
	w->key = o->key;
	if (w->change.why.n)
		memcpy(w->why, w->change.why.p, w->change.why.n);
	w->change.why.p = w->why;
	engine_after_commit(e, &w->call.in.mail);
}

void optout_early(const struct optout *o)
{
	struct number_change c = change_of(o);

	if (!c.on)
		numbers_change(&c, 1);
}

void optout_again(struct engine *e, const struct optout *o)
{
	struct number_change c = change_of(o);

	e->optout_last = o->key;
	apply(e, &c, o->key);
}

/* While something is on its way to the file the mark stays; else everything so far is done. */
int64_t optout_mark(struct engine *e)
{
	int64_t written = e->optout_written ? e->optout_written(e->optout_ctx) : e->optout_mark;

	e->optout_mark = MAX(e->optout_mark, written);
	if (e->optout_last <= e->optout_mark)
		e->optout_mark = MAX(e->optout_mark, e->ids.last);
	return e->optout_mark;
}
