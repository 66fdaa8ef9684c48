/* commands_webhook.c - where statuses and messages from handsets are reported to. */
#include <curl/curl.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands.h"
#include "app/commands_find.h"
#include "base/time.h"
#include "wire/signature.h"

#define OLD_SECRET_MS ((int64_t)24 * 3600 * 1000)

/* -- who ------------------------------------------------------------------------------------------------------------ */

int webhook_owner(struct context *c, const struct args *a, struct webhook *ret)
{
	const char *user = a->value[OPT_USERNAME], *sub = a->value[OPT_SUB_ACCOUNT];
	struct sub_account found = {0};
	struct admin_all all = {0};
	int r;

	*ret = (struct webhook){0};
	if (!user == !sub)
		return complain(c, EX_USAGE, "either --username or --sub-account");
	if (user && !user_named(str_of(user)))
		return complain(c, EX_NOUSER, "there is no user %s", user);
	r = sub ? find_sub_account(c, a, sub, &found) : 0;
	if (r)
		return r;
	r = find_all(c, &all);
	if (r)
		return r;
	if (user)
		ret->user = user_named(str_of(user))->id;
	else
		ret->sub_account = found.id;
	for (size_t i = 0; i < all.webhook_count; i++)
		if (all.webhooks[i].user == ret->user && all.webhooks[i].sub_account == ret->sub_account) {
			*ret = all.webhooks[i];
			break;
		}
	admin_all_done(&all);
	return 0;
}

/* -- set ------------------------------------------------------------------------------------------------------------ */

/* A URL that the sender can call: http or https with a host. Credentials in it would end in logs of proxies: --basic is for them. */
static const char *url_fault(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	const char *fault = NULL;

	if (!u || strlen(url) >= URL_MAX_BYTES)
		fault = "too long";
	else if (strpbrk(url, " \t\r\n") || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
		fault = "not a URL";
	else if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		 (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		fault = "neither http nor https";
	else if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || !*host)
		fault = "no host";
	else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK)
		fault = "credentials belong into --basic";
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return fault;
}

static int set_url(struct context *c, const struct args *a, enum option_id id, char out[URL_MAX_BYTES])
{
	const char *url = a->value[id], *fault;

	if (!url)
		return 0;
	if (strcmp(url, "none") == 0 || !*url) {
		out[0] = '\0';
		return 0;
	}
	fault = url_fault(url);
	if (fault)
		return complain(c, EX_DATAERR, "--%s: %s", option_rows[id].name, fault);
	str_copy(out, URL_MAX_BYTES, str_of(url));
	return 0;
}

/* After a change both secrets sign for a day. *made: the new one was made here and must be shown. */
static int set_secret(struct context *c, const struct args *a, struct webhook *w, bool *made)
{
	const char *given = a->value[OPT_SECRET];
	struct signature_key key;
	char secret[SIGNATURE_SECRET];
	struct err e;

	*made = (!given && !w->secret[0]) || (given && strcmp(given, "new") == 0);
	if (!given && !*made)
		return 0;
	if (*made) {
		signature_secret_make(secret);
		given = secret;
	} else if (signature_key_parse(str_of(given), &key, &e) < 0) {
		return complain(c, EX_DATAERR, "--secret: %s", e.text);
	} else if (strlen(given) >= SECRET_MAX) {
		return complain(c, EX_DATAERR, "--secret: too long");
	}
	if (strcmp(given, w->secret) == 0)
		return 0;
	if (w->secret[0]) {
		memcpy(w->old_secret, w->secret, SECRET_MAX);
		w->old_secret_until = wall_ms() + OLD_SECRET_MS;
	}
	str_copy(w->secret, SECRET_MAX, str_of(given));
	return 0;
}

static int set_basic(struct context *c, const struct args *a, struct webhook *w)
{
	const char *given = a->value[OPT_BASIC], *colon = given ? strchr(given, ':') : NULL;

	if (!given)
		return 0;
	if (strcmp(given, "none") == 0) {
		w->basic_user[0] = w->basic_password[0] = '\0';
		return 0;
	}
	if (!colon || colon == given || colon - given >= NAME_MAX_BYTES || strlen(colon + 1) >= NAME_MAX_BYTES)
		return complain(c, EX_DATAERR, "--basic: USER:PASSWORD, each of at most %d octets", NAME_MAX_BYTES - 1);
	str_copy(w->basic_user, NAME_MAX_BYTES, (struct str){given, (size_t)(colon - given)});
	str_copy(w->basic_password, NAME_MAX_BYTES, str_of(colon + 1));
	return 0;
}

static bool header_usable(const char *line)
{
	size_t n = strcspn(line, ":");

	if (!n || !line[n])
		return false;
	for (const unsigned char *p = (const unsigned char *)line; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (p < (const unsigned char *)line + n && (*p == ' ' || *p >= 0x80)))
			return false;
	return true;
}

static int set_headers(struct context *c, const struct args *a, struct webhook *w)
{
	struct buf b = BUF_INIT;
	int r = 0;

	if (!a->listed_count)
		return 0;
	for (size_t i = 0; i < a->listed_count && r == 0; i++) {
		if (a->listed_count == 1 && strcmp(a->listed[0], "none") == 0)
			break;
		if (!header_usable(a->listed[i]))
			r = complain(c, EX_DATAERR, "--header: a line such as 'X-Key: value'");
		buf_fmt(&b, "%s%s", b.n ? "\n" : "", a->listed[i]);
	}
	if (r == 0 && !str_copy(w->headers, sizeof w->headers, buf_view(&b)))
		r = complain(c, EX_DATAERR, "--header: together more than %zu octets", sizeof w->headers - 1);
	buf_done(&b);
	return r;
}

static int set_mo_method(struct context *c, const struct args *a, struct webhook *w)
{
	const char *given = a->value[OPT_MO_METHOD];

	if (!given)
		return 0;
	if (strcasecmp(given, "POST") != 0 && strcasecmp(given, "GET") != 0)
		return complain(c, EX_USAGE, "--mo-method: POST or GET");
	w->mo_get = strcasecmp(given, "GET") == 0;
	return 0;
}

int webhook_change(struct context *c, const struct args *a)
{
	struct webhook w;
	struct err e;
	bool made = false;
	int r = webhook_owner(c, a, &w);

	if (r == 0)
		r = set_url(c, a, OPT_SENT, w.sent);
	if (r == 0)
		r = set_url(c, a, OPT_DELIVERED, w.delivered);
	if (r == 0)
		r = set_url(c, a, OPT_MO, w.mo);
	if (r == 0)
		r = set_mo_method(c, a, &w);
	if (r == 0)
		r = set_basic(c, a, &w);
	if (r == 0)
		r = set_headers(c, a, &w);
	if (r == 0)
		r = set_secret(c, a, &w, &made);
	if (r)
		return r;
	r = admin_webhook_set(c->admin, &w, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	if (c->json)
		say(c, made ? "{\"webhook\":%u,\"secret\":\"%s\"}\n" : "{\"webhook\":%u}\n", w.id, w.secret);
	else if (made)
		say(c, "secret: %s\n", w.secret);
	return context_audit(c, "webhook.set", "webhook=%u", w.id);
}

/* -- list ----------------------------------------------------------------------------------------------------------- */

static void text_hook(struct buf *b, const struct admin_all *all, const struct webhook *w)
{
	if (w->user)
		buf_fmt(b, "user %s\n", user_name(all, w->user));
	else
		buf_fmt(b, "sub-account %s\n", sub_account_name(all, w->sub_account));
	buf_fmt(b, "  sent       %s\n  delivered  %s\n", *w->sent ? w->sent : "-", *w->delivered ? w->delivered : "-");
	buf_fmt(b, "  mo         %s%s\n", *w->mo ? w->mo : "-", *w->mo && w->mo_get ? " (GET)" : "");
	if (*w->basic_user)
		buf_fmt(b, "  basic      %s\n", w->basic_user);
	if (w->old_secret_until > wall_ms()) {
		char at[ISO_MAX];

		buf_fmt(b, "  the old secret signs too until %s\n", iso_utc(at, w->old_secret_until, false));
	}
}

static void json_text(struct buf *b, const char *key, const char *value)
{
	buf_fmt(b, ",\"%s\":", key);
	buf_json(b, str_of(value));
}

static void json_hook(struct buf *b, const struct admin_all *all, const struct webhook *w)
{
	buf_fmt(b, "%s{\"webhook\":%u", b->n ? "," : "", w->id);
	if (w->user)
		json_text(b, "username", user_name(all, w->user));
	else
		json_text(b, "subAccount", sub_account_name(all, w->sub_account));
	json_text(b, "sent", w->sent);
	json_text(b, "delivered", w->delivered);
	json_text(b, "mo", w->mo);
	json_text(b, "moMethod", w->mo_get ? "GET" : "POST");
	if (*w->basic_user)
		json_text(b, "basicUser", w->basic_user);
	buf_putc(b, '}');
}

int webhook_list(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	int r = find_all(c, &all);

	(void)a;
	if (r)
		return r;
	for (size_t i = 0; i < all.webhook_count; i++) {
		if (c->json)
			json_hook(&b, &all, &all.webhooks[i]);
		else
			text_hook(&b, &all, &all.webhooks[i]);
	}
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
