/* list.h - intrusive circular doubly linked list that counts itself. A node is in at most one list. */
#pragma once
#include "base/util.h"

struct node {
	struct node *next, *prev; /* both NULL when in no list */
};
struct list {
	struct node head;
	size_t count;
};
static inline void list_init(struct list *l)
{
	l->head.next = l->head.prev = &l->head;
	l->count = 0;
}
static inline bool node_linked(const struct node *n) { return n->next != NULL; }
static inline void list_insert_before(struct list *l, struct node *at, struct node *n)
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
	l->count++;
}
static inline void list_push(struct list *l, struct node *n) { list_insert_before(l, &l->head, n); }
static inline void list_push_front(struct list *l, struct node *n) { list_insert_before(l, l->head.next, n); }
static inline void list_remove(struct list *l, struct node *n) /* n is in l */
{
	ASSERT(n->next && n->prev);
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = n->prev = NULL;
	l->count--;
}
static inline struct node *list_first(const struct list *l)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it takes the head for a node that was freed */
	return l->head.next == &l->head ? NULL : l->head.next;
}
static inline struct node *list_last(const struct list *l)
{
	return l->head.prev == &l->head ? NULL : l->head.prev;
}
static inline struct node *list_next(const struct list *l, const struct node *n)
{
	return n->next == &l->head ? NULL : n->next;
}
static inline struct node *list_pop(struct list *l)
{
	struct node *n = list_first(l);
	if (n)
		list_remove(l, n);
	return n;
}
