/* csv.h - lines of comma-separated values (RFC 4180), as spreadsheets and scripts write them. A quoted field may not hold a line end. */
#pragma once
#include "base/buf.h"

/* The separator of a line: the first of , ; and tab that stands outside of quotes; ',' when there is none. */
char csv_separator(struct str line);
/* Splits a line, its end taken off, into at most max fields, which lie in the line's own memory: quotes are taken away in place, blanks
 * around unquoted fields too. Returns how many there are; -EINVAL: a quote that is not closed, or text behind one; -E2BIG: more. */
ssize_t csv_split(char *line, size_t n, char separator, struct str *fields, size_t max) MUST;
/* Appends a field, quoted where it must be; line ends in it become blanks. */
void csv_put(struct buf *out, struct str field);
