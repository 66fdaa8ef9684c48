/* Numbers of lists: names of sources, digits to integers and back. No number of E.164 begins with 0, so nothing is lost. */
#include "model/number_list.h"

#include <stdio.h>

static const char *const sources[] = {
	[FROM_COMMAND] = "command",
	[FROM_IMPORT] = "import",
	[FROM_MO] = "mo",
	[FROM_API] = "api",
};

const char *number_source_name(int source)
{
	return source >= 0 && source < NUMBER_SOURCES ? sources[source] : "unknown";
}

int number_source_parse(struct str name)
{
	for (int i = 0; i < NUMBER_SOURCES; i++)
		if (str_eqz(name, sources[i]))
			return i;
	return -1;
}

uint64_t number_read(struct str digits)
{
	uint64_t n = 0;

	if (digits.n > 15)
		return 0;
	for (size_t i = 0; i < digits.n; i++)
		n = n * 10 + (uint64_t)(digits.p[i] - '0');
	return n;
}

void number_print(char out[24], uint64_t n) { snprintf(out, 24, "%llu", (unsigned long long)n); }
