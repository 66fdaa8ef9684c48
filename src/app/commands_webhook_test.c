/* commands_webhook_test.c - one call to a webhook with a made-up status, made as the sender makes them: the same body, signature and
 * address guard. Runs on the asker's thread. */
#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "app/commands_timeline.h"
#include "base/time.h"
#include "model/codes.h"
#include "webhook/address_guard.h"
#include "webhook/body.h"
#include "webhook/head.h"
#include "webhook/mo_body.h"

struct trial {
	struct address_guard guard;
	char refused[GUARD_WHY];
	struct hook_head head;
	struct curl_slist lines[HEAD_LINES];
	struct buf body;
	long status;
	int64_t took_ms;
	char error[CURL_ERROR_SIZE];
};

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct trial *t = ctx;

	(void)purpose;
	if (!guard_permits(&t->guard, &a->addr, a->addrlen, t->refused))
		return CURL_SOCKET_BAD;
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

static void set_head(struct trial *t, const struct webhook *w, struct uid uid, int kind, int64_t now)
{
	char id[HOOK_ID_MAX];

	hook_id(id, uid.key, uid.rest, kind);
	hook_head(&t->head, w, str_of(id), now, buf_view(&t->body));
	for (size_t i = 0; i < t->head.count; i++) {
		t->lines[i].data = t->head.text.p + t->head.at[i];
		t->lines[i].next = i + 1 < t->head.count ? &t->lines[i + 1] : NULL;
	}
}

/* The body, or of a GET the query. */
static void sample_mo(struct trial *t, const struct webhook *w, const struct settings *s)
{
	struct uid_source ids = {0};
	int64_t now = wall_ms();
	const char *code = s->sms.short_code_count ? s->sms.short_codes[0] : "27182";
	struct mo m = {.rest = uid_rest(),
		       .at = now,
		       .sub_account = w->sub_account,
		       .user = w->user,
		       .source = "5511900000001",
		       .text = STR("webhook test"),
		       .correlation = STR("webhook-test"),
		       .mt_rest = uid_rest()};
	const struct snapshot *snap = snapshot_get();
	const struct carrier_told carrier = carrier_of(s, 0);
	struct mo_names names;
	const struct user *u = w->user ? snapshot_user(snap, w->user) : NULL;

	m.mt = uid_take(&ids, now, 1);
	m.key = uid_take(&ids, now, 1);
	if (u)
		m.sub_account = u->sub_account;
	str_copy(m.short_code, sizeof m.short_code, str_of(code));
	snapshot_mo_names(snap, m.sub_account, m.user, &names);
	snapshot_put(snap);
	(w->mo_get ? hook_mo_query : hook_mo_body)(&t->body, &m, &names, &carrier);
	set_head(t, w, (struct uid){m.key, m.rest}, HOOK_MO, now);
}

static void sample(struct trial *t, const struct webhook *w, int kind, const struct settings *s)
{
	const struct carrier_told carrier = carrier_of(s, 0);
	const struct delivery_text text = {.destination = STR("5511900000001"), .correlation = STR("webhook-test")};
	struct delivery *d = delivery_new(&text);
	struct uid_source ids = {0};
	int64_t now = wall_ms();

	d->key = uid_take(&ids, now, 1);
	d->rest = uid_rest();
	d->flags = DF_HAS_CORR;
	d->state = D_DONE;
	d->sent_code = SENT_SENT_SUCCESS;
	d->sent_at = d->updated_at = now;
	if (kind == HOOK_DELIVERED) {
		d->delivered_code = DELIVERED_DELIVERED_SUCCESS;
		d->delivered_at = now;
	}
	hook_body(&t->body, d, kind, &carrier);
	set_head(t, w, (struct uid){d->key, d->rest}, kind, now);
	delivery_free(d);
}

static CURLcode call(struct trial *t, const char *url, bool get, const struct settings *s)
{
	CURL *c = curl_easy_init();
	struct buf whole = BUF_INIT;
	int64_t began = mono_us();
	CURLcode r;

	ASSERT(c);
	if (get)
		hook_mo_url(&whole, url, buf_view(&t->body));
	curl_easy_setopt(c, CURLOPT_URL, get ? buf_cstr(&whole) : url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)s->webhooks.timeout_ms);
	if (s->webhooks.ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->webhooks.ca);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->lines);
	if (!get) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body.p);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)t->body.n);
	}
	r = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &t->status);
	t->took_ms = (mono_us() - began) / 1000;
	curl_easy_cleanup(c);
	buf_done(&whole);
	return r;
}

static int report(struct context *c, const struct trial *t, const char *url, CURLcode r)
{
	const char *why = t->refused[0] ? t->refused : t->error[0] ? t->error : curl_easy_strerror(r);
	bool ok = r == CURLE_OK && t->status >= 200 && t->status < 300;
	struct buf b = BUF_INIT;

	if (c->json) {
		buf_fmt(&b, "{\"ok\":%s,\"status\":%ld,\"tookMs\":%lld", ok ? "true" : "false", t->status,
			(long long)t->took_ms);
		timeline_member(&b, "url", str_of(url));
		if (r != CURLE_OK)
			timeline_member(&b, "why", str_of(why));
		say(c, "%s}\n", buf_cstr(&b));
	} else if (r == CURLE_OK) {
		say(c, "%s answered %ld after %lld ms\n", url, t->status, (long long)t->took_ms);
	} else {
		say(c, "%s did not answer: %s\n", url, why);
	}
	buf_done(&b);
	return ok ? EX_OK : EX_UNAVAILABLE;
}

int webhook_test(struct context *c, const struct args *a)
{
	const char *word = a->value[OPT_KIND] ? a->value[OPT_KIND] : "sent", *url;
	struct trial t = {.status = 0};
	struct webhook w;
	int code;

	bool mo = strcmp(word, "mo") == 0;

	if (!mo && strcmp(word, "sent") != 0 && strcmp(word, "delivered") != 0)
		return complain(c, EX_USAGE, "--kind: sent, delivered or mo");
	code = webhook_owner(c, a, &w);
	if (code)
		return code;
	url = mo ? w.mo : strcmp(word, "sent") == 0 ? w.sent : w.delivered;
	if (!*url)
		return complain(c, EX_NOINPUT, "no URL is set for %s", word);
	guard_init(&t.guard, c->settings->webhooks.allow, c->settings->webhooks.allow_count);
	if (mo)
		sample_mo(&t, &w, c->settings);
	else
		sample(&t, &w, strcmp(word, "sent") == 0 ? HOOK_SENT : HOOK_DELIVERED, c->settings);
	code = report(c, &t, url, call(&t, url, mo && w.mo_get, c->settings));
	hook_head_done(&t.head);
	buf_done(&t.body);
	guard_done(&t.guard);
	return code;
}
