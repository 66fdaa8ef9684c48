/* http.c - the call-backs of libmicrohttpd: a request from its first line to the last octet of its answer (request.h draws the
 * stages).
 *
 * The library calls http_uri() when the request line is there, http_request() once with the whole head, then for every piece
 * of a body, then once more; a second "once more" follows a resume. It accepts an answer only at the first and the last of
 * these calls, so whoever refuses in between lets the rest of the body pass by unread. An answer at the first call closes the
 * connection when a body was announced. */
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/time.h"
#include "model/metrics.h"

/* A refused request's body up to this size is read and dropped, so that the connection can be kept. */
#define DISCARD_TO_KEEP ((uint64_t)64 << 10)
/* Memory of buffers that a connection keeps for its next request. */
#define KEEP_BUFFER ((size_t)64 << 10)

/* -- waiting ------------------------------------------------------------------------------------------------------- */

void request_wait(struct request *q)
{
	atomic_fetch_add(&q->refs, 1);
	request_deadline(q, 0);
	/* Suspended first: whoever sees WAITING may resume at once. */
	MHD_suspend_connection(q->mhd);
	atomic_store(&q->stage, STAGE_WAITING);
}

bool request_claim(struct request *q)
{
	int waiting = STAGE_WAITING;

	return atomic_compare_exchange_strong(&q->stage, &waiting, STAGE_READY);
}

void request_settle(struct request *q, bool claimed)
{
	if (claimed)
		worker_resume(q->worker, q);
	request_put(q);
}

/* -- the head ------------------------------------------------------------------------------------------------------ */

void *http_uri(void *worker, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *q = info ? info->socket_context : NULL;

	(void)worker;
	if (!q)
		return NULL;
	atomic_store(&q->stage, STAGE_READING);
	atomic_fetch_add(&q->api->busy, 1);
	request_deadline(q, atomic_load(&q->api->request_deadline_ms));
	arrival_look(q);
	buf_clear(&q->uri);
	buf_puts(&q->uri, uri);
	q->target = (struct str){uri, q->uri.n};
	return q;
}

static enum MHD_Result keep_field(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_n,
				  const char *value, size_t value_n)
{
	struct head *h = ctx;

	(void)kind;
	if (h->count == HEAD_FIELDS_MAX) {
		h->overflow = true;
		return MHD_NO;
	}
	h->field[h->count++] = (struct head_field){{name, name_n}, {value ? value : "", value_n}};
	return MHD_YES;
}

static void collect_head(struct request *q, struct head *h, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(q->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	h->method = str_of(method);
	h->version = str_of(version);
	h->uri = buf_view(&q->uri); /* the library's own has been decoded in place */
	h->count = 0;
	h->overflow = false;
	h->octets = info ? info->header_size : 0;
	MHD_get_connection_values_n(q->mhd, MHD_HEADER_KIND, keep_field, h);
}

/* How the library lays out a head is known for this version alone; later ones check line ends themselves. */
static bool seams_known(void)
{
	static _Atomic int known = -1;
	int k = atomic_load_explicit(&known, memory_order_relaxed);

	if (k < 0) {
		k = !strcmp(MHD_get_version(), "0.9.75");
		atomic_store_explicit(&known, k, memory_order_relaxed);
	}
	return k;
}

static bool check_head(struct request *q, struct head *h, struct head_facts *f)
{
	const char *why;
	int status = head_check(h, f, &why);

	h->uri.p = q->target.p;
	if (!status && seams_known() && !head_seamless(h)) {
		status = MHD_HTTP_BAD_REQUEST;
		why = "the head holds a line that is folded, empty-named or does not end in CR LF";
	}
	if (status) {
		request_refuse(q, status, "%s", why);
		q->close = true;
	}
	return !status;
}

/* Path and query of the target as it came; an absolute one loses its origin (RFC 9112 section 3.2.2). */
static struct str path_of(struct request *q)
{
	struct str s = buf_view(&q->uri);
	const char *mark;

	if (str_iskip(&s, "http://") || str_iskip(&s, "https://")) {
		const char *slash = memchr(s.p, '/', s.n);

		s = slash ? (struct str){slash, (size_t)(s.p + s.n - slash)} : (struct str){NULL, 0};
	}
	mark = s.n ? memchr(s.p, '?', s.n) : NULL;
	q->raw_query = (struct str){NULL, 0};
	if (mark) {
		q->raw_query = (struct str){mark + 1, (size_t)(s.p + s.n - mark) - 1};
		s.n = (size_t)(mark - s.p);
	}
	return s;
}

static enum method method_of(const char *z)
{
	return !strcmp(z, "GET")    ? METHOD_GET
	       : !strcmp(z, "POST") ? METHOD_POST
	       : !strcmp(z, "HEAD") ? METHOD_HEAD
				    : METHOD_OTHER;
}

static enum MHD_Result on_head(struct request *q, const char *method, const char *version)
{
	struct head h;
	struct head_facts f;

	metric_add(M_REQUESTS, 1);
	collect_head(q, &h, method, version);
	if (!check_head(q, &h, &f)) {
		pthread_rwlock_rdlock(&q->api->settings_lock);
		gate_broken(q, q->api->settings, &h);
		pthread_rwlock_unlock(&q->api->settings_lock);
		return respond(q);
	}
	q->method = method_of(method);
	q->chunked = f.chunked;
	q->route = route_find(path_of(q));
	if (atomic_load(&q->api->stopping)) {
		q->close = true;
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "stopping; send it again elsewhere or later");
	} else {
		pthread_rwlock_rdlock(&q->api->settings_lock);
		gate_head(q, q->api->settings, &h, &f);
		pthread_rwlock_unlock(&q->api->settings_lock);
	}
	q->discard = q->status || q->method != METHOD_POST;
	if (f.body && q->snap) {
		/* The body may take its time: the user is looked up again when it is there. */
		snapshot_put(q->snap);
		q->snap = NULL;
		q->user = NULL;
	}
	if (q->status && f.body && (f.chunked || f.expects_continue || f.length > DISCARD_TO_KEEP)) {
		q->close = true;
		return respond(q);
	}
	return MHD_YES;
}

/* -- the body ------------------------------------------------------------------------------------------------------ */

/* Counts n octets against the total. false: refused. One request alone may exceed it, or it would never pass. */
static bool charge(struct request *q, int64_t n)
{
	struct api *a = q->api;
	int64_t max = atomic_load(&a->inflight_max), now = atomic_fetch_add(&a->inflight, n) + n;

	q->charged += n;
	metric_add(M_INFLIGHT_BYTES, n);
	if (max <= 0 || now <= max || now == q->charged)
		return true;
	request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too many requests in memory; send it again");
	return false;
}

static void uncharge(struct request *q)
{
	if (!q->charged)
		return;
	atomic_fetch_sub(&q->api->inflight, q->charged);
	metric_add(M_INFLIGHT_BYTES, -q->charged);
	q->charged = 0;
}

static void drop_body(struct request *q)
{
	size_t max = q->body.max;

	q->discard = true;
	buf_done(&q->body);
	q->body.max = max;
	uncharge(q);
}

/* false: give up on the connection. */
static bool on_body(struct request *q, const char *data, size_t n)
{
	if (!q->discard) {
		if (q->body.n + n > q->body.max)
			request_refuse(q, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than %zu octets", q->body.max);
		else if (charge(q, (int64_t)n))
			buf_put(&q->body, data, n);
		if (q->status)
			drop_body(q);
		return true;
	}
	q->discarded += n;
	if (q->discarded <= DISCARD_TO_KEEP)
		return true;
	q->close = true;
	return q->discarded <= q->body.max + DISCARD_TO_KEEP;
}

/* -- the work ------------------------------------------------------------------------------------------------------ */

static enum MHD_Result on_whole(struct request *q)
{
	struct api *a = q->api;

	q->received_us = mono_us();
	if (atomic_load(&a->forced)) {
		q->close = true;
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "stopping; send it again elsewhere or later");
	}
	if (!q->status) {
		pthread_rwlock_rdlock(&a->settings_lock);
		gate_whole(q);
		if (!q->status)
			q->route->run(q, a->settings);
		pthread_rwlock_unlock(&a->settings_lock);
	}
	snapshot_put(q->snap);
	q->snap = NULL;
	q->user = NULL;
	return atomic_load(&q->stage) == STAGE_READING ? respond(q) : MHD_YES;
}

static enum MHD_Result on_ready(struct request *q)
{
	if (!q->status && q->route->finish) {
		pthread_rwlock_rdlock(&q->api->settings_lock);
		q->route->finish(q, q->api->settings);
		pthread_rwlock_unlock(&q->api->settings_lock);
	}
	return respond(q);
}

enum MHD_Result http_request(void *worker, struct MHD_Connection *mhd, const char *url, const char *method,
			     const char *version, const char *data, size_t *n, void **request)
{
	struct request *q = *request;

	(void)worker;
	(void)mhd;
	(void)url;
	if (!q)
		return MHD_NO;
	if (!q->head_done) {
		q->head_done = true;
		return on_head(q, method, version);
	}
	if (*n) {
		bool go_on = on_body(q, data, *n);

		*n = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	switch ((enum stage)atomic_load(&q->stage)) {
	case STAGE_READING: return on_whole(q);
	case STAGE_READY: return on_ready(q);
	case STAGE_GONE: return respond_gone(q);
	case STAGE_WAITING: return MHD_YES;
	case STAGE_IDLE: break;
	}
	return MHD_NO;
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void keep_small(struct buf *b)
{
	if (b->cap > KEEP_BUFFER)
		buf_done(b);
	else
		buf_clear(b);
}

/* Ready for the next request of the connection. Not after a forced stop: the engine still uses what is in there. */
static void reset(struct request *q)
{
	json_free(q->doc);
	q->doc = NULL;
	arena_done(&q->arena);
	keep_small(&q->body);
	keep_small(&q->out);
	q->out.max = 0;
	keep_small(&q->uri);
	memset(&q->route, 0, offsetof(struct request, uri) - offsetof(struct request, route));
	q->user = NULL;
	q->query.count = 0;
	q->discarded = 0;
	q->idem_hash = q->body_hash = 0;
	q->lookup.lease = NULL;
	q->status = 0;
	q->fixed = (struct str){NULL, 0};
	q->type = q->allow = NULL;
	q->retry_after_s = 0;
	atomic_store(&q->stage, STAGE_IDLE);
}

void http_completed(void *worker, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how)
{
	struct request *q = *request;
	struct api *a;
	int stage;

	(void)worker;
	(void)mhd;
	if (!q)
		return;
	*request = NULL;
	a = q->api;
	stage = atomic_load(&q->stage);
	if (stage == STAGE_READY && q->route->sent)
		q->route->sent(q, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	snapshot_put(q->snap);
	q->snap = NULL;
	uncharge(q);
	if (stage != STAGE_GONE)
		reset(q);
	request_deadline(q, atomic_load(&a->idle_ms));
	if (atomic_fetch_sub(&a->busy, 1) == 1 && atomic_load(&a->stopping)) {
		pthread_mutex_lock(&a->watch_lock);
		pthread_cond_broadcast(&a->quiet);
		pthread_mutex_unlock(&a->watch_lock);
	}
}

static void request_free(struct request *q)
{
	json_free(q->doc);
	arena_done(&q->arena);
	buf_done(&q->body);
	buf_done(&q->out);
	buf_done(&q->uri);
	free(q);
}

void request_put(struct request *q)
{
	if (atomic_fetch_sub(&q->refs, 1) == 1)
		request_free(q);
}
