/* send_params.c - params of a request: what may stand in them, in a body and in a query, and how levels merge (send_request.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/send_request.h"
#include "wire/gsm_text.h"

#define VALUE_MAX SEND_TEXT_MAX

/* "params.name" when the name can stand in a path, else "params". */
static void param_fault(struct faults *f, const struct place *at, struct str name, const char *rule)
{
	char path[FAULT_FIELD_MAX], field[48] = "params";
	bool plain = name.n > 0 && name.n <= 32;

	for (size_t i = 0; i < name.n && plain; i++)
		plain = name.p[i] > ' ' && name.p[i] < 0x7f;
	if (plain)
		snprintf(field, sizeof field, "params.%.*s", (int)name.n, name.p);
	send_path(path, at, str_of(field));
	fault_add(f, path, "%s", rule);
}

static struct str keep(struct arena *a, struct str s)
{
	char *p = s.n ? arena_strndup(a, s.p, s.n) : NULL;

	return p ? (struct str){p, s.n} : (struct str){"", 0};
}

static struct str trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static void add(struct param_list *l, const struct place *at, struct str name, struct str value,
		struct arena *a, struct faults *f)
{
	size_t points = 0, name_points = 0;

	name = trim(name);
	if (!name.n) {
		param_fault(f, at, name, "a name is empty");
	} else if (!utf8_valid(name, &name_points) || !utf8_valid(value, &points)) {
		param_fault(f, at, (struct str){NULL, 0}, "not valid UTF-8, or holds a NUL");
	} else if (name_points > TEMPLATE_NAME_MAX) {
		param_fault(f, at, (struct str){NULL, 0}, "a name is longer than 64 characters");
	} else if (points > VALUE_MAX) {
		param_fault(f, at, name, "longer than 1280 characters");
	} else if (l->n == SEND_PARAMS_MAX) {
		param_fault(f, at, (struct str){NULL, 0}, "more than 100 parameters");
	} else {
		name = keep(a, name);
		value = keep(a, value);
		for (size_t i = 0; i < l->n; i++)
			if (str_eq(l->p[i].name, name)) {
				param_fault(f, at, name, "given more than once");
				return;
			}
		l->p[l->n++] = (struct template_param){send_nfc(a, name), send_nfc(a, value)};
	}
}

static bool room(struct param_list *l, struct arena *a)
{
	if (!l->p)
		l->p = arena_alloc(a, SEND_PARAMS_MAX * sizeof(*l->p));
	return l->p != NULL;
}

/* The shortest decimal that reads back as the same number. */
static struct str real_text(double v, char out[32])
{
	int n = 0;

	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(out, 32, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			break;
	}
	return (struct str){out, (size_t)n};
}

void params_read(struct json *object, const struct place *at, struct arena *a, struct param_list *ret, struct faults *f)
{
	char scratch[JSON_SCRATCH], number[32];

	if (json_kind(object) == JSON_KIND_NULL)
		return;
	if (json_kind(object) != JSON_KIND_OBJECT) {
		param_fault(f, at, (struct str){NULL, 0}, "must be an object");
		return;
	}
	if (json_count(object) > SEND_PARAMS_MAX) {
		param_fault(f, at, (struct str){NULL, 0}, "more than 100 parameters");
		return;
	}
	if (!json_count(object) || !room(ret, a))
		return;
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		switch (json_kind(it.value)) {
		case JSON_KIND_NULL: break; /* not given */
		case JSON_KIND_STRING:
		case JSON_KIND_INTEGER: add(ret, at, it.key, json_scalar(it.value, scratch), a, f); break;
		case JSON_KIND_REAL:
			add(ret, at, it.key, real_text(json_double(it.value), number), a, f);
			break;
		case JSON_KIND_BOOL:
			add(ret, at, it.key, json_bool(it.value) ? STR("true") : STR("false"), a, f);
			break;
		case JSON_KIND_ARRAY:
		case JSON_KIND_OBJECT:
			param_fault(f, at, it.key, "must be a string, a number or a boolean");
			break;
		}
	}
}

/* The name in params[name]; p NULL: the field is another one. */
static struct str bracketed(struct str name)
{
	if (name.n < 8 || memcmp(name.p, "params[", 7) != 0 || name.p[name.n - 1] != ']')
		return (struct str){NULL, 0};
	return (struct str){name.p + 7, name.n - 8};
}

static void read_text(struct str text, const struct place *at, struct arena *a, struct param_list *ret, struct faults *f)
{
	struct json_doc *doc;
	struct err e;

	if (!text.n)
		return;
	doc = json_read(text.p, text.n, &e);
	if (doc && json_kind(json_root(doc)) == JSON_KIND_OBJECT)
		params_read(json_root(doc), at, a, ret, f);
	else
		param_fault(f, at, (struct str){NULL, 0}, "must be an object in JSON, or params[name]=value");
	json_free(doc);
}

void params_read_query(const struct query_string *q, struct arena *a, struct param_list *ret, struct faults *f)
{
	const struct place at = {AT_ROOT, 0};
	bool text = false;

	for (unsigned i = 0; i < q->count; i++) {
		struct str name = q->pair[i].name, inner = bracketed(name);

		if (inner.p && room(ret, a)) {
			add(ret, &at, inner, q->pair[i].value, a, f);
		} else if (str_eqz(name, "params")) {
			if (text)
				param_fault(f, &at, (struct str){NULL, 0}, "given more than once");
			text = true;
			read_text(q->pair[i].value, &at, a, ret, f);
		} else if (name.n > 7 && !memcmp(name.p, "params[", 7)) {
			param_fault(f, &at, (struct str){NULL, 0}, "must be an object in JSON, or params[name]=value");
		}
	}
}

void params_inherit(struct send_item *m, const struct send_item *from, struct arena *a)
{
	struct template_param *both;
	size_t n = m->param_count;

	if (!from->param_count)
		return;
	if (!m->param_count) {
		m->params = from->params;
		m->param_count = from->param_count;
		return;
	}
	both = arena_alloc(a, (n + from->param_count) * sizeof(*both));
	if (!both)
		return;
	memcpy(both, m->params, n * sizeof(*both));
	for (size_t i = 0; i < from->param_count; i++) {
		size_t k = 0;

		while (k < m->param_count && !str_eq(m->params[k].name, from->params[i].name))
			k++;
		if (k == m->param_count)
			both[n++] = from->params[i];
	}
	m->params = both;
	m->param_count = n;
}
