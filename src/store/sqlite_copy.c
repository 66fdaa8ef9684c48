/* Backup and check of a store that is running.
 *
 * The files of a backup must be of one moment: a merge into an older file and the batch that decided it belong together. So a read
 * transaction is opened on every file while the gate is held, which is between two batches, and takes a millisecond; after that the
 * writer goes on, and the files are copied as those transactions see them (SQLite's backup interface, which stays within a read
 * transaction that is already open). The WAL grows meanwhile. The folder has its name once it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

struct moment {
	char **names; /* file names within the data folder */
	struct conn *c;
	struct day **days; /* NULL for a file that is not a day's; referenced */
	size_t n;
	unsigned generation; /* of the catalogue */
};

static void moment_done(struct moment *m)
{
	for (size_t i = 0; i < m->n; i++) {
		conn_close(&m->c[i]);
		free(m->names[i]);
		if (m->days[i])
			day_put(m->days[i]);
	}
	free(m->names);
	free(m->c);
	free(m->days);
}

static int moment_add(struct moment *m, const char *data, const char *name, struct day *d, struct err *e)
{
	char *path = NULL;
	struct conn c;
	int r;

	if (asprintf(&path, "%s/%s", data, name) < 0)
		return err_set(e, -ENOMEM, "no memory");
	r = conn_open(&c, path, CONN_READ, 1024, e);
	free(path);
	if (r < 0)
		return r;
	m->names = xrealloc(m->names, m->n + 1, sizeof(*m->names));
	m->c = xrealloc(m->c, m->n + 1, sizeof(*m->c));
	m->days = xrealloc(m->days, m->n + 1, sizeof(*m->days));
	m->names[m->n] = xstrdup(name);
	m->c[m->n] = c;
	m->days[m->n++] = d;
	if (d)
		atomic_fetch_add(&d->refs, 1);
	return 0;
}

static int add_others(struct moment *m, struct sq *s, struct err *e)
{
	struct names names;
	int64_t day;
	int r = folder_names(s->data, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (day_parse(names.a[i], "runs-", &day) == 0 || strcmp(names.a[i], "admin.db") == 0 ||
		    strcmp(names.a[i], "numbers.db") == 0)
			r = moment_add(m, s->data, names.a[i], NULL, e);
	names_done(&names);
	return r;
}

static int open_all(struct moment *m, struct sq *s, bool all, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&s->c.lock);
	for (size_t i = 0; r == 0 && i < s->c.n; i++)
		r = moment_add(m, s->data, strrchr(s->c.days[i]->path, '/') + 1, s->c.days[i], e);
	m->generation = atomic_load(&s->c.generation);
	pthread_mutex_unlock(&s->c.lock);
	return r == 0 && all ? add_others(m, s, e) : r;
}

/* Opening takes its time, and is done before; beginning does not. Should a day have begun or gone meanwhile, all of it again. */
static int take_moment(struct moment *m, struct sq *s, bool all, struct err *e)
{
	bool current = false;
	int r = 0;

	while (r == 0 && !current) {
		moment_done(m);
		*m = (struct moment){0};
		r = open_all(m, s, all, e);
		pthread_mutex_lock(&s->gate);
		current = m->generation == atomic_load(&s->c.generation);
		/* The transaction begins with the first row read. */
		for (size_t i = 0; r == 0 && current && i < m->n; i++)
			r = conn_exec(&m->c[i], "BEGIN; SELECT count(*) FROM sqlite_schema;", e);
		pthread_mutex_unlock(&s->gate);
	}
	return r;
}

/* -- backup --------------------------------------------------------------------------------------------------------------- */

static int sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0 || fsync(fd) < 0)
		r = err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

int sqlite_copy(sqlite3 *from, const char *to, struct err *e)
{
	int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;
	sqlite3 *db = NULL;
	sqlite3_backup *b;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", to, strerrordesc_np(errno));
	close(fd);
	rc = sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, NULL);
	b = rc == SQLITE_OK ? sqlite3_backup_init(db, "main", from, "main") : NULL;
	if (b) {
		/* in steps, so that a reader of the source is never in the way for long */
		while ((rc = sqlite3_backup_step(b, 4096)) == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			if (rc != SQLITE_OK)
				sqlite3_sleep(5);
		rc = sqlite3_backup_finish(b);
	} else if (rc == SQLITE_OK) {
		rc = sqlite3_errcode(db);
	}
	if (rc != SQLITE_OK)
		err_set(e, 0, "%s: %s", to, sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc == SQLITE_OK ? sync_file(to, e) : sqlite_errno(rc);
}

static int copy_all(const struct moment *m, const char *folder, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n; i++) {
		char *to = NULL;

		if (asprintf(&to, "%s/%s", folder, m->names[i]) < 0)
			return err_set(e, -ENOMEM, "no memory");
		r = sqlite_copy(m->c[i].db, to, e);
		free(to);
	}
	return r == 0 ? folder_sync(folder) : r;
}

int sq_backup(struct store *st, const char *path, struct err *e)
{
	struct sq *s = sq_of(st);
	struct moment m = {0};
	char *partial = NULL;
	int r;

	if (access(path, F_OK) == 0)
		return err_set(e, -EEXIST, "%s exists", path);
	if (asprintf(&partial, "%s.partial", path) < 0)
		return err_set(e, -ENOMEM, "no memory");
	if (mkdir(partial, 0700) < 0) {
		r = err_set(e, -errno, "%s: %s", partial, strerrordesc_np(errno));
		free(partial);
		return r;
	}
	r = take_moment(&m, s, true, e);
	if (r == 0)
		r = copy_all(&m, partial, e);
	if (r == 0 && rename(partial, path) < 0)
		r = err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	if (r < 0)
		folder_remove(partial);
	moment_done(&m);
	free(partial);
	return r;
}

/* -- check ---------------------------------------------------------------------------------------------------------------- */

static int integrity(struct conn *c, const char *name, struct buf *report, struct err *e)
{
	sqlite3_stmt *q = NULL;
	int rc, bad = 0;

	if (sqlite3_prepare_v2(c->db, "PRAGMA integrity_check(20)", -1, &q, NULL) != SQLITE_OK)
		return conn_err(c, name, e);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(q, 0);

		if (line && strcmp(line, "ok") != 0) {
			bad++;
			buf_fmt(report, "%s: %s\n", name, line);
		}
	}
	sqlite3_finalize(q);
	if (rc != SQLITE_DONE)
		return conn_err(c, name, e);
	return bad;
}

/* The number a query of the file gives, for keys from born_key on. */
static int64_t count(struct conn *c, const char *sql, int64_t born)
{
	sqlite3_stmt *q = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(c->db, sql, -1, &q, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(q, 1, born);
		if (sqlite3_step(q) == SQLITE_ROW)
			n = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return n;
}

static const struct {
	const char *what, *sql; /* must be 0 */
} rules[] = {
	{"events without a message", "SELECT count(*) FROM ev WHERE k>=?1 AND k NOT IN (SELECT k FROM m) AND "
				     "k NOT IN (SELECT k FROM mo)"},
	{"MOs without their event",
	 "SELECT count(*) FROM mo WHERE k>=?1 AND NOT EXISTS(SELECT 1 FROM mo_ev JOIN ev ON "
	 "ev.seq=mo_ev.seq WHERE mo_ev.k=mo.k AND mo_ev.seq=mo.seq AND ev.k=mo.k)"},
	{"states without a message", "SELECT count(*) FROM st WHERE k>=?1 AND k NOT IN (SELECT k FROM m)"},
	{"blocks whose rows are counted wrongly",
	 "SELECT count(*) FROM blk LEFT JOIN (SELECT k>>29 AS g, count(*) AS c FROM m GROUP BY g) ON g=b"
	 " WHERE n IS NOT NULL AND n<>ifnull(c,0) AND ?1 IS NOT NULL"},
	{"blocks whose final rows are counted wrongly",
	 "SELECT count(*) FROM blk LEFT JOIN (SELECT m.k>>29 AS g, sum(ifnull(st.state,m.state)=4) AS c FROM "
	 "m LEFT JOIN st"
	 " ON st.k=m.k GROUP BY g) ON g=b WHERE n IS NOT NULL AND done<>ifnull(c,0) AND ?1 IS NOT NULL"},
};

/* Events of one file may tell of a message in an older one, as long as that is kept. */
static int64_t foreign_orphans(const struct moment *m, size_t at)
{
	sqlite3_stmt *q = NULL;
	int64_t n = 0;

	if (sqlite3_prepare_v2(m->c[at].db, "SELECT DISTINCT k FROM ev WHERE k<?1 AND k>=?2 AND seq>?3", -1, &q, NULL) != SQLITE_OK)
		return -1;
	sqlite3_bind_int64(q, 1, m->days[at]->born_key);
	sqlite3_bind_int64(q, 2, m->days[0]->born_key);
	sqlite3_bind_int64(q, 3, m->days[at]->born_seq);
	while (sqlite3_step(q) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(q, 0);
		ssize_t i = days_find_key(m->days, at, key);

		n += i >= 0 && count(&m->c[i], "SELECT (SELECT count(*) FROM m WHERE k=?1)+(SELECT count(*) FROM mo WHERE k=?1)",
				     key) != 1;
	}
	sqlite3_finalize(q);
	return n;
}

static int64_t complain(struct buf *report, const char *name, const char *what, int64_t n)
{
	if (n)
		buf_fmt(report, "%s: %lld %s\n", name, (long long)n, what);
	return n != 0;
}

static int check_day(const struct moment *m, size_t i, struct buf *report, struct err *e)
{
	struct conn *c = &m->c[i];
	const char *name = m->names[i];
	int64_t bad = 0;
	int r = integrity(c, name, report, e);

	if (r < 0)
		return r;
	bad = r;
	for (size_t k = 0; k < COUNT_OF(rules); k++)
		bad += complain(report, name, rules[k].what, count(c, rules[k].sql, m->days[i]->born_key));
	bad += complain(report, name, "messages with events that are not there", foreign_orphans(m, i));
	buf_fmt(report, "%s: %lld messages, %lld events%s\n", name,
		(long long)count(c, "SELECT count(*) FROM m WHERE ?1 IS NOT NULL", 0),
		(long long)count(c, "SELECT count(*) FROM ev WHERE ?1 IS NOT NULL", 0), bad ? "" : ", sound");
	return bad > 0;
}

int sq_check(struct store *st, struct buf *report, struct err *e)
{
	struct sq *s = sq_of(st);
	struct moment m = {0};
	struct chain *ledger = chain_new();
	int r = take_moment(&m, s, false, e), bad = 0;

	for (size_t i = 0; r >= 0 && i < m.n; i++) {
		r = check_day(&m, i, report, e);
		bad += r > 0;
		bad += complain(report, m.names[i], "ledger rows that do not go on where the one before ended",
				chain_day(ledger, &m.c[i])) > 0;
	}
	if (r >= 0 && m.n)
		bad += complain(report, m.names[m.n - 1], "balances that are not what the ledger says",
				chain_end(ledger, &m.c[m.n - 1])) > 0;
	chain_free(ledger);
	moment_done(&m);
	if (r < 0)
		return r;
	return bad ? err_set(e, -EBADMSG, "%d of the store's files are not sound", bad) : 0;
}
