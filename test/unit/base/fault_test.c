#include "base/fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void the_nth_call_fails_once(void **state)
{
	(void)state;
	assert_false(FAULT("a"));
	fault_set("a:3");
	assert_false(FAULT("a"));
	assert_false(FAULT("b"));
	assert_false(FAULT("a"));
	assert_true(FAULT("a"));
	assert_false(FAULT("a"));
	fault_set(NULL);
	assert_false(FAULT("a"));
}

static void plus_means_ever_after(void **state)
{
	(void)state;
	fault_set("store.write:2+,a:1,a:3");
	assert_false(FAULT("store.write"));
	assert_true(FAULT("store.write"));
	assert_true(FAULT("store.write"));
	assert_true(FAULT("a"));
	assert_false(FAULT("a"));
	assert_true(FAULT("a"));
	assert_false(FAULT("a"));
	fault_set("");
	assert_false(FAULT("store.write"));
}

static void *hit_elsewhere(void *hit)
{
	*(bool *)hit = FAULT("a");
	return NULL;
}

static void only_the_callers_thread_counts_when_asked(void **state)
{
	bool hit = true;
	pthread_t t;

	(void)state;
	fault_set_here("a:1");
	assert_int_equal(pthread_create(&t, NULL, hit_elsewhere, &hit), 0);
	pthread_join(t, NULL);
	assert_false(hit);
	assert_true(FAULT("a"));
	fault_set("a:1");
	assert_int_equal(pthread_create(&t, NULL, hit_elsewhere, &hit), 0);
	pthread_join(t, NULL);
	assert_true(hit);
	fault_set(NULL);
}

static void kill_ends_the_process(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		fault_set("x:kill2");
		if (FAULT("x"))
			_exit(1);
		(void)FAULT("x");
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_bad_spec_ends_the_process(void **state)
{
	static const char *const bad[] = {"a",    "a:",   ":3",     "a:0",   "a:-1", "a:x",
					  "a:3,", ",a:3", "a:kill", "a:3++", "a:+"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			close(STDERR_FILENO);
			fault_set(bad[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 64)
			fail_msg("%s", bad[i]);
	}
}

static atomic_int hits;

static void *call(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < 1000; i++)
		if (FAULT("t"))
			atomic_fetch_add(&hits, 1);
	return NULL;
}

static void threads_share_the_count(void **state)
{
	pthread_t t[4];

	(void)state;
	fault_set("t:2500");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, call, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(hits, 1);
	fault_set(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nth_call_fails_once),
		cmocka_unit_test(plus_means_ever_after),
		cmocka_unit_test(only_the_callers_thread_counts_when_asked),
		cmocka_unit_test(kill_ends_the_process),
		cmocka_unit_test(a_bad_spec_ends_the_process),
		cmocka_unit_test(threads_share_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
