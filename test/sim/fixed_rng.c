/* base/rng.h for the simulation: the same numbers in every run, so that a seed replays exactly. Linked instead of base's, which
 * the linker then leaves in its library; what reads randomness here are ids and the seeds of hash maps. */
#include "base/rng.h"

static struct prng kernel = {{1, 2}};

void prng_seed(struct prng *r, uint64_t seed)
{
	/* splitmix64, by Sebastiano Vigna, public domain algorithm: spreads a small seed over the state */
	for (size_t i = 0; i < COUNT_OF(r->s); i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		r->s[i] = z ^ z >> 31;
	}
}

uint64_t prng_u64(struct prng *r)
{
	/* xorshift128+ */
	uint64_t x = r->s[0], y = r->s[1];

	r->s[0] = y;
	x ^= x << 23;
	r->s[1] = x ^ y ^ x >> 18 ^ y >> 5;
	return r->s[1] + y;
}

uint64_t prng_below(struct prng *r, uint64_t n) { return prng_u64(r) % n; }

uint64_t rng_u64(void) { return prng_u64(&kernel); }

void rng_bytes(void *p, size_t n)
{
	unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (unsigned char)rng_u64();
}

/* The simulation's own: called first thing in a run. */
void rng_fix(uint64_t seed);
void rng_fix(uint64_t seed) { prng_seed(&kernel, seed); }
