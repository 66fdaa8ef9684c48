/* tz_rule.c - what holds after a zone's last listed change: a POSIX TZ string ("<-03>3", "EST5EDT,M3.2.0,M11.1.0") with the extended
 * hours of RFC 9636 section 3.3.1. */
#include <errno.h>

#include "base/time.h"
#include "base/tz_impl.h"

#define DAY 86400
#define HOURS_MAX 167
/* Beyond these every year is like the last. */
#define FIRST_INSTANT (-62135596800) /* year 1 */
#define LAST_INSTANT 253402300799    /* year 9999 */

/* -- reading -------------------------------------------------------------------------------------------------------- */

static bool skip(struct str *s, char c)
{
	if (!s->n || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool number(struct str *s, int max, int *ret)
{
	int v = 0, digits = 0;

	for (; s->n && *s->p >= '0' && *s->p <= '9' && digits < 3; digits++) {
		v = v * 10 + (*s->p++ - '0');
		s->n--;
	}
	*ret = v;
	return digits > 0 && v <= max;
}

static bool name(struct str *s)
{
	size_t n = 0;

	if (skip(s, '<')) {
		while (s->n && *s->p != '>') {
			s->p++;
			s->n--;
			n++;
		}
		return n >= 3 && skip(s, '>');
	}
	for (; s->n && ((*s->p >= 'A' && *s->p <= 'Z') || (*s->p >= 'a' && *s->p <= 'z')); n++) {
		s->p++;
		s->n--;
	}
	return n >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool hours(struct str *s, int32_t *ret)
{
	bool minus = skip(s, '-');
	int h, m = 0, sec = 0;

	if (!minus)
		skip(s, '+');
	if (!number(s, HOURS_MAX, &h))
		return false;
	if (skip(s, ':') && (!number(s, 59, &m) || (skip(s, ':') && !number(s, 59, &sec))))
		return false;
	*ret = (h * 60 + m) * 60 + sec;
	if (minus)
		*ret = -*ret;
	return true;
}

static bool date(struct str *s, struct tz_date *d)
{
	d->time = 2 * 3600;
	if (!skip(s, ','))
		return false;
	if (skip(s, 'M')) {
		d->kind = DATE_WEEKDAY;
		if (!number(s, 12, &d->month) || d->month < 1 || !skip(s, '.') || !number(s, 5, &d->week) ||
		    d->week < 1 || !skip(s, '.') || !number(s, 6, &d->day))
			return false;
	} else if (skip(s, 'J')) {
		d->kind = DATE_JULIAN;
		if (!number(s, 365, &d->day) || d->day < 1)
			return false;
	} else {
		d->kind = DATE_DAY;
		if (!number(s, 365, &d->day))
			return false;
	}
	return !skip(s, '/') || hours(s, &d->time);
}

int tz_rule_read(struct str s, struct tz_rule *ret)
{
	struct tz_rule r = {.set = true};
	int32_t west;

	if (!name(&s) || !hours(&s, &west))
		return -EPROTO;
	r.standard = r.summer = -west;
	if (s.n) {
		r.dst = true;
		r.summer = r.standard + 3600;
		if (!name(&s))
			return -EPROTO;
		if (s.n && *s.p != ',') {
			if (!hours(&s, &west))
				return -EPROTO;
			r.summer = -west;
		}
		if (!date(&s, &r.begin) || !date(&s, &r.end) || s.n)
			return -EPROTO;
	}
	if (MIN(r.standard, r.summer) < TZ_OFFSET_MIN || MAX(r.standard, r.summer) > TZ_OFFSET_MAX)
		return -EPROTO;
	*ret = r;
	return 0;
}

/* -- using ---------------------------------------------------------------------------------------------------------- */

/* Civil seconds of that moment in that year. */
static int64_t date_in(const struct tz_date *d, int year)
{
	int64_t first = days_from_civil(year, 1, 1), day;
	int64_t next;

	switch (d->kind) {
	case DATE_JULIAN:
		day = first + d->day - 1;
		if (d->day >= 60 && days_from_civil(year + 1, 1, 1) - first == 366)
			day++;
		break;
	case DATE_DAY: day = first + d->day; break;
	case DATE_WEEKDAY:
	default:
		day = days_from_civil(year, d->month, 1);
		next = d->month < 12 ? days_from_civil(year, d->month + 1, 1) : days_from_civil(year + 1, 1, 1);
		day += (d->day - (day + 4) % 7 + 14) % 7 + 7 * (d->week - 1); /* 1970-01-01 was a Thursday, 4 */
		while (day >= next)
			day -= 7;
		break;
	}
	return day * DAY + d->time;
}

static int year_of(int64_t at)
{
	int y, m, d;

	civil_from_days(at / DAY - (at % DAY < 0), &y, &m, &d);
	return y;
}

int32_t tz_rule_offset(const struct tz_rule *r, int64_t at)
{
	int64_t best = INT64_MIN;
	bool summer = false;
	int year;

	if (!r->dst)
		return r->standard;
	at = MAX(MIN(at, LAST_INSTANT), FIRST_INSTANT);
	year = year_of(at);
	/* The latest change up to it. Summer time all the year ends when the next year's begins: then the beginning counts. */
	for (int y = year - 2; y <= year + 1; y++) {
		int64_t begin = date_in(&r->begin, y) - r->standard, end = date_in(&r->end, y) - r->summer;

		if (end <= at && end >= best) {
			summer = end == best && summer;
			best = end;
		}
		if (begin <= at && begin >= best) {
			summer = true;
			best = begin;
		}
	}
	return summer ? r->summer : r->standard;
}

int64_t tz_rule_next(const struct tz_rule *r, int64_t at)
{
	int64_t best = INT64_MAX;
	int year;

	if (!r->dst || at >= LAST_INSTANT)
		return INT64_MAX;
	at = MAX(at, FIRST_INSTANT);
	year = year_of(at);
	for (int y = year - 1; y <= year + 2; y++) {
		int64_t begin = date_in(&r->begin, y) - r->standard, end = date_in(&r->end, y) - r->summer;

		if (begin > at)
			best = MIN(best, begin);
		if (end > at)
			best = MIN(best, end);
	}
	return best;
}
