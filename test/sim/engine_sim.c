/* engine_sim [-v] [SEED | FIRST-LAST]: runs the engine through simulated lives. Without an argument: the kept seeds (each once
 * found a fault) and a stretch of others, each in a process of its own. One test case a stretch of seeds, in TAP. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/sim.h"

/* Seeds that found faults: 25 and 46 a queue's memory after a reload, 28 and 50 the order of replayed calls, 20 and 62 rows of a route
 * that went and came back, 34 and 1167 a backlog that expires, 37, 236, 267 and 277 a change told again, 377 a retry pulled forward. */
static const uint64_t kept[] = {1, 20, 25, 28, 34, 37, 46, 50, 62, 236, 267, 277, 377, 1167};
#define FIRST 2000 /* from here on with schedules, windows and clocks that are set by hours */
#define STRETCH 20
/* How many seeds without an argument; POMBO_SIM_RUNS in the environment says otherwise. The leak checker takes a second for each. */
#if defined(__SANITIZE_ADDRESS__)
#define RUNS 40
#else
#define RUNS 200
#endif

static bool run_one(uint64_t seed, bool verbose)
{
	struct sim *s = xnew(struct sim);
	bool ok = sim_run(s, seed, verbose);

	if (!ok)
		printf("# seed %" PRIu64 " at %.3f s: %s\n", seed, (double)(s->now - s->start) / 1000, s->failure);
	else if (verbose)
		printf("# seed %" PRIu64 ": %" PRIu64 " messages, %" PRIu64 " events, %" PRIu64
		       " attempts, %" PRIu64 " receipts, %" PRIu64 " calls, %u lives, %" PRIu64
		       " turns, %.0f s\n",
		       seed, s->judge.accepts, s->judge.events, s->judge.attempts, s->judge.receipts,
		       s->judge.calls, s->life, s->turns, (double)(s->now - s->start) / 1000);
	fflush(stdout);
	free(s);
	return ok;
}

static bool run_apart(uint64_t seed)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		bool ok = run_one(seed, false);

		snapshot_publish(NULL);
		exit(ok ? 0 : 1); // NOLINT(concurrency-mt-unsafe): there is one thread; the leak checker runs at exit
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		printf("# seed %" PRIu64 ": the process ended with %d\n", seed, status);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int stretch(uint64_t first, uint64_t last)
{
	int failed = 0;

	for (uint64_t seed = first; seed <= last; seed++)
		failed += !run_apart(seed);
	return failed;
}

static int all(void)
{
	const char *asked = getenv("POMBO_SIM_RUNS"); // NOLINT(concurrency-mt-unsafe): there is one thread
	uint64_t runs = asked ? strtoull(asked, NULL, 10) : RUNS;
	int failed = 0, n = 0, bad;

	printf("1..%d\n", (int)(1 + runs / STRETCH));
	bad = 0;
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		bad += !run_apart(kept[i]);
	printf("%sok %d - kept seeds\n", bad ? "not " : "", ++n);
	failed += bad;
	for (uint64_t seed = FIRST; seed < FIRST + runs / STRETCH * STRETCH; seed += STRETCH) {
		bad = stretch(seed, seed + STRETCH - 1);
		printf("%sok %d - seeds %" PRIu64 " to %" PRIu64 "\n", bad ? "not " : "", ++n, seed, seed + STRETCH - 1);
		fflush(stdout);
		failed += bad;
	}
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	char *dash, *seeds = argc > 1 + verbose ? argv[1 + verbose] : NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	log_setup(LOG_ERROR, LOG_TEXT);
	if (!seeds)
		return all();
	dash = strchr(seeds, '-');
	if (dash)
		return stretch(strtoull(seeds, NULL, 10), strtoull(dash + 1, NULL, 10)) ? 1 : 0;
	return run_one(strtoull(seeds, NULL, 10), verbose) ? 0 : 1;
}
