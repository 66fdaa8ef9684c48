/* Webhooks over TLS: a certificate nobody vouches for is refused, one from webhooks.ca is taken, names are checked. */
#include "sender_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "unit/certificate.h"

static struct {
	SSL_CTX *ctx;
	int listener, stop_fd, port, requests;
	pthread_t thread;
	char ca[64];
} server;

/* Until the client has sent all that Content-Length promises. */
static bool read_request(SSL *ssl, char *in, size_t size)
{
	size_t n = 0;

	for (;;) {
		int got = SSL_read(ssl, in + n, (int)(size - 1 - n));
		const char *end, *length;

		if (got <= 0)
			return false;
		n += (size_t)got;
		in[n] = '\0';
		end = strstr(in, "\r\n\r\n");
		length = strstr(in, "Content-Length: ");
		if (end && length && (size_t)(end + 4 - in) + (size_t)atoi(length + 16) <= n)
			return true;
	}
}

static void *serve(void *unused)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	struct pollfd fds[] = {{.fd = server.listener, .events = POLLIN}, {.fd = server.stop_fd, .events = POLLIN}};
	char in[16384];

	(void)unused;
	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		int fd = accept(server.listener, NULL, NULL);
		SSL *ssl = SSL_new(server.ctx);

		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1 && read_request(ssl, in, sizeof(in))) {
			server.requests++;
			SSL_write(ssl, answer, sizeof(answer) - 1);
			SSL_shutdown(ssl);
		}
		ERR_clear_error();
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

static int start(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_ANY)}};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = test_certificate(key, "IP:127.0.0.1");
	socklen_t len = sizeof(a);
	FILE *f;
	int fd;

	(void)state;
	server.ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server.ctx, x);
	SSL_CTX_use_PrivateKey(server.ctx, key);
	strcpy(server.ca, "/tmp/pombo-ca-XXXXXX");
	fd = mkstemp(server.ca);
	f = fdopen(fd, "w");
	PEM_write_X509(f, x);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	server.stop_fd = eventfd(0, 0);
	if (bind(server.listener, (struct sockaddr *)&a, len) < 0 || listen(server.listener, 16) < 0 ||
	    getsockname(server.listener, (struct sockaddr *)&a, &len) < 0)
		return -1;
	server.port = ntohs(a.sin_port);
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int stop(void **state)
{
	uint64_t one = 1;

	(void)state;
	if (write(server.stop_fd, &one, sizeof(one)) != sizeof(one))
		return -1;
	pthread_join(server.thread, NULL);
	SSL_CTX_free(server.ctx);
	close(server.listener);
	close(server.stop_fd);
	unlink(server.ca);
	return 0;
}

static struct hook_call *call(const char *host, char *ca)
{
	char *allow[] = {(char[]){"127.0.0.0/8"}, (char[]){"::1"}};
	struct settings s = settings_for(30000, 4, 4);
	struct hook_call *c;

	s.webhooks.allow = allow;
	s.webhooks.allow_count = COUNT_OF(allow);
	s.webhooks.ca = ca;
	open_sender(&s);
	point(1, "https://%s:%d/", host, server.port);
	send_calls(1, 1);
	c = wait_one();
	sender_close(sender);
	sender = NULL;
	print_message("# %s ca=%d: %d %s\n", host, ca != NULL, c->status, c->why);
	return c;
}

static void an_unknown_certificate_is_refused(void **state)
{
	struct hook_call *c = call("127.0.0.1", NULL);

	(void)state;
	assert_false(c->ok);
	assert_int_equal(c->status, 0);
	assert_non_null(strstr(c->why, "certificate"));
	assert_int_equal(server.requests, 0);
	call_free(c);
}

static void a_certificate_of_webhooks_ca_is_taken(void **state)
{
	struct hook_call *c = call("127.0.0.1", server.ca);

	(void)state;
	assert_true(c->ok);
	assert_int_equal(c->status, 200);
	assert_int_equal(server.requests, 1);
	call_free(c);
}

static void the_name_must_fit(void **state)
{
	struct hook_call *c = call("localhost", server.ca);

	(void)state;
	assert_false(c->ok);
	assert_int_equal(c->status, 0);
	assert_int_equal(server.requests, 1);
	call_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_certificate_is_refused),
		cmocka_unit_test(a_certificate_of_webhooks_ca_is_taken),
		cmocka_unit_test(the_name_must_fit),
	};
	log_setup(LOG_ERROR, LOG_TEXT);
	signal(SIGPIPE, SIG_IGN); /* as the program does; both ends write to connections the other has left */
	return cmocka_run_group_tests(tests, start, stop);
}
