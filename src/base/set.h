/* set.h - compact set of 64-bit integers: open addressing, eight octets a place, at most three quarters full. It never grows by
 * itself, so that a reader beside it is never surprised: who adds makes room first. Not thread-safe. 0 is no member. */
#pragma once
#include "base/util.h"

struct set; /* opaque */
/* Holds what old holds (NULL: nothing) and has room for `members` in all, and some more. */
struct set *set_copy(const struct set *old, size_t members) MUST;
void set_free(struct set *s); /* NULL ok */
bool set_has(const struct set *s, uint64_t x);
bool set_add(struct set *s, uint64_t x); /* true: it is new; set_room() must not be 0 */
bool set_del(struct set *s, uint64_t x); /* true: it was there */
size_t set_count(const struct set *s);
size_t set_room(const struct set *s); /* how many more fit */
