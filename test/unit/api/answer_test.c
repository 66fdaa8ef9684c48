/* answer_test.c - the bodies of answers, octet by octet. */
#include "api_test.h"
#include "api/answer.h"
#include "model/codes.h"
#include "wire/json.h"

static struct buf out;
static struct operator_setting operators[] = {{.id = 1, .name = (char[]){"VIVO"}}, {.id = 5, .name = (char[]){"TIM"}}};
static const struct settings settings = {.operators = operators, .operator_count = 2};

static const char *text(void)
{
	struct err e;
	struct json_doc *d = json_read(out.p, out.n, &e);

	assert_false(out.failed);
	if (!d)
		print_error("%s: %s", e.text, buf_cstr(&out));
	assert_non_null(d);
	json_free(d);
	return buf_cstr(&out);
}

TEST(an_error_is_code_and_words)
{
	buf_clear(&out);
	answer_error(&out, 404, "no \"such\" thing");
	assert_string_equal(text(), "{\"errorCode\":404,\"errorMessage\":\"no \\\"such\\\" thing\"}\n");
}

TEST(faults_name_the_field_and_more_than_one_are_listed)
{
	struct faults f = {.count = 0};

	fault_add(&f, "messages[3].messageText", "longer than %d characters", 1280);
	buf_clear(&out);
	answer_faults(&out, 400, &f);
	assert_string_equal(text(), "{\"errorCode\":400,\"errorMessage\":\"messages[3].messageText: longer "
				    "than 1280 characters\"}\n");
	fault_add(&f, "", "odd");
	buf_clear(&out);
	answer_faults(&out, 400, &f);
	assert_string_equal(
		text(), "{\"errorCode\":400,\"errorMessage\":\"messages[3].messageText: longer than 1280 "
			"characters\",\"errors\":["
			"{\"field\":\"messages[3].messageText\",\"message\":\"longer than 1280 characters\"},"
			"{\"field\":\"\",\"message\":\"odd\"}]}\n");
	for (int i = 0; i < 100; i++)
		fault_add(&f, "x", "y");
	buf_clear(&out);
	answer_faults(&out, 400, &f);
	struct err e;
	struct json_doc *d = json_read(out.p, out.n, &e);
	assert_int_equal(json_count(json_get(json_root(d), "errors")), FAULTS_MAX);
	json_free(d);
}

static void no_error_code(const char *plain, size_t n)
{
	struct err e;
	struct json_doc *d;

	buf_clear(&out);
	buf_putc(&out, '[');
	answer_text(&out, (struct str){plain, n});
	buf_putc(&out, ']');
	assert_null(strstr(text(), "errorCode"));
	d = json_read(out.p, out.n, &e);
	assert_true(str_eq(json_str(json_at(json_root(d), 0)), (struct str){plain, n}));
	json_free(d);
}

TEST(a_success_never_spells_errorCode)
{
	static const char *const texts[] = {"errorCode",
					    "xerrorCodeerrorCodey",
					    "\\errorCode",
					    "\x0e"
					    "rrorCode",
					    "\x1e"
					    "rrorCode!",
					    "rrorCode",
					    "errorCod",
					    "errorcode",
					    "\"errorCode\":1",
					    "errorerrorCode",
					    "eerrorCode"};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		no_error_code(texts[i], strlen(texts[i]));
}

TEST(a_single_is_an_array_or_an_object)
{
	struct uid id = {.key = 0x0123456789abcdef, .rest = 42};
	char uuid[UUID_TEXT], want[128];

	uid_print(uuid, id);
	buf_clear(&out);
	answer_single(&out, false, id, STR("myId"));
	snprintf(want, sizeof(want), "[{\"id\":\"%s\",\"correlationId\":\"myId\"}]\n", uuid);
	assert_string_equal(text(), want);
	buf_clear(&out);
	answer_single(&out, true, id, (struct str){NULL, 0});
	snprintf(want, sizeof(want), "{\"id\":\"%s\"}\n", uuid);
	assert_string_equal(text(), want);
}

TEST(a_bulk_has_its_own_id_and_echoes_in_order)
{
	struct draft drafts[2] = {{.t.correlation = {NULL, 0}}, {.t.correlation = STR("b")}};
	struct uid ids[2] = {{1, 1}, {2, 2}}, batch = {3, 3};
	char a[UUID_TEXT], b[UUID_TEXT], c[UUID_TEXT], want[256];

	buf_clear(&out);
	answer_bulk(&out, batch, ids, drafts, 2);
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"messages\":[{\"id\":\"%s\"},{\"id\":\"%s\",\"correlationId\":\"b\"}]}\n",
		 uid_print(c, batch), uid_print(a, ids[0]), uid_print(b, ids[1]));
	assert_string_equal(text(), want);
}

TEST(a_status_names_params_that_did_not_fit)
{
	struct delivery d = {.key = uid_key_at(1420732900000), .rest = 9};

	d.t.invalid = STR("\"a\",\"\\\"errorCode\"");
	buf_clear(&out);
	answer_status(&out, &d, &settings);
	assert_non_null(
		strstr(text(), ",\"invalidParams\":[\"a\",\"\\\"error\\u0043ode\"],\"extraInfo\":\"\"}"));
}

TEST(a_status_says_what_is_known)
{
	struct delivery d = {.key = uid_key_at(1420732900000), .rest = 9, .operator_id = 5, .campaign_id = 1234};
	char id[UUID_TEXT], want[1024];

	uid_print(id, (struct uid){d.key, d.rest});
	d.t.destination = STR("+55 19 90000-1111");
	buf_clear(&out);
	answer_status(&out, &d, &settings);
	snprintf(want, sizeof(want),
		 "{\"id\":\"%s\",\"correlationId\":\"%s\",\"carrierId\":5,\"carrierName\":\"TIM\","
		 "\"destination\":\"+55 19 90000-1111\","
		 "\"updatedAt\":1420732900000,\"updatedDate\":\"2015-01-08T16:01:40Z\",\"campaignId\":1234,"
		 "\"extraInfo\":\"\"}",
		 id, id);
	assert_string_equal(text(), want);
	d.t.correlation = STR("myId");
	d.t.extra = STR("x");
	d.campaign_id = 0;
	d.operator_id = 77;
	d.sent_code = SENT_SENT_SUCCESS;
	d.sent_at = 1420732929252;
	d.delivered_code = DELIVERED_DELIVERED_SUCCESS;
	d.delivered_at = d.updated_at = 1420732954000;
	buf_clear(&out);
	answer_status(&out, &d, &settings);
	snprintf(want, sizeof(want),
		 "{\"id\":\"%s\",\"correlationId\":\"myId\",\"carrierId\":0,\"carrierName\":\"UNKNOWN\","
		 "\"destination\":\"+55 19 90000-1111\","
		 "\"sentStatusCode\":2,\"sentStatus\":\"SENT_SUCCESS\",\"sentStatusAt\":1420732929252,"
		 "\"sentStatusDate\":\"2015-01-08T16:02:09Z\",\"sentAt\":1420732929252,\"sentDate\":\"2015-"
		 "01-08T16:02:09Z\","
		 "\"deliveredStatusCode\":4,\"deliveredStatus\":\"DELIVERED_SUCCESS\",\"deliveredAt\":"
		 "1420732954000,"
		 "\"deliveredDate\":\"2015-01-08T16:02:34Z\",\"updatedAt\":1420732954000,"
		 "\"updatedDate\":\"2015-01-08T16:02:34Z\",\"extraInfo\":\"x\"}",
		 id);
	assert_string_equal(text(), want);
}

TEST(a_failed_message_has_a_time_too)
{
	struct delivery d = {.key = uid_key_at(1420732900000), .sent_code = SENT_INVALID_DESTINATION_NUMBER};

	buf_clear(&out);
	answer_status(&out, &d, &settings);
	assert_non_null(strstr(text(), "\"sentStatusCode\":202,\"sentStatus\":\"INVALID_DESTINATION_NUMBER\","
				       "\"sentStatusAt\":1420732900000,"));
	assert_null(strstr(text(), "delivered"));
}

TEST(statuses_are_counted)
{
	buf_clear(&out);
	answer_statuses(&out, 0, STR(""));
	assert_string_equal(text(), "{\"total\":0,\"smsStatuses\":[]}\n");
	buf_clear(&out);
	answer_statuses(&out, 2, STR("{},{}"));
	assert_string_equal(text(), "{\"total\":2,\"smsStatuses\":[{},{}]}\n");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(an_error_is_code_and_words),
		RUN(faults_name_the_field_and_more_than_one_are_listed),
		RUN(a_success_never_spells_errorCode),
		RUN(a_single_is_an_array_or_an_object),
		RUN(a_bulk_has_its_own_id_and_echoes_in_order),
		RUN(a_status_names_params_that_did_not_fit),
		RUN(a_status_says_what_is_known),
		RUN(a_failed_message_has_a_time_too),
		RUN(statuses_are_counted),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
