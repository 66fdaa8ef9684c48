/* mo.c - messages from handsets: known again when they come twice, joined from their parts, kept.
 *
 *   deliver_sm --> seen before? --yes--> acknowledged, nothing else
 *                      | no
 *                      +-- whole ----------------------------> mo_accept(): row, event, webhook, all in this batch
 *                      +-- part --> row of its own --> fellows complete? --yes--> mo_accept() with the joined text
 *                                                           | no
 *                                                           +-- sms.mo.part_wait over --> mo_accept() with what came, "…" for the rest
 *
 * The carrier is answered after the commit, so a part is durable before it is acknowledged and a start finds it again: what is not in
 * an MO's list of parts waits on. The mark "mo_parts" is below the oldest part that waits.
 *
 * A carrier sends again what it got no answer for. SMPP gives such a message no name, so it is known by what it says: the same text
 * from the same handset to the same address over the same connection. People repeat themselves too ("1", "1"), so that alone is not
 * enough: the link that brought the first must be gone (its answer may have been lost with it), or the answer must have come so late
 * that the carrier may have stopped waiting. Parts carry a reference number that handsets do not use twice in a row; for them the
 * content alone decides. */
#include "core/mo.h"

#include <stdlib.h>
#include <string.h>

#define LATE_MS 5000 /* an answer after this may have come too late for the carrier */

struct piece {
	int64_t key;
	struct str text; /* owned */
	bool here;
};
struct assembly {
	struct node order; /* mos.order, oldest first */
	uint64_t id;
	uint64_t hash; /* of its first part */
	int64_t first_key, until;
	uint16_t connection;
	uint8_t total, came;
	char source[24], short_code[24];
	struct piece parts[];
};
struct seen {
	struct node order;
	uint64_t hash, link; /* link 0: of an earlier run of this process */
	int64_t at;
	bool late;
};

void mos_init(struct engine *e)
{
	e->mos.open = map_new();
	e->mos.seen = map_new();
	list_init(&e->mos.order);
	list_init(&e->mos.recent);
}

static void assembly_free(struct engine *e, struct assembly *a)
{
	for (unsigned i = 0; i < a->total; i++)
		free((void *)(uintptr_t)a->parts[i].text.p);
	e->mos.parts -= a->came;
	list_remove(&e->mos.order, &a->order);
	map_del(e->mos.open, a->id, NULL);
	free(a);
}

static void forget(struct engine *e, struct seen *s)
{
	list_remove(&e->mos.recent, &s->order);
	map_del(e->mos.seen, s->hash, NULL);
	free(s);
}

void mos_done(struct engine *e)
{
	struct node *n;

	while ((n = list_first(&e->mos.order)))
		assembly_free(e, OWNER(struct assembly, order, n));
	while ((n = list_first(&e->mos.recent)))
		forget(e, OWNER(struct seen, order, n));
	map_free(e->mos.open);
	map_free(e->mos.seen);
	words_free(e->mos.opt_out);
	words_free(e->mos.opt_in);
}

void mos_settings(struct engine *e, const struct settings *s)
{
	struct str words[256];
	size_t n = 0;

	words_free(e->mos.opt_out);
	words_free(e->mos.opt_in);
	for (; n < MIN(s->sms.mo.opt_out_count, COUNT_OF(words)); n++)
		words[n] = str_of(s->sms.mo.opt_out[n]);
	e->mos.opt_out = words_new(words, n);
	for (n = 0; n < MIN(s->sms.mo.opt_in_count, COUNT_OF(words)); n++)
		words[n] = str_of(s->sms.mo.opt_in[n]);
	e->mos.opt_in = words_new(words, n);
}

/* -- what came lately ------------------------------------------------------------------------------------------------ */

void mo_remember(struct engine *e, uint64_t hash, uint64_t link, int64_t at, bool late)
{
	struct seen *s = map_ptr(e->mos.seen, hash);

	if (s) {
		list_remove(&e->mos.recent, &s->order);
	} else {
		if (e->mos.recent.count >= MO_SEEN_HELD)
			forget(e, OWNER(struct seen, order, list_first(&e->mos.recent)));
		s = xnew(struct seen);
		s->hash = hash;
		map_set_ptr(e->mos.seen, hash, s);
	}
	s->link = link;
	s->at = at;
	s->late = late;
	list_push(&e->mos.recent, &s->order);
}

bool mo_first(struct engine *e, uint64_t hash, int64_t span)
{
	const struct seen *s = map_ptr(e->mos.seen, hash);

	if (s && e->now - s->at < span)
		return false;
	mo_remember(e, hash, 0, e->now, false);
	return true;
}

static bool link_lives(const struct mo_in *m, uint64_t link)
{
	for (unsigned i = 0; i < m->link_count; i++)
		if (m->links[i] == link)
			return true;
	return false;
}

/* Also remembers it. */
static bool is_repeated(struct engine *e, const struct mo_in *m, uint64_t hash)
{
	const struct seen *s = map_ptr(e->mos.seen, hash);
	bool known = s && e->now - s->at < e->settings->sms.mo.duplicate_window_ms &&
		     (m->total > 1 || s->late || !s->link || !link_lives(m, s->link));

	/* The moment stays the first one's: a carrier that repeats for hours is told apart from a person by the window. */
	mo_remember(e, hash, m->link, known ? s->at : e->now, e->now - m->at > LATE_MS);
	return known;
}

static uint64_t content_hash(const struct engine *e, const struct mo_in *m)
{
	struct buf b = BUF_INIT;
	unsigned char head[5] = {(unsigned char)m->connection, (unsigned char)(m->connection >> 8),
				 (unsigned char)m->ref, (unsigned char)(m->ref >> 8), m->total > 1 ? m->part : 0};
	uint64_t h;

	buf_put(&b, head, sizeof head);
	buf_put(&b, m->source, strlen(m->source) + 1);
	buf_put(&b, m->destination, strlen(m->destination) + 1);
	buf_put(&b, m->text, m->text_len);
	h = hash_keyed(&e->hash_key, b.p, b.n);
	buf_done(&b);
	return h ? h : 1;
}

/* -- parts ----------------------------------------------------------------------------------------------------------- */

static uint64_t assembly_id(const struct engine *e, const struct mo_part *p)
{
	struct buf b = BUF_INIT;
	unsigned char head[3] = {(unsigned char)p->ref, (unsigned char)(p->ref >> 8), p->total};
	uint64_t h;

	buf_put(&b, head, sizeof head);
	buf_put(&b, p->source, strlen(p->source) + 1);
	buf_put(&b, p->short_code, strlen(p->short_code) + 1);
	h = hash_keyed(&e->hash_key, b.p, b.n);
	buf_done(&b);
	return h;
}

/* What came becomes the message. A row of missing parts is one ellipsis. */
static void finish(struct engine *e, struct assembly *a)
{
	struct buf text = BUF_INIT, keys = BUF_INIT;
	bool gap = false;

	for (unsigned i = 0; i < a->total; i++) {
		unsigned char le[8];

		if (!a->parts[i].here) {
			if (!gap)
				buf_puts(&text, "\xe2\x80\xa6");
			gap = true;
			continue;
		}
		gap = false;
		buf_str(&text, a->parts[i].text);
		le_put(le, (uint64_t)a->parts[i].key, sizeof le);
		buf_put(&keys, le, sizeof le);
	}
	mo_accept(e, &(struct mo_arrival){.connection = a->connection,
					  .total = a->total,
					  .came = a->came,
					  .hash = a->hash,
					  .source = a->source,
					  .short_code = a->short_code,
					  .text = buf_view(&text),
					  .parts = buf_view(&keys)});
	if (a->came < a->total)
		metric_add(M_MO_INCOMPLETE, 1);
	buf_done(&text);
	buf_done(&keys);
	assembly_free(e, a);
}

static struct assembly *assembly_new(struct engine *e, const struct mo_part *p, uint64_t id)
{
	struct assembly *a = xcalloc(1, sizeof *a + p->total * sizeof a->parts[0]);

	a->id = id;
	a->hash = p->hash;
	a->first_key = p->key;
	a->until = p->at + e->settings->sms.mo.part_wait_ms;
	a->connection = p->connection;
	a->total = p->total;
	str_copy(a->source, sizeof a->source, str_of(p->source));
	str_copy(a->short_code, sizeof a->short_code, str_of(p->short_code));
	map_set_ptr(e->mos.open, id, a);
	list_push(&e->mos.order, &a->order);
	return a;
}

void mo_join(struct engine *e, const struct mo_part *p)
{
	uint64_t id = assembly_id(e, p);
	struct assembly *a = map_ptr(e->mos.open, id);
	struct piece *piece;

	/* The handset began anew with a number it had used: the old message will not become whole any more. */
	if (a && a->parts[p->part - 1].here) {
		finish(e, a);
		a = NULL;
	}
	if (!a)
		a = assembly_new(e, p, id);
	piece = &a->parts[p->part - 1];
	piece->text = (struct str){memcpy(xcalloc(1, p->text.n + 1), p->text.n ? p->text.p : "", p->text.n), p->text.n};
	piece->key = p->key;
	piece->here = true;
	a->came++;
	e->mos.parts++;
	if (a->came == a->total)
		finish(e, a);
	while (e->mos.parts > MO_PARTS_HELD)
		finish(e, OWNER(struct assembly, order, list_first(&e->mos.order)));
}

void mo_take(struct engine *e, struct mo_in *m)
{
	uint64_t hash = content_hash(e, m);

	engine_after_commit(e, &m->in.mail);
	if (is_repeated(e, m, hash)) {
		metric_add(M_MO_REPEATED, 1);
		return;
	}
	engine_batch(e);
	metric_add(M_MO_PARTS, 1);
	if (m->total > 1 && m->part >= 1 && m->part <= m->total) {
		struct mo_part p = {.hash = hash,
				    .connection = m->connection,
				    .at = e->now,
				    .ref = m->ref,
				    .total = m->total,
				    .part = m->part,
				    .text = {m->text, m->text_len}};

		p.key = uid_take(&e->ids, e->now, 1);
		str_copy(p.source, sizeof p.source, str_of(m->source));
		str_copy(p.short_code, sizeof p.short_code, str_of(m->destination));
		e->ops->mo_part(e->store, &p);
		mo_join(e, &p);
		return;
	}
	mo_accept(e, &(struct mo_arrival){.connection = m->connection,
					  .total = 1,
					  .came = 1,
					  .hash = hash,
					  .source = m->source,
					  .short_code = m->destination,
					  .text = {m->text, m->text_len}});
}

/* -- time ------------------------------------------------------------------------------------------------------------- */

int64_t mo_next(const struct engine *e)
{
	struct node *n = list_first(&e->mos.order);

	return n ? OWNER(struct assembly, order, n)->until : INT64_MAX;
}

void mo_turn(struct engine *e)
{
	struct node *n;

	while ((n = list_first(&e->mos.order)) && OWNER(struct assembly, order, n)->until <= e->now)
		finish(e, OWNER(struct assembly, order, n));
}

void mo_second(struct engine *e)
{
	int64_t keep = MAX(e->settings->sms.mo.duplicate_window_ms, (int64_t)MO_REPLIES_MS);
	struct node *n;

	while ((n = list_first(&e->mos.recent)) && OWNER(struct seen, order, n)->at + keep < e->now)
		forget(e, OWNER(struct seen, order, n));
	metric_set(M_MO_WAITING, (int64_t)e->mos.parts);
}

void mo_set_back(struct engine *e, int64_t by)
{
	for (struct node *n = list_first(&e->mos.order); n; n = list_next(&e->mos.order, n))
		OWNER(struct assembly, order, n)->until -= by;
	for (struct node *n = list_first(&e->mos.recent); n; n = list_next(&e->mos.recent, n))
		OWNER(struct seen, order, n)->at -= by;
}

int64_t mo_mark(const struct engine *e)
{
	struct node *n = list_first(&e->mos.order);

	return n ? OWNER(struct assembly, order, n)->first_key : e->ids.last + 1;
}
