/* send_time.c - the time fields of requests to send: read at each level, and, once it is known whose zone counts, worked out into the
 * moments that a message keeps (send_request.h; docs/api.md "Time"). */
#include <stdio.h>
#include <string.h>

#include "api/send_request.h"
#include "model/zones.h"
#include "wire/phone.h"

#define LAST_HOUR 23

/* -- reading -------------------------------------------------------------------------------------------------------- */

/* "11", "11,12", "[11, 12]". */
static bool hours_of(struct str s, uint32_t *window)
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = (struct str){s.p + 1, s.n - 2};
	while (s.n) {
		const char *comma = memchr(s.p, ',', s.n);
		struct str one = {s.p, comma ? (size_t)(comma - s.p) : s.n};
		int64_t hour;

		s.p += one.n + (comma != NULL);
		s.n -= one.n + (comma != NULL);
		if (comma && !s.n)
			return false;
		for (; one.n && *one.p == ' '; one.n--)
			one.p++;
		while (one.n && one.p[one.n - 1] == ' ')
			one.n--;
		if (str_i64(one, 0, LAST_HOUR, &hour) < 0)
			return false;
		*window |= 1u << hour;
	}
	return true;
}

const char *send_time_hours(struct str text, struct send_time *to)
{
	return hours_of(text, &to->window) ? NULL : "must be hours from 0 to 23";
}

static const char *read_moment(enum send_time_field field, struct str v, struct when *ret)
{
	int64_t n;

	switch (field) {
	case SEND_START_AT:
	case SEND_EXPIRY_AT:
		if (str_i64(v, 0, INT64_MAX / 1000, &n) < 0)
			return "must be a time in seconds or milliseconds since 1970";
		*ret = when_epoch(n);
		return NULL;
	case SEND_START_DATE:
	case SEND_EXPIRY_DATE:
		return when_date(v, ret) < 0 ? "must be yyyy-MM-ddTHH:mm:ss, optionally with Z or an offset" : NULL;
	case SEND_START_MINUTES:
	case SEND_EXPIRY_MINUTES:
		if (str_i64(v, 0, INT64_MAX / 60000, &n) < 0)
			return "must be a whole number of minutes, not negative";
		*ret = (struct when){WHEN_MINUTES, n};
		return NULL;
	case SEND_ZONE:
	default: return NULL;
	}
}

static bool is_start(enum send_time_field field)
{
	return field == SEND_START_AT || field == SEND_START_DATE || field == SEND_START_MINUTES;
}

static char *copy(struct arena *a, const char *z)
{
	size_t n = strlen(z) + 1;
	char *p = arena_alloc(a, n);

	if (p)
		memcpy(p, z, n);
	return p;
}

const char *send_time_read(struct arena *a, enum send_time_field field, const char *path, struct str v, struct send_time *to)
{
	const char **given = is_start(field) ? &to->start_path : &to->expiry_path;
	const struct tz *z;

	if (!v.n)
		return NULL;
	if (field == SEND_ZONE) {
		z = tz_get(v);
		to->zone = v;
		tz_put(z);
		return z ? NULL : "unknown time zone";
	}
	if (*given)
		return is_start(field)
			       ? "only one of scheduledAt, scheduledDate and delayedInMinutes is allowed"
			       : "only one of expiresAt, expiresDate and expiresInMinutes is allowed";
	*given = copy(a, path);
	return read_moment(field, v, is_start(field) ? &to->start : &to->expiry);
}

void send_time_inherit(struct send_time *m, const struct send_time *from)
{
	if (!m->start_path) {
		m->start = from->start;
		m->start_path = from->start_path;
	}
	if (!m->expiry_path) {
		m->expiry = from->expiry;
		m->expiry_path = from->expiry_path;
	}
	if (!m->window)
		m->window = from->window;
	if (!m->zone.n)
		m->zone = from->zone;
}

/* -- working out ---------------------------------------------------------------------------------------------------- */

/* The zone of the number, as far as it tells; NULL. The reference is the caller's. */
static const struct tz *zone_there(const struct settings *s, struct str destination)
{
	const char *name;
	struct phone p;

	if (!send_usable(s, destination, &p))
		return NULL;
	name = zone_of_number((struct str){p.digits, p.n});
	return name ? tz_get(str_of(name)) : NULL;
}

/* The request's, else the user's, else the sub-account's, else the account's, else that of its country, else UTC. */
static const struct tz *zone_of(const struct send_item *m, const struct send_who *who)
{
	const struct tz *z = m->time.zone.n ? tz_get(m->time.zone) : NULL;
	const char *country;

	if (!z && who->user && who->user->zone[0])
		z = tz_get(str_of(who->user->zone));
	if (!z && !strcmp(who->sub->zone, ZONE_OF_DESTINATION))
		z = zone_there(who->settings, m->destination);
	else if (!z && who->sub->zone[0])
		z = tz_get(str_of(who->sub->zone));
	if (!z && who->account && who->account->zone[0])
		z = tz_get(str_of(who->account->zone));
	if (!z && who->account && (country = zone_of_country(who->account->country)))
		z = tz_get(str_of(country));
	return z ? z : tz_utc();
}

static void fault_of(struct faults *f, enum times_fault what, const struct send_time *t, size_t index, bool bulk)
{
	const char *start = t->start_path ? t->start_path : "", *expiry = t->expiry_path ? t->expiry_path : "";
	char field[FAULT_FIELD_MAX] = "timeWindow";

	switch (what) {
	case TIMES_OK: return;
	case TIMES_EXPIRY_PAST: fault_add(f, expiry, "is past"); return;
	case TIMES_EXPIRY_EARLY: fault_add(f, expiry, "must be later than the schedule"); return;
	case TIMES_START_FAR: fault_add(f, start, "is more than a year ahead"); return;
	case TIMES_EXPIRY_FAR: fault_add(f, expiry, "is more than a year ahead"); return;
	case TIMES_NEVER:
		if (bulk)
			snprintf(field, sizeof(field), "messages[%zu].timeWindow", index);
		fault_add(f, field, "has no moment in common with the sub-account's sending hours");
		return;
	}
}

static void work_out(struct send_request *r, size_t i, const struct send_who *who, bool hours,
		     struct arena *a, struct faults *f)
{
	struct send_item *m = &r->items[i];
	struct send_time *t = &m->time;
	const struct tz *zone = zone_of(m, who), *there = hours ? zone_there(who->settings, m->destination) : NULL;
	struct schedule s = {t->window, zone, hours ? &who->sub->hours : NULL, there};
	enum times_fault what =
		schedule_times(&t->start, &t->expiry, zone, &s, who->now, who->settings->sms.validity_ms, &t->out);

	if (what != TIMES_OK)
		fault_of(f, what, t, i, r->bulk);
	if (t->window)
		t->zone = str_of(copy(a, tz_name(zone)));
	tz_put(zone);
	tz_put(there);
}

void send_times(struct send_request *r, const struct send_who *who, struct arena *a, struct faults *f)
{
	for (size_t i = 0; i < r->count && f->count < FAULTS_MAX; i++) {
		const struct send_item *m = &r->items[i];
		const struct send_time *t = &m->time;
		bool hours = who->sub->hours.set && send_is_marketing(m, who->sub);

		if (hours || t->window || t->start_path || t->expiry_path)
			work_out(r, i, who, hours, a, f);
	}
}
