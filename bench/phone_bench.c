/* phone_bench - nanoseconds for each look-up of a number: reading and judging one of any country, the canonical form, the zone.
 *
 *   phone_bench [numbers]      default 4,000,000; half are usable, the other half are digits by chance */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/time.h"
#include "wire/phone.h"

static struct phone *numbers;
static size_t count = 4000000;

static const char *const usable[] = {"5511999990001", "5592987654321", "14155550100",  "447400123456", "351912345678",
				     "4915112345678", "919812345678",  "8613812345678", "525512345678", "79161234567",
				     "393331234567",  "5491123456789", "33612345678",   "34612345678",  "2348021234567"};

static void make(void)
{
	struct prng r;
	char text[24];

	prng_seed(&r, 1);
	numbers = xcalloc(count, sizeof *numbers);
	for (size_t i = 0; i < count; i++) {
		if (i % 2) {
			snprintf(text, sizeof text, "%llu", (unsigned long long)(10000000000 + prng_below(&r, 1000000000000)));
		} else {
			snprintf(text, sizeof text, "%s", usable[prng_below(&r, COUNT_OF(usable))]);
			text[strlen(text) - 1 - prng_below(&r, 4)] = (char)('0' + prng_below(&r, 10));
		}
		if (phone_read(str_of(text), &numbers[i]) < 0)
			abort();
	}
}

#define ROW(what, expression) \
	do { \
		int64_t begun = mono_us(); \
		size_t n = 0; \
		for (size_t i = 0; i < count; i++) { \
			const struct phone *p = &numbers[i]; \
			n += (expression) ? 1 : 0; \
		} \
		printf("%-40s %6.1f ns  (%zu of %zu)\n", what, (double)(mono_us() - begun) * 1000 / (double)count, n, count); \
	} while (0)

int main(int argc, char **argv)
{
	struct phone q;

	if (argc > 1)
		count = strtoul(argv[1], NULL, 10);
	make();
	ROW("plan: kind and country", phone_plan(p).kind != PHONE_NO_MOBILE);
	ROW("zone", phone_zone(p) != NULL);
	ROW("canonical form", (phone_canonical(p, &q), q.n));
	ROW("text to canonical form, and usable", phone_destination((struct str){p->digits, p->n}, &q));
	free(numbers);
	return 0;
}
