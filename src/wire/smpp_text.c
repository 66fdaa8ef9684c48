/* smpp_text.c - SMPP for people: names of commands, status codes and TLVs, and PDUs as one line. */
#include <string.h>
#include "wire/smpp.h"

/* The formatter takes the inclusions for the end of the macros. */
/* clang-format off */
const char *smpp_command_name(uint32_t id)
{
	switch (id) {
#define PDU(name, number, text) case number: return text;
#include "wire/smpp_pdu.def"
	}
	return NULL;
}

const char *smpp_status_name(uint32_t status)
{
	switch (status) {
#define STATUS(name, number, text) case number: return "ESME_" #name;
#include "wire/smpp_pdu.def"
	}
	return NULL;
}

const char *smpp_status_text(uint32_t status)
{
	switch (status) {
#define STATUS(name, number, text) case number: return text;
#include "wire/smpp_pdu.def"
	}
	return status >= 0x400 && status <= 0x4ff ? "vendor's own error" : "reserved";
}
/* clang-format on */

const char *smpp_tlv_name(enum smpp_tlv t)
{
	static const char *const name[] = {
#define TLV_U8(id, tag, field) #id,
#define TLV_U16(id, tag, field) #id,
#define TLV_CSTR(id, tag, field) #id,
#define TLV_OCTETS(id, tag, field, min, max) #id,
#include "wire/smpp_pdu.def"
	};

	return (size_t)t < COUNT_OF(name) ? name[t] : NULL;
}

static void print_quoted(struct buf *out, const char *key, const char *s)
{
	if (!*s)
		return;
	buf_fmt(out, " %s=\"", key);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		if (c < 0x20 || c >= 0x7f)
			buf_fmt(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

/* Subscribers keep their privacy in logs; alphanumeric senders and short codes have none. */
static void print_addr(struct buf *out, const char *key, const struct smpp_addr *a)
{
	size_t n = strnlen(a->text, sizeof(a->text) - 1);
	char masked[sizeof(a->text)];
	size_t head = n > 12 ? 5 : n > 9 ? 3 : 1;

	memcpy(masked, a->text, n);
	masked[n] = '\0';
	if (n > 6 && a->ton != SMPP_TON_ALPHANUMERIC)
		memset(masked + head, '*', n - head - 4);
	print_quoted(out, key, masked);
	if (n)
		buf_fmt(out, "/%u/%u", a->ton, a->npi);
}

static void print_message(const struct smpp_pdu *m, struct buf *out)
{
	print_quoted(out, "service_type", m->service_type);
	print_addr(out, "from", &m->source);
	print_addr(out, "to", &m->dest);
	buf_fmt(out, " esm_class=0x%02x data_coding=0x%02x registered_delivery=%u octets=%zu", m->esm_class,
		m->data_coding, m->registered_delivery, smpp_text(m).n);
	print_quoted(out, "schedule", m->schedule);
	print_quoted(out, "validity", m->validity);
}

static void print_tlvs(const struct smpp_pdu *m, struct buf *out)
{
	if (smpp_has(m, SMPP_TLV_RECEIPTED_MESSAGE_ID))
		print_quoted(out, "receipted_message_id", m->receipted_id);
	if (smpp_has(m, SMPP_TLV_MESSAGE_STATE))
		buf_fmt(out, " message_state=%u", m->message_state);
	if (smpp_has(m, SMPP_TLV_NETWORK_ERROR_CODE) && m->network_error.n == 3)
		buf_fmt(out, " network_error_code=%u:%u", m->network_error.p[0],
			(unsigned)(m->network_error.p[1] << 8 | m->network_error.p[2]));
	if (smpp_has(m, SMPP_TLV_SAR_MSG_REF_NUM))
		buf_fmt(out, " sar=%u:%u/%u", m->sar_ref, m->sar_seq, m->sar_total);
	if (smpp_has(m, SMPP_TLV_USER_MESSAGE_REFERENCE))
		buf_fmt(out, " user_message_reference=%u", m->user_reference);
	if (smpp_has(m, SMPP_TLV_SC_INTERFACE_VERSION))
		buf_fmt(out, " sc_interface_version=0x%02x", m->sc_interface_version);
	if (smpp_has(m, SMPP_TLV_ADDITIONAL_STATUS_INFO_TEXT))
		print_quoted(out, "status_info", m->status_info);
}

void smpp_print(const struct smpp_pdu *m, struct buf *out)
{
	const char *name = smpp_command_name(m->id);

	if (name)
		buf_puts(out, name);
	else
		buf_fmt(out, "0x%08x", m->id);
	buf_fmt(out, " seq=%u", m->seq);
	if (m->status || smpp_is_response(m->id)) {
		const char *status = smpp_status_name(m->status);

		buf_fmt(out, " status=0x%x", m->status);
		if (status)
			buf_fmt(out, "(%s)", status);
	}
	print_quoted(out, "system_id", m->system_id);
	print_quoted(out, "system_type", m->system_type);
	print_quoted(out, "message_id", m->message_id);
	if (m->id == SMPP_SUBMIT_SM || m->id == SMPP_DELIVER_SM || m->id == SMPP_DATA_SM)
		print_message(m, out);
	else {
		print_addr(out, "from", &m->source);
		print_addr(out, "to", &m->dest);
	}
	print_tlvs(m, out);
}
