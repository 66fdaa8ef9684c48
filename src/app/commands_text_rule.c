/* commands_text_rule.c - what accounts and sub-accounts set for their texts: lengths, header and footer, whether campaigns are registered
 * first. Options of their commands, and no command of its own. */
#include "app/commands_texts.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "wire/template.h"

bool text_rule_given(const struct args *a)
{
	return args_has(a, OPT_MAX_LENGTH) || args_has(a, OPT_HEADER_TEXT) || args_has(a, OPT_FOOTER) ||
	       args_has(a, OPT_CAMPAIGNS);
}

static int read_length(struct context *c, const char *v, uint32_t *ret)
{
	int64_t n = 0;

	if (strcmp(v, "none") != 0 && str_i64(str_of(v), 1, TEMPLATE_TEXT_MAX, &n) < 0)
		return complain(c, EX_DATAERR, "--max-length: a number from 1 to %d, or none", TEMPLATE_TEXT_MAX);
	*ret = (uint32_t)n;
	return 0;
}

static int read_affix(struct context *c, const struct args *a, enum option_id id, char **ret)
{
	int code = 0;
	char *text;

	if (!args_has(a, id))
		return 0;
	text = usable_text(c, option_rows[id].name, a->value[id], AFFIX_MAX, false, &code);
	if (!text)
		return code;
	free(*ret);
	*ret = text;
	return 0;
}

static int read_rule(struct context *c, const struct args *a, struct text_rule *r)
{
	const char *campaigns = a->value[OPT_CAMPAIGNS];
	int code = args_has(a, OPT_MAX_LENGTH) ? read_length(c, a->value[OPT_MAX_LENGTH], &r->max_length) : 0;

	if (code == 0)
		code = read_affix(c, a, OPT_HEADER_TEXT, &r->header);
	if (code == 0)
		code = read_affix(c, a, OPT_FOOTER, &r->footer);
	if (code == 0 && campaigns && strcmp(campaigns, "open") != 0 && strcmp(campaigns, "closed") != 0)
		code = complain(c, EX_USAGE, "--campaigns: open or closed");
	if (code == 0 && campaigns)
		r->closed_campaigns = strcmp(campaigns, "closed") == 0;
	return code;
}

/* The rule as it would be. The texts are the caller's. */
static int rule_with(struct context *c, const struct args *a, uint32_t account, uint32_t sub_account, struct text_rule *ret)
{
	const struct snapshot *s = snapshot_get();
	const struct text_rule *now = sub_account || account ? snapshot_text_rule(s, account, sub_account) : NULL;

	*ret = now ? *now : (struct text_rule){0};
	ret->account = account;
	ret->sub_account = sub_account;
	ret->header = ret->header ? xstrdup(ret->header) : NULL;
	ret->footer = ret->footer ? xstrdup(ret->footer) : NULL;
	snapshot_put(s);
	return read_rule(c, a, ret);
}

int text_rule_check(struct context *c, const struct args *a)
{
	struct text_rule r;
	int code = rule_with(c, a, 0, 0, &r);

	free(r.header);
	free(r.footer);
	return code;
}

int text_rule_save(struct context *c, const struct args *a, uint32_t account, uint32_t sub_account)
{
	struct text_rule r;
	struct err e;
	int code;

	if (!text_rule_given(a))
		return 0;
	code = rule_with(c, a, account, sub_account, &r);
	if (code == 0 && admin_text_rule_set(c->admin, &r, &e) < 0)
		code = complain(c, EX_IOERR, "%s", e.text);
	if (code == 0) {
		c->changed = true;
		code = context_audit(c, "texts.set", "account=%u sub_account=%u max_length=%u header=%s footer=%s campaigns=%s",
				     account, sub_account, r.max_length, r.header ? r.header : "",
				     r.footer ? r.footer : "", r.closed_campaigns ? "closed" : "open");
	}
	free(r.header);
	free(r.footer);
	return code;
}

void text_rule_put(struct context *c, struct buf *b, uint32_t account, uint32_t sub_account)
{
	const struct snapshot *s = snapshot_get();
	const struct text_rule *r = snapshot_text_rule(s, account, sub_account);

	if (!c->json) {
		if (r->max_length)
			buf_fmt(b, ", at most %u characters", r->max_length);
		if (r->header)
			buf_fmt(b, ", header \"%s\"", r->header);
		if (r->footer)
			buf_fmt(b, ", footer \"%s\"", r->footer);
		if (r->closed_campaigns)
			buf_puts(b, "  campaigns closed");
	} else {
		if (r->max_length)
			buf_fmt(b, ",\"maxLength\":%u", r->max_length);
		if (r->header) {
			buf_puts(b, ",\"header\":");
			buf_json(b, str_of(r->header));
		}
		if (r->footer) {
			buf_puts(b, ",\"footer\":");
			buf_json(b, str_of(r->footer));
		}
		if (!sub_account)
			buf_fmt(b, ",\"campaigns\":\"%s\"", r->closed_campaigns ? "closed" : "open");
	}
	snapshot_put(s);
}
