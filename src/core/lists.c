/* lists.c - readers' cursors, one a user and list. "Never missed; handed out again only if connection or process died after the answer began":
 * a call leases the gaps between what is read and leased, an answer that has arrived consumes them, an abort or 30 s release them.
 *
 *   ------ mark ======consumed====== ....gap.... ##leased## ....gap....  head
 *
 * The mark moves up as consumed stretches touch it; mark and stretches are stored as one small value per user. An administrator's calls
 * for one sub-account consume what they looked at for that sub-account alone, so that nothing of the others is passed over and no holes
 * remain however long he asks so: such stretches are kept beside, until the mark has passed them. */
#include "core/list_reader.h"

#include <stdlib.h>

#define LEASE_MS 30000
#define STRETCHES_MAX 16384 /* filters leave holes; this many, and no more filtered answers are given */

static uint64_t last_lease; /* engine thread only */

void lists_init(struct engine *e) { e->readers = map_new(); }

void lists_done(struct engine *e)
{
	map_each(e->readers, list_reader_free, NULL);
	map_free(e->readers);
}

/* -- leases --------------------------------------------------------------------------------------------------------- */

/* What is leased for all is nobody else's; what is for one sub-account is in the way of that one and of calls for all. */
static bool in_the_way(const struct leased *l, uint32_t sub_account)
{
	return !l->sub_account || !sub_account || l->sub_account == sub_account;
}

static const struct stretch *sooner(const struct stretch *a, const struct stretch *b)
{
	return !a || (b && b->from < a->from) ? b : a;
}

/* The stretches from that number up to the head that are neither read nor leased. */
static size_t gaps_from(const struct list_reader *r, uint32_t sub_account, int64_t at, int64_t head,
			struct stretch gaps[LEASE_GAPS])
{
	const struct stretches *sub = sub_reads_of(r->subs, r->sub_n, sub_account);
	size_t n = 0, k = 0;

	while (n < LEASE_GAPS && at <= head) {
		const struct stretch *taken = NULL;
		size_t i = stretches_at(&r->read, at), s = sub ? stretches_at(sub, at) : 0;

		while (k < r->leased_n && (r->leased[k].s.to < at || !in_the_way(&r->leased[k], sub_account)))
			k++;
		if (i < r->read.n)
			taken = &r->read.a[i];
		if (sub && s < sub->n)
			taken = sooner(taken, &sub->a[s]);
		if (k < r->leased_n)
			taken = sooner(taken, &r->leased[k].s);
		if (!taken || at < taken->from)
			gaps[n++] = (struct stretch){at, taken ? MIN(taken->from - 1, head) : head};
		if (!taken)
			break;
		at = taken->to + 1;
	}
	return n;
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
			r->leased[--to] = (struct leased){ask->gaps[--k], ask->id, ask->sub_account};
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
	struct list_reader *r = list_reader_of(e, ask->user, ask->kind);
	struct lease_live *l = ask->id ? *lease_at(r, ask->id) : NULL;

	if (ask->raise)
		list_reader_raise(r, ask->edge);

	ask->n = 0;
	ask->needs_edge = r->mark < 0 && ask->edge < 0;
	ask->full = list_reader_stretches(r) >= STRETCHES_MAX;
	if (ask->needs_edge || (ask->id && !l))
		return;
	if (r->mark < 0)
		r->mark = ask->edge;
	ask->n = gaps_from(r, ask->sub_account, MAX(r->mark, ask->after) + 1,
			   ask->kind == LIST_MO ? e->mos.last : e->seq, ask->gaps);
	if (!ask->n)
		return;
	if (!l) {
		l = xnew(struct lease_live);
		l->id = ask->id = ++last_lease;
		l->sub_account = ask->sub_account;
		l->next = r->leases;
		r->leases = l;
	}
	l->until = e->now + LEASE_MS;
	hold(r, ask);
}

struct sub_read *lists_sub_reads(struct engine *e, const struct lease_ask *ask, size_t *n)
{
	const struct list_reader *r = list_reader_of(e, ask->user, ask->kind);
	struct sub_read *ret = NULL;

	*n = 0;
	if (ask->sub_account || !ask->n)
		return NULL;
	for (size_t i = 0; i < r->sub_n; i++) {
		const struct stretches *from = &r->subs[i].read;
		size_t k = stretches_at(from, ask->gaps[0].from);

		if (k == from->n || from->a[k].from > ask->gaps[ask->n - 1].to)
			continue;
		if (!ret)
			ret = xcalloc(r->sub_n, sizeof *ret);
		ret[*n].sub_account = r->subs[i].sub_account;
		for (; k < from->n && from->a[k].from <= ask->gaps[ask->n - 1].to; k++)
			stretches_add(&ret[*n].read, from->a[k]);
		++*n;
	}
	return ret;
}

void lists_narrow(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, int64_t to)
{
	let_go(list_reader_of(e, user, kind), id, to);
}

static void end(struct list_reader *r, struct lease_live **at)
{
	struct lease_live *l = *at;

	*at = l->next;
	let_go(r, l->id, -1);
	free(l);
}

/* The stretch is inside one that this lease has. */
static bool is_leased(const struct list_reader *r, uint64_t id, struct stretch s)
{
	for (size_t k = 0; k < r->leased_n && r->leased[k].s.from <= s.from; k++)
		if (r->leased[k].id == id && r->leased[k].s.to >= s.to)
			return true;
	return false;
}

void lists_end(struct engine *e, uint32_t user, enum list_kind kind, uint64_t id, const struct stretch *consumed, size_t n)
{
	struct list_reader *r = list_reader_of(e, user, kind);
	struct lease_live **at = lease_at(r, id);

	if (!*at)
		return; /* ran out: somebody may have been given the same numbers again */
	for (size_t i = 0; i < n; i++)
		if (is_leased(r, id, consumed[i]))
			stretches_add(list_reader_track(r, (*at)->sub_account), consumed[i]);
	list_reader_raise(r, r->mark);
	end(r, at);
	if (n)
		list_reader_save(e, r);
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
