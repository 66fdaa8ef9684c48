/* commands_words.c - forbidden words of accounts and sub-accounts, and campaigns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands_find.h"
#include "app/commands_texts.h"
#include "wire/gsm_text.h"

#define FILE_MAX ((size_t)64 << 20)

/* -- words ---------------------------------------------------------------------------------------------------------- */

static struct str trimmed(struct str s)
{
	while (s.n && (unsigned char)s.p[0] <= ' ')
		s.p++, s.n--;
	while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

typedef int words_change(struct admin *a, uint32_t account, uint32_t sub_account, const struct str *words,
			 size_t n, size_t *done, struct err *e);

static int check_words(struct context *c, const struct str *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t points;

		if (!utf8_valid(words[i], &points))
			return complain(c, EX_DATAERR, "word %zu is not UTF-8", i + 1);
		if (points > WORD_MAX)
			return complain(c, EX_DATAERR, "word %zu is longer than %d characters", i + 1, WORD_MAX);
	}
	return 0;
}

static int change(struct context *c, const struct args *a, const char *action, words_change *fn,
		  const struct str *words, size_t n)
{
	struct text_owner owner = {0};
	struct err e;
	size_t done = 0;
	int r = find_text_owner(c, a, &owner);

	if (r == 0)
		r = check_words(c, words, n);
	if (r)
		return r;
	r = fn(c->admin, owner.account.id, owner.sub_account, words, n, &done, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = done > 0;
	say(c, c->json ? "{\"changed\":%zu}\n" : "%zu\n", done);
	return context_audit(c, action, "account=%s sub_account=%s count=%zu", owner.account.name, owner.reference, done);
}

static int change_arguments(struct context *c, const struct args *a, const char *action, words_change *fn)
{
	struct str words[ARGUMENTS_MAX];

	for (size_t i = 0; i < a->count; i++)
		words[i] = trimmed(str_of(a->argument[i]));
	return change(c, a, action, fn, words, a->count);
}

int words_add(struct context *c, const struct args *a)
{
	return change_arguments(c, a, "words.add", admin_words_add);
}

int words_remove(struct context *c, const struct args *a)
{
	return change_arguments(c, a, "words.remove", admin_words_remove);
}

static int read_file(struct context *c, const char *path, struct buf *b)
{
	FILE *f = fopen(path, "re");
	char *to;
	size_t n = 1;

	if (!f)
		return complain(c, EX_NOINPUT, "%s: %s", path, strerrordesc_np(errno));
	b->max = FILE_MAX;
	while (n > 0 && (to = buf_space(b, 65536))) {
		n = fread(to, 1, 65536, f);
		b->n += n;
	}
	n = (size_t)ferror(f);
	fclose(f);
	if (n)
		return complain(c, EX_IOERR, "%s: it cannot be read", path);
	return b->failed ? complain(c, EX_DATAERR, "%s: larger than %zu MiB", path, FILE_MAX >> 20) : 0;
}

/* One word or phrase a line; empty lines and lines that begin with # are left out. */
static size_t split_lines(struct str text, struct str **ret)
{
	struct str *list = NULL;
	size_t n = 0, cap = 0;

	while (text.n) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t len = end ? (size_t)(end - text.p) : text.n;
		struct str line = trimmed((struct str){text.p, len});

		text.p += MIN(len + 1, text.n);
		text.n -= MIN(len + 1, text.n);
		if (!line.n || line.p[0] == '#')
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 256;
			list = xrealloc(list, cap, sizeof *list);
		}
		list[n++] = line;
	}
	*ret = list;
	return n;
}

int words_import(struct context *c, const struct args *a)
{
	char *path = context_path(c, a->argument[0]);
	struct buf b = BUF_INIT;
	struct str *list = NULL, text;
	size_t n;
	int r = read_file(c, path, &b);

	if (r == 0) {
		text = buf_view(&b);
		if (text.n >= 3 && !memcmp(text.p, "\xef\xbb\xbf", 3)) {
			text.p += 3;
			text.n -= 3;
		}
		n = split_lines(text, &list);
		r = change(c, a, "words.import", admin_words_add, list, n);
	}
	free(list);
	buf_done(&b);
	free(path);
	return r;
}

static void put_words(struct context *c, const struct text_owner *o, const struct texts *all, struct buf *b,
		      const struct args *a, bool export)
{
	for (size_t i = 0; i < all->word_count; i++) {
		const struct forbidden_word *w = &all->words[i];
		char name[NAME_MAX_BYTES];

		/* an export is of one list, to be imported again */
		if (!text_owner_wants(a, o, w->account, w->sub_account) || (export && w->sub_account != o->sub_account))
			continue;
		text_owner_name(c, w->sub_account, name);
		if (c->json) {
			buf_puts(b, b->n ? ",{\"word\":" : "{\"word\":");
			buf_json(b, str_of(w->word));
			buf_putc(b, ',');
			put_sub_account(b, name);
			buf_putc(b, '}');
		} else if (export) {
			buf_fmt(b, "%s\n", w->word);
		} else {
			buf_fmt(b, "%-24s %s\n", w->word, *name ? name : "-");
		}
	}
}

static void put_list(struct context *c, const struct args *a, const struct text_owner *o,
		     const struct texts *all, struct buf *b)
{
	put_words(c, o, all, b, a, false);
}

static void put_export(struct context *c, const struct args *a, const struct text_owner *o,
		       const struct texts *all, struct buf *b)
{
	put_words(c, o, all, b, a, true);
}

int words_list(struct context *c, const struct args *a) { return text_list(c, a, put_list); }

int words_export(struct context *c, const struct args *a) { return text_list(c, a, put_export); }

/* -- campaigns ------------------------------------------------------------------------------------------------------ */

int campaign_add(struct context *c, const struct args *a)
{
	struct account account = {0};
	struct campaign_wish w;
	struct buf alias = BUF_INIT;
	struct err e;
	size_t points;
	int r = find_account(c, a, &account);

	if (r)
		return r;
	text_nfc(&alias, str_of(a->value[OPT_ALIAS]));
	w = (struct campaign_wish){account.id, buf_view(&alias), 0, false};
	if (!utf8_valid(w.alias, &points) || !points || points > CAMPAIGN_ALIAS_MAX)
		r = complain(c, EX_DATAERR, "--alias: 1 to %d characters", CAMPAIGN_ALIAS_MAX);
	else if (admin_campaigns_ensure(c->admin, &w, 1, &e) < 0)
		r = complain(c, EX_UNAVAILABLE, "%s", e.text);
	if (r == 0) {
		c->changed = true;
		say(c, c->json ? "{\"campaignId\":%u}\n" : "%u\n", w.id);
		r = context_audit(c, "campaign.add", "account=%s id=%u alias=%s", account.name, w.id, buf_cstr(&alias));
	}
	buf_done(&alias);
	return r;
}

static void put_campaigns(struct context *c, const struct args *a, const struct text_owner *o,
			  const struct texts *all, struct buf *b)
{
	char at[ISO_MAX];

	(void)a;
	for (size_t i = 0; i < all->campaign_count; i++) {
		const struct campaign *x = &all->campaigns[i];

		if (x->account != o->account.id)
			continue;
		iso_utc(at, x->at, false);
		if (!c->json) {
			buf_fmt(b, "%-8u %s  %s\n", x->id, at, x->alias);
			continue;
		}
		buf_fmt(b, "%s{\"campaignId\":%u,\"campaignAlias\":", b->n ? "," : "", x->id);
		buf_json(b, str_of(x->alias));
		buf_fmt(b, ",\"registeredAt\":\"%s\"}", at);
	}
}

int campaign_list(struct context *c, const struct args *a) { return text_list(c, a, put_campaigns); }

int campaign_remove(struct context *c, const struct args *a)
{
	struct account account = {0};
	struct err e;
	int r = find_account(c, a, &account);

	if (r)
		return r;
	r = admin_campaign_remove(c->admin, account.id, str_of(a->argument[0]), &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, "campaign.remove", "account=%s alias=%s", account.name, a->argument[0]);
}
