/* phone.h - telephone numbers as callers write them into digits of E.164, and whether one can be reached. */
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
/* Assigned country code, 8 to 15 digits; Brazil: area code in use and 8 or 9 digits that a subscriber can have; North
 * America (1): area and exchange that can be. Says nothing about portability or whether a handset is there. */
bool phone_usable(const struct phone *p);
/* phone_read and phone_usable in one. */
bool phone_destination(struct str s, struct phone *ret);
/* The form for routing and lists: a Brazilian mobile of eight digits gets its ninth (Anatel resolution 553/2010). */
void phone_canonical(const struct phone *p, struct phone *ret);
/* 3 to 6 digits: a short code, which is a source, never a destination. */
bool phone_is_short_code(struct str s);
