/* State into rows, and the count of what is final.
 *
 * A merged state is a row of table st, appended in key order; a second merge of the same delivery replaces it. Rows of today's file
 * belong to the open batch. Those of older files cannot (a transaction is atomic in one file only): they are kept in today's table
 * `later` with the batch, written to their files right after its commit, and taken out of `later` by the next batch. A crash in
 * between repeats that, which changes nothing: a state older than the row's is passed over.
 *
 * Block counts (table blk) change with the rows they count, in the same transaction. A delivery that was final when it was accepted
 * counts at once (pre), and its first merge must not count again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

/* -- blocks --------------------------------------------------------------------------------------------------------- */

static void block_write(struct sq *s, struct conn *c, enum stmt id, int64_t block, int64_t n, int64_t done, int64_t pre)
{
	sqlite3_stmt *q = conn_stmt(c, id);

	sqlite3_bind_int64(q, 1, block);
	sqlite3_bind_int64(q, 2, id == S_BLOCK_DONE ? done : n);
	if (id != S_BLOCK_DONE) {
		sqlite3_bind_int64(q, 3, done);
		sqlite3_bind_int64(q, 4, pre);
	}
	sq_run(s, c, q, "blk");
}

static void block_close(struct sq *s, struct conn *c)
{
	if (s->block_n)
		block_write(s, c, S_BLOCK_CLOSE, s->block, s->block_n, s->block_pre, s->block_pre);
}

void block_accept(struct sq *s, const struct delivery *d)
{
	if (block_of(d->key) != s->block) {
		block_close(s, &s->today->w);
		s->block = block_of(d->key);
		s->block_n = s->block_pre = 0;
	}
	s->block_n++;
	s->block_pre += d->state == D_DONE;
}

/* Only rows of its own: stragglers are counted as they come, in blocks that are over. */
void blocks_open(struct sq *s, struct conn *c)
{
	sqlite3_stmt *q;

	s->block = s->last_m >= s->today->born_key ? block_of(s->last_m) : -1;
	s->block_n = s->block_pre = 0;
	if (s->block < 0)
		return;
	q = conn_stmt(c, S_BLOCK_COUNT);
	sqlite3_bind_int64(q, 1, MAX(block_first(s->block), s->today->born_key));
	if (sqlite3_step(q) == SQLITE_ROW) {
		s->block_n = sqlite3_column_int64(q, 0);
		s->block_pre = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
}

static bool block_is_closed(struct conn *c, int64_t block)
{
	sqlite3_stmt *q = conn_stmt(c, S_BLOCK_GET);
	bool closed;

	sqlite3_bind_int64(q, 1, block);
	closed = sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL;
	sqlite3_reset(q);
	return closed;
}

/* At the edge, or at the next start when a crash came between. */
void blocks_close_old(struct sq *s, struct day *d)
{
	struct conn *c = day_conn(s, d);
	sqlite3_stmt *q;
	int64_t last, n = 0, pre = 0;

	if (!c)
		return;
	last = conn_number(c, S_MAX_M, 0);
	if (last < d->born_key || block_is_closed(c, block_of(last)))
		return;
	q = conn_stmt(c, S_BLOCK_COUNT);
	sqlite3_bind_int64(q, 1, MAX(block_first(block_of(last)), d->born_key));
	if (sqlite3_step(q) == SQLITE_ROW) {
		n = sqlite3_column_int64(q, 0);
		pre = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	sq_run(s, c, conn_stmt(c, S_BEGIN), "begin");
	block_write(s, c, S_BLOCK_CLOSE, block_of(last), n, pre, pre);
	sq_run(s, c, conn_stmt(c, S_COMMIT), "commit");
}

int64_t block_next_open(struct conn *c, int64_t from, int64_t last_closed)
{
	sqlite3_stmt *q = conn_stmt(c, S_BLOCK_OPEN);
	int64_t found = INT64_MAX;

	sqlite3_bind_int64(q, 1, from);
	if (sqlite3_step(q) == SQLITE_ROW)
		found = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	/* what comes after the last closed one is not counted yet */
	return MIN(found, MAX(from, last_closed + 1));
}

/* -- one row -------------------------------------------------------------------------------------------------------- */

struct merge_row {
	int64_t key;
	int state;
	int64_t last;       /* highest event in it */
	struct str s;       /* the state */
	struct str history; /* to be added: differences, the first from 0 */
};
/* Finished rows of one block of one file, written together. */
struct tally {
	struct conn *c;
	int64_t block, done;
};

static void tally_flush(struct sq *s, struct tally *t)
{
	if (t->c && t->done)
		block_write(s, t->c, S_BLOCK_DONE, t->block, 0, t->done, 0);
	t->done = 0;
}

static bool was_final_when_accepted(struct sq *s, struct conn *c, int64_t key)
{
	sqlite3_stmt *q;
	int64_t pre = s->block_pre;
	bool final = false;

	if (c != &s->today->w || block_of(key) != s->block) {
		q = conn_stmt(c, S_BLOCK_GET);
		sqlite3_bind_int64(q, 1, block_of(key));
		pre = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 2) : 1;
		sqlite3_reset(q);
	}
	if (pre == 0)
		return false;
	q = conn_stmt(c, S_M_STATE);
	sqlite3_bind_int64(q, 1, key);
	if (sqlite3_step(q) == SQLITE_ROW)
		final = sqlite3_column_int(q, 0) == D_DONE;
	sqlite3_reset(q);
	return final;
}

static void tally_done(struct sq *s, struct tally *t, struct conn *c, int64_t key, int more)
{
	if (t->c != c || t->block != block_of(key)) {
		tally_flush(s, t);
		t->c = c;
		t->block = block_of(key);
	}
	t->done += more;
}

/* The seqs of add that are not in old yet, behind those of old; both begin with their difference to 0. */
static void history_join(struct buf *out, struct str old, struct str add)
{
	int64_t last = 0, base, v = 0;
	struct str rest = old;

	buf_str(out, old);
	while (deltas_next(&rest, &last))
		;
	for (base = last; deltas_next(&add, &v);)
		if (v > last) {
			deltas_put(out, base, &v, 1);
			base = v;
		}
}

static void bind_row(sqlite3_stmt *q, const struct merge_row *m)
{
	sqlite3_bind_int64(q, 1, m->key);
	sqlite3_bind_int(q, 2, m->state);
	sqlite3_bind_int64(q, 3, m->last);
	sqlite3_bind_blob(q, 4, m->s.p, (int)m->s.n, SQLITE_STATIC);
	sqlite3_bind_blob(q, 5, m->history.n ? m->history.p : "", (int)m->history.n, SQLITE_STATIC);
}

static void row_again(struct sq *s, struct conn *c, const struct merge_row *m, struct tally *t)
{
	sqlite3_stmt *q = conn_stmt(c, S_MERGE_OLD);
	struct merge_row new = *m;
	struct buf history = BUF_INIT;
	int before = D_QUEUED;
	bool newer = false;

	sqlite3_bind_int64(q, 1, m->key);
	if (sqlite3_step(q) == SQLITE_ROW) {
		before = sqlite3_column_int(q, 0);
		newer = m->last >= sqlite3_column_int64(q, 1);
		history_join(&history, row_blob(q, 2), m->history);
	}
	sqlite3_reset(q);
	if (newer) {
		new.history = buf_view(&history);
		q = conn_stmt(c, S_MERGE_SET);
		bind_row(q, &new);
		sq_run(s, c, q, "merge");
		if (before != D_DONE || m->state != D_DONE)
			tally_done(s, t, c, m->key, (m->state == D_DONE) - (before == D_DONE));
	}
	buf_done(&history);
}

/* The text of a row goes, and its octets are overwritten in the page (secure_delete is off otherwise). */
static void redact(struct sq *s, struct conn *c, int64_t key)
{
	sqlite3_stmt *q = conn_stmt(c, S_REDACT);

	conn_secure(c, true);
	sqlite3_bind_int64(q, 1, key);
	sq_run(s, c, q, "redact");
	conn_secure(c, false);
}

static void row_write(struct sq *s, struct conn *c, const struct merge_row *m, struct tally *t)
{
	sqlite3_stmt *q = conn_stmt(c, S_MERGE_NEW);

	bind_row(q, m);
	sq_run(s, c, q, "merge");
	if (!sq_taking(s))
		return;
	if (sqlite3_changes(c->db) == 0)
		row_again(s, c, m, t);
	else if ((m->state == D_DONE) != was_final_when_accepted(s, c, m->key))
		tally_done(s, t, c, m->key, m->state == D_DONE ? 1 : -1);
	if (delivery_blob_redacts(m->s))
		redact(s, c, m->key);
}

/* -- a batch's ------------------------------------------------------------------------------------------------------ */

static void keep_for_later(struct sq *s, const struct merge_row *m)
{
	struct conn *c = &s->today->w;
	sqlite3_stmt *q = conn_stmt(c, S_LATER_GET);
	struct merge_row row = *m;
	struct buf history = BUF_INIT;

	sqlite3_bind_int64(q, 1, m->key);
	if (sqlite3_step(q) == SQLITE_ROW)
		history_join(&history, row_blob(q, 0), m->history);
	else
		s->later++;
	sqlite3_reset(q);
	if (history.n)
		row.history = buf_view(&history);
	q = conn_stmt(c, S_LATER_SET);
	bind_row(q, &row);
	sq_run(s, c, q, "merge");
	buf_done(&history);
}

void sq_merge(struct store *st, const struct delivery *const *d, const int64_t *const *seqs, const size_t *counts, size_t n)
{
	struct sq *s = sq_of(st);
	struct buf state = BUF_INIT, history = BUF_INIT;
	struct tally t = {0};

	for (size_t i = 0; i < n && sq_taking(s); i++) {
		struct day *day = day_of_key(s, d[i]->key);
		struct merge_row m = {.key = d[i]->key, .state = d[i]->state, .last = d[i]->last_seq};

		if (!day) {
			sq_fail(s, -ENOENT, "merge", "no such delivery");
			break;
		}
		buf_clear(&state);
		buf_clear(&history);
		delivery_state_write(d[i], &state);
		deltas_put(&history, 0, seqs[i], counts[i]);
		if (counts[i])
			m.last = MAX(m.last, seqs[i][counts[i] - 1]);
		m.s = buf_view(&state);
		m.history = buf_view(&history);
		if (day == s->today)
			row_write(s, &day->w, &m, &t);
		else
			keep_for_later(s, &m);
	}
	tally_flush(s, &t);
	buf_done(&state);
	buf_done(&history);
}

static bool later_next(sqlite3_stmt *q, struct merge_row *m)
{
	if (sqlite3_step(q) != SQLITE_ROW)
		return false;
	*m = (struct merge_row){.key = sqlite3_column_int64(q, 0),
				.state = sqlite3_column_int(q, 1),
				.last = sqlite3_column_int64(q, 2),
				.s = row_blob(q, 3),
				.history = row_blob(q, 4)};
	return true;
}

static struct conn *enter(struct sq *s, struct conn *now, struct conn *c)
{
	if (c == now)
		return c;
	if (now)
		sq_run(s, now, conn_stmt(now, S_COMMIT), "commit");
	if (c)
		sq_run(s, c, conn_stmt(c, S_BEGIN), "begin");
	return c;
}

/* Keys ascend, so do files; a straggler may make it change back and forth, which is right and rare. */
void merge_apply_later(struct sq *s)
{
	sqlite3_stmt *all = conn_stmt(&s->today->w, S_LATER_ALL);
	struct conn *c = NULL;
	struct tally t = {0};
	struct merge_row m;

	while (sq_taking(s) && later_next(all, &m)) {
		struct day *day = day_of_key(s, m.key);
		struct conn *to = day && day != s->today ? day_conn(s, day) : NULL;

		if (!to) /* its day is gone, so it was final long ago */
			continue;
		if (to != c)
			tally_flush(s, &t);
		c = enter(s, c, to);
		row_write(s, to, &m, &t);
	}
	tally_flush(s, &t);
	sqlite3_reset(all);
	enter(s, c, NULL);
	s->later_applied = true;
	days_shrink(s);
}
