/* sqlite_index_impl.h - the index's insides, shared by its two files: look-ups (sqlite_index.c) and the thread (sqlite_index_work.c).
 *
 *   table: active -> full -> written (kept for look-ups while it is among the newest TABLES_KEPT) -> freed
 *
 * A table is an array in order of arrival with chains by hash. Its number ascends; a run says which numbers it covers, and a run is
 * looked into only when all its tables have left RAM, so nothing is found twice. Lists of runs are immutable and counted: a reader
 * works on the one it took, and takes a newer one when a run was joined away under it. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "store/sqlite_index.h"
#include "store/sqlite_runs.h"

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
	struct run a[]; /* oldest first; each list has its own filters */
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
struct table *index_table_new(uint64_t number, struct table *older);
void index_table_free(struct table *t); /* NULL ok */

struct run_list *run_list_new(size_t n);
struct run_list *run_list_get(struct run_list *l);
void run_list_put(struct run_list *l);
void index_unlink_day(const char *data, int64_t day);
void *index_thread(void *arg);
