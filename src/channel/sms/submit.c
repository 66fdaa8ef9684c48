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
 * are still out are not told any more, except acceptances after doubt.
 *
 * Here parts are made and written; submit_answer.c takes the answers, submit_job.c has the life and the end of jobs. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "channel/sms/internal.h"
#include "model/metrics.h"

bool submit_idle(const struct session *s)
{
	return !window_used(&s->window) && !s->queue.count && !s->again.count;
}

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
		job_end(s, j, V_TEXT, 0);
		return;
	}
	if (node_linked(&p->again)) {
		job_take_from_again(s, p);
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
		if (j->a->expires_at <= now_ms || job_shut(j, now_ms)) {
			job_end(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
			continue;
		}
		if (window_used(&s->window) >= s->conn->set->window)
			break;
		if (sent + s->out.n > OUTPUT_HIGH) {
			s->output_full = true;
			break;
		}
		if (!split_job(s, j)) {
			job_end(s, j, V_TEXT, 0);
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
