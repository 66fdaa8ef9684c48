/* split_read.c - what a short message of a peer says: its alphabet by data_coding (SMPP 3.4 5.2.19, 3GPP TS 23.038 section 4),
 * its user data header (3GPP TS 23.040 9.2.3.24) or SAR parameters, its text. Nothing a peer can send makes it fail. */
#include "wire/gsm_text.h"
#include "wire/split.h"

#define IE_CONCAT_8 0x00
#define IE_CONCAT_16 0x08
#define IE_SINGLE_SHIFT 0x24
#define IE_LOCKING_SHIFT 0x25
#define SUBUNIT_DISPLAY 1

/* The coding groups of TS 23.038 that SMPP took over; 0 = 8-bit data. */
static unsigned by_bits(uint8_t dcs)
{
	return (dcs & 0x0c) == 0x08 ? SPLIT_UCS2 : (dcs & 0x0c) == 0x04 ? 0 : SPLIT_GSM7EXT;
}

static unsigned alphabet_of(uint8_t dcs, enum split_alphabet dflt, struct sms_part *ret)
{
	switch (dcs) {
	case 0x01: return SPLIT_ASCII;
	case 0x02:
	case 0x04: return 0;
	case 0x03: return SPLIT_LATIN1;
	case 0x08: return SPLIT_UCS2;
	default: break;
	}
	switch (dcs >> 4) {
	case 0xc:
	case 0xd: return SPLIT_GSM7EXT;
	case 0xe: return SPLIT_UCS2;
	case 0xf: ret->flash |= (dcs & 3) == 0; return dcs & 4 ? 0 : SPLIT_GSM7EXT;
	default: break;
	}
	if (dcs < 0x10 || dcs > 0x7f)
		return dflt;
	ret->flash |= (dcs & 0x13) == 0x10;
	if (dcs & 0x20) { /* compressed by TS 23.042, which nobody uses */
		ret->damaged = true;
		return 0;
	}
	return by_bits(dcs);
}

static void set_place(struct sms_part *ret, bool wide, unsigned ref, uint8_t total, uint8_t seq)
{
	if (total == 0 || seq == 0 || seq > total) {
		ret->damaged = true;
		return;
	}
	ret->joined = total > 1;
	ret->wide = wide;
	ret->ref = (uint16_t)ref;
	ret->total = total;
	ret->seq = seq;
}

static void read_element(const uint8_t *p, enum gsm_shift *shift, struct sms_part *ret)
{
	static const struct {
		uint8_t id, n;
	} known[] = {{IE_CONCAT_8, 3}, {IE_CONCAT_16, 4}, {IE_SINGLE_SHIFT, 1}, {IE_LOCKING_SHIFT, 1}};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (p[0] == known[i].id && p[1] != known[i].n) {
			ret->damaged = true;
			return;
		}
	}
	switch (p[0]) {
	case IE_CONCAT_8: set_place(ret, false, p[2], p[3], p[4]); break;
	case IE_CONCAT_16: set_place(ret, true, (unsigned)(p[2] << 8 | p[3]), p[4], p[5]); break;
	case IE_SINGLE_SHIFT: /* of a language unknown to us it is to be ignored (9.2.3.24.15) */
		if (p[2] == GSM_SHIFT_PORTUGUESE || p[2] == GSM_SHIFT_SPANISH)
			*shift = (enum gsm_shift)p[2];
		break;
	case IE_LOCKING_SHIFT: ret->damaged |= p[2] != 0; break; /* plain letters then mean others */
	default: break;
	}
}

/* Octets of the header, 0 when it does not fit into the text. */
static size_t read_header(struct smpp_octets text, enum gsm_shift *shift, struct sms_part *ret)
{
	const uint8_t *p = text.p, *end;

	if (text.n == 0 || (size_t)p[0] + 1 > text.n) {
		ret->damaged = true;
		return 0;
	}
	end = p + 1 + p[0];
	for (p++; p < end;) {
		size_t rest = (size_t)(end - p), n;

		if (rest < 2 || (n = p[1]) > rest - 2) {
			ret->damaged = true;
			break;
		}
		read_element(p, shift, ret);
		p += 2 + n;
	}
	return (size_t)(end - text.p);
}

static bool has_sar(const struct smpp_pdu *m)
{
	return smpp_has(m, SMPP_TLV_SAR_MSG_REF_NUM) && smpp_has(m, SMPP_TLV_SAR_TOTAL_SEGMENTS) &&
	       smpp_has(m, SMPP_TLV_SAR_SEGMENT_SEQNUM);
}

void sms_read(const struct smpp_pdu *m, enum split_alphabet dflt, struct buf *out, struct sms_part *ret)
{
	struct smpp_octets text = smpp_text(m);
	enum gsm_shift shift = GSM_SHIFT_NONE;
	bool whole;

	*ret = (struct sms_part){.total = 1, .seq = 1};
	ret->flash = smpp_has(m, SMPP_TLV_DEST_ADDR_SUBUNIT) && m->dest_addr_subunit == SUBUNIT_DISPLAY;
	ret->alphabet = alphabet_of(m->data_coding, dflt, ret);
	ret->binary = ret->alphabet == 0;
	if (m->esm_class & SMPP_ESM_UDHI) {
		size_t head = read_header(text, &shift, ret);

		if (head)
			text = (struct smpp_octets){text.p + head, text.n - head};
	}
	if (!ret->joined && has_sar(m))
		set_place(ret, true, m->sar_ref, m->sar_total, m->sar_seq);
	switch (ret->alphabet) {
	case SPLIT_GSM7:
	case SPLIT_GSM7EXT: whole = gsm_shift_get(out, text.p, text.n, shift); break;
	case SPLIT_UCS2: whole = ucs2_get(out, text.p, text.n); break;
	case SPLIT_ASCII: whole = ascii_get(out, text.p, text.n); break;
	default: whole = latin1_get(out, text.p, text.n); break;
	}
	ret->damaged |= !whole;
	ret->units = ret->alphabet == SPLIT_UCS2 ? text.n / 2 : text.n;
}
