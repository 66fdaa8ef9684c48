/* sqlite_runs.c - runs on disk: their file, looking into one, the list of all. sqlite_runs_write.c makes them.
 *   run(id, level, chunks, n, idem, lo, hi, key, seq, bloom)    one row a run; what has no row does not exist
 *   chunk(id = run << 24 | number, pairs)                       16 bytes a pair, little-endian, in order of (h, key descending)
 * A run is written chunk by chunk and exists with its row, so that a crash leaves chunks at most, which the next open drops.
 * synchronous=NORMAL: a power cut may take the last runs with their marks, and they are made again. */
#include "store/sqlite_runs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pairs are written as they are in memory");
_Static_assert(sizeof(struct pair) == 16, "no padding");

int runs_failed(struct runs_file *f, const char *what, struct err *e)
{
	return err_set(e, -EIO, "runs: %s: %s", what, f->db ? sqlite3_errmsg(f->db) : "cannot open");
}

int runs_sql(struct runs_file *f, const char *sql, struct err *e)
{
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : runs_failed(f, "write", e);
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
		r = runs_failed(f, path, e);
	if (r == 0) {
		sqlite3_busy_timeout(f->db, 5000);
		r = runs_sql(f, "PRAGMA cache_size=-1024;", e);
	}
	if (r == 0 && write)
		r = runs_sql(f, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=0;", e);
	if (r == 0 && write)
		r = runs_sql(f, schema, e);
	if (r == 0 && write && sqlite3_prepare_v2(f->db, "INSERT INTO chunk VALUES(?1,?2)", -1, &f->put, NULL) != SQLITE_OK)
		r = runs_failed(f, path, e);
	if (r == 0 && sqlite3_prepare_v2(f->db, "SELECT pairs FROM chunk WHERE id=?1", -1, &f->get, NULL) != SQLITE_OK)
		r = runs_failed(f, path, e);
	if (r < 0)
		runs_close(f);
	return r;
}

/* -- reading -------------------------------------------------------------------------------------------------------- */

int chunk_get(struct runs_file *f, int64_t id, const struct pair **p, size_t *n)
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
		r = runs_sql(f, sql, e);
	}
	return r;
}

/* Looks at one chunk a run, not at all of them. */
static int forget_orphans(struct runs_file *f, const struct run *a, size_t n, struct err *e)
{
	sqlite3_stmt *q = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(f->db, "SELECT min(id) FROM chunk WHERE id>=?1", -1, &q, NULL) != SQLITE_OK)
		return runs_failed(f, "list", e);
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
		return runs_failed(f, "list", e);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct run *r;

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
		if (blooms && r->idem)
			bloom_load(&r->bloom, sqlite3_column_blob(q, 9), (size_t)sqlite3_column_bytes(q, 9));
	}
	sqlite3_finalize(q);
	*ret = a;
	*n = count;
	return rc == SQLITE_DONE ? forget_orphans(f, a, count, e) : runs_failed(f, "list", e);
}
