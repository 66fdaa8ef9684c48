/* answer.c - bodies of answers (answer.h). */
#include "api/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "model/codes.h"

#define TABOO "errorCode"
#define TABOO_TAIL "rrorCode"

/* JSON as it is, but that it does not spell errorCode. */
static void answer_raw(struct buf *out, struct str s)
{
	const char *at;

	while (s.n && (at = memmem(s.p, s.n, TABOO, sizeof(TABOO) - 1))) {
		size_t before = (size_t)(at - s.p) + 5;

		buf_put(out, s.p, before);
		buf_puts(out, "\\u0043"); /* for the C, which no escape can end in */
		s.p += before + 1;
		s.n -= before + 1;
	}
	buf_str(out, s);
}

void answer_text(struct buf *out, struct str s)
{
	struct buf rest = BUF_INIT;

	/* The first letter may also come from an escape, \u000e: so the tail is what is looked for in the plain text. */
	if (s.n < sizeof(TABOO_TAIL) - 1 || !memmem(s.p, s.n, TABOO_TAIL, sizeof(TABOO_TAIL) - 1)) {
		buf_json(out, s);
		return;
	}
	buf_json(&rest, s);
	answer_raw(out, buf_view(&rest));
	if (rest.failed)
		out->failed = true;
	buf_done(&rest);
}

void answer_error(struct buf *out, int status, const char *text)
{
	buf_puts(out, "{\"errorCode\":");
	buf_i64(out, status);
	buf_puts(out, ",\"errorMessage\":");
	buf_json(out, str_of(text));
	buf_puts(out, "}\n");
}

void answer_faults(struct buf *out, int status, const struct faults *f)
{
	const struct fault *first = &f->f[0];
	char text[FAULT_FIELD_MAX + FAULT_RULE_MAX + 4];

	snprintf(text, sizeof(text), "%s%s%s", first->field, first->field[0] ? ": " : "", first->rule);
	if (f->count == 1) {
		answer_error(out, status, text);
		return;
	}
	buf_puts(out, "{\"errorCode\":");
	buf_i64(out, status);
	buf_puts(out, ",\"errorMessage\":");
	buf_json(out, str_of(text));
	buf_puts(out, ",\"errors\":[");
	for (unsigned i = 0; i < MIN(f->count, (unsigned)FAULTS_MAX); i++) {
		buf_puts(out, i ? ",{\"field\":" : "{\"field\":");
		buf_json(out, str_of(f->f[i].field));
		buf_puts(out, ",\"message\":");
		buf_json(out, str_of(f->f[i].rule));
		buf_putc(out, '}');
	}
	buf_puts(out, "]}\n");
}

static void put_id(struct buf *out, struct uid id)
{
	char text[UUID_TEXT];

	buf_puts(out, "\"id\":\"");
	buf_put(out, uid_print(text, id), UUID_TEXT - 1);
	buf_putc(out, '"');
}

static void put_message(struct buf *out, struct uid id, struct str correlation)
{
	buf_putc(out, '{');
	put_id(out, id);
	if (correlation.n) {
		buf_puts(out, ",\"correlationId\":");
		answer_text(out, correlation);
	}
	buf_putc(out, '}');
}

void answer_single(struct buf *out, bool object, struct uid id, struct str correlation)
{
	if (!object)
		buf_putc(out, '[');
	put_message(out, id, correlation);
	buf_puts(out, object ? "\n" : "]\n");
}

void answer_bulk(struct buf *out, struct uid batch, const struct uid *ids, const struct draft *drafts, size_t n)
{
	buf_putc(out, '{');
	put_id(out, batch);
	buf_puts(out, ",\"messages\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(out, ',');
		put_message(out, ids[i], drafts[i].t.correlation);
	}
	buf_puts(out, "]}\n");
}

/* ,"<name>At":<ms>,"<name>Date":"..." */
static void put_time(struct buf *out, const char *name, int64_t at)
{
	char text[ISO_MAX];

	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "At\":");
	buf_i64(out, at);
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "Date\":\"");
	buf_puts(out, iso_utc(text, at, false));
	buf_putc(out, '"');
}

static void put_code(struct buf *out, const char *level, int code, const char *name)
{
	buf_puts(out, ",\"");
	buf_puts(out, level);
	buf_puts(out, "StatusCode\":");
	buf_i64(out, code);
	buf_puts(out, ",\"");
	buf_puts(out, level);
	buf_puts(out, "Status\":\"");
	buf_puts(out, name);
	buf_putc(out, '"');
}

static const char *operator_name(const struct settings *s, int64_t id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == id && s->operators[i].name)
			return s->operators[i].name;
	return NULL;
}

struct str answer_operator_name(const struct settings *s, int64_t id)
{
	const char *name = id ? operator_name(s, id) : NULL;

	return name ? str_of(name) : STR("UNKNOWN");
}

/* An operator that is no longer configured is as unknown as one that never was: id and name go together. */
void answer_operator(struct buf *out, const struct settings *s, int64_t id)
{
	const char *name = id ? operator_name(s, id) : NULL;

	buf_puts(out, ",\"carrierId\":");
	buf_i64(out, name ? id : 0);
	buf_puts(out, ",\"carrierName\":");
	answer_text(out, answer_operator_name(s, id));
}

void answer_status(struct buf *out, const struct delivery *d, const struct settings *s)
{
	char id[UUID_TEXT];
	int64_t accepted = uid_key_ms(d->key);

	uid_print(id, (struct uid){d->key, d->rest});
	buf_puts(out, "{\"id\":\"");
	buf_puts(out, id);
	buf_puts(out, "\",\"correlationId\":");
	answer_text(out, d->t.correlation.n ? d->t.correlation : str_of(id));
	answer_operator(out, s, d->operator_id);
	buf_puts(out, ",\"destination\":");
	answer_text(out, d->t.destination);
	if (d->sent_code) {
		int64_t at = d->sent_at ? d->sent_at : d->updated_at ? d->updated_at : accepted;

		put_code(out, "sent", d->sent_code, sent_code_name(d->sent_code));
		put_time(out, "sentStatus", at);
		put_time(out, "sent", at);
	}
	if (d->delivered_code) {
		put_code(out, "delivered", d->delivered_code, delivered_code_name(d->delivered_code));
		put_time(out, "delivered", d->delivered_at ? d->delivered_at : d->updated_at);
	}
	put_time(out, "updated", d->updated_at ? d->updated_at : accepted);
	if (d->campaign_id) {
		buf_puts(out, ",\"campaignId\":");
		buf_i64(out, d->campaign_id);
	}
	if (d->t.invalid.n) {
		buf_puts(out, ",\"invalidParams\":[");
		answer_raw(out, d->t.invalid);
		buf_putc(out, ']');
	}
	buf_puts(out, ",\"extraInfo\":");
	answer_text(out, d->t.extra);
	buf_putc(out, '}');
}

void answer_statuses(struct buf *out, size_t n, struct str entries)
{
	buf_puts(out, "{\"total\":");
	buf_i64(out, (int64_t)n);
	buf_puts(out, ",\"smsStatuses\":[");
	buf_str(out, entries);
	buf_puts(out, "]}\n");
}
