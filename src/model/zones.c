/* zones.c - look-ups in zones.def, which tools/zones.py makes. */
#include "model/zones.h"

#include <string.h>

#define PREFIX_LONGEST 4

struct entry {
	const char *key, *zone;
};
static const struct entry countries[] = {
#define ZONE_COUNTRY(key, zone) {key, zone},
#define ZONE_PREFIX(key, zone)
#include "model/zones.def"
#undef ZONE_COUNTRY
#undef ZONE_PREFIX
};
static const struct entry prefixes[] = {
#define ZONE_COUNTRY(key, zone)
#define ZONE_PREFIX(key, zone) {key, zone},
#include "model/zones.def"
#undef ZONE_COUNTRY
#undef ZONE_PREFIX
};

static const char *find(const struct entry *table, size_t n, const char *key)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int order = strcmp(key, table[mid].key);

		if (order == 0)
			return table[mid].zone;
		if (order > 0)
			low = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

const char *zone_of_country(const char *country) { return find(countries, COUNT_OF(countries), country); }

const char *zone_of_number(struct str digits)
{
	char prefix[PREFIX_LONGEST + 1];
	const char *zone = NULL;

	for (size_t n = MIN(digits.n, (size_t)PREFIX_LONGEST); n > 0 && !zone; n--) {
		str_copy(prefix, sizeof(prefix), (struct str){digits.p, n});
		zone = find(prefixes, COUNT_OF(prefixes), prefix);
	}
	return zone;
}
