/* ranges.h - a table of ranges of 64-bit integers with a value each, sorted in a file that is mapped: millions of ranges cost address
 * space, and memory as far as they are asked for. The file is made whole by a maker and replaces the old one in one step.
 *
 * The file, in the machine's own byte order: head (magic, count of ranges), the ranges, then the first number of every 256th, so that
 * a look-up touches a small index and one page. */
#pragma once
#include "base/util.h"

struct ranges; /* opaque, read-only: any number of threads */
/* -ENOENT: there is none. -EPROTO: not such a file. */
int ranges_open(struct ranges **ret, const char *path, struct err *e) MUST;
void ranges_close(struct ranges *r); /* NULL ok */
bool ranges_find(const struct ranges *r, uint64_t x, uint32_t *value);
size_t ranges_count(const struct ranges *r);

/* Collects ranges in any order, in bounded memory: they are sorted in stretches and merged. A range inside another cuts its part out of
 * it, the same range again replaces it. Files lie beside `path` until they take its name. */
struct ranges_maker; /* opaque */
/* at_once: how many are sorted in memory at once; 0: half a million, 20 MiB. */
int ranges_make(struct ranges_maker **ret, const char *path, size_t at_once, struct err *e) MUST;
/* first <= last; tag (a line number) comes back in faults. */
int ranges_add(struct ranges_maker *m, uint64_t first, uint64_t last, uint32_t value, uint32_t tag, struct err *e) MUST;
/* Durable under its name when it returns 0. -EINVAL: two ranges overlap, neither inside the other; e names them by their tags. */
int ranges_finish(struct ranges_maker *m, struct err *e) MUST;
void ranges_forget(struct ranges_maker *m); /* frees it, finished or not; removes what is not finished; NULL ok */
