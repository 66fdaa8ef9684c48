/* dial.c - look-up, connect, TLS. */
#include "channel/sms/dial.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define DNS_TIMEOUT_S "3"
#define DNS_ATTEMPTS "2"

/* An answer may come after the dial was given up, even after its owner's end: evdns calls back for cancelled ones too. */
struct dial_lookup {
	struct dial *owner; /* NULL: given up */
	struct dial_dns *dns;
	struct evdns_getaddrinfo_request *request;
};

static void fail(struct dial *d, const char *what, int error)
{
	const char *text = strerrordesc_np(error); /* not translated, no shared buffer */
	char why[120];

	snprintf(why, sizeof(why), "%s: %s", what, text ? text : "error");
	d->fn(d->ctx, -1, why);
}

static void connected(evutil_socket_t fd, short what, void *ctx)
{
	struct dial *d = ctx;
	int error = 0;
	socklen_t n = sizeof(error);

	(void)what;
	event_free(d->connecting);
	d->connecting = NULL;
	d->fd = -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error) {
		close(fd);
		fail(d, "connect", error);
		return;
	}
	d->fn(d->ctx, fd, NULL);
}

static void connect_to(struct dial *d, const struct sockaddr *sa, socklen_t n)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0) {
		fail(d, "socket", errno);
		return;
	}
	/* Whole turns are written at once, so waiting for more only delays. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (connect(fd, sa, n) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		fail(d, "connect", error);
		return;
	}
	d->fd = fd;
	d->connecting = event_new(d->base, fd, EV_WRITE, connected, d);
	ASSERT(d->connecting && event_add(d->connecting, NULL) == 0);
}

static void set_port(struct sockaddr *sa, uint16_t port)
{
	if (sa->sa_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)sa)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)(void *)sa)->sin_port = htons(port);
}

static void found(int result, struct evutil_addrinfo *list, void *ctx)
{
	struct dial_lookup *l = ctx;
	struct dial *d = l->owner;
	struct evutil_addrinfo *a = list;
	unsigned n = 0, skip;

	l->dns->under_way--;
	l->dns->doubtful |= result != 0 && result != EVUTIL_EAI_CANCEL;
	free(l);
	if (!d)
		goto out;
	d->lookup = NULL;
	for (; a; a = a->ai_next)
		n++;
	if (result || !n) {
		char why[120];

		snprintf(why, sizeof(why), "look-up: %s", result ? evutil_gai_strerror(result) : "no address");
		d->fn(d->ctx, -1, why);
		goto out;
	}
	for (a = list, skip = d->pick % n; skip; skip--)
		a = a->ai_next;
	set_port(a->ai_addr, d->port);
	connect_to(d, a->ai_addr, (socklen_t)a->ai_addrlen);
out:
	if (list)
		evutil_freeaddrinfo(list);
}

static void on_dns_log(int is_warning, const char *msg)
{
	if (is_warning)
		log_warn("dns", "text=%s", log_quote(str_of(msg)).s);
	else
		log_debug("dns", "text=%s", log_quote(str_of(msg)).s);
}

static bool make_dns(struct dial_dns *d, struct event_base *base)
{
	const char *conf = d->resolv_conf ? d->resolv_conf : "/etc/resolv.conf";

	/* A machine's name servers change while we run. */
	if (d->doubtful && !d->under_way) {
		dial_dns_done(d);
		d->doubtful = false;
	}
	if (d->base)
		return true;
	evdns_set_log_fn(on_dns_log);
	d->base = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (!d->base)
		return false;
	/* Without the file the loopback's name server is assumed, as the resolver of libc does. */
	(void)evdns_base_resolv_conf_parse(d->base, DNS_OPTIONS_ALL, conf);
	(void)evdns_base_set_option(d->base, "timeout:", DNS_TIMEOUT_S);
	(void)evdns_base_set_option(d->base, "attempts:", DNS_ATTEMPTS);
	return true;
}

void dial_dns_done(struct dial_dns *d)
{
	if (d->base)
		evdns_base_free(d->base, 0);
	d->base = NULL;
}

static void look_up(struct dial *d, const char *name)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
	struct dial_lookup *l;
	struct evdns_getaddrinfo_request *request;

	if (!make_dns(d->dns, d->base)) {
		fail(d, "look-up", ENOMEM);
		return;
	}
	l = xnew(struct dial_lookup);
	l->owner = d;
	l->dns = d->dns;
	l->dns->under_way++;
	d->lookup = l;
	request = evdns_getaddrinfo(d->dns->base, name, NULL, &hints, found, l);
	if (request) /* else found() has run, and l is gone */
		l->request = request;
}

void dial_start(struct dial *d, const struct sms_host *h, unsigned pick)
{
	struct sockaddr_storage sa;
	int n = sizeof(sa);

	d->pick = pick;
	d->port = h->port;
	d->fd = -1;
	if (!h->numeric) {
		look_up(d, h->name);
		return;
	}
	if (evutil_parse_sockaddr_port(h->name, (struct sockaddr *)&sa, &n) < 0) {
		fail(d, "address", EINVAL);
		return;
	}
	set_port((struct sockaddr *)&sa, h->port);
	connect_to(d, (struct sockaddr *)&sa, (socklen_t)n);
}

void dial_off(struct dial *d)
{
	if (d->lookup) {
		d->lookup->owner = NULL;
		evdns_getaddrinfo_cancel(d->lookup->request);
		d->lookup = NULL;
	}
	if (d->connecting) {
		event_free(d->connecting);
		close(d->fd);
		d->connecting = NULL;
		d->fd = -1;
	}
}

struct bufferevent *dial_plain(struct event_base *base, int fd)
{
	struct bufferevent *bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);

	ASSERT(bev);
	return bev;
}

struct bufferevent *dial_tls(struct event_base *base, int fd, const struct sms_config *set, const struct sms_host *h)
{
	SSL *ssl = SSL_new(set->tls);
	X509_VERIFY_PARAM *param = ssl ? SSL_get0_param(ssl) : NULL;
	struct bufferevent *bev = NULL;
	bool ok = param != NULL;

	if (ok && set->tls_verify)
		ok = h->numeric ? X509_VERIFY_PARAM_set1_ip_asc(param, h->name) == 1 : SSL_set1_host(ssl, h->name) == 1;
	if (ok && !h->numeric)
		ok = SSL_set_tlsext_host_name(ssl, h->name) == 1;
	if (ok)
		bev = bufferevent_openssl_socket_new(base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
						     BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!bev) {
		SSL_free(ssl);
		close(fd);
		return NULL;
	}
	/* Many SMSCs just close; that must not look different from the same over plain TCP. */
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

const char *dial_tls_why(struct bufferevent *bev, char *out, size_t size)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	long verify = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
	unsigned long code = bufferevent_get_openssl_error(bev);

	if (verify != X509_V_OK)
		snprintf(out, size, "certificate: %s", X509_verify_cert_error_string(verify));
	else if (code)
		snprintf(out, size, "tls: %s", ERR_reason_error_string(code) ? ERR_reason_error_string(code) : "error");
	else
		snprintf(out, size, "tls: closed by the peer");
	return out;
}
