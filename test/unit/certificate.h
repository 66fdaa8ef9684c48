/* certificate.h - certificates made by the tests themselves. */
#pragma once
#include <openssl/x509v3.h>

#include "base/util.h"

/* Signed with its own key and good for an hour; names: "DNS:localhost,IP:127.0.0.1". Free it. */
static inline X509 *test_certificate(EVP_PKEY *key, const char *names)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *san;
	X509V3_CTX v3;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)names, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509V3_set_ctx_nodb(&v3);
	X509V3_set_ctx(&v3, x, x, NULL, NULL, 0);
	san = X509V3_EXT_conf_nid(NULL, &v3, NID_subject_alt_name, names);
	X509_add_ext(x, san, -1);
	X509_EXTENSION_free(san);
	ASSERT(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}
