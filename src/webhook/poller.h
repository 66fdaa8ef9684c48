/* poller.h - libcurl's multi handle on an epoll set, for one thread. Costs one system call a turn however many calls wait. */
#pragma once
#include <curl/curl.h>
#include "base/util.h"

struct poller {
	int ep;
	CURLM *multi;
	struct watch *fds; /* by descriptor */
	size_t fd_count;
	int64_t timer_us; /* mono; when curl wants to be called, -1 never */
};
/* wake_fd: readable ends a turn's waiting; draining it is the caller's business. 0 or -errno. */
int poller_open(struct poller *p, int wake_fd, struct err *e) MUST;
void poller_close(struct poller *p); /* every easy handle was removed before */
/* Waits at most wait_ms (-1: for ever) for anything to do, and does it. */
void poller_turn(struct poller *p, int64_t wait_ms);
/* A socket for curl; remembered, so that it stays in the epoll set between two requests on it. -errno. */
int poller_socket(struct poller *p, int family, int type, int protocol);
int poller_closed(void *p, curl_socket_t fd); /* CURLOPT_CLOSESOCKETFUNCTION, p: the poller */
