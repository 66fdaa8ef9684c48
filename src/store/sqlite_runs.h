/* sqlite_runs.h - sorted runs of index entries in one file a day; the index's own (sqlite_index.h says what they are). */
#pragma once
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/bloom.h"

struct pair {
	uint64_t h; /* hash, well mixed; its two lowest bits are the kind */
	int64_t key;
};
struct run {
	int64_t day, id; /* id: within the file */
	int level;
	uint32_t chunks;
	uint64_t n, idem; /* entries; of them idempotency keys */
	uint64_t lo, hi;  /* numbers of the tables in it */
	int64_t key, seq; /* what it and those before it cover */
	struct bloom bloom;
};
struct runs_file {
	int64_t day;
	sqlite3 *db;
	sqlite3_stmt *get, *put;
};
int runs_open(struct runs_file *f, const char *path, int64_t day, bool write, struct err *e) MUST;
void runs_close(struct runs_file *f); /* tolerates a zeroed one */
/* All runs of the file, oldest first; drops what a crash left behind. *ret is owned by the caller, blooms only when asked for. */
int runs_list(struct runs_file *f, bool blooms, struct run **ret, size_t *n, struct err *e) MUST;
/* Writes the n sorted pairs as a new run; r has level, lo, hi, key, seq and gets the rest. */
int runs_add(struct runs_file *f, struct run *r, const struct pair *p, size_t n, struct err *e) MUST;
/* Joins runs, oldest first, into one that takes their place. -ECANCELED when *stop became true. The chunks of the old ones stay
 * until runs_forget(). */
int runs_join(struct runs_file *f, const struct run *in, size_t n, struct run *out, const atomic_bool *stop,
	      struct err *e) MUST;
int runs_forget(struct runs_file *f, const struct run *gone, struct err *e) MUST;
/* Appends keys of h, newest first, none twice. -ENOENT: the run is gone, ask with a newer list. */
int runs_probe(struct runs_file *f, const struct run *r, uint64_t h, int64_t *keys, size_t max, size_t *found) MUST;
void keys_add(int64_t *keys, size_t max, size_t *n, int64_t key); /* unless it is there or the room is used up */
