/* query_list.c - the status list of a user: the changes that he has not read, in the state that their messages have now. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "core/ask.h"

struct listing {
	struct list_walk walk;
	const struct list_ask *ask;
	const uint32_t *subs;
	size_t sub_n;
	int64_t *keys; /* of what is listed */
	int64_t oldest;
};

static bool list_row(void *ctx, const struct event *ev)
{
	struct listing *l = ctx;

	if (!walk_looks(&l->walk, ev->seq))
		return false;
	if (walk_was_listed(&l->walk, ev->sub_account))
		return true;
	if (ev->at < l->oldest || (l->ask->start && ev->at < l->ask->start) || (l->ask->end && ev->at > l->ask->end))
		return true;
	l->keys[l->walk.n] = ev->key;
	walk_lists(&l->walk);
	return true;
}

static int read_gap(struct list_walk *w, struct stretch gap, int64_t deadline_ms)
{
	struct listing *l = OWNER(struct listing, walk, w);

	return w->q->store->ops->r_changes(w->q->r, l->subs, l->sub_n, gap.from, gap.to, SIZE_MAX, list_row, l, deadline_ms);
}

/* The lowest event not older than the retention of statuses: events are in order of time, near enough. */
static int64_t retention_edge(struct list_walk *w)
{
	const struct listing *l = OWNER(struct listing, walk, w);
	int64_t low = 0, high = w->head;
	struct event ev;

	while (low < high) {
		int64_t mid = low + (high - low) / 2;

		if (w->q->store->ops->r_event(w->q->r, mid, &ev) < 0 || ev.at < l->oldest)
			low = mid + 1;
		else
			high = mid;
	}
	return MAX(low - 1, 0);
}

static void sub_accounts(const struct scope *sc, const uint32_t **subs, size_t *n, uint32_t **owned)
{
	const struct snapshot *s = snapshot_get();

	*owned = NULL;
	if (sc->sub_account) {
		*subs = &sc->sub_account;
		*n = 1;
	} else {
		*n = snapshot_subs_of(s, sc->account, owned);
		*subs = *owned;
	}
	snapshot_put(s);
}

/* One entry a delivery, at the place of its oldest unread change. */
static size_t once_each(int64_t *keys, size_t n)
{
	struct map *seen = map_new();
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (map_get(seen, (uint64_t)keys[i], NULL))
			continue;
		map_set(seen, (uint64_t)keys[i], 1);
		keys[kept++] = keys[i];
	}
	map_free(seen);
	return kept;
}

static ssize_t states_of(struct query *q, const struct listing *l, struct delivery **out, int64_t deadline_ms)
{
	size_t kept = once_each(l->keys, l->walk.n), found = 0;
	int r = query_current(q, l->keys, kept, out, deadline_ms);

	for (size_t i = 0; r == 0 && i < kept; i++)
		if (out[i] && scope_holds(&l->ask->scope, out[i]))
			out[found++] = out[i];
		else
			delivery_free(out[i]);
	return r < 0 ? r : (ssize_t)found;
}

ssize_t query_list(struct query *q, const struct list_ask *ask, struct delivery **out, struct lease **ret, int64_t deadline_ms)
{
	struct listing l = {.ask = ask, .oldest = wall_ms() - (q->e->settings->retention.status_ms)};
	uint32_t *owned;
	ssize_t n;

	l.walk = (struct list_walk){
		.q = q,
		.ask = {.user = ask->user, .sub_account = ask->narrow ? ask->scope.sub_account : 0, .edge = -1},
		.filtered = ask->start || ask->end,
		.limit = ask->limit,
		.read = read_gap,
		.edge = retention_edge};
	l.keys = xcalloc(ask->limit + 1, sizeof *l.keys);
	l.walk.numbers = xcalloc(ask->limit + 1, sizeof *l.walk.numbers);
	sub_accounts(&ask->scope, &l.subs, &l.sub_n, &owned);
	n = walk_list(&l.walk, ret, deadline_ms);
	free(owned);
	if (n > 0)
		n = states_of(q, &l, out, deadline_ms);
	free(l.keys);
	free(l.walk.numbers);
	if (n < 0 && *ret) {
		lease_release(q->e, *ret);
		*ret = NULL;
	}
	return n;
}
