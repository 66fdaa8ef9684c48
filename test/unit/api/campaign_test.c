/* campaign_test.c - what sub-accounts and accounts say of texts, over HTTP with the fake core behind: lanes, header and footer, lengths,
 * forbidden words, campaigns. */
#include "served.h"

#include <errno.h>

#include "model/codes.h"

/* -- lanes, lengths, words ------------------------------------------------------------------------------------------ */

TEST(a_template_may_choose_the_lane)
{
	single(200, "ana", ",\"templateName\":\"sale\"");
	assert_int_equal(fake_last(f.engine).flags, DF_MARKETING);
	sent("LOJA: So hoje", ""); /* the header is of marketing alone */
	single(200, "ana", ",\"templateId\":7");
	assert_int_equal(fake_last(f.engine).flags, 0);
	single(200, "pia", ",\"templateId\":10,\"params\":{\"n\":4711}");
	assert_int_equal(fake_last(f.engine).flags, 0);
	sent("Codigo 4711", "");
	single(200, "pia", ",\"templateId\":7");
	assert_int_equal(fake_last(f.engine).flags, DF_MARKETING);
}

TEST(header_and_footer_of_marketing_count_in_the_length)
{
	char body[200];

	single(200, "pia", ",\"messageText\":\"Promo\"");
	sent("LOJA: Promo SAIR p/ sair", "");
	single(200, "pia", ",\"messageText\":\"\\nPromo\\n\"");
	sent("LOJA:\nPromo\nSAIR p/ sair", "");
	/* "LOJA: " and " SAIR p/ sair" are 19 of 60 */
	snprintf(body, sizeof body, ",\"messageText\":\"%s\"", repeat("ã", 41));
	single(200, "pia", body);
	snprintf(body, sizeof body, ",\"messageText\":\"%s\"", repeat("ã", 42));
	message_is(single(400, "pia", body), "messageText: longer than 60 characters with header and footer");
	/* transactional: neither, but the limit stays */
	single(200, "pia", ",\"templateId\":10,\"params\":{\"n\":\"12345678901234567890123456789012345678901234567890123456789012345\"}");
	snprintf(body, sizeof body, "{\"messages\":[{\"destination\":\"1\"}],\"defaultValues\":{\"messageText\":\"%s\"}}",
		 repeat("a", 42));
	message_is(bulk(400, "pia", body),
		   "defaultValues.messageText: longer than 60 characters with header and footer");
	snprintf(body, sizeof body, "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"1\",\"messageText\":\"%s\"}],\"messageText\":\"x\"}",
		 repeat("a", 42));
	message_is(bulk(400, "pia", body),
		   "messages[1].messageText: longer than 60 characters with header and footer");
}

static int ends_with(const char *user, const char *destination, const char *text)
{
	char body[400];

	snprintf(body, sizeof body, "{\"destination\":\"%s\",\"messageText\":\"%s\"}", destination, text);
	expect_answer(&f, 200, "POST", "/v1/send-sms", user, "", body);
	return fake_last(f.engine).invalid;
}

TEST(forbidden_words_end_a_message_in_207)
{
	assert_int_equal(ends_with("ana", "5511900000000", "Venha ao CASSINÓ!"), SENT_INVALID_MESSAGE_TEXT);
	assert_int_equal(ends_with("ana", "5511900000000", "cassinos"), 0);
	assert_int_equal(ends_with("ana", "5511900000000", "aposta certa"), 0);
	assert_int_equal(ends_with("rui", "5511900000000", "aposta\\ncerta"), SENT_INVALID_MESSAGE_TEXT);
	assert_int_equal(ends_with("rui", "5511900000000", "cassino"), SENT_INVALID_MESSAGE_TEXT);
	assert_int_equal(ends_with("eva", "5511900000000", "cassino"), 0);
	/* 202 comes first, and no route is found out last */
	assert_int_equal(ends_with("ana", "abc", "cassino"), SENT_INVALID_DESTINATION_NUMBER);
	assert_int_equal(ends_with("ana", "351912345678", "cassino"), SENT_INVALID_MESSAGE_TEXT);
	assert_int_equal(ends_with("ana", "351912345678", "x"), SENT_CARRIER_COMMUNICATION_ERROR);
	/* also when params bring it */
	single(200, "ana", ",\"templateId\":0,\"params\":{\"param1\":\"cas\",\"param2\":\"Cassino\"}");
	assert_int_equal(fake_last(f.engine).invalid, SENT_INVALID_MESSAGE_TEXT);
	bulk(200, "ana", "{\"messages\":[{\"destination\":\"5511900000000\"},{\"destination\":\"5511900000000\"}],\"messageText\":\"cassino\"}");
	assert_int_equal(fake_last(f.engine).invalid, SENT_INVALID_MESSAGE_TEXT);
}

/* -- campaigns ----------------------------------------------------------------------------------------------------- */

TEST(a_registered_campaign_gives_its_id)
{
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"promo\"");
	assert_int_equal(fake_last(f.engine).campaign_id, 64);
	assert_string_equal(fake_last(f.engine).campaign, "promo");
	get(200, "ana", "&messageText=x&campaignAlias=Promo");
	assert_int_equal(fake_last(f.engine).campaign_id, 64);
	single(200, "eva", ",\"messageText\":\"x\",\"campaignAlias\":\"Promo\"");
	assert_int_equal(fake_last(f.engine).campaign_id, 65);
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":null");
	assert_int_equal(fake_last(f.engine).campaign_id, 0);
	assert_int_equal(f.campaigns_asked, 0);
}

TEST(an_unknown_campaign_is_registered_by_use)
{
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	assert_int_equal(fake_last(f.engine).campaign_id, 1005);
	assert_string_equal(fake_last(f.engine).campaign, "Natal");
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":2026");
	assert_int_equal(fake_last(f.engine).campaign_id, 1004);
	f.campaigns_asked = 0;
	bulk(200, "ana",
	     "{\"messages\":[{\"destination\":\"1\",\"campaignAlias\":\"a\"},{\"destination\":\"2\"},{"
	     "\"destination\":\"3\",\"campaignAlias\":\"promo\"},"
	     "{\"destination\":\"4\",\"campaignAlias\":\"A\"}],\"defaultValues\":{\"campaignAlias\":\"bcd\"},"
	     "\"campaignAlias\":\"root\",\"messageText\":\"x\"}");
	assert_int_equal(f.campaigns_asked, 2);
	assert_int_equal(fake_last(f.engine).campaign_ids[0], 1001);
	assert_int_equal(fake_last(f.engine).campaign_ids[1], 1003);
	assert_int_equal(fake_last(f.engine).campaign_ids[2], 64);
	assert_int_equal(fake_last(f.engine).campaign_ids[3], 1001);
}

static unsigned kept(void) { return f.campaigns_settled[1]; }

static unsigned forgotten(void) { return f.campaigns_settled[0]; }

TEST(a_refused_request_registers_no_campaign)
{
	static const char natal[] = ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"";

	single(200, "ana", natal);
	assert_int_equal(kept(), 1);
	assert_int_equal(forgotten(), 0);
	fake_too_many(f.engine, 5000);
	single(429, "ana", natal);
	assert_int_equal(forgotten(), 1);
	bulk(429, "ana", "{\"messages\":[{\"destination\":\"1\",\"campaignAlias\":\"a\"},{\"destination\":\"2\",\"campaignAlias\":\"b\"}],\"messageText\":\"x\"}");
	assert_int_equal(forgotten(), 3);
	fake_too_many(f.engine, 0);
	fake_refuse(f.engine, true);
	single(503, "ana", natal);
	assert_int_equal(forgotten(), 4);
	fake_refuse(f.engine, false);
	/* nothing is settled that was not registered */
	f.campaign_error = -EIO;
	single(503, "ana", natal);
	f.campaign_error = 0;
	single(200, "ana", ",\"messageText\":\"x\"");
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"promo\"");
	assert_int_equal(kept(), 1);
	assert_int_equal(forgotten(), 4);
	single(200, "ana", natal);
	assert_int_equal(kept(), 2);
}

TEST(a_campaign_may_be_refused)
{
	char body[200];

	message_is(single(400, "eva", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\""),
		   "campaignAlias: unknown, and the account registers none by use");
	message_is(bulk(400, "eva", "{\"messages\":[{\"destination\":\"1\"},{\"destination\":\"2\"}],\"messageText\":\"x\",\"defaultValues\":{\"campaignAlias\":\"n\"}}"),
		   "defaultValues.campaignAlias: unknown, and the account registers none by use");
	message_is(bulk(400, "eva", "{\"messages\":[{\"destination\":\"1\",\"campaignAlias\":\"Promo\"},{\"destination\":\"2\",\"campaignAlias\":\"n\"}],\"messageText\":\"x\"}"),
		   "messages[1].campaignAlias: unknown, and the account registers none by use");
	snprintf(body, sizeof body, ",\"messageText\":\"x\",\"campaignAlias\":\"%s\"", repeat("a", 129));
	message_is(single(400, "ana", body), "campaignAlias: longer than 128 characters");
	message_is(single(400, "ana", ",\"messageText\":\"x\",\"campaignAlias\":true"),
		   "campaignAlias: must be a string or a whole number");
	f.campaign_error = -ENOSPC;
	message_is(single(400, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\""),
		   "campaignAlias: the account has too many campaigns to register another one");
	f.campaign_error = -EIO;
	single(503, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	f.campaign_error = -EAGAIN;
	single(503, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	assert_int_equal(fake_accepted(f.engine), 0);
	f.campaign_error = 0;
	fake_refuse(f.engine, true);
	single(503, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
	fake_refuse(f.engine, false);
	single(200, "ana", ",\"messageText\":\"x\",\"campaignAlias\":\"Natal\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(a_template_may_choose_the_lane),
		SERVED(header_and_footer_of_marketing_count_in_the_length),
		SERVED(forbidden_words_end_a_message_in_207),
		SERVED(a_registered_campaign_gives_its_id),
		SERVED(an_unknown_campaign_is_registered_by_use),
		SERVED(a_refused_request_registers_no_campaign),
		SERVED(a_campaign_may_be_refused),
	};

	return cmocka_run_group_tests_name("campaign", tests, NULL, NULL);
}
