/* One number's data in the memory driver: what is found of it, and its erasure. */
#include <string.h>

#include "store/memory_rows.h"

static int memory_r_number(struct store_reader *r, struct str number,
			   bool (*fn)(void *ctx, const struct number_row *row), void *ctx)
{
	const struct content *c = r->m->c;
	bool more = true;

	lock(r->m);
	for (size_t i = 0; i < c->deliveries.n && more; i++) {
		const struct kept *k = c->deliveries.a[i]->now;

		if (k && (str_eq(k->d->t.number, number) || str_eq(k->d->t.destination, number)))
			more = fn(ctx, &(struct number_row){.key = k->d->key, .rest = k->d->rest});
	}
	for (size_t i = 0; i < c->mos.n && more; i++) {
		const struct mo *m = c->mos.a[i]->now;
		const char *digits = m && m->source[0] == '+' ? m->source + 1 : m ? m->source : "";

		if (m && str_eqz(number, digits))
			more = fn(ctx, &(struct number_row){.key = m->key,
							    .rest = m->rest,
							    .mo = true,
							    .at = m->at,
							    .source = str_of(m->source),
							    .destination = str_of(m->short_code),
							    .text = m->text});
	}
	unlock(r->m);
	return 0;
}

/* Events are changed where they are: no test goes back behind an erasure. */
static void erase_events(struct content *c, int64_t key)
{
	for (size_t i = 0; i < c->event_count; i++)
		if (c->events[i]->key == key && c->events[i]->kind != EV_ATTEMPT)
			c->events[i]->detail_len = 0;
}

static void erase_parts(struct memory *m, const struct mo *mo)
{
	for (size_t i = 0; i < mo_part_count(mo); i++) {
		struct row *r = table_find(&m->c->mo_parts, (struct row_key){{mo_part_key(mo, i)}});
		struct mo_part *copy;

		if (!r || !row_seen(r))
			continue;
		copy = mo_part_copy(row_seen(r));
		memset(copy->source, 0, sizeof(copy->source));
		copy->text = (struct str){0};
		memory_stage(m, &m->c->mo_parts, r->key, copy);
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
		memory_stage(m, &m->c->deliveries, r->key, k);
		erase_events(m->c, key);
	}
	if (mo && row_seen(mo)) {
		struct mo *copy = mo_copy(row_seen(mo));

		erase_parts(m, copy);
		memset(copy->source, 0, sizeof(copy->source));
		copy->text = copy->correlation = (struct str){0};
		memory_stage(m, &m->c->mos, mo->key, copy);
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
		memory_set(s, &m->c->parked, (struct row_key){{p->id}}, copy, OP_OTHER, NULL);
	}
}

void memory_erase_ops(struct store_ops *o)
{
	o->r_number = memory_r_number;
	o->erase = memory_erase;
	o->erase_parked = memory_erase_parked;
}
