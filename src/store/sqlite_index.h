/* sqlite_index.h - where is the delivery with this correlation id, this carrier id, this idempotency key, this
 * handset and sender? Random keys never go into
 * the day files: the newest entries are in RAM, and once TABLE_ENTRIES of them have gathered a thread writes them as a sorted run
 * into `runs-YYYYMMDD.db`, a file of its own, so that the commit path never waits for it. Everything here is derived: what is not in
 * a run is read again from the day file at open (marks), and a lost file is rebuilt.
 *
 * A run is a table of chunks: entries (hash, key) in order of hash, chunk = hash * chunks / 2^64, about a page each, so that a
 * look-up costs one row. Runs of a day are joined, eight to one, so that there are at most about 8 for each power of 8. */
#pragma once
#include "base/util.h"

enum index_kind { INDEX_CORRELATION, INDEX_CARRIER, INDEX_IDEMPOTENCY, INDEX_HANDSET };
#define TABLE_ENTRIES 131072
#define SAME_MAX 1024 /* entries of one hash kept in a run: the newest */

struct index;
struct index_reader;
/* failed() is called from the index's thread when a run cannot be written. */
int index_open(struct index **ret, const char *data, void (*failed)(void *ctx, int error, const char *words),
	       void *ctx, struct err *e) MUST;
void index_close(struct index *x); /* joins the thread; NULL ok */
/* What the runs of a day cover: rows up to key, events up to seq; 0 = nothing. */
void index_covered(struct index *x, int64_t day, int64_t *key, int64_t *seq);

/* Engine thread only. */
void index_add(struct index *x, int64_t day, enum index_kind kind, uint64_t hash, int64_t key);
/* All up to key and seq (of that day's file) is durable and in the index: a full table may become a run. force: not full as well. */
void index_mark(struct index *x, int64_t day, int64_t key, int64_t seq, size_t rows, bool force);
void index_today(struct index *x, int64_t day); /* the runs of days before it may be joined into one each */
void index_drop_day(struct index *x, int64_t day); /* its runs go, file and all; returns when nothing uses them any more */

struct index_reader *index_reader_new(struct index *x);
void index_reader_free(struct index_reader *r); /* NULL ok */
/* Keys with that hash, newest table first, no key twice; oldest_day bounds the runs looked into. Any thread with its own reader. */
size_t index_find(struct index_reader *r, enum index_kind kind, uint64_t hash, int64_t oldest_day,
		  int64_t *keys, size_t max);
/* For tests: waits until every full table has been written and nothing is left to join. */
void index_settle(struct index *x);
size_t index_runs(struct index *x);
