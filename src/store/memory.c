/* The memory driver: store.h's contract without a disk, for the simulation and as the second opinion on the SQLite driver. A batch
 * is staged beside the committed rows until commit(), so that a crash is dropping what is staged; see memory.h for what tests may
 * do to it. Reading is in memory_read.c. */
#include "store/memory.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "store/memory_rows.h"

static struct memory *of(struct store *s) { return OWNER(struct memory, store, s); }
static void lock(struct memory *m) { pthread_mutex_lock(&m->c->lock); }
static void unlock(struct memory *m) { pthread_mutex_unlock(&m->c->lock); }

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

static void *copy_of(const void *p, size_t n)
{
	void *copy = xcalloc(1, n);

	memcpy(copy, p, n);
	return copy;
}

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

static void stage(struct memory *m, struct table *t, struct row_key key, void *take)
{
	struct row *r = touch(m, t, key);

	t->value_free(r->open);
	r->open = take;
}

/* Every operation: false when the store takes nothing more. Outside a batch is a mistake of the caller's. */
static bool taking(struct memory *m)
{
	ASSERT(m->open);
	return m->failed == 0;
}

static void memory_begin(struct store *s)
{
	struct memory *m = of(s);

	ASSERT(!m->open);
	m->open = true;
}

static void given_out(struct content *c, int64_t key) { c->last_key = MAX(c->last_key, key); }

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
	stage(m, &m->c->deliveries, (struct row_key){{d->key}}, k);
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

static struct row_key due_key(const struct due *d)
{
	return (struct row_key){{d->at, d->key, (int64_t)((uint64_t)d->queue.route << 32 | d->queue.sub_account),
				 d->queue.lane}};
}

static void set(struct store *s, struct table *t, struct row_key key, void *take, enum operation_kind kind, void *told)
{
	struct memory *m = of(s);

	if (!taking(m)) {
		free(take);
		free(told);
		return;
	}
	lock(m);
	stage(m, t, key, take);
	note(m, kind, told, key);
	unlock(m);
}

static void memory_due_set(struct store *s, const struct due *d)
{
	set(s, &of(s)->c->due, due_key(d), copy_of(d, sizeof(*d)), OP_OTHER, NULL);
}

static void memory_due_del(struct store *s, const struct due *d)
{
	set(s, &of(s)->c->due, due_key(d), NULL, OP_OTHER, NULL);
}

static void memory_hook_set(struct store *s, const struct hook_row *h)
{
	set(s, &of(s)->c->hooks, (struct row_key){{h->key, h->kind}}, copy_of(h, sizeof(*h)), OP_HOOK_SET,
	    copy_of(h, sizeof(*h)));
}

static void memory_hook_del(struct store *s, int64_t key, uint8_t kind)
{
	set(s, &of(s)->c->hooks, (struct row_key){{key, kind}}, NULL, OP_HOOK_DEL, NULL);
}

static void memory_park(struct store *s, const struct parked_row *p)
{
	set(s, &of(s)->c->parked, (struct row_key){{p->id}}, copy_of(p, sizeof(*p)), OP_PARK, copy_of(p, sizeof(*p)));
}

static void memory_unpark(struct store *s, int64_t id)
{
	set(s, &of(s)->c->parked, (struct row_key){{id}}, NULL, OP_OTHER, NULL);
}

static void memory_mo(struct store *s, const struct mo *m)
{
	set(s, &of(s)->c->mos, (struct row_key){{m->key}}, mo_copy(m), OP_MO, mo_copy(m));
	given_out(of(s)->c, m->key);
}

static struct mo_part *part_copy(const struct mo_part *p)
{
	struct mo_part *copy = xcalloc(1, sizeof(*p) + p->text.n);

	*copy = *p;
	copy->text.p = (const char *)(copy + 1);
	if (p->text.n > 0)
		memcpy(copy + 1, p->text.p, p->text.n);
	return copy;
}

static void memory_mo_part(struct store *s, const struct mo_part *p)
{
	set(s, &of(s)->c->mo_parts, (struct row_key){{p->key}}, part_copy(p), OP_MO_PART, part_copy(p));
	given_out(of(s)->c, p->key);
}

static void memory_idem(struct store *s, const struct idem_row *r)
{
	set(s, &of(s)->c->idems, (struct row_key){{(int64_t)r->hash}}, copy_of(r, sizeof(*r)), OP_OTHER, NULL);
	given_out(of(s)->c, r->batch);
}

static void memory_mark(struct store *s, const char *key, struct str value)
{
	struct mark *mark = xcalloc(1, sizeof(*mark) + value.n);

	mark->n = value.n;
	if (value.n > 0)
		memcpy(mark->value, value.p, value.n);
	set(s, &of(s)->c->marks, mark_key(key), mark, OP_OTHER, NULL);
}

static void memory_ledger(struct store *s, const struct ledger_row *l)
{
	set(s, &of(s)->c->ledger, (struct row_key){{l->id}}, copy_of(l, sizeof(*l)), OP_LEDGER, copy_of(l, sizeof(*l)));
}

static void memory_balance_set(struct store *s, const struct balance_row *b)
{
	set(s, &of(s)->c->balances, (struct row_key){{b->kind, b->owner}}, copy_of(b, sizeof(*b)), OP_OTHER, NULL);
}

/* Events are changed where they are: no test goes back behind an erasure. */
static void erase_events(struct content *c, int64_t key)
{
	for (size_t i = 0; i < c->event_count; i++)
		if (c->events[i]->key == key && c->events[i]->kind != EV_ATTEMPT)
			c->events[i]->detail_len = 0;
}

static void erase_parts(struct memory *m, struct str keys)
{
	for (size_t i = 0; i + 8 <= keys.n; i += 8) {
		uint64_t le;
		struct row *r;
		struct mo_part *copy;

		memcpy(&le, keys.p + i, sizeof(le));
		r = table_find(&m->c->mo_parts, (struct row_key){{(int64_t)le64toh(le)}});
		if (!r || !row_seen(r))
			continue;
		copy = part_copy(row_seen(r));
		memset(copy->source, 0, sizeof(copy->source));
		copy->text = (struct str){0};
		stage(m, &m->c->mo_parts, r->key, copy);
	}
}

static void memory_erase(struct store *s, int64_t key, const int64_t *seqs, size_t n)
{
	struct memory *m = of(s);
	struct row *r = table_find(&m->c->deliveries, (struct row_key){{key}}),
		   *mo = table_find(&m->c->mos, (struct row_key){{key}});
	const struct kept *from = r ? row_seen(r) : NULL;

	(void)seqs;
	(void)n;
	if (!taking(m))
		return;
	lock(m);
	if (from) {
		struct kept *k = xnew(struct kept);

		k->d = delivery_copy(from->d);
		delivery_erase(k->d);
		k->n = from->n;
		k->seqs = xcalloc(from->n + 1, sizeof(*k->seqs));
		if (from->n)
			memcpy(k->seqs, from->seqs, from->n * sizeof(*k->seqs));
		stage(m, &m->c->deliveries, r->key, k);
		erase_events(m->c, key);
	}
	if (mo && row_seen(mo)) {
		struct mo *copy = mo_copy(row_seen(mo));

		erase_parts(m, copy->parts);
		memset(copy->source, 0, sizeof(copy->source));
		copy->text = copy->correlation = (struct str){0};
		stage(m, &m->c->mos, mo->key, copy);
		erase_events(m->c, key);
	}
	unlock(m);
}

static void memory_erase_parked(struct store *s, struct str number)
{
	struct memory *m = of(s);

	if (!taking(m))
		return;
	for (size_t i = 0; i < m->c->parked.n; i++) {
		const struct parked_row *p = row_seen(m->c->parked.a[i]);
		struct parked_row *copy;

		if (!p || (!str_eqz(number, p->source) && !str_eqz(number, p->destination)))
			continue;
		copy = copy_of(p, sizeof(*p));
		copy->source[0] = copy->destination[0] = '\0';
		set(s, &m->c->parked, (struct row_key){{p->id}}, copy, OP_OTHER, NULL);
	}
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
		stage(m, &m->c->deliveries, r->key, k);
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
	m->ops = memory_reading;
	m->ops.begin = memory_begin;
	m->ops.accept = memory_accept;
	m->ops.event = memory_event;
	m->ops.due_set = memory_due_set;
	m->ops.due_del = memory_due_del;
	m->ops.hook_set = memory_hook_set;
	m->ops.hook_del = memory_hook_del;
	m->ops.park = memory_park;
	m->ops.unpark = memory_unpark;
	m->ops.mo = memory_mo;
	m->ops.mo_part = memory_mo_part;
	m->ops.idem = memory_idem;
	m->ops.mark = memory_mark;
	m->ops.ledger = memory_ledger;
	m->ops.balance_set = memory_balance_set;
	m->ops.erase = memory_erase;
	m->ops.erase_parked = memory_erase_parked;
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
