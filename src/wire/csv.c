/* csv.c - see csv.h. */
#include "wire/csv.h"

#include <errno.h>
#include <string.h>

char csv_separator(struct str line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && line.p[i] && strchr(",;\t", line.p[i]))
			return line.p[i];
	}
	return ',';
}

static bool is_blank(char c, char separator) { return (c == ' ' || c == '\t') && c != separator; }

/* A field that begins with a quote, at p; to where it ends. NULL: not closed. */
static char *unquote(char *p, const char *end, struct str *field)
{
	char *to = p++, *begin = to;

	for (; p < end; p++) {
		if (*p == '"' && (p + 1 == end || p[1] != '"')) {
			*field = (struct str){begin, (size_t)(to - begin)};
			return p + 1;
		}
		p += *p == '"';
		*to++ = *p;
	}
	return NULL;
}

static char *plain(char *p, char *end, char separator, struct str *field)
{
	char *stop = p, *last;

	while (stop < end && *stop != separator)
		stop++;
	for (last = stop; last > p && is_blank(last[-1], separator);)
		last--;
	*field = (struct str){p, (size_t)(last - p)};
	return stop;
}

ssize_t csv_split(char *line, size_t n, char separator, struct str *fields, size_t max)
{
	char *p = line, *end = line + n;
	size_t count = 0;

	for (;;) {
		while (p < end && is_blank(*p, separator))
			p++;
		if (count == max)
			return -E2BIG;
		p = p < end && *p == '"' ? unquote(p, end, &fields[count]) : plain(p, end, separator, &fields[count]);
		if (!p)
			return -EINVAL;
		count++;
		while (p < end && is_blank(*p, separator))
			p++;
		if (p == end)
			return (ssize_t)count;
		if (*p++ != separator)
			return -EINVAL;
	}
}

void csv_put(struct buf *out, struct str field)
{
	bool quote = field.n && (field.p[0] == ' ' || field.p[field.n - 1] == ' ');

	for (size_t i = 0; i < field.n && !quote; i++)
		quote = field.p[i] && strchr(",;\t\"\r\n", field.p[i]);
	if (quote)
		buf_putc(out, '"');
	for (size_t i = 0; i < field.n; i++) {
		if (field.p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, field.p[i] == '\n' || field.p[i] == '\r' ? ' ' : field.p[i]);
	}
	if (quote)
		buf_putc(out, '"');
}
