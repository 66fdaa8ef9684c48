/* bloom.c - four bits a hash, each picked by a multiplication (bloom.h). The hashes are keyed and well mixed already. */
#include "store/bloom.h"

#include <stdlib.h>
#include <string.h>

#define BLOOM_BITS 10 /* a key, rounded up to a power of two in all */
#define LOG2_MIN 10
#define BYTES_MIN ((size_t)1 << (LOG2_MIN - 3))

size_t bloom_bytes(const struct bloom *b) { return (size_t)1 << (b->log2 - 3); }

static uint64_t bloom_bit(const struct bloom *b, uint64_t h, unsigned i)
{
	static const uint64_t odd[] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu, 0xD6E8FEB86659FD93u, 0xA0761D6478BD642Fu};

	return h * odd[i] >> (64 - b->log2);
}

void bloom_add(struct bloom *b, uint64_t h)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t bit = bloom_bit(b, h, i);

		b->bits[bit >> 3] |= (unsigned char)(1u << (bit & 7));
	}
}

bool bloom_may(const struct bloom *b, uint64_t h)
{
	for (unsigned i = 0; b->bits && i < 4; i++) {
		uint64_t bit = bloom_bit(b, h, i);

		if (!(b->bits[bit >> 3] & 1u << (bit & 7)))
			return false;
	}
	return true;
}

void bloom_make(struct bloom *b, uint64_t keys)
{
	*b = (struct bloom){0};
	if (keys == 0)
		return;
	b->log2 = LOG2_MIN;
	while (((uint64_t)1 << b->log2) < keys * BLOOM_BITS)
		b->log2++;
	b->bits = xcalloc(1, bloom_bytes(b));
}

struct bloom bloom_copy(const struct bloom *b)
{
	struct bloom c = {.log2 = b->log2};

	if (b->bits) {
		c.bits = xcalloc(1, bloom_bytes(b));
		memcpy(c.bits, b->bits, bloom_bytes(b));
	}
	return c;
}

void bloom_done(struct bloom *b)
{
	free(b->bits);
	b->bits = NULL;
}

void bloom_load(struct bloom *b, const void *bits, size_t size)
{
	*b = (struct bloom){0};
	if (size < BYTES_MIN || size & (size - 1))
		return;
	b->bits = xcalloc(1, size);
	b->log2 = (unsigned)__builtin_ctzll(size) + 3;
	memcpy(b->bits, bits, size);
}
