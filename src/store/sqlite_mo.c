/* Messages from handsets: appended in today's file and never changed. A key is in the file whose range has it, as a delivery's is; one
 * that retention carried forward because its webhook call was pending is a straggler. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

static struct conn *today(struct sq *s) { return &s->today->w; }

static void bind_z(sqlite3_stmt *q, int column, const char *z, size_t size)
{
	sqlite3_bind_text(q, column, z, (int)strnlen(z, size), SQLITE_STATIC);
}

static void bind_str(sqlite3_stmt *q, int column, struct str s)
{
	sqlite3_bind_text(q, column, s.n ? s.p : "", (int)s.n, SQLITE_STATIC);
}

static void given_out(struct sq *s, int64_t key)
{
	s->last_mo = MAX(s->last_mo, key);
	s->last_key = MAX(s->last_key, key);
}

void sq_mo(struct store *st, const struct mo *m)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_MO);
	sqlite3_bind_int64(q, 1, m->key);
	sqlite3_bind_int64(q, 2, (int64_t)m->rest);
	sqlite3_bind_int64(q, 3, m->at);
	sqlite3_bind_int64(q, 4, m->seq);
	sqlite3_bind_int64(q, 5, m->account);
	sqlite3_bind_int64(q, 6, m->sub_account);
	sqlite3_bind_int64(q, 7, m->user);
	sqlite3_bind_int(q, 8, m->operator_id);
	sqlite3_bind_int(q, 9, m->connection);
	sqlite3_bind_int(q, 10, m->owner);
	sqlite3_bind_int(q, 11, m->total);
	sqlite3_bind_int(q, 12, m->came);
	sqlite3_bind_int64(q, 13, m->mt);
	sqlite3_bind_int64(q, 14, (int64_t)m->mt_rest);
	sqlite3_bind_int64(q, 15, (int64_t)m->hash);
	bind_z(q, 16, m->source, sizeof(m->source));
	bind_z(q, 17, m->short_code, sizeof(m->short_code));
	bind_str(q, 18, m->text);
	bind_str(q, 19, m->correlation);
	bind_str(q, 20, m->campaign);
	sqlite3_bind_int(q, 22, m->wish);
	sqlite3_bind_int64(q, 23, m->wish_sub);
	sqlite3_bind_blob(q, 21, m->parts.n ? m->parts.p : "", (int)m->parts.n, SQLITE_STATIC);
	sq_run(s, today(s), q, "mo");
	s->rows++;
	given_out(s, m->key);
}

static void row_mo(sqlite3_stmt *q, struct mo *m)
{
	*m = (struct mo){.key = sqlite3_column_int64(q, 0),
			 .rest = (uint64_t)sqlite3_column_int64(q, 1),
			 .at = sqlite3_column_int64(q, 2),
			 .seq = sqlite3_column_int64(q, 3),
			 .account = (uint32_t)sqlite3_column_int64(q, 4),
			 .sub_account = (uint32_t)sqlite3_column_int64(q, 5),
			 .user = (uint32_t)sqlite3_column_int64(q, 6),
			 .operator_id = sqlite3_column_int(q, 7),
			 .connection = (uint16_t)sqlite3_column_int(q, 8),
			 .owner = (uint8_t)sqlite3_column_int(q, 9),
			 .total = (uint8_t)sqlite3_column_int(q, 10),
			 .came = (uint8_t)sqlite3_column_int(q, 11),
			 .mt = sqlite3_column_int64(q, 12),
			 .mt_rest = (uint64_t)sqlite3_column_int64(q, 13),
			 .hash = (uint64_t)sqlite3_column_int64(q, 14),
			 .text = row_blob(q, 17),
			 .correlation = row_blob(q, 18),
			 .campaign = row_blob(q, 19),
			 .parts = row_blob(q, 20),
			 .wish = (uint8_t)sqlite3_column_int(q, 21),
			 .wish_sub = (uint32_t)sqlite3_column_int64(q, 22)};
	str_copy(m->source, sizeof(m->source), row_blob(q, 15));
	str_copy(m->short_code, sizeof(m->short_code), row_blob(q, 16));
}

void sq_mo_part(struct store *st, const struct mo_part *p)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_MO_PART);
	sqlite3_bind_int64(q, 1, p->key);
	sqlite3_bind_int(q, 2, p->connection);
	sqlite3_bind_int64(q, 3, p->at);
	sqlite3_bind_int(q, 4, p->ref);
	sqlite3_bind_int(q, 5, p->total);
	sqlite3_bind_int(q, 6, p->part);
	bind_z(q, 7, p->source, sizeof(p->source));
	bind_z(q, 8, p->short_code, sizeof(p->short_code));
	bind_str(q, 9, p->text);
	sqlite3_bind_int64(q, 10, (int64_t)p->hash);
	sq_run(s, today(s), q, "mo part");
	s->rows++;
	given_out(s, p->key);
}

void mo_event(struct sq *s, const struct event *e)
{
	sqlite3_stmt *q = conn_stmt(today(s), S_MO_EV);

	sqlite3_bind_int64(q, 1, e->key);
	sqlite3_bind_int64(q, 2, e->seq);
	sq_run(s, today(s), q, "mo event");
}

size_t sq_by_handset(struct store *st, uint64_t hash, int64_t days, int64_t *keys, size_t max)
{
	struct sq *s = sq_of(st);

	return hash ? index_find(s->reader, INDEX_HANDSET, hash, s->today->day - days, keys, max) : 0;
}

/* -- reading ---------------------------------------------------------------------------------------------------------- */

static int ended(struct conn *c, int rc)
{
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		return 0;
	rc = c->db ? sqlite_errno(sqlite3_errcode(c->db)) : -EIO;
	return rc ? rc : -EIO;
}

int conn_mo(struct conn *c, int64_t key, struct mo **ret)
{
	sqlite3_stmt *q = conn_stmt(c, S_MO_GET);
	struct mo m;
	int rc, e;

	sqlite3_bind_int64(q, 1, key);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		row_mo(q, &m);
		*ret = mo_copy(&m);
	}
	e = rc == SQLITE_DONE ? -ENOENT : ended(c, rc);
	sqlite3_reset(q);
	return e;
}

int conn_mos(struct conn *c, int64_t from, int64_t to, bool newest_first,
	     bool (*fn)(void *ctx, const struct mo *m), void *ctx, bool *more)
{
	sqlite3_stmt *q = conn_stmt(c, newest_first ? S_MO_BACK : S_MO_RANGE);
	int rc = SQLITE_DONE, e;

	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, to);
	while (*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct mo m;

		row_mo(q, &m);
		*more = fn(ctx, &m);
	}
	e = ended(c, rc);
	sqlite3_reset(q);
	return e;
}

int conn_mo_events(struct conn *c, int64_t key, struct keys *seqs)
{
	sqlite3_stmt *q = conn_stmt(c, S_MO_EVENTS);
	int rc, e;

	sqlite3_bind_int64(q, 1, key);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		keys_push(seqs, sqlite3_column_int64(q, 0));
	e = ended(c, rc);
	sqlite3_reset(q);
	return e;
}

int sq_mo_load(struct store *st, int64_t key, struct mo **ret)
{
	struct sq *s = sq_of(st);
	ssize_t own = days_find_key(s->c.days, s->c.n, key);
	int e = -ENOENT;

	for (size_t i = (size_t)MAX(own, 0); e == -ENOENT && i < s->c.n; i++) {
		struct conn *c;

		if ((ssize_t)i != own && !atomic_load(&s->c.days[i]->stragglers))
			continue;
		c = day_conn(s, s->c.days[i]);
		e = c ? conn_mo(c, key, ret) : s->error;
	}
	if (!s->in_batch)
		days_shrink(s);
	return e;
}

int sq_mos_from(struct store *st, int64_t from, bool (*fn)(void *ctx, const struct mo *m), void *ctx)
{
	struct sq *s = sq_of(st);
	bool more = true;
	int e = 0;

	for (size_t i = 0; e == 0 && more && i < s->c.n; i++) {
		int64_t low = MAX(from, s->c.days[i]->born_key), high = day_last_key(s->c.days, s->c.n, i);
		struct conn *c;

		if (low > high)
			continue;
		c = day_conn(s, s->c.days[i]);
		e = c ? conn_mos(c, low, high, false, fn, ctx, &more) : s->error;
		if (!s->in_batch)
			days_shrink(s);
	}
	return e;
}

static int parts_of(struct conn *c, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx, bool *more)
{
	sqlite3_stmt *q = conn_stmt(c, S_MO_PARTS);
	int rc = SQLITE_DONE, e;

	sqlite3_bind_int64(q, 1, from);
	while (*more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct mo_part p = {.key = sqlite3_column_int64(q, 0),
				    .connection = (uint16_t)sqlite3_column_int(q, 1),
				    .at = sqlite3_column_int64(q, 2),
				    .ref = (uint16_t)sqlite3_column_int(q, 3),
				    .total = (uint8_t)sqlite3_column_int(q, 4),
				    .part = (uint8_t)sqlite3_column_int(q, 5),
				    .text = row_blob(q, 8),
				    .hash = (uint64_t)sqlite3_column_int64(q, 9)};

		str_copy(p.source, sizeof(p.source), row_blob(q, 6));
		str_copy(p.short_code, sizeof(p.short_code), row_blob(q, 7));
		*more = fn(ctx, &p);
	}
	e = ended(c, rc);
	sqlite3_reset(q);
	return e;
}

/* A file that ended before the first of them was given out has none. */
int sq_mo_parts_from(struct store *st, int64_t from, bool (*fn)(void *ctx, const struct mo_part *p), void *ctx)
{
	struct sq *s = sq_of(st);
	bool more = true;
	int e = 0;

	for (size_t i = 0; e == 0 && more && i < s->c.n; i++) {
		struct conn *c;

		if ((s->c.days[i]->day + 2) * DAY_MS < uid_key_ms(from))
			continue;
		c = day_conn(s, s->c.days[i]);
		e = c ? parts_of(c, from, fn, ctx, &more) : s->error;
		if (!s->in_batch)
			days_shrink(s);
	}
	return e;
}
