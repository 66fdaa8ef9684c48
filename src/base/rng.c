/* rng.c - the kernel's random numbers in gulps, since one system call an id costs more than the id; and xoroshiro128++
 * (Blackman, Vigna 2019) where repeatability matters. */
#include "base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define RNG_GULP 1024

static _Thread_local struct {
	unsigned char bytes[RNG_GULP];
	size_t left; /* the last `left` bytes are unused */
} pool;

static void from_kernel(unsigned char *p, size_t n)
{
	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		p += got;
		n -= (size_t)got;
	}
}

void rng_bytes(void *p, size_t n)
{
	unsigned char *at;

	if (n > RNG_GULP / 4) {
		from_kernel(p, n);
		return;
	}
	if (n > pool.left) {
		from_kernel(pool.bytes, RNG_GULP);
		pool.left = RNG_GULP;
	}
	at = pool.bytes + RNG_GULP - pool.left;
	memcpy(p, at, n);
	explicit_bzero(at, n); /* what was handed out is nowhere to be read again */
	pool.left -= n;
}

uint64_t rng_u64(void)
{
	uint64_t v;

	rng_bytes(&v, sizeof(v));
	return v;
}

void prng_seed(struct prng *r, uint64_t seed)
{
	/* splitmix64, as the authors of xoroshiro advise: it never yields two zero words in a row. */
	for (size_t i = 0; i < COUNT_OF(r->s); i++) {
		uint64_t z = seed += 0x9E3779B97F4A7C15u;

		z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
		z = (z ^ z >> 27) * 0x94D049BB133111EBu;
		r->s[i] = z ^ z >> 31;
	}
}

static uint64_t rotl(uint64_t x, int k) { return x << k | x >> (64 - k); }

uint64_t prng_u64(struct prng *r)
{
	uint64_t a = r->s[0], b = r->s[1];
	uint64_t v = rotl(a + b, 17) + a;

	b ^= a;
	r->s[0] = rotl(a, 49) ^ b ^ b << 21;
	r->s[1] = rotl(b, 28);
	return v;
}

uint64_t prng_below(struct prng *r, uint64_t n)
{
	__extension__ typedef unsigned __int128 u128;
	u128 m;

	ASSERT(n > 0);
	m = (u128)prng_u64(r) * n;
	/* Without bias (Lemire 2019): the few low products that would come once too often are drawn again. */
	if ((uint64_t)m < n) {
		uint64_t floor = (0 - n) % n;

		while ((uint64_t)m < floor)
			m = (u128)prng_u64(r) * n;
	}
	return (uint64_t)(m >> 64);
}
