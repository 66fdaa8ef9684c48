/* gsm_text.c - the first octet chooses options; the rest, where it is UTF-8, is composed, folded, split and read back, and as
 * raw octets read in every alphabet. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "wire/gsm_text.h"
#include "wire/split.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void read_octets(const uint8_t *p, size_t n)
{
	static bool (*const get[])(struct buf *, const uint8_t *, size_t) = {gsm_get, ucs2_get, latin1_get, ascii_get};

	for (size_t i = 0; i < COUNT_OF(get); i++) {
		struct buf b = BUF_INIT;

		(void)get[i](&b, p, n);
		check(utf8_valid(buf_view(&b), NULL));
		buf_done(&b);
	}
	for (unsigned shift = GSM_SHIFT_SPANISH; shift <= GSM_SHIFT_PORTUGUESE; shift++) {
		struct buf b = BUF_INIT;

		(void)gsm_shift_get(&b, p, n, (enum gsm_shift)shift);
		check(utf8_valid(buf_view(&b), NULL));
		buf_done(&b);
	}
	for (unsigned coding = 0; coding < 256; coding += 7) {
		struct smpp_pdu m = {.data_coding = (uint8_t)coding, .esm_class = SMPP_ESM_UDHI, .payload = {p, n}};
		struct sms_part part;
		struct buf b = BUF_INIT;

		sms_read(&m, SPLIT_GSM7EXT, &b, &part);
		check(utf8_valid(buf_view(&b), NULL));
		buf_done(&b);
	}
}

static void split_and_read(struct str text, const struct split_options *o)
{
	struct split_count n;
	struct split s = {0};
	struct buf back = BUF_INIT;
	int counted = split_count(text, o, &n);

	check(split_text(text, o, &s) == counted);
	if (counted == 0) {
		check(s.n == n.pdus && s.alphabet == n.alphabet && s.shift == n.shift);
		for (unsigned i = 0; i < s.n; i++) {
			struct smpp_pdu m = {.id = SMPP_SUBMIT_SM};
			struct sms_part part;

			split_fill(&s, i, &m);
			check(m.short_message.n <= 160 && (s.alphabet != SPLIT_UCS2 || m.short_message.n <= 140));
			sms_read(&m, SPLIT_GSM7EXT, &back, &part);
		}
		if (!s.lossy && !o->fold && o->join != SPLIT_NONE && !o->alphabets)
			check(str_eq(buf_view(&back), text));
	}
	split_done(&s);
	buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct split_options o = {0};
	struct str text;
	struct buf nfc = BUF_INIT, twice = BUF_INIT;

	if (size == 0)
		return 0;
	read_octets(data + 1, size - 1);
	text = (struct str){(const char *)data + 1, size - 1};
	if (!utf8_valid(text, NULL))
		return 0;
	o.join = (enum split_join)(data[0] % 5);
	o.flash = (enum split_flash)(data[0] / 5 % 4);
	o.fold = data[0] / 20 % 2;
	o.alphabets = data[0] < 40 || data[0] >= 216 ? 0 : data[0] & 31u;
	o.shift = data[0] & 128;
	split_and_read(text, &o);
	text_nfc(&nfc, text);
	check(utf8_valid(buf_view(&nfc), NULL));
	if (text_is_nfc(text))
		check(str_eq(buf_view(&nfc), text));
	text_fold(&twice, buf_view(&nfc), TEXT_FOLD_GSM);
	check(utf8_valid(buf_view(&twice), NULL));
	buf_done(&nfc);
	buf_done(&twice);
	return 0;
}
