/* sqlite_recover.c - what is unfinished, for recovery and for the engine's refills.
 *
 * Recovery reads each event since the last merge once and keeps it packed (about 50 bytes), sorts by delivery, and then reads the
 * rows in key order, only in blocks that are not finished; a finished row with later events is read by its key. The mark "merged"
 * (first event that may not be in its row, 8 bytes little-endian, set by the engine) bounds the first part; without it every event
 * is looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

/* -- rows that may be unfinished -------------------------------------------------------------------------------------- */

int scan_open(struct conn *c, int64_t from, int64_t to, bool (*fn)(void *ctx, sqlite3_stmt *q), void *ctx)
{
	int64_t closed = conn_number(c, S_BLOCK_LAST, -1);
	int rc = SQLITE_DONE;
	bool more = true;

	while (more && from <= to) {
		int64_t block = block_next_open(c, block_of(from), closed), end = to;
		sqlite3_stmt *q = conn_stmt(c, S_SCAN);

		if (block == INT64_MAX)
			break;
		from = MAX(from, block_first(block));
		if (block <= closed)
			end = MIN(to, block_first(block + 1) - 1);
		sqlite3_bind_int64(q, 1, from);
		sqlite3_bind_int64(q, 2, end);
		while (more && (rc = sqlite3_step(q)) == SQLITE_ROW)
			more = fn(ctx, q);
		sqlite3_reset(q);
		if (rc != SQLITE_DONE && rc != SQLITE_ROW)
			return sqlite_errno(rc);
		if (end == INT64_MAX)
			break;
		from = end + 1;
	}
	return more ? 0 : 1;
}

int scan_row_state(sqlite3_stmt *q) { return sqlite3_column_int(q, 21); }
static int64_t row_last(sqlite3_stmt *q) { return sqlite3_column_int64(q, 22); }

void keys_push(struct keys *k, int64_t key)
{
	if (k->n == k->cap) {
		k->cap = k->cap ? 2 * k->cap : 256;
		k->a = xrealloc(k->a, k->cap, sizeof(*k->a));
	}
	k->a[k->n++] = key;
}

static bool push_open(void *ctx, sqlite3_stmt *q)
{
	if (scan_row_state(q) != D_DONE)
		keys_push(ctx, sqlite3_column_int64(q, 0));
	return true;
}

int open_stragglers(struct sq *s, struct keys *k)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->c.n; i++) {
		struct day *d = s->c.days[i];
		struct conn *c;

		if (!atomic_load(&d->stragglers))
			continue;
		c = day_conn(s, d);
		r = c ? scan_open(c, 0, d->born_key - 1, push_open, k) : s->error;
	}
	return r;
}

/* What retention has moved out of a file is not looked at there any more. */
static int64_t own_from(const struct sq *s, const struct day *d)
{
	return d->day == s->retire_day ? MAX(d->born_key, s->retire_key + 1) : d->born_key;
}

/* -- refills ---------------------------------------------------------------------------------------------------------- */

struct refill {
	unsigned states;
	size_t left;
	int64_t *last;
	bool (*fn)(void *ctx, struct delivery *take);
	void *ctx;
	int error;
};

static bool refill_row(void *ctx, sqlite3_stmt *q)
{
	struct refill *f = ctx;
	struct delivery *d = NULL;

	if (f->left == 0)
		return false;
	f->left--;
	*f->last = sqlite3_column_int64(q, 0);
	if (scan_row_state(q) < 0 || scan_row_state(q) > D_DONE || !(f->states & 1u << scan_row_state(q)))
		return true;
	f->error = row_delivery(q, &d);
	return f->error == 0 && f->fn(f->ctx, d);
}

static int refill_stragglers(struct sq *s, struct refill *f, int64_t after, int64_t until)
{
	struct keys k = {0};
	int r = open_stragglers(s, &k);

	for (size_t i = 0; r == 0 && i < k.n; i++) {
		struct day *d = k.a[i] > after && k.a[i] <= until ? day_of_key(s, k.a[i]) : NULL;
		struct conn *c = d ? day_conn(s, d) : NULL;

		if (c)
			r = scan_open(c, k.a[i], k.a[i], refill_row, f);
	}
	free(k.a);
	return r;
}

int sq_unfinished_after(struct store *st, unsigned states, int64_t after, int64_t until, size_t scan,
			bool (*fn)(void *ctx, struct delivery *take), void *ctx, int64_t *last)
{
	struct sq *s = sq_of(st);
	struct refill f = {.states = states, .left = scan, .last = last, .fn = fn, .ctx = ctx};
	int r = 0;

	*last = after;
	if (after == INT64_MAX)
		return 0;
	if (after < s->c.days[0]->born_key)
		r = refill_stragglers(s, &f, after, until);
	for (size_t i = 0; r == 0 && i < s->c.n; i++) {
		struct day *d = s->c.days[i];
		int64_t to = MIN(until, day_last_key(s->c.days, s->c.n, i)), from = MAX(after + 1, own_from(s, d));
		struct conn *c;

		if (from > to)
			continue;
		c = day_conn(s, d);
		r = c ? scan_open(c, from, to, refill_row, &f) : s->error;
	}
	if (!s->in_batch)
		days_shrink(s);
	return r < 0 ? r : f.error;
}

/* -- events since the last merge ---------------------------------------------------------------------------------------- */

struct packed {
	int64_t key;
	size_t at; /* in bytes; ascends with seq */
};
struct pile {
	struct buf bytes;
	struct packed *a;
	size_t n, cap;
};

static bool pack(void *ctx, const struct event *e)
{
	struct pile *p = ctx;
	const size_t fixed = offsetof(struct event, detail);

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 4096;
		p->a = xrealloc(p->a, p->cap, sizeof(*p->a));
	}
	p->a[p->n++] = (struct packed){e->key, p->bytes.n};
	buf_put(&p->bytes, e, fixed + e->detail_len);
	return true;
}

static void unpack(const struct pile *p, size_t i, struct event *e)
{
	const size_t fixed = offsetof(struct event, detail);
	const char *at = p->bytes.p + p->a[i].at;

	memcpy(e, at, fixed);
	memcpy(e->detail, at + fixed, e->detail_len);
}

static int by_key(const void *a, const void *b)
{
	const struct packed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int gather(struct sq *s, struct pile *p)
{
	int64_t from = MAX(conn_mark_i64(&s->today->w, "merged", 0), 0);
	int r;

	p->bytes.max = SIZE_MAX / 2;
	r = sq_events_from(&s->store, from, SIZE_MAX, pack, p);
	if (r < 0)
		return r;
	if (p->n)
		qsort(p->a, p->n, sizeof(*p->a), by_key);
	return p->bytes.failed ? -ENOMEM : 0;
}

/* -- recovery ----------------------------------------------------------------------------------------------------------- */

struct recovery {
	struct sq *s;
	struct pile pile;
	size_t at; /* first event not told yet */
	struct event *ev;
	size_t cap;
	bool (*fn)(void *ctx, struct delivery *take, const struct event *ev, size_t n);
	void *ctx;
	int error;
	bool stopped;
};

/* The events of key after seq last; moves on. */
static size_t events_of(struct recovery *r, int64_t key, int64_t last)
{
	size_t n = 0;

	for (; r->at < r->pile.n && r->pile.a[r->at].key == key; r->at++) {
		if (n == r->cap) {
			r->cap = r->cap ? 2 * r->cap : 32;
			r->ev = xrealloc(r->ev, r->cap, sizeof(*r->ev));
		}
		unpack(&r->pile, r->at, &r->ev[n]);
		n += r->ev[n].seq > last;
	}
	return n;
}

static bool tell(struct recovery *r, struct delivery *take, size_t n)
{
	r->stopped = !r->fn(r->ctx, take, r->ev, n);
	return !r->stopped;
}

static int64_t last_merged(struct conn *c, int64_t key)
{
	sqlite3_stmt *q = conn_stmt(c, S_LAST);
	int64_t last = INT64_MAX; /* no such row: nothing to tell */

	sqlite3_bind_int64(q, 1, key);
	if (sqlite3_step(q) == SQLITE_ROW)
		last = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return last;
}

/* Finished rows, or stragglers: one look-up each. */
static bool tell_key(struct recovery *r, int64_t key, bool open)
{
	struct day *day = day_of_key(r->s, key);
	struct conn *c = day ? day_conn(r->s, day) : NULL;
	struct delivery *d = NULL;
	size_t n = events_of(r, key, c ? last_merged(c, key) : INT64_MAX);

	if (!c || (n == 0 && !open))
		return true;
	r->error = conn_load(c, key, &d);
	return r->error == 0 && tell(r, d, n);
}

static bool tell_below(struct recovery *r, int64_t key)
{
	while (r->at < r->pile.n && r->pile.a[r->at].key < key)
		if (!tell_key(r, r->pile.a[r->at].key, false))
			return false;
	return true;
}

static bool tell_row(void *ctx, sqlite3_stmt *q)
{
	struct recovery *r = ctx;
	int64_t key = sqlite3_column_int64(q, 0);
	struct delivery *d = NULL;
	size_t n;

	if (!tell_below(r, key))
		return false;
	n = events_of(r, key, row_last(q));
	if (n == 0 && scan_row_state(q) == D_DONE)
		return true;
	r->error = row_delivery(q, &d);
	return r->error == 0 && tell(r, d, n);
}

static int recover_all(struct recovery *r)
{
	struct sq *s = r->s;
	struct keys k = {0};
	int e = gather(s, &r->pile);

	if (e == 0)
		e = open_stragglers(s, &k);
	for (size_t i = 0; e == 0 && i < k.n; i++)
		if (!tell_below(r, k.a[i]) || !tell_key(r, k.a[i], true))
			e = 1;
	free(k.a);
	for (size_t i = 0; e == 0 && i < s->c.n; i++) {
		struct day *d = s->c.days[i];
		struct conn *c = day_conn(s, d);

		e = c ? scan_open(c, own_from(s, d), day_last_key(s->c.days, s->c.n, i), tell_row, r) : s->error;
		days_shrink(s);
	}
	if (e == 0)
		(void)tell_below(r, INT64_MAX);
	return e < 0 ? e : r->error;
}

int sq_recover(struct store *st, bool (*fn)(void *ctx, struct delivery *take, const struct event *ev, size_t n), void *ctx)
{
	struct recovery r = {.s = sq_of(st), .fn = fn, .ctx = ctx};
	int e = recover_all(&r);

	buf_done(&r.pile.bytes);
	free(r.pile.a);
	free(r.ev);
	return e;
}
