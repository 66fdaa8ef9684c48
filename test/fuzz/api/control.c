/* control.c - any body of POST /admin/v1/messages/cancel, pause and resume: refused with words, or carried out and told in JSON. The
 * first octet chooses what is asked, and who asks; the fake core stands behind. */
#include <stdint.h>
#include <string.h>

#include "api/routes.h"
#include "core/snapshot.h"
#include "unit/api/fake_core.h"

#define FOUND_MAX 100

/* One account with a campaign, two sub-accounts, and two messages that the corpus names. */
static const struct snapshot *world(void)
{
	static char promo[] = "Promo";
	static const struct account accounts[] = {{.id = 1, .name = "default"}};
	static const struct sub_account subs[] = {{.id = 10, .account = 1, .reference = "default"},
						  {.id = 11, .account = 1, .reference = "shop"}};
	static struct campaign campaigns[] = {{64, 1, promo, 1}};
	static const struct texts texts = {.campaigns = campaigns, .campaign_count = 1};
	const struct snapshot *s = snapshot_get();
	struct delivery d = {.key = 4242, .rest = 1, .account = 1, .sub_account = 10};
	struct uid sent;

	if (s)
		return s;
	snapshot_publish(snapshot_new(&(struct snapshot_source){.accounts = accounts,
								.account_count = COUNT_OF(accounts),
								.sub_accounts = subs,
								.sub_account_count = COUNT_OF(subs),
								.texts = &texts}));
	d.t.correlation = STR("errorCode");
	fake_know(&d);
	ASSERT(!uid_parse(STR("019aab3c-8f0e-7b51-9d4e-3f1c2a5b6d70"), &sent));
	d.key = sent.key;
	d.rest = sent.rest;
	d.sent_code = 2;
	fake_know(&d);
	return snapshot_get();
}

static int64_t sum(struct json *counts)
{
	static const char *const kinds[] = {"cancelled", "paused",   "resumed",   "left", "inDoubt",
					    "ended",     "notFound", "notPaused", "held"};
	int64_t n = 0;

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (json_kind(json_get(counts, kinds[i])) == JSON_KIND_INTEGER)
			n += json_int(json_get(counts, kinds[i]));
	return n;
}

static void check_lookup(const struct lookup *l)
{
	size_t points = 0;

	ASSERT(l->id_count <= CONTROL_MESSAGES_MAX && l->correlation_count <= CONTROL_MESSAGES_MAX);
	ASSERT(utf8_valid(l->campaign, &points) && points <= CAMPAIGN_ALIAS_MAX && l->campaign.n <= CONTROL_ALIAS_MAX);
}

static void check_answer(const struct request *q)
{
	struct err e;
	struct json_doc *d = json_read(q->out.p, q->out.n, &e);
	struct json *root;

	ASSERT(d && !q->out.failed);
	root = json_root(d);
	if (q->status == MHD_HTTP_OK) {
		ASSERT(!memmem(q->out.p, q->out.n, "errorCode", 9));
		ASSERT(json_int(json_get(root, "total")) == (int64_t)json_count(json_get(root, "messages")));
		ASSERT(json_int(json_get(root, "total")) == sum(json_get(root, "counts")));
	} else {
		ASSERT(json_int(json_get(root, "errorCode")) == q->status);
		ASSERT(json_str(json_get(root, "errorMessage")).n);
	}
	json_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum role roles[] = {ROLE_REGULAR, ROLE_ADMINISTRATOR, ROLE_PLATFORM};
	struct delivery *found[FOUND_MAX];
	struct query *query;
	struct request q = {.method = METHOD_POST};
	struct user u = {.id = 1, .account = 1};
	struct err e;

	if (!size)
		return 0;
	u.role = roles[data[0] / 3 % 3];
	u.sub_account = u.role == ROLE_REGULAR ? 10 : 0;
	q.snap = world();
	q.user = &u;
	buf_put(&q.body, data + 1, size - 1);
	if (control_read(&q, (enum control_verb)(data[0] % 3))) {
		ASSERT(!q.status);
		check_lookup(&q.lookup);
		ASSERT(!query_open(&query, NULL, &e));
		control_execute(&q, query, found, FOUND_MAX, 1000);
		query_close(query);
		ASSERT(q.status == MHD_HTTP_OK || q.status == MHD_HTTP_BAD_REQUEST || q.status == MHD_HTTP_SERVICE_UNAVAILABLE);
	} else {
		ASSERT(q.status == MHD_HTTP_BAD_REQUEST || q.status == MHD_HTTP_FORBIDDEN);
	}
	check_answer(&q);
	snapshot_put(q.snap);
	json_free(q.doc);
	buf_done(&q.body);
	buf_done(&q.out);
	arena_done(&q.arena);
	return 0;
}
