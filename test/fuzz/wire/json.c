/* json.c - any octets as a document; what is taken is walked, and every string in it must be clean. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "wire/json.h"

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void clean(struct str s)
{
	check(utf8_valid(s, NULL));
	check(s.n == 0 || !memchr(s.p, 0, s.n));
}

/* Depth is bounded by the reader. */
static void walk(struct json *j, unsigned depth)
{
	char scratch[JSON_SCRATCH];

	check(depth <= JSON_DEPTH);
	clean(json_str(j));
	clean(json_scalar(j, scratch));
	for (struct json_iter it = json_iter(j); json_next(&it);) {
		clean(it.key);
		walk(it.value, depth + 1);
	}
	if (json_kind(j) == JSON_KIND_ARRAY) {
		for (size_t i = 0; i < json_count(j); i++)
			walk(json_at(j, i), depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {""};
	struct json_doc *d = json_read((const char *)data, size, &e);

	if (d)
		walk(json_root(d), 0);
	else
		check(*e.text && utf8_valid(str_of(e.text), NULL));
	json_free(d);
	return 0;
}
