/* time.c - clocks, civil dates, ISO 8601 and durations. */
#include "base/time.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#define DAY_MS 86400000

int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Years are counted from March, so that the leap day is the last of its year; 400 years (an era) are 146097 days.
 * 1970-01-01 is day 719468 of that count. */
int64_t days_from_civil(int y, int m, int d)
{
	int64_t year = (int64_t)y - (m <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_from_days(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day = z - era * 146097;
	int64_t of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (of_era * 365 + of_era / 4 - of_era / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*d = (int)(of_year - (153 * month + 2) / 5 + 1);
	*m = (int)(month < 10 ? month + 3 : month - 9);
	*y = (int)(of_era + era * 400 + (*m <= 2));
}

static char *two(char *p, int v)
{
	*p++ = (char)('0' + v / 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

char *iso_utc(char out[ISO_MAX], int64_t at_ms, bool millis)
{
	int64_t days = at_ms / DAY_MS, rest = at_ms % DAY_MS;
	int y, m, d;
	char *p = out;

	if (rest < 0) {
		rest += DAY_MS;
		days--;
	}
	civil_from_days(days, &y, &m, &d);
	if (y >= 0 && y <= 9999)
		p = two(two(p, y / 100), y % 100);
	else
		p += snprintf(p, 12, "%d", y);
	*p++ = '-';
	p = two(p, m);
	*p++ = '-';
	p = two(p, d);
	*p++ = 'T';
	p = two(p, (int)(rest / 3600000));
	*p++ = ':';
	p = two(p, (int)(rest / 60000 % 60));
	*p++ = ':';
	p = two(p, (int)(rest / 1000 % 60));
	if (millis) {
		*p++ = '.';
		*p++ = (char)('0' + rest % 1000 / 100);
		p = two(p, (int)(rest % 100));
	}
	*p++ = 'Z';
	*p = '\0';
	return out;
}

/* A reader that stops for good at the first fault. */
struct scan {
	const char *p, *end;
	bool bad;
};

static int scan_digits(struct scan *s, int n, int max)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (s->p == s->end || *s->p < '0' || *s->p > '9') {
			s->bad = true;
			return 0;
		}
		v = v * 10 + (*s->p++ - '0');
	}
	if (v > max)
		s->bad = true;
	return v;
}

static bool scan_char(struct scan *s, char c)
{
	if (s->bad || s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static void scan_must(struct scan *s, char c)
{
	if (!scan_char(s, c))
		s->bad = true;
}

/* Digits after the point; what is finer than a millisecond is cut. */
static int scan_fraction(struct scan *s)
{
	int v = 0, n = 0;

	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++, n++)
		if (n < 3)
			v = v * 10 + (*s->p - '0');
	if (n < 1 || n > 9)
		s->bad = true;
	for (; n < 3; n++)
		v *= 10;
	return v;
}

/* Offset from UTC in minutes; none and Z are 0. */
static int scan_zone(struct scan *s)
{
	int sign, h, m;

	if (s->p == s->end || scan_char(s, 'Z'))
		return 0;
	if (scan_char(s, '-')) {
		sign = -1;
	} else {
		scan_must(s, '+');
		sign = 1;
	}
	h = scan_digits(s, 2, 23);
	(void)scan_char(s, ':');
	m = scan_digits(s, 2, 59);
	return sign * (h * 60 + m);
}

static int month_days(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days[m - 1] + (m == 2 && leap);
}

int iso_parse(struct str text, int64_t *at_ms)
{
	struct scan s = {text.p, text.p + text.n, text.n == 0};
	int y, m, d, hour, minute, sec = 0, ms = 0, zone;

	y = scan_digits(&s, 4, 9999);
	scan_must(&s, '-');
	m = scan_digits(&s, 2, 12);
	scan_must(&s, '-');
	d = scan_digits(&s, 2, 31);
	scan_must(&s, 'T');
	hour = scan_digits(&s, 2, 23);
	scan_must(&s, ':');
	minute = scan_digits(&s, 2, 59);
	if (scan_char(&s, ':')) {
		sec = scan_digits(&s, 2, 59);
		if (scan_char(&s, '.'))
			ms = scan_fraction(&s);
	}
	zone = s.bad ? 0 : scan_zone(&s);
	if (s.bad || s.p != s.end || m < 1 || d < 1 || d > month_days(y, m))
		return -EINVAL;
	*at_ms = days_from_civil(y, m, d) * DAY_MS + (int64_t)(hour * 60 + minute - zone) * 60000 + sec * 1000 + ms;
	return 0;
}

int duration_parse(struct str s, int64_t default_unit_ms, int64_t *ret_ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
	size_t digits = 0;
	int64_t v, unit = 0;
	int r;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (digits == s.n)
		unit = default_unit_ms;
	for (size_t i = 0; i < COUNT_OF(units) && digits < s.n; i++)
		if (str_eqz((struct str){s.p + digits, s.n - digits}, units[i].name))
			unit = units[i].ms;
	if (!digits || unit <= 0)
		return -EINVAL;
	r = str_i64((struct str){s.p, digits}, 0, INT64_MAX, &v);
	if (r < 0)
		return r;
	if (v > INT64_MAX / unit)
		return -ERANGE;
	*ret_ms = v * unit;
	return 0;
}
