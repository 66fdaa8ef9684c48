#include "base/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/time.h"

struct item {
	struct mail mail;
	int poster;
	int number;
};

static bool readable(struct mailbox *mb)
{
	struct pollfd p = {.fd = mailbox_fd(mb), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void order_is_kept(void **state)
{
	struct mailbox *mb = mailbox_new(100);
	struct item items[10];
	struct mail *m;
	int n = 0;

	(void)state;
	assert_null(mailbox_take(mb));
	for (int i = 0; i < 10; i++) {
		items[i].number = i;
		assert_true(mailbox_post(mb, &items[i].mail, 1));
	}
	for (m = mailbox_take(mb); m; m = m->next)
		assert_int_equal(OWNER(struct item, mail, m)->number, n++);
	assert_int_equal(n, 10);
	assert_null(mailbox_take(mb));
	mailbox_free(mb);
	mailbox_free(NULL);
}

static void weight_is_held_until_released(void **state)
{
	struct mailbox *mb = mailbox_new(10);
	struct item items[6];

	(void)state;
	assert_true(mailbox_post(mb, &items[0].mail, 6));
	assert_true(mailbox_post(mb, &items[1].mail, 4));
	assert_false(mailbox_post(mb, &items[2].mail, 1));
	assert_int_equal(mailbox_weight(mb), 10);
	assert_non_null(mailbox_take(mb));
	assert_false(mailbox_post(mb, &items[2].mail, 1)); /* taken, but not done with */
	mailbox_post_always(mb, &items[3].mail);
	assert_int_equal(mailbox_weight(mb), 10);
	mailbox_release(mb, 4);
	assert_false(mailbox_post(mb, &items[2].mail, 5));
	assert_true(mailbox_post(mb, &items[2].mail, 4));
	mailbox_release(mb, 10);
	assert_int_equal(mailbox_weight(mb), 0);
	/* Heavier than the whole limit: alone only. */
	assert_true(mailbox_post(mb, &items[4].mail, 50));
	assert_false(mailbox_post(mb, &items[5].mail, 1));
	mailbox_release(mb, 50);
	assert_true(mailbox_post(mb, &items[5].mail, 1));
	assert_false(mailbox_post(mb, &items[1].mail, 50));
	assert_false(mailbox_post(mb, &items[1].mail, SIZE_MAX / 4));
	mailbox_free(mb);
}

static void a_closed_box_refuses(void **state)
{
	struct mailbox *mb = mailbox_new(10);
	struct item a, b;
	struct mail *m;

	(void)state;
	assert_true(mailbox_post(mb, &a.mail, 3));
	mailbox_close(mb);
	mailbox_close(mb);
	assert_false(mailbox_post(mb, &b.mail, 1));
	assert_int_equal(mailbox_weight(mb), 3);
	mailbox_post_always(mb, &b.mail);
	m = mailbox_take(mb);
	assert_ptr_equal(m, &a.mail);
	assert_ptr_equal(m->next, &b.mail);
	mailbox_release(mb, 3);
	assert_int_equal(mailbox_weight(mb), 0);
	assert_false(mailbox_post(mb, &a.mail, 1));
	mailbox_free(mb);
}

static void the_eventfd_is_written_only_for_a_sleeper(void **state)
{
	struct mailbox *mb = mailbox_new(100);
	struct item items[6];

	(void)state;
	assert_false(readable(mb));
	mailbox_post_always(mb, &items[0].mail);
	assert_true(readable(mb)); /* a new box counts as asleep */
	assert_non_null(mailbox_take(mb));
	mailbox_post_always(mb, &items[1].mail);
	assert_non_null(mailbox_take(mb));
	assert_null(mailbox_take(mb));
	assert_false(readable(mb)); /* the null has cleared it */
	mailbox_post_always(mb, &items[2].mail);
	assert_true(readable(mb));
	assert_non_null(mailbox_take(mb));
	assert_null(mailbox_take(mb));
	mailbox_post_always(mb, &items[3].mail);
	mailbox_wait(mb, -1); /* returns at once */
	assert_non_null(mailbox_take(mb));
	assert_null(mailbox_take(mb));
	assert_false(readable(mb));
	mailbox_free(mb);
}

static void wait_ends_by_time_or_wake(void **state)
{
	struct mailbox *mb = mailbox_new(100);
	int64_t began = mono_us();

	(void)state;
	mailbox_wait(mb, 20);
	assert_true(mono_us() - began >= 20000);
	mailbox_wait(mb, 0);
	mailbox_wake(mb);
	assert_null(mailbox_take(mb)); /* does not swallow the wake */
	mailbox_wait(mb, -1);
	began = mono_us();
	mailbox_wait(mb, 10); /* the wake was used up */
	assert_true(mono_us() - began >= 10000);
	mailbox_free(mb);
}

#define POSTERS 4
#define EACH 50000

struct run {
	struct mailbox *mb;
	struct item *items;
	int poster;
	int refused;
};

static void *post_all(void *ctx)
{
	struct run *r = ctx;

	for (int i = 0; i < EACH; i++) {
		struct item *it = &r->items[i];

		it->poster = r->poster;
		it->number = i;
		if (r->poster == 0) {
			mailbox_post_always(r->mb, &it->mail);
			continue;
		}
		while (!mailbox_post(r->mb, &it->mail, 1)) {
			r->refused++;
			sched_yield();
		}
	}
	return NULL;
}

/* Takes everything that the posters post; waits by poll on the eventfd or by mailbox_wait. */
static void drain(struct mailbox *mb, bool by_fd)
{
	int next[POSTERS] = {0}, got = 0;

	while (got < POSTERS * EACH) {
		struct mail *m = mailbox_take(mb);
		size_t weight = 0;

		if (!m && by_fd) {
			struct pollfd p = {.fd = mailbox_fd(mb), .events = POLLIN};

			assert_int_equal(poll(&p, 1, 20000), 1); /* else a wake-up was lost */
		} else if (!m) {
			mailbox_wait(mb, -1);
		}
		while (m) {
			struct item *it = OWNER(struct item, mail, m);

			m = m->next;
			if (it->number != next[it->poster])
				fail_msg("poster %d: %d instead of %d", it->poster, it->number, next[it->poster]);
			next[it->poster]++;
			weight += it->poster != 0;
			got++;
		}
		mailbox_release(mb, weight);
	}
}

static void posters_and_taker(bool by_fd)
{
	struct mailbox *mb = mailbox_new(1000);
	struct run runs[POSTERS];
	pthread_t t[POSTERS];

	for (int i = 0; i < POSTERS; i++) {
		runs[i] = (struct run){.mb = mb, .items = calloc(EACH, sizeof(struct item)), .poster = i};
		assert_non_null(runs[i].items);
		assert_int_equal(pthread_create(&t[i], NULL, post_all, &runs[i]), 0);
	}
	drain(mb, by_fd);
	for (int i = 0; i < POSTERS; i++) {
		pthread_join(t[i], NULL);
		free(runs[i].items);
	}
	assert_null(mailbox_take(mb));
	assert_int_equal(mailbox_weight(mb), 0);
	mailbox_free(mb);
}

static void threads_lose_nothing_by_wait(void **state)
{
	(void)state;
	posters_and_taker(false);
}

static void threads_lose_nothing_by_eventfd(void **state)
{
	(void)state;
	posters_and_taker(true);
}

struct ping {
	struct mailbox *there, *back;
};

static void *echo(void *ctx)
{
	struct ping *p = ctx;

	for (int got = 0; got < 20000;) {
		struct mail *m;

		mailbox_wait(p->there, -1);
		for (m = mailbox_take(p->there); m; got++) {
			struct mail *next = m->next;

			mailbox_post_always(p->back, m);
			m = next;
		}
	}
	return NULL;
}

/* One at a time, so that each side sleeps before each post: the handshake of armed and head, 20000 times. */
static void no_wake_up_is_lost(void **state)
{
	struct ping p = {mailbox_new(1), mailbox_new(1)};
	struct item it;
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, echo, &p), 0);
	for (int i = 0; i < 20000; i++) {
		mailbox_post_always(p.there, &it.mail);
		do
			mailbox_wait(p.back, -1);
		while (!mailbox_take(p.back));
	}
	pthread_join(t, NULL);
	mailbox_free(p.there);
	mailbox_free(p.back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(weight_is_held_until_released),
		cmocka_unit_test(a_closed_box_refuses),
		cmocka_unit_test(the_eventfd_is_written_only_for_a_sleeper),
		cmocka_unit_test(wait_ends_by_time_or_wake),
		cmocka_unit_test(threads_lose_nothing_by_wait),
		cmocka_unit_test(threads_lose_nothing_by_eventfd),
		cmocka_unit_test(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
