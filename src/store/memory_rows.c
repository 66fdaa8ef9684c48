/* The memory driver's tables: sorted arrays of rows, and what retention takes out of them. Rows come nearly always in ascending
 * order, so that insertion is an append; this is a driver for tests and simulation, not for millions. */
#include "store/memory_rows.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct row_key *a, const struct row_key *b)
{
	for (size_t i = 0; i < COUNT_OF(a->k); i++)
		if (a->k[i] != b->k[i])
			return a->k[i] < b->k[i] ? -1 : 1;
	return 0;
}

size_t table_lower(const struct table *t, struct row_key key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&t->a[mid]->key, &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct row *table_find(const struct table *t, struct row_key key)
{
	size_t i = table_lower(t, key);

	return i < t->n && compare(&t->a[i]->key, &key) == 0 ? t->a[i] : NULL;
}

struct row *table_put(struct table *t, struct row_key key)
{
	size_t i = table_lower(t, key);
	struct row *r;

	if (i < t->n && compare(&t->a[i]->key, &key) == 0)
		return t->a[i];
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->a = xrealloc(t->a, t->cap, sizeof(struct row *));
	}
	memmove(t->a + i + 1, t->a + i, (t->n - i) * sizeof(struct row *));
	r = t->a[i] = xnew(struct row);
	r->key = key;
	t->n++;
	return r;
}

void table_sweep(struct table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->a[i]->now || t->a[i]->touched)
			t->a[kept++] = t->a[i];
		else
			free(t->a[i]);
	t->n = kept;
	t->holes = false;
}

void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		t->value_free(t->a[i]->now);
		t->value_free(t->a[i]->open);
		free(t->a[i]);
	}
	free(t->a);
	*t = (struct table){0};
}

struct row_key mark_key(const char *name)
{
	struct row_key key = {{0}};
	size_t n = strlen(name);

	ASSERT(n <= sizeof(key.k));
	memcpy(key.k, name, n);
	return key;
}

void kept_free(void *value)
{
	struct kept *k = value;

	if (!k)
		return;
	delivery_free(k->d);
	free(k->seqs);
	free(k);
}

/* -- retention ----------------------------------------------------------------------------------------------------- */

static bool has_pending_hook(const struct content *c, int64_t key)
{
	for (size_t i = table_lower(&c->hooks, (struct row_key){{key}});
	     i < c->hooks.n && c->hooks.a[i]->key.k[0] == key; i++) {
		const struct hook_row *h = c->hooks.a[i]->now;

		if (h && !h->dead)
			return true;
	}
	return false;
}

static bool is_due(const struct content *c, int64_t key)
{
	for (size_t i = 0; i < c->due.n; i++)
		if (c->due.a[i]->now && c->due.a[i]->key.k[1] == key)
			return true;
	return false;
}

static bool may_go(const struct content *c, const struct kept *k, const struct map *latest)
{
	uint64_t seq;

	if (k->d->state != D_DONE || has_pending_hook(c, k->d->key) || is_due(c, k->d->key))
		return false;
	return !map_get(latest, (uint64_t)k->d->key, &seq) ||
	       (int64_t)seq <= MAX(k->d->last_seq, k->n ? k->seqs[k->n - 1] : 0);
}

static void drop_events(struct content *c, const struct map *gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->event_count; i++)
		if (map_get(gone, (uint64_t)c->events[i]->key, NULL))
			free(c->events[i]);
		else
			c->events[kept++] = c->events[i];
	c->event_count = c->events_now = kept;
}

static void drop_mos(struct content *c, int64_t end)
{
	for (size_t i = 0; i < c->mo_parts.n && c->mo_parts.a[i]->key.k[0] < end; i++) {
		free(c->mo_parts.a[i]->now);
		c->mo_parts.a[i]->now = NULL;
	}
	for (size_t i = 0; i < c->mos.n && c->mos.a[i]->key.k[0] < end; i++) {
		if (has_pending_hook(c, c->mos.a[i]->key.k[0]))
			continue;
		free(c->mos.a[i]->now);
		c->mos.a[i]->now = NULL;
	}
	table_sweep(&c->mo_parts);
	table_sweep(&c->mos);
}

void memory_retain(struct content *c, int64_t end_ms)
{
	int64_t end = uid_key_at(end_ms - end_ms % 86400000);
	struct map *latest, *gone;

	if ((c->mos.n && c->mos.a[0]->key.k[0] < end) || (c->mo_parts.n && c->mo_parts.a[0]->key.k[0] < end))
		drop_mos(c, end);
	if (c->deliveries.n == 0 || c->deliveries.a[0]->key.k[0] >= end)
		return;
	latest = map_new();
	gone = map_new();
	for (size_t i = 0; i < c->event_count; i++)
		map_set(latest, (uint64_t)c->events[i]->key, (uint64_t)c->events[i]->seq);
	for (size_t i = 0; i < c->deliveries.n && c->deliveries.a[i]->key.k[0] < end; i++) {
		struct row *r = c->deliveries.a[i];

		if (!may_go(c, r->now, latest))
			continue;
		map_set(gone, (uint64_t)r->key.k[0], 1);
		for (size_t h = table_lower(&c->hooks, r->key);
		     h < c->hooks.n && c->hooks.a[h]->key.k[0] == r->key.k[0]; h++) {
			free(c->hooks.a[h]->now);
			c->hooks.a[h]->now = NULL;
		}
		kept_free(r->now);
		r->now = NULL;
	}
	if (map_count(gone) > 0) {
		table_sweep(&c->deliveries);
		table_sweep(&c->hooks);
		drop_events(c, gone);
	}
	map_free(latest);
	map_free(gone);
}
