/* control_test.c - cancelling, pausing and resuming over HTTP: how requests are read, what is answered, the list of orders. */
#include "served.h"

#include "model/metrics.h"

/* What is asked and who may; what it does is the engine's (core/control_test.c). */
TEST(cancel_pause_and_resume_are_read_strictly)
{
	static const struct {
		const char *body, *message;
	} bad[] = {
		{"{}", "ids: missing, and correlationIds, batchId, campaignId and campaignAlias too"},
		{"{\"ids\":null,\"batchId\":null}",
		 "ids: missing, and correlationIds, batchId, campaignId and campaignAlias too"},
		{"[]", "the request must be an object"},
		{"{\"ids\":\"x\"}", "ids: must be an array"},
		{"{\"ids\":[1]}", "ids[0]: must be a string"},
		{"{\"ids\":[\"nonsense\"]}", "ids[0]: not an id"},
		{"{\"correlationIds\":[{}]}", "correlationIds[0]: must be a string or a whole number"},
		{"{\"batchId\":1}", "batchId: must be a string"},
		{"{\"batchId\":\"x\"}", "batchId: not an id"},
		{"{\"campaignId\":\"1\"}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignId\":0}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignId\":4294967296}", "campaignId: must be a whole number from 1 to 4294967295"},
		{"{\"campaignAlias\":1}", "campaignAlias: must be a string"},
		{"{\"campaignAlias\":\"\"}", "campaignAlias: must not be empty"},
		{"{\"campaignAlias\":\"a\",\"campaignId\":1}", "campaignAlias: campaignId is given too"},
		{"{\"campaignId\":1,\"subAccount\":[]}", "subAccount: must be a string or a whole number"},
		{"x", "malformed JSON"},
	};
	static const char *const paths[] = {"/admin/v1/messages/cancel", "/admin/v1/messages/pause",
					    "/admin/v1/messages/resume"};
	struct buf b = BUF_INIT;

	for (size_t k = 0; k < COUNT_OF(paths); k++) {
		for (size_t i = 0; i < COUNT_OF(bad); i++)
			contains(expect_answer(&f, 400, "POST", paths[k],
					       strstr(bad[i].body, "subAccount") ? "root" : "ana", "", bad[i].body),
				 bad[i].message);
		expect_answer(&f, 405, "GET", paths[k], "ana", "", NULL);
		expect_answer(&f, 403, "POST", paths[k], "plat", "", "{\"campaignId\":1}");
		contains(expect_answer(&f, 403, "POST", paths[k], "ana", "", "{\"campaignId\":1,\"subAccount\":\"default\"}"),
			 "subAccount");
	}
	buf_puts(&b, "{\"campaignAlias\":\"");
	for (int i = 0; i <= CAMPAIGN_ALIAS_MAX; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\"}");
	contains(expect_answer(&f, 400, "POST", paths[0], "ana", "", buf_cstr(&b)),
		 "campaignAlias: longer than 128 characters");
	buf_done(&b);
}

TEST(cancel_pause_and_resume_answer_for_each)
{
	char a[UUID_TEXT], b[UUID_TEXT], c[UUID_TEXT], body[600];

	know(1, 10, "c1", 1000, 2);
	uid_print(a, know(1, 10, "c2", 1000, 0));
	uid_print(b, know(1, 10, "", 1000, 2));
	uid_print(c, know(1, 11, "c2", 1000, 0));
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\",\"%s\",\"%s\"],\"correlationIds\":[\"c2\",\"none\"]}", a, b, c);
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "{\"total\":3,\"counts\":{\"cancelled\":1,\"left\":1,\"inDoubt\":0,\"ended\":0,\"notFound\":"
		 "1},\"messages\":[{\"id\":\"");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "\"result\":\"cancelled\"}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", body),
		 "\"result\":\"paused\"}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/resume", "ana", "", body),
		 "\"result\":\"left\"}");
	snprintf(body, sizeof(body), "{\"ids\":[\"%s\"]}", c);
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "", body),
		 "\"result\":\"notFound\"}]}"); /* another's */
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "root", "", body),
		 "\"result\":\"cancelled\"}]}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", "{\"campaignAlias\":\"black friday\"}"), "{\"total\":0,\"counts\":{\"paused\":0,\"left\":0,\"inDoubt\":0,\"ended\":0,\"notFound\":0},\"messages\":[],\"campaign\":{\"campaignAlias\":\"black friday\",\"result\":\"paused\"}}");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/resume", "root", "", "{\"campaignId\":7}"),
		 "\"campaign\":{\"campaignId\":7,\"result\":\"held\"}}");
	contains(expect_answer(&f, 503, "POST", "/admin/v1/messages/pause", "ana", "", "{\"campaignId\":99}"),
		 "too many campaigns");
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/cancel", "ana", "",
			       "{\"batchId\":\"019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70\"}"),
		 "\"batch\":{\"id\":\"019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70\",\"result\":\"notFound\"}}");
}

TEST(orders_are_told)
{
	const char *text = expect_answer(&f, 200, "GET", "/admin/v1/messages/orders", "root", "", NULL);

	contains(text, "{\"total\":3,\"orders\":[{\"order\":\"pause\",\"campaignAlias\":\"black "
		       "\\\"friday\\\"\",\"subAccount\":\"");
	contains(text, "\"orderedAt\":1790000000000,\"orderedDate\":\"2026-09-21T");
	contains(text, "{\"order\":\"cancel\",\"campaignId\":7,\"orderedAt\":1790000000000,");
	contains(text, ",\"done\":false,\"cancelled\":5,\"left\":2}");
	contains(text, ",\"done\":true,\"cancelled\":0,\"left\":0,\"doneAt\":1790000060000,");
	contains(expect_answer(&f, 200, "GET", "/admin/v1/messages/orders", "ana", "", NULL),
		 "{\"total\":1,");
	contains(expect_answer(&f, 403, "GET", "/admin/v1/messages/orders?subAccount=default", "ana", "", NULL), "subAccount");
	expect_answer(&f, 403, "GET", "/admin/v1/messages/orders", "plat", "", NULL);
	expect_answer(&f, 405, "POST", "/admin/v1/messages/orders", "root", "", "{}");
}

TEST(control_names_a_thousand_messages_at_most)
{
	for (int i = 0; i < 600; i++) {
		know(1, 10, "again", 1000, 0);
		know(1, 10, "and again", 1000, 0);
	}
	contains(expect_answer(&f, 200, "POST", "/admin/v1/messages/pause", "ana", "", "{\"correlationIds\":[\"again\"]}"),
		 "{\"total\":600,");
	contains(expect_answer(&f, 400, "POST", "/admin/v1/messages/pause", "ana", "",
			       "{\"correlationIds\":[\"again\",\"and again\"]}"),
		 "correlationIds: more than 1000 messages are named");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(cancel_pause_and_resume_are_read_strictly),
		SERVED(cancel_pause_and_resume_answer_for_each),
		SERVED(orders_are_told),
		SERVED(control_names_a_thousand_messages_at_most),
	};

	metrics_setup();
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
