/* query_string.h - the query of a GET request (application/x-www-form-urlencoded: %XX and +). Pure. */
#pragma once
#include "base/util.h"

#define QUERY_PAIRS_MAX 64
struct query_pair {
	struct str name, value; /* decoded, into the text that was read */
};
struct query_string {
	unsigned count;
	struct query_pair pair[QUERY_PAIRS_MAX];
};
/* Decodes p in place; ret borrows it. Empty pairs are skipped, a name without '=' has an empty value.
 * -EINVAL: a % without two hex digits; -E2BIG: more than QUERY_PAIRS_MAX pairs. */
int query_read(char *p, size_t n, struct query_string *ret) MUST;
/* The value, {NULL, 0} when there is none; letter case of ASCII ignored when fold. *times (may be NULL) = how often it occurs. */
struct str query_get(const struct query_string *q, const char *name, bool fold, unsigned *times);
