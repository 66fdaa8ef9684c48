/* listen.h - listening TCP sockets by "host:port" text. */
#pragma once
#include "base/util.h"

struct listening {
	char address[80]; /* as bound, the port resolved: "127.0.0.1:8080", "[::1]:8080" */
	unsigned port;
	int family; /* AF_INET, AF_INET6 */
};
/* Binds and listens, non-blocking, close-on-exec; of a host with several addresses the first that can be bound. address:
 * "127.0.0.1:2775", "[::1]:0", "localhost:2775", ":2775" (all interfaces, IPv4 and IPv6). Resolves names, so it may block.
 * Returns the descriptor, or -errno, -EINVAL: no address; e begins with name and says the address. */
int listen_tcp(struct listening *ret, const char *name, const char *address, int backlog, struct err *e) MUST;
