/* optout_test.c - wishes of recipients: nothing before the commit, then memory and file, and the same again changes nothing. */
#include "core/optout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "core/numbers.h"
#include "core/ring.h"
#include "model/input.h"
#include "model/metrics.h"
#include "store/memory.h"

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

static struct store *open_store(void)
{
	struct store_options o = {.message_retention_ms = 90 * (int64_t)86400000};
	struct store *s = NULL;

	assert_int_equal(store_memory_open(&s, &o, NULL), 0);
	return s;
}

static struct engine *open_engine(struct store *s, struct settings *settings)
{
	struct engine_config c = {.store = s, .settings = settings, .optout = write_down, .optout_mark = 41};
	struct engine *e = NULL;
	struct err err;

	assert_int_equal(engine_open(&e, &c, &err), 0);
	return e;
}

static void turn(struct engine *e, const struct optout *o)
{
	struct call c = {.in.kind = INPUT_CALL, .fn = ask};
	struct err err;

	asked = o;
	assert_true(engine_post(e, &c.in, true));
	assert_true(engine_turn(e, &err) >= 0);
}

static void wishes_take_effect_with_the_commit(void **state)
{
	struct settings settings = {.memory = 1 << 20, .sms.validity_ms = 86400000, .sms.receipt_wait_ms = 86400000};
	struct store *s = open_store();
	struct optout o = {
		.sub_account = 7, .digits = STR("5511999990001"), .out = true, .at = 1000, .key = 42, .proof = STR("27182: SAIR")};
	struct engine *e;

	(void)state;
	numbers_clear();
	metrics_setup();
	e = open_engine(s, &settings);
	assert_int_equal(optout_mark(e), 41);
	turn(e, &o);
	assert_true(numbers_listed(LIST_OPT_OUT, 7, N));
	assert_int_equal(written.n, 1);
	assert_int_equal(written.key, 42);
	assert_int_equal(written.last.at, 1000);
	assert_int_equal(written.last.source, FROM_MO);
	assert_string_equal(written.why, "27182: SAIR");
	optout_again(e, &o);
	assert_int_equal(written.n, 2);
	assert_int_equal(numbers_count(), 1);
	o.out = false;
	o.key = 43;
	turn(e, &o);
	assert_int_equal(numbers_count(), 0);
	assert_false(written.last.on);
	engine_close(e);
	s->ops->close(s);
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
	struct settings settings = {.memory = 1 << 20, .sms.validity_ms = 86400000, .sms.receipt_wait_ms = 86400000};
	struct channel channel = {&ops};
	struct store *s = open_store();
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true};
	struct engine *e = open_engine(s, &settings);
	struct call c = {.in.kind = INPUT_CALL, .fn = ask_and_confirm};
	struct err err;

	(void)state;
	numbers_clear();
	e->channel = &channel;
	asked = &o;
	assert_true(engine_post(e, &c.in, true));
	assert_true(engine_turn(e, &err) >= 0);
	assert_int_equal(sends, 1);
	numbers_clear();
	engine_close(e);
	s->ops->close(s);
}

static void the_mark_waits_for_the_file(void **state)
{
	struct settings settings = {.memory = 1 << 20, .sms.validity_ms = 86400000, .sms.receipt_wait_ms = 86400000};
	struct store *s = open_store();
	struct engine_config c = {
		.store = s, .settings = &settings, .optout = write_down, .optout_written = written_so_far, .optout_mark = 41};
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true, .key = 50};
	struct engine *e = NULL;
	struct err err;

	(void)state;
	numbers_clear();
	in_file = 41;
	assert_int_equal(engine_open(&e, &c, &err), 0);
	turn(e, &o);
	o.key = 60;
	o.out = false;
	turn(e, &o);
	assert_int_equal(optout_mark(e), 41);
	in_file = 50;
	assert_int_equal(optout_mark(e), 50);
	assert_int_equal(optout_mark(e), 50); /* 60 is on its way */
	in_file = 60;
	assert_true(optout_mark(e) >= 60);
	engine_close(e);
	s->ops->close(s);
}

static void an_opt_in_counts_at_once(void **state)
{
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true};

	(void)state;
	numbers_clear();
	optout_early(&o);
	assert_int_equal(numbers_count(), 0);
	numbers_change(&(struct number_change){.list = LIST_OPT_OUT, .on = true, .owner = 7, .number = N}, 1);
	o.out = false;
	optout_early(&o);
	assert_int_equal(numbers_count(), 0);
}

static void proofs_are_cut_between_characters(void **state)
{
	struct settings settings = {.memory = 1 << 20, .sms.validity_ms = 86400000, .sms.receipt_wait_ms = 86400000};
	struct store *s = open_store();
	char proof[400];
	struct optout o = {.sub_account = 7, .digits = STR("5511999990001"), .out = true, .proof = {proof, sizeof proof}};
	struct engine *e = open_engine(s, &settings);

	(void)state;
	for (size_t i = 0; i < sizeof proof; i += 2)
		memcpy(proof + i, "\xc3\xa3", 2);
	optout_again(e, &o);
	assert_int_equal(strlen(written.why), 254);
	memset(proof, 'a', sizeof proof);
	optout_again(e, &o);
	assert_int_equal(strlen(written.why), 255);
	numbers_clear();
	engine_close(e);
	s->ops->close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_take_effect_with_the_commit),
		cmocka_unit_test(a_confirmation_leaves_when_the_wish_is_in_force),
		cmocka_unit_test(the_mark_waits_for_the_file),
		cmocka_unit_test(an_opt_in_counts_at_once),
		cmocka_unit_test(proofs_are_cut_between_characters),
	};

	return cmocka_run_group_tests_name("optout", tests, NULL, NULL);
}
