/* pace.h - how fast a connection may submit: a token bucket in parts a second that gives way when the SMSC throttles.
 *
 * Throttled: nothing for pause_ms, then half the rate, then a step up every pause_ms (an eighth of the rate at which it was
 * throttled) to the configured rate, or, without one, to twice the rate that was too much and then without limit. Answers
 * to parts written before the latest pause say nothing new. No clock inside: times are given, mono us. */
#pragma once
#include "base/util.h"

struct pace {
	int64_t limit;    /* configured parts a second; 0 = none */
	int64_t now_rate; /* in force; 0 = none */
	int64_t step;     /* of growth */
	int64_t pause_us;
	int64_t paused_until; /* 0 = not paused */
	int64_t throttled_at; /* latest that counted; 0 = never */
	int64_t grown_at;
	int64_t tokens; /* millionths of a part */
	int64_t filled_at;
	int64_t second_at;              /* start of the second being counted */
	int64_t in_second, last_second; /* parts written: the rate when none is configured */
};
void pace_init(struct pace *p, int64_t limit, int64_t pause_ms, int64_t now_us);
/* Changed settings; what was learnt from throttling is kept as far as it fits. */
void pace_change(struct pace *p, int64_t limit, int64_t pause_ms, int64_t now_us);
bool pace_take(struct pace *p, int64_t now_us); /* true: one part may go */
void pace_throttled(struct pace *p, int64_t written_us, int64_t now_us);
/* us until pace_take() can succeed; 0 = now. */
int64_t pace_wait_us(struct pace *p, int64_t now_us);
/* Parts that may be granted to the core ahead of the tokens: about 50 ms of the rate, at least 1; 0 = no limit. */
int64_t pace_ahead(const struct pace *p);
