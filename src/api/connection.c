/* connection.c - who may connect, what is connected, and the watch that shuts slow sockets down. The library's own timeout only
 * knows inactivity, and its limit per address counts a proxy as one client; both are done here instead. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "api/server.h"
#include "base/log.h"
#include "base/time.h"

#define WATCH_MS 100

static bool trusted(struct api *a, const struct ip *ip)
{
	bool yes;

	pthread_rwlock_rdlock(&a->settings_lock);
	yes = ip_trusted(ip, a->proxies, a->proxy_count);
	pthread_rwlock_unlock(&a->settings_lock);
	return yes;
}

/* Whoever knocks at a full house knocks often. */
static void say_full(int64_t all)
{
	static _Atomic int64_t said_us;
	int64_t now = mono_us(), last = atomic_load(&said_us);

	if ((!last || now - last > 10000000) && atomic_compare_exchange_strong(&said_us, &last, now))
		log_warn("connection", "refused=\"limit of %lld connections\"", (long long)all);
}

enum MHD_Result connection_accept(void *worker, const struct sockaddr *sa, socklen_t len)
{
	struct api *a = ((struct worker *)worker)->listener->api;
	int64_t all = atomic_load(&a->connections_max), each = atomic_load(&a->connections_per_ip);
	uint64_t from_there = 0;
	struct ip ip;
	size_t count;

	(void)len;
	if (atomic_load(&a->stopping) || !ip_of(sa, &ip))
		return MHD_NO;
	pthread_mutex_lock(&a->connections_lock);
	count = a->connections.count;
	map_get(a->per_address, ip_key(&ip), &from_there);
	pthread_mutex_unlock(&a->connections_lock);
	if (all > 0 && count >= (size_t)all) {
		say_full(all);
		return MHD_NO;
	}
	return each <= 0 || from_there < (uint64_t)each || trusted(a, &ip) ? MHD_YES : MHD_NO;
}

static void started(struct worker *l, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *address = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const union MHD_ConnectionInfo *socket = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct request *q = xnew(struct request);
	struct api *a = l->listener->api;
	uint64_t n = 0;

	q->api = a;
	q->worker = l;
	q->mhd = mhd;
	q->fd = socket ? socket->connect_fd : -1;
	atomic_store(&q->refs, 1);
	if (!address || !ip_of(address->client_addr, &q->peer))
		memset(&q->peer, 0, sizeof(q->peer));
	atomic_store(&q->deadline_ms, mono_us() / 1000 + atomic_load(&a->request_deadline_ms));
	pthread_mutex_lock(&a->connections_lock);
	list_push(&a->connections, &q->node);
	map_get(a->per_address, ip_key(&q->peer), &n);
	map_set(a->per_address, ip_key(&q->peer), n + 1);
	pthread_mutex_unlock(&a->connections_lock);
	*context = q;
}

static void ended(struct request *q)
{
	struct api *a = q->api;
	uint64_t n = 0;

	pthread_mutex_lock(&a->connections_lock);
	list_remove(&a->connections, &q->node);
	map_get(a->per_address, ip_key(&q->peer), &n);
	if (n > 1)
		map_set(a->per_address, ip_key(&q->peer), n - 1);
	else
		map_del(a->per_address, ip_key(&q->peer), NULL);
	pthread_mutex_unlock(&a->connections_lock);
	arrival_forget(q);
	request_put(q);
}

void connection_notify(void *worker, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
	switch (what) {
	case MHD_CONNECTION_NOTIFY_STARTED: started(worker, mhd, context); break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		if (*context)
			ended(*context);
		*context = NULL;
		break;
	}
}

/* Under the lock no socket is closed: its connection leaves the list first. */
static void shut_slow(struct api *a, int64_t now_ms)
{
	pthread_mutex_lock(&a->connections_lock);
	for (struct node *n = list_first(&a->connections); n; n = list_next(&a->connections, n)) {
		struct request *q = OWNER(struct request, node, n);
		int64_t at = atomic_load_explicit(&q->deadline_ms, memory_order_relaxed);

		/* Changed meanwhile: the request moved on. */
		if (at && now_ms >= at && atomic_compare_exchange_strong(&q->deadline_ms, &at, 0)) {
			shutdown(q->fd, SHUT_RDWR);
			log_debug("connection", "ended=deadline");
		}
	}
	pthread_mutex_unlock(&a->connections_lock);
}

static struct timespec in_ms(int64_t ms)
{
	int64_t at_us = mono_us() + ms * 1000; /* the conditions are set to the same clock */

	return (struct timespec){.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
}

static void *watch(void *ctx)
{
	struct api *a = ctx;
	int64_t round = mono_us() / 1000 + WATCH_MS, soon = 0;

	pthread_mutex_lock(&a->watch_lock);
	while (!a->watch_end) {
		int64_t left = MAX(round - mono_us() / 1000, (int64_t)0);
		struct timespec until = in_ms(soon ? MIN(soon, left) : left);

		if (!a->watch_hurried)
			pthread_cond_timedwait(&a->watch_wake, &a->watch_lock, &until);
		a->watch_hurried = false;
		pthread_mutex_unlock(&a->watch_lock);
		soon = arrivals_look(a);
		if (mono_us() / 1000 >= round) {
			shut_slow(a, mono_us() / 1000);
			lookups_expire(a, mono_us());
			round = mono_us() / 1000 + WATCH_MS;
		}
		pthread_mutex_lock(&a->watch_lock);
	}
	pthread_mutex_unlock(&a->watch_lock);
	return NULL;
}

int watch_start(struct api *a, struct err *e)
{
	int r = pthread_create(&a->watch, NULL, watch, a);

	if (r)
		return err_set(e, -r, "http: no thread for deadlines: %s", strerrordesc_np(r));
	a->watch_runs = true;
	return 0;
}

void watch_stop(struct api *a)
{
	if (!a->watch_runs)
		return;
	pthread_mutex_lock(&a->watch_lock);
	a->watch_end = true;
	pthread_cond_signal(&a->watch_wake);
	pthread_mutex_unlock(&a->watch_lock);
	pthread_join(a->watch, NULL);
	a->watch_runs = false;
}

void watch_hurry(struct api *a)
{
	pthread_mutex_lock(&a->watch_lock);
	a->watch_hurried = true;
	pthread_cond_signal(&a->watch_wake);
	pthread_mutex_unlock(&a->watch_lock);
}

bool watch_quiet(struct api *a, int64_t within_ms)
{
	struct timespec until = in_ms(within_ms);
	int r = 0;

	pthread_mutex_lock(&a->watch_lock);
	while (atomic_load(&a->busy) > 0 && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&a->quiet, &a->watch_lock, &until);
	pthread_mutex_unlock(&a->watch_lock);
	return atomic_load(&a->busy) <= 0;
}

void connections_release(struct api *a)
{
	pthread_mutex_lock(&a->connections_lock);
	for (struct node *i = list_first(&a->connections); i; i = list_next(&a->connections, i)) {
		struct request *q = OWNER(struct request, node, i);
		int waiting = STAGE_WAITING;

		if (atomic_compare_exchange_strong(&q->stage, &waiting, STAGE_GONE))
			worker_resume(q->worker, q);
		else if (waiting == STAGE_READING)
			shutdown(q->fd, SHUT_RD); /* what comes of its body does not matter any more */
	}
	pthread_mutex_unlock(&a->connections_lock);
}
