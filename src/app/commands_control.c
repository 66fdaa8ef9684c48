/* commands_control.c - pombo message cancel, pause, resume, orders: beside a running server, whose engine carries them out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_timeline.h"
#include "base/time.h"
#include "core/query.h"
#include "core/snapshot.h"
#include "wire/gsm_text.h"

#define WAIT_MS 60000

static const char *word(enum control_verb verb, enum control_result result)
{
	static const char *const done[] = {"cancelled", "paused", "resumed"};

	switch (result) {
	case CONTROL_DONE: return done[verb];
	case CONTROL_LEFT: return "left already";
	case CONTROL_DOUBT: return "in doubt: it may have left";
	case CONTROL_ENDED: return "ended already";
	case CONTROL_NOT_PAUSED: return "was not paused";
	case CONTROL_HELD: return "held: its campaign is paused";
	case CONTROL_FULL: return "refused: too many campaigns are paused or being cancelled";
	case CONTROL_RESULTS:
	case CONTROL_UNKNOWN: break;
	}
	return "not found";
}

/* As the management API says it. */
static const char *json_word(enum control_verb verb, enum control_result result)
{
	static const char *const other[CONTROL_RESULTS] = {
		[CONTROL_UNKNOWN] = "notFound",     [CONTROL_LEFT] = "left",
		[CONTROL_DOUBT] = "inDoubt",        [CONTROL_ENDED] = "ended",
		[CONTROL_NOT_PAUSED] = "notPaused", [CONTROL_HELD] = "held",
		[CONTROL_FULL] = "tooMany"};

	return result == CONTROL_DONE ? word(verb, result) : other[result];
}

struct telling {
	struct context *c;
	const struct control_request *r;
	struct buf out;
	size_t n, count[CONTROL_RESULTS];
};

static void tell_one(struct telling *t, const char *what, struct str name, enum control_result result)
{
	t->count[result]++;
	if (t->c->json) {
		buf_fmt(&t->out, "%s{\"%s\":", t->n ? "," : "[", what);
		buf_json(&t->out, name);
		timeline_member(&t->out, "result", str_of(json_word(t->r->verb, result)));
		buf_putc(&t->out, '}');
	} else {
		timeline_safe(&t->out, name);
		buf_fmt(&t->out, "  %s\n", word(t->r->verb, result));
	}
	t->n++;
}

static void tell_counts(struct telling *t)
{
	size_t told = 0;

	for (int i = 0; i < CONTROL_RESULTS; i++)
		if (t->count[i])
			buf_fmt(&t->out, "%s%zu %s", told++ ? "; " : "", t->count[i],
				word(t->r->verb, (enum control_result)i));
	buf_putc(&t->out, '\n');
}

/* Something was done, or was so already; there was nothing; or all of it has left or ended. */
static int code_of(const struct telling *t)
{
	if (t->count[CONTROL_FULL])
		return EX_TEMPFAIL;
	if (t->count[CONTROL_DONE] || t->count[CONTROL_NOT_PAUSED] || t->count[CONTROL_HELD])
		return EX_OK;
	return t->count[CONTROL_UNKNOWN] == t->n ? EX_NOINPUT : EX_UNAVAILABLE;
}

static int tell(struct context *c, const struct control_request *r)
{
	struct telling t = {.c = c, .r = r, .out = BUF_INIT};
	char id[UUID_TEXT];
	int code;

	for (size_t i = 0; i < r->n; i++)
		tell_one(&t, "id", str_of(uid_print(id, r->items[i].id)), r->items[i].result);
	if (r->batch.key && r->batch_result == CONTROL_UNKNOWN)
		tell_one(&t, "batch", str_of(uid_print(id, r->batch)), r->batch_result);
	if (r->campaign[0])
		tell_one(&t, "campaign", str_of(r->campaign), r->campaign_result);
	if (c->json)
		buf_puts(&t.out, "]\n");
	else if (r->n > 1)
		tell_counts(&t);
	say(c, "%s", buf_cstr(&t.out));
	code = code_of(&t);
	buf_done(&t.out);
	return code;
}

static int read_id(struct context *c, const char *text, struct uid *ret)
{
	return uid_parse(str_of(text), ret) < 0 ? complain(c, EX_DATAERR, "%s: not an id", text) : 0;
}

static int read_what(struct context *c, const struct args *a, struct control_request *r)
{
	const struct campaign *found;
	const struct snapshot *snap;
	struct buf nfc = BUF_INIT;
	struct account account;
	struct str alias;
	size_t points;
	int code;

	if ((a->count > 0) + args_has(a, OPT_BATCH) + args_has(a, OPT_CAMPAIGN) != 1)
		return complain(c, EX_USAGE, "give one of ID, --batch and --campaign");
	r->scope.everything = true;
	if (args_has(a, OPT_BATCH))
		return read_id(c, a->value[OPT_BATCH], &r->batch);
	if (!args_has(a, OPT_CAMPAIGN)) {
		r->n = 1;
		return read_id(c, a->argument[0], &r->items[0].id);
	}
	text_nfc(&nfc, str_of(a->value[OPT_CAMPAIGN]));
	alias = buf_view(&nfc);
	if (utf8_valid(alias, &points) && points > 0 && points <= CAMPAIGN_ALIAS_MAX)
		str_copy(r->campaign, sizeof r->campaign, alias);
	buf_done(&nfc);
	if (!r->campaign[0])
		return complain(c, EX_DATAERR, "--campaign: 1 to %d characters", CAMPAIGN_ALIAS_MAX);
	code = find_account(c, a, &account);
	if (code)
		return code;
	r->scope = (struct scope){.account = account.id};
	snap = snapshot_get();
	found = snap ? snapshot_campaign(snap, account.id, str_of(r->campaign)) : NULL;
	r->campaign_id = found ? found->id : 0;
	snapshot_put(snap);
	return 0;
}

static int control(struct context *c, const struct args *a, enum control_verb verb)
{
	struct control_request *r = xnew(struct control_request);
	struct query *q;
	int code;

	r->verb = verb;
	code = read_what(c, a, r);
	q = code ? NULL : context_query(c, &code);
	if (q && query_control(q, r, WAIT_MS) < 0)
		return complain(c, EX_TEMPFAIL, "the server did not answer; it may still be carried out");
	if (q)
		code = tell(c, r);
	if (q)
		(void)context_audit(c, c->name, "%s",
				    a->count                 ? a->argument[0]
				    : args_has(a, OPT_BATCH) ? a->value[OPT_BATCH]
							     : a->value[OPT_CAMPAIGN]);
	control_request_free(r);
	return code;
}

int message_cancel(struct context *c, const struct args *a) { return control(c, a, CONTROL_CANCEL); }
int message_pause(struct context *c, const struct args *a) { return control(c, a, CONTROL_PAUSE); }
int message_resume(struct context *c, const struct args *a) { return control(c, a, CONTROL_RESUME); }

/* -- orders ----------------------------------------------------------------------------------------------------------- */

#define ORDERS_MAX 1000

static void order_name(struct context *c, struct buf *out, const struct campaign_order *o)
{
	char id[16];

	snprintf(id, sizeof id, "%u", o->campaign_id);
	if (c->json) {
		buf_fmt(out, "{\"order\":\"%s\"", o->verb == CONTROL_PAUSE ? "pause" : "cancel");
		if (o->campaign_id)
			buf_fmt(out, ",\"campaignId\":%s", id);
		timeline_member(out, "campaignAlias", str_of(o->campaign));
		return;
	}
	timeline_safe(out, str_of(o->campaign[0] ? o->campaign : id));
}

static void put_order(struct context *c, struct buf *out, const struct campaign_order *o, const struct snapshot *snap)
{
	const struct sub_account *sub = o->sub_account && snap ? snapshot_sub(snap, o->sub_account) : NULL;
	char at[ISO_MAX], over[ISO_MAX];

	order_name(c, out, o);
	iso_utc(at, o->at, false);
	iso_utc(over, o->over_at, false);
	if (c->json) {
		if (sub)
			timeline_member(out, "subAccount", str_of(sub->reference));
		timeline_member(out, "orderedAt", str_of(at));
		if (o->verb == CONTROL_CANCEL)
			buf_fmt(out, ",\"done\":%s,\"cancelled\":%llu,\"left\":%llu", o->over_at ? "true" : "false",
				(unsigned long long)o->cancelled, (unsigned long long)o->left);
		if (o->over_at)
			timeline_member(out, "doneAt", str_of(over));
		buf_putc(out, '}');
		return;
	}
	buf_puts(out, "  ");
	timeline_safe(out, str_of(sub ? sub->reference : "every sub-account"));
	if (o->verb == CONTROL_PAUSE)
		buf_fmt(out, "  paused since %s\n", at);
	else
		buf_fmt(out, "  cancelled %s  %s  %llu ended, %llu had left or were leaving\n", at,
			o->over_at ? over : "under way", (unsigned long long)o->cancelled,
			(unsigned long long)o->left);
}

int message_orders(struct context *c, const struct args *a)
{
	struct campaign_order *orders = NULL;
	const struct snapshot *snap;
	struct buf b = BUF_INIT;
	struct account account;
	struct query *q;
	ssize_t n = 0;
	int code = find_account(c, a, &account);

	q = code ? NULL : context_query(c, &code);
	if (!q)
		return code;
	n = query_orders(q, &(struct scope){.account = account.id}, &orders, ORDERS_MAX, WAIT_MS);
	if (n < 0)
		return complain(c, EX_TEMPFAIL, "the server did not answer");
	snap = snapshot_get();
	for (ssize_t i = 0; i < n; i++) {
		if (c->json)
			buf_putc(&b, i ? ',' : '[');
		put_order(c, &b, &orders[i], snap);
	}
	if (c->json)
		buf_puts(&b, n ? "]\n" : "[]\n");
	say(c, "%s", buf_cstr(&b));
	snapshot_put(snap);
	buf_done(&b);
	free(orders);
	return 0;
}
