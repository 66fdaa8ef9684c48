/* admin_sql.c - statements of admin.db, shared by the files that keep something in it (admin_impl.h). */
#include "store/admin_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int admin_failed(struct admin *a, int rc, const char *what, struct err *e)
{
	if (sqlite3_extended_errcode(a->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
		return err_set(e, -ENOENT, "%s: what it belongs to does not exist", what);
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		return err_set(e, -EEXIST, "%s: exists already", what);
	return err_set(e, sqlite_errno(rc), "admin.db: %s: %s", what, sqlite3_errmsg(a->db));
}

static int bind(sqlite3_stmt *q, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
		struct str s;

		switch (types[i]) {
		case 'i': rc = sqlite3_bind_int64(q, i + 1, va_arg(ap, int64_t)); break;
		case 'z':
			rc = sqlite3_bind_text(q, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
			break;
		case 'h':
			rc = sqlite3_bind_blob(q, i + 1, va_arg(ap, const void *), TOKEN_HASH, SQLITE_TRANSIENT);
			break;
		default:
			s = va_arg(ap, struct str);
			if (s.n || types[i] == 't')
				rc = sqlite3_bind_text(q, i + 1, s.n ? s.p : "", (int)s.n, SQLITE_TRANSIENT);
		}
	}
	return rc;
}

int admin_run(struct admin *a, const char *what, int64_t *number, struct err *e, const char *sql, const char *types, ...)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(a->db, sql, -1, &q, NULL), r = 0;
	va_list ap;

	va_start(ap, types);
	if (rc == SQLITE_OK)
		rc = bind(q, types, ap);
	va_end(ap);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	if (rc == SQLITE_ROW && number)
		*number = sqlite3_column_int64(q, 0);
	else if (rc == SQLITE_DONE && number)
		r = err_set(e, -ENOENT, "%s: not found", what);
	else if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		r = admin_failed(a, rc, what, e);
	sqlite3_finalize(q);
	return r;
}

int admin_changed(struct admin *a, int r, const char *what, struct err *e)
{
	if (r == 0 && sqlite3_changes(a->db) == 0)
		return err_set(e, -ENOENT, "%s: not found", what);
	return r;
}

int admin_begin(struct admin *a, struct err *e)
{
	int rc = sqlite3_exec(a->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : admin_failed(a, rc, "begin", e);
}

int admin_end(struct admin *a, int r, struct err *e)
{
	int rc = r < 0 ? SQLITE_OK : sqlite3_exec(a->db, "COMMIT", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		r = admin_failed(a, rc, "commit", e);
	if (r < 0)
		sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

void admin_column_text(sqlite3_stmt *q, int column, char *out, size_t size)
{
	str_copy(out, size,
		 (struct str){(const char *)sqlite3_column_text(q, column), (size_t)sqlite3_column_bytes(q, column)});
}

char *admin_column_dup(sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return p && *p ? xstrdup(p) : NULL;
}

void admin_column_hash(sqlite3_stmt *q, int column, unsigned char *out)
{
	if (sqlite3_column_bytes(q, column) == TOKEN_HASH)
		memcpy(out, sqlite3_column_blob(q, column), TOKEN_HASH);
}

int admin_read_all(struct admin *a, const char *sql, size_t size, void (*one)(sqlite3_stmt *q, void *row),
		   void **rows, size_t *n, struct err *e)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(a->db, sql, -1, &q, NULL);
	size_t cap = 0;

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		if (rc != SQLITE_ROW)
			break;
		if (*n == cap) {
			cap = cap ? cap * 2 : 16;
			*rows = xrealloc(*rows, cap, size);
		}
		memset((char *)*rows + *n * size, 0, size);
		one(q, (char *)*rows + (*n)++ * size);
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : admin_failed(a, rc, "reading", e);
}
