#include "base/metric.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT, LEVEL, TIME };
static const struct metric_def defs[] = {
	{METRIC_COUNTER, "x_total", "How many"},
	{METRIC_GAUGE, "x_level", "Back\\slash\nand line"},
	{METRIC_HISTOGRAM, "x_seconds", "How long"},
};

static void before_setup_nothing_happens(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	metric_add(COUNT, 1);
	metric_set(LEVEL, 5);
	metric_observe_us(TIME, 1);
	assert_int_equal(metric_get(COUNT), 0);
	metric_print(&b);
	assert_int_equal(b.n, 0);
	buf_done(&b);
	metric_setup(defs, COUNT_OF(defs));
	metric_add(COUNT, 2);
	metric_setup(defs, COUNT_OF(defs)); /* the same again changes nothing */
	assert_int_equal(metric_get(COUNT), 2);
	metric_add(COUNT, -2);
}

static void print_is_prometheus_text(void **state)
{
	static const int64_t times[] = {0, 500, 501, 1000, 60000000, 60000001, -5, 1500000};
	struct metric_cell *a, *b2;
	struct buf b = BUF_INIT;

	(void)state;
	metric_add(COUNT, 3);
	metric_add(COUNT, 4);
	metric_set(LEVEL, -2);
	metric_add(LEVEL, 1);
	for (size_t i = 0; i < COUNT_OF(times); i++)
		metric_observe_us(TIME, times[i]);
	a = metric_cell("x_queue", "Depth", METRIC_GAUGE, "connection", "main");
	metric_cell("y_queue", "Other", METRIC_COUNTER, "endpoint", "a\"b\\c\nd");
	b2 = metric_cell("x_queue", "Depth", METRIC_GAUGE, "connection", "backup");
	assert_ptr_equal(a, metric_cell("x_queue", "Depth", METRIC_GAUGE, "connection", "main"));
	assert_ptr_not_equal(a, b2);
	metric_cell_set(a, 9);
	metric_cell_add(a, -1);
	assert_int_equal(metric_cell_get(a), 8);
	metric_print(&b);
	assert_string_equal(buf_cstr(&b), "# HELP x_total How many\n"
					  "# TYPE x_total counter\n"
					  "x_total 7\n"
					  "# HELP x_level Back\\\\slash\\nand line\n"
					  "# TYPE x_level gauge\n"
					  "x_level -1\n"
					  "# HELP x_seconds How long\n"
					  "# TYPE x_seconds histogram\n"
					  "x_seconds_bucket{le=\"0.0005\"} 3\n"
					  "x_seconds_bucket{le=\"0.001\"} 5\n"
					  "x_seconds_bucket{le=\"0.0025\"} 5\n"
					  "x_seconds_bucket{le=\"0.005\"} 5\n"
					  "x_seconds_bucket{le=\"0.01\"} 5\n"
					  "x_seconds_bucket{le=\"0.025\"} 5\n"
					  "x_seconds_bucket{le=\"0.05\"} 5\n"
					  "x_seconds_bucket{le=\"0.1\"} 5\n"
					  "x_seconds_bucket{le=\"0.25\"} 5\n"
					  "x_seconds_bucket{le=\"0.5\"} 5\n"
					  "x_seconds_bucket{le=\"1\"} 5\n"
					  "x_seconds_bucket{le=\"2.5\"} 6\n"
					  "x_seconds_bucket{le=\"5\"} 6\n"
					  "x_seconds_bucket{le=\"10\"} 6\n"
					  "x_seconds_bucket{le=\"30\"} 6\n"
					  "x_seconds_bucket{le=\"60\"} 7\n"
					  "x_seconds_bucket{le=\"+Inf\"} 8\n"
					  "x_seconds_sum 121.502002\n"
					  "x_seconds_count 8\n"
					  "# HELP x_queue Depth\n"
					  "# TYPE x_queue gauge\n"
					  "x_queue{connection=\"main\"} 8\n"
					  "x_queue{connection=\"backup\"} 0\n"
					  "# HELP y_queue Other\n"
					  "# TYPE y_queue counter\n"
					  "y_queue{endpoint=\"a\\\"b\\\\c\\nd\"} 0\n");
	assert_int_equal(metric_get(TIME), 8);
	buf_done(&b);
}

static void *count(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 20000; i++) {
		metric_add(COUNT, 1);
		metric_observe_us(TIME, i);
		metric_cell_add(metric_cell("z_total", "Z", METRIC_COUNTER, "n", i % 2 ? "odd" : "even"), 1);
	}
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	int64_t before = metric_get(COUNT), observed = metric_get(TIME);
	struct buf b = BUF_INIT;
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count, NULL), 0);
	for (int i = 0; i < 50; i++) {
		buf_clear(&b);
		metric_print(&b);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(metric_get(COUNT) - before, 80000);
	assert_int_equal(metric_get(TIME) - observed, 80000);
	buf_clear(&b);
	metric_print(&b);
	assert_non_null(strstr(buf_cstr(&b), "z_total{n=\"even\"} 40000\n"));
	assert_non_null(strstr(buf_cstr(&b), "z_total{n=\"odd\"} 40000\n"));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_setup_nothing_happens),
		cmocka_unit_test(print_is_prometheus_text),
		cmocka_unit_test(threads_lose_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
