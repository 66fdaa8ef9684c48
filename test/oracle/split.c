/* split.c - one JSON object a line: {"text", "alphabets": bits of enum split_alphabet, "join": number of enum split_join, "shift",
 * "fold"}. Answers {"alphabet", "shift", "parts", "units", "lossy", "octets": [hex, ...], "udh": [octets of header, ...]}, what
 * split_count() says first, then what split_text() made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"
#include "wire/split.h"

static void answer(struct buf *out, struct json *q)
{
	struct split_options o = {.alphabets = (unsigned)json_int(json_get(q, "alphabets")),
				  .join = (enum split_join)json_int(json_get(q, "join")),
				  .shift = json_bool(json_get(q, "shift")),
				  .fold = json_bool(json_get(q, "fold")),
				  .ref = 7};
	struct split_count c = {0};
	struct split s = {0};
	struct str text = json_str(json_get(q, "text"));

	if (split_count(text, &o, &c) < 0 || split_text(text, &o, &s) < 0) {
		buf_fmt(out, "{\"parts\":%u,\"refused\":true}\n", c.parts);
		split_done(&s);
		return;
	}
	buf_fmt(out, "{\"alphabet\":%u,\"shift\":%u,\"parts\":%u,\"units\":%zu,\"lossy\":%s,\"octets\":[",
		s.alphabet, s.shift, c.parts, c.units, s.lossy ? "true" : "false");
	for (unsigned i = 0; i < s.n; i++) {
		buf_puts(out, i ? ",\"" : "\"");
		buf_hex(out, s.part[i].p, s.part[i].n);
		buf_putc(out, '"');
	}
	buf_puts(out, "],\"udh\":[");
	for (unsigned i = 0; i < s.n; i++)
		buf_fmt(out, i ? ",%zu" : "%zu", s.part[i].udh);
	buf_puts(out, "]}\n");
	split_done(&s);
}

int main(void)
{
	struct buf out = BUF_INIT;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct err e;
		struct json_doc *d = json_read(line, (size_t)n, &e);

		if (!d) {
			fprintf(stderr, "%s\n", e.text);
			return 1;
		}
		buf_clear(&out);
		answer(&out, json_root(d));
		json_free(d);
		if (out.failed || fwrite(out.p, 1, out.n, stdout) != out.n)
			return 1;
	}
	buf_done(&out);
	free(line);
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}
