/* The files, one for each UTC day on which something was accepted, and the edge between two days.
 *
 * The newest file is today's: every batch commits to it and to nothing else. Crossing the edge makes the next file in one transaction
 * together with the live rows (due, hooks, parked, marks) carried forward, so that a crash leaves either the old file as today's or
 * the new one, both whole. Marks whose key begins with '~' are the driver's own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"
#include "store/sqlite.h"

#define CACHE_TODAY_KIB (64 * 1024)
#define CACHE_OLD_KIB 4096
#define OLD_CONNECTIONS 4

char *day_path(const char *data, const char *prefix, int64_t day)
{
	char *path = NULL;
	int y, m, d;

	civil_from_days(day, &y, &m, &d);
	if (asprintf(&path, "%s/%s%04d%02d%02d.db", data, prefix, y, m, d) < 0)
		return xstrdup("");
	return path;
}

int day_parse(const char *name, const char *prefix, int64_t *day)
{
	size_t n = strlen(prefix);
	int64_t v;
	int y, m, d;

	if (strncmp(name, prefix, n) != 0 || strlen(name) != n + 11 || strcmp(name + n + 8, ".db") != 0 ||
	    str_i64((struct str){name + n, 8}, 19700101, 99991231, &v) < 0)
		return -EINVAL;
	*day = days_from_civil((int)(v / 10000), (int)(v / 100 % 100), (int)(v % 100));
	civil_from_days(*day, &y, &m, &d);
	return y * 10000 + m * 100 + d == v ? 0 : -EINVAL;
}

static struct day *day_new(const char *data, int64_t number)
{
	struct day *d = xnew(struct day);

	d->day = number;
	d->path = day_path(data, "day-", number);
	atomic_init(&d->refs, 1);
	return d;
}

void day_put(struct day *d)
{
	if (atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	free(d->path);
	free(d);
}

static void day_unlink(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		char *name = NULL;

		if (asprintf(&name, "%s%s", path, suffixes[i]) > 0 && unlink(name) < 0 && errno != ENOENT)
			log_warn("store.unlink", "file=%s why=\"%s\"", name, strerrordesc_np(errno));
		free(name);
	}
}

/* -- which file has it ---------------------------------------------------------------------------------------------- */

ssize_t days_find_key(struct day *const *days, size_t n, int64_t key)
{
	ssize_t i = (ssize_t)n - 1;

	while (i >= 0 && key < days[i]->born_key)
		i--;
	return i;
}

ssize_t days_find_seq(struct day *const *days, size_t n, int64_t seq)
{
	ssize_t i = (ssize_t)n - 1;

	while (i >= 0 && seq <= days[i]->born_seq)
		i--;
	return i;
}

int64_t day_last_key(struct day *const *days, size_t n, size_t i)
{
	return i + 1 < n ? days[i + 1]->born_key - 1 : INT64_MAX;
}

static bool holds(struct sq *s, struct day *d, enum stmt id, int64_t at)
{
	struct conn *c = day_conn(s, d);
	sqlite3_stmt *q = c ? conn_stmt(c, id) : NULL;
	bool found;

	sqlite3_bind_int64(q, 1, at);
	found = sqlite3_step(q) == SQLITE_ROW;
	sqlite3_reset(q);
	return found;
}

static struct day *among_stragglers(struct sq *s, size_t from, enum stmt id, int64_t at)
{
	for (size_t i = s->c.n; i-- > from;)
		if (atomic_load(&s->c.days[i]->stragglers) && holds(s, s->c.days[i], id, at))
			return s->c.days[i];
	return NULL;
}

/* What retention has carried out of the day it is emptying lives in the newer file, though the old row is still there. */
static bool moved(const struct sq *s, const struct day *d, int64_t key)
{
	return s->retire_day && d->day == s->retire_day && key <= s->retire_key;
}

struct day *day_of_key(struct sq *s, int64_t key)
{
	ssize_t i;

	if (key >= s->today->born_key)
		return s->today;
	i = days_find_key(s->c.days, s->c.n, key);
	if (i >= 0 && !moved(s, s->c.days[i], key))
		return s->c.days[i];
	return among_stragglers(s, (size_t)(i + 1), S_M_STATE, key);
}

struct day *day_of_seq(struct sq *s, int64_t seq)
{
	ssize_t i;

	if (seq > s->today->born_seq)
		return s->today;
	i = days_find_seq(s->c.days, s->c.n, seq);
	return i >= 0 ? s->c.days[i] : among_stragglers(s, 0, S_EV_GET, seq);
}

/* -- connections ---------------------------------------------------------------------------------------------------- */

static int on_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
	struct day *d = ctx;

	(void)db;
	(void)name;
	atomic_store_explicit(&d->frames, frames, memory_order_relaxed);
	return SQLITE_OK;
}

static int day_open(struct day *d, int cache_kib, struct err *e)
{
	int r = conn_open(&d->w, d->path, CONN_WRITE, cache_kib, e);

	if (r == 0)
		sqlite3_wal_hook(d->w.db, on_wal, d);
	return r;
}

struct conn *day_conn(struct sq *s, struct day *d)
{
	struct err e;
	int r;

	d->used = ++s->tick;
	if (d->w.db)
		return &d->w;
	r = day_open(d, d == s->today ? CACHE_TODAY_KIB : CACHE_OLD_KIB, &e);
	if (r == 0)
		return &d->w;
	sq_fail(s, r, d->path, e.text);
	return NULL;
}

void days_shrink(struct sq *s)
{
	for (;;) {
		struct day *oldest = NULL;
		size_t open = 0;

		for (size_t i = 0; i + 1 < s->c.n; i++) {
			struct day *d = s->c.days[i];

			if (!d->w.db)
				continue;
			open++;
			if (!oldest || d->used < oldest->used)
				oldest = d;
		}
		if (open <= OLD_CONNECTIONS)
			return;
		conn_close(&oldest->w);
	}
}

/* -- the catalogue -------------------------------------------------------------------------------------------------- */

static void catalog_add(struct sq *s, struct day *take)
{
	pthread_mutex_lock(&s->c.lock);
	s->c.days = xrealloc(s->c.days, s->c.n + 1, sizeof(*s->c.days));
	s->c.days[s->c.n++] = take;
	atomic_fetch_add(&s->c.generation, 1);
	pthread_mutex_unlock(&s->c.lock);
	s->today = take;
}

void days_remove(struct sq *s, struct day *d)
{
	size_t i = 0;

	pthread_mutex_lock(&s->c.lock);
	while (s->c.days[i] != d)
		i++;
	memmove(s->c.days + i, s->c.days + i + 1, (--s->c.n - i) * sizeof(*s->c.days));
	atomic_fetch_add(&s->c.generation, 1);
	pthread_mutex_unlock(&s->c.lock);
	conn_close(&d->w);
	day_unlink(d->path);
	day_put(d);
}

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
	r = day_open(d, CACHE_TODAY_KIB, e);
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
	int r = day_open(d, newest ? CACHE_TODAY_KIB : CACHE_OLD_KIB, e);

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

void days_close(struct sq *s)
{
	for (size_t i = 0; i < s->c.n; i++) {
		conn_close(&s->c.days[i]->w);
		day_put(s->c.days[i]);
	}
	free(s->c.days);
	s->c.days = NULL;
	s->c.n = 0;
}
