/* The newest entries of the index in RAM, the list of runs, and the thread that turns the one into the other.
 *
 *   table: active -> full -> written (kept for look-ups while it is among the newest TABLES_KEPT) -> freed
 *
 * A table is an array in order of arrival with chains by hash. Its number ascends; a run says which numbers it covers, and a run is
 * looked into only when all its tables have left RAM, so nothing is found twice. Lists of runs are immutable and counted: a reader
 * works on the one it took, and takes a newer one when a run was joined away under it. */
#include "store/sqlite_index.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite.h"
#include "store/sqlite_runs.h"

#define BUCKETS 131072u
#define TABLES_KEPT 8 /* written ones; 3 MB each */
#define ROWS_A_TABLE \
	1000000 /* rows without entries also end a table, so that the next open need not read them */
#define JOIN 8
#define READER_FILES 8
#define TRIES 4

struct table {
	struct table *older;
	uint64_t number;
	int64_t day, key, seq;
	size_t n, cap;
	struct pair *a;
	uint32_t *next, *head; /* chains: index + 1 */
	bool written;
};
struct run_list {
	atomic_int refs;
	size_t n;
	struct run a[]; /* oldest first; blooms belong to the list's newest holder, see list_replace */
};
struct index {
	char *data;
	void (*failed)(void *ctx, int error, const char *words);
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t work, quiet;
	struct table *active; /* newest; its older ones behind it */
	size_t rows;
	int64_t today;
	struct run_list *runs;
	int64_t drop[16];
	size_t drops;
	bool busy;
	atomic_bool stop;
	bool dead; /* writing failed: nothing more is written */
	pthread_t thread;
	struct runs_file file; /* the thread's */
};
struct index_reader {
	struct index *x;
	struct runs_file files[READER_FILES];
	size_t n; /* latest use first */
};

/* splitmix64's finaliser: callers' hashes may be anything, chunks need them spread evenly. */
static uint64_t mix(uint64_t v, enum index_kind kind)
{
	v += 0x9E3779B97F4A7C15u * ((uint64_t)kind + 1);
	v = (v ^ v >> 30) * 0xBF58476D1CE4E5B9u;
	v = (v ^ v >> 27) * 0x94D049BB133111EBu;
	return ((v ^ v >> 31) & ~(uint64_t)3) | (uint64_t)kind;
}

/* -- tables --------------------------------------------------------------------------------------------------------- */

static struct table *table_new(uint64_t number, struct table *older)
{
	struct table *t = xnew(struct table);

	t->number = number;
	t->older = older;
	t->cap = TABLE_ENTRIES + 4096; /* untouched pages of it cost nothing */
	t->a = xcalloc(t->cap, sizeof(*t->a));
	t->next = xcalloc(t->cap, sizeof(*t->next));
	t->head = xcalloc(BUCKETS, sizeof(*t->head));
	return t;
}

static void table_free(struct table *t)
{
	if (!t)
		return;
	free(t->a);
	free(t->next);
	free(t->head);
	free(t);
}

static void table_add(struct table *t, struct pair p)
{
	uint32_t *head = &t->head[p.h >> 2 & (BUCKETS - 1)];

	if (t->n == t->cap) {
		t->cap *= 2;
		t->a = xrealloc(t->a, t->cap, sizeof(*t->a));
		t->next = xrealloc(t->next, t->cap, sizeof(*t->next));
	}
	t->a[t->n] = p;
	t->next[t->n++] = *head;
	*head = (uint32_t)t->n;
}

static void table_find(const struct table *t, uint64_t h, int64_t *keys, size_t max, size_t *n)
{
	for (uint32_t i = t->head[h >> 2 & (BUCKETS - 1)]; i && *n < max; i = t->next[i - 1])
		if (t->a[i - 1].h == h)
			keys_add(keys, max, n, t->a[i - 1].key);
}

void index_add(struct index *x, int64_t day, enum index_kind kind, uint64_t hash, int64_t key)
{
	pthread_mutex_lock(&x->lock);
	x->active->day = day;
	table_add(x->active, (struct pair){mix(hash, kind), key});
	pthread_mutex_unlock(&x->lock);
}

void index_mark(struct index *x, int64_t day, int64_t key, int64_t seq, size_t rows, bool force)
{
	struct table *t = x->active;

	x->rows += rows;
	if (t->n < TABLE_ENTRIES && x->rows < ROWS_A_TABLE && !(force && x->rows))
		return;
	pthread_mutex_lock(&x->lock);
	t->day = day;
	t->key = key;
	t->seq = seq;
	x->active = table_new(t->number + 1, t);
	x->rows = 0;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
}

/* -- lists of runs -------------------------------------------------------------------------------------------------- */

static struct run_list *list_new(size_t n)
{
	struct run_list *l = xcalloc(1, sizeof(*l) + n * sizeof(l->a[0]));

	atomic_init(&l->refs, 1);
	l->n = n;
	return l;
}

static struct run_list *list_get(struct run_list *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

static void list_put(struct run_list *l)
{
	if (atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->a[i].bloom.bits);
	free(l);
}

static struct bloom bloom_copy(const struct bloom *b)
{
	struct bloom c = {.log2 = b->log2};

	if (b->bits) {
		c.bits = xcalloc(1, (size_t)1 << (b->log2 - 3));
		memcpy(c.bits, b->bits, (size_t)1 << (b->log2 - 3));
	}
	return c;
}

/* A list without the `out` runs from `at` on, with *take (NULL ok) in their place. Filters of days whose idempotency keys nobody
 * asks for any more are left out. */
static struct run_list *list_replace(const struct run_list *l, size_t at, size_t out, const struct run *take)
{
	struct run_list *new = list_new(l->n - out + (take ? 1 : 0));
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

static void publish(struct index *x, struct run_list *take)
{
	struct run_list *old;

	pthread_mutex_lock(&x->lock);
	old = x->runs;
	x->runs = take;
	pthread_mutex_unlock(&x->lock);
	list_put(old);
}

/* -- look-ups ------------------------------------------------------------------------------------------------------- */

struct index_reader *index_reader_new(struct index *x)
{
	struct index_reader *r = xnew(struct index_reader);

	r->x = x;
	return r;
}

void index_reader_free(struct index_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		runs_close(&r->files[i]);
	free(r);
}

static struct runs_file *reader_file(struct index_reader *r, int64_t day)
{
	struct runs_file f;
	size_t i = 0;
	char *path;
	int error;

	while (i < r->n && r->files[i].day != day)
		i++;
	if (i < r->n) {
		f = r->files[i];
	} else {
		path = day_path(r->x->data, "runs-", day);
		error = runs_open(&f, path, day, false, NULL);
		free(path);
		if (error < 0)
			return NULL;
		if (r->n == READER_FILES)
			runs_close(&r->files[--r->n]);
		i = r->n++;
	}
	memmove(r->files + 1, r->files, i * sizeof(f));
	r->files[0] = f;
	return &r->files[0];
}

/* false: the list is out of date. */
static bool find_in_runs(struct index_reader *r, const struct run_list *l, uint64_t in_ram, uint64_t h,
			 int64_t oldest_day, int64_t *keys, size_t max, size_t *n)
{
	for (size_t i = l->n; i-- > 0 && *n < max;) {
		const struct run *run = &l->a[i];
		struct runs_file *f;
		int error;

		if (run->day < oldest_day)
			break;
		if (run->hi >= in_ram || run->n == 0)
			continue;
		if ((h & 3) == INDEX_IDEMPOTENCY && (run->idem == 0 || !bloom_may(&run->bloom, h)))
			continue;
		f = reader_file(r, run->day);
		error = f ? runs_probe(f, run, h, keys, max, n) : -ENOENT;
		if (error == -ENOENT)
			return false;
	}
	return true;
}

size_t index_find(struct index_reader *r, enum index_kind kind, uint64_t hash, int64_t oldest_day, int64_t *keys, size_t max)
{
	struct index *x = r->x;
	uint64_t h = mix(hash, kind), in_ram = 0;
	size_t n = 0;

	for (int i = 0; i < TRIES; i++) {
		struct run_list *l;
		bool current;

		n = 0;
		pthread_mutex_lock(&x->lock);
		for (const struct table *t = x->active; t; t = t->older) {
			table_find(t, h, keys, max, &n);
			in_ram = t->number;
		}
		l = list_get(x->runs);
		pthread_mutex_unlock(&x->lock);
		current = find_in_runs(r, l, in_ram, h, oldest_day, keys, max, &n);
		list_put(l);
		if (current)
			break;
	}
	return n;
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
		table_free(old);
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
	publish(x, list_replace(x->runs, x->runs->n, 0, &run));
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
	struct run_list *old = list_get(x->runs); /* only this thread changes it */
	struct run run;
	int r = thread_file(x, old->a[first].day, e);

	if (r == 0)
		r = runs_join(&x->file, old->a + first, n, &run, &x->stop, e);
	if (r == 0)
		publish(x, list_replace(old, first, n, &run));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = runs_forget(&x->file, &old->a[first + i], e);
	list_put(old);
	return r;
}

static void unlink_day(const char *data, int64_t day)
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
		publish(x, list_replace(l, at, n, NULL));
	if (x->file.db && x->file.day == day)
		runs_close(&x->file);
	unlink_day(x->data, day);
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

static void *thread(void *arg)
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

/* -- open and close ------------------------------------------------------------------------------------------------- */

static int compare_runs(const void *a, const void *b)
{
	const struct run *p = a, *q = b;

	return p->hi < q->hi ? -1 : p->hi > q->hi;
}

/* A file that cannot be read is made again from its day's rows. */
static int load_day(struct index *x, int64_t day, bool blooms, struct run **all, size_t *count, struct err *e)
{
	struct runs_file f;
	char *path = day_path(x->data, "runs-", day);
	struct run *a = NULL;
	size_t n = 0;
	int r = runs_open(&f, path, day, true, e);

	if (r == 0)
		r = runs_list(&f, blooms, &a, &n, e);
	runs_close(&f);
	if (r < 0) {
		log_warn("store.runs", "file=%s why=%s action=\"made again\"", path,
			 log_quote(str_of(e->text)).s);
		unlink_day(x->data, day);
		for (size_t i = 0; i < n; i++)
			free(a[i].bloom.bits);
		n = 0;
	}
	if (n) {
		*all = xrealloc(*all, *count + n, sizeof(**all));
		memcpy(*all + *count, a, n * sizeof(**all));
		*count += n;
	}
	free(a);
	free(path);
	return 0;
}

/* Days that have a file of runs; a file whose day is gone goes too. */
static size_t list_days(struct index *x, const struct names *names, int64_t *days)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		char *path;

		if (day_parse(names->a[i], "runs-", &days[n]) < 0)
			continue;
		path = day_path(x->data, "day-", days[n]);
		if (access(path, F_OK) < 0)
			unlink_day(x->data, days[n]);
		else
			n++;
		free(path);
	}
	return n;
}

static int load(struct index *x, struct err *e)
{
	struct names names;
	struct run *all = NULL;
	int64_t newest = 0, *days;
	size_t n, count = 0;
	int r = folder_names(x->data, &names, e);

	if (r < 0)
		return r;
	days = xcalloc(names.n + 1, sizeof(*days));
	n = list_days(x, &names, days);
	names_done(&names);
	for (size_t i = 0; i < n; i++)
		newest = MAX(newest, days[i]);
	for (size_t i = 0; i < n; i++)
		(void)load_day(x, days[i], days[i] >= newest - 1, &all, &count, e);
	x->runs = list_new(count);
	if (count) {
		qsort(all, count, sizeof(*all), compare_runs);
		memcpy(x->runs->a, all, count * sizeof(*all));
	}
	x->active = table_new(count ? all[count - 1].hi + 1 : 1, NULL);
	free(all);
	free(days);
	return 0;
}

int index_open(struct index **ret, const char *data, void (*failed)(void *ctx, int error, const char *words),
	       void *ctx, struct err *e)
{
	struct index *x = xnew(struct index);
	int r;

	x->data = xstrdup(data);
	x->failed = failed;
	x->ctx = ctx;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->work, NULL);
	pthread_cond_init(&x->quiet, NULL);
	r = load(x, e);
	if (r == 0 && (r = -pthread_create(&x->thread, NULL, thread, x)) < 0)
		err_set(e, r, "thread: %s", strerrordesc_np(-r));
	if (r < 0) {
		x->thread = 0;
		index_close(x);
		return r;
	}
	*ret = x;
	return 0;
}

void index_close(struct index *x)
{
	if (!x)
		return;
	if (x->thread) {
		pthread_mutex_lock(&x->lock);
		atomic_store(&x->stop, true);
		pthread_cond_signal(&x->work);
		pthread_mutex_unlock(&x->lock);
		pthread_join(x->thread, NULL);
	}
	for (struct table *t = x->active, *older; t; t = older) {
		older = t->older;
		table_free(t);
	}
	if (x->runs)
		list_put(x->runs);
	pthread_cond_destroy(&x->work);
	pthread_cond_destroy(&x->quiet);
	pthread_mutex_destroy(&x->lock);
	free(x->data);
	free(x);
}

void index_covered(struct index *x, int64_t day, int64_t *key, int64_t *seq)
{
	*key = *seq = 0;
	pthread_mutex_lock(&x->lock);
	for (size_t i = 0; i < x->runs->n; i++) {
		const struct run *r = &x->runs->a[i];

		if (r->day != day)
			continue;
		*key = MAX(*key, r->key);
		*seq = MAX(*seq, r->seq);
	}
	pthread_mutex_unlock(&x->lock);
}
