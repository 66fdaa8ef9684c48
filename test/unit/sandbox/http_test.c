/* http_test.c - the handset over HTTP, replies to the ESME, SMPP over TLS. */
#include "esme.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "unit/certificate.h"
#include "unit/folder.h"

#define JSON "Content-Type: application/json\r\n"
#define LOCAL "Host: 127.0.0.1\r\n"

static struct net net;
static struct esme a;
static char out[1 << 20];

static int start(void **state)
{
	(void)state;
	net_start(&net, NULL);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	net_stop(&net);
	return 0;
}

static int get(const char *path) { return http(&net, "GET", path, NULL, "", out, sizeof(out)); }

static void a_message_is_shown_as_a_telephone_shows_it(void **state)
{
	const struct split_options how = {.join = SPLIT_SAR, .ref = 3, .flash = SPLIT_FLASH_CLASS};
	struct split parts = {0};
	struct smpp_pdu m;
	char text[512] = "";

	(void)state;
	for (int i = 0; i < 30; i++)
		strcat(text, "coração ");
	assert_int_equal(split_text(str_of(text), &how, &parts), 0);
	assert_true(parts.n > 2);
	esme_trx(&a, &net);
	for (unsigned i = parts.n; i-- > 0;) { /* the last one first */
		m = esme_message("5511990000001", "");
		m.registered_delivery = 0;
		split_fill(&parts, i, &m);
		esme_send(&a, &m);
	}
	http_until(&net, "/messages?number=5511990000001", "\"status\":\"delivered\"", out, sizeof(out));
	assert_non_null(strstr(out, text));
	assert_non_null(strstr(out, "\"encoding\":\"UCS2\",\"parts\":4,\"partsArrived\":4"));
	assert_non_null(strstr(out, "\"flash\":true"));
	assert_non_null(strstr(out, "\"shortCode\":\"27182\",\"systemId\":\"pombo\""));
	assert_int_equal(get("/numbers"), 200);
	assert_non_null(strstr(out, "\"number\":\"5511990000001\""));
	split_done(&parts);
	esme_close(&a);
}

static void a_payload_counts_its_parts(void **state)
{
	struct smpp_pdu m = esme_message("5511990000002", "");
	char text[400];

	(void)state;
	memset(text, 'a', sizeof(text));
	m.payload = (struct smpp_octets){(uint8_t *)text, sizeof(text)};
	smpp_mark(&m, SMPP_TLV_MESSAGE_PAYLOAD);
	m.registered_delivery = 0;
	esme_trx(&a, &net);
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, 0);
	http_until(&net, "/messages?number=5511990000002", "\"encoding\":\"GSM\",\"parts\":3,", out, sizeof(out));
	esme_close(&a);
}

static void a_long_reply_comes_in_parts(void **state)
{
	struct smpp_pdu m;
	struct buf text = BUF_INIT;
	struct sms_part part;
	unsigned seen = 0;
	char body[1024], long_text[401];

	(void)state;
	memset(long_text, 'r', 400);
	long_text[400] = '\0';
	esme_trx(&a, &net);
	m = esme_message("5511990000003", "question");
	m.source.ton = SMPP_TON_ABBREVIATED;
	m.registered_delivery = 0;
	esme_send(&a, &m);
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	snprintf(body, sizeof(body), "{\"number\":\"5511990000003\",\"shortCode\":27182,\"text\":\"%s\"}", long_text);
	assert_int_equal(http(&net, "POST", "/reply", NULL, body, out, sizeof(out)), 200);
	while (seen < 3) {
		esme_want(&a, &m, SMPP_DELIVER_SM);
		assert_string_equal(m.source.text, "5511990000003");
		assert_string_equal(m.dest.text, "27182");
		assert_int_equal(m.dest.ton, SMPP_TON_ABBREVIATED);
		sms_read(&m, SPLIT_GSM7EXT, &text, &part);
		assert_true(part.joined);
		assert_int_equal(part.total, 3);
		assert_int_equal(part.seq, ++seen);
		esme_ack(&a, &m, SMPP_ROK);
	}
	assert_string_equal(buf_cstr(&text), long_text);
	http_until(&net, "/messages?number=5511990000003", "\"direction\":\"mo\"", out, sizeof(out));
	http_until(&net, "/messages?number=5511990000003", "\"partsDelivered\":3,\"repeats\":0", out, sizeof(out));
	buf_done(&text);
	esme_close(&a);
}

/* What comes of a reply with 400 letters; parts by their number. */
static unsigned take_parts(unsigned count, bool seen[8], struct smpp_pdu *m)
{
	struct buf text = BUF_INIT;
	struct sms_part part;
	unsigned first = 0;

	memset(seen, 0, 8 * sizeof(*seen));
	for (unsigned i = 0; i < count; i++) {
		esme_want(&a, m, SMPP_DELIVER_SM);
		buf_clear(&text);
		sms_read(m, SPLIT_GSM7EXT, &text, &part);
		first = i ? first : part.seq;
		assert_true(part.seq < 8 && !seen[part.seq]);
		seen[part.seq] = true;
		for (size_t k = 0; k < text.n; k++)
			assert_int_equal(text.p[k], 'r');
		esme_ack(&a, m, SMPP_ROK);
	}
	buf_done(&text);
	return first;
}

static void ask_reply(const char *more)
{
	char body[1024], letters[401];

	memset(letters, 'r', 400);
	letters[400] = '\0';
	snprintf(body, sizeof(body),
		 "{\"number\":\"5511990000004\",\"shortCode\":\"27182\",\"text\":\"%s\"%s}", letters, more);
	assert_int_equal(http(&net, "POST", "/reply", NULL, body, out, sizeof(out)), 200);
}

static void a_reply_goes_as_the_network_is_told(void **state)
{
	struct smpp_pdu m;
	bool seen[8];

	(void)state;
	esme_trx(&a, &net);
	for (int i = 0; i < 20; i++) {
		ask_reply(",\"shuffle\":true");
		assert_int_not_equal(take_parts(3, seen, &m), 1);
		assert_true(seen[1] && seen[2] && seen[3]);
	}
	ask_reply(",\"skip\":2,\"join\":\"udh16\"");
	take_parts(2, seen, &m);
	assert_true(seen[1] && !seen[2] && seen[3]);
	ask_reply(",\"join\":\"sar\",\"shuffle\":true,\"alphabet\":\"gsm7\"");
	take_parts(3, seen, &m);
	assert_true(seen[1] && seen[2] && seen[3]);
	assert_int_equal(m.sar_total, 3);
	ask_reply(",\"join\":\"payload\",\"alphabet\":\"auto\"");
	esme_want(&a, &m, SMPP_DELIVER_SM);
	assert_int_equal(m.payload.n, 400);
	esme_ack(&a, &m, SMPP_ROK);
	ask_reply(",\"alphabet\":\"ucs2\"");
	for (unsigned i = 0; i < 6; i++) {
		esme_want(&a, &m, SMPP_DELIVER_SM);
		assert_int_equal(m.data_coding, 8);
		esme_ack(&a, &m, SMPP_ROK);
	}
	esme_close(&a);
}

static void a_reply_needs_somebody_to_take_it(void **state)
{
	struct net alone;

	(void)state;
	net_start(&alone, NULL);
	assert_int_equal(http(&alone, "POST", "/reply", NULL,
			      "{\"number\":\"1\",\"shortCode\":\"2\",\"text\":\"x\"}", out, sizeof(out)),
			 503);
	assert_non_null(strstr(out, "nobody is bound"));
	net_stop(&alone);
}

static void bad_requests_are_told_why(void **state)
{
	static const struct {
		const char *method, *path, *headers, *body;
		int status;
		const char *says;
	} row[] = {
		{"GET", "/nothing", NULL, "", 404, "no such page"},
		{"POST", "/messages", NULL, "{}", 405, "not here"},
		{"GET", "/messages?limit=0", NULL, "", 400, "limit"},
		{"GET", "/messages?limit=1001", NULL, "", 400, "limit"},
		{"GET", "/messages?since=-1", NULL, "", 400, "since"},
		{"GET", "/messages?since=x", NULL, "", 400, "since"},
		{"GET", "/numbers?limit=x", NULL, "", 400, "limit"},
		{"POST", "/reply", NULL, "{\"number\":\"1\"}", 400, "number, shortCode and text"},
		{"POST", "/reply", NULL, "{\"number\":\"1\",\"shortCode\":\"2\",\"text\":7}", 400, "text"},
		{"POST", "/reply", NULL, "not json", 400, "line 1"},
#define REPLY(more) "{\"number\":\"1\",\"shortCode\":\"2\",\"text\":\"x\"," more "}"
		{"POST", "/reply", NULL, REPLY("\"alphabet\":\"klingon\""), 400, "alphabet"},
		{"POST", "/reply", NULL, REPLY("\"join\":7"), 400, "join"},
		{"POST", "/reply", NULL, REPLY("\"shuffle\":1"), 400, "shuffle"},
		{"POST", "/reply", NULL, REPLY("\"skip\":256"), 400, "skip"},
		{"POST", "/reply", NULL, REPLY("\"skip\":\"1\""), 400, "skip"},
		{"POST", "/reply", LOCAL "Content-Type: text/plain\r\n", "{}", 415, "application/json"},
		{"PUT", "/settings", NULL, "{\"delay\":-1}", 400, "delay"},
		{"PUT", "/settings", NULL, "{\"messages\":1000}", 400, "cannot be changed"},
		{"GET", "/settings", "Host: evil.example\r\n", "", 403, "http_name"},
		{"GET", "/settings", LOCAL "Origin: http://evil.example\r\n", "", 403, "http_name"},
		{"PUT", "/settings", LOCAL JSON "Origin: null\r\n", "{}", 403, "http_name"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		int status = http(&net, row[i].method, row[i].path, row[i].headers, row[i].body, out, sizeof(out));

		if (status != row[i].status || !strstr(out, row[i].says))
			fail_msg("%s %s: %d %s", row[i].method, row[i].path, status, out);
	}
}

static void own_names_are_let_in(void **state)
{
	(void)state;
	assert_int_equal(http(&net, "GET", "/healthz", "Host: localhost:80\r\n", "", out, sizeof(out)), 200);
	assert_int_equal(
		http(&net, "GET", "/healthz", "Host: sandbox\r\nOrigin: http://sandbox\r\n", "", out, sizeof(out)), 200);
	assert_int_equal(http(&net, "GET", "/healthz", "Host: [::1]:80\r\n", "", out, sizeof(out)), 200);
}

static void settings_change_while_it_runs(void **state)
{
	struct smpp_pdu m;

	(void)state;
	assert_int_equal(http(&net, "PUT", "/settings", NULL, "{\"reject\":100,\"delay\":\"1ms\"}", out, sizeof(out)), 200);
	assert_non_null(strstr(out, "\"reject\":100"));
	esme_trx(&a, &net);
	esme_submit(&a, "5511990000001", "x");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_RSUBMITFAIL);
	assert_int_equal(http(&net, "PUT", "/settings", NULL, "{\"reject\":0}", out, sizeof(out)), 200);
	esme_submit(&a, "5511990000001", "x");
	esme_want(&a, &m, SMPP_SUBMIT_SM_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	assert_int_equal(get("/settings"), 200);
	assert_non_null(strstr(out, "\"reject\":0"));
	assert_int_equal(get("/status"), 200);
	assert_non_null(strstr(out, "\"systemId\":\"pombo\""));
	esme_close(&a);
}

static void the_page_is_there_and_strict(void **state)
{
	(void)state;
	assert_int_equal(get("/"), 200);
	assert_non_null(strstr(out, "<title>Handset</title>"));
	assert_int_equal(get("/handset.js"), 200);
	assert_null(strstr(out, "innerHTML"));
	assert_int_equal(get("/handset.css"), 200);
	assert_int_equal(get("/healthz"), 200);
	assert_string_equal(out, "ok\n");
}

/* A key and a certificate of its own for it, in the two files. */
static void write_certificate(const char *certificate, const char *key)
{
	EVP_PKEY *pk = EVP_EC_gen("P-256");
	X509 *x = test_certificate(pk, "DNS:localhost");
	FILE *f;

	f = fopen(certificate, "w");
	PEM_write_X509(f, x);
	fclose(f);
	f = fopen(key, "w");
	PEM_write_PrivateKey(f, pk, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(pk);
}

static void smpp_runs_over_tls(void **state)
{
	char dir[FOLDER_MAX], certificate[96], key[96], set[2][128];
	const char *settings[] = {"smpps=127.0.0.1:0", set[0], set[1], NULL};
	struct smpp_pdu m = {.id = SMPP_BIND_TRANSCEIVER, .seq = 1, .system_id = "tls"};
	struct net secure;
	struct buf b = BUF_INIT;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	uint8_t in[256];
	int fd, n;

	(void)state;
	test_folder(dir, "sandbox");
	snprintf(certificate, sizeof(certificate), "%s/crt", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(set[0], sizeof(set[0]), "certificate=%s", certificate);
	snprintf(set[1], sizeof(set[1]), "key=%s", key);
	write_certificate(certificate, key);
	net_start(&secure, settings);
	fd = dial(sandbox_smpps(secure.sandbox));
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	assert_int_equal(smpp_encode(&m, &b), 0);
	assert_int_equal(SSL_write(ssl, b.p, (int)b.n), (int)b.n);
	n = SSL_read(ssl, in, sizeof(in));
	assert_true(n >= 16);
	assert_int_equal(smpp_decode(in, (size_t)n, &m), 0);
	assert_int_equal(m.id, SMPP_BIND_TRANSCEIVER_RESP);
	assert_int_equal(m.status, SMPP_ROK);
	buf_clear(&b);
	m = (struct smpp_pdu){.id = SMPP_UNBIND, .seq = 2};
	assert_int_equal(smpp_encode(&m, &b), 0);
	assert_int_equal(SSL_write(ssl, b.p, (int)b.n), (int)b.n);
	assert_int_equal(SSL_read(ssl, in, sizeof(in)), 16);
	assert_int_equal(SSL_read(ssl, in, sizeof(in)), 0);
	assert_int_equal(SSL_get_error(ssl, 0), SSL_ERROR_ZERO_RETURN); /* closed with close_notify */
	net_stop(&secure);
	buf_done(&b);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	test_folder_remove(dir);
}

static void faults_at_start_are_told(void **state)
{
	struct sandbox_settings s;
	struct sandbox *x = NULL;
	struct loop *l = loop_new();
	struct err e;

	(void)state;
	sandbox_settings_default(&s);
	str_copy(s.smpp, sizeof(s.smpp), str_of(sandbox_smpp(net.sandbox)));
	assert_int_equal(sandbox_open(&x, l, &s, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "smpp: 127.0.0.1:"));
	strcpy(s.smpp, "no port");
	assert_int_equal(sandbox_open(&x, l, &s, &e), -EINVAL);
	strcpy(s.smpp, "");
	strcpy(s.smpps, "127.0.0.1:0");
	assert_int_equal(sandbox_open(&x, l, &s, &e), -EINVAL);
	assert_non_null(strstr(e.text, "certificate"));
	strcpy(s.certificate, "/nonexistent");
	strcpy(s.key, "/nonexistent");
	assert_int_equal(sandbox_open(&x, l, &s, &e), -EINVAL);
	assert_null(x);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_shown_as_a_telephone_shows_it),
		cmocka_unit_test(a_payload_counts_its_parts),
		cmocka_unit_test(a_long_reply_comes_in_parts),
		cmocka_unit_test(a_reply_goes_as_the_network_is_told),
		cmocka_unit_test(a_reply_needs_somebody_to_take_it),
		cmocka_unit_test(bad_requests_are_told_why),
		cmocka_unit_test(own_names_are_let_in),
		cmocka_unit_test(settings_change_while_it_runs),
		cmocka_unit_test(the_page_is_there_and_strict),
		cmocka_unit_test(smpp_runs_over_tls),
		cmocka_unit_test(faults_at_start_are_told),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
