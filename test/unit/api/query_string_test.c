/* query_string_test.c - decoding of queries. */
#include "api_test.h"
#include "api/query_string.h"

#include <errno.h>

static char work[8192];

static int read_text(const char *z, struct query_string *q)
{
	str_copy(work, sizeof(work), str_of(z));
	return query_read(work, strlen(work), q);
}

TEST(pairs_are_decoded)
{
	struct query_string q;
	unsigned times;

	assert_int_equal(read_text("a=1&b=x%20y+z&c=%C3%A7%c3%A7&empty=&flag&d=a=b&%61%62=1", &q), 0);
	assert_int_equal(q.count, 7);
	assert_true(str_eqz(query_get(&q, "a", false, &times), "1"));
	assert_int_equal(times, 1);
	assert_true(str_eqz(query_get(&q, "b", false, NULL), "x y z"));
	assert_true(str_eqz(query_get(&q, "c", false, NULL), "\xc3\xa7\xc3\xa7"));
	assert_int_equal(query_get(&q, "empty", false, NULL).n, 0);
	assert_non_null(query_get(&q, "flag", false, NULL).p);
	assert_true(str_eqz(query_get(&q, "d", false, NULL), "a=b"));
	assert_true(str_eqz(query_get(&q, "ab", false, NULL), "1"));
	assert_null(query_get(&q, "none", false, &times).p);
	assert_int_equal(times, 0);
}

TEST(letter_case_matters_unless_folded)
{
	struct query_string q;
	unsigned times;

	assert_int_equal(read_text("UserName=a&username=b", &q), 0);
	assert_true(str_eqz(query_get(&q, "username", false, &times), "b"));
	assert_int_equal(times, 1);
	assert_true(str_eqz(query_get(&q, "username", true, &times), "a"));
	assert_int_equal(times, 2);
}

TEST(empty_pairs_are_skipped)
{
	struct query_string q;

	assert_int_equal(read_text("&&a=1&&", &q), 0);
	assert_int_equal(q.count, 1);
	assert_int_equal(read_text("", &q), 0);
	assert_int_equal(q.count, 0);
	assert_int_equal(read_text("=v", &q), 0);
	assert_int_equal(q.count, 1);
	assert_int_equal(q.pair[0].name.n, 0);
}

TEST(bad_escapes_are_refused)
{
	static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%4g", "%=1", "a=1&b=%f", "a=%%41"};
	struct query_string q;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(read_text(bad[i], &q), -EINVAL);
	assert_int_equal(read_text("a=%00b", &q), 0);
	assert_int_equal(q.pair[0].value.n, 2);
}

TEST(pairs_are_limited)
{
	struct query_string q;
	struct buf b = BUF_INIT;

	for (int i = 0; i < QUERY_PAIRS_MAX; i++)
		buf_puts(&b, "a=1&");
	assert_int_equal(read_text(buf_cstr(&b), &q), 0);
	assert_int_equal(q.count, QUERY_PAIRS_MAX);
	buf_puts(&b, "a");
	assert_int_equal(read_text(buf_cstr(&b), &q), -E2BIG);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(pairs_are_decoded),       RUN(letter_case_matters_unless_folded),
		RUN(empty_pairs_are_skipped), RUN(bad_escapes_are_refused),
		RUN(pairs_are_limited),
	};

	return cmocka_run_group_tests_name("query_string", tests, NULL, NULL);
}
