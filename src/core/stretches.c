/* stretches.c - see stretches.h: an array, searched by halves; what is added is most often near its end. */
#include "core/stretches.h"

#include <stdlib.h>
#include <string.h>

void stretches_free(struct stretches *s)
{
	free(s->a);
	*s = (struct stretches){0};
}

size_t stretches_at(const struct stretches *s, int64_t number)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->a[mid].to < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool stretches_have(const struct stretches *s, int64_t number)
{
	size_t i = stretches_at(s, number);

	return i < s->n && s->a[i].from <= number;
}

void stretches_add(struct stretches *s, struct stretch more)
{
	size_t i = stretches_at(s, more.from - 1), k = i;

	/* Swallow what it touches. */
	for (; k < s->n && s->a[k].from <= more.to + 1; k++) {
		more.from = MIN(more.from, s->a[k].from);
		more.to = MAX(more.to, s->a[k].to);
	}
	if (k == i && s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->a = xrealloc(s->a, s->cap, sizeof *s->a);
	}
	if (k < s->n)
		memmove(&s->a[i + 1], &s->a[k], (s->n - k) * sizeof *s->a);
	s->n = s->n - (k - i) + 1;
	s->a[i] = more;
}

void stretches_drop(struct stretches *s, int64_t to)
{
	size_t gone = stretches_at(s, to + 1);

	if (gone)
		memmove(s->a, s->a + gone, (s->n - gone) * sizeof *s->a);
	s->n -= gone;
	if (s->n)
		s->a[0].from = MAX(s->a[0].from, to + 1);
}
