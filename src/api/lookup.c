/* lookup.c - the look-up thread: status queries wait in a bounded queue and are answered one after the other, each within
 * LOOKUP_MS of its arrival, else 504. Entries are printed as they come, so that a large search holds text, not deliveries. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/server.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"

#define LOOKUP_MS 5000
#define QUEUE_MAX 256
#define REPEATED_MAX 1000 /* newest messages of one correlationId */

struct lookups {
	struct api *api;
	struct query *query;
	pthread_t thread;
	bool runs, end;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list queue; /* struct lookup.node */
	struct delivery *found[REPEATED_MAX];
};

/* -- what is found ------------------------------------------------------------------------------------------------- */

/* An answer being made: entries printed so far. */
struct making {
	struct lookups *l;
	struct request *q;
	struct buf entries;
	struct map *seen; /* keys listed already; NULL: none repeats */
	size_t count;
	int64_t oldest; /* statuses that changed before it count as unknown */
};

static int64_t ms_left(const struct request *q) { return (q->lookup.deadline_us - mono_us()) / 1000; }

static bool wanted(struct making *m, const struct delivery *d)
{
	int64_t changed = d->updated_at ? d->updated_at : uid_key_ms(d->key);

	if (changed < m->oldest)
		return false;
	if (!m->seen)
		return true;
	if (map_get(m->seen, (uint64_t)d->key, NULL))
		return false;
	map_set(m->seen, (uint64_t)d->key, 1);
	return true;
}

/* Prints and frees n deliveries; some may be NULL. */
static void print(struct making *m, struct delivery **found, size_t n)
{
	struct api *a = m->l->api;

	pthread_rwlock_rdlock(&a->settings_lock);
	for (size_t i = 0; i < n; i++) {
		if (found[i] && wanted(m, found[i])) {
			if (m->count++)
				buf_putc(&m->entries, ',');
			answer_status(&m->entries, found[i], a->settings);
		}
		delivery_free(found[i]);
		found[i] = NULL;
	}
	pthread_rwlock_unlock(&a->settings_lock);
}

static void failed(struct request *q, int64_t r)
{
	if (r == -ETIMEDOUT && q->lookup.kind == LOOKUP_CONTROL) {
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too busy; nothing was changed");
		return;
	}
	if (r == -ETIMEDOUT) {
		request_refuse(q, MHD_HTTP_GATEWAY_TIMEOUT, "the look-up took too long");
		return;
	}
	if (r == -ENOSPC) {
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE,
				     1, "too many changes were left unread between others; list once without start and end");
		return;
	}
	log_error("lookup", "failed=\"%s\"", strerrordesc_np((int)-r));
	request_refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, "the look-up failed");
}

static int find_ids(struct making *m)
{
	struct lookup *k = &m->q->lookup;
	int64_t left = ms_left(m->q);
	int r;

	if (!k->id_count)
		return 0;
	if (left <= 0)
		return -ETIMEDOUT;
	r = query_ids(m->l->query, &k->scope, k->ids, k->id_count, m->l->found, left);
	if (!r)
		print(m, m->l->found, k->id_count);
	return r;
}

static int find_correlations(struct making *m)
{
	struct lookup *k = &m->q->lookup;

	for (size_t i = 0; i < k->correlation_count; i++) {
		int64_t left = ms_left(m->q);
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = query_correlation(m->l->query, &k->scope, k->correlations[i], m->l->found, REPEATED_MAX, left);
		if (n < 0)
			return (int)n;
		print(m, m->l->found, (size_t)n);
		if (m->entries.failed)
			return 0;
	}
	return 0;
}

static void answer_list_of(struct making *m)
{
	struct request *q = m->q;

	if (m->entries.failed) {
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "the answer would be larger than %zu MiB; ask for fewer at once",
			       BUF_MAX_DEFAULT >> 20);
		return;
	}
	q->status = MHD_HTTP_OK;
	q->out.max = m->entries.n + 64;
	answer_statuses(&q->out, m->count, buf_view(&m->entries));
}

static void do_search(struct making *m)
{
	int r;

	m->seen = map_new();
	r = find_ids(m);
	if (!r && !m->entries.failed)
		r = find_correlations(m);
	if (r)
		failed(m->q, r);
	else
		answer_list_of(m);
	map_free(m->seen);
}

static void do_one(struct making *m)
{
	int r = find_ids(m);

	if (r) {
		failed(m->q, r);
	} else if (!m->count) {
		request_refuse(m->q, MHD_HTTP_NOT_FOUND, "no message with that id");
	} else {
		m->q->status = MHD_HTTP_OK;
		buf_str(&m->q->out, buf_view(&m->entries));
		buf_putc(&m->q->out, '\n');
	}
}

static void do_list(struct making *m)
{
	struct lookup *k = &m->q->lookup;
	int64_t left = ms_left(m->q);
	ssize_t n = left > 0 ? query_list(m->l->query, &k->ask, m->l->found, &k->lease, left) : -ETIMEDOUT;

	if (n < 0) {
		failed(m->q, n);
		return;
	}
	m->oldest = 0; /* what is leased is told, whatever its age */
	print(m, m->l->found, (size_t)n);
	answer_list_of(m);
}

static void do_receive(struct making *m)
{
	int64_t r = receive_answer(m->q, m->l->query, ms_left(m->q));

	if (r < 0)
		failed(m->q, r);
}

static void execute(struct lookups *l, struct request *q)
{
	struct making m = {.l = l, .q = q};
	struct api *a = l->api;

	pthread_rwlock_rdlock(&a->settings_lock);
	if (a->settings->retention.status_ms > 0)
		m.oldest = wall_ms() - a->settings->retention.status_ms;
	pthread_rwlock_unlock(&a->settings_lock);
	switch (q->lookup.kind) {
	case LOOKUP_ONE: do_one(&m); break;
	case LOOKUP_SEARCH: do_search(&m); break;
	case LOOKUP_LIST: do_list(&m); break;
	case LOOKUP_MO_LIST:
	case LOOKUP_MO_SEARCH: do_receive(&m); break;
	case LOOKUP_CONTROL: control_execute(q, l->query, l->found, COUNT_OF(l->found), ms_left(q)); break;
	case LOOKUP_ORDERS: control_tell(q, l->query, ms_left(q)); break;
	}
	buf_done(&m.entries);
}

/* -- the queue ----------------------------------------------------------------------------------------------------- */

/* From here on the request is the HTTP thread's, or nobody's when a forced stop took it. */
static void finish(struct api *a, struct request *q)
{
	bool claimed = request_claim(q);

	if (!claimed && q->lookup.lease) {
		lease_release(a->engine, q->lookup.lease);
		q->lookup.lease = NULL;
	}
	request_settle(q, claimed);
}

static void *work(void *ctx)
{
	struct lookups *l = ctx;

	pthread_mutex_lock(&l->lock);
	while (!l->end) {
		struct node *n = list_pop(&l->queue);

		if (!n) {
			pthread_cond_wait(&l->wake, &l->lock);
			continue;
		}
		pthread_mutex_unlock(&l->lock);
		struct request *q = OWNER(struct request, lookup, OWNER(struct lookup, node, n));

		execute(l, q);
		finish(l->api, q);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

void lookup_post(struct request *q, struct api *a)
{
	struct lookups *l = a->lookups;
	bool full;

	q->lookup.deadline_us = mono_us() + LOOKUP_MS * 1000;
	pthread_mutex_lock(&l->lock);
	full = l->queue.count >= QUEUE_MAX;
	if (!full) {
		list_push(&l->queue, &q->lookup.node);
		pthread_cond_signal(&l->wake);
	}
	pthread_mutex_unlock(&l->lock);
	if (full) {
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too many status queries at the moment");
		finish(a, q);
	}
}

/* Takes the overdue ones out first and settles them outside the lock: the library has locks of its own. */
void lookups_expire(struct api *a, int64_t now_us)
{
	struct lookups *l = a->lookups;
	struct list overdue;
	struct node *n;

	list_init(&overdue);
	pthread_mutex_lock(&l->lock);
	while ((n = list_first(&l->queue)) && OWNER(struct lookup, node, n)->deadline_us <= now_us) {
		list_remove(&l->queue, n);
		list_push(&overdue, n);
	}
	pthread_mutex_unlock(&l->lock);
	while ((n = list_pop(&overdue))) {
		struct request *q = OWNER(struct request, lookup, OWNER(struct lookup, node, n));

		failed(q, -ETIMEDOUT);
		finish(a, q);
	}
}

int lookups_open(struct api *a, struct err *e)
{
	struct lookups *l = xnew(struct lookups);
	int r;

	l->api = a;
	list_init(&l->queue);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	a->lookups = l;
	r = query_open(&l->query, a->engine, e);
	if (r)
		return r;
	r = pthread_create(&l->thread, NULL, work, l);
	if (r)
		return err_set(e, -r, "http: no thread for look-ups: %s", strerrordesc_np(r));
	l->runs = true;
	return 0;
}

void lookups_close(struct api *a)
{
	struct lookups *l = a->lookups;

	if (!l)
		return;
	if (l->runs) {
		pthread_mutex_lock(&l->lock);
		l->end = true;
		pthread_cond_signal(&l->wake);
		pthread_mutex_unlock(&l->lock);
		pthread_join(l->thread, NULL);
	}
	/* A forced stop left these to us. */
	for (struct node *n; (n = list_pop(&l->queue));)
		finish(a, OWNER(struct request, lookup, OWNER(struct lookup, node, n)));
	query_close(l->query);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->wake);
	free(l);
	a->lookups = NULL;
}
