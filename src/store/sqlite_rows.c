/* Deliveries, events and the small rows to and from SQLite's columns. What comes back from disk is checked: a damaged row is
 * -EPROTO, never a crash. */
#include <errno.h>
#include <string.h>

#include "store/sqlite.h"

_Static_assert(EV_PART == 2 && EV_SENT == 3, "S_INDEX_EV says so");
_Static_assert(D_DONE == 4, "S_BLOCK_COUNT says so");
_Static_assert(RECEIPT_HASHES == 3, "one column each");

/* -- numbers packed into blobs -------------------------------------------------------------------------------------- */

void deltas_put(struct buf *out, int64_t base, const int64_t *v, size_t n)
{
	for (size_t i = 0; i < n; base = v[i++]) {
		uint64_t d = (uint64_t)v[i] - (uint64_t)base;
		char bytes[10];
		size_t len = 0;

		for (; d >= 0x80; d >>= 7)
			bytes[len++] = (char)(d | 0x80);
		bytes[len++] = (char)d;
		buf_put(out, bytes, len);
	}
}

bool deltas_next(struct str *s, int64_t *v)
{
	uint64_t d = 0;

	for (unsigned shift = 0; s->n > 0 && shift < 64; shift += 7) {
		unsigned char byte = (unsigned char)*s->p++;

		s->n--;
		d |= (uint64_t)(byte & 0x7F) << shift;
		if (byte & 0x80)
			continue;
		*v = (int64_t)((uint64_t)*v + d);
		return true;
	}
	return false;
}

/* -- columns -------------------------------------------------------------------------------------------------------- */

struct str row_blob(sqlite3_stmt *q, int column)
{
	const char *p = sqlite3_column_blob(q, column);

	return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, column) : 0};
}

static struct str row_text(sqlite3_stmt *q, int column)
{
	const char *p = (const char *)sqlite3_column_text(q, column);

	return (struct str){p, p ? (size_t)sqlite3_column_bytes(q, column) : 0};
}

static void bind_text(sqlite3_stmt *q, int column, struct str s)
{
	sqlite3_bind_text(q, column, s.n ? s.p : "", (int)s.n, SQLITE_STATIC);
}

/* Most rows have none of these: NULL takes no octet but its type. */
static void bind_rare(sqlite3_stmt *q, int column, struct str s)
{
	if (s.n)
		bind_text(q, column, s);
	else
		sqlite3_bind_null(q, column);
}

static void bind_some(sqlite3_stmt *q, int column, int64_t v)
{
	if (v)
		sqlite3_bind_int64(q, column, v);
	else
		sqlite3_bind_null(q, column);
}

void row_bind_delivery(sqlite3_stmt *q, const struct delivery *d, const struct buf *state)
{
	sqlite3_bind_int64(q, 1, d->key);
	sqlite3_bind_int(q, 2, d->state);
	sqlite3_bind_int64(q, 3, (int64_t)d->rest);
	sqlite3_bind_int64(q, 4, d->batch);
	sqlite3_bind_int64(q, 5, d->account);
	sqlite3_bind_int64(q, 6, d->sub_account);
	sqlite3_bind_int64(q, 7, d->user);
	sqlite3_bind_int64(q, 8, d->campaign_id);
	sqlite3_bind_int(q, 9, d->operator_id);
	sqlite3_bind_int64(q, 10, d->expires_at);
	bind_text(q, 11, d->t.destination);
	if (str_eq(d->t.number, d->t.destination)) /* NULL says so: most callers write plain digits */
		sqlite3_bind_null(q, 12);
	else
		bind_text(q, 12, d->t.number);
	bind_text(q, 13, d->t.source);
	bind_text(q, 14, d->t.text);
	bind_text(q, 15, d->t.correlation);
	bind_text(q, 16, d->t.extra);
	bind_text(q, 17, d->t.campaign);
	sqlite3_bind_blob(q, 18, state->p, (int)state->n, SQLITE_STATIC);
	bind_rare(q, 19, d->t.invalid);
	bind_some(q, 20, d->not_before);
	bind_some(q, 21, d->window);
	bind_rare(q, 22, d->t.zone);
}

int row_delivery(sqlite3_stmt *q, struct delivery **ret)
{
	struct delivery_text t = {
		.destination = row_text(q, 9),
		.source = row_text(q, 11),
		.text = row_text(q, 12),
		.correlation = row_text(q, 13),
		.extra = row_text(q, 14),
		.campaign = row_text(q, 15),
		.invalid = row_text(q, 16),
		.zone = row_text(q, 19),
	};
	struct delivery *d;

	t.number = sqlite3_column_type(q, 10) == SQLITE_NULL ? t.destination : row_text(q, 10);
	d = delivery_new(&t);
	d->key = sqlite3_column_int64(q, 0);
	d->rest = (uint64_t)sqlite3_column_int64(q, 1);
	d->batch = sqlite3_column_int64(q, 2);
	d->account = (uint32_t)sqlite3_column_int64(q, 3);
	d->sub_account = (uint32_t)sqlite3_column_int64(q, 4);
	d->user = (uint32_t)sqlite3_column_int64(q, 5);
	d->campaign_id = (uint32_t)sqlite3_column_int64(q, 6);
	d->operator_id = sqlite3_column_int(q, 7);
	d->expires_at = sqlite3_column_int64(q, 8);
	d->not_before = sqlite3_column_int64(q, 17);
	d->window = (uint32_t)sqlite3_column_int64(q, 18);
	if (delivery_state_read(d, row_blob(q, 20)) < 0) {
		delivery_free(d);
		return -EPROTO;
	}
	if (delivery_redacts(d)) /* the merge that takes it from the row may be on its way */
		delivery_redact(d);
	*ret = d;
	return 0;
}

void row_bind_event(sqlite3_stmt *q, const struct event *e)
{
	sqlite3_bind_int64(q, 1, e->seq);
	sqlite3_bind_int64(q, 2, e->key);
	sqlite3_bind_int(q, 3, e->kind);
	sqlite3_bind_int64(q, 4, e->sub_account);
	sqlite3_bind_int64(q, 5, e->user);
	sqlite3_bind_int64(q, 6, e->at);
	sqlite3_bind_int64(q, 7, e->at2);
	sqlite3_bind_int64(q, 8, (int64_t)e->hash);
	sqlite3_bind_int(q, 9, e->code);
	sqlite3_bind_int(q, 10, e->arg);
	sqlite3_bind_text(q, 11, e->detail, MIN((int)e->detail_len, EVENT_DETAIL_MAX), SQLITE_STATIC);
}

void row_event(sqlite3_stmt *q, struct event *e)
{
	struct str detail = row_text(q, 10);

	e->seq = sqlite3_column_int64(q, 0);
	e->key = sqlite3_column_int64(q, 1);
	e->kind = (uint8_t)sqlite3_column_int(q, 2);
	e->sub_account = (uint32_t)sqlite3_column_int64(q, 3);
	e->user = (uint32_t)sqlite3_column_int64(q, 4);
	e->at = sqlite3_column_int64(q, 5);
	e->at2 = sqlite3_column_int64(q, 6);
	e->hash = (uint64_t)sqlite3_column_int64(q, 7);
	e->code = sqlite3_column_int(q, 8);
	e->arg = sqlite3_column_int(q, 9);
	e->detail_len = (uint8_t)MIN(detail.n, (size_t)EVENT_DETAIL_MAX);
	if (e->detail_len)
		memcpy(e->detail, detail.p, e->detail_len);
}

void row_hook(sqlite3_stmt *q, struct hook_row *h)
{
	memset(h, 0, sizeof(*h));
	h->key = sqlite3_column_int64(q, 0);
	h->kind = (uint8_t)sqlite3_column_int(q, 1);
	h->dead = sqlite3_column_int(q, 2) != 0;
	h->seq = sqlite3_column_int64(q, 3);
	h->webhook = (uint32_t)sqlite3_column_int64(q, 4);
	h->due = sqlite3_column_int64(q, 5);
	h->first_at = sqlite3_column_int64(q, 6);
	h->last_at = sqlite3_column_int64(q, 7);
	h->tries = (uint16_t)sqlite3_column_int(q, 8);
	h->status = (int16_t)sqlite3_column_int(q, 9);
	str_copy(h->why, sizeof(h->why), row_text(q, 10));
}

void row_parked(sqlite3_stmt *q, struct parked_row *p)
{
	memset(p, 0, sizeof(*p));
	p->id = sqlite3_column_int64(q, 0);
	p->connection = (uint16_t)sqlite3_column_int(q, 1);
	p->state = (uint8_t)sqlite3_column_int(q, 2);
	p->final = sqlite3_column_int(q, 3) != 0;
	p->hashes = (uint8_t)sqlite3_column_int(q, 4);
	for (int i = 0; i < RECEIPT_HASHES; i++)
		p->id_hash[i] = (uint64_t)sqlite3_column_int64(q, 5 + i);
	p->at = sqlite3_column_int64(q, 8);
	str_copy(p->carrier_id, sizeof(p->carrier_id), row_text(q, 9));
	str_copy(p->err, sizeof(p->err), row_text(q, 10));
	str_copy(p->source, sizeof(p->source), row_text(q, 11));
	str_copy(p->destination, sizeof(p->destination), row_text(q, 12));
}

/* -- single rows ---------------------------------------------------------------------------------------------------- */

static int step_one(struct conn *c, sqlite3_stmt *q)
{
	int rc = sqlite3_step(q);

	if (rc == SQLITE_ROW)
		return 0;
	rc = rc == SQLITE_DONE ? -ENOENT : c->db ? sqlite_errno(sqlite3_errcode(c->db)) : -EIO;
	sqlite3_reset(q);
	return rc ? rc : -EIO;
}

int conn_event(struct conn *c, int64_t seq, struct event *ret)
{
	sqlite3_stmt *q = conn_stmt(c, S_EV_GET);
	int r;

	sqlite3_bind_int64(q, 1, seq);
	r = step_one(c, q);
	if (r < 0)
		return r;
	row_event(q, ret);
	sqlite3_reset(q);
	return 0;
}

int conn_load(struct conn *c, int64_t key, struct delivery **ret)
{
	sqlite3_stmt *q = conn_stmt(c, S_LOAD);
	int r;

	sqlite3_bind_int64(q, 1, key);
	r = step_one(c, q);
	if (r < 0)
		return r;
	r = row_delivery(q, ret);
	sqlite3_reset(q);
	return r;
}
