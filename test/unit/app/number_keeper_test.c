/* Lists in memory and in their file: what MOs ask for and what commands say, in any order, end the same in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "app/number_keeper.h"
#include "core/numbers.h"

#define N 5511900000001
#define WAIT_MS 10000

static char folder[64];
static struct number_keeper *k;

static void open_keeper(void)
{
	struct err e;

	if (keeper_open(&k, folder, true, &e) < 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/pombo-keeper-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	open_keeper();
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"numbers.db", "numbers.db-wal", "numbers.db-shm"};
	char path[128];

	(void)state;
	keeper_close(k);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static struct number_change change(bool on, const char *why)
{
	return (struct number_change){
		.list = LIST_OPT_OUT, .on = on, .owner = 7, .number = N, .at = 1000, .source = FROM_MO, .why = str_of(why)};
}

static void asked(bool on, int64_t key)
{
	struct number_change c = change(on, on ? "SAIR" : "VOLTAR");

	keeper_optout(k, &c, key);
	assert_int_equal(numbers_listed(LIST_OPT_OUT, 7, N), on);
}

static void said(bool on)
{
	struct number_change c = change(on, "by command");
	struct err e;

	assert_int_equal(keeper_change(k, &c, 1, NULL, &e), 0);
	assert_int_equal(numbers_listed(LIST_OPT_OUT, 7, N), on);
}

/* What waits goes to the disk; then memory, file and a new start say the same. */
static void ends(bool on, int64_t key)
{
	struct err e;

	assert_int_equal(keeper_start(k, &e), 0);
	for (int i = 0; keeper_mark(k) < key; i++) {
		assert_true(i < WAIT_MS);
		poll(NULL, 0, 1);
	}
	assert_int_equal(keeper_change(k, NULL, 0, NULL, &e), 0); /* behind the writer */
	assert_int_equal(numbers_listed(LIST_OPT_OUT, 7, N), on);
	keeper_close(k);
	assert_int_equal(numbers_count(), 0);
	open_keeper();
	assert_int_equal(keeper_mark(k), key);
	assert_int_equal(numbers_listed(LIST_OPT_OUT, 7, N), on);
}

static void the_newest_wish_counts(void **state)
{
	(void)state;
	asked(true, 1);
	asked(false, 2);
	ends(false, 2);
	asked(false, 3);
	asked(true, 4);
	asked(true, 5);
	ends(true, 5);
}

static void a_command_that_comes_between_is_before_it(void **state)
{
	(void)state;
	asked(true, 1);
	said(false);
	ends(true, 1);
}

static void nor_does_a_command_bring_an_old_wish_back(void **state)
{
	(void)state;
	asked(true, 1);
	said(false);
	said(true);
	asked(false, 2);
	ends(false, 2);
}

static void a_command_behind_it_counts(void **state)
{
	(void)state;
	asked(true, 1);
	ends(true, 1);
	said(false);
	keeper_close(k);
	open_keeper();
	assert_int_equal(numbers_count(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_newest_wish_counts),
		TEST(a_command_that_comes_between_is_before_it),
		TEST(nor_does_a_command_bring_an_old_wish_back),
		TEST(a_command_behind_it_counts),
	};

	return cmocka_run_group_tests_name("number_keeper", tests, NULL, NULL);
}
