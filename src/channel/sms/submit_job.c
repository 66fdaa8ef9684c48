/* submit_job.c - the life of a job (submit.c has the picture): its results, and what ends it without an answer: time, draining, the loss
 * of its link. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "channel/sms/internal.h"

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

void job_post_accepted(struct session *s, const struct piece *p, const struct smpp_pdu *m)
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

void job_free_if_answered(struct session *s, struct job *j)
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

void job_take_from_again(struct session *s, struct piece *p)
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
			job_take_from_again(s, &j->pieces[i]);
	}
	j->ended = true;
	j->doubted = v == V_DOUBT;
	attempt_free(j->a);
	j->a = NULL;
}

/* j may be gone after it. */
void job_end(struct session *s, struct job *j, enum verdict v, int32_t status)
{
	end_and_keep(s, j, v, status, false);
	job_free_if_answered(s, j);
}

/* Its window shut before the carrier took or could have taken any of it; a throttled part was refused. Then it waits for the next one. */
bool job_shut(const struct job *j, int64_t now_ms)
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

/* -- time and loss ------------------------------------------------------------------------------------------------- */

static void forget(struct session *s, struct window_entry *e)
{
	struct job *j = piece_of(e)->job;

	window_remove(&s->window, e);
	j->out--;
	job_free_if_answered(s, j);
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
		if (j->a->expires_at > now_ms && !job_shut(j, now_ms))
			continue;
		/* Takes its other pieces out as well, the next one perhaps: from the start again. */
		job_end(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
		n = list_first(&s->again);
	}
	n = list_first(&s->queue);
	while (n) {
		struct job *j = OWNER(struct job, node, n);

		n = list_next(&s->queue, n);
		if (j->a->expires_at <= now_ms || job_shut(j, now_ms))
			job_end(s, j, j->a->expires_at <= now_ms ? V_EXPIRED : V_NOT_SENT, 0);
	}
}

void submit_drain(struct session *s)
{
	struct node *n = list_first(&s->queue);

	while (n) {
		struct job *j = OWNER(struct job, node, n);

		n = list_next(&s->queue, n);
		if (!j->next)
			job_end(s, j, V_NOT_SENT, 0);
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
		job_end(s, j, V_NOT_SENT, 0);
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
		job_free_if_answered(s, j);
	}
	while ((j = queue_head(s)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the same */
		end_lost(s, j);
		job_free_if_answered(s, j);
	}
	ASSERT(s->unwritten == 0);
}
