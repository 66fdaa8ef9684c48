/* phone.h - telephone numbers as callers write them into digits of E.164, and what the numbering plans of the world say of them. */
#pragma once
#include "base/util.h"

#define PHONE_MAX 15 /* digits of E.164 */
struct phone {
	char digits[PHONE_MAX + 1]; /* terminated, country code first, no '+' */
	uint8_t n;
	uint8_t country; /* length of the country code, 0 when unknown */
};
/* Drops blanks, '+', '-', '(', ')', '.', ',', '/' and typographic blanks and dashes; a leading 00 is the international prefix.
 * -EINVAL: holds anything else, a '+' after a digit, no digit, or more digits than E.164 has. */
int phone_read(struct str s, struct phone *ret) MUST;

enum phone_kind {
	PHONE_NO_MOBILE, /* no number of any plan, or one that is never a mobile: land line, freephone, premium, satellite */
	PHONE_MOBILE,
	PHONE_MAYBE_MOBILE, /* the plan does not tell mobiles from land lines, as in North America */
};
struct phone_plan {
	enum phone_kind kind;
	char country[3]; /* ISO 3166 alpha-2, XK for Kosovo; "" for PHONE_NO_MOBILE */
};
/* What the numbering plan says of the digits as they stand (phone_plan.def: length and leading digits, as libphonenumber knows them).
 * Says nothing about portability or whether a handset is there. Pure, no allocation, about 50 ns. */
struct phone_plan phone_plan(const struct phone *p);
/* A mobile number, or one that may be. */
bool phone_usable(const struct phone *p);
/* The one form for routing, lists and tables: a Brazilian mobile of eight digits gets its ninth (Anatel resolution 553/2010), and a
 * trunk prefix that was left behind the country code goes - +44 (0)7911 123456 - when that makes a usable number of one that is none.
 * Other digits stay as they are. p may be ret. */
void phone_canonical(const struct phone *p, struct phone *ret);
/* Reads, brings into the canonical form; true when that is usable. */
bool phone_destination(struct str s, struct phone *ret);
/* Name of the time zone (tz database) where the number's subscriber most likely is: of the country, in Brazil of the area code; of a
 * country with several zones the one where most people live. NULL when the number is not usable. */
const char *phone_zone(const struct phone *p);
/* 3 to 6 digits: a short code, which is a source, never a destination. */
bool phone_is_short_code(struct str s);
