/* ranges_make.c - making the table (ranges.h): sorted runs in a file without a name, merged by a heap, nested ranges resolved by a stack of
 * those that are open, pieces written in order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ranges.h"
#include "base/ranges_file.h"

#define RUN_USUAL (1u << 19) /* ranges sorted at once: 20 MiB */
#define READ_AHEAD 1024      /* of each run while they are merged */

struct raw {
	uint64_t first, last;
	uint32_t value, tag;
	uint64_t order; /* of their coming: the later one of two that are the same counts */
};
struct run {
	uint64_t at, end; /* places in the file */
	struct raw *ahead;
	size_t have, next;
};
struct ranges_maker {
	char *path, *part;
	struct raw *now; /* the run that is collected */
	size_t n, run_max;
	uint64_t order;
	FILE *runs_file, *out;
	struct run *runs;
	size_t run_count;
	struct raw *open; /* the stack: each inside the one below */
	size_t depth, cap;
	uint64_t cursor;   /* up to here the open ones are written */
	struct range last; /* not written yet: what follows may join it */
	bool has_last;
	uint64_t *index;
	uint64_t count;
};

static int by_place(const void *a, const void *b)
{
	const struct raw *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last > y->last ? -1 : 1; /* the wider one is around */
	return x->order < y->order ? -1 : x->order > y->order;
}

static int io_fault(const struct ranges_maker *m, struct err *e)
{
	int error = errno ? errno : EIO;

	return err_set(e, -error, "%s: %s", m->part, strerrordesc_np(error));
}

int ranges_make(struct ranges_maker **ret, const char *path, size_t at_once, struct err *e)
{
	struct ranges_maker *m = xnew(struct ranges_maker);
	char *runs = NULL;
	int r = 0;

	m->path = xstrdup(path);
	if (asprintf(&m->part, "%s.part", path) < 0 || asprintf(&runs, "%s.runs", path) < 0)
		abort();
	m->run_max = at_once ? at_once : RUN_USUAL;
	m->now = xcalloc(m->run_max, sizeof *m->now);
	m->runs_file = fopen(runs, "w+e");
	m->out = fopen(m->part, "we");
	if (!m->runs_file || !m->out)
		r = io_fault(m, e);
	(void)unlink(runs);
	free(runs);
	if (r < 0)
		ranges_forget(m);
	else
		*ret = m;
	return r;
}

void ranges_forget(struct ranges_maker *m)
{
	if (!m)
		return;
	if (m->runs_file)
		fclose(m->runs_file);
	if (m->out) {
		fclose(m->out);
		(void)unlink(m->part);
	}
	for (size_t i = 0; i < m->run_count; i++)
		free(m->runs[i].ahead);
	free(m->runs);
	free(m->now);
	free(m->open);
	free(m->index);
	free(m->path);
	free(m->part);
	free(m);
}

static int end_run(struct ranges_maker *m, struct err *e)
{
	uint64_t at = m->run_count ? m->runs[m->run_count - 1].end : 0;
	bool sorted = true;

	if (!m->n)
		return 0;
	for (size_t i = 1; i < m->n && sorted; i++)
		sorted = by_place(&m->now[i - 1], &m->now[i]) <= 0;
	if (!sorted)
		qsort(m->now, m->n, sizeof *m->now, by_place);
	if (fwrite(m->now, sizeof *m->now, m->n, m->runs_file) != m->n)
		return io_fault(m, e);
	m->runs = xrealloc(m->runs, m->run_count + 1, sizeof *m->runs);
	m->runs[m->run_count++] = (struct run){.at = at, .end = at + m->n};
	m->n = 0;
	return 0;
}

int ranges_add(struct ranges_maker *m, uint64_t first, uint64_t last, uint32_t value, uint32_t tag, struct err *e)
{
	ASSERT(first <= last);
	m->now[m->n++] = (struct raw){first, last, value, tag, m->order++};
	return m->n == m->run_max ? end_run(m, e) : 0;
}

/* -- writing -------------------------------------------------------------------------------------------------------- */

static bool write_last(struct ranges_maker *m)
{
	if (!m->has_last)
		return true;
	if (m->count % RANGES_STEP == 0) {
		size_t step = (size_t)(m->count / RANGES_STEP);

		if (step % 4096 == 0)
			m->index = xrealloc(m->index, step + 4096, sizeof *m->index);
		m->index[step] = m->last.first;
	}
	m->count++;
	return fwrite(&m->last, sizeof m->last, 1, m->out) == 1;
}

static bool emit(struct ranges_maker *m, uint64_t first, uint64_t last, uint32_t value)
{
	while (first <= last) {
		uint64_t more = MIN(last - first, (uint64_t)UINT32_MAX);
		uint64_t joined = m->has_last ? first - m->last.first + more : 0;

		if (m->has_last && value == m->last.value && m->last.first + m->last.more + 1 == first && joined <= UINT32_MAX) {
			m->last.more = (uint32_t)joined;
		} else {
			if (!write_last(m))
				return false;
			m->last = (struct range){first, (uint32_t)more, value};
			m->has_last = true;
		}
		if (more == last - first)
			break;
		first += more + 1;
	}
	return true;
}

/* The innermost open range is over: what is left of it. */
static bool close_top(struct ranges_maker *m)
{
	const struct raw *top = &m->open[--m->depth];
	bool ok = m->cursor > top->last || emit(m, m->cursor, top->last, top->value);

	m->cursor = MAX(m->cursor, top->last + 1);
	return ok;
}

static int take(struct ranges_maker *m, const struct raw *r, struct err *e)
{
	while (m->depth && m->open[m->depth - 1].last < r->first)
		if (!close_top(m))
			return io_fault(m, e);
	if (m->depth) {
		const struct raw *top = &m->open[m->depth - 1];

		if (r->last > top->last)
			return err_set(e, -EINVAL, "the ranges of lines %u and %u overlap, and neither is inside the other",
				       MIN(top->tag, r->tag), MAX(top->tag, r->tag));
		if (m->cursor < r->first && !emit(m, m->cursor, r->first - 1, top->value))
			return io_fault(m, e);
		if (top->first == r->first && top->last == r->last)
			m->depth--; /* the same again replaces it */
	}
	if (m->depth == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->open = xrealloc(m->open, m->cap, sizeof *m->open);
	}
	m->open[m->depth++] = *r;
	m->cursor = r->first;
	return 0;
}

/* -- merging -------------------------------------------------------------------------------------------------------- */

static const struct raw *front(const struct run *r) { return &r->ahead[r->next]; }

static int refill(struct ranges_maker *m, struct run *r, struct err *e)
{
	size_t want = (size_t)MIN(r->end - r->at, (uint64_t)READ_AHEAD);

	if (!r->ahead)
		r->ahead = xcalloc(READ_AHEAD, sizeof *r->ahead);
	r->next = r->have = 0;
	if (!want)
		return 0;
	if (pread(fileno(m->runs_file), r->ahead, want * sizeof *r->ahead, (off_t)(r->at * sizeof *r->ahead)) !=
	    (ssize_t)(want * sizeof *r->ahead))
		return io_fault(m, e);
	r->at += want;
	r->have = want;
	return 0;
}

static void sink(struct run **heap, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct run *down = heap[i];

		if (child + 1 < n && by_place(front(heap[child + 1]), front(heap[child])) < 0)
			child++;
		if (by_place(front(down), front(heap[child])) <= 0)
			return;
		heap[i] = heap[child];
		heap[child] = down;
	}
}

static int merge(struct ranges_maker *m, struct err *e)
{
	struct run **heap = xcalloc(m->run_count + 1, sizeof(*heap));
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->run_count; i++) {
		r = refill(m, &m->runs[i], e);
		heap[n++] = &m->runs[i];
	}
	for (size_t i = n / 2; r == 0 && i-- > 0;)
		sink(heap, n, i);
	while (r == 0 && n) {
		struct run *first = heap[0];

		r = take(m, front(first), e);
		if (r == 0 && ++first->next == first->have)
			r = refill(m, first, e);
		if (r == 0 && !first->have)
			heap[0] = heap[--n];
		if (r == 0 && n)
			sink(heap, n, 0);
	}
	free(heap);
	return r;
}

static int sync_folder(const struct ranges_maker *m, struct err *e)
{
	char *folder = xstrdup(m->path), *slash = strrchr(folder, '/');
	int fd, r = 0;

	if (slash)
		*slash = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		r = err_set(e, -errno, "%s: %s", folder, strerrordesc_np(errno));
	if (fd >= 0)
		close(fd);
	free(folder);
	return r;
}

int ranges_finish(struct ranges_maker *m, struct err *e)
{
	struct ranges_head head = {.magic = RANGES_MAGIC};
	size_t steps;
	bool ok;
	int r = end_run(m, e);

	errno = 0;
	if (r == 0 && (fflush(m->runs_file) != 0 || fwrite(&head, sizeof head, 1, m->out) != 1))
		r = io_fault(m, e);
	if (r == 0)
		r = merge(m, e);
	if (r < 0)
		return r;
	ok = true;
	while (ok && m->depth)
		ok = close_top(m);
	ok = ok && write_last(m);
	steps = (size_t)((m->count + RANGES_STEP - 1) / RANGES_STEP);
	head.count = m->count;
	ok = ok && (!steps || fwrite(m->index, sizeof *m->index, steps, m->out) == steps);
	ok = ok && fseeko(m->out, 0, SEEK_SET) == 0 && fwrite(&head, sizeof head, 1, m->out) == 1;
	ok = ok && fflush(m->out) == 0 && fsync(fileno(m->out)) == 0;
	if (!ok)
		return io_fault(m, e);
	if (rename(m->part, m->path) < 0)
		return io_fault(m, e);
	fclose(m->out);
	m->out = NULL;
	return sync_folder(m, e);
}
