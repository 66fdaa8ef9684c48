/* Deliveries: their memory, and their moving half as bytes.
 *
 * The blob, version 1, integers little-endian:
 *   fixed head   version 1, state 1, flags 1, attempts 1, tries 1, present 1, connection 2, part_count 2, accepted_parts 2,
 *                delivered_parts 2, sent_code 2, delivered_code 2, reason 2, detail 4, updated_at 8
 *   then         for each bit of `present`, in bit order: a varint; times are zigzag differences to updated_at, because the
 *                steps of one life lie close together
 *   then         if HAS_MORE: a varint of bits (enum more), then for each bit, in bit order:
 *                MORE_CREDIT  held, unit_price, held_from as varints
 *                MORE_FLAGS   flags beyond the eight of the head
 *   then         the parts: nothing, one part, or part_count of them; each is a byte (state, 0x80 = hash follows), hash 8
 * A blob is read whole or not at all, and nothing may follow it. */
#include "model/delivery.h"
#include "base/buf.h"
#include "base/le.h"
#include "model/codes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HEAD 32
#define PART_HAS_HASH 0x80
enum present {
	HAS_DUE = 1,
	HAS_BEGUN = 2,
	HAS_SENT = 4,
	HAS_DELIVERED = 8,
	HAS_SEQ = 16,
	HAS_ONE = 32,
	HAS_PARTS = 64,
	HAS_MORE = 128
};
enum more { MORE_CREDIT = 1, MORE_FLAGS = 2, MORE_ALL = 3 };
#define HEAD_FLAGS 0xFF

const char *delivery_state_name(int state)
{
	static const char *const names[] = {"queued", "sending", "sent", "in doubt", "done"};

	return state >= 0 && state < (int)COUNT_OF(names) ? names[state] : "unknown";
}

bool delivery_paused(const struct delivery *d) { return d->state == D_QUEUED && d->reason == REASON_PAUSED; }

/* -- memory -------------------------------------------------------------------------------------------------------- */

static size_t text_bytes(const struct delivery_text *t)
{
	return t->destination.n + t->number.n + t->source.n + t->text.n + t->correlation.n + t->extra.n +
	       t->campaign.n + t->invalid.n + t->zone.n;
}

static char *text_copy(struct str *to, struct str from, char *at)
{
	*to = (struct str){at, from.n};
	if (from.n > 0)
		memcpy(at, from.p, from.n);
	return at + from.n;
}

static void texts_copy(struct delivery *d, const struct delivery_text *t)
{
	char *at = (char *)(d + 1);

	at = text_copy(&d->t.destination, t->destination, at);
	at = text_copy(&d->t.number, t->number, at);
	at = text_copy(&d->t.source, t->source, at);
	at = text_copy(&d->t.text, t->text, at);
	at = text_copy(&d->t.correlation, t->correlation, at);
	at = text_copy(&d->t.extra, t->extra, at);
	at = text_copy(&d->t.campaign, t->campaign, at);
	at = text_copy(&d->t.invalid, t->invalid, at);
	text_copy(&d->t.zone, t->zone, at);
}

struct delivery *delivery_new(const struct delivery_text *t)
{
	struct delivery *d = xcalloc(1, sizeof(*d) + text_bytes(t));

	texts_copy(d, t);
	return d;
}

struct delivery *delivery_copy(const struct delivery *from)
{
	struct delivery *d = xcalloc(1, sizeof(*d) + text_bytes(&from->t));

	*d = *from;
	texts_copy(d, &from->t);
	if (from->parts) {
		d->parts = xcalloc(from->part_count, sizeof(*d->parts));
		memcpy(d->parts, from->parts, from->part_count * sizeof(*d->parts));
	}
	return d;
}

void delivery_free(struct delivery *d)
{
	if (!d)
		return;
	free(d->parts);
	free(d);
}

/* The view is of our own memory. */
static void overwrite(struct str *s)
{
	if (s->n)
		explicit_bzero((char *)(uintptr_t)s->p, s->n);
	*s = (struct str){0};
}

void delivery_redact(struct delivery *d) { overwrite(&d->t.text); }

void delivery_erase(struct delivery *d)
{
	overwrite(&d->t.text);
	overwrite(&d->t.destination);
	overwrite(&d->t.number);
	overwrite(&d->t.correlation);
	overwrite(&d->t.extra);
	overwrite(&d->t.invalid);
}

size_t delivery_bytes(const struct delivery *d)
{
	/* malloc keeps 8 bytes of its own and rounds up to 16 */
	size_t n = (sizeof(*d) + text_bytes(&d->t) + 8 + 15) & ~(size_t)15;

	return d->parts ? n + ((d->part_count * sizeof(*d->parts) + 8 + 15) & ~(size_t)15) : n;
}

struct part *delivery_part(struct delivery *d, unsigned index)
{
	if (d->part_count <= 1) {
		ASSERT(index == 0);
		return &d->one;
	}
	ASSERT(index < d->part_count);
	if (!d->parts) /* part_count is still the estimate of the acceptance */
		d->parts = xcalloc(d->part_count, sizeof(*d->parts));
	return &d->parts[index];
}

void delivery_set_parts(struct delivery *d, unsigned count)
{
	ASSERT(count >= 1 && count <= PARTS_MAX);
	free(d->parts);
	d->parts = count > 1 ? xcalloc(count, sizeof(*d->parts)) : NULL;
	d->part_count = (uint16_t)count;
	d->one = (struct part){0};
}

/* -- the moving half as bytes -------------------------------------------------------------------------------------- */

static char *put(char *at, uint64_t v, size_t bytes)
{
	le_put(at, v, bytes);
	return at + bytes;
}

static void put_varint(struct buf *out, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		bytes[n++] = (char)(v | 0x80);
	bytes[n++] = (char)v;
	buf_put(out, bytes, n);
}

/* Differences wrap, so that every pair of times survives. */
static uint64_t zigzag(int64_t v, int64_t base)
{
	uint64_t diff = (uint64_t)v - (uint64_t)base;

	return diff << 1 ^ (diff >> 63 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v, int64_t base)
{
	return (int64_t)((uint64_t)base + (v >> 1 ^ (v & 1 ? UINT64_MAX : 0)));
}

static void put_part(struct buf *out, const struct part *p)
{
	char bytes[9];

	bytes[0] = (char)(p->state | (p->id_hash ? PART_HAS_HASH : 0));
	put(bytes + 1, p->id_hash, 8);
	buf_put(out, bytes, p->id_hash ? 9 : 1);
}

void delivery_state_write(const struct delivery *d, struct buf *out)
{
	const int64_t times[] = {d->due_at, d->begun_at, d->sent_at, d->delivered_at};
	uint8_t present = 0,
		more = (uint8_t)((d->held_from ? MORE_CREDIT : 0) | (d->flags & ~HEAD_FLAGS ? MORE_FLAGS : 0));
	char head[HEAD], *at = head;

	for (unsigned i = 0; i < COUNT_OF(times); i++)
		present |= (uint8_t)(times[i] ? 1u << i : 0);
	present |= d->last_seq ? HAS_SEQ : 0;
	present |= d->one.state || d->one.id_hash ? HAS_ONE : 0;
	present |= d->parts ? HAS_PARTS : 0;
	present |= more ? HAS_MORE : 0;
	at = put(at, VERSION, 1);
	at = put(at, d->state, 1);
	at = put(at, d->flags & HEAD_FLAGS, 1);
	at = put(at, d->attempts, 1);
	at = put(at, d->tries, 1);
	at = put(at, present, 1);
	at = put(at, d->connection, 2);
	at = put(at, d->part_count, 2);
	at = put(at, d->accepted_parts, 2);
	at = put(at, d->delivered_parts, 2);
	at = put(at, (uint16_t)d->sent_code, 2);
	at = put(at, (uint16_t)d->delivered_code, 2);
	at = put(at, d->reason, 2);
	at = put(at, (uint32_t)d->detail, 4);
	at = put(at, (uint64_t)d->updated_at, 8);
	ASSERT(at == head + HEAD);
	buf_put(out, head, HEAD);
	for (unsigned i = 0; i < COUNT_OF(times); i++)
		if (times[i])
			put_varint(out, zigzag(times[i], d->updated_at));
	if (d->last_seq)
		put_varint(out, (uint64_t)d->last_seq);
	if (more)
		put_varint(out, more);
	if (more & MORE_CREDIT) {
		put_varint(out, d->held);
		put_varint(out, d->unit_price);
		put_varint(out, d->held_from);
	}
	if (more & MORE_FLAGS)
		put_varint(out, d->flags >> 8);
	if (present & HAS_ONE)
		put_part(out, &d->one);
	for (unsigned i = 0; d->parts && i < d->part_count; i++)
		put_part(out, &d->parts[i]);
}

struct reader {
	const unsigned char *p, *end;
	bool bad; /* sticks */
};

static uint64_t get(struct reader *r, size_t bytes)
{
	uint64_t v;

	if (r->bad || (size_t)(r->end - r->p) < bytes) {
		r->bad = true;
		return 0;
	}
	v = le_get(r->p, bytes);
	r->p += bytes;
	return v;
}

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0, byte;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		byte = get(r, 1);
		if (shift == 63 && byte > 1)
			break; /* more than 64 bits */
		v |= (byte & 0x7F) << shift;
		if (!(byte & 0x80))
			return v;
	}
	r->bad = true;
	return 0;
}

static struct part get_part(struct reader *r)
{
	uint64_t byte = get(r, 1);
	struct part p = {.state = (uint8_t)(byte & 0x7F)};

	if (byte & PART_HAS_HASH)
		p.id_hash = get(r, 8);
	if (p.state > PART_FAILED)
		r->bad = true;
	return p;
}

static uint8_t get_head(struct reader *r, struct delivery *d)
{
	uint8_t present;

	if (get(r, 1) != VERSION)
		r->bad = true;
	d->state = (uint8_t)get(r, 1);
	d->flags = (uint16_t)get(r, 1);
	d->attempts = (uint8_t)get(r, 1);
	d->tries = (uint8_t)get(r, 1);
	present = (uint8_t)get(r, 1);
	d->connection = (uint16_t)get(r, 2);
	d->part_count = (uint16_t)get(r, 2);
	d->accepted_parts = (uint16_t)get(r, 2);
	d->delivered_parts = (uint16_t)get(r, 2);
	d->sent_code = (int16_t)get(r, 2);
	d->delivered_code = (int16_t)get(r, 2);
	d->reason = (uint16_t)get(r, 2);
	d->detail = (int32_t)get(r, 4);
	d->updated_at = (int64_t)get(r, 8);
	if (d->state > D_DONE)
		r->bad = true;
	if (present & HAS_PARTS && (d->part_count < 2 || d->part_count > PARTS_MAX))
		r->bad = true;
	return present;
}

static uint64_t get_below(struct reader *r, uint64_t most)
{
	uint64_t v = get_varint(r);

	if (v > most)
		r->bad = true;
	return v;
}

static void get_more(struct reader *r, struct delivery *d)
{
	uint64_t more = get_below(r, MORE_ALL);

	if (!more)
		r->bad = true;
	if (more & MORE_CREDIT) {
		d->held = (uint32_t)get_below(r, UINT32_MAX);
		d->unit_price = (uint32_t)get_below(r, UINT32_MAX);
		d->held_from = (uint8_t)get_below(r, CREDIT_FROM_ACCOUNT | CREDIT_FROM_SUB);
		if (!d->held_from)
			r->bad = true;
	}
	if (more & MORE_FLAGS) {
		uint64_t high = get_below(r, HEAD_FLAGS);

		if (!high)
			r->bad = true;
		d->flags = (uint16_t)(d->flags | high << 8);
	}
}

int delivery_state_read(struct delivery *d, struct str blob)
{
	struct reader r = {.p = (const unsigned char *)blob.p};
	struct delivery new = *d;
	int64_t *const times[] = {&new.due_at, &new.begun_at, &new.sent_at, &new.delivered_at};
	struct part parts[PARTS_MAX];
	uint8_t present;

	if (blob.n < HEAD)
		return -EPROTO;
	r.end = r.p + blob.n;
	present = get_head(&r, &new);
	for (unsigned i = 0; i < COUNT_OF(times); i++)
		*times[i] = present & 1u << i ? unzigzag(get_varint(&r), new.updated_at) : 0;
	new.last_seq = present &HAS_SEQ ? (int64_t)get_varint(&r) : 0;
	new.held = new.unit_price = new.held_from = 0;
	if (present & HAS_MORE)
		get_more(&r, &new);
	new.one = present &HAS_ONE ? get_part(&r) : (struct part){0};
	for (unsigned i = 0; !r.bad && present & HAS_PARTS && i < new.part_count; i++)
		parts[i] = get_part(&r);
	if (r.bad || r.p != r.end)
		return -EPROTO;
	new.parts = NULL;
	if (present & HAS_PARTS) {
		new.parts = xcalloc(new.part_count, sizeof(*parts));
		memcpy(new.parts, parts, new.part_count * sizeof(*parts));
	}
	free(d->parts);
	*d = new;
	return 0;
}

bool delivery_blob_redacts(struct str blob)
{
	return blob.n >= HEAD && blob.p[0] == VERSION && blob.p[1] == D_DONE && (blob.p[2] & DF_REDACT);
}
