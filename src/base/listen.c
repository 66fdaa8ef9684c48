/* listen.c - listening sockets (listen.h). */
#include "base/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	struct str h = {address, colon ? (size_t)(colon - address) : 0};
	int64_t number;

	if (!colon || str_i64(str_of(colon + 1), 0, 65535, &number) < 0)
		return -EINVAL;
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = (struct str){h.p + 1, h.n - 2};
	else if (memchr(h.p, ':', h.n))
		return -EINVAL;
	*port = colon + 1;
	return str_copy(host, size, h) ? 0 : -EINVAL;
}

static int bind_one(const struct addrinfo *ai, int backlog)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, backlog) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int note_address(int fd, struct listening *ret)
{
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);
	char host[64], port[8];

	if (getsockname(fd, (struct sockaddr *)&ss, &n) ||
	    getnameinfo((struct sockaddr *)&ss, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return -EINVAL;
	ret->family = ss.ss_family;
	ret->port = (unsigned)strtoul(port, NULL, 10);
	snprintf(ret->address, sizeof(ret->address), ret->family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}

int listen_tcp(struct listening *ret, const char *name, const char *address, int backlog, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
	char host[256];
	const char *port;
	int fd = -EADDRNOTAVAIL, r;

	if (split_address(address, host, sizeof(host), &port) < 0)
		return err_set(e, -EINVAL, "%s %s: must be host:port", name, address);
	r = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (r != 0)
		return err_set(e, -EINVAL, "%s %s: %s", name, address, gai_strerror(r));
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = bind_one(ai, backlog);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(e, fd, "%s %s: %s", name, address, strerrordesc_np(-fd));
	r = note_address(fd, ret);
	if (r < 0) {
		close(fd);
		return err_set(e, r, "%s %s: no address", name, address);
	}
	return fd;
}
