/* json.c - json.h on jansson. A struct json is a json_t under another name; nothing of jansson shows outside this file, so
 * that another parser can take its place. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "wire/json.h"

struct json_doc {
	json_t *root;
};

static struct json *node(json_t *j) { return (struct json *)(void *)j; }
static json_t *jansson(struct json *j) { return (json_t *)(void *)j; }

struct place {
	size_t line, column, offset;
};

/* Counts characters, not octets, in a line. */
static struct place place_of(const char *p, size_t at)
{
	struct place r = {1, 1, at};

	for (size_t i = 0; i < at; i++) {
		if (p[i] == '\n') {
			r.line++;
			r.column = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			r.column++;
		}
	}
	return r;
}

static int fail(struct err *e, const char *p, size_t at, const char *why)
{
	struct place l = place_of(p, at);

	return err_set(e, -EINVAL, "line %zu, column %zu (offset %zu): %s", l.line, l.column, l.offset, why);
}

/* jansson allows 2048 levels; each costs a stack frame and nobody's request has them. Brackets in strings do not count; in
 * text that is not JSON the count may be off, but then the parser refuses it. */
static int check_depth(const char *p, size_t n, struct err *e)
{
	unsigned depth = 0;
	bool string = false;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				string = false;
		} else if (c == '"') {
			string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_DEPTH)
				return fail(e, p, i, "nested too deeply");
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return 0;
}

/* Our own words: jansson's quote the input, which belongs neither into an answer nor into a log. */
static const char *reason(const json_error_t *e)
{
	switch (json_error_code(e)) {
	case json_error_invalid_utf8: return "not valid UTF-8";
	case json_error_premature_end_of_input: return "ends too early";
	case json_error_end_of_input_expected: return "something follows the end of the value";
	case json_error_null_character:
	case json_error_null_byte_in_key: return "NUL in a string";
	case json_error_duplicate_key: return "a key is repeated in one object";
	case json_error_numeric_overflow: return "number too big";
	case json_error_stack_overflow: return "nested too deeply";
	case json_error_unknown:
	case json_error_out_of_memory:
	case json_error_cannot_open_file:
	case json_error_invalid_argument:
	case json_error_invalid_syntax:
	case json_error_invalid_format:
	case json_error_wrong_type:
	case json_error_null_value:
	case json_error_item_not_found:
	case json_error_index_out_of_range: break;
	}
	return "not valid JSON";
}

struct json_doc *json_read(const char *p, size_t n, struct err *e)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
	struct json_doc *d;
	json_error_t error;
	json_t *root;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		n -= 3;
	}
	if (n == 0) {
		err_set(e, -EINVAL, "empty");
		return NULL;
	}
	if (check_depth(p, n, e) < 0)
		return NULL;
	root = json_loadb(p, n, flags, &error);
	if (!root) {
		size_t at = error.position > 0 ? (size_t)error.position : 0;

		fail(e, p, MIN(at, n), reason(&error));
		return NULL;
	}
	d = xnew(struct json_doc);
	d->root = root;
	return d;
}

void json_free(struct json_doc *d)
{
	if (!d)
		return;
	json_decref(d->root);
	free(d);
}

struct json *json_root(const struct json_doc *d) { return node(d->root); }

enum json_kind json_kind(struct json *j)
{
	if (!j)
		return JSON_KIND_NULL;
	switch (json_typeof(jansson(j))) {
	case JSON_OBJECT: return JSON_KIND_OBJECT;
	case JSON_ARRAY: return JSON_KIND_ARRAY;
	case JSON_STRING: return JSON_KIND_STRING;
	case JSON_INTEGER: return JSON_KIND_INTEGER;
	case JSON_REAL: return JSON_KIND_REAL;
	case JSON_TRUE:
	case JSON_FALSE: return JSON_KIND_BOOL;
	case JSON_NULL: break;
	}
	return JSON_KIND_NULL;
}

const char *json_kind_name(enum json_kind k)
{
	switch (k) {
	case JSON_KIND_NULL: return "null";
	case JSON_KIND_BOOL: return "a boolean";
	case JSON_KIND_INTEGER: return "an integer";
	case JSON_KIND_REAL: return "a number with fraction or exponent";
	case JSON_KIND_STRING: return "a string";
	case JSON_KIND_ARRAY: return "an array";
	case JSON_KIND_OBJECT: return "an object";
	}
	return "";
}

struct json *json_get(struct json *object, const char *key)
{
	return object ? node(json_object_get(jansson(object), key)) : NULL;
}

size_t json_count(struct json *j)
{
	switch (json_kind(j)) {
	case JSON_KIND_ARRAY: return json_array_size(jansson(j));
	case JSON_KIND_OBJECT: return json_object_size(jansson(j));
	case JSON_KIND_NULL:
	case JSON_KIND_BOOL:
	case JSON_KIND_INTEGER:
	case JSON_KIND_REAL:
	case JSON_KIND_STRING: break;
	}
	return 0;
}

struct json *json_at(struct json *array, size_t i)
{
	return array ? node(json_array_get(jansson(array), i)) : NULL;
}

struct str json_str(struct json *j)
{
	if (json_kind(j) != JSON_KIND_STRING)
		return (struct str){0};
	return (struct str){json_string_value(jansson(j)), json_string_length(jansson(j))};
}

int64_t json_int(struct json *j) { return j ? json_integer_value(jansson(j)) : 0; }
double json_double(struct json *j) { return j ? json_number_value(jansson(j)) : 0; }
bool json_bool(struct json *j) { return j && json_is_true(jansson(j)); }

struct str json_scalar(struct json *j, char scratch[JSON_SCRATCH])
{
	struct buf b = BUF_INIT;
	size_t n;

	if (json_kind(j) != JSON_KIND_INTEGER)
		return json_str(j);
	buf_i64(&b, json_int(j));
	n = MIN(b.n, (size_t)JSON_SCRATCH);
	memcpy(scratch, b.p, n);
	buf_done(&b);
	return (struct str){scratch, n};
}

struct json_iter json_iter(struct json *object)
{
	return (struct json_iter){.object = json_kind(object) == JSON_KIND_OBJECT ? object : NULL};
}

bool json_next(struct json_iter *it)
{
	json_t *o = jansson(it->object);

	if (!o)
		return false;
	it->pos = it->value ? json_object_iter_next(o, it->pos) : json_object_iter(o);
	if (!it->pos) {
		it->object = NULL;
		return false;
	}
	it->key = (struct str){json_object_iter_key(it->pos), json_object_iter_key_len(it->pos)};
	it->value = node(json_object_iter_value(it->pos));
	return true;
}
