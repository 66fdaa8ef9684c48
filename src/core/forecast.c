/* forecast.c - a dry run: what would become of a submission, asked of the very functions that would accept it, and with no effect: no id, no
 * row, no event, no queue, nothing counted, reserved or taken from an allowance.
 *
 * The messages of one submission are foretold in order as if those before them had been accepted: they count for a number's limit, take
 * their credit and their turn at the connections. What else waits is not looked at: when a message leaves is the earliest moment that its
 * own rules allow, whatever is queued before it and whether a link is up. */
#include <stdlib.h>

#include "base/map.h"
#include "core/intake.h"
#include "core/ring.h"
#include "core/schedule.h"
#include "model/codes.h"

struct telling {
	struct engine *e;
	const struct submission *s;
	const struct intake_sender *from;
	struct map *numbers; /* hash -> messages before that count for that number; NULL when there is no such limit */
	struct map *routes; /* struct route -> its copy, in which the turns of the connections go on */
	int64_t units;      /* that those before take */
};

static uint64_t number_hash(const struct delivery *d) { return hash_bytes(d->t.number.p, d->t.number.n); }

static struct intake_before before(const struct telling *t, const struct delivery *d)
{
	uint64_t n = 0;

	if (t->numbers && d->flags & DF_MARKETING)
		map_get(t->numbers, number_hash(d), &n);
	return (struct intake_before){(uint32_t)n, t->units};
}

static void count(struct telling *t, const struct delivery *d)
{
	const struct intake_before b = before(t, d);

	if (t->numbers && d->flags & DF_MARKETING)
		map_set(t->numbers, number_hash(d), b.same_number + 1);
	/* What leaves later is charged later. */
	if (d->due_at <= t->e->now && t->e->credit.limited)
		t->units += (int64_t)credit_need(t->e, d).unit_price * MAX(d->part_count, 1);
}

/* A copy of the route with the turns that those before took. */
static struct route *copy_of(struct telling *t, const struct route *r)
{
	struct route *c = map_ptr(t->routes, (uint64_t)(uintptr_t)r);

	if (c)
		return c;
	c = xnew(struct route);
	*c = *r;
	map_set_ptr(t->routes, (uint64_t)(uintptr_t)r, c);
	return c;
}

static void tell_connection(struct telling *t, const struct route *r, const struct delivery *d, struct forecast *f)
{
	struct route now_only = *r;
	/* Who leaves later takes no turn now. */
	struct route *way = d->due_at > t->e->now ? &now_only : copy_of(t, r);
	const struct connection *c = route_foresee(way, MAX(d->part_count, 1), t->e->now);

	if (!c)
		return;
	f->connection = f->coded_for = c->number;
}

static bool ends(struct telling *t, const struct draft *m, const struct delivery *d, const struct route *r,
		 struct refusal *why)
{
	const struct intake_before b = before(t, d);

	if (intake_refused(t->e, t->from->sub, m, d, &b, why))
		return true;
	if (!r)
		*why = (struct refusal){SENT_CARRIER_COMMUNICATION_ERROR, REASON_NO_ROUTE};
	else if (d->due_at && d->due_at >= d->expires_at)
		*why = (struct refusal){SENT_EXPIRED, REASON_SHUT};
	else
		return false;
	return true;
}

static void tell(struct telling *t, uint32_t i)
{
	struct engine *e = t->e;
	const struct draft *m = &t->s->drafts[i];
	struct forecast *f = &t->s->forecasts[i];
	int64_t departs = 0;
	struct delivery *d = intake_delivery(e, t->s, i, t->from, (struct uid){uid_key_at(e->now), 0}, &departs);
	const struct route *r = d->t.number.n ? engine_route_of(e, d) : NULL;
	const struct connection *likely = r ? route_heaviest(r) : NULL;
	struct refusal why = {0, 0};

	*f = (struct forecast){.unit_price = credit_price(e->settings, d->t.number),
			       .departs_at = d->due_at ? departs : e->now,
			       .coded_for = likely ? likely->number : 0};
	if (ends(t, m, d, r, &why)) {
		f->code = (uint16_t)why.code;
		f->reason = (uint16_t)why.reason;
	} else {
		tell_connection(t, r, d, f);
		count(t, d);
	}
	delivery_free(d);
}

static bool free_copy(void *ctx, uint64_t key, uint64_t value)
{
	(void)ctx;
	(void)key;
	free((void *)(uintptr_t)value);
	return true;
}

void intake_forecast(struct engine *e, struct submission *s, const struct intake_sender *from)
{
	struct telling t = {.e = e, .s = s, .from = from};

	s->retry_ms = reach_velocity_wait(e, from->sub, s->count);
	if (s->retry_ms) {
		s->status = SUBMIT_TOO_MANY;
		return;
	}
	s->status = SUBMIT_OK;
	t.routes = map_new();
	if (from->sub && from->sub->per_destination)
		t.numbers = map_new();
	for (uint32_t i = 0; i < s->count; i++)
		tell(&t, i);
	map_each(t.routes, free_copy, NULL);
	map_free(t.routes);
	map_free(t.numbers);
}
