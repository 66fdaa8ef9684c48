/* bloom.h - a Bloom filter over hashes: "certainly not in it", or "perhaps". Of the index's runs, for their idempotency keys alone: those
 * are asked for with each request and nearly never there. */
#pragma once
#include "base/util.h"

struct bloom {
	unsigned char *bits; /* owned; NULL = everything may be in it */
	unsigned log2;       /* of the number of bits */
};
void bloom_make(struct bloom *b, uint64_t keys); /* room for so many; none: no bits */
struct bloom bloom_copy(const struct bloom *b);
void bloom_done(struct bloom *b);
void bloom_add(struct bloom *b, uint64_t h); /* b has bits */
bool bloom_may(const struct bloom *b, uint64_t h);
/* As it is kept: the bits, a power of two of octets, 128 at least. What is of another size is left out, so that all may be in it. */
size_t bloom_bytes(const struct bloom *b);
void bloom_load(struct bloom *b, const void *bits, size_t size);
