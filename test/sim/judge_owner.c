/* judge_owner.c - what owners asked for and were told: cancel, pause, resume. */
#include <inttypes.h>

#include "core/control.h"
#include "model/codes.h"
#include "sim/judge.h"

bool campaign_pause_asked(const struct sim *s, const struct message *m)
{
	return m->campaign && (s->judge.campaign[m->campaign - 1].pause_asked[0] ||
			       s->judge.campaign[m->campaign - 1].pause_asked[m->d->sub_account]);
}

bool campaign_cancel_asked(const struct sim *s, const struct message *m)
{
	return m->campaign && (s->judge.campaign[m->campaign - 1].cancel_asked[0] ||
			       s->judge.campaign[m->campaign - 1].cancel_asked[m->d->sub_account]);
}

/* What an owner was told holds. */
void check_owner(struct sim *s, const struct message *m, const struct attempt *a)
{
	const uint32_t subs[] = {0, m->d->sub_account};

	if (m->cancelled)
		sim_fail(s, "%" PRId64 ": attempt %u although it was cancelled", a->key, a->attempt);
	if (m->paused)
		sim_fail(s, "%" PRId64 ": attempt %u although it is paused", a->key, a->attempt);
	for (size_t i = 0; m->campaign && i < COUNT_OF(subs); i++) {
		if (s->judge.campaign[m->campaign - 1].paused[subs[i]])
			sim_fail(s, "%" PRId64 ": attempt %u although its campaign is paused", a->key, a->attempt);
		if (a->key <= s->judge.campaign[m->campaign - 1].cancelled[subs[i]])
			sim_fail(s, "%" PRId64 ": attempt %u although its campaign was cancelled", a->key, a->attempt);
	}
}

struct uid judge_pick(struct sim *s)
{
	struct node *n = list_first(&s->judge.all);
	int64_t at = s->judge.all.count ? between(s, 0, (int64_t)s->judge.all.count - 1) : 0;

	while (n && at--)
		n = list_next(&s->judge.all, n);
	return n ? (struct uid){OWNER(struct message, node, n)->d->key, OWNER(struct message, node, n)->d->rest}
		 : (struct uid){0};
}

int64_t judge_newest(const struct sim *s)
{
	int64_t key = 0;

	for (struct node *n = list_first(&s->judge.all); n; n = list_next(&s->judge.all, n))
		key = MAX(key, OWNER(struct message, node, n)->d->key);
	return key;
}

void judge_asked(struct sim *s, int verb, int64_t key)
{
	struct message *m = message_of(s, key);

	if (m && verb == CONTROL_CANCEL)
		m->cancel_asked = true;
	if (m && verb == CONTROL_PAUSE)
		m->ever_held = true;
}

void judge_campaign_asked(struct sim *s, int verb, unsigned campaign, uint32_t sub)
{
	s->judge.campaign[campaign].cancel_asked[sub] |= verb == CONTROL_CANCEL;
	s->judge.campaign[campaign].pause_asked[sub] |= verb == CONTROL_PAUSE;
}

void judge_resuming(struct sim *s, int64_t key)
{
	struct message *m = message_of(s, key);

	if (m)
		m->paused = false;
}

void judge_campaign_resuming(struct sim *s, unsigned campaign, uint32_t sub)
{
	for (uint32_t i = 0; i <= SUBS; i++)
		if (!sub || i == sub)
			s->judge.campaign[campaign].paused[i] = false;
}

void judge_told(struct sim *s, int verb, int64_t key, int result)
{
	struct message *m = message_of(s, key);

	if (!m)
		return;
	if (verb == CONTROL_CANCEL && result == CONTROL_DONE) {
		m->cancelled = true;
		if (m->d->state != D_DONE || m->d->sent_code != SENT_EXPIRED || m->d->reason != REASON_CANCELLED)
			sim_fail(s, "%" PRId64 ": said to be cancelled, but durable is %s", key,
				 delivery_state_name(m->d->state));
	} else if (verb == CONTROL_PAUSE && result == CONTROL_DONE) {
		/* Unless a later word of the same batch resumed it. */
		m->paused = delivery_paused(m->d);
	} else if ((result == CONTROL_LEFT || result == CONTROL_DOUBT) && m->d->state == D_QUEUED && !m->d->attempts) {
		sim_fail(s, "%" PRId64 ": said to have left", key);
	}
}

void judge_campaign_told(struct sim *s, int verb, unsigned campaign, uint32_t sub, int64_t until)
{
	if (verb == CONTROL_CANCEL)
		s->judge.campaign[campaign].cancelled[sub] = MAX(s->judge.campaign[campaign].cancelled[sub], until);
	if (verb == CONTROL_PAUSE)
		s->judge.campaign[campaign].paused[sub] = true;
}
