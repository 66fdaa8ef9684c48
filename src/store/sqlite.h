/* sqlite.h - what the files of the SQLite driver share; nobody else includes it.
 *
 *   sqlite.c          the store itself: open, batch, sticky error, close
 *   sqlite_messages.c messages and events, appended and read by the writer
 *   sqlite_conn.c     connections, settings, statements        sqlite_schema.c  tables, migrations
 *   sqlite_rows.c     deliveries and events to and from rows    sqlite_live.c    due, hooks, parked, keys, marks
 *   sqlite_mo.c       MOs and their parts
 *   sqlite_days.c     the files, one a day, and which holds what; sqlite_days_make.c makes the next, and loads them at the start
 *   sqlite_retire.c   retention                                 sqlite_merge.c   state into rows, finished blocks
 *   sqlite_recover.c  what is unfinished                        sqlite_ckpt.c    checkpoints
 *   sqlite_reader.c   readers and their files                   sqlite_read.c    what they ask
 *   sqlite_index.c    correlation, carrier ids, idempotency keys in RAM; sqlite_index_work.c its thread, sqlite_index_fill.c what goes in
 *   sqlite_runs.c     the same on disk, in sorted runs; sqlite_runs_write.c makes them
 *   sqlite_ledger.c   credit                                    sqlite_erase.c   one number's data
 *   sqlite_copy.c     backup, check                             sqlite_vfs.c     injected faults */
#pragma once
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "store/sqlite_index.h"
#include "store/store.h"

#define STMT(id, sql) id,
enum stmt {
#include "store/sqlite_sql.def"
	STMT_COUNT
};
#undef STMT

/* -- connections ---------------------------------------------------------------------------------------------------- */
struct conn {
	sqlite3 *db;
	sqlite3_stmt *st[STMT_COUNT];
};
enum conn_mode { CONN_WRITE, CONN_READ };
#define CONN_BUSY_MS 5000 /* how long a connection waits for another one's lock */
void sqlite_start(void);  /* settings of the library, once a process */
/* Makes the file where there is none, so that it and what SQLite puts beside it (which copies its mode) are for the owner alone. */
int sqlite_make_file(const char *path, struct err *e) MUST;
int conn_open(struct conn *c, const char *path, enum conn_mode mode, int cache_kib, struct err *e) MUST;
void conn_close(struct conn *c);                       /* tolerates a zeroed one */
sqlite3_stmt *conn_stmt(struct conn *c, enum stmt id); /* NULL when it cannot be prepared: SQLite's calls take that as an error */
void conn_secure(struct conn *c, bool on); /* what is deleted is overwritten in its page */
int conn_exec(struct conn *c, const char *sql, struct err *e) MUST;
/* One number of a statement without parameters; def when there is no row or it is NULL. */
int64_t conn_number(struct conn *c, enum stmt id, int64_t def);
int sqlite_errno(int rc); /* SQLite's result code as -errno, 0 for OK, ROW and DONE */
int conn_err(struct conn *c, const char *what, struct err *e); /* the connection's last error, in words */

#define SCHEMA_VERSION 6
/* Brings the file to SCHEMA_VERSION. -EPROTO: it is newer. *born is false for a file in which nothing was ever committed. */
int schema_upgrade(struct conn *c, const char *path, bool *born, struct err *e) MUST;
int schema_create(struct conn *c, struct err *e) MUST; /* inside the caller's transaction */

struct keys {
	int64_t *a; /* owned */
	size_t n, cap;
};

/* -- rows ----------------------------------------------------------------------------------------------------------- */
/* Delta varints of ascending numbers. */
void deltas_put(struct buf *out, int64_t base, const int64_t *v, size_t n);
bool deltas_next(struct str *s, int64_t *v); /* adds the next difference to *v; false at the end */
void row_bind_delivery(sqlite3_stmt *q, const struct delivery *d, const struct buf *state);
int row_delivery(sqlite3_stmt *q, struct delivery **ret) MUST; /* M_COLUMNS, then the state; -EPROTO when it is damaged */
void row_bind_event(sqlite3_stmt *q, const struct event *e);
void row_event(sqlite3_stmt *q, struct event *e);
struct str row_blob(sqlite3_stmt *q, int column);
void row_hook(sqlite3_stmt *q, struct hook_row *h);
void row_parked(sqlite3_stmt *q, struct parked_row *p);
int conn_event(struct conn *c, int64_t seq, struct event *ret) MUST;    /* -ENOENT */
int conn_load(struct conn *c, int64_t key, struct delivery **ret) MUST; /* -ENOENT */

/* -- days ----------------------------------------------------------------------------------------------------------- */
/* Keys are grouped in blocks of 16.4 s; table blk counts for each how many rows it has (n, NULL while it is open) and how many of
 * them are final, so that what is unfinished is found without reading what is not. */
#define BLOCK_SHIFT 29
static inline int64_t block_of(int64_t key) { return key >> BLOCK_SHIFT; }
static inline int64_t block_first(int64_t block) { return block << BLOCK_SHIFT; }

/* Events in chunks of 4096: table chunk says which sub-accounts had changes in one that is over. */
#define CHUNK_SHIFT 12

/* One file. Its own rows: keys from born_key, events after born_seq, up to where the next day's begin; anything below are
 * stragglers, carried forward from days that are gone. All but the writer's part never changes. */
struct day {
	int64_t day; /* since 1970, UTC */
	char *path;
	int64_t born_key, born_seq;
	atomic_bool stragglers;
	atomic_int refs;   /* the catalogue's, readers', the checkpointer's */
	atomic_int frames; /* in the WAL after the last commit */
	/* writer's side */
	struct conn w; /* open on demand; w.db NULL = closed */
	uint64_t used;
};
void day_put(struct day *d); /* drops a reference */

struct catalog {
	pthread_mutex_t lock; /* for everybody but the writer reading */
	struct day **days;    /* ascending; the last one is today's */
	size_t n;
	atomic_uint generation;
};

struct checkpointer;
struct sq {
	struct store store;
	struct store_options o; /* as opened; the retention of now: */
	_Atomic int64_t status_ms, message_ms;
	char *data;
	int lock_fd;
	struct hash_key hash;
	pthread_mutex_t gate; /* held from begin to commit, and by housekeeping: who has it sees the files between two batches */
	bool in_batch;
	int error; /* -errno, sticks; the engine thread's */
	struct err words;
	atomic_int elsewhere; /* -errno of a background thread; its words under the catalogue's lock */
	struct err elsewhere_words;
	struct catalog c;
	struct day *today;
	int64_t last_seq, last_key, last_m, last_mo; /* last_mo: of an MO or a part of one */
	size_t parked;
	unsigned forget; /* turns in which the logs are still to be emptied */
	size_t rows;     /* of messages and events in this batch */
	/* open block of today's file */
	int64_t block, block_n, block_pre;
	/* open chunk of events: sub-accounts with changes, ascending */
	int64_t chunk;
	uint32_t *subs;
	size_t sub_count, sub_cap;
	struct buf scratch;
	size_t later; /* rows in table later: merges into older files, pending or just applied */
	bool later_applied;
	/* retention */
	int64_t retire_day, retire_key; /* day being emptied (0 none) and how far */
	uint64_t tick;
	struct index *index;
	struct index_reader *reader; /* the writer's own */
	struct checkpointer *ckpt;
};
static inline struct sq *sq_of(struct store *s) { return OWNER(struct sq, store, s); }
static inline bool sq_taking(struct sq *s) { return s->error == 0; }
void sq_fail(struct sq *s, int error, const char *what, const char *why); /* the engine's thread */
void sq_fail_conn(struct sq *s, struct conn *c, const char *what);
void sq_fail_elsewhere(struct sq *s, int error, const char *words); /* any thread */
/* Runs a statement that changes things: step, reset; a failure sticks. */
void sq_run(struct sq *s, struct conn *c, sqlite3_stmt *q, const char *what);
void sq_mark(struct sq *s, const char *key, const void *value, size_t n);
bool conn_mark(struct conn *c, const char *key, struct buf *ret);
int64_t conn_mark_i64(struct conn *c, const char *key, int64_t def);

#define DAY_MS 86400000
int days_open(struct sq *s, struct err *e) MUST; /* reads the folder, makes the first file */
void days_close(struct sq *s);
bool days_edge_due(struct sq *s, int64_t now);
void days_cross(struct sq *s, int64_t now);         /* between batches; failures stick */
struct conn *day_conn(struct sq *s, struct day *d); /* the writer's; NULL after a failure, which sticks */
struct day *day_of_key(struct sq *s, int64_t key);  /* writer: the file that holds the row; NULL = none */
struct day *day_of_seq(struct sq *s, int64_t seq);
/* Index into days of the file whose own range has it; -1 when it is older than all. */
ssize_t days_find_key(struct day *const *days, size_t n, int64_t key);
ssize_t days_find_seq(struct day *const *days, size_t n, int64_t seq);
int64_t day_last_key(struct day *const *days, size_t n, size_t i);      /* the last that could be its own */
char *day_path(const char *data, const char *prefix, int64_t day);      /* owned by the caller */
int day_parse(const char *name, const char *prefix, int64_t *day) MUST; /* "day-20261122.db" */
void days_remove(struct sq *s, struct day *d); /* out of the catalogue, then the file */
void days_shrink(struct sq *s); /* closes writer connections to old files that were not used lately */

void blocks_open(struct sq *s, struct conn *c);     /* counts of the open block after a start */
void blocks_close_old(struct sq *s, struct day *d); /* the last block of a day that is over */
void block_accept(struct sq *s, const struct delivery *d);
int64_t block_next_open(struct conn *c, int64_t from, int64_t last_closed); /* first block >= from with unfinished rows; INT64_MAX none */

void merge_apply_later(struct sq *s);
void sq_merge(struct store *st, const struct delivery *const *d, const int64_t *const *seqs,
	      const size_t *counts, size_t n);
void retire_step(struct sq *s, int64_t now);
int retire_resume(struct sq *s, struct err *e) MUST;

/* fn(ctx, q): a row of S_SCAN; false stops. Looks at from..to of one file, blocks that are finished left out. 1 = stopped. */
int scan_open(struct conn *c, int64_t from, int64_t to, bool (*fn)(void *ctx, sqlite3_stmt *q), void *ctx);
int scan_row_state(sqlite3_stmt *q);
void keys_push(struct keys *k, int64_t key);
int open_stragglers(struct sq *s, struct keys *k); /* unfinished ones of all files: few, by the nature of retention */

int recover_index(struct sq *s); /* fills the index with what its runs do not cover */
void index_correlation(struct sq *s, int64_t day, uint32_t account, struct str text, int64_t key);
void index_event(struct sq *s, int64_t day, int kind, uint64_t hash, int64_t key); /* when its kind is one to look up */
uint64_t correlation_hash(const struct hash_key *k, uint32_t account, struct str text);
int sq_recover(struct store *st,
	       bool (*fn)(void *ctx, struct delivery *take, const struct event *ev, size_t n), void *ctx);
int sq_unfinished_after(struct store *st, unsigned states, int64_t after, int64_t until, size_t scan,
			bool (*fn)(void *ctx, struct delivery *take), void *ctx, int64_t *last);

/* -- messages and events, the writer's side ---------------------------------------------------------------------------- */
void sq_accept(struct store *st, const struct delivery *d);
void sq_event(struct store *st, const struct event *e);
void chunk_open(struct sq *s); /* after a start */
int sq_load(struct store *st, int64_t key, struct delivery **ret);
int sq_load_event(struct store *st, int64_t seq, struct event *ret);
size_t sq_by_carrier(struct store *st, uint64_t id_hash, int64_t *keys, size_t max);
int sq_events_from(struct store *st, int64_t from, size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx);

/* -- live rows ------------------------------------------------------------------------------------------------------- */
void sq_due_set(struct store *st, const struct due *d);
void sq_due_del(struct store *st, const struct due *d);
void sq_hook_set(struct store *st, const struct hook_row *h);
void sq_hook_del(struct store *st, int64_t key, uint8_t kind);
void sq_park(struct store *st, const struct parked_row *p);
void sq_unpark(struct store *st, int64_t id);
void sq_idem(struct store *st, const struct idem_row *r);
bool sq_idem_find(struct store *st, uint64_t hash, struct idem_row *ret);
int sq_due_queues(struct store *st,
		  bool (*fn)(void *ctx, const struct queue_id *q, int64_t first_at, size_t count), void *ctx);
int sq_due_list(struct store *st, const struct queue_id *q, int64_t until, size_t max,
		bool (*fn)(void *ctx, const struct due *d), void *ctx);
int sq_hook_list(struct store *st, uint32_t webhook, int64_t until, size_t max,
		 bool (*fn)(void *ctx, const struct hook_row *h), void *ctx);
bool sq_hook_get(struct store *st, int64_t key, uint8_t kind, struct hook_row *ret);
int sq_parked_find(struct store *st, uint64_t id_hash, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx);
size_t sq_parked_count(struct store *st);

/* -- credit ---------------------------------------------------------------------------------------------------------- */
void sq_balance_set(struct store *st, const struct balance_row *b);
void sq_ledger(struct store *st, const struct ledger_row *l);
int sq_balances(struct store *st, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx);
int conn_balances(struct conn *c, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx);
int conn_ledger_back(struct conn *c, uint8_t kind, uint32_t owner,
		     bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx);
int sq_r_balances(struct store_reader *r, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx);
int sq_r_ledger(struct store_reader *r, uint8_t kind, uint32_t owner,
		bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx);
/* -- one number's data ------------------------------------------------------------------------------------------------- */
int conn_phone(struct conn *c, struct str number, bool (*fn)(void *ctx, const struct number_row *r), void *ctx, bool *more);
int sq_r_number(struct store_reader *r, struct str number, bool (*fn)(void *ctx, const struct number_row *row), void *ctx);
void sq_erase(struct store *st, int64_t key, const int64_t *seqs, size_t n);
void sq_erase_parked(struct store *st, struct str number);
void sq_erase_commit(struct sq *s);
void sq_forget(struct sq *s);
struct chain; /* what the ledger says, file by file in order */
struct chain *chain_new(void);
void chain_free(struct chain *ch);
int64_t chain_day(struct chain *ch, struct conn *c);
int64_t chain_end(struct chain *ch, struct conn *newest);
/* -- MOs ------------------------------------------------------------------------------------------------------------- */
void sq_mo(struct store *st, const struct mo *m);
void sq_mo_part(struct store *st, const struct mo_part *p);
void mo_event(struct sq *s, const struct event *e); /* which MO an event belongs to */
size_t sq_by_handset(struct store *st, uint64_t hash, int64_t days, int64_t *keys, size_t max);
int sq_mo_load(struct store *st, int64_t key, struct mo **ret);
int sq_mos_from(struct store *st, int64_t from, bool (*fn)(void *ctx, const struct mo *m), void *ctx);
int sq_mo_parts_from(struct store *st, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx);
/* The part of one file: what readers and the writer share. */
int conn_mo(struct conn *c, int64_t key, struct mo **ret) MUST; /* -ENOENT */
int conn_mos(struct conn *c, int64_t from, int64_t to, bool newest_first,
	     bool (*fn)(void *ctx, const struct mo *m), void *ctx, bool *more) MUST;
int conn_mo_events(struct conn *c, int64_t key, struct keys *seqs) MUST; /* those in this file */

/* -- checkpoints ----------------------------------------------------------------------------------------------------- */
int checkpointer_open(struct checkpointer **ret, struct sq *s, struct err *e) MUST;
void checkpointer_close(struct checkpointer *k); /* joins the thread; NULL ok */
void checkpointer_committed(struct checkpointer *k, struct day *d); /* after each commit: wakes it, does the last frames when asked to */
void checkpointer_idle(struct checkpointer *k);

/* -- readers, whole -------------------------------------------------------------------------------------------------- */
int sq_reader_open(struct store *st, struct store_reader **ret, struct err *e);
void sq_reader_close(struct store_reader *r);
int sq_r_load(struct store_reader *r, int64_t key, struct delivery **ret);
int sq_r_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n);
int sq_r_event(struct store_reader *r, int64_t seq, struct event *ret);
size_t sq_r_by_correlation(struct store_reader *r, uint32_t account, struct str correlation, int64_t *keys, size_t max);
int sq_r_changes(struct store_reader *r, const uint32_t *subs, size_t sub_count, int64_t from, int64_t to,
		 size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx, int64_t deadline_ms);
int sq_r_scan(struct store_reader *r, int64_t since, int64_t until,
	      bool (*fn)(void *ctx, const struct delivery *d), void *ctx, int64_t deadline_ms);
int sq_r_mo(struct store_reader *r, int64_t key, struct mo **ret);
int sq_r_mos(struct store_reader *r, int64_t from, int64_t to, bool newest_first,
	     bool (*fn)(void *ctx, const struct mo *m), void *ctx, int64_t deadline_ms);
int sq_r_mo_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n);
int sq_r_parked(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx);
int sq_r_hooks_dead(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct hook_row *h), void *ctx);
int sq_backup(struct store *st, const char *path, struct err *e);
int sq_check(struct store *st, struct buf *report, struct err *e);
/* Copies one file as a read transaction of from sees it. The copy is checked on disk and synced. */
int sqlite_copy(sqlite3 *from, const char *to, struct err *e) MUST;
int folder_sync(const char *path);
struct names {
	char **a; /* both owned */
	size_t n;
};
int folder_names(const char *path, struct names *ret, struct err *e) MUST; /* without . and .., in no order */
void names_done(struct names *l);
void folder_remove(const char *path); /* with the files in it; as far as it goes */
const char *sqlite_vfs(void);         /* NULL = the default one */
