/* live.h - deliveries in memory: a bounded cache over the store's rows that also holds what is not merged into them yet. Engine
 * thread only.
 *
 * Rules: a delivery with unmerged events is always here (dirty); one that is not here is complete in its row. Clean ones without
 * pins are dropped, oldest first, when the budget is full. Merging writes the state of many deliveries in key order, as part of
 * a batch, some time after the events: a row is touched twice in its life, not at every step. */
#pragma once
#include "base/list.h"
#include "store/store.h"

struct live {
	struct delivery *d;            /* owned */
	struct node lru, dirty, doubt; /* doubt: the engine's list of attempts in doubt */
	int64_t *seqs;                 /* unmerged events, ascending: first_seqs until they do not fit */
	int64_t first_seqs[6];
	uint16_t n, cap;
	uint8_t pins;        /* reasons to stay: attempt under way, hooks open */
	uint8_t hooks;       /* 1u << hook_kind: calls not done yet (in memory or on disk) */
	int64_t dirty_since; /* wall ms */
};
struct lives {
	struct store *store;
	struct map *map;   /* key -> struct live */
	struct list lru;   /* clean, oldest first (pinned ones too) */
	struct list dirty; /* by first unmerged event */
	size_t bytes, budget;
	int64_t *round; /* keys of the merge under way, ascending */
	size_t round_n, round_at;
	size_t tried_at; /* dirty count when no round was worth it */
};
void lives_init(struct lives *l, struct store *store, size_t budget);
void lives_done(struct lives *l);
struct live *live_find(struct lives *l, int64_t key);          /* in memory only */
struct live *live_get(struct lives *l, int64_t key);           /* loads; NULL = no such delivery */
struct live *live_add(struct lives *l, struct delivery *take); /* not in memory yet; clean */
/* An event was applied to lv->d and stored. */
void live_touch(struct lives *l, struct live *lv, int64_t seq, int64_t now);
void live_redact(struct lives *l, struct live *lv); /* its text goes, from here; the merge takes it from the row */
void live_erase(struct lives *l, struct live *lv); /* everything personal goes from memory */
void lives_set_back(struct lives *l, int64_t by);  /* the wall clock */
void lives_trim(struct lives *l);
bool lives_roomy(const struct lives *l); /* worth keeping what will be needed later */
/* Does at most one slice of merging inside the open batch; all = also what is still moving; busy = answers wait for this batch. Returns the number merged. */
size_t lives_merge(struct lives *l, int64_t now, bool all, bool busy, bool (*open_batch)(void *ctx), void *ctx);
/* Recovery touches them by key: brings them into the order of their first event, in which they come otherwise, so that the first of them
 * tells how far the log is merged. */
void lives_recovered(struct lives *l);
int64_t lives_merged_seq(const struct lives *l, int64_t last_seq); /* every event below it is in its row */
