/* forecast_test.c - dry runs on the real engine over the memory store: what is foretold is what then happens, and asking leaves no trace in
 * ids, rows, queues, credit, limits, turns or breakers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
#include "core/ring.h"
#include "model/codes.h"
#include "model/metrics.h"
#include "store/memory.h"

#define NOON 1795348800000 /* 2026-11-22T12:00:00Z, a Sunday */
#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)
#define MOST 16
#define SUB 7

static char one[] = "one", two[] = "two", br[] = "55", pt[] = "351", far[] = "5599", dear[] = "5521", reference[] = "s";
static struct connection_setting connections[] = {{.name = one, .number = 1}, {.name = two, .number = 2}};
static struct route_connection both[] = {{one, 3}, {two, 1}}, spare[] = {{one, 1}, {two, 0}};
static struct route_setting routes[] = {
	{.prefix = br, .connections = both, .connection_count = 2},
	{.prefix = pt, .connections = spare, .connection_count = 2},
	{.prefix = far, .connections = spare, .connection_count = 2, .class = CLASS_MARKETING},
};
static struct price_setting prices[] = {{.prefix = dear, .units = 4}};

static struct fixture {
	struct store *s;
	struct engine *e;
	struct settings settings;
	struct account account;
	struct sub_account sub;
	int64_t now;
	struct channel channel;
	int sent[MOST + 1]; /* attempts by connection */
	struct draft drafts[MOST];
	struct forecast told[MOST];
	struct uid ids[MOST];
	struct submission ask;
	bool answered;
} f;

static int64_t clock_now(void *ctx)
{
	(void)ctx;
	return f.now;
}

static void channel_send(struct channel *ch, struct attempt *chain)
{
	(void)ch;
	while (chain) {
		struct attempt *a = chain;

		chain = (struct attempt *)a->mail.next;
		f.sent[a->connection]++;
		attempt_free(a);
	}
}

static void publish(void)
{
	struct snapshot_source src = {
		.accounts = &f.account, .account_count = 1, .sub_accounts = &f.sub, .sub_account_count = 1};

	snapshot_publish(snapshot_new(&src));
}

static void turn(void)
{
	struct err err;

	assert_true(engine_turn(f.e, &err) >= 0);
}

static void capacity(uint16_t connection, bool up, int32_t grant)
{
	struct capacity *c = xnew(struct capacity);

	*c = (struct capacity){
		.in.kind = INPUT_CAPACITY, .connection = connection, .reset = true, .up = up, .grant = grant, .window = 10};
	engine_post(f.e, &c->in, true);
}

static int setup(void **state)
{
	static const struct channel_ops ops = {.kind = "sms", .send = channel_send};
	struct store_options o = {.message_retention_ms = 90 * DAY_MS};
	struct engine_config c = {.settings = &f.settings, .now = clock_now, .seed = 1};
	struct err err;

	(void)state;
	memset(&f, 0, sizeof f);
	f.now = NOON;
	f.account = (struct account){.id = 1, .name = "a"};
	f.sub = (struct sub_account){.id = SUB, .account = 1};
	str_copy(f.sub.reference, sizeof f.sub.reference, str_of(reference));
	publish();
	f.settings.memory = 1 << 20;
	f.settings.sms.validity_ms = f.settings.sms.receipt_wait_ms = DAY_MS;
	f.settings.sms.connections = connections;
	f.settings.sms.connection_count = COUNT_OF(connections);
	f.settings.sms.routes = routes;
	f.settings.sms.route_count = COUNT_OF(routes);
	f.settings.credit.prices = prices;
	f.settings.credit.price_count = COUNT_OF(prices);
	metrics_setup();
	assert_int_equal(store_memory_open(&f.s, &o, NULL), 0);
	c.store = f.s;
	assert_int_equal(engine_open(&f.e, &c, &err), 0);
	f.channel.ops = &ops;
	engine_attach_channel(f.e, &f.channel);
	capacity(1, true, 100);
	capacity(2, true, 100);
	turn();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_close(f.e);
	f.s->ops->close(f.s);
	snapshot_publish(NULL);
	return 0;
}

static void done(struct submission *s)
{
	(void)s;
	f.answered = true;
}

/* The next message of the request. */
static struct draft *draft(const char *number)
{
	struct draft *d = &f.drafts[f.ask.count++];

	*d = (struct draft){.t = {.destination = str_of(number), .number = str_of(number), .text = STR("x")},
			    .validity_ms = DAY_MS,
			    .parts = 1};
	return d;
}

static enum submit_status post(bool dry)
{
	uint32_t n = f.ask.count;

	memset(f.told, 0xff, sizeof f.told);
	memset(f.ids, 0, sizeof f.ids);
	f.ask = (struct submission){.in.kind = INPUT_SUBMIT,
				    .account = 1,
				    .sub_account = SUB,
				    .user = 1,
				    .bulk = n > 1,
				    .count = n,
				    .drafts = f.drafts,
				    .ids = f.ids,
				    .forecasts = dry ? f.told : NULL,
				    .done = done};
	f.answered = false;
	assert_true(intake_post(f.e, &f.ask));
	turn();
	assert_true(f.answered);
	return f.ask.status;
}

static void foretell(void) { assert_int_equal(post(true), SUBMIT_OK); }

static void fresh(void) { f.ask.count = 0; }

static void refused(int i, int code, int reason)
{
	assert_int_equal(f.told[i].code, code);
	assert_int_equal(f.told[i].reason, reason);
	assert_int_equal(f.told[i].connection, 0);
}

static void goes_by(int i, int connection)
{
	assert_int_equal(f.told[i].code, 0);
	assert_int_equal(f.told[i].connection, connection);
	assert_int_equal(f.told[i].coded_for, connection);
}

/* All that a dry run could have touched. */
struct traces {
	int64_t key, seq, store_key, store_seq;
	size_t live, queued, reach, owners, unfinished;
	int currents[COUNT_OF(routes)][2];
	int64_t accepted, commits, attempts, ledger;
	struct breaker breakers[2];
	int32_t credits[2];
};

static struct traces traces(void)
{
	struct engine *e = f.e;
	struct traces t;

	memset(&t, 0, sizeof t);
	t.key = e->ids.last;
	t.seq = e->seq;
	t.store_key = e->ops->last_key(e->store);
	t.store_seq = e->ops->last_seq(e->store);
	t.live = map_count(e->lives.map);
	t.queued = e->queues.all.count;
	t.reach = map_count(e->reach.subs);
	t.owners = map_count(e->credit.owners);
	t.unfinished = map_count(e->unfinished);
	t.ledger = e->credit.last_id;
	for (size_t i = 0; i < e->routes.n; i++)
		for (int k = 0; k < 2; k++)
			t.currents[i][k] = e->routes.a[i].to[k].current;
	for (uint16_t i = 0; i < 2; i++) {
		t.breakers[i] = routes_connection(&e->routes, (uint16_t)(i + 1))->breaker;
		t.credits[i] = routes_connection(&e->routes, (uint16_t)(i + 1))->credits;
	}
	t.accepted = metric_get(M_ACCEPTED);
	t.commits = metric_get(M_COMMITS);
	t.attempts = metric_get(M_ATTEMPTS);
	return t;
}

static void no_trace(const struct traces *before)
{
	const struct traces now = traces();

	assert_memory_equal(before, &now, sizeof now);
	assert_int_equal(f.ids[0].key, 0);
}

static void credit(int64_t units)
{
	const struct credit_change c = {BALANCE_SUB, SUB, LEDGER_SET, units};

	engine_credit(f.e, &c, NULL, NULL);
	turn();
}

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
	struct connection *c1 = routes_connection(&f.e->routes, 1), *c2 = routes_connection(&f.e->routes, 2);
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
	f.now += 500;
	turn();
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
	assert_int_equal(f.told[0].departs_at, f.now);
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
	turn();
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
	assert_int_equal(map_count(f.e->reach.subs), 0);
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(post(true), SUBMIT_TOO_MANY);
	wait = f.ask.retry_ms;
	assert_true(wait > 0);
	assert_int_equal(post(false), SUBMIT_TOO_MANY);
	assert_int_equal(f.ask.retry_ms, wait);
	f.now += HOUR_MS / 3;
	foretell();
	assert_int_equal(post(false), SUBMIT_OK);
	assert_int_equal(post(true), SUBMIT_TOO_MANY);
	/* more than ever may be at once */
	f.now += HOUR_MS;
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
	f.e->accepting = false;
	f.ask = (struct submission){
		.in.kind = INPUT_SUBMIT, .count = 1, .drafts = f.drafts, .forecasts = f.told, .done = done};
	assert_false(intake_post(f.e, &f.ask));
	engine_post(f.e, &f.ask.in, true);
	turn();
	assert_int_equal(f.ask.status, SUBMIT_STOPPING);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_message_is_foretold_and_nothing_happens),
		T(turns_of_weights_are_foretold_in_order),
		T(what_is_down_sick_or_full),
		T(what_the_request_said_counts),
		T(credit_is_spent_in_order_and_given_back),
		T(a_numbers_limit_counts_those_before),
		T(a_velocity_is_looked_at_and_not_taken),
		T(schedules_windows_and_sending_hours_tell_the_departure),
		T(who_stops_takes_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
