/* ask.h - the inside of queries, shared by ask.c, query.c and the query_*.c. */
#pragma once
#include <semaphore.h>
#include <stdatomic.h>

#include "core/control.h"
#include "core/lists.h"
#include "core/query.h"

struct query {
	struct engine *e; /* NULL: beside no engine, see query_open_store */
	struct store *store;
	struct store_reader *r;
	struct map *unmerged; /* without an engine: key -> struct unmerged */
};
struct unmerged {
	struct delivery *d; /* with its events applied */
	size_t n;
	int64_t seqs[]; /* of those events */
};
static inline const struct unmerged *unmerged_of(const struct query *q, int64_t key)
{
	return q->unmerged ? map_ptr(q->unmerged, (uint64_t)key) : NULL;
}

/* Shared by the asker and the engine; whoever lets go last frees it: an asker may give up at its deadline. */
struct ask {
	struct call call;
	atomic_int refs;
	sem_t answered;
	void (*fn)(struct engine *e, struct ask *a);
	/* deliveries */
	int64_t *keys;
	struct delivery **found; /* copies of what is in memory */
	size_t n;
	bool want_seqs;
	int64_t *seqs; /* of keys[0], unmerged */
	size_t seq_n;
	/* leases */
	struct lease_ask lease;
	struct sub_read *subs; /* owned */
	size_t sub_n;
	int64_t to;
	int64_t head;                    /* last event number */
	struct control_request *control; /* owned */
	struct scope order_scope;
	struct campaign_order *orders; /* owned */
	size_t order_n;
};

struct lease {
	uint32_t user;
	enum list_kind kind;
	uint64_t id;
	struct stretch *consumed; /* owned; ascending */
	size_t n, cap;
};

/* One call's way through a list (list_walk.c): gap after gap of what its user has not read, until the answer is full. */
struct list_walk {
	struct query *q;
	struct lease_ask ask; /* user, kind, edge, raise: the caller's */
	bool filtered;        /* what is not listed stays unread */
	size_t limit;
	/* Reads one gap: its rows, ascending, each by walk_looks(), those that are listed by walk_lists() too. 0 or -errno. */
	int (*read)(struct list_walk *w, struct stretch gap, int64_t deadline_ms);
	int64_t (*edge)(struct list_walk *w); /* where a new user begins; NULL: the caller's edge is it */
	int64_t head;                         /* last event number */
	struct sub_read *subs;                /* in the gaps: what was read of sub-accounts alone; owned */
	size_t sub_n;
	int64_t *numbers; /* of what is listed; room for limit, the caller's */
	size_t n;
	/* of the gap under way */
	int64_t last;  /* looked at */
	bool whole;    /* nothing in it was left out */
	size_t looked; /* in this look */
};
bool walk_looks(struct list_walk *w, int64_t number); /* false: no further */
/* The one that was looked at last, of that sub-account, was listed by a call for that one alone. */
bool walk_was_listed(const struct list_walk *w, uint32_t sub_account);
void walk_lists(struct list_walk *w); /* the one that was looked at last */
/* The number of entries, or -errno; *ret when there are any: what they are leased by. */
ssize_t walk_list(struct list_walk *w, struct lease **ret, int64_t deadline_ms) MUST;

struct ask *ask_new(void (*fn)(struct engine *e, struct ask *a), const int64_t *keys, size_t n);
void ask_put(struct ask *a);
/* 0, or -ETIMEDOUT; the asker still owns its reference. */
int ask_wait(struct query *q, struct ask *a, int64_t deadline_ms) MUST;
/* fn of an ask: copies of the deliveries of a->keys that are in memory. */
void ask_live(struct engine *e, struct ask *a);

bool scope_holds(const struct scope *sc, const struct delivery *d);
/* The newest state of each key, NULL when unknown. 0 or -ETIMEDOUT (then none is given). */
int query_current(struct query *q, const int64_t *keys, size_t n, struct delivery **out, int64_t deadline_ms) MUST;
