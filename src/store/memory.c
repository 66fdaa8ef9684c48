/* The memory driver: store.h's contract without a disk, for the simulation and as the second opinion on the SQLite driver. A batch
 * is staged beside the committed rows until commit(), so that a crash is dropping what is staged; see memory.h for what tests may
 * do to it. Messages and events are here; reading them is in memory_read.c, other rows are in memory_live.c and memory_mo.c. */
#include "store/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "store/memory_rows.h"

/* -- content ------------------------------------------------------------------------------------------------------- */

static struct content *content_new(void)
{
	struct content *c = xnew(struct content);
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE); /* a reader's callback may read */
	pthread_mutex_init(&c->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	c->deliveries.value_free = kept_free;
	c->due.value_free = c->hooks.value_free = c->parked.value_free = free;
	c->mos.value_free = c->mo_parts.value_free = c->idems.value_free = c->marks.value_free = free;
	c->ledger.value_free = c->balances.value_free = free;
	rng_bytes(&c->hash_key, sizeof(c->hash_key));
	return c;
}

static void content_free(struct content *c)
{
	struct table *const all[] = {&c->deliveries, &c->due,   &c->hooks, &c->parked, &c->mos,
				     &c->mo_parts,   &c->idems, &c->marks, &c->ledger, &c->balances};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		table_done(all[i]);
	for (size_t i = 0; i < c->event_count; i++)
		free(c->events[i]);
	free(c->events);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* -- the open batch ------------------------------------------------------------------------------------------------ */

static void note(struct memory *m, enum operation_kind kind, void *value, struct row_key key)
{
	if (m->op_count == m->op_cap) {
		m->op_cap = m->op_cap ? 2 * m->op_cap : 64;
		m->ops_done = xrealloc(m->ops_done, m->op_cap, sizeof(*m->ops_done));
	}
	m->ops_done[m->op_count++] = (struct operation){kind, value, key};
}

/* The row to write in, marked as the batch's. */
static struct row *touch(struct memory *m, struct table *t, struct row_key key)
{
	struct row *r = table_put(t, key);

	if (r->touched)
		return r;
	if (m->touched_count == m->touched_cap) {
		m->touched_cap = m->touched_cap ? 2 * m->touched_cap : 64;
		m->touched = xrealloc(m->touched, m->touched_cap, sizeof(*m->touched));
	}
	m->touched[m->touched_count++] = (struct touched){r, t};
	r->touched = true;
	return r;
}

void memory_stage(struct memory *m, struct table *t, struct row_key key, void *take)
{
	struct row *r = touch(m, t, key);

	t->value_free(r->open);
	r->open = take;
}

static void memory_begin(struct store *s)
{
	struct memory *m = of(s);

	ASSERT(!m->open);
	m->open = true;
}

static void memory_accept(struct store *s, const struct delivery *d)
{
	struct memory *m = of(s);
	struct kept *k;

	if (!taking(m))
		return;
	lock(m);
	ASSERT(m->c->deliveries.n == 0 || m->c->deliveries.a[m->c->deliveries.n - 1]->key.k[0] < d->key);
	k = xnew(struct kept);
	k->d = delivery_copy(d);
	memory_stage(m, &m->c->deliveries, (struct row_key){{d->key}}, k);
	given_out(m->c, MAX(d->key, d->batch));
	note(m, OP_ACCEPT, m->observer.accept ? delivery_copy(d) : NULL, (struct row_key){{d->key}});
	unlock(m);
}

static void memory_event(struct store *s, const struct event *e)
{
	struct memory *m = of(s);
	struct content *c = m->c;

	if (!taking(m))
		return;
	lock(m);
	ASSERT(e->seq > c->last_seq);
	if (c->event_count == c->event_cap) {
		c->event_cap = c->event_cap ? 2 * c->event_cap : 256;
		c->events = xrealloc(c->events, c->event_cap, sizeof(struct event *));
	}
	c->events[c->event_count] = copy_of(e, sizeof(*e));
	c->last_seq = e->seq;
	note(m, OP_EVENT, c->events[c->event_count++], (struct row_key){{0}});
	unlock(m);
}

void memory_set(struct store *s, struct table *t, struct row_key key, void *take, enum operation_kind kind, void *told)
{
	struct memory *m = of(s);

	if (!taking(m)) {
		free(take);
		free(told);
		return;
	}
	lock(m);
	memory_stage(m, t, key, take);
	note(m, kind, told, key);
	unlock(m);
}

/* Only the moving half moves; it goes through its blob, as it would on disk. */
static bool merge_one(struct memory *m, const struct delivery *d, const int64_t *seqs, size_t n)
{
	struct row *r = table_find(&m->c->deliveries, (struct row_key){{d->key}});
	struct buf blob = BUF_INIT;
	struct kept *k;
	const struct kept *from = r ? row_seen(r) : NULL;

	if (!from)
		return false;
	if (!r->touched) {
		k = xnew(struct kept);
		k->d = delivery_copy(from->d);
		k->seqs = xcalloc(from->n + n, sizeof(*k->seqs));
		k->n = from->n;
		if (from->n > 0)
			memcpy(k->seqs, from->seqs, from->n * sizeof(*k->seqs));
		memory_stage(m, &m->c->deliveries, r->key, k);
	} else {
		k = r->open;
		k->seqs = xrealloc(k->seqs, k->n + n + 1, sizeof(*k->seqs));
	}
	delivery_state_write(d, &blob);
	ASSERT(delivery_state_read(k->d, buf_view(&blob)) == 0);
	if (delivery_redacts(k->d))
		delivery_redact(k->d);
	buf_done(&blob);
	for (size_t i = 0; i < n; i++) {
		ASSERT(k->n == 0 || k->seqs[k->n - 1] < seqs[i]);
		k->seqs[k->n++] = seqs[i];
	}
	return true;
}

static void memory_merge(struct store *s, const struct delivery *const *d, const int64_t *const *seqs,
			 const size_t *seq_counts, size_t n)
{
	struct memory *m = of(s);

	if (!taking(m))
		return;
	lock(m);
	for (size_t i = 0; i < n && m->failed == 0; i++) {
		ASSERT(i == 0 || d[i - 1]->key < d[i]->key);
		if (!merge_one(m, d[i], seqs[i], seq_counts[i]))
			m->failed = -ENOENT;
		note(m, OP_OTHER, NULL, (struct row_key){{0}});
	}
	unlock(m);
}

static void batch_end(struct memory *m)
{
	for (size_t i = 0; i < m->op_count; i++) {
		if (m->ops_done[i].kind == OP_ACCEPT)
			delivery_free(m->ops_done[i].value);
		else if (m->ops_done[i].kind != OP_EVENT)
			free(m->ops_done[i].value);
	}
	for (size_t i = 0; i < m->touched_count; i++)
		m->touched[i].row->touched = false;
	for (size_t i = 0; i < m->touched_count; i++)
		if (!m->touched[i].row->now)
			m->touched[i].table->holes = true;
	m->touched_count = m->op_count = 0;
	m->open = false;
	struct table *const all[] = {&m->c->deliveries, &m->c->due,      &m->c->hooks, &m->c->parked,
				     &m->c->mos,        &m->c->mo_parts, &m->c->idems, &m->c->marks,
				     &m->c->ledger,     &m->c->balances};
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (all[i]->holes)
			table_sweep(all[i]);
}

static void rollback(struct memory *m)
{
	struct content *c = m->c;

	for (size_t i = 0; i < m->touched_count; i++) {
		m->touched[i].table->value_free(m->touched[i].row->open);
		m->touched[i].row->open = NULL;
	}
	while (c->event_count > c->events_now)
		free(c->events[--c->event_count]);
	c->last_key = c->last_key_now;
	c->last_seq = c->last_seq_now;
	batch_end(m);
}

static void tell(const struct memory *m)
{
	const struct store_memory_observer *o = &m->observer;

	for (size_t i = 0; i < m->op_count; i++) {
		const struct operation *op = &m->ops_done[i];

		if (op->kind == OP_ACCEPT && o->accept && op->value)
			o->accept(o->ctx, op->value);
		else if (op->kind == OP_EVENT && o->event)
			o->event(o->ctx, op->value);
		else if (op->kind == OP_PARK && o->park)
			o->park(o->ctx, op->value);
		else if (op->kind == OP_MO && o->mo)
			o->mo(o->ctx, op->value);
		else if (op->kind == OP_MO_PART && o->mo_part)
			o->mo_part(o->ctx, op->value);
		else if (op->kind == OP_HOOK_SET && o->hook_set)
			o->hook_set(o->ctx, op->value);
		else if (op->kind == OP_HOOK_DEL && o->hook_del)
			o->hook_del(o->ctx, op->key.k[0], (uint8_t)op->key.k[1]);
		else if (op->kind == OP_LEDGER && o->ledger)
			o->ledger(o->ctx, op->value);
	}
	if (o->committed)
		o->committed(o->ctx, m->counts.commits);
}

static void make_durable(struct memory *m)
{
	struct content *c = m->c;

	m->counts.commits++;
	m->counts.empty_commits += m->op_count == 0;
	m->counts.largest_batch = MAX(m->counts.largest_batch, m->op_count);
	for (size_t i = 0; i < m->touched_count; i++) {
		struct row *r = m->touched[i].row;

		m->touched[i].table->value_free(r->now);
		r->now = r->open;
		r->open = NULL;
	}
	c->events_now = c->event_count;
	c->last_key_now = c->last_key;
	c->last_seq_now = c->last_seq;
	tell(m);
	batch_end(m);
}

static int memory_commit(struct store *s, struct err *e)
{
	struct memory *m = of(s);
	bool fails = m->fail_in > 0 && --m->fail_in == 0;

	ASSERT(m->open);
	lock(m);
	if (m->failed == 0 && (!fails || m->fail_how == MEMORY_KEPT))
		make_durable(m);
	else
		rollback(m);
	if (fails && m->failed == 0)
		m->failed = -EIO;
	unlock(m);
	return m->failed ? err_set(e, m->failed, "memory store: a commit failed (%d)", m->failed) : 0;
}

static void memory_idle(struct store *s, int64_t now)
{
	struct memory *m = of(s);

	ASSERT(!m->open);
	if (m->failed)
		return;
	lock(m);
	if (m->options.message_retention_ms > 0)
		memory_retain(m->c, now - m->options.message_retention_ms);
	unlock(m);
}

/* Statuses and messages go together here. */
static void memory_retention(struct store *s, int64_t status_ms, int64_t message_ms)
{
	struct memory *m = of(s);

	lock(m);
	m->options.status_retention_ms = status_ms;
	m->options.message_retention_ms = message_ms;
	unlock(m);
}

static void memory_close(struct store *s)
{
	struct memory *m = of(s);

	if (m->open)
		rollback(m);
	content_free(m->c);
	free(m->touched);
	free(m->ops_done);
	free(m);
}

static struct memory *memory_new(struct content *take, const struct store_options *o)
{
	struct memory *m = xnew(struct memory);

	m->c = take;
	m->options = *o;
	memory_read_ops(&m->ops);
	memory_live_ops(&m->ops);
	memory_mo_ops(&m->ops);
	memory_erase_ops(&m->ops);
	m->ops.begin = memory_begin;
	m->ops.accept = memory_accept;
	m->ops.event = memory_event;
	m->ops.merge = memory_merge;
	m->ops.commit = memory_commit;
	m->ops.idle = memory_idle;
	m->ops.retention = memory_retention;
	m->ops.close = memory_close;
	m->store.ops = &m->ops;
	return m;
}

int store_memory_open(struct store **ret, const struct store_options *o, struct err *e)
{
	(void)e;
	*ret = &memory_new(content_new(), o)->store;
	return 0;
}

/* -- what tests do to it ------------------------------------------------------------------------------------------- */

struct store *store_memory_crash(struct store *s)
{
	struct memory *old = of(s), *new;

	if (old->open)
		rollback(old);
	new = memory_new(old->c, &old->options);
	new->observer = old->observer;
	new->counts = old->counts;
	old->c = content_new();
	old->observer = (struct store_memory_observer){0};
	old->failed = -EIO;
	return &new->store;
}

void store_memory_fail_next(struct store *s, unsigned n, enum memory_failure how)
{
	of(s)->fail_in = n;
	of(s)->fail_how = how;
}

void store_memory_observe(struct store *s, const struct store_memory_observer *o)
{
	of(s)->observer = o ? *o : (struct store_memory_observer){0};
}

struct store_memory_counts store_memory_counts(struct store *s)
{
	struct store_memory_counts n = of(s)->counts;
	const struct content *c = of(s)->c;

	n.deliveries = c->deliveries.n;
	n.events = c->events_now;
	n.due = c->due.n;
	n.hooks = c->hooks.n;
	n.parked = c->parked.n;
	n.mos = c->mos.n;
	n.idems = c->idems.n;
	return n;
}

void store_memory_seed(struct store *s, uint64_t seed)
{
	for (size_t i = 0; i < sizeof(of(s)->c->hash_key); i++)
		of(s)->c->hash_key.k[i] = (unsigned char)(seed >> 8 * (i & 7) ^ i);
}
