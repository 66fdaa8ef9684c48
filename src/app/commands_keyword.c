/* commands_keyword.c - pombo keyword add|remove|list: what a word at the beginning of an MO does. */
#include <string.h>
#include <sysexits.h>

#include "app/commands_find.h"
#include "base/words.h"
#include "wire/phone.h"

static int read_word(struct context *c, const struct args *a, struct keyword *k)
{
	struct str word = str_of(a->argument[0]);
	struct buf normal = BUF_INIT;
	const char *code = a->value[OPT_SHORT_CODE];
	int r = 0;

	if (!phone_is_short_code(str_of(code)))
		return complain(c, EX_DATAERR, "--short-code: a short code has 3 to 6 digits");
	if (!utf8_valid(word, NULL))
		return complain(c, EX_DATAERR, "the word is no valid UTF-8");
	words_normal(&normal, word);
	if (!normal.n)
		r = complain(c, EX_DATAERR, "%s: neither a letter nor a digit in it", a->argument[0]);
	else if (!str_copy(k->normal, sizeof k->normal, buf_view(&normal)) || !str_copy(k->word, sizeof k->word, word))
		r = complain(c, EX_DATAERR, "the word has more than %d octets", NAME_MAX_BYTES - 1);
	str_copy(k->short_code, sizeof k->short_code, str_of(code));
	buf_done(&normal);
	return r;
}

static int read_action(struct context *c, const struct args *a, struct keyword *k)
{
	const char *text = a->value[OPT_TEXT];
	struct sub_account sub = {0};
	struct account account = {0};
	size_t length = 0;
	int action = keyword_action_parse(str_of(a->value[OPT_ACTION])), r;

	if (action < 0)
		return complain(c, EX_USAGE, "--action: opt-out, opt-in, route or reply");
	k->action = (uint8_t)action;
	if (action == KEYWORD_ROUTE && !a->value[OPT_SUB_ACCOUNT])
		return complain(c, EX_USAGE, "--sub-account: route needs one");
	if ((action == KEYWORD_REPLY) != (text && *text))
		return complain(c, EX_USAGE, action == KEYWORD_REPLY ? "--text: reply needs one" : "--text: only a reply has one");
	if (text && (!utf8_valid(str_of(text), &length) || length > KEYWORD_TEXT_MAX))
		return complain(c, EX_DATAERR, "--text: valid UTF-8 of at most %d characters", KEYWORD_TEXT_MAX);
	str_copy(k->text, sizeof k->text, str_of(text));
	r = find_account(c, a, &account);
	if (r == 0 && a->value[OPT_SUB_ACCOUNT])
		r = find_sub_account(c, a, a->value[OPT_SUB_ACCOUNT], &sub);
	k->account = account.id;
	k->sub_account = sub.id;
	return r;
}

int keyword_add(struct context *c, const struct args *a)
{
	struct keyword k = {0};
	struct err e;
	int r = read_word(c, a, &k);

	if (r == 0)
		r = read_action(c, a, &k);
	if (r)
		return r;
	r = admin_keyword_set(c->admin, &k, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	if (c->json)
		say(c, "{\"keyword\":%u}\n", k.id);
	return context_audit(c, "keyword.add", "short_code=%s word=%s action=%s", k.short_code, k.normal,
			     keyword_action_name(k.action));
}

int keyword_remove(struct context *c, const struct args *a)
{
	struct admin_all all = {0};
	struct keyword k = {0};
	struct err e;
	uint32_t id = 0;
	int r = read_word(c, a, &k);

	if (r)
		return r;
	r = find_all(c, &all);
	if (r)
		return r;
	for (size_t i = 0; i < all.keyword_count; i++)
		if (!strcmp(all.keywords[i].short_code, k.short_code) && !strcmp(all.keywords[i].normal, k.normal))
			id = all.keywords[i].id;
	admin_all_done(&all);
	if (!id)
		return complain(c, EX_NOINPUT, "short code %s has no keyword %s", k.short_code, a->argument[0]);
	r = admin_keyword_remove(c->admin, id, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, "keyword.remove", "short_code=%s word=%s", k.short_code, k.normal);
}

static void json_member(struct buf *b, const char *key, const char *value)
{
	buf_fmt(b, ",\"%s\":", key);
	buf_json(b, str_of(value));
}

static void show(struct context *c, struct buf *b, const struct admin_all *all, const struct keyword *k)
{
	const char *sub = k->sub_account ? sub_account_name(all, k->sub_account) : NULL;

	if (!c->json) {
		buf_fmt(b, "%-8s %-20s %-8s %s%s%s\n", k->short_code, k->word, keyword_action_name(k->action),
			sub ? sub : "-", *k->text ? "  " : "", k->text);
		return;
	}
	buf_fmt(b, "%s{\"keyword\":%u,\"shortCode\":\"%s\"", b->n ? "," : "", k->id, k->short_code);
	json_member(b, "word", k->word);
	json_member(b, "action", keyword_action_name(k->action));
	if (sub)
		json_member(b, "subAccount", sub);
	if (*k->text)
		json_member(b, "text", k->text);
	buf_putc(b, '}');
}

int keyword_list(struct context *c, const struct args *a)
{
	const char *code = a->value[OPT_SHORT_CODE];
	struct admin_all all = {0};
	struct buf b = BUF_INIT;
	int r = find_all(c, &all);

	if (r)
		return r;
	for (size_t i = 0; i < all.keyword_count; i++)
		if (!code || !strcmp(code, all.keywords[i].short_code))
			show(c, &b, &all, &all.keywords[i]);
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	admin_all_done(&all);
	return EX_OK;
}
