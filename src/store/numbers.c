/* numbers.c - numbers.db: a row for each number on a list, clustered by owner and number, and a row for each that was taken off. */
#include "store/numbers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

enum { Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_ADD, Q_KEEP, Q_REMOVE, Q_MARK, Q_MARK_GET, QUERIES };
static const char *const sql[QUERIES] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_ADD] = "INSERT OR IGNORE INTO listed (list,owner,number,at,source,why) VALUES (?1,?2,?3,?4,?5,?6)",
	[Q_KEEP] = ("INSERT INTO past (list,owner,number,at,source,why,end_at,end_source,end_why)"
		    " SELECT list,owner,number,at,source,why,?4,?5,?6 FROM listed WHERE list=?1 AND owner=?2 "
		    "AND number=?3"),
	[Q_REMOVE] = "DELETE FROM listed WHERE list=?1 AND owner=?2 AND number=?3",
	[Q_MARK] = ("INSERT INTO mark VALUES ('mo',?1) ON CONFLICT (name) DO UPDATE SET "
		    "value=max(value,excluded.value)"),
	[Q_MARK_GET] = "SELECT value FROM mark WHERE name='mo'",
};

/* Numbered: what was released is never edited. */
static const char *const migrations[] = {
	"CREATE TABLE listed (list INTEGER NOT NULL, owner INTEGER NOT NULL, number INTEGER NOT NULL, at "
	"INTEGER NOT NULL,"
	" source INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (list,owner,number)) WITHOUT ROWID;"
	"CREATE TABLE past (id INTEGER PRIMARY KEY, list INTEGER NOT NULL, owner INTEGER NOT NULL, number "
	"INTEGER NOT NULL,"
	" at INTEGER NOT NULL, source INTEGER NOT NULL, why TEXT NOT NULL, end_at INTEGER NOT NULL, "
	"end_source INTEGER NOT NULL,"
	" end_why TEXT NOT NULL);"
	"CREATE INDEX past_number ON past (list,owner,number);"
	"CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",
};

struct numbers_db {
	sqlite3 *db;
	sqlite3_stmt *q[QUERIES];
	pthread_mutex_t lock;
};

static int failed(struct numbers_db *db, int rc, const char *what, struct err *e)
{
	return err_set(e, sqlite_errno(rc), "numbers.db: %s: %s", what,
		       db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(rc));
}

/* -- life ----------------------------------------------------------------------------------------------------------- */

static int read_version(void *ctx, int n, char **values, char **names)
{
	(void)names;
	*(int *)ctx = n && values[0] ? atoi(values[0]) : 0; /* NOLINT(cert-err34-c): SQLite's own number */
	return 0;
}

static int migrate(struct numbers_db *db, struct err *e)
{
	int version = 0, rc = sqlite3_exec(db->db, "PRAGMA user_version", read_version, &version, NULL);

	if (rc == SQLITE_OK && version > (int)COUNT_OF(migrations))
		return err_set(e, -EPROTO, "numbers.db has schema %d, this program knows %zu: it is older than the data",
			       version, COUNT_OF(migrations));
	for (int v = version; rc == SQLITE_OK && v < (int)COUNT_OF(migrations); v++) {
		char *text = sqlite3_mprintf("BEGIN IMMEDIATE;%sPRAGMA user_version=%d;COMMIT;", migrations[v], v + 1);

		rc = sqlite3_exec(db->db, text, NULL, NULL, NULL);
		sqlite3_free(text);
	}
	return rc == SQLITE_OK ? 0 : failed(db, rc, "schema", e);
}

static int open_file(struct numbers_db *db, const char *data_folder, struct err *e)
{
	char *path = NULL;
	int rc, r;

	if (asprintf(&path, "%s/numbers.db", data_folder) < 0)
		return err_set(e, -ENOMEM, "no memory");
	sqlite_start();
	r = sqlite_make_file(path, e);
	if (r == 0) {
		rc = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000",
					  NULL, NULL, NULL);
		r = rc == SQLITE_OK ? 0 : failed(db, rc, path, e);
	}
	free(path);
	return r;
}

int numbers_db_open(struct numbers_db **ret, const char *data_folder, struct err *e)
{
	struct numbers_db *db = xnew(struct numbers_db);
	int r;

	pthread_mutex_init(&db->lock, NULL);
	r = open_file(db, data_folder, e);
	if (r == 0)
		r = migrate(db, e);
	for (int i = 0; r == 0 && i < QUERIES; i++) {
		int rc = sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &db->q[i], NULL);

		r = rc == SQLITE_OK ? 0 : failed(db, rc, sql[i], e);
	}
	if (r < 0)
		numbers_db_close(db);
	else
		*ret = db;
	return r;
}

void numbers_db_close(struct numbers_db *db)
{
	if (!db)
		return;
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(db->q[i]);
	sqlite3_close(db->db);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

/* -- changes -------------------------------------------------------------------------------------------------------- */

static int step(struct numbers_db *db, int q)
{
	int rc = sqlite3_step(db->q[q]);

	sqlite3_reset(db->q[q]);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void bind(sqlite3_stmt *q, const struct number_change *c)
{
	sqlite3_bind_int(q, 1, c->list);
	sqlite3_bind_int64(q, 2, c->owner);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)c->number);
	if (sqlite3_bind_parameter_count(q) < 6)
		return;
	sqlite3_bind_int64(q, 4, c->at);
	sqlite3_bind_int(q, 5, c->source);
	sqlite3_bind_text(q, 6, c->why.n ? c->why.p : "", (int)c->why.n, SQLITE_STATIC);
}

static int change_one(struct numbers_db *db, const struct number_change *c, size_t *changed)
{
	int q = c->on ? Q_ADD : Q_KEEP, rc;

	bind(db->q[q], c);
	rc = step(db, q);
	if (rc != SQLITE_OK || !sqlite3_changes(db->db))
		return rc;
	++*changed;
	if (c->on)
		return rc;
	bind(db->q[Q_REMOVE], c);
	return step(db, Q_REMOVE);
}

int numbers_db_change(struct numbers_db *db, const struct number_change *c, size_t n, int64_t mark,
		      size_t *changed, struct err *e)
{
	size_t count = 0;
	int rc, r = 0;

	pthread_mutex_lock(&db->lock);
	rc = step(db, Q_BEGIN);
	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = change_one(db, &c[i], &count);
	if (rc == SQLITE_OK && mark > 0) {
		sqlite3_bind_int64(db->q[Q_MARK], 1, mark);
		rc = step(db, Q_MARK);
	}
	if (rc == SQLITE_OK)
		rc = step(db, Q_COMMIT);
	if (rc != SQLITE_OK) {
		r = failed(db, rc, "writing", e);
		(void)step(db, Q_ROLLBACK);
	}
	pthread_mutex_unlock(&db->lock);
	if (changed)
		*changed = r < 0 ? 0 : count;
	return r;
}

int numbers_db_mark(struct numbers_db *db, int64_t *ret, struct err *e)
{
	int rc, r = 0;

	*ret = 0;
	pthread_mutex_lock(&db->lock);
	rc = sqlite3_step(db->q[Q_MARK_GET]);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(db->q[Q_MARK_GET], 0);
	else if (rc != SQLITE_DONE)
		r = failed(db, rc, "reading", e);
	sqlite3_reset(db->q[Q_MARK_GET]);
	pthread_mutex_unlock(&db->lock);
	return r;
}

/* -- reading -------------------------------------------------------------------------------------------------------- */

static struct str text(sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return (struct str){p, (size_t)sqlite3_column_bytes(q, column)};
}

/* list, owner, number, at, source, why at the first columns */
static struct number_change entry(sqlite3_stmt *q)
{
	return (struct number_change){.list = (uint8_t)sqlite3_column_int(q, 0),
				      .on = true,
				      .owner = (uint32_t)sqlite3_column_int64(q, 1),
				      .number = (uint64_t)sqlite3_column_int64(q, 2),
				      .at = sqlite3_column_int64(q, 3),
				      .source = (uint8_t)sqlite3_column_int(q, 4),
				      .why = text(q, 5)};
}

/* Runs a query with up to four numbers, each row to take(). */
static int read_rows(struct numbers_db *db, const char *query, const int64_t *values, int count,
		     bool (*take)(void *ctx, sqlite3_stmt *q), void *ctx, struct err *e)
{
	sqlite3_stmt *q = NULL;
	int rc, r = 0;

	pthread_mutex_lock(&db->lock);
	rc = sqlite3_prepare_v2(db->db, query, -1, &q, NULL);
	for (int i = 0; rc == SQLITE_OK && i < count; i++)
		rc = sqlite3_bind_int64(q, i + 1, values[i]);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		if (rc == SQLITE_ROW && !take(ctx, q))
			rc = SQLITE_DONE;
	}
	if (rc != SQLITE_DONE)
		r = failed(db, rc, "reading", e);
	sqlite3_finalize(q);
	pthread_mutex_unlock(&db->lock);
	return r;
}

struct reader {
	numbers_db_fn *fn;
	numbers_db_past_fn *past;
	void *ctx;
};

static bool take_entry(void *ctx, sqlite3_stmt *q)
{
	struct reader *r = ctx;
	struct number_change c = entry(q);

	return r->fn(r->ctx, &c);
}

static bool take_past(void *ctx, sqlite3_stmt *q)
{
	struct reader *r = ctx;
	struct number_change c = entry(q), end = c;

	c.on = sqlite3_column_type(q, 6) == SQLITE_NULL;
	end.at = sqlite3_column_int64(q, 6);
	end.source = (uint8_t)sqlite3_column_int(q, 7);
	end.why = text(q, 8);
	return r->past(r->ctx, &c, c.on ? NULL : &end);
}

int numbers_db_each(struct numbers_db *db, numbers_db_fn *fn, void *ctx, struct err *e)
{
	struct reader r = {.fn = fn, .ctx = ctx};

	return read_rows(db, "SELECT list,owner,number,at,source,why FROM listed", NULL, 0, take_entry, &r, e);
}

int numbers_db_page(struct numbers_db *db, enum number_list list, uint32_t owner, uint64_t after,
		    size_t limit, numbers_db_fn *fn, void *ctx, struct err *e)
{
	struct reader r = {.fn = fn, .ctx = ctx};
	const int64_t values[] = {list, owner, (int64_t)after, (int64_t)MIN(limit, (size_t)INT32_MAX)};

	return read_rows(
		db,
		"SELECT list,owner,number,at,source,why FROM listed WHERE list=?1 AND owner=?2 AND number>?3"
		" ORDER BY number LIMIT ?4",
		values, 4, take_entry, &r, e);
}

int numbers_db_history(struct numbers_db *db, enum number_list list, uint32_t owner, uint64_t number,
		       numbers_db_past_fn *fn, void *ctx, struct err *e)
{
	struct reader r = {.past = fn, .ctx = ctx};
	const int64_t values[] = {list, owner, (int64_t)number};

	return read_rows(
		db,
		"SELECT list,owner,number,at,source,why,end_at,end_source,end_why,id FROM past"
		" WHERE list=?1 AND owner=?2 AND number=?3 UNION ALL"
		" SELECT list,owner,number,at,source,why,NULL,NULL,'',9223372036854775807 FROM listed"
		" WHERE list=?1 AND owner=?2 AND number=?3 ORDER BY 10",
		values, 3, take_past, &r, e);
}
