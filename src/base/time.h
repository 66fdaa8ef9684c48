/* time.h - the only callers of clock_gettime. Wall times are milliseconds since 1970 (UTC), durations say their unit. */
#pragma once
#include "base/util.h"

int64_t wall_ms(void);
int64_t mono_us(void);
#define ISO_MAX 32
/* "2026-11-22T13:45:01Z" (seconds), or with .mmm when millis is true. Returns out. */
char *iso_utc(char out[ISO_MAX], int64_t at_ms, bool millis);
/* ISO-8601 date-time, zone optional (then UTC): yyyy-MM-ddTHH:mm[:ss[.fff]][Z|+hh:mm|+hhmm]. 0 or -EINVAL. */
int iso_parse(struct str s, int64_t *at_ms) MUST;
/* Days since 1970-01-01 to and from a civil date (proleptic Gregorian). */
int64_t days_from_civil(int y, int m, int d);
void civil_from_days(int64_t days, int *y, int *m, int *d);
/* "250ms", "10s", "5m", "48h", "3d" or a bare number of default_unit_ms; into milliseconds. 0 or -EINVAL/-ERANGE. */
int duration_parse(struct str s, int64_t default_unit_ms, int64_t *ret_ms) MUST;
