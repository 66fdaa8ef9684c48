/* list_reader.c - see list_reader.h: kept in memory once it was asked for, and in the store as one value:
 *
 *   mark, stretches read of all, then for each sub-account of which more is read: OF_SUB_ACCOUNT and its number, stretches read of it */
#include "core/list_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"

#define OF_SUB_ACCOUNT -1 /* in the place of a stretch's begin */

bool list_reader_free(void *ctx, uint64_t key, uint64_t value)
{
	struct list_reader *r = (void *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	for (struct lease_live *l = r->leases, *next; l; l = next) {
		next = l->next;
		free(l);
	}
	stretches_free(&r->read);
	sub_reads_free(r->subs, r->sub_n);
	free(r->leased);
	free(r);
	return true;
}

static void name_of(char name[32], const struct list_reader *r)
{
	snprintf(name, 32, r->kind == LIST_MO ? "mo/%u" : "list/%u", r->user);
}

/* -- sub-accounts by themselves ------------------------------------------------------------------------------------- */

static size_t sub_place(const struct sub_read *s, size_t n, uint32_t sub_account)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s[mid].sub_account < sub_account)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct stretches *sub_reads_of(const struct sub_read *s, size_t n, uint32_t sub_account)
{
	size_t i = sub_place(s, n, sub_account);

	return i < n && s[i].sub_account == sub_account ? &s[i].read : NULL;
}

/* Where what is read by such a lease belongs. */
struct stretches *list_reader_track(struct list_reader *r, uint32_t sub_account)
{
	size_t i = sub_place(r->subs, r->sub_n, sub_account);

	if (!sub_account)
		return &r->read;
	if (i == r->sub_n || r->subs[i].sub_account != sub_account) {
		r->subs = xrealloc(r->subs, r->sub_n + 1, sizeof *r->subs);
		memmove(&r->subs[i + 1], &r->subs[i], (r->sub_n++ - i) * sizeof *r->subs);
		r->subs[i] = (struct sub_read){.sub_account = sub_account};
	}
	return &r->subs[i].read;
}

void sub_reads_free(struct sub_read *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		stretches_free(&s[i].read);
	free(s);
}

bool sub_reads_have(const struct sub_read *s, size_t n, uint32_t sub_account, int64_t number)
{
	const struct stretches *read = sub_reads_of(s, n, sub_account);

	return read && stretches_have(read, number);
}

/* -- on disk -------------------------------------------------------------------------------------------------------- */

static void load(struct list_reader *r, struct str s)
{
	struct stretches *to = &r->read;

	r->mark = (int64_t)le_get(s.p, 8);
	for (size_t at = 8; at + 16 <= s.n; at += 16) {
		struct stretch x = {(int64_t)le_get(s.p + at, 8), (int64_t)le_get(s.p + at + 8, 8)};

		if (x.from == OF_SUB_ACCOUNT)
			to = list_reader_track(r, (uint32_t)x.to);
		else
			stretches_add(to, x);
	}
}

static void put_stretch(struct buf *b, struct stretch s)
{
	unsigned char le[16];

	le_put(le, (uint64_t)s.from, 8);
	le_put(le + 8, (uint64_t)s.to, 8);
	buf_put(b, le, sizeof le);
}

void list_reader_save(struct engine *e, const struct list_reader *r)
{
	struct buf b = BUF_INIT;
	unsigned char mark[8];
	char name[32];

	le_put(mark, (uint64_t)r->mark, sizeof mark);
	buf_put(&b, mark, sizeof mark);
	for (size_t i = 0; i < r->read.n; i++)
		put_stretch(&b, r->read.a[i]);
	for (size_t k = 0; k < r->sub_n; k++) {
		const struct sub_read *sub = &r->subs[k];

		if (sub->read.n)
			put_stretch(&b, (struct stretch){OF_SUB_ACCOUNT, sub->sub_account});
		for (size_t i = 0; i < sub->read.n; i++)
			put_stretch(&b, sub->read.a[i]);
	}
	name_of(name, r);
	engine_batch(e);
	e->ops->mark(e->store, name, buf_view(&b));
	buf_done(&b);
}

struct list_reader *list_reader_of(struct engine *e, uint32_t user, enum list_kind kind)
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
	if (e->ops->mark_get(e->store, name, &b) && b.n >= 8)
		load(r, buf_view(&b));
	buf_done(&b);
	map_set_ptr(e->readers, key, r);
	return r;
}

/* -- the mark ------------------------------------------------------------------------------------------------------- */

void list_reader_raise(struct list_reader *r, int64_t edge)
{
	size_t i = 0;

	r->mark = MAX(r->mark, edge);
	for (; i < r->read.n && r->read.a[i].from <= r->mark + 1; i++)
		r->mark = MAX(r->mark, r->read.a[i].to);
	stretches_drop(&r->read, r->mark);
	for (size_t k = 0; k < r->sub_n; k++)
		stretches_drop(&r->subs[k].read, r->mark);
}

size_t list_reader_stretches(const struct list_reader *r)
{
	size_t n = r->read.n;

	for (size_t k = 0; k < r->sub_n; k++)
		n += r->subs[k].read.n;
	return n;
}
