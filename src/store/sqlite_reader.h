/* sqlite_reader.h - a reader's view of the files, between sqlite_reader.c, which keeps them, and sqlite_read.c, which asks. */
#pragma once
#include "store/sqlite.h"

#define READER_FILES 8 /* open at once */

struct reader_file {
	struct day *day;
	struct conn c;
};
struct store_reader {
	struct sq *s;
	unsigned generation;
	struct day **days; /* counted references */
	size_t n;
	struct reader_file files[READER_FILES]; /* latest use first */
	size_t open;
	struct index_reader *index;
	int64_t until_us; /* 0 = no limit */
};
/* A call begins: takes the list of days as it is now. deadline_ms: how long it may take, 0 = no limit. */
void reader_begin(struct store_reader *r, int64_t deadline_ms);
/* Its connection to that file, good until the next one is asked for; NULL when it cannot be opened. */
struct conn *reader_file(struct store_reader *r, struct day *d);
/* Calls get() on the file whose own range has it (days[own]; -1: none), then, when that one is gone, on those with stragglers. */
int reader_find(struct store_reader *r, ssize_t own, int (*get)(struct conn *c, int64_t at, void *to),
		int64_t at, void *to) MUST;
