/* sqlite_index_fill.c - what goes into the index: entries for what is written now, and at the start those of rows that no run covers. */
#include <string.h>

#include "store/sqlite.h"

uint64_t correlation_hash(const struct hash_key *k, uint32_t account, struct str text)
{
	char bytes[4 + 1024];
	size_t n = MIN(text.n, sizeof(bytes) - 4);

	memcpy(bytes, &account, 4);
	memcpy(bytes + 4, text.p, n);
	return hash_keyed(k, bytes, 4 + n);
}

void index_correlation(struct sq *s, int64_t day, uint32_t account, struct str text, int64_t key)
{
	index_add(s->index, day, INDEX_CORRELATION, correlation_hash(&s->hash, account, text), key);
}

void index_event(struct sq *s, int64_t day, int kind, uint64_t hash, int64_t key)
{
	if (hash && (kind == EV_PART || kind == EV_SENT))
		index_add(s->index, day, INDEX_CARRIER, hash, key);
	else if (hash && kind == EV_ATTEMPT)
		index_add(s->index, day, INDEX_HANDSET, hash, key);
}

/* One statement's rows from a mark on; add() puts them into the index. Marks go up with the rows, so that a long day makes runs as
 * it goes and not one huge table. */
struct indexing {
	struct sq *s;
	struct day *d;
	int64_t key, seq; /* what is covered so far */
};

static void add_idem(struct indexing *x, sqlite3_stmt *q)
{
	index_add(x->s->index, x->d->day, INDEX_IDEMPOTENCY, (uint64_t)sqlite3_column_int64(q, 1),
		  sqlite3_column_int64(q, 0));
}

static void add_message(struct indexing *x, sqlite3_stmt *q)
{
	struct str text = row_blob(q, 2);

	x->key = sqlite3_column_int64(q, 0);
	if (text.n)
		index_correlation(x->s, x->d->day, (uint32_t)sqlite3_column_int64(q, 1), text, x->key);
}

static void add_event(struct indexing *x, sqlite3_stmt *q)
{
	x->seq = sqlite3_column_int64(q, 0);
	index_event(x->s, x->d->day, sqlite3_column_int(q, 3), (uint64_t)sqlite3_column_int64(q, 2),
		    sqlite3_column_int64(q, 1));
}

static int index_rows(struct indexing *x, struct conn *c, enum stmt id, int64_t from,
		      void (*add)(struct indexing *x, sqlite3_stmt *q))
{
	sqlite3_stmt *q = conn_stmt(c, id);
	int rc;

	sqlite3_bind_int64(q, 1, from);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		add(x, q);
		index_mark(x->s->index, x->d->day, x->key, x->seq, 1, false);
	}
	sqlite3_reset(q);
	return sqlite_errno(rc);
}

static int index_day(struct sq *s, struct day *d, struct conn *c)
{
	struct indexing x = {.s = s, .d = d};
	int r;

	index_covered(s->index, d->day, &x.key, &x.seq);
	x.key = MAX(x.key, d->born_key - 1);
	x.seq = MAX(x.seq, d->born_seq);
	/* The keys' mark is that of the messages, which therefore come second. */
	r = index_rows(&x, c, S_INDEX_IDEM, x.key, add_idem);
	if (r == 0)
		r = index_rows(&x, c, S_INDEX_M, x.key, add_message);
	if (r == 0)
		r = index_rows(&x, c, S_INDEX_EV, x.seq, add_event);
	if (r == 0 && d != s->today)
		index_mark(s->index, d->day, x.key, x.seq, 0, true);
	return r;
}

int recover_index(struct sq *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->c.n; i++) {
		struct conn *c = day_conn(s, s->c.days[i]);

		r = c ? index_day(s, s->c.days[i], c) : s->error;
		days_shrink(s);
	}
	return r;
}
