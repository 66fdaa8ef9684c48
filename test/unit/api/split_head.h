/* split_head.h - splits a head in place the way libmicrohttpd 0.9.75 was seen to, so that head_guard.c can be tested and fuzzed
 * without sockets. Of its leniencies it has those that matter: bare LF ends a line, a line that begins with a blank is hung onto
 * the one before (elsewhere in memory, the value untouched), NULs cut values short, nameless fields vanish. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "api/head.h"

struct split_head {
	struct head head;
	char *block; /* the head's octets and some zeros, as in the library's pool */
	char *folded[16];
	unsigned folds;
};

/* The next line, terminated; NULL when there is none. *at moves behind it. */
static inline char *split_line(char *p, size_t n, size_t *at)
{
	char *line = p + *at, *end = memchr(line, '\n', n - *at);

	if (!end)
		return NULL;
	*at = (size_t)(end - p) + 1;
	*end = '\0';
	if (end > line && end[-1] == '\r')
		end[-1] = '\0';
	return line;
}

static inline bool split_request_line(struct split_head *s, char *line)
{
	char *sp = strchr(line, ' '), *uri = sp, *version;

	if (!sp)
		return false;
	*sp = '\0';
	while (*++uri == ' ')
		;
	version = strrchr(uri, ' ');
	if (!version || version == uri)
		return false;
	*version++ = '\0';
	s->head.method = str_of(line);
	s->head.uri = str_of(uri);
	s->head.version = str_of(version);
	return true;
}

/* false: the library itself refuses it, or it is not whole. split_head_done() in any case. */
static inline bool split_head(const uint8_t *data, size_t n, struct split_head *s)
{
	size_t at = 0;
	char *line;
	bool whole = false;

	memset(s, 0, sizeof(*s));
	s->block = calloc(1, n + 8);
	if (!s->block)
		abort();
	if (n)
		memcpy(s->block, data, n);
	line = split_line(s->block, n, &at);
	if (!line || !split_request_line(s, line))
		return false;
	while ((line = split_line(s->block, n, &at))) {
		struct head *h = &s->head;
		char *colon = strchr(line, ':'), *value;

		if (!*line) {
			whole = true;
			break;
		}
		if ((*line == ' ' || *line == '\t') && h->count) {
			if (s->folds == COUNT_OF(s->folded))
				return false;
			s->folded[s->folds] = strdup(h->field[h->count - 1].name.p);
			h->field[h->count - 1].name.p = s->folded[s->folds++];
			continue;
		}
		if (!colon)
			return false;
		*colon = '\0';
		for (value = colon + 1; *value == ' ' || *value == '\t'; value++)
			;
		if (colon == line)
			continue;
		if (h->count == HEAD_FIELDS_MAX) {
			h->overflow = true;
			break;
		}
		h->field[h->count++] = (struct head_field){str_of(line), str_of(value)};
	}
	s->head.octets = at;
	return whole || s->head.overflow;
}

static inline void split_head_done(struct split_head *s)
{
	for (unsigned i = 0; i < s->folds; i++)
		free(s->folded[i]);
	free(s->block);
}
