/* An SMSC that does everything at random, and what must hold all the same:
 *   - every attempt is answered: an acceptance for each part, or one verdict for the whole and none of both twice;
 *   - after a verdict other than doubt nothing more is said about an attempt;
 *   - what was "not sent" never reached the SMSC, unless it was refused there for the session's sake;
 *   - what the SMSC accepted and could say so is never told as not sent, refused or expired;
 *   - in the end no part is left behind and the credits are those of the windows. */
#include "world.h"

#include <event2/bufferevent.h>
#include <stdio.h>

#include "base/rng.h"

#define ATTEMPTS 250
#define HELD_MAX 64

struct fate {
	unsigned seen;     /* parts read by the SMSC and not put off by throttling */
	bool session;      /* answered with a session status */
	unsigned accepted; /* acceptances written to a link that was alive */
};
struct chaos {
	struct world *w;
	struct prng rng;
	struct fate fate[ATTEMPTS + 1];
	unsigned held[HELD_MAX], held_count; /* answers that come later, in any order */
};

static bool chance(struct chaos *c, unsigned per_mille) { return prng_below(&c->rng, 1000) < per_mille; }

/* The sender of an attempt is its key. */
static unsigned key_of(const struct smpp_pdu *m) { return (unsigned)strtoul(m->source.text, NULL, 10); }

static void accept_it(struct smsc *s, unsigned index)
{
	struct chaos *c = s->ctx;
	char id[20];

	if (!s->links[s->pdus[index].link].bev)
		return;
	snprintf(id, sizeof(id), "%u", index);
	smsc_answer(s, index, 0, id);
	c->fate[key_of(&s->pdus[index].m)].accepted++;
}

static void nack(struct smsc *s, unsigned index)
{
	struct smpp_pdu m = {.id = SMPP_GENERIC_NACK, .status = SMPP_RINVCMDLEN, .seq = s->pdus[index].m.seq};

	smsc_send(s, s->pdus[index].link, &m);
}

static void unbind(struct smsc *s, unsigned index)
{
	struct smpp_pdu m = {.id = SMPP_UNBIND, .seq = 1};

	smsc_send(s, s->pdus[index].link, &m);
}

static void on_submit(struct smsc *s, unsigned index)
{
	struct chaos *c = s->ctx;
	unsigned k = key_of(&s->pdus[index].m);
	uint64_t dice = prng_below(&c->rng, 1000);

	assert_in_range(k, 1, ATTEMPTS);
	c->fate[k].seen++;
	if (dice < 600) {
		accept_it(s, index);
	} else if (dice < 850 && c->held_count < HELD_MAX) {
		c->held[c->held_count++] = index;
	} else if (dice < 890) {
		c->fate[k].seen--;
		smsc_answer(s, index, chance(c, 500) ? SMPP_RTHROTTLED : SMPP_RMSGQFUL, "");
	} else if (dice < 920) {
		smsc_answer(s, index, 0x400, "");
	} else if (dice < 940) {
		smsc_answer(s, index, SMPP_RSYSERR, "");
	} else if (dice < 960) {
		return; /* never */
	} else if (dice < 970) {
		nack(s, index);
	} else if (dice < 975) {
		unbind(s, index);
	} else if (dice < 980) {
		c->fate[k].session = true;
		smsc_answer(s, index, SMPP_RINVBNDSTS, "");
	} else if (dice < 985) {
		smsc_raw(s, s->pdus[index].link, "garbage, nothing but garbage", 28);
	} else if (dice < 990) {
		smsc_drop(s, s->pdus[index].link);
	} else {
		accept_it(s, index);
	}
}

static void let_some_go(struct chaos *c)
{
	while (c->held_count && chance(c, 300)) {
		unsigned i = (unsigned)prng_below(&c->rng, c->held_count);

		accept_it(&c->w->smsc, c->held[i]);
		c->held[i] = c->held[--c->held_count];
	}
}

static void send_one(struct chaos *c, int64_t key)
{
	static const size_t lengths[] = {10, 10, 10, 150, 200, 400, 1000};
	size_t n = lengths[prng_below(&c->rng, COUNT_OF(lengths))];
	char *text = repeat('a', n);
	uint16_t parts = (uint16_t)(n <= 160 ? 1 : (n + 152) / 153);
	char head[16];
	struct attempt *a;

	/* Head and number in one allocation, as the core does it. */
	snprintf(head, sizeof(head), "%lld", (long long)key);
	memcpy(text, head, strlen(head));
	a = attempt_make(key, "5511999990001", text, parts);
	a->source = (struct str){a->text.p, strlen(head)};
	if (chance(c, 30))
		a->expires_at = wall_ms() + 20;
	world_send(c->w, a);
	free(text);
}

static bool answered(struct chaos *c, int64_t key)
{
	struct result *r = NULL;
	unsigned accepted = 0, whole = 0, n;

	for (n = 0; (r = result_of(c->w, key, n)) != NULL; n++) {
		accepted += r->verdict == V_ACCEPTED;
		whole += r->verdict != V_ACCEPTED;
	}
	r = result_of(c->w, key, 0);
	return whole || (r && accepted == r->parts);
}

static void check(struct chaos *c, int64_t key)
{
	const struct fate *f = &c->fate[key];
	bool seen[PARTS_MAX] = {false};
	struct result *r, *whole = NULL;

	for (unsigned n = 0; (r = result_of(c->w, key, n)) != NULL; n++) {
		if (r->verdict == V_ACCEPTED) {
			assert_true(!whole || whole->verdict == V_DOUBT);
			assert_false(seen[r->part]);
			seen[r->part] = true;
			continue;
		}
		assert_null(whole);
		whole = r;
	}
	if (whole && whole->verdict == V_NOT_SENT)
		assert_true(!f->seen || f->session);
	if (whole && whole->verdict == V_EXPIRED)
		assert_true(whole->parts > 1 || !f->accepted);
}

static void run(uint64_t seed)
{
	struct chaos *c = xnew(struct chaos);
	struct world *w = c->w = xnew(struct world);
	int64_t key = 0, end = mono_us() + 60 * 1000000;
	unsigned open;

	prng_seed(&c->rng, seed);
	world_setup(w);
	log_setup(LOG_ERROR, LOG_TEXT);
	w->smsc.on_submit = on_submit;
	w->smsc.ctx = c;
	w->conn.binds = 3;
	w->conn.window = (int64_t)prng_below(&c->rng, 12) + 1;
	w->conn.rate = chance(c, 300) ? 500 : 0;
	w->conn.timers = (struct smpp_timers){
		.bind_ms = 200, .response_ms = 40, .enquire_link_ms = 30, .throttle_ms = 3, .reconnect_ms = 2, .reconnect_max_ms = 5};
	world_open(w);
	do {
		while (key < ATTEMPTS && w->credits > 0)
			send_one(c, ++key);
		world_turn(w);
		let_some_go(c);
		if (chance(c, 5))
			smsc_drop(&w->smsc, (unsigned)prng_below(&c->rng, MAX(w->smsc.link_count, 1u)));
		if (w->smsc.link_count > COUNT_OF(w->smsc.links) - 8) {
			/* The table of links is full of dead ones: calm down. */
			w->smsc.on_submit = NULL;
			c->held_count = 0;
		}
		open = 0;
		for (int64_t k = 1; k <= key; k++)
			open += !answered(c, k);
		if (mono_us() > end)
			fail_msg("seed %llu: %u attempts unanswered", (unsigned long long)seed, open);
	} while (key < ATTEMPTS || open);
	world_run(w, 60);
	for (int64_t k = 1; k <= ATTEMPTS; k++)
		check(c, k);
	for (unsigned i = 0; i < 3; i++) {
		struct session *s = world_link(w, i);

		assert_int_equal(s->unwritten, 0);
		assert_int_equal(s->queue.count + s->again.count, 0);
	}
	world_end(w);
	free(w);
	free(c);
}

static void everything_at_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
