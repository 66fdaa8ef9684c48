/* heap.c - binary min-heap; every node knows its place, so that removal needs no search. */
#include "base/heap.h"

#include <stdlib.h>

void heap_done(struct heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->a[i]->index = 0;
	free(h->a);
	*h = (struct heap){0};
}

static void put(struct heap *h, size_t i, struct heap_node *n)
{
	h->a[i] = n;
	n->index = i + 1;
}

static void sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i) {
		size_t parent = (i - 1) / 2;

		if (h->a[parent]->at <= n->at)
			break;
		put(h, i, h->a[parent]);
		i = parent;
	}
	put(h, i, n);
}

static void sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	for (;;) {
		size_t child = i * 2 + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->a[child + 1]->at < h->a[child]->at)
			child++;
		if (h->a[child]->at >= n->at)
			break;
		put(h, i, h->a[child]);
		i = child;
	}
	put(h, i, n);
}

void heap_push(struct heap *h, struct heap_node *n, int64_t at)
{
	ASSERT(!n->index);
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 64;
		h->a = xrealloc(h->a, h->cap, sizeof(struct heap_node *));
	}
	n->at = at;
	sift_up(h, h->n++, n);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	size_t i;

	if (!n->index)
		return;
	i = n->index - 1;
	ASSERT(i < h->n && h->a[i] == n);
	n->index = 0;
	last = h->a[--h->n];
	if (last == n)
		return;
	if (i && h->a[(i - 1) / 2]->at > last->at)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

struct heap_node *heap_top(const struct heap *h) { return h->n ? h->a[0] : NULL; }
