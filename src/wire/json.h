/* json.h - strict JSON reading (RFC 8259) behind a small interface; jansson is behind it today. Writing is done with
 * base/buf's buf_json(). A document is read by one thread at a time. */
#pragma once
#include "base/util.h"

#define JSON_DEPTH 32

struct json_doc; /* owns everything read from it */
struct json;     /* a node, borrowed from its document */
enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INTEGER,
	JSON_KIND_REAL,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT
};

/* NULL with e filled ("line 3, column 7: ...") for: anything not JSON, invalid UTF-8, NUL in strings, repeated keys, integers
 * beyond 64 bits, nesting deeper than JSON_DEPTH, trailing octets. A leading byte order mark is ignored. Numbers written
 * with fraction or exponent are REAL even when whole. The error text is valid UTF-8 and never quotes the input. */
struct json_doc *json_read(const char *p, size_t n, struct err *e) MUST;
void json_free(struct json_doc *d); /* NULL ok */
struct json *json_root(const struct json_doc *d);

/* All accept NULL as a node: its kind is NULL, it has no members, its values are 0 or empty. */
enum json_kind json_kind(struct json *j);
const char *json_kind_name(enum json_kind k);                /* "an object", "a string", ... for messages */
struct json *json_get(struct json *object, const char *key); /* NULL when missing or not an object */
size_t json_count(struct json *j);                  /* elements of an array, members of an object, else 0 */
struct json *json_at(struct json *array, size_t i); /* NULL when outside or not an array */
struct str json_str(struct json *j); /* of a STRING; valid UTF-8 without NUL, not terminated by contract */
int64_t json_int(struct json *j);    /* of an INTEGER */
double json_double(struct json *j);  /* of an INTEGER or REAL; "json_real" is a symbol of jansson's */
bool json_bool(struct json *j);
/* Text of a scalar: the string, or the exact decimal digits of an INTEGER written to scratch. Else {NULL, 0}. */
#define JSON_SCRATCH 24
struct str json_scalar(struct json *j, char scratch[JSON_SCRATCH]);

/* for (struct json_iter it = json_iter(obj); json_next(&it);) ... it.key, it.value */
struct json_iter {
	struct json *object;
	void *pos;
	struct str key;
	struct json *value;
};
struct json_iter json_iter(struct json *object);
bool json_next(struct json_iter *it);
