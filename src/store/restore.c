/* A backup becomes a data folder: everything is checked before anything is written, and names appear only when all is copied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

#define SUFFIX ".restoring"

static char *join(const char *folder, const char *name, const char *suffix)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s%s", folder, name, suffix) < 0 ? xstrdup("") : path;
}

static bool is_part(const char *name, bool *of_day)
{
	int64_t day;

	*of_day = day_parse(name, "day-", &day) == 0;
	return *of_day || day_parse(name, "runs-", &day) == 0 || strcmp(name, "admin.db") == 0 ||
	       strcmp(name, "numbers.db") == 0;
}

static int list(const char *folder, struct names *l, struct err *e)
{
	bool messages = false, of_day;
	int r = folder_names(folder, l, e);

	if (r < 0)
		return r;
	for (size_t i = l->n; i-- > 0;) {
		if (is_part(l->a[i], &of_day)) {
			messages |= of_day;
			continue;
		}
		free(l->a[i]);
		l->a[i] = l->a[--l->n];
	}
	return messages ? 0 : err_set(e, -ENOENT, "%s is not a backup: it has no day file", folder);
}

/* A store that never got further may have left its lock. Nothing else may be there. */
static int must_be_empty(const char *folder, struct err *e)
{
	struct names l;
	int r;

	if (mkdir(folder, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set(e, -errno, "%s: %s", folder, strerrordesc_np(errno));
	r = folder_names(folder, &l, e);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (strcmp(l.a[i], "lock") != 0)
			r = err_set(e, -ENOTEMPTY, "%s is not empty (%s)", folder, l.a[i]);
	names_done(&l);
	return r;
}

static int one_row(sqlite3 *db, const char *sql, char *text, size_t size)
{
	sqlite3_stmt *q = NULL;
	int r = -EBADMSG;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) {
		const char *z = (const char *)sqlite3_column_text(q, 0);

		snprintf(text, size, "%s", z ? z : "");
		r = 0;
	}
	sqlite3_finalize(q);
	return r;
}

/* immutable: the backup may be on a medium that cannot be written to. */
static int open_copy(const char *path, sqlite3 **ret, struct err *e)
{
	char *uri = sqlite3_mprintf("file:%s?immutable=1", path);
	int rc = SQLITE_CANTOPEN;

	if (!strpbrk(path, "?#%"))
		rc = sqlite3_open_v2(uri, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	else
		rc = sqlite3_open_v2(path, ret, SQLITE_OPEN_READONLY, NULL);
	sqlite3_free(uri);
	return rc == SQLITE_OK ? 0 : err_set(e, -EIO, "%s: cannot be opened", path);
}

static int check(const char *path, const char *name, struct err *e)
{
	sqlite3 *db = NULL;
	char text[128] = "";
	int64_t day;
	int r = open_copy(path, &db, e);

	if (r == 0 &&
	    (one_row(db, "PRAGMA integrity_check(1)", text, sizeof(text)) < 0 || strcmp(text, "ok") != 0))
		r = err_set(e, -EBADMSG, "%s is damaged: %s", path, *text ? text : "cannot be read");
	if (r == 0 && day_parse(name, "day-", &day) == 0) {
		if (one_row(db, "PRAGMA user_version", text, sizeof(text)) < 0 || strcmp(text, "0") == 0)
			r = err_set(e, -EBADMSG, "%s is not a day file", path);
		else if (str_i64(str_of(text), 0, SCHEMA_VERSION, &day) < 0)
			r = err_set(e, -EPROTO, "%s has schema %s, this program knows %d", path, text, SCHEMA_VERSION);
	}
	sqlite3_close(db);
	return r;
}

static int copy(const char *from, const char *to, struct err *e)
{
	sqlite3 *db = NULL;
	int r = open_copy(from, &db, e);

	if (r == 0)
		r = sqlite_copy(db, to, e);
	sqlite3_close(db);
	return r;
}

static int each(const struct names *l, const char *backup, const char *data, int step, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		char *from = join(backup, l->a[i], ""), *part = join(data, l->a[i], SUFFIX),
		     *to = join(data, l->a[i], "");

		if (step == 0)
			r = check(from, l->a[i], e);
		else if (step == 1)
			r = copy(from, part, e);
		else if (rename(part, to) < 0)
			r = err_set(e, -errno, "%s: %s", to, strerrordesc_np(errno));
		free(from);
		free(part);
		free(to);
	}
	return r;
}

static void undo(const struct names *l, const char *data)
{
	for (size_t i = 0; i < l->n; i++) {
		char *part = join(data, l->a[i], SUFFIX);

		(void)unlink(part);
		free(part);
	}
}

int store_restore(const char *backup, const char *data, struct err *e)
{
	struct names l = {0};
	int r;

	sqlite_start();
	r = list(backup, &l, e);
	if (r == 0)
		r = must_be_empty(data, e);
	for (int step = 0; r == 0 && step < 3; step++) {
		r = each(&l, backup, data, step, e);
		if (r < 0 && step == 1)
			undo(&l, data);
	}
	if (r == 0 && (r = folder_sync(data)) < 0)
		err_set(e, r, "%s: %s", data, strerrordesc_np(-r));
	names_done(&l);
	return r;
}
