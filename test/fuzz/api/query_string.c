/* query_string.c - decoding stays inside its text, and what was decoded survives being encoded and decoded again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/query_string.h"
#include "base/buf.h"

static void round_trip(const struct query_string *q)
{
	struct query_string again;
	struct buf b = BUF_INIT;
	unsigned n = 0;

	for (unsigned i = 0; i < q->count; i++) {
		if (i)
			buf_putc(&b, '&');
		buf_urlencode(&b, q->pair[i].name);
		buf_putc(&b, '=');
		buf_urlencode(&b, q->pair[i].value);
	}
	ASSERT(!b.failed);
	ASSERT(query_read(b.p, b.n, &again) == 0);
	for (unsigned i = 0; i < q->count; i++, n++)
		ASSERT(str_eq(q->pair[i].name, again.pair[n].name) && str_eq(q->pair[i].value, again.pair[n].value));
	ASSERT(n == again.count);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query_string q;
	char *p = malloc(size ? size : 1);

	if (!p)
		abort();
	if (size)
		memcpy(p, data, size);
	if (!query_read(p, size, &q)) {
		for (unsigned i = 0; i < q.count; i++) {
			struct str v = q.pair[i].value;

			ASSERT(v.p >= p && v.p + v.n <= p + size);
		}
		query_get(&q, "username", true, NULL);
		round_trip(&q);
	}
	free(p);
	return 0;
}
