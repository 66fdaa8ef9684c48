/* config_faults_test.c - what is said about every kind of fault of a configuration. */
#include "config_reading.h"

#include <errno.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_faults),
		cmocka_unit_test(faults_of_connections_and_routes),
		cmocka_unit_test(all_faults_are_told_in_order),
		cmocka_unit_test(faults_are_limited_in_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
