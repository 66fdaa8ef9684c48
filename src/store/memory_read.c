/* Messages and events read from the memory driver. The writer's side sees the open batch (row_seen), readers see what is committed (now).
 * Writer-side lists are copied before the caller hears of them, so that it may write while it listens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/memory_rows.h"

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
	size_t at = 0, n = 0;
	bool more = true;

	/* As the SQLite driver does: what is below the engine's mark is in its row, and not looked at again. */
	for (size_t i = event_lower(c, store_mark_i64(s, "merged"), c->event_count); i < c->event_count; i++)
		ev[n++] = *c->events[i];
	qsort(ev, n, sizeof(*ev), by_key);
	for (size_t i = 0; i < c->deliveries.n && more; i++) {
		const struct kept *k = row_seen(c->deliveries.a[i]);
		int64_t merged, key = c->deliveries.a[i]->key.k[0];
		size_t first;

		if (!k)
			continue;
		merged = MAX(k->d->last_seq, k->n ? k->seqs[k->n - 1] : 0);
		while (at < n && (ev[at].key < key || (ev[at].key == key && ev[at].seq <= merged)))
			at++;
		first = at;
		while (at < n && ev[at].key == key)
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

void memory_read_ops(struct store_ops *o)
{
	o->name = "memory";
	o->load = memory_load;
	o->load_event = memory_load_event;
	o->by_carrier = memory_by_carrier;
	o->by_handset = memory_by_handset;
	o->unfinished_after = memory_unfinished_after;
	o->recover = memory_recover;
	o->events_from = memory_events_from;
	o->last_seq = memory_last_seq;
	o->last_key = memory_last_key;
	o->hash_key = memory_hash_key;
	o->reader_open = memory_reader_open;
	o->reader_close = memory_reader_close;
	o->r_load = memory_r_load;
	o->r_history = memory_r_history;
	o->r_event = memory_r_event;
	o->r_by_correlation = memory_r_by_correlation;
	o->r_changes = memory_r_changes;
	o->r_scan = memory_r_scan;
	o->backup = memory_backup;
	o->check = memory_check;
}
