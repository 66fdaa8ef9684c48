/* arena.c - bump memory. Blocks come zeroed and are never reused, so what is handed out is zeroed without touching it. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_BLOCK_MIN ((size_t)4 << 10)
#define ARENA_BLOCK_MAX ((size_t)256 << 10)

struct arena_block {
	struct arena_block *next;
	size_t size, n;
	alignas(ARENA_ALIGN) unsigned char data[];
};

void arena_done(struct arena *a)
{
	while (a->head) {
		struct arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
	a->used = 0;
}

static struct arena_block *block_new(struct arena *a, size_t n)
{
	size_t size = a->head ? MIN(a->head->size * 2, ARENA_BLOCK_MAX) : ARENA_BLOCK_MIN;
	struct arena_block *b;

	size = MAX(size, n);
	b = xcalloc(1, sizeof(*b) + size);
	b->size = size;
	b->next = a->head;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (MAX(n, (size_t)1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (a->max && (a->used > a->max || n > a->max - a->used))
		return NULL;
	if (!b || n > b->size - b->n)
		b = block_new(a, n);
	p = b->data + b->n;
	b->n += n;
	a->used += n;
	return p;
}

char *arena_strndup(struct arena *a, const char *p, size_t n)
{
	size_t len = p ? strnlen(p, n) : 0;
	char *r = arena_alloc(a, len + 1);

	if (r && len)
		memcpy(r, p, len);
	return r;
}
