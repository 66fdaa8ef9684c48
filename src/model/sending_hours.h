/* sending_hours.h - when a sub-account's marketing messages may leave: a span of each weekday and of holidays, and quiet hours. Local
 * time of the recipient; core/schedule.h goes by it. As a text, words between blanks, commas or semicolons:
 *
 *   mon-fri=08:00-20:00 sat=9-14 holidays=none quiet=21:00-08:00
 *
 * days are mon to sun, ranges of them, and holidays; a span is from-to (hh or hh:mm, to may be 24, later than from), all or none.
 * When any weekday is named, those that are not are shut; holidays that are not named are shut. quiet may go over midnight. */
#pragma once
#include "base/util.h"

#define HOLIDAYS_MAX 64
#define HOLIDAY_DAY 7 /* index of holidays among the days; 0 is Sunday */
#define SENDING_HOURS_TEXT 256
#define HOLIDAYS_TEXT (HOLIDAYS_MAX * 11)
struct holiday {
	int16_t year; /* 0: every year */
	uint8_t month, day;
};
struct sending_hours {
	bool set;
	int16_t from[8], to[8];       /* minutes after midnight, [from, to); equal = shut */
	int16_t quiet_from, quiet_to; /* [from, to), may go over midnight; equal = none */
	uint16_t holiday_count;
	struct holiday holidays[HOLIDAYS_MAX];
};
/* Fills all but the holidays' dates. "" or "none": none are set. -EINVAL with words. */
int sending_hours_parse(struct str text, struct sending_hours *ret, struct err *e) MUST;
/* Dates of holidays: "12-25,2027-02-09" (every year, or once). -EINVAL with words. */
int holidays_parse(struct str text, struct sending_hours *ret, struct err *e) MUST;
/* The same texts again, in one form; "" when nothing is set. */
void sending_hours_text(const struct sending_hours *h, char out[SENDING_HOURS_TEXT]);
void holidays_text(const struct sending_hours *h, char out[HOLIDAYS_TEXT]);
