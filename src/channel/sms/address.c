/* address.c - TON, NPI and text of addresses (SMPP 3.4 sections 5.2.5 to 5.2.9), and the validity period (7.1.1). */
#include <string.h>

#include "base/time.h"
#include "channel/sms/internal.h"
#include "wire/gsm_text.h"

#define ADDRESS_MAX 20      /* submit_sm: 21 octets with the NUL */
#define ALPHANUMERIC_MAX 11 /* 3GPP TS 23.040 9.1.2.5: what fits the octets of an address */
#define SHORT_CODE_MAX 8    /* longer ones are numbers with their country code */

static struct str plain_digits(struct str s)
{
	if (s.n && *s.p == '+')
		s = (struct str){s.p + 1, s.n - 1};
	return s;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

bool address_dest(const struct sms_config *set, struct str number, struct smpp_addr *ret)
{
	struct str digits = plain_digits(number);

	if (!all_digits(digits) || digits.n > ADDRESS_MAX)
		return false;
	ret->ton = (uint8_t)(set->profile.dest_ton < 0 ? SMPP_TON_INTERNATIONAL : set->profile.dest_ton);
	ret->npi = (uint8_t)(set->profile.dest_npi < 0 ? SMPP_NPI_E164 : set->profile.dest_npi);
	return str_copy(ret->text, sizeof(ret->text), digits);
}

static bool is_short_code(const struct sms_config *set, struct str s)
{
	for (size_t i = 0; i < set->short_code_count; i++) {
		if (str_eqz(s, set->short_codes[i]))
			return true;
	}
	return s.n <= SHORT_CODE_MAX;
}

/* Alphanumeric senders go as ASCII: what an octet above 127 means differs from SMSC to SMSC. */
static void put_alphanumeric(struct str source, struct smpp_addr *ret)
{
	struct buf folded = BUF_INIT, ascii = BUF_INIT;
	struct str s;

	text_fold(&folded, source, TEXT_FOLD_ASCII);
	ascii_put(&ascii, buf_view(&folded));
	s = buf_view(&ascii);
	s.n = MIN(s.n, (size_t)ALPHANUMERIC_MAX);
	str_copy(ret->text, sizeof(ret->text), s);
	buf_done(&folded);
	buf_done(&ascii);
}

void address_source(const struct sms_config *set, struct str source, struct smpp_addr *ret)
{
	struct str s = source.n ? source : str_of(set->source);
	struct str digits = plain_digits(s);
	enum smpp_ton ton = SMPP_TON_UNKNOWN;
	enum smpp_npi npi = SMPP_NPI_UNKNOWN;

	if (!s.n) {
		/* nothing said: all zero and empty, the SMSC puts its own (5.2.8) */
	} else if (!all_digits(digits) || digits.n > ADDRESS_MAX) {
		ton = SMPP_TON_ALPHANUMERIC;
		put_alphanumeric(s, ret);
	} else if (digits.n == s.n && is_short_code(set, s)) {
		ton = SMPP_TON_NETWORK;
		str_copy(ret->text, sizeof(ret->text), s);
	} else {
		ton = SMPP_TON_INTERNATIONAL;
		npi = SMPP_NPI_E164;
		str_copy(ret->text, sizeof(ret->text), digits);
	}
	ret->ton = (uint8_t)(set->profile.source_ton < 0 || !s.n ? (int)ton : set->profile.source_ton);
	ret->npi = (uint8_t)(set->profile.source_npi < 0 || !s.n ? (int)npi : set->profile.source_npi);
}

/* YYMMDDhhmmss and what follows (7.1.1); all of them have two digits. */
static void write_time(char out[17], int y, int m, int d, int64_t seconds, const char *end)
{
	int pairs[6] = {y, m, d, (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60)};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		*out++ = (char)('0' + pairs[i] / 10 % 10);
		*out++ = (char)('0' + pairs[i] % 10);
	}
	memcpy(out, end, 5);
}

static void write_relative(char out[17], int64_t left)
{
	int64_t days = left / 86400, years, months;

	/* Months and years have no fixed length; 30 and 360 days never say more than is left. */
	years = MIN(days / 366, (int64_t)99);
	days = years == 99 ? 0 : days - years * 366;
	months = days / 31;
	days -= months * 31;
	write_time(out, (int)years, (int)months, (int)days, left % 86400, "000R");
}

static void write_absolute(char out[17], int64_t at_s)
{
	int64_t days = at_s / 86400;
	int y, m, d;

	civil_from_days(days, &y, &m, &d);
	write_time(out, y % 100, m, d, at_s % 86400, "000+");
}

void validity_write(char out[17], enum validity_way how, int64_t now_ms, int64_t expires_at)
{
	int64_t left = (expires_at - now_ms) / 1000;

	out[0] = '\0';
	switch (how) {
	case VALIDITY_NONE: return;
	case VALIDITY_RELATIVE:
		write_relative(out, MAX(left, (int64_t)1));
		return; /* all zero would mean the SMSC's default */
	case VALIDITY_ABSOLUTE: write_absolute(out, MAX(expires_at / 1000, now_ms / 1000 + 1)); return;
	}
}
