/* receipt.c - any octets as a receipt's text, and as an id in all notations. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "wire/receipt.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_id(struct str id)
{
	for (int how = ID_EXACT; how <= ID_DEC_HEX; how++) {
		struct id_key stored, keys[ID_KEYS_MAX], again;
		unsigned n;

		id_stored((enum id_notation)how, id, &stored);
		n = id_lookup((enum id_notation)how, id, keys);
		check(n >= 1 && n <= ID_KEYS_MAX);
		if (how == ID_EITHER) {
			check(strcmp(keys[0].s, stored.s) == 0);
			id_stored(ID_EITHER, str_of(stored.s), &again);
			check(strcmp(again.s, stored.s) == 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct receipt r, again;
	struct buf b = BUF_INIT;

	if (receipt_parse(text, &r) == 0) {
		check_id(str_of(r.id));
		receipt_print(&b, &r, STR("x"));
		if (*r.id || r.state) {
			check(receipt_parse(buf_view(&b), &again) == 0);
			check(again.state == r.state);
			check(strcmp(again.id, r.id) == 0);
		}
	}
	if (size <= SMPP_ID_MAX && size)
		check_id((struct str){text.p, strnlen(text.p, size)}); /* ids come from C-octet strings */
	buf_done(&b);
	return 0;
}
