/* set.c - linear probing. A removal moves what follows back, so that there are no graves; the place of a number is decided by a random
 * odd factor, so that nobody outside can choose numbers that collide. */
#include "base/set.h"

#include <stdlib.h>

#include "base/rng.h"

struct set {
	size_t count, places; /* places: a power of two */
	unsigned shift;
	uint64_t factor;
	uint64_t *at;
};

static size_t home(const struct set *s, uint64_t x) { return (size_t)((x * s->factor) >> s->shift); }

struct set *set_copy(const struct set *old, size_t members)
{
	struct set *s = xnew(struct set);

	s->places = 16;
	s->shift = 60;
	members = MAX(members, old ? old->count : 0);
	while (s->places / 4 * 3 < members) {
		s->places *= 2;
		s->shift--;
	}
	rng_bytes(&s->factor, sizeof s->factor);
	s->factor |= 1;
	s->at = xcalloc(s->places, sizeof *s->at);
	for (size_t i = 0; old && i < old->places; i++)
		if (old->at[i])
			set_add(s, old->at[i]);
	return s;
}

void set_free(struct set *s)
{
	if (!s)
		return;
	free(s->at);
	free(s);
}

static size_t find(const struct set *s, uint64_t x)
{
	size_t i = home(s, x);

	while (s->at[i] && s->at[i] != x)
		i = (i + 1) & (s->places - 1);
	return i;
}

bool set_has(const struct set *s, uint64_t x) { return x && s->at[find(s, x)] == x; }

bool set_add(struct set *s, uint64_t x)
{
	size_t i;

	ASSERT(x);
	i = find(s, x);
	if (s->at[i])
		return false;
	ASSERT(set_room(s) > 0);
	s->at[i] = x;
	s->count++;
	return true;
}

bool set_del(struct set *s, uint64_t x)
{
	size_t mask = s->places - 1, hole, i;

	if (!x || s->at[hole = find(s, x)] != x)
		return false;
	for (i = (hole + 1) & mask; s->at[i]; i = (i + 1) & mask) {
		/* It may fill the hole when its own place is not between the hole and where it lies. */
		if (((i - home(s, s->at[i])) & mask) < ((i - hole) & mask))
			continue;
		s->at[hole] = s->at[i];
		hole = i;
	}
	s->at[hole] = 0;
	s->count--;
	return true;
}

size_t set_count(const struct set *s) { return s->count; }

size_t set_room(const struct set *s) { return s->places / 4 * 3 - s->count; }
