/* memory_rows.h - inside the memory driver: sorted tables of rows, each with the committed value and the open batch's. */
#pragma once
#include <pthread.h>
#include <string.h>

#include "store/memory.h"

struct row_key {
	int64_t k[4];
};
/* The writer sees `open` when the open batch touched the row, readers see `now`. NULL = not there. */
struct row {
	struct row_key key;
	void *now, *open;
	bool touched;
};
struct table {
	struct row **a; /* ascending keys */
	size_t n, cap;
	void (*value_free)(void *value);
	bool holes; /* some rows hold nothing any more: to be swept */
};
struct touched {
	struct row *row;
	struct table *table;
};
struct kept { /* value of table deliveries */
	struct delivery *d;
	int64_t *seqs; /* its merged history, ascending */
	size_t n;
};
struct mark {
	size_t n;
	char value[];
};
struct content {
	pthread_mutex_t lock; /* readers are on other threads */
	struct table deliveries, due, hooks, parked, mos, mo_parts, idems, marks, ledger, balances;
	struct event **events; /* ascending seq; the first `events_now` are committed */
	size_t event_count, event_cap, events_now;
	int64_t last_key, last_key_now, last_seq, last_seq_now;
	struct hash_key hash_key;
};
struct operation { /* for the observer, in order */
	enum operation_kind {
		OP_ACCEPT,
		OP_EVENT,
		OP_PARK,
		OP_MO,
		OP_MO_PART,
		OP_HOOK_SET,
		OP_HOOK_DEL,
		OP_LEDGER,
		OP_OTHER
	} kind;
	void *value; /* event: the content's; others: a copy of its own, as it was then */
	struct row_key key;
};
struct memory {
	struct store store;   /* first */
	struct store_ops ops; /* each file puts its own in */
	struct store_options options;
	struct content *c; /* owned */
	bool open;         /* inside a batch */
	int failed;        /* sticky -errno */
	unsigned fail_in;
	enum memory_failure fail_how;
	struct touched *touched;
	size_t touched_count, touched_cap;
	struct operation *ops_done;
	size_t op_count, op_cap;
	struct store_memory_observer observer;
	struct store_memory_counts counts;
};

struct row *table_find(const struct table *t, struct row_key key);
size_t table_lower(const struct table *t, struct row_key key); /* index of the first row >= key */
static inline void *row_seen(const struct row *r) { return r->touched ? r->open : r->now; }
struct row_key mark_key(const char *name);
struct row *table_put(struct table *t, struct row_key key); /* finds or inserts */
void table_sweep(struct table *t);                          /* drops rows that hold nothing any more */
void table_done(struct table *t);
void kept_free(void *value);
struct mo_part *mo_part_copy(const struct mo_part *p);

struct store_reader {
	struct memory *m;
};
static inline struct memory *of(struct store *s) { return OWNER(struct memory, store, s); }
static inline void lock(struct memory *m) { pthread_mutex_lock(&m->c->lock); }
static inline void unlock(struct memory *m) { pthread_mutex_unlock(&m->c->lock); }
static inline void *seen(const struct table *t, struct row_key key) /* by the writer */
{
	const struct row *r = table_find(t, key);

	return r ? row_seen(r) : NULL;
}
static inline void given_out(struct content *c, int64_t key) { c->last_key = MAX(c->last_key, key); }
/* Every operation: false when the store takes nothing more. Outside a batch is a mistake of the caller's. */
static inline bool taking(struct memory *m)
{
	ASSERT(m->open);
	return m->failed == 0;
}
static inline void *copy_of(const void *p, size_t n)
{
	void *copy = xcalloc(1, n);

	memcpy(copy, p, n);
	return copy;
}
/* Takes the value as the open batch's; NULL: the row goes. Under the lock. */
void memory_stage(struct memory *m, struct table *t, struct row_key key, void *take);
/* The same as one operation of the batch; told is what the observer gets. */
void memory_set(struct store *s, struct table *t, struct row_key key, void *take, enum operation_kind kind, void *told);

/* What each file does of the contract. */
void memory_read_ops(struct store_ops *o);
void memory_live_ops(struct store_ops *o);
void memory_mo_ops(struct store_ops *o);
void memory_erase_ops(struct store_ops *o);
/* Whole days before that end: what is final, without a pending webhook and without later events goes, its events with it. */
void memory_retain(struct content *c, int64_t end_ms);
