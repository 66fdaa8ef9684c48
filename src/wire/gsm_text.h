/* gsm_text.h - alphabets of short messages to and from UTF-8: GSM 03.38 (3GPP TS 23.038 sections 6.2.1 and 6.2.1.1, one
 * character an octet as SMPP carries it), UTF-16BE, Latin-1, ASCII. Input texts are valid UTF-8 (utf8_valid()). */
#pragma once
#include "base/buf.h"

/* Which alphabets a text fits, and its length in each. */
struct text_measure {
	size_t points;  /* Unicode code points */
	size_t septets; /* GSM with extension; counts what fits, see gsm */
	size_t units;   /* UTF-16 code units */
	bool ascii;     /* 7-bit ASCII */
	bool latin1;
	bool gsm;      /* GSM default alphabet, with extension table where extended is set */
	bool extended; /* holds at least one character of the extension table */
};
void text_measure(struct str s, struct text_measure *ret);

/* Septets of a code point in GSM 03.38: 1, 2 (escape pair) or 0 when it has none. */
unsigned gsm_septets(uint32_t cp);

/* National language single shift tables (3GPP TS 23.038 annex A.2.2 and A.2.3): they stand in for the extension table, hold all
 * of it and besides the accented letters of a language. The values are its identifier in the header (section 6.2.1.2.4). */
enum gsm_shift { GSM_SHIFT_NONE = 0, GSM_SHIFT_SPANISH = 2, GSM_SHIFT_PORTUGUESE = 3 };
unsigned gsm_shift_septets(uint32_t cp, enum gsm_shift shift); /* as gsm_septets(), with that table */
/* The table that holds the whole text, GSM_SHIFT_NONE when neither does; septets is then not set. */
enum gsm_shift gsm_shift_for(struct str s, size_t *septets);

/* UTF-8 to octets, appended. true when every character fitted; others become '?'. */
bool gsm_put(struct buf *out, struct str s);
bool gsm_shift_put(struct buf *out, struct str s, enum gsm_shift shift);
bool gsm_basic_put(struct buf *out, struct str s); /* without the extension table */
bool ucs2_put(struct buf *out, struct str s);      /* UTF-16BE with surrogates: always true */
bool latin1_put(struct buf *out, struct str s);
bool ascii_put(struct buf *out, struct str s);

/* Octets to UTF-8, appended; the result is always valid UTF-8 without NUL. true when nothing was damaged. */
bool gsm_get(struct buf *out, const uint8_t *p, size_t n); /* unknown escape pair: the character without escape (6.2.1.1) */
bool gsm_shift_get(struct buf *out, const uint8_t *p, size_t n, enum gsm_shift shift);
bool ucs2_get(struct buf *out, const uint8_t *p, size_t n); /* lone surrogate, odd octet, NUL: U+FFFD */
bool latin1_get(struct buf *out, const uint8_t *p, size_t n);
bool ascii_get(struct buf *out, const uint8_t *p, size_t n);

/* Canonical composition (NFC, UAX #15) of Latin, Greek and Cyrillic letters; other scripts pass unchanged. */
bool text_is_nfc(struct str s); /* cheap: true for nearly every text, then text_nfc() would change nothing */
void text_nfc(struct buf *out, struct str s);

/* Characters outside the wanted alphabet become near ones inside it: letters lose their accents, typographic quotes, dashes,
 * blanks and ellipses become plain. What has no near one stays as it is. */
enum text_fold { TEXT_FOLD_GSM, TEXT_FOLD_ASCII };
void text_fold(struct buf *out, struct str s, enum text_fold into);
