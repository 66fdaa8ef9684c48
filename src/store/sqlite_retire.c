/* Retention: the oldest file goes whole, once everything in it is older than the message retention. What is not final, or has a
 * webhook pending, is carried into today's file first ("stragglers"), with its events, a few hundred rows a call.
 *
 *   how far the carrying is    mark ~retire (day, key), written with the rows it speaks of
 *   a day that may be unlinked mark ~gone, written before that is done
 * so that a crash at any point goes on where it was. A file is left alone while events of it may not be merged into their rows yet
 * (mark "merged", the engine's). */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/sqlite.h"

#define ROWS_A_STEP 4096 /* looked at */
#define MOVES_A_STEP 256
#define GRACE_MS \
	(2 * DAY_MS) /* the last day's idempotency keys and what the engine still holds, however short the retention is */

static bool may_retire(struct sq *s, int64_t now)
{
	int64_t keep = atomic_load(&s->message_ms), end;

	if (keep <= 0 || s->c.n < 2)
		return false;
	keep = MAX(keep, GRACE_MS);
	end = MAX((s->c.days[0]->day + 1) * DAY_MS, uid_key_ms(s->c.days[1]->born_key));
	return now - keep > end && conn_mark_i64(&s->today->w, "merged", 0) > s->c.days[1]->born_seq;
}

/* -- one row ---------------------------------------------------------------------------------------------------------- */

/* Copies the row that `get` finds by `at` through `put`; true when it was there and is new. */
static bool copy_row(struct sq *s, struct conn *from, enum stmt get, int64_t at, enum stmt put)
{
	struct conn *to = &s->today->w;
	sqlite3_stmt *g = conn_stmt(from, get), *p = conn_stmt(to, put);
	bool found;

	sqlite3_bind_int64(g, 1, at);
	found = sqlite3_step(g) == SQLITE_ROW;
	if (found) {
		for (int i = 0; i < sqlite3_column_count(g); i++)
			sqlite3_bind_value(p, i + 1, sqlite3_column_value(g, i));
		sq_run(s, to, p, "carry forward");
		found = sqlite3_changes(to->db) > 0;
		sqlite3_clear_bindings(p);
	}
	sqlite3_reset(g);
	return found && sq_taking(s);
}

static int state_of(struct conn *c, enum stmt get, int64_t key, int def)
{
	sqlite3_stmt *q = conn_stmt(c, get);

	sqlite3_bind_int64(q, 1, key);
	if (sqlite3_step(q) == SQLITE_ROW)
		def = sqlite3_column_int(q, 0);
	sqlite3_reset(q);
	return def;
}

/* Events of key that are in the file `from`. */
static void copy_events(struct sq *s, struct conn *holder, struct conn *from, int64_t key)
{
	sqlite3_stmt *q = conn_stmt(holder, S_HISTORY);
	struct buf h = BUF_INIT;
	struct str rest;
	int64_t seq = 0;

	sqlite3_bind_int64(q, 1, key);
	if (sqlite3_step(q) == SQLITE_ROW)
		buf_str(&h, row_blob(q, 0));
	sqlite3_reset(q);
	rest = buf_view(&h);
	while (deltas_next(&rest, &seq))
		(void)copy_row(s, from, S_COPY_EV, seq, S_PUT_EV);
	buf_done(&h);
}

static void move(struct sq *s, struct conn *from, int64_t key)
{
	struct conn *to = &s->today->w;
	int accepted = state_of(from, S_M_STATE, key, D_DONE);
	int now = state_of(from, S_MERGE_OLD, key, accepted);
	sqlite3_stmt *q;

	if (!copy_row(s, from, S_COPY_M, key, S_PUT_M)) {
		if (copy_row(s, from, S_MO_GET, key, S_PUT_MO)) /* an MO whose call is pending */
			atomic_store(&s->today->stragglers, true);
		return;
	}
	(void)copy_row(s, from, S_COPY_ST, key, S_PUT_ST);
	copy_events(s, from, from, key);
	q = conn_stmt(to, S_BLOCK_ADD);
	sqlite3_bind_int64(q, 1, block_of(key));
	sqlite3_bind_int64(q, 2, 1);
	sqlite3_bind_int64(q, 3, now == D_DONE);
	sqlite3_bind_int64(q, 4, accepted == D_DONE);
	sq_run(s, to, q, "carry forward");
	atomic_store(&s->today->stragglers, true);
}

/* -- a step ----------------------------------------------------------------------------------------------------------- */

struct step {
	struct keys keys;
	size_t rows;
	int64_t reached;
};

static bool look(void *ctx, sqlite3_stmt *q)
{
	struct step *t = ctx;

	if (t->rows == ROWS_A_STEP || t->keys.n == MOVES_A_STEP)
		return false;
	t->rows++;
	t->reached = sqlite3_column_int64(q, 0);
	if (scan_row_state(q) != D_DONE)
		keys_push(&t->keys, t->reached);
	return true;
}

static void add_pending_hooks(struct sq *s, struct step *t)
{
	sqlite3_stmt *q = conn_stmt(&s->today->w, S_HOOK_PENDING);

	sqlite3_bind_int64(q, 1, s->retire_key + 1);
	sqlite3_bind_int64(q, 2, t->reached);
	while (sqlite3_step(q) == SQLITE_ROW)
		keys_push(&t->keys, sqlite3_column_int64(q, 0));
	sqlite3_reset(q);
}

static void put_progress(struct sq *s)
{
	int64_t at[2] = {s->retire_day, s->retire_key};

	sq_mark(s, "~retire", at, sizeof(at));
}

static void carry(struct sq *s, struct day *d, int64_t end)
{
	struct conn *from = day_conn(s, d), *to = &s->today->w;
	struct step t = {.reached = end};
	int r = from ? scan_open(from, s->retire_key + 1, end, look, &t) : 0;

	if (r == 0)
		t.reached = end;
	if (r < 0)
		sq_fail(s, r, d->path, "cannot be read");
	add_pending_hooks(s, &t);
	sq_run(s, to, conn_stmt(to, S_BEGIN), "begin");
	for (size_t i = 0; i < t.keys.n && sq_taking(s); i++)
		move(s, from, t.keys.a[i]);
	s->retire_key = t.reached;
	put_progress(s);
	sq_run(s, to, conn_stmt(to, S_COMMIT), "commit");
	free(t.keys.a);
}

/* Deliveries that outlived their own day may have events in this one. */
static void carry_events(struct sq *s, struct conn *from)
{
	struct keys k = {0};
	int r = open_stragglers(s, &k);

	if (r < 0)
		sq_fail(s, r, s->data, "cannot be read");
	for (size_t i = 0; i < k.n && sq_taking(s); i++) {
		struct day *holder = day_of_key(s, k.a[i]);
		struct conn *c = holder ? day_conn(s, holder) : NULL;

		if (c && c != from)
			copy_events(s, c, from, k.a[i]);
	}
	free(k.a);
}

static bool forget_dead_hooks(struct sq *s, const struct day *d, int64_t end)
{
	struct conn *c = &s->today->w;
	sqlite3_stmt *q = conn_stmt(c, S_HOOK_FORGET);

	sqlite3_bind_int64(q, 1, d->born_key);
	sqlite3_bind_int64(q, 2, end);
	sq_run(s, c, q, "webhooks");
	return sqlite3_changes(c->db) > 0;
}

static void finish(struct sq *s, struct day *d, int64_t end)
{
	struct conn *to = &s->today->w, *from;
	int64_t day = d->day;

	if (forget_dead_hooks(s, d, end))
		return; /* more of them may be there: next call */
	from = day_conn(s, d);
	sq_run(s, to, conn_stmt(to, S_BEGIN), "begin");
	if (from)
		carry_events(s, from);
	sq_mark(s, "~gone", &day, sizeof(day));
	s->retire_day = s->retire_key = 0;
	put_progress(s);
	sq_run(s, to, conn_stmt(to, S_COMMIT), "commit");
	if (!sq_taking(s))
		return;
	log_info("store.retire", "file=%s", d->path);
	days_remove(s, d);
	index_drop_day(s->index, day);
}

void retire_step(struct sq *s, int64_t now)
{
	struct day *d = s->c.days[0];
	int64_t end;

	if (!s->retire_day) {
		if (!may_retire(s, now))
			return;
		s->retire_day = d->day;
		s->retire_key = -1;
	}
	end = day_last_key(s->c.days, s->c.n, 0);
	if (s->retire_key < end)
		carry(s, d, end);
	else
		finish(s, d, end);
	days_shrink(s);
}

int retire_resume(struct sq *s, struct err *e)
{
	struct buf b = BUF_INIT;
	int64_t gone = conn_mark_i64(&s->today->w, "~gone", 0), at[2];

	while (gone && s->c.n > 1 && s->c.days[0]->day <= gone)
		days_remove(s, s->c.days[0]);
	if (conn_mark(&s->today->w, "~retire", &b) && b.n == sizeof(at)) {
		memcpy(at, b.p, sizeof(at));
		if (at[0] == s->c.days[0]->day && s->c.n > 1) {
			s->retire_day = at[0];
			s->retire_key = at[1];
		}
	}
	buf_done(&b);
	return s->error ? err_set(e, s->error, "%s", s->words.text) : 0;
}
