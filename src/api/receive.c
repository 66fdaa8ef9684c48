/* receive.c - messages from handsets: the list that each user consumes, and the search by time [api.md section 8]. The look-up thread
 * reads (lookup.c calls receive_answer()). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/server.h"
#include "base/time.h"

static void run(struct request *q, int kind)
{
	if (lookup_list_begin(q, kind))
		lookup_hand_over(q);
}

void receive_list_run(struct request *q, const struct settings *s)
{
	(void)s;
	run(q, LOOKUP_MO_LIST);
}

void receive_search_run(struct request *q, const struct settings *s)
{
	(void)s;
	run(q, LOOKUP_MO_SEARCH);
}

/* -- the answer ---------------------------------------------------------------------------------------------------- */

static void member(struct buf *out, const char *name, struct str value)
{
	buf_puts(out, ",\"");
	buf_puts(out, name);
	buf_puts(out, "\":");
	answer_text(out, value);
}

static void put_mt(struct buf *out, const struct mo *m, const struct mo_names *names)
{
	char id[UUID_TEXT];

	uid_print(id, (struct uid){m->mt, m->mt_rest});
	buf_puts(out, ",\"mt\":{\"id\":");
	answer_text(out, str_of(id));
	member(out, "correlationId", m->correlation.n ? m->correlation : str_of(id));
	member(out, "username", str_of(names->username));
	member(out, "email", str_of(names->email));
	buf_putc(out, '}');
}

static void put_mo(struct buf *out, const struct mo *m, const struct snapshot *snap, const struct settings *s)
{
	char id[UUID_TEXT], iso[ISO_MAX];
	struct mo_names names;

	snapshot_mo_names(snap, m->sub_account, m->user, &names);
	uid_print(id, (struct uid){m->key, m->rest});
	buf_puts(out, "{\"id\":");
	answer_text(out, str_of(id));
	member(out, "subAccount", str_of(names.sub_account));
	if (m->campaign.n)
		member(out, "campaignAlias", m->campaign);
	answer_operator(out, s, m->operator_id);
	member(out, "source", str_of(m->source));
	member(out, "shortCode", str_of(m->short_code));
	member(out, "messageText", m->text);
	buf_puts(out, ",\"receivedAt\":");
	buf_i64(out, m->at);
	member(out, "receivedDate", str_of(iso_utc(iso, m->at, false)));
	if (m->mt)
		put_mt(out, m, &names);
	buf_putc(out, '}');
}

static void put_moment(struct buf *out, const char *name, int64_t at)
{
	char iso[ISO_MAX];

	member(out, name, str_of(iso_utc(iso, at, at % 1000 != 0)));
}

static void answer(struct request *q, struct mo **found, size_t n, int64_t start, int64_t end, const struct settings *s)
{
	const struct snapshot *snap = snapshot_get();

	buf_clear(&q->out);
	q->out.max = BUF_MAX_DEFAULT;
	buf_puts(&q->out, "{\"total\":");
	buf_i64(&q->out, (int64_t)n);
	put_moment(&q->out, "start", start);
	put_moment(&q->out, "end", end);
	buf_puts(&q->out, ",\"messages\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&q->out, ',');
		put_mo(&q->out, found[i], snap, s);
	}
	buf_puts(&q->out, "]}\n");
	snapshot_put(snap);
	if (q->out.failed)
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "the answer would be too large; ask for fewer at once");
	else
		q->status = MHD_HTTP_OK;
}

int64_t receive_answer(struct request *q, struct query *query, int64_t left_ms)
{
	struct lookup *k = &q->lookup;
	struct api *a = q->api;
	bool list = k->kind == LOOKUP_MO_LIST;
	int64_t now = wall_ms(), back;

	pthread_rwlock_rdlock(&a->settings_lock);
	back = list ? MIN(MO_LIST_MS, a->settings->retention.mo_ms) : a->settings->retention.mo_ms;
	pthread_rwlock_unlock(&a->settings_lock);
	int64_t start = MAX(k->ask.start, now - back), end = k->ask.end ? k->ask.end : now;
	struct mo **found = xcalloc(k->ask.limit, sizeof(struct mo *));
	ssize_t n;

	if (left_ms <= 0)
		n = -ETIMEDOUT;
	else if (list)
		n = query_mo_list(query, &k->ask, found, &k->lease, left_ms);
	else
		n = query_mo_range(query, &k->scope, start, end, found, k->ask.limit, left_ms);
	if (list && !k->ask.end)
		end = MAX(end, wall_ms());
	pthread_rwlock_rdlock(&a->settings_lock);
	if (n >= 0)
		answer(q, found, (size_t)n, start, end, a->settings);
	pthread_rwlock_unlock(&a->settings_lock);
	for (ssize_t i = 0; i < n; i++)
		free(found[i]);
	free(found);
	return n;
}
