/* tls.h - a listener's certificate and key, replaceable while handshakes use the old ones. */
#pragma once
#include <gnutls/abstract.h>

#include "base/util.h"

struct tls;         /* one listener's; opaque */
struct certificate; /* one reading of the two files; opaque */
/* TLS 1.2 and 1.3 only, the server's order of ciphers. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/* File names are copied. -EINVAL: unreadable, not PEM, or the key does not belong to the certificate; e names the file. */
int tls_open(struct tls **ret, const char *certificate, const char *key, struct err *e) MUST;
/* Reads the files again; *ret is NULL when nothing changed. Hand it to tls_use() or certificate_free(). */
int tls_read(const struct tls *t, struct certificate **ret, struct err *e) MUST;
void certificate_free(struct certificate *c); /* NULL ok */
/* Handshakes that begin now get take. What they had before stays in memory until tls_close(): GnuTLS keeps pointers to it. */
void tls_use(struct tls *t, struct certificate *take); /* NULL ok */
/* For the certificate call-back; any thread. Borrowed until tls_close(). */
void tls_current(struct tls *t, gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key);
void tls_close(struct tls *t); /* NULL ok; no connection may use it any more */
