/* map.c - u64 to u64, open addressing with linear probing and deletion by shifting back, so there are no tombstones.
 *
 * A free slot has key 0; the entry of key 0 itself lies beside the tables. A change of size is done in steps: `old` is emptied
 * from its end downwards, a few slots with each change, and until then both tables are looked into. New entries go to `now`
 * only. Downwards, because the slot after the one just emptied is then free and nothing needs to be shifted.
 *
 * Big tables are mapped: the kernel zeroes their pages one by one as they are touched and takes emptied ones back in pieces,
 * where calloc() and free() of the whole would stall one insertion for milliseconds.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"

#define MAP_MIN 16                /* slots */
#define MAP_STEP 8                /* slots of the old table emptied with each change */
#define MAP_MAPPED (128u << 10)   /* bytes from which on a table is mapped */
#define MAP_GIVE_BACK (64u << 10) /* bytes given back to the kernel at a time */

struct slot {
	uint64_t key, value;
};

struct table {
	struct slot *slots;
	size_t mask; /* slots - 1 */
	size_t n;
};

struct map {
	struct table now, old; /* old.slots NULL: no move going on */
	size_t left;           /* slots of old from here on are empty */
	uint64_t seed[2];
	uint64_t zero;
	bool has_zero;
};

static size_t table_bytes(const struct table *t) { return (t->mask + 1) * sizeof(struct slot); }

static struct table table_new(size_t slots)
{
	struct table t = {.mask = slots - 1};

	if (table_bytes(&t) < MAP_MAPPED) {
		t.slots = xcalloc(slots, sizeof(struct slot));
	} else {
		void *p = mmap(NULL, table_bytes(&t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT(p != MAP_FAILED);
		t.slots = p;
	}
	return t;
}

static void table_free(struct table *t)
{
	if (t->slots && table_bytes(t) >= MAP_MAPPED)
		munmap(t->slots, table_bytes(t));
	else
		free(t->slots);
	*t = (struct table){0};
}

/* Keys may be chosen by nobody (ours, or hashes of what peers send), the secret only keeps it so. */
static size_t home(const struct map *m, const struct table *t, uint64_t key)
{
	__extension__ typedef unsigned __int128 u128;
	u128 x = (u128)(key ^ m->seed[0]) * m->seed[1];

	return (size_t)((uint64_t)x ^ (uint64_t)(x >> 64)) & t->mask;
}

static struct slot *find(const struct map *m, const struct table *t, uint64_t key)
{
	if (!t->n)
		return NULL;
	for (size_t i = home(m, t, key);; i = (i + 1) & t->mask) {
		struct slot *s = &t->slots[i];

		if (s->key == key)
			return s;
		if (!s->key)
			return NULL;
	}
}

/* The key is not in the table. */
static void insert(const struct map *m, struct table *t, uint64_t key, uint64_t value)
{
	size_t i = home(m, t, key);

	while (t->slots[i].key)
		i = (i + 1) & t->mask;
	t->slots[i] = (struct slot){key, value};
	t->n++;
}

/* Frees the slot and moves up what its presence had pushed on. */
static void take_out(const struct map *m, struct table *t, size_t hole)
{
	for (size_t i = hole;;) {
		size_t h;

		i = (i + 1) & t->mask;
		if (!t->slots[i].key)
			break;
		h = home(m, t, t->slots[i].key);
		/* Stays when its home lies after the hole (seen round the end of the table). */
		if (((i - h) & t->mask) < ((i - hole) & t->mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct slot){0, 0};
	t->n--;
}

static void give_back(struct map *m)
{
	size_t at = m->left * sizeof(struct slot);

	/* Untouched mapped pages read as zeroes again, which is what empty slots are. */
	if (table_bytes(&m->old) >= MAP_MAPPED && at % MAP_GIVE_BACK == 0)
		(void)madvise((char *)m->old.slots + at, MAP_GIVE_BACK, MADV_DONTNEED);
}

static void move_some(struct map *m, size_t slots)
{
	if (!m->old.slots)
		return;
	for (; slots && m->left; slots--) {
		struct slot *s = &m->old.slots[m->left - 1];

		/* More than once only at the very end of the table, where entries come round from its start. */
		while (s->key) {
			struct slot moved = *s;

			take_out(m, &m->old, m->left - 1);
			insert(m, &m->now, moved.key, moved.value);
		}
		m->left--;
		give_back(m);
	}
	if (!m->left)
		table_free(&m->old);
}

static void resize(struct map *m, size_t slots)
{
	move_some(m, SIZE_MAX); /* by the step's size there is nothing left; correct even if there were */
	m->old = m->now;
	m->left = m->old.mask + 1;
	m->now = table_new(slots);
}

struct map *map_new(void)
{
	struct map *m = xnew(struct map);

	m->seed[0] = rng_u64();
	m->seed[1] = rng_u64() | 1;
	m->now = table_new(MAP_MIN);
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	table_free(&m->now);
	table_free(&m->old);
	free(m);
}

size_t map_count(const struct map *m) { return m->now.n + m->old.n + m->has_zero; }

bool map_get(const struct map *m, uint64_t key, uint64_t *value)
{
	const struct slot *s;

	if (!key) {
		if (m->has_zero && value)
			*value = m->zero;
		return m->has_zero;
	}
	s = find(m, &m->now, key);
	if (!s)
		s = find(m, &m->old, key);
	if (s && value)
		*value = s->value;
	return s != NULL;
}

void map_set(struct map *m, uint64_t key, uint64_t value)
{
	struct slot *s;

	if (!key) {
		m->zero = value;
		m->has_zero = true;
		return;
	}
	move_some(m, MAP_STEP);
	s = find(m, &m->now, key);
	if (!s)
		s = find(m, &m->old, key);
	if (s) {
		s->value = value;
		return;
	}
	/* Full at three quarters. */
	if ((m->now.n + m->old.n + 1) * 4 > (m->now.mask + 1) * 3)
		resize(m, (m->now.mask + 1) * 2);
	insert(m, &m->now, key, value);
}

bool map_del(struct map *m, uint64_t key, uint64_t *old)
{
	struct table *t = &m->now;
	struct slot *s;

	if (!key) {
		bool had = m->has_zero;

		if (had && old)
			*old = m->zero;
		m->has_zero = false;
		return had;
	}
	move_some(m, MAP_STEP);
	s = find(m, t, key);
	if (!s) {
		t = &m->old;
		s = find(m, t, key);
	}
	if (!s)
		return false;
	if (old)
		*old = s->value;
	take_out(m, t, (size_t)(s - t->slots));
	/* An eighth full: halve, so that a backlog once worked off does not keep its memory. */
	if (!m->old.slots && m->now.mask + 1 > MAP_MIN && m->now.n * 8 < m->now.mask + 1)
		resize(m, (m->now.mask + 1) / 2);
	return true;
}

static bool each(const struct table *t, bool (*fn)(void *ctx, uint64_t key, uint64_t value), void *ctx)
{
	size_t seen = 0;

	for (size_t i = 0; seen < t->n; i++) {
		if (!t->slots[i].key)
			continue;
		seen++;
		if (!fn(ctx, t->slots[i].key, t->slots[i].value))
			return false;
	}
	return true;
}

void map_each(const struct map *m, bool (*fn)(void *ctx, uint64_t key, uint64_t value), void *ctx)
{
	if (m->has_zero && !fn(ctx, 0, m->zero))
		return;
	if (each(&m->now, fn, ctx))
		(void)each(&m->old, fn, ctx);
}
