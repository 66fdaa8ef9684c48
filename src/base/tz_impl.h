/* tz_impl.h - a zone in memory; shared by tz.c (names, files), tzif.c (decoding) and tz_rule.c (POSIX TZ strings). */
#pragma once
#include <stdatomic.h>

#include "base/tz.h"

#define TZ_OFFSET_MIN (-89999) /* RFC 9636 section 3.2 */
#define TZ_OFFSET_MAX 93599
#define TZ_TYPES_MAX 256

/* A day of each year and a time of it, as in "M10.3.0/2". */
struct tz_date {
	enum { DATE_JULIAN /* 1..365, 29 February never counts */, DATE_DAY /* 0..365 */, DATE_WEEKDAY } kind;
	int day;         /* of the year, or of the week (0 = Sunday) */
	int month, week; /* DATE_WEEKDAY: 1..12; 1..5, 5 = last */
	int32_t time;    /* seconds after midnight, may be negative or beyond a day */
};
struct tz_rule {
	bool set, dst;
	int32_t standard, summer;  /* seconds east */
	struct tz_date begin, end; /* of summer time */
};
int tz_rule_read(struct str text, struct tz_rule *ret) MUST; /* -EPROTO */
int32_t tz_rule_offset(const struct tz_rule *r, int64_t at);
int64_t tz_rule_next(const struct tz_rule *r, int64_t at); /* INT64_MAX: none */

struct tz {
	atomic_int refs;
	char name[TZ_NAME_MAX];
	size_t n;
	int64_t *at;   /* n instants, ascending, from each of which a type holds */
	uint8_t *type; /* n */
	int32_t offset[TZ_TYPES_MAX];
	struct tz_rule rule; /* after the last of them */
};
