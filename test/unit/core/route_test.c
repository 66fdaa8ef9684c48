/* route_test.c - which way a number goes, and which connection takes the next parts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/intake.h"
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
	{br, to_ab, 2},
	{any, to_a, 1},
	{sp, a_then_b_c, 3},
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

static int setup(void **state)
{
	struct routes *r = xnew(struct routes);

	routes_set(r, &settings);
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

	assert_string_equal(routes_find(r, STR("5511999990001"))->prefix, "5511");
	assert_string_equal(routes_find(r, STR("5521999990001"))->prefix, "55");
	assert_string_equal(routes_find(r, STR("351912345678"))->prefix, "");
	assert_string_equal(routes_find(r, STR("5"))->prefix, "");
}

static void a_queues_name_does_not_change_with_the_process(void **state)
{
	struct routes *r = *state, again = {0};

	routes_set(&again, &settings);
	for (size_t i = 0; i < r->n; i++)
		assert_int_equal(r->a[i].hash, again.a[i].hash);
	assert_ptr_equal(routes_by_hash(r, r->a[1].hash), &r->a[1]);
	assert_null(routes_by_hash(r, 12345));
	assert_int_equal(routes_find(r, STR("351"))->hash, 0x8e1f4026u);
	routes_done(&again);
}

static void weights_share(void **state)
{
	struct routes *r = *state;
	struct route *t = routes_find(r, STR("5521"));
	int first = 0, second = 0;

	for (int i = 0; i < 400; i++) {
		struct connection *to = route_pick(t, 1, 0);

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
	struct route *t = routes_find(r, STR("5511"));

	for (int i = 0; i < 10; i++)
		assert_int_equal(route_pick(t, 1, 0)->number, 1);
	routes_connection(r, 1)->credits = 0;
	assert_null(route_pick(t, 1, 0)); /* it is up: wait for room */
	routes_connection(r, 1)->up = false;
	assert_int_equal(route_pick(t, 1, 0)->number, 2);
	routes_connection(r, 2)->up = false;
	assert_int_equal(route_pick(t, 1, 0)->number, 3);
	routes_connection(r, 3)->up = false;
	assert_null(route_pick(t, 1, 0));
	assert_false(route_up(t));
}

static void the_one_that_failed_is_avoided_if_there_is_another(void **state)
{
	struct routes *r = *state;
	struct route *t = routes_find(r, STR("5511"));

	assert_int_equal(route_pick(t, 1, 1)->number, 2);
	routes_connection(r, 2)->up = routes_connection(r, 3)->up = false;
	assert_int_equal(route_pick(t, 1, 1)->number, 1);
}

static void a_long_message_waits_for_what_the_window_can_give(void **state)
{
	struct routes *r = *state;
	struct route *t = routes_find(r, STR("351"));
	struct connection *one = routes_connection(r, 1);

	one->window = 10;
	one->credits = 9;
	assert_null(route_pick(t, 20, 0));
	one->credits = 10;
	assert_ptr_equal(route_pick(t, 20, 0), one);
	route_charge(t, one, 20);
	assert_int_equal(one->credits, -10);
	assert_null(route_pick(t, 1, 0));
}

static void connections_keep_their_state_over_a_reload(void **state)
{
	struct routes *r = *state;
	struct settings fewer = settings;
	struct connection *two = routes_connection(r, 2);

	two->credits = 77;
	fewer.sms.connection_count = 2;
	fewer.sms.route_count = 2;
	routes_set(r, &fewer);
	assert_ptr_equal(routes_connection(r, 2), two);
	assert_int_equal(two->credits, 77);
	assert_false(routes_connection(r, 3)->configured);
	assert_string_equal(routes_find(r, STR("5511"))->prefix, "55");
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
	assert_string_equal(operator_name(&settings, 5), "TIM");
	assert_string_equal(operator_name(&settings, 99), "UNKNOWN");
	struct settings none = settings;
	none.sms.route_count = 1;
	assert_false(intake_number(&none, STR("351912345678")).routed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_longest_prefix_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(a_queues_name_does_not_change_with_the_process, setup, teardown),
		cmocka_unit_test_setup_teardown(weights_share, setup, teardown),
		cmocka_unit_test_setup_teardown(weight_zero_only_on_failure_and_by_order, setup, teardown),
		cmocka_unit_test_setup_teardown(the_one_that_failed_is_avoided_if_there_is_another, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_message_waits_for_what_the_window_can_give, setup, teardown),
		cmocka_unit_test_setup_teardown(connections_keep_their_state_over_a_reload, setup, teardown),
		cmocka_unit_test(acceptance_learns_operator_reports_and_route),
	};

	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
