/* list_request.c - what is asked of a list or of a search by time: limit, start, end, subAccount. */
#include "api/routes.h"
#include "base/time.h"

#define LIST_MAX 1000

/* The '+' of an offset that was not percent-encoded has become a blank. */
static struct str with_plus(struct str v, char out[64])
{
	if (v.n >= 64)
		return v;
	for (size_t i = 0; i < v.n; i++)
		out[i] = v.p[i] == ' ' ? '+' : v.p[i];
	return (struct str){out, v.n};
}

static bool read_moment(struct request *q, const char *name, int64_t *ret)
{
	struct str v = query_get(&q->query, name, false, NULL);
	char plus[64];

	*ret = 0;
	if (!v.n)
		return true;
	if (!str_i64(v, 1, INT64_MAX / 2000, ret)) {
		if (*ret < EPOCH_SECONDS_BELOW)
			*ret *= 1000;
		return true;
	}
	if ((!iso_parse(v, ret) || !iso_parse(with_plus(v, plus), ret)) && *ret > 0)
		return true;
	request_refuse_field(q, name, "neither an ISO-8601 time nor an epoch");
	return false;
}

bool lookup_list_begin(struct request *q, int kind)
{
	struct str limit = query_get(&q->query, "limit", false, NULL),
		   sub = query_get(&q->query, "subAccount", false, NULL);
	struct list_ask ask = {.user = q->user_id};
	int64_t n = LIST_MAX;
	uint32_t id;

	if (limit.n && str_i64(limit, 1, LIST_MAX, &n)) {
		request_refuse_field(q, "limit", "must be a number from 1 to 1000");
		return false;
	}
	if (!read_moment(q, "start", &ask.start) || !read_moment(q, "end", &ask.end))
		return false;
	if (ask.end && ask.end < ask.start) {
		request_refuse_field(q, "end", "before start");
		return false;
	}
	if (!choose_sub_account(q, sub.n > 0, sub, true, &id))
		return false;
	lookup_begin(q, kind, id);
	ask.limit = (size_t)n;
	ask.scope = q->lookup.scope;
	ask.narrow = q->user->role == ROLE_ADMINISTRATOR && id;
	q->lookup.ask = ask;
	return true;
}
