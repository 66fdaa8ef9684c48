/* route_test.c - which way a number goes, and which connection takes the next parts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ranges.h"
#include "core/intake.h"
#include "core/numbers.h"
#include "core/outbox.h"
#include "core/route.h"

static char a[] = "a", b[] = "b", c[] = "c", br[] = "55", sp[] = "5511", any[] = "", m1[] = "551199",
	    m2[] = "55119", n1[] = "VIVO", n2[] = "TIM";
static struct connection_setting connections[] = {
	{.name = a, .number = 1, .operator_id = 5},
	{.name = b, .number = 2},
	{.name = c, .number = 3},
};
static struct route_connection to_a[] = {{a, 1}};
static struct route_connection to_ab[] = {{a, 3}, {b, 1}};
static struct route_connection a_then_b_c[] = {{a, 1}, {b, 0}, {c, 0}};
static struct route_setting routes[] = {
	{.prefix = br, .connections = to_ab, .connection_count = 2},
	{.prefix = any, .connections = to_a, .connection_count = 1},
	{.prefix = sp, .connections = a_then_b_c, .connection_count = 3},
};
static char *vivo[] = {sp, m1};
static char *tim[] = {m2};
static struct operator_setting operators[] = {
	{.id = 1, .name = n1, .delivery_reports = true, .prefixes = vivo, .prefix_count = 2},
	{.id = 5, .name = n2, .delivery_reports = false, .prefixes = tim, .prefix_count = 1},
};
static struct settings settings = {
	.operators = operators,
	.operator_count = 2,
	.sms = {.connections = connections, .connection_count = 3, .routes = routes, .route_count = 3},
};

static struct route *find(struct routes *r, const char *digits)
{
	struct route_ask ask = {.digits = str_of(digits)};

	return routes_find(r, &ask);
}

static int setup(void **state)
{
	struct routes *r = xnew(struct routes);

	assert_true(routes_set(r, &settings, NULL));
	for (size_t i = 0; i < r->connection_count; i++)
		*r->connections[i] = (struct connection){
			.number = r->connections[i]->number, .configured = true, .up = true, .credits = 1000, .window = 100};
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct routes *r = *state;

	routes_done(r);
	free(r);
	return 0;
}

static void the_longest_prefix_wins(void **state)
{
	struct routes *r = *state;

	assert_string_equal(find(r, "5511999990001")->prefix, "5511");
	assert_string_equal(find(r, "5521999990001")->prefix, "55");
	assert_string_equal(find(r, "351912345678")->prefix, "");
	assert_string_equal(find(r, "5")->prefix, "");
}

static void a_queues_name_does_not_change_with_the_process(void **state)
{
	struct routes *r = *state, again = {0};

	routes_set(&again, &settings, NULL);
	for (size_t i = 0; i < r->n; i++)
		assert_int_equal(r->a[i].hash, again.a[i].hash);
	assert_ptr_equal(routes_by_hash(r, r->a[1].hash), &r->a[1]);
	assert_null(routes_by_hash(r, 12345));
	assert_int_equal(find(r, "351")->hash, 0x8e1f4026u);
	routes_done(&again);
}

static void weights_share(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "5521");
	int first = 0, second = 0;

	for (int i = 0; i < 400; i++) {
		struct connection *to = route_pick(t, 1, 0, 0);

		assert_non_null(to);
		first += to->number == 1;
		second += to->number == 2;
	}
	assert_int_equal(first, 300);
	assert_int_equal(second, 100);
}

static void weight_zero_only_on_failure_and_by_order(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "5511");

	for (int i = 0; i < 10; i++)
		assert_int_equal(route_pick(t, 1, 0, 0)->number, 1);
	routes_connection(r, 1)->credits = 0;
	assert_null(route_pick(t, 1, 0, 0)); /* it is up: wait for room */
	routes_connection(r, 1)->up = false;
	assert_int_equal(route_pick(t, 1, 0, 0)->number, 2);
	routes_connection(r, 2)->up = false;
	assert_int_equal(route_pick(t, 1, 0, 0)->number, 3);
	routes_connection(r, 3)->up = false;
	assert_null(route_pick(t, 1, 0, 0));
	assert_false(route_up(t));
}

static void the_one_that_failed_is_avoided_if_there_is_another(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "5511");

	assert_int_equal(route_pick(t, 1, 1, 0)->number, 2);
	routes_connection(r, 2)->up = routes_connection(r, 3)->up = false;
	assert_int_equal(route_pick(t, 1, 1, 0)->number, 1);
}

static void what_is_foreseen_is_what_is_picked(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "5521"), copy, before = *t;
	uint16_t seen[8];

	copy = *t;
	for (int i = 0; i < 8; i++)
		seen[i] = route_foresee(&copy, 1, 0)->number;
	assert_memory_equal(t, &before, sizeof before);
	for (int i = 0; i < 8; i++)
		assert_int_equal(route_pick(t, 1, 0, 0)->number, seen[i]);
	/* one without room is passed over; when none has any, it is its turn */
	routes_connection(r, 1)->credits = 0;
	copy = *t;
	assert_int_equal(route_foresee(&copy, 1, 0)->number, 2);
	routes_connection(r, 2)->credits = 0;
	copy = *t;
	assert_int_equal(route_foresee(&copy, 1, 0)->number, 1);
	assert_null(route_pick(t, 1, 0, 0));
	/* a breaker whose pause is over would let a probe pass, and stays as it is */
	routes_connection(r, 1)->health.probes = 1;
	routes_connection(r, 1)->breaker = (struct breaker){.state = BREAKER_OPEN, .since = 10, .until = 20};
	copy = *t;
	assert_int_equal(route_foresee(&copy, 1, 19)->number, 2);
	copy = *t;
	assert_int_equal(route_foresee(&copy, 1, 20)->number, 1);
	assert_int_equal(routes_connection(r, 1)->breaker.state, BREAKER_OPEN);
	routes_connection(r, 1)->up = routes_connection(r, 2)->up = false;
	assert_null(route_foresee(&copy, 1, 20));
	assert_int_equal(route_heaviest(t)->number, 1);
}

static void a_long_message_waits_for_what_the_window_can_give(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "351");
	struct connection *one = routes_connection(r, 1);

	one->window = 10;
	one->credits = 9;
	assert_null(route_pick(t, 20, 0, 0));
	one->credits = 10;
	assert_ptr_equal(route_pick(t, 20, 0, 0), one);
	route_charge(t, one, 20);
	assert_int_equal(one->credits, -10);
	assert_null(route_pick(t, 1, 0, 0));
}

static void connections_keep_their_state_over_a_reload(void **state)
{
	struct routes *r = *state;
	struct settings fewer = settings;
	struct connection *two = routes_connection(r, 2);

	two->credits = 77;
	fewer.sms.connection_count = 2;
	fewer.sms.route_count = 2;
	assert_true(routes_set(r, &fewer, NULL));
	assert_false(routes_set(r, &fewer, NULL));
	assert_ptr_equal(routes_connection(r, 2), two);
	assert_int_equal(two->credits, 77);
	assert_false(routes_connection(r, 3)->configured);
	assert_string_equal(find(r, "5511")->prefix, "55");
}

/* -- conditions ----------------------------------------------------------------------------------------------------- */

static char ref[] = "shop", foreign[] = "other/shop";
static struct route_connection to_b[] = {{b, 1}}, to_c[] = {{c, 1}};
static struct route_setting conditional[] = {
	{.prefix = br, .connections = to_ab, .connection_count = 2},
	{.prefix = br, .operator_id = 5, .connections = to_b, .connection_count = 1},
	{.prefix = br, .class = CLASS_MARKETING, .connections = to_c, .connection_count = 1},
	{.prefix = br, .sub_account = ref, .class = CLASS_MARKETING, .connections = to_b, .connection_count = 1},
	{.prefix = br, .sub_account = foreign, .connections = to_b, .connection_count = 1},
	{.prefix = sp, .sub_account = ref, .connections = to_a, .connection_count = 1},
	{.prefix = any, .class = CLASS_TRANSACTIONAL, .connections = to_a, .connection_count = 1},
};

static struct snapshot *two_accounts(void)
{
	struct account accounts[] = {{.id = 1, .name = "default"}, {.id = 2, .name = "other"}};
	struct sub_account subs[] = {{.id = 11, .account = 1, .reference = "shop"},
				     {.id = 12, .account = 1, .reference = "news"},
				     {.id = 21, .account = 2, .reference = "shop"}};
	struct snapshot_source src = {.accounts = accounts, .account_count = 2, .sub_accounts = subs, .sub_account_count = 3};

	return snapshot_new(&src);
}

static int way(struct routes *r, const char *digits, int32_t operator_id, uint32_t sub, bool marketing)
{
	struct route_ask ask = {str_of(digits), operator_id, sub, marketing};
	struct route *t = routes_find(r, &ask);

	for (size_t i = 0; t && i < COUNT_OF(conditional); i++)
		if (!strcmp(t->prefix, conditional[i].prefix) && t->operator_id == conditional[i].operator_id &&
		    t->sub_name == conditional[i].sub_account && t->class == conditional[i].class)
			return (int)i;
	return -1;
}

static void more_conditions_win_after_the_longer_prefix(void **state)
{
	struct settings s = settings;
	struct snapshot *snap = two_accounts();
	struct routes r = {0};

	(void)state;
	s.sms.routes = conditional;
	s.sms.route_count = COUNT_OF(conditional);
	assert_true(routes_set(&r, &s, NULL));
	/* As long as nobody has that name, nothing fits it. */
	assert_int_equal(way(&r, "5511999990001", 0, 11, false), 0);
	routes_subs(&r, snap);
	assert_int_equal(way(&r, "5521999990001", 0, 12, false), 0);
	assert_int_equal(way(&r, "5521999990001", 5, 12, false), 1);
	assert_int_equal(way(&r, "5521999990001", 1, 12, false), 0);
	assert_int_equal(way(&r, "5521999990001", 0, 12, true), 2);
	assert_int_equal(way(&r, "5521999990001", 5, 12, true), 1); /* one condition each: the first as written */
	assert_int_equal(way(&r, "5521999990001", 5, 11, true), 3); /* two conditions */
	assert_int_equal(way(&r, "5511999990001", 5, 11, true), 5); /* the prefix first of all */
	assert_int_equal(way(&r, "5511999990001", 0, 12, false), 0);
	assert_int_equal(way(&r, "5521999990001", 0, 21, false), 4);
	assert_int_equal(way(&r, "351912345678", 0, 11, false), 6);
	assert_int_equal(way(&r, "351912345678", 0, 11, true), -1); /* no route at all */
	assert_false(routes_set(&r, &s, snap));
	conditional[1].operator_id = 1;
	assert_true(routes_set(&r, &s, snap)); /* a changed condition is another way */
	conditional[1].operator_id = 5;
	routes_done(&r);
	snapshot_publish(snap);
	snapshot_publish(NULL);
}

static void thousands_of_sub_accounts_have_routes(void **state)
{
	enum { N = 3000 };
	struct settings s = settings;
	struct account account = {.id = 1, .name = "default"};
	struct sub_account *subs = xcalloc(N, sizeof *subs);
	struct route_setting *many = xcalloc(N, sizeof *many);
	char(*names)[16] = xcalloc(N, sizeof *names);
	struct snapshot_source src = {.accounts = &account, .account_count = 1, .sub_accounts = subs, .sub_account_count = N};
	struct snapshot *snap;
	struct routes r = {0};

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof names[i], "s%u", i);
		subs[i] = (struct sub_account){.id = i + 1, .account = 1};
		memcpy(subs[i].reference, names[i], sizeof names[i]);
		many[i] = (struct route_setting){
			.prefix = br, .sub_account = names[i], .connections = i % 2 ? to_a : to_b, .connection_count = 1};
	}
	snap = snapshot_new(&src);
	s.sms.routes = many;
	s.sms.route_count = N;
	routes_set(&r, &s, snap);
	for (uint32_t i = 0; i < N; i++) {
		struct route_ask ask = {STR("5511999990001"), 0, i + 1, false};

		assert_string_equal(routes_find(&r, &ask)->sub_name, names[i]);
	}
	routes_done(&r);
	snapshot_publish(snap);
	snapshot_publish(NULL);
	free(subs);
	free(many);
	free(names);
}

/* Connections that meet in a route are one pool, also over a third. */
static void routes_that_share_connections_are_a_pool(void **state)
{
	struct routes *r = *state;

	assert_int_equal(r->pools, 1);
	assert_int_equal(find(r, "5511")->pool, 1);
	struct settings apart = settings;
	struct route_setting two[] = {{.prefix = br, .connections = to_ab, .connection_count = 2},
				      {.prefix = any, .connections = to_c, .connection_count = 1}};
	apart.sms.routes = two;
	apart.sms.route_count = 2;
	assert_true(routes_set(r, &apart, NULL));
	assert_int_equal(r->pools, 2);
	assert_int_not_equal(find(r, "55")->pool, find(r, "351")->pool);
}

/* -- health --------------------------------------------------------------------------------------------------------- */

static void a_sick_connection_gets_nothing_but_probes(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "5511");
	struct connection *one = routes_connection(r, 1);

	one->health = (struct breaker_setting){
		.timeouts = 2, .window_ms = 1000, .pause_ms = 1000, .pause_max_ms = 4000, .probes = 1};
	assert_int_equal(route_pick(t, 1, 0, 5000)->number, 1);
	assert_false(breaker_ended(&one->breaker, &one->health, 4000, BREAKER_TIMEOUT, 5000));
	assert_true(breaker_ended(&one->breaker, &one->health, 4000, BREAKER_TIMEOUT, 5000));
	assert_int_equal(route_pick(t, 1, 0, 5999)->number, 2); /* as if it were down */
	assert_int_equal(route_pick(t, 1, 0, 6000)->number, 1); /* the probe */
	breaker_began(&one->breaker);
	assert_int_equal(route_pick(t, 1, 0, 6001)->number, 2);
	assert_false(breaker_ended(&one->breaker, &one->health, 6000, BREAKER_OK, 6100));
	assert_int_equal(route_pick(t, 1, 0, 6100)->number, 1);
	/* Alone it waits rather than to waste tries on it. */
	routes_connection(r, 2)->up = routes_connection(r, 3)->up = false;
	for (int i = 0; i < 2; i++)
		(void)breaker_ended(&one->breaker, &one->health, 6000, BREAKER_TIMEOUT, 6200);
	assert_null(route_pick(t, 1, 0, 6300));
	assert_false(connection_open(one, 6300));
	assert_true(connection_open(one, 7300));
}

/* Room that a long message waits for is not taken by others in the same turn. */
static void room_is_kept_for_a_long_message(void **state)
{
	struct routes *r = *state;
	struct route *t = find(r, "351");
	struct connection *one = routes_connection(r, 1);

	one->credits = 3;
	assert_null(route_pick(t, 5, 0, 0));
	route_save(t, 5, 0);
	assert_null(route_pick(t, 1, 0, 0));
	one->saving = false;
	assert_ptr_equal(route_pick(t, 1, 0, 0), one);
}

static void acceptance_learns_operator_reports_and_route(void **state)
{
	struct number_facts f;

	(void)state;
	f = intake_number(&settings, STR("5511888880001"));
	assert_int_equal(f.operator_id, 1);
	assert_true(f.reports && f.routed);
	f = intake_number(&settings, STR("5511988880001"));
	assert_int_equal(f.operator_id, 5);
	assert_false(f.reports);
	f = intake_number(&settings, STR("5511999880001"));
	assert_int_equal(f.operator_id, 1);
	/* no prefix: the operator of the connection it will leave by */
	f = intake_number(&settings, STR("351912345678"));
	assert_int_equal(f.operator_id, 5);
	assert_false(f.reports);
	assert_string_equal(carrier_of(&settings, 5).name, "TIM");
	assert_int_equal(carrier_of(&settings, 5).id, 5);
	/* One that is configured no more: not its number beside no name. */
	assert_string_equal(carrier_of(&settings, 99).name, "UNKNOWN");
	assert_int_equal(carrier_of(&settings, 99).id, 0);
	/* and how the connection that will likely carry it wants texts */
	f = intake_number(&settings, STR("5511999880001"));
	assert_ptr_equal(f.profile, &connections[0].profile);
	to_ab[1].weight = 4;
	assert_ptr_equal(intake_number(&settings, STR("5521999880001")).profile, &connections[1].profile);
	to_ab[1].weight = 1;
	struct settings none = settings;
	none.sms.route_count = 1;
	f = intake_number(&none, STR("351912345678"));
	assert_false(f.routed);
	assert_null(f.profile);
}

static void a_ported_number_has_the_tables_operator(void **state)
{
	char file[] = "/tmp/pombo-route-XXXXXX";
	struct ranges_maker *m = NULL;
	struct ranges *r = NULL;
	struct number_facts f;
	struct err e;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(ranges_make(&m, file, 0, &e), 0);
	assert_int_equal(ranges_add(m, 5511888880001, 5511888880001, 5, 1, &e), 0);
	assert_int_equal(ranges_add(m, 351912345678, 351912345678, 1, 2, &e), 0);
	assert_int_equal(ranges_add(m, 5511888880002, 5511888880002, 99, 3, &e), 0);
	assert_int_equal(ranges_finish(m, &e), 0);
	ranges_forget(m);
	assert_int_equal(ranges_open(&r, file, &e), 0);
	unlink(file);
	numbers_ported_set(r);
	f = intake_number(&settings, STR("5511888880001"));
	assert_int_equal(f.operator_id, 5);
	assert_true(!f.reports && f.routed);
	f = intake_number(&settings, STR("351912345678"));
	assert_int_equal(f.operator_id, 1); /* not the connection's */
	assert_true(f.reports);
	f = intake_number(&settings, STR("5511888880002"));
	assert_int_equal(f.operator_id, 0); /* whose the configuration no longer has */
	f = intake_number(&settings, STR("5511888880003"));
	assert_int_equal(f.operator_id, 1);
	numbers_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_prefix_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(a_queues_name_does_not_change_with_the_process, setup, teardown),
		cmocka_unit_test_setup_teardown(weights_share, setup, teardown),
		cmocka_unit_test_setup_teardown(weight_zero_only_on_failure_and_by_order, setup, teardown),
		cmocka_unit_test_setup_teardown(the_one_that_failed_is_avoided_if_there_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_foreseen_is_what_is_picked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_message_waits_for_what_the_window_can_give, setup, teardown),
		cmocka_unit_test_setup_teardown(connections_keep_their_state_over_a_reload, setup, teardown),
		cmocka_unit_test(more_conditions_win_after_the_longer_prefix),
		cmocka_unit_test(thousands_of_sub_accounts_have_routes),
		cmocka_unit_test_setup_teardown(routes_that_share_connections_are_a_pool, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sick_connection_gets_nothing_but_probes, setup, teardown),
		cmocka_unit_test_setup_teardown(room_is_kept_for_a_long_message, setup, teardown),
		cmocka_unit_test(acceptance_learns_operator_reports_and_route),
		cmocka_unit_test(a_ported_number_has_the_tables_operator),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
