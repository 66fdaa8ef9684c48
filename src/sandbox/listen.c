/* listen.c - listening sockets by text. Names are resolved once, at start. */
#include "sandbox/listen.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void sandbox_nodelay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int split_address(const char *address, char *host, size_t size, const char **port)
{
	const char *colon = strrchr(address, ':');
	struct str h;
	int64_t number;

	if (!colon || str_i64(str_of(colon + 1), 0, 65535, &number) < 0)
		return -EINVAL;
	h = (struct str){address, (size_t)(colon - address)};
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = (struct str){h.p + 1, h.n - 2};
	*port = colon + 1;
	return str_copy(host, size, h) ? 0 : -EINVAL;
}

static int bind_one(const struct addrinfo *ai)
{
	int one = 1, fd, r;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 256) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static void print_bound(int fd, char *out, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	char host[64], port[16];

	*out = '\0';
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	    getnameinfo((struct sockaddr *)&ss, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(out, size, ss.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int sandbox_listen(const char *name, const char *address, char *bound, size_t size, struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
	char host[256];
	const char *port;
	int fd = -EADDRNOTAVAIL, r;

	if (split_address(address, host, sizeof(host), &port) < 0)
		return err_set(e, -EINVAL, "%s: %s: must be host:port", name, address);
	r = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (r != 0)
		return err_set(e, -EINVAL, "%s: %s: %s", name, address, gai_strerror(r));
	for (struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = bind_one(ai);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(e, fd, "%s: %s: %s", name, address, strerror(-fd));
	print_bound(fd, bound, size);
	return fd;
}
