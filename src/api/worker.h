/* worker.h - one HTTP thread: a daemon of the library that this thread alone runs, and the mailbox by which finished requests come
 * back to it. Internal to the room. */
#pragma once
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mailbox.h"
#include "base/util.h"

struct listener;
struct worker {
	struct listener *listener;
	struct MHD_Daemon *daemon;
	struct mailbox *back; /* struct request.mail: waits that have ended */
	int poll_fd;          /* the library's epoll */
	pthread_t thread;
	bool runs;
	_Atomic bool quiesce, quiet; /* asked to accept no more connections; does so */
	_Atomic bool end;
};

struct request;
/* Runs a daemon made for this worker. The daemon is the worker's from now on, whatever the result. */
int worker_start(struct worker *l, struct MHD_Daemon *daemon, struct err *e) MUST;
void worker_resume(struct worker *l, struct request *q); /* any thread; once for each time that q was suspended */
void worker_quiesce(struct worker *l); /* returns when no connection will be accepted any more */
void worker_stop(struct worker *l);    /* no request may be suspended */
