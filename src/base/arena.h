/* arena.h - bump memory for one request, freed at once. Not thread-safe. */
#pragma once
#include "base/util.h"

struct arena {
	struct arena_block *head;
	size_t used; /* bytes handed out */
	size_t max;  /* ceiling; 0 = none */
};
void arena_done(struct arena *a);
void *arena_alloc(struct arena *a, size_t n); /* 16-byte aligned, zeroed; NULL when over the ceiling */
char *arena_strndup(struct arena *a, const char *p, size_t n);
