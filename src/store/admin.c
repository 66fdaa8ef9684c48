/* admin.c - accounts, users, webhooks and the like in a file of their own, admin.db: a few rows, plain SQL, one lock. Every change is
 * its own transaction with a full sync; what the gateway works with is a snapshot made from admin_load(). Here are the schema, opening,
 * connections, the audit and the backup; admin_impl.h says where the others are. */
#include "store/admin.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "store/admin_impl.h"

#define CONNECTIONS_MAX 65535

static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL COLLATE NOCASE "
	"UNIQUE,"
	"  country TEXT NOT NULL DEFAULT '', disabled INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE sub_account (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES "
	"account,"
	"  reference TEXT NOT NULL COLLATE NOCASE, marketing INTEGER NOT NULL DEFAULT 0, resend INTEGER NOT "
	"NULL DEFAULT 0,"
	"  resend_set INTEGER NOT NULL DEFAULT 0, UNIQUE (account, reference));"
	"CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES "
	"account,"
	"  sub_account INTEGER NOT NULL, name TEXT NOT NULL COLLATE NOCASE UNIQUE, email TEXT COLLATE NOCASE "
	"UNIQUE,"
	"  role INTEGER NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, system INTEGER NOT NULL DEFAULT 0,"
	"  answer INTEGER NOT NULL DEFAULT -1, token BLOB, old_token BLOB, old_until INTEGER NOT NULL "
	"DEFAULT 0);"
	"CREATE TABLE webhook (id INTEGER PRIMARY KEY AUTOINCREMENT, sub_account INTEGER NOT NULL, user "
	"INTEGER NOT NULL,"
	"  sent TEXT NOT NULL, delivered TEXT NOT NULL, mo TEXT NOT NULL, mo_get INTEGER NOT NULL, secret "
	"TEXT NOT NULL,"
	"  old_secret TEXT NOT NULL, old_secret_until INTEGER NOT NULL, basic_user TEXT NOT NULL, "
	"basic_password TEXT NOT NULL,"
	"  headers TEXT NOT NULL, UNIQUE (sub_account, user));"
	"CREATE TABLE short_code (code TEXT PRIMARY KEY, sub_account INTEGER NOT NULL);"
	"CREATE TABLE connection (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, "
	"action TEXT NOT NULL,"
	"  detail TEXT NOT NULL);",
	/* 2: time zones, and which sub-account is an account's default one */
	"ALTER TABLE account ADD COLUMN zone TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE account ADD COLUMN default_sub INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sub_account ADD COLUMN zone TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE user ADD COLUMN zone TEXT NOT NULL DEFAULT '';",
	/* 3: how much a sub-account may send */
	"ALTER TABLE sub_account ADD COLUMN per_destination INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sub_account ADD COLUMN per_destination_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sub_account ADD COLUMN velocity INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE sub_account ADD COLUMN velocity_ms INTEGER NOT NULL DEFAULT 0;",
	/* 4: where messages may go, and whether texts are kept */
	"ALTER TABLE account ADD COLUMN allow_countries TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE account ADD COLUMN allow_prefixes TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE sub_account ADD COLUMN allow_countries TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE sub_account ADD COLUMN allow_prefixes TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE sub_account ADD COLUMN redact INTEGER NOT NULL DEFAULT 0;",
	/* 5: what the operator said about a connection */
	"ALTER TABLE connection ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;",
	/* 6: what words of MOs do */
	"CREATE TABLE keyword (id INTEGER PRIMARY KEY AUTOINCREMENT, short_code TEXT NOT NULL, normal TEXT "
	"NOT NULL,"
	"  word TEXT NOT NULL, account INTEGER NOT NULL, sub_account INTEGER NOT NULL, action INTEGER NOT "
	"NULL,"
	"  text TEXT NOT NULL, UNIQUE (short_code, normal));",
	/* 7: what an account keeps about its texts; sub_account 0 = all of them */
	"CREATE TABLE template (account INTEGER NOT NULL REFERENCES account, id INTEGER NOT NULL, "
	"sub_account INTEGER NOT NULL,"
	"  name TEXT NOT NULL COLLATE NOCASE, lane INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY "
	"(account,id)) WITHOUT ROWID;"
	"CREATE TABLE flow (account INTEGER NOT NULL REFERENCES account, id TEXT NOT NULL, sub_account "
	"INTEGER NOT NULL,"
	"  text TEXT NOT NULL, PRIMARY KEY (account,id)) WITHOUT ROWID;"
	"CREATE TABLE campaign (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL REFERENCES "
	"account,"
	"  alias TEXT NOT NULL COLLATE NOCASE, at INTEGER NOT NULL, UNIQUE (account,alias));"
	"CREATE TABLE word (account INTEGER NOT NULL REFERENCES account, sub_account INTEGER NOT NULL, "
	"normal TEXT NOT NULL,"
	"  word TEXT NOT NULL, PRIMARY KEY (account,sub_account,normal)) WITHOUT ROWID;"
	"CREATE TABLE text_rule (account INTEGER NOT NULL REFERENCES account, sub_account INTEGER NOT NULL,"
	"  max_length INTEGER NOT NULL, header TEXT NOT NULL, footer TEXT NOT NULL, closed INTEGER NOT NULL,"
	"  PRIMARY KEY (account,sub_account)) WITHOUT ROWID;",
	/* 8: sending hours */
	("ALTER TABLE sub_account ADD COLUMN sending_hours TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE sub_account ADD COLUMN holidays TEXT NOT NULL DEFAULT '';"),
	/* 9: campaigns that a request brought which is not accepted yet */
	"ALTER TABLE campaign ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;",
};
#define ADMIN_SCHEMA ((int)COUNT_OF(migrations))

/* -- life ----------------------------------------------------------------------------------------------------------- */

static int migrate(struct admin *a, struct err *e)
{
	int64_t version = 0;
	int r = admin_run(a, "schema", &version, e, "PRAGMA user_version", "");

	if (r < 0)
		return r;
	if (version > ADMIN_SCHEMA)
		return err_set(e, -EPROTO, "admin.db has schema %lld, this program knows %d: it is older than the data",
			       (long long)version, ADMIN_SCHEMA);
	for (int64_t v = version; v < ADMIN_SCHEMA; v++) {
		char *sql = sqlite3_mprintf("BEGIN IMMEDIATE;%sPRAGMA user_version=%lld;COMMIT;",
					    migrations[v], (long long)v + 1);
		int rc = sqlite3_exec(a->db, sql, NULL, NULL, NULL);

		sqlite3_free(sql);
		if (rc != SQLITE_OK)
			return admin_failed(a, rc, "migration", e);
	}
	return 0;
}

static int ensure_defaults(struct admin *a, struct err *e)
{
	uint32_t account, sub;
	int r = admin_account_ensure(a, STR("default"), &account, e);

	return r < 0 ? r : admin_sub_ensure(a, account, STR("default"), &sub, e);
}

int admin_open(struct admin **ret, const char *data_folder, struct err *e)
{
	struct admin *a = xnew(struct admin);
	char path[4096];
	int r = 0, rc;

	pthread_mutex_init(&a->lock, NULL);
	if (snprintf(path, sizeof path, "%s/admin.db", data_folder) >= (int)sizeof path)
		r = err_set(e, -ENAMETOOLONG, "data folder: name too long");
	sqlite_start();
	if (r == 0)
		r = sqlite_make_file(path, e);
	if (r == 0) {
		rc = sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(a->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000",
					  NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			r = err_set(e, sqlite_errno(rc), "%s: %s", path,
				    a->db ? sqlite3_errmsg(a->db) : sqlite3_errstr(rc));
	}
	if (r == 0)
		r = migrate(a, e);
	if (r == 0)
		r = ensure_defaults(a, e);
	if (r < 0)
		admin_close(a);
	else
		*ret = a;
	return r;
}

void admin_close(struct admin *a)
{
	if (!a)
		return;
	sqlite3_close(a->db);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* -- connections ---------------------------------------------------------------------------------------------------- */

int admin_connection_number(struct admin *a, struct str name, uint16_t *number, struct err *e)
{
	int64_t n = 0;
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "connection", &n, NULL, "SELECT number FROM connection WHERE name=?1", "t", name);
	if (r == -ENOENT) {
		r = admin_run(a, "connection", NULL, e, "INSERT INTO connection (name) VALUES (?1)", "t", name);
		if (r == 0)
			r = admin_run(a, "connection", &n, e, "SELECT number FROM connection WHERE name=?1", "t", name);
	}
	pthread_mutex_unlock(&a->lock);
	if (r == 0 && n > CONNECTIONS_MAX)
		r = err_set(e, -ENOSPC, "connection: more than %d names were used in this data folder", CONNECTIONS_MAX);
	*number = (uint16_t)n;
	return r;
}

int admin_connection_hold(struct admin *a, struct str name, int *hold, struct err *e)
{
	int64_t n = 0;
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "connection", &n, e, "SELECT hold FROM connection WHERE name=?1", "t", name);
	pthread_mutex_unlock(&a->lock);
	*hold = (int)n;
	return r;
}

int admin_connection_hold_set(struct admin *a, struct str name, int hold, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "connection", NULL, e, "UPDATE connection SET hold=?2 WHERE name=?1", "ti", name, (int64_t)hold);
	r = admin_changed(a, r, "connection", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* -- the whole ------------------------------------------------------------------------------------------------------ */

int admin_audit(struct admin *a, struct str actor, struct str action, struct str detail, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "audit", NULL, e, "INSERT INTO audit (at,actor,action,detail) VALUES (?1,?2,?3,?4)",
		      "ittt", wall_ms(), actor, action, detail);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* Over a copy that the store's own backup may have put there. */
int admin_backup(struct admin *a, const char *path, struct err *e)
{
	char *part = NULL;
	int r;

	if (asprintf(&part, "%s.part", path) < 0)
		return err_set(e, -ENOMEM, "no memory");
	(void)unlink(part);
	pthread_mutex_lock(&a->lock);
	r = sqlite_copy(a->db, part, e);
	pthread_mutex_unlock(&a->lock);
	if (r == 0 && rename(part, path) < 0)
		r = err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	if (r < 0)
		(void)unlink(part);
	free(part);
	return r;
}
