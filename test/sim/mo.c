/* mo.c - handsets that answer, the judge of what becomes of their messages, and a user who reads the list of them.
 *
 * A text names itself: every part is "[tag.part]". So the judge sees of each MO what is in it, and of each part that the carrier got an
 * answer for that it is durable then, and in exactly one MO at the end. Whose it must be is worked out again from the durable events,
 * without the index of handsets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lists.h"
#include "core/mo.h"
#include "model/codes.h"
#include "sim/mo.h"

#define CODE "27182"
#define PARTS_OF(total) ((uint32_t)(((uint64_t)1 << (total)) - 1))

struct said { /* what a handset sent */
	unsigned total;
	uint32_t durable, in_mo; /* bits by part */
};
struct heard { /* an MO that is durable */
	struct node node;
	struct mo *m;
	bool called, settled, wanted;
	bool told, consumed; /* by the list: handed to the administrator; and that is durable */
};

void mo_judge_open(struct sim *s)
{
	s->judge.said = map_new();
	s->judge.heard = map_new();
	list_init(&s->judge.heard_all);
}

static bool free_said(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void mo_judge_close(struct sim *s)
{
	struct node *n;

	while ((n = list_pop(&s->judge.heard_all))) {
		free(OWNER(struct heard, node, n)->m);
		free(OWNER(struct heard, node, n));
	}
	map_each(s->judge.said, free_said, NULL);
	map_free(s->judge.said);
	map_free(s->judge.heard);
}

/* -- handsets ------------------------------------------------------------------------------------------------------- */

void mo_said(struct sim *s, uint32_t tag, unsigned total)
{
	struct said *t = xnew(struct said);

	t->total = total;
	map_set_ptr(s->judge.said, tag, t);
}

void mo_part_text(char *out, size_t size, uint32_t tag, unsigned part)
{
	snprintf(out, size, "[%u.%u]", tag, part);
}

/* -- durable -------------------------------------------------------------------------------------------------------- */

static struct said *said_of(struct sim *s, uint32_t tag, unsigned part, const char *where)
{
	struct said *t = map_ptr(s->judge.said, tag);

	if (t && part < t->total)
		return t;
	sim_fail(s, "%s: part %u.%u was never sent", where, tag, part);
	return NULL;
}

static bool next_piece(struct str *text, uint32_t *tag, unsigned *part)
{
	char copy[24] = "";
	int used = 0;

	str_copy(copy, sizeof(copy), (struct str){text->p, MIN(text->n, sizeof(copy) - 1)});
	if (sscanf(copy, "[%" SCNu32 ".%u]%n", tag, part, &used) != 2 || used == 0)
		return false;
	text->p += used;
	text->n -= (size_t)used;
	return true;
}

static void note_pieces(struct sim *s, const struct mo *m)
{
	struct str rest = m->text;
	unsigned pieces = 0, part, last = 0;
	uint32_t tag, first = 0;

	wishes_read(&rest);
	while (rest.n) {
		struct said *t;

		if (str_eq((struct str){rest.p, MIN(rest.n, (size_t)3)}, STR("\xe2\x80\xa6"))) {
			rest = (struct str){rest.p + 3, rest.n - 3};
			continue;
		}
		if (!next_piece(&rest, &tag, &part)) {
			sim_fail(s, "MO %" PRId64 " says \"%.*s\"", m->key, (int)m->text.n, m->text.p);
			return;
		}
		t = said_of(s, tag, part, "MO");
		if (!t)
			return;
		if (t->in_mo & 1u << part)
			sim_fail(s, "part %u.%u is in two MOs", tag, part);
		if (pieces && (tag != first || part <= last))
			sim_fail(s, "MO %" PRId64 " is joined wrongly: \"%.*s\"", m->key, (int)m->text.n, m->text.p);
		t->in_mo |= 1u << part;
		t->durable |= 1u << part;
		first = tag;
		last = part;
		pieces++;
		if (m->total != t->total)
			sim_fail(s, "MO %" PRId64 " has %u parts, not %u", m->key, m->total, t->total);
	}
	if (pieces != m->came)
		sim_fail(s, "MO %" PRId64 " has %u parts, it says %u", m->key, pieces, m->came);
}

/* The last one sent to that handset from that number, by all that is durable. */
static void check_match(struct sim *s, const struct mo *m)
{
	const struct delivery *want = judge_last_sent(s, str_of(m->source), str_of(m->short_code));
	uint32_t sub = want ? want->sub_account : 3; /* whose the short code is */

	if ((want ? want->key : 0) != m->mt)
		sim_fail(s, "MO %" PRId64 " from %s answers %" PRId64 ", not %" PRId64, m->key, m->source,
			 m->mt, want ? want->key : 0);
	else if (m->sub_account != sub || m->user != (want ? want->user : 0) || m->owner != (want ? MO_MT : MO_SHORT_CODE))
		sim_fail(s, "MO %" PRId64 " belongs to %u, user %u, by %s", m->key, m->sub_account, m->user,
			 mo_owner_name(m->owner));
}

void mo_durable(struct sim *s, const struct mo *m)
{
	struct heard *h = xnew(struct heard);

	sim_note(s, "  MO %" PRId64 " from %s \"%.*s\" answers %" PRId64, m->key, m->source, (int)m->text.n,
		 m->text.p, m->mt);
	if (map_get(s->judge.heard, (uint64_t)m->key, NULL))
		sim_fail(s, "MO %" PRId64 " twice", m->key);
	note_pieces(s, m);
	check_match(s, m);
	wishes_durable(s, m);
	h->m = mo_copy(m);
	h->wanted = sim_webhook_of(m->sub_account, m->user, HOOK_MO) != 0;
	map_set_ptr(s->judge.heard, (uint64_t)m->key, h);
	list_push(&s->judge.heard_all, &h->node);
}

void mo_part_durable(struct sim *s, const struct mo_part *p)
{
	struct str text = p->text;
	uint32_t tag;
	unsigned part;
	struct said *t = next_piece(&text, &tag, &part) ? said_of(s, tag, part, "part") : NULL;

	if (!t)
		return;
	if (t->durable & 1u << part)
		sim_fail(s, "part %u.%u is stored twice", tag, part);
	t->durable |= 1u << part;
}

void mo_acknowledged(struct sim *s, uint32_t tag, unsigned part)
{
	struct said *t = said_of(s, tag, part, "answer");

	if (t && !(t->durable & 1u << part))
		sim_fail(s, "part %u.%u is answered, but not durable", tag, part);
}

bool mo_event(struct sim *s, const struct event *e)
{
	struct heard *h = map_ptr(s->judge.heard, (uint64_t)e->key);

	if (e->kind == EV_RECEIVED)
		return true; /* comes before its row */
	if (!h || !event_is_hook(e->kind))
		return false;
	if (e->arg != HOOK_MO || !h->wanted)
		sim_fail(s, "MO %" PRId64 ": %s of webhook %d", e->key, event_kind_name(e->kind), e->arg);
	h->settled = e->kind != EV_HOOK_FAILED;
	return true;
}

bool mo_call(struct sim *s, const struct hook_call *c)
{
	struct heard *h = map_ptr(s->judge.heard, (uint64_t)c->key);

	if (c->kind != HOOK_MO)
		return false;
	if (!h || !h->wanted || !c->mo || c->seq > s->judge.last_seq)
		sim_fail(s, "%" PRId64 ": the MO webhook is called for what is not durable", c->key);
	else if (c->webhook != sim_webhook_of(h->m->sub_account, h->m->user, HOOK_MO) || !str_eq(c->mo->text, h->m->text))
		sim_fail(s, "MO %" PRId64 ": its webhook says something else", c->key);
	if (h)
		h->called = true;
	return true;
}

bool mo_hook_set(struct sim *s, const struct hook_row *row)
{
	struct heard *h = map_ptr(s->judge.heard, (uint64_t)row->key);

	if (row->kind != HOOK_MO)
		return false;
	if (h && !row->dead)
		h->settled = false; /* waits, or was replayed */
	return true;
}

/* -- a reader ------------------------------------------------------------------------------------------------------- */

struct reading { /* one call of the list, by the user of sub-account 1 or by the administrator, who may ask for that sub-account too */
	struct call call;
	struct sim *sim;
	unsigned life;
	struct lease_ask ask;
	struct stretch consumed[LEASE_GAPS + LIST_LIMIT];
	size_t stretches, n;
	int64_t keys[LIST_LIMIT];
	int step; /* 0 leases, 1 ends */
	bool ran, consume;
	uint32_t sub; /* 0: all */
	bool judged;  /* the administrator's */
	bool narrow;  /* he leaves the others' unread */
	bool whole;
	int64_t last;
	size_t limit;
};

static void next_reading(struct sim *s, struct task *t);

static bool read_row(void *ctx, const struct mo *m)
{
	struct reading *r = ctx;

	if (r->n == r->limit) {
		r->whole = false;
		return false;
	}
	r->last = m->key;
	if (!r->sub || m->sub_account == r->sub)
		r->keys[r->n++] = m->key;
	return true;
}

static void in_turn(struct engine *e, struct call *c)
{
	struct reading *r = (struct reading *)c;

	r->ran = true;
	if (r->step == 0)
		lists_lease(e, &r->ask);
	else
		lists_end(e, r->ask.user, LIST_MO, r->ask.id, r->consumed, r->consume ? r->stretches : 0);
}

/* The administrator's reading is the one that is judged. */
static void count_read(struct sim *s, struct reading *r, bool consumed)
{
	for (size_t i = 0; r->judged && i < r->n; i++) {
		struct heard *h = map_ptr(s->judge.heard, (uint64_t)r->keys[i]);

		if (!h) {
			sim_fail(s, "MO %" PRId64 " is listed, but not durable", r->keys[i]);
			continue;
		}
		if (!consumed && h->consumed)
			sim_fail(s, "MO %" PRId64 " is listed again after it was consumed", r->keys[i]);
		h->told |= r->consume;
		h->consumed |= consumed;
	}
}

/* Gap after gap, until the limit. */
static void read_gaps(struct sim *s, struct reading *r)
{
	struct store_reader *reader;

	if (s->store->ops->reader_open(s->store, &reader, NULL) < 0)
		sim_fail(s, "no reader");
	r->whole = true;
	for (size_t i = 0; i < r->ask.n && r->whole; i++) {
		struct stretch gap = r->ask.gaps[i];
		size_t before = r->n;

		r->last = gap.from - 1;
		s->store->ops->r_mos(reader, gap.from, gap.to, false, read_row, r, 0);
		for (size_t k = before; r->narrow && k < r->n; k++)
			r->consumed[r->stretches++] = (struct stretch){r->keys[k], r->keys[k]};
		if (r->whole)
			r->last = gap.to;
		if (!r->narrow && r->last >= gap.from)
			r->consumed[r->stretches++] = (struct stretch){gap.from, r->last};
	}
	s->store->ops->reader_close(reader);
}

/* Who was given less than he would take was given all that is new to him. */
static void check_complete(struct sim *s, const struct reading *r)
{
	if (!r->judged || !r->whole || r->ask.n == LEASE_GAPS)
		return;
	for (struct node *n = list_first(&s->judge.heard_all); n; n = list_next(&s->judge.heard_all, n)) {
		const struct heard *h = OWNER(struct heard, node, n);
		bool listed = h->told || h->m->key > r->ask.gaps[r->ask.n - 1].to ||
			      (r->narrow && h->m->sub_account != r->sub);

		for (size_t i = 0; !listed && i < r->n; i++)
			listed = r->keys[i] == h->m->key;
		if (!listed)
			sim_fail(s, "MO %" PRId64 " is passed over by the list", h->m->key);
	}
}

static void after_turn(struct call *c)
{
	struct reading *r = (struct reading *)c;
	struct sim *s = r->sim;

	if (!r->ran) { /* the process ends */
		s->reading = NULL;
		free(r);
		return;
	}
	r->ran = false;
	if (r->step == 1) {
		count_read(s, r, r->consume);
		s->reading = NULL;
		free(r);
		sim_at(s, &s->read_mos, s->now + between(s, 10, 20000), next_reading);
		return;
	}
	if (!r->ask.n) {
		s->reading = NULL;
		free(r);
		sim_at(s, &s->read_mos, s->now + between(s, 1000, 60000), next_reading);
		return;
	}
	read_gaps(s, r);
	check_complete(s, r);
	r->consume = s->calm || chance(s, 60);
	r->step = 1;
	count_read(s, r, false);
	c->in.mail.next = NULL;
	engine_post(s->e, &c->in, true);
}

static void next_reading(struct sim *s, struct task *t)
{
	struct reading *r = xnew(struct reading);
	bool own = chance(s, 30);

	(void)t;
	r->sim = s;
	r->judged = !own;
	r->narrow = !own && !s->calm && chance(s, 50);
	r->sub = own || r->narrow ? 1 : 0;
	r->limit = (size_t)between(s, 1, LIST_LIMIT);
	r->ask = (struct lease_ask){.user = own ? 1 : 99, .kind = LIST_MO, .edge = 0, .raise = true};
	r->call.in.kind = INPUT_CALL;
	r->call.fn = in_turn;
	r->call.done = after_turn;
	engine_post(s->e, &r->call.in, true);
	s->reading = &r->call;
}

void mo_reader_die(struct sim *s)
{
	sim_off(s, &s->read_mos);
	free(s->reading);
	s->reading = NULL;
}

void mo_reader_start(struct sim *s) { sim_at(s, &s->read_mos, s->now + between(s, 10, 20000), next_reading); }

/* -- the end -------------------------------------------------------------------------------------------------------- */

bool mo_settled(const struct sim *s)
{
	if (s->e->mos.parts || !wishes_settled(s))
		return false;
	for (struct node *n = list_first(&s->judge.heard_all); n; n = list_next(&s->judge.heard_all, n)) {
		const struct heard *h = OWNER(struct heard, node, n);

		if ((h->wanted && !h->settled) || !h->told)
			return false;
	}
	return true;
}

static bool check_said(void *ctx, uint64_t key, uint64_t value)
{
	struct sim *s = ctx;
	const struct said *t = (const void *)(uintptr_t)value;

	if (t->in_mo != PARTS_OF(t->total))
		sim_fail(s, "of message %u only parts %x of %u are in an MO", (unsigned)key, t->in_mo, t->total);
	return true;
}

void mo_judge_end(struct sim *s)
{
	map_each(s->judge.said, check_said, s);
	wishes_end(s);
	for (struct node *n = list_first(&s->judge.heard_all); n; n = list_next(&s->judge.heard_all, n)) {
		const struct heard *h = OWNER(struct heard, node, n);
		struct mo *row = NULL;

		if (h->wanted && (!h->called || !h->settled))
			sim_fail(s, "MO %" PRId64 ": its webhook was never settled", h->m->key);
		if (!h->told)
			sim_fail(s, "MO %" PRId64 " was never listed", h->m->key);
		if (h->m->came < h->m->total && s->settings->sms.mo.part_wait_ms >= PATIENT_MS)
			sim_fail(s, "MO %" PRId64 " was given up too soon", h->m->key);
		if (s->store->ops->mo_load(s->store, h->m->key, &row) < 0)
			sim_fail(s, "MO %" PRId64 " is not in the store any more", h->m->key);
		free(row);
	}
}
