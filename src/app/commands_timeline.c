/* commands_timeline.c - words for events: what the time line of a message says. Numbers are shown whole and texts as they are: who may
 * run commands may read the store. */
#include "app/commands_timeline.h"

#include <stdio.h>

#include "app/commands_find.h"
#include "base/time.h"
#include "model/codes.h"
#include "wire/receipt.h"

static const char *receipt_word(int state) { return receipt_state_word((enum receipt_state)state); }

static const char *connection_of(const struct settings *s, unsigned number)
{
	for (size_t i = 0; i < s->sms.connection_count; i++)
		if (s->sms.connections[i].number == number)
			return s->sms.connections[i].name;
	return NULL;
}

void timeline_safe(struct buf *out, struct str s)
{
	if (!utf8_valid(s, NULL)) {
		for (size_t i = 0; i < s.n; i++)
			buf_putc(out, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?');
		return;
	}
	for (const char *p = s.p, *end = s.p + s.n; p < end;) {
		const char *from = p;
		uint32_t cp = utf8_next(&p, end);

		if (cp == '\n')
			buf_puts(out, "\\n");
		else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
			 (cp >= 0x2066 && cp <= 0x2069))
			buf_fmt(out, "\\u%04x", cp);
		else
			buf_put(out, from, (size_t)(p - from));
	}
}

static void put_row(struct buf *out, const char *name, struct str value)
{
	if (!value.n)
		return;
	buf_fmt(out, "  %-12s ", name);
	timeline_safe(out, value);
	buf_putc(out, '\n');
}

static void put_time(struct buf *out, const char *name, int64_t at)
{
	char iso[ISO_MAX];

	if (at)
		put_row(out, name, str_of(iso_utc(iso, at, true)));
}

/* "11, 12 o'clock America/Sao_Paulo" */
static void put_window(struct buf *out, const struct delivery *d)
{
	struct buf b = BUF_INIT;

	for (int h = 0; h < 24; h++)
		if (d->window >> h & 1)
			buf_fmt(&b, "%s%d", b.n ? ", " : "", h);
	if (b.n) {
		buf_puts(&b, " o'clock ");
		buf_str(&b, d->t.zone);
		put_row(out, "window", buf_view(&b));
	}
	buf_done(&b);
}

void timeline_state(struct buf *out, const struct delivery *d)
{
	if (d->delivered_code)
		buf_fmt(out, "%d %s", d->delivered_code, delivered_code_name(d->delivered_code));
	else if (d->sent_code)
		buf_fmt(out, "%d %s", d->sent_code, sent_code_name(d->sent_code));
	else
		buf_puts(out, delivery_state_name(d->state));
	if (d->reason)
		buf_fmt(out, ", %s", reason_text(d->reason));
	if (d->state != D_DONE && (d->delivered_code || d->sent_code))
		buf_puts(out, ", waiting for receipts");
}

void timeline_head(struct buf *out, const struct delivery *d, const struct timeline_names *names, bool text)
{
	const char *connection = connection_of(names->settings, d->connection);
	struct buf b = BUF_INIT;
	char id[UUID_TEXT];

	buf_fmt(out, "%s  ", uid_print(id, (struct uid){d->key, d->rest}));
	timeline_state(out, d);
	buf_putc(out, '\n');
	put_row(out, "to", d->t.number.n ? d->t.number : d->t.destination);
	if (d->t.number.n && !str_eq(d->t.number, d->t.destination))
		put_row(out, "as written", d->t.destination);
	put_row(out, "from", d->t.source);
	if (text)
		put_row(out, "text", d->t.text);
	put_row(out, "correlation", d->t.correlation);
	put_row(out, "extra info", d->t.extra);
	put_row(out, "campaign", d->t.campaign);
	put_row(out, "invalid params", d->t.invalid);
	buf_fmt(&b, "%s, sub-account %s of account %s", user_name(names->all, d->user),
		sub_account_name(names->all, d->sub_account), account_name(names->all, d->account));
	put_row(out, "user", buf_view(&b));
	buf_clear(&b);
	buf_fmt(&b, "%u%s%s%s%s", d->part_count, d->flags & DF_FLASH ? ", flash" : "",
		d->flags & DF_MARKETING ? ", marketing" : "", d->flags & DF_NO_REPORTS ? ", operator without reports" : "",
		d->flags & DF_CONFIRM ? ", confirms an opt-out" : "");
	put_row(out, "parts", buf_view(&b));
	if (connection)
		put_row(out, "connection", str_of(connection));
	put_time(out, "not before", d->not_before);
	put_window(out, d);
	put_time(out, "expires", d->expires_at);
	buf_done(&b);
}

/* -- events --------------------------------------------------------------------------------------------------------- */

static struct str detail(const struct event *e) { return (struct str){e->detail, e->detail_len}; }

static void put_detail(struct buf *out, const char *before, const struct event *e)
{
	if (!e->detail_len)
		return;
	buf_puts(out, before);
	timeline_safe(out, detail(e));
}

static void put_status(struct buf *out, int32_t status)
{
	if (status)
		buf_fmt(out, ", carrier status 0x%02x", (unsigned)status);
}

static void put_reason(struct buf *out, int reason)
{
	if (reason)
		buf_fmt(out, ": %s (%s)", reason_text(reason), reason_help(reason));
}

static void sent_words(struct buf *out, const struct event *e)
{
	buf_fmt(out, "%s %d %s", e->code == SENT_SENT_SUCCESS ? "sent" : "ended", e->code, sent_code_name(e->code));
	if (e->code != SENT_SENT_SUCCESS) {
		put_reason(out, (int)e->at2);
		put_status(out, e->arg);
		put_detail(out, ": ", e);
		return;
	}
	buf_fmt(out, ", part %d of %d", (e->arg & 0xff) + 1, MAX(e->arg >> 8, 1));
	put_detail(out, ", carrier's id ", e);
}

static const char *hook_word(int kind)
{
	return kind == HOOK_SENT ? "sent" : kind == HOOK_DELIVERED ? "delivered" : "mo";
}

static void hook_words(struct buf *out, const struct event *e)
{
	char at[ISO_MAX];

	buf_fmt(out, "webhook %s ", hook_word(e->arg));
	if (e->kind == EV_HOOK_DONE) {
		if (e->code)
			buf_fmt(out, "answered %d after %lld ms", e->code, (long long)e->at2);
		else
			buf_puts(out, "not wanted any more");
	} else {
		buf_puts(out, e->kind == EV_HOOK_DEAD ? "given up" : "failed");
		put_detail(out, ": ", e);
	}
	if (e->kind == EV_HOOK_FAILED)
		buf_fmt(out, ", again at %s", iso_utc(at, e->at2, false));
}

static void event_words(struct buf *out, const struct event *e)
{
	char at[ISO_MAX];

	switch ((enum event_kind)e->kind) {
	case EV_ATTEMPT:
		put_detail(out, "attempt on ", e);
		buf_fmt(out, ", %d part%s", e->arg, e->arg == 1 ? "" : "s");
		return;
	case EV_PART:
		buf_fmt(out, "part %d of %d accepted", (e->arg & 0xff) + 1, e->arg >> 8);
		put_detail(out, ", carrier's id ", e);
		return;
	case EV_SENT: sent_words(out, e); return;
	case EV_REQUEUED:
		buf_puts(out, "queued again");
		put_reason(out, e->code);
		put_status(out, e->arg);
		if (e->at2)
			buf_fmt(out, ", next attempt from %s", iso_utc(at, e->at2, true));
		return;
	case EV_DOUBT:
		buf_puts(out, "in doubt");
		put_detail(out, ": ", e);
		buf_fmt(out, ", waits for a receipt until %s", iso_utc(at, e->at2, true));
		return;
	case EV_RECEIPT:
		buf_fmt(out, "receipt %s for part %d", receipt_word(e->code), (e->arg & 0xff) + 1);
		put_detail(out, ", id ", e);
		return;
	case EV_DELIVERED:
		buf_fmt(out, "%s %d %s", e->code == DELIVERED_DELIVERED_SUCCESS ? "delivered" : "not delivered",
			e->code, delivered_code_name(e->code));
		if (e->arg >> 8)
			buf_fmt(out, ": receipt %s for part %d", receipt_word(e->arg >> 8), (e->arg & 0xff) + 1);
		put_detail(out, ", ", e);
		return;
	case EV_NO_RECEIPT:
		buf_puts(out, "no receipt came");
		if (e->code)
			buf_fmt(out, ": %d %s", e->code, delivered_code_name(e->code));
		return;
	case EV_LATE: /* an answer of the carrier has no code; a receipt has its state */
		buf_puts(out, "too late, changes nothing: ");
		if (e->code)
			buf_fmt(out, "%s, ", receipt_word(e->code));
		put_detail(out, "", e);
		return;
	case EV_HOOK_DONE:
	case EV_HOOK_FAILED:
	case EV_HOOK_DEAD: hook_words(out, e); return;
	case EV_RECEIVED: buf_fmt(out, "received, found by %s", mo_owner_name(e->code)); return;
	case EV_MO: put_detail(out, "answered by ", e); return;
	case EV_CANCELLED: buf_puts(out, "cancelled while it is under way: it is not sent again"); return;
	case EV_PAUSED: buf_puts(out, "paused by its owner"); return;
	case EV_RESUMED:
	case EV_NONE:
	case EVENT_KINDS: break;
	}
	buf_puts(out, event_kind_name(e->kind));
	put_detail(out, " ", e);
}

void timeline_event(struct buf *out, const struct event *e, int64_t since)
{
	char at[ISO_MAX];

	buf_fmt(out, "%s  +%lld.%03llds  ", iso_utc(at, e->at, true),
		(long long)(MAX(e->at - since, 0) / 1000), (long long)(MAX(e->at - since, 0) % 1000));
	event_words(out, e);
	buf_putc(out, '\n');
}

/* -- JSON ----------------------------------------------------------------------------------------------------------- */

void timeline_member(struct buf *out, const char *key, struct str value)
{
	struct buf safe = BUF_INIT;

	if (!value.n)
		return;
	buf_fmt(out, ",\"%s\":", key);
	if (utf8_valid(value, NULL)) {
		buf_json(out, value);
		return;
	}
	timeline_safe(&safe, value);
	buf_json(out, buf_view(&safe));
	buf_done(&safe);
}

static void member_time(struct buf *out, const char *key, int64_t at)
{
	char iso[ISO_MAX];

	if (at)
		timeline_member(out, key, str_of(iso_utc(iso, at, true)));
}

static void member_window(struct buf *out, const struct delivery *d)
{
	bool any = false;

	if (!d->window)
		return;
	buf_puts(out, ",\"timeWindow\":[");
	for (int h = 0; h < 24; h++)
		if (d->window >> h & 1) {
			buf_fmt(out, "%s%d", any ? "," : "", h);
			any = true;
		}
	buf_putc(out, ']');
	timeline_member(out, "timeZone", d->t.zone);
}

void timeline_event_json(struct buf *out, const struct event *e)
{
	struct buf words = BUF_INIT;
	char at[ISO_MAX];

	event_words(&words, e);
	buf_fmt(out, "{\"at\":\"%s\",\"event\":\"%s\",\"text\":", iso_utc(at, e->at, true), event_kind_name(e->kind));
	buf_json(out, buf_view(&words));
	buf_done(&words);
	switch ((enum event_kind)e->kind) {
	case EV_PART: buf_fmt(out, ",\"part\":%d,\"parts\":%d", (e->arg & 0xff) + 1, e->arg >> 8); break;
	case EV_SENT:
		buf_fmt(out, ",\"sentStatusCode\":%d", e->code);
		if (e->code != SENT_SENT_SUCCESS) {
			timeline_member(out, "reason", str_of(reason_text((int)e->at2)));
			buf_fmt(out, ",\"carrierStatus\":%d", e->arg);
		}
		break;
	case EV_REQUEUED:
		timeline_member(out, "reason", str_of(reason_text(e->code)));
		buf_fmt(out, ",\"carrierStatus\":%d", e->arg);
		break;
	case EV_RECEIPT:
		timeline_member(out, "receipt", str_of(receipt_word(e->code)));
		buf_fmt(out, ",\"part\":%d", (e->arg & 0xff) + 1);
		break;
	case EV_DELIVERED:
		buf_fmt(out, ",\"deliveredStatusCode\":%d", e->code);
		timeline_member(out, "receipt", str_of(receipt_word(e->arg >> 8)));
		break;
	case EV_HOOK_DONE:
		buf_fmt(out, ",\"webhook\":\"%s\",\"status\":%d,\"tookMs\":%lld", hook_word(e->arg), e->code,
			(long long)e->at2);
		break;
	case EV_HOOK_FAILED:
	case EV_HOOK_DEAD:
		buf_fmt(out, ",\"webhook\":\"%s\",\"status\":%d", hook_word(e->arg), e->code);
		break;
	case EV_ATTEMPT: buf_fmt(out, ",\"parts\":%d", e->arg); break;
	case EV_LATE:
		if (e->code)
			timeline_member(out, "receipt", str_of(receipt_word(e->code)));
		break;
	case EV_NONE:
	case EV_DOUBT:
	case EV_NO_RECEIPT:
	case EV_CANCELLED:
	case EV_PAUSED:
	case EV_RESUMED:
	case EV_MO:
	case EV_RECEIVED:
	case EVENT_KINDS: break;
	}
	timeline_member(out, "detail", detail(e));
	buf_putc(out, '}');
}

void timeline_json(struct buf *out, const struct delivery *d, const struct event *events, size_t n,
		   const struct timeline_names *names, bool text)
{
	const char *connection = connection_of(names->settings, d->connection);
	char id[UUID_TEXT], at[ISO_MAX];

	buf_fmt(out, "{\"id\":\"%s\",\"state\":\"%s\"", uid_print(id, (struct uid){d->key, d->rest}),
		delivery_state_name(d->state));
	timeline_member(out, "correlationId", d->t.correlation);
	timeline_member(out, "destination", d->t.destination);
	timeline_member(out, "number", d->t.number);
	timeline_member(out, "source", d->t.source);
	if (text)
		timeline_member(out, "text", d->t.text);
	timeline_member(out, "extraInfo", d->t.extra);
	timeline_member(out, "campaign", d->t.campaign);
	if (d->campaign_id)
		buf_fmt(out, ",\"campaignId\":%u", d->campaign_id);
	if (d->t.invalid.n)
		buf_fmt(out, ",\"invalidParams\":[%.*s]", (int)d->t.invalid.n, d->t.invalid.p);
	timeline_member(out, "username", str_of(user_name(names->all, d->user)));
	timeline_member(out, "account", str_of(account_name(names->all, d->account)));
	timeline_member(out, "subAccount", str_of(sub_account_name(names->all, d->sub_account)));
	buf_fmt(out, ",\"carrierId\":%d,\"parts\":%u,\"attempts\":%u", d->operator_id, d->part_count, d->attempts);
	if (connection)
		timeline_member(out, "connection", str_of(connection));
	if (d->sent_code)
		buf_fmt(out, ",\"sentStatusCode\":%d,\"sentStatus\":\"%s\"", d->sent_code, sent_code_name(d->sent_code));
	if (d->delivered_code)
		buf_fmt(out, ",\"deliveredStatusCode\":%d,\"deliveredStatus\":\"%s\"", d->delivered_code,
			delivered_code_name(d->delivered_code));
	timeline_member(out, "reason", str_of(reason_text(d->reason)));
	buf_fmt(out, ",\"acceptedAt\":\"%s\"", iso_utc(at, uid_key_ms(d->key), true));
	member_time(out, "notBefore", d->not_before);
	member_window(out, d);
	if (d->state == D_QUEUED)
		member_time(out, "dueAt", d->due_at);
	member_time(out, "expiresAt", d->expires_at);
	member_time(out, "sentAt", d->sent_at);
	member_time(out, "deliveredAt", d->delivered_at);
	if (events) {
		buf_puts(out, ",\"timeline\":[");
		for (size_t i = 0; i < n; i++) {
			buf_puts(out, i ? "," : "");
			timeline_event_json(out, &events[i]);
		}
		buf_putc(out, ']');
	}
	buf_putc(out, '}');
}
