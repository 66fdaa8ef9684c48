/* smsc_submit.c - a submitted message: checks, what the network does with it, its response, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "base/time.h"
#include "sandbox/smsc.h"

#define ANSWER_REST_MS 5000 /* what comes so soon after a handset's answer is not answered */
#define THROTTLED_MAX 10000 /* numbers ending in 9058 that are counted at a time */

void smsc_print_id(const struct smsc *c, uint32_t id, bool other, char out[12])
{
	bool hex = (c->settings->ids == SANDBOX_IDS_HEX) != other;

	snprintf(out, 12, hex ? "%08X" : "%u", id);
}

bool smsc_read_id(const struct smsc *c, const char *text, uint32_t *ret)
{
	bool hex = c->settings->ids == SANDBOX_IDS_HEX;
	size_t n = strlen(text);
	char *end;
	unsigned long long v;

	if (n == 0 || n > 10 || strspn(text, hex ? "0123456789abcdefABCDEF" : "0123456789") != n)
		return false;
	v = strtoull(text, &end, hex ? 16 : 10);
	*ret = (uint32_t)v;
	return *end == '\0' && v <= UINT32_MAX;
}

/* A response that comes later. Its session may be gone by then. */
struct late_response {
	struct smsc_job job;
	uint64_t session;
	struct smpp_pdu m;
};

static void late_drop(struct smsc *c, struct smsc_job *j)
{
	(void)c;
	free(OWNER(struct late_response, job, j));
}

static void late_run(struct smsc *c, struct smsc_job *j)
{
	struct late_response *l = OWNER(struct late_response, job, j);
	struct smsc_session *s = map_ptr(c->by_session, l->session);

	if (s && s->state == SMSC_BOUND)
		smsc_send(s, &l->m);
	free(l);
}

static void respond(struct smsc_session *s, const struct smpp_pdu *m, uint32_t status, uint32_t id, int64_t delay_ms)
{
	struct smpp_pdu resp;
	struct late_response *l;

	smpp_response(m, status, &resp);
	if (!status)
		smsc_print_id(s->smsc, id, false, resp.message_id);
	if (delay_ms <= 0) {
		smsc_send(s, &resp);
		return;
	}
	l = xnew(struct late_response);
	l->job.run = late_run;
	l->job.drop = late_drop;
	l->session = s->id;
	l->m = resp;
	smsc_job_at(s->smsc, &l->job, delay_ms);
}

/* "" or 16 characters YYMMDDhhmmsstnnp (SMPP 3.4 section 7.1.1). */
static bool time_valid(const char *t)
{
	size_t n = strlen(t);

	return n == 0 || (n == 16 && strspn(t, "0123456789") == 15 && strchr("+-R", t[15]));
}

static int two(const char *p) { return (p[0] - '0') * 10 + (p[1] - '0'); }

/* A relative validity in milliseconds; INT64_MAX for none and for absolute ones, whose clock is not ours. */
static int64_t validity_ms(const char *t)
{
	int64_t days;

	if (strlen(t) != 16 || t[15] != 'R')
		return INT64_MAX;
	days = two(t) * 365 + two(t + 2) * 30 + two(t + 4);
	return ((days * 24 + two(t + 6)) * 60 + two(t + 8)) * 60000 + two(t + 10) * 1000;
}

static uint32_t check(const struct smpp_pdu *m)
{
	struct smpp_octets text = smpp_text(m);

	if (!*m->dest.text)
		return SMPP_RINVDSTADR;
	if (m->short_message.n > 254)
		return SMPP_RINVMSGLEN;
	if (m->priority_flag > 3)
		return SMPP_RINVPRTFLG;
	if (m->replace_if_present > 1)
		return SMPP_RINVREPFLAG;
	if (!time_valid(m->schedule))
		return SMPP_RINVSCHED;
	if (!time_valid(m->validity))
		return SMPP_RINVEXPIRY;
	if (m->esm_class & SMPP_ESM_UDHI && (text.n == 0 || text.p[0] + 1u > text.n))
		return SMPP_RINVESMCLASS;
	return SMPP_ROK;
}

/* One more submit against the rate; a bucket of one second's worth. */
static bool over_rate(struct smsc *c)
{
	int64_t rate = c->settings->rate, now = mono_us();

	if (rate == 0)
		return false;
	c->bucket += (double)(now - c->bucket_at_us) * (double)rate / 1e6;
	c->bucket = MIN(c->bucket, (double)MAX(rate, 1));
	c->bucket_at_us = now;
	if (c->bucket < 1)
		return true;
	c->bucket -= 1;
	return false;
}

static uint64_t throttled_count(struct smsc *c, struct str number, uint64_t *key)
{
	uint64_t n = 0;

	*key = hash_bytes(number.p, number.n);
	map_get(c->throttled, *key, &n);
	return n;
}

static void count_throttled(struct smsc *c, struct str number, uint32_t status)
{
	uint64_t key, n = throttled_count(c, number, &key);

	if (status != SMPP_RTHROTTLED)
		map_del(c->throttled, key, NULL);
	else if (n || map_count(c->throttled) < THROTTLED_MAX)
		map_set(c->throttled, key, n + 1);
}

static void sample(char out[21], struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < 20; i++)
		if ((unsigned char)text.p[i] < 0x80)
			out[n++] = text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
	out[n] = '\0';
}

static void on_end(struct smsc *c, struct smsc_job *j)
{
	struct smsc_message *m = OWNER(struct smsc_message, end, j);

	smsc_end(c, m, m->fate);
}

static struct smsc_message *accept_message(struct smsc_session *s, const struct smpp_pdu *m,
					   const struct sandbox_outcome *o, const struct sms_part *part)
{
	struct smsc *c = s->smsc;
	struct smsc_message *x = xnew(struct smsc_message);

	do
		c->last_id++;
	while (c->last_id == 0 || map_get(c->by_id, c->last_id, NULL));
	x->id = c->last_id;
	x->end.run = on_end;
	x->account = s->account;
	x->plan.wanted = m->registered_delivery & 3;
	x->plan.count = (uint8_t)o->receipts;
	x->plan.other_notation = o->other_notation;
	x->plan.out_of_order = o->out_of_order;
	x->fate = o->state;
	x->seq = part->seq;
	x->at_ms = wall_ms();
	x->answer = o->answer;
	x->addr = xcalloc(2, sizeof(*x->addr));
	x->addr[0] = m->source;
	x->addr[1] = m->dest;
	map_set_ptr(c->by_id, x->id, x);
	list_push(&c->coming, &x->node);
	c->counts.accepted++;
	return x;
}

static uint64_t show(struct smsc_session *s, const struct smpp_pdu *m, struct str text,
		     const struct sms_part *part, unsigned parts)
{
	const struct handset_in in = {.system_id = s->account->system_id,
				      .number = str_of(m->dest.text),
				      .source = &m->source,
				      .text = text,
				      .part = part,
				      .parts = parts,
				      .wall_ms = wall_ms(),
				      .mono_us = mono_us()};

	return handset_mt(s->smsc->handset, &in);
}

static void refuse(struct smsc_session *s, const struct smpp_pdu *m, uint32_t status, struct str text,
		   const struct sms_part *part, unsigned parts)
{
	struct smsc *c = s->smsc;

	if (status == SMPP_RTHROTTLED) {
		c->counts.throttled++;
	} else {
		uint64_t id = show(s, m, text, part, parts);

		c->counts.refused++;
		handset_end(c->handset, id, part->seq, HANDSET_REFUSED, smpp_status_name(status), wall_ms(), mono_us());
	}
	respond(s, m, status, 0, c->settings->response_delay);
}

static void take(struct smsc_session *s, const struct smpp_pdu *m, const struct sandbox_outcome *o,
		 struct str text, const struct sms_part *part, unsigned parts)
{
	struct smsc *c = s->smsc;
	struct smsc_message *x = accept_message(s, m, o, part);
	int64_t valid = validity_ms(m->validity), delay = o->delay_ms;

	x->handset = show(s, m, text, part, parts);
	sample(x->sample, text);
	if (delay > valid) {
		delay = valid;
		x->fate = RECEIPT_EXPIRED;
	}
	if (o->receipt_first) {
		uint32_t id = x->id;

		smsc_end(c, x, x->fate);
		respond(s, m, SMPP_ROK, id, MAX(delay, c->settings->response_delay));
		return;
	}
	respond(s, m, SMPP_ROK, x->id, c->settings->response_delay);
	smsc_job_at(c, &x->end, delay + c->settings->response_delay);
}

/* How many parts a handset counts in a message that came in one PDU. */
static unsigned parts_of(struct str text, const struct sms_part *part)
{
	struct split_count n;

	if (part->binary || part->units <= 70)
		return 1;
	if (split_count(text, &(struct split_options){.join = SPLIT_UDH8}, &n) < 0)
		return SPLIT_PARTS_MAX;
	return n.parts;
}

void smsc_submit(struct smsc_session *s, const struct smpp_pdu *m)
{
	struct smsc *c = s->smsc;
	struct str number = str_of(m->dest.text), text;
	struct sandbox_outcome o;
	struct sms_part part;
	uint32_t status = check(m);
	uint64_t key, throttled = 0;
	unsigned parts;

	c->counts.submits++;
	if (!status && over_rate(c))
		status = SMPP_RTHROTTLED;
	if (!status && c->coming.count + c->delivers >= (size_t)c->settings->queue)
		status = SMPP_RMSGQFUL;
	if (status) {
		c->counts.throttled += status == SMPP_RTHROTTLED;
		c->counts.refused += status != SMPP_RTHROTTLED;
		smsc_reply(s, m, status);
		return;
	}
	buf_clear(&c->scratch);
	sms_read(m, SPLIT_GSM7EXT, &c->scratch, &part);
	text = buf_view(&c->scratch);
	parts = part.joined ? part.total : parts_of(text, &part);
	if (sandbox_outcome_counts(number))
		throttled = throttled_count(c, number, &key);
	sandbox_outcome(c->settings, number, &part, parts, (unsigned)MIN(throttled, 100), &c->rng, &o);
	if (sandbox_outcome_counts(number))
		count_throttled(c, number, o.status);
	if (o.close || o.silent) {
		uint64_t id = show(s, m, text, &part, parts);

		handset_end(c->handset, id, part.seq, HANDSET_UNANSWERED, o.close ? "link closed" : NULL,
			    wall_ms(), mono_us());
		if (o.close)
			smsc_drop(s);
		return;
	}
	if (o.status)
		refuse(s, m, o.status, text, &part, parts);
	else
		take(s, m, &o, text, &part, parts);
}

void smsc_message_free(struct smsc *c, struct smsc_message *m)
{
	list_remove(m->state ? &c->history : &c->coming, &m->node);
	smsc_job_off(c, &m->end);
	map_del(c->by_id, m->id, NULL);
	free(m->addr);
	free(m);
}

/* registered_delivery (5.2.17): 1 always, 2 on failure; 3 is later versions' "on success". */
static bool wants(const struct smsc_message *m)
{
	switch (m->plan.wanted) {
	case 1: return true;
	case 2: return m->state != RECEIPT_DELIVERED;
	case 3: return m->state == RECEIPT_DELIVERED;
	default: return false;
	}
}

/* An ESME may answer the answer by itself ("you are unsubscribed"); two machines must not go on for ever. */
static bool may_answer(struct smsc *c, struct str number)
{
	uint64_t key = hash_bytes(number.p, number.n), at;

	if (map_get(c->answered, key, &at) && c->now_ms - (int64_t)at < ANSWER_REST_MS)
		return false;
	if (map_count(c->answered) >= THROTTLED_MAX) {
		map_free(c->answered);
		c->answered = map_new();
	}
	map_set(c->answered, key, (uint64_t)c->now_ms);
	return true;
}

void smsc_end(struct smsc *c, struct smsc_message *m, enum receipt_state state)
{
	bool delivered = state == RECEIPT_DELIVERED;

	smsc_job_off(c, &m->end);
	m->state = state;
	m->end_ms = wall_ms();
	list_remove(&c->coming, &m->node);
	list_push(&c->history, &m->node);
	handset_end(c->handset, m->handset, m->seq, delivered ? HANDSET_DELIVERED : HANDSET_FAILED,
		    delivered ? NULL : receipt_state_word(state), m->end_ms, mono_us());
	for (unsigned i = 0; wants(m) && i < m->plan.count; i++) {
		smsc_deliver_receipt(c, m, state);
		if (i == 0 && m->plan.out_of_order)
			smsc_deliver_receipt(c, m, RECEIPT_ENROUTE);
	}
	if (m->answer && delivered && may_answer(c, str_of(m->addr[1].text))) {
		const struct smsc_mo reply = {.number = str_of(m->addr[1].text),
					      .short_code = str_of(m->addr[0].text),
					      .text = str_of(m->answer)};
		uint64_t id;
		struct err e;

		/* Nobody there to take it: then nobody reads it, as with a real short code. */
		if (smsc_mo_send(c, &reply, &id, &e) < 0)
			c->counts.expired++;
	}
	if (c->history.count > SMSC_HISTORY_MAX)
		smsc_message_free(c, OWNER(struct smsc_message, node, list_first(&c->history)));
}
