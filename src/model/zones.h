/* zones.h - which time zone a country or a telephone number is in, by name (base/tz.h reads them). */
#pragma once
#include "base/util.h"

/* The zone of a country (ISO 3166 alpha-2, upper case): its only one, or the one most of its people live in. NULL: unknown. */
const char *zone_of_country(const char *country);
/* The zone of a number in international digits: by its country code, in Brazil by its area code, as close as that tells. NULL: unknown. */
const char *zone_of_number(struct str digits);
