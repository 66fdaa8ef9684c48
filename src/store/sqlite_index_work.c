/* The index's thread: full tables become runs, runs are joined, days go. One piece of work at a time, the lock given up meanwhile. */
#include "store/sqlite_index_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"

#define TABLES_KEPT 8 /* written ones; 3 MB each */
#define JOIN 8

/* -- lists of runs -------------------------------------------------------------------------------------------------- */

struct run_list *run_list_new(size_t n)
{
	struct run_list *l = xcalloc(1, sizeof(*l) + n * sizeof(l->a[0]));

	atomic_init(&l->refs, 1);
	l->n = n;
	return l;
}

struct run_list *run_list_get(struct run_list *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void run_list_put(struct run_list *l)
{
	if (atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	for (size_t i = 0; i < l->n; i++)
		bloom_done(&l->a[i].bloom);
	free(l);
}

/* A list without the `out` runs from `at` on, with *take (NULL ok) in their place. Filters of days whose idempotency keys nobody
 * asks for any more are left out. */
static struct run_list *run_list_replace(const struct run_list *l, size_t at, size_t out, const struct run *take)
{
	struct run_list *new = run_list_new(l->n - out + (take ? 1 : 0));
	int64_t newest = take ? take->day : 0;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		newest = MAX(newest, l->a[i].day);
	for (size_t i = 0; i <= l->n; i++) {
		if (i == at && take)
			new->a[n++] = *take;
		if (i == l->n || (i >= at && i < at + out))
			continue;
		new->a[n] = l->a[i];
		new->a[n].bloom = l->a[i].day >= newest - 1 ? bloom_copy(&l->a[i].bloom) : (struct bloom){0};
		n++;
	}
	return new;
}

static void index_publish(struct index *x, struct run_list *take)
{
	struct run_list *old;

	pthread_mutex_lock(&x->lock);
	old = x->runs;
	x->runs = take;
	pthread_mutex_unlock(&x->lock);
	run_list_put(old);
}

/* -- the thread ----------------------------------------------------------------------------------------------------- */

static int thread_file(struct index *x, int64_t day, struct err *e)
{
	char *path;
	int r;

	if (x->file.db && x->file.day == day)
		return 0;
	runs_close(&x->file);
	path = day_path(x->data, "runs-", day);
	r = runs_open(&x->file, path, day, true, e);
	free(path);
	return r;
}

static int by_hash(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->h != q->h)
		return p->h < q->h ? -1 : 1;
	return p->key > q->key ? -1 : p->key < q->key;
}

/* The oldest table that waits; its pairs do not change any more. Called with the lock. */
static struct table *table_waiting(struct index *x)
{
	struct table *found = NULL;

	for (struct table *t = x->active->older; t; t = t->older)
		if (!t->written)
			found = t;
	return found;
}

static void tables_trim(struct index *x)
{
	struct table *t = x->active;
	size_t written = 0;

	while (t->older) {
		if (t->older->written && ++written > TABLES_KEPT)
			break;
		t = t->older;
	}
	for (struct table *old = t->older, *next; old; old = next) {
		next = old->older;
		index_table_free(old);
	}
	t->older = NULL;
}

static int table_write(struct index *x, struct table *t, struct err *e)
{
	struct run run = {.lo = t->number, .hi = t->number, .key = t->key, .seq = t->seq};
	struct pair *sorted = xcalloc(t->n + 1, sizeof(*sorted));
	int r = thread_file(x, t->day, e);

	memcpy(sorted, t->a, t->n * sizeof(*sorted));
	qsort(sorted, t->n, sizeof(*sorted), by_hash);
	if (r == 0)
		r = runs_add(&x->file, &run, sorted, t->n, e);
	free(sorted);
	if (r < 0)
		return r;
	index_publish(x, run_list_replace(x->runs, x->runs->n, 0, &run));
	pthread_mutex_lock(&x->lock);
	t->written = true;
	tables_trim(x);
	pthread_mutex_unlock(&x->lock);
	return 0;
}

/* Runs that may be joined: JOIN neighbours of one day and level, or all of a day that is over; none of them in RAM. */
static size_t join_candidate(struct index *x, size_t *first)
{
	const struct run_list *l = x->runs;
	const struct table *t = x->active;

	while (t->older)
		t = t->older;
	for (size_t i = 0; i < l->n;) {
		size_t same = 0, level = 0;
		const struct run *r = &l->a[i];

		while (i + same < l->n && r[same].day == r->day && r[same].hi < t->number)
			same++;
		while (level < same && r[level].level == r->level)
			level++;
		*first = i;
		if (level >= JOIN)
			return JOIN;
		if (same > 1 && r->day < x->today && (i == 0 || r[-1].day != r->day))
			return MIN(same, (size_t)4 * JOIN);
		i += MAX(level, (size_t)1);
	}
	return 0;
}

static int join(struct index *x, size_t first, size_t n, struct err *e)
{
	struct run_list *old = run_list_get(x->runs); /* only this thread changes it */
	struct run run;
	int r = thread_file(x, old->a[first].day, e);

	if (r == 0)
		r = runs_join(&x->file, old->a + first, n, &run, &x->stop, e);
	if (r == 0)
		index_publish(x, run_list_replace(old, first, n, &run));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = runs_forget(&x->file, &old->a[first + i], e);
	run_list_put(old);
	return r;
}

void index_unlink_day(const char *data, int64_t day)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char *path = day_path(data, "runs-", day);

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		char *name = NULL;

		if (asprintf(&name, "%s%s", path, suffixes[i]) > 0)
			(void)unlink(name);
		free(name);
	}
	free(path);
}

static void drop_day(struct index *x, int64_t day)
{
	const struct run_list *l = x->runs;
	size_t at = 0, n = 0;

	while (at < l->n && l->a[at].day != day)
		at++;
	while (at + n < l->n && l->a[at + n].day == day)
		n++;
	if (n)
		index_publish(x, run_list_replace(l, at, n, NULL));
	if (x->file.db && x->file.day == day)
		runs_close(&x->file);
	index_unlink_day(x->data, day);
}

/* One piece of work. Called with the lock, which it gives up meanwhile; false when there is none. */
static bool work(struct index *x)
{
	struct err e = {""};
	struct table *t = x->dead ? NULL : table_waiting(x);
	int64_t day = x->drops ? x->drop[x->drops - 1] : 0;
	size_t first = 0, n;
	int r = 0;

	if (t) {
		pthread_mutex_unlock(&x->lock);
		r = table_write(x, t, &e);
	} else if (x->drops) {
		pthread_mutex_unlock(&x->lock);
		drop_day(x, day);
	} else if (!x->dead && (n = join_candidate(x, &first)) > 0) {
		pthread_mutex_unlock(&x->lock);
		r = join(x, first, n, &e);
	} else {
		return false;
	}
	if (r < 0 && r != -ECANCELED)
		x->failed(x->ctx, r, e.text);
	pthread_mutex_lock(&x->lock);
	x->dead |= r < 0;
	if (!t && x->drops && x->drop[x->drops - 1] == day)
		x->drops--;
	return true;
}

void *index_thread(void *arg)
{
	struct index *x = arg;

	pthread_mutex_lock(&x->lock);
	while (!atomic_load(&x->stop)) {
		x->busy = true;
		if (work(x))
			continue;
		x->busy = false;
		pthread_cond_broadcast(&x->quiet);
		pthread_cond_wait(&x->work, &x->lock);
	}
	x->busy = false;
	pthread_cond_broadcast(&x->quiet);
	pthread_mutex_unlock(&x->lock);
	runs_close(&x->file);
	return NULL;
}

void index_today(struct index *x, int64_t day)
{
	pthread_mutex_lock(&x->lock);
	x->today = day;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
}

void index_drop_day(struct index *x, int64_t day)
{
	pthread_mutex_lock(&x->lock);
	if (x->drops < COUNT_OF(x->drop)) /* else the next open finds a file without its day */
		x->drop[x->drops++] = day;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
}

void index_settle(struct index *x)
{
	size_t first;

	pthread_mutex_lock(&x->lock);
	while (!x->dead && (x->busy || table_waiting(x) || x->drops || join_candidate(x, &first))) {
		pthread_cond_signal(&x->work);
		pthread_cond_wait(&x->quiet, &x->lock);
	}
	pthread_mutex_unlock(&x->lock);
}

size_t index_runs(struct index *x)
{
	size_t n;

	pthread_mutex_lock(&x->lock);
	n = x->runs->n;
	pthread_mutex_unlock(&x->lock);
	return n;
}
