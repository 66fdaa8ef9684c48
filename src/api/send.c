/* send.c - /v1/send-sms and /v1/send-bulk-sms: from the whole request to the engine and, after its commit, to the answer. */
#include <errno.h>

#include "api/protect.h"
#include "api/routes.h"
#include "api/server.h"
#include "base/time.h"
#include "core/intake.h"
#include "model/metrics.h"

static void refuse_sub_account(struct request *q, int status, const char *rule)
{
	struct faults f = {.count = 0};

	fault_add(&f, "subAccount", "%s", rule);
	request_refuse_faults(q, status, &f);
}

static const struct sub_account *find_sub_account(struct request *q, struct str name)
{
	const struct sub_account *sub = snapshot_sub_named(q->snap, q->user->account, name);
	int64_t id;

	if (sub || str_i64(name, 1, UINT32_MAX, &id))
		return sub;
	sub = snapshot_sub(q->snap, (uint32_t)id);
	return sub && sub->account == q->user->account ? sub : NULL;
}

bool choose_sub_account(struct request *q, bool given, struct str name, bool all, uint32_t *ret)
{
	const struct user *u = q->user;
	const struct sub_account *sub;

	if (u->role == ROLE_PLATFORM) {
		request_refuse(q, MHD_HTTP_FORBIDDEN, "a platform user has no messages; use an administrator or a regular user");
		return false;
	}
	if (u->role != ROLE_ADMINISTRATOR) {
		if (given)
			refuse_sub_account(q, MHD_HTTP_FORBIDDEN, "only administrators may choose a sub-account");
		else if (!snapshot_sub(q->snap, u->sub_account))
			request_refuse(q, MHD_HTTP_FORBIDDEN, "the user belongs to no sub-account");
		*ret = u->sub_account;
		return !q->status;
	}
	*ret = 0;
	if (!given && all)
		return true;
	sub = given ? find_sub_account(q, name) : snapshot_sub_default(q->snap, u->account);
	if (!sub) {
		refuse_sub_account(q, MHD_HTTP_BAD_REQUEST, given ? "unknown" : "missing, and the account has no default one");
		return false;
	}
	*ret = sub->id;
	return true;
}

static void on_settled(struct campaign_ask *ask)
{
	struct request *q = OWNER(struct request, campaigns, ask);

	request_settle(q, request_claim(q));
}

/* What it registered stays if it was accepted, and is gone before a refusal is answered. While the process ends it may stay in any case. */
static void end(struct request *q, bool accepted)
{
	struct campaign_ask *ask = &q->campaigns;
	bool registered = ask->phase == CAMPAIGNS_ASKED;

	ask->phase = accepted ? CAMPAIGNS_ACCEPTED : CAMPAIGNS_REFUSED;
	ask->done = on_settled;
	if (!registered || !q->api->campaigns(q->api->campaigns_ctx, ask))
		on_settled(ask);
}

static void on_done(struct submission *s)
{
	end(OWNER(struct request, submission, s), s->status == SUBMIT_OK);
}

/* The request waits already. */
static void post(struct request *q)
{
	if (intake_post(q->api->engine, &q->submission))
		return;
	request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "no room for more at the moment; send it again");
	end(q, false);
}

/* -- campaigns that are used for the first time ---------------------------------------------------------------------- */

static bool is_new(const struct draft *d) { return d->t.campaign.n && !d->campaign_id; }

static size_t place_of(const struct campaign_ask *ask, struct str alias)
{
	size_t i = 0;

	while (i < ask->count && !str_ieq(ask->aliases[i], alias))
		i++;
	return i;
}

static void refuse_campaigns(struct request *q)
{
	request_refuse(q, MHD_HTTP_BAD_REQUEST, "campaignAlias: the account has too many campaigns to register another one");
}

static void on_registered(struct campaign_ask *ask)
{
	struct request *q = OWNER(struct request, campaigns, ask);

	if (ask->error == -ENOSPC)
		refuse_campaigns(q);
	else if (ask->error)
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "the campaign cannot be registered at the moment");
	if (ask->error)
		ask->phase = CAMPAIGNS_NONE;
	if (ask->error || atomic_load(&q->stage) == STAGE_GONE) {
		end(q, false);
		return;
	}
	for (uint32_t i = 0; i < q->submission.count; i++)
		if (is_new(&q->submission.drafts[i]))
			q->submission.drafts[i].campaign_id =
				ask->ids[place_of(ask, q->submission.drafts[i].t.campaign)];
	post(q);
}

/* A dry run registers none; that there is room for them is what it can say. */
static void foresee_campaigns(struct request *q)
{
	const struct campaign_ask *ask = &q->campaigns;

	if (snapshot_campaign_count(q->snap, ask->account) + ask->count <= CAMPAIGNS_MAX) {
		post(q);
		return;
	}
	refuse_campaigns(q);
	request_settle(q, request_claim(q));
}

/* false: there is none, the request can be posted at once. */
static bool register_campaigns(struct request *q)
{
	struct campaign_ask *ask = &q->campaigns;
	const struct submission *m = &q->submission;
	uint32_t i = 0;

	while (i < m->count && !is_new(&m->drafts[i]))
		i++;
	if (i == m->count)
		return false;
	*ask = (struct campaign_ask){.account = m->account, .done = on_registered};
	ask->aliases = arena_alloc(&q->arena, m->count * sizeof(*ask->aliases));
	ask->ids = arena_alloc(&q->arena, m->count * sizeof(*ask->ids));
	ASSERT(ask->aliases && ask->ids);
	for (; i < m->count; i++)
		if (is_new(&m->drafts[i]) && place_of(ask, m->drafts[i].t.campaign) == ask->count)
			ask->aliases[ask->count++] = m->drafts[i].t.campaign;
	if (m->forecasts) {
		foresee_campaigns(q);
		return true;
	}
	ask->phase = CAMPAIGNS_ASKED;
	if (q->api->campaigns && q->api->campaigns(q->api->campaigns_ctx, ask))
		return true;
	request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too many campaigns are being registered; send it again");
	request_settle(q, request_claim(q));
	return true;
}

static void begin(struct request *q, const struct settings *s, bool bulk, const struct sub_account *sub)
{
	struct submission *m = &q->submission;

	*m = (struct submission){.in.kind = INPUT_SUBMIT,
				 .account = q->user->account,
				 .sub_account = sub->id,
				 .user = q->user->id,
				 .bulk = bulk,
				 .count = (uint32_t)q->send.count,
				 .received_us = q->received_us,
				 .done = on_done};
	m->drafts = send_drafts(&q->send, s, sub, &q->arena);
	protect_drafts(m->drafts, q->send.count, snapshot_account(q->snap, q->user->account), sub);
	if (q->send.dry_run)
		m->forecasts = arena_alloc(&q->arena, q->send.count * sizeof(*m->forecasts));
	else
		m->ids = arena_alloc(&q->arena, q->send.count * sizeof(*m->ids));
	ASSERT(m->forecasts || m->ids);
	if (q->idem_hash && !m->forecasts) {
		m->idem_hash = q->idem_hash;
		m->body_hash = q->method == METHOD_GET ? q->body_hash : body_hash(buf_view(&q->body));
	}
	q->answer_object = q->user->answer_object;
	q->campaigns.phase = CAMPAIGNS_NONE;
	request_wait(q);
	if (!register_campaigns(q))
		post(q);
}

static bool read_request(struct request *q, bool bulk, struct faults *f)
{
	struct err e;

	if (q->method == METHOD_GET) {
		send_read_query(&q->query, &q->arena, &q->send, f);
		return true;
	}
	if (!q->body.n) {
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "the request has no body");
		return false;
	}
	q->doc = json_read(q->body.p, q->body.n, &e);
	if (!q->doc) {
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "malformed JSON: %s", e.text);
		return false;
	}
	send_read_json(json_root(q->doc), bulk, &q->arena, &q->send, f);
	return true;
}

/* Administrators see what all sub-accounts have, unless they chose one. */
static bool read_texts(struct request *q, const struct sub_account *sub, struct faults *f)
{
	bool all = q->user->role == ROLE_ADMINISTRATOR && !q->send.has_sub_account;
	const struct text_scope sc = {q->snap, sub, all ? 0 : sub->id};

	send_texts(&q->send, &sc, &q->arena, f);
	if (f->count)
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, f);
	return !f->count;
}

static bool read_times(struct request *q, const struct settings *s, const struct sub_account *sub, struct faults *f)
{
	const struct send_who who = {.user = q->user,
				     .account = snapshot_account(q->snap, q->user->account),
				     .sub = sub,
				     .settings = s,
				     .now = wall_ms()};

	send_times(&q->send, &who, &q->arena, f);
	if (f->count)
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, f);
	return !f->count;
}

static void run(struct request *q, const struct settings *s, bool bulk)
{
	const struct sub_account *from;
	struct faults f;
	uint32_t sub;

	f.count = 0;
	if (!read_request(q, bulk, &f))
		return;
	if (f.count) {
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, &f);
		return;
	}
	if (!choose_sub_account(q, q->send.has_sub_account, q->send.sub_account, false, &sub))
		return;
	from = snapshot_sub(q->snap, sub);
	if (read_texts(q, from, &f) && read_times(q, s, from, &f))
		begin(q, s, bulk, from);
}

void send_single_run(struct request *q, const struct settings *s) { run(q, s, false); }

void send_bulk_run(struct request *q, const struct settings *s) { run(q, s, true); }

void send_finish(struct request *q, const struct settings *s)
{
	const struct submission *m = &q->submission;

	switch (m->status) {
	case SUBMIT_OK:
	case SUBMIT_REPLAYED: break;
	case SUBMIT_CONFLICT:
		request_refuse(q, MHD_HTTP_UNPROCESSABLE_CONTENT,
			       "Idempotency-Key: already used for a request with another body");
		return;
	case SUBMIT_TOO_MANY:
		request_refuse_later(q, MHD_HTTP_TOO_MANY_REQUESTS,
				     (unsigned)MIN((m->retry_ms + 999) / 1000, 86400), "the sub-account may not send so many messages in so short a time; none of these was taken");
		return;
	case SUBMIT_STOPPING:
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "stopping; send it again elsewhere or later");
		return;
	}
	q->status = MHD_HTTP_OK;
	if (m->forecasts)
		answer_forecasts(&q->out, m, s);
	else if (m->bulk)
		answer_bulk(&q->out, m->batch, m->ids, m->drafts, m->count);
	else
		answer_single(&q->out, q->answer_object < 0 ? s->answer_object : q->answer_object, m->ids[0],
			      m->drafts[0].t.correlation);
}

void send_sent(struct request *q, bool whole)
{
	if (whole && !q->submission.forecasts)
		metric_observe_us(M_ANSWER_TIME, mono_us() - q->received_us);
}
