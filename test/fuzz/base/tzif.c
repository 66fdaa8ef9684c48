/* tzif.c - bytes as a TZif file; a zone that comes out of them answers every question consistently. */
#include <stdint.h>
#include <stdlib.h>

#include "base/tz.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* No zone changes twice within days. Where a file says so, a clock time may be between the two in no way that has an answer. */
static bool changes_twice(const struct tz *z, int64_t at)
{
	int64_t change = tz_next_change(z, at - 200000);

	return change <= at + 200000 && tz_next_change(z, change) <= at + 200000;
}

static void ask(const struct tz *z, int64_t at)
{
	int32_t offset = tz_offset(z, at);
	int64_t next = tz_next_change(z, at), back;
	enum tz_fit fit = TZ_ONCE;

	check(offset > -90000 && offset < 93600 && next > at);
	check(next == INT64_MAX || tz_offset(z, next - 1) == offset);
	if (changes_twice(z, at))
		return;
	back = tz_instant(z, at + offset, &fit);
	check(fit == TZ_SKIPPED || back + tz_offset(z, back) == at + offset);
	check(fit != TZ_SKIPPED && back <= at); /* it is shown at least once, and the first time counts */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t moments[] = {-62135596800, -1,         0,           951782400,
					  1762000000,   4102444800, 253402300700};
	struct tz *z;

	if (tz_decode((struct str){(const char *)p, n}, "Some/Where", &z) < 0)
		return 0;
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		int64_t at = moments[i];

		for (int steps = 0; steps < 8 && at < 253402300799; steps++) {
			ask(z, at);
			at = tz_next_change(z, at);
		}
	}
	tz_put(z);
	return 0;
}
