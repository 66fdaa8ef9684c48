/* schedule.h - when a message may leave: from a request's time fields to instants, and from an instant to the next one at which the
 * hours allow it. Pure: nothing here looks at a clock. Times are wall ms since 1970 unless said otherwise. */
#pragma once
#include "base/tz.h"
#include "model/sending_hours.h"

#define SCHEDULE_HORIZON_MS ((int64_t)366 * 24 * 3600 * 1000) /* nothing is planned further ahead */
#define SCHEDULE_NEVER INT64_MAX

/* The hours in which it may leave. All zero: always. */
struct schedule {
	uint32_t window;                   /* bit h: while the clock of zone shows hour h; 0 = any */
	const struct tz *zone;             /* of the window; NULL = UTC */
	const struct sending_hours *hours; /* NULL, or not set: none */
	const struct tz *hours_zone;       /* the recipient's; NULL = UTC */
};
/* The first instant, not before at, that every rule allows; SCHEDULE_NEVER when there is none within the horizon. Civil time is followed
 * over changes of the offset: an hour that is skipped is not there that day, one that comes twice is there twice. */
int64_t schedule_next(const struct schedule *s, int64_t at);
/* The first instant after at, which is allowed, at which it is not any more; SCHEDULE_NEVER when that is further than a week. */
int64_t schedule_shuts(const struct schedule *s, int64_t at);

/* -- time fields of a request --------------------------------------------------------------------------------------- */

enum when_kind { WHEN_NONE, WHEN_AT, WHEN_CIVIL, WHEN_MINUTES };
struct when {
	enum when_kind kind;
	int64_t value; /* AT: wall ms; CIVIL: seconds since 1970 on the wall of the message's zone; MINUTES: from its receipt */
};
/* An epoch: below 1e11 seconds, else milliseconds. */
struct when when_epoch(int64_t value);
/* yyyy-MM-ddTHH:mm:ss, with Z or an offset an instant, else civil. -EINVAL. */
int when_date(struct str s, struct when *ret) MUST;

enum times_fault {
	TIMES_OK,
	TIMES_EXPIRY_PAST,
	TIMES_EXPIRY_EARLY, /* not after the schedule */
	TIMES_START_FAR,    /* beyond the horizon */
	TIMES_EXPIRY_FAR,   /* likewise */
	TIMES_NEVER,        /* window and sending hours have no moment in common */
};
struct times {
	int64_t not_before; /* 0: now */
	int64_t expires_at;
	int64_t departs; /* the first moment that schedule and hours allow, now or later; it may be after the expiry */
};
/* zone is that of civil times; validity_ms counts from the departure when no expiry is given. A start in the past means now; a civil time
 * in a gap or an overlap is as tz_instant() says. */
enum times_fault schedule_times(const struct when *start, const struct when *expiry, const struct tz *zone,
				const struct schedule *hours, int64_t now, int64_t validity_ms, struct times *ret);
