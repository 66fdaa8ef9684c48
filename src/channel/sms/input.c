/* input.c - PDUs that come in on a link, taken from the stream and given to whom they concern. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "base/log.h"
#include "channel/sms/internal.h"
#include "model/metrics.h"

static void log_pdu(const struct session *s, const char *event, const struct smpp_pdu *m)
{
	struct buf text = BUF_INIT;

	if (!log_on(LOG_DEBUG))
		return;
	smpp_print(m, &text);
	log_line(LOG_DEBUG, event, "connection=%s link=%u pdu=%s", s->conn->set->name, s->index,
		 log_quote(buf_view(&text)).s);
	buf_done(&text);
}

static void on_nack(struct session *s, const struct smpp_pdu *m)
{
	if (s->state == SESSION_BINDING && m->seq == s->bind_seq) {
		session_fail(s, "bind answered by generic_nack");
		return;
	}
	if (!submit_nack(s, m))
		log_warn("smpp_nack", "connection=%s link=%u sequence=%u status=0x%02x", s->conn->set->name,
			 s->index, m->seq, m->status);
}

static bool is_bound(const struct session *s)
{
	return s->state == SESSION_BOUND || s->state == SESSION_UNBINDING;
}

static void on_response(struct session *s, const struct smpp_pdu *m, bool readable)
{
	switch (m->id) {
	case SMPP_SUBMIT_SM_RESP:
		if (is_bound(s))
			submit_response(s, m, readable);
		return;
	case SMPP_BIND_TRANSCEIVER_RESP:
	case SMPP_BIND_TRANSMITTER_RESP:
	case SMPP_BIND_RECEIVER_RESP:
		if (s->state == SESSION_BINDING && m->seq == s->bind_seq)
			session_bind_answer(s, m->status);
		return;
	case SMPP_UNBIND_RESP:
		if (s->state == SESSION_UNBINDING && !s->close_when_sent)
			session_fail(s, "unbound");
		return;
	case SMPP_GENERIC_NACK: on_nack(s, m); return;
	case SMPP_ENQUIRE_LINK_RESP: return; /* on_read() has noted the life */
	default: log_pdu(s, "smpp_unexpected", m); return;
	}
}

static void on_request(struct session *s, const struct smpp_pdu *m)
{
	switch (m->id) {
	case SMPP_ENQUIRE_LINK: session_answer(s, SMPP_ENQUIRE_LINK_RESP, m->seq, SMPP_ROK); return;
	case SMPP_UNBIND: session_unbound(s, m->seq); return;
	case SMPP_DELIVER_SM:
	case SMPP_DATA_SM:
		if (is_bound(s))
			deliver_handle(s, m);
		else
			session_answer(s, m->id | SMPP_RESP, m->seq, SMPP_RINVBNDSTS);
		return;
	case SMPP_ALERT_NOTIFICATION: /* neither has a response */
	case SMPP_OUTBIND: log_pdu(s, "smpp_ignored", m); return;
	default: {
		struct smpp_pdu r;

		log_pdu(s, "smpp_unexpected", m);
		smpp_response(m, SMPP_RINVCMDID, &r);
		session_stage(s, &r);
		return;
	}
	}
}

static void on_damaged(struct session *s, const struct smpp_pdu *m, uint32_t status)
{
	bool temporary = m->id == SMPP_DELIVER_SM || m->id == SMPP_DATA_SM;
	struct smpp_pdu r;

	metric_add(M_SMPP_BAD_PDU, 1);
	log_warn("smpp_bad_pdu", "connection=%s link=%u command=0x%08x sequence=%u status=0x%02x",
		 s->conn->set->name, s->index, m->id, m->seq, status);
	if (smpp_is_response(m->id)) {
		/* Its header says whose answer it is and which: that is enough. */
		if (status != SMPP_RINVCMDID)
			on_response(s, m, false);
		return;
	}
	smpp_response(m, temporary ? (uint32_t)SMPP_RX_T_APPN : status, &r);
	session_stage(s, &r);
}

static void on_pdu(struct session *s, const uint8_t *p, size_t n)
{
	struct smpp_pdu m;
	uint32_t bad = smpp_decode(p, n, &m);

	if (bad)
		on_damaged(s, &m, bad);
	else if (smpp_is_response(m.id))
		on_response(s, &m, true);
	else
		on_request(s, &m);
}

void session_input(struct session *s)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	size_t n = evbuffer_get_length(in), used = 0, len;
	const uint8_t *p = n ? evbuffer_pullup(in, -1) : NULL;
	uint64_t life = s->generation;

	while (p && !s->stalled) {
		enum smpp_framing f = smpp_frame(p + used, n - used, PDU_MAX, &len);

		if (f == SMPP_FRAME_MORE)
			break;
		if (f == SMPP_FRAME_BROKEN) {
			metric_add(M_SMPP_BAD_PDU, 1);
			session_fail(s, "garbage instead of a PDU");
			return;
		}
		on_pdu(s, p + used, len);
		if (s->generation != life)
			return;
		used += len;
	}
	evbuffer_drain(in, used);
}
