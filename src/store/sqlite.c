/* The SQLite driver: one transaction a batch in today's file, everything in order of time, random keys elsewhere (sqlite_index.h).
 * sqlite.h says which file holds what; docs say why it looks as it does: measured, an ordinary schema is four to nine times slower.
 *
 * Errors: the first one of writing sticks (sq_fail). From then on operations do nothing, commit() says what happened, and nothing is
 * tried again: after a failed sync nobody knows what is on the disk, so the next start finds out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/time.h"
#include "store/sqlite.h"

/* -- errors ----------------------------------------------------------------------------------------------------------- */

void sq_fail(struct sq *s, int error, const char *what, const char *why)
{
	if (s->error)
		return;
	s->error = error ? error : -EIO;
	err_set(&s->words, s->error, "store: %s: %s", what, why);
}

void sq_fail_conn(struct sq *s, struct conn *c, const char *what)
{
	struct err e;
	int error = conn_err(c, what, &e);

	sq_fail(s, error, s->data, e.text);
}

void sq_fail_elsewhere(struct sq *s, int error, const char *words)
{
	pthread_mutex_lock(&s->c.lock);
	if (!atomic_load(&s->elsewhere)) {
		snprintf(s->elsewhere_words.text, sizeof(s->elsewhere_words.text), "%s", words);
		atomic_store(&s->elsewhere, error ? error : -EIO);
	}
	pthread_mutex_unlock(&s->c.lock);
	log_error("store", "error=%d why=%s", -error, log_quote(str_of(words)).s);
}

static void take_over_failure(struct sq *s)
{
	int error = atomic_load_explicit(&s->elsewhere, memory_order_relaxed);

	if (!error)
		return;
	pthread_mutex_lock(&s->c.lock);
	sq_fail(s, error, s->data, s->elsewhere_words.text);
	pthread_mutex_unlock(&s->c.lock);
}

void sq_run(struct sq *s, struct conn *c, sqlite3_stmt *q, const char *what)
{
	if (sq_taking(s) && sqlite3_step(q) != SQLITE_DONE)
		sq_fail_conn(s, c, what);
	sqlite3_reset(q);
}

void sq_mark(struct sq *s, const char *key, const void *value, size_t n)
{
	struct conn *c = &s->today->w;
	sqlite3_stmt *q = conn_stmt(c, S_MARK);

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, n ? value : "", (int)n, SQLITE_STATIC);
	sq_run(s, c, q, "mark");
}

/* -- the batch -------------------------------------------------------------------------------------------------------- */

static void sq_begin(struct store *st)
{
	struct sq *s = sq_of(st);
	struct conn *c;
	int64_t now = s->o.now(s->o.now_ctx);

	ASSERT(!s->in_batch);
	pthread_mutex_lock(&s->gate);
	s->in_batch = true;
	take_over_failure(s);
	if (sq_taking(s) && days_edge_due(s, now))
		days_cross(s, now);
	if (!sq_taking(s))
		return;
	c = &s->today->w;
	sq_run(s, c, conn_stmt(c, S_BEGIN), "begin");
	if (s->later && s->later_applied) {
		sq_run(s, c, conn_stmt(c, S_LATER_CLEAR), "merge");
		s->later = 0;
	}
	s->later_applied = false;
}

static void rollback(struct sq *s)
{
	for (size_t i = 0; i < s->c.n; i++) {
		struct conn *c = &s->c.days[i]->w;

		if (c->db && !sqlite3_get_autocommit(c->db))
			sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	}
}

static int sq_commit(struct store *st, struct err *e)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;

	ASSERT(s->in_batch);
	take_over_failure(s);
	if (sq_taking(s) && FAULT("store.commit"))
		sq_fail(s, -EIO, "commit", "injected fault");
	if (sq_taking(s) && s->forget)
		sq_erase_commit(s);
	if (sq_taking(s))
		sq_run(s, c, conn_stmt(c, S_COMMIT), "commit");
	if (sq_taking(s)) {
		index_mark(s->index, s->today->day, s->last_m, s->last_seq, s->rows, false);
		s->rows = 0;
		if (s->later)
			merge_apply_later(s);
	}
	if (sq_taking(s))
		checkpointer_committed(s->ckpt, s->today);
	else
		rollback(s);
	s->in_batch = false;
	pthread_mutex_unlock(&s->gate);
	return s->error ? err_set(e, s->error, "%s", s->words.text) : 0;
}

static void sq_idle(struct store *st, int64_t now)
{
	struct sq *s = sq_of(st);

	ASSERT(!s->in_batch);
	pthread_mutex_lock(&s->gate);
	take_over_failure(s);
	if (sq_taking(s) && days_edge_due(s, now))
		days_cross(s, now);
	if (sq_taking(s) && s->forget)
		sq_forget(s);
	if (sq_taking(s))
		retire_step(s, now);
	if (sq_taking(s))
		checkpointer_idle(s->ckpt);
	pthread_mutex_unlock(&s->gate);
}

/* -- marks ------------------------------------------------------------------------------------------------------------- */

static void sq_set_mark(struct store *st, const char *key, struct str value)
{
	struct sq *s = sq_of(st);

	if (sq_taking(s))
		sq_mark(s, key, value.p, value.n);
}

static bool sq_mark_get(struct store *st, const char *key, struct buf *ret)
{
	return conn_mark(&sq_of(st)->today->w, key, ret);
}

static int64_t sq_last_seq(struct store *st) { return sq_of(st)->last_seq; }
static int64_t sq_last_key(struct store *st) { return sq_of(st)->last_key; }
static const struct hash_key *sq_hash_key(struct store *st) { return &sq_of(st)->hash; }

/* -- open and close ------------------------------------------------------------------------------------------------------ */

static void sq_close(struct store *st)
{
	struct sq *s = sq_of(st);

	if (s->in_batch) {
		rollback(s);
		pthread_mutex_unlock(&s->gate);
	}
	checkpointer_close(s->ckpt);
	index_reader_free(s->reader);
	index_close(s->index);
	days_close(s);
	if (s->lock_fd >= 0)
		close(s->lock_fd); /* and with it the lock */
	buf_done(&s->scratch);
	free(s->subs);
	free(s->data);
	pthread_mutex_destroy(&s->gate);
	pthread_mutex_destroy(&s->c.lock);
	free(s);
}

/* Two writers in one folder would each believe to be the only one. The lock goes with the process, however it ends. */
static int lock_folder(struct sq *s, struct err *e)
{
	char *path = NULL, pid[32] = "";
	ssize_t n;
	int r = 0;

	if (asprintf(&path, "%s/lock", s->data) < 0)
		return err_set(e, -ENOMEM, "no memory");
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		r = err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	} else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
		r = err_set(e, errno == EWOULDBLOCK ? -EBUSY : -errno,
			    "%s is in use by another process (%.*s): only one may write there", s->data,
			    n > 0 ? (int)strcspn(pid, "\n") : 1, n > 0 ? pid : "?");
	} else if (ftruncate(s->lock_fd, 0) == 0) {
		dprintf(s->lock_fd, "%ld\n", (long)getpid());
	}
	free(path);
	return r;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return wall_ms();
}

static void sq_retention(struct store *st, int64_t status_ms, int64_t message_ms)
{
	struct sq *s = sq_of(st);

	atomic_store(&s->status_ms, status_ms);
	atomic_store(&s->message_ms, message_ms);
}

static const struct store_ops operations = {
	.name = "sqlite",
	.begin = sq_begin,
	.accept = sq_accept,
	.event = sq_event,
	.due_set = sq_due_set,
	.due_del = sq_due_del,
	.hook_set = sq_hook_set,
	.hook_del = sq_hook_del,
	.park = sq_park,
	.unpark = sq_unpark,
	.mo = sq_mo,
	.mo_part = sq_mo_part,
	.mo_load = sq_mo_load,
	.mos_from = sq_mos_from,
	.mo_parts_from = sq_mo_parts_from,
	.r_mo = sq_r_mo,
	.r_mos = sq_r_mos,
	.r_mo_history = sq_r_mo_history,
	.by_handset = sq_by_handset,
	.idem = sq_idem,
	.mark = sq_set_mark,
	.ledger = sq_ledger,
	.balance_set = sq_balance_set,
	.erase = sq_erase,
	.erase_parked = sq_erase_parked,
	.merge = sq_merge,
	.commit = sq_commit,
	.idle = sq_idle,
	.retention = sq_retention,
	.load = sq_load,
	.load_event = sq_load_event,
	.by_carrier = sq_by_carrier,
	.idem_find = sq_idem_find,
	.mark_get = sq_mark_get,
	.due_queues = sq_due_queues,
	.due_list = sq_due_list,
	.hook_list = sq_hook_list,
	.hook_get = sq_hook_get,
	.parked_find = sq_parked_find,
	.parked_count = sq_parked_count,
	.balances = sq_balances,
	.unfinished_after = sq_unfinished_after,
	.recover = sq_recover,
	.events_from = sq_events_from,
	.last_seq = sq_last_seq,
	.last_key = sq_last_key,
	.hash_key = sq_hash_key,
	.reader_open = sq_reader_open,
	.reader_close = sq_reader_close,
	.r_load = sq_r_load,
	.r_history = sq_r_history,
	.r_event = sq_r_event,
	.r_by_correlation = sq_r_by_correlation,
	.r_changes = sq_r_changes,
	.r_scan = sq_r_scan,
	.r_parked = sq_r_parked,
	.r_hooks_dead = sq_r_hooks_dead,
	.r_number = sq_r_number,
	.r_balances = sq_r_balances,
	.r_ledger = sq_r_ledger,
	.backup = sq_backup,
	.check = sq_check,
	.close = sq_close,
};

static void index_failed(void *ctx, int error, const char *words) { sq_fail_elsewhere(ctx, error, words); }

/* What a crash may have left half done, in the order in which one thing rests on the other. */
static int settle(struct sq *s, struct err *e)
{
	struct conn *c = &s->today->w;
	int r = retire_resume(s, e);

	if (r < 0)
		return r;
	merge_apply_later(s);
	s->later = 1; /* whatever is there has been applied: the first batch clears it */
	if (s->c.n > 1)
		blocks_close_old(s, s->c.days[s->c.n - 2]);
	blocks_open(s, c);
	chunk_open(s);
	index_today(s->index, s->today->day);
	r = recover_index(s);
	if (r < 0)
		return err_set(e, r, "store: %s: %s", s->data, s->error ? s->words.text : strerrordesc_np(-r));
	return s->error ? err_set(e, s->error, "%s", s->words.text) : 0;
}

int store_sqlite_open(struct store **ret, const struct store_options *o, struct err *e)
{
	struct sq *s = xnew(struct sq);
	int r;

	sqlite_start();
	s->store.ops = &operations;
	s->o = *o;
	if (!s->o.now)
		s->o.now = wall;
	sq_retention(&s->store, o->status_retention_ms, o->message_retention_ms);
	s->data = xstrdup(o->data);
	s->lock_fd = -1;
	pthread_mutex_init(&s->gate, NULL);
	pthread_mutex_init(&s->c.lock, NULL);
	(void)chmod(s->data, 0700); /* someone else's folder keeps its mode; what matters fails below */
	r = lock_folder(s, e);
	if (r == 0)
		r = days_open(s, e);
	if (r == 0)
		r = index_open(&s->index, s->data, index_failed, s, e);
	if (r == 0) {
		s->reader = index_reader_new(s->index);
		r = settle(s, e);
	}
	if (r == 0)
		r = checkpointer_open(&s->ckpt, s, e);
	if (r < 0)
		sq_close(&s->store);
	else
		*ret = &s->store;
	return r;
}
