/* worker.c - one HTTP thread (worker.h).
 *
 * The library could run its threads itself. Then whoever ends a wait wakes the connection's thread by a system call, for every
 * single answer: after a commit the engine would make as many as there are requests in the batch, and the thread would wake,
 * answer one and sleep again just as often. Here a batch of answers is one list in a mailbox and one wake-up. */
#include "api/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "api/server.h"

/* Suspended connections whose wait has ended go on at the next run. */
static bool take_back(struct worker *l)
{
	bool some = false;
	struct mail *m;

	while ((m = mailbox_take(l->back)))
		while (m) {
			struct mail *next = m->next; /* once resumed, the request is the library's again */

			MHD_resume_connection(OWNER(struct request, mail, m)->mhd);
			m = next;
			some = true;
		}
	return some;
}

static int wait_ms(struct worker *l)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(l->daemon, &ms) == MHD_YES ? (int)MIN(ms, (MHD_UNSIGNED_LONG_LONG)60000) : -1;
}

static void *run(void *ctx)
{
	struct worker *l = ctx;
	struct pollfd fds[2] = {{.fd = l->poll_fd, .events = POLLIN}, {.fd = mailbox_fd(l->back), .events = POLLIN}};

	while (!atomic_load(&l->end)) {
		bool some = take_back(l);

		if (atomic_load(&l->quiesce) && !atomic_load(&l->quiet)) {
			MHD_quiesce_daemon(l->daemon); /* the socket is closed by who opened it, once all its workers are quiet */
			atomic_store(&l->quiet, true);
		}
		if (!some)
			poll(fds, 2, wait_ms(l));
		MHD_run(l->daemon);
	}
	return NULL;
}

int worker_start(struct worker *l, struct MHD_Daemon *daemon, struct err *e)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int r;

	l->daemon = daemon;
	l->poll_fd = info ? info->epoll_fd : -1;
	l->back = mailbox_new(1); /* no limit needed: each request is in it at most once */
	if (l->poll_fd < 0)
		return err_set(e, -EIO, "http: the server has no epoll");
	r = pthread_create(&l->thread, NULL, run, l);
	if (r)
		return err_set(e, -r, "http: no thread: %s", strerrordesc_np(r));
	pthread_setname_np(l->thread, "http");
	l->runs = true;
	return 0;
}

void worker_resume(struct worker *l, struct request *q) { mailbox_post_always(l->back, &q->mail); }

void worker_quiesce(struct worker *l)
{
	const struct timespec moment = {.tv_nsec = 200000};

	if (!l->runs)
		return;
	atomic_store(&l->quiesce, true);
	mailbox_wake(l->back);
	while (!atomic_load(&l->quiet))
		nanosleep(&moment, NULL);
}

void worker_stop(struct worker *l)
{
	if (l->runs) {
		atomic_store(&l->end, true);
		mailbox_wake(l->back);
		pthread_join(l->thread, NULL);
		l->runs = false;
	}
	if (l->daemon) {
		take_back(l);
		MHD_stop_daemon(l->daemon);
	}
	l->daemon = NULL;
	mailbox_free(l->back);
	l->back = NULL;
}
