/* handset.c - the telephones' memory.
 *
 * A message stands in three lists: by age (what is forgotten first), by change of all, by change of its number. A change moves
 * it to the end of the latter two, so that "changed after n" is a walk from the end. Parts of one message find each other by a
 * hash of everything that makes them one (3GPP TS 23.040 9.2.3.24.1: source, destination, reference, total), kept only until
 * the last part is there. */
#include "sandbox/handset.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "sandbox/handset_lists.h"

#define JOIN_REUSE_US \
	60000000ll /* a part that comes again after that belongs to a new message with a reused reference */
#define JOIN_WAIT_US 3600000000ll /* and parts of one message are no further apart than that */

struct handset_part {
	char *text; /* NULL: not arrived */
	bool done;
};
struct handset {
	struct list by_age, by_change, numbers;
	struct map *messages; /* id -> message */
	struct map *by_text;  /* hash of a number -> struct handset_number */
	struct map *joins;    /* join key -> message */
	size_t max;
	uint64_t last_id, last_change;
	handset_event_fn *event;
	void *ctx;
};

struct handset *handset_new(size_t messages, handset_event_fn *event, void *ctx)
{
	struct handset *h = xnew(struct handset);

	list_init(&h->by_age);
	list_init(&h->by_change);
	list_init(&h->numbers);
	h->messages = map_new();
	h->by_text = map_new();
	h->joins = map_new();
	h->max = messages;
	h->event = event;
	h->ctx = ctx;
	return h;
}

static void drop_parts(struct handset *h, struct handset_message *m)
{
	if (m->join_key)
		map_del(h->joins, m->join_key, NULL);
	m->join_key = 0;
	for (unsigned i = 0; m->part && i < m->parts; i++)
		free(m->part[i].text);
	free(m->part);
	m->part = NULL;
}

static void forget(struct handset *h, struct handset_message *m)
{
	struct handset_number *n = m->number;

	drop_parts(h, m);
	map_del(h->messages, m->id, NULL);
	list_remove(&h->by_age, &m->by_age);
	list_remove(&h->by_change, &m->by_change);
	list_remove(&n->messages, &m->by_number);
	if (n->messages.count == 0) {
		list_remove(&h->numbers, &n->node);
		map_del(h->by_text, n->key, NULL);
		free(n->text);
		free(n);
	}
	free(m->short_code);
	free(m->text);
	free(m);
}

void handset_free(struct handset *h)
{
	if (!h)
		return;
	for (struct node *n; (n = list_first(&h->by_age));)
		forget(h, OWNER(struct handset_message, by_age, n));
	map_free(h->messages);
	map_free(h->by_text);
	map_free(h->joins);
	free(h);
}

/* A clash of hashes is as good as impossible (keyed, 64 bits); it would show as two numbers in one conversation, hence the
 * comparison and the next key. */
static struct handset_number *find_number(struct handset *h, struct str text, uint64_t *key)
{
	struct handset_number *n;

	for (*key = hash_bytes(text.p, text.n); (n = map_ptr(h->by_text, *key)); ++*key)
		if (str_eqz(text, n->text))
			return n;
	return NULL;
}

static struct handset_number *need_number(struct handset *h, struct str text)
{
	uint64_t key;
	struct handset_number *n = find_number(h, text, &key);

	if (n) {
		list_remove(&h->numbers, &n->node);
	} else {
		n = xnew(struct handset_number);
		n->text = xstrndup(text.p ? text.p : "", text.n);
		n->key = key;
		list_init(&n->messages);
		map_set_ptr(h->by_text, key, n);
	}
	list_push_front(&h->numbers, &n->node);
	return n;
}

static void touch(struct handset *h, struct handset_message *m)
{
	m->change = ++h->last_change;
	list_remove(&h->by_change, &m->by_change);
	list_push(&h->by_change, &m->by_change);
	list_remove(&m->number->messages, &m->by_number);
	list_push(&m->number->messages, &m->by_number);
}

static struct handset_message *add(struct handset *h, const struct handset_in *in, unsigned parts)
{
	struct handset_message *m = xnew(struct handset_message);

	m->id = ++h->last_id;
	m->change = ++h->last_change;
	m->number = need_number(h, in->number);
	m->short_code = xstrdup(in->source->text);
	m->ton = in->source->ton;
	m->npi = in->source->npi;
	m->system_id = in->system_id;
	m->flash = in->part->flash;
	m->binary = in->part->binary;
	m->alphabet = in->part->alphabet;
	m->parts = parts;
	m->at_ms = in->wall_ms;
	m->at_us = in->mono_us;
	list_push(&h->by_age, &m->by_age);
	list_push(&h->by_change, &m->by_change);
	list_push(&m->number->messages, &m->by_number);
	map_set_ptr(h->messages, m->id, m);
	if (h->by_age.count > h->max)
		forget(h, OWNER(struct handset_message, by_age, list_first(&h->by_age)));
	return m;
}

/* Over all fields with their lengths fixed or told, so that no two different messages give the same octets. */
static uint64_t join_key(const struct handset_in *in)
{
	char b[320];
	int n = snprintf(b, sizeof(b), "%.66s%c%.66s%c%.*s%c%u %u %d", in->system_id, 0, in->source->text, 0,
			 (int)MIN(in->number.n, 66), in->number.p, 0, in->part->ref, in->part->total, in->part->wide);

	return hash_bytes(b, MIN((size_t)n, sizeof(b))) | 1; /* never 0 */
}

static void join_text(struct handset_message *m)
{
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < m->parts; i++)
		if (m->part[i].text)
			buf_puts(&b, m->part[i].text);
	free(m->text);
	m->text = xstrdup(buf_cstr(&b));
	buf_done(&b);
}

static uint64_t one_of_several(struct handset *h, const struct handset_in *in)
{
	uint64_t key = join_key(in);
	unsigned i = in->part->seq - 1u;
	struct handset_message *m = map_ptr(h->joins, key);

	if (m && in->mono_us - m->at_us > (m->part[i].text ? JOIN_REUSE_US : JOIN_WAIT_US)) {
		map_del(h->joins, key, NULL);
		m->join_key = 0;
		m = NULL;
	}
	if (!m) {
		m = add(h, in, in->part->total);
		m->part = xcalloc(m->parts, sizeof(*m->part));
		m->join_key = key;
		map_set_ptr(h->joins, key, m);
	}
	m->damaged |= in->part->damaged;
	if (m->alphabet != SPLIT_UCS2 && in->part->alphabet > m->alphabet)
		m->alphabet = in->part->alphabet; /* one part may need the extension table */
	if (m->part[i].text) {
		m->repeats++;
		free(m->part[i].text);
	} else {
		m->arrived++;
	}
	m->part[i].text = xstrndup(in->text.p ? in->text.p : "", in->text.n);
	join_text(m);
	touch(h, m);
	if (m->arrived == m->parts) {
		map_del(h->joins, key, NULL);
		m->join_key = 0;
		if (m->state != HANDSET_PENDING)
			drop_parts(h, m);
	}
	return m->id;
}

uint64_t handset_mt(struct handset *h, const struct handset_in *in)
{
	struct handset_message *m;

	if (in->part->joined && in->part->total > 1)
		return one_of_several(h, in);
	m = add(h, in, MAX(in->parts, 1));
	m->arrived = m->parts;
	m->damaged = in->part->damaged;
	m->text = xstrndup(in->text.p ? in->text.p : "", in->text.n);
	return m->id;
}

uint64_t handset_mo(struct handset *h, const struct handset_in *in)
{
	struct handset_message *m = add(h, in, in->part->total);

	m->mo = true;
	m->arrived = m->parts;
	m->text = xstrndup(in->text.p ? in->text.p : "", in->text.n);
	if (m->parts > 1)
		m->part = xcalloc(m->parts, sizeof(*m->part));
	if (h->event)
		h->event(h->ctx, m);
	return m->id;
}

void handset_replace(struct handset *h, uint64_t id, struct str text)
{
	struct handset_message *m = map_ptr(h->messages, id);

	if (!m || m->part)
		return;
	free(m->text);
	m->text = xstrndup(text.p ? text.p : "", text.n);
	touch(h, m);
}

void handset_end(struct handset *h, uint64_t id, unsigned seq, enum handset_state state, const char *reason,
		 int64_t wall_ms, int64_t mono_us)
{
	struct handset_message *m = map_ptr(h->messages, id);

	if (!m || m->state != HANDSET_PENDING)
		return;
	if (state == HANDSET_DELIVERED) {
		if (!m->part) {
			m->done = m->parts;
		} else if (seq >= 1 && seq <= m->parts && !m->part[seq - 1].done) {
			m->part[seq - 1].done = true;
			m->done++;
		}
		if (m->done < m->parts) {
			touch(h, m);
			return;
		}
	}
	m->state = state;
	m->end_ms = wall_ms;
	m->end_us = mono_us;
	if (reason)
		snprintf(m->reason, sizeof(m->reason), "%s", reason);
	if (!m->join_key) /* else further parts may still be shown */
		drop_parts(h, m);
	touch(h, m);
	if (h->event && !m->mo)
		h->event(h->ctx, m);
}

const struct handset_message *handset_last(struct handset *h, struct str number, struct str short_code)
{
	uint64_t key;
	struct handset_number *n = find_number(h, number, &key);

	for (struct node *i = n ? n->messages.head.prev : NULL; n && i != &n->messages.head; i = i->prev) {
		struct handset_message *m = OWNER(struct handset_message, by_number, i);

		if (!m->mo && str_eqz(short_code, m->short_code))
			return m;
	}
	return NULL;
}

size_t handset_count(const struct handset *h) { return h->by_age.count; }

const char *handset_state_word(enum handset_state s)
{
	static const char *const word[] = {
#define HANDSET_STATE_WORD(id, w) w,
		HANDSET_STATES(HANDSET_STATE_WORD)};

	return word[s];
}

const char *handset_alphabet(unsigned alphabet)
{
	switch (alphabet) {
	case SPLIT_ASCII: return "ASCII";
	case SPLIT_GSM7:
	case SPLIT_GSM7EXT: return "GSM";
	case SPLIT_LATIN1: return "Latin-1";
	case SPLIT_UCS2: return "UCS2";
	default: return "binary";
	}
}

struct list *handset_changes(struct handset *h) { return &h->by_change; }
struct list *handset_numbers(struct handset *h) { return &h->numbers; }
uint64_t handset_last_change(const struct handset *h) { return h->last_change; }

struct handset_number *handset_find_number(struct handset *h, struct str number)
{
	uint64_t key;

	return find_number(h, number, &key);
}
