/* commands_webhook.c - where statuses are reported to, and the calls that were given up. */
#include <curl/curl.h>
#include <semaphore.h>
#include <stdlib.h>
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
	struct err e;
	int r;

	*ret = (struct webhook){0};
	if (!user == !sub)
		return complain(c, EX_USAGE, "either --username or --sub-account");
	if (user && !user_named(str_of(user)))
		return complain(c, EX_NOUSER, "there is no user %s", user);
	r = sub ? find_sub_account(c, a, sub, &found) : 0;
	if (r)
		return r;
	r = admin_load(c->admin, &all, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
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
	struct err e;
	int r = admin_load(c->admin, &all, &e);

	(void)a;
	if (r < 0)
		return complain_errno(c, r, &e);
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

/* -- dead ones ------------------------------------------------------------------------------------------------------ */

static const char *kind_word(int kind)
{
	return kind == HOOK_SENT ? "sent" : kind == HOOK_MO ? "mo" : "delivered";
}

/* 0 for none of them. */
static int kind_of(const char *word)
{
	for (int k = HOOK_SENT; k <= HOOK_MO; k++)
		if (strcmp(word, kind_word(k)) == 0)
			return k;
	return 0;
}

struct dead_list {
	struct context *c;
	size_t count;
};

static bool dead_one(void *ctx, const struct dead_hook *h)
{
	struct dead_list *l = ctx;
	struct context *c = l->c;
	char id[UUID_TEXT], since[ISO_MAX], last[ISO_MAX];
	struct buf b = BUF_INIT;

	uid_print(id, (struct uid){h->key, h->rest});
	iso_utc(since, h->since, false);
	iso_utc(last, h->last, false);
	if (c->json) {
		buf_json(&b, str_of(h->why));
		say(c, "%s{\"id\":\"%s\",\"kind\":\"%s\",\"webhook\":%u,\"status\":%d,\"tries\":%u,\"since\":\"%s\",\"last\":\"%s\",\"why\":%s}",
		    l->count ? "," : "", id, kind_word(h->kind), h->webhook, h->status, h->tries, since, last,
		    buf_cstr(&b));
	} else {
		say(c, "%s  %-9s  %u tries, %s to %s: %s\n", id, kind_word(h->kind), h->tries, since, last, h->why);
	}
	buf_done(&b);
	l->count++;
	return !context_gone(c);
}

int webhook_dead(struct context *c, const struct args *a)
{
	struct dead_list l = {.c = c};
	size_t limit;
	int code = find_limit(c, a, &limit);
	struct query *q = code ? NULL : context_query(c, &code);

	if (!q)
		return code;
	if (c->json)
		say(c, "[");
	if (query_dead_hooks(q, limit, dead_one, &l) < 0)
		return complain(c, EX_IOERR, "the store cannot be read");
	if (c->json)
		say(c, "]\n");
	return EX_OK;
}

struct replay_wait {
	sem_t done;
	int result;
};

static void replayed(void *ctx, int result)
{
	struct replay_wait *w = ctx;

	w->result = result;
	sem_post(&w->done);
}

/* 0, or -ENOENT: there is no such dead call. */
static int replay_one(struct context *c, int64_t key, int kind)
{
	struct replay_wait w = {.result = 0};

	sem_init(&w.done, 0, 0);
	engine_hook_replay(c->g->engine, key, (uint8_t)kind, replayed, &w);
	while (sem_wait(&w.done) < 0)
		;
	sem_destroy(&w.done);
	return w.result;
}

struct dead_keys {
	struct dead_hook *a;
	size_t n;
	int kind;
};
#define REPLAY_ROUND 1000

static bool note_dead(void *ctx, const struct dead_hook *h)
{
	struct dead_keys *k = ctx;

	if (!k->kind || k->kind == h->kind)
		k->a[k->n++] = *h;
	return k->n < REPLAY_ROUND;
}

static int replay_all(struct context *c, struct query *q, int kind)
{
	struct dead_keys k = {.a = xcalloc(REPLAY_ROUND, sizeof *k.a), .kind = kind};
	size_t total = 0, done;
	int code = EX_OK;

	do {
		k.n = done = 0;
		if (query_dead_hooks(q, SIZE_MAX / 2, note_dead, &k) < 0)
			code = complain(c, EX_IOERR, "the store cannot be read");
		for (size_t i = 0; i < k.n && !context_gone(c); i++)
			done += replay_one(c, k.a[i].key, k.a[i].kind) == 0;
		total += done;
	} while (done && code == EX_OK);
	free(k.a);
	if (code == EX_OK)
		say(c, c->json ? "{\"replayed\":%zu}\n" : "%zu calls will be made again\n", total);
	return code;
}

int webhook_replay(struct context *c, const struct args *a)
{
	const char *word = a->value[OPT_KIND];
	struct uid id;
	size_t done = 0;
	int kind = 0, code;
	struct query *q = context_query(c, &code);

	if (!q)
		return code;
	if (word)
		kind = kind_of(word);
	if (word && !kind)
		return complain(c, EX_USAGE, "--kind: sent, delivered or mo");
	if (args_has(a, OPT_ALL) == (a->count == 1))
		return complain(c, EX_USAGE, "either a message's id or --all");
	if (args_has(a, OPT_ALL))
		return replay_all(c, q, kind);
	if (uid_parse(str_of(a->argument[0]), &id) < 0)
		return complain(c, EX_DATAERR, "%s: not an id", a->argument[0]);
	for (int k = HOOK_SENT; k <= HOOK_MO; k++)
		if (!kind || kind == k)
			done += replay_one(c, id.key, k) == 0;
	if (!done)
		return complain(c, EX_NOINPUT, "%s has no call that was given up", a->argument[0]);
	say(c, c->json ? "{\"replayed\":%zu}\n" : "%zu calls will be made again\n", done);
	return context_audit(c, "webhook.replay", "id=%s", a->argument[0]);
}
