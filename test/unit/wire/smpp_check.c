/* smpp_check.c - PDUs from hex, and whether two are the same (smpp_check.h). */
#include "smpp_check.h"
#include "wire_test.h"

static bool same_octets(struct smpp_octets a, struct smpp_octets b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool same_addr(const struct smpp_addr *a, const struct smpp_addr *b)
{
	return a->ton == b->ton && a->npi == b->npi && strcmp(a->text, b->text) == 0;
}

bool same(const struct smpp_pdu *a, const struct smpp_pdu *b)
{
	bool s = a->id == b->id && a->status == b->status && a->seq == b->seq && a->tlvs == b->tlvs;

#define PDU(name, id, text)
#define CSTR(f, e) s &= strcmp(a->f, b->f) == 0;
#define LAST(f, e) s &= strcmp(a->f, b->f) == 0;
#define U8(f) s &= a->f == b->f;
#define ADDR(f, e) s &= same_addr(&a->f, &b->f);
#define TEXT() s &= same_octets(a->short_message, b->short_message);
#define TLV_U8(name, tag, f) s &= a->f == b->f;
#define TLV_U16(name, tag, f) s &= a->f == b->f;
#define TLV_CSTR(name, tag, f) s &= strcmp(a->f, b->f) == 0;
#define TLV_OCTETS(name, tag, f, min, max) s &= same_octets(a->f, b->f);
#include "wire/smpp_pdu.def"
	return s;
}

void set_length(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* Decodes hex whose command_length may be left as 00000000. */
uint32_t decode_hex(const char *hex, struct smpp_pdu *m, uint8_t **keep)
{
	size_t n;
	uint8_t *p = unhex(hex, &n);
	uint32_t r;

	if (n >= 4 && !p[0] && !p[1] && !p[2] && !p[3])
		set_length(p, n);
	r = smpp_decode(p, n, m);
	*keep = p;
	return r;
}
