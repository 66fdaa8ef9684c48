/* request_head.c - a head that passes the guard has one reading: a strict parse of its raw octets (RFC 9112) agrees. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "unit/api/split_head.h"

struct strict {
	unsigned lengths, codings, hosts, fields;
};

static bool visible(const char *p, size_t n, bool blanks)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == 0x7f || (c < 0x20 && !(blanks && c == '\t')) || (!blanks && c == ' '))
			return false;
	}
	return true;
}

static void check_line(const char *p, size_t n, struct strict *s)
{
	const char *colon = memchr(p, ':', n);
	size_t name = colon ? (size_t)(colon - p) : 0;

	ASSERT(colon && name && visible(p, name, false) && visible(colon + 1, n - name - 1, true));
	s->fields++;
	s->lengths += name == 14 && !strncasecmp(p, "content-length", 14);
	s->codings += name == 17 && !strncasecmp(p, "transfer-encoding", 17);
	s->hosts += name == 4 && !strncasecmp(p, "host", 4);
}

/* Every line of an accepted head ends in CR LF and is what it seems. */
static void read_strictly(const char *p, size_t n, const struct head *h, const struct head_facts *f)
{
	struct strict s = {0};
	size_t at = 0;
	bool first = true, whole = false;

	while (at < n && !whole) {
		const char *lf = memchr(p + at, '\n', n - at);
		size_t len;

		ASSERT(lf && lf > p + at && lf[-1] == '\r');
		len = (size_t)(lf - 1 - (p + at));
		if (first)
			ASSERT(len == h->method.n + h->uri.n + h->version.n + 2);
		else if (len)
			check_line(p + at, len, &s);
		else
			whole = true;
		first = false;
		at = (size_t)(lf - p) + 1;
	}
	ASSERT(whole && s.fields == h->count && s.lengths <= 1 && s.codings <= 1 && s.lengths + s.codings <= 1);
	ASSERT(s.hosts == 1 || str_eqz(h->version, "HTTP/1.0"));
	ASSERT(f->chunked == (s.codings == 1));
}

/* A NUL, or the colon of a nameless line, beside a line end cannot always be told from a CR or LF once the library has split
 * the lines (head.h). */
static bool blurred(const void *p, size_t n) { return memchr(p, 0, n) || memmem(p, n, "\n:", 2); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct split_head s;
	struct head_facts f;
	const char *why = NULL;

	if (split_head(data, size, &s)) {
		int status = head_check(&s.head, &f, &why);

		ASSERT(!status == !why);
		if (!status && head_seamless(&s.head) && !blurred(data, size))
			read_strictly((const char *)data, size, &s.head, &f);
		head_get(&s.head, "username");
	}
	split_head_done(&s);
	return 0;
}
