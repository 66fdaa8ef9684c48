/* Settings taken apart: addresses, limits, faults in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "channel/sms/config.h"

static struct settings settings;
static struct connection_setting conn;

static char *words(const char *z) { return (char *)(uintptr_t)z; }

static int make(const char *url, struct sms_config **ret, struct err *e)
{
	static char *urls[1];

	urls[0] = words(url);
	conn = (struct connection_setting){.name = words("c"),
					   .number = 7,
					   .smpp = urls,
					   .smpp_count = 1,
					   .system_id = words("id"),
					   .password = words("pw"),
					   .window = 5,
					   .binds = 2,
					   .tls_verify = true};
	return sms_config_new(ret, &settings, &conn, e);
}

static void addresses(void **state)
{
	static const struct {
		const char *url, *name;
		int port;
		bool tls, numeric;
	} good[] = {
		{"smpp://127.0.0.1:2775", "127.0.0.1", 2775, false, true},
		{"smpp://smsc.example.com", "smsc.example.com", 2775, false, false},
		{"SMPPS://smsc.example.com/", "smsc.example.com", 3550, true, false},
		{"smpps://[::1]:99", "::1", 99, true, true},
		{"smpp://[2001:db8::1]", "2001:db8::1", 2775, false, true},
	};
	static const char *const bad[] = {"",
					  "smpp://",
					  "smpp://:2775",
					  "http://x",
					  "smpp://x:0",
					  "smpp://x:65536",
					  "smpp://x:",
					  "smpp://x:1a",
					  "smpp://[::1",
					  "smpp://[::1]x",
					  "127.0.0.1:2775",
					  "smpp:///"};
	struct sms_config *c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(make(good[i].url, &c, &e), 0);
		assert_string_equal(c->hosts[0].name, good[i].name);
		assert_int_equal(c->hosts[0].port, good[i].port);
		assert_int_equal(c->hosts[0].tls, good[i].tls);
		assert_int_equal(c->hosts[0].numeric, good[i].numeric);
		assert_int_equal(c->tls != NULL, good[i].tls);
		sms_config_free(c);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		e.text[0] = '\0';
		assert_true(make(bad[i], &c, &e) < 0);
		assert_non_null(strstr(e.text, "connection c"));
	}
}

static void missing_values_get_defaults_and_absurd_ones_bounds(void **state)
{
	struct sms_config *c;
	struct err e;

	(void)state;
	assert_int_equal(make("smpp://h", &c, &e), 0);
	assert_int_equal(c->timers.bind_ms, 10000);
	assert_int_equal(c->timers.response_ms, 30000);
	assert_int_equal(c->timers.enquire_link_ms, 30000);
	assert_int_equal(c->timers.throttle_ms, 1000);
	assert_int_equal(c->timers.reconnect_ms, 1000);
	assert_int_equal(c->timers.reconnect_max_ms, 60000);
	assert_string_equal(c->source, "");
	sms_config_free(c);
	conn.binds = conn.window = conn.rate = -5;
	assert_int_equal(sms_config_new(&c, &settings, &conn, &e), 0);
	assert_int_equal(c->binds, 1);
	assert_int_equal(c->window, 1);
	assert_int_equal(c->rate, 0);
	sms_config_free(c);
	conn.binds = conn.window = conn.rate = INT64_MAX;
	assert_int_equal(sms_config_new(&c, &settings, &conn, &e), 0);
	assert_in_range(c->binds, 1, 1000);
	assert_in_range(c->window, 1, 1000000);
	sms_config_free(c);
}

static void faults_are_said(void **state)
{
	char *long_name = words("12345678901234567890123456789012345678901234567890123456789012345");
	struct smpp_status_rule rule = {.status = 0x400, .means = words("perhaps")};
	struct sms_config *c;
	struct err e;

	(void)state;
	assert_int_equal(make("smpp://h", &c, &e), 0);
	sms_config_free(c);
	conn.system_id = long_name;
	assert_true(sms_config_new(&c, &settings, &conn, &e) < 0);
	conn.system_id = words("id");
	conn.statuses = &rule;
	conn.status_count = 1;
	assert_true(sms_config_new(&c, &settings, &conn, &e) < 0);
	assert_non_null(strstr(e.text, "1024"));
	rule.means = words("temporary");
	assert_int_equal(sms_config_new(&c, &settings, &conn, &e), 0);
	sms_config_free(c);
	conn.smpp_count = 0;
	assert_true(sms_config_new(&c, &settings, &conn, &e) < 0);
	assert_true(make("smpps://h", &c, &e) == 0);
	sms_config_free(c);
	conn.tls_ca = words("/nonexistent/ca.pem");
	assert_true(sms_config_new(&c, &settings, &conn, &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/ca.pem"));
}

static void what_needs_new_binds(void **state)
{
	struct sms_config *a, *b;
	struct err e;

	(void)state;
	assert_int_equal(make("smpp://h", &a, &e), 0);
	conn.window = 50;
	conn.rate = 3;
	conn.timers.bind_ms = 5;
	assert_int_equal(sms_config_new(&b, &settings, &conn, &e), 0);
	assert_true(sms_config_same_links(a, b));
	sms_config_free(b);
	conn.password = words("other");
	assert_int_equal(sms_config_new(&b, &settings, &conn, &e), 0);
	assert_false(sms_config_same_links(a, b));
	sms_config_free(b);
	assert_int_equal(make("smpp://h2", &b, &e), 0);
	assert_false(sms_config_same_links(a, b));
	sms_config_free(b);
	sms_config_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(missing_values_get_defaults_and_absurd_ones_bounds),
		cmocka_unit_test(faults_are_said),
		cmocka_unit_test(what_needs_new_binds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
