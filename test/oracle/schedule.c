/* schedule.c - the schedule and the zones of the gateway behind lines of standard input, for an independent judge (schedule.test.mjs):
 *
 *   offset ZONE SECONDS                                  -> OFFSET
 *   instant ZONE CIVIL-SECONDS                           -> SECONDS once|twice|skipped
 *   next ZONE WINDOW-MASK HOURS-ZONE MS [SENDING-HOURS]  -> MS or never, and MS at which that shuts or never
 * One answer a line; "?" when a question cannot be read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/schedule.h"

static void answer_ms(int64_t ms, char end)
{
	if (ms == SCHEDULE_NEVER)
		printf("never%c", end);
	else
		printf("%" PRId64 "%c", ms, end);
}

static void next(const char *zone, const char *rest)
{
	struct sending_hours hours = {0};
	char hours_zone[TZ_NAME_MAX];
	struct schedule s = {0};
	int64_t ms, open;
	struct err e;
	int n = 0;

	if (sscanf(rest, "%" SCNu32 " %63s %" SCNd64 " %n", &s.window, hours_zone, &ms, &n) != 3 ||
	    sending_hours_parse(str_of(rest + n), &hours, &e) < 0) {
		puts("?");
		return;
	}
	s.zone = tz_get(str_of(zone));
	s.hours_zone = tz_get(str_of(hours_zone));
	s.hours = &hours;
	open = schedule_next(&s, ms);
	answer_ms(open, ' ');
	answer_ms(open == SCHEDULE_NEVER ? SCHEDULE_NEVER : schedule_shuts(&s, open), '\n');
	tz_put(s.zone);
	tz_put(s.hours_zone);
}

static void ask_zone(const char *what, const char *zone, int64_t seconds)
{
	static const char *const fits[] = {"once", "twice", "skipped"};
	const struct tz *z = tz_get(str_of(zone));
	enum tz_fit fit;
	int64_t at;

	if (!z) {
		puts("?");
		return;
	}
	if (!strcmp(what, "offset")) {
		printf("%" PRId32 "\n", tz_offset(z, seconds));
	} else {
		at = tz_instant(z, seconds, &fit);
		printf("%" PRId64 " %s\n", at, fits[fit]);
	}
	tz_put(z);
}

int main(void)
{
	char line[1024], what[16], zone[TZ_NAME_MAX];

	while (fgets(line, sizeof(line), stdin)) {
		int n = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%15s %63s %n", what, zone, &n) != 2)
			puts("?");
		else if (!strcmp(what, "next"))
			next(zone, line + n);
		else
			ask_zone(what, zone, strtoll(line + n, NULL, 10));
	}
	tz_folder(NULL, 0);
	return 0;
}
