/* settings_test.c - settings by text, YAML and JSON: all, or a fault that names the place. */
#include "esme.h"
#include "wire/json.h"

static int load(const char *yaml, struct sandbox_settings *s, struct err *e)
{
	char path[] = "/tmp/sandbox-settings-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	sandbox_settings_default(s);
	r = sandbox_settings_load(s, path, e);
	unlink(path);
	return r;
}

static int put(struct sandbox_settings *s, const char *json, struct err *e)
{
	struct json_doc *d = json_read(json, strlen(json), e);
	int r;

	assert_non_null(d);
	r = sandbox_settings_json(s, json_root(d), e);
	json_free(d);
	return r;
}

static void a_file_sets_what_it_names(void **state)
{
	struct sandbox_settings s;
	struct err e;

	(void)state;
	assert_int_equal(
		load("smpp: 127.0.0.1:0\ndelay: 2s\nthrottle: 12.5\nids: decimal\npassword: \"0123\"\n", &s, &e), 0);
	assert_string_equal(s.smpp, "127.0.0.1:0");
	assert_int_equal(s.delay, 2000);
	assert_true(s.throttle > 12.49 && s.throttle < 12.51);
	assert_int_equal(s.ids, SANDBOX_IDS_DECIMAL);
	assert_string_equal(s.password, "0123");
	assert_int_equal(s.window, 100);
	assert_int_equal(load("", &s, &e), 0);
	assert_int_equal(load("http: ~\n", &s, &e), 0);
	assert_string_equal(s.http, "");
}

static void faults_tell_line_and_name(void **state)
{
	static const struct {
		const char *yaml, *says;
	} row[] = {
		{"delay: 1s\nspeed: 3\n", ":2: speed: unknown setting"},
		{"delay: soon\n", ":1: delay: must be a time"},
		{"throttle: 101\n", ":1: throttle: must be a percentage"},
		{"throttle: nan\n", ":1: throttle: must be a percentage"},
		{"window: 0\n", ":1: window: must be a number from 1 to 1000"},
		{"ids: octal\n", ":1: ids: must be one of hex|decimal"},
		{"smpp: [a, b]\n", ":1: a name and one value expected"},
		{"- delay\n", ":1: names and values expected"},
		{"delay: \"unclosed\n", ":"},
	};
	struct sandbox_settings s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		assert_true(load(row[i].yaml, &s, &e) < 0);
		if (!strstr(e.text, row[i].says))
			fail_msg("%s: %s", row[i].yaml, e.text);
	}
	assert_int_equal(sandbox_settings_load(&s, "/nonexistent/file", &e), -ENOENT);
}

static void json_takes_all_or_nothing(void **state)
{
	struct sandbox_settings s;
	struct err e;

	(void)state;
	sandbox_settings_default(&s);
	assert_int_equal(put(&s, "{\"delay\":10,\"late\":2.5,\"ids\":\"decimal\",\"keep\":\"2m\"}", &e), 0);
	assert_int_equal(s.delay, 10);
	assert_int_equal(s.keep, 120000);
	assert_true(s.late > 2.4 && s.late < 2.6);
	assert_int_equal(put(&s, "{\"delay\":20,\"window\":-1}", &e), -EINVAL);
	assert_int_equal(s.delay, 10);
	assert_int_equal(put(&s, "{\"smpp\":\"0.0.0.0:1\"}", &e), -EINVAL);
	assert_non_null(strstr(e.text, "cannot be changed"));
	assert_int_equal(put(&s, "{\"delay\":null}", &e), -EINVAL);
	assert_int_equal(put(&s, "{\"nothing\":1}", &e), -EINVAL);
	assert_int_equal(put(&s, "[1]", &e), -EINVAL);
}

static void what_is_printed_can_be_put_back(void **state)
{
	struct sandbox_settings s, t;
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	sandbox_settings_default(&s);
	assert_int_equal(put(&s, "{\"delay\":10,\"drop\":0.25,\"ids\":\"decimal\"}", &e), 0);
	sandbox_settings_print(&s, &b);
	sandbox_settings_default(&t);
	assert_int_equal(put(&t, buf_cstr(&b), &e), 0);
	assert_memory_equal(&s, &t, sizeof(s));
	buf_clear(&b);
	sandbox_settings_help(&b);
	assert_non_null(strstr(buf_cstr(&b), "late_delay"));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_sets_what_it_names),
		cmocka_unit_test(faults_tell_line_and_name),
		cmocka_unit_test(json_takes_all_or_nothing),
		cmocka_unit_test(what_is_printed_can_be_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
