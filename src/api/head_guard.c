/* head_guard.c - refuses request heads that leave room for two readings (head.h).
 *
 * What libmicrohttpd 0.9.75 lets through and this stops: Transfer-Encoding with Content-Length, several of either, names
 * with blanks before the colon, folded and bare-LF lines, NUL and CR inside values, codings other than chunked, blanks
 * in the request line, no or several Host, HTTP/1.2. What it stops itself: signs, blanks and hex in a Content-Length, lines
 * without a colon, HTTP/0.9 and HTTP/2. Leniency inside chunked bodies cannot be seen from outside the library: those
 * connections are closed after their answer (http.c), so that nothing can hide behind such a body. */
#include "api/head.h"

#include <string.h>

/* RFC 9110 section 5.6.2 */
static bool is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], low = (char)(c | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr(marks, c)))
			return false;
	}
	return s.n > 0;
}

/* RFC 9110 section 5.5: tab, and anything from the blank on but DEL. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Octets above 0x7f are let through: callers write UTF-8 into queries without escaping it. */
static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f)
			return false;
	}
	return s.n > 0;
}

static bool named(struct str s, const char *name, size_t n)
{
	return s.n == n && str_ieq(s, (struct str){name, n});
}

/* Fields whose repetition would be a choice between two meanings. */
static const char *const single[] = {
	"content-length",      "transfer-encoding", "host",  "content-type", "username",
	"authenticationtoken", "idempotency-key",   "expect"};
enum { S_LENGTH, S_CODING, S_HOST, S_TYPE, S_USER, S_TOKEN, S_KEY, S_EXPECT, S_COUNT };
_Static_assert(COUNT_OF(single) == S_COUNT, "single[] and its names");

static const char *check_fields(const struct head *h, const struct str *got[S_COUNT])
{
	for (unsigned i = 0; i < h->count; i++) {
		const struct head_field *f = &h->field[i];

		if (!is_token(f->name))
			return "a header name holds a blank or a character that is not allowed";
		if (!is_value(f->value))
			return "a header value holds a control character";
		for (int k = 0; k < S_COUNT; k++) {
			if (!named(f->name, single[k], strlen(single[k])))
				continue;
			if (got[k])
				return "a header that may occur once is repeated";
			got[k] = &f->value;
		}
	}
	return NULL;
}

static const char *check_length(const struct str *v, uint64_t *ret)
{
	uint64_t n = 0;

	if (!v->n || v->n > 18)
		return "Content-Length: not a number of octets";
	for (size_t i = 0; i < v->n; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return "Content-Length: not a number of octets";
		n = n * 10 + (uint64_t)(v->p[i] - '0');
	}
	*ret = n;
	return NULL;
}

static const char *check_framing(const struct str *got[S_COUNT], bool http10, struct head_facts *ret)
{
	if (got[S_CODING]) {
		if (got[S_LENGTH])
			return "Transfer-Encoding and Content-Length together";
		if (http10)
			return "Transfer-Encoding in an HTTP/1.0 request";
		if (!named(*got[S_CODING], "chunked", 7))
			return "Transfer-Encoding: only chunked is understood";
		ret->chunked = true;
	} else if (got[S_LENGTH]) {
		const char *why = check_length(got[S_LENGTH], &ret->length);

		if (why)
			return why;
	}
	ret->body = ret->chunked || ret->length > 0;
	return NULL;
}

int head_check(const struct head *h, struct head_facts *ret, const char **why)
{
	const struct str *got[S_COUNT] = {NULL};
	bool http10 = str_eqz(h->version, "HTTP/1.0");

	memset(ret, 0, sizeof(*ret));
	if (h->uri.n > HEAD_URI_MAX) {
		*why = "the address of the request is too long";
		return 414;
	}
	if (h->overflow) {
		*why = "too many headers";
		return 431;
	}
	if (!http10 && !str_eqz(h->version, "HTTP/1.1")) {
		*why = "only HTTP/1.0 and HTTP/1.1 are understood";
		return 505;
	}
	*why = NULL;
	if (!is_token(h->method) || !is_target(h->uri))
		*why = "the request line is malformed";
	if (!*why)
		*why = check_fields(h, got);
	if (!*why)
		*why = check_framing(got, http10, ret);
	if (!*why && !http10 && !got[S_HOST])
		*why = "Host: missing";
	ret->expects_continue = got[S_EXPECT] != NULL;
	return *why ? 400 : 0;
}

bool head_seamless(const struct head *h)
{
	const char *end;

	if (h->uri.p != h->method.p + h->method.n + 1 || h->version.p != h->uri.p + h->uri.n + 1)
		return false;
	end = h->version.p + h->version.n;
	for (unsigned i = 0; i < h->count; i++) {
		const struct head_field *f = &h->field[i];
		const char *value = f->name.p + f->name.n + 1;

		if (f->name.p != end + 2 || end[0] || end[1] || f->value.p < value)
			return false;
		while (value < f->value.p && (*value == ' ' || *value == '\t'))
			value++;
		if (value != f->value.p)
			return false;
		end = f->value.p + f->value.n;
	}
	return h->octets == (size_t)(end + 4 - h->method.p) && !end[0] && !end[1] && !end[2] && !end[3];
}

struct str head_get(const struct head *h, const char *name)
{
	struct str s = {NULL, 0};
	size_t n = strlen(name);

	for (unsigned i = 0; i < h->count; i++)
		if (named(h->field[i].name, name, n)) {
			s = h->field[i].value;
			break;
		}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	return s;
}
