/* arrival.c - whether an answer has arrived (arrival.h).
 *
 * The library's "completed" means that the kernel took the last octet. A kernel takes megabytes for a client that has read nothing, or has
 * gone; a list consumed then would be lost to it. TCP knows better: the octets the other side has acknowledged (tcpi_bytes_acked).
 *
 *   completed write --arrived?--yes--> consumed
 *                        | no: looked at every few ms, and at the connection's next request
 *                        +--arrived later--> consumed
 *                        +--connection reset, or GIVE_UP_MS--> released
 *
 * To a machine that is near, what was sent has arrived: it fitted into the window that machine offered, and an acknowledgement that is 40 ms
 * late (RFC 1122 section 4.2.3.2 allows 500) would only be 40 ms in which a dying process has its list handed out again.
 *
 * A duplicate of the socket keeps that knowledge when the library closes its own. What a client's machine has acknowledged and its
 * program never read is gone; a proxy in front acknowledges for its client. */
#include "api/arrival.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/server.h"
#include "base/time.h"

#define WAITING_MAX 1024  /* beyond it the completed write is enough */
#define GIVE_UP_MS 30000  /* the lease has ended by itself then */
#define LOOK_MS 2         /* an acknowledgement takes a round trip and at most 40 ms more */
#define LOOK_SLOWLY_MS 25 /* at those that take longer than a second */
#define NEAR_US 5000      /* the shortest round trip seen, at most */
#define CLOSED 7          /* TCP_CLOSE of the kernel */

struct arrival {
	struct node node;
	struct request *q; /* whose connection it is; NULL when that has ended, or has a newer one */
	struct lease *lease;
	int fd;        /* ours */
	uint64_t upto; /* octets of the connection that must be acknowledged */
	int64_t since; /* mono ms */
};

static int64_t mono_ms(void) { return mono_us() / 1000; }

void arrivals_init(struct arrivals *w)
{
	pthread_mutex_init(&w->lock, NULL);
	list_init(&w->waiting);
}

static bool tcp_of(int fd, struct tcp_info *ret)
{
	socklen_t n = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &n) && n > offsetof(struct tcp_info, tcpi_min_rtt);
}

static bool has_arrived(const struct tcp_info *now, uint64_t upto)
{
	return now->tcpi_bytes_acked >= upto ||
	       (now->tcpi_state != CLOSED && !now->tcpi_notsent_bytes && now->tcpi_min_rtt <= NEAR_US);
}

/* What will have been acknowledged when everything written so far is. false: nothing is under way, or nothing is known. */
static bool under_way(int fd, uint64_t *upto)
{
	struct tcp_info before, after;
	int queued;

	for (int i = 0; i < 8; i++) {
		if (!tcp_of(fd, &before) || ioctl(fd, SIOCOUTQ, &queued) < 0 || !tcp_of(fd, &after))
			return false;
		*upto = before.tcpi_bytes_acked + (uint64_t)queued;
		if (before.tcpi_bytes_acked == after.tcpi_bytes_acked)
			break;
	}
	return !has_arrived(&after, *upto);
}

/* Takes it off the list and frees it. Under the lock. */
static void settle(struct api *a, struct arrival *r, bool arrived)
{
	list_remove(&a->arrivals.waiting, &r->node);
	if (r->q)
		atomic_store(&r->q->arrival, NULL);
	if (arrived)
		lease_consume(a->engine, r->lease, NULL, NULL);
	else
		lease_release(a->engine, r->lease);
	close(r->fd);
	free(r);
}

static void look_at(struct api *a, struct arrival *r)
{
	struct tcp_info now;

	if (!tcp_of(r->fd, &now) || has_arrived(&now, r->upto))
		settle(a, r, true);
	else if (now.tcpi_state == CLOSED || mono_ms() - r->since >= GIVE_UP_MS)
		settle(a, r, false);
}

void arrival_expect(struct request *q, struct lease *take)
{
	struct api *a = q->api;
	struct arrival *r;
	uint64_t upto = 0;
	int fd = -1;

	if (!under_way(q->fd, &upto) || (fd = fcntl(q->fd, F_DUPFD_CLOEXEC, 0)) < 0) {
		lease_consume(a->engine, take, NULL, NULL);
		return;
	}
	r = xnew(struct arrival);
	*r = (struct arrival){.q = q, .lease = take, .fd = fd, .upto = upto, .since = mono_ms()};
	pthread_mutex_lock(&a->arrivals.lock);
	/* Of two on one connection only the newer is found by the next request; the other is looked at in its turn. */
	if (atomic_load(&q->arrival))
		atomic_load(&q->arrival)->q = NULL;
	atomic_store(&q->arrival, r);
	list_push(&a->arrivals.waiting, &r->node);
	if (a->arrivals.waiting.count > WAITING_MAX)
		settle(a, OWNER(struct arrival, node, list_first(&a->arrivals.waiting)), true);
	pthread_mutex_unlock(&a->arrivals.lock);
	watch_hurry(a);
}

void arrival_look(struct request *q)
{
	struct api *a = q->api;

	if (!atomic_load_explicit(&q->arrival, memory_order_acquire))
		return;
	pthread_mutex_lock(&a->arrivals.lock);
	if (atomic_load(&q->arrival))
		look_at(a, atomic_load(&q->arrival));
	pthread_mutex_unlock(&a->arrivals.lock);
}

void arrival_forget(struct request *q)
{
	struct api *a = q->api;

	if (!atomic_load_explicit(&q->arrival, memory_order_acquire))
		return;
	pthread_mutex_lock(&a->arrivals.lock);
	if (atomic_load(&q->arrival))
		atomic_load(&q->arrival)->q = NULL;
	atomic_store(&q->arrival, NULL);
	pthread_mutex_unlock(&a->arrivals.lock);
}

int64_t arrivals_look(struct api *a)
{
	struct list *l = &a->arrivals.waiting;
	int64_t wait = 0;
	struct node *newest;

	pthread_mutex_lock(&a->arrivals.lock);
	for (struct node *n = list_first(l), *next; n; n = next) {
		next = list_next(l, n);
		look_at(a, OWNER(struct arrival, node, n));
	}
	newest = list_last(l);
	if (newest)
		wait = mono_ms() - OWNER(struct arrival, node, newest)->since < 1000 ? LOOK_MS : LOOK_SLOWLY_MS;
	pthread_mutex_unlock(&a->arrivals.lock);
	return wait;
}

void arrivals_close(struct api *a, int64_t within_ms)
{
	int64_t until = mono_ms() + within_ms, wait;
	struct node *n;

	while ((wait = arrivals_look(a)) && mono_ms() < until)
		nanosleep(&(struct timespec){.tv_nsec = wait * 1000000}, NULL);
	pthread_mutex_lock(&a->arrivals.lock);
	while ((n = list_first(&a->arrivals.waiting)))
		settle(a, OWNER(struct arrival, node, n), false);
	pthread_mutex_unlock(&a->arrivals.lock);
	pthread_mutex_destroy(&a->arrivals.lock);
}
