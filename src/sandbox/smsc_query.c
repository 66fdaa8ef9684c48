/* smsc_query.c - query_sm, cancel_sm, replace_sm (SMPP 3.4 sections 4.8 to 4.10). A message is its account's alone; the source
 * address must be the one it was submitted with. */
#include <stdio.h>
#include <string.h>
#include "base/map.h"
#include "base/time.h"
#include "sandbox/smsc.h"

static struct smsc_message *find(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc_message *x;
	uint32_t id;

	if (!smsc_read_id(s->smsc, m->message_id, &id))
		return NULL;
	x = map_ptr(s->smsc->by_id, id);
	if (!x || x->account != s->account || strcmp(x->addr[0].text, m->source.text) != 0)
		return NULL;
	return x;
}

/* YYMMDDhhmmsstnnp in UTC. */
static void print_time(char out[17], int64_t ms)
{
	int64_t s = ms / 1000, rest = s % 86400;
	int y, mo, d;

	civil_from_days(s / 86400, &y, &mo, &d);
	snprintf(out, 17, "%02u%02u%02u%02u%02u%02u%u00+", (unsigned)y % 100, (unsigned)mo % 100,
		 (unsigned)d % 100, (unsigned)(rest / 3600) % 100, (unsigned)(rest / 60 % 60) % 100,
		 (unsigned)(rest % 60) % 100, (unsigned)(ms / 100 % 10));
}

void smsc_query(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc_message *x = find(s, m);
	struct smpp_pdu resp;

	if (!x) {
		smsc_reply(s, m, SMPP_RQUERYFAIL);
		return;
	}
	smpp_response(m, SMPP_ROK, &resp);
	str_copy(resp.message_id, sizeof(resp.message_id), str_of(m->message_id));
	resp.query_state = (uint8_t)(x->state ? x->state : RECEIPT_ENROUTE);
	if (x->state)
		print_time(resp.final_date, x->end_ms);
	smsc_send(s, &resp);
}

/* Without an id: all that is pending between the two addresses. Walks all that is on its way; an ESME that does this often
 * waits for it, and so it should. */
static unsigned cancel_between(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc *c = s->smsc;
	unsigned n = 0;

	for (struct node *i = list_first(&c->coming), *next; i; i = next) {
		struct smsc_message *x = OWNER(struct smsc_message, node, i);

		next = list_next(&c->coming, i);
		if (x->account != s->account || strcmp(x->addr[0].text, m->source.text) != 0 ||
		    strcmp(x->addr[1].text, m->dest.text) != 0)
			continue;
		smsc_end(c, x, RECEIPT_DELETED);
		n++;
	}
	return n;
}

void smsc_cancel(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc_message *x;

	if (!*m->message_id) {
		smsc_reply(s, m, cancel_between(s, m) ? SMPP_ROK : SMPP_RCANCELFAIL);
		return;
	}
	x = find(s, m);
	if (!x || x->state) {
		smsc_reply(s, m, x ? SMPP_RCANCELFAIL : SMPP_RINVMSGID);
		return;
	}
	smsc_reply(s, m, SMPP_ROK);
	smsc_end(s->smsc, x, RECEIPT_DELETED);
}

void smsc_replace(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc_message *x = find(s, m);
	struct smsc *c = s->smsc;
	struct sms_part part;

	if (!x || x->state) {
		smsc_reply(s, m, x ? SMPP_RREPLACEFAIL : SMPP_RINVMSGID);
		return;
	}
	x->plan.wanted = m->registered_delivery & 3;
	buf_clear(&c->scratch);
	sms_read(m, SPLIT_GSM7EXT, &c->scratch, &part);
	handset_replace(c->handset, x->handset, buf_view(&c->scratch));
	smsc_reply(s, m, SMPP_ROK);
}
