/* rate.h - token buckets in bounded memory. A bucket holds as many tokens as its rate gives in a second (burst = rate) and is
 * full at first. Thread-safe. */
#pragma once
#include "base/util.h"

struct rate_table;                           /* opaque */
struct rate_table *rate_new(size_t entries); /* rounded up to a power of two, 512 at least */
void rate_free(struct rate_table *t);        /* NULL ok */
/* Takes a token from the bucket of key. 0: there was one; else microseconds until there is one again (nothing was taken).
 * per_second <= 0: no limit. When the table is full the bucket that is fullest among eight gives way: idle ones, which are
 * full anyway, go first. */
int64_t rate_take(struct rate_table *t, uint64_t key, int64_t per_second, int64_t now_us);
