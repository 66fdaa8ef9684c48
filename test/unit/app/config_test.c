/* config_test.c - what a configuration becomes: defaults, every kind of value, variables of the environment, aliases; what a reload
 * cannot change; the documentation of it all. */
#include "config_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void the_least_file_gets_the_documented_defaults(void **state)
{
	struct settings *s = good("data: /d\nsms: {connections: [" CONNECTION "]}\n");
	const struct connection_setting *c = &s->sms.connections[0];

	(void)state;
	assert_string_equal(s->file, "f");
	assert_string_equal(s->data, "/d");
	assert_string_equal(s->store, "sqlite");
	assert_int_equal(s->http_count, 1);
	assert_string_equal(s->http[0].listen, "127.0.0.1:8080");
	assert_null(s->http[0].certificate);
	assert_true(s->http_threads >= 1);
	assert_int_equal(s->memory, 128 << 20);
	assert_int_equal(s->limits.requests_per_second, 700);
	assert_int_equal(s->limits.status_queries_per_second, 1);
	assert_int_equal(s->limits.body, 32 << 20);
	assert_false(s->answer_object);
	assert_string_equal(c->name, "main");
	assert_string_equal(c->source, "");
	assert_int_equal(c->binds, 2);
	assert_int_equal(c->mode, BIND_TRANSCEIVER);
	assert_int_equal(c->window, 100);
	assert_int_equal(c->rate, 0);
	assert_true(c->tls_verify);
	assert_int_equal(c->profile.alphabets, ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2);
	assert_int_equal(c->profile.accents, ACCENTS_KEEP);
	assert_int_equal(c->profile.join, JOIN_UDH8);
	assert_int_equal(c->profile.ids, IDS_EITHER);
	assert_int_equal(c->profile.source_ton, -1);
	assert_int_equal(c->profile.source_npi, -1);
	assert_int_equal(c->profile.dest_ton, 1);
	assert_int_equal(c->profile.dest_npi, 1);
	assert_int_equal(c->profile.flash, FLASH_CLASS);
	assert_int_equal(c->profile.validity, VALIDITY_RELATIVE);
	assert_string_equal(c->profile.service_type, "");
	assert_int_equal(c->timers.bind_ms, 10000);
	assert_int_equal(c->timers.response_ms, 30000);
	assert_int_equal(c->timers.enquire_link_ms, 30000);
	assert_int_equal(c->timers.throttle_ms, 1000);
	assert_int_equal(s->sms.doubt_wait_ms, 300000);
	assert_false(s->sms.doubt_resend);
	assert_int_equal(s->sms.receipt_wait_ms, 48 * 3600000);
	assert_int_equal(s->sms.validity_ms, 24 * 3600000);
	assert_int_equal(s->sms.route_count, 1);
	assert_string_equal(s->sms.routes[0].prefix, "");
	assert_string_equal(s->sms.routes[0].connections[0].name, "main");
	assert_int_equal(s->sms.routes[0].connections[0].weight, 1);
	assert_int_equal(s->webhooks.timeout_ms, 10000);
	assert_int_equal(s->webhooks.retry_first_ms, 5000);
	assert_int_equal(s->webhooks.retry_max_ms, 6 * 3600000);
	assert_int_equal(s->webhooks.give_up_ms, 3 * 86400000);
	assert_int_equal(s->webhooks.give_up_client_ms, 86400000);
	assert_int_equal(s->retention.status_ms, 3 * 86400000LL);
	assert_int_equal(s->retention.message_ms, 90 * 86400000LL);
	assert_string_equal(s->log.level, "info");
	assert_string_equal(s->log.format, "text");
	settings_free(s);
}

static void every_kind_of_value_is_taken(void **state)
{
	struct settings *s;

	(void)state;
	s = good(
		"data: ./var\n"
		"http: [{listen: \"[::1]:0\"}, {listen: host-1.example:65535}]\n"
		"http_threads: 7\n"
		"memory: 64 MiB\n"
		"public_url: https://m.example.com\n"
		"trusted_proxies: [10.0.0.0/8, 'fd00::/8']\n"
		"limits: {body: 64KiB, inflight: 1048576, idle: 90s, requests_per_second: 0100}\n"
		"send_sms_answer: object\n"
		"operators:\n"
		"  - {id: 5, name: TIM, delivery_reports: false, prefixes: [551198, \"0551\"], receipt_wait: "
		"3d}\n"
		"  - {id: 6, name: \"123\"}\n"
		"sms:\n"
		"  connections:\n"
		"    - &a {name: a, smpp: [smpps://h:1, \"smpp://[::1]:2\"], system_id: 0123, password: ~x, "
		"operator: 5,\n"
		"          mode: transmitter+receiver, tls_verify: false,\n"
		"          profile: &p {alphabets: [ascii, latin1], accents: fold, join: sar, ids: hex, "
		"source_ton: 5, dest_ton: auto,\n"
		"                    flash: f0, validity: none, service_type: WAP, system_type: x},\n"
		"          statuses: [{status: 0x400, means: temporary}, {status: 1025, means: throttled}]}\n"
		"    - {name: b, smpp: ['smpp://h:3'], system_id: u, password: '', source: Loja, profile: "
		"*p}\n"
		"  in_doubt: {wait: 0, then: resend}\n"
		"  no_receipt: fail\n"
		"  retry: {delay: 250ms, max_delay: 1h, tries: 3}\n"
		"  routes: [{prefix: \"55\", connections: [a, {name: b, weight: 0}]}, {connections: [{name: "
		"a}]}]\n"
		"  short_codes: [27182, \"028149\"]\n"
		"credit: {prices: [{prefix: \"55\", units: 2}, {prefix: \"\", units: 0}]}\n"
		"log: {level: debug, format: json}\n");
	assert_int_equal(s->credit.price_count, 2);
	assert_string_equal(s->credit.prices[0].prefix, "55");
	assert_int_equal(s->credit.prices[0].units, 2);
	assert_string_equal(s->credit.prices[1].prefix, "");
	assert_int_equal(s->credit.prices[1].units, 0);
	assert_string_equal(s->http[0].listen, "[::1]:0");
	assert_int_equal(s->http_threads, 7);
	assert_int_equal(s->memory, 64 << 20);
	assert_string_equal(s->trusted_proxies[1], "fd00::/8");
	assert_int_equal(s->limits.requests_per_second, 100); /* not octal */
	assert_int_equal(s->limits.body, 65536);
	assert_int_equal(s->limits.idle_ms, 90000);
	assert_true(s->answer_object);
	assert_int_equal(s->operators[0].id, 5);
	assert_false(s->operators[0].delivery_reports);
	assert_string_equal(s->operators[0].prefixes[0], "551198");
	assert_string_equal(s->operators[0].prefixes[1], "0551");
	assert_int_equal(s->operators[0].receipt_wait_ms, 3 * 86400000);
	assert_int_equal(s->operators[1].receipt_wait_ms, 0);
	assert_true(s->operators[1].delivery_reports);
	assert_string_equal(s->operators[1].name, "123");
	assert_int_equal(s->sms.connection_count, 2);
	const struct connection_setting *c = &s->sms.connections[0];
	assert_string_equal(c->smpp[1], "smpp://[::1]:2");
	assert_string_equal(c->system_id, "0123");
	assert_string_equal(c->password, "~x");
	assert_string_equal(c->source, "27182"); /* the first short code */
	assert_int_equal(c->mode, BIND_TRANSMITTER_RECEIVER);
	assert_false(c->tls_verify);
	assert_int_equal(c->operator_id, 5);
	assert_int_equal(c->statuses[0].status, 0x400);
	assert_string_equal(c->statuses[0].means, "temporary");
	assert_int_equal(c->statuses[1].status, 1025);
	c = &s->sms.connections[1];
	assert_string_equal(c->source, "Loja");
	assert_string_equal(c->password, "");
	assert_int_equal(c->profile.alphabets, ALPHABET_ASCII | ALPHABET_LATIN1); /* by the alias */
	assert_int_equal(c->profile.accents, ACCENTS_FOLD);
	assert_int_equal(c->profile.join, JOIN_SAR);
	assert_int_equal(c->profile.ids, IDS_HEX);
	assert_int_equal(c->profile.source_ton, 5);
	assert_int_equal(c->profile.dest_ton, -1);
	assert_int_equal(c->profile.flash, FLASH_F0);
	assert_int_equal(c->profile.validity, VALIDITY_NONE);
	assert_string_equal(c->profile.service_type, "WAP");
	assert_int_equal(s->sms.doubt_wait_ms, 0);
	assert_true(s->sms.doubt_resend);
	assert_true(s->sms.no_receipt_fails);
	assert_int_equal(s->sms.retry_delay_ms, 250);
	assert_int_equal(s->sms.retry_tries, 3);
	assert_int_equal(s->sms.route_count, 2);
	assert_int_equal(s->sms.routes[0].connections[0].weight, 1);
	assert_int_equal(s->sms.routes[0].connections[1].weight, 0);
	assert_string_equal(s->sms.routes[1].prefix, "");
	assert_string_equal(s->sms.short_codes[1], "028149");
	assert_string_equal(s->log.level, "debug");
	settings_free(s);
}

static void variables_of_the_environment(void **state)
{
	struct settings *s;

	(void)state;
	setenv("POMBO_T_DIR", "/srv", 1);
	setenv("POMBO_T_NUMBER", "12", 1);
	setenv("POMBO_T_BAD", "a\nb", 1);
	setenv("POMBO_T_LATIN", "\xe9", 1);
	setenv("POMBO_T_EMPTY", "", 1);
	unsetenv("POMBO_T_UNSET");
	s = good("data: ${POMBO_T_DIR}/a${POMBO_T_NUMBER}\nlimits:\n  requests_per_second: "
		 "${POMBO_T_NUMBER}\n  idle: ${POMBO_T_NUMBER}s\n"
		 "public_url: 'https://x/$${A}/$B/${POMBO_T_EMPTY}'\nwebhooks: {allow: "
		 "[\"10.0.0.0/${POMBO_T_NUMBER}\"]}\n");
	assert_string_equal(s->data, "/srv/a12");
	assert_int_equal(s->limits.requests_per_second, 12);
	assert_int_equal(s->limits.idle_ms, 12000);
	assert_string_equal(s->public_url, "https://x/${A}/$B/");
	assert_string_equal(s->webhooks.allow[0], "10.0.0.0/12");
	settings_free(s);
	expect("data: ${POMBO_T_UNSET}", "1: data: the environment variable POMBO_T_UNSET is not set");
	expect("data: ${POMBO_T_DIR",
	       "1: data: ${ must be followed by a variable's name and }; $${ stands for ${ itself");
	expect("data: ${}",
	       "1: data: ${ must be followed by a variable's name and }; $${ stands for ${ itself");
	expect("data: ${a-b}",
	       "1: data: ${ must be followed by a variable's name and }; $${ stands for ${ itself");
	expect("data: ${POMBO_T_BAD}", "1: data: holds control characters or is not UTF-8");
	expect("data: ${POMBO_T_LATIN}", "1: data: holds control characters or is not UTF-8");
	expect("data: ${POMBO_T_EMPTY}", "1: data: must be the name of a file");
	/* In a flow mapping it has to be quoted. */
	s = good("data: /d\nlimits: {requests_per_second: \"${POMBO_T_NUMBER}\"}");
	assert_int_equal(s->limits.requests_per_second, 12);
	settings_free(s);
	expect("data: /d\nlimits: {requests_per_second: \"$${x}\"}",
	       "2: limits.requests_per_second: is text, because it is quoted; a number is wanted");
}

static void aliases_cannot_blow_it_up(void **state)
{
	struct buf text = BUF_INIT;
	char *got;

	(void)state;
	/* A list that holds itself; a mapping that holds itself. */
	expect("data: /d\nsms: {routes: &a [*a]}", "2: sms.routes[0]: must be a mapping, not a list");
	expect("data: /d\nsms: &s {routes: [{connections: [*s]}]}",
	       "2: sms.routes[0].connections[0].routes: unknown key\n2: sms.routes[0].connections[0].name: "
	       "is missing");
	/* 900 routes of 900 connections each, in a few kilobytes. */
	buf_puts(&text, "data: /d\nsms:\n  connections: [" CONNECTION
			"]\n  routes:\n    - &r {prefix: \"1\", connections: &c [");
	for (int i = 0; i < 900; i++)
		buf_puts(&text, "main,");
	buf_puts(&text, "]}\n");
	for (int i = 0; i < 900; i++)
		buf_puts(&text, "    - {connections: *c}\n");
	got = faults_of(buf_cstr(&text), text.n);
	assert_non_null(strstr(got, "the file holds too much"));
	free(got);
	/* Deep nesting where nothing nests. */
	buf_clear(&text);
	buf_puts(&text, "data: ");
	for (int i = 0; i < 900; i++)
		buf_puts(&text, "[");
	for (int i = 0; i < 900; i++)
		buf_puts(&text, "]");
	got = faults_of(buf_cstr(&text), text.n);
	assert_string_equal(got, "1: data: must be a single value, not a list");
	free(got);
	buf_done(&text);
}

/* -- documentation and reload ---------------------------------------------------------------------------------------- */
static void the_example_passes(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;

	(void)state;
	if (config_read(SOURCE_ROOT "/docs/pombo.example.yaml", &s, &f) < 0)
		fail_msg("%s", f.list[0].text);
	assert_string_equal(s->data, SOURCE_ROOT "/docs/var");
	assert_int_equal(s->sms.connection_count, 2);
	assert_int_equal(s->sms.route_count, 2);
	settings_free(s);
}

/* With UPDATE_DOCS in the environment the file is written anew instead. */
static void the_reference_is_up_to_date(void **state)
{
	static const char file[] = SOURCE_ROOT "/docs/configuration.md";
	struct buf want = BUF_INIT;
	char *got;
	FILE *f;

	(void)state;
	config_reference(&want);
	if (getenv("UPDATE_DOCS")) {
		f = fopen(file, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(want.p, 1, want.n, f), want.n);
		fclose(f);
	}
	f = fopen(file, "r");
	assert_non_null(f);
	got = xcalloc(1, want.n + 2);
	assert_int_equal(fread(got, 1, want.n + 1, f), want.n);
	fclose(f);
	assert_string_equal(got, buf_cstr(&want));
	free(got);
	buf_done(&want);
}

static void a_reload_names_what_needs_a_restart(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"data: /d\nstore: sqlite\nhttp: [{listen: 'h:1'}]\nhttp_threads: 2\n", ""},
		{"data: /e\nhttp: [{listen: 'h:1'}]\nhttp_threads: 2\n", "data"},
		{"data: /d\nhttp: [{listen: 'h:2'}]\nhttp_threads: 2\n", "http"},
		{"data: /d\nhttp: [{listen: 'h:1'}, {listen: 'h:2'}]\nhttp_threads: 3\n",
		 "http, http_threads"},
		{"data: /d\nhttp: [{listen: 'h:1'}]\nhttp_threads: 2\nlimits: {requests_per_second: "
		 "1}\nmemory: 1MiB\n",
		 "memory"},
		{"data: /d\nhttp: [{listen: 'h:1'}]\nhttp_threads: 2\nsms: {connections: [" CONNECTION "]}\n", ""},
	};
	struct settings *old = good(table[0].text);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct settings *s = good(table[i].text);
		struct buf note = BUF_INIT;

		config_reload_diff(old, s, &note);
		assert_string_equal(buf_cstr(&note), table[i].want);
		buf_done(&note);
		settings_free(s);
	}
	settings_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_file_gets_the_documented_defaults),
		cmocka_unit_test(every_kind_of_value_is_taken),
		cmocka_unit_test(variables_of_the_environment),
		cmocka_unit_test(aliases_cannot_blow_it_up),
		cmocka_unit_test(the_example_passes),
		cmocka_unit_test(the_reference_is_up_to_date),
		cmocka_unit_test(a_reload_names_what_needs_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
