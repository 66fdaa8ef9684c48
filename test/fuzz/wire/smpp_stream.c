/* smpp_stream.c - octets of a peer: framed, decoded, printed, read as text and receipt, encoded and decoded again. The stream
 * is walked twice, in one piece and in growing pieces, which must find the same PDUs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "wire/receipt.h"
#include "wire/split.h"

#define MAX_PDU 32768

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_pdu(const uint8_t *p, size_t n)
{
	struct buf b = BUF_INIT, again = BUF_INIT, text = BUF_INIT;
	struct smpp_pdu m, m2, resp;
	struct sms_part part;
	struct receipt receipt;
	uint32_t status = smpp_decode(p, n, &m);

	smpp_print(&m, &text);
	check(utf8_valid(buf_view(&text), NULL));
	smpp_response(&m, status, &resp);
	check(resp.seq == m.seq);
	check(smpp_encode(&resp, &b) == 0);
	buf_clear(&b);
	if (status == 0) {
		buf_clear(&text);
		sms_read(&m, SPLIT_GSM7EXT, &text, &part);
		check(utf8_valid(buf_view(&text), NULL));
		check(part.seq >= 1 && part.seq <= part.total && (part.joined || part.total == 1));
		(void)!receipt_from_pdu(&m, &receipt);
		check(smpp_encode(&m, &b) == 0);
		check(smpp_decode((const uint8_t *)b.p, b.n, &m2) == 0);
		check(smpp_encode(&m2, &again) == 0);
		check(b.n == again.n && memcmp(b.p, again.p, b.n) == 0);
	}
	buf_done(&b);
	buf_done(&again);
	buf_done(&text);
}

static size_t pdus_in_drips(const uint8_t *data, size_t size)
{
	size_t start = 0, found = 0, len;

	for (size_t have = 0; have <= size; have++) {
		enum smpp_framing f = smpp_frame(data + start, have - start, MAX_PDU, &len);

		if (f == SMPP_FRAME_BROKEN)
			break;
		if (f == SMPP_FRAME_OK) {
			found++;
			start += len;
		}
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0, found = 0, len;

	while (smpp_frame(data + at, size - at, MAX_PDU, &len) == SMPP_FRAME_OK) {
		uint8_t *exact = malloc(len);

		check(exact != NULL);
		memcpy(exact, data + at, len);
		check_pdu(exact, len);
		free(exact);
		found++;
		at += len;
	}
	check(found == pdus_in_drips(data, size));
	return 0;
}
