/* The small rows of today's file: due, webhooks, parked receipts, and idempotency keys. Lists are read
 * to their end before the caller hears of them, so that it may write while it listens. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

#define IDEM_DAYS 1 /* before today: a key counts for 24 h */

static struct conn *today(struct sq *s) { return &s->today->w; }

static void bind_z(sqlite3_stmt *q, int column, const char *z, size_t size)
{
	sqlite3_bind_text(q, column, z, (int)strnlen(z, size), SQLITE_STATIC);
}

/* Steps q to its end; row() copies one row behind what there is. Returns the number or -errno. */
static ssize_t collect(struct conn *c, sqlite3_stmt *q, size_t size, void (*row)(sqlite3_stmt *q, void *to), void **ret)
{
	char *a = NULL;
	size_t n = 0, cap = 0;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			a = xrealloc(a, cap, size);
		}
		row(q, a + n++ * size);
	}
	sqlite3_reset(q);
	if (rc != SQLITE_DONE) {
		free(a);
		rc = c->db ? sqlite_errno(sqlite3_errcode(c->db)) : -EIO;
		return rc ? rc : -EIO;
	}
	*ret = a;
	return (ssize_t)n;
}

/* -- due -------------------------------------------------------------------------------------------------------------- */

static void bind_queue(sqlite3_stmt *q, const struct queue_id *id)
{
	sqlite3_bind_int64(q, 1, id->route);
	sqlite3_bind_int(q, 2, id->lane);
	sqlite3_bind_int64(q, 3, id->sub_account);
}

static void due_run(struct store *st, enum stmt id, const struct due *d)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), id);
	bind_queue(q, &d->queue);
	sqlite3_bind_int64(q, 4, d->at);
	sqlite3_bind_int64(q, 5, d->key);
	sq_run(s, today(s), q, "due");
}

void sq_due_set(struct store *st, const struct due *d) { due_run(st, S_DUE_SET, d); }
void sq_due_del(struct store *st, const struct due *d) { due_run(st, S_DUE_DEL, d); }

struct queue_row {
	struct queue_id id;
	int64_t first_at;
	size_t count;
};

static void queue_row(sqlite3_stmt *q, void *to)
{
	struct queue_row *r = to;

	*r = (struct queue_row){.id = {.route = (uint32_t)sqlite3_column_int64(q, 0),
				       .lane = (uint8_t)sqlite3_column_int(q, 1),
				       .sub_account = (uint32_t)sqlite3_column_int64(q, 2)},
				.first_at = sqlite3_column_int64(q, 3),
				.count = (size_t)sqlite3_column_int64(q, 4)};
}

int sq_due_queues(struct store *st,
		  bool (*fn)(void *ctx, const struct queue_id *q, int64_t first_at, size_t count), void *ctx)
{
	struct conn *c = today(sq_of(st));
	void *a = NULL;
	ssize_t n = collect(c, conn_stmt(c, S_DUE_QUEUES), sizeof(struct queue_row), queue_row, &a);
	const struct queue_row *r = a;

	for (ssize_t i = 0; i < n && fn(ctx, &r[i].id, r[i].first_at, r[i].count); i++)
		;
	free(a);
	return n < 0 ? (int)n : 0;
}

static void due_row(sqlite3_stmt *q, void *to)
{
	*(struct due *)to = (struct due){.at = sqlite3_column_int64(q, 0), .key = sqlite3_column_int64(q, 1)};
}

int sq_due_list(struct store *st, const struct queue_id *id, int64_t until, size_t max,
		bool (*fn)(void *ctx, const struct due *d), void *ctx)
{
	struct conn *c = today(sq_of(st));
	sqlite3_stmt *q = conn_stmt(c, S_DUE_LIST);
	void *a = NULL;
	struct due *d;
	ssize_t n;

	bind_queue(q, id);
	sqlite3_bind_int64(q, 4, until);
	sqlite3_bind_int64(q, 5, (int64_t)MIN(max, (size_t)INT64_MAX));
	n = collect(c, q, sizeof(struct due), due_row, &a);
	d = a;
	for (ssize_t i = 0; i < n; i++) {
		d[i].queue = *id;
		if (!fn(ctx, &d[i]))
			break;
	}
	free(a);
	return n < 0 ? (int)n : 0;
}

/* -- webhooks --------------------------------------------------------------------------------------------------------- */

void sq_hook_set(struct store *st, const struct hook_row *h)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_HOOK_SET);
	sqlite3_bind_int64(q, 1, h->key);
	sqlite3_bind_int(q, 2, h->kind);
	sqlite3_bind_int(q, 3, h->dead);
	sqlite3_bind_int64(q, 4, h->seq);
	sqlite3_bind_int64(q, 5, h->webhook);
	sqlite3_bind_int64(q, 6, h->due);
	sqlite3_bind_int64(q, 7, h->first_at);
	sqlite3_bind_int64(q, 8, h->last_at);
	sqlite3_bind_int(q, 9, h->tries);
	sqlite3_bind_int(q, 10, h->status);
	bind_z(q, 11, h->why, sizeof(h->why));
	sq_run(s, today(s), q, "hook");
}

void sq_hook_del(struct store *st, int64_t key, uint8_t kind)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_HOOK_DEL);
	sqlite3_bind_int64(q, 1, key);
	sqlite3_bind_int(q, 2, kind);
	sq_run(s, today(s), q, "hook");
}

static void hook_row(sqlite3_stmt *q, void *to) { row_hook(q, to); }

int sq_hook_list(struct store *st, uint32_t webhook, int64_t until, size_t max,
		 bool (*fn)(void *ctx, const struct hook_row *h), void *ctx)
{
	struct conn *c = today(sq_of(st));
	sqlite3_stmt *q = conn_stmt(c, webhook ? S_HOOK_LIST : S_HOOK_ALL);
	const struct hook_row *h;
	void *a = NULL;
	int at = 1;
	ssize_t n;

	if (webhook)
		sqlite3_bind_int64(q, at++, webhook);
	sqlite3_bind_int64(q, at++, until);
	sqlite3_bind_int64(q, at, (int64_t)MIN(max, (size_t)INT64_MAX));
	n = collect(c, q, sizeof(struct hook_row), hook_row, &a);
	h = a;
	for (ssize_t i = 0; i < n && fn(ctx, &h[i]); i++)
		;
	free(a);
	return n < 0 ? (int)n : 0;
}

bool sq_hook_get(struct store *st, int64_t key, uint8_t kind, struct hook_row *ret)
{
	sqlite3_stmt *q = conn_stmt(today(sq_of(st)), S_HOOK_GET);
	bool found;

	sqlite3_bind_int64(q, 1, key);
	sqlite3_bind_int(q, 2, kind);
	found = sqlite3_step(q) == SQLITE_ROW;
	if (found)
		row_hook(q, ret);
	sqlite3_reset(q);
	return found;
}

/* -- parked receipts -------------------------------------------------------------------------------------------------- */

void sq_park(struct store *st, const struct parked_row *p)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_PARK);
	sqlite3_bind_int64(q, 1, p->id);
	sqlite3_bind_int(q, 2, p->connection);
	sqlite3_bind_int(q, 3, p->state);
	sqlite3_bind_int(q, 4, p->final);
	sqlite3_bind_int(q, 5, p->hashes);
	for (int i = 0; i < RECEIPT_HASHES; i++)
		sqlite3_bind_int64(q, 6 + i, (int64_t)p->id_hash[i]);
	sqlite3_bind_int64(q, 9, p->at);
	bind_z(q, 10, p->carrier_id, sizeof(p->carrier_id));
	bind_z(q, 11, p->err, sizeof(p->err));
	bind_z(q, 12, p->source, sizeof(p->source));
	bind_z(q, 13, p->destination, sizeof(p->destination));
	sq_run(s, today(s), q, "park");
	s->parked++;
}

void sq_unpark(struct store *st, int64_t id)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_UNPARK);
	sqlite3_bind_int64(q, 1, id);
	sq_run(s, today(s), q, "unpark");
	if (sqlite3_changes(today(s)->db) > 0 && s->parked > 0)
		s->parked--;
}

static void parked_row(sqlite3_stmt *q, void *to) { row_parked(q, to); }

int sq_parked_find(struct store *st, uint64_t id_hash, bool (*fn)(void *ctx, const struct parked_row *p), void *ctx)
{
	struct conn *c = today(sq_of(st));
	sqlite3_stmt *q = conn_stmt(c, id_hash ? S_PARKED_FIND : S_PARKED_ALL);
	const struct parked_row *p;
	void *a = NULL;
	ssize_t n;

	if (id_hash)
		sqlite3_bind_int64(q, 1, (int64_t)id_hash);
	n = collect(c, q, sizeof(struct parked_row), parked_row, &a);
	p = a;
	for (ssize_t i = 0; i < n && fn(ctx, &p[i]); i++)
		;
	free(a);
	return n < 0 ? (int)n : 0;
}

size_t sq_parked_count(struct store *st) { return sq_of(st)->parked; }

/* -- written once ----------------------------------------------------------------------------------------------------- */

void sq_idem(struct store *st, const struct idem_row *r)
{
	struct sq *s = sq_of(st);
	sqlite3_stmt *q;

	if (!sq_taking(s))
		return;
	q = conn_stmt(today(s), S_IDEM);
	sqlite3_bind_int64(q, 1, r->first_key);
	sqlite3_bind_int64(q, 2, (int64_t)r->hash);
	sqlite3_bind_int64(q, 3, (int64_t)r->body_hash);
	sqlite3_bind_int64(q, 4, r->count);
	sqlite3_bind_int64(q, 5, r->batch);
	sqlite3_bind_int64(q, 6, (int64_t)r->batch_rest);
	sqlite3_bind_int64(q, 7, r->at);
	sq_run(s, today(s), q, "idem");
	index_add(s->index, s->today->day, INDEX_IDEMPOTENCY, r->hash, r->first_key);
	s->last_key = MAX(s->last_key, r->batch);
}

static bool idem_row(struct conn *c, int64_t key, uint64_t hash, struct idem_row *ret)
{
	sqlite3_stmt *q = conn_stmt(c, S_IDEM_GET);
	bool found;

	sqlite3_bind_int64(q, 1, key);
	found = sqlite3_step(q) == SQLITE_ROW && (uint64_t)sqlite3_column_int64(q, 0) == hash;
	if (found)
		*ret = (struct idem_row){.hash = hash,
					 .body_hash = (uint64_t)sqlite3_column_int64(q, 1),
					 .first_key = sqlite3_column_int64(q, 2),
					 .count = (uint32_t)sqlite3_column_int64(q, 3),
					 .batch = sqlite3_column_int64(q, 4),
					 .batch_rest = (uint64_t)sqlite3_column_int64(q, 5),
					 .at = sqlite3_column_int64(q, 6)};
	sqlite3_reset(q);
	return found;
}

/* The index names candidates by the first message's key; its row, in the same file, tells whether it is the one. */
bool sq_idem_find(struct store *st, uint64_t hash, struct idem_row *ret)
{
	struct sq *s = sq_of(st);
	int64_t keys[8];
	size_t n = index_find(s->reader, INDEX_IDEMPOTENCY, hash, s->today->day - IDEM_DAYS, keys, COUNT_OF(keys));

	for (size_t i = 0; i < n; i++) {
		struct day *d = day_of_key(s, keys[i]);
		struct conn *c = d ? day_conn(s, d) : NULL;

		if (c && idem_row(c, keys[i], hash, ret))
			return true;
	}
	return false;
}
