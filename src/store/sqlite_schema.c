/* The tables of a day file, by numbered migrations: migration n brings a file from version n to n + 1 (PRAGMA user_version). What
 * was released is never edited; changes are appended.
 *
 *   m      a delivery as accepted; written once
 *   st     its state as last merged, with the numbers of the events in it (h: differences as varints); appended in key order
 *   ev     events; written once
 *   chunk  sub-accounts with changes among the events of seq / 4096, when that chunk is over (differences as varints)
 *   blk    how many rows a block of keys has, how many are final, and how many were so when accepted
 *   later  merges into older files that this batch decided, until they are there
 *   mo     messages from handsets, whole; mo_part their parts as they came; mo_ev which events an MO has; all written once
 *   due, hook, parked, mark, balance live in the newest file and are carried forward; mo, mo_part, mo_ev, idem and ledger stay where they are written
 * No index has random keys in order of arrival: correlation and carrier ids are in sorted runs (sqlite_index.h). */
#include <errno.h>
#include <stdio.h>

#include "store/sqlite.h"

static const char *const migrations[] = {
	"CREATE TABLE m(k INTEGER PRIMARY KEY, state INT, rest INT, batch INT, acct INT, sub INT, usr INT, "
	"camp INT,"
	" oper INT, expires INT, dst TEXT, num TEXT, src TEXT, body TEXT, corr TEXT, extra TEXT, alias TEXT, "
	"s BLOB);"
	"CREATE TABLE st(k INTEGER PRIMARY KEY, state INT, last INT, s BLOB, h BLOB);"
	"CREATE TABLE ev(seq INTEGER PRIMARY KEY, k INT, kind INT, sub INT, usr INT, at INT, at2 INT, hash "
	"INT,"
	" code INT, arg INT, detail TEXT);"
	"CREATE TABLE chunk(c INTEGER PRIMARY KEY, subs BLOB);"
	"CREATE TABLE blk(b INTEGER PRIMARY KEY, n INT, done INT, pre INT);"
	"CREATE TABLE later(k INTEGER PRIMARY KEY, state INT, last INT, s BLOB, h BLOB);"
	"CREATE TABLE due(route INT, lane INT, sub INT, at INT, k INT, PRIMARY KEY(route,lane,sub,at,k)) "
	"WITHOUT ROWID;"
	"CREATE TABLE hook(k INT, kind INT, dead INT, seq INT, webhook INT, due INT, first_at INT, last_at "
	"INT,"
	" tries INT, status INT, why TEXT, PRIMARY KEY(k,kind)) WITHOUT ROWID;"
	"CREATE INDEX hook_webhook ON hook(webhook,due);"
	"CREATE INDEX hook_due ON hook(due);"
	"CREATE INDEX hook_dead ON hook(k) WHERE dead=1;"
	"CREATE TABLE parked(id INTEGER PRIMARY KEY, connection INT, state INT, final INT, hashes INT, h0 "
	"INT, h1 INT,"
	" h2 INT, at INT, cid TEXT, err TEXT, src TEXT, dst TEXT);"
	"CREATE INDEX parked_h0 ON parked(h0);"
	"CREATE INDEX parked_h1 ON parked(h1);"
	"CREATE INDEX parked_h2 ON parked(h2);"
	"CREATE TABLE mo(k INTEGER PRIMARY KEY, rest INT, connection INT, sub INT, at INT, ref INT, total "
	"INT, part INT,"
	" src TEXT, dst TEXT, body TEXT);"
	"CREATE TABLE idem(k INTEGER PRIMARY KEY, hash INT, body INT, n INT, batch INT, batch_rest INT, at "
	"INT);"
	"CREATE TABLE mark(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;",
	/* 2: credit */
	"CREATE TABLE ledger(id INTEGER PRIMARY KEY, at INT, kind INT, bkind INT, owner INT, k INT, "
	"balance_by INT, reserved_by INT,"
	" balance INT, reserved INT);"
	"CREATE TABLE balance(kind INT, owner INT, limited INT, balance INT, reserved INT, overdraft INT, "
	"ledger INT,"
	" PRIMARY KEY(kind,owner)) WITHOUT ROWID;",
	/* 3: what was stored before they were joined and listed is a part that waits. */
	"ALTER TABLE mo RENAME TO mo_part;"
	"ALTER TABLE mo_part ADD COLUMN hash INT;"
	"CREATE TABLE mo(k INTEGER PRIMARY KEY, rest INT, at INT, seq INT, acct INT, sub INT, usr INT, oper "
	"INT,"
	" connection INT, owner INT, total INT, came INT, mt INT, mt_rest INT, hash INT, src TEXT, code "
	"TEXT, "
	"body TEXT,"
	" corr TEXT, alias TEXT, parts BLOB);"
	"CREATE TABLE mo_ev(k INT, seq INT, PRIMARY KEY(k,seq)) WITHOUT ROWID;",
	/* 4: params that did not fit a message's text */
	"ALTER TABLE m ADD COLUMN bad TEXT;",
	/* 5: what an MO asked for: off or onto a sub-account's messages. */
	"ALTER TABLE mo ADD COLUMN wish INT; ALTER TABLE mo ADD COLUMN wish_sub INT;",
	/* 6: when it may leave: not before, hours, their zone; NULL when nothing was said */
	"ALTER TABLE m ADD COLUMN nbf INT;"
	"ALTER TABLE m ADD COLUMN win INT;"
	"ALTER TABLE m ADD COLUMN zone TEXT;",
};
_Static_assert(COUNT_OF(migrations) == SCHEMA_VERSION, "one step a version");

static int64_t version_of(struct conn *c)
{
	sqlite3_stmt *q = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return v;
}

static int run_from(struct conn *c, int64_t version, struct err *e)
{
	char sql[64];
	int r = 0;

	for (; r == 0 && version < SCHEMA_VERSION; version++)
		r = conn_exec(c, migrations[version], e);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", SCHEMA_VERSION);
	return r < 0 ? r : conn_exec(c, sql, e);
}

int schema_create(struct conn *c, struct err *e) { return run_from(c, 0, e); }

int schema_upgrade(struct conn *c, const char *path, bool *born, struct err *e)
{
	int64_t v = version_of(c);
	int r;

	if (v < 0)
		return conn_err(c, path, e);
	*born = v > 0;
	if (v > SCHEMA_VERSION)
		return err_set(e, -EPROTO, "%s has schema %lld, this program knows %d: it was written by a newer one",
			       path, (long long)v, SCHEMA_VERSION);
	if (v == 0 || v == SCHEMA_VERSION)
		return 0;
	r = conn_exec(c, "BEGIN IMMEDIATE", e);
	if (r == 0)
		r = run_from(c, v, e);
	return r < 0 ? r : conn_exec(c, "COMMIT", e);
}
