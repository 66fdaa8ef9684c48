/* hash.c - SipHash-2-4 of bytes: peers choose what is hashed, so the key is secret. */
#include "base/map.h"

#include <pthread.h>
#include <sodium/crypto_shorthash.h>
#include <string.h>

#include "base/rng.h"

static struct hash_key process_key;
static pthread_once_t process_key_made = PTHREAD_ONCE_INIT;

static void make_key(void) { rng_bytes(&process_key, sizeof(process_key)); }

uint64_t hash_keyed(const struct hash_key *k, const void *p, size_t n)
{
	unsigned char out[crypto_shorthash_BYTES] = {0};
	uint64_t v = 0;

	_Static_assert(sizeof(k->k) == crypto_shorthash_KEYBYTES, "key size");
	crypto_shorthash(out, n ? p : out, n, k->k);
	/* Little endian by definition: values kept on disk are the same on every machine. */
	for (size_t i = sizeof(out); i-- > 0;)
		v = v << 8 | out[i];
	return v;
}

uint64_t hash_bytes(const void *p, size_t n)
{
	pthread_once(&process_key_made, make_key);
	return hash_keyed(&process_key, p, n);
}
