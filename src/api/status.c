/* status.c - the status queries: reading what is asked; answering is the look-up thread's (lookup.c). */
#include <stdio.h>
#include <string.h>

#include "api/routes.h"
#include "api/server.h"
#include "base/time.h"

#define SEARCH_MAX 1000

void lookup_begin(struct request *q, int kind, uint32_t sub_account)
{
	memset(&q->lookup, 0, sizeof(q->lookup));
	q->lookup.kind = kind;
	q->lookup.scope = (struct scope){.account = q->user->account, .sub_account = sub_account};
}

void lookup_hand_over(struct request *q)
{
	struct api *a = q->api;

	request_wait(q);
	lookup_post(q, a);
}

/* -- search -------------------------------------------------------------------------------------------------------- */

static bool read_ids(struct request *q, struct json *list, bool strict, struct faults *f)
{
	size_t n = json_count(list);
	struct lookup *l = &q->lookup;

	l->ids = arena_alloc(&q->arena, (n + 1) * sizeof(*l->ids));
	for (size_t i = 0; l->ids && i < n; i++) {
		struct json *j = json_at(list, i);

		if (json_kind(j) != JSON_KIND_STRING) {
			char field[FAULT_FIELD_MAX];

			snprintf(field, sizeof(field), "ids[%zu]", i);
			fault_add(f, field, "must be a string");
		} else if (!uid_parse(json_str(j), &l->ids[l->id_count])) {
			l->id_count++; /* what is no UUID is an id nobody has */
		} else if (strict) {
			char field[FAULT_FIELD_MAX];

			snprintf(field, sizeof(field), "ids[%zu]", i);
			fault_add(f, field, "not an id");
		}
	}
	return l->ids != NULL;
}

static bool read_correlations(struct request *q, struct json *list, struct faults *f)
{
	size_t n = json_count(list);
	struct lookup *l = &q->lookup;

	l->correlations = arena_alloc(&q->arena, (n + 1) * sizeof(*l->correlations));
	for (size_t i = 0; l->correlations && i < n; i++) {
		char scratch[JSON_SCRATCH], *copy;
		struct str s = json_scalar(json_at(list, i), scratch);

		if (!s.p) {
			char field[FAULT_FIELD_MAX];

			snprintf(field, sizeof(field), "correlationIds[%zu]", i);
			fault_add(f, field, "must be a string or a whole number");
		} else if (s.n) {
			copy = arena_alloc(&q->arena, s.n);
			if (!copy)
				return false;
			memcpy(copy, s.p, s.n);
			l->correlations[l->correlation_count++] = (struct str){copy, s.n};
		}
	}
	return l->correlations != NULL;
}

static bool is_list(struct json *j, const char *name, struct faults *f)
{
	if (json_kind(j) == JSON_KIND_NULL)
		return false;
	if (json_kind(j) != JSON_KIND_ARRAY)
		fault_add(f, name, "must be an array");
	else if (json_count(j) > SEARCH_MAX)
		fault_add(f, name, "more than %d entries", SEARCH_MAX);
	else
		return true;
	return false;
}

void lookup_lists(struct request *q, struct json *root, bool strict, struct faults *f)
{
	struct json *ids = json_get(root, "ids"), *correlations = json_get(root, "correlationIds");

	if (is_list(ids, "ids", f) && !read_ids(q, ids, strict, f))
		fault_add(f, "ids", "too large");
	if (is_list(correlations, "correlationIds", f) && !read_correlations(q, correlations, f))
		fault_add(f, "correlationIds", "too large");
}

static void read_search(struct request *q, struct json *root, struct faults *f)
{
	struct json *ids = json_get(root, "ids"), *correlations = json_get(root, "correlationIds");

	if (json_kind(root) != JSON_KIND_OBJECT) {
		fault_add(f, "", "the request must be an object");
		return;
	}
	if (json_kind(ids) == JSON_KIND_NULL && json_kind(correlations) == JSON_KIND_NULL)
		fault_add(f, "ids", "missing, and correlationIds too");
	lookup_lists(q, root, false, f);
}

/* The root's subAccount: a reference, or an id as a number too. False: refused. */
bool lookup_sub_account(struct request *q, struct json *root, uint32_t *ret)
{
	struct json *j = json_get(root, "subAccount");
	char scratch[JSON_SCRATCH];
	struct str name = {NULL, 0};

	if (json_kind(j) == JSON_KIND_STRING)
		name = json_str(j);
	else if (json_kind(j) == JSON_KIND_INTEGER)
		name = json_scalar(j, scratch);
	else if (json_kind(j) != JSON_KIND_NULL) {
		request_refuse_field(q, "subAccount", "must be a string or a whole number");
		return false;
	}
	return choose_sub_account(q, name.n > 0, name, true, ret);
}

struct json *lookup_root(struct request *q)
{
	struct err e;

	q->doc = json_read(q->body.p, q->body.n, &e);
	if (!q->doc)
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "malformed JSON: %s", e.text);
	return q->doc ? json_root(q->doc) : NULL;
}

void status_search_run(struct request *q, const struct settings *s)
{
	struct faults f;
	uint32_t sub;

	(void)s;
	f.count = 0;
	if (!lookup_root(q) || !lookup_sub_account(q, json_root(q->doc), &sub))
		return;
	lookup_begin(q, LOOKUP_SEARCH, sub);
	read_search(q, json_root(q->doc), &f);
	if (f.count)
		request_refuse_faults(q, MHD_HTTP_BAD_REQUEST, &f);
	else
		lookup_hand_over(q);
}

/* -- one ----------------------------------------------------------------------------------------------------------- */

void status_one_run(struct request *q, const struct settings *s)
{
	struct str id = query_get(&q->query, "id", false, NULL), name = query_get(&q->query, "subAccount", false, NULL);
	uint32_t sub;

	(void)s;
	if (!choose_sub_account(q, name.n > 0, name, true, &sub))
		return;
	if (!id.n) {
		request_refuse_field(q, "id", "missing");
		return;
	}
	lookup_begin(q, LOOKUP_ONE, sub);
	q->lookup.ids = arena_alloc(&q->arena, sizeof(*q->lookup.ids));
	if (!q->lookup.ids || uid_parse(id, q->lookup.ids)) {
		request_refuse(q, MHD_HTTP_NOT_FOUND, "no message with that id");
		return;
	}
	q->lookup.id_count = 1;
	lookup_hand_over(q);
}

/* -- list ---------------------------------------------------------------------------------------------------------- */

void status_list_run(struct request *q, const struct settings *s)
{
	(void)s;
	if (lookup_list_begin(q, LOOKUP_LIST))
		lookup_hand_over(q);
}

/* "Whole" is the library's word for: every octet was handed to the kernel. */
void status_list_sent(struct request *q, bool whole)
{
	struct lease *lease = q->lookup.lease;

	if (!lease)
		return;
	q->lookup.lease = NULL;
	if (whole && q->status == MHD_HTTP_OK)
		arrival_expect(q, lease);
	else
		lease_release(q->api->engine, lease);
}
