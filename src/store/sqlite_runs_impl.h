/* sqlite_runs_impl.h - between sqlite_runs.c, which reads runs, and sqlite_runs_write.c, which makes them. */
#pragma once
#include "store/sqlite_runs.h"

#define CHUNK_BITS 24
#define CHUNKS_A_COMMIT 1024
__extension__ typedef unsigned __int128 u128;

/* A run's pairs are spread over its chunks by their hash, so that one chunk is read to find one. */
static inline int64_t chunk_id(const struct run *r, uint32_t chunk) { return r->id << CHUNK_BITS | chunk; }
static inline uint32_t chunk_of(const struct run *r, uint64_t h)
{
	return (uint32_t)((u128)h * r->chunks >> 64);
}
/* The pairs of a chunk, in SQLite's memory and perhaps not aligned, until f->get is reset by the caller. -ENOENT: there is none. */
int chunk_get(struct runs_file *f, int64_t id, const struct pair **p, size_t *n) MUST;
int runs_sql(struct runs_file *f, const char *sql, struct err *e) MUST;
int runs_failed(struct runs_file *f, const char *what, struct err *e); /* -EIO with SQLite's words */
