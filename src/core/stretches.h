/* stretches.h - a set of whole numbers as the stretches it is made of: what has been read of a list. Kept ascending and apart from each
 * other; those that touch are one. */
#pragma once
#include "base/util.h"

struct stretch { /* both ends inclusive */
	int64_t from, to;
};
struct stretches { /* zeroed: empty */
	struct stretch *a;
	size_t n, cap;
};
void stretches_free(struct stretches *s);
void stretches_add(struct stretches *s, struct stretch more); /* more.from <= more.to */
void stretches_drop(struct stretches *s, int64_t to);         /* no number up to that one is in it any more */
/* The place of the first one that ends at that number or after it; s->n when none does. */
size_t stretches_at(const struct stretches *s, int64_t number);
bool stretches_have(const struct stretches *s, int64_t number);
