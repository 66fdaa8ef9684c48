/* deliver.c - receipts and incoming messages (deliver_sm, data_sm): to the engine, and answered once they are stored.
 *
 * An engine that is full refuses the object: it stays with the link, which is not read until it is taken. After a sixth of the
 * response timer (5 s) the SMSC is told 0x64, to send it again later, and reading goes on so that responses are not lost behind
 * it; until the engine takes something again, receipts are put off at once.
 *
 * stored() runs on the engine's thread and hands the object back through the door, which outlives the channel. The answer goes out
 * only if the life of the link that brought it is still the same; else the SMSC sends the receipt again, which the core copes
 * with. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "channel/sms/internal.h"
#include "model/metrics.h"
#include "wire/phone.h"

#define RETRY_MS 20

/* -- the door ------------------------------------------------------------------------------------------------------ */

struct door *door_new(void)
{
	struct door *d = xnew(struct door);

	pthread_mutex_init(&d->lock, NULL);
	d->acks = mailbox_new(1);
	d->refs = 1;
	return d;
}

static void free_object(struct input *in)
{
	if (in->kind == INPUT_MO)
		free(OWNER(struct mo_in, in, in)->text);
	free(in); /* the first member of both */
}

static void leave_door(struct door *d)
{
	bool last;

	last = --d->refs == 0;
	pthread_mutex_unlock(&d->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void enter_door(struct door *d)
{
	pthread_mutex_lock(&d->lock);
	d->refs++;
	pthread_mutex_unlock(&d->lock);
}

void door_close(struct door *d)
{
	struct mail *m;

	pthread_mutex_lock(&d->lock);
	while ((m = mailbox_take(d->acks)) != NULL) {
		while (m) {
			struct mail *next = m->next;

			free_object(OWNER(struct input, mail, m));
			m = next;
		}
	}
	mailbox_free(d->acks);
	d->acks = NULL;
	leave_door(d);
}

static void hand_back(struct door *d, struct input *in)
{
	pthread_mutex_lock(&d->lock);
	if (d->acks)
		mailbox_post_always(d->acks, &in->mail);
	else
		free_object(in);
	leave_door(d);
}

static void receipt_stored(struct receipt_in *r) { hand_back(r->session, &r->in); }

static void mo_stored(struct mo_in *m) { hand_back(m->session, &m->in); }

/* -- answers ------------------------------------------------------------------------------------------------------- */

/* The lowest bit of session_id says data_sm, the rest is the generation. */
static uint64_t session_id(const struct session *s, const struct smpp_pdu *m)
{
	return s->generation << 1 | (m->id == SMPP_DATA_SM);
}

static void answer(struct session *s, uint64_t id, uint32_t sequence, uint32_t status)
{
	session_answer(s, id & 1 ? SMPP_DATA_SM_RESP : SMPP_DELIVER_SM_RESP, sequence, status);
}

static void origin_of(struct input *in, uint64_t *id, uint32_t *sequence)
{
	if (in->kind == INPUT_MO) {
		*id = OWNER(struct mo_in, in, in)->session_id;
		*sequence = OWNER(struct mo_in, in, in)->sequence;
	} else {
		*id = OWNER(struct receipt_in, in, in)->session_id;
		*sequence = OWNER(struct receipt_in, in, in)->sequence;
	}
}

void deliver_acks(void *ctx, struct mail *first)
{
	struct sms *ch = ctx;

	while (first) {
		struct input *in = OWNER(struct input, mail, first);
		struct session *s;
		uint64_t id;
		uint32_t sequence;

		first = first->next;
		origin_of(in, &id, &sequence);
		s = map_ptr(ch->links, id >> 1);
		ch->unstored--;
		if (s) {
			s->unacked--;
			answer(s, id, sequence, SMPP_ROK);
		}
		free_object(in);
	}
	sms_touch(ch);
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

static bool offer(struct session *s, struct input *in)
{
	struct sms *ch = session_sms(s);

	enter_door(ch->door);
	if (ch->env.post(ch->env.ctx, in, false)) {
		s->unacked++;
		ch->unstored++;
		s->refusing = false;
		return true;
	}
	pthread_mutex_lock(&ch->door->lock);
	leave_door(ch->door);
	return false;
}

static void put_off(struct session *s, struct input *in)
{
	uint64_t id;
	uint32_t sequence;

	origin_of(in, &id, &sequence);
	answer(s, id, sequence, SMPP_RX_T_APPN);
	free_object(in);
}

static void take(struct session *s, struct input *in)
{
	if (offer(s, in))
		return;
	if (s->refusing) {
		put_off(s, in);
		return;
	}
	s->stalled = in;
	s->stalled_at = mono_us();
	session_reading(s);
	timer_set(&s->retry, RETRY_MS);
}

void deliver_retry(struct session *s)
{
	struct input *in = s->stalled;

	if (!in)
		return;
	if (!offer(s, in)) {
		if (mono_us() - s->stalled_at < s->conn->set->timers.response_ms * 1000 / 6) {
			timer_set(&s->retry, RETRY_MS);
			return;
		}
		log_warn("smpp_put_off", "connection=%s link=%u why=\"the engine takes no more\"",
			 s->conn->set->name, s->index);
		s->refusing = true;
		put_off(s, in);
	}
	s->stalled = NULL;
	s->heard_at = mono_us(); /* we were the ones who did not listen */
	session_reading(s);
	session_input(s);
	sms_touch(session_sms(s));
}

void deliver_lost(struct session *s)
{
	timer_off(&s->retry);
	if (s->stalled)
		free_object(s->stalled);
	s->stalled = NULL;
	s->unacked = 0;
}

static void addresses(const struct smpp_pdu *m, char source[24], char destination[24])
{
	str_copy(source, 24, str_of(m->source.text));
	str_copy(destination, 24, str_of(m->dest.text));
}

static struct input *new_receipt(struct session *s, const struct smpp_pdu *m, const struct receipt *r)
{
	const struct sms_config *set = s->conn->set;
	const struct channel_env *env = &session_sms(s)->env;
	struct receipt_in *in = xnew(struct receipt_in);
	struct id_key keys[ID_KEYS_MAX];
	unsigned n = *r->id ? id_lookup(set->notation, str_of(r->id), keys) : 0;

	in->in.kind = INPUT_RECEIPT;
	in->connection = set->number;
	in->state = (uint8_t)r->state;
	in->final = receipt_final(r->state) && (m->esm_class & SMPP_ESM_TYPE) != SMPP_ESM_INTERMEDIATE;
	for (unsigned i = 0; i < MIN(n, (unsigned)COUNT_OF(in->id_hash)); i++)
		in->id_hash[in->hashes++] = env->id_hash(env->ctx, set->number, keys[i].s);
	str_copy(in->id, sizeof(in->id), str_of(r->id));
	str_copy(in->err, sizeof(in->err), str_of(r->err));
	addresses(m, in->source, in->destination);
	in->at = wall_ms();
	in->stored = receipt_stored;
	in->session = session_sms(s)->door;
	in->session_id = session_id(s, m);
	in->sequence = m->seq;
	return &in->in;
}

/* What data_coding 0 means is the SMSC's own; the profile says what it takes. */
static enum split_alphabet default_alphabet(const struct sms_config *set)
{
	unsigned a = set->profile.alphabets;

	if (!a || a & (ALPHABET_GSM7 | ALPHABET_GSM7EXT))
		return SPLIT_GSM7EXT;
	if (a & ALPHABET_LATIN1)
		return SPLIT_LATIN1;
	return a & ALPHABET_ASCII ? SPLIT_ASCII : SPLIT_GSM7EXT;
}

/* A subscriber's number in the form that messages are routed by, so that a reply finds what it answers; a short code or words as they
 * came. */
static void mo_source(struct mo_in *in, const struct smpp_pdu *m)
{
	struct phone read, canonical;

	str_copy(in->source, sizeof(in->source), str_of(m->source.text));
	if (m->source.ton == SMPP_TON_ALPHANUMERIC || !phone_destination(str_of(m->source.text), &read))
		return;
	phone_canonical(&read, &canonical);
	str_copy(in->source, sizeof(in->source), (struct str){canonical.digits, canonical.n});
}

static void mo_destination(struct mo_in *in, const struct smpp_pdu *m)
{
	const char *text = m->dest.text;

	str_copy(in->destination, sizeof(in->destination), str_of(*text == '+' ? text + 1 : text));
}

/* The links that are up now: what one that is gone brought may come again (core/mo.c). */
static void mo_links(struct mo_in *in, const struct session *s)
{
	const struct conn *c = s->conn;

	in->link = s->generation;
	for (unsigned i = 0; i < c->link_count && in->link_count < MO_LINKS_MAX; i++)
		if (c->links[i]->state == SESSION_BOUND && c->links[i]->role != ROLE_TRANSMITTER)
			in->links[in->link_count++] = c->links[i]->generation;
}

static struct input *new_mo(struct session *s, const struct smpp_pdu *m)
{
	struct mo_in *in = xnew(struct mo_in);
	struct buf text = BUF_INIT;
	struct sms_part part = {0};

	sms_read(m, default_alphabet(s->conn->set), &text, &part);
	(void)buf_cstr(&text);
	in->in.kind = INPUT_MO;
	in->connection = s->conn->set->number;
	mo_source(in, m);
	mo_destination(in, m);
	mo_links(in, s);
	in->data_coding = m->data_coding;
	in->esm_class = m->esm_class;
	in->at = wall_ms();
	if (part.joined) {
		in->ref = part.ref;
		in->total = part.total;
		in->part = part.seq;
	}
	in->text_len = (uint32_t)text.n;
	in->text = text.p ? text.p : xstrdup("");
	in->stored = mo_stored;
	in->session = session_sms(s)->door;
	in->session_id = session_id(s, m);
	in->sequence = m->seq;
	return &in->in;
}

/* Some SMSCs leave esm_class at 0; these two parameters belong to receipts alone (SMPP 3.4 4.6.1). */
static bool has_receipt_tlvs(const struct smpp_pdu *m)
{
	return smpp_has(m, SMPP_TLV_RECEIPTED_MESSAGE_ID) && smpp_has(m, SMPP_TLV_MESSAGE_STATE);
}

void deliver_handle(struct session *s, const struct smpp_pdu *m)
{
	struct receipt r;

	if (!receipt_is(m) && !has_receipt_tlvs(m)) {
		take(s, new_mo(s, m));
		return;
	}
	if (receipt_from_pdu(m, &r) < 0 && !*r.id) {
		/* Refused it would come for ever; without an id it says nothing about any message. */
		log_warn("smpp_bad_receipt", "connection=%s link=%u sequence=%u", s->conn->set->name, s->index, m->seq);
		metric_add(M_SMPP_BAD_PDU, 1);
		answer(s, session_id(s, m), m->seq, SMPP_ROK);
		return;
	}
	take(s, new_receipt(s, m, &r));
}
