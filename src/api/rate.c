/* rate.c - token buckets as the generic cell rate algorithm (ITU-T I.371): a bucket is one number, the time at which it would
 * be full again. What lies in the past is a full bucket, which is also what an unknown key has, so forgetting it loses nothing.
 * The table is 8-way set-associative and never allocates; each shard of it has its own lock. */
#include "api/rate.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#include "base/map.h"

#define WAYS 8
#define SHARDS 64
#define SECOND_NS 1000000000

struct bucket {
	uint64_t key;    /* keyed hash, so that nobody can aim at a set; 0 = free */
	int64_t full_ns; /* when it is full again */
};
struct shard {
	alignas(64) pthread_mutex_t lock;
};
struct rate_table {
	struct shard shard[SHARDS];
	size_t mask; /* sets - 1 */
	struct bucket (*set)[WAYS];
};

struct rate_table *rate_new(size_t entries)
{
	struct rate_table *t = aligned_alloc(64, sizeof(*t));
	size_t sets = SHARDS;

	ASSERT(t);
	while (sets * WAYS < entries && sets < (size_t)1 << 30)
		sets *= 2;
	t->mask = sets - 1;
	t->set = xcalloc(sets, sizeof(*t->set));
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_init(&t->shard[i].lock, NULL);
	return t;
}

void rate_free(struct rate_table *t)
{
	if (!t)
		return;
	for (int i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&t->shard[i].lock);
	free(t->set);
	free(t);
}

/* The bucket of that key, or the one to reuse for it. */
static struct bucket *find(struct bucket set[WAYS], uint64_t key)
{
	struct bucket *oldest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].full_ns < oldest->full_ns)
			oldest = &set[i];
	}
	*oldest = (struct bucket){.key = key};
	return oldest;
}

int64_t rate_take(struct rate_table *t, uint64_t key, int64_t per_second, int64_t now_us)
{
	uint64_t h;
	struct shard *sh;
	struct bucket *b;
	int64_t cell, slack, wait, now = now_us * 1000;

	if (per_second <= 0)
		return 0;
	h = hash_bytes(&key, sizeof(key)) | 1;
	cell = MAX(SECOND_NS / per_second, (int64_t)1);
	slack = cell * (MIN(per_second, (int64_t)SECOND_NS) - 1);
	sh = &t->shard[(h >> 1) % SHARDS];
	pthread_mutex_lock(&sh->lock);
	b = find(t->set[(h >> 1) & t->mask], h);
	wait = b->full_ns - slack - now;
	if (wait <= 0) {
		b->full_ns = MAX(b->full_ns, now) + cell;
		wait = 0;
	}
	pthread_mutex_unlock(&sh->lock);
	return wait > 0 ? (wait + 999) / 1000 : 0;
}
