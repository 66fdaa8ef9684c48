/* store.h - what is durable. A batch is one transaction in one file; the engine thread is the only writer. See design.md section 6
 * and docs/ for the layout of the SQLite driver.
 *
 * Contract
 *  1. begin .. commit is all or nothing. After commit() returned 0 everything in it survives kill -9 and power loss.
 *  2. Any error of writing or syncing sticks: commit() returns -errno with words, and the store takes nothing more.
 *  3. Operations inside a batch cannot fail visibly; they set the sticky error.
 *  4. events come with ascending seq, accepts with ascending key. What is read back is in that order.
 *  5. The driver keeps derived look-ups (correlation, carrier id, idempotency) itself, off the commit path, rebuilt at open.
 *  6. A struct store_reader belongs to one thread; any number may exist beside the writer. Reads are limited in time by the caller's
 *     deadline where one is given.
 *  7. Retention works a whole day at a time and never deletes what is not final, a pending webhook, or due. */
#pragma once
#include "base/buf.h"
#include "base/le.h"
#include "base/map.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/ledger.h"
#include "model/mo.h"

struct store;
struct store_reader;
struct buf;

/* A queue that deliveries wait in: the route (stable hash of its prefix and connections), lane and sub-account. */
struct queue_id {
	uint32_t route;
	uint32_t sub_account;
	uint8_t lane; /* 0 transactional, 1 marketing */
};
struct due {
	struct queue_id queue;
	int64_t at;
	int64_t key;
};
/* A webhook call that is not in the engine's memory: failed and waiting, spilled, blocked behind another, or dead. */
struct hook_row {
	int64_t key;
	uint8_t kind; /* enum hook_kind */
	bool dead;
	int64_t seq;      /* event it tells */
	uint32_t webhook; /* whose backlog it is in */
	int64_t due;      /* INT64_MAX: blocked behind the same delivery's earlier call, or dead */
	int64_t first_at, last_at;
	uint16_t tries;
	int16_t status;
	char why[96];
};
struct parked_row {
	int64_t id; /* given by the engine, ascending */
	uint16_t connection;
	uint8_t state;
	bool final;
	uint8_t hashes;
	uint64_t id_hash[RECEIPT_HASHES];
	int64_t at;
	char carrier_id[65], err[16], source[24], destination[24];
};
struct idem_row {
	uint64_t hash, body_hash;
	int64_t first_key; /* of the messages, consecutive keys */
	uint32_t count;
	int64_t batch;
	uint64_t batch_rest; /* 0 for a single */
	int64_t at;
};
/* What belongs to a telephone number: a message to it, or a reply from it. */
struct number_row {
	int64_t key;
	uint64_t rest;
	bool mo;
	/* replies only, as they came */
	int64_t at;
	struct str source, destination, text;
};
/* Small values that the engine persists: cursors, low-water marks. Keys are short texts ("list/17", "merge", "hooks"). */

struct store_ops {
	const char *name;
	/* -- writing: engine thread only ------------------------------------------------------------------------------ */
	void (*begin)(struct store *s);
	void (*accept)(struct store *s, const struct delivery *d); /* a new delivery; its correlation is indexed when it has one */
	void (*event)(struct store *s, const struct event *e); /* EV_PART, EV_SENT and EV_ATTEMPT with a hash are indexed by it; EV_RECEIVED
								  and EV_HOOK_* with HOOK_MO belong to the MO whose key they have */
	void (*due_set)(struct store *s, const struct due *d);
	void (*due_del)(struct store *s, const struct due *d);
	void (*hook_set)(struct store *s, const struct hook_row *h); /* inserts or replaces (key, kind) */
	void (*hook_del)(struct store *s, int64_t key, uint8_t kind);
	void (*park)(struct store *s, const struct parked_row *p);
	void (*unpark)(struct store *s, int64_t id);
	void (*mo)(struct store *s, const struct mo *m);           /* ascending keys */
	void (*mo_part)(struct store *s, const struct mo_part *p); /* ascending keys */
	void (*idem)(struct store *s, const struct idem_row *r);
	void (*mark)(struct store *s, const char *key, struct str value);
	void (*ledger)(struct store *s, const struct ledger_row *l);       /* ids ascending */
	void (*balance_set)(struct store *s, const struct balance_row *b); /* inserts or replaces (kind, owner) */
	/* Takes everything personal out of a delivery's row, a reply's, and its events: those of its merged history and seqs. */
	void (*erase)(struct store *s, int64_t key, const int64_t *seqs, size_t n);
	void (*erase_parked)(struct store *s, struct str number); /* out of parked receipts */
	/* Writes the moving state of n deliveries (ascending keys) into their rows, and adds the seqs of the events merged with it to
	 * each one's history. Belongs to the open batch; rows of older days are written at once in their own files (idempotent). */
	void (*merge)(struct store *s, const struct delivery *const *d, const int64_t *const *seqs,
		      const size_t *seq_counts, size_t n);
	int (*commit)(struct store *s, struct err *e);
	/* Housekeeping between batches: checkpoints, runs, day's edge, retention. Bounded work per call (a few ms). now: wall ms;
	 * oldest_needed: nothing that belongs to a delivery with a key at or above it, or not final, may go. */
	void (*idle)(struct store *s, int64_t now);
	/* What of store_options is kept from now on, any thread: the next idle() goes by it. What a shorter time took is gone for good. */
	void (*retention)(struct store *s, int64_t status_ms, int64_t message_ms);
	/* -- reading on the writer's side: engine thread only; sees the open batch too ---------------------------------- */
	int (*load)(struct store *s, int64_t key, struct delivery **ret); /* as last merged, or as accepted; -ENOENT */
	int (*load_event)(struct store *s, int64_t seq, struct event *ret);
	size_t (*by_carrier)(struct store *s, uint64_t id_hash, int64_t *keys, size_t max); /* newest first */
	/* Deliveries with an EV_ATTEMPT of that hash in the last days, the newest attempts first, near enough. */
	size_t (*by_handset)(struct store *s, uint64_t hash, int64_t days, int64_t *keys, size_t max);
	int (*mo_load)(struct store *s, int64_t key, struct mo **ret); /* owned by the caller; -ENOENT */
	/* MOs, and parts, with keys >= from, ascending (recovery). */
	int (*mos_from)(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo *m), void *ctx);
	int (*mo_parts_from)(struct store *s, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx);
	bool (*idem_find)(struct store *s, uint64_t hash, struct idem_row *ret); /* not older than 24 h is the caller's check */
	bool (*mark_get)(struct store *s, const char *key, struct buf *ret);
	/* fn returns false to stop. */
	int (*due_queues)(struct store *s,
			  bool (*fn)(void *ctx, const struct queue_id *q, int64_t first_at, size_t count), void *ctx);
	int (*due_list)(struct store *s, const struct queue_id *q, int64_t until, size_t max,
			bool (*fn)(void *ctx, const struct due *d), void *ctx);
	int (*hook_list)(struct store *s, uint32_t webhook, int64_t until, size_t max,
			 bool (*fn)(void *ctx, const struct hook_row *h), void *ctx); /* by due; webhook 0 = of every one */
	bool (*hook_get)(struct store *s, int64_t key, uint8_t kind, struct hook_row *ret);
	/* Parked receipts with that hash among theirs, oldest first; id_hash 0: every one. */
	int (*parked_find)(struct store *s, uint64_t id_hash,
			   bool (*fn)(void *ctx, const struct parked_row *p), void *ctx);
	size_t (*parked_count)(struct store *s);
	int (*balances)(struct store *s, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx); /* every one */
	/* Accepted deliveries with after < key <= until whose merged state is in states (bits 1u << enum delivery_state), ascending, at
	 * most scan rows looked at; *last = the last key looked at (after when there was none). The caller filters by queue and by what
	 * it knows in memory. Also sweeps for receipts that never came (D_SENT). */
	int (*unfinished_after)(struct store *s, unsigned states, int64_t after, int64_t until, size_t scan,
				bool (*fn)(void *ctx, struct delivery *take), void *ctx, int64_t *last);
	/* Recovery: every delivery not final in its row or with events after its last merge, ascending keys: the row as merged with the
	 * events that follow (ascending seq). The caller applies them. Ownership of d moves. */
	int (*recover)(struct store *s,
		       bool (*fn)(void *ctx, struct delivery *take, const struct event *ev, size_t n), void *ctx);
	/* Events with seq >= from, ascending (hooks, lists at start). */
	int (*events_from)(struct store *s, int64_t from, size_t max,
			   bool (*fn)(void *ctx, const struct event *e), void *ctx);
	int64_t (*last_seq)(struct store *s); /* highest event */
	int64_t (*last_key)(struct store *s); /* highest key ever given out: deliveries, batches, MOs */
	const struct hash_key *(*hash_key)(struct store *s); /* random, made with the data folder */
	/* -- readers ---------------------------------------------------------------------------------------------------- */
	int (*reader_open)(struct store *s, struct store_reader **ret, struct err *e);
	void (*reader_close)(struct store_reader *r);
	int (*r_load)(struct store_reader *r, int64_t key, struct delivery **ret); /* as merged; -ENOENT */
	/* seqs of the merged history of a delivery, ascending; *seqs owned by the caller */
	int (*r_history)(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n);
	int (*r_event)(struct store_reader *r, int64_t seq, struct event *ret);
	size_t (*r_by_correlation)(struct store_reader *r, uint32_t account, struct str correlation,
				   int64_t *keys, size_t max); /* newest first; may hold false ones */
	/* Change events (event_is_change) of the account or (sub != 0) sub-account in [from, to], ascending. subs: the account's
	 * sub-accounts when sub is 0. */
	int (*r_changes)(struct store_reader *r, const uint32_t *subs, size_t sub_count, int64_t from, int64_t to,
			 size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx, int64_t deadline_ms);
	/* Deliveries accepted in [since, until], newest first, until fn returns false. */
	int (*r_scan)(struct store_reader *r, int64_t since, int64_t until,
		      bool (*fn)(void *ctx, const struct delivery *d), void *ctx, int64_t deadline_ms);
	int (*r_mo)(struct store_reader *r, int64_t key, struct mo **ret); /* owned by the caller; -ENOENT */
	/* MOs with from <= key <= to, ascending or newest first, until fn returns false. */
	int (*r_mos)(struct store_reader *r, int64_t from, int64_t to, bool newest_first,
		     bool (*fn)(void *ctx, const struct mo *m), void *ctx, int64_t deadline_ms);
	/* seqs of the events of an MO, ascending; *seqs owned by the caller */
	int (*r_mo_history)(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n);
	int (*r_parked)(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx);
	int (*r_hooks_dead)(struct store_reader *r, size_t max,
			    bool (*fn)(void *ctx, const struct hook_row *h), void *ctx);
	/* Every message to the number (digits, or as the caller wrote it) and every reply from it, oldest first; reads all rows. */
	int (*r_number)(struct store_reader *r, struct str number,
			bool (*fn)(void *ctx, const struct number_row *row), void *ctx);
	int (*r_balances)(struct store_reader *r, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx);
	/* Ledger rows of one balance that are still kept, newest first, until fn returns false. */
	int (*r_ledger)(struct store_reader *r, uint8_t kind, uint32_t owner,
			bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx);
	/* -- whole ------------------------------------------------------------------------------------------------------ */
	int (*backup)(struct store *s, const char *path, struct err *e); /* online, any thread; path must not exist */
	int (*check)(struct store *s, struct buf *report, struct err *e); /* integrity; 0 = sound */
	void (*close)(struct store *s);
};
struct store {
	const struct store_ops *ops;
};
/* A mark that is a number: eight octets (base/le.h); 0 when there is none. */
static inline int64_t store_mark_i64(struct store *s, const char *key)
{
	struct buf b = BUF_INIT;
	int64_t v = s->ops->mark_get(s, key, &b) && b.n == 8 ? (int64_t)le_get(b.p, 8) : 0;

	buf_done(&b);
	return v;
}
struct store_options {
	const char *data;                                  /* folder, exists */
	int64_t status_retention_ms, message_retention_ms; /* 0: for ever; may change, see retention() */
	int64_t (*now)(void *ctx);
	void *now_ctx;
};
/* Opens or creates; migrates older schemas; -EPROTO when the schema is newer than this program (words say both versions). */
int store_sqlite_open(struct store **ret, const struct store_options *o, struct err *e) MUST;
int store_memory_open(struct store **ret, const struct store_options *o, struct err *e) MUST;
/* Copies a backup into an empty data folder, checked first. */
int store_restore(const char *backup, const char *data, struct err *e) MUST;
