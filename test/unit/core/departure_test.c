/* departure_test.c - when a delivery may leave is asked anew each time: the clock, the tz database and the sending hours may have changed
 * since it was accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "base/tz.h"
#include "core/ring.h"

#define HOUR_MS ((int64_t)3600000)
#define NOON 1795348800000 /* 2026-11-22T12:00:00Z, a Sunday */

static struct engine engine = {.now = NOON};
static struct delivery *d;
static int64_t shuts;

static int64_t departs(void) { return (engine_departs(&engine, d, &shuts) - NOON) / HOUR_MS; }

static int fresh(void **state)
{
	struct delivery_text t = {.number = STR("5511900000000"), .zone = STR("Moving")};

	(void)state;
	d = delivery_new(&t);
	engine.now = NOON;
	engine.snap = NULL;
	return 0;
}

static int done(void **state)
{
	(void)state;
	delivery_free(d);
	snapshot_put(engine.snap);
	snapshot_publish(NULL);
	tz_folder(NULL, 30000);
	return 0;
}

static void put(FILE *f, uint64_t v, int bytes)
{
	while (bytes--)
		fputc((int)(v >> 8 * bytes & 0xff), f);
}

/* A zone of one offset, west of UTC. */
static void write_zone(const char *dir, int hours_west)
{
	char new[64], path[64];
	FILE *f;

	snprintf(new, sizeof(new), "%s/.new", dir);
	snprintf(path, sizeof(path), "%s/Moving", dir);
	f = fopen(new, "w");
	assert_non_null(f);
	for (int block = 0; block < 2; block++) {
		fputs("TZif2", f);
		for (int i = 0; i < 15; i++)
			fputc(0, f);
		put(f, 0, 4);
		put(f, 0, 4);
		put(f, 0, 4);
		put(f, 0, 4);
		put(f, 1, 4);
		put(f, 1, 4);
		put(f, 0, 6);
		fputc(0, f);
	}
	fprintf(f, "\n<-%02d>%d\n", hours_west, hours_west);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(new, path), 0);
}

static void a_window_follows_an_updated_database(void **state)
{
	char dir[] = "/tmp/pombo-departure-XXXXXX", path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/Moving", dir);
	tz_folder(dir, 0);
	write_zone(dir, 3);
	d->window = 1u << 10; /* 13:00 UTC */
	assert_int_equal(departs(), 1);
	write_zone(dir, 4);
	assert_int_equal(departs(), 2);
	engine.now = NOON + HOUR_MS; /* the moment that was planned has come: not yet */
	assert_int_equal(departs(), 2);
	write_zone(dir, 2);
	engine.now = NOON;
	assert_int_equal(departs(), 0);
	assert_int_equal(shuts, NOON + HOUR_MS);
	unlink(path);
	rmdir(dir);
}

static void schedules_and_retries_go_by_the_clock(void **state)
{
	(void)state;
	assert_int_equal(departs(), 0);
	assert_int_equal(shuts, 0);
	d->not_before = NOON + 2 * HOUR_MS;
	assert_int_equal(departs(), 2);
	d->due_at = NOON + 3 * HOUR_MS;
	assert_int_equal(departs(), 3);
	engine.now = NOON + 4 * HOUR_MS;
	assert_int_equal(departs(), 4);
	engine.now = NOON + HOUR_MS; /* set back */
	assert_int_equal(departs(), 3);
}

static void sending_hours_are_the_sub_accounts_of_the_moment(void **state)
{
	struct sub_account sub = {.id = 7, .account = 1, .reference = "m", .marketing = true};
	struct account account = {.id = 1, .name = "a"};
	struct snapshot_source src = {.accounts = &account, .account_count = 1, .sub_accounts = &sub, .sub_account_count = 1};
	struct err e;

	(void)state;
	d->sub_account = 7;
	for (int hours = 0; hours < 2; hours++) {
		if (hours)
			assert_int_equal(sending_hours_parse(STR("sun=11-12 mon=8-20"), &sub.hours, &e), 0);
		snapshot_put(engine.snap);
		snapshot_publish(snapshot_new(&src));
		engine.snap = snapshot_get();
		d->flags = 0;
		assert_int_equal(departs(), 0);
		d->flags = DF_MARKETING;
		assert_int_equal(departs(), hours ? 2 : 0); /* 11:00 in Sao Paulo */
	}
	engine.now = NOON + 3 * HOUR_MS; /* it shuts at noon there; Monday 08:00 */
	assert_int_equal(departs(), 23);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fresh, done)
	const struct CMUnitTest tests[] = {
		T(a_window_follows_an_updated_database),
		T(schedules_and_retries_go_by_the_clock),
		T(sending_hours_are_the_sub_accounts_of_the_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
