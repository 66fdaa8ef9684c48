/* lists.c - readers' cursors, one a user and list. "Never missed; handed out again only if connection or process died after the answer began":
 * a call leases a gap of unread numbers, an answer that has arrived consumes it, an abort or 30 s release it.
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
	struct stretch s;
	int64_t until;
};
struct list_reader {
	uint32_t user;
	enum list_kind kind;
	int64_t mark;
	struct stretch *read; /* beyond the mark, ascending, apart from each other */
	size_t n, cap;
	struct lease_live *leases;
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
	free(r);
	return true;
}

void lists_done(struct engine *e)
{
	map_each(e->readers, free_reader, NULL);
	map_free(e->readers);
}

static int64_t take_i64(const char *p)
{
	int64_t v;

	memcpy(&v, p, sizeof v);
	return (int64_t)le64toh((uint64_t)v);
}

static void put_i64(struct buf *b, int64_t v)
{
	uint64_t le = htole64((uint64_t)v);

	buf_put(b, &le, sizeof le);
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

/* First number above `at` that is neither read nor leased; *end = the last one before something that is. */
static int64_t first_gap(const struct list_reader *r, int64_t at, int64_t head, int64_t *end)
{
	bool moved = true;

	at++;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < r->n; i++)
			if (at >= r->read[i].from && at <= r->read[i].to) {
				at = r->read[i].to + 1;
				moved = true;
			}
		for (struct lease_live *l = r->leases; l; l = l->next)
			if (at >= l->s.from && at <= l->s.to) {
				at = l->s.to + 1;
				moved = true;
			}
	}
	*end = head;
	for (size_t i = 0; i < r->n; i++)
		if (r->read[i].from > at)
			*end = MIN(*end, r->read[i].from - 1);
	for (struct lease_live *l = r->leases; l; l = l->next)
		if (l->s.from > at)
			*end = MIN(*end, l->s.from - 1);
	return at;
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

void lists_lease(struct engine *e, struct lease_ask *ask)
{
	struct list_reader *r = reader_of(e, ask->user, ask->kind);
	struct lease_live *l;
	int64_t from, end;

	if (ask->raise)
		raise(r, ask->edge);

	ask->id = 0;
	ask->needs_edge = r->mark < 0 && ask->edge < 0;
	ask->full = r->n >= STRETCHES_MAX;
	if (ask->needs_edge)
		return;
	if (r->mark < 0)
		r->mark = ask->edge;
	from = first_gap(r, MAX(r->mark, ask->after), ask->kind == LIST_MO ? e->mos.last : e->seq, &end);
	if (from > end)
		return;
	l = xnew(struct lease_live);
	l->id = ask->id = ++last_lease;
	l->s = ask->gap = (struct stretch){from, end};
	l->until = e->now + LEASE_MS;
	l->next = r->leases;
	r->leases = l;
}

static struct lease_live **lease_at(struct list_reader *r, uint64_t id)
{
	struct lease_live **at = &r->leases;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

void lists_narrow(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, int64_t to)
{
	struct lease_live **at = lease_at(reader_of(e, user, kind), id);

	if (*at)
		(*at)->s.to = MIN((*at)->s.to, to);
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

void lists_end(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, const struct stretch *consumed, size_t n)
{
	struct list_reader *r = reader_of(e, user, kind);
	struct lease_live **at = lease_at(r, id), *l = *at;

	if (!l)
		return; /* ran out: somebody may have been given the same numbers again */
	*at = l->next;
	for (size_t i = 0; i < n; i++)
		if (consumed[i].from >= l->s.from && consumed[i].to <= l->s.to)
			add_read(r, consumed[i]);
	free(l);
	if (n)
		save(e, r);
}

static bool expire(void *ctx, uint64_t key, uint64_t value)
{
	struct engine *e = ctx;
	struct list_reader *r = (void *)(uintptr_t)value;

	(void)key;
	for (struct lease_live **at = &r->leases; *at;) {
		struct lease_live *l = *at;

		if (l->until > e->now) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		free(l);
	}
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
