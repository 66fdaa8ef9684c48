/* ranges_bench - the table of ported numbers: making it and looking numbers up; and the lists in memory.
 *
 *   ranges_bench FILE [rows]      default 10,000,000; FILE is made, and removed afterwards */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/ranges.h"
#include "base/rng.h"
#include "base/set.h"
#include "base/time.h"

#define LOOKS 4000000

static double seconds_since(int64_t begun) { return (double)(mono_us() - begun) / 1e6; }

static long peak_mib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss / 1024;
}

static struct ranges *make(const char *path, uint64_t rows, struct err *e)
{
	struct ranges_maker *m = NULL;
	struct ranges *r = NULL;
	int64_t begun = mono_us();
	struct prng p;
	int code;

	prng_seed(&p, 1);
	code = ranges_make(&m, path, 0, e);
	for (uint64_t i = 0; code == 0 && i < rows; i++) {
		uint64_t number = 5511900000000 + prng_below(&p, rows * 10);

		code = ranges_add(m, number, number, 1 + (uint32_t)(i % 7), (uint32_t)i, e);
	}
	if (code == 0)
		code = ranges_finish(m, e);
	ranges_forget(m);
	if (code == 0)
		code = ranges_open(&r, path, e);
	if (code == 0)
		printf("made of %llu rows in no order: %.1f s, %zu ranges, peak of memory %ld MiB\n", (unsigned long long)rows,
		       seconds_since(begun), ranges_count(r), peak_mib());
	return r;
}

int main(int argc, char **argv)
{
	uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000, found = 0;
	struct ranges *r;
	struct set *s;
	struct prng p;
	int64_t begun;
	struct err e;

	if (argc < 2 || !(r = make(argv[1], rows, &e))) {
		fprintf(stderr, "%s\n", argc < 2 ? "ranges_bench FILE [rows]" : e.text);
		return 1;
	}
	prng_seed(&p, 2);
	begun = mono_us();
	for (int i = 0; i < LOOKS; i++) {
		uint32_t value;

		found += ranges_find(r, 5511900000000 + prng_below(&p, rows * 10), &value);
	}
	printf("look-up in the table: %.0f ns (%llu of %d found)\n", seconds_since(begun) * 1e9 / LOOKS, (unsigned long long)found, LOOKS);
	ranges_close(r);
	unlink(argv[1]);

	s = set_copy(NULL, rows);
	for (uint64_t i = 0; i < rows; i++)
		set_add(s, 5511900000000 + i * 7);
	found = 0;
	begun = mono_us();
	for (int i = 0; i < LOOKS; i++)
		found += set_has(s, 5511900000000 + prng_below(&p, rows * 14));
	printf("look-up in a set of %zu: %.0f ns (%llu of %d found)\n", set_count(s), seconds_since(begun) * 1e9 / LOOKS,
	       (unsigned long long)found, LOOKS);
	set_free(s);
	return 0;
}
