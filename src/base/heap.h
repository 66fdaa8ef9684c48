/* heap.h - binary min-heap of embedded nodes with a back index, for due times. */
#pragma once
#include "base/util.h"

struct heap_node {
	int64_t at;   /* the sort key, any unit */
	size_t index; /* 0 = not in a heap, else position + 1; owned by the heap */
};
struct heap {
	struct heap_node **a;
	size_t n, cap;
};
void heap_done(struct heap *h);
void heap_push(struct heap *h, struct heap_node *n, int64_t at); /* not yet in a heap */
void heap_remove(struct heap *h, struct heap_node *n);           /* no effect when not in the heap */
struct heap_node *heap_top(const struct heap *h);                /* NULL when empty */
