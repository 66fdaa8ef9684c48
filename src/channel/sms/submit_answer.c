/* submit_answer.c - what the answers to submit_sm mean for their jobs (submit.c has the picture). */
#include "base/log.h"
#include "channel/sms/internal.h"
#include "model/metrics.h"

#define UNSURE_TRIES 1 /* attempts on which 0x45 is still taken for "later" */

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
	job_end(s, j, v, (int32_t)status);
}

static void on_status(struct session *s, struct piece *p, const struct smpp_pdu *m)
{
	struct job *j = p->job;
	const struct sms_config *set = s->conn->set;
	char why[80];

	switch (status_classify(set->rules, set->rule_count, m->status)) {
	case STATUS_OK:
		j->accepted++;
		job_post_accepted(s, p, m);
		job_free_if_answered(s, j);
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
		job_post_accepted(s, p, m);
	job_free_if_answered(s, j);
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
