/* tz.h - time zones: civil time and instants. Zones come from the system's tz database (TZif files, RFC 9636 versions 1 to 4 with
 * their POSIX TZ footer), which is looked at again from time to time, so that an update of it counts without a restart.
 *
 * Instants are seconds since 1970 UTC, civil times seconds since 1970-01-01T00:00:00 on the wall of that zone; both are meant for the
 * years 1 to 9999, beyond them the offset of the nearest of these years holds. A struct tz never changes; any thread may share one. */
#pragma once
#include "base/util.h"

#define TZ_NAME_MAX 64 /* with its end */
struct tz;

/* A zone by the name a request may give: of the tz database ("America/Sao_Paulo", letter case counts), "+03:00", "-0100", "+05", "UTC"
 * or "Z". NULL when there is none: no absolute path, no "..", nothing outside the database. The reference is the caller's. Thread-safe. */
const struct tz *tz_get(struct str name) MUST;
void tz_put(const struct tz *z);         /* NULL ok */
const struct tz *tz_utc(void);           /* for ever; tz_put() may be called on it */
const char *tz_name(const struct tz *z); /* as tz_get() takes it; offsets in the form +hh:mm */

int32_t tz_offset(const struct tz *z, int64_t at); /* seconds east of UTC */
int64_t tz_next_change(const struct tz *z, int64_t at); /* first instant after it at which the offset may change; INT64_MAX: none */
/* Which instant a civil time is. A time that comes twice (clocks set back) is the earlier one; a time that is skipped (clocks set
 * forward) is read by the offset before the jump, so that 02:30 in a gap from 02:00 to 03:00 is 03:30. */
enum tz_fit { TZ_ONCE, TZ_TWICE, TZ_SKIPPED };
int64_t tz_instant(const struct tz *z, int64_t civil, enum tz_fit *fit); /* fit may be NULL */

/* Bytes of a TZif file into a zone (freed by tz_put); -EPROTO when they are none, or count leap seconds. Pure. */
int tz_decode(struct str file, const char *name, struct tz **ret) MUST;

/* -- for tests: another folder than $TZDIR or the system's (copied; NULL = that again), and how often files are looked at --------- */
void tz_folder(const char *path, int64_t check_every_ms);
