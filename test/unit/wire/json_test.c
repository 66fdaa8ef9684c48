/* json_test.c - what the reader takes, what it refuses and with which words. */
#include "wire_test.h"
#include "base/rng.h"
#include "wire/json.h"

static struct json_doc *read_text(const char *z, struct err *e)
{
	size_t n = strlen(z);
	char *exact = malloc(n ? n : 1);
	struct json_doc *d;

	assert_non_null(exact);
	memcpy(exact, z, n);
	d = json_read(exact, n, e);
	free(exact);
	return d;
}

TEST(a_document_is_walked)
{
	struct err e;
	struct json_doc *d = read_text("{\"a\":[1,-2,\"x\\u00e7\\ud83d\\ude00\",true,null,1.5,1e3,1.0],\"b\":"
				       "{\"k\":false},\"c\":\"\"}",
				       &e);
	struct json *root, *a;
	char scratch[JSON_SCRATCH];

	assert_non_null(d);
	root = json_root(d);
	a = json_get(root, "a");
	assert_int_equal(json_kind(root), JSON_KIND_OBJECT);
	assert_int_equal(json_count(root), 3);
	assert_int_equal(json_kind(a), JSON_KIND_ARRAY);
	assert_int_equal(json_count(a), 8);
	assert_int_equal(json_int(json_at(a, 0)), 1);
	assert_int_equal(json_int(json_at(a, 1)), -2);
	assert_true(str_eqz(json_str(json_at(a, 2)), "xç😀"));
	assert_true(json_bool(json_at(a, 3)));
	assert_int_equal(json_kind(json_at(a, 4)), JSON_KIND_NULL);
	for (size_t i = 5; i < 8; i++) {
		assert_int_equal(json_kind(json_at(a, i)), JSON_KIND_REAL);
		assert_null(json_scalar(json_at(a, i), scratch).p);
	}
	assert_true(json_double(json_at(a, 5)) > 1.4 && json_double(json_at(a, 5)) < 1.6);
	assert_true(json_double(json_at(a, 0)) > 0.9 && json_double(json_at(a, 0)) < 1.1);
	assert_null(json_at(a, 8));
	assert_int_equal(json_kind(json_get(json_get(root, "b"), "k")), JSON_KIND_BOOL);
	assert_false(json_bool(json_get(json_get(root, "b"), "k")));
	assert_int_equal(json_kind(json_get(root, "c")), JSON_KIND_STRING);
	assert_int_equal(json_str(json_get(root, "c")).n, 0);
	json_free(d);
	json_free(NULL);
}

TEST(what_is_not_there_is_null)
{
	struct err e;
	struct json_doc *d = read_text("{\"a\":1,\"s\":\"x\"}", &e);
	struct json *root = json_root(d), *a = json_get(root, "a");
	struct json_iter it = json_iter(a);

	assert_null(json_get(root, "b"));
	assert_null(json_get(a, "b"));
	assert_null(json_get(NULL, "b"));
	assert_null(json_at(root, 0));
	assert_null(json_at(NULL, 0));
	assert_int_equal(json_kind(NULL), JSON_KIND_NULL);
	assert_int_equal(json_count(a), 0);
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_str(a).p);
	assert_int_equal(json_int(json_get(root, "s")), 0);
	assert_int_equal(json_int(NULL), 0);
	assert_true(json_double(NULL) == 0);
	assert_false(json_bool(NULL));
	assert_false(json_next(&it));
	it = json_iter(NULL);
	assert_false(json_next(&it));
	json_free(d);
}

TEST(members_are_iterated_once_each)
{
	struct err e;
	struct json_doc *d = read_text("{\"x\":1,\"y\":2,\"\":3}", &e);
	int64_t sum = 0, n = 0;

	for (struct json_iter it = json_iter(json_root(d)); json_next(&it); n++) {
		assert_true(it.key.n <= 1);
		sum += json_int(it.value);
	}
	assert_int_equal(n, 3);
	assert_int_equal(sum, 6);
	json_free(d);
	d = read_text("{}", &e);
	for (struct json_iter it = json_iter(json_root(d)); json_next(&it);)
		fail();
	json_free(d);
}

TEST(numbers_keep_their_digits)
{
	static const struct {
		const char *json, *text;
	} c[] = {
		{"5511999990001", "5511999990001"},
		{"9223372036854775807", "9223372036854775807"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"0", "0"},
		{"-0", "0"},
		{"\"007\"", "007"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct err e;
		struct json_doc *d = read_text(c[i].json, &e);
		char scratch[JSON_SCRATCH];

		assert_non_null(d);
		assert_true(str_eqz(json_scalar(json_root(d), scratch), c[i].text));
		json_free(d);
	}
}

TEST(faults_are_named_with_their_place)
{
	static const struct {
		const char *json, *want;
	} c[] = {
		{"", "empty"},
		{" ", "ends too early"},
		{"{\"a\":1", "ends too early"},
		{"[1,2", "ends too early"},
		{"{\n  \"a\": x}", "line 2, column 9 (offset 10): not valid JSON"},
		{"{\"a\":1}}", "something follows"},
		{"{\"a\":1} x", "something follows"},
		{"{\"a\":1,\"a\":2}", "a key is repeated"},
		{"[9223372036854775808]", "number too big"},
		{"[1e999]", "number too big"},
		{"[\"\\u0000\"]", "NUL in a string"},
		{"{\"\\u0000\":1}", "NUL"},
		{"[\"\xff\"]", "not valid UTF-8"},
		{"[\"\xc0\x80\"]", "not valid UTF-8"},
		{"[\"\xed\xa0\x80\"]", "not valid UTF-8"},
		{"[\"\\ud83d\"]", "line 1"},
		{"[\"\\ude00\"]", "line 1"},
		{"[\"a\nb\"]", "line"},
		{"[01]", "line 1"},
		{"[1,]", "line 1"},
		{"{\"a\":1,}", "line 1"},
		{"{a:1}", "line 1"},
		{"['a']", "line 1"},
		{"[NaN]", "line 1"},
		{"[.5]", "line 1"},
		{"[+1]", "line 1"},
		{"[1.]", "line 1"},
		{"/**/[]", "line 1"},
		{"[tRue]", "line 1"},
		{"]", "line 1"},
		{"ação", "line 1"},
	};

	for (size_t i = 0; i < COUNT_OF(c); i++) {
		struct err e = {""};

		if (read_text(c[i].json, &e) != NULL)
			fail_msg("taken: %s", c[i].json);
		if (!strstr(e.text, c[i].want))
			fail_msg("%s: \"%s\"", c[i].json, e.text);
		assert_true(utf8_valid(str_of(e.text), NULL));
		assert_null(strstr(e.text, "near"));
	}
}

TEST(depth_is_limited)
{
	for (unsigned depth = JSON_DEPTH - 1; depth <= JSON_DEPTH + 1; depth++) {
		struct buf b = BUF_INIT;
		struct err e = {""};
		struct json_doc *d;

		for (unsigned i = 0; i < depth; i++)
			buf_puts(&b, i % 2 ? "[" : "{\"[[[[\\\"[[\":");
		buf_puts(&b, depth % 2 ? "1" : "");
		for (unsigned i = depth; i > 0; i--)
			buf_puts(&b, i % 2 ? "}" : "]");
		d = json_read(b.p, b.n, &e);
		if (depth > JSON_DEPTH) {
			assert_null(d);
			assert_non_null(strstr(e.text, "nested too deeply"));
		} else if (!d) {
			fail_msg("depth %u: %s", depth, e.text);
		}
		json_free(d);
		buf_done(&b);
	}
	{ /* a million brackets cost no stack */
		char *z = malloc(1000000);
		struct err e;

		assert_non_null(z);
		memset(z, '[', 1000000);
		assert_null(json_read(z, 1000000, &e));
		free(z);
	}
}

TEST(a_byte_order_mark_is_ignored)
{
	struct err e;
	struct json_doc *d = read_text("\xef\xbb\xbf{\"a\":1}", &e);

	assert_non_null(d);
	json_free(d);
	assert_null(read_text("\xef\xbb\xbf", &e));
}

TEST(whatever_is_taken_is_clean_text)
{
	static const char *const seeds[] = {
		"{\"messageText\":\"Ol\xc3\xa1 \\u00e7\",\"destination\":5511999990001,\"x\":[1,2.5,null]}",
		"[\"\\ud83d\\ude00\",{\"a\":{\"b\":[]}}]"};
	struct prng r;
	unsigned taken = 0;

	prng_seed(&r, 11);
	for (int round = 0; round < 20000; round++) {
		const char *z = seeds[round % COUNT_OF(seeds)];
		size_t n = strlen(z);
		char *p = malloc(n);
		struct err e = {""};
		struct json_doc *d;

		assert_non_null(p);
		memcpy(p, z, n);
		for (uint64_t k = prng_below(&r, 3); k > 0; k--)
			p[prng_below(&r, n)] =
				(char)(prng_below(&r, 2) ? prng_u64(&r) : (uint64_t) "{}[]\",:\\0u"[prng_below(&r, 10)]);
		d = json_read(p, n - prng_below(&r, 2), &e);
		if (d) {
			taken++;
			for (struct json_iter it = json_iter(json_root(d)); json_next(&it);) {
				assert_true(utf8_valid(it.key, NULL));
				assert_true(utf8_valid(json_str(it.value), NULL));
			}
			for (size_t i = 0; i < json_count(json_root(d)); i++)
				assert_true(utf8_valid(json_str(json_at(json_root(d), i)), NULL));
		} else {
			assert_true(*e.text != '\0');
			assert_true(utf8_valid(str_of(e.text), NULL));
		}
		json_free(d);
		free(p);
	}
	assert_true(taken > 1000);
}

TEST(kinds_have_names)
{
	for (int k = JSON_KIND_NULL; k <= JSON_KIND_OBJECT; k++)
		assert_true(*json_kind_name((enum json_kind)k) != '\0');
	assert_string_equal(json_kind_name(JSON_KIND_ARRAY), "an array");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_document_is_walked),
		RUN(what_is_not_there_is_null),
		RUN(members_are_iterated_once_each),
		RUN(numbers_keep_their_digits),
		RUN(faults_are_named_with_their_place),
		RUN(depth_is_limited),
		RUN(a_byte_order_mark_is_ignored),
		RUN(whatever_is_taken_is_clean_text),
		RUN(kinds_have_names),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
