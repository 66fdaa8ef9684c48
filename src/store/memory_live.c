/* The memory driver's rows of what is still open, beside the messages: the due table, webhook calls, parked receipts, idempotency keys,
 * marks, credit. Writer-side lists are copied before the caller hears of them, so that it may write while it listens. */
#include <stdlib.h>

#include "base/buf.h"
#include "store/memory_rows.h"

/* -- due ------------------------------------------------------------------------------------------------------------ */

static struct row_key due_key(const struct due *d)
{
	return (struct row_key){{d->at, d->key, (int64_t)((uint64_t)d->queue.route << 32 | d->queue.sub_account),
				 d->queue.lane}};
}

static void memory_due_set(struct store *s, const struct due *d)
{
	memory_set(s, &of(s)->c->due, due_key(d), copy_of(d, sizeof(*d)), OP_OTHER, NULL);
}

static void memory_due_del(struct store *s, const struct due *d)
{
	memory_set(s, &of(s)->c->due, due_key(d), NULL, OP_OTHER, NULL);
}

static bool same_queue(const struct queue_id *a, const struct queue_id *b)
{
	return a->route == b->route && a->sub_account == b->sub_account && a->lane == b->lane;
}

static int memory_due_queues(struct store *s,
			     bool (*fn)(void *ctx, const struct queue_id *q, int64_t first_at, size_t count), void *ctx)
{
	const struct table *t = &of(s)->c->due;
	struct queue {
		struct queue_id id;
		int64_t first_at;
		size_t count;
	} *q = xcalloc(t->n + 1, sizeof(*q));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct due *d = row_seen(t->a[i]);
		size_t at = 0;

		if (!d)
			continue;
		while (at < n && !same_queue(&q[at].id, &d->queue))
			at++;
		if (at == n)
			q[n++] = (struct queue){.id = d->queue, .first_at = d->at}; /* rows come by time */
		q[at].count++;
	}
	for (size_t i = 0; i < n && fn(ctx, &q[i].id, q[i].first_at, q[i].count); i++)
		;
	free(q);
	return 0;
}

static int memory_due_list(struct store *s, const struct queue_id *q, int64_t until, size_t max,
			   bool (*fn)(void *ctx, const struct due *d), void *ctx)
{
	const struct table *t = &of(s)->c->due;
	struct due *list = xcalloc(t->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < t->n && n < max && t->a[i]->key.k[0] <= until; i++) {
		const struct due *d = row_seen(t->a[i]);

		if (d && same_queue(&d->queue, q))
			list[n++] = *d;
	}
	for (size_t i = 0; i < n && fn(ctx, &list[i]); i++)
		;
	free(list);
	return 0;
}

/* -- webhook calls -------------------------------------------------------------------------------------------------- */

static void memory_hook_set(struct store *s, const struct hook_row *h)
{
	memory_set(s, &of(s)->c->hooks, (struct row_key){{h->key, h->kind}}, copy_of(h, sizeof(*h)),
		   OP_HOOK_SET, copy_of(h, sizeof(*h)));
}

static void memory_hook_del(struct store *s, int64_t key, uint8_t kind)
{
	memory_set(s, &of(s)->c->hooks, (struct row_key){{key, kind}}, NULL, OP_HOOK_DEL, NULL);
}

static int by_due(const void *a, const void *b)
{
	const struct hook_row *x = a, *y = b;

	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->kind - y->kind;
}

static int memory_hook_list(struct store *s, uint32_t webhook, int64_t until, size_t max,
			    bool (*fn)(void *ctx, const struct hook_row *h), void *ctx)
{
	const struct table *t = &of(s)->c->hooks;
	struct hook_row *list = xcalloc(t->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct hook_row *h = row_seen(t->a[i]);

		if (h && h->due <= until && (webhook == 0 || h->webhook == webhook))
			list[n++] = *h;
	}
	qsort(list, n, sizeof(*list), by_due);
	for (size_t i = 0; i < MIN(n, max) && fn(ctx, &list[i]); i++)
		;
	free(list);
	return 0;
}

static bool memory_hook_get(struct store *s, int64_t key, uint8_t kind, struct hook_row *ret)
{
	const struct hook_row *h = seen(&of(s)->c->hooks, (struct row_key){{key, kind}});

	if (h)
		*ret = *h;
	return h != NULL;
}

static int memory_r_hooks_dead(struct store_reader *r, size_t max,
			       bool (*fn)(void *ctx, const struct hook_row *h), void *ctx)
{
	const struct table *t = &r->m->c->hooks;

	lock(r->m);
	for (size_t i = t->n; i-- > 0 && max > 0;) {
		const struct hook_row *h = t->a[i]->now;

		if (!h || !h->dead)
			continue;
		max--;
		if (!fn(ctx, h))
			break;
	}
	unlock(r->m);
	return 0;
}

/* -- parked receipts ------------------------------------------------------------------------------------------------ */

static void memory_park(struct store *s, const struct parked_row *p)
{
	memory_set(s, &of(s)->c->parked, (struct row_key){{p->id}}, copy_of(p, sizeof(*p)), OP_PARK,
		   copy_of(p, sizeof(*p)));
}

static void memory_unpark(struct store *s, int64_t id)
{
	memory_set(s, &of(s)->c->parked, (struct row_key){{id}}, NULL, OP_OTHER, NULL);
}

static int memory_parked_find(struct store *s, uint64_t id_hash,
			      bool (*fn)(void *ctx, const struct parked_row *p), void *ctx)
{
	const struct table *t = &of(s)->c->parked;
	struct parked_row *list = xcalloc(t->n + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct parked_row *p = row_seen(t->a[i]);
		bool fits = p && id_hash == 0;

		for (size_t k = 0; p && k < MIN(p->hashes, COUNT_OF(p->id_hash)); k++)
			fits |= p->id_hash[k] == id_hash;
		if (fits)
			list[n++] = *p;
	}
	for (size_t i = 0; i < n && fn(ctx, &list[i]); i++)
		;
	free(list);
	return 0;
}

static size_t memory_parked_count(struct store *s)
{
	const struct table *t = &of(s)->c->parked;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += row_seen(t->a[i]) != NULL;
	return n;
}

static int memory_r_parked(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx)
{
	const struct table *t = &r->m->c->parked;

	lock(r->m);
	for (size_t i = t->n; i-- > 0 && max > 0;) {
		if (!t->a[i]->now)
			continue;
		max--;
		if (!fn(ctx, t->a[i]->now))
			break;
	}
	unlock(r->m);
	return 0;
}

/* -- keys and marks ------------------------------------------------------------------------------------------------- */

static void memory_idem(struct store *s, const struct idem_row *r)
{
	memory_set(s, &of(s)->c->idems, (struct row_key){{(int64_t)r->hash}}, copy_of(r, sizeof(*r)), OP_OTHER, NULL);
	given_out(of(s)->c, r->batch);
}

static bool memory_idem_find(struct store *s, uint64_t hash, struct idem_row *ret)
{
	const struct idem_row *r = seen(&of(s)->c->idems, (struct row_key){{(int64_t)hash}});

	if (r)
		*ret = *r;
	return r != NULL;
}

static void memory_mark(struct store *s, const char *key, struct str value)
{
	struct mark *mark = xcalloc(1, sizeof(*mark) + value.n);

	mark->n = value.n;
	if (value.n > 0)
		memcpy(mark->value, value.p, value.n);
	memory_set(s, &of(s)->c->marks, mark_key(key), mark, OP_OTHER, NULL);
}

static bool memory_mark_get(struct store *s, const char *key, struct buf *ret)
{
	const struct mark *mark = seen(&of(s)->c->marks, mark_key(key));

	if (mark)
		buf_put(ret, mark->value, mark->n);
	return mark != NULL;
}

/* -- credit --------------------------------------------------------------------------------------------------------- */

static void memory_ledger(struct store *s, const struct ledger_row *l)
{
	memory_set(s, &of(s)->c->ledger, (struct row_key){{l->id}}, copy_of(l, sizeof(*l)), OP_LEDGER,
		   copy_of(l, sizeof(*l)));
}

static void memory_balance_set(struct store *s, const struct balance_row *b)
{
	memory_set(s, &of(s)->c->balances, (struct row_key){{b->kind, b->owner}}, copy_of(b, sizeof(*b)), OP_OTHER, NULL);
}

static int memory_balances(struct store *s, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	struct memory *m = of(s);
	const struct table *t = &m->c->balances;

	lock(m);
	for (size_t i = 0; i < t->n; i++)
		if (row_seen(t->a[i]) && !fn(ctx, row_seen(t->a[i])))
			break;
	unlock(m);
	return 0;
}

static int memory_r_balances(struct store_reader *r, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	const struct table *t = &r->m->c->balances;

	lock(r->m);
	for (size_t i = 0; i < t->n; i++)
		if (t->a[i]->now && !fn(ctx, t->a[i]->now))
			break;
	unlock(r->m);
	return 0;
}

static int memory_r_ledger(struct store_reader *r, uint8_t kind, uint32_t owner,
			   bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx)
{
	const struct table *t = &r->m->c->ledger;

	lock(r->m);
	for (size_t i = t->n; i-- > 0;) {
		const struct ledger_row *l = t->a[i]->now;

		if (l && l->balance_kind == kind && l->owner == owner && !fn(ctx, l))
			break;
	}
	unlock(r->m);
	return 0;
}

void memory_live_ops(struct store_ops *o)
{
	o->due_set = memory_due_set;
	o->due_del = memory_due_del;
	o->due_queues = memory_due_queues;
	o->due_list = memory_due_list;
	o->hook_set = memory_hook_set;
	o->hook_del = memory_hook_del;
	o->hook_list = memory_hook_list;
	o->hook_get = memory_hook_get;
	o->r_hooks_dead = memory_r_hooks_dead;
	o->park = memory_park;
	o->unpark = memory_unpark;
	o->parked_find = memory_parked_find;
	o->parked_count = memory_parked_count;
	o->r_parked = memory_r_parked;
	o->idem = memory_idem;
	o->idem_find = memory_idem_find;
	o->mark = memory_mark;
	o->mark_get = memory_mark_get;
	o->ledger = memory_ledger;
	o->balance_set = memory_balance_set;
	o->balances = memory_balances;
	o->r_balances = memory_r_balances;
	o->r_ledger = memory_r_ledger;
}
