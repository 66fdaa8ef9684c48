#include "base/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"

struct fixture {
	struct loop *loop;
	struct timer a, b, c;
	char order[16];
	int n;
	int64_t began;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->began = mono_us();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	timer_done(&f->a);
	timer_done(&f->b);
	timer_done(&f->c);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void note(struct fixture *f, char c)
{
	if (f->n < (int)sizeof(f->order) - 1)
		f->order[f->n++] = c;
}

static void on_a(struct timer *t)
{
	struct fixture *f = OWNER(struct fixture, a, t);

	assert_false(timer_on(t)); /* fired once, then off */
	note(f, 'a');
}

static void on_b(struct timer *t) { note(OWNER(struct fixture, b, t), 'b'); }

static void on_c_stop(struct timer *t)
{
	struct fixture *f = OWNER(struct fixture, c, t);

	note(f, 'c');
	loop_stop(f->loop);
}

static void timers_fire_once_in_order(void **state)
{
	struct fixture *f = *state;

	timer_init(&f->a, f->loop, on_a);
	timer_init(&f->b, f->loop, on_b);
	timer_init(&f->c, f->loop, on_c_stop);
	assert_false(timer_on(&f->a));
	timer_set(&f->c, 30);
	timer_set(&f->b, 15);
	timer_set(&f->a, -5);
	assert_true(timer_on(&f->a));
	loop_run(f->loop);
	assert_string_equal(f->order, "abc");
	assert_true(mono_us() - f->began >= 30000);
	assert_false(timer_on(&f->c));
}

static void a_timer_can_be_moved_and_put_off(void **state)
{
	struct fixture *f = *state;

	timer_init(&f->a, f->loop, on_a);
	timer_init(&f->b, f->loop, on_b);
	timer_init(&f->c, f->loop, on_c_stop);
	timer_set(&f->a, 1);
	timer_set(&f->a, 3600000); /* replaces */
	timer_set(&f->b, 1);
	timer_off(&f->b);
	timer_off(&f->b);
	assert_false(timer_on(&f->b));
	timer_set(&f->c, INT64_MAX);
	timer_set(&f->c, 10);
	loop_run(f->loop);
	assert_string_equal(f->order, "c");
	assert_true(timer_on(&f->a));
	timer_done(&f->a);
	assert_false(timer_on(&f->a));
	timer_off(&f->a);
	timer_done(&f->a);
}

static void stop_before_run_counts(void **state)
{
	struct fixture *f = *state;

	loop_stop(f->loop);
	loop_run(f->loop);
	/* and is used up by it */
	timer_init(&f->c, f->loop, on_c_stop);
	timer_set(&f->c, 5);
	loop_run(f->loop);
	assert_string_equal(f->order, "c");
}

static void defer_second(void *ctx)
{
	struct fixture *f = ctx;

	note(f, '2');
	loop_stop(f->loop);
}

static void defer_first(void *ctx)
{
	struct fixture *f = ctx;

	note(f, '1');
	loop_defer(f->loop, defer_second, f);
}

static void on_a_defer(struct timer *t)
{
	struct fixture *f = OWNER(struct fixture, a, t);

	loop_defer(f->loop, defer_first, f);
	note(f, 'a');
}

static void deferred_calls_come_after_the_callbacks_of_the_turn(void **state)
{
	struct fixture *f = *state;

	timer_init(&f->a, f->loop, on_a_defer);
	timer_init(&f->b, f->loop, on_b);
	timer_set(&f->a, 0);
	timer_set(&f->b, 0);
	loop_run(f->loop);
	if (f->order[0] == 'b')
		assert_string_equal(f->order, "ba12");
	else
		assert_string_equal(f->order, "ab12");
}

static void defer_note(void *ctx) { note(ctx, 'd'); }

static void what_is_deferred_runs_at_the_latest_when_freed(void **state)
{
	struct fixture *f = *state;

	loop_defer(f->loop, defer_note, f);
	loop_defer(f->loop, defer_first, f);
	loop_free(f->loop);
	f->loop = NULL;
	assert_string_equal(f->order, "d12");
}

static void defer_stop(void *ctx) { loop_stop(((struct fixture *)ctx)->loop); }

static void a_deferred_call_does_not_wait_for_an_event(void **state)
{
	struct fixture *f = *state;

	loop_defer(f->loop, defer_stop, f);
	loop_run(f->loop); /* with nothing else to happen */
}

#define ROUNDS 100000

struct item {
	struct mail mail;
	int number;
};

struct crossing {
	struct loop *loop;
	struct mailbox *mb;
	struct item *items;
	struct timer beat;
	int got, beats;
};

static void on_beat(struct timer *t)
{
	struct crossing *c = OWNER(struct crossing, beat, t);

	c->beats++;
	timer_set(t, 1);
}

static void on_mail(void *ctx, struct mail *first)
{
	struct crossing *c = ctx;
	size_t n = 0;

	while (first) {
		struct item *it = OWNER(struct item, mail, first);

		first = first->next;
		if (it->number != c->got++)
			fail_msg("out of order at %d", it->number);
		n++;
	}
	mailbox_release(c->mb, n);
	if (c->got == ROUNDS)
		loop_stop(c->loop);
}

static void *post_all(void *ctx)
{
	struct crossing *c = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		c->items[i].number = i;
		while (!mailbox_post(c->mb, &c->items[i].mail, 1))
			;
		/* Pauses now and then let the loop fall asleep. */
		if (i % 5000 == 0) {
			int64_t end = mono_us() + 2000;

			while (mono_us() < end)
				;
		}
	}
	return NULL;
}

static void mail_reaches_the_loop_and_timers_keep_beating(void **state)
{
	struct fixture *f = *state;
	struct crossing c = {.loop = f->loop, .mb = mailbox_new(500), .items = calloc(ROUNDS, sizeof(struct item))};
	pthread_t t;

	timer_init(&c.beat, f->loop, on_beat);
	timer_set(&c.beat, 1);
	assert_int_equal(loop_attach(f->loop, c.mb, on_mail, &c), 0);
	assert_int_equal(pthread_create(&t, NULL, post_all, &c), 0);
	loop_run(f->loop);
	pthread_join(t, NULL);
	assert_int_equal(c.got, ROUNDS);
	assert_true(c.beats > 0);
	timer_done(&c.beat);
	loop_free(f->loop);
	f->loop = NULL;
	mailbox_free(c.mb);
	free(c.items);
}

static void on_one(void *ctx, struct mail *first)
{
	struct fixture *f = ctx;

	assert_null(first->next);
	note(f, 'm');
	loop_stop(f->loop);
}

static void mail_posted_before_attaching_is_seen(void **state)
{
	struct fixture *f = *state;
	struct mailbox *mb = mailbox_new(1);
	struct item it[2];

	/* Signalled or not: the box was taken from once, so the second post signals nobody. */
	mailbox_post_always(mb, &it[0].mail);
	assert_non_null(mailbox_take(mb));
	mailbox_post_always(mb, &it[1].mail);
	assert_int_equal(loop_attach(f->loop, mb, on_one, f), 0);
	loop_run(f->loop);
	assert_string_equal(f->order, "m");
	loop_free(f->loop);
	f->loop = NULL;
	mailbox_free(mb);
}

struct endless {
	struct fixture *f;
	struct mailbox *mb;
	struct mail mail;
	int got;
};

static void on_endless(void *ctx, struct mail *first)
{
	struct endless *e = ctx;

	e->got++;
	mailbox_post_always(e->mb, first); /* full again at once */
}

static void a_box_that_is_never_empty_does_not_starve_the_rest(void **state)
{
	struct fixture *f = *state;
	struct endless e = {.f = f, .mb = mailbox_new(1)};

	timer_init(&f->a, f->loop, on_a_defer);
	timer_set(&f->a, 5);
	mailbox_post_always(e.mb, &e.mail);
	assert_int_equal(loop_attach(f->loop, e.mb, on_endless, &e), 0);
	loop_run(f->loop); /* ended by the deferred call of the timer */
	assert_string_equal(f->order, "a12");
	assert_true(e.got > 8);
	timer_done(&f->a);
	loop_free(f->loop);
	f->loop = NULL;
	mailbox_free(e.mb);
}

static void *stop_it(void *ctx)
{
	loop_stop(ctx);
	return NULL;
}

static void another_thread_can_stop_it(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 200; i++) {
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, stop_it, f->loop), 0);
		loop_run(f->loop);
		pthread_join(t, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_fire_once_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_timer_can_be_moved_and_put_off, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_before_run_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(deferred_calls_come_after_the_callbacks_of_the_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_deferred_runs_at_the_latest_when_freed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deferred_call_does_not_wait_for_an_event, setup, teardown),
		cmocka_unit_test_setup_teardown(mail_reaches_the_loop_and_timers_keep_beating, setup, teardown),
		cmocka_unit_test_setup_teardown(mail_posted_before_attaching_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(a_box_that_is_never_empty_does_not_starve_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(another_thread_can_stop_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
