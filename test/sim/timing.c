/* Schedules, windows, sending hours and clocks that are set: what clients ask for and what the judge makes of it. Its random numbers are
 * a source of their own, so that a seed from before there were schedules still means the same. The rules are written a second time
 * here, simply: what does the clock show at that moment? */
#include <inttypes.h>
#include <string.h>

#include "base/tz.h"
#include "core/ring.h"
#include "model/codes.h"
#include "model/zones.h"
#include "sim/sim.h"

#define TIMED_FROM 2000 /* lower seeds are as they were */
#define MINUTE_MS ((int64_t)60000)
#define HOUR_MS (60 * MINUTE_MS)
#define HOURS_SUB 3

static const char *const zones[] = {"UTC", "+05:45", "America/New_York", "America/Sao_Paulo"};
static const char sending[] = "mon-sat=07:00-22:00 sun=10:00-16:30 quiet=12:15-12:45";

void timing_draw(struct sim *s)
{
	struct timing *t = &s->timing;

	prng_seed(&t->r, s->seed * 31 + 7);
	if (s->seed < TIMED_FROM || prng_below(&t->r, 4) == 0)
		return;
	t->on = true;
	t->scheduled = (int)prng_below(&t->r, 80);
	t->windowed = prng_below(&t->r, 2) ? (int)prng_below(&t->r, 80) : 0;
	t->hours = prng_below(&t->r, 2) != 0;
	t->step_ms = prng_below(&t->r, 3) ? 30000 : 3 * HOUR_MS;
	t->ahead_ms = prng_below(&t->r, 2) ? s->plan.length_ms : 3 * HOUR_MS;
	/* An hour ends while there is trouble: that is when windows open and shut. */
	if (prng_below(&t->r, 2))
		s->start = s->now = s->now - s->now % HOUR_MS - (int64_t)prng_below(&t->r, (uint64_t)s->plan.length_ms);
}

void timing_sub_accounts(const struct sim *s, struct sub_account *subs)
{
	struct err e;

	if (s->timing.hours && sending_hours_parse(str_of(sending), &subs[HOURS_SUB - 1].hours, &e) < 0)
		ASSERT(!"sending hours");
}

/* -- what clients ask for ------------------------------------------------------------------------------------------- */

/* shape: the same content again when a request is repeated; now: when it was drawn first. */
void timing_fill(struct sim *s, struct draft *d, uint64_t shape, int64_t now)
{
	struct timing *t = &s->timing;
	struct prng r;

	if (!t->on || d->invalid)
		return;
	prng_seed(&r, shape);
	if ((int)prng_below(&r, 100) < t->scheduled)
		d->not_before = now + 1 + (int64_t)prng_below(&r, (uint64_t)t->ahead_ms);
	if ((int)prng_below(&r, 100) < t->windowed) {
		int hour = (int)(now / HOUR_MS % 24), n = 1 + (int)prng_below(&r, 5);

		for (int i = 0; i < n; i++)
			d->window |= 1u << (hour + (int)prng_below(&r, 6)) % 24;
		d->t.zone = str_of(zones[prng_below(&r, COUNT_OF(zones))]);
	}
	if (d->not_before || d->window)
		d->expires_at = MAX(d->not_before, now) +
				(prng_below(&r, 3) ? (int64_t)prng_below(&r, 6) * HOUR_MS : 0) + 1000 +
				(int64_t)prng_below(&r, 10 * 60000);
}

/* -- what the judge says -------------------------------------------------------------------------------------------- */

static int64_t local(const char *zone, int64_t ms)
{
	const struct tz *z = tz_get(str_of(zone));
	int64_t at = ms / 1000;
	int64_t civil = at + (z ? tz_offset(z, at) : 0);

	tz_put(z);
	return civil;
}

static bool hours_allow(const struct delivery *d, int64_t ms)
{
	const char *zone = zone_of_number(d->t.number);
	int64_t civil = local(zone ? zone : "UTC", ms), minute = civil / 60 % 1440;
	bool sunday = (civil / 86400 + 4) % 7 == 0;

	if (minute >= 12 * 60 + 15 && minute < 12 * 60 + 45)
		return false;
	return sunday ? minute >= 600 && minute < 16 * 60 + 30 : minute >= 7 * 60 && minute < 22 * 60;
}

bool timing_allows(const struct sim *s, const struct delivery *d, int64_t ms)
{
	char zone[TZ_NAME_MAX];

	str_copy(zone, sizeof(zone), d->t.zone);
	if (ms < d->not_before)
		return false;
	if (d->window && !(d->window >> local(zone, ms) / 3600 % 24 & 1))
		return false;
	return !(s->timing.hours && d->flags & DF_MARKETING && d->sub_account == HOURS_SUB) || hours_allow(d, ms);
}

/* Is there a stretch, after all was well again, in which it could have left and did not? Long enough for all that waits to leave. */
static int64_t chance_missed(const struct sim *s, const struct delivery *d)
{
	const struct plan *p = &s->plan;
	int64_t all = (int64_t)p->messages * 10 * (p->rtt_ms + 1000) / p->window + 5 * MINUTE_MS +
		      s->settings->sms.retry_delay_max_ms;
	int64_t from = s->troubled_until + s->skew + p->down_ms + 2 * MINUTE_MS, open = 0;

	from = MAX(MAX(from, d->not_before), MAX(uid_key_ms(d->key), s->timing.set_at + s->skew + 2 * MINUTE_MS));
	for (int64_t at = from; at < d->expires_at; at += MINUTE_MS / 2) {
		open = timing_allows(s, d, at) ? open + MINUTE_MS / 2 : 0;
		if (open > all)
			return at - open;
	}
	return 0;
}

void timing_check_end(struct sim *s, const struct delivery *d, const struct event *e)
{
	int64_t missed;

	if (!s->timing.on || d->state != D_QUEUED || e->code != SENT_EXPIRED || e->at2 == REASON_CANCELLED || s->plan.reload)
		return;
	if (e->at2 == REASON_SHUT && timing_allows(s, d, e->at))
		sim_fail(s, "%" PRId64 ": expired as shut, but it was open", e->key);
	missed = d->attempts ? 0 : chance_missed(s, d);
	if (missed)
		sim_fail(s, "%" PRId64 ": expired at %" PRId64 " without an attempt; from %" PRId64 " on it could have left",
			 e->key, e->at, missed);
}

/* now: of the engine when it handed the attempt over, or the wall's when the first octet leaves. */
void timing_check_leaves(struct sim *s, const struct delivery *d, int64_t now, const char *what)
{
	if (now < d->not_before)
		sim_fail(s, "%" PRId64 ": %s %" PRId64 " ms before its time", d->key, what, d->not_before - now);
	if (!timing_allows(s, d, now))
		sim_fail(s, "%" PRId64 ": %s outside its hours", d->key, what);
}

void timing_step_clock(struct sim *s, int64_t by)
{
	struct timing *t = &s->timing;

	if (t->on) {
		by = (int64_t)prng_below(&t->r, (uint64_t)(2 * t->step_ms)) - t->step_ms;
		s->lenient_until = s->now + 2 * MINUTE_MS;
	}
	s->skew += by;
	t->set_back += MAX(-by, 0);
	t->set_at = s->now;
}
