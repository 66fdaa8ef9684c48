/* forecast_test.c - dry runs on the real engine over the memory store: what is foretold is what then happens, and asking leaves no trace in
 * ids, rows, queues, credit, limits, turns or breakers. */
#include "forecast_bench.h"

#include <string.h>

#include "model/codes.h"
#include "model/metrics.h"

static void a_message_is_foretold_and_nothing_happens(void **state)
{
	struct traces before = traces();

	(void)state;
	draft("5511900000001");
	for (int i = 0; i < 50; i++) {
		foretell();
		goes_by(0, 1);
		assert_int_equal(f.told[0].departs_at, NOON);
		assert_int_equal(f.told[0].unit_price, 1);
		no_trace(&before);
	}
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(f.sent[1], 1);
	assert_int_equal(metric_get(M_ACCEPTED), before.accepted + 1);
}

static void turns_of_weights_are_foretold_in_order(void **state)
{
	struct traces before = traces();
	struct forecast told[MOST];
	int first = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		draft("5511900000001");
	draft("5511900000001")->not_before = NOON + HOUR_MS; /* takes no turn now */
	foretell();
	no_trace(&before);
	for (int i = 0; i < 8; i++)
		first += f.told[i].connection == 1;
	assert_int_equal(first, 6);
	assert_int_equal(f.told[8].departs_at, NOON + HOUR_MS);
	/* one after the other, for real: the same turns */
	memcpy(told, f.told, sizeof told);
	for (int i = 0; i < 8; i++) {
		int by = told[i].connection, sent = f.sent[by];

		f.ask.count = 1;
		assert_int_equal(post(false), SUBMIT_OK);
		assert_int_equal(f.sent[by], sent + 1);
	}
}

static void what_is_down_sick_or_full(void **state)
{
	struct connection *c1 = routes_connection(&f.b.e->routes, 1), *c2 = routes_connection(&f.b.e->routes, 2);
	struct traces before;

	(void)state;
	c1->health = c2->health = (struct breaker_setting){.probes = 1, .pause_ms = 1000};
	draft("351912345678");
	/* full: whose turn it is */
	c1->credits = 0;
	foretell();
	goes_by(0, 1);
	/* by weight, those that have room: the other route would rather wait for 1 */
	fresh();
	draft("5511900000001");
	foretell();
	goes_by(0, 2);
	/* sick: the one that is kept for that; its pause over: a probe */
	c1->credits = 100;
	c1->breaker = (struct breaker){.state = BREAKER_OPEN, .since = NOON - 500, .until = NOON + 500};
	fresh();
	draft("351912345678");
	foretell();
	goes_by(0, 2);
	f.b.now += 500;
	engine_bench_turn(&f.b);
	before = traces();
	for (int i = 0; i < 3; i++) {
		foretell();
		goes_by(0, 1);
	}
	no_trace(&before);
	assert_int_equal(c1->breaker.state, BREAKER_HALF_OPEN);
	c1->breaker.probing = 1;
	foretell();
	goes_by(0, 2);
	/* none: it would wait, and the likeliest tells how texts are coded */
	c1->up = c2->up = false;
	foretell();
	assert_int_equal(f.told[0].code, 0);
	assert_int_equal(f.told[0].connection, 0);
	assert_int_equal(f.told[0].coded_for, 1);
	assert_int_equal(f.told[0].departs_at, f.b.now);
}

static void what_the_request_said_counts(void **state)
{
	(void)state;
	draft_refuse(draft(""), SENT_INVALID_DESTINATION_NUMBER, REASON_BAD_NUMBER);
	draft_refuse(draft("5511900000001"), SENT_BLACKLISTED, REASON_BLOCKED);
	draft_refuse(draft("5511900000001"), SENT_DESTINATION_BLOCKED_BY_OPTOUT, REASON_OPTED_OUT);
	draft_refuse(draft("5511900000001"), SENT_INVALID_MESSAGE_TEXT, REASON_FORBIDDEN_WORDS);
	draft_refuse(draft("4411900000001"), SENT_CARRIER_COMMUNICATION_ERROR, REASON_NO_ROUTE);
	draft("4411900000001"); /* the engine's own word about routes */
	draft("5599900000001");
	draft("5599900000001")->flags = DF_MARKETING;
	foretell();
	refused(0, 202, REASON_BAD_NUMBER);
	refused(1, 203, REASON_BLOCKED);
	refused(2, 204, REASON_OPTED_OUT);
	refused(3, 207, REASON_FORBIDDEN_WORDS);
	refused(4, 102, REASON_NO_ROUTE);
	refused(5, 102, REASON_NO_ROUTE);
	assert_int_equal(f.told[6].coded_for, 1); /* the route of 55, as this one is for marketing */
	goes_by(7, 1);
	assert_int_equal(f.told[1].coded_for, 1);
	assert_int_equal(f.told[5].coded_for, 0);
}

static void credit_is_spent_in_order_and_given_back(void **state)
{
	struct traces before;

	(void)state;
	credit(7);
	before = traces();
	draft("5511900000001")->parts = 2;
	draft("5521900000001"); /* 4 units */
	draft("5511900000001")->parts = 2;
	draft("5511900000001");
	draft("5511900000001");
	draft("5511900000001")->not_before = NOON + HOUR_MS; /* charged then */
	foretell();
	no_trace(&before);
	goes_by(0, 1);
	assert_int_equal(f.told[1].code, 0);
	assert_int_equal(f.told[1].unit_price, 4);
	refused(2, 201, REASON_NO_CREDIT);
	assert_int_equal(f.told[2].unit_price, 1);
	assert_int_equal(f.told[3].code, 0);
	refused(4, 201, REASON_NO_CREDIT);
	assert_int_equal(f.told[5].code, 0);
	assert_int_equal(f.told[5].connection, 1);
	/* and so it goes */
	f.ask.count = 5;
	assert_int_equal(post(false), SUBMIT_OK);
	engine_bench_turn(&f.b);
	assert_int_equal(f.sent[1] + f.sent[2], 3);
	/* nothing is left: not even for the first */
	foretell();
	for (int i = 0; i < 5; i++)
		refused(i, 201, REASON_NO_CREDIT);
	/* without a limit the price is told as well */
	credit(1000);
	foretell();
	assert_int_equal(f.told[4].code, 0);
}

static void a_numbers_limit_counts_those_before(void **state)
{
	struct traces before;

	(void)state;
	f.sub.per_destination = 2;
	f.sub.per_destination_ms = DAY_MS;
	f.sub.marketing = true;
	publish();
	before = traces();
	for (int i = 0; i < 4; i++)
		draft(i == 1 ? "5511900000002" : "5511900000001")->flags = DF_MARKETING;
	draft("5511900000001"); /* transactional ones do not count */
	for (int i = 0; i < 3; i++) {
		foretell();
		no_trace(&before);
		goes_by(0, 1);
		assert_int_equal(f.told[1].code, 0);
		assert_int_equal(f.told[2].code, 0);
		refused(3, 205, REASON_MESSAGE_LIMIT);
		assert_int_equal(f.told[4].code, 0);
	}
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(f.sent[1] + f.sent[2], 4);
	/* those that are accepted count too */
	foretell();
	refused(0, 205, REASON_MESSAGE_LIMIT);
	assert_int_equal(f.told[1].code, 0);
	refused(2, 205, REASON_MESSAGE_LIMIT);
	/* 205 before 201 */
	credit(0);
	foretell();
	refused(0, 205, REASON_MESSAGE_LIMIT);
	refused(1, 201, REASON_NO_CREDIT);
}

static void a_velocity_is_looked_at_and_not_taken(void **state)
{
	int64_t wait;

	(void)state;
	f.sub.velocity = 3;
	f.sub.velocity_ms = HOUR_MS;
	publish();
	draft("5511900000001");
	draft("5511900000001");
	for (int i = 0; i < 50; i++)
		foretell();
	assert_int_equal(map_count(f.b.e->reach.subs), 0);
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(post(true), SUBMIT_TOO_MANY);
	wait = f.ask.retry_ms;
	assert_true(wait > 0);
	assert_int_equal(post(false), SUBMIT_TOO_MANY);
	assert_int_equal(f.ask.retry_ms, wait);
	f.b.now += HOUR_MS / 3;
	foretell();
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(post(true), SUBMIT_TOO_MANY);
	/* more than ever may be at once */
	f.b.now += HOUR_MS;
	for (int i = 0; i < 2; i++)
		draft("5511900000001");
	assert_int_equal(post(true), SUBMIT_TOO_MANY);
	wait = f.ask.retry_ms;
	assert_int_equal(post(false), SUBMIT_TOO_MANY);
	assert_int_equal(f.ask.retry_ms, wait);
}

static void schedules_windows_and_sending_hours_tell_the_departure(void **state)
{
	struct err err;
	struct draft *d;

	(void)state;
	draft("5511900000001")->not_before = NOON + HOUR_MS;
	d = draft("5511900000001");
	d->window = 1u << 15;
	d->t.zone = STR("UTC");
	d = draft("5511900000001"); /* its window opens after its end */
	d->window = 1u << 15;
	d->expires_at = NOON + 3 * HOUR_MS;
	d = draft("5511900000001");
	d->window = 1u << 15;
	d->expires_at = NOON + 3 * HOUR_MS + 1;
	draft("5511900000001")->flags = DF_MARKETING;
	foretell();
	assert_int_equal(f.told[0].departs_at, NOON + HOUR_MS);
	assert_int_equal(f.told[1].departs_at, NOON + 3 * HOUR_MS);
	goes_by(1, 1);
	refused(2, 101, REASON_SHUT);
	assert_int_equal(f.told[3].departs_at, NOON + 3 * HOUR_MS);
	assert_int_equal(f.told[4].departs_at, NOON);
	f.sub.marketing = true;
	assert_int_equal(sending_hours_parse(STR("mon=8-20"), &f.sub.hours, &err), 0);
	publish();
	foretell();
	assert_int_equal(f.told[4].departs_at, NOON + 23 * HOUR_MS); /* Monday, 08:00 in Sao Paulo */
}

static void who_stops_takes_none(void **state)
{
	(void)state;
	draft("5511900000001");
	f.b.e->accepting = false;
	f.ask = (struct submission){
		.in.kind = INPUT_SUBMIT, .count = 1, .drafts = f.drafts, .forecasts = f.told, .done = done};
	assert_false(intake_post(f.b.e, &f.ask));
	engine_post(f.b.e, &f.ask.in, true);
	engine_bench_turn(&f.b);
	assert_int_equal(f.ask.status, SUBMIT_STOPPING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORETOLD(a_message_is_foretold_and_nothing_happens),
		FORETOLD(turns_of_weights_are_foretold_in_order),
		FORETOLD(what_is_down_sick_or_full),
		FORETOLD(what_the_request_said_counts),
		FORETOLD(credit_is_spent_in_order_and_given_back),
		FORETOLD(a_numbers_limit_counts_those_before),
		FORETOLD(a_velocity_is_looked_at_and_not_taken),
		FORETOLD(schedules_windows_and_sending_hours_tell_the_departure),
		FORETOLD(who_stops_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
