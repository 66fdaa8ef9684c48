/* phone_tool.c - what pombo makes of telephone numbers, for the judge beside it: a line in, a line out.
 *
 *   in   a number as somebody writes it
 *   out  digits kind country usable canonical zone; "-" for what there is not, "?" alone for what is no number */
#include <stdio.h>
#include <string.h>

#include "wire/phone.h"

static const char *or_dash(const char *s) { return s && *s ? s : "-"; }

int main(void)
{
	static const char *const kinds[] = {"none", "mobile", "maybe"};
	char line[512];

	while (fgets(line, sizeof line, stdin)) {
		struct str s = {line, strcspn(line, "\n")};
		struct phone p, q;
		struct phone_plan plan;
		bool usable;

		if (phone_read(s, &p) < 0) {
			puts("?");
			continue;
		}
		plan = phone_plan(&p);
		usable = phone_destination(s, &q);
		printf("%s %s %s %d %s %s\n", p.digits, kinds[plan.kind], or_dash(plan.country), usable,
		       q.digits, or_dash(phone_zone(&q)));
	}
	return 0;
}
