/* sending_hours.c - sending hours and holidays to and from the texts that operators write. */
#include "model/sending_hours.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DAY_MINUTES 1440
#define DAYS 8 /* with holidays */

static const char *const day_names[DAYS] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", "holidays"};

static bool is_blank(char c) { return c == ' ' || c == ',' || c == ';' || c == '\t'; }

static bool next_word(struct str *text, struct str *word)
{
	while (text->n && is_blank(*text->p)) {
		text->p++;
		text->n--;
	}
	*word = (struct str){text->p, 0};
	while (text->n && !is_blank(*text->p)) {
		text->p++;
		text->n--;
		word->n++;
	}
	return word->n > 0;
}

/* Up to the separator, which must be there when rest is wanted. */
static bool cut(struct str s, char at, struct str *first, struct str *rest)
{
	const char *p = s.n ? memchr(s.p, at, s.n) : NULL;

	if (!p)
		return false;
	*first = (struct str){s.p, (size_t)(p - s.p)};
	*rest = (struct str){p + 1, s.n - first->n - 1};
	return true;
}

static bool clock_minutes(struct str s, int16_t *ret)
{
	struct str hour = s, minute = STR("0");
	int64_t h, m;

	(void)cut(s, ':', &hour, &minute);
	if (hour.n > 2 || minute.n > 2 || str_i64(hour, 0, 24, &h) < 0 || str_i64(minute, 0, 59, &m) < 0 ||
	    h * 60 + m > DAY_MINUTES)
		return false;
	*ret = (int16_t)(h * 60 + m);
	return true;
}

static bool span(struct str s, bool over_midnight, int16_t *from, int16_t *to)
{
	struct str first, last;

	*from = *to = 0;
	if (str_ieq(s, STR("none")))
		return true;
	if (str_ieq(s, STR("all"))) {
		*to = DAY_MINUTES;
		return true;
	}
	return cut(s, '-', &first, &last) && clock_minutes(first, from) && clock_minutes(last, to) &&
	       (*to > *from || (over_midnight && *to < *from));
}

static int day_of(struct str s)
{
	for (int i = 0; i < DAYS; i++)
		if (str_ieq(s, str_of(day_names[i])))
			return i;
	return -1;
}

static bool days(struct str s, unsigned *ret)
{
	struct str first = s, last = s;
	bool range = cut(s, '-', &first, &last);
	int from = day_of(first), to = day_of(last);

	*ret = 0;
	if (from < 0 || to < 0 || (range && (from == HOLIDAY_DAY || to == HOLIDAY_DAY)))
		return false;
	for (int d = from;; d = (d + 1) % 7) { /* fri-mon goes over Sunday */
		*ret |= 1u << d;
		if (d == to)
			return true;
	}
}

static int bad(struct err *e, struct str word, const char *rule)
{
	return err_set(e, -EINVAL, "\"%.*s\": %s", (int)MIN(word.n, (size_t)40), word.p, rule);
}

int sending_hours_parse(struct str text, struct sending_hours *ret, struct err *e)
{
	struct sending_hours h = {.set = true};
	unsigned named = 0, of;
	bool quiet = false;
	struct str word, what, when;
	int16_t from, to;

	if (text.n >= SENDING_HOURS_TEXT)
		return err_set(e, -EINVAL, "longer than %d characters", SENDING_HOURS_TEXT - 1);
	h.set = false;
	while (next_word(&text, &word)) {
		if (str_ieq(word, STR("none")) && !h.set && !next_word(&text, &when))
			break;
		h.set = true;
		if (!cut(word, '=', &what, &when))
			return bad(e, word, "must be days=from-to, such as mon-fri=8-20");
		if (str_ieq(what, STR("quiet"))) {
			if (quiet || !span(when, true, &h.quiet_from, &h.quiet_to))
				return bad(e, word, quiet ? "quiet is given twice" : "quiet hours are from-to, such as 21:00-08:00");
			quiet = true;
			continue;
		}
		if (!days(what, &of))
			return bad(e, word, "days are mon, tue, wed, thu, fri, sat, sun, a range of them, or holidays");
		if (!span(when, false, &from, &to))
			return bad(e, word, "hours are from-to, to later than from, such as 8-20 or 08:30-24; or all, or none");
		if (named & of)
			return bad(e, word, "a day is given twice");
		named |= of;
		for (int d = 0; d < DAYS; d++)
			if (of & 1u << d) {
				h.from[d] = from;
				h.to[d] = to;
			}
	}
	for (int d = 0; d < HOLIDAY_DAY && !(named & 0x7f); d++)
		h.to[d] = DAY_MINUTES;
	if (!h.set)
		h = (struct sending_hours){0};
	h.holiday_count = ret->holiday_count;
	memcpy(h.holidays, ret->holidays, sizeof(h.holidays));
	*ret = h;
	return 0;
}

int holidays_parse(struct str text, struct sending_hours *ret, struct err *e)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct str word, year, month, day;
	uint16_t n = 0;
	struct holiday list[HOLIDAYS_MAX];

	while (next_word(&text, &word) && !str_ieq(word, STR("none"))) {
		int64_t y = 0, m, d;

		if (n == HOLIDAYS_MAX)
			return err_set(e, -EINVAL, "more than %d holidays", HOLIDAYS_MAX);
		month = word;
		if (word.n == 10 && (!cut(word, '-', &year, &month) || str_i64(year, 1970, 9999, &y) < 0))
			return bad(e, word, "a holiday is mm-dd or yyyy-mm-dd");
		if (month.n != 5 || !cut(month, '-', &month, &day) || str_i64(month, 1, 12, &m) < 0 ||
		    str_i64(day, 1, lengths[m - 1], &d) < 0)
			return bad(e, word, "a holiday is mm-dd or yyyy-mm-dd");
		list[n++] = (struct holiday){(int16_t)y, (uint8_t)m, (uint8_t)d};
	}
	memset(ret->holidays, 0, sizeof(ret->holidays));
	memcpy(ret->holidays, list, n * sizeof(*list));
	ret->holiday_count = n;
	return 0;
}

static size_t add(char *out, size_t size, size_t at, const char *name, int from, int to)
{
	const char *blank = at ? " " : "";
	int n;

	if (from == to)
		n = snprintf(out + at, size - at, "%s%s=none", blank, name);
	else
		n = snprintf(out + at, size - at, "%s%s=%02d:%02d-%02d:%02d", blank, name, from / 60,
			     from % 60, to / 60, to % 60);
	return MIN(at + (size_t)MAX(n, 0), size - 1);
}

void sending_hours_text(const struct sending_hours *h, char out[SENDING_HOURS_TEXT])
{
	static const int order[DAYS] = {1, 2, 3, 4, 5, 6, 0, HOLIDAY_DAY};
	size_t at = 0;

	out[0] = '\0';
	if (!h->set)
		return;
	for (int i = 0; i < DAYS; i++)
		at = add(out, SENDING_HOURS_TEXT, at, day_names[order[i]], h->from[order[i]], h->to[order[i]]);
	if (h->quiet_from != h->quiet_to)
		add(out, SENDING_HOURS_TEXT, at, "quiet", h->quiet_from, h->quiet_to);
}

void holidays_text(const struct sending_hours *h, char out[HOLIDAYS_TEXT])
{
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < h->holiday_count; i++) {
		const struct holiday *x = &h->holidays[i];
		const char *comma = i ? "," : "";
		int n = x->year ? snprintf(out + at, HOLIDAYS_TEXT - at, "%s%04d-%02u-%02u", comma, x->year,
					   x->month, x->day)
				: snprintf(out + at, HOLIDAYS_TEXT - at, "%s%02u-%02u", comma, x->month, x->day);

		at += (size_t)MAX(n, 0);
	}
}
