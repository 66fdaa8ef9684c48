/* csv_test.c - lines into fields and back. */
#include "wire_test.h"

#include <errno.h>

#include "base/rng.h"
#include "wire/csv.h"

/* The fields with a stroke behind each; or the error. */
static const char *split(const char *text, char separator)
{
	static char line[256], out[512];
	struct str f[5];
	ssize_t n;
	size_t at = 0;

	snprintf(line, sizeof line, "%s", text);
	n = csv_split(line, strlen(line), separator, f, COUNT_OF(f));
	if (n < 0)
		return n == -EINVAL ? "EINVAL" : n == -E2BIG ? "E2BIG" : "?";
	out[0] = '\0';
	for (ssize_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%.*s|", (int)f[i].n, f[i].n ? f[i].p : "");
	return out;
}

TEST(lines_become_fields)
{
	static const char *const c[][2] = {
		{"", "|"},
		{"a", "a|"},
		{"a,b", "a|b|"},
		{",", "||"},
		{" a , b c ,", "a|b c||"},
		{"\"a,b\",c", "a,b|c|"},
		{"\"say \"\"hi\"\"\"", "say \"hi\"|"},
		{"\"\",x", "|x|"},
		{"\" a \" ,b", " a |b|"},
		{"a\"b,c", "a\"b|c|"},
		{"\"a", "EINVAL"},
		{"\"a\"b", "EINVAL"},
		{"\"\"\"", "EINVAL"},
		{"a,b,c,d,e", "a|b|c|d|e|"},
		{"a,b,c,d,e,", "E2BIG"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++)
		assert_string_equal(split(c[i][0], ','), c[i][1]);
	assert_string_equal(split("a;b,c; d", ';'), "a|b,c|d|");
	assert_string_equal(split("a\t\tb\t", '\t'), "a||b||");
}

TEST(the_separator_is_the_first_one)
{
	assert_int_equal(csv_separator(STR("5511;a,b")), ';');
	assert_int_equal(csv_separator(STR("\"a;b\",c;d")), ',');
	assert_int_equal(csv_separator(STR("a\tb")), '\t');
	assert_int_equal(csv_separator(STR("5511")), ',');
	assert_int_equal(csv_separator(STR("")), ',');
}

TEST(what_is_written_is_read_back)
{
	struct prng r;

	prng_seed(&r, 4);
	for (int round = 0; round < 20000; round++) {
		struct buf b = BUF_INIT;
		char text[3][12];
		size_t n[3];
		struct str f[3];

		for (int i = 0; i < 3; i++) {
			n[i] = (size_t)prng_below(&r, 10);
			for (size_t k = 0; k < n[i]; k++)
				text[i][k] = "a, ;\"\t0\xc3\xa3z"[prng_below(&r, 10)];
			if (i)
				buf_putc(&b, ',');
			csv_put(&b, (struct str){text[i], n[i]});
		}
		assert_int_equal(csv_split(b.p ? b.p : text[0], b.n, ',', f, 3), 3);
		for (int i = 0; i < 3; i++) {
			/* A tab at an end is taken for a blank only where no quote protects it: csv_put quotes them all. */
			assert_int_equal(f[i].n, n[i]);
			assert_memory_equal(f[i].n ? f[i].p : "", text[i], n[i]);
		}
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(lines_become_fields),
		RUN(the_separator_is_the_first_one),
		RUN(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
