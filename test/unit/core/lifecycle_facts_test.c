/* lifecycle_facts_test.c - what a table of lives cannot show: late answers, credit that is held, how retries back off, parts by id. */
#include "lifecycle_life.h"

#include <string.h>

#include "model/codes.h"

static const struct life one_part = {.parts = 1};

static void answers_of_an_earlier_attempt_do_not_count(void **state)
{
	struct delivery *d = fresh(&one_part);
	struct decision out;
	const struct row dispatch = {.op = DISPATCH}, temporary = {.op = RESULT, .a = V_TEMPORARY, .c = 1},
			 refused = {.op = RESULT, .a = V_REFUSED, .c = 1};
	struct result late = {.attempt = 1, .verdict = V_REFUSED, .parts = 1};
	struct fact f = {.kind = FACT_RESULT, .result = &late};

	(void)state;
	decide(d, &dispatch, &policy, T0, &out);
	delivery_apply(d, &out.ev[0]);
	decide(d, &temporary, &policy, T0, &out);
	delivery_apply(d, &out.ev[0]);
	decide(d, &dispatch, &policy, T0, &out);
	delivery_apply(d, &out.ev[0]);
	assert_int_equal(d->attempts, 2);
	lifecycle_step(d, &f, &policy, T0, &out);
	assert_int_equal(out.n, 0);
	late.verdict = V_ACCEPTED;
	lifecycle_step(d, &f, &policy, T0, &out);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.ev[0].kind, EV_LATE);
	decide(d, &refused, &policy, T0, &out);
	assert_int_equal(out.ev[0].kind, EV_SENT);
	delivery_free(d);
}

/* What ends an attempt ends its hold on the credit, and nothing else does. */
static void credit_is_held_while_an_attempt_is_open(void **state)
{
	static const struct {
		struct row row;
		bool held;
	} ends[] = {
		{{.op = RESULT, .a = V_ACCEPTED, .b = 1, .c = 3}, true}, /* one part of three */
		{{.op = RESULT, .a = V_DOUBT, .c = 3}, true},
		{{.op = RESTART}, true},
		{{.op = RESULT, .a = V_REFUSED, .c = 3}, false},
		{{.op = RESULT, .a = V_TEMPORARY, .c = 3}, false},
		{{.op = RESULT, .a = V_NOT_SENT, .c = 3}, false},
		{{.op = RESULT, .a = V_EXPIRED, .c = 3}, false},
	};
	struct fact f = {.kind = FACT_DISPATCH, .connection = 1, .connection_name = "main", .unit_price = 7, .held_from = CREDIT_FROM_SUB};
	struct decision out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct delivery *d = fresh(&one_part);

		delivery_set_parts(d, 3);
		f.no_credit = false;
		lifecycle_step(d, &f, &policy, T0, &out);
		assert_true(out.send);
		delivery_apply(d, &out.ev[0]);
		assert_int_equal(d->held, 21);
		assert_int_equal(d->unit_price, 7);
		assert_int_equal(d->held_from, CREDIT_FROM_SUB);
		decide(d, &ends[i].row, &policy, T0, &out);
		for (int k = 0; k < out.n; k++)
			delivery_apply(d, &out.ev[k]);
		assert_int_equal(d->held, ends[i].held ? 21 : 0);
		assert_int_equal(d->held_from, ends[i].held ? CREDIT_FROM_SUB : 0);
		delivery_free(d);
	}
}

static void without_credit_it_ends_and_nothing_is_sent(void **state)
{
	struct fact f = {
		.kind = FACT_DISPATCH, .connection = 1, .connection_name = "main", .unit_price = 1, .held_from = 1, .no_credit = true};
	struct delivery *d = fresh(&one_part);
	struct decision out;

	(void)state;
	lifecycle_step(d, &f, &policy, T0, &out);
	assert_false(out.send);
	assert_int_equal(out.n, 1);
	delivery_apply(d, &out.ev[0]);
	assert_int_equal(d->state, D_DONE);
	assert_int_equal(d->sent_code, SENT_NO_CREDIT);
	assert_int_equal(d->reason, REASON_NO_CREDIT);
	assert_int_equal(d->held_from, 0);
	delivery_free(d);
	/* what is over is over, credit or not */
	d = fresh(&one_part);
	lifecycle_step(d, &f, &policy, d->expires_at, &out);
	assert_int_equal(out.ev[0].code, SENT_EXPIRED);
	delivery_free(d);
}

static void retries_back_off_then_level(void **state)
{
	struct policy p = policy;
	struct decision out;
	const struct row dispatch = {.op = DISPATCH}, temporary = {.op = RESULT, .a = V_TEMPORARY, .c = 1};
	const int64_t want[] = {750,  1500, 3000,
				6000, 6000, 6000}; /* half fixed, half of the other half by chance 0.5 */
	struct delivery *d = fresh(&one_part);

	(void)state;
	p.retry_tries = 100;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		decide(d, &dispatch, &p, T0, &out);
		delivery_apply(d, &out.ev[0]);
		decide(d, &temporary, &p, T0, &out);
		assert_int_equal(out.ev[0].at2 - T0, want[i]);
		delivery_apply(d, &out.ev[0]);
	}
	d->expires_at = T0 + 10;
	decide(d, &dispatch, &p, T0, &out);
	delivery_apply(d, &out.ev[0]);
	decide(d, &temporary, &p, T0, &out);
	assert_int_equal(out.ev[0].at2, T0 + 10); /* never later than the expiry */
	delivery_free(d);
}

static void parts_are_found_by_their_id(void **state)
{
	struct delivery *d = fresh(&one_part);
	struct decision out;
	const struct row rows[] = {{.op = DISPATCH},
				   {.op = RESULT, .a = V_ACCEPTED, .b = 1, .c = 3},
				   {.op = RESULT, .a = V_ACCEPTED, .b = 0, .c = 3},
				   {.op = RESULT, .a = V_ACCEPTED, .b = 2, .c = 3}};

	(void)state;
	assert_int_equal(delivery_part_with(d, 1001), -1);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		decide(d, &rows[i], &policy, T0, &out);
		delivery_apply(d, &out.ev[0]);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(delivery_part_with(d, 1000 + (uint64_t)i), i);
	assert_int_equal(delivery_part_with(d, 5), -1);
	delivery_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_of_an_earlier_attempt_do_not_count),
		cmocka_unit_test(credit_is_held_while_an_attempt_is_open),
		cmocka_unit_test(without_credit_it_ends_and_nothing_is_sent),
		cmocka_unit_test(retries_back_off_then_level),
		cmocka_unit_test(parts_are_found_by_their_id),
	};

	return cmocka_run_group_tests_name("core-lifecycle-facts", tests, NULL, NULL);
}
