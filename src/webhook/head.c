/* head.c - see head.h. */
#include "webhook/head.h"

#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "model/event.h"
#include "wire/signature.h"

char *hook_id(char out[HOOK_ID_MAX], int64_t key, uint64_t rest, int kind)
{
	char uuid[UUID_TEXT];

	uid_print(uuid, (struct uid){key, rest});
	snprintf(out, HOOK_ID_MAX, "%s-%s", uuid,
		 kind == HOOK_DELIVERED ? "delivered"
		 : kind == HOOK_MO      ? "mo"
					: "sent");
	return out;
}

static bool line_begin(struct hook_head *h)
{
	if (h->count == HEAD_LINES)
		return false;
	h->at[h->count++] = h->text.n;
	return true;
}

static void line_end(struct hook_head *h) { buf_putc(&h->text, '\0'); }

static bool token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool ours(struct str name, bool basic)
{
	static const char *const names[] = {
		"content-type", "content-length", "transfer-encoding", "connection",
		"expect",       "user-agent",     "upgrade",           "te",
		"trailer"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_ieq(name, str_of(names[i])))
			return true;
	if (basic && str_ieq(name, STR("authorization")))
		return true;
	return name.n > 8 && str_ieq((struct str){name.p, 8}, STR("webhook-"));
}

/* RFC 9110 section 5: a token, a colon, a value without control characters. */
static bool usable(struct str line, bool basic)
{
	size_t n = 0;

	while (n < line.n && token_char(line.p[n]))
		n++;
	if (!n || n == line.n || line.p[n] != ':' || ours((struct str){line.p, n}, basic))
		return false;
	for (size_t i = n; i < line.n; i++)
		if (((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return false;
	/* An empty value would make curl take a header of its own away. */
	while (++n < line.n)
		if (line.p[n] != ' ' && line.p[n] != '\t')
			return true;
	return false;
}

static void extra_lines(struct hook_head *h, const struct webhook *w)
{
	const char *p = w->headers;

	while (*p) {
		size_t n = strcspn(p, "\n");
		struct str line = {p, n && p[n - 1] == '\r' ? n - 1 : n};

		if (usable(line, w->basic_user[0]) && line_begin(h)) {
			buf_str(&h->text, line);
			line_end(h);
		}
		p += n + (p[n] == '\n');
	}
}

static void signature_line(struct hook_head *h, const struct webhook *w, struct str id, int64_t now_ms, struct str body)
{
	struct signature_key keys[2];
	size_t n = 0;

	if (signature_key_parse(str_of(w->secret), &keys[n], NULL) == 0)
		n++;
	if (w->old_secret[0] && now_ms < w->old_secret_until &&
	    signature_key_parse(str_of(w->old_secret), &keys[n], NULL) == 0)
		n++;
	if (n && line_begin(h)) {
		buf_puts(&h->text, "webhook-signature: ");
		signature_sign(&h->text, keys, n, id, now_ms / 1000, body);
		line_end(h);
	}
	explicit_bzero(keys, sizeof(keys));
}

static void basic_line(struct hook_head *h, const struct webhook *w)
{
	char both[2 * NAME_MAX_BYTES];
	int n;

	if (!w->basic_user[0] || !line_begin(h))
		return;
	n = snprintf(both, sizeof(both), "%s:%s", w->basic_user, w->basic_password);
	buf_puts(&h->text, "Authorization: Basic ");
	buf_base64(&h->text, both, (size_t)n);
	line_end(h);
}

void hook_head(struct hook_head *h, const struct webhook *w, struct str id, int64_t now_ms, struct str body)
{
	buf_clear(&h->text);
	h->count = 0;
	line_begin(h);
	buf_puts(&h->text, "Content-Type: application/json");
	line_end(h);
	line_begin(h);
	buf_puts(&h->text, "webhook-id: ");
	buf_str(&h->text, id);
	line_end(h);
	line_begin(h);
	buf_puts(&h->text, "webhook-timestamp: ");
	buf_i64(&h->text, now_ms / 1000);
	line_end(h);
	signature_line(h, w, id, now_ms, body);
	basic_line(h, w);
	extra_lines(h, w);
}

void hook_head_done(struct hook_head *h)
{
	buf_done(&h->text);
	h->count = 0;
}
