/* commands_mo.c - see commands_mo.h. */
#include "app/commands_mo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/time.h"

static const struct scope everything = {.everything = true};

static const char *connection_of(const struct settings *s, uint16_t number)
{
	for (size_t i = 0; i < s->sms.connection_count; i++)
		if (s->sms.connections[i].number == number)
			return s->sms.connections[i].name;
	return "";
}

static const char *wish_of(const struct mo *m)
{
	return m->wish == MO_WISH_OUT ? "opt-out" : m->wish == MO_WISH_IN ? "opt-in" : "";
}

static void mo_json(struct buf *b, const struct mo *m, const struct event *ev, size_t n,
		    const struct timeline_names *names, bool text)
{
	char id[UUID_TEXT], at[ISO_MAX];

	buf_fmt(b, "{\"id\":\"%s\",\"state\":\"received\"", uid_print(id, (struct uid){m->key, m->rest}));
	timeline_member(b, "source", str_of(m->source));
	timeline_member(b, "shortCode", str_of(m->short_code));
	if (text)
		timeline_member(b, "text", m->text);
	if (m->account)
		timeline_member(b, "account", str_of(account_name(names->all, m->account)));
	if (m->sub_account)
		timeline_member(b, "subAccount", str_of(sub_account_name(names->all, m->sub_account)));
	timeline_member(b, "owner", str_of(mo_owner_name(m->owner)));
	timeline_member(b, "campaign", m->campaign);
	if (m->mt) {
		timeline_member(b, "mtId", str_of(uid_print(id, (struct uid){m->mt, m->mt_rest})));
		timeline_member(b, "mtCorrelationId", m->correlation);
		if (m->user)
			timeline_member(b, "mtUsername", str_of(user_name(names->all, m->user)));
	}
	timeline_member(b, "asksFor", str_of(wish_of(m)));
	buf_fmt(b, ",\"carrierId\":%d,\"parts\":%u,\"partsReceived\":%u", m->operator_id, m->total, m->came);
	timeline_member(b, "connection", str_of(connection_of(names->settings, m->connection)));
	timeline_member(b, "receivedAt", str_of(iso_utc(at, m->at, true)));
	for (size_t i = 0; ev && i < n; i++) {
		buf_puts(b, i ? "," : ",\"timeline\":[");
		timeline_event_json(b, &ev[i]);
	}
	buf_puts(b, ev && n ? "]}" : "}");
}

static void line(struct buf *b, const char *name, struct str value)
{
	if (!value.n)
		return;
	buf_fmt(b, "%-12s ", name);
	timeline_safe(b, value);
	buf_putc(b, '\n');
}

static void mo_lines(struct buf *b, const struct mo *m, const struct event *ev, size_t n,
		     const struct timeline_names *names, bool text)
{
	char id[UUID_TEXT];

	line(b, "mo", str_of(uid_print(id, (struct uid){m->key, m->rest})));
	line(b, "from", str_of(m->source));
	line(b, "to", str_of(m->short_code));
	if (text)
		line(b, "text", m->text);
	if (m->total > 1)
		buf_fmt(b, "%-12s %u of %u\n", "parts", m->came, m->total);
	line(b, "sub-account", str_of(m->sub_account ? sub_account_name(names->all, m->sub_account) : "-"));
	line(b, "found by", str_of(mo_owner_name(m->owner)));
	if (m->mt)
		line(b, "answers", str_of(uid_print(id, (struct uid){m->mt, m->mt_rest})));
	line(b, "asks for", str_of(wish_of(m)));
	line(b, "campaign", m->campaign);
	line(b, "connection", str_of(connection_of(names->settings, m->connection)));
	buf_putc(b, '\n');
	for (size_t i = 0; i < n; i++)
		timeline_event(b, &ev[i], m->at);
}

int mo_show(struct context *c, struct query *q, struct uid id, const struct timeline_names *names, bool text)
{
	struct event *events = NULL;
	struct mo *m = NULL;
	struct buf b = BUF_INIT;
	size_t n = 0;
	int r = query_mo(q, &everything, id, &m, &events, &n);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return complain(c, EX_IOERR, "the store cannot be read: %s", strerrordesc_np(-r));
	if (c->json) {
		mo_json(&b, m, events, n, names, text);
		buf_putc(&b, '\n');
	} else {
		mo_lines(&b, m, events, n, names, text);
	}
	say(c, "%s", buf_cstr(&b));
	buf_done(&b);
	free(events);
	free(m);
	return EX_OK;
}

struct listing {
	struct context *c;
	const struct timeline_names *names;
	size_t count, limit;
};

static bool one(void *ctx, const struct mo *m)
{
	struct listing *l = ctx;
	struct buf b = BUF_INIT;
	char id[UUID_TEXT], at[ISO_MAX];

	if (l->c->json) {
		buf_puts(&b, l->count ? "," : "");
		mo_json(&b, m, NULL, 0, l->names, false);
	} else {
		buf_fmt(&b, "%s  %s  ", uid_print(id, (struct uid){m->key, m->rest}), iso_utc(at, m->at, true));
		timeline_safe(&b, str_of(m->source));
		buf_puts(&b, " -> ");
		timeline_safe(&b, str_of(m->short_code));
		buf_fmt(&b, "  %s\n", m->sub_account ? sub_account_name(l->names->all, m->sub_account) : "-");
	}
	say(l->c, "%s", buf_cstr(&b));
	buf_done(&b);
	return ++l->count < l->limit && !context_gone(l->c);
}

int mo_search(struct context *c, struct query *q, const struct scope *sc, const struct search *s,
	      const struct timeline_names *names)
{
	struct listing l = {c, names, 0, s->limit};

	return query_mo_search(q, sc, s->number, s->since, s->until, one, &l);
}
