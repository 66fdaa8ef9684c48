/* control.c - POST /admin/v1/messages/cancel, /pause, /resume and GET /admin/v1/messages/orders: reading what is asked on the HTTP
 * thread, carrying it out on the look-up thread, which waits for the commit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/send_request.h"
#include "api/server.h"
#include "base/time.h"

#define ORDERS_MAX 1000
#define COMMIT_MS 60000 /* it is carried out by then, or the store has failed and the process with it */

/* -- reading ---------------------------------------------------------------------------------------------------------- */

static void read_batch(struct lookup *l, struct json *j, struct faults *f)
{
	if (json_kind(j) == JSON_KIND_NULL)
		return;
	if (json_kind(j) != JSON_KIND_STRING)
		fault_add(f, "batchId", "must be a string");
	else if (uid_parse(json_str(j), &l->batch) || !l->batch.key)
		fault_add(f, "batchId", "not an id");
}

static void read_alias(struct request *q, struct json *j, struct faults *f)
{
	struct lookup *l = &q->lookup;
	const struct campaign *c;
	size_t points = 0;

	if (json_kind(j) != JSON_KIND_STRING) {
		fault_add(f, "campaignAlias", "must be a string");
		return;
	}
	l->campaign = send_nfc(&q->arena, json_str(j));
	if (!l->campaign.n || memchr(l->campaign.p, 0, l->campaign.n))
		fault_add(f, "campaignAlias", "must not be empty");
	else if (!utf8_valid(l->campaign, &points) || points > CAMPAIGN_ALIAS_MAX)
		fault_add(f, "campaignAlias", "longer than %d characters", CAMPAIGN_ALIAS_MAX);
	else if (l->campaign_id)
		fault_add(f, "campaignAlias", "campaignId is given too");
	c = f->count ? NULL : snapshot_campaign(q->snap, q->user->account, l->campaign);
	if (c)
		l->campaign_id = c->id;
}

static void read_campaign(struct request *q, struct json *id, struct json *alias, struct faults *f)
{
	struct lookup *l = &q->lookup;
	const struct campaign *c;
	int64_t n = 0;
	char *copy;

	if (json_kind(id) == JSON_KIND_INTEGER)
		n = json_int(id);
	if (json_kind(id) != JSON_KIND_NULL && (n < 1 || n > UINT32_MAX))
		fault_add(f, "campaignId", "must be a whole number from 1 to 4294967295");
	l->campaign_id = (uint32_t)n;
	if (json_kind(alias) != JSON_KIND_NULL) {
		read_alias(q, alias, f);
		return;
	}
	c = n && !f->count ? snapshot_campaign_id(q->snap, q->user->account, l->campaign_id) : NULL;
	if (c && (copy = arena_alloc(&q->arena, strlen(c->alias)))) { /* the snapshot goes */
		memcpy(copy, c->alias, strlen(c->alias));
		l->campaign = (struct str){copy, strlen(c->alias)};
	}
}

static bool names_nothing(struct json *root)
{
	static const char *const fields[] = {"ids", "correlationIds", "batchId", "campaignId", "campaignAlias"};

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (json_kind(json_get(root, fields[i])) != JSON_KIND_NULL)
			return false;
	return true;
}

bool control_read(struct request *q, enum control_verb verb)
{
	struct json *root = lookup_root(q);
	struct faults f = {.count = 0};
	uint32_t sub;

	if (!root || !lookup_sub_account(q, root, &sub))
		return false;
	lookup_begin(q, LOOKUP_CONTROL, sub);
	q->lookup.verb = verb;
	if (json_kind(root) != JSON_KIND_OBJECT) {
		fault_add(&f, "", "the request must be an object");
	} else if (names_nothing(root)) {
		fault_add(&f, "ids", "missing, and correlationIds, batchId, campaignId and campaignAlias too");
	} else {
		lookup_lists(q, root, true, &f);
		read_batch(&q->lookup, json_get(root, "batchId"), &f);
		read_campaign(q, json_get(root, "campaignId"), json_get(root, "campaignAlias"), &f);
	}
	if (f.count)
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, &f);
	return !f.count;
}

static void run(struct request *q, enum control_verb verb)
{
	if (control_read(q, verb))
		lookup_hand_over(q);
}

void control_cancel_run(struct request *q, const struct settings *s)
{
	(void)s;
	run(q, CONTROL_CANCEL);
}

void control_pause_run(struct request *q, const struct settings *s)
{
	(void)s;
	run(q, CONTROL_PAUSE);
}

void control_resume_run(struct request *q, const struct settings *s)
{
	(void)s;
	run(q, CONTROL_RESUME);
}

void control_orders_run(struct request *q, const struct settings *s)
{
	struct str sub = query_get(&q->query, "subAccount", false, NULL);
	uint32_t id;

	(void)s;
	if (!choose_sub_account(q, sub.n > 0, sub, true, &id))
		return;
	lookup_begin(q, LOOKUP_ORDERS, id);
	lookup_hand_over(q);
}

/* -- carrying out ----------------------------------------------------------------------------------------------------- */

static void add(struct control_request *r, struct uid id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->items[i].id.key == id.key && r->items[i].id.rest == id.rest)
			return;
	if (r->n < COUNT_OF(r->items))
		r->items[r->n++].id = id;
}

/* Ids and correlation ids as keys, each once. false: refused. */
static bool gather(struct request *q, struct query *query, struct delivery **found, size_t room,
		   int64_t left_ms, struct control_request *r)
{
	int64_t until = wall_ms() + left_ms;
	struct lookup *l = &q->lookup;

	for (size_t i = 0; i < l->id_count; i++)
		add(r, l->ids[i]);
	for (size_t i = 0; i < l->correlation_count; i++) {
		int64_t left = until - wall_ms();
		ssize_t n = left > 0 ? query_correlation(query, &l->scope, l->correlations[i], found, room, left)
				     : -ETIMEDOUT;

		if (n < 0) {
			request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too busy; nothing was changed");
			return false;
		}
		for (ssize_t k = 0; k < n; k++) {
			add(r, (struct uid){found[k]->key, found[k]->rest});
			delivery_free(found[k]);
		}
	}
	if (r->n <= CONTROL_MESSAGES_MAX)
		return true;
	request_refuse(q, MHD_HTTP_BAD_REQUEST, "correlationIds: more than %d messages are named", CONTROL_MESSAGES_MAX);
	return false;
}

static const char *word(enum control_verb verb, enum control_result result)
{
	static const char *const done[] = {"cancelled", "paused", "resumed"};

	switch (result) {
	case CONTROL_DONE: return done[verb];
	case CONTROL_LEFT: return "left";
	case CONTROL_DOUBT: return "inDoubt";
	case CONTROL_ENDED: return "ended";
	case CONTROL_NOT_PAUSED: return "notPaused";
	case CONTROL_HELD: return "held";
	case CONTROL_FULL:
	case CONTROL_RESULTS:
	case CONTROL_UNKNOWN: break;
	}
	return "notFound";
}

static void answer_item(struct buf *out, enum control_verb verb, const struct control_item *item)
{
	char id[UUID_TEXT];

	uid_print(id, item->id);
	buf_fmt(out, "{\"id\":\"%s\"", id);
	if (item->result != CONTROL_UNKNOWN) {
		buf_puts(out, ",\"correlationId\":");
		answer_text(out, item->correlation.n ? item->correlation : str_of(id));
	}
	buf_fmt(out, ",\"result\":\"%s\"}", word(verb, item->result));
}

static void answer_counts(struct buf *out, const struct control_request *r)
{
	static const enum control_result told[] = {CONTROL_DONE,  CONTROL_LEFT,    CONTROL_DOUBT,
						   CONTROL_ENDED, CONTROL_UNKNOWN, CONTROL_NOT_PAUSED,
						   CONTROL_HELD};
	/* The latter two come from resume alone. */
	size_t kinds = COUNT_OF(told) - (r->verb == CONTROL_RESUME ? 0 : 2), count[CONTROL_RESULTS] = {0};

	for (size_t i = 0; i < r->n; i++)
		count[r->items[i].result]++;
	buf_puts(out, "\"counts\":{");
	for (size_t i = 0; i < kinds; i++)
		buf_fmt(out, "%s\"%s\":%zu", i ? "," : "", word(r->verb, told[i]), count[told[i]]);
	buf_puts(out, "},");
}

/* Id and alias, as far as they are known: one of them is. */
static void answer_campaign(struct buf *out, uint32_t id, const char *alias)
{
	if (id)
		buf_fmt(out, "\"campaignId\":%u%s", id, alias[0] ? "," : "");
	if (alias[0]) {
		buf_puts(out, "\"campaignAlias\":");
		answer_text(out, str_of(alias));
	}
}

static void answer(struct request *q, const struct control_request *r)
{
	struct buf *out = &q->out;
	char id[UUID_TEXT];

	q->status = MHD_HTTP_OK;
	buf_fmt(out, "{\"total\":%zu,", r->n);
	answer_counts(out, r);
	buf_puts(out, "\"messages\":[");
	for (size_t i = 0; i < r->n; i++) {
		if (i)
			buf_putc(out, ',');
		answer_item(out, r->verb, &r->items[i]);
	}
	buf_putc(out, ']');
	if (r->batch.key)
		buf_fmt(out, ",\"batch\":{\"id\":\"%s\",\"result\":\"%s\"}", uid_print(id, r->batch),
			word(r->verb, r->batch_result));
	if (r->campaign_id || r->campaign[0]) {
		buf_puts(out, ",\"campaign\":{");
		answer_campaign(out, r->campaign_id, r->campaign);
		buf_fmt(out, ",\"result\":\"%s\"}", word(r->verb, r->campaign_result));
	}
	buf_puts(out, "}\n");
}

void control_execute(struct request *q, struct query *query, struct delivery **found, size_t n, int64_t left_ms)
{
	struct control_request *r = xnew(struct control_request);
	struct lookup *l = &q->lookup;

	r->verb = l->verb;
	r->scope = l->scope;
	r->batch = l->batch;
	r->campaign_id = l->campaign_id;
	if (l->campaign.n)
		memcpy(r->campaign, l->campaign.p, l->campaign.n);
	if (!gather(q, query, found, n, MAX(left_ms, (int64_t)1), r)) {
		control_request_free(r);
		return;
	}
	if (query_control(query, r, COMMIT_MS) < 0) { /* r is its own */
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "not carried out in time; the statuses will tell");
		return;
	}
	if (r->campaign_result == CONTROL_FULL)
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 60, "too many campaigns are paused or being cancelled");
	else
		answer(q, r);
	control_request_free(r);
}

/* -- telling ---------------------------------------------------------------------------------------------------------- */

static void answer_time(struct buf *out, const char *name, int64_t at)
{
	char date[ISO_MAX];

	buf_fmt(out, ",\"%sAt\":%lld,\"%sDate\":\"%s\"", name, (long long)at, name, iso_utc(date, at, false));
}

static void answer_order(struct request *q, const struct snapshot *snap, const struct campaign_order *o)
{
	const struct sub_account *sub = o->sub_account && snap ? snapshot_sub(snap, o->sub_account) : NULL;
	struct buf *out = &q->out;

	buf_fmt(out, "{\"order\":\"%s\",", o->verb == CONTROL_PAUSE ? "pause" : "cancel");
	answer_campaign(out, o->campaign_id, o->campaign);
	if (sub) {
		buf_puts(out, ",\"subAccount\":");
		answer_text(out, str_of(sub->reference));
	}
	answer_time(out, "ordered", o->at);
	if (o->verb == CONTROL_CANCEL) {
		buf_fmt(out, ",\"done\":%s,\"cancelled\":%llu,\"left\":%llu", o->over_at ? "true" : "false",
			(unsigned long long)o->cancelled, (unsigned long long)o->left);
		if (o->over_at)
			answer_time(out, "done", o->over_at);
	}
	buf_putc(out, '}');
}

void control_tell(struct request *q, struct query *query, int64_t left_ms)
{
	struct campaign_order *orders = NULL;
	const struct snapshot *snap;
	ssize_t n = left_ms > 0 ? query_orders(query, &q->lookup.scope, &orders, ORDERS_MAX, left_ms) : -ETIMEDOUT;

	if (n < 0) {
		request_refuse(q, MHD_HTTP_GATEWAY_TIMEOUT, "the look-up took too long");
		return;
	}
	snap = snapshot_get();
	q->status = MHD_HTTP_OK;
	buf_fmt(&q->out, "{\"total\":%zd,\"orders\":[", n);
	for (ssize_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&q->out, ',');
		answer_order(q, snap, &orders[i]);
	}
	buf_puts(&q->out, "]}\n");
	snapshot_put(snap);
	free(orders);
}
