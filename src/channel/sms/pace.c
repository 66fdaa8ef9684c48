/* pace.c - token bucket with throttling. */
#include "channel/sms/pace.h"

#define PART 1000000    /* one part in the unit of tokens: rate * us */
#define MEASURED_MIN 20 /* a quiet link that is throttled tells nothing about its rate */
#define AHEAD_US 50000  /* the bucket's depth, and what may be granted ahead */

void pace_init(struct pace *p, int64_t limit, int64_t pause_ms, int64_t now_us)
{
	*p = (struct pace){
		.limit = limit, .now_rate = limit, .pause_us = pause_ms * 1000, .tokens = PART, .filled_at = now_us, .second_at = now_us};
}

void pace_change(struct pace *p, int64_t limit, int64_t pause_ms, int64_t now_us)
{
	p->pause_us = pause_ms * 1000;
	if (limit == p->limit)
		return;
	p->limit = limit;
	p->now_rate = p->throttled_at && limit && p->now_rate ? MIN(p->now_rate, limit) : limit;
	p->filled_at = now_us;
	p->tokens = 0;
}

static int64_t depth(const struct pace *p) { return MAX((int64_t)PART, p->now_rate * AHEAD_US); }

static void count_second(struct pace *p, int64_t now_us)
{
	int64_t past = now_us - p->second_at;

	if (past < PART)
		return;
	p->last_second = past < 2 * PART ? p->in_second : 0;
	p->in_second = 0;
	p->second_at = now_us;
}

static void grow(struct pace *p, int64_t now_us)
{
	int64_t steps;

	if (!p->throttled_at || p->now_rate == p->limit || now_us < p->grown_at + p->pause_us)
		return;
	steps = (now_us - p->grown_at) / p->pause_us;
	p->grown_at += steps * p->pause_us;
	p->now_rate += MIN(steps, (int64_t)1000) * p->step;
	if (p->limit && p->now_rate > p->limit)
		p->now_rate = p->limit;
	/* Without a configured rate: what was too much is 8 steps. */
	if (!p->limit && p->now_rate >= 16 * p->step)
		p->now_rate = 0;
}

static void fill(struct pace *p, int64_t now_us)
{
	if (p->paused_until) {
		if (now_us < p->paused_until)
			return;
		p->filled_at = p->paused_until;
		p->paused_until = 0;
	}
	grow(p, now_us);
	/* A long gap fills the bucket anyway and must not overflow the product. */
	p->tokens += p->now_rate * MIN(now_us - p->filled_at, (int64_t)10 * PART);
	p->filled_at = now_us;
	if (p->tokens > depth(p))
		p->tokens = depth(p);
}

bool pace_take(struct pace *p, int64_t now_us)
{
	fill(p, now_us);
	if (p->paused_until)
		return false;
	if (p->now_rate) {
		if (p->tokens < PART)
			return false;
		p->tokens -= PART;
	}
	count_second(p, now_us);
	p->in_second++;
	return true;
}

void pace_throttled(struct pace *p, int64_t written_us, int64_t now_us)
{
	int64_t rate = p->now_rate;

	if (p->throttled_at && written_us <= p->throttled_at)
		return;
	count_second(p, now_us);
	if (!rate)
		rate = MAX(MAX(p->last_second, p->in_second), (int64_t)MEASURED_MIN);
	p->now_rate = MAX(rate / 2, (int64_t)1);
	p->step = MAX((rate + 7) / 8, (int64_t)1);
	p->throttled_at = now_us;
	p->paused_until = p->grown_at = now_us + p->pause_us;
	p->tokens = PART; /* one at once after the pause, to see */
}

int64_t pace_wait_us(struct pace *p, int64_t now_us)
{
	fill(p, now_us);
	if (p->paused_until)
		return p->paused_until - now_us;
	if (!p->now_rate || p->tokens >= PART)
		return 0;
	return (PART - p->tokens + p->now_rate - 1) / p->now_rate;
}

int64_t pace_ahead(const struct pace *p)
{
	return p->now_rate ? MAX(p->now_rate * AHEAD_US / PART, (int64_t)1) : 0;
}
