/* fixture_client.c - a client on raw sockets, plain or with TLS, for the tests of the API (fixture.h). */
#include "fixture.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval ten = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof(ten));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ten, sizeof(ten));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

struct client client_open(const struct fixture *f)
{
	return (struct client){.fd = dial(api_port(f->api, 0))};
}

struct client client_open_tls(const struct fixture *f, unsigned listener, const char *priorities, bool *ok)
{
	struct client c = {.fd = dial(api_port(f->api, listener))};
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	int r;

	assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
	assert_int_equal(gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
	assert_int_equal(gnutls_priority_set_direct(s, priorities, NULL), 0);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(s, c.fd);
	do {
		r = gnutls_handshake(s);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	*ok = r == 0;
	c.tls = s;
	c.credentials = cred;
	return c;
}

void client_close(struct client *c)
{
	if (c->tls) {
		gnutls_deinit(c->tls);
		gnutls_certificate_free_credentials(c->credentials);
	}
	close(c->fd);
	buf_done(&c->in);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

void client_send(struct client *c, const char *p, size_t n)
{
	while (n) {
		ssize_t r = c->tls ? gnutls_record_send(c->tls, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);

		if (r <= 0)
			return; /* the server has closed; what it said is read later */
		p += r;
		n -= (size_t)r;
	}
}

void client_puts(struct client *c, const char *z) { client_send(c, z, strlen(z)); }

/* Octets added, 0 at the end, -1 after 10 s. */
static ssize_t more(struct client *c)
{
	char *to = buf_space(&c->in, 65536);
	ssize_t r;

	assert_non_null(to);
	r = c->tls ? gnutls_record_recv(c->tls, to, 65536) : recv(c->fd, to, 65536, 0);
	if (r > 0)
		c->in.n += (size_t)r;
	return r;
}

static size_t length_of(struct str head)
{
	const struct answer a = {.head = head};
	const char *n = answer_header(&a, "Content-Length");

	return n ? strtoul(n, NULL, 10) : 0;
}

static struct answer read_answer(struct client *c, bool head_only)
{
	struct answer a = {0};
	const char *end;
	size_t head, body;

	while (!(end = c->in.n ? memmem(c->in.p, c->in.n, "\r\n\r\n", 4) : NULL))
		if (more(c) <= 0)
			return a;
	head = (size_t)(end - c->in.p) + 4;
	if (sscanf(buf_cstr(&c->in), "HTTP/1.%*d %d", &a.status) != 1)
		return a;
	if (a.status == 100) {
		buf_consume(&c->in, head);
		return read_answer(c, head_only);
	}
	body = head_only ? 0 : length_of((struct str){c->in.p, head});
	while (c->in.n < head + body)
		if (more(c) <= 0)
			return (struct answer){0};
	static struct buf kept;

	buf_clear(&kept);
	buf_put(&kept, c->in.p, head + body);
	buf_consume(&c->in, head + body);
	a.head = (struct str){kept.p, head};
	a.body = (struct str){kept.p + head, body};
	return a;
}

struct answer client_read(struct client *c)
{
	struct answer a = read_answer(c, false);

	if (!a.status)
		print_error("no answer, but: %s\n", buf_cstr(&c->in));
	assert_int_not_equal(a.status, 0);
	return a;
}

struct answer client_read_head(struct client *c)
{
	struct answer a = read_answer(c, true);

	assert_int_not_equal(a.status, 0);
	return a;
}

bool client_eof(struct client *c)
{
	size_t had = c->in.n;

	while (more(c) > 0)
		;
	return c->in.n == had && !had;
}

const char *answer_header(const struct answer *a, const char *name)
{
	static char value[256];
	size_t n = strlen(name);
	const char *p = a->head.p, *end = p + a->head.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
		if ((size_t)(end - p) > n && !strncasecmp(p, name, n) && p[n] == ':') {
			const char *cr = memchr(p, '\r', (size_t)(end - p));

			p += n + 1;
			while (*p == ' ')
				p++;
			str_copy(value, sizeof(value), (struct str){p, (size_t)(cr - p)});
			return value;
		}
	}
	return NULL;
}

const char *answer_text_of(const struct answer *a)
{
	static struct buf b;

	buf_clear(&b);
	buf_str(&b, a->body);
	return buf_cstr(&b);
}

bool answer_has(const struct answer *a, const char *text)
{
	bool has = a->body.n && memmem(a->body.p, a->body.n, text, strlen(text));

	if (!has)
		print_error("not there: %s\nin: %s\n", text, answer_text_of(a));
	return has;
}

static const char *token_of(const char *user)
{
	static char token[64];

	snprintf(token, sizeof(token), "t-%s", !strcmp(user, "Maria da Silva") ? "maria" : user);
	return token;
}

struct answer ask(const struct fixture *f, struct client *c, const char *method, const char *target,
		  const char *user, const char *headers, const char *body)
{
	struct buf b = BUF_INIT;
	struct answer a;

	(void)f;
	buf_fmt(&b, "%s %s HTTP/1.1\r\nHost: x\r\n", method, target);
	if (user)
		buf_fmt(&b, "username: %s\r\nauthenticationtoken: %s\r\n", user, token_of(user));
	buf_puts(&b, headers);
	if (body)
		buf_fmt(&b, "Content-Length: %zu\r\n", strlen(body));
	buf_puts(&b, "\r\n");
	buf_puts(&b, body ? body : "");
	client_send(c, b.p, b.n);
	buf_done(&b);
	a = read_answer(c, !strcmp(method, "HEAD"));
	assert_int_not_equal(a.status, 0);
	return a;
}

const char *expect_answer(const struct fixture *f, int status, const char *method, const char *target,
			  const char *user, const char *headers, const char *body)
{
	struct client c = client_open(f);
	struct answer a = ask(f, &c, method, target, user, headers, body);
	const char *text = answer_text_of(&a);

	if (a.status != status)
		print_error("%s %s: %d %s\n", method, target, a.status, text);
	assert_int_equal(a.status, status);
	if (status >= 400)
		assert_non_null(strstr(text, "{\"errorCode\":"));
	client_close(&c);
	return text;
}

static void save(const char *file, const gnutls_datum_t *d)
{
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(d->data, 1, d->size, out), d->size);
	assert_int_equal(fclose(out), 0);
}

void write_certificate(const char *certificate_file, const char *key_file, const char *name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
	unsigned char serial[8] = {1};

	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
			 0);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(crt, wall_ms() / 1000 - 3600);
	gnutls_x509_crt_set_expiration_time(crt, wall_ms() / 1000 + 86400);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	save(certificate_file, &pem);
	gnutls_free(pem.data);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
	save(key_file, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

void client_peer_name(struct client *c, char out[64])
{
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(c->tls, &n);
	gnutls_x509_crt_t crt;
	size_t size = 64;

	assert_true(n >= 1);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &size), 0);
	gnutls_x509_crt_deinit(crt);
}
