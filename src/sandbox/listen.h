/* listen.h - listening sockets by "host:port" text. */
#pragma once
#include "base/util.h"

/* Binds and listens, non-blocking, close-on-exec. address: "127.0.0.1:2775", "[::1]:0", "localhost:2775", ":2775" (all
 * interfaces). Returns the descriptor and writes the address as bound; or -errno/-EINVAL, e naming the setting. */
int sandbox_listen(const char *name, const char *address, char *bound, size_t size, struct err *e) MUST;
/* No delay for small writes (TCP_NODELAY); failing is no matter. */
void sandbox_nodelay(int fd);
