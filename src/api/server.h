/* server.h - what the parts of the room share: listeners, connections, limits. Internal to the room. */
#pragma once
#include <pthread.h>

#include "api/api.h"
#include "api/arrival.h"
#include "api/worker.h"
#include "api/rate.h"
#include "api/request.h"
#include "api/tls.h"
#include "base/listen.h"
#include "base/map.h"

struct listener {
	struct api *api;
	struct worker *workers; /* one a thread */
	size_t worker_count;
	struct tls *tls; /* NULL = plain */
	char *name;      /* as configured, for messages */
	struct listening at;
	int fd; /* shared by the workers */
};
struct lookups;
struct api {
	struct engine *engine;
	bool (*ready)(void *ctx, struct buf *why);
	void *ready_ctx;
	bool (*campaigns)(void *ctx, struct campaign_ask *ask);
	void *campaigns_ctx;

	/* Requests read settings and proxies under the lock, for microseconds; api_settings() swaps them. */
	pthread_rwlock_t settings_lock;
	const struct settings *settings;
	struct cidr *proxies;
	size_t proxy_count;
	/* Copies for places that must not wait. */
	_Atomic int64_t request_deadline_ms, idle_ms, connections_max, connections_per_ip, inflight_max;

	struct listener *listeners;
	size_t listener_count;

	/* Connections: taken at their start and end and by the watch, never by a request. */
	pthread_mutex_t connections_lock;
	struct list connections; /* struct request.node */
	struct map *per_address; /* ip_key -> connections */

	_Atomic int64_t inflight;      /* octets of bodies in memory */
	_Atomic int busy;              /* requests begun and not answered yet */
	_Atomic bool stopping, forced; /* forced: nothing may begin to wait any more */
	bool stopped;
	struct rate_table *addresses, *principals;

	struct arrivals arrivals;

	/* The watch: one thread that shuts down slow sockets, times out queued look-ups and sees answers arrive. Also told when busy
	 * reaches 0. */
	pthread_t watch;
	bool watch_runs, watch_end, watch_hurried;
	pthread_mutex_t watch_lock;
	pthread_cond_t watch_wake, quiet;

	struct lookups *lookups;
};

/* http.c: call-backs of the library */
void *http_uri(void *worker, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request(void *worker, struct MHD_Connection *mhd, const char *url, const char *method,
			     const char *version, const char *data, size_t *n, void **request);
void http_completed(void *worker, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how);
/* respond.c */
enum MHD_Result respond(struct request *q);
enum MHD_Result respond_gone(struct request *q);         /* to a request that api_stop() took back */
void request_deadline(struct request *q, int64_t in_ms); /* from now; <= 0: none */
/* connection.c */
enum MHD_Result connection_accept(void *worker, const struct sockaddr *sa, socklen_t len);
void connection_notify(void *worker, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what);
int watch_start(struct api *a, struct err *e) MUST;
void watch_stop(struct api *a);
void watch_hurry(struct api *a);                    /* there is an answer to be seen arriving */
bool watch_quiet(struct api *a, int64_t within_ms); /* waits until no request is under way; true when that came true */
void connections_release(struct api *a);            /* takes back every request that waits, and resumes it */
/* gate.c: all that is checked before a body is read. Leaves a refusal in q, or the request may go on. */
/* Counts a request whose head was refused; too many of them are 429. */
void gate_broken(struct request *q, const struct settings *s, const struct head *h);
void gate_head(struct request *q, const struct settings *s, const struct head *h, const struct head_facts *f);
uint64_t body_hash(struct str body); /* for Idempotency-Key; stable, never 0 */
/* Before run: the user again, when the body took its time. */
void gate_whole(struct request *q);
/* lookup.c */
int lookups_open(struct api *a, struct err *e) MUST;
void lookups_close(struct api *a);
void lookup_post(struct request *q, struct api *a); /* request_wait() was called; settles it in any case */
void lookups_expire(struct api *a, int64_t now_us);
