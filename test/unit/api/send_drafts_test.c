/* send_drafts_test.c - what becomes of a request that is in order: numbers, refusals, parts and flags of its drafts. */
#include "request_reader.h"

#include "api/send_request.h"
#include "core/snapshot.h"
#include "model/codes.h"

static struct settings settings = {.sms.validity_ms = 86400000};
static struct sub_account sub;

static struct draft *drafts(const char *body)
{
	const struct snapshot_source nothing = {.accounts = NULL};
	struct text_scope sc = {.sub = &sub};

	read_body(true, body);
	good();
	snapshot_publish(snapshot_new(&nothing));
	sc.snap = snapshot_get();
	send_texts(&request, &sc, &arena, &faults);
	snapshot_put(sc.snap);
	snapshot_publish(NULL);
	good();
	return send_drafts(&request, &settings, &sub, &arena);
}

TEST(numbers_decide_what_a_draft_becomes)
{
	struct draft *d = drafts("{\"messageText\":\"x\",\"messages\":[{\"destination\":\"+55 (11) "
				 "90000-0000\"},{\"destination\":\"abc\"},"
				 "{\"destination\":\"551\"},{\"destination\":\"351912345678\"},{"
				 "\"destination\":\"551187654321\"}]}");

	assert_true(str_eqz(d[0].t.number, "5511900000000"));
	assert_true(str_eqz(d[0].t.destination, "+55 (11) 90000-0000"));
	assert_int_equal(d[0].invalid, 0);
	assert_int_equal(d[0].operator_id, 1);
	assert_int_equal(d[0].validity_ms, 86400000);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(d[i].invalid, SENT_INVALID_DESTINATION_NUMBER);
		assert_int_equal(d[i].invalid_reason, REASON_BAD_NUMBER);
		assert_int_equal(d[i].t.number.n, 0);
		assert_int_equal(d[i].operator_id, 0);
	}
	assert_int_equal(d[3].invalid, SENT_CARRIER_COMMUNICATION_ERROR);
	assert_int_equal(d[3].invalid_reason, REASON_NO_ROUTE);
	assert_true(str_eqz(d[3].t.number, "351912345678"));
	assert_true(d[3].flags & DF_NO_REPORTS);
	/* The ninth digit is added for routing; the caller's spelling is echoed. */
	assert_true(str_eqz(d[4].t.number, "5511987654321"));
	assert_true(str_eqz(d[4].t.destination, "551187654321"));
}

TEST(only_mobiles_are_taken_and_what_the_operator_adds)
{
	static char prefix[] = "551130", *prefixes[] = {prefix};
	static const char body[] =
		"{\"messageText\":\"x\",\"messages\":[{\"destination\":\"+55 11 3000-1234\"},"
		"{\"destination\":27182},{\"destination\":\"+44 7700 900123\"},"
		"{\"destination\":\"+44 (0)7400 123456\"},{\"destination\":\"551130\"}]}";
	struct draft *d = drafts(body);

	for (int i = 0; i < 3; i++)
		assert_int_equal(d[i].invalid, SENT_INVALID_DESTINATION_NUMBER);
	assert_true(str_eqz(d[3].t.number, "447400123456"));
	settings.sms.mobile_prefixes = prefixes;
	settings.sms.mobile_prefix_count = 1;
	d = drafts(body);
	assert_int_equal(d[0].invalid, 0);
	assert_true(str_eqz(d[0].t.number, "551130001234"));
	assert_int_equal(d[1].invalid, SENT_INVALID_DESTINATION_NUMBER);
	assert_int_equal(d[4].invalid, SENT_INVALID_DESTINATION_NUMBER);
	settings.sms.mobile_prefix_count = 0;
}

TEST(listed_numbers_end_before_routes_are_asked)
{
	static const char body[] = "{\"messageText\":\"x\",\"messages\":[{\"destination\":\"5511900000003\"},"
				   "{\"destination\":\"351912345674\"},{\"destination\":\"5511900000005\"},"
				   "{\"destination\":\"3\"}]}";
	struct draft *d;

	sub = (struct sub_account){.id = 6, .account = 4};
	d = drafts(body);
	assert_int_equal(d[0].invalid, SENT_BLACKLISTED);
	assert_int_equal(d[0].invalid_reason, REASON_BLOCKED);
	assert_int_equal(d[0].operator_id, 1);
	assert_int_equal(d[1].invalid, SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	assert_int_equal(d[1].invalid_reason, REASON_OPTED_OUT);
	assert_int_equal(d[2].invalid, 0);
	assert_int_equal(d[3].invalid, SENT_INVALID_DESTINATION_NUMBER);
	sub.account = 5;
	assert_int_equal(drafts(body)[0].invalid, SENT_DESTINATION_BLOCKED_BY_OPTOUT);
	sub = (struct sub_account){0};
}

TEST(parts_are_estimated)
{
	struct buf b = BUF_INIT;
	struct draft *d;

	buf_fmt(&b, "{\"messages\":[{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("a", 160));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("a", 161));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}", repeat("ã", 71));
	buf_fmt(&b, ",{\"destination\":\"1\",\"messageText\":\"%s\"}]}", repeat("😀", 1280));
	d = drafts(buf_cstr(&b));
	assert_int_equal(d[0].parts, 1);
	assert_int_equal(d[1].parts, 2);
	assert_int_equal(d[2].parts, 2);
	assert_int_equal(d[3].parts, 39);
	buf_done(&b);
}

/* The connection's profile decides how many they will be. */
TEST(parts_are_estimated_as_the_connection_will_make_them)
{
	static const struct {
		struct profile_setting profile;
		const char *unit;
		int times, parts;
	} cases[] = {
		{{.alphabets = ALPHABET_LATIN1 | ALPHABET_UCS2}, "ã", 140, 1},
		{{.alphabets = ALPHABET_LATIN1 | ALPHABET_UCS2}, "ã", 141, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_FOLD}, "ã", 160, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_SINGLE_SHIFT}, "ã", 77, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2, .accents = ACCENTS_SINGLE_SHIFT}, "ã", 78, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_GSM7EXT | ALPHABET_UCS2}, "€", 80, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2}, "€", 80, 2}, /* gsm7basic */
		{{.alphabets = ALPHABET_ASCII}, "a", 160, 1},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_UDH16}, "a", 305, 3},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_UDH8}, "a", 306, 2},
		{{.alphabets = ALPHABET_GSM7 | ALPHABET_UCS2, .join = JOIN_NONE}, "a", 309, 3},
	};
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		likely = &cases[i].profile;
		buf_clear(&b);
		buf_fmt(&b, "{\"messages\":[{\"destination\":\"5511900000000\",\"messageText\":\"%s\"}]}",
			repeat(cases[i].unit, cases[i].times));
		assert_int_equal(drafts(buf_cstr(&b))[0].parts, cases[i].parts);
	}
	likely = NULL;
	buf_done(&b);
}

TEST(flags_come_from_request_and_sub_account)
{
	static const char body[] = "{\"messageText\":\"x\",\"messages\":[{\"destination\":\"5511900000000\","
				   "\"flashSMS\":true,\"correlationId\":\"c\"}]}";

	sub = (struct sub_account){0};
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR);
	sub.marketing = true;
	settings.sms.doubt_resend = true;
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR | DF_MARKETING | DF_RESEND_DOUBT);
	sub = (struct sub_account){.resend_doubt_set = true};
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR);
	settings.sms.doubt_resend = false;
	sub.resend_doubt = true;
	assert_int_equal(drafts(body)[0].flags, DF_FLASH | DF_HAS_CORR | DF_RESEND_DOUBT);
	forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(numbers_decide_what_a_draft_becomes),
		RUN(only_mobiles_are_taken_and_what_the_operator_adds),
		RUN(listed_numbers_end_before_routes_are_asked),
		RUN(parts_are_estimated),
		RUN(parts_are_estimated_as_the_connection_will_make_them),
		RUN(flags_come_from_request_and_sub_account),
	};

	return cmocka_run_group_tests_name("send_drafts", tests, NULL, NULL);
}
