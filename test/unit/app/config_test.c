/* The configuration: what a file becomes, and what is said about every kind of fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/config.h"

/* The faults of a text, one a line, without the file's name. */
static char *faults_of(const char *text, size_t n)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	struct buf all = BUF_INIT;
	int r = config_parse("f", (struct str){text, n}, &s, &f);
	char *words;

	assert_int_equal(r, f.count ? -EINVAL : 0);
	assert_int_equal(s == NULL, f.count > 0);
	for (size_t i = 0; i < f.count; i++) {
		assert_memory_equal(f.list[i].text, "f:", 2);
		buf_fmt(&all, "%s%s", i ? "\n" : "", f.list[i].text + 2);
	}
	words = xstrdup(buf_cstr(&all));
	buf_done(&all);
	config_faults_done(&f);
	settings_free(s);
	return words;
}

static void expect(const char *text, const char *want)
{
	char *got = faults_of(text, strlen(text));

	if (strcmp(got, want) != 0)
		fail_msg("for:\n%s\ngot:\n%s\nwant:\n%s", text, got, want);
	free(got);
}

static struct settings *good(const char *text)
{
	struct config_faults f = {0};
	struct settings *s = NULL;

	if (config_parse("f", str_of(text), &s, &f) < 0)
		fail_msg("%s", f.list[0].text);
	assert_int_equal(f.count, 0);
	return s;
}

#define CONNECTION "{name: main, smpp: [\"smpp://127.0.0.1:2775\"], system_id: u, password: p}"

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

static void single_faults(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"", " is empty; at least data is required"},
		{"# nothing\n", " is empty; at least data is required"},
		{"just words", "1: must be a mapping, not a single value"},
		{"- data", "1: must be a mapping, not a list"},
		{"store: sqlite", "1: data: is missing"},
		{"data:", "1: data: has no value"},
		{"data: ~", "1: data: has no value"},
		{"data: [a]", "1: data: must be a single value, not a list"},
		{"data: /d\ndata: /e", "2: data: is given twice"},
		{"data: /d\ndatas: 1", "2: datas: unknown key; did you mean data?"},
		{"data: /d\nlimit: {}", "2: limit: unknown key; did you mean limits?"},
		{"data: /d\nlimits: {bodies: 1}", "2: limits.bodies: unknown key"},
		{"data: /d\nlimits: {bdoy: 1}", "2: limits.bdoy: unknown key; did you mean body?"},
		{"data: /d\nquite_else: 1", "2: quite_else: unknown key"},
		{"data: /d\n<<: {store: sqlite}",
		 "2: <<: merge keys are not taken; an alias may stand for a whole value"},
		{"data: /d\n[a]: b", "2: a key must be a word"},
		{"data: /d\nemail: {smtp: []}", "2: email: not supported yet"},
		{"data: /d\nvoice: {}", "2: voice: not supported yet"},
		{"data: /d\nfallback:\n  timeouts: {MT: 10m}", "2: fallback: not supported yet"},
		{"data: /d\nstore: postgresql://x",
		 "2: store: PostgreSQL is not supported yet; write sqlite"},
		{"data: /d\nstore: mysql", "2: store: must be sqlite"},
		{"data: /d\nhttp: []", "2: http: must not be empty"},
		{"data: /d\nhttp: {listen: a}", "2: http: must be a list, not a mapping"},
		{"data: /d\nhttp: [a]", "2: http[0]: must be a mapping, not a single value"},
		{"data: /d\nhttp: [{}]", "2: http[0].listen: is missing"},
		{"data: /d\nhttp: [{listen: localhost}]", "2: http[0].listen: has no port; write host:port"},
		{"data: /d\nhttp: [{listen: ':80'}]", "2: http[0].listen: has no host; write host:port"},
		{"data: /d\nhttp: [{listen: 'h:65536'}]",
		 "2: http[0].listen: the port must be a number from 0 to 65535"},
		{"data: /d\nhttp: [{listen: 'h:http'}]",
		 "2: http[0].listen: the port must be a number from 0 to 65535"},
		{"data: /d\nhttp: [{listen: '::1:80'}]",
		 "2: http[0].listen: an IPv6 address must be in brackets: [::1]:8080"},
		{"data: /d\nhttp: [{listen: '[1.2.3.4]:80'}]",
		 "2: http[0].listen: what is in brackets must be an IPv6 address"},
		{"data: /d\nhttp: [{listen: 'a b:80'}]",
		 "2: http[0].listen: the host has a character that no host has"},
		{"data: /d\nhttp: [{listen: 'h:1'},\n {listen: 'h:1'}]",
		 "3: http[1].listen: \"h:1\" is taken by http[0].listen in line 2"},
		{"data: /d\nhttp: [{listen: 'h:1', certificate: /nowhere/c}]",
		 "2: http[0].certificate: /nowhere/c cannot be read: No such file or directory"},
		{"data: /d\nhttp: [{listen: 'h:1', key: /dev/null}]",
		 "2: http[0].key: /dev/null cannot be read: it is not an ordinary file"},
		{"data: /d\nmemory: 1", "2: memory: must be from 1MiB to 1024GiB"},
		{"data: /d\nmemory: much", "2: memory: must be a size (32MiB, 64KiB, or octets)"},
		{"data: /d\nmemory: 9999999999GiB", "2: memory: must be from 1MiB to 1024GiB"},
		{"data: /d\nlimits: {body: 8KiB, inflight: 4KiB}",
		 "2: limits.inflight: must not be less than limits.body"},
		{"data: /d\nlimits: {requests_per_second: \"5\"}",
		 "2: limits.requests_per_second: is text, because it is quoted; a number is wanted"},
		{"data: /d\nlimits: {requests_per_second: -1}",
		 "2: limits.requests_per_second: must be from 0 to 1000000"},
		{"data: /d\nlimits: {requests_per_second: 1.5}",
		 "2: limits.requests_per_second: must be a whole number"},
		{"data: /d\nlimits: {requests_per_second: 0x10}",
		 "2: limits.requests_per_second: must be a whole number"},
		{"data: /d\nlimits: {requests_per_second: 99999999999999999999}",
		 "2: limits.requests_per_second: must be from 0 to 1000000"},
		{"data: /d\nlimits: {idle: 10}",
		 "2: limits.idle: must be a duration with its unit (500ms, 10s, 5m, 48h, 3d)"},
		{"data: /d\nlimits: {idle: 10ms}", "2: limits.idle: must be from 1s to 1h"},
		{"data: /d\nlimits: {idle: 10 s}",
		 "2: limits.idle: must be a duration with its unit (500ms, 10s, 5m, 48h, 3d)"},
		{"data: /d\nhttp_threads: many", "2: http_threads: must be a whole number or auto"},
		{"data: /d\nsend_sms_answer: list", "2: send_sms_answer: must be array or object"},
		{"data: /d\nlog: {level: loud}", "2: log.level: must be error, warn, info or debug"},
		{"data: /d\nlog: warn", "2: log: must be a mapping, not a single value"},
		{"data: /d\npublic_url: ftp://x", "2: public_url: must begin with https:// or http://"},
		{"data: /d\npublic_url: 'https://x/?a'",
		 "2: public_url: must hold neither blanks nor ? nor #"},
		{"data: /d\ntrusted_proxies: [10.0.0.1/8]",
		 "2: trusted_proxies[0]: is not a network such as 10.0.0.0/8 or fd00::/8 (all bits behind "
		 "the prefix 0)"},
		{"data: /d\nwebhooks:\n  allow:\n    - 10.0.0.0/8\n    - local",
		 "5: webhooks.allow[1]: is not a network such as 10.0.0.0/8 or fd00::/8 (all bits behind the "
		 "prefix 0)"},
		{"data: /d\nwebhooks: {retry_first: 1h, retry_max: 1m}",
		 "2: webhooks.retry_first: must not be more than retry_max"},
		{"data: /d\nwebhooks: {per_endpoint: 9, total: 8}",
		 "2: webhooks.per_endpoint: must not be more than total"},
		{"data: !!str /d", ""},
		{"data: !secret /d", "1: data: tags are not taken"},
		{"data: /d\nlog: !x {}", "2: log: tags are not taken"},
		{"data: \"a\\0b\"", "1: data: holds control characters or is not UTF-8"},
		{"data: \"a\\nb\"", "1: data: holds control characters or is not UTF-8"},
		{"data: /d\n---\ndata: /e", "2: holds more than one document"},
		{"data: [", "2: not YAML: while parsing a flow node, did not find expected node content"},
		{"data: /d\n\tx: 1", "2: not YAML: while scanning a plain scalar, found a tab character that "
				     "violates indentation"},
		{"data: *nothing", "1: not YAML: found undefined alias"},
		{"data: /d\nx: \xff", "2: not YAML: invalid leading UTF-8 octet"},
		{"data: /d\nx: \x01", "2: not YAML: control characters are not allowed"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		expect(table[i].text, table[i].want);
}

static void faults_of_connections_and_routes(void **state)
{
#define SMS "data: /d\noperators: [{id: 1, name: V}]\nsms:\n  connections:\n"
	static const struct {
		const char *text, *want;
	} table[] = {
		{SMS "   - {}",
		 "5: sms.connections[0].name: is missing\n5: sms.connections[0].smpp: is missing\n"
		 "5: sms.connections[0].system_id: is missing\n5: sms.connections[0].password: is missing, "
		 "and password_file as well"},
		{SMS "   - " CONNECTION "\n   - " CONNECTION,
		 "6: sms.connections[1].name: \"main\" is taken by sms.connections[0].name in line 5"},
		{SMS "   - {name: a b, smpp: [smpp://h:1], system_id: u, password: p}",
		 "5: sms.connections[0].name: must consist of letters, digits, - _ and ."},
		{SMS "   - {name: a, smpp: [], system_id: u, password: p}",
		 "5: sms.connections[0].smpp: must not be empty"},
		{SMS "   - {name: a, smpp: smpp://h:1, system_id: u, password: p}",
		 "5: sms.connections[0].smpp: must be a list, not a single value"},
		{SMS "   - {name: a, smpp: [tcp://h:1], system_id: u, password: p}",
		 "5: sms.connections[0].smpp[0]: must begin with smpp:// or smpps://"},
		{SMS "   - {name: a, smpp: [smpp://h], system_id: u, password: p}",
		 "5: sms.connections[0].smpp[0]: has no port; write host:port"},
		{SMS "   - {name: a, smpp: [smpp://h:0], system_id: u, password: p}",
		 "5: sms.connections[0].smpp[0]: the port must be a number from 1 to 65535"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, operator: 2}",
		 "5: sms.connections[0].operator: no operator has the id 2"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, binds: 0}",
		 "5: sms.connections[0].binds: must be from 1 to 64"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p,\n      window: 0}",
		 "6: sms.connections[0].window: must be from 1 to 10000"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, password_file: /x}",
		 "5: sms.connections[0].password_file: /x cannot be read: No such file or directory"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, tls_verify: yes}",
		 "5: sms.connections[0].tls_verify: must be true or false, not quoted"},
		{SMS
		 "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, profile: {alphabets: []}}",
		 "5: sms.connections[0].profile.alphabets: must not be empty"},
		{SMS
		 "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, profile: {alphabets: [gsm]}}",
		 "5: sms.connections[0].profile.alphabets: must be ascii, gsm7, gsm7ext, gsm7basic, latin1 "
		 "or ucs2"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, profile: {dest_ton: 8}}",
		 "5: sms.connections[0].profile.dest_ton: must be from 0 to 7"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, timers: {reconnect: 2m}}",
		 "5: sms.connections[0].timers.reconnect: must not be more than reconnect_max"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, statuses: [{status: 0x, "
		     "means: x}]}",
		 "5: sms.connections[0].statuses[0].status: must be a whole number\n"
		 "5: sms.connections[0].statuses[0].means: must be final, temporary, throttled or "
		 "bad_number"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, statuses:\n"
		     "       [{status: 0x10, means: final}, {status: 16, means: final}]}",
		 "6: sms.connections[0].statuses[1].status: is given twice"},
		{SMS "   - " CONNECTION "\n  routes: [{prefix: 55a, connections: [main]}]",
		 "6: sms.routes[0].prefix: must be 1 to 15 digits, without +"},
		{SMS "   - " CONNECTION "\n  routes: [{prefix: \"55\"}]",
		 "6: sms.routes[0].connections: is missing"},
		{SMS "   - " CONNECTION "\n  routes:\n   - connections: [main,\n       other]",
		 "8: sms.routes[0].connections[1]: no connection is called \"other\""},
		{SMS "   - " CONNECTION "\n  routes: [{connections: [main, main]}]",
		 "6: sms.routes[0].connections[1]: \"main\" is in this route already"},
		{SMS "   - " CONNECTION
		     "\n  routes: [{connections: [main]},\n    {prefix: \"\", connections: [main]}]",
		 "7: sms.routes[1].prefix: \"\" is taken by sms.routes[0].prefix in line 6"},
		{SMS "   - " CONNECTION "\n  routes: [{operator: 7, connections: [main]}]",
		 "6: sms.routes[0].operator: no operator has the id 7"},
		{SMS "   - " CONNECTION "\n  routes: [{operator: 0, connections: [main]}]",
		 "6: sms.routes[0].operator: must be from 1 to 2147483647"},
		{SMS "   - " CONNECTION "\n  routes: [{sub_account: /x, connections: [main]}]",
		 "6: sms.routes[0].sub_account: must be a reference, or account/reference"},
		{SMS "   - " CONNECTION "\n  routes: [{class: bulk, connections: [main]}]",
		 "6: sms.routes[0].class: must be any, transactional or marketing"},
		{SMS
		 "   - " CONNECTION
		 "\n  routes:\n   - {prefix: \"55\", class: marketing, sub_account: a, connections: [main]}\n"
		 "   - {prefix: \"55\", class: marketing, connections: [main]}\n"
		 "   - {sub_account: a, prefix: \"55\", class: marketing, connections: [main]}",
		 "9: sms.routes[2].prefix: \"55, sub-account a, marketing\" is taken by sms.routes[0].prefix "
		 "in line 7"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, breaker: {pause: 6m}}",
		 "5: sms.connections[0].breaker.pause: must not be more than pause_max"},
		{SMS "   - {name: a, smpp: [smpp://h:1], system_id: u, password: p, breaker: {errors: 101, "
		     "least: 0, probes: 0}}",
		 "5: sms.connections[0].breaker.errors: must be from 0 to 100\n"
		 "5: sms.connections[0].breaker.least: must be from 1 to 1000000\n"
		 "5: sms.connections[0].breaker.probes: must be from 1 to 1000"},
		{SMS "   - " CONNECTION "\n  routes: [{connections: [{name: main, weight: 1001}]}]",
		 "6: sms.routes[0].connections[0].weight: must be from 0 to 1000"},
		{SMS "   - " CONNECTION "\n  short_codes: [27182, x, \"27182\"]",
		 "6: sms.short_codes[1]: must be 1 to 15 digits\n"
		 "6: sms.short_codes[1]: \"27182\" is taken by sms.short_codes[0] in line 6"},
		{SMS "   - " CONNECTION "\n  in_doubt: {then: forget}",
		 "6: sms.in_doubt.then: must be end or resend"},
		{SMS "   - " CONNECTION "\n  retry: {delay: 10m}",
		 "6: sms.retry.delay: must not be more than max_delay"},
		{"data: /d\noperators:\n - {id: 1, name: A, prefixes: [\"55\"]}\n - {id: 1, name: B, "
		 "prefixes: [\"55\"]}",
		 "4: operators[1].id: \"1\" is taken by operators[0].id in line 3\n"
		 "4: operators[1].prefixes[0]: \"55\" is taken by operators[0].prefixes[0] in line 3"},
		{"data: /d\noperators: [{id: 0, name: A}]",
		 "2: operators[0].id: must be from 1 to 2147483647"},
		{"data: /d\ncredit: {prices: [{prefix: \"55\", units: 1}, {prefix: \"55\", units: 2}]}",
		 "2: credit.prices[1].prefix: \"55\" is taken by credit.prices[0].prefix in line 2"},
		{"data: /d\ncredit: {prices: [{prefix: \"5a\", units: 1}, {prefix: \"1\", units: -1}, "
		 "{prefix: \"2\"}]}",
		 "2: credit.prices[0].prefix: must be 1 to 15 digits, without +\n2: credit.prices[1].units: "
		 "must be from 0 to 1000000\n"
		 "2: credit.prices[2].units: is missing"},
		{"data: /d\noperators: [{id: 1, name: A, prefixes: [+55]}]",
		 "2: operators[0].prefixes[0]: must be 1 to 15 digits, without +"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		expect(table[i].text, table[i].want);
}

static void all_faults_are_told_in_order(void **state)
{
	(void)state;
	expect("store: x\n"
	       "http:\n"
	       "  - {listen: 1}\n"
	       "unknown: 1\n"
	       "log:\n"
	       "  level: loud\n"
	       "  format: loud\n",
	       "1: store: must be sqlite\n"
	       "1: data: is missing\n"
	       "3: http[0].listen: has no port; write host:port\n"
	       "4: unknown: unknown key\n"
	       "6: log.level: must be error, warn, info or debug\n"
	       "7: log.format: must be text or json");
}

static void faults_are_limited_in_number(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	struct buf text = BUF_INIT, out = BUF_INIT;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_fmt(&text, "key%d: 1\n", i);
	assert_int_equal(config_parse("f", buf_view(&text), &s, &f), -EINVAL);
	assert_int_equal(f.count, CONFIG_FAULTS_MAX);
	config_faults_print(&f, &out);
	assert_non_null(strstr(buf_cstr(&out), "f:1: key0: unknown key\n"));
	assert_non_null(strstr(buf_cstr(&out), "(there may be more)\n"));
	config_faults_done(&f);
	buf_done(&text);
	buf_done(&out);
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

/* -- files ---------------------------------------------------------------------------------------------------------- */
static char folder[64];

static void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/pombo-config-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"c.yaml", "secret", "empty", "long", "tls.crt", "tls.key", "big"};
	char path[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void names_count_from_the_folder_of_the_file(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char file[200], want[200];

	(void)state;
	snprintf(file, sizeof(file), "%s/c.yaml", folder);
	write_file("secret", "s3cret\r\nanything\n");
	write_file("tls.crt", "x");
	write_file("tls.key", "x");
	write_file("c.yaml", "data: ./var\nhttp: [{listen: 'h:1', certificate: tls.crt, key: "
			     "./tls.key}]\nsms:\n  connections:\n"
			     "   - {name: a, smpp: ['smpp://h:1'], system_id: u, password_file: secret, "
			     "tls_ca: tls.crt}\n");
	assert_int_equal(config_read(file, &s, &f), 0);
	snprintf(want, sizeof(want), "%s/var", folder);
	assert_string_equal(s->data, want);
	snprintf(want, sizeof(want), "%s/tls.key", folder);
	assert_string_equal(s->http[0].key, want);
	assert_string_equal(s->sms.connections[0].password, "s3cret");
	settings_free(s);
	/* Without a folder in its name, from where we are. */
	s = good("data: ./var\n");
	assert_string_equal(s->data, "./var");
	settings_free(s);
}

static void unusable_files_are_faults(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char file[200];

	(void)state;
	snprintf(file, sizeof(file), "%s/c.yaml", folder);
	write_file("empty", "\nsecond line\n");
	write_file("long", "0123456789012345678901234567890123456789012345678901234567890123456789\n");
	write_file("tls.crt", "x");
	write_file(
		"c.yaml",
		"data: ./var\nhttp:\n - {listen: 'h:1', certificate: tls.crt}\n - {listen: 'h:2', key: "
		"none.key}\nsms:\n  connections:\n"
		"   - {name: a, smpp: ['smpp://h:1'], system_id: u, password_file: empty}\n"
		"   - {name: b, smpp: ['smpp://h:1'], system_id: u, password_file: long}\n"
		"   - {name: c, smpp: ['smpp://h:1'], system_id: u, password_file: missing}\n"
		"   - {name: d, smpp: ['smpp://h:1'], system_id: u, password_file: .}\n"
		"   - {name: e, smpp: ['smpp://h:1'], system_id: u, password: x, password_file: tls.crt}\n");
	assert_int_equal(config_read(file, &s, &f), -EINVAL);
	assert_null(s);
	assert_int_equal(f.count, 7);
	assert_non_null(strstr(f.list[0].text, ":3: http[0].certificate: needs key as well"));
	assert_int_equal(f.list[0].line, 3);
	assert_string_equal(f.list[0].key, "http[0].certificate");
	assert_non_null(strstr(f.list[1].text, ":4: http[1].key: "));
	assert_non_null(strstr(f.list[2].text, "/empty must hold 1 to 65 characters in its first line"));
	assert_non_null(strstr(f.list[3].text, "/long must hold 1 to 65 characters in its first line"));
	assert_non_null(strstr(f.list[4].text, "/missing cannot be read: No such file or directory"));
	assert_non_null(strstr(f.list[5].text, "cannot be read: it is not an ordinary file"));
	assert_non_null(strstr(f.list[6].text, "password and password_file exclude each other"));
	config_faults_done(&f);
	snprintf(file, sizeof(file), "%s/none.yaml", folder);
	assert_int_equal(config_read(file, &s, &f), -ENOENT);
	assert_int_equal(f.count, 1);
	assert_non_null(strstr(f.list[0].text, "none.yaml: cannot be read: No such file or directory"));
	config_faults_done(&f);
}

static void the_size_is_limited(void **state)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	char *text = xcalloc(1, CONFIG_FILE_MAX + 10), file[200];

	(void)state;
	memset(text, '#', CONFIG_FILE_MAX + 1);
	write_file("big", text);
	snprintf(file, sizeof(file), "%s/big", folder);
	assert_int_equal(config_read(file, &s, &f), -EINVAL);
	assert_non_null(strstr(f.list[0].text, "is larger than 1 MiB"));
	config_faults_done(&f);
	free(text);
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
		cmocka_unit_test(single_faults),
		cmocka_unit_test(faults_of_connections_and_routes),
		cmocka_unit_test(all_faults_are_told_in_order),
		cmocka_unit_test(faults_are_limited_in_number),
		cmocka_unit_test(variables_of_the_environment),
		cmocka_unit_test(aliases_cannot_blow_it_up),
		cmocka_unit_test_setup_teardown(names_count_from_the_folder_of_the_file, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(unusable_files_are_faults, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(the_size_is_limited, make_folder, remove_folder),
		cmocka_unit_test(the_example_passes),
		cmocka_unit_test(the_reference_is_up_to_date),
		cmocka_unit_test(a_reload_names_what_needs_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
