/* send_request.c - reads requests to send, level by level (send_request.h; docs/api.md "Sending"); a single field is send_field.c's.
 *
 * A message takes each field from itself, else from defaultValues, else from the root. null and "" count as not given at
 * every level. */
#include "api/send_request.h"

#include <stdio.h>
#include <string.h>

#include "api/send_field.h"

#define TEXT_FIELDS (1u << F_TEXT | 1u << F_TEMPLATE_ID | 1u << F_TEMPLATE_NAME | 1u << F_FLOW)

static bool has_template(const struct send_item *m) { return m->has_template_id || m->template_name.n; }

static bool has_text(const struct send_item *m) { return m->text.n || m->flow.n || has_template(m); }

/* After a whole level was read. */
static void level_read(struct reading *r, const struct place *at, struct send_item *m)
{
	m->text_place = m->campaign_place = *at;
	if (m->flow.n && has_template(m))
		send_field_fault(r, at, STR("flowId"), "not together with a template");
}

static void read_level(struct reading *r, const struct place *at, struct json *object, struct send_item *to)
{
	for (struct json_iter it = json_iter(object); json_next(&it);)
		send_field_json(r, at, it.key, it.value, to);
	level_read(r, at, to);
}

static struct str first_of(struct str a, struct str b) { return a.n ? a : b; }

static void inherit(struct reading *r, struct send_item *m, const struct send_item *from)
{
	if (!has_text(m)) {
		m->text = from->text;
		m->has_template_id = from->has_template_id;
		m->template_id = from->template_id;
		m->template_name = from->template_name;
		m->flow = from->flow;
		m->text_place = from->text_place;
	}
	if (!m->campaign.n) {
		m->campaign = from->campaign;
		m->campaign_place = from->campaign_place;
	}
	params_inherit(m, from, r->arena);
	m->destination = first_of(m->destination, from->destination);
	m->correlation = first_of(m->correlation, from->correlation);
	m->extra = first_of(m->extra, from->extra);
	if (m->flash < 0)
		m->flash = from->flash;
	send_time_inherit(&m->time, &from->time);
}

static void require(struct reading *r, const struct place *at, const struct send_item *m)
{
	if (!m->destination.n && !(r->bad & 1u << F_DESTINATION))
		send_field_fault(r, at, STR("destination"), "missing");
	if (!has_text(m) && !(r->bad & TEXT_FIELDS))
		send_field_fault(r, at, STR("messageText"), "missing");
}

static void read_messages(struct reading *r, struct json *root, const struct send_item *above)
{
	struct json *messages = json_get(root, "messages");
	size_t n = json_count(messages);
	unsigned bad_above = r->bad;

	if (json_kind(messages) != JSON_KIND_ARRAY)
		fault_add(r->faults, "messages", "%s", json_kind(messages) == JSON_KIND_NULL ? "missing" : "must be an array");
	else if (!n)
		fault_add(r->faults, "messages", "empty");
	else if (n > SEND_MESSAGES_MAX)
		fault_add(r->faults, "messages", "more than %d messages", SEND_MESSAGES_MAX);
	if (json_kind(messages) != JSON_KIND_ARRAY || !n || n > SEND_MESSAGES_MAX)
		return;
	r->request->items = arena_alloc(r->arena, n * sizeof(*r->request->items));
	if (!r->request->items)
		return;
	r->request->count = n;
	for (size_t i = 0; i < n; i++) {
		struct place at = {AT_MESSAGE, i};
		struct send_item *m = &r->request->items[i];
		struct json *j = json_at(messages, i);

		m->flash = -1;
		r->bad = bad_above;
		if (json_kind(j) != JSON_KIND_OBJECT) {
			char path[FAULT_FIELD_MAX];

			snprintf(path, sizeof(path), "messages[%zu]", i);
			fault_add(r->faults, path, "must be an object");
			continue;
		}
		read_level(r, &at, j, m);
		inherit(r, m, above);
		require(r, &at, m);
	}
}

void send_read_json(struct json *root, bool bulk, struct arena *a, struct send_request *ret, struct faults *f)
{
	struct reading r = {a, ret, f, 0};
	struct place at = {AT_ROOT, 0};
	struct send_item top = {.flash = -1}, defaults = {.flash = -1};

	memset(ret, 0, sizeof(*ret));
	ret->bulk = bulk;
	if (json_kind(root) != JSON_KIND_OBJECT) {
		fault_add(f, "", "the request must be an object");
		return;
	}
	read_level(&r, &at, root, &top);
	if (bulk) {
		struct json *values = json_get(root, "defaultValues");

		at.level = AT_DEFAULTS;
		if (json_kind(values) == JSON_KIND_OBJECT)
			read_level(&r, &at, values, &defaults);
		else if (json_kind(values) != JSON_KIND_NULL)
			fault_add(f, "defaultValues", "must be an object");
		inherit(&r, &defaults, &top);
		read_messages(&r, root, &defaults);
		return;
	}
	require(&r, &at, &top);
	ret->items = arena_alloc(a, sizeof(top));
	if (!ret->items)
		return;
	ret->items[0] = top;
	ret->count = 1;
}

/* timeWindow[], params[name]: the field is what stands before the bracket. */
static struct str without_bracket(struct str name)
{
	const char *bracket = name.n ? memchr(name.p, '[', name.n) : NULL;

	return bracket ? (struct str){name.p, (size_t)(bracket - name.p)} : name;
}

static void read_pair(struct reading *r, const struct query_string *q, unsigned i, struct send_item *to)
{
	const struct place at = {AT_ROOT, 0};
	struct str name = without_bracket(q->pair[i].name), v = q->pair[i].value;
	enum field field = send_field_of(name);

	if (field == F_UNKNOWN || field == F_PARAMS)
		return;
	for (unsigned k = 0; field != F_WINDOW && k < i; k++)
		if (str_eq(without_bracket(q->pair[k].name), name)) {
			send_field_fault(r, &at, name, "given more than once");
			return;
		}
	send_field_text(r, &at, field, name, v, to);
}

void send_read_query(const struct query_string *q, struct arena *a, struct send_request *ret, struct faults *f)
{
	struct reading r = {a, ret, f, 0};
	const struct place at = {AT_ROOT, 0};
	struct param_list list = {NULL, 0};
	struct send_item *m;

	memset(ret, 0, sizeof(*ret));
	m = arena_alloc(a, sizeof(*m));
	if (!m)
		return;
	m->flash = -1;
	for (unsigned i = 0; i < q->count; i++)
		read_pair(&r, q, i, m);
	params_read_query(q, a, &list, f);
	m->params = list.p;
	m->param_count = list.n;
	level_read(&r, &at, m);
	require(&r, &at, m);
	ret->items = m;
	ret->count = 1;
}
