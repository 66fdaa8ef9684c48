/* submit.c - from an attempt to its submit_sm PDUs, and from their responses to results.
 *
 * A job is an attempt on its link; a piece is one of its parts. Where a piece is:
 *
 *   job in queue, part >= next --write--> window --response 0--> accepted
 *                                          |  |
 *             again <--throttled-----------+  +--overdue--> late (job in doubt; an answer that still comes is told)
 *               +-------write---> window
 *
 * The queue is served from its head, one job's parts in a row; again holds throttled pieces by (order, index) and goes first, so
 * nothing overtakes what the SMSC put off. One message-wide result ends a job: what of it is not written is dropped, answers that
 * are still out are not told any more, except acceptances after doubt. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "channel/sms/internal.h"
#include "model/metrics.h"

#define UNSURE_TRIES 1 /* attempts on which 0x45 is still taken for "later" */

static struct piece *piece_of(struct window_entry *e) { return OWNER(struct piece, w, e); }

static struct job *queue_head(const struct session *s)
{
	struct node *n = list_first(&s->queue);

	return n ? OWNER(struct job, node, n) : NULL;
}

static struct piece *again_head(const struct session *s)
{
	struct node *n = list_first(&s->again);

	return n ? OWNER(struct piece, again, n) : NULL;
}

bool submit_idle(const struct session *s)
{
	return !window_used(&s->window) && !s->queue.count && !s->again.count;
}

/* Parts of a job in the queue that were never written; before the split as many as the core thought. */
static int64_t never_written(const struct job *j) { return (j->n ? j->n : MAX(j->a->parts, 1)) - j->next; }

/* -- results ------------------------------------------------------------------------------------------------------- */

static struct result *new_result(uint16_t connection, int64_t key, uint8_t attempt, enum verdict v, int32_t status)
{
	struct result *r = xnew(struct result);

	r->in.kind = INPUT_RESULT;
	r->key = key;
	r->connection = connection;
	r->attempt = attempt;
	r->verdict = (uint8_t)v;
	r->status = status;
	r->at = wall_ms();
	return r;
}

void submit_refuse(struct sms *ch, struct attempt *a, enum verdict v, int32_t status)
{
	struct result *r = new_result(a->connection, a->key, a->attempt, v, status);

	r->parts = MAX(a->parts, 1);
	attempt_free(a);
	sms_post(ch, &r->in);
}

static void post_accepted(struct session *s, const struct piece *p, const struct smpp_pdu *m)
{
	const struct job *j = p->job;
	const struct sms_config *set = s->conn->set;
	struct result *r = new_result(set->number, j->key, j->attempt, V_ACCEPTED, 0);

	r->part = p->index;
	r->parts = j->n;
	if (str_copy(r->id, sizeof(r->id), str_of(m->message_id)) && *r->id) {
		const struct channel_env *env = &session_sms(s)->env;
		struct id_key key;

		id_stored(set->notation, str_of(r->id), &key);
		r->id_hash = env->id_hash(env->ctx, set->number, key.s);
	}
	sms_post(session_sms(s), &r->in);
}

/* -- the life of a job --------------------------------------------------------------------------------------------- */

static void free_if_answered(struct session *s, struct job *j)
{
	if (j->out || !(j->ended || (j->n && j->accepted == j->n)))
		return;
	if (session_sms(s)->scratch_job == j)
		session_sms(s)->scratch_job = NULL;
	if (j->a)
		attempt_free(j->a);
	if (j->pieces != &j->one)
		free(j->pieces);
	free(j);
}

static void unqueue(struct session *s, struct job *j)
{
	if (!node_linked(&j->node))
		return;
	s->unwritten -= never_written(j);
	list_remove(&s->queue, &j->node);
}

static void take_from_again(struct session *s, struct piece *p)
{
	list_remove(&s->again, &p->again);
	s->unwritten--;
}

/* The one message-wide result. Does not free j. */
static void end_and_keep(struct session *s, struct job *j, enum verdict v, int32_t status, bool lost)
{
	struct result *r = new_result(s->conn->set->number, j->key, j->attempt, v, status);

	ASSERT(!j->ended);
	r->parts = j->n ? j->n : MAX(j->a->parts, 1);
	r->lost = lost;
	sms_post(session_sms(s), &r->in);
	unqueue(s, j);
	for (unsigned i = 0; i < j->next; i++) {
		if (node_linked(&j->pieces[i].again))
			take_from_again(s, &j->pieces[i]);
	}
	j->ended = true;
	j->doubted = v == V_DOUBT;
	attempt_free(j->a);
	j->a = NULL;
}

/* j may be gone after it. */
static void end_job(struct session *s, struct job *j, enum verdict v, int32_t status)
{
	end_and_keep(s, j, v, status, false);
	free_if_answered(s, j);
}

/* Its window shut before the carrier took or could have taken any of it; a throttled part was refused. Then it waits for the next one. */
static bool shut(const struct job *j, int64_t now_ms)
{
	return j->a->shuts_at && j->a->shuts_at <= now_ms && !j->accepted && !j->out;
}

void submit_queue(struct session *s, struct attempt *a)
{
	struct smpp_addr dest = {0};
	struct job *j;

	if (!address_dest(s->conn->set, a->number, &dest)) {
		submit_refuse(session_sms(s), a, V_BAD_NUMBER, SMPP_RINVDSTADR);
		return;
	}
	j = xnew(struct job);
	j->a = a;
	j->key = a->key;
	j->attempt = a->attempt;
	j->order = s->next_order++;
	list_push(&s->queue, &j->node);
	s->unwritten += never_written(j);
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

static enum split_join join_of(enum join j)
{
	switch (j) {
	case JOIN_UDH8: return SPLIT_UDH8;
	case JOIN_UDH16: return SPLIT_UDH16;
	case JOIN_SAR: return SPLIT_SAR;
	case JOIN_PAYLOAD: return SPLIT_PAYLOAD;
	case JOIN_NONE: break;
	}
	return SPLIT_NONE;
}

static struct split_options options_of(const struct session *s, const struct job *j)
{
	const struct profile_setting *p = &s->conn->set->profile;
	struct split_options o = {.alphabets = p->alphabets,
				  .join = join_of(p->join),
				  .fold = p->accents == ACCENTS_FOLD,
				  .shift = p->accents == ACCENTS_SINGLE_SHIFT,
				  .ref = j->ref};

	/* The values are the same by design. */
	_Static_assert(ALPHABET_ASCII == (unsigned)SPLIT_ASCII && ALPHABET_GSM7 == (unsigned)SPLIT_GSM7 &&
			       ALPHABET_GSM7EXT == (unsigned)SPLIT_GSM7EXT &&
			       ALPHABET_LATIN1 == (unsigned)SPLIT_LATIN1 && ALPHABET_UCS2 == (unsigned)SPLIT_UCS2,
		       "alphabets");
	if (j->a->flags & DF_FLASH)
		o.flash = p->flash == FLASH_F0 ? SPLIT_FLASH_F0 : SPLIT_FLASH_CLASS;
	return o;
}

/* Brings j's parts into the scratch; a profile changed meanwhile must not change how many there are. */
static bool split_job(struct session *s, struct job *j)
{
	struct sms *ch = session_sms(s);
	struct split_options o;
	uint16_t *ref = sms_ref(ch, j->a->number);

	if (ch->scratch_job == j)
		return true;
	if (!j->n)
		j->ref = *ref;
	o = options_of(s, j);
	ch->scratch_job = NULL;
	if (split_text(j->a->text, &o, &ch->scratch) < 0 || ch->scratch.lossy || !ch->scratch.n ||
	    (j->n && j->n != ch->scratch.n))
		return false;
	ch->scratch_job = j;
	if (j->n)
		return true;
	s->unwritten -= never_written(j);
	j->n = (uint16_t)ch->scratch.n;
	s->unwritten += never_written(j);
	if (j->n > 1)
		++*ref;
	j->pieces = j->n == 1 ? &j->one : xcalloc(j->n, sizeof(j->pieces[0]));
	return true;
}

static bool encode_piece(struct session *s, const struct job *j, struct piece *p, uint32_t seq, int64_t now_ms)
{
	const struct sms_config *set = s->conn->set;
	const struct attempt *a = j->a;
	struct smpp_pdu m = {.id = SMPP_SUBMIT_SM, .seq = seq};

	str_copy(m.service_type, sizeof(m.service_type), str_of(set->service_type));
	address_source(set, a->source, &m.source);
	if (!address_dest(set, a->number, &m.dest))
		return false;
	validity_write(m.validity, set->profile.validity, now_ms, a->expires_at);
	m.registered_delivery = a->flags & DF_NO_REPORTS ? 0 : SMPP_RECEIPT_ALWAYS;
	split_fill(&session_sms(s)->scratch, p->index, &m);
	p->begin = s->added + s->out.n;
	return smpp_encode(&m, &s->out) == 0;
}

static void write_piece(struct session *s, struct job *j, unsigned index, int64_t now_us, int64_t now_ms)
{
	uint32_t seq = session_seq(s);
	struct piece *p = &j->pieces[index];

	p->job = j;
	p->index = (uint16_t)index;
	if (!encode_piece(s, j, p, seq, now_ms)) {
		end_job(s, j, V_TEXT, 0);
		return;
	}
	if (node_linked(&p->again)) {
		take_from_again(s, p);
	} else {
		j->next++;
		s->unwritten--;
		if (j->next == j->n)
			list_remove(&s->queue, &j->node);
		if (index == 0)
			metric_observe_us(M_ACCEPT_TO_SUBMIT, (now_ms - j->a->accepted_at) * 1000);
	}
	window_add(&s->window, &p->w, seq, now_us);
	j->out++;
	session_wake_at(s, now_us + s->conn->set->timers.response_ms * 1000);
}

void submit_pump(struct session *s, int64_t now_us, int64_t now_ms)
{
	int64_t written = 0;
	size_t sent;

	if (s->state != SESSION_BOUND || !s->unwritten)
		return;
	sent = evbuffer_get_length(bufferevent_get_output(s->bev));
	for (;;) {
		struct piece *p = again_head(s);
		struct job *j = p ? p->job : queue_head(s);

		if (!j)
			break;
		if (j->a->expires_at <= now_ms || shut(j, now_ms)) {
			end_job(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
			continue;
		}
		if (window_used(&s->window) >= s->conn->set->window)
			break;
		if (sent + s->out.n > OUTPUT_HIGH) {
			s->output_full = true;
			break;
		}
		if (!split_job(s, j)) {
			end_job(s, j, V_TEXT, 0);
			continue;
		}
		if (!pace_take(&s->conn->pace, now_us))
			break;
		write_piece(s, j, p ? p->index : j->next, now_us, now_ms);
		written++;
	}
	if (written)
		metric_add(M_SUBMITTED_PARTS, written);
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

/* Back to the head, but behind older ones: the answers of a full window come one by one. */
static void put_again(struct session *s, struct piece *p)
{
	struct node *n = list_first(&s->again);

	for (; n; n = list_next(&s->again, n)) {
		const struct piece *other = OWNER(struct piece, again, n);

		if (other->job->order > p->job->order || (other->job == p->job && other->index > p->index))
			break;
	}
	if (n)
		list_insert_before(&s->again, n, &p->again);
	else
		list_push(&s->again, &p->again);
	s->unwritten++;
}

static void on_throttled(struct session *s, struct piece *p, uint32_t status)
{
	struct conn *c = s->conn;

	metric_add(M_THROTTLED, 1);
	if (!c->pace.paused_until)
		log_info("smpp_throttled", "connection=%s link=%u status=0x%02x", c->set->name, s->index, status);
	pace_throttled(&c->pace, p->w.written_us, s->heard_at);
	put_again(s, p);
}

static void on_final(struct session *s, struct job *j, enum verdict v, uint32_t status)
{
	const char *name = smpp_status_name(status);

	log_debug("smpp_refused", "connection=%s link=%u key=%lld status=0x%02x name=%s", s->conn->set->name,
		  s->index, (long long)j->key, status, name ? name : "-");
	end_job(s, j, v, (int32_t)status);
}

static void on_status(struct session *s, struct piece *p, const struct smpp_pdu *m)
{
	struct job *j = p->job;
	const struct sms_config *set = s->conn->set;
	char why[80];

	switch (status_classify(set->rules, set->rule_count, m->status)) {
	case STATUS_OK:
		j->accepted++;
		post_accepted(s, p, m);
		free_if_answered(s, j);
		return;
	case STATUS_THROTTLED: on_throttled(s, p, m->status); return;
	case STATUS_TEMPORARY: on_final(s, j, V_TEMPORARY, m->status); return;
	case STATUS_UNSURE:
		on_final(s, j, j->attempt <= UNSURE_TRIES ? V_TEMPORARY : V_REFUSED, m->status);
		return;
	case STATUS_BAD_NUMBER: on_final(s, j, V_BAD_NUMBER, m->status); return;
	case STATUS_FINAL: on_final(s, j, V_REFUSED, m->status); return;
	case STATUS_SESSION:
		/* This part was not taken; what of the others was, or may have been, makes the whole doubtful. */
		on_final(s, j, j->accepted || j->out ? V_DOUBT : V_NOT_SENT, m->status);
		str_copy(why, sizeof(why), str_of(smpp_status_name(m->status)));
		session_fail(s, why);
		return;
	}
}

/* An answer for a message that has its verdict. */
static void on_ended(struct session *s, struct piece *p, const struct smpp_pdu *m)
{
	struct job *j = p->job;

	log_debug("smpp_late", "connection=%s link=%u key=%lld part=%u status=0x%02x", s->conn->set->name,
		  s->index, (long long)j->key, p->index, m->status);
	if (j->doubted && m->id == SMPP_SUBMIT_SM_RESP && m->status == SMPP_ROK)
		post_accepted(s, p, m);
	free_if_answered(s, j);
}

static struct piece *take_piece(struct session *s, uint32_t seq)
{
	struct window_entry *e = window_take(&s->window, seq);
	struct piece *p = e ? piece_of(e) : NULL;

	if (!p)
		return NULL;
	p->job->out--;
	metric_observe_us(M_SUBMIT_TO_RESPONSE, s->heard_at - e->written_us);
	sms_touch(session_sms(s));
	return p;
}

void submit_response(struct session *s, const struct smpp_pdu *m, bool readable)
{
	struct piece *p = take_piece(s, m->seq);
	struct smpp_pdu bare;

	if (!p) {
		log_debug("smpp_unmatched", "connection=%s link=%u sequence=%u status=0x%02x",
			  s->conn->set->name, s->index, m->seq, m->status);
		return;
	}
	if (!readable) { /* accepted or not, as its header says; just the id is lost */
		bare = (struct smpp_pdu){.id = m->id, .status = m->status, .seq = m->seq};
		m = &bare;
	}
	if (p->job->ended)
		on_ended(s, p, m);
	else
		on_status(s, p, m);
}

bool submit_nack(struct session *s, const struct smpp_pdu *m)
{
	struct piece *p = s->state == SESSION_BOUND || s->state == SESSION_UNBINDING ? take_piece(s, m->seq) : NULL;

	if (!p)
		return false;
	if (p->job->ended)
		on_ended(s, p, m);
	else
		on_final(s, p->job, V_NACK, m->status);
	return true;
}

/* -- time and loss ------------------------------------------------------------------------------------------------- */

static void forget(struct session *s, struct window_entry *e)
{
	struct job *j = piece_of(e)->job;

	window_remove(&s->window, e);
	j->out--;
	free_if_answered(s, j);
}

static void trim_late(struct session *s)
{
	struct node *n;

	while (s->window.late.count > s->conn->set->window && (n = list_first(&s->window.late)) != NULL)
		forget(s, OWNER(struct window_entry, node, n));
}

int64_t submit_overdue(struct session *s, int64_t now_us)
{
	int64_t limit = s->conn->set->timers.response_ms * 1000;
	struct window_entry *e;

	while ((e = window_oldest(&s->window)) != NULL && e->written_us + limit <= now_us) {
		struct job *j = piece_of(e)->job;

		log_info("smpp_no_response", "connection=%s link=%u key=%lld part=%u sequence=%u",
			 s->conn->set->name, s->index, (long long)j->key, piece_of(e)->index, e->seq);
		if (!j->ended)
			end_and_keep(s, j, V_DOUBT, 0, false);
		if (j->doubted)
			window_make_late(&s->window, e);
		else
			forget(s, e);
	}
	trim_late(s);
	return e ? e->written_us + limit : INT64_MAX;
}

void submit_sweep(struct session *s, int64_t now_ms)
{
	struct node *n = list_first(&s->again);

	while (n) {
		struct job *j = OWNER(struct piece, again, n)->job;

		n = list_next(&s->again, n);
		if (j->a->expires_at > now_ms && !shut(j, now_ms))
			continue;
		/* Takes its other pieces out as well, the next one perhaps: from the start again. */
		end_job(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
		n = list_first(&s->again);
	}
	n = list_first(&s->queue);
	while (n) {
		struct job *j = OWNER(struct job, node, n);

		n = list_next(&s->queue, n);
		if (j->a->expires_at <= now_ms || shut(j, now_ms))
			end_job(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
	}
}

void submit_drain(struct session *s)
{
	struct node *n = list_first(&s->queue);

	while (n) {
		struct job *j = OWNER(struct job, node, n);

		n = list_next(&s->queue, n);
		if (!j->next)
			end_job(s, j, V_NOT_SENT, 0);
	}
}

void submit_put_back(struct session *s)
{
	struct node *n = list_first(&s->again);

	submit_drain(s);
	while (n) {
		struct job *j = OWNER(struct piece, again, n)->job;

		n = list_next(&s->again, n);
		if (j->accepted || j->out)
			continue; /* begun at the carrier: it is finished */
		end_job(s, j, V_NOT_SENT, 0);
		n = list_first(&s->again); /* its other pieces went as well */
	}
}

static void end_lost(struct session *s, struct job *j)
{
	if (!j->ended)
		end_and_keep(s, j, j->left || j->accepted ? V_DOUBT : V_NOT_SENT, 0, true);
}

/* Octets have left when the kernel has them, that is, when they are no longer in the output buffer. Over TLS a record may be
 * half on its way while its octets are still there, so all that was handed over counts. */
static void mark_left(struct session *s)
{
	uint64_t flushed = s->added;

	if (!s->tls)
		flushed -= evbuffer_get_length(bufferevent_get_output(s->bev));
	for (struct node *n = list_first(&s->window.waiting); n; n = list_next(&s->window.waiting, n)) {
		struct piece *p = piece_of(OWNER(struct window_entry, node, n));

		if (p->begin < flushed)
			p->job->left = true;
	}
}

void submit_lost(struct session *s)
{
	struct window_entry *e;
	struct piece *p;
	struct job *j;

	mark_left(s);
	while ((e = window_any(&s->window)) != NULL) {
		end_lost(s, piece_of(e)->job);
		forget(s, e);
	}
	while ((p = again_head(s)) != NULL) {
		j = p->job;
		/* Ending takes it out of its list, which the analyser cannot see. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		end_lost(s, j);
		free_if_answered(s, j);
	}
	while ((j = queue_head(s)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the same */
		end_lost(s, j);
		free_if_answered(s, j);
	}
	ASSERT(s->unwritten == 0);
}
