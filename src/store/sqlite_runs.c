/* Runs on disk.
 *   run(id, level, chunks, n, idem, lo, hi, key, seq, bloom)    one row a run; what has no row does not exist
 *   chunk(id = run << 24 | number, pairs)                       16 bytes a pair, little-endian, in order of (h, key descending)
 * A run is written chunk by chunk and exists with its row, so that a crash leaves chunks at most, which the next open drops.
 * synchronous=NORMAL: a power cut may take the last runs with their marks, and they are made again. */
#include "store/sqlite_runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite_index.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pairs are written as they are in memory");
_Static_assert(sizeof(struct pair) == 16, "no padding");
__extension__ typedef unsigned __int128 u128;

#define PAIRS_A_CHUNK 200 /* 3.2 KB: a page with room for the unlucky ones */
#define CHUNK_BITS 24
#define CHUNKS_A_COMMIT 1024
#define BLOOM_BITS 10 /* a key, rounded up to a power of two in all */

static int failed(struct runs_file *f, const char *what, struct err *e)
{
	return err_set(e, -EIO, "runs: %s: %s", what, f->db ? sqlite3_errmsg(f->db) : "cannot open");
}

static int run_sql(struct runs_file *f, const char *sql, struct err *e)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(f, "write", e);
}

void runs_close(struct runs_file *f)
{
	sqlite3_finalize(f->get);
	sqlite3_finalize(f->put);
	sqlite3_close(f->db);
	memset(f, 0, sizeof(*f));
}

static const char schema[] = "CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY, level INT, chunks INT, "
			     "n INT, idem INT, lo INT, hi INT,"
			     " key INT, seq INT, bloom BLOB);"
			     "CREATE TABLE IF NOT EXISTS chunk(id INTEGER PRIMARY KEY, pairs BLOB);";

int runs_open(struct runs_file *f, const char *path, int64_t day, bool write, struct err *e)
{
	int fd, r = 0;

	memset(f, 0, sizeof(*f));
	f->day = day;
	if (write) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
		close(fd);
	}
	if (sqlite3_open_v2(path, &f->db, (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		r = failed(f, path, e);
	if (r == 0) {
		sqlite3_busy_timeout(f->db, 5000);
		r = run_sql(f, "PRAGMA cache_size=-1024;", e);
	}
	if (r == 0 && write)
		r = run_sql(f, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=0;", e);
	if (r == 0 && write)
		r = run_sql(f, schema, e);
	if (r == 0 && write && sqlite3_prepare_v2(f->db, "INSERT INTO chunk VALUES(?1,?2)", -1, &f->put, NULL) != SQLITE_OK)
		r = failed(f, path, e);
	if (r == 0 && sqlite3_prepare_v2(f->db, "SELECT pairs FROM chunk WHERE id=?1", -1, &f->get, NULL) != SQLITE_OK)
		r = failed(f, path, e);
	if (r < 0)
		runs_close(f);
	return r;
}

/* -- bloom ---------------------------------------------------------------------------------------------------------- */

static size_t bloom_bytes(const struct bloom *b) { return (size_t)1 << (b->log2 - 3); }

static uint64_t bloom_bit(const struct bloom *b, uint64_t h, unsigned i)
{
	static const uint64_t odd[] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu, 0xD6E8FEB86659FD93u, 0xA0761D6478BD642Fu};

	return h * odd[i] >> (64 - b->log2);
}

static void bloom_add(struct bloom *b, uint64_t h)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t bit = bloom_bit(b, h, i);

		b->bits[bit >> 3] |= (unsigned char)(1u << (bit & 7));
	}
}

bool bloom_may(const struct bloom *b, uint64_t h)
{
	for (unsigned i = 0; b->bits && i < 4; i++) {
		uint64_t bit = bloom_bit(b, h, i);

		if (!(b->bits[bit >> 3] & 1u << (bit & 7)))
			return false;
	}
	return true;
}

static void bloom_make(struct bloom *b, uint64_t keys)
{
	b->bits = NULL;
	if (keys == 0)
		return;
	b->log2 = 10;
	while (((uint64_t)1 << b->log2) < keys * BLOOM_BITS)
		b->log2++;
	b->bits = xcalloc(1, bloom_bytes(b));
}

/* -- writing -------------------------------------------------------------------------------------------------------- */

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

static int64_t chunk_id(const struct run *r, uint32_t chunk) { return r->id << CHUNK_BITS | chunk; }
static uint32_t chunk_of(const struct run *r, uint64_t h) { return (uint32_t)((u128)h * r->chunks >> 64); }

static void flush(struct writer *w)
{
	if (w->error)
		return;
	sqlite3_bind_int64(w->f->put, 1, chunk_id(w->r, w->chunk));
	sqlite3_bind_blob(w->f->put, 2, w->n ? (const void *)w->a : "", (int)(w->n * sizeof(*w->a)), SQLITE_STATIC);
	if (sqlite3_step(w->f->put) != SQLITE_DONE)
		w->error = failed(w->f, "chunk", w->e);
	sqlite3_reset(w->f->put);
	w->n = 0;
	w->chunk++;
	if (!w->error && ++w->since >= CHUNKS_A_COMMIT) {
		w->error = run_sql(w->f, "COMMIT; BEGIN IMMEDIATE", w->e);
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
		return failed(w->f, "run", w->e);
	const int64_t columns[] = {r->id,          r->level,       r->chunks, (int64_t)r->n, (int64_t)r->idem,
				   (int64_t)r->lo, (int64_t)r->hi, r->key,    r->seq};

	for (int i = 0; i < (int)COUNT_OF(columns); i++)
		sqlite3_bind_int64(q, i + 1, columns[i]);
	if (r->bloom.bits)
		sqlite3_bind_blob(q, 10, r->bloom.bits, (int)bloom_bytes(&r->bloom), SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : failed(w->f, "run", w->e);
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
	return run_sql(f, "BEGIN IMMEDIATE", e);
}

/* The last chunks, and `also` in the transaction that makes the run exist. */
static int writer_close(struct writer *w, const char *also)
{
	while (!w->error && w->chunk < w->r->chunks)
		flush(w);
	if (!w->error)
		w->error = add_row(w);
	if (!w->error && also)
		w->error = run_sql(w->f, also, w->e);
	if (!w->error)
		w->error = run_sql(w->f, "COMMIT", w->e);
	if (w->error && !sqlite3_get_autocommit(w->f->db))
		sqlite3_exec(w->f->db, "ROLLBACK", NULL, NULL, NULL);
	if (w->error) {
		free(w->r->bloom.bits);
		w->r->bloom.bits = NULL;
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
		free(r->bloom.bits);
		r->bloom.bits = NULL;
		return error;
	}
	for (size_t i = 0; i < n; i++)
		put(&w, p[i]);
	return writer_close(&w, NULL);
}

/* -- reading -------------------------------------------------------------------------------------------------------- */

static int chunk_get(struct runs_file *f, int64_t id, const struct pair **p, size_t *n)
{
	int rc;

	sqlite3_bind_int64(f->get, 1, id);
	rc = sqlite3_step(f->get);
	if (rc != SQLITE_ROW) {
		sqlite3_reset(f->get);
		return rc == SQLITE_DONE ? -ENOENT : -EIO;
	}
	*p = sqlite3_column_blob(f->get, 0);
	*n = (size_t)sqlite3_column_bytes(f->get, 0) / sizeof(**p);
	return 0;
}

static struct pair pair_at(const struct pair *p, size_t i)
{
	struct pair v;

	memcpy(&v, (const char *)p + i * sizeof(v), sizeof(v)); /* SQLite does not align blobs */
	return v;
}

void keys_add(int64_t *keys, size_t max, size_t *n, int64_t key)
{
	for (size_t i = *n; i-- > 0;)
		if (keys[i] == key)
			return;
	if (*n < max)
		keys[(*n)++] = key;
}

int runs_probe(struct runs_file *f, const struct run *r, uint64_t h, int64_t *keys, size_t max, size_t *found)
{
	const struct pair *p;
	size_t n, low = 0, high;
	int error;

	if (r->chunks == 0)
		return 0;
	error = chunk_get(f, chunk_id(r, chunk_of(r, h)), &p, &n);
	if (error < 0)
		return error;
	for (high = n; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (pair_at(p, mid).h < h)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < n && pair_at(p, low).h == h && *found < max; low++)
		keys_add(keys, max, found, pair_at(p, low).key);
	sqlite3_reset(f->get);
	return 0;
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

int runs_forget(struct runs_file *f, const struct run *gone, struct err *e)
{
	char sql[128];
	int r = 0;

	/* In steps, so that the file is never locked for long. */
	for (uint32_t at = 0; r == 0 && at < gone->chunks; at += CHUNKS_A_COMMIT) {
		if (at > 0 && sqlite3_changes(f->db) == 0)
			break;
		snprintf(sql, sizeof(sql), "DELETE FROM chunk WHERE id BETWEEN %lld AND %lld",
			 (long long)chunk_id(gone, at),
			 (long long)chunk_id(gone, MIN(at + CHUNKS_A_COMMIT, gone->chunks) - 1));
		r = run_sql(f, sql, e);
	}
	return r;
}

/* Looks at one chunk a run, not at all of them. */
static int forget_orphans(struct runs_file *f, const struct run *a, size_t n, struct err *e)
{
	sqlite3_stmt *q = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(f->db, "SELECT min(id) FROM chunk WHERE id>=?1", -1, &q, NULL) != SQLITE_OK)
		return failed(f, "list", e);
	for (int64_t id = 0; r == 0;) {
		struct run orphan = {.chunks = (uint32_t)1 << CHUNK_BITS};
		bool known = false;

		sqlite3_bind_int64(q, 1, id << CHUNK_BITS);
		if (sqlite3_step(q) != SQLITE_ROW || sqlite3_column_type(q, 0) == SQLITE_NULL)
			break;
		id = sqlite3_column_int64(q, 0) >> CHUNK_BITS;
		sqlite3_reset(q);
		for (size_t i = 0; i < n; i++)
			known |= a[i].id == id;
		orphan.id = id++;
		if (!known)
			r = runs_forget(f, &orphan, e);
	}
	sqlite3_finalize(q);
	return r;
}

int runs_list(struct runs_file *f, bool blooms, struct run **ret, size_t *n, struct err *e)
{
	sqlite3_stmt *q = NULL;
	struct run *a = NULL;
	size_t count = 0;
	int rc;

	if (sqlite3_prepare_v2(f->db, "SELECT id,level,chunks,n,idem,lo,hi,key,seq,bloom FROM run ORDER BY hi",
			       -1, &q, NULL) != SQLITE_OK)
		return failed(f, "list", e);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct run *r;
		size_t size;

		a = xrealloc(a, count + 1, sizeof(*a));
		r = &a[count++];
		*r = (struct run){.day = f->day,
				  .id = sqlite3_column_int64(q, 0),
				  .level = sqlite3_column_int(q, 1),
				  .chunks = (uint32_t)sqlite3_column_int64(q, 2),
				  .n = (uint64_t)sqlite3_column_int64(q, 3),
				  .idem = (uint64_t)sqlite3_column_int64(q, 4),
				  .lo = (uint64_t)sqlite3_column_int64(q, 5),
				  .hi = (uint64_t)sqlite3_column_int64(q, 6),
				  .key = sqlite3_column_int64(q, 7),
				  .seq = sqlite3_column_int64(q, 8)};
		if (!blooms || r->idem == 0)
			continue;
		size = (size_t)sqlite3_column_bytes(q, 9);
		if (size < 128 || size & (size - 1))
			continue;
		r->bloom.bits = xcalloc(1, size);
		r->bloom.log2 = (unsigned)__builtin_ctzll(size) + 3;
		memcpy(r->bloom.bits, sqlite3_column_blob(q, 9), size);
	}
	sqlite3_finalize(q);
	*ret = a;
	*n = count;
	return rc == SQLITE_DONE ? forget_orphans(f, a, count, e) : failed(f, "list", e);
}
