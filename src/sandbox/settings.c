/* settings.c - settings by table: each source (file, flag, JSON) ends in set_one(), so that all have the same rules. */
#include "sandbox/settings.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "base/time.h"
#include "wire/json.h"

enum kind { KIND_TEXT, KIND_TIME, KIND_COUNT, KIND_SHARE, KIND_CHOICE };
struct setting {
	const char *name;
	enum kind kind;
	bool live;
	size_t at, size; /* offset in struct sandbox_settings; size of a text */
	int64_t min, max, dflt;
	const char *text; /* default of a text, words of a choice */
	const char *help;
};
#define AT(field) offsetof(struct sandbox_settings, field)
#define TEXT(field, size, dflt, help) {#field, KIND_TEXT, false, AT(field), size, 0, 0, 0, dflt, help},
#define TIME(field, dflt, min, max, live, help) \
	{#field, KIND_TIME, live, AT(field), 0, min, max, dflt, NULL, help},
#define COUNT(field, dflt, min, max, live, help) \
	{#field, KIND_COUNT, live, AT(field), 0, min, max, dflt, NULL, help},
#define SHARE(field, help) {#field, KIND_SHARE, true, AT(field), 0, 0, 100, 0, NULL, help},
#define CHOICE(field, dflt, words, help) {#field, KIND_CHOICE, true, AT(field), 0, 0, 0, dflt, words, help},
static const struct setting table[] = {
#include "sandbox/settings.def"
};
#undef TEXT
#undef TIME
#undef COUNT
#undef SHARE
#undef CHOICE

static char *field_of(struct sandbox_settings *s, const struct setting *t) { return (char *)s + t->at; }

static void put_i64(struct sandbox_settings *s, const struct setting *t, int64_t v)
{
	memcpy(field_of(s, t), &v, sizeof(v));
}

static int64_t get_i64(const struct sandbox_settings *s, const struct setting *t)
{
	int64_t v;

	memcpy(&v, (const char *)s + t->at, sizeof(v));
	return v;
}

static double get_share(const struct sandbox_settings *s, const struct setting *t)
{
	double v;

	memcpy(&v, (const char *)s + t->at, sizeof(v));
	return v;
}

void sandbox_settings_default(struct sandbox_settings *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		if (table[i].kind == KIND_TEXT)
			str_copy(field_of(s, &table[i]), table[i].size, str_of(table[i].text));
		else if (table[i].kind != KIND_SHARE)
			put_i64(s, &table[i], table[i].dflt);
	}
}

static const struct setting *find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (str_eqz(name, table[i].name))
			return &table[i];
	return NULL;
}

/* The word at index i of "a|b|c"; empty when there is none. */
static struct str word_at(const char *words, int64_t i)
{
	for (;; i--) {
		size_t n = strcspn(words, "|");

		if (i == 0)
			return (struct str){words, n};
		if (words[n] == '\0')
			return (struct str){NULL, 0};
		words += n + 1;
	}
}

static int set_share(struct sandbox_settings *s, const struct setting *t, struct str value, struct err *e)
{
	char z[32], *end;
	double v;

	if (value.n && value.p[value.n - 1] == '%')
		value.n--;
	if (!value.n || !str_copy(z, sizeof(z), value) || strspn(z, "0123456789.") != strlen(z))
		return err_set(e, -EINVAL, "%s: must be a percentage from 0 to 100", t->name);
	v = strtod(z, &end);
	if (*end || !(v >= 0 && v <= 100))
		return err_set(e, -EINVAL, "%s: must be a percentage from 0 to 100", t->name);
	memcpy(field_of(s, t), &v, sizeof(v));
	return 0;
}

static int set_one(struct sandbox_settings *s, const struct setting *t, struct str value, struct err *e)
{
	int64_t v = 0;
	int r = 0;

	switch (t->kind) {
	case KIND_TEXT:
		if (value.n >= t->size || memchr(value.p ? value.p : "", 0, value.n))
			return err_set(e, -EINVAL, "%s: longer than %zu characters", t->name, t->size - 1);
		str_copy(field_of(s, t), t->size, value);
		return 0;
	case KIND_SHARE: return set_share(s, t, value, e);
	case KIND_CHOICE:
		for (struct str w; (w = word_at(t->text, v)).p; v++)
			if (str_eq(w, value)) {
				put_i64(s, t, v);
				return 0;
			}
		return err_set(e, -EINVAL, "%s: must be one of %s", t->name, t->text);
	case KIND_TIME:
		r = duration_parse(value, 1, &v);
		if (r < 0 || v < t->min || v > t->max)
			return err_set(e, -EINVAL, "%s: must be a time from %lldms to %lldms", t->name,
				       (long long)t->min, (long long)t->max);
		break;
	case KIND_COUNT:
		if (str_i64(value, t->min, t->max, &v) < 0)
			return err_set(e, -EINVAL, "%s: must be a number from %lld to %lld", t->name,
				       (long long)t->min, (long long)t->max);
		break;
	}
	put_i64(s, t, v);
	return 0;
}

int sandbox_settings_set(struct sandbox_settings *s, struct str name, struct str value, struct err *e)
{
	const struct setting *t = find(name);

	if (!t)
		return err_set(e, -EINVAL, "%.*s: unknown setting", (int)MIN(name.n, 60), name.p ? name.p : "");
	return set_one(s, t, value, e);
}

static int load_pair(struct sandbox_settings *s, const char *path, const yaml_node_t *k, const yaml_node_t *v,
		     struct err *e)
{
	struct err why;
	struct str name, value;
	unsigned long line = k->start_mark.line + 1;

	if (k->type != YAML_SCALAR_NODE || v->type != YAML_SCALAR_NODE)
		return err_set(e, -EINVAL, "%s:%lu: a name and one value expected", path, line);
	name = (struct str){(const char *)k->data.scalar.value, k->data.scalar.length};
	value = (struct str){(const char *)v->data.scalar.value, v->data.scalar.length};
	if (v->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (str_eqz(value, "~") || str_eqz(value, "null")))
		value = (struct str){"", 0};
	if (sandbox_settings_set(s, name, value, &why) < 0)
		return err_set(e, -EINVAL, "%s:%lu: %s", path, line, why.text);
	return 0;
}

static int load_document(struct sandbox_settings *s, const char *path, yaml_document_t *doc, struct err *e)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);

	if (!root) /* an empty file: the defaults */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return err_set(e, -EINVAL, "%s:%lu: names and values expected", path,
			       (unsigned long)root->start_mark.line + 1);
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		int r = load_pair(s, path, yaml_document_get_node(doc, p->key), yaml_document_get_node(doc, p->value), e);
		if (r < 0)
			return r;
	}
	return 0;
}

int sandbox_settings_load(struct sandbox_settings *s, const char *path, struct err *e)
{
	FILE *f = fopen(path, "re");
	yaml_parser_t parser;
	yaml_document_t doc;
	int r;

	if (!f)
		return err_set(e, -errno, "%s: %s", path, strerrordesc_np(errno));
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return err_set(e, -ENOMEM, "%s: out of memory", path);
	}
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &doc)) {
		r = load_document(s, path, &doc, e);
		yaml_document_delete(&doc);
	} else {
		r = err_set(e, -EINVAL, "%s:%lu: %s", path, (unsigned long)parser.problem_mark.line + 1,
			    parser.problem ? parser.problem : "not YAML");
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return r;
}

static int json_one(struct sandbox_settings *s, struct str key, struct json *value, struct err *e)
{
	const struct setting *t = find(key);
	char scratch[64];
	struct str text;

	if (!t)
		return err_set(e, -EINVAL, "%.*s: unknown setting", (int)MIN(key.n, 60), key.p ? key.p : "");
	if (!t->live)
		return err_set(e, -EINVAL, "%s: cannot be changed while it runs", t->name);
	if (json_kind(value) == JSON_KIND_REAL && isfinite(json_double(value)) && fabs(json_double(value)) < 1e15) {
		int n = snprintf(scratch, sizeof(scratch), "%.6f", json_double(value));

		text = (struct str){scratch, (size_t)n};
	} else {
		text = json_scalar(value, scratch);
	}
	if (!text.p)
		return err_set(e, -EINVAL, "%s: must be a number or a string", t->name);
	return set_one(s, t, text, e);
}

int sandbox_settings_json(struct sandbox_settings *s, struct json *object, struct err *e)
{
	struct sandbox_settings trial = *s;

	if (json_kind(object) != JSON_KIND_OBJECT)
		return err_set(e, -EINVAL, "must be an object of settings");
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		int r = json_one(&trial, it.key, it.value, e);

		if (r < 0)
			return r;
	}
	*s = trial;
	return 0;
}

void sandbox_settings_print(const struct sandbox_settings *s, struct buf *out)
{
	const char *comma = "";

	buf_putc(out, '{');
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct setting *t = &table[i];

		if (!t->live)
			continue;
		buf_fmt(out, "%s\"%s\":", comma, t->name);
		comma = ",";
		if (t->kind == KIND_SHARE)
			buf_fmt(out, "%.6g", get_share(s, t));
		else if (t->kind == KIND_CHOICE)
			buf_json(out, word_at(t->text, get_i64(s, t)));
		else
			buf_i64(out, get_i64(s, t));
	}
	buf_putc(out, '}');
}

void sandbox_settings_help(struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct setting *t = &table[i];
		char dflt[64];
		struct str word = {0};

		if (t->kind == KIND_CHOICE)
			word = word_at(t->text, t->dflt);
		else if (t->kind == KIND_TEXT)
			word = str_of(t->text);
		if (word.p)
			snprintf(dflt, sizeof(dflt), "%.*s", (int)word.n, word.p);
		else if (t->kind == KIND_SHARE)
			snprintf(dflt, sizeof(dflt), "0%%");
		else
			snprintf(dflt, sizeof(dflt), "%lld%s", (long long)t->dflt, t->kind == KIND_TIME ? "ms" : "");
		buf_fmt(out, "  %-16s %-16s %s%s\n", t->name, *dflt ? dflt : "-", t->help, t->live ? " (live)" : "");
	}
}
