/* Connections of the SQLite driver: the settings that durability and speed rest on, and statements prepared once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite.h"

#define STMT(id, sql) sql,
static const char *const statements[] = {
#include "store/sqlite_sql.def"
};
#undef STMT
_Static_assert(COUNT_OF(statements) == STMT_COUNT, "one text a statement");

/* Its count of memory in use is behind a lock that every allocation of every thread takes, and nobody reads it. */
static void configure(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

void sqlite_start(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, configure);
}

int sqlite_errno(int rc)
{
	switch (rc & 0xFF) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_INTERRUPT: return -ETIMEDOUT;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EBADMSG;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_CONSTRAINT: return -EEXIST;
	default: return -EIO;
	}
}

int conn_err(struct conn *c, const char *what, struct err *e)
{
	int rc = c->db ? sqlite3_extended_errcode(c->db) : SQLITE_CANTOPEN;
	int error = sqlite_errno(rc);

	return err_set(e, error ? error : -EIO, "%s: %s (SQLite %d)", what,
		       c->db ? sqlite3_errmsg(c->db) : "cannot open", rc);
}

int conn_exec(struct conn *c, const char *sql, struct err *e)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return conn_err(c, sqlite3_db_filename(c->db, "main"), e);
}

int sqlite_make_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	close(fd);
	return 0;
}

int conn_open(struct conn *c, const char *path, enum conn_mode mode, int cache_kib, struct err *e)
{
	int flags = mode == CONN_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	char sql[160];
	int r = mode == CONN_WRITE ? sqlite_make_file(path, e) : 0;

	memset(c, 0, sizeof(*c));
	if (r < 0)
		return r;
	/* One thread a connection, so that SQLite's own locks are not needed. */
	if (sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, sqlite_vfs()) != SQLITE_OK) {
		r = conn_err(c, path, e);
		goto fail;
	}
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, CONN_BUSY_MS);
	snprintf(sql, sizeof(sql), "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=0;", cache_kib);
	r = conn_exec(c, sql, e);
	/* FULL: with NORMAL acknowledged rows are lost in a power cut. secure_delete is on in Debian's build and only costs.
	 * Checkpoints are made elsewhere (sqlite_ckpt.c): inside a commit they stall it for 150 ms. */
	if (r == 0 && mode == CONN_WRITE)
		r = conn_exec(c,
			      "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=0;"
			      "PRAGMA wal_autocheckpoint=0;",
			      e);
	if (r == 0)
		return 0;
fail:
	conn_close(c);
	return r;
}

void conn_close(struct conn *c)
{
	for (size_t i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(c->st[i]);
	sqlite3_close(c->db);
	memset(c, 0, sizeof(*c));
}

sqlite3_stmt *conn_stmt(struct conn *c, enum stmt id)
{
	if (!c->st[id] && c->db &&
	    sqlite3_prepare_v3(c->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT, &c->st[id], NULL) != SQLITE_OK)
		c->st[id] = NULL;
	return c->st[id];
}

int64_t conn_number(struct conn *c, enum stmt id, int64_t def)
{
	sqlite3_stmt *q = conn_stmt(c, id);

	if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_type(q, 0) != SQLITE_NULL)
		def = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return def;
}

bool conn_mark(struct conn *c, const char *key, struct buf *ret)
{
	sqlite3_stmt *q = conn_stmt(c, S_MARK_GET);
	bool found;

	sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
	found = sqlite3_step(q) == SQLITE_ROW;
	if (found)
		buf_str(ret, row_blob(q, 0));
	sqlite3_reset(q);
	return found;
}

int64_t conn_mark_i64(struct conn *c, const char *key, int64_t def)
{
	struct buf b = BUF_INIT;
	int64_t v = def;

	if (conn_mark(c, key, &b) && b.n == sizeof(v))
		v = (int64_t)le_get(b.p, sizeof(v));
	buf_done(&b);
	return v;
}

int folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

int folder_names(const char *path, struct names *ret, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, NULL);

	*ret = (struct names){0};
	if (n < 0)
		return err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	ret->a = xcalloc((size_t)n + 1, sizeof(*ret->a));
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0)
			ret->a[ret->n++] = xstrdup(list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}

void names_done(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->a[i]);
	free(l->a);
	*l = (struct names){0};
}

void folder_remove(const char *path)
{
	struct names l;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && folder_names(path, &l, NULL) == 0) {
		for (size_t i = 0; i < l.n; i++)
			(void)unlinkat(fd, l.a[i], 0);
		names_done(&l);
	}
	if (fd >= 0)
		close(fd);
	(void)rmdir(path);
}

void conn_secure(struct conn *c, bool on)
{
	sqlite3_stmt *q = conn_stmt(c, on ? S_SECURE_ON : S_SECURE_OFF);

	while (sqlite3_step(q) == SQLITE_ROW)
		;
	sqlite3_reset(q);
}
