/* sqlite_reader.c - readers: connections of their own, read-only, one a day file, opened when first needed and the least used closed
 * beyond a few. Where a deadline is given, SQLite is interrupted when it is over. */
#include "store/sqlite_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define CACHE_KIB 2048
#define OPS_A_LOOK 2000 /* of SQLite's machine, between two looks at the clock */

static bool listed(const struct store_reader *r, const struct day *d)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->days[i] == d)
			return true;
	return false;
}

static void drop_list(struct store_reader *r)
{
	for (size_t i = 0; i < r->n; i++)
		day_put(r->days[i]);
	free(r->days);
	r->days = NULL;
	r->n = 0;
}

/* Takes the list of files anew when it has changed, and closes files that are gone, so that the disk gets their space back. */
static void refresh(struct store_reader *r)
{
	struct catalog *c = &r->s->c;
	size_t kept = 0;

	if (r->n && r->generation == atomic_load(&c->generation))
		return;
	drop_list(r);
	pthread_mutex_lock(&c->lock);
	r->generation = atomic_load(&c->generation);
	r->days = xcalloc(c->n, sizeof(struct day *));
	for (size_t i = 0; i < c->n; i++) {
		r->days[i] = c->days[i];
		atomic_fetch_add(&c->days[i]->refs, 1);
	}
	r->n = c->n;
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < r->open; i++)
		if (listed(r, r->files[i].day))
			r->files[kept++] = r->files[i];
		else
			conn_close(&r->files[i].c);
	r->open = kept;
}

static int late(void *ctx)
{
	const struct store_reader *r = ctx;

	return r->until_us && mono_us() > r->until_us;
}

struct conn *reader_file(struct store_reader *r, struct day *d)
{
	struct reader_file f = {.day = d};
	size_t i = 0;

	while (i < r->open && r->files[i].day != d)
		i++;
	if (i < r->open) {
		f = r->files[i];
	} else {
		if (conn_open(&f.c, d->path, CONN_READ, CACHE_KIB, NULL) < 0)
			return NULL;
		sqlite3_progress_handler(f.c.db, OPS_A_LOOK, late, r);
		if (r->open == READER_FILES)
			conn_close(&r->files[--r->open].c);
		i = r->open++;
	}
	memmove(r->files + 1, r->files, i * sizeof(f));
	r->files[0] = f;
	return &r->files[0].c;
}

void reader_begin(struct store_reader *r, int64_t deadline_ms)
{
	refresh(r);
	r->until_us = deadline_ms > 0 ? mono_us() + deadline_ms * 1000 : 0;
}

int reader_find(struct store_reader *r, ssize_t own, int (*get)(struct conn *c, int64_t at, void *to), int64_t at, void *to)
{
	struct conn *c = own >= 0 ? reader_file(r, r->days[own]) : NULL;
	int e = c ? get(c, at, to) : own >= 0 ? -EIO : -ENOENT;

	for (size_t i = r->n; e == -ENOENT && i-- > (size_t)(own + 1);) {
		if (!atomic_load(&r->days[i]->stragglers))
			continue;
		c = reader_file(r, r->days[i]);
		e = c ? get(c, at, to) : -EIO;
	}
	return e;
}

int sq_reader_open(struct store *st, struct store_reader **ret, struct err *e)
{
	struct sq *s = sq_of(st);
	struct store_reader *r = xnew(struct store_reader);

	(void)e;
	r->s = s;
	r->index = index_reader_new(s->index);
	*ret = r;
	return 0;
}

void sq_reader_close(struct store_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->open; i++)
		conn_close(&r->files[i].c);
	drop_list(r);
	index_reader_free(r->index);
	free(r);
}
