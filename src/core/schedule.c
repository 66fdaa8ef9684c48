/* schedule.c - windows, sending hours and the time fields of requests (schedule.h).
 *
 * Looking for the next allowed moment goes in jumps: to where the rule would open if the clock ran on with its present offset, or to the
 * next change of that offset, whichever comes first, and from there again. Two rules are asked in turn until both agree. */
#include "core/schedule.h"

#include <errno.h>
#include <string.h>

#include "base/time.h"

#define HOUR 3600
#define DAY 86400
#define EPOCH_SECONDS_BELOW 100000000000
#define WEEK_MS ((int64_t)7 * DAY * 1000)
#define ALL_HOURS 0xffffffu

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

/* Where a civil day stands for one rule: seconds until it is open (0: it is), and until that may be otherwise. */
struct look {
	int64_t opens_in;  /* from that moment to the next that may be open */
	int64_t holds_for; /* open: at least so long */
};

/* -- the window ----------------------------------------------------------------------------------------------------- */

static struct look look_window(const struct schedule *s, int64_t civil)
{
	int64_t of_day = floor_mod(civil, DAY), hour = of_day / HOUR, n = 0;

	while (n < 24 && !(s->window >> (hour + n) % 24 & 1))
		n++;
	if (n)
		return (struct look){(hour + n) * HOUR - of_day, 0};
	return (struct look){0, (hour + 1) * HOUR - of_day};
}

/* -- sending hours -------------------------------------------------------------------------------------------------- */

static int day_kind(const struct sending_hours *h, int64_t day)
{
	int y, m, d;

	civil_from_days(day, &y, &m, &d);
	for (unsigned i = 0; i < h->holiday_count; i++)
		if (h->holidays[i].month == m && h->holidays[i].day == d &&
		    (!h->holidays[i].year || h->holidays[i].year == y))
			return HOLIDAY_DAY;
	return (int)floor_mod(day + 4, 7); /* 1970-01-01 was a Thursday */
}

/* Within that span of a day; may go over midnight. */
static bool within(int64_t second, int64_t from, int64_t to)
{
	return from < to ? second >= from && second < to : second >= from || second < to;
}

static struct look look_hours(const struct schedule *s, int64_t civil)
{
	const struct sending_hours *h = s->hours;
	int64_t of_day = floor_mod(civil, DAY);
	int kind = day_kind(h, floor_div(civil, DAY));
	int64_t from = (int64_t)h->from[kind] * 60, to = (int64_t)h->to[kind] * 60;
	int64_t quiet_from = (int64_t)h->quiet_from * 60, quiet_to = (int64_t)h->quiet_to * 60, until;

	if (from == to || of_day >= to)
		return (struct look){DAY - of_day, 0};
	if (of_day < from)
		return (struct look){from - of_day, 0};
	if (quiet_from == quiet_to)
		return (struct look){0, to - of_day};
	if (within(of_day, quiet_from, quiet_to))
		return (struct look){of_day < quiet_to ? quiet_to - of_day : DAY - of_day, 0};
	until = of_day < quiet_from ? MIN(to, quiet_from) : to;
	return (struct look){0, until - of_day};
}

/* -- both ----------------------------------------------------------------------------------------------------------- */

typedef struct look look_fn(const struct schedule *s, int64_t civil);

static int64_t civil_of(const struct tz *z, int64_t at) { return at + tz_offset(z, at); }

/* Seconds; INT64_MAX beyond last. */
static int64_t next_open(const struct schedule *s, look_fn *look, const struct tz *z, int64_t at, int64_t last)
{
	while (at <= last) {
		struct look l = look(s, civil_of(z, at));

		if (!l.opens_in)
			return at;
		at = MIN(at + l.opens_in, tz_next_change(z, at));
	}
	return INT64_MAX;
}

static int64_t next_shut(const struct schedule *s, look_fn *look, const struct tz *z, int64_t at, int64_t last)
{
	while (at <= last) {
		struct look l = look(s, civil_of(z, at));

		if (l.opens_in)
			return at;
		at = MIN(at + l.holds_for, tz_next_change(z, at));
	}
	return INT64_MAX;
}

struct rule {
	look_fn *look;
	const struct tz *zone;
};

static int rules_of(const struct schedule *s, struct rule rule[2])
{
	int n = 0;

	if (s->window & ALL_HOURS && (s->window & ALL_HOURS) != ALL_HOURS)
		rule[n++] = (struct rule){look_window, s->zone ? s->zone : tz_utc()};
	if (s->hours && s->hours->set)
		rule[n++] = (struct rule){look_hours, s->hours_zone ? s->hours_zone : tz_utc()};
	return n;
}

int64_t schedule_next(const struct schedule *s, int64_t at_ms)
{
	int64_t at = floor_div(at_ms, 1000), first = at, last = at + SCHEDULE_HORIZON_MS / 1000;
	struct rule rule[2];
	int n = rules_of(s, rule), agreed = 0;

	for (int i = 0; agreed < n; i = (i + 1) % n) {
		int64_t open = next_open(s, rule[i].look, rule[i].zone, at, last);

		if (open == INT64_MAX)
			return SCHEDULE_NEVER;
		agreed = open == at ? agreed + 1 : 1;
		at = open;
	}
	return at == first ? at_ms : at * 1000;
}

int64_t schedule_shuts(const struct schedule *s, int64_t at_ms)
{
	int64_t at = floor_div(at_ms, 1000), soonest = INT64_MAX;
	struct rule rule[2];
	int n = rules_of(s, rule);

	for (int i = 0; i < n; i++)
		soonest = MIN(soonest, next_shut(s, rule[i].look, rule[i].zone, at, at + WEEK_MS / 1000));
	return soonest == INT64_MAX ? SCHEDULE_NEVER : soonest * 1000;
}

/* -- time fields ---------------------------------------------------------------------------------------------------- */

struct when when_epoch(int64_t value)
{
	return (struct when){WHEN_AT, value < EPOCH_SECONDS_BELOW ? value * 1000 : value};
}

/* After the T of a date: does a zone follow the time? In a query string an unescaped '+' has become a blank. */
static const char *zone_in(struct str s)
{
	for (size_t i = 11; i < s.n; i++)
		if (s.p[i] == 'Z' || s.p[i] == '+' || s.p[i] == '-' || s.p[i] == ' ')
			return s.p + i;
	return NULL;
}

int when_date(struct str s, struct when *ret)
{
	const char *zone = zone_in(s);
	char text[40];
	int64_t ms;

	if (s.n >= sizeof(text))
		return -EINVAL;
	str_copy(text, sizeof(text), s);
	if (zone && *zone == ' ')
		text[zone - s.p] = '+';
	if (s.n < 19 || iso_parse(str_of(text), &ms) < 0)
		return -EINVAL;
	*ret = zone ? (struct when){WHEN_AT, ms} : (struct when){WHEN_CIVIL, floor_div(ms, 1000)};
	return 0;
}

static int64_t instant_of(const struct when *w, const struct tz *zone, int64_t now)
{
	switch (w->kind) {
	case WHEN_AT: return w->value;
	case WHEN_CIVIL: return tz_instant(zone, w->value, NULL) * 1000;
	case WHEN_MINUTES:
		return w->value > SCHEDULE_HORIZON_MS / 60000 ? now + SCHEDULE_HORIZON_MS + 1 : now + w->value * 60000;
	case WHEN_NONE:
	default: return 0;
	}
}

enum times_fault schedule_times(const struct when *start, const struct when *expiry, const struct tz *zone,
				const struct schedule *hours, int64_t now, int64_t validity_ms, struct times *ret)
{
	int64_t from = instant_of(start, zone, now), until = instant_of(expiry, zone, now);

	*ret = (struct times){.not_before = from > now ? from : 0, .expires_at = until};
	if (from > now + SCHEDULE_HORIZON_MS)
		return TIMES_START_FAR;
	from = MAX(from, now);
	if (expiry->kind != WHEN_NONE) {
		if (until <= now)
			return TIMES_EXPIRY_PAST;
		if (until <= from)
			return TIMES_EXPIRY_EARLY;
		if (until > now + SCHEDULE_HORIZON_MS)
			return TIMES_EXPIRY_FAR;
	}
	ret->departs = schedule_next(hours, from);
	if (ret->departs == SCHEDULE_NEVER)
		return TIMES_NEVER;
	if (expiry->kind == WHEN_NONE)
		ret->expires_at = ret->departs + validity_ms;
	return TIMES_OK;
}
