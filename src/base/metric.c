/* metric.c - counters without locks. Each has a cache line of its own, so that threads counting different things do not take
 * lines from each other. */
#include "base/metric.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Upper bounds of the buckets, inclusive, in microseconds, and as /metrics prints them. */
static const struct {
	int64_t us;
	const char *le;
} buckets[] = {
	{500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
	{10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
	{250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"},
	{5000000, "5"},   {10000000, "10"}, {30000000, "30"}, {60000000, "60"},
};
#define BUCKETS (COUNT_OF(buckets) + 1) /* the last is +Inf */

struct metric {
	alignas(64) atomic_int_fast64_t v; /* value; of a histogram the sum in microseconds */
	atomic_int_fast64_t *counts;       /* BUCKETS of them, histograms only */
	const struct metric_def *def;
};

struct metric_cell {
	alignas(64) atomic_int_fast64_t v;
	struct metric_cell *next; /* in its family */
	char *label, *value;
};

/* All cells of one name. */
struct family {
	struct family *next;
	enum metric_kind kind;
	char *name, *help;
	struct metric_cell *first, **end;
};

static struct metric *_Atomic table;
static atomic_size_t table_size;

static pthread_mutex_t families_lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families, **families_end = &families;

static void *aligned(size_t n, size_t size)
{
	void *p = aligned_alloc(64, MAX(n, (size_t)1) * size);

	ASSERT(p);
	memset(p, 0, n * size);
	return p;
}

void metric_setup(const struct metric_def *defs, size_t n)
{
	struct metric *t = atomic_load(&table);

	if (t) {
		ASSERT(atomic_load(&table_size) == n && (!n || t->def == defs));
		return;
	}
	t = aligned(n, sizeof(*t));
	for (size_t i = 0; i < n; i++) {
		t[i].def = &defs[i];
		if (defs[i].kind == METRIC_HISTOGRAM)
			t[i].counts = xcalloc(BUCKETS, sizeof(*t[i].counts));
	}
	atomic_store(&table_size, n);
	atomic_store(&table, t);
}

static struct metric *metric_of(int id)
{
	struct metric *t = atomic_load_explicit(&table, memory_order_acquire);

	if (!t)
		return NULL;
	ASSERT(id >= 0 && (size_t)id < atomic_load_explicit(&table_size, memory_order_relaxed));
	return &t[id];
}

void metric_add(int id, int64_t n)
{
	struct metric *m = metric_of(id);

	if (m)
		atomic_fetch_add_explicit(&m->v, n, memory_order_relaxed);
}

void metric_set(int id, int64_t v)
{
	struct metric *m = metric_of(id);

	if (m)
		atomic_store_explicit(&m->v, v, memory_order_relaxed);
}

void metric_observe_us(int id, int64_t us)
{
	struct metric *m = metric_of(id);
	size_t i = 0;

	if (!m)
		return;
	ASSERT(m->counts);
	while (i < COUNT_OF(buckets) && us > buckets[i].us)
		i++;
	atomic_fetch_add_explicit(&m->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->v, MAX(us, (int64_t)0), memory_order_relaxed);
}

int64_t metric_get(int id)
{
	struct metric *m = metric_of(id);
	int64_t sum = 0;

	if (!m)
		return 0;
	if (!m->counts)
		return atomic_load_explicit(&m->v, memory_order_relaxed);
	for (size_t i = 0; i < BUCKETS; i++)
		sum += atomic_load_explicit(&m->counts[i], memory_order_relaxed);
	return sum;
}

static struct family *family_of(const char *name, const char *help, enum metric_kind kind)
{
	struct family *f;

	for (f = families; f; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f;
	f = xnew(struct family);
	f->name = xstrdup(name);
	f->help = xstrdup(help);
	f->kind = kind;
	f->end = &f->first;
	*families_end = f;
	families_end = &f->next;
	return f;
}

struct metric_cell *metric_cell(const char *name, const char *help, enum metric_kind kind, const char *label,
				const char *value)
{
	struct metric_cell *c;
	struct family *f;

	ASSERT(kind != METRIC_HISTOGRAM);
	pthread_mutex_lock(&families_lock);
	f = family_of(name, help, kind);
	ASSERT(f->kind == kind);
	for (c = f->first; c; c = c->next)
		if (strcmp(c->label, label) == 0 && strcmp(c->value, value) == 0)
			break;
	if (!c) {
		c = aligned(1, sizeof(*c));
		c->label = xstrdup(label);
		c->value = xstrdup(value);
		*f->end = c;
		f->end = &c->next;
	}
	pthread_mutex_unlock(&families_lock);
	return c;
}

void metric_cell_set(struct metric_cell *c, int64_t v)
{
	atomic_store_explicit(&c->v, v, memory_order_relaxed);
}

void metric_cell_add(struct metric_cell *c, int64_t n)
{
	atomic_fetch_add_explicit(&c->v, n, memory_order_relaxed);
}

int64_t metric_cell_get(const struct metric_cell *c)
{
	return atomic_load_explicit(&c->v, memory_order_relaxed);
}

static void print_escaped(struct buf *out, const char *s, bool quotes)
{
	for (; *s; s++) {
		if (*s == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*s == '\\' || (quotes && *s == '"'))
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
}

static void print_head(struct buf *out, const char *name, const char *help, enum metric_kind kind)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};

	buf_fmt(out, "# HELP %s ", name);
	print_escaped(out, help, false);
	buf_fmt(out, "\n# TYPE %s %s\n", name, kinds[kind]);
}

static void print_histogram(struct buf *out, const struct metric *m)
{
	const char *name = m->def->name;
	int64_t total = 0;
	int64_t sum = atomic_load_explicit(&m->v, memory_order_relaxed);

	for (size_t i = 0; i < BUCKETS; i++) {
		total += atomic_load_explicit(&m->counts[i], memory_order_relaxed);
		buf_fmt(out, "%s_bucket{le=\"%s\"} %lld\n", name,
			i < COUNT_OF(buckets) ? buckets[i].le : "+Inf", (long long)total);
	}
	/* The count is the last bucket by construction, whatever is counted while this prints. */
	buf_fmt(out, "%s_sum %lld.%06lld\n%s_count %lld\n", name, (long long)(sum / 1000000),
		(long long)(sum % 1000000), name, (long long)total);
}

static void print_value(struct buf *out, int64_t v)
{
	buf_putc(out, ' ');
	buf_i64(out, v);
	buf_putc(out, '\n');
}

void metric_print(struct buf *out)
{
	struct metric *t = atomic_load(&table);
	size_t n = t ? atomic_load(&table_size) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct metric_def *d = t[i].def;

		print_head(out, d->name, d->help, d->kind);
		if (t[i].counts) {
			print_histogram(out, &t[i]);
			continue;
		}
		buf_puts(out, d->name);
		print_value(out, atomic_load_explicit(&t[i].v, memory_order_relaxed));
	}
	pthread_mutex_lock(&families_lock);
	for (const struct family *f = families; f; f = f->next) {
		print_head(out, f->name, f->help, f->kind);
		for (const struct metric_cell *c = f->first; c; c = c->next) {
			buf_fmt(out, "%s{%s=\"", f->name, c->label);
			print_escaped(out, c->value, true);
			buf_puts(out, "\"}");
			print_value(out, metric_cell_get(c));
		}
	}
	pthread_mutex_unlock(&families_lock);
}
