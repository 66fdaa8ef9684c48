/* list_walk.c - how a call of a list goes through what its user has not read (lists.c), and how its lease ends.
 *
 *   lease gaps --> read them --> full, or nothing more? --yes--> answer --> consumed, or released
 *        ^             | no: the rest of the gaps is free again
 *        +-------------+
 *
 * Filters leave holes, and others lease in between: an answer is made of as many gaps as it takes. Gaps without anything for this user are
 * consumed with the rest, unless a filter asked to leave them. A call looks at so many rows, and asks the engine so many times. */
#include <errno.h>
#include <stdlib.h>

#include "base/time.h"
#include "core/ask.h"

#define ROWS_A_LOOK \
	200000 /* passed over until the engine is asked again; the last look of an answer that has entries */
#define LOOKS_MAX 64

bool walk_looks(struct list_walk *w, int64_t number)
{
	if (w->n == w->limit || w->looked == ROWS_A_LOOK) {
		w->whole = false;
		return false;
	}
	w->looked++;
	w->last = number;
	return true;
}

bool walk_was_listed(const struct list_walk *w, uint32_t sub_account)
{
	return sub_reads_have(w->subs, w->sub_n, sub_account, w->last);
}

void walk_lists(struct list_walk *w) { w->numbers[w->n++] = w->last; }

/* -- asking --------------------------------------------------------------------------------------------------------- */

static void do_lease(struct engine *e, struct ask *a)
{
	lists_lease(e, &a->lease);
	a->subs = lists_sub_reads(e, &a->lease, &a->sub_n);
}

static void do_narrow(struct engine *e, struct ask *a)
{
	lists_narrow(e, a->lease.user, a->lease.kind, a->lease.id, a->to);
}

static int ask_engine(struct list_walk *w, void (*fn)(struct engine *e, struct ask *a), int64_t to, int64_t until)
{
	int64_t left = until - wall_ms();
	struct ask *a;
	int r;

	if (left <= 0)
		return -ETIMEDOUT;
	a = ask_new(fn, NULL, 0);
	a->lease = w->ask;
	a->to = to;
	r = ask_wait(w->q, a, left);
	if (r == 0) {
		w->ask = a->lease;
		w->head = a->head;
	}
	if (r == 0 && fn == do_lease) {
		sub_reads_free(w->subs, w->sub_n);
		w->subs = a->subs;
		w->sub_n = a->sub_n;
		a->subs = NULL;
		a->sub_n = 0;
	}
	ask_put(a);
	return r;
}

/* -- reading -------------------------------------------------------------------------------------------------------- */

static void add(struct lease *l, struct stretch s)
{
	if (s.from > s.to)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->consumed = xrealloc(l->consumed, l->cap, sizeof *l->consumed);
	}
	l->consumed[l->n++] = s;
}

/* What of the gap the answer covers: all that was looked at, or just what is listed when a filter leaves the rest. */
static void cover(struct list_walk *w, struct lease *l, struct stretch gap, size_t listed_before)
{
	for (size_t i = listed_before; w->filtered && i < w->n; i++)
		add(l, (struct stretch){w->numbers[i], w->numbers[i]});
	if (!w->filtered)
		add(l, (struct stretch){gap.from, w->whole ? gap.to : w->last});
}

/* The gaps that were leased. *more: the answer is not full, and there may be more behind them. */
static int read_gaps(struct list_walk *w, struct lease *l, int64_t until, bool *more)
{
	int r = 0;

	w->looked = 0;
	w->whole = true;
	for (size_t i = 0; i < w->ask.n && w->whole; i++) {
		struct stretch gap = w->ask.gaps[i];
		size_t before = w->n;
		int64_t left = until - wall_ms();

		w->last = gap.from - 1;
		r = left > 0 ? w->read(w, gap, left) : -ETIMEDOUT;
		if (r < 0)
			return r;
		cover(w, l, gap, before);
		w->ask.after = w->whole ? gap.to : w->last;
	}
	*more = w->whole ? w->ask.n == LEASE_GAPS : !w->n;
	if (w->filtered)
		r = ask_engine(w, do_narrow, w->n ? w->numbers[w->n - 1] : -1, until);
	else if (!w->whole)
		r = ask_engine(w, do_narrow, w->ask.after, until);
	return r;
}

static int walk(struct list_walk *w, struct lease **ret, int64_t until)
{
	bool more = true;
	int r = 0;

	for (int look = 0; more && look < LOOKS_MAX; look++) {
		r = ask_engine(w, do_lease, 0, until);
		if (r < 0)
			break;
		if (w->ask.needs_edge) {
			w->ask.edge = w->edge(w);
			continue;
		}
		if (!w->ask.n)
			break;
		if (!*ret) {
			*ret = xnew(struct lease);
			(*ret)->user = w->ask.user;
			(*ret)->kind = w->ask.kind;
			(*ret)->id = w->ask.id;
		}
		r = w->filtered && w->ask.full ? -ENOSPC : read_gaps(w, *ret, until, &more);
		if (r < 0)
			break;
	}
	return r;
}

ssize_t walk_list(struct list_walk *w, struct lease **ret, int64_t deadline_ms)
{
	int r;

	*ret = NULL;
	r = walk(w, ret, wall_ms() + deadline_ms);
	sub_reads_free(w->subs, w->sub_n);
	w->subs = NULL;
	w->sub_n = 0;
	if (*ret && (r < 0 || !w->n)) {
		if (r == 0 && (*ret)->n)
			lease_consume(w->q->e, *ret, NULL, NULL);
		else
			lease_release(w->q->e, *ret);
		*ret = NULL;
	}
	return r < 0 ? r : (ssize_t)w->n;
}

/* -- the end -------------------------------------------------------------------------------------------------------- */

struct lease_end {
	struct call call;
	struct lease *lease;
	bool consume;
	void (*done)(void *ctx);
	void *ctx;
};

static void do_end(struct engine *e, struct call *c)
{
	struct lease_end *l = (struct lease_end *)c;

	lists_end(e, l->lease->user, l->lease->kind, l->lease->id, l->lease->consumed, l->consume ? l->lease->n : 0);
}

static void end_done(struct call *c)
{
	struct lease_end *l = (struct lease_end *)c;

	if (l->done)
		l->done(l->ctx);
	free(l->lease->consumed);
	free(l->lease);
	free(l);
}

static void end_lease(struct engine *e, struct lease *take, bool consume, void (*done)(void *ctx), void *ctx)
{
	struct lease_end *l = xnew(struct lease_end);

	l->call.in.kind = INPUT_CALL;
	l->call.fn = do_end;
	l->call.done = end_done;
	l->lease = take;
	l->consume = consume;
	l->done = done;
	l->ctx = ctx;
	engine_post(e, &l->call.in, true);
}

void lease_consume(struct engine *e, struct lease *take, void (*done)(void *ctx), void *ctx)
{
	end_lease(e, take, true, done, ctx);
}

void lease_release(struct engine *e, struct lease *take) { end_lease(e, take, false, NULL, NULL); }
