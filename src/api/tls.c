/* tls.c - certificates from PEM files (tls.h). */
#include "api/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 16

struct certificate {
	struct certificate *older;
	gnutls_datum_t chain_pem, key_pem; /* to tell whether a file changed */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned chain_count;
	gnutls_privkey_t key;
};
struct tls {
	char *chain_file, *key_file;
	struct certificate *_Atomic current; /* the newest; the older ones behind it */
};

static void wipe(gnutls_datum_t *d)
{
	if (d->data)
		gnutls_memset(d->data, 0, d->size);
	gnutls_free(d->data);
	*d = (gnutls_datum_t){NULL, 0};
}

void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->chain_count; i++)
		gnutls_pcert_deinit(&c->chain[i]);
	if (c->key)
		gnutls_privkey_deinit(c->key);
	wipe(&c->chain_pem);
	wipe(&c->key_pem);
	free(c);
}

static int read_file(const char *name, gnutls_datum_t *ret, struct err *e)
{
	int r = gnutls_load_file(name, ret);

	return r < 0 ? err_set(e, -EINVAL, "%s: cannot be read", name) : 0;
}

/* GnuTLS checks that key and certificate belong together when both go into credentials; that is what these are for. */
static int check_pair(const struct tls *t, const struct certificate *c, struct err *e)
{
	gnutls_certificate_credentials_t cred;
	int r = gnutls_certificate_allocate_credentials(&cred);

	if (r < 0)
		return err_set(e, -ENOMEM, "%s: %s", t->chain_file, gnutls_strerror(r));
	r = gnutls_certificate_set_x509_key_mem(cred, &c->chain_pem, &c->key_pem, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(cred);
	return r < 0 ? err_set(e, -EINVAL, "%s with %s: %s", t->chain_file, t->key_file, gnutls_strerror(r)) : 0;
}

static int parse(const struct tls *t, struct certificate *c, struct err *e)
{
	unsigned n = CHAIN_MAX;
	int r = check_pair(t, c, e);

	if (r < 0)
		return r;
	r = gnutls_pcert_list_import_x509_raw(c->chain, &n, &c->chain_pem, GNUTLS_X509_FMT_PEM, 0);
	if (r < 0)
		return err_set(e, -EINVAL, "%s: %s", t->chain_file, gnutls_strerror(r));
	c->chain_count = n;
	r = gnutls_privkey_init(&c->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(c->key, &c->key_pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	return r < 0 ? err_set(e, -EINVAL, "%s: %s", t->key_file, gnutls_strerror(r)) : 0;
}

static bool same(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

int tls_read(const struct tls *t, struct certificate **ret, struct err *e)
{
	struct certificate *c = xnew(struct certificate), *now = atomic_load(&t->current);
	int r = read_file(t->chain_file, &c->chain_pem, e);

	if (!r)
		r = read_file(t->key_file, &c->key_pem, e);
	if (!r && now && same(&now->chain_pem, &c->chain_pem) && same(&now->key_pem, &c->key_pem)) {
		certificate_free(c);
		*ret = NULL;
		return 0;
	}
	if (!r)
		r = parse(t, c, e);
	if (r < 0)
		certificate_free(c);
	else
		*ret = c;
	return r;
}

void tls_use(struct tls *t, struct certificate *take)
{
	if (!take)
		return;
	take->older = atomic_load(&t->current);
	atomic_store(&t->current, take);
}

int tls_open(struct tls **ret, const char *certificate, const char *key, struct err *e)
{
	struct tls *t = xnew(struct tls);
	struct certificate *c = NULL;
	int r;

	t->chain_file = xstrdup(certificate);
	t->key_file = xstrdup(key);
	r = tls_read(t, &c, e);
	if (r < 0) {
		tls_close(t);
		return r;
	}
	tls_use(t, c);
	*ret = t;
	return 0;
}

void tls_current(struct tls *t, gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key)
{
	struct certificate *c = atomic_load(&t->current);

	*chain = c->chain;
	*n = c->chain_count;
	*key = c->key;
}

void tls_close(struct tls *t)
{
	struct certificate *c;

	if (!t)
		return;
	c = atomic_load(&t->current);
	while (c) {
		struct certificate *older = c->older;

		certificate_free(c);
		c = older;
	}
	free(t->chain_file);
	free(t->key_file);
	free(t);
}
