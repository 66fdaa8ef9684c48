/* lists.c - readers' cursors, one a user and list. "Never missed; handed out again only if connection or process died after the answer began":
 * a call leases the gaps between what is read and leased, an answer that has arrived consumes them, an abort or 30 s release them.
 *
 *   ------ mark ======consumed====== ....gap.... ##leased## ....gap....  head
 *
 * The mark moves up as consumed stretches touch it; mark and stretches are stored as one small value per user. */
#include "core/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define LEASE_MS 30000
#define STRETCHES_MAX 16384 /* filters leave holes; this many, and no more filtered answers are given */

struct lease_live {
	struct lease_live *next;
	uint64_t id;
	int64_t until;
};
struct leased {
	struct stretch s;
	uint64_t id; /* of its lease */
};
struct list_reader {
	uint32_t user;
	enum list_kind kind;
	int64_t mark;
	struct stretch *read; /* beyond the mark, ascending, apart from each other */
	size_t n, cap;
	struct lease_live *leases;
	struct leased *leased; /* of all leases, as `read` is */
	size_t leased_n, leased_cap;
};
static uint64_t last_lease; /* engine thread only */

void lists_init(struct engine *e) { e->readers = map_new(); }

static bool free_reader(void *ctx, uint64_t key, uint64_t value)
{
	struct list_reader *r = (void *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	for (struct lease_live *l = r->leases, *next; l; l = next) {
		next = l->next;
		free(l);
	}
	free(r->read);
	free(r->leased);
	free(r);
	return true;
}

void lists_done(struct engine *e)
{
	map_each(e->readers, free_reader, NULL);
	map_free(e->readers);
}

static int64_t take_i64(const char *p) { return (int64_t)le_get(p, 8); }

static void put_i64(struct buf *b, int64_t v)
{
	unsigned char le[8];

	le_put(le, (uint64_t)v, sizeof le);
	buf_put(b, le, sizeof le);
}

static void name_of(char name[32], const struct list_reader *r)
{
	snprintf(name, 32, r->kind == LIST_MO ? "mo/%u" : "list/%u", r->user);
}

static struct list_reader *reader_of(struct engine *e, uint32_t user, enum list_kind kind)
{
	uint64_t key = (uint64_t)kind << 32 | user;
	struct list_reader *r = map_ptr(e->readers, key);
	struct buf b = BUF_INIT;
	char name[32];

	if (r)
		return r;
	r = xnew(struct list_reader);
	r->user = user;
	r->kind = kind;
	r->mark = -1; /* never asked */
	name_of(name, r);
	if (e->ops->mark_get(e->store, name, &b) && b.n >= 8) {
		r->mark = take_i64(b.p);
		r->n = r->cap = (b.n - 8) / 16;
		r->read = xcalloc(r->cap + 1, sizeof *r->read);
		for (size_t i = 0; i < r->n; i++)
			r->read[i] = (struct stretch){take_i64(b.p + 8 + i * 16), take_i64(b.p + 16 + i * 16)};
	}
	buf_done(&b);
	map_set_ptr(e->readers, key, r);
	return r;
}

static void save(struct engine *e, const struct list_reader *r)
{
	struct buf b = BUF_INIT;
	char name[32];

	put_i64(&b, r->mark);
	for (size_t i = 0; i < r->n; i++) {
		put_i64(&b, r->read[i].from);
		put_i64(&b, r->read[i].to);
	}
	name_of(name, r);
	engine_batch(e);
	e->ops->mark(e->store, name, buf_view(&b));
	buf_done(&b);
}

/* The stretches from that number up to the head that are neither read nor leased. */
static size_t gaps_from(const struct list_reader *r, int64_t at, int64_t head, struct stretch gaps[LEASE_GAPS])
{
	size_t n = 0, i = 0, k = 0;

	while (n < LEASE_GAPS && at <= head) {
		const struct stretch *taken = NULL;

		while (i < r->n && r->read[i].to < at)
			i++;
		while (k < r->leased_n && r->leased[k].s.to < at)
			k++;
		if (i < r->n)
			taken = &r->read[i];
		if (k < r->leased_n && (!taken || r->leased[k].s.from < taken->from))
			taken = &r->leased[k].s;
		if (!taken || at < taken->from)
			gaps[n++] = (struct stretch){at, taken ? MIN(taken->from - 1, head) : head};
		if (!taken)
			break;
		at = taken->to + 1;
	}
	return n;
}

/* What nobody can be told any more takes no room. */
static void raise(struct list_reader *r, int64_t edge)
{
	size_t gone = 0;

	if (r->mark >= edge)
		return;
	r->mark = edge;
	while (gone < r->n && r->read[gone].from <= r->mark + 1) {
		r->mark = MAX(r->mark, r->read[gone].to);
		gone++;
	}
	if (!gone)
		return;
	memmove(r->read, r->read + gone, (r->n - gone) * sizeof *r->read);
	r->n -= gone;
}

static struct lease_live **lease_at(struct list_reader *r, uint64_t id)
{
	struct lease_live **at = &r->leases;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

/* Both are ascending: from the back, so that each moves once. */
static void hold(struct list_reader *r, const struct lease_ask *ask)
{
	size_t i = r->leased_n, k = ask->n, to = i + k;

	if (to > r->leased_cap) {
		r->leased_cap = MAX(to, r->leased_cap * 2);
		r->leased = xrealloc(r->leased, r->leased_cap, sizeof *r->leased);
	}
	r->leased_n = to;
	while (k)
		if (i && r->leased[i - 1].s.from > ask->gaps[k - 1].from)
			r->leased[--to] = r->leased[--i];
		else
			r->leased[--to] = (struct leased){ask->gaps[--k], ask->id};
}

/* Nothing beyond that number is leased by it any more. */
static void let_go(struct list_reader *r, uint64_t id, int64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->leased_n; i++) {
		struct leased l = r->leased[i];

		if (l.id == id && l.s.from > to)
			continue;
		if (l.id == id)
			l.s.to = MIN(l.s.to, to);
		r->leased[kept++] = l;
	}
	r->leased_n = kept;
}

void lists_lease(struct engine *e, struct lease_ask *ask)
{
	struct list_reader *r = reader_of(e, ask->user, ask->kind);
	struct lease_live *l = ask->id ? *lease_at(r, ask->id) : NULL;

	if (ask->raise)
		raise(r, ask->edge);

	ask->n = 0;
	ask->needs_edge = r->mark < 0 && ask->edge < 0;
	ask->full = r->n >= STRETCHES_MAX;
	if (ask->needs_edge || (ask->id && !l))
		return;
	if (r->mark < 0)
		r->mark = ask->edge;
	ask->n = gaps_from(r, MAX(r->mark, ask->after) + 1, ask->kind == LIST_MO ? e->mos.last : e->seq, ask->gaps);
	if (!ask->n)
		return;
	if (!l) {
		l = xnew(struct lease_live);
		l->id = ask->id = ++last_lease;
		l->next = r->leases;
		r->leases = l;
	}
	l->until = e->now + LEASE_MS;
	hold(r, ask);
}

void lists_narrow(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, int64_t to)
{
	let_go(reader_of(e, user, kind), id, to);
}

static void add_read(struct list_reader *r, struct stretch s)
{
	size_t i = 0;

	while (i < r->n && r->read[i].to < s.from - 1)
		i++;
	/* Swallow what it touches. */
	size_t k = i;
	while (k < r->n && r->read[k].from <= s.to + 1) {
		s.from = MIN(s.from, r->read[k].from);
		s.to = MAX(s.to, r->read[k].to);
		k++;
	}
	if (k == i && r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 16;
		r->read = xrealloc(r->read, r->cap, sizeof *r->read);
	}
	memmove(&r->read[i + 1], &r->read[k], (r->n - k) * sizeof *r->read);
	r->n = r->n - (k - i) + 1;
	r->read[i] = s;
	if (r->read[0].from <= r->mark + 1) {
		r->mark = MAX(r->mark, r->read[0].to);
		memmove(r->read, r->read + 1, --r->n * sizeof *r->read);
	}
}

static void end(struct list_reader *r, struct lease_live **at)
{
	struct lease_live *l = *at;

	*at = l->next;
	let_go(r, l->id, -1);
	free(l);
}

void lists_end(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, const struct stretch *consumed, size_t n)
{
	struct list_reader *r = reader_of(e, user, kind);
	struct lease_live **at = lease_at(r, id);

	if (!*at)
		return; /* ran out: somebody may have been given the same numbers again */
	for (size_t i = 0, k = 0; i < n; i++) {
		while (k < r->leased_n && r->leased[k].s.to < consumed[i].from)
			k++;
		if (k < r->leased_n && r->leased[k].id == id && r->leased[k].s.from <= consumed[i].from &&
		    r->leased[k].s.to >= consumed[i].to)
			add_read(r, consumed[i]);
	}
	end(r, at);
	if (n)
		save(e, r);
}

static bool expire(void *ctx, uint64_t key, uint64_t value)
{
	struct engine *e = ctx;
	struct list_reader *r = (void *)(uintptr_t)value;

	(void)key;
	for (struct lease_live **at = &r->leases; *at;)
		if ((*at)->until > e->now)
			at = &(*at)->next;
		else
			end(r, at);
	return true;
}

void lists_second(struct engine *e) { map_each(e->readers, expire, e); }

static bool set_back(void *ctx, uint64_t key, uint64_t value)
{
	struct list_reader *r = (void *)(uintptr_t)value;

	(void)key;
	for (struct lease_live *l = r->leases; l; l = l->next)
		l->until -= *(const int64_t *)ctx;
	return true;
}

void lists_set_back(struct engine *e, int64_t by) { map_each(e->readers, set_back, &by); }
