/* erase.c - see erase.h. */
#include "core/erase.h"

#include <stdlib.h>
#include <string.h>

#include "core/ring.h"

/* Calls that are pending on disk. */
static bool hooks_wait(struct store *s, int64_t key)
{
	struct hook_row row;

	for (uint8_t kind = HOOK_SENT; kind <= HOOK_MO; kind++)
		if (s->ops->hook_get(s, key, kind, &row) && !row.dead)
			return true;
	return false;
}

static bool is_open(struct store *s, const struct live *lv, int64_t key)
{
	struct delivery *d = NULL;
	bool open;

	if (lv)
		return lv->d->state != D_DONE || lv->hooks || hooks_wait(s, key);
	if (s->ops->load(s, key, &d) < 0)
		return hooks_wait(s, key); /* a reply */
	open = d->state != D_DONE || hooks_wait(s, key);
	delivery_free(d);
	return open;
}

static void erase_one(struct store *s, struct lives *l, int64_t key, struct erase_result *r)
{
	struct live *lv = l ? live_find(l, key) : NULL;

	if (is_open(s, lv, key)) {
		r->open++;
		return;
	}
	s->ops->erase(s, key, lv ? lv->seqs : NULL, lv ? lv->n : 0);
	if (lv)
		live_erase(l, lv);
	r->erased++;
}

struct erase_call {
	struct call call;
	struct erase_result result;
	bool ran;
	void (*done)(void *ctx, const struct erase_result *r);
	void *ctx;
	size_t n;
	int64_t keys[ERASE_MAX];
	char number[24];
};

static void erase_run(struct engine *e, struct call *call)
{
	struct erase_call *c = OWNER(struct erase_call, call, call);

	engine_batch(e);
	e->ops->erase_parked(e->store, str_of(c->number));
	for (size_t i = 0; i < c->n; i++)
		erase_one(e->store, &e->lives, c->keys[i], &c->result);
	c->ran = true;
}

static void erase_done(struct call *call)
{
	struct erase_call *c = OWNER(struct erase_call, call, call);

	c->done(c->ctx, c->ran ? &c->result : NULL);
	free(c);
}

static void erase_lost(struct call *call)
{
	OWNER(struct erase_call, call, call)->ran = false;
	erase_done(call);
}

void engine_erase(struct engine *e, struct str number, const int64_t *keys, size_t n,
		  void (*done)(void *ctx, const struct erase_result *r), void *ctx)
{
	struct erase_call *c = xnew(struct erase_call);

	c->call.in.kind = INPUT_CALL;
	c->call.fn = erase_run;
	c->call.done = erase_done;
	c->call.lost = erase_lost;
	c->done = done;
	c->ctx = ctx;
	c->n = MIN(n, (size_t)ERASE_MAX);
	if (c->n)
		memcpy(c->keys, keys, c->n * sizeof(*keys));
	str_copy(c->number, sizeof(c->number), number);
	engine_post(e, &c->call.in, true);
}

int store_erase(struct store *s, struct str number, const int64_t *keys, size_t n, struct erase_result *ret, struct err *e)
{
	*ret = (struct erase_result){0};
	s->ops->begin(s);
	s->ops->erase_parked(s, number);
	for (size_t i = 0; i < n; i++)
		erase_one(s, NULL, keys[i], ret);
	return s->ops->commit(s, e);
}
