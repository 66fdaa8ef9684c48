/* Words for events, and their JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "app/commands_timeline.h"
#include "model/codes.h"
#include "wire/json.h"

#define AT 1795357679000 /* 2026-11-22T14:27:59Z */

static struct event event(int kind, int code, int arg, int64_t at2, const char *detail)
{
	struct event e = {.kind = (uint8_t)kind, .at = AT + 1500, .code = code, .arg = arg, .at2 = at2};

	event_detail(&e, "%s", detail);
	return e;
}

static void every_event_has_words(void **state)
{
	const struct {
		struct event e;
		const char *words;
	} rows[] = {
		{event(EV_ATTEMPT, 1, 1, 0, "main"), "attempt on main, 1 part\n"},
		{event(EV_ATTEMPT, 1, 3, 0, "main"), "attempt on main, 3 parts\n"},
		{event(EV_PART, 3, 1 | 3 << 8, 0, "AB"), "part 2 of 3 accepted, carrier's id AB\n"},
		{event(EV_SENT, 2, 2 | 3 << 8, 0, "AC"),
		 "sent 2 SENT_SUCCESS, part 3 of 3, carrier's id AC\n"},
		{event(EV_SENT, 2, 0, 0, ""), "sent 2 SENT_SUCCESS, part 1 of 1\n"},
		{event(EV_SENT, 103, 0x45, REASON_CARRIER_STATUS, ""), ", carrier status 0x45\n"},
		{event(EV_SENT, 101, 0, REASON_LINK_DOWN, ""), "ended 101 EXPIRED: link_down ("},
		{event(EV_REQUEUED, REASON_LINK_DOWN, 0, AT, ""), "queued again: link_down ("},
		{event(EV_REQUEUED, REASON_LINK_DOWN, 0, AT, ""),
		 ", next attempt from 2026-11-22T14:27:59.000Z\n"},
		{event(EV_DOUBT, REASON_IN_DOUBT, 0, AT, "no answer"),
		 "in doubt: no answer, waits for a receipt until 2026-11-22T14:27:59.000Z\n"},
		{event(EV_RECEIPT, 1, 0, 0, "AB"), "receipt ENROUTE for part 1, id AB\n"},
		{event(EV_DELIVERED, 4, 2 << 8, 0, "AB"),
		 "delivered 4 DELIVERED_SUCCESS: receipt DELIVRD for part 1, AB\n"},
		{event(EV_DELIVERED, 104, 5 << 8 | 1, 0, "AB err 9"),
		 "not delivered 104 NOT_DELIVERED: receipt UNDELIV for part 2, AB err 9\n"},
		{event(EV_NO_RECEIPT, 0, 0, 0, ""), "no receipt came\n"},
		{event(EV_NO_RECEIPT, 104, 0, 0, ""), "no receipt came: 104 NOT_DELIVERED\n"},
		{event(EV_LATE, 2, 0, 0, "receipt AB"), "too late, changes nothing: DELIVRD, receipt AB\n"},
		{event(EV_LATE, 0, 0, 0, "answer"), "too late, changes nothing: answer\n"},
		{event(EV_HOOK_DONE, 200, 1, 12, ""), "webhook sent answered 200 after 12 ms\n"},
		{event(EV_HOOK_DONE, 0, 2, 0, ""), "webhook delivered not wanted any more\n"},
		{event(EV_HOOK_FAILED, 500, 1, AT, "HTTP 500"),
		 "webhook sent failed: HTTP 500, again at 2026-11-22T14:27:59Z\n"},
		{event(EV_HOOK_DEAD, 410, 2, 0, "HTTP 410"), "webhook delivered given up: HTTP 410\n"},
		{event(EV_CANCELLED, 0, 0, 0, ""), "cancelled while it is under way: it is not sent again\n"},
		{event(EV_PAUSED, 0, 0, 0, ""), "paused by its owner\n"},
		{event(EV_RESUMED, 0, 0, 0, ""), "resumed\n"},
		{event(99, 0, 0, 0, ""), "unknown\n"},
	};
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_clear(&b);
		timeline_event(&b, &rows[i].e, AT);
		assert_memory_equal(b.p, "2026-11-22T14:28:00.500Z  +1.500s  ", 35);
		if (!strstr(buf_cstr(&b), rows[i].words))
			fail_msg("%s lacks %s", buf_cstr(&b), rows[i].words);
		buf_clear(&b);
		timeline_event_json(&b, &rows[i].e);
		struct json_doc *d = json_read(b.p, b.n, &e);
		assert_non_null(d);
		assert_true(json_str(json_get(json_root(d), "text")).n > 0);
		json_free(d);
	}
	buf_done(&b);
}

static void texts_cannot_move_a_terminal(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"Olá 🙂", "Olá 🙂"},
		{"a\x1b[31mb", "a\\u001b[31mb"},
		{"a\nb", "a\\nb"},
		{"\xe2\x80\xae"
		 "abc",
		 "\\u202eabc"},
		{"\xc2\x9b"
		 "1m",
		 "\\u009b1m"},
		{"\xff"
		 "a\x1b",
		 "?a?"},
	};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		buf_clear(&b);
		timeline_safe(&b, str_of(rows[i].in));
		assert_string_equal(buf_cstr(&b), rows[i].out);
	}
	buf_done(&b);
}

static struct delivery *sample(void)
{
	const struct delivery_text t = {.destination = STR("+55 11"),
					.number = STR("5511900000001"),
					.text = STR("Ol\xc3\xa1"),
					.correlation = STR("c\"1"),
					.source = STR("\xff")};
	struct delivery *d = delivery_new(&t);

	d->key = AT << 15;
	d->account = d->sub_account = d->user = 1;
	d->connection = 7;
	d->state = D_SENT;
	d->sent_code = 2;
	d->sent_at = AT + 5;
	d->part_count = 1;
	return d;
}

static void the_head_and_json_say_what_is_known(void **state)
{
	struct account account = {.id = 1, .name = "acme"};
	struct sub_account sub = {.id = 1, .reference = "shop"};
	struct admin_all all = {.accounts = &account, .account_count = 1, .sub_accounts = &sub, .sub_account_count = 1};
	struct connection_setting conn = {.name = (char[]){"main"}, .number = 7};
	struct settings s = {.sms.connections = &conn, .sms.connection_count = 1};
	struct timeline_names names = {&all, &s};
	struct delivery *d = sample();
	struct event ev = event(EV_SENT, 2, 0, 0, "AB");
	struct buf b = BUF_INIT;
	struct err e;

	(void)state;
	timeline_head(&b, d, &names, true);
	for (size_t i = 0; i < 7; i++) {
		static const char *const words[] = {"2 SENT_SUCCESS, waiting for receipts",
						    "to           5511900000001",
						    "as written   +55 11",
						    "text         Ol\xc3\xa1",
						    "?, sub-account shop of account acme",
						    "connection   main",
						    "from         ?"};
		if (!strstr(buf_cstr(&b), words[i]))
			fail_msg("%s lacks %s", buf_cstr(&b), words[i]);
	}
	buf_clear(&b);
	timeline_head(&b, d, &names, false);
	assert_null(strstr(buf_cstr(&b), "Ol"));
	buf_clear(&b);
	timeline_json(&b, d, &ev, 1, &names, true);
	struct json_doc *doc = json_read(b.p, b.n, &e);
	assert_non_null(doc);
	struct json *root = json_root(doc);
	assert_true(str_eqz(json_str(json_get(root, "correlationId")), "c\"1"));
	assert_true(str_eqz(json_str(json_get(root, "source")), "?"));
	assert_int_equal(json_int(json_get(root, "sentStatusCode")), 2);
	assert_int_equal(json_count(json_get(root, "timeline")), 1);
	assert_null(json_get(root, "deliveredStatusCode"));
	json_free(doc);
	buf_done(&b);
	delivery_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_has_words),
		cmocka_unit_test(texts_cannot_move_a_terminal),
		cmocka_unit_test(the_head_and_json_say_what_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
