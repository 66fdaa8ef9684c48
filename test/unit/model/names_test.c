/* Names of codes, reasons, roles and events; event details; freeing settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "model/account.h"
#include "model/codes.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/input.h"
#include "model/settings.h"

static void codes_have_the_names_customers_know(void **state)
{
	(void)state;
	assert_string_equal(sent_code_name(2), "SENT_SUCCESS");
	assert_string_equal(sent_code_name(SENT_EXPIRED), "EXPIRED");
	assert_string_equal(delivered_code_name(4), "DELIVERED_SUCCESS");
	assert_string_equal(delivered_code_name(DELIVERED_NOT_DELIVERED), "NOT_DELIVERED");
	assert_string_equal(sent_code_name(999), "UNKNOWN");
	assert_string_equal(delivered_code_name(2), "UNKNOWN");
	assert_string_equal(reason_text(REASON_NO_ROUTE), "no_route");
	assert_string_equal(reason_text(REASON_NONE), "");
	assert_string_equal(reason_text(-1), "unknown");
	assert_string_equal(reason_help(REASON_COUNT), "");
	assert_true(strlen(reason_help(REASON_INTERNAL)) > 0);
}

/* Whatever order the checks come in, the first of 202, 203, 204, 207, 205, 201 counts. */
static void of_several_refusals_the_first_by_rank_counts(void **state)
{
	static const enum sent_code order[] = {
		SENT_INVALID_DESTINATION_NUMBER,        SENT_BLACKLISTED,
		SENT_DESTINATION_BLOCKED_BY_OPTOUT,     SENT_INVALID_MESSAGE_TEXT,
		SENT_DESTINATION_MESSAGE_LIMIT_REACHED, SENT_NO_CREDIT,
		SENT_CARRIER_COMMUNICATION_ERROR};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(order); i++)
		for (size_t k = 0; k < COUNT_OF(order); k++) {
			struct draft d = {.invalid = 0};

			draft_refuse(&d, order[i], REASON_TEXT);
			assert_int_equal(d.invalid, order[i]);
			draft_refuse(&d, order[k], REASON_INTERNAL);
			assert_int_equal(d.invalid, order[MIN(i, k)]);
			assert_int_equal(d.invalid_reason, k < i ? REASON_INTERNAL : REASON_TEXT);
		}
}

static void roles_parse_what_they_print(void **state)
{
	(void)state;
	for (int r = ROLE_REGULAR; r <= ROLE_PLATFORM; r++)
		assert_int_equal(role_parse(str_of(role_name(r))), r);
	assert_int_equal(role_parse(STR("root")), -1);
	assert_string_equal(role_name(9), "unknown");
}

static void kinds_and_states_are_named(void **state)
{
	(void)state;
	assert_string_equal(event_kind_name(EV_DOUBT), "in doubt");
	assert_string_equal(event_kind_name(EVENT_KINDS), "unknown");
	assert_true(event_is_change(EV_SENT) && event_is_change(EV_DELIVERED));
	assert_true(event_changes(&(struct event){.kind = EV_SENT}));
	assert_true(event_changes(&(struct event){.kind = EV_NO_RECEIPT, .code = 104}));
	assert_false(event_changes(&(struct event){.kind = EV_NO_RECEIPT}));
	assert_false(event_changes(&(struct event){.kind = EV_ATTEMPT, .code = 1}));
	assert_false(event_is_change(EV_RECEIPT) || event_is_change(-1) || event_is_change(99));
	assert_string_equal(delivery_state_name(D_DONE), "done");
	assert_string_equal(delivery_state_name(77), "unknown");
}

static struct str detail_of(struct event *e) { return (struct str){e->detail, e->detail_len}; }

static void details_are_cut_at_a_character(void **state)
{
	struct event e = {0};
	char text[400];

	(void)state;
	event_detail(&e, "%s", "");
	assert_int_equal(e.detail_len, 0);
	event_detail(&e, "%s err=%d", "ab12", 7);
	assert_true(str_eqz(detail_of(&e), "ab12 err=7"));
	for (size_t shift = 0; shift < 4; shift++) {
		static const char *const chars[] = {"\xc3\xa1", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

		for (size_t c = 0; c < COUNT_OF(chars); c++) {
			size_t n = shift;

			memset(text, 'x', shift);
			for (; n < 200; n += strlen(chars[c]))
				memcpy(text + n, chars[c], strlen(chars[c]));
			text[n] = 0;
			event_detail(&e, "%s", text);
			assert_true(utf8_valid(detail_of(&e), NULL));
			assert_true(e.detail_len > EVENT_DETAIL_MAX - 4);
			assert_memory_equal(e.detail, text, e.detail_len);
		}
	}
}

static void details_of_a_peer_become_utf8(void **state)
{
	struct event e = {0};
	char bad[300];

	(void)state;
	event_detail(&e, "a\xff\xc3z\xed\xa0\x80%s", "\xc3\xa1");
	assert_true(str_eqz(detail_of(&e), "a??z???\xc3\xa1"));
	memset(bad, 0x80, sizeof(bad) - 1);
	bad[sizeof(bad) - 1] = 0;
	event_detail(&e, "%s", bad);
	assert_int_equal(e.detail_len, EVENT_DETAIL_MAX);
	assert_true(utf8_valid(detail_of(&e), NULL));
	event_detail(&e, "a%cb", 0);
	assert_true(str_eqz(detail_of(&e), "a?b"));
}

static char **one_text(void)
{
	char **list = xcalloc(1, sizeof(*list));

	list[0] = xstrdup("x");
	return list;
}

/* The leak checker of the sanitizer build is the judge. */
static void settings_are_freed_whole(void **state)
{
	struct settings *s = xnew(struct settings);
	struct connection_setting *c = xnew(struct connection_setting);
	struct route_setting *r = xnew(struct route_setting);

	(void)state;
	s->file = xstrdup("f");
	s->data = xstrdup("d");
	s->store = xstrdup("sqlite");
	s->http = xnew(struct listen_setting);
	s->http_count = 1;
	s->http[0].listen = xstrdup("127.0.0.1:0");
	s->trusted_proxies = one_text();
	s->trusted_proxy_count = 1;
	s->operators = xnew(struct operator_setting);
	s->operator_count = 1;
	s->operators[0].name = xstrdup("VIVO");
	s->operators[0].prefixes = one_text();
	s->operators[0].prefix_count = 1;
	c->name = xstrdup("main");
	c->smpp = one_text();
	c->smpp_count = 1;
	c->password = xstrdup("p");
	c->profile.service_type = xstrdup("");
	c->statuses = xnew(struct smpp_status_rule);
	c->status_count = 1;
	c->statuses[0].means = xstrdup("final");
	s->sms.connections = c;
	s->sms.connection_count = 1;
	r->prefix = xstrdup("55");
	r->connections = xnew(struct route_connection);
	r->connection_count = 1;
	r->connections[0].name = xstrdup("main");
	s->sms.routes = r;
	s->sms.route_count = 1;
	s->sms.short_codes = one_text();
	s->sms.short_code_count = 1;
	s->webhooks.allow = one_text();
	s->webhooks.allow_count = 1;
	s->log.level = xstrdup("info");
	settings_free(s);
	s = xnew(struct settings);
	s->http_count = s->operator_count = s->sms.route_count = 3; /* counted, not allocated: a faulty file */
	settings_free(s);
	settings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_the_names_customers_know),
		cmocka_unit_test(of_several_refusals_the_first_by_rank_counts),
		cmocka_unit_test(roles_parse_what_they_print),
		cmocka_unit_test(kinds_and_states_are_named),
		cmocka_unit_test(details_are_cut_at_a_character),
		cmocka_unit_test(details_of_a_peer_become_utf8),
		cmocka_unit_test(settings_are_freed_whole),
	};

	return cmocka_run_group_tests_name("model-names", tests, NULL, NULL);
}
