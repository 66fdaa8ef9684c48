/* map.h - hash map from u64 to u64 (or a pointer), open addressing, seeded, grows by doubling in small steps so that no
 * single insertion stalls. Not thread-safe. */
#pragma once
#include "base/util.h"

struct map; /* opaque */
struct map *map_new(void);
void map_free(struct map *m); /* NULL ok; does not free the values */
size_t map_count(const struct map *m);
bool map_get(const struct map *m, uint64_t key, uint64_t *value); /* value may be NULL */
void map_set(struct map *m, uint64_t key, uint64_t value);        /* inserts or replaces */
bool map_del(struct map *m, uint64_t key, uint64_t *old);         /* old may be NULL */
/* Visits every entry; the callback must not change the map. Stops when it returns false. */
void map_each(const struct map *m, bool (*fn)(void *ctx, uint64_t key, uint64_t value), void *ctx);

static inline void *map_ptr(const struct map *m, uint64_t key)
{
	uint64_t v;
	return map_get(m, key, &v) ? (void *)(uintptr_t)v : NULL;
}
static inline void map_set_ptr(struct map *m, uint64_t key, void *p)
{
	map_set(m, key, (uint64_t)(uintptr_t)p);
}

/* Keyed 64-bit hash of bytes (SipHash by libsodium's crypto_shorthash); the process-wide key is random. */
uint64_t hash_bytes(const void *p, size_t n);
/* A stable hash for what is stored on disk (same key for ever in one data folder). */
struct hash_key {
	unsigned char k[16];
};
uint64_t hash_keyed(const struct hash_key *k, const void *p, size_t n);
