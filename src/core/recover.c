/* recover.c - the start: everything that was on its way is on its way again.
 *
 *   row QUEUED            back into its queue, in order; more than a window's worth stays on disk. Scheduled, shut or a retry: its due
 *                         row is in the store, or is put there again when it had left the table for its queue
 *   row SENDING           the attempt has no result: in doubt (EV_DOUBT, "restart"), never sent again silently
 *   row DOUBT             goes on waiting; its due row is in the store
 *   row SENT              waits for its receipt: found by the carrier's id when it comes, nothing to load
 *   unmerged events       applied, kept dirty, merged soon
 *   changes after the webhooks' mark without an outcome and without a row: called (again; at least once)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "core/ring.h"
#include "model/codes.h"

struct recovery {
	struct engine *e;
	size_t queued, doubt, sent, events;
	int64_t *restart; /* keys of attempts without a result */
	size_t restart_n, restart_cap;
	struct due *due; /* of what was due, in the order of keys */
	size_t due_n, due_cap;
};

static void note_restart(struct recovery *r, int64_t key)
{
	if (r->restart_n == r->restart_cap) {
		r->restart_cap = r->restart_cap ? r->restart_cap * 2 : 256;
		r->restart = xrealloc(r->restart, r->restart_cap, sizeof *r->restart);
	}
	r->restart[r->restart_n++] = key;
}

static void note_due(struct recovery *r, const struct delivery *d)
{
	if (r->due_n == r->due_cap) {
		r->due_cap = r->due_cap ? r->due_cap * 2 : 256;
		r->due = xrealloc(r->due, r->due_cap, sizeof *r->due);
	}
	r->due[r->due_n++] = (struct due){engine_queue_of(r->e, d)->id, d->due_at, d->key};
}

static void queue_again(struct recovery *r, struct delivery *d, struct live *lv)
{
	struct engine *e = r->e;

	r->queued++;
	engine_waiting(e, d, 1);
	/* A due row waits for its time; one that was fired already is gone from the table and comes back into it, also when the clock
	 * was set back since. What is paused comes back when it is resumed. */
	if (d->due_at > MAX(e->now, e->latest + MARKS_MS) || delivery_paused(d))
		return;
	if (control_says(e, d) == ORDER_PAUSE) {
		struct live row = {.d = d};

		control_hold(e, lv ? lv : &row, ORDER_PAUSE);
		return;
	}
	if (d->due_at) {
		note_due(r, d);
		return;
	}
	queue_push(&e->queues, engine_queue_of(e, d), d->key);
}

static bool recover_one(void *ctx, struct delivery *d, const struct event *ev, size_t n)
{
	struct recovery *r = ctx;
	struct engine *e = r->e;
	struct live *lv = NULL;
	size_t fresh = 0;

	for (size_t i = 0; i < n; i++)
		if (ev[i].seq > d->last_seq)
			fresh++;
	/* Only what is needed before long is kept in memory. */
	if (fresh || n || d->state == D_SENDING || d->state == D_DOUBT)
		lv = live_add(&e->lives, d);
	for (size_t i = 0; i < n; i++) {
		if (ev[i].seq <= d->last_seq)
			continue;
		delivery_apply(d, &ev[i]);
		live_touch(&e->lives, lv, ev[i].seq, e->now);
	}
	r->events += fresh;
	switch ((enum delivery_state)d->state) {
	case D_QUEUED:
		unfinished_add(e, d->key, 1);
		queue_again(r, d, lv);
		break;
	case D_SENDING:
		unfinished_add(e, d->key, 1);
		e->under_way++;
		receipts_sending(e, d, 1);
		lv->pins++;
		note_restart(r, d->key);
		break;
	case D_DOUBT:
		unfinished_add(e, d->key, 1);
		lv->pins++;
		list_push(&e->receipts.doubt, &lv->doubt);
		r->doubt++;
		break;
	case D_SENT: r->sent++; break;
	case D_DONE:
		if (lv && delivery_redacts(d))
			live_redact(&e->lives, lv);
		break;
	}
	if (!lv)
		delivery_free(d);
	return true;
}

static bool load_due(void *ctx, const struct queue_id *q, int64_t first_at, size_t count)
{
	struct engine *e = ctx;

	(void)count;
	queue_due(&e->queues, queue_of(&e->queues, q), first_at);
	return true;
}

/* -- webhooks: changes after the mark whose outcome is not known ---------------------------------------------------- */

struct open_hooks {
	struct engine *e;
	struct map *open; /* key << 2 | kind -> seq */
	int64_t from;
	size_t n;
};

static bool scan_hook(void *ctx, const struct event *ev)
{
	struct open_hooks *o = ctx;
	uint64_t id, seq;

	o->from = ev->seq + 1;
	o->n++;
	if (event_changes(ev))
		map_set(o->open, (uint64_t)ev->key << 2 | (ev->kind == EV_SENT ? HOOK_SENT : HOOK_DELIVERED),
			(uint64_t)ev->seq);
	else if (ev->kind == EV_RECEIVED)
		map_set(o->open, (uint64_t)ev->key << 2 | HOOK_MO, (uint64_t)ev->seq);
	else if (ev->kind == EV_HOOK_DONE || ev->kind == EV_HOOK_FAILED || ev->kind == EV_HOOK_DEAD) {
		/* A failed call has a row; a newer change than the one told is still open. */
		id = (uint64_t)ev->key << 2 | (unsigned)ev->arg;
		if (map_get(o->open, id, &seq) && (seq <= ev->hash || ev->kind == EV_HOOK_FAILED))
			map_del(o->open, id, NULL);
	}
	return true;
}

static bool gather(void *ctx, uint64_t key, uint64_t seq)
{
	struct buf *b = ctx;
	uint64_t pair[2] = {seq, key};

	buf_put(b, pair, sizeof pair);
	return true;
}

static int by_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool count_row(void *ctx, const struct hook_row *row)
{
	struct engine *e = ctx;

	if (!row->dead)
		hooks_row_found(e, row);
	return true;
}

static void recover_hooks(struct engine *e)
{
	struct open_hooks o = {.e = e, .open = map_new(), .from = store_mark_i64(e->store, "hooks")};
	struct buf pairs = {.max = (size_t)1 << 32};
	size_t before;

	e->ops->hook_list(e->store, 0, INT64_MAX, SIZE_MAX, count_row, e);
	do {
		before = o.n;
		e->ops->events_from(e->store, o.from, 10000, scan_hook, &o);
	} while (o.n > before);
	map_each(o.open, gather, &pairs);
	map_free(o.open);
	if (pairs.n)
		qsort(pairs.p, pairs.n / 16, 16, by_seq);
	for (size_t i = 0; i < pairs.n / 16; i++) {
		uint64_t pair[2];
		int64_t key;
		uint8_t kind;
		struct live *lv;
		struct hook_target t = {0};

		memcpy(pair, pairs.p + i * 16, sizeof pair);
		key = (int64_t)(pair[1] >> 2);
		kind = (uint8_t)(pair[1] & 3);
		if (kind == HOOK_MO) {
			hooks_pend_mo(e, key);
			continue;
		}
		lv = live_get(&e->lives, key);
		if (lv && e->snap)
			t = snapshot_hook(e->snap, lv->d->sub_account, lv->d->user, kind);
		if (t.webhook)
			hooks_pend(e, key, (int64_t)pair[0], kind, t.webhook->id);
	}
	buf_done(&pairs);
}

int recover_all(struct engine *e, struct err *err)
{
	struct recovery r = {.e = e};
	int64_t start = mono_us();
	int n;

	control_recover(e);
	e->latest = store_mark_i64(e->store, "latest");
	e->sweep = store_mark_i64(e->store, "sweep");
	if (!e->sweep)
		e->sweep = uid_key_at(e->now - 2 * e->policy.receipt_wait_ms);
	n = e->ops->recover(e->store, recover_one, &r);
	lives_recovered(&e->lives);
	if (n == 0)
		n = credit_recover(e);
	if (n < 0)
		return err_set(err, n, "the store cannot be read back");
	reach_recover(e);
	e->ops->due_queues(e->store, load_due, e);
	for (size_t i = 0; i < r.due_n; i++)
		engine_due_set(e, &r.due[i].queue, r.due[i].at, r.due[i].key);
	free(r.due);
	n = mo_recover(e, store_mark_i64(e->store, "mo_parts"), store_mark_i64(e->store, "mo_wishes"));
	if (n < 0)
		return err_set(err, n, "the store cannot be read back");
	recover_hooks(e);
	for (size_t i = 0; i < r.restart_n; i++) {
		struct live *lv = live_get(&e->lives, r.restart[i]);
		struct fact f = {.kind = FACT_RESTART};

		if (lv)
			engine_step(e, lv, &f);
	}
	free(r.restart);
	if (e->batch) {
		credit_flush(e);
		e->batch = false;
		n = e->ops->commit(e->store, err);
		if (n < 0)
			return n;
	}
	metric_set(M_IN_DOUBT_NOW, (int64_t)e->receipts.doubt.count);
	log_info("recovered", "queued=%zu in_doubt=%zu awaiting_receipt=%zu events=%zu ms=%lld", r.queued,
		 r.doubt + r.restart_n, r.sent, r.events, (long long)((mono_us() - start) / 1000));
	return 0;
}
