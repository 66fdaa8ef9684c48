/* sender_many_test.c - many calls to few receivers: connections used again, limits, receivers that hang or are dead, the end. */
#include "sender_bench.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "model/metrics.h"

/* Stands before the C library's for libcurl's resolver threads: one name never gets an answer until the test lets go. */
static sem_t name_server;
static atomic_int names_asked, names_told;
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	(void)service, (void)hints, (void)res;
	if (node && strcmp(node, "hangs.example") == 0) {
		atomic_fetch_add(&names_asked, 1);
		sem_wait(&name_server);
		atomic_fetch_add(&names_told, 1);
	}
	return EAI_NONAME;
}

/* -- many ----------------------------------------------------------------------------------------------------------- */
static void connections_are_used_again(void **state)
{
	(void)state;
	open_default();
	point(1, "/status/200");
	for (int i = 0; i < 50; i++) {
		send_calls(1, 1);
		call_free(wait_one());
	}
	assert_int_equal(http_receiver_counts(receiver).connections, 1);
	send_calls(1, 2000);
	for (int i = 0; i < 2000; i++) {
		struct hook_call *c = wait_one();

		assert_true(c->ok);
		call_free(c);
	}
	assert_in_range(http_receiver_counts(receiver).connections, 1, 17);
	assert_int_equal(http_receiver_counts(receiver).requests, 2050);
	assert_true(metric_get(M_HOOK_TIME) >= 2050);
}

static void a_receiver_gets_no_more_at_once_than_allowed(void **state)
{
	struct settings s = settings_for(30000, 3, 64);

	(void)state;
	open_sender(&s);
	point(1, "/slow/20");
	send_calls(1, 30);
	for (int i = 0; i < 30; i++)
		call_free(wait_one());
	assert_int_equal(http_receiver_counts(receiver).most_at_once, 3);
}

static void all_receivers_together_have_a_limit(void **state)
{
	struct settings s = settings_for(30000, 8, 5);

	(void)state;
	open_sender(&s);
	for (unsigned h = 1; h < 5; h++) {
		point(h, "/slow/20");
		send_calls(h, 10);
	}
	for (int i = 0; i < 40; i++) {
		struct hook_call *c = wait_one();

		assert_true(c->ok);
		call_free(c);
	}
	assert_int_equal(http_receiver_counts(receiver).most_at_once, 5);
}

static void a_hanging_receiver_does_not_hold_up_others(void **state)
{
	struct settings s = settings_for(3000, 16, 24);
	int others = 0, hung = 0;

	(void)state;
	open_sender(&s);
	point(1, "/hang");
	point(2, "/status/200");
	send_calls(1, 100);
	send_calls(2, 500);
	for (int i = 0; i < 600; i++) {
		struct hook_call *c = wait_one();

		if (c->d->sub_account == 2) {
			assert_true(c->ok);
			assert_int_equal(hung, 0); /* all of them before the first time-out */
			others++;
		} else {
			assert_false(c->ok);
			hung++;
		}
		call_free(c);
	}
	assert_int_equal(others, 500);
	assert_int_equal(hung, 100);
}

static void a_hanging_name_server_holds_up_nobody(void **state)
{
	struct settings s = settings_for(300, 16, 64);
	struct hook_call *c;
	int asked;

	(void)state;
	sem_init(&name_server, 0, 0);
	open_sender(&s);
	point(1, "http://hangs.example/x");
	send_calls(1, 1);
	c = wait_one();
	assert_string_equal(c->why, "timeout");
	assert_true(c->took_ms < 20000);
	call_free(c);
	/* The look-up still hangs; the thread that makes the calls does not. */
	assert_int_equal(atomic_load(&names_told), 0);
	point(2, "/status/200");
	send_calls(2, 20);
	for (int i = 0; i < 20; i++) {
		c = wait_one();
		assert_true(c->ok);
		call_free(c);
	}
	point(3, "http://unknown.example/x");
	send_calls(3, 1);
	c = wait_one();
	assert_string_equal(c->why, "host not found");
	call_free(c);
	asked = atomic_load(&names_asked);
	assert_true(asked > 0);
	for (int i = 0; i < asked; i++)
		sem_post(&name_server);
	while (atomic_load(&names_told) < asked)
		usleep(1000);
}

static void a_dead_receiver_gives_its_queue_back_and_is_probed(void **state)
{
	struct settings s = settings_for(30000, 8, 64);
	int tried = 0, untried = 0;
	struct hook_call *c;

	(void)state;
	open_sender(&s);
	point(1, "/close");
	send_calls(1, 100);
	for (int i = 0; i < 100; i++) {
		c = wait_one();
		assert_false(c->ok);
		if (strncmp(c->why, "not tried: ", 11) == 0)
			untried++;
		else
			tried++;
		call_free(c);
	}
	assert_int_equal(tried + untried, 100);
	assert_true(untried >= 50);
	/* It comes back to life. */
	point(1, "/status/200");
	for (int i = 0; i < 3; i++) {
		send_calls(1, 5);
		for (int k = 0; k < 5; k++) {
			c = wait_one();
			assert_true(c->ok);
			call_free(c);
		}
	}
}

static void what_waits_too_long_is_given_back(void **state)
{
	struct settings s = settings_for(1000, 1, 64);
	int late = 0;

	(void)state;
	open_sender(&s);
	point(1, "/slow/100");
	send_calls(1, 100);
	for (int i = 0; i < 100; i++) {
		struct hook_call *c = wait_one();

		late += strcmp(c->why, "not tried: too many calls before it") == 0;
		assert_true(c->ok || c->status == 0);
		call_free(c);
	}
	assert_true(late > 50);
}

/* -- the end -------------------------------------------------------------------------------------------------------- */
static void closing_gives_every_call_back(void **state)
{
	int n = 0;

	(void)state;
	open_default();
	point(1, "/hang");
	send_calls(1, 50);
	while (http_receiver_counts(receiver).requests < 8)
		usleep(1000);
	sender_stop(sender, 0);
	send_calls(1, 5);
	sender_close(sender);
	sender = NULL;
	while (came_back()) {
		struct hook_call *c = wait_one();

		assert_false(c->ok);
		assert_string_equal(c->why, "shutting down");
		call_free(c);
		n++;
	}
	assert_int_equal(n, 55);
}

static void what_is_under_way_may_finish_within_the_grace(void **state)
{
	struct hook_call *c;
	int ok = 0;

	(void)state;
	open_default();
	point(1, "/slow/1500");
	send_calls(1, 20);
	while (http_receiver_counts(receiver).requests < 8)
		usleep(1000);
	sender_stop(sender, 30000);
	sender_close(sender);
	sender = NULL;
	for (int i = 0; i < 20; i++) {
		c = wait_one();
		ok += c->ok;
		call_free(c);
	}
	assert_int_equal(ok, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BENCH(connections_are_used_again),
		ON_BENCH(a_receiver_gets_no_more_at_once_than_allowed),
		ON_BENCH(all_receivers_together_have_a_limit),
		ON_BENCH(a_hanging_receiver_does_not_hold_up_others),
		ON_BENCH(a_hanging_name_server_holds_up_nobody),
		ON_BENCH(a_dead_receiver_gives_its_queue_back_and_is_probed),
		ON_BENCH(what_waits_too_long_is_given_back),
		ON_BENCH(closing_gives_every_call_back),
		ON_BENCH(what_is_under_way_may_finish_within_the_grace),
	};
	bench_quiet();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
