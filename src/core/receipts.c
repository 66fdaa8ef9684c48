/* receipts.c - whose receipt is this? Matched by the carrier's id, or for an attempt in doubt by addresses and time; kept on disk
 * and shown when it is nobody's yet; looked at again when a part gets its id. Also incoming messages, which are stored as they come.
 *
 * Ids are compared as 64-bit keyed hashes of (connection, normal form); the receipt's addresses settle what is left between two
 * deliveries whose SMSC gave the same id twice. */
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"

#ifndef PARKED_MEMORY       /* the simulation is also built with small limits */
#define PARKED_MEMORY 10000 /* newest ones kept for matching attempts in doubt by address */
#endif
#define HITS_MAX 16
#define ADDRESS_TAIL 8 /* digits that must agree at least: carriers add and drop country codes */

struct parked_live {
	struct node node;
	struct parked_row row;
};

static void remember(struct engine *e, const struct parked_row *row)
{
	struct parked_live *p;

	for (int i = 0; i < row->hashes; i++) {
		uint64_t n = 0;

		map_get(e->receipts.parked, row->id_hash[i], &n);
		map_set(e->receipts.parked, row->id_hash[i], n + 1);
	}
	if (e->receipts.rows.count >= PARKED_MEMORY)
		free(OWNER(struct parked_live, node, list_pop(&e->receipts.rows)));
	p = xnew(struct parked_live);
	p->row = *row;
	list_push(&e->receipts.rows, &p->node);
}

static bool remember_row(void *ctx, const struct parked_row *row)
{
	struct engine *e = ctx;

	remember(e, row);
	e->receipts.next_id = MAX(e->receipts.next_id, row->id + 1);
	return true;
}

void receipts_init(struct engine *e)
{
	e->receipts.parked = map_new();
	e->receipts.sending = map_new();
	list_init(&e->receipts.rows);
	list_init(&e->receipts.doubt);
	e->receipts.next_id = e->now << 12;
	e->ops->parked_find(e->store, 0, remember_row, e); /* 0: every one */
	e->receipts.count = e->ops->parked_count(e->store);
	metric_set(M_PARKED, (int64_t)e->receipts.count);
}

void receipts_done(struct engine *e)
{
	struct node *n;

	while ((n = list_pop(&e->receipts.rows)))
		free(OWNER(struct parked_live, node, n));
	map_free(e->receipts.parked);
	map_free(e->receipts.sending);
}

/* The same telephone, though one side may have dropped the country code: one number ends in the other, and enough of it agrees. */
static bool same_number(struct str a, struct str b)
{
	struct str shorter = a.n < b.n ? a : b, longer = a.n < b.n ? b : a;

	return shorter.n >= ADDRESS_TAIL && !memcmp(longer.p + longer.n - shorter.n, shorter.p, shorter.n);
}

/* A receipt's source is the handset; some SMSCs leave the addresses as in the submit, so both are looked at. */
static bool same_handset(const struct delivery *d, const char *source, const char *destination)
{
	return same_number(d->t.number, str_of(source)) || same_number(d->t.number, str_of(destination));
}

/* The delivery whose part has that id. A converted form of the id (decimal for hexadecimal or back) is a guess, so then the addresses
 * must agree as well: the id as it stands may be that of a part whose response is still to come. *part is -1 when the id is that of an
 * earlier attempt, which changes nothing any more. */
static struct live *by_id(struct engine *e, const struct parked_row *r, int *part)
{
	int64_t keys[HITS_MAX];
	struct live *best = NULL, *earlier = NULL;
	int best_score = -1;

	*part = -1;
	for (int h = 0; h < r->hashes && !best; h++) {
		size_t n = e->ops->by_carrier(e->store, r->id_hash[h], keys, HITS_MAX);

		for (size_t i = 0; i < n; i++) {
			struct live *lv = live_get(&e->lives, keys[i]);
			int p = lv ? delivery_part_with(lv->d, r->id_hash[h]) : -1;
			bool same = lv && same_handset(lv->d, r->source, r->destination);
			int score;

			if (!lv || (h > 0 && !same))
				continue;
			if (p < 0) {
				earlier = earlier ? earlier : lv;
				continue;
			}
			score = (lv->d->state != D_DONE) * 2 + same;
			if (score > best_score) { /* newest first: an equal score stays with the newer */
				best = lv;
				best_score = score;
				*part = p;
			}
		}
	}
	return best ? best : earlier;
}

/* Attempts under way are counted by connection and handset: while one is, a receipt without a known id may be its. */
static uint64_t handset_key(uint16_t connection, struct str number)
{
	char text[2 + ADDRESS_TAIL] = {(char)(connection & 0xff), (char)(connection >> 8)};
	size_t n = MIN(number.n, ADDRESS_TAIL);

	memcpy(text + 2, number.p + number.n - n, n);
	return hash_bytes(text, n + 2);
}

void receipts_sending(struct engine *e, const struct delivery *d, int by)
{
	uint64_t key, n = 0;

	if (!d->t.number.n)
		return;
	key = handset_key(d->connection, d->t.number);
	map_get(e->receipts.sending, key, &n);
	n += (uint64_t)by;
	if (n)
		map_set(e->receipts.sending, key, n);
	else
		map_del(e->receipts.sending, key, NULL);
}

static bool being_sent(struct engine *e, uint16_t connection, const char *address)
{
	struct str s = str_of(address);

	return s.n && map_get(e->receipts.sending, handset_key(connection, s), NULL);
}

/* Its id being unknown, a receipt may be that of the one attempt in doubt that fits. */
static struct live *by_doubt(struct engine *e, const struct parked_row *r)
{
	struct live *found = NULL;

	if (!e->receipts.doubt.count || being_sent(e, r->connection, r->source) ||
	    being_sent(e, r->connection, r->destination))
		return NULL;
	for (struct node *n = list_first(&e->receipts.doubt); n; n = list_next(&e->receipts.doubt, n)) {
		struct live *lv = OWNER(struct live, doubt, n);

		if (lv->d->connection != r->connection || !same_handset(lv->d, r->source, r->destination))
			continue;
		/* One of its earlier attempts may have been meant: then nothing is certain. */
		if (lv->d->begun_at > r->at && lv->d->attempts > 1)
			return NULL;
		if (lv->d->begun_at > r->at)
			continue;
		if (found)
			return NULL;
		found = lv;
	}
	return found;
}

static void apply(struct engine *e, struct live *lv, const struct parked_row *r, int part, bool earlier)
{
	struct fact f = {.kind = FACT_RECEIPT,
			 .part = part,
			 .earlier = earlier,
			 .receipt_state = r->state,
			 .receipt_final = r->final,
			 .carrier_id = r->carrier_id,
			 .id_hash = r->hashes ? r->id_hash[0] : 0,
			 .err = r->err};

	if (lv->d->state == D_DONE)
		metric_add(M_RECEIPTS_LATE, 1);
	engine_step(e, lv, &f);
}

static void park(struct engine *e, struct parked_row *row)
{
	row->id = e->receipts.next_id++;
	engine_batch(e);
	e->ops->park(e->store, row);
	remember(e, row);
	e->receipts.count++;
	metric_set(M_PARKED, (int64_t)e->receipts.count);
	metric_add(M_RECEIPTS_UNMATCHED, 1);
}

void receipts_take(struct engine *e, struct receipt_in *r)
{
	struct parked_row row = {.connection = r->connection,
				 .state = r->state,
				 .final = r->final,
				 .hashes = MIN(r->hashes, RECEIPT_HASHES),
				 .at = e->now};
	struct live *lv;
	int part = -1;

	memcpy(row.id_hash, r->id_hash, sizeof row.id_hash);
	str_copy(row.carrier_id, sizeof row.carrier_id, str_of(r->id));
	str_copy(row.err, sizeof row.err, str_of(r->err));
	str_copy(row.source, sizeof row.source, str_of(r->source));
	str_copy(row.destination, sizeof row.destination, str_of(r->destination));
	lv = by_id(e, &row, &part);
	if (lv)
		apply(e, lv, &row, part, part < 0);
	else if (row.final && (lv = by_doubt(e, &row)))
		apply(e, lv, &row, -1, false);
	else
		park(e, &row);
	metric_add(M_RECEIPTS, 1);
	engine_after_commit(e, &r->in.mail);
}

static void forget(struct engine *e, const struct parked_row *row)
{
	for (int i = 0; i < row->hashes; i++) {
		uint64_t n = 0;

		map_get(e->receipts.parked, row->id_hash[i], &n);
		if (n > 1)
			map_set(e->receipts.parked, row->id_hash[i], n - 1);
		else
			map_del(e->receipts.parked, row->id_hash[i], NULL);
	}
	for (struct node *n = list_first(&e->receipts.rows); n; n = list_next(&e->receipts.rows, n)) {
		struct parked_live *p = OWNER(struct parked_live, node, n);

		if (p->row.id != row->id)
			continue;
		list_remove(&e->receipts.rows, n);
		free(p);
		break;
	}
	engine_batch(e);
	e->ops->unpark(e->store, row->id);
	e->receipts.count -= e->receipts.count > 0;
	metric_set(M_PARKED, (int64_t)e->receipts.count);
}

struct found {
	struct parked_row rows[HITS_MAX];
	int n;
};

static bool collect(void *ctx, const struct parked_row *row)
{
	struct found *f = ctx;

	f->rows[f->n++] = *row;
	return f->n < HITS_MAX;
}

void receipts_for(struct engine *e, struct live *lv, uint64_t id_hash)
{
	struct found f = {.n = 0};

	if (!id_hash || !map_get(e->receipts.parked, id_hash, NULL))
		return;
	e->ops->parked_find(e->store, id_hash, collect, &f);
	for (int i = 0; i < f.n; i++) {
		int part = delivery_part_with(lv->d, id_hash);

		if (part < 0)
			break;
		if (f.rows[i].id_hash[0] != id_hash && !same_handset(lv->d, f.rows[i].source, f.rows[i].destination))
			continue;
		forget(e, &f.rows[i]);
		apply(e, lv, &f.rows[i], part, false);
	}
}

void receipts_for_doubt(struct engine *e, struct live *lv)
{
	const struct parked_row *found = NULL;

	for (struct node *n = list_first(&e->receipts.rows); n; n = list_next(&e->receipts.rows, n)) {
		const struct parked_row *r = &OWNER(struct parked_live, node, n)->row;

		if (!r->final || r->connection != lv->d->connection || r->at < lv->d->begun_at ||
		    !same_handset(lv->d, r->source, r->destination))
			continue;
		if (found)
			return;
		found = r;
	}
	if (!found || by_doubt(e, found) != lv)
		return;
	struct parked_row row = *found;

	forget(e, &row);
	apply(e, lv, &row, -1, false);
}

void receipts_answered(struct engine *e, const struct delivery *d)
{
	struct live *again[HITS_MAX];
	size_t k = 0;

	if (!e->receipts.doubt.count || !e->receipts.rows.count || !d->t.number.n)
		return;
	for (struct node *n = list_first(&e->receipts.doubt); n && k < HITS_MAX; n = list_next(&e->receipts.doubt, n)) {
		struct live *lv = OWNER(struct live, doubt, n);

		if (lv->d->connection == d->connection &&
		    handset_key(d->connection, lv->d->t.number) == handset_key(d->connection, d->t.number))
			again[k++] = lv;
	}
	for (size_t i = 0; i < k; i++)
		if (again[i]->d->state == D_DOUBT)
			receipts_for_doubt(e, again[i]);
}
