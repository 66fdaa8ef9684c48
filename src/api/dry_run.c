/* dry_run.c - the answer to a dry run: what the engine foretold (core/forecast.c), and what the connection would make of the texts. */
#include "api/answer.h"
#include "api/send_request.h"
#include "model/codes.h"

static const struct connection_setting *connection_of(const struct settings *s, uint16_t number)
{
	for (size_t i = 0; number && i < s->sms.connection_count; i++)
		if (s->sms.connections[i].number == number)
			return &s->sms.connections[i];
	return NULL;
}

/* Texts repeat within a bulk: the last count is kept. */
struct coded {
	struct str text;
	uint16_t coded_for;
	struct send_parts parts;
};

static void code(struct coded *c, const struct settings *s, struct str text, uint16_t connection)
{
	const struct connection_setting *by = connection_of(s, connection);

	if (c->parts.parts && c->text.p == text.p && c->text.n == text.n && c->coded_for == connection)
		return;
	*c = (struct coded){text, connection, send_parts(text, by ? &by->profile : NULL)};
}

/* What the channel would say of the text comes after all that acceptance says. */
static struct forecast whole(const struct forecast *f, const struct send_parts *p)
{
	struct forecast all = *f;

	if (!all.code && !p->fits) {
		all.code = SENT_INTERNAL_ERROR;
		all.reason = REASON_TEXT;
	}
	return all;
}

/* A message that would not be sent takes nothing; for one that the credit does not cover it is what it lacks. */
static int64_t units(const struct forecast *f, const struct send_parts *p)
{
	return f->code && f->code != SENT_NO_CREDIT ? 0 : (int64_t)f->unit_price * p->parts;
}

static void put_connection(struct buf *out, const struct forecast *f, const struct settings *s)
{
	const struct connection_setting *by = f->code ? NULL : connection_of(s, f->connection);

	buf_puts(out, ",\"connection\":");
	if (by)
		answer_text(out, str_of(by->name));
	else
		buf_puts(out, "null");
}

static void put_message(struct buf *out, const struct draft *d, const struct forecast *f,
			const struct send_parts *p, const struct settings *s)
{
	buf_puts(out, "{\"destination\":");
	answer_text(out, d->t.destination);
	buf_puts(out, f->code ? ",\"accepted\":false" : ",\"accepted\":true");
	if (f->code)
		buf_fmt(out, ",\"sentStatusCode\":%d,\"reason\":\"%s\"", f->code, reason_text(f->reason));
	buf_fmt(out, ",\"parts\":%d,\"encoding\":\"%s\"", p->parts, p->ucs2 ? "UCS2" : "GSM7");
	put_connection(out, f, s);
	answer_operator(out, s, d->operator_id);
	buf_puts(out, ",\"departsAt\":");
	if (f->code)
		buf_puts(out, "null");
	else
		buf_i64(out, f->departs_at);
	buf_puts(out, ",\"units\":");
	buf_i64(out, units(f, p));
	buf_putc(out, '}');
}

void answer_forecasts(struct buf *out, const struct submission *m, const struct settings *s)
{
	struct coded last = {.coded_for = 0};

	buf_puts(out, "{\"dryRun\":true,\"messages\":[");
	for (uint32_t i = 0; i < m->count; i++) {
		struct forecast f;

		code(&last, s, m->drafts[i].t.text, m->forecasts[i].coded_for);
		f = whole(&m->forecasts[i], &last.parts);
		if (i)
			buf_putc(out, ',');
		put_message(out, &m->drafts[i], &f, &last.parts, s);
	}
	buf_puts(out, "]}\n");
}
