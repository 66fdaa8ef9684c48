/* sqlite_days_make.c - files of days come to be: made at the edge between two days, or found at the start.
 *
 * The newest file is today's: every batch commits to it and to nothing else. Crossing the edge makes the next file in one transaction
 * together with the live rows (due, hooks, parked, marks) carried forward, so that a crash leaves either the old file as today's or
 * the new one, both whole. Marks whose key begins with '~' are the driver's own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "store/sqlite_days.h"

/* -- birth ---------------------------------------------------------------------------------------------------------- */

static int put_mark(struct conn *c, const char *key, const void *p, size_t n, struct err *e)
{
	sqlite3_stmt *q = conn_stmt(c, S_MARK);
	int rc;

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, p, (int)n, SQLITE_STATIC);
	rc = sqlite3_step(q);
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? 0 : conn_err(c, "mark", e);
}

static int put_number(struct conn *c, const char *key, int64_t v, struct err *e)
{
	return put_mark(c, key, &v, sizeof(v), e);
}

/* The same tables on both sides: SQLite copies records as they are. */
static const char carry[] = "INSERT INTO due SELECT * FROM old.due;"
			    "INSERT INTO hook SELECT * FROM old.hook;"
			    "INSERT INTO parked SELECT * FROM old.parked;"
			    "INSERT INTO mark SELECT * FROM old.mark;"
			    "INSERT INTO balance SELECT * FROM old.balance;";

static int fill(struct sq *s, struct day *d, bool has_old, struct err *e)
{
	struct conn *c = &d->w;
	int r = conn_exec(c, "BEGIN IMMEDIATE", e);

	if (r == 0)
		r = schema_create(c, e);
	if (r == 0 && has_old)
		r = conn_exec(c, carry, e);
	if (r == 0 && !has_old)
		r = put_mark(c, "~hash", &s->hash, sizeof(s->hash), e);
	if (r == 0)
		r = put_number(c, "~born", d->born_key, e);
	if (r == 0)
		r = put_number(c, "~seq", d->born_seq, e);
	if (r == 0)
		r = put_number(c, "~key", s->last_key, e);
	if (r == 0)
		r = conn_exec(c, "COMMIT", e);
	if (r < 0 && c->db && !sqlite3_get_autocommit(c->db))
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int attach(struct conn *c, const char *path, struct err *e)
{
	char *sql = sqlite3_mprintf("ATTACH %Q AS old", path);
	int r = sql ? conn_exec(c, sql, e) : err_set(e, -ENOMEM, "no memory");

	sqlite3_free(sql);
	return r;
}

static int day_create(struct sq *s, int64_t number, struct day **ret, struct err *e)
{
	struct day *d = day_new(s->data, number), *old = s->today;
	int r;

	d->born_key = MAX(s->last_m, s->last_mo) + 1;
	d->born_seq = s->last_seq;
	day_unlink(d->path); /* at most what a crash left before anything was committed to it */
	r = day_open(d, true, e);
	if (r == 0 && old)
		r = attach(&d->w, old->path, e);
	if (r == 0)
		r = fill(s, d, old != NULL, e);
	if (r == 0 && old)
		r = conn_exec(&d->w, "DETACH old", e);
	if (r == 0)
		r = folder_sync(s->data);
	if (r < 0) {
		conn_close(&d->w);
		day_put(d);
		return r;
	}
	*ret = d;
	return 0;
}

bool days_edge_due(struct sq *s, int64_t now) { return now / DAY_MS > s->today->day; }

void days_cross(struct sq *s, int64_t now)
{
	struct day *old = s->today, *new = NULL;
	struct err e;
	int r;

	if (s->later && !s->later_applied)
		merge_apply_later(s);
	if (!sq_taking(s))
		return;
	r = day_create(s, now / DAY_MS, &new, &e);
	if (r < 0) {
		sq_fail(s, r, "next day", e.text);
		return;
	}
	s->later = 0; /* applied, and not carried */
	index_mark(s->index, old->day, s->last_m, s->last_seq, 0, true);
	index_today(s->index, new->day);
	blocks_close_old(s, old);
	catalog_add(s, new);
	s->block = -1;
	s->block_n = s->block_pre = 0;
	s->sub_count = 0;
	/* Its cache is not worth 64 MB any more; its WAL is the checkpointer's. */
	sqlite3_db_config(old->w.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	conn_close(&old->w);
	log_info("store.day", "file=%s", new->path);
}

/* -- at the start --------------------------------------------------------------------------------------------------- */

static int by_day(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int list_files(struct sq *s, int64_t **ret, size_t *n, struct err *e)
{
	struct names names;
	int64_t *days;
	int r = folder_names(s->data, &names, e);

	if (r < 0)
		return r;
	days = xcalloc(names.n + 1, sizeof(*days));
	*n = 0;
	for (size_t i = 0; i < names.n; i++)
		if (day_parse(names.a[i], "day-", &days[*n]) == 0)
			++*n;
	names_done(&names);
	qsort(days, *n, sizeof(*days), by_day);
	*ret = days;
	return 0;
}

static int load_day(struct sq *s, int64_t number, bool newest, struct err *e)
{
	struct day *d = day_new(s->data, number);
	sqlite3_stmt *q;
	bool born = false;
	int r = day_open(d, newest, e);

	if (r == 0)
		r = schema_upgrade(&d->w, d->path, &born, e);
	if (r < 0 || !born) {
		conn_close(&d->w);
		if (r == 0)
			day_unlink(d->path);
		day_put(d);
		return r;
	}
	d->born_key = conn_mark_i64(&d->w, "~born", 0);
	d->born_seq = conn_mark_i64(&d->w, "~seq", 0);
	q = conn_stmt(&d->w, S_STRAGGLER);
	sqlite3_bind_int64(q, 1, d->born_key);
	atomic_init(&d->stragglers, sqlite3_step(q) == SQLITE_ROW);
	sqlite3_reset(q);
	if (!newest)
		conn_close(&d->w);
	catalog_add(s, d);
	return 0;
}

static int read_last(struct sq *s, struct err *e)
{
	struct conn *c = day_conn(s, s->today);
	struct buf b = BUF_INIT;

	if (!c)
		return err_set(e, s->error, "%s", s->words.text);
	s->last_seq = conn_number(c, S_MAX_SEQ, 0);
	s->last_seq = MAX(s->last_seq, s->today->born_seq); /* stragglers' events are older */
	s->last_m = MAX(conn_number(c, S_MAX_M, 0), s->today->born_key - 1);
	s->last_key = MAX(s->last_m, conn_mark_i64(c, "~key", 0));
	s->last_key = MAX(s->last_key, conn_number(c, S_MAX_BATCH, 0));
	s->last_mo = conn_number(c, S_MAX_MO, 0);
	s->last_key = MAX(s->last_key, s->last_mo);
	s->last_key = MAX(s->last_key, conn_number(c, S_MAX_IDEM, 0));
	s->parked = (size_t)conn_number(c, S_PARKED_COUNT, 0);
	if (!conn_mark(c, "~hash", &b) || b.n != sizeof(s->hash)) {
		buf_done(&b);
		return err_set(e, -EBADMSG, "%s has no hash key", s->today->path);
	}
	memcpy(&s->hash, b.p, sizeof(s->hash));
	buf_done(&b);
	return 0;
}

int days_open(struct sq *s, struct err *e)
{
	int64_t *days = NULL;
	struct day *first = NULL;
	size_t n = 0;
	int r = list_files(s, &days, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = load_day(s, days[i], i + 1 == n, e);
	free(days);
	if (r < 0)
		return r;
	if (s->today)
		return read_last(s, e);
	rng_bytes(&s->hash, sizeof(s->hash));
	r = day_create(s, s->o.now(s->o.now_ctx) / DAY_MS, &first, e);
	if (r == 0)
		catalog_add(s, first);
	return r;
}
