/* signature.c - webhook signatures by the Standard Webhooks specification, and token hashes; the cryptography is libsodium's. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "base/rng.h"
#include "wire/signature.h"

#define PREFIX "whsec_"
#define VERSION "v1,"
#define KEY_MIN 24
#define MAC_TEXT 45 /* base64 of 32 octets and NUL */

void signature_secret_make(char out[SIGNATURE_SECRET])
{
	unsigned char k[32];

	_Static_assert(sizeof(PREFIX) - 1 + MAC_TEXT == SIGNATURE_SECRET, "prefix and base64 of 32 octets");
	rng_bytes(k, sizeof(k));
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	sodium_bin2base64(out + sizeof(PREFIX) - 1, MAC_TEXT, k, sizeof(k), sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(k, sizeof(k));
}

int signature_key_parse(struct str secret, struct signature_key *ret, struct err *e)
{
	const size_t prefix = sizeof(PREFIX) - 1;
	struct signature_key k = {{0}, 0};

	if (secret.n <= prefix || !str_eq((struct str){secret.p, prefix}, STR(PREFIX)))
		return err_set(e, -EINVAL, "a webhook secret starts with " PREFIX);
	/* strict: no blanks, right padding, no stray bits, nothing behind */
	if (sodium_base642bin(k.k, sizeof(k.k), secret.p + prefix, secret.n - prefix, NULL, &k.n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return err_set(e, -EINVAL, "what follows " PREFIX " is not base64 of at most %zu octets", sizeof(k.k));
	if (k.n < KEY_MIN)
		return err_set(e, -EINVAL, "a webhook secret has at least %d octets, this one %zu", KEY_MIN, k.n);
	*ret = k;
	return 0;
}

static void mac(const struct signature_key *key, struct str id, int64_t at_s, struct str body, char out[MAC_TEXT])
{
	crypto_auth_hmacsha256_state st;
	unsigned char m[crypto_auth_hmacsha256_BYTES];
	struct buf head = BUF_INIT;

	buf_putc(&head, '.');
	buf_i64(&head, at_s);
	buf_putc(&head, '.');
	crypto_auth_hmacsha256_init(&st, key->k, key->n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)id.p, id.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)head.p, head.n);
	crypto_auth_hmacsha256_update(&st, (const unsigned char *)body.p, body.n);
	crypto_auth_hmacsha256_final(&st, m);
	sodium_bin2base64(out, MAC_TEXT, m, sizeof(m), sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(&st, sizeof(st));
	buf_done(&head);
}

void signature_sign(struct buf *out, const struct signature_key *keys, size_t n, struct str id, int64_t at_s, struct str body)
{
	char text[MAC_TEXT];

	for (size_t i = 0; i < n; i++) {
		mac(&keys[i], id, at_s, body, text);
		if (i)
			buf_putc(out, ' ');
		buf_puts(out, VERSION);
		buf_puts(out, text);
	}
}

bool signature_verify(struct str header, const struct signature_key *key, struct str id, int64_t at_s, struct str body)
{
	const size_t version = sizeof(VERSION) - 1;
	const char *p = header.p, *end = header.n ? p + header.n : p;
	char want[MAC_TEXT];
	bool good = false;

	mac(key, id, at_s, body, want);
	while (p < end) {
		const char *blank = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((blank ? blank : end) - p);

		if (n == version + MAC_TEXT - 1 && memcmp(p, VERSION, version) == 0)
			good |= sodium_memcmp(p + version, want, MAC_TEXT - 1) == 0;
		p += n + (blank ? 1 : 0);
	}
	return good;
}

void token_make(char out[TOKEN_TEXT])
{
	unsigned char k[32];

	rng_bytes(k, sizeof(k));
	sodium_bin2base64(out, TOKEN_TEXT, k, sizeof(k), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(k, sizeof(k));
}

void token_hash(struct str token, struct token_hash *ret)
{
	_Static_assert(sizeof(ret->h) == crypto_hash_sha256_BYTES, "SHA-256");
	crypto_hash_sha256(ret->h, (const unsigned char *)token.p, token.n);
}

bool token_hash_eq(const struct token_hash *a, const struct token_hash *b)
{
	return sodium_memcmp(a->h, b->h, sizeof(a->h)) == 0;
}
