/* dial.h - from a host of the configuration to a connected socket: look-up with its own bound, non-blocking connect. The caller
 * has a timer over the whole. */
#pragma once
#include "channel/sms/config.h"

struct event;
struct event_base;
struct evdns_base;
struct bufferevent;
struct dial_lookup;
/* The name server's side, one for all dials of a loop; zero it before first use. */
struct dial_dns {
	struct evdns_base *base; /* NULL until a name must be looked up */
	unsigned under_way;      /* look-ups, given up ones included */
	bool doubtful;           /* one failed: the system's settings are read again once none is under way */
	const char *resolv_conf; /* NULL = /etc/resolv.conf */
};
void dial_dns_done(struct dial_dns *d); /* all dials are off */
/* fd >= 0: connected, yours. fd < 0: why says what failed. Called once per dial_start(), possibly before it returns; never after
 * dial_off(). */
typedef void dial_fn(void *ctx, int fd, const char *why);
struct dial {
	struct event_base *base;
	struct dial_dns *dns;
	dial_fn *fn;
	void *ctx;
	unsigned pick; /* which of several addresses */
	uint16_t port;
	struct dial_lookup *lookup;
	struct event *connecting;
	int fd;
};
void dial_start(struct dial *d, const struct sms_host *h, unsigned pick);
void dial_off(struct dial *d);
/* Over a connected socket; takes fd. NULL: TLS could not be set up (fd is closed). */
struct bufferevent *dial_plain(struct event_base *base, int fd);
struct bufferevent *dial_tls(struct event_base *base, int fd, const struct sms_config *set, const struct sms_host *h);
/* Why TLS failed, in words. */
const char *dial_tls_why(struct bufferevent *bev, char *out, size_t size);
