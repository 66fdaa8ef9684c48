/* sqlite_runs_write.c - runs are written: from pairs in memory, or by joining runs that are there (sqlite_runs.h; sqlite_runs.c draws the
 * tables). */
#include "store/sqlite_runs_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_index.h"

#define PAIRS_A_CHUNK 200 /* 3.2 KB: a page with room for the unlucky ones */

/* Takes pairs in order and cuts them into the chunks of one run. */
struct writer {
	struct runs_file *f;
	struct run *r;
	struct pair *a;
	size_t n, cap;
	uint32_t chunk;      /* that is being filled */
	size_t since;        /* chunks since the last commit */
	uint64_t last, same; /* the latest hash, and pairs with it before */
	uint64_t written, idem;
	struct err *e;
	int error;
};

static void flush(struct writer *w)
{
	if (w->error)
		return;
	sqlite3_bind_int64(w->f->put, 1, chunk_id(w->r, w->chunk));
	sqlite3_bind_blob(w->f->put, 2, w->n ? (const void *)w->a : "", (int)(w->n * sizeof(*w->a)), SQLITE_STATIC);
	if (sqlite3_step(w->f->put) != SQLITE_DONE)
		w->error = runs_failed(w->f, "chunk", w->e);
	sqlite3_reset(w->f->put);
	w->n = 0;
	w->chunk++;
	if (!w->error && ++w->since >= CHUNKS_A_COMMIT) {
		w->error = runs_sql(w->f, "COMMIT; BEGIN IMMEDIATE", w->e);
		w->since = 0;
	}
}

static void put(struct writer *w, struct pair p)
{
	w->same = w->written && w->last == p.h ? w->same + 1 : 0;
	w->last = p.h;
	if (w->same >= SAME_MAX)
		return;
	while (w->chunk < chunk_of(w->r, p.h))
		flush(w);
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 512;
		w->a = xrealloc(w->a, w->cap, sizeof(*w->a));
	}
	w->a[w->n++] = p;
	w->written++;
	if ((p.h & 3) == INDEX_IDEMPOTENCY) {
		w->idem++;
		bloom_add(&w->r->bloom, p.h);
	}
}

static int add_row(struct writer *w)
{
	struct run *r = w->r;
	sqlite3_stmt *q = NULL;
	int rc;

	r->n = w->written;
	r->idem = w->idem;
	if (sqlite3_prepare_v2(w->f->db, "INSERT INTO run VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)", -1, &q, NULL) != SQLITE_OK)
		return runs_failed(w->f, "run", w->e);
	const int64_t columns[] = {r->id,          r->level,       r->chunks, (int64_t)r->n, (int64_t)r->idem,
				   (int64_t)r->lo, (int64_t)r->hi, r->key,    r->seq};

	for (int i = 0; i < (int)COUNT_OF(columns); i++)
		sqlite3_bind_int64(q, i + 1, columns[i]);
	if (r->bloom.bits)
		sqlite3_bind_blob(q, 10, r->bloom.bits, (int)bloom_bytes(&r->bloom), SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : runs_failed(w->f, "run", w->e);
}

static int64_t next_id(struct runs_file *f)
{
	sqlite3_stmt *q = NULL;
	int64_t id = 1;

	if (sqlite3_prepare_v2(f->db,
			       "SELECT max((SELECT ifnull(max(id),0) FROM run),"
			       "(SELECT ifnull(max(id),0)>>24 FROM chunk))+1",
			       -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		id = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return id;
}

static int writer_open(struct writer *w, struct runs_file *f, struct run *r, uint64_t n, uint64_t idem, struct err *e)
{
	*w = (struct writer){.f = f, .r = r, .e = e};
	r->day = f->day;
	r->id = next_id(f);
	r->chunks = n ? (uint32_t)MIN(n / PAIRS_A_CHUNK + 1, ((uint64_t)1 << CHUNK_BITS) - 1) : 0;
	bloom_make(&r->bloom, idem);
	return runs_sql(f, "BEGIN IMMEDIATE", e);
}

/* The last chunks, and `also` in the transaction that makes the run exist. */
static int writer_close(struct writer *w, const char *also)
{
	while (!w->error && w->chunk < w->r->chunks)
		flush(w);
	if (!w->error)
		w->error = add_row(w);
	if (!w->error && also)
		w->error = runs_sql(w->f, also, w->e);
	if (!w->error)
		w->error = runs_sql(w->f, "COMMIT", w->e);
	if (w->error && !sqlite3_get_autocommit(w->f->db))
		sqlite3_exec(w->f->db, "ROLLBACK", NULL, NULL, NULL);
	if (w->error) {
		bloom_done(&w->r->bloom);
	}
	free(w->a);
	return w->error;
}

int runs_add(struct runs_file *f, struct run *r, const struct pair *p, size_t n, struct err *e)
{
	struct writer w;
	uint64_t idem = 0;
	int error;

	for (size_t i = 0; i < n; i++)
		idem += (p[i].h & 3) == INDEX_IDEMPOTENCY;
	error = writer_open(&w, f, r, n, idem, e);
	if (error < 0) {
		bloom_done(&r->bloom);
		return error;
	}
	for (size_t i = 0; i < n; i++)
		put(&w, p[i]);
	return writer_close(&w, NULL);
}

/* -- joining -------------------------------------------------------------------------------------------------------- */

struct cursor {
	const struct run *r;
	uint32_t chunk; /* the next to read */
	struct pair *a;
	size_t at, n, cap;
};

static int cursor_fill(struct runs_file *f, struct cursor *c)
{
	const struct pair *p;
	size_t n;
	int r;

	while (c->at == c->n && c->chunk < c->r->chunks) {
		r = chunk_get(f, chunk_id(c->r, c->chunk++), &p, &n);
		if (r < 0)
			return r;
		if (n > c->cap) {
			c->cap = n;
			c->a = xrealloc(c->a, n, sizeof(*c->a));
		}
		if (n)
			memcpy(c->a, p, n * sizeof(*c->a));
		c->at = 0;
		c->n = n;
		sqlite3_reset(f->get);
	}
	return 0;
}

static bool before(struct pair a, struct pair b) { return a.h != b.h ? a.h < b.h : a.key > b.key; }

static int join_all(struct runs_file *f, struct cursor *c, size_t n, struct writer *w, const atomic_bool *stop)
{
	for (uint64_t turn = 0; !w->error; turn++) {
		size_t best = n;

		for (size_t i = 0; i < n; i++) {
			if (c[i].at == c[i].n) {
				int r = cursor_fill(f, &c[i]);

				if (r < 0)
					return err_set(w->e, r, "runs: a chunk of run %lld is missing",
						       (long long)c[i].r->id);
			}
			if (c[i].at < c[i].n && (best == n || before(c[i].a[c[i].at], c[best].a[c[best].at])))
				best = i;
		}
		if (best == n)
			break;
		put(w, c[best].a[c[best].at++]);
		if ((turn & 0xFFFF) == 0xFFFF && atomic_load(stop))
			return -ECANCELED;
	}
	return w->error;
}

int runs_join(struct runs_file *f, const struct run *in, size_t n, struct run *out, const atomic_bool *stop, struct err *e)
{
	struct cursor *c = xcalloc(n, sizeof(*c));
	struct writer w;
	uint64_t all = 0, idem = 0;
	char also[96];
	int r;

	*out = (struct run){.lo = in[0].lo, .hi = in[n - 1].hi};
	for (size_t i = 0; i < n; i++) {
		c[i].r = &in[i];
		all += in[i].n;
		idem += in[i].idem;
		out->level = MAX(out->level, in[i].level + 1);
		out->key = MAX(out->key, in[i].key);
		out->seq = MAX(out->seq, in[i].seq);
	}
	r = writer_open(&w, f, out, all, idem, e);
	if (r == 0)
		r = join_all(f, c, n, &w, stop);
	w.error = r;
	snprintf(also, sizeof(also), "DELETE FROM run WHERE lo>=%llu AND hi<=%llu AND id<>%lld",
		 (unsigned long long)out->lo, (unsigned long long)out->hi, (long long)out->id);
	r = writer_close(&w, also);
	for (size_t i = 0; i < n; i++)
		free(c[i].a);
	free(c);
	return r;
}
