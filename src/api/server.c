/* server.c - opens, reconfigures and stops the HTTP server (api.h). Each listener has one worker (worker.h) a thread;
 * what they share is struct api.
 *
 * Stopping, in this order, because the library aborts the process when a daemon is stopped while a connection is suspended:
 *   no new connections -> requests under way finish (grace) -> those that still wait are taken back and answered 503, those that
 *   still send their body are cut off -> daemons stop -> watch and look-up thread end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/server.h"
#include "base/buf.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/time.h"

/* Holds a head with the 20 KB query of a long text, and is the piece in which bodies are read. The library zeroes all of it after
 * every request, so more of it costs time. */
#define CONNECTION_MEMORY \
	((size_t)32 << 10) /* zeroed by the library at each request; holds a head with a 20 KB query */
#define BACKLOG 1024
#define ADDRESS_BUCKETS 65536
#define PRINCIPAL_BUCKETS 8192
#define FORCED_MS 3000
#define ARRIVALS_MS 1000

/* -- settings ------------------------------------------------------------------------------------------------------ */

static void use_settings(struct api *a, const struct settings *s)
{
	struct cidr *proxies = xcalloc(s->trusted_proxy_count + 1, sizeof(*proxies)), *old;
	size_t n = 0;

	for (size_t i = 0; i < s->trusted_proxy_count; i++) {
		if (!cidr_parse(str_of(s->trusted_proxies[i]), &proxies[n]))
			n++;
		else
			log_warn("http", "trusted_proxy=%s why=\"not a network; ignored\"",
				 log_quote(str_of(s->trusted_proxies[i])).s);
	}
	pthread_rwlock_wrlock(&a->settings_lock);
	old = a->proxies;
	a->proxies = proxies;
	a->proxy_count = n;
	a->settings = s;
	pthread_rwlock_unlock(&a->settings_lock);
	free(old);
	atomic_store(&a->request_deadline_ms, s->limits.request_deadline_ms);
	atomic_store(&a->idle_ms, s->limits.idle_ms);
	atomic_store(&a->connections_max, s->limits.connections);
	atomic_store(&a->connections_per_ip, s->limits.connections_per_ip);
	atomic_store(&a->inflight_max, s->limits.inflight);
}

void api_settings(struct api *a, const struct settings *s) { use_settings(a, s); }

/* -- listeners ----------------------------------------------------------------------------------------------------- */

/* GnuTLS asks at each handshake; the library keeps its connection as the session's pointer. */
static int certificate_of(gnutls_session_t session, const gnutls_datum_t *ca, int ca_count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
			  gnutls_pcert_st **chain, unsigned *n, gnutls_privkey_t *key)
{
	struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
	const union MHD_ConnectionInfo *info =
		mhd ? MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;
	const struct request *q = info ? info->socket_context : NULL;

	(void)ca;
	(void)ca_count;
	(void)algorithms;
	(void)algorithm_count;
	if (!q || !q->worker->listener->tls)
		return -1;
	tls_current(q->worker->listener->tls, chain, n, key);
	return 0;
}

static int start_worker(struct worker *worker, struct err *e)
{
	struct listener *l = worker->listener;
	struct MHD_Daemon *daemon;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	/* Ours is the limit that counts (connection.c). */
	unsigned most = (unsigned)MIN(MAX(atomic_load(&l->api->connections_max), (int64_t)1024) * 2, (int64_t)1 << 30);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, NULL},
		{MHD_OPTION_END, 0, NULL},
	};

	if (l->at.family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (l->tls) {
		gnutls_certificate_retrieve_function2 *fn = certificate_of;

		flags |= MHD_USE_TLS;
		memcpy(&tls[1].ptr_value, &fn, sizeof(fn));
	} else {
		tls[0].option = MHD_OPTION_END;
	}
	daemon = MHD_start_daemon(flags, (uint16_t)l->at.port, connection_accept, worker, http_request, worker,
				  MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_URI_LOG_CALLBACK, http_uri, worker,
				  MHD_OPTION_NOTIFY_COMPLETED, http_completed, worker, MHD_OPTION_NOTIFY_CONNECTION,
				  connection_notify, worker, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				  CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, most,
				  MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!daemon)
		return err_set(e, -EIO, "http: listen %s: the server cannot start", l->name);
	return worker_start(worker, daemon, e);
}

static int open_listener(struct listener *l, const struct listen_setting *s, int64_t threads, struct err *e)
{
	int r;

	l->fd = -1;
	l->name = xstrdup(s->listen);
	if (s->certificate || s->key) {
		if (!s->certificate || !s->key)
			return err_set(e, -EINVAL, "http: listen %s: certificate and key go together", l->name);
		r = tls_open(&l->tls, s->certificate, s->key, e);
		if (r)
			return r;
	}
	l->fd = listen_tcp(&l->at, "http: listen", l->name, BACKLOG, e);
	if (l->fd < 0)
		return l->fd;
	l->workers = xcalloc((size_t)threads, sizeof(*l->workers));
	for (r = 0; l->worker_count < (size_t)threads && !r; l->worker_count++) {
		l->workers[l->worker_count].listener = l;
		r = start_worker(&l->workers[l->worker_count], e);
	}
	return r;
}

/* -- life ---------------------------------------------------------------------------------------------------------- */

static struct api *new_api(const struct api_config *c)
{
	struct api *a = xnew(struct api);
	pthread_rwlockattr_t prefer_writer;
	pthread_condattr_t monotonic;

	a->engine = c->engine;
	a->ready = c->ready;
	a->ready_ctx = c->ready_ctx;
	a->campaigns = c->campaigns;
	a->campaigns_ctx = c->campaigns_ctx;
	pthread_rwlockattr_init(&prefer_writer);
	pthread_rwlockattr_setkind_np(&prefer_writer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&a->settings_lock, &prefer_writer);
	pthread_rwlockattr_destroy(&prefer_writer);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->watch_wake, &monotonic);
	pthread_cond_init(&a->quiet, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&a->watch_lock, NULL);
	pthread_mutex_init(&a->connections_lock, NULL);
	list_init(&a->connections);
	arrivals_init(&a->arrivals);
	a->per_address = map_new();
	a->addresses = rate_new(ADDRESS_BUCKETS);
	a->principals = rate_new(PRINCIPAL_BUCKETS);
	use_settings(a, c->settings);
	return a;
}

/* 0 = one for every two processors: the engine and the carriers want theirs, and one more thread than that makes each
 * message dearer, as answers are spread thinner over more wake-ups (measured with bench/). */
static int64_t threads_of(const struct settings *s)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return s->http_threads > 0 ? s->http_threads : MIN(MAX(online / 2, 1L), 64L);
}

static int open_all(struct api *a, const struct settings *s, struct err *e)
{
	int r = lookups_open(a, e);

	if (!r)
		r = watch_start(a, e);
	a->listeners = xcalloc(s->http_count + 1, sizeof(*a->listeners));
	for (size_t i = 0; i < s->http_count && !r; i++) {
		a->listeners[i].api = a;
		a->listener_count++;
		r = open_listener(&a->listeners[i], &s->http[i], threads_of(s), e);
	}
	return r;
}

int api_open(struct api **ret, const struct api_config *c, struct err *e)
{
	struct api *a = new_api(c);
	sigset_t all, before;
	int r;

	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = open_all(a, c->settings, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		api_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

void api_addresses(const struct api *a, struct buf *out)
{
	for (size_t i = 0; i < a->listener_count; i++)
		buf_fmt(out, "%s%s://%s", i ? " " : "", a->listeners[i].tls ? "https" : "http",
			a->listeners[i].at.address);
}

unsigned api_port(const struct api *a, size_t listener)
{
	return listener < a->listener_count ? a->listeners[listener].at.port : 0;
}

int api_reload_certificates(struct api *a, struct err *e)
{
	struct certificate **fresh = xcalloc(a->listener_count + 1, sizeof(struct certificate *));
	int r = 0;

	for (size_t i = 0; i < a->listener_count && !r; i++)
		if (a->listeners[i].tls)
			r = tls_read(a->listeners[i].tls, &fresh[i], e);
	for (size_t i = 0; i < a->listener_count; i++) {
		if (r)
			certificate_free(fresh[i]);
		else if (a->listeners[i].tls)
			tls_use(a->listeners[i].tls, fresh[i]);
	}
	free(fresh);
	return r;
}

static void stop_accepting(struct api *a)
{
	atomic_store(&a->stopping, true);
	for (size_t i = 0; i < a->listener_count; i++) {
		struct listener *l = &a->listeners[i];

		for (size_t k = 0; k < l->worker_count; k++)
			worker_quiesce(&l->workers[k]);
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
	}
}

void api_stop(struct api *a, int64_t grace_ms)
{
	if (a->stopped)
		return;
	a->stopped = true;
	stop_accepting(a);
	if (!watch_quiet(a, MAX(grace_ms, (int64_t)0))) {
		int64_t until = mono_us() + FORCED_MS * 1000;

		/* Again and again: a request may have begun to wait between two looks. From now on none starts to. */
		atomic_store(&a->forced, true);
		do {
			connections_release(a);
		} while (!watch_quiet(a, 20) && mono_us() < until);
		connections_release(a);
	}
	for (size_t i = 0; i < a->listener_count; i++)
		for (size_t k = 0; k < a->listeners[i].worker_count; k++)
			worker_stop(&a->listeners[i].workers[k]);
	watch_stop(a);
	arrivals_close(a, MIN(MAX(grace_ms, (int64_t)0), (int64_t)ARRIVALS_MS));
	lookups_close(a);
}

void api_close(struct api *a)
{
	if (!a)
		return;
	api_stop(a, 0);
	for (size_t i = 0; i < a->listener_count; i++) {
		tls_close(a->listeners[i].tls);
		free(a->listeners[i].workers);
		free(a->listeners[i].name);
	}
	free(a->listeners);
	rate_free(a->addresses);
	rate_free(a->principals);
	map_free(a->per_address);
	free(a->proxies);
	pthread_mutex_destroy(&a->connections_lock);
	pthread_mutex_destroy(&a->watch_lock);
	pthread_cond_destroy(&a->watch_wake);
	pthread_cond_destroy(&a->quiet);
	pthread_rwlock_destroy(&a->settings_lock);
	free(a);
}
