/* One number's data, found and erased. There is no index of numbers, so finding reads every row of every file, on a reader; erasing goes by
 * key, on the writer's side. A row stays with what is nobody's in particular - id, account, times, codes, units - so that counts and
 * ledgers still add up; number, texts, the caller's references and what carriers and receivers said go.
 *
 * Today's rows change in the open batch. Those of older files change in transactions of their own, which end before the batch's: erasing
 * twice changes nothing, so a crash in between is mended by doing it again. Freed octets are overwritten in their pages; afterwards the
 * write-ahead logs, which still hold the pages as they were, are emptied as soon as no reader is in the way (sq_forget). */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

#define FORGET_TRIES \
	100000 /* turns of the engine; a reader that stays longer keeps the log, as it does anyway */

/* -- finding -------------------------------------------------------------------------------------------------------- */

static int number_rows(struct conn *c, enum stmt id, struct str number, bool mo,
		       bool (*fn)(void *ctx, const struct number_row *r), void *ctx, bool *more)
{
	sqlite3_stmt *q = conn_stmt(c, id);
	int rc = SQLITE_DONE;

	sqlite3_bind_text(q, 1, number.p, (int)number.n, SQLITE_STATIC);
	while (*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct number_row r = {
			.mo = mo, .key = sqlite3_column_int64(q, 0), .rest = (uint64_t)sqlite3_column_int64(q, 1)};

		if (mo) {
			r.at = sqlite3_column_int64(q, 2);
			r.source = row_blob(q, 3);
			r.destination = row_blob(q, 4);
			r.text = row_blob(q, 5);
		}
		*more = fn(ctx, &r);
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

int conn_phone(struct conn *c, struct str number, bool (*fn)(void *ctx, const struct number_row *r), void *ctx, bool *more)
{
	int r = number_rows(c, S_NUMBER_M, number, false, fn, ctx, more);

	return r == 0 && *more ? number_rows(c, S_NUMBER_MO, number, true, fn, ctx, more) : r;
}

/* -- erasing -------------------------------------------------------------------------------------------------------- */

/* The writer's connection to the file, in a transaction with what is freed overwritten. */
static struct conn *open_file(struct sq *s, struct day *d)
{
	struct conn *c = day_conn(s, d);

	if (c && d != s->today && sqlite3_get_autocommit(c->db))
		sq_run(s, c, conn_stmt(c, S_BEGIN), "erase");
	if (c)
		conn_secure(c, true);
	return sq_taking(s) ? c : NULL;
}

static void erase_event(struct sq *s, int64_t seq)
{
	struct day *d = day_of_seq(s, seq);
	struct conn *c = d ? open_file(s, d) : NULL;
	sqlite3_stmt *q = c ? conn_stmt(c, S_ERASE_EV) : NULL;

	if (!q)
		return;
	sqlite3_bind_int64(q, 1, seq);
	sq_run(s, c, q, "erase");
}

static void run_key(struct sq *s, struct conn *c, enum stmt id, int64_t key)
{
	sqlite3_stmt *q = conn_stmt(c, id);

	sqlite3_bind_int64(q, 1, key);
	sq_run(s, c, q, "erase");
}

/* What its receivers said; they are asked for a few days at most, so no later file has any. */
#define MO_EVENT_DAYS 5
static void erase_mo_events(struct sq *s, int64_t key)
{
	struct keys seqs = {0};

	for (size_t i = 0; i < s->c.n && sq_taking(s); i++) {
		struct day *d = s->c.days[i];
		int64_t age = d->day - uid_key_ms(key) / DAY_MS;
		struct conn *c = age >= -1 && age <= MO_EVENT_DAYS ? day_conn(s, d) : NULL;

		if (c && conn_mo_events(c, key, &seqs) < 0)
			sq_fail_conn(s, c, "erase");
	}
	for (size_t i = 0; i < seqs.n && sq_taking(s); i++)
		erase_event(s, seqs.a[i]);
	free(seqs.a);
}

/* A reply, and the parts it was joined from. */
static void erase_mo(struct sq *s, struct conn *c, int64_t key)
{
	struct mo *m = NULL;

	if (conn_mo(c, key, &m) < 0)
		return;
	run_key(s, c, S_ERASE_MO, key);
	erase_mo_events(s, key);
	for (size_t i = 0; i < mo_part_count(m) && sq_taking(s); i++) {
		int64_t part = mo_part_key(m, i);
		struct day *d = day_of_key(s, part);
		struct conn *pc = d ? open_file(s, d) : NULL;

		if (pc)
			run_key(s, pc, S_ERASE_PART, part);
	}
	free(m);
}

void sq_erase(struct store *st, int64_t key, const int64_t *seqs, size_t n)
{
	struct sq *s = sq_of(st);
	struct day *d = day_of_key(s, key);
	struct conn *c = sq_taking(s) && d ? open_file(s, d) : NULL;
	struct buf history = BUF_INIT;
	struct str rest;
	sqlite3_stmt *q;
	int64_t seq = 0;

	if (!c)
		return;
	q = conn_stmt(c, S_HISTORY);
	sqlite3_bind_int64(q, 1, key);
	if (sqlite3_step(q) == SQLITE_ROW)
		buf_str(&history, row_blob(q, 0));
	sqlite3_reset(q);
	run_key(s, c, S_ERASE_M, key);
	erase_mo(s, c, key);
	run_key(s, &s->today->w, S_ERASE_HOOK, key);
	rest = buf_view(&history);
	while (deltas_next(&rest, &seq) && sq_taking(s))
		erase_event(s, seq);
	for (size_t i = 0; i < n && sq_taking(s); i++)
		erase_event(s, seqs[i]);
	buf_done(&history);
	s->forget = FORGET_TRIES;
}

void sq_erase_parked(struct store *st, struct str number)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	conn_secure(c, true);
	q = conn_stmt(c, S_ERASE_PARKED);
	sqlite3_bind_text(q, 1, number.p, (int)number.n, SQLITE_STATIC);
	sq_run(s, c, q, "erase");
	s->forget = FORGET_TRIES;
}

/* Before the batch's own commit. */
void sq_erase_commit(struct sq *s)
{
	for (size_t i = 0; i < s->c.n; i++) {
		struct conn *c = &s->c.days[i]->w;

		if (!c->db)
			continue;
		if (s->c.days[i] != s->today && !sqlite3_get_autocommit(c->db))
			sq_run(s, c, conn_stmt(c, S_COMMIT), "erase");
		conn_secure(c, false);
	}
}

/* Between two batches: empties the logs; what is busy now is tried again. */
void sq_forget(struct sq *s)
{
	bool all = true;

	for (size_t i = 0; i < s->c.n; i++) {
		struct day *d = s->c.days[i];
		int rc = SQLITE_OK;

		if (!d->w.db)
			continue;
		sqlite3_busy_timeout(d->w.db, 0);
		rc = sqlite3_wal_checkpoint_v2(d->w.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		sqlite3_busy_timeout(d->w.db, CONN_BUSY_MS);
		if (rc == SQLITE_OK)
			atomic_store(&d->frames, 0);
		else if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
			sq_fail_conn(s, &d->w, "checkpoint");
		all &= rc == SQLITE_OK;
	}
	s->forget = all ? 0 : s->forget - 1;
}
