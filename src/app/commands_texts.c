/* commands_texts.c - templates and flows. */
#include "app/commands_texts.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app/commands_find.h"
#include "wire/gsm_text.h"
#include "wire/template.h"

#define TEMPLATE_ID_MAX 9007199254740991 /* what every client's numbers hold */

/* -- owners --------------------------------------------------------------------------------------------------------- */

int find_text_owner(struct context *c, const struct args *a, struct text_owner *ret)
{
	struct sub_account sub = {0};
	int r = find_account(c, a, &ret->account);

	ret->sub_account = 0;
	if (r == 0 && args_has(a, OPT_SUB_ACCOUNT))
		r = find_sub_account(c, a, a->value[OPT_SUB_ACCOUNT], &sub);
	if (r)
		return r;
	ret->sub_account = sub.id;
	str_copy(ret->reference, sizeof ret->reference, str_of(sub.reference));
	return 0;
}

void text_owner_name(struct context *c, uint32_t sub_account, char out[NAME_MAX_BYTES])
{
	const struct snapshot *s = snapshot_get();
	const struct sub_account *sub = s && sub_account ? snapshot_sub(s, sub_account) : NULL;

	(void)c;
	str_copy(out, NAME_MAX_BYTES, str_of(sub ? sub->reference : sub_account ? "?" : ""));
	snapshot_put(s);
}

/* -- texts ---------------------------------------------------------------------------------------------------------- */

char *usable_text(struct context *c, const char *option, const char *given, size_t most, bool placeholders, int *code)
{
	struct buf b = BUF_INIT;
	struct err e;
	size_t points;
	char *ret = NULL;

	text_nfc(&b, str_of(given));
	if (!utf8_valid(buf_view(&b), &points) || points > most)
		*code = complain(c, EX_DATAERR, "--%s: longer than %zu characters", option, most);
	else if (placeholders && !points)
		*code = complain(c, EX_DATAERR, "--%s: empty", option);
	else if (placeholders && template_check(buf_view(&b), NULL, &e) < 0)
		*code = complain(c, EX_DATAERR, "--%s: %s", option, e.text);
	else
		ret = xstrdup(buf_cstr(&b));
	buf_done(&b);
	return ret;
}

bool text_owner_wants(const struct args *a, const struct text_owner *o, uint32_t account, uint32_t sub_account)
{
	return account == o->account.id && (!args_has(a, OPT_SUB_ACCOUNT) || sub_account == o->sub_account);
}

int text_list(struct context *c, const struct args *a,
	      void (*put)(struct context *c, const struct args *a, const struct text_owner *o,
			  const struct texts *all, struct buf *b))
{
	struct text_owner owner = {0};
	struct texts all = {0};
	struct buf b = BUF_INIT;
	struct err e;
	int r = find_text_owner(c, a, &owner);

	if (r)
		return r;
	r = admin_texts_load(c->admin, &all, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	put(c, a, &owner, &all, &b);
	say(c, c->json ? "[%s]\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	texts_done(&all);
	return EX_OK;
}

void put_sub_account(struct buf *b, const char *owner)
{
	buf_puts(b, "\"subAccount\":");
	buf_json_or_null(b, str_of(owner));
}

static const char *class_word(int8_t lane)
{
	return lane == TEXT_MARKETING ? "marketing" : lane == TEXT_TRANSACTIONAL ? "transactional" : NULL;
}

static int read_class(struct context *c, const struct args *a, int8_t *ret)
{
	const char *v = a->value[OPT_CLASS];

	*ret = TEXT_OF_SUB_ACCOUNT;
	if (v && strcmp(v, "marketing") == 0)
		*ret = TEXT_MARKETING;
	else if (v && strcmp(v, "transactional") == 0)
		*ret = TEXT_TRANSACTIONAL;
	else if (v)
		return complain(c, EX_USAGE, "--class: transactional or marketing");
	return 0;
}

static int read_template_id(struct context *c, const char *what, const char *v, int64_t *ret)
{
	if (str_i64(str_of(v), 0, TEMPLATE_ID_MAX, ret) < 0)
		return complain(c, EX_DATAERR, "%s: a template's id is a number from 0", what);
	return 0;
}

/* -- templates ------------------------------------------------------------------------------------------------------ */

int template_add(struct context *c, const struct args *a)
{
	struct text_template t = {0};
	struct text_owner owner = {0};
	struct err e;
	int r = find_text_owner(c, a, &owner);

	if (r == 0)
		r = read_class(c, a, &t.lane);
	if (r == 0 && args_has(a, OPT_ID))
		r = read_template_id(c, "--id", a->value[OPT_ID], &t.id);
	if (r)
		return r;
	if (!name_usable(str_of(a->value[OPT_NAME])))
		return complain(c, EX_DATAERR, "a name has 1 to %d octets, without control characters and blanks around",
				NAME_MAX_BYTES - 1);
	t.account = owner.account.id;
	t.sub_account = owner.sub_account;
	str_copy(t.name, sizeof t.name, str_of(a->value[OPT_NAME]));
	t.text = usable_text(c, "text", a->value[OPT_TEXT], TEMPLATE_TEXT_MAX, true, &r);
	if (!t.text)
		return r;
	r = admin_template_add(c->admin, &t, args_has(a, OPT_ID), &e);
	free(t.text);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	say(c, c->json ? "{\"templateId\":%lld}\n" : "%lld\n", (long long)t.id);
	return context_audit(c, "template.add", "account=%s sub_account=%s id=%lld name=%s",
			     owner.account.name, owner.reference, (long long)t.id, t.name);
}

static void put_template(struct context *c, struct buf *b, const struct text_template *t, bool text)
{
	const char *class = class_word(t->lane);
	char owner[NAME_MAX_BYTES];

	text_owner_name(c, t->sub_account, owner);
	if (c->json) {
		buf_fmt(b, "{\"templateId\":%lld,\"templateName\":", (long long)t->id);
		buf_json(b, str_of(t->name));
		buf_putc(b, ',');
		put_sub_account(b, owner);
		if (class)
			buf_fmt(b, ",\"class\":\"%s\"", class);
		buf_puts(b, ",\"text\":");
		buf_json(b, str_of(t->text));
		buf_putc(b, '}');
	} else if (text) {
		buf_fmt(b, "id           %lld\nname         %s\nsub-account  %s\nclass        %s\n\n%s\n",
			(long long)t->id, t->name, *owner ? owner : "(all)",
			class ? class : "(the sub-account's)", t->text);
	} else {
		buf_fmt(b, "%-8lld %-24s %-16s %s\n", (long long)t->id, t->name, *owner ? owner : "-", class ? class : "");
	}
}

static void put_templates(struct context *c, const struct args *a, const struct text_owner *o,
			  const struct texts *all, struct buf *b)
{
	for (size_t i = 0; i < all->template_count; i++) {
		const struct text_template *t = &all->templates[i];

		if (!text_owner_wants(a, o, t->account, t->sub_account))
			continue;
		if (c->json && b->n)
			buf_putc(b, ',');
		put_template(c, b, t, false);
	}
}

int template_list(struct context *c, const struct args *a) { return text_list(c, a, put_templates); }

int template_show(struct context *c, const struct args *a)
{
	struct account account = {0};
	const struct text_template *t;
	const struct snapshot *s;
	struct buf b = BUF_INIT;
	int64_t id;
	int r = find_account(c, a, &account);

	if (r == 0)
		r = read_template_id(c, a->argument[0], a->argument[0], &id);
	if (r)
		return r;
	s = snapshot_get();
	t = snapshot_template(s, account.id, 0, id);
	if (t)
		put_template(c, &b, t, true);
	snapshot_put(s);
	if (!t)
		return complain(c, EX_NOINPUT, "account %s has no template %s", account.name, a->argument[0]);
	say(c, c->json ? "%s\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	return EX_OK;
}

int template_remove(struct context *c, const struct args *a)
{
	struct account account = {0};
	struct err e;
	int64_t id;
	int r = find_account(c, a, &account);

	if (r == 0)
		r = read_template_id(c, a->argument[0], a->argument[0], &id);
	if (r)
		return r;
	r = admin_template_remove(c->admin, account.id, id, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, "template.remove", "account=%s id=%lld", account.name, (long long)id);
}

/* -- flows ---------------------------------------------------------------------------------------------------------- */

/* A UUID in lower case: the one given, or a new one. */
static int flow_id(struct context *c, const char *given, char out[UUID_TEXT])
{
	struct uid_source ids = {0};
	struct uid parsed;

	if (!given) {
		uid_print(out, (struct uid){uid_take(&ids, wall_ms(), 1), uid_rest()});
		return 0;
	}
	if (strlen(given) != UUID_TEXT - 1 || uid_parse(str_of(given), &parsed) < 0)
		return complain(c, EX_DATAERR, "%s: a flow's id is a UUID", given);
	for (size_t i = 0; i < UUID_TEXT; i++)
		out[i] = given[i] >= 'A' && given[i] <= 'F' ? (char)(given[i] + 32) : given[i];
	return 0;
}

int flow_add(struct context *c, const struct args *a)
{
	struct text_owner owner = {0};
	struct flow f = {0};
	struct err e;
	int r = find_text_owner(c, a, &owner);

	if (r == 0)
		r = flow_id(c, a->value[OPT_ID], f.id);
	if (r)
		return r;
	f.account = owner.account.id;
	f.sub_account = owner.sub_account;
	f.text = usable_text(c, "text", a->value[OPT_TEXT], TEMPLATE_TEXT_MAX, true, &r);
	if (!f.text)
		return r;
	r = admin_flow_add(c->admin, &f, &e);
	free(f.text);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	say(c, c->json ? "{\"flowId\":\"%s\"}\n" : "%s\n", f.id);
	return context_audit(c, "flow.add", "account=%s sub_account=%s id=%s", owner.account.name,
			     owner.reference, f.id);
}

static void put_flow(struct context *c, struct buf *b, const struct flow *f, bool text)
{
	char owner[NAME_MAX_BYTES];

	text_owner_name(c, f->sub_account, owner);
	if (c->json) {
		buf_fmt(b, "{\"flowId\":\"%s\",", f->id);
		put_sub_account(b, owner);
		buf_puts(b, ",\"text\":");
		buf_json(b, str_of(f->text));
		buf_putc(b, '}');
	} else if (text) {
		buf_fmt(b, "id           %s\nsub-account  %s\n\n%s\n", f->id, *owner ? owner : "(all)", f->text);
	} else {
		buf_fmt(b, "%s  %s\n", f->id, *owner ? owner : "-");
	}
}

static void put_flows(struct context *c, const struct args *a, const struct text_owner *o,
		      const struct texts *all, struct buf *b)
{
	for (size_t i = 0; i < all->flow_count; i++) {
		const struct flow *f = &all->flows[i];

		if (!text_owner_wants(a, o, f->account, f->sub_account))
			continue;
		if (c->json && b->n)
			buf_putc(b, ',');
		put_flow(c, b, f, false);
	}
}

int flow_list(struct context *c, const struct args *a) { return text_list(c, a, put_flows); }

int flow_show(struct context *c, const struct args *a)
{
	struct account account = {0};
	const struct snapshot *s;
	struct buf b = BUF_INIT;
	const struct flow *f;
	int r = find_account(c, a, &account);

	if (r)
		return r;
	s = snapshot_get();
	f = snapshot_flow(s, account.id, 0, str_of(a->argument[0]));
	if (f)
		put_flow(c, &b, f, true);
	snapshot_put(s);
	if (!f)
		return complain(c, EX_NOINPUT, "account %s has no flow %s", account.name, a->argument[0]);
	say(c, c->json ? "%s\n" : "%s", buf_cstr(&b));
	buf_done(&b);
	return EX_OK;
}

int flow_remove(struct context *c, const struct args *a)
{
	struct account account = {0};
	char id[UUID_TEXT];
	struct err e;
	int r = find_account(c, a, &account);

	if (r == 0)
		r = flow_id(c, a->argument[0], id);
	if (r)
		return r;
	r = admin_flow_remove(c->admin, account.id, id, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	c->changed = true;
	return context_audit(c, "flow.remove", "account=%s id=%s", account.name, id);
}
