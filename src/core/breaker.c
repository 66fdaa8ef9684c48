/* breaker.c - the circuit breaker of one connection, see breaker.h. */
#include "core/breaker.h"

const char *breaker_name(enum breaker_state s)
{
	switch (s) {
	case BREAKER_CLOSED: return "closed";
	case BREAKER_HALF_OPEN: return "half-open";
	case BREAKER_OPEN: break;
	}
	return "open";
}

static void go(struct breaker *b, enum breaker_state to, int64_t now)
{
	b->state = to;
	b->since = now;
	b->probing = b->passed = b->timeouts = 0;
	b->here[0] = b->here[1] = b->before[0] = b->before[1] = 0;
}

static void open_it(struct breaker *b, const struct breaker_setting *p, const char *why, int64_t now)
{
	bool again = b->state == BREAKER_HALF_OPEN;

	b->pause = again ? MIN(b->pause * 2, p->pause_max_ms) : p->pause_ms;
	go(b, BREAKER_OPEN, now);
	b->until = now + b->pause;
	b->opened++;
	b->why = why;
}

/* A clock that was set back must not keep it open for ever. */
static bool pause_over(const struct breaker *b, int64_t now)
{
	return b->state == BREAKER_OPEN && (now >= b->until || now < b->since);
}

bool breaker_would_allow(const struct breaker *b, const struct breaker_setting *p, int64_t now)
{
	if (b->state == BREAKER_HALF_OPEN)
		return b->probing + b->passed < (uint32_t)p->probes;
	return b->state == BREAKER_CLOSED || (p->probes > 0 && pause_over(b, now));
}

bool breaker_allows(struct breaker *b, const struct breaker_setting *p, int64_t now)
{
	if (pause_over(b, now))
		go(b, BREAKER_HALF_OPEN, now);
	return breaker_would_allow(b, p, now);
}

void breaker_began(struct breaker *b)
{
	if (b->state == BREAKER_HALF_OPEN)
		b->probing++;
}

static void probe_ended(struct breaker *b, const struct breaker_setting *p, enum breaker_outcome o, int64_t now)
{
	b->probing -= b->probing > 0;
	if (o == BREAKER_NOTHING)
		return;
	if (o != BREAKER_OK) {
		open_it(b, p, o == BREAKER_TIMEOUT ? "a probe was not answered" : "a probe met an error", now);
		return;
	}
	if (++b->passed >= (uint32_t)p->probes)
		go(b, BREAKER_CLOSED, now);
}

/* Two stretches of the window's length follow each other; both count, so that an error is remembered for one to two of them. */
static void count(struct breaker *b, const struct breaker_setting *p, bool bad, int64_t now)
{
	int64_t bucket = now / MAX(p->window_ms, (int64_t)1);

	if (bucket != b->bucket) {
		for (int i = 0; i < 2; i++) {
			b->before[i] = bucket == b->bucket + 1 ? b->here[i] : 0;
			b->here[i] = 0;
		}
		b->bucket = bucket;
	}
	b->here[bad]++;
}

static bool too_many(const struct breaker *b, const struct breaker_setting *p)
{
	uint64_t bad = (uint64_t)b->here[1] + b->before[1], all = bad + b->here[0] + b->before[0];

	return p->errors && all >= (uint64_t)p->least && bad * 100 >= all * (uint64_t)p->errors;
}

bool breaker_ended(struct breaker *b, const struct breaker_setting *p, int64_t begun_at, enum breaker_outcome o, int64_t now)
{
	uint64_t opened = b->opened;

	if (b->state == BREAKER_HALF_OPEN && begun_at >= b->since) {
		probe_ended(b, p, o, now);
		return b->opened != opened;
	}
	if (b->state != BREAKER_CLOSED || o == BREAKER_NOTHING || (!p->errors && !p->timeouts))
		return false;
	count(b, p, o != BREAKER_OK, now);
	b->timeouts = o == BREAKER_TIMEOUT ? b->timeouts + 1 : 0;
	if (p->timeouts && b->timeouts >= (uint32_t)p->timeouts)
		open_it(b, p, "answers stayed away", now);
	else if (o != BREAKER_OK && too_many(b, p))
		open_it(b, p, "too many errors", now);
	return b->opened != opened;
}
