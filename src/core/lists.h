/* lists.h - what each user has read of the changes (api.md section 6) and of the MOs (section 8): a mark, consumed stretches beyond it,
 * and leases on stretches being answered now. Changes are numbered by their events, MOs by their keys. Engine thread only; query_list.c
 * and query_mo.c are the other side. */
#pragma once
#include "core/ring.h"
#include "core/stretches.h"

enum list_kind { LIST_STATUS, LIST_MO };
#define LEASE_GAPS 128 /* in one go */
struct lease_ask {     /* in: user, kind, sub_account, edge, after, id; out: the rest */
	uint32_t user;
	enum list_kind kind;
	uint32_t sub_account; /* an administrator asked for that one, what is of others stays unread; 0 = all that the user sees */
	int64_t edge; /* where a new user begins: the last change too old for it; -1 = not known, needs_edge is answered then */
	bool raise;    /* nothing up to the edge is listed any more, so nothing is remembered of it */
	int64_t after; /* look for gaps beyond this one */
	bool needs_edge, full;
	uint64_t id; /* in: 0, or a lease that the gaps are added to; out: which they are leased by */
	struct stretch gaps[LEASE_GAPS]; /* what is unread and nobody else's at the moment, ascending */
	size_t n;                        /* of them; 0 = nothing unread, or the lease has run out */
};
/* What is read of one sub-account alone. */
struct sub_read {
	uint32_t sub_account;
	struct stretches read;
};
void lists_lease(struct engine *e, struct lease_ask *ask);
/* What in the gaps was read by calls for one sub-account; nothing for such a call. Ascending by sub-account; freed by
 * sub_reads_free(). */
struct sub_read *lists_sub_reads(struct engine *e, const struct lease_ask *ask, size_t *n);
void sub_reads_free(struct sub_read *s, size_t n);
bool sub_reads_have(const struct sub_read *s, size_t n, uint32_t sub_account, int64_t number);
/* The answer holds nothing beyond that number; what is leased there is free for others at once. */
void lists_narrow(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, int64_t to);
/* consumed: the stretches that were answered, ascending, each inside one that is leased; n = 0 releases. */
void lists_end(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, const struct stretch *consumed, size_t n);
