/* smsc_bind.c - what an ESME may ask in which state (SMPP 3.4 section 2.3), binds, and the watch over silent links. */
#include <string.h>
#include "base/log.h"
#include "sandbox/smsc.h"

#define SYSTEM_ID "pombo-sandbox" /* at most 15 characters */

void smsc_reply(struct smsc_session *s, const struct smpp_pdu *req, uint32_t status)
{
	struct smpp_pdu resp;

	smpp_response(req, status, &resp);
	smsc_send(s, &resp);
}

static uint32_t credentials(const struct sandbox_settings *set, const struct smpp_pdu *m)
{
	if (*set->system_id && strcmp(set->system_id, m->system_id) != 0)
		return SMPP_RINVSYSID;
	if (*set->password && strcmp(set->password, m->password) != 0)
		return SMPP_RINVPASWD;
	return SMPP_ROK;
}

static void bind(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc *c = s->smsc;
	struct smpp_pdu resp;
	uint32_t status = s->state == SMSC_BOUND ? SMPP_RALYBND : credentials(c->settings, m);
	struct smsc_account *a = status ? NULL : smsc_account(c, str_of(m->system_id));

	if (!status && !a)
		status = SMPP_RBINDFAIL;
	log_info("smsc_bind", "session=%llu as=%s system_id=%s status=%02x", (unsigned long long)s->id,
		 smpp_command_name(m->id), log_quote(str_of(m->system_id)).s, status);
	smpp_response(m, status, &resp);
	str_copy(resp.system_id, sizeof(resp.system_id), STR(SYSTEM_ID));
	if (!status && m->interface_version >= 0x34) {
		resp.sc_interface_version = 0x34;
		smpp_mark(&resp, SMPP_TLV_SC_INTERFACE_VERSION);
	}
	smsc_send(s, &resp);
	if (status)
		return;
	s->state = SMSC_BOUND;
	s->account = a;
	s->version = m->interface_version;
	s->transmits = m->id != SMPP_BIND_RECEIVER;
	s->receives = m->id != SMPP_BIND_TRANSMITTER;
	smsc_job_at(c, &s->watch, c->settings->enquire_link);
	if (s->receives) {
		list_push_front(&a->receivers, &s->rx);
		smsc_pump(c, a);
	}
}

static void may_submit(struct smsc_session *s, const struct smpp_pdu *m,
		       void (*fn)(struct smsc_session *, const struct smpp_pdu *))
{
	if (s->state != SMSC_BOUND || !s->transmits)
		smsc_reply(s, m, SMPP_RINVBNDSTS);
	else
		fn(s, m);
}

static void response(struct smsc_session *s, const struct smpp_pdu *m)
{
	if (m->id == SMPP_ENQUIRE_LINK_RESP)
		s->asked_ms = 0;
	else if (m->id == SMPP_DELIVER_SM_RESP || m->id == SMPP_GENERIC_NACK)
		smsc_deliver_answered(s, m);
}

/* fault: what smpp_decode() found wrong. An unknown request gets generic_nack, a bad body its own response. */
void smsc_request(struct smsc_session *s, const struct smpp_pdu *m, uint32_t fault)
{
	if (smpp_is_response(m->id)) {
		response(s, m);
		return;
	}
	if (fault) {
		smsc_reply(s, m, fault);
		return;
	}
	switch (m->id) {
	case SMPP_BIND_RECEIVER:
	case SMPP_BIND_TRANSMITTER:
	case SMPP_BIND_TRANSCEIVER: bind(s, m); break;
	case SMPP_UNBIND:
		smsc_reply(s, m, s->state == SMSC_BOUND ? SMPP_ROK : SMPP_RINVBNDSTS);
		if (s->state == SMSC_BOUND)
			smsc_finish(s);
		break;
	case SMPP_ENQUIRE_LINK: smsc_reply(s, m, SMPP_ROK); break;
	case SMPP_SUBMIT_SM:
	case SMPP_DATA_SM: may_submit(s, m, smsc_submit); break;
	case SMPP_QUERY_SM: may_submit(s, m, smsc_query); break;
	case SMPP_CANCEL_SM: may_submit(s, m, smsc_cancel); break;
	case SMPP_REPLACE_SM: may_submit(s, m, smsc_replace); break;
	case SMPP_OUTBIND:
	case SMPP_ALERT_NOTIFICATION: break; /* an SMSC's own, and without response */
	default: /* deliver_sm: an SMSC's own as well */ smsc_reply(s, m, SMPP_RINVBNDSTS);
	}
}

/* Due when the session has been silent long enough to look at it. Any octet counts as life. */
void smsc_watch(struct smsc *c, struct smsc_job *j)
{
	struct smsc_session *s = OWNER(struct smsc_session, watch, j);
	struct smpp_pdu m = {.id = SMPP_ENQUIRE_LINK};
	int64_t silent = c->now_ms - s->heard_ms;

	if (s->state != SMSC_BOUND || (s->asked_ms && s->heard_ms < s->asked_ms)) {
		log_info("smsc_silent", "session=%llu", (unsigned long long)s->id);
		smsc_drop(s);
		return;
	}
	if (silent < c->settings->enquire_link) {
		s->asked_ms = 0;
		smsc_job_at(c, j, c->settings->enquire_link - silent);
		return;
	}
	m.seq = s->seq = s->seq >= 0x7fffffff ? 1 : s->seq + 1;
	s->asked_ms = c->now_ms;
	smsc_send(s, &m);
	smsc_job_at(c, j, SMSC_BIND_MS);
}
