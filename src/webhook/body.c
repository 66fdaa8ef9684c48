/* body.c - the two bodies. Written by hand, field after field: the names and their order are those of the documents. */
#include "webhook/body.h"

#include "base/time.h"
#include "model/codes.h"
#include "model/event.h"

static void text(struct buf *out, const char *name, struct str value)
{
	buf_puts(out, name);
	buf_json(out, value);
}

static void number(struct buf *out, const char *name, int64_t value)
{
	buf_puts(out, name);
	buf_i64(out, value);
}

static void moment(struct buf *out, const char *at, const char *date, int64_t ms)
{
	char iso[ISO_MAX];

	number(out, at, ms);
	text(out, date, str_of(iso_utc(iso, ms, false)));
}

void hook_body(struct buf *out, const struct delivery *d, int kind, const struct carrier_told *carrier)
{
	char id[UUID_TEXT];
	/* A message that failed before it was sent has no such time; the change that is told has one. */
	int64_t sent_at = d->sent_at ? d->sent_at : d->updated_at;
	int64_t delivered_at = d->delivered_at ? d->delivered_at : d->updated_at;

	uid_print(id, (struct uid){d->key, d->rest});
	text(out, "{\"id\":", str_of(id));
	text(out, ",\"correlationId\":", d->t.correlation.n ? d->t.correlation : str_of(id));
	number(out, ",\"carrierId\":", carrier->id);
	text(out, ",\"carrierName\":", str_of(carrier->name));
	text(out, ",\"destination\":", d->t.destination);
	number(out, ",\"sentStatusCode\":", d->sent_code);
	text(out, ",\"sentStatus\":", str_of(sent_code_name(d->sent_code)));
	moment(out, ",\"sentAt\":", ",\"sentDate\":", sent_at);
	if (kind == HOOK_DELIVERED) {
		moment(out, ",\"sentStatusAt\":", ",\"sentStatusDate\":", sent_at);
		number(out, ",\"deliveredStatusCode\":", d->delivered_code);
		text(out, ",\"deliveredStatus\":", str_of(delivered_code_name(d->delivered_code)));
		moment(out, ",\"deliveredAt\":", ",\"deliveredDate\":", delivered_at);
	}
	if (d->campaign_id)
		number(out, ",\"campaignId\":", d->campaign_id);
	text(out, ",\"extraInfo\":", d->t.extra);
	buf_putc(out, '}');
}
