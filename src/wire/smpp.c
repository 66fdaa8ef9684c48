/* smpp.c - the SMPP 3.4 codec. Every octet is read and written through a bounded cursor whose first error sticks, so that the
 * bodies below, which smpp_pdu.def generates, need no checks of their own. */
#include <errno.h>
#include <string.h>
#include "wire/smpp.h"

struct reader {
	const uint8_t *p, *end;
	uint32_t bad; /* command_status of the first error, 0 = none */
};

static uint8_t read_u8(struct reader *r)
{
	if (r->p < r->end)
		return *r->p++;
	if (!r->bad)
		r->bad = SMPP_RINVCMDLEN;
	return 0;
}

static uint16_t read_u16(struct reader *r)
{
	uint8_t high = read_u8(r);

	return (uint16_t)(high << 8 | read_u8(r));
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The NUL is looked for inside the PDU only; open_end: the end of the PDU stands for it. */
static void read_cstr(struct reader *r, char *out, size_t size, uint32_t too_long, bool open_end)
{
	size_t rest = (size_t)(r->end - r->p);
	size_t look = MIN(rest, size);
	const uint8_t *nul = look ? memchr(r->p, 0, look) : NULL;

	if (r->bad)
		return;
	if (nul) {
		size_t n = (size_t)(nul - r->p);

		memcpy(out, r->p, n);
		r->p = nul + 1;
	} else if (open_end && rest < size) {
		if (rest)
			memcpy(out, r->p, rest);
		r->p = r->end;
	} else {
		r->bad = rest < size ? (uint32_t)SMPP_RINVCMDLEN : too_long;
	}
}

static void read_addr(struct reader *r, struct smpp_addr *a, uint32_t too_long)
{
	a->ton = read_u8(r);
	a->npi = read_u8(r);
	read_cstr(r, a->text, sizeof(a->text), too_long, false);
}

static void read_text(struct reader *r, struct smpp_octets *ret)
{
	size_t n = read_u8(r);

	if (r->bad)
		return;
	if ((size_t)(r->end - r->p) < n) {
		r->bad = SMPP_RINVMSGLEN;
		return;
	}
	ret->p = r->p;
	ret->n = n;
	r->p += n;
}

/* false: no such PDU. */
static bool read_body(struct reader *r, struct smpp_pdu *m)
{
	switch (m->id) {
#define PDU(name, number, text) case number:
#define CSTR(f, e) read_cstr(r, m->f, sizeof(m->f), e, false);
#define LAST(f, e) read_cstr(r, m->f, sizeof(m->f), e, true);
#define U8(f) m->f = read_u8(r);
#define ADDR(f, e) read_addr(r, &m->f, e);
#define TEXT() read_text(r, &m->short_message);
#define END return true;
#include "wire/smpp_pdu.def"
	}
	return false;
}

static void read_tlv(struct reader *r, uint16_t tag, struct smpp_octets v, struct smpp_pdu *m)
{
	struct reader in = {v.p, v.p + v.n, 0};

	switch (tag) {
#define TLV_U8(name, number, field)            \
	case number:                           \
		m->field = read_u8(&in);       \
		smpp_mark(m, SMPP_TLV_##name); \
		break;
#define TLV_U16(name, number, field)           \
	case number:                           \
		m->field = read_u16(&in);      \
		smpp_mark(m, SMPP_TLV_##name); \
		break;
#define TLV_CSTR(name, number, field)                                              \
	case number:                                                               \
		memset(m->field, 0, sizeof(m->field));                             \
		read_cstr(&in, m->field, sizeof(m->field), SMPP_RINVPARLEN, true); \
		smpp_mark(m, SMPP_TLV_##name);                                     \
		break;
#define TLV_OCTETS(name, number, field, min, max)                                          \
	case number:                                                                       \
		in.bad = v.n + 1 < (size_t)(min) + 1 || v.n > (max) ? SMPP_RINVPARLEN : 0; \
		in.p = in.end;                                                             \
		m->field = v;                                                              \
		smpp_mark(m, SMPP_TLV_##name);                                             \
		break;
#include "wire/smpp_pdu.def"
	default: return;
	}
	if (in.bad || in.p != in.end)
		r->bad = SMPP_RINVPARLEN;
}

static void read_tlvs(struct reader *r, struct smpp_pdu *m)
{
	while (!r->bad && r->p < r->end) {
		uint16_t tag = read_u16(r);
		uint16_t n = read_u16(r);

		if (r->bad || r->end - r->p < n) {
			r->bad = SMPP_RINVOPTPARSTREAM;
			return;
		}
		r->p += n;
		read_tlv(r, tag, (struct smpp_octets){r->p - n, n}, m);
	}
}

enum smpp_framing smpp_frame(const uint8_t *p, size_t n, size_t max, size_t *len)
{
	*len = SMPP_HEADER;
	if (n < 4)
		return SMPP_FRAME_MORE;
	*len = get_u32(p);
	if (*len < SMPP_HEADER || *len > max)
		return SMPP_FRAME_BROKEN;
	return n < *len ? SMPP_FRAME_MORE : SMPP_FRAME_OK;
}

static void set_header(struct smpp_pdu *m, const uint8_t *p)
{
	*m = (struct smpp_pdu){.id = get_u32(p + 4), .status = get_u32(p + 8), .seq = get_u32(p + 12)};
}

uint32_t smpp_decode(const uint8_t *p, size_t n, struct smpp_pdu *ret)
{
	struct reader r = {0};

	if (n < SMPP_HEADER) {
		*ret = (struct smpp_pdu){0};
		return SMPP_RINVCMDLEN;
	}
	set_header(ret, p);
	if (get_u32(p) != n)
		return SMPP_RINVCMDLEN;
	if (smpp_is_response(ret->id) && n == SMPP_HEADER)
		return smpp_command_name(ret->id) ? 0 : SMPP_RINVCMDID;
	r.p = p + SMPP_HEADER;
	r.end = p + n;
	if (!read_body(&r, ret))
		return SMPP_RINVCMDID;
	read_tlvs(&r, ret);
	if (r.bad && smpp_is_response(ret->id) && ret->status) {
		set_header(ret, p); /* the status is what matters, the body of an error is often no body at all */
		return 0;
	}
	return r.bad;
}

struct writer {
	uint8_t *p, *end;
	bool bad;
};

static void write_octets(struct writer *w, const void *p, size_t n)
{
	if ((size_t)(w->end - w->p) < n) {
		w->bad = true;
		return;
	}
	if (n)
		memcpy(w->p, p, n);
	w->p += n;
}

static void write_u8(struct writer *w, uint8_t v) { write_octets(w, &v, 1); }

static void write_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	write_octets(w, b, 2);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void write_cstr(struct writer *w, const char *s, size_t size)
{
	write_octets(w, s, strnlen(s, size - 1));
	write_u8(w, 0);
}

static void write_addr(struct writer *w, const struct smpp_addr *a)
{
	write_u8(w, a->ton);
	write_u8(w, a->npi);
	write_cstr(w, a->text, sizeof(a->text));
}

static void write_text(struct writer *w, struct smpp_octets text)
{
	if (text.n > 255)
		w->bad = true;
	write_u8(w, (uint8_t)text.n);
	write_octets(w, text.p, text.n);
}

static bool write_body(struct writer *w, const struct smpp_pdu *m)
{
	switch (m->id) {
#define PDU(name, number, text) case number:
#define CSTR(f, e) write_cstr(w, m->f, sizeof(m->f));
#define LAST(f, e) write_cstr(w, m->f, sizeof(m->f));
#define U8(f) write_u8(w, m->f);
#define ADDR(f, e) write_addr(w, &m->f);
#define TEXT() write_text(w, m->short_message);
#define END return true;
#include "wire/smpp_pdu.def"
	}
	return false;
}

static void write_tlv_head(struct writer *w, uint16_t tag, size_t n)
{
	if (n > UINT16_MAX)
		w->bad = true;
	write_u16(w, tag);
	write_u16(w, (uint16_t)n);
}

static void write_tlvs(struct writer *w, const struct smpp_pdu *m)
{
#define TLV_U8(name, number, field)           \
	if (smpp_has(m, SMPP_TLV_##name)) {   \
		write_tlv_head(w, number, 1); \
		write_u8(w, m->field);        \
	}
#define TLV_U16(name, number, field)          \
	if (smpp_has(m, SMPP_TLV_##name)) {   \
		write_tlv_head(w, number, 2); \
		write_u16(w, m->field);       \
	}
#define TLV_CSTR(name, number, field)                                                   \
	if (smpp_has(m, SMPP_TLV_##name)) {                                             \
		write_tlv_head(w, number, strnlen(m->field, sizeof(m->field) - 1) + 1); \
		write_cstr(w, m->field, sizeof(m->field));                              \
	}
#define TLV_OCTETS(name, number, field, min, max)                                   \
	if (smpp_has(m, SMPP_TLV_##name)) {                                         \
		w->bad |= m->field.n + 1 < (size_t)(min) + 1 || m->field.n > (max); \
		write_tlv_head(w, number, m->field.n);                              \
		write_octets(w, m->field.p, m->field.n);                            \
	}
#include "wire/smpp_pdu.def"
}

/* SMPP 3.4 4.1.2, 4.1.4, 4.1.6, 4.4.2: these responses have no body when they report an error. */
static bool body_left_out(const struct smpp_pdu *m)
{
	return m->status && (m->id == SMPP_BIND_RECEIVER_RESP || m->id == SMPP_BIND_TRANSMITTER_RESP ||
			     m->id == SMPP_BIND_TRANSCEIVER_RESP || m->id == SMPP_SUBMIT_SM_RESP);
}

int smpp_encode(const struct smpp_pdu *m, struct buf *out)
{
	size_t bound = SMPP_HEADER + sizeof(*m) + 4 * SMPP_TLV_COUNT;
	struct writer w = {0};
	uint8_t *start;

	if (!smpp_command_name(m->id) || m->short_message.n > 255 || m->payload.n > UINT16_MAX)
		return -EINVAL;
	bound += m->short_message.n + m->payload.n + m->network_error.n;
	if (out->failed || !(start = (uint8_t *)buf_space(out, bound)))
		return -EMSGSIZE;
	w.p = start + SMPP_HEADER;
	w.end = start + bound;
	if (!body_left_out(m)) {
		(void)write_body(&w, m);
		write_tlvs(&w, m);
	}
	if (w.bad)
		return -EINVAL;
	put_u32(start, (uint32_t)(w.p - start));
	put_u32(start + 4, m->id);
	put_u32(start + 8, m->status);
	put_u32(start + 12, m->seq);
	out->n += (size_t)(w.p - start);
	return 0;
}

void smpp_response(const struct smpp_pdu *req, uint32_t status, struct smpp_pdu *ret)
{
	uint32_t id = smpp_command_name(req->id | SMPP_RESP) ? req->id | SMPP_RESP : (uint32_t)SMPP_GENERIC_NACK;

	*ret = (struct smpp_pdu){.id = id, .status = status, .seq = req->seq};
}

struct smpp_octets smpp_text(const struct smpp_pdu *m)
{
	return m->short_message.n ? m->short_message : m->payload;
}
