/* mo_body.c - see mo_body.h. Both forms come from one walk over the fields, so that they never differ. */
#include "webhook/mo_body.h"

#include <string.h>

#include "base/time.h"

struct writer {
	struct buf *out;
	bool query;
	bool inside; /* the mt object */
};

static void name(struct writer *w, const char *key, bool first)
{
	if (w->query) {
		buf_puts(w->out, first ? "" : "&");
		if (w->inside) {
			buf_puts(w->out, "mt");
			buf_putc(w->out, (char)(key[0] - 'a' + 'A'));
			key++;
		}
		buf_puts(w->out, key);
		buf_putc(w->out, '=');
		return;
	}
	buf_puts(w->out, first ? "\"" : ",\"");
	buf_puts(w->out, key);
	buf_puts(w->out, "\":");
}

static void text(struct writer *w, const char *key, bool first, struct str value)
{
	name(w, key, first);
	if (w->query)
		buf_urlencode(w->out, value);
	else
		buf_json(w->out, value);
}

static void number(struct writer *w, const char *key, int64_t value)
{
	name(w, key, false);
	buf_i64(w->out, value);
}

static void write_mt(struct writer *w, const struct mo *m, const struct mo_names *names)
{
	char id[UUID_TEXT];

	uid_print(id, (struct uid){m->mt, m->mt_rest});
	if (!w->query)
		buf_puts(w->out, ",\"mt\":{");
	w->inside = true;
	text(w, "id", !w->query, str_of(id));
	text(w, "correlationId", false, m->correlation.n ? m->correlation : str_of(id));
	text(w, "username", false, str_of(names->username));
	text(w, "email", false, str_of(names->email));
	w->inside = false;
	if (!w->query)
		buf_putc(w->out, '}');
}

static void write_mo(struct writer *w, const struct mo *m, const struct mo_names *names, const struct carrier_told *carrier)
{
	char id[UUID_TEXT], iso[ISO_MAX];

	uid_print(id, (struct uid){m->key, m->rest});
	text(w, "id", true, str_of(id));
	text(w, "subAccount", false, str_of(names->sub_account));
	if (m->campaign.n)
		text(w, "campaignAlias", false, m->campaign);
	number(w, "carrierId", carrier->id);
	text(w, "carrierName", false, str_of(carrier->name));
	text(w, "source", false, str_of(m->source));
	text(w, "shortCode", false, str_of(m->short_code));
	text(w, "messageText", false, m->text.n ? m->text : STR(" ")); /* receivers refuse empty ones */
	number(w, "receivedAt", m->at);
	text(w, "receivedDate", false, str_of(iso_utc(iso, m->at, false)));
	if (m->mt)
		write_mt(w, m, names);
}

void hook_mo_body(struct buf *out, const struct mo *m, const struct mo_names *names, const struct carrier_told *carrier)
{
	struct writer w = {.out = out};

	buf_putc(out, '{');
	write_mo(&w, m, names, carrier);
	buf_putc(out, '}');
}

void hook_mo_query(struct buf *out, const struct mo *m, const struct mo_names *names, const struct carrier_told *carrier)
{
	struct writer w = {.out = out, .query = true};

	write_mo(&w, m, names, carrier);
}

void hook_mo_url(struct buf *out, const char *url, struct str query)
{
	size_t n = strcspn(url, "#");

	buf_put(out, url, n);
	if (!memchr(url, '?', n))
		buf_putc(out, '?');
	else if (n && url[n - 1] != '?' && url[n - 1] != '&')
		buf_putc(out, '&');
	buf_str(out, query);
}
