/* SMPP over TLS with a certificate made here: verified against tls_ca and the host's name, TLS 1.2 at least, SNI. */
#include "world.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/certificate.h"

static char ca[] = "/tmp/pombo-sms-tls-XXXXXX";
static char sni[100];
static EVP_PKEY *key;
static X509 *certificate, *other; /* the other one is for another host */

static int set_up(void **state)
{
	FILE *f;

	(void)state;
	key = EVP_EC_gen("P-256");
	certificate = test_certificate(key, "DNS:localhost,IP:127.0.0.1");
	other = test_certificate(key, "DNS:smsc.example.com,IP:127.0.0.9");
	f = fdopen(mkstemp(ca), "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, certificate), 1);
	assert_int_equal(PEM_write_X509(f, other), 1);
	fclose(f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(ca);
	X509_free(certificate);
	X509_free(other);
	EVP_PKEY_free(key);
	return 0;
}

static int on_sni(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert, (void)arg;
	snprintf(sni, sizeof(sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_use_certificate(ctx, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_sni);
	sni[0] = '\0';
	return ctx;
}

/* The plain SMSC of world_setup() stays unused. */
static struct world *start(SSL_CTX *ctx, const char *host)
{
	struct world *w = xnew(struct world);

	world_setup(w);
	smsc_open(&w->second, loop_base(w->loop), ctx);
	free(w->urls[0]);
	w->urls[0] = smsc_url(&w->second, "smpps", host);
	w->conn.tls_ca = ca;
	w->conn.timers.bind_ms = 2000;
	return w;
}

static void finish(struct world *w)
{
	SSL_CTX_free(w->second.tls);
	world_end(w);
	free(w);
}

static void verified_by_address(void **state)
{
	struct world *w = start(server_context(), "127.0.0.1");

	(void)state;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_ACCEPTED);
	assert_string_equal(sni, "");
	assert_true(world_logged(w, "to=tls"));
	finish(w);
}

static void verified_by_name_which_is_sent(void **state)
{
	struct world *w = start(server_context(), "localhost");

	(void)state;
	world_bound(w);
	assert_string_equal(sni, "localhost");
	finish(w);
}

static void an_unknown_certificate_is_refused(void **state)
{
	struct world *w = start(server_context(), "127.0.0.1");

	(void)state;
	w->conn.tls_ca = NULL; /* the system's */
	world_open(w);
	WAIT_FOR(w, world_logged(w, "certificate: self-signed certificate"));
	assert_int_equal(w->second.binds, 0); /* no password went there */
	finish(w);
}

static void another_name_is_refused_unless_nothing_is_verified(void **state)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost"};
	struct world *w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		SSL_CTX *ctx = server_context();

		assert_int_equal(SSL_CTX_use_certificate(ctx, other), 1);
		w = start(ctx, hosts[i]);
		world_open(w);
		WAIT_FOR(w, world_logged(w, i ? "hostname mismatch" : "IP address mismatch"));
		assert_int_equal(w->second.binds, 0);
		finish(w);
	}
	w = start(server_context(), "127.0.0.1");
	w->conn.tls_ca = NULL;
	w->conn.tls_verify = false;
	world_bound(w);
	finish(w);
}

static void old_versions_are_refused(void **state)
{
	SSL_CTX *ctx = server_context();
	struct world *w;

	(void)state;
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	w = start(ctx, "127.0.0.1");
	world_open(w);
	WAIT_FOR(w, world_logged(w, "to=backoff"));
	assert_int_equal(w->second.binds, 0);
	finish(w);
}

static void plain_behind_a_tls_address_times_out_or_fails(void **state)
{
	struct world *w = start(server_context(), "127.0.0.1");

	(void)state;
	free(w->urls[0]);
	w->urls[0] = smsc_url(&w->smsc, "smpps", "127.0.0.1");
	w->conn.timers.bind_ms = 100;
	world_open(w);
	WAIT_FOR(w, w->smsc.link_count >= 2);
	assert_int_equal(w->smsc.binds, 0);
	finish(w);
}

static void a_lost_tls_link_is_doubt(void **state)
{
	struct world *w = start(server_context(), "127.0.0.1");

	(void)state;
	w->second.mute_submits = true;
	world_bound(w);
	world_text(w, 1, "5511999990001", "x", 1);
	WAIT_FOR(w, w->second.pdu_count == 1);
	smsc_drop(&w->second, 0);
	WAIT_FOR(w, w->result_count == 1);
	assert_int_equal(w->results[0]->verdict, V_DOUBT);
	WAIT_FOR(w, w->second.link_count == 2 && w->up);
	finish(w);
}

static void long_traffic(void **state)
{
	struct world *w = start(server_context(), "127.0.0.1");
	char *text = repeat('a', 1000);

	(void)state;
	w->conn.window = 200;
	world_bound(w);
	for (int i = 1; i <= 200; i++)
		world_text(w, i, "5511999990001", text, 7);
	WAIT_FOR(w, w->result_count == 1400);
	assert_int_equal(results_with(w, V_ACCEPTED), 1400);
	free(text);
	finish(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verified_by_address),
		cmocka_unit_test(verified_by_name_which_is_sent),
		cmocka_unit_test(an_unknown_certificate_is_refused),
		cmocka_unit_test(another_name_is_refused_unless_nothing_is_verified),
		cmocka_unit_test(old_versions_are_refused),
		cmocka_unit_test(plain_behind_a_tls_address_times_out_or_fails),
		cmocka_unit_test(a_lost_tls_link_is_doubt),
		cmocka_unit_test(long_traffic),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
