/* departure.c - when a delivery may leave, as things are now: its own schedule and window, and the sending hours of its sub-account for
 * what is marketing. Asked again each time something could leave, never fixed at acceptance: zones and sending hours may change. Also
 * the due table's way of holding what may not leave yet. */
#include "base/tz.h"
#include "core/ring.h"
#include "core/schedule.h"
#include "model/zones.h"

static const struct sending_hours *hours_of(const struct engine *e, const struct delivery *d)
{
	const struct sub_account *sub = e->snap && d->flags & DF_MARKETING ? snapshot_sub(e->snap, d->sub_account) : NULL;

	return sub && sub->hours.set ? &sub->hours : NULL;
}

int64_t engine_departs(const struct engine *e, const struct delivery *d, int64_t *shuts)
{
	int64_t at = MAX(e->now, MAX(d->not_before, d->due_at));
	struct schedule s = {.window = d->window, .hours = hours_of(e, d)};
	const char *there;

	*shuts = 0;
	if (!s.window && !s.hours)
		return at;
	if (s.window)
		s.zone = tz_get(d->t.zone);
	there = s.hours ? zone_of_number(d->t.number) : NULL;
	if (there)
		s.hours_zone = tz_get(str_of(there));
	at = schedule_next(&s, at);
	if (at <= e->now) {
		*shuts = schedule_shuts(&s, at);
		if (*shuts == SCHEDULE_NEVER)
			*shuts = 0;
	}
	tz_put(s.zone);
	tz_put(s.hours_zone);
	return at;
}

void engine_postpone(struct engine *e, const struct queue_id *q, const struct delivery *d, int64_t until)
{
	if (until < d->expires_at)
		engine_due_set(e, q, until, d->key);
	else
		engine_due_set(e, &engine_timers, d->expires_at, d->key);
}
