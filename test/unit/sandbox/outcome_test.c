/* outcome_test.c - the table of outcomes, and the shares of everything else. */
#include "esme.h"
#include "sandbox/outcome.h"

static struct sandbox_settings s;
static struct prng rng;
static const struct sms_part whole = {.total = 1, .seq = 1};

static struct sandbox_outcome of(const char *number, unsigned throttled)
{
	struct sandbox_outcome o;

	sandbox_outcome(&s, str_of(number), &whole, 1, throttled, &rng, &o);
	return o;
}

static void numbers_choose(void **state)
{
	(void)state;
	sandbox_settings_default(&s);
	assert_int_equal(of("5511990000001", 0).state, RECEIPT_DELIVERED);
	assert_int_equal(of("5511990000001", 0).delay_ms, 50);
	assert_int_equal(of("5511990000001", 0).receipts, 1);
	assert_int_equal(of("9101", 0).state, RECEIPT_EXPIRED);
	assert_int_equal(of("5511990009102", 0).status, SMPP_RINVDSTADR);
	assert_int_equal(of("5511990009103", 0).status, SMPP_RSUBMITFAIL);
	assert_int_equal(of("5511990009104", 0).state, RECEIPT_UNDELIVERABLE);
	assert_int_equal(of("5511990009058", 0).status, SMPP_RTHROTTLED);
	assert_int_equal(of("5511990009058", 1).status, SMPP_RTHROTTLED);
	assert_int_equal(of("5511990009058", 2).status, SMPP_ROK);
	assert_int_equal(of("5511990009000", 0).receipts, 0);
	assert_true(of("5511990009001", 0).receipt_first);
	assert_int_equal(of("5511990009002", 0).receipts, 2);
	assert_true(of("5511990009002", 0).out_of_order);
	assert_true(of("5511990009003", 0).other_notation);
	assert_true(of("5511990009004", 0).silent);
	assert_true(of("5511990009005", 0).close);
	assert_string_equal(of("5511990009007", 0).answer, "SAIR");
	assert_int_equal(of("910", 0).state, RECEIPT_DELIVERED);
	assert_int_equal(of("", 0).state, RECEIPT_DELIVERED);
	assert_int_equal(of("551199-9101x", 0).state, RECEIPT_DELIVERED);
}

static void only_the_second_part_fails(void **state)
{
	struct sms_part part = {.joined = true, .total = 3, .seq = 1};
	struct sandbox_outcome o;

	(void)state;
	sandbox_settings_default(&s);
	for (part.seq = 1; part.seq <= 3; part.seq++) {
		sandbox_outcome(&s, STR("5511990009006"), &part, 3, 0, &rng, &o);
		assert_int_equal(o.state, part.seq == 2 ? RECEIPT_UNDELIVERABLE : RECEIPT_DELIVERED);
	}
	sandbox_outcome(&s, STR("5511990009006"), &whole, 3, 0, &rng, &o); /* message_payload */
	assert_int_equal(o.state, RECEIPT_UNDELIVERABLE);
	assert_int_equal(of("5511990009006", 0).state, RECEIPT_DELIVERED);
	s.second_part = SANDBOX_SECOND_PART_REFUSE;
	part.seq = 2;
	sandbox_outcome(&s, STR("5511990009006"), &part, 3, 0, &rng, &o);
	assert_int_equal(o.status, SMPP_RSUBMITFAIL);
}

static void shares_come_about_as_often_as_told(void **state)
{
	unsigned throttled = 0, failed = 0, silent = 0;

	(void)state;
	sandbox_settings_default(&s);
	prng_seed(&rng, 1);
	s.throttle = 20;
	s.fail = 50;
	s.no_receipt = 0.5;
	for (int i = 0; i < 20000; i++) {
		struct sandbox_outcome o = of("5511990000001", 0);

		throttled += o.status == SMPP_RTHROTTLED;
		failed += o.state == RECEIPT_UNDELIVERABLE;
		silent += o.receipts == 0;
		assert_int_equal(of("5511990009104", 0).status, SMPP_ROK); /* the table is not touched by them */
	}
	assert_in_range(throttled, 3600, 4400);
	assert_in_range(failed, 9500, 10500);
	assert_in_range(silent, 50, 160);
	s.drop = 100;
	assert_true(of("5511990000001", 0).close);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_choose),
		cmocka_unit_test(only_the_second_part_fails),
		cmocka_unit_test(shares_come_about_as_often_as_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
