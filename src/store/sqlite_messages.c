/* sqlite_messages.c - messages and events: appended to today's file with the chunks that say whose changes are where, and read back on
 * the writer's side. Readers of other threads are in sqlite_read.c. */
#include <errno.h>
#include <string.h>

#include "store/sqlite.h"

#define CARRIER_DAYS 8 /* how old a message's receipt may be to find it: far beyond any validity period */

/* -- accepts and events ------------------------------------------------------------------------------------------------ */

void sq_accept(struct store *st, const struct delivery *d)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	buf_clear(&s->scratch);
	delivery_state_write(d, &s->scratch);
	q = conn_stmt(c, S_ACCEPT);
	row_bind_delivery(q, d, &s->scratch);
	sq_run(s, c, q, "accept");
	block_accept(s, d);
	if (d->t.correlation.n)
		index_correlation(s, s->today->day, d->account, d->t.correlation, d->key);
	s->rows++;
	s->last_m = MAX(s->last_m, d->key);
	s->last_key = MAX(s->last_key, MAX(d->key, d->batch));
}

/* Sub-accounts with changes in the chunk, kept ascending. */
static void chunk_add(struct sq *s, uint32_t sub)
{
	size_t low = 0, high = s->sub_count;

	if (high && s->subs[high - 1] == sub)
		return;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->subs[mid] < sub)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < s->sub_count && s->subs[low] == sub)
		return;
	if (s->sub_count == s->sub_cap) {
		s->sub_cap = s->sub_cap ? 2 * s->sub_cap : 64;
		s->subs = xrealloc(s->subs, s->sub_cap, sizeof(*s->subs));
	}
	memmove(s->subs + low + 1, s->subs + low, (s->sub_count - low) * sizeof(*s->subs));
	s->subs[low] = sub;
	s->sub_count++;
}

static void chunk_close(struct sq *s)
{
	struct conn *c = &s->today->w;
	sqlite3_stmt *q = conn_stmt(c, S_CHUNK);
	int64_t before = 0;

	buf_clear(&s->scratch);
	for (size_t i = 0; i < s->sub_count; i++) {
		int64_t v = s->subs[i];

		deltas_put(&s->scratch, before, &v, 1);
		before = v;
	}
	sqlite3_bind_int64(q, 1, s->chunk);
	sqlite3_bind_blob(q, 2, s->scratch.n ? s->scratch.p : "", (int)s->scratch.n, SQLITE_STATIC);
	sq_run(s, c, q, "chunk");
	s->sub_count = 0;
}

void chunk_open(struct sq *s)
{
	struct conn *c = &s->today->w;
	sqlite3_stmt *q = conn_stmt(c, S_CHUNK_SUBS);

	s->chunk = s->last_seq >> CHUNK_SHIFT;
	sqlite3_bind_int64(q, 1, MAX(s->chunk << CHUNK_SHIFT, s->today->born_seq + 1));
	while (sqlite3_step(q) == SQLITE_ROW)
		if (event_is_change(sqlite3_column_int(q, 0)))
			chunk_add(s, (uint32_t)sqlite3_column_int64(q, 1));
	sqlite3_reset(q);
}

void sq_event(struct store *st, const struct event *e)
{
	struct sq *s = sq_of(st);
	struct conn *c = &s->today->w;
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	if (e->seq >> CHUNK_SHIFT != s->chunk) {
		chunk_close(s);
		s->chunk = e->seq >> CHUNK_SHIFT;
	}
	if (event_is_change(e->kind))
		chunk_add(s, e->sub_account);
	q = conn_stmt(c, S_EVENT);
	row_bind_event(q, e);
	sq_run(s, c, q, "event");
	index_event(s, s->today->day, e->kind, e->hash, e->key);
	if (e->kind == EV_RECEIVED || (e->arg == HOOK_MO && event_is_hook(e->kind)))
		mo_event(s, e);
	s->rows++;
	s->last_seq = MAX(s->last_seq, e->seq);
}

/* -- reading on the writer's side --------------------------------------------------------------------------------------- */

/* The state that waits in `later`, if there is one. */
static int later_state(struct sq *s, struct delivery *d)
{
	sqlite3_stmt *q = conn_stmt(&s->today->w, S_LATER_STATE);
	int r = 0;

	sqlite3_bind_int64(q, 1, d->key);
	if (sqlite3_step(q) == SQLITE_ROW)
		r = delivery_state_read(d, row_blob(q, 0));
	sqlite3_reset(q);
	return r;
}

int sq_load(struct store *st, int64_t key, struct delivery **ret)
{
	struct sq *s = sq_of(st);
	struct day *day = day_of_key(s, key);
	struct conn *c = day ? day_conn(s, day) : NULL;
	struct delivery *d = NULL;
	int r;

	if (!c)
		return day ? s->error : -ENOENT;
	r = conn_load(c, key, &d);
	if (r == 0 && s->later && day != s->today)
		r = later_state(s, d);
	if (r < 0)
		delivery_free(d);
	else
		*ret = d;
	return r;
}

int sq_load_event(struct store *st, int64_t seq, struct event *ret)
{
	struct sq *s = sq_of(st);
	struct day *day = day_of_seq(s, seq);
	struct conn *c = day ? day_conn(s, day) : NULL;

	return c ? conn_event(c, seq, ret) : day ? s->error : -ENOENT;
}

size_t sq_by_carrier(struct store *st, uint64_t id_hash, int64_t *keys, size_t max)
{
	struct sq *s = sq_of(st);

	return id_hash ? index_find(s->reader, INDEX_CARRIER, id_hash, s->today->day - CARRIER_DAYS, keys, max) : 0;
}

int sq_events_from(struct store *st, int64_t from, size_t max, bool (*fn)(void *ctx, const struct event *e), void *ctx)
{
	struct sq *s = sq_of(st);
	struct event e = {0};
	bool more = max > 0;

	for (size_t i = 0; more && i < s->c.n; i++) {
		struct day *d = s->c.days[i];
		struct conn *c;
		sqlite3_stmt *q;
		int rc = SQLITE_DONE;

		if (i + 1 < s->c.n && s->c.days[i + 1]->born_seq < from)
			continue;
		c = day_conn(s, d);
		if (!c)
			return s->error;
		q = conn_stmt(c, S_EV_RANGE);
		sqlite3_bind_int64(q, 1, MAX(from, d->born_seq + 1));
		sqlite3_bind_int64(q, 2, INT64_MAX);
		while (more && (rc = sqlite3_step(q)) == SQLITE_ROW) {
			row_event(q, &e);
			more = fn(ctx, &e) && --max > 0;
		}
		sqlite3_reset(q);
		if (rc != SQLITE_DONE && rc != SQLITE_ROW)
			return sqlite_errno(rc);
	}
	return 0;
}
