/* wishes.c - handsets that ask to be taken off a sub-account's messages and onto them again. The lists' file is played here: what the engine
 * hands over gets into it some time later, in its order, and what had not is lost with the process. The judge works out from the durable
 * MOs alone who wants none: after any crash nothing is sent to them, and in the end list and file say the same. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/numbers.h"
#include "core/optout.h"
#include "sim/mo.h"

#define OUT "SAIR "
#define IN "VOLTAR "
#define ON ((uint64_t)1)

struct waiting { /* handed over, not in the file */
	struct node node;
	struct number_change change;
	int64_t key;
};
struct wishes {
	struct sim *s;
	struct prng r;     /* of its own, so that seeds go on to draw what they drew */
	int64_t behind_ms; /* how long the file may be behind */
	int percent;       /* of messages of one part that ask for something; 0: none does */
	struct list waiting;
	struct map *file;  /* person -> ON or 0 */
	struct map *truth; /* person -> turn in which it became durable << 1 | ON */
	int64_t mark;      /* in the file */
	struct task write;
};

static uint64_t person(uint32_t sub, uint64_t number) { return (uint64_t)sub << 56 | number; }

void wishes_open(struct sim *s)
{
	struct wishes *w = s->wishes = xnew(struct wishes);

	w->s = s;
	prng_seed(&w->r, s->seed ^ 0x77697368);
	w->percent = s->seed >= 1000 && prng_below(&w->r, 2) ? 5 + (int)prng_below(&w->r, 60) : 0;
	w->behind_ms = prng_below(&w->r, 2) ? 3000 : 600000;
	w->file = map_new();
	w->truth = map_new();
	list_init(&w->waiting);
}

static void drop_waiting(struct wishes *w)
{
	struct node *n;

	while ((n = list_pop(&w->waiting)))
		free(OWNER(struct waiting, node, n));
}

void wishes_close(struct sim *s)
{
	drop_waiting(s->wishes);
	map_free(s->wishes->file);
	map_free(s->wishes->truth);
	free(s->wishes);
	numbers_clear();
}

/* -- what handsets write -------------------------------------------------------------------------------------------- */

void wishes_say(struct sim *s, char *text, size_t size)
{
	struct wishes *w = s->wishes;
	struct buf b = BUF_INIT;

	if (!w->percent || (int)prng_below(&w->r, 100) >= w->percent)
		return;
	buf_puts(&b, prng_below(&w->r, 3) ? OUT : IN);
	buf_puts(&b, text);
	str_copy(text, size, buf_view(&b));
	buf_done(&b);
}

static bool begins(struct str *text, const char *word)
{
	size_t n = strlen(word);

	if (text->n < n || memcmp(text->p, word, n) != 0)
		return false;
	*text = (struct str){text->p + n, text->n - n};
	return true;
}

int wishes_read(struct str *text)
{
	return begins(text, OUT) ? MO_WISH_OUT : begins(text, IN) ? MO_WISH_IN : MO_WISH_NONE;
}

/* -- the lists' file ------------------------------------------------------------------------------------------------ */

/* Some of what waits, the oldest first, with its mark. */
static void on_write(struct sim *s, struct task *t)
{
	struct wishes *w = s->wishes;
	size_t n = 1 + prng_below(&w->r, w->waiting.count);

	for (struct node *at; n-- && (at = list_pop(&w->waiting));) {
		struct waiting *x = OWNER(struct waiting, node, at);

		map_set(w->file, person(x->change.owner, x->change.number), x->change.on ? ON : 0);
		if (x->key < w->mark)
			sim_fail(s, "opt-outs go to the file in the wrong order");
		w->mark = MAX(w->mark, x->key);
		free(x);
	}
	if (w->waiting.count)
		sim_at(s, t, s->now + (int64_t)prng_below(&w->r, (uint64_t)w->behind_ms), on_write);
}

static void hand_over(void *ctx, const struct number_change *c, int64_t key)
{
	struct sim *s = ctx;
	struct wishes *w = s->wishes;
	struct waiting *x;

	if (!sim_effect(s))
		return;
	numbers_change(c, 1);
	x = xnew(struct waiting);
	x->change = *c;
	x->key = key;
	if (!w->waiting.count)
		sim_at(s, &w->write, s->now + (int64_t)prng_below(&w->r, (uint64_t)w->behind_ms), on_write);
	list_push(&w->waiting, &x->node);
}

static int64_t written(void *ctx) { return ((struct sim *)ctx)->wishes->mark; }

static bool fill(void *ctx, uint64_t key, uint64_t on)
{
	const struct number_change c = {.list = LIST_OPT_OUT,
					.on = on == ON,
					.owner = (uint32_t)(key >> 56),
					.number = key & (((uint64_t)1 << 56) - 1)};

	(void)ctx;
	numbers_change(&c, 1);
	return true;
}

void wishes_start(struct sim *s, struct engine_config *c)
{
	numbers_clear();
	map_each(s->wishes->file, fill, NULL);
	c->optout = hand_over;
	c->optout_written = written;
	c->optout_ctx = s;
	c->optout_mark = s->wishes->mark;
}

void wishes_die(struct sim *s)
{
	sim_off(s, &s->wishes->write);
	drop_waiting(s->wishes);
}

/* -- the judge ------------------------------------------------------------------------------------------------------ */

void wishes_durable(struct sim *s, const struct mo *m)
{
	struct str text = m->text;
	int wish = wishes_read(&text);

	if (m->wish != wish || (wish && m->wish_sub != m->sub_account))
		sim_fail(s, "MO %" PRId64 " asks for %d of %u, not %d of %u", m->key, m->wish, m->wish_sub,
			 wish, m->sub_account);
	if (wish)
		map_set(s->wishes->truth, person(m->sub_account, number_read(str_of(m->source))),
			s->turns << 1 | (wish == MO_WISH_OUT ? ON : 0));
}

void wishes_attempt(struct sim *s, const struct delivery *d)
{
	uint64_t v;

	/* What was chosen in the turn that stored the MO may go. */
	if (map_get(s->wishes->truth, person(d->sub_account, number_read(d->t.number)), &v) && v & ON && v >> 1 < s->turns)
		sim_fail(s, "%" PRId64 " is sent to a number that opted out", d->key);
}

bool wishes_refuse(struct sim *s, const struct delivery *d)
{
	uint64_t v;

	/* An opt-in of this very turn may come too late for it. */
	return map_get(s->wishes->truth, person(d->sub_account, number_read(d->t.number)), &v) &&
	       (v & ON || v >> 1 == s->turns);
}

bool wishes_settled(const struct sim *s) { return s->wishes->waiting.count == 0; }

static bool check(void *ctx, uint64_t key, uint64_t v)
{
	struct sim *s = ctx;
	uint32_t sub = (uint32_t)(key >> 56);
	uint64_t number = key & (((uint64_t)1 << 56) - 1), on = 0;

	if (numbers_listed(LIST_OPT_OUT, sub, number) != (v & ON))
		sim_fail(s, "%" PRIu64 " asked %u for the opposite", number, sub);
	map_get(s->wishes->file, key, &on);
	if (on != (v & ON))
		sim_fail(s, "%" PRIu64 " asked %u for the opposite of what the file says", number, sub);
	return true;
}

void wishes_end(struct sim *s)
{
	map_each(s->wishes->truth, check, s);
	if (numbers_count() > map_count(s->wishes->truth))
		sim_fail(s, "there are %zu opt-outs, %zu were asked for", numbers_count(), map_count(s->wishes->truth));
}
