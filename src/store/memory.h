/* memory.h - what tests may do to the memory driver beyond store.h: crash it, make commits fail, and watch what becomes durable.
 * Only for stores opened by store_memory_open(). */
#pragma once
#include "store/store.h"

/* As if the process had been killed: the open batch is gone, everything committed is in the returned store, which takes over the
 * observer. The old handle is a husk: reads find nothing, commits fail; it only waits for its close(). */
struct store *store_memory_crash(struct store *s);

enum memory_failure {
	MEMORY_LOST, /* the batch of the failed commit is not there after a crash */
	MEMORY_KEPT, /* it is: the write reached the disk, only the sync's answer did not come back */
};
/* The nth commit from now (1 = the next) fails with -EIO, and as the contract says every one after it. 0 = none. */
void store_memory_fail_next(struct store *s, unsigned n, enum memory_failure how);

/* Tells what a commit made durable, inside commit() and in the order of the batch's operations; NULL members are not told.
 * committed() comes last. Must not call the store. */
struct store_memory_observer {
	void *ctx;
	void (*accept)(void *ctx, const struct delivery *d);
	void (*event)(void *ctx, const struct event *e);
	void (*park)(void *ctx, const struct parked_row *p);
	void (*mo)(void *ctx, const struct mo *m);
	void (*mo_part)(void *ctx, const struct mo_part *p);
	void (*hook_set)(void *ctx, const struct hook_row *h);
	void (*hook_del)(void *ctx, int64_t key, uint8_t kind);
	void (*ledger)(void *ctx, const struct ledger_row *l);
	void (*committed)(void *ctx, uint64_t number);
};
void store_memory_observe(struct store *s, const struct store_memory_observer *o); /* copied; NULL ends it */

struct store_memory_counts {
	uint64_t commits, empty_commits;                           /* empty: a batch without any operation */
	size_t deliveries, events, due, hooks, parked, mos, idems; /* durable rows now */
	size_t largest_batch;                                      /* operations in one commit */
};
struct store_memory_counts store_memory_counts(struct store *s);
/* A hash key that is the same in every run; before anything was hashed. */
void store_memory_seed(struct store *s, uint64_t seed);
