/* admin_impl.h - what admin.db's files share. Callers hold the lock.
 *
 *   admin.c           schema, opening, connections, audit, backup
 *   admin_accounts.c  accounts and what belongs to them, changed    admin_load.c   the same, read at once
 *   admin_texts.c     templates, flows, campaigns, words            admin_sql.c    one statement */
#pragma once
#include <pthread.h>

#include "store/admin.h"
#include "store/sqlite.h"

struct admin {
	sqlite3 *db;
	pthread_mutex_t lock;
};

/* The last error of the connection as -errno with words. */
int admin_failed(struct admin *a, int rc, const char *what, struct err *e);
/* Runs one statement that returns no rows, or one number into *number; -ENOENT when a number was wanted and there is none.
 * Arguments by letter: i int64_t, t struct str, n struct str (empty = NULL), z const char *, h TOKEN_HASH bytes. */
int admin_run(struct admin *a, const char *what, int64_t *number, struct err *e, const char *sql,
	      const char *types, ...) MUST;
/* r, or -ENOENT when it is 0 and the statement before changed no row. */
int admin_changed(struct admin *a, int r, const char *what, struct err *e) MUST;
int admin_begin(struct admin *a, struct err *e) MUST;
int admin_end(struct admin *a, int r, struct err *e) MUST; /* commits when r is 0, else rolls back and returns it */
/* Appends the rows of a query to an array, each zeroed first. */
int admin_read_all(struct admin *a, const char *sql, size_t size, void (*one)(sqlite3_stmt *q, void *row),
		   void **rows, size_t *n, struct err *e) MUST;
void admin_column_text(sqlite3_stmt *q, int column, char *out, size_t size);
char *admin_column_dup(sqlite3_stmt *q, int column); /* owned by the caller; NULL when it is NULL or empty */
void admin_column_hash(sqlite3_stmt *q, int column, unsigned char *out);
