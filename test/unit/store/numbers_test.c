/* numbers_test.c - lists on the disk: what stands, what was, the mark, pages, a newer file. */
#include "store/numbers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"

static char folder[64];
static struct numbers_db *db;

static void open_db(void)
{
	struct err e;

	if (numbers_db_open(&db, folder, &e) < 0)
		fail_msg("%s", e.text);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/pombo-numbers-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	open_db();
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"numbers.db", "numbers.db-wal", "numbers.db-shm"};
	char path[128];

	(void)state;
	numbers_db_close(db);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static size_t change(int list, uint32_t owner, uint64_t number, bool on, int64_t at, const char *why, int64_t mark)
{
	struct number_change c = {
		.list = (uint8_t)list, .on = on, .owner = owner, .number = number, .at = at, .source = FROM_MO, .why = str_of(why)};
	size_t changed = 9;
	struct err e;

	assert_int_equal(numbers_db_change(db, &c, 1, mark, &changed, &e), 0);
	return changed;
}

static bool print(void *ctx, const struct number_change *c)
{
	buf_fmt(ctx, "%d/%u/%llu@%lld %s %.*s\n", c->list, c->owner, (unsigned long long)c->number,
		(long long)c->at, number_source_name(c->source), (int)c->why.n, c->why.n ? c->why.p : "");
	return true;
}

static bool print_past(void *ctx, const struct number_change *c, const struct number_change *end)
{
	print(ctx, c);
	if (end)
		buf_fmt(ctx, "  until %lld %s %.*s\n", (long long)end->at, number_source_name(end->source),
			(int)end->why.n, end->why.p);
	assert_int_equal(c->on, end == NULL);
	return true;
}

static void all_is(const char *want)
{
	struct buf b = BUF_INIT;
	struct err e;

	assert_int_equal(numbers_db_each(db, print, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_done(&b);
}

static void what_is_on_a_list_stays_as_it_came(void **state)
{
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	assert_int_equal(change(LIST_OPT_OUT, 7, 5511999990001, true, 1000, "SAIR", 0), 1);
	assert_int_equal(change(LIST_OPT_OUT, 7, 5511999990001, true, 2000, "again", 0), 0);
	assert_int_equal(change(LIST_OPT_OUT, 8, 5511999990001, true, 3000, "", 0), 1);
	assert_int_equal(change(LIST_BLOCK_ACCOUNT, 7, 5511999990001, true, 4000, "fraud", 0), 1);
	assert_int_equal(change(LIST_OPT_OUT, 9, 5511999990001, false, 5000, "", 0), 0);
	all_is("1/7/5511999990001@4000 mo fraud\n3/7/5511999990001@1000 mo SAIR\n3/8/5511999990001@3000 mo "
	       "\n");
	assert_int_equal(change(LIST_OPT_OUT, 7, 5511999990001, false, 6000, "VOLTAR", 0), 1);
	assert_int_equal(change(LIST_OPT_OUT, 7, 5511999990001, true, 7000, "PARE", 0), 1);
	numbers_db_close(db);
	open_db();
	all_is("1/7/5511999990001@4000 mo fraud\n3/7/5511999990001@7000 mo PARE\n3/8/5511999990001@3000 mo "
	       "\n");
	assert_int_equal(numbers_db_history(db, LIST_OPT_OUT, 7, 5511999990001, print_past, &b, &e), 0);
	assert_string_equal(
		buf_cstr(&b),
		"3/7/5511999990001@1000 mo SAIR\n  until 6000 mo VOLTAR\n3/7/5511999990001@7000 mo PARE\n");
	buf_done(&b);
}

static void the_mark_only_rises(void **state)
{
	int64_t mark = 5;
	struct err e;

	(void)state;
	assert_int_equal(numbers_db_mark(db, &mark, &e), 0);
	assert_int_equal(mark, 0);
	change(LIST_OPT_OUT, 1, 10000001, true, 1, "", 77);
	change(LIST_OPT_OUT, 1, 10000002, true, 1, "", 76);
	change(LIST_OPT_OUT, 1, 10000003, true, 1, "", 0);
	numbers_db_close(db);
	open_db();
	assert_int_equal(numbers_db_mark(db, &mark, &e), 0);
	assert_int_equal(mark, 77);
}

static void pages_follow_each_other(void **state)
{
	struct number_change c[100];
	struct buf b = BUF_INIT;
	size_t changed;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		c[i] = (struct number_change){
			.list = LIST_BLOCK_SUB, .on = true, .owner = 1 + i % 2, .number = 10000000 + 100 - i, .at = 1};
	assert_int_equal(numbers_db_change(db, c, 100, 0, &changed, &e), 0);
	assert_int_equal(changed, 100);
	assert_int_equal(numbers_db_page(db, LIST_BLOCK_SUB, 2, 10000095, 2, print, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "2/2/10000097@1 command \n2/2/10000099@1 command \n");
	buf_clear(&b);
	assert_int_equal(numbers_db_page(db, LIST_BLOCK_SUB, 2, 10000099, 2, print, &b, &e), 0);
	assert_string_equal(buf_cstr(&b), "");
	buf_done(&b);
}

static void a_newer_file_is_refused(void **state)
{
	struct numbers_db *other = NULL;
	char path[128];
	sqlite3 *raw;
	struct err e;

	(void)state;
	snprintf(path, sizeof path, "%s/numbers.db", folder);
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	assert_int_equal(numbers_db_open(&other, folder, &e), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_on_a_list_stays_as_it_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_mark_only_rises, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages_follow_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_newer_file_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
