/* window.c - hash table by sequence number with the entries' own chains, and two lists by age. */
#include "channel/sms/window.h"

#include <stdlib.h>

void window_init(struct window *w, unsigned size)
{
	uint32_t n = 16;

	while (n < size * 2 && n < 1u << 20)
		n *= 2;
	w->buckets = xcalloc(n, sizeof(w->buckets[0]));
	w->mask = n - 1;
	list_init(&w->waiting);
	list_init(&w->late);
}

void window_done(struct window *w)
{
	free(w->buckets);
	w->buckets = NULL;
}

void window_add(struct window *w, struct window_entry *e, uint32_t seq, int64_t now_us)
{
	struct window_entry **b = &w->buckets[seq & w->mask];

	*e = (struct window_entry){.seq = seq, .written_us = now_us, .chain = *b};
	*b = e;
	list_push(&w->waiting, &e->node);
}

void window_remove(struct window *w, struct window_entry *e)
{
	struct window_entry **at = &w->buckets[e->seq & w->mask];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	list_remove(e->late ? &w->late : &w->waiting, &e->node);
}

struct window_entry *window_take(struct window *w, uint32_t seq)
{
	struct window_entry *e = w->buckets[seq & w->mask];

	while (e && e->seq != seq)
		e = e->chain;
	if (e)
		window_remove(w, e);
	return e;
}

static struct window_entry *first(const struct list *l)
{
	struct node *n = list_first(l);

	return n ? OWNER(struct window_entry, node, n) : NULL;
}

struct window_entry *window_oldest(const struct window *w) { return first(&w->waiting); }

void window_make_late(struct window *w, struct window_entry *e)
{
	list_remove(&w->waiting, &e->node);
	e->late = true;
	list_push(&w->late, &e->node);
}

struct window_entry *window_any(const struct window *w)
{
	struct window_entry *e = first(&w->waiting);

	return e ? e : first(&w->late);
}
