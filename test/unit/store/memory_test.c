/* What the memory driver does beyond the contract that all drivers share (contract.c): crashes, failures, the observer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include "base/buf.h"
#include "store/memory.h"

static struct store *open_store(void)
{
	struct store_options o = {.message_retention_ms = 90 * (int64_t)86400000};
	struct store *s = NULL;

	assert_int_equal(store_memory_open(&s, &o, NULL), 0);
	return s;
}

static void accept(struct store *s, int64_t key)
{
	struct delivery *d = delivery_new(&(struct delivery_text){.text = STR("x"), .correlation = STR("c")});

	d->key = key;
	d->account = 1;
	s->ops->accept(s, d);
	delivery_free(d);
}

static void event(struct store *s, int64_t seq, int64_t key, int kind)
{
	s->ops->event(s, &(struct event){.seq = seq, .key = key, .kind = (uint8_t)kind, .sub_account = 1});
}

static int commit(struct store *s)
{
	struct err e;

	return s->ops->commit(s, &e);
}

static bool has(struct store *s, int64_t key)
{
	struct delivery *d = NULL;
	bool found = s->ops->load(s, key, &d) == 0;

	delivery_free(d);
	return found;
}

static void crash_drops_what_was_not_committed(void **state)
{
	struct store *s = open_store(), *again;

	(void)state;
	s->ops->begin(s);
	accept(s, 10);
	event(s, 1, 10, EV_ATTEMPT);
	s->ops->hook_set(s, &(struct hook_row){.key = 10, .kind = HOOK_SENT, .tries = 1});
	assert_int_equal(commit(s), 0);
	s->ops->begin(s);
	accept(s, 20);
	event(s, 2, 20, EV_ATTEMPT);
	s->ops->mark(s, "m", STR("v"));
	s->ops->hook_set(s, &(struct hook_row){.key = 10, .kind = HOOK_SENT, .tries = 2});
	s->ops->park(s, &(struct parked_row){.id = 1});
	assert_true(has(s, 20)); /* the writer sees its own batch */
	assert_int_equal(s->ops->last_seq(s), 2);
	again = store_memory_crash(s);
	assert_false(has(s, 10));
	s->ops->begin(s);
	assert_int_equal(commit(s), -EIO);
	s->ops->close(s);
	s = again;
	assert_true(has(s, 10));
	assert_false(has(s, 20));
	assert_int_equal(s->ops->last_seq(s), 1);
	assert_int_equal(s->ops->last_key(s), 10);
	assert_int_equal(s->ops->parked_count(s), 0);
	struct hook_row h;
	assert_true(s->ops->hook_get(s, 10, HOOK_SENT, &h));
	assert_int_equal(h.tries, 1);
	struct buf b = BUF_INIT;
	assert_false(s->ops->mark_get(s, "m", &b));
	s->ops->close(s);
}

static void failed_commit_sticks(void **state)
{
	(void)state;
	for (int how = MEMORY_LOST; how <= MEMORY_KEPT; how++) {
		struct store *s = open_store(), *again;

		store_memory_fail_next(s, 2, (enum memory_failure)how);
		s->ops->begin(s);
		accept(s, 10);
		assert_int_equal(commit(s), 0);
		s->ops->begin(s);
		accept(s, 20);
		assert_int_equal(commit(s), -EIO);
		s->ops->begin(s);
		accept(s, 30);
		assert_int_equal(commit(s), -EIO);
		again = store_memory_crash(s);
		s->ops->close(s);
		assert_true(has(again, 10));
		assert_int_equal(has(again, 20), how == MEMORY_KEPT);
		assert_false(has(again, 30));
		again->ops->begin(again);
		accept(again, 40);
		assert_int_equal(commit(again), 0);
		again->ops->close(again);
	}
}

static void readers_see_what_is_committed(void **state)
{
	struct store *s = open_store();
	struct store_reader *r = NULL;
	struct delivery *d = NULL;
	struct event e;
	int64_t keys[4], seq = 1, *seqs = NULL;
	const int64_t *one = &seq;
	size_t n = 0, count = 1;

	(void)state;
	assert_int_equal(s->ops->reader_open(s, &r, NULL), 0);
	s->ops->begin(s);
	accept(s, 10);
	event(s, 1, 10, EV_SENT);
	assert_int_equal(s->ops->r_load(r, 10, &d), -ENOENT);
	assert_int_equal(s->ops->r_event(r, 1, &e), -ENOENT);
	assert_int_equal(s->ops->r_by_correlation(r, 1, STR("c"), keys, 4), 0);
	assert_int_equal(commit(s), 0);
	assert_int_equal(s->ops->r_event(r, 1, &e), 0);
	assert_int_equal(s->ops->r_by_correlation(r, 1, STR("c"), keys, 4), 1);
	s->ops->begin(s);
	assert_int_equal(s->ops->load(s, 10, &d), 0);
	d->state = D_DONE;
	d->last_seq = 1;
	s->ops->merge(s, (const struct delivery *const *)&d, &one, &count, 1);
	delivery_free(d);
	assert_int_equal(s->ops->r_load(r, 10, &d), 0);
	assert_int_equal(d->state, D_QUEUED);
	delivery_free(d);
	assert_int_equal(commit(s), 0);
	assert_int_equal(s->ops->r_load(r, 10, &d), 0);
	assert_int_equal(d->state, D_DONE);
	delivery_free(d);
	assert_int_equal(s->ops->r_history(r, 10, &seqs, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(seqs[0], 1);
	free(seqs);
	s->ops->reader_close(r);
	s->ops->close(s);
}

struct told {
	int accepts, events, parks, commits;
};
static void told_accept(void *ctx, const struct delivery *d)
{
	assert_true(d->key > 0);
	((struct told *)ctx)->accepts++;
}
static void told_event(void *ctx, const struct event *e)
{
	assert_true(e->seq > 0);
	((struct told *)ctx)->events++;
}
static void told_park(void *ctx, const struct parked_row *p)
{
	assert_true(p->id > 0);
	((struct told *)ctx)->parks++;
}
static void told_commit(void *ctx, uint64_t number)
{
	assert_true(number > 0);
	((struct told *)ctx)->commits++;
}

static void observer_hears_of_commits_only(void **state)
{
	struct store *s = open_store(), *again;
	struct told t = {0};

	(void)state;
	store_memory_observe(s, &(struct store_memory_observer){&t, .accept = told_accept, .event = told_event,
								.park = told_park, .committed = told_commit});
	s->ops->begin(s);
	accept(s, 10);
	event(s, 1, 10, EV_ATTEMPT);
	event(s, 2, 10, EV_SENT);
	s->ops->park(s, &(struct parked_row){.id = 1});
	s->ops->unpark(s, 1);
	assert_int_equal(t.accepts + t.events + t.parks, 0);
	assert_int_equal(commit(s), 0);
	assert_true(t.accepts == 1 && t.events == 2 && t.parks == 1 && t.commits == 1);
	s->ops->begin(s);
	event(s, 3, 10, EV_DELIVERED);
	again = store_memory_crash(s);
	s->ops->close(s);
	assert_int_equal(t.events, 2);
	again->ops->begin(again);
	event(again, 3, 10, EV_DELIVERED);
	assert_int_equal(commit(again), 0);
	assert_int_equal(t.events, 3);
	assert_int_equal(store_memory_counts(again).commits, 2);
	assert_int_equal(store_memory_counts(again).parked, 0);
	again->ops->close(again);
}

struct recovered {
	int n;
	size_t events;
};
static bool on_recover(void *ctx, struct delivery *take, const struct event *ev, size_t n)
{
	struct recovered *r = ctx;

	r->n++;
	r->events += n;
	for (size_t i = 0; i < n; i++)
		assert_true(ev[i].key == take->key && ev[i].seq > take->last_seq);
	delivery_free(take);
	return true;
}

static void retention_keeps_what_is_not_over(void **state)
{
	struct store *s = open_store();
	struct delivery *d = NULL;
	const int64_t day = 86400000, first = uid_key_at(100 * day);
	int64_t seq = 1;
	const int64_t *one = &seq;
	size_t count = 1;
	struct recovered r = {0};

	(void)state;
	s->ops->begin(s);
	for (int i = 0; i < 4; i++)
		accept(s, first + i);
	event(s, 1, first, EV_SENT);
	for (int i = 0; i < 3; i++) { /* 0 over; 1 has a pending webhook; 2 a later event; 3 is queued */
		assert_int_equal(s->ops->load(s, first + i, &d), 0);
		d->state = D_DONE;
		s->ops->merge(s, (const struct delivery *const *)&d, &one, &count, 1);
		delivery_free(d);
	}
	s->ops->hook_set(s, &(struct hook_row){.key = first + 1, .kind = HOOK_SENT});
	event(s, 2, first + 2, EV_LATE);
	assert_int_equal(commit(s), 0);
	s->ops->idle(s, 190 * day);
	assert_true(has(s, first)); /* its day is not over by then */
	s->ops->idle(s, 191 * day);
	assert_false(has(s, first));
	assert_true(has(s, first + 1) && has(s, first + 2) && has(s, first + 3));
	assert_int_equal(s->ops->recover(s, on_recover, &r), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.events, 1);
	s->ops->close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crash_drops_what_was_not_committed),
		cmocka_unit_test(failed_commit_sticks),
		cmocka_unit_test(readers_see_what_is_committed),
		cmocka_unit_test(observer_hears_of_commits_only),
		cmocka_unit_test(retention_keeps_what_is_not_over),
	};

	return cmocka_run_group_tests_name("store-memory", tests, NULL, NULL);
}
