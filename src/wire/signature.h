/* signature.h - signing of webhook calls as Standard Webhooks defines it (HMAC-SHA256, "v1"), and hashing of access tokens. */
#pragma once
#include "base/buf.h"

#define SIGNATURE_SECRET 51 /* "whsec_" + base64 of 32 octets + NUL */
struct signature_key {
	unsigned char k[64];
	size_t n;
};
void signature_secret_make(char out[SIGNATURE_SECRET]);
/* "whsec_<base64>" of 24 to 64 octets, as the specification demands. 0, -EINVAL (e says why). */
int signature_key_parse(struct str secret, struct signature_key *ret, struct err *e) MUST;
/* Appends the value of webhook-signature: one "v1,<base64>" a key, blank between them. at_s: seconds since 1970, the value of
 * webhook-timestamp. The id must hold no '.'. */
void signature_sign(struct buf *out, const struct signature_key *keys, size_t n, struct str id, int64_t at_s,
		    struct str body);
/* True when any of the signatures in header fits the key; constant time in the signature. */
bool signature_verify(struct str header, const struct signature_key *key, struct str id, int64_t at_s, struct str body);

/* Access tokens are 256 random bits, so one round of SHA-256 is enough to keep them from being read out of the store. */
#define TOKEN_TEXT 44 /* base64url of 32 octets + NUL */
struct token_hash {
	unsigned char h[32];
};
void token_make(char out[TOKEN_TEXT]);
void token_hash(struct str token, struct token_hash *ret);
bool token_hash_eq(const struct token_hash *a, const struct token_hash *b); /* constant time */
