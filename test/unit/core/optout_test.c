/* optout_test.c - wishes of recipients: nothing before the commit, then memory and file, and the same again changes nothing. */
#include "core/optout.h"

#include "engine_bench.h"

#include <stdlib.h>
#include <string.h>

#include "core/numbers.h"
#include "core/ring.h"
#include "model/input.h"

#define N 5511999990001

static struct {
	int n;
	struct number_change last;
	char why[NUMBER_WHY_MAX + 1];
	int64_t key;
} written;

static void write_down(void *ctx, const struct number_change *c, int64_t key)
{
	(void)ctx;
	numbers_change(c, 1);
	written.n++;
	written.last = *c;
	written.key = key;
	assert_true(c->why.n <= NUMBER_WHY_MAX);
	memcpy(written.why, c->why.p, c->why.n);
	written.why[c->why.n] = '\0';
}

static int64_t in_file;
static int64_t written_so_far(void *ctx)
{
	(void)ctx;
	return in_file;
}

static const struct optout *asked;

static void ask(struct engine *e, struct call *c)
{
	(void)c;
	optout_change(e, asked);
	/* I1: not before the commit. */
	assert_int_equal(numbers_listed(LIST_OPT_OUT, asked->sub_account, N), !asked->out);
}

static struct engine_bench b;

static int setup(void **state)
{
	(void)state;
	memset(&b, 0, sizeof b);
	engine_bench_make(&b, 1790000000000);
	b.config.optout = write_down;
	b.config.optout_mark = 41;
	engine_bench_open(&b);
	numbers_clear();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	numbers_clear();
	engine_bench_close(&b);
	return 0;
}

static void turn(const struct optout *o)
{
	struct call c = {.in.kind = INPUT_CALL, .fn = ask};

	asked = o;
	assert_true(engine_post(b.e, &c.in, true));
	engine_bench_turn(&b);
}

static void wishes_take_effect_with_the_commit(void **state)
{
	struct optout o = {
		.sub_account = 7, .digits = STR("5511999990001"), .out = true, .at = 1000, .key = 42, .proof = STR("27182: SAIR")};

	(void)state;
	assert_int_equal(optout_mark(b.e), 41);
	turn(&o);
	assert_true(numbers_listed(LIST_OPT_OUT, 7, N));
	assert_int_equal(written.n, 1);
	assert_int_equal(written.key, 42);
	assert_int_equal(written.last.at, 1000);
	assert_int_equal(written.last.source, FROM_MO);
	assert_string_equal(written.why, "27182: SAIR");
	optout_again(b.e, &o);
	assert_int_equal(written.n, 2);
	assert_int_equal(numbers_count(), 1);
	o.out = false;
	o.key = 43;
	turn(&o);
	assert_int_equal(numbers_count(), 0);
	assert_false(written.last.on);
}

static int sends;

static void channel_send(struct channel *ch, struct attempt *chain)
{
	(void)ch;
	sends++;
	assert_true(numbers_listed(LIST_OPT_OUT, asked->sub_account, N));
	attempt_free(chain);
}

static void ask_and_confirm(struct engine *e, struct call *c)
{
	struct delivery *d = delivery_new(&(struct delivery_text){.number = STR("5511999990001")});

	ask(e, c);
	e->send_first = e->send_last = attempt_new(d, 1, 1);
	delivery_free(d);
}

/* Whoever reads "you are off the list" is. */
static void a_confirmation_leaves_when_the_wish_is_in_force(void **state)
{
	static const struct channel_ops ops = {.kind = "sms", .send = channel_send};
	static struct channel channel = {&ops};
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true};
	struct call c = {.in.kind = INPUT_CALL, .fn = ask_and_confirm};

	(void)state;
	b.e->channel = &channel;
	asked = &o;
	assert_true(engine_post(b.e, &c.in, true));
	engine_bench_turn(&b);
	assert_int_equal(sends, 1);
}

static void the_mark_waits_for_the_file(void **state)
{
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true, .key = 50};

	(void)state;
	in_file = 41;
	engine_close(b.e);
	b.config.optout_written = written_so_far;
	engine_bench_open(&b);
	turn(&o);
	o.key = 60;
	o.out = false;
	turn(&o);
	assert_int_equal(optout_mark(b.e), 41);
	in_file = 50;
	assert_int_equal(optout_mark(b.e), 50);
	assert_int_equal(optout_mark(b.e), 50); /* 60 is on its way */
	in_file = 60;
	assert_true(optout_mark(b.e) >= 60);
}

static void an_opt_in_counts_at_once(void **state)
{
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true};

	(void)state;
	optout_early(&o);
	assert_int_equal(numbers_count(), 0);
	numbers_change(&(struct number_change){.list = LIST_OPT_OUT, .on = true, .owner = 7, .number = N}, 1);
	o.out = false;
	optout_early(&o);
	assert_int_equal(numbers_count(), 0);
}

static void proofs_are_cut_between_characters(void **state)
{
	char proof[400];
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true, .proof = {proof, sizeof proof}};

	(void)state;
	for (size_t i = 0; i < sizeof proof; i += 2)
		memcpy(proof + i, "\xc3\xa3", 2);
	optout_again(b.e, &o);
	assert_int_equal(strlen(written.why), 254);
	memset(proof, 'a', sizeof proof);
	optout_again(b.e, &o);
	assert_int_equal(strlen(written.why), 255);
}

int main(void)
{
#define ON_ENGINE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ON_ENGINE(wishes_take_effect_with_the_commit),
		ON_ENGINE(a_confirmation_leaves_when_the_wish_is_in_force),
		ON_ENGINE(the_mark_waits_for_the_file),
		ON_ENGINE(an_opt_in_counts_at_once),
		ON_ENGINE(proofs_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("optout", tests, NULL, NULL);
}
