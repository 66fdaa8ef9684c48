/* rng.h - random numbers: the kernel's for what must not be guessed, a seeded one for jitter and simulation. */
#pragma once
#include "base/util.h"

void rng_bytes(void *p, size_t n); /* getrandom, buffered per thread; ends the process if the kernel has none */
uint64_t rng_u64(void);
struct prng {
	uint64_t s[2];
};
void prng_seed(struct prng *r, uint64_t seed);
uint64_t prng_u64(struct prng *r);
uint64_t prng_below(struct prng *r, uint64_t n); /* 0 <= x < n, n > 0 */
