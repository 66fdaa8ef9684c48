/* poller.c - sockets and the timer that curl asks for.
 *
 * A kept connection is used again at once as a rule, so a socket of ours stays registered for reading when curl has no use for it
 * between two requests: that saves two system calls a request. If it does become readable meanwhile (the peer closes it), it is
 * taken out; curl notices by itself before it uses it again. Descriptors that are curl's own (its resolver's) are registered just
 * as it asks, because nobody tells when they are closed. */
#include "webhook/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"

#define EVENTS 256

struct watch {
	uint32_t set;  /* what the kernel watches */
	uint32_t want; /* what curl asked for */
	bool ours;
};

static struct watch *watch_of(struct poller *p, int fd)
{
	size_t n = MAX((size_t)fd + 1, p->fd_count * 2);

	if ((size_t)fd >= p->fd_count) {
		p->fds = xrealloc(p->fds, n, sizeof(*p->fds));
		memset(p->fds + p->fd_count, 0, (n - p->fd_count) * sizeof(*p->fds));
		p->fd_count = n;
	}
	return &p->fds[fd];
}

static void watch_set(struct poller *p, int fd, struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	if (!events) {
		if (w->set)
			(void)epoll_ctl(p->ep, EPOLL_CTL_DEL, fd, NULL);
	} else if (epoll_ctl(p->ep, w->set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) < 0) {
		/* The kernel forgets closed descriptors by itself, and numbers come back: what it says counts. */
		(void)epoll_ctl(p->ep, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
	}
	w->set = events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct poller *p = ctx;
	struct watch *w = watch_of(p, fd);

	(void)easy;
	(void)socket_ctx;
	w->want = what == CURL_POLL_IN      ? (uint32_t)EPOLLIN
		  : what == CURL_POLL_OUT   ? (uint32_t)EPOLLOUT
		  : what == CURL_POLL_INOUT ? (uint32_t)EPOLLIN | (uint32_t)EPOLLOUT
					    : 0;
	if (w->want != w->set && !(w->ours && !w->want && w->set == EPOLLIN))
		watch_set(p, fd, w, w->want);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct poller *p = ctx;

	(void)multi;
	p->timer_us = timeout_ms < 0 ? -1 : mono_us() + (int64_t)timeout_ms * 1000;
	return 0;
}

int poller_open(struct poller *p, int wake_fd, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = wake_fd};

	*p = (struct poller){.ep = epoll_create1(EPOLL_CLOEXEC), .timer_us = -1};
	if (p->ep < 0)
		return err_set(e, -errno, "epoll: %s", strerrordesc_np(errno));
	if (epoll_ctl(p->ep, EPOLL_CTL_ADD, wake_fd, &ev) < 0)
		return err_set(e, -errno, "epoll: %s", strerrordesc_np(errno));
	p->multi = curl_multi_init();
	if (!p->multi)
		return err_set(e, -ENOMEM, "libcurl: no multi handle");
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	return 0;
}

void poller_close(struct poller *p)
{
	curl_multi_cleanup(p->multi);
	if (p->ep > 0)
		close(p->ep);
	free(p->fds);
	*p = (struct poller){.ep = -1, .timer_us = -1};
}

int poller_socket(struct poller *p, int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	*watch_of(p, fd) = (struct watch){.ours = true};
	return fd;
}

int poller_closed(void *ctx, curl_socket_t fd)
{
	struct poller *p = ctx;

	*watch_of(p, fd) = (struct watch){0};
	return close(fd);
}

static void serve(struct poller *p, const struct epoll_event *ev)
{
	int fd = ev->data.fd, flags = 0, running;

	if ((size_t)fd >= p->fd_count || !p->fds[fd].set)
		return; /* the wake descriptor, or one closed earlier in this turn */
	if (!p->fds[fd].want) {
		watch_set(p, fd, &p->fds[fd], 0);
		return;
	}
	if (ev->events & EPOLLIN)
		flags |= CURL_CSELECT_IN;
	if (ev->events & EPOLLOUT)
		flags |= CURL_CSELECT_OUT;
	if (ev->events & (EPOLLERR | EPOLLHUP))
		flags |= CURL_CSELECT_ERR;
	curl_multi_socket_action(p->multi, fd, flags, &running);
}

void poller_turn(struct poller *p, int64_t wait_ms)
{
	struct epoll_event events[EVENTS];
	int64_t left;
	int n, running;

	if (p->timer_us >= 0) {
		left = (p->timer_us - mono_us() + 999) / 1000;
		left = MAX(left, 0);
		wait_ms = wait_ms < 0 ? left : MIN(wait_ms, left);
	}
	n = epoll_wait(p->ep, events, EVENTS, (int)MIN(wait_ms, 3600000));
	for (int i = 0; i < n; i++)
		serve(p, &events[i]);
	if (p->timer_us >= 0 && p->timer_us <= mono_us()) {
		p->timer_us = -1;
		curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}
