/* sqlite_days.c - the files, one for each UTC day on which something was accepted: their names, which of them has what, the writer's
 * connections to them, and the catalogue that readers take them from. sqlite_days_make.c makes and loads them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "store/sqlite_days.h"

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

struct day *day_new(const char *data, int64_t number)
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

void day_unlink(const char *path)
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

int day_open(struct day *d, bool today, struct err *e)
{
	int r = conn_open(&d->w, d->path, CONN_WRITE, today ? CACHE_TODAY_KIB : CACHE_OLD_KIB, e);

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
	r = day_open(d, d == s->today, &e);
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

void catalog_add(struct sq *s, struct day *take)
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
