/* lists.h - what each user has read of the changes (api.md section 6): a mark, consumed stretches beyond it, and leases on
 * stretches being answered now. Engine thread only; query.c is the other side. */
#pragma once
#include "core/ring.h"

struct stretch { /* of sequence numbers, both ends inclusive */
	int64_t from, to;
};
struct lease_ask { /* in: user, edge, after; out: the rest */
	uint32_t user;
	int64_t edge; /* where a new user begins: the last change too old for it; -1 = not known, needs_edge is answered then */
	int64_t after; /* look for a gap beyond this one */
	bool needs_edge, full;
	uint64_t id; /* 0 = nothing unread */
	struct stretch gap;
};
void lists_lease(struct engine *e, struct lease_ask *ask);
/* The answer holds only part of the gap; the rest is free for others at once. */
void lists_narrow(struct engine *e, uint32_t user, uint64_t id, int64_t to);
/* consumed: the stretches that were answered (inside the lease); n = 0 releases. */
void lists_end(struct engine *e, uint32_t user, uint64_t id, const struct stretch *consumed, size_t n);
