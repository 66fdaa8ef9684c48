/* The reading half of the memory driver. The writer's side sees the open batch (row_seen), readers see what is committed (now).
 * Writer-side lists are copied before the caller hears of them, so that it may write while it listens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/memory_rows.h"

struct store_reader {
	struct memory *m;
};

static struct memory *of(struct store *s) { return OWNER(struct memory, store, s); }
static void lock(struct memory *m) { pthread_mutex_lock(&m->c->lock); }
static void unlock(struct memory *m) { pthread_mutex_unlock(&m->c->lock); }

static void *seen(const struct table *t, struct row_key key)
{
	const struct row *r = table_find(t, key);

	return r ? row_seen(r) : NULL;
}

/* -- the writer's side --------------------------------------------------------------------------------------------- */

static int memory_load(struct store *s, int64_t key, struct delivery **ret)
{
	const struct kept *k = seen(&of(s)->c->deliveries, (struct row_key){{key}});

	if (!k)
		return -ENOENT;
	*ret = delivery_copy(k->d);
	return 0;
}

/* Index of the first event with that seq or a higher one. */
static size_t event_lower(const struct content *c, int64_t seq, size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->events[mid]->seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int event_get(const struct content *c, int64_t seq, size_t n, struct event *ret)
{
	size_t i = event_lower(c, seq, n);

	if (i == n || c->events[i]->seq != seq)
		return -ENOENT;
	*ret = *c->events[i];
	return 0;
}

static int memory_load_event(struct store *s, int64_t seq, struct event *ret)
{
	return event_get(of(s)->c, seq, of(s)->c->event_count, ret);
}

static size_t memory_by_carrier(struct store *s, uint64_t id_hash, int64_t *keys, size_t max)
{
	const struct content *c = of(s)->c;
	size_t n = 0;

	for (size_t i = c->event_count; i-- > 0 && n < max;) {
		const struct event *e = c->events[i];
		bool known = false;

		if ((e->kind != EV_PART && e->kind != EV_SENT) || e->hash == 0 || e->hash != id_hash)
			continue;
		for (size_t k = 0; k < n; k++)
			known |= keys[k] == e->key;
		if (!known)
			keys[n++] = e->key;
	}
	return n;
}

static size_t memory_by_handset(struct store *s, uint64_t hash, int64_t days, int64_t *keys, size_t max)
{
	const struct content *c = of(s)->c;
	size_t n = 0;

	(void)days; /* what it would leave out the caller does not want */
	for (size_t i = c->event_count; hash && i-- > 0 && n < max;) {
		const struct event *e = c->events[i];
		bool known = false;

		if (e->kind != EV_ATTEMPT || e->hash != hash)
			continue;
		for (size_t k = 0; k < n; k++)
			known |= keys[k] == e->key;
		if (!known)
			keys[n++] = e->key;
	}
	return n;
}

static int memory_mo_load(struct store *s, int64_t key, struct mo **ret)
{
	const struct mo *m = seen(&of(s)->c->mos, (struct row_key){{key}});

	if (!m)
		return -ENOENT;
	*ret = mo_copy(m);
	return 0;
}

static int memory_mos_from(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo *m), void *ctx)
{
	const struct table *t = &of(s)->c->mos;

	for (size_t i = table_lower(t, (struct row_key){{from, INT64_MIN, INT64_MIN, INT64_MIN}}); i < t->n; i++)
		if (row_seen(t->a[i]) && !fn(ctx, row_seen(t->a[i])))
			break;
	return 0;
}

static int memory_mo_parts_from(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx)
{
	const struct table *t = &of(s)->c->mo_parts;

	for (size_t i = table_lower(t, (struct row_key){{from, INT64_MIN, INT64_MIN, INT64_MIN}}); i < t->n; i++)
		if (row_seen(t->a[i]) && !fn(ctx, row_seen(t->a[i])))
			break;
	return 0;
}

static bool memory_idem_find(struct store *s, uint64_t hash, struct idem_row *ret)
{
	const struct idem_row *r = seen(&of(s)->c->idems, (struct row_key){{(int64_t)hash}});

	if (r)
		*ret = *r;
	return r != NULL;
}

static bool memory_mark_get(struct store *s, const char *key, struct buf *ret)
{
	const struct mark *mark = seen(&of(s)->c->marks, mark_key(key));

	if (mark)
		buf_put(ret, mark->value, mark->n);
	return mark != NULL;
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

static int memory_unfinished_after(struct store *s, unsigned states, int64_t after, int64_t until, size_t scan,
				   bool (*fn)(void *ctx, struct delivery *take), void *ctx, int64_t *last)
{
	const struct table *t = &of(s)->c->deliveries;
	struct delivery **list = xcalloc(MIN(scan, t->n) + 1, sizeof(struct delivery *));
	size_t n = 0, told = 0;

	*last = after;
	for (size_t i = after == INT64_MAX
				? t->n
				: table_lower(t, (struct row_key){{after + 1, INT64_MIN, INT64_MIN, INT64_MIN}});
	     i < t->n && scan > 0 && t->a[i]->key.k[0] <= until; i++, scan--) {
		const struct kept *k = row_seen(t->a[i]);

		*last = t->a[i]->key.k[0];
		if (k && 1u << k->d->state & states)
			list[n++] = delivery_copy(k->d);
	}
	while (told < n) {
		int64_t key = list[told]->key;

		if (!fn(ctx, list[told++])) {
			*last = key;
			break;
		}
	}
	while (told < n)
		delivery_free(list[told++]);
	free(list);
	return 0;
}

/* -- recovery ------------------------------------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int memory_recover(struct store *s,
			  bool (*fn)(void *ctx, struct delivery *take, const struct event *ev, size_t n), void *ctx)
{
	const struct content *c = of(s)->c;
	struct event *ev = xcalloc(c->event_count + 1, sizeof(*ev));
	size_t at = 0;
	bool more = true;

	for (size_t i = 0; i < c->event_count; i++)
		ev[i] = *c->events[i];
	qsort(ev, c->event_count, sizeof(*ev), by_key);
	for (size_t i = 0; i < c->deliveries.n && more; i++) {
		const struct kept *k = row_seen(c->deliveries.a[i]);
		int64_t merged, key = c->deliveries.a[i]->key.k[0];
		size_t first;

		if (!k)
			continue;
		merged = MAX(k->d->last_seq, k->n ? k->seqs[k->n - 1] : 0);
		while (at < c->event_count && (ev[at].key < key || (ev[at].key == key && ev[at].seq <= merged)))
			at++;
		first = at;
		while (at < c->event_count && ev[at].key == key)
			at++;
		if (k->d->state != D_DONE || at > first)
			more = fn(ctx, delivery_copy(k->d), ev + first, at - first);
	}
	free(ev);
	return 0;
}

static int memory_events_from(struct store *s, int64_t from, size_t max,
			      bool (*fn)(void *ctx, const struct event *e), void *ctx)
{
	const struct content *c = of(s)->c;

	for (size_t i = event_lower(c, from, c->event_count), n = 0; i < c->event_count && n < max; i++, n++) {
		struct event e = *c->events[i];

		if (!fn(ctx, &e))
			break;
	}
	return 0;
}

static int64_t memory_last_seq(struct store *s) { return of(s)->c->last_seq; }
static int64_t memory_last_key(struct store *s) { return of(s)->c->last_key; }
static const struct hash_key *memory_hash_key(struct store *s) { return &of(s)->c->hash_key; }

/* -- readers ------------------------------------------------------------------------------------------------------- */

static int memory_reader_open(struct store *s, struct store_reader **ret, struct err *e)
{
	struct store_reader *r = xnew(struct store_reader);

	(void)e;
	r->m = of(s);
	*ret = r;
	return 0;
}

static void memory_reader_close(struct store_reader *r) { free(r); }

static const struct kept *kept_now(struct store_reader *r, int64_t key)
{
	const struct row *row = table_find(&r->m->c->deliveries, (struct row_key){{key}});

	return row ? row->now : NULL;
}

static int memory_r_load(struct store_reader *r, int64_t key, struct delivery **ret)
{
	const struct kept *k;

	lock(r->m);
	k = kept_now(r, key);
	if (k)
		*ret = delivery_copy(k->d);
	unlock(r->m);
	return k ? 0 : -ENOENT;
}

static int memory_r_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n)
{
	const struct kept *k;

	lock(r->m);
	k = kept_now(r, key);
	if (k) {
		*n = k->n;
		*seqs = xcalloc(k->n + 1, sizeof(**seqs));
		if (k->n > 0)
			memcpy(*seqs, k->seqs, k->n * sizeof(**seqs));
	}
	unlock(r->m);
	return k ? 0 : -ENOENT;
}

static int memory_r_event(struct store_reader *r, int64_t seq, struct event *ret)
{
	int got;

	lock(r->m);
	got = event_get(r->m->c, seq, r->m->c->events_now, ret);
	unlock(r->m);
	return got;
}

static size_t memory_r_by_correlation(struct store_reader *r, uint32_t account, struct str correlation,
				      int64_t *keys, size_t max)
{
	const struct table *t = &r->m->c->deliveries;
	size_t n = 0;

	lock(r->m);
	for (size_t i = t->n; i-- > 0 && n < max && correlation.n > 0;) {
		const struct kept *k = t->a[i]->now;

		if (k && k->d->account == account && str_eq(k->d->t.correlation, correlation))
			keys[n++] = k->d->key;
	}
	unlock(r->m);
	return n;
}

static int memory_r_changes(struct store_reader *r, const uint32_t *subs, size_t sub_count, int64_t from, int64_t to,
			    size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx, int64_t deadline_ms)
{
	const struct content *c = r->m->c;
	bool more = true;

	(void)deadline_ms; /* it never waits for a disk */
	lock(r->m);
	for (size_t i = event_lower(c, from, c->events_now);
	     i < c->events_now && c->events[i]->seq <= to && max > 0 && more; i++) {
		const struct event *e = c->events[i];
		bool wanted = false;

		for (size_t k = 0; k < sub_count; k++)
			wanted |= subs[k] == e->sub_account;
		if (!wanted || !event_changes(e))
			continue;
		max--;
		more = fn(ctx, e);
	}
	unlock(r->m);
	return 0;
}

static int memory_r_scan(struct store_reader *r, int64_t since, int64_t until,
			 bool (*fn)(void *ctx, const struct delivery *d), void *ctx, int64_t deadline_ms)
{
	const struct table *t = &r->m->c->deliveries;

	(void)deadline_ms;
	lock(r->m);
	for (size_t i = t->n; i-- > 0;) {
		const struct kept *k = t->a[i]->now;
		int64_t at = uid_key_ms(t->a[i]->key.k[0]);

		if (at < since)
			break;
		if (k && at <= until && !fn(ctx, k->d))
			break;
	}
	unlock(r->m);
	return 0;
}

static int memory_r_mo(struct store_reader *r, int64_t key, struct mo **ret)
{
	const struct row *row;
	bool found;

	lock(r->m);
	row = table_find(&r->m->c->mos, (struct row_key){{key}});
	found = row && row->now;
	if (found)
		*ret = mo_copy(row->now);
	unlock(r->m);
	return found ? 0 : -ENOENT;
}

static int memory_r_mos(struct store_reader *r, int64_t from, int64_t to, bool newest_first,
			bool (*fn)(void *ctx, const struct mo *m), void *ctx, int64_t deadline_ms)
{
	const struct table *t = &r->m->c->mos;

	(void)deadline_ms;
	lock(r->m);
	for (size_t n = 0; n < t->n; n++) {
		const struct row *row = t->a[newest_first ? t->n - 1 - n : n];

		if (row->now && row->key.k[0] >= from && row->key.k[0] <= to && !fn(ctx, row->now))
			break;
	}
	unlock(r->m);
	return 0;
}

static int memory_r_mo_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n)
{
	const struct content *c = r->m->c;

	lock(r->m);
	*n = 0;
	*seqs = NULL;
	for (size_t i = 0; i < c->events_now; i++) {
		const struct event *e = c->events[i];

		if (e->key != key || (e->kind != EV_RECEIVED && !(event_is_hook(e->kind) && e->arg == HOOK_MO)))
			continue;
		*seqs = xrealloc(*seqs, *n + 1, sizeof(**seqs));
		(*seqs)[(*n)++] = e->seq;
	}
	if (!*seqs)
		*seqs = xcalloc(1, sizeof(**seqs));
	unlock(r->m);
	return 0;
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

static int memory_r_number(struct store_reader *r, struct str number,
			   bool (*fn)(void *ctx, const struct number_row *row), void *ctx)
{
	const struct content *c = r->m->c;
	bool more = true;

	lock(r->m);
	for (size_t i = 0; i < c->deliveries.n && more; i++) {
		const struct kept *k = c->deliveries.a[i]->now;

		if (k && (str_eq(k->d->t.number, number) || str_eq(k->d->t.destination, number)))
			more = fn(ctx, &(struct number_row){.key = k->d->key, .rest = k->d->rest});
	}
	for (size_t i = 0; i < c->mos.n && more; i++) {
		const struct mo *m = c->mos.a[i]->now;
		const char *digits = m && m->source[0] == '+' ? m->source + 1 : m ? m->source : "";

		if (m && str_eqz(number, digits))
			more = fn(ctx, &(struct number_row){.key = m->key,
							    .rest = m->rest,
							    .mo = true,
							    .at = m->at,
							    .source = str_of(m->source),
							    .destination = str_of(m->short_code),
							    .text = m->text});
	}
	unlock(r->m);
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

/* -- whole --------------------------------------------------------------------------------------------------------- */

static int memory_backup(struct store *s, const char *path, struct err *e)
{
	(void)s;
	return err_set(e, -ENOTSUP, "%s: the memory store has no backup", path);
}

static int memory_check(struct store *s, struct buf *report, struct err *e)
{
	struct memory *m = of(s);
	const struct content *c = m->c;
	bool sound = true;

	lock(m);
	for (size_t i = 1; i < c->event_count; i++)
		sound &= c->events[i - 1]->seq < c->events[i]->seq;
	for (size_t i = 1; i < c->deliveries.n; i++)
		sound &= c->deliveries.a[i - 1]->key.k[0] < c->deliveries.a[i]->key.k[0];
	buf_fmt(report, "%zu messages, %zu events\n", c->deliveries.n, c->event_count);
	unlock(m);
	return sound ? 0 : err_set(e, -EPROTO, "rows out of order");
}

const struct store_ops memory_reading = {
	.name = "memory",
	.load = memory_load,
	.load_event = memory_load_event,
	.by_carrier = memory_by_carrier,
	.by_handset = memory_by_handset,
	.mo_load = memory_mo_load,
	.mos_from = memory_mos_from,
	.mo_parts_from = memory_mo_parts_from,
	.idem_find = memory_idem_find,
	.mark_get = memory_mark_get,
	.due_queues = memory_due_queues,
	.due_list = memory_due_list,
	.hook_list = memory_hook_list,
	.hook_get = memory_hook_get,
	.parked_find = memory_parked_find,
	.parked_count = memory_parked_count,
	.unfinished_after = memory_unfinished_after,
	.recover = memory_recover,
	.events_from = memory_events_from,
	.last_seq = memory_last_seq,
	.last_key = memory_last_key,
	.hash_key = memory_hash_key,
	.reader_open = memory_reader_open,
	.reader_close = memory_reader_close,
	.r_load = memory_r_load,
	.r_history = memory_r_history,
	.r_event = memory_r_event,
	.r_by_correlation = memory_r_by_correlation,
	.r_changes = memory_r_changes,
	.r_scan = memory_r_scan,
	.r_mo = memory_r_mo,
	.r_mos = memory_r_mos,
	.r_mo_history = memory_r_mo_history,
	.r_parked = memory_r_parked,
	.r_hooks_dead = memory_r_hooks_dead,
	.balances = memory_balances,
	.r_number = memory_r_number,
	.r_balances = memory_r_balances,
	.r_ledger = memory_r_ledger,
	.backup = memory_backup,
	.check = memory_check,
};
