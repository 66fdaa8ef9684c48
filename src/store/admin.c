/* admin.c - accounts, users, webhooks and the like in a file of their own, admin.db: a few rows, plain SQL, one lock. Every change is
 * its own transaction with a full sync; what the gateway works with is a snapshot made from admin_load(). */
#include "store/admin.h"

#include <errno.h>
#include <fcntl.h>
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

/* -- reading everything --------------------------------------------------------------------------------------------- */

static struct str column_text(sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, column) : 0};
}

static void read_account(sqlite3_stmt *q, void *row)
{
	struct account *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	admin_column_text(q, 1, r->name, sizeof r->name);
	admin_column_text(q, 2, r->country, sizeof r->country);
	r->disabled = sqlite3_column_int(q, 3);
	admin_column_text(q, 4, r->zone, sizeof r->zone);
	r->default_sub = (uint32_t)sqlite3_column_int64(q, 5);
	admin_column_text(q, 6, r->allow.countries, sizeof r->allow.countries);
	admin_column_text(q, 7, r->allow.prefixes, sizeof r->allow.prefixes);
}

static void read_sub(sqlite3_stmt *q, void *row)
{
	struct sub_account *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->account = (uint32_t)sqlite3_column_int64(q, 1);
	admin_column_text(q, 2, r->reference, sizeof r->reference);
	r->marketing = sqlite3_column_int(q, 3);
	r->resend_doubt = sqlite3_column_int(q, 4);
	r->resend_doubt_set = sqlite3_column_int(q, 5);
	admin_column_text(q, 6, r->zone, sizeof r->zone);
	r->per_destination = (uint32_t)sqlite3_column_int64(q, 7);
	r->per_destination_ms = sqlite3_column_int64(q, 8);
	r->velocity = (uint32_t)sqlite3_column_int64(q, 9);
	r->velocity_ms = sqlite3_column_int64(q, 10);
	admin_column_text(q, 11, r->allow.countries, sizeof r->allow.countries);
	admin_column_text(q, 12, r->allow.prefixes, sizeof r->allow.prefixes);
	r->redact = sqlite3_column_int(q, 13);
	/* What is there was checked when it was set. */
	(void)!sending_hours_parse(column_text(q, 14), &r->hours, NULL);
	(void)!holidays_parse(column_text(q, 15), &r->hours, NULL);
}

static void read_user(sqlite3_stmt *q, void *row)
{
	struct user *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->account = (uint32_t)sqlite3_column_int64(q, 1);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 2);
	admin_column_text(q, 3, r->name, sizeof r->name);
	admin_column_text(q, 4, r->email, sizeof r->email);
	r->role = (uint8_t)sqlite3_column_int(q, 5);
	r->disabled = sqlite3_column_int(q, 6);
	r->system = sqlite3_column_int(q, 7);
	r->answer_object = (int8_t)sqlite3_column_int(q, 8);
	admin_column_hash(q, 9, r->token);
	admin_column_hash(q, 10, r->old_token);
	r->old_until = sqlite3_column_int64(q, 11);
	admin_column_text(q, 12, r->zone, sizeof r->zone);
}

static void read_webhook(sqlite3_stmt *q, void *row)
{
	struct webhook *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
	r->user = (uint32_t)sqlite3_column_int64(q, 2);
	admin_column_text(q, 3, r->sent, sizeof r->sent);
	admin_column_text(q, 4, r->delivered, sizeof r->delivered);
	admin_column_text(q, 5, r->mo, sizeof r->mo);
	r->mo_get = sqlite3_column_int(q, 6);
	admin_column_text(q, 7, r->secret, sizeof r->secret);
	admin_column_text(q, 8, r->old_secret, sizeof r->old_secret);
	r->old_secret_until = sqlite3_column_int64(q, 9);
	admin_column_text(q, 10, r->basic_user, sizeof r->basic_user);
	admin_column_text(q, 11, r->basic_password, sizeof r->basic_password);
	admin_column_text(q, 12, r->headers, sizeof r->headers);
}

static void read_code(sqlite3_stmt *q, void *row)
{
	struct short_code *r = row;

	admin_column_text(q, 0, r->code, sizeof r->code);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 1);
}

static void read_keyword(sqlite3_stmt *q, void *row)
{
	struct keyword *r = row;

	r->id = (uint32_t)sqlite3_column_int64(q, 0);
	admin_column_text(q, 1, r->short_code, sizeof r->short_code);
	admin_column_text(q, 2, r->normal, sizeof r->normal);
	admin_column_text(q, 3, r->word, sizeof r->word);
	r->account = (uint32_t)sqlite3_column_int64(q, 4);
	r->sub_account = (uint32_t)sqlite3_column_int64(q, 5);
	r->action = (uint8_t)sqlite3_column_int(q, 6);
	admin_column_text(q, 7, r->text, sizeof r->text);
}

int admin_load(struct admin *a, struct admin_all *ret, struct err *e)
{
	int r;

	*ret = (struct admin_all){0};
	pthread_mutex_lock(&a->lock);
	r = admin_read_all(a, "SELECT id,name,country,disabled,zone,default_sub,allow_countries,allow_prefixes FROM account ORDER BY id",
			   sizeof *ret->accounts, read_account, (void **)&ret->accounts, &ret->account_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,account,reference,marketing,resend,resend_set,zone,per_destination,per_destination_ms,velocity,velocity_ms,allow_countries,allow_prefixes,redact,sending_hours,holidays FROM sub_account ORDER BY id",
				   sizeof *ret->sub_accounts, read_sub, (void **)&ret->sub_accounts,
				   &ret->sub_account_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,account,sub_account,name,email,role,disabled,system,answer,token,old_token,old_until,zone FROM user ORDER BY id",
				   sizeof *ret->users, read_user, (void **)&ret->users, &ret->user_count, e);
	if (r == 0)
		r = admin_read_all(
			a,
			"SELECT "
			"id,sub_account,user,sent,delivered,mo,mo_get,secret,old_secret,old_secret_"
			"until,basic_user,basic_password,headers"
			" FROM webhook ORDER BY id",
			sizeof *ret->webhooks, read_webhook, (void **)&ret->webhooks, &ret->webhook_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT code,sub_account FROM short_code ORDER BY code", sizeof *ret->short_codes,
				   read_code, (void **)&ret->short_codes, &ret->short_code_count, e);
	if (r == 0)
		r = admin_read_all(a, "SELECT id,short_code,normal,word,account,sub_account,action,text FROM keyword ORDER BY short_code,normal",
				   sizeof *ret->keywords, read_keyword, (void **)&ret->keywords,
				   &ret->keyword_count, e);
	pthread_mutex_unlock(&a->lock);
	if (r < 0)
		admin_all_done(ret);
	return r;
}

void admin_all_done(struct admin_all *all)
{
	free(all->accounts);
	free(all->sub_accounts);
	free(all->users);
	free(all->webhooks);
	free(all->short_codes);
	free(all->keywords);
	*all = (struct admin_all){0};
}

/* -- changes -------------------------------------------------------------------------------------------------------- */

int admin_account_ensure(struct admin *a, struct str name, uint32_t *id, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!name.n || name.n >= NAME_MAX_BYTES)
		return err_set(e, -EINVAL, "account: a name has 1 to %d bytes", NAME_MAX_BYTES - 1);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "account", NULL, e, "INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING", "t", name);
	if (r == 0)
		r = admin_run(a, "account", &n, e, "SELECT id FROM account WHERE name=?1", "t", name);
	pthread_mutex_unlock(&a->lock);
	*id = (uint32_t)n;
	return r;
}

/* Each sub-account has a system user that outlives people: regular, without a token until one is made for it. */
static int system_user(struct admin *a, uint32_t account, uint32_t sub, struct err *e)
{
	char name[64];

	snprintf(name, sizeof name, "system-%u", sub);
	return admin_run(a, "system user", NULL,
			 e, "INSERT INTO user (account,sub_account,name,role,system) VALUES (?1,?2,?3,?4,1) ON CONFLICT DO NOTHING",
			 "iizi", (int64_t)account, (int64_t)sub, name, (int64_t)ROLE_REGULAR);
}

int admin_sub_ensure(struct admin *a, uint32_t account, struct str reference, uint32_t *id, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!reference.n || reference.n >= NAME_MAX_BYTES)
		return err_set(e, -EINVAL, "sub-account: a reference has 1 to %d bytes", NAME_MAX_BYTES - 1);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "sub-account", NULL, e,
		      "INSERT INTO sub_account (account,reference) VALUES (?1,?2) ON CONFLICT DO NOTHING",
		      "it", (int64_t)account, reference);
	if (r == 0)
		r = admin_run(a, "sub-account", &n, e, "SELECT id FROM sub_account WHERE account=?1 AND reference=?2",
			      "it", (int64_t)account, reference);
	if (r == 0)
		r = system_user(a, account, (uint32_t)n, e);
	pthread_mutex_unlock(&a->lock);
	*id = (uint32_t)n;
	return r;
}

int admin_sub_set(struct admin *a, const struct sub_account *s, struct err *e)
{
	char hours[SENDING_HOURS_TEXT], holidays[HOLIDAYS_TEXT];
	int r;

	sending_hours_text(&s->hours, hours);
	holidays_text(&s->hours, holidays);
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "sub-account", NULL, e,
		      "UPDATE sub_account SET "
		      "reference=?2,marketing=?3,resend=?4,resend_set=?5,zone=?6,per_destination=?7,per_"
		      "destination_ms=?8,velocity=?9,velocity_ms=?10,"
		      "allow_countries=?11,allow_prefixes=?12,redact=?13,sending_hours=?14,holidays=?15 "
		      "WHERE id=?1",
		      "iziiiziiiizzizz", (int64_t)s->id, s->reference, (int64_t)s->marketing,
		      (int64_t)s->resend_doubt, (int64_t)s->resend_doubt_set, s->zone,
		      (int64_t)s->per_destination, s->per_destination_ms, (int64_t)s->velocity, s->velocity_ms,
		      s->allow.countries, s->allow.prefixes, (int64_t)s->redact, hours, holidays);
	r = admin_changed(a, r, "sub-account", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_account_set(struct admin *a, const struct account *c, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "account", NULL, e, "UPDATE account SET name=?2,country=?3,disabled=?4,zone=?5,default_sub=?6,allow_countries=?7,allow_prefixes=?8 WHERE id=?1",
		      "izzizizz", (int64_t)c->id, c->name, c->country, (int64_t)c->disabled, c->zone,
		      (int64_t)c->default_sub, c->allow.countries, c->allow.prefixes);
	r = admin_changed(a, r, "account", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* A name must not be another's e-mail address either: both sign in. */
static int user_clash(struct admin *a, const struct user *u, struct err *e)
{
	int64_t n = 0;
	int r = admin_run(a, "user", &n, e, "SELECT count(*) FROM user WHERE id<>?1 AND (name IN (?2,?3) OR (email<>'' AND email IN (?2,?3)))",
			  "izz", (int64_t)u->id, u->name, u->email[0] ? u->email : u->name);

	return r < 0 ? r : n ? err_set(e, -EEXIST, "user: that name or e-mail exists already") : 0;
}

int admin_user_add(struct admin *a, struct user *u, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!u->name[0])
		return err_set(e, -EINVAL, "user: the name is empty");
	pthread_mutex_lock(&a->lock);
	r = user_clash(a, u, e);
	if (r == 0)
		r = admin_run(a, "user", NULL, e, "INSERT INTO user (account,sub_account,name,email,role,disabled,system,answer,token,zone) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
			      "iizniiiihz", (int64_t)u->account, (int64_t)u->sub_account, u->name,
			      str_of(u->email), (int64_t)u->role, (int64_t)u->disabled, (int64_t)u->system,
			      (int64_t)u->answer_object, u->token, u->zone);
	if (r == 0)
		r = admin_run(a, "user", &n, e, "SELECT last_insert_rowid()", "");
	pthread_mutex_unlock(&a->lock);
	u->id = (uint32_t)n;
	return r;
}

int admin_user_set(struct admin *a, const struct user *u, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = user_clash(a, u, e);
	if (r == 0)
		r = admin_run(
			a, "user", NULL, e,
			"UPDATE user SET "
			"account=?2,sub_account=?3,name=?4,email=?5,role=?6,disabled=?7,system=?8,answer=?9,"
			"token=?10,old_token=?11,"
			"old_until=?12,zone=?13 WHERE id=?1",
			"iiizniiiihhiz", (int64_t)u->id, (int64_t)u->account, (int64_t)u->sub_account,
			u->name, str_of(u->email), (int64_t)u->role, (int64_t)u->disabled, (int64_t)u->system,
			(int64_t)u->answer_object, u->token, u->old_token, u->old_until, u->zone);
	r = admin_changed(a, r, "user", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_webhook_set(struct admin *a, struct webhook *w, struct err *e)
{
	int64_t n = 0;
	int r;

	if (!w->sub_account == !w->user)
		return err_set(e, -EINVAL, "webhook: it belongs to a user or to a sub-account");
	pthread_mutex_lock(&a->lock);
	r = admin_run(
		a, "webhook", NULL, e,
		"INSERT INTO webhook "
		"(sub_account,user,sent,delivered,mo,mo_get,secret,old_secret,old_secret_until,basic_user,"
		"basic_password,headers)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12) ON CONFLICT (sub_account,user) DO UPDATE "
		"SET sent=excluded.sent,"
		"delivered=excluded.delivered,mo=excluded.mo,mo_get=excluded.mo_get,secret=excluded.secret,"
		"old_secret=excluded.old_secret,"
		"old_secret_until=excluded.old_secret_until,basic_user=excluded.basic_user,basic_password="
		"excluded.basic_password,headers=excluded.headers",
		"iizzzizzizzz", (int64_t)w->sub_account, (int64_t)w->user, w->sent, w->delivered, w->mo,
		(int64_t)w->mo_get, w->secret, w->old_secret, w->old_secret_until, w->basic_user,
		w->basic_password, w->headers);
	if (r == 0)
		r = admin_run(a, "webhook", &n, e, "SELECT id FROM webhook WHERE sub_account=?1 AND user=?2",
			      "ii", (int64_t)w->sub_account, (int64_t)w->user);
	pthread_mutex_unlock(&a->lock);
	w->id = (uint32_t)n;
	return r;
}

int admin_short_code_assign(struct admin *a, struct str code, uint32_t sub_account, struct err *e)
{
	int r;

	if (!code.n || code.n >= sizeof((struct short_code *)0)->code)
		return err_set(e, -EINVAL, "short code: 1 to 15 characters");
	pthread_mutex_lock(&a->lock);
	r = admin_run(a, "short code", NULL,
		      e, "INSERT INTO short_code VALUES (?1,?2) ON CONFLICT (code) DO UPDATE SET sub_account=excluded.sub_account",
		      "ti", code, (int64_t)sub_account);
	pthread_mutex_unlock(&a->lock);
	return r;
}

int admin_keyword_set(struct admin *a, struct keyword *k, struct err *e)
{
	int64_t id = 0;
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_run(
		a, "keyword", &id, e,
		"INSERT INTO keyword (short_code,normal,word,account,sub_account,action,text) VALUES "
		"(?1,?2,?3,?4,?5,?6,?7)"
		" ON CONFLICT (short_code,normal) DO UPDATE SET word=excluded.word,account=excluded.account,"
		"sub_account=excluded.sub_account,action=excluded.action,text=excluded.text RETURNING id",
		"zzziiiz", k->short_code, k->normal, k->word, (int64_t)k->account, (int64_t)k->sub_account,
		(int64_t)k->action, k->text);
	pthread_mutex_unlock(&a->lock);
	k->id = (uint32_t)id;
	return r;
}

int admin_keyword_remove(struct admin *a, uint32_t id, struct err *e)
{
	int r;

	pthread_mutex_lock(&a->lock);
	r = admin_changed(a, admin_run(a, "keyword", NULL, e, "DELETE FROM keyword WHERE id=?1", "i", (int64_t)id),
			  "keyword", e);
	pthread_mutex_unlock(&a->lock);
	return r;
}

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
