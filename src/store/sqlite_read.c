/* sqlite_read.c - what readers ask (sqlite_reader.c keeps their files). Each call is one short read transaction a file, so that the WAL can
 * start over.
 *
 * Correlation ids are looked up as far back as statuses are shown (status retention): further back there is r_scan. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite_reader.h"

/* -- single rows -------------------------------------------------------------------------------------------------------- */

static int get_delivery(struct conn *c, int64_t key, void *to) { return conn_load(c, key, to); }
static int get_event(struct conn *c, int64_t seq, void *to) { return conn_event(c, seq, to); }

static int get_history(struct conn *c, int64_t key, void *to)
{
	sqlite3_stmt *q = conn_stmt(c, S_HISTORY);
	int rc;

	sqlite3_bind_int64(q, 1, key);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		buf_str(to, row_blob(q, 0));
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? -ENOENT : sqlite_errno(rc);
}

int sq_r_load(struct store_reader *r, int64_t key, struct delivery **ret)
{
	reader_begin(r, 0);
	return reader_find(r, days_find_key(r->days, r->n, key), get_delivery, key, ret);
}

int sq_r_event(struct store_reader *r, int64_t seq, struct event *ret)
{
	reader_begin(r, 0);
	return reader_find(r, days_find_seq(r->days, r->n, seq), get_event, seq, ret);
}

int sq_r_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n)
{
	struct buf h = BUF_INIT;
	struct str rest;
	struct delivery *d = NULL;
	int64_t seq = 0;
	int e;

	reader_begin(r, 0);
	e = reader_find(r, days_find_key(r->days, r->n, key), get_history, key, &h);
	if (e == -ENOENT) { /* nothing merged yet, if the delivery exists */
		e = reader_find(r, days_find_key(r->days, r->n, key), get_delivery, key, &d);
		delivery_free(d);
	}
	if (e == 0) {
		*n = 0;
		*seqs = xcalloc(h.n + 1, sizeof(**seqs));
		rest = buf_view(&h);
		while (deltas_next(&rest, &seq))
			(*seqs)[(*n)++] = seq;
	}
	buf_done(&h);
	return e;
}

size_t sq_r_by_correlation(struct store_reader *r, uint32_t account, struct str correlation, int64_t *keys, size_t max)
{
	struct sq *s = r->s;
	int64_t keep = atomic_load(&s->status_ms), days = keep / DAY_MS + 2, newest;

	if (!correlation.n)
		return 0;
	reader_begin(r, 0);
	newest = r->days[r->n - 1]->day;
	return index_find(r->index, INDEX_CORRELATION, correlation_hash(&s->hash, account, correlation),
			  keep > 0 ? newest - days : 0, keys, max);
}

/* -- changes -------------------------------------------------------------------------------------------------------------- */

struct changes {
	const uint32_t *subs;
	size_t sub_count, left;
	bool (*fn)(void *ctx, const struct event *e);
	void *ctx;
	bool stopped;
};

static bool has_sub(const struct changes *w, uint32_t sub)
{
	for (size_t i = 0; i < w->sub_count; i++)
		if (w->subs[i] == sub)
			return true;
	return false;
}

/* A chunk that is over names its sub-accounts; one without a row must be read. */
static bool chunk_may(const struct changes *w, struct str subs)
{
	int64_t sub = 0;

	while (deltas_next(&subs, &sub))
		if (has_sub(w, (uint32_t)sub))
			return true;
	return false;
}

static int read_range(struct conn *c, struct changes *w, int64_t from, int64_t to)
{
	sqlite3_stmt *q = conn_stmt(c, S_EV_RANGE);
	struct event e = {0};
	int rc = SQLITE_DONE;

	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, to);
	while (!w->stopped && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (!event_is_change(sqlite3_column_int(q, 2)) || !has_sub(w, (uint32_t)sqlite3_column_int64(q, 3)))
			continue;
		row_event(q, &e);
		if (!event_changes(&e))
			continue;
		w->stopped = !w->fn(w->ctx, &e) || --w->left == 0;
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

/* Ranges between chunks that can be skipped are read in one go. */
static int read_day(struct conn *c, struct changes *w, int64_t from, int64_t to)
{
	sqlite3_stmt *q = conn_stmt(c, S_CHUNK_RANGE);
	int rc = SQLITE_DONE, e = 0;

	sqlite3_bind_int64(q, 1, from >> CHUNK_SHIFT);
	sqlite3_bind_int64(q, 2, to >> CHUNK_SHIFT);
	while (e == 0 && !w->stopped && from <= to && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t first = sqlite3_column_int64(q, 0) << CHUNK_SHIFT;

		if (chunk_may(w, row_blob(q, 1)))
			continue;
		if (from < first)
			e = read_range(c, w, from, first - 1);
		from = MAX(from, first + ((int64_t)1 << CHUNK_SHIFT));
	}
	sqlite3_reset(q);
	if (e == 0)
		e = sqlite_errno(rc);
	if (e == 0 && !w->stopped && from <= to)
		e = read_range(c, w, from, to);
	return e;
}

int sq_r_changes(struct store_reader *r, const uint32_t *subs, size_t sub_count, int64_t from, int64_t to,
		 size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx, int64_t deadline_ms)
{
	struct changes w = {.subs = subs, .sub_count = sub_count, .left = max, .fn = fn, .ctx = ctx, .stopped = max == 0};
	int e = 0;

	reader_begin(r, deadline_ms);
	for (size_t i = 0; e == 0 && !w.stopped && i < r->n; i++) {
		int64_t first = MAX(from, r->days[i]->born_seq + 1), last = to;
		struct conn *c;

		if (i + 1 < r->n)
			last = MIN(to, r->days[i + 1]->born_seq);
		if (first > last)
			continue;
		c = reader_file(r, r->days[i]);
		e = c ? read_day(c, &w, first, last) : -EIO;
	}
	r->until_us = 0;
	return e;
}

/* -- scans ---------------------------------------------------------------------------------------------------------------- */

static int scan_back(struct conn *c, int64_t from, int64_t to,
		     bool (*fn)(void *ctx, const struct delivery *d), void *ctx, bool *more)
{
	sqlite3_stmt *q = conn_stmt(c, S_SCAN_BACK);
	int rc = SQLITE_DONE, e = 0;

	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, to);
	while (e == 0 && *more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct delivery *d = NULL;

		e = row_delivery(q, &d);
		if (e == 0)
			*more = fn(ctx, d);
		delivery_free(d);
	}
	sqlite3_reset(q);
	return e < 0 ? e : sqlite_errno(rc);
}

int sq_r_scan(struct store_reader *r, int64_t since, int64_t until,
	      bool (*fn)(void *ctx, const struct delivery *d), void *ctx, int64_t deadline_ms)
{
	int64_t low = since > 0 ? uid_key_at(since) : 0;
	int64_t high = until < INT64_MAX ? uid_key_at(until + 1) - 1 : INT64_MAX;
	bool more = true;
	int e = 0;

	reader_begin(r, deadline_ms);
	for (size_t i = r->n; e == 0 && more && i-- > 0;) {
		int64_t from = MAX(low, r->days[i]->born_key), to = MIN(high, day_last_key(r->days, r->n, i));
		struct conn *c = from <= to ? reader_file(r, r->days[i]) : NULL;

		if (from <= to)
			e = c ? scan_back(c, from, to, fn, ctx, &more) : -EIO;
	}
	/* What outlived its day is older than all of them. */
	for (size_t i = r->n; e == 0 && more && i-- > 0 && low < r->days[0]->born_key;) {
		struct conn *c = atomic_load(&r->days[i]->stragglers) ? reader_file(r, r->days[i]) : NULL;

		if (c)
			e = scan_back(c, low, MIN(high, r->days[0]->born_key - 1), fn, ctx, &more);
	}
	r->until_us = 0;
	return e;
}

/* -- MOs ------------------------------------------------------------------------------------------------------------------ */

static int get_mo(struct conn *c, int64_t key, void *to) { return conn_mo(c, key, to); }

int sq_r_mo(struct store_reader *r, int64_t key, struct mo **ret)
{
	reader_begin(r, 0);
	return reader_find(r, days_find_key(r->days, r->n, key), get_mo, key, ret);
}

int sq_r_mos(struct store_reader *r, int64_t from, int64_t to, bool newest_first,
	     bool (*fn)(void *ctx, const struct mo *m), void *ctx, int64_t deadline_ms)
{
	bool more = true;
	int e = 0;

	reader_begin(r, deadline_ms);
	for (size_t n = 0; e == 0 && more && n < r->n; n++) {
		size_t i = newest_first ? r->n - 1 - n : n;
		int64_t low = MAX(from, r->days[i]->born_key), high = MIN(to, day_last_key(r->days, r->n, i));
		struct conn *c = low <= high ? reader_file(r, r->days[i]) : NULL;

		if (low <= high)
			e = c ? conn_mos(c, low, high, newest_first, fn, ctx, &more) : -EIO;
	}
	r->until_us = 0;
	return e;
}

/* Events of an MO may be in later files than its own. */
int sq_r_mo_history(struct store_reader *r, int64_t key, int64_t **seqs, size_t *n)
{
	struct keys k = {0};
	int e = 0;

	reader_begin(r, 0);
	for (ssize_t i = MAX(days_find_key(r->days, r->n, key), 0); e == 0 && i < (ssize_t)r->n; i++) {
		struct conn *c = reader_file(r, r->days[i]);

		e = c ? conn_mo_events(c, key, &k) : -EIO;
	}
	*seqs = k.a ? k.a : xcalloc(1, sizeof(**seqs));
	*n = k.n;
	return e;
}

int sq_r_parked(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx)
{
	struct parked_row p;
	struct conn *c;
	sqlite3_stmt *q;
	int rc;

	reader_begin(r, 0);
	c = reader_file(r, r->days[r->n - 1]);
	q = c ? conn_stmt(c, S_PARKED_NEWEST) : NULL;
	sqlite3_bind_int64(q, 1, (int64_t)MIN(max, (size_t)INT64_MAX));
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		row_parked(q, &p);
		if (!fn(ctx, &p))
			break;
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

int sq_r_hooks_dead(struct store_reader *r, size_t max, bool (*fn)(void *ctx, const struct hook_row *h), void *ctx)
{
	struct hook_row h;
	struct conn *c;
	sqlite3_stmt *q;
	int rc;

	reader_begin(r, 0);
	c = reader_file(r, r->days[r->n - 1]);
	q = c ? conn_stmt(c, S_HOOK_DEAD) : NULL;
	sqlite3_bind_int64(q, 1, (int64_t)MIN(max, (size_t)INT64_MAX));
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		row_hook(q, &h);
		if (!fn(ctx, &h))
			break;
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

int sq_r_balances(struct store_reader *r, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx)
{
	struct conn *c;

	reader_begin(r, 0);
	c = reader_file(r, r->days[r->n - 1]);
	return c ? conn_balances(c, fn, ctx) : -EIO;
}

int sq_r_ledger(struct store_reader *r, uint8_t kind, uint32_t owner,
		bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx)
{
	int n = 0;

	reader_begin(r, 0);
	for (size_t i = r->n; i-- > 0 && n == 0;) {
		struct conn *c = reader_file(r, r->days[i]);

		n = c ? conn_ledger_back(c, kind, owner, fn, ctx) : -EIO;
	}
	return MIN(n, 0);
}

int sq_r_number(struct store_reader *r, struct str number, bool (*fn)(void *ctx, const struct number_row *row), void *ctx)
{
	bool more = true;
	int e = 0;

	reader_begin(r, 0);
	for (size_t i = 0; i < r->n && e == 0 && more; i++) {
		struct conn *c = reader_file(r, r->days[i]);

		e = c ? conn_phone(c, number, fn, ctx, &more) : -EIO;
	}
	return e;
}
