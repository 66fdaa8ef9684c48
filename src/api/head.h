/* head.h - the head of a request as the HTTP library hands it over, and the check that refuses every head which two servers
 * could read differently (request smuggling: RFC 9112 sections 2.2, 5.1, 5.2, 6.1, 6.3, 11.2). Pure. */
#pragma once
#include "base/util.h"

#define HEAD_FIELDS_MAX 64
#define HEAD_URI_MAX ((size_t)24 << 10)
struct head_field {
	struct str name, value;
};
struct head {
	struct str method, uri, version; /* uri as it came, not decoded */
	unsigned count;                  /* fields kept, in the order they came */
	bool overflow;                   /* there were more than HEAD_FIELDS_MAX */
	size_t octets; /* from the method's first octet to the last of the empty line; for head_seamless() */
	struct head_field field[HEAD_FIELDS_MAX];
};
struct head_facts {
	bool chunked, expects_continue;
	bool body;       /* chunked, or a length above 0 */
	uint64_t length; /* 0 when chunked or none given */
};
/* 0 and *ret; else the HTTP status to refuse it with (400, 414, 431, 505) and *why, a static text. */
int head_check(const struct head *h, struct head_facts *ret, const char **why) MUST;
/* libmicrohttpd 0.9.75 splits the head in place by writing NULs. True when the pieces lie as they do if every line ended
 * in CR LF: then there was no bare LF, no folded line, no NUL, no line the library swallowed. (A NUL, or
 * the colon of a nameless line, right beside a line end may pass for CR or LF; the head then ends where every reader that takes
 * such a line would end it.) All strings must point into that one block, which holds at least
 * four octets behind the last of them. */
bool head_seamless(const struct head *h);
/* Value of a field without the blanks around it, {NULL, 0} when there is none. name in lower case. */
struct str head_get(const struct head *h, const char *name);
