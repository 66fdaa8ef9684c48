/* The newest entries of the index in RAM, and looking things up in RAM and runs. */
#include "store/sqlite_index_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/sqlite.h"

#define BUCKETS 131072u
#define ROWS_A_TABLE \
	1000000 /* rows without entries also end a table, so that the next open need not read them */
#define READER_FILES 8
#define TRIES \
	1000 /* of a look-up whose lists and files change under it, a tenth of a millisecond apart after the first few */
#define TRIES_AT_ONCE 4

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

struct table *index_table_new(uint64_t number, struct table *older)
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

void index_table_free(struct table *t)
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
	x->active = index_table_new(t->number + 1, t);
	x->rows = 0;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
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

/* false: the list is out of date, or a file is just being made or busy; nothing is known then. */
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
		if (error < 0)
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
		l = run_list_get(x->runs);
		pthread_mutex_unlock(&x->lock);
		current = find_in_runs(r, l, in_ram, h, oldest_day, keys, max, &n);
		run_list_put(l);
		if (current)
			return n;
		if (i >= TRIES_AT_ONCE)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	log_error("store.index", "why=\"a look-up could not read its runs\"");
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
		index_unlink_day(x->data, day);
		for (size_t i = 0; i < n; i++)
			bloom_done(&a[i].bloom);
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
			index_unlink_day(x->data, days[n]);
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
	x->runs = run_list_new(count);
	if (count) {
		qsort(all, count, sizeof(*all), compare_runs);
		memcpy(x->runs->a, all, count * sizeof(*all));
	}
	x->active = index_table_new(count ? all[count - 1].hi + 1 : 1, NULL);
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
	if (r == 0 && (r = -pthread_create(&x->thread, NULL, index_thread, x)) < 0)
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
		index_table_free(t);
	}
	if (x->runs)
		run_list_put(x->runs);
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
