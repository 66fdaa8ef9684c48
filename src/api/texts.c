/* texts.c - what a message finally says: its template, flow or own text with params, header and footer put in; lengths, forbidden
 * words, campaigns (send_request.h).
 *
 * A text of a message's own to which no params came is taken as it is written, which is the usual case and costs nothing here. Texts of
 * defaultValues and the root are looked up, and complained about, once for all the messages that take them. */
#include <stdio.h>
#include <string.h>

#include "api/send_request.h"
#include "base/words.h"
#include "core/snapshot.h"
#include "wire/split.h"

#define TOGETHER_MAX ((size_t)16 << 20)             /* octets of all made texts of a request */
#define SEPTETS_MAX (SPLIT_PARTS_MAX * (size_t)153) /* what no number of parts can carry */
#define UNITS_MAX (SPLIT_PARTS_MAX * (size_t)67)
#define MADE_MAX (SEPTETS_MAX * 2) /* octets; before it is measured */

/* Where the text of some messages comes from, and what was found there. */
struct origin {
	bool known; /* looked up before */
	bool bad;   /* complained about before */
	struct str text;
	const char *field;
	struct place place;
	bool made; /* by a template or flow: placeholders are always replaced */
	int8_t lane;
	struct str header, footer; /* to be put around it, with the blanks between */
};
struct making {
	const struct text_scope *sc;
	const struct text_rule *rule;
	const struct words *account_words, *sub_words;
	struct arena *arena;
	struct faults *faults;
	struct origin above[2]; /* of AT_ROOT and AT_DEFAULTS */
	struct buf work;
	size_t together;
	/* the one before: many messages have one text */
	const struct send_item *last;
};

static void fault(struct making *k, struct origin *o, const char *field, const char *rule)
{
	char path[FAULT_FIELD_MAX];

	send_path(path, &o->place, str_of(field));
	fault_add(k->faults, path, "%s", rule);
	o->bad = true;
}

/* -- where the text comes from -------------------------------------------------------------------------------------- */

static void from_template(struct making *k, const struct send_item *m, struct origin *o)
{
	const struct text_scope *sc = k->sc;
	const struct text_template *t = NULL;
	size_t n = 1;

	o->field = m->has_template_id ? "templateId" : "templateName";
	o->made = true;
	if (m->has_template_id) {
		t = snapshot_template(sc->snap, sc->sub->account, sc->sees, m->template_id);
		if (t && m->template_name.n && !str_ieq(str_of(t->name), m->template_name)) {
			fault(k, o, "templateName", "is not the name of the template with that templateId");
			return;
		}
	} else {
		n = snapshot_templates_named(sc->snap, sc->sub->account, sc->sees, m->template_name, &t);
	}
	if (!t) {
		fault(k, o, o->field, "unknown");
	} else if (n > 1) {
		fault(k, o, o->field, "fits several templates; name one by its templateId");
	} else {
		o->text = str_of(t->text);
		o->lane = t->lane;
	}
}

static void from_flow(struct making *k, const struct send_item *m, struct origin *o)
{
	const struct flow *w = snapshot_flow(k->sc->snap, k->sc->sub->account, k->sc->sees, m->flow);

	o->field = "flowId";
	o->made = true;
	if (w)
		o->text = str_of(w->text);
	else
		fault(k, o, o->field, "unknown");
}

static bool blank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

/* The header and footer of marketing, with a blank where none is. */
static void add_affixes(struct making *k, struct origin *o)
{
	int8_t own = k->sc->sub->marketing ? TEXT_MARKETING : TEXT_TRANSACTIONAL;
	struct str head = str_of(k->rule->header), foot = str_of(k->rule->footer), t = o->text;
	char *p;

	if ((o->lane == TEXT_OF_SUB_ACCOUNT ? own : o->lane) != TEXT_MARKETING || !t.n)
		return;
	if (head.n && !blank(head.p[head.n - 1]) && !blank(t.p[0])) {
		p = arena_alloc(k->arena, head.n + 1);
		ASSERT(p); /* the arena has no ceiling */
		memcpy(p, head.p, head.n);
		p[head.n] = ' ';
		head = (struct str){p, head.n + 1};
	}
	if (foot.n && !blank(foot.p[0]) && !blank(t.p[t.n - 1])) {
		p = arena_alloc(k->arena, foot.n + 1);
		ASSERT(p);
		p[0] = ' ';
		memcpy(p + 1, foot.p, foot.n);
		foot = (struct str){p, foot.n + 1};
	}
	o->header = head;
	o->footer = foot;
}

static size_t points(struct str s)
{
	size_t n = 0;

	(void)utf8_valid(s, &n);
	return n;
}

/* Counted as it is written, before params. */
static void check_length(struct making *k, struct origin *o)
{
	size_t most = k->rule->max_length ? MIN(k->rule->max_length, (size_t)SEND_TEXT_MAX) : SEND_TEXT_MAX;
	size_t around = points(o->header) + points(o->footer);
	char rule[80];

	if (o->bad || (!around && !k->rule->max_length) || points(o->text) + around <= most)
		return;
	snprintf(rule, sizeof rule, "longer than %zu characters%s", most, around ? " with header and footer" : "");
	fault(k, o, o->field, rule);
}

static struct origin *origin_of(struct making *k, const struct send_item *m, struct origin *own)
{
	struct origin *o = m->text_place.level == AT_MESSAGE ? own : &k->above[m->text_place.level];

	if (o->known)
		return o;
	*o = (struct origin){.known = true, .text = m->text, .field = "messageText", .place = m->text_place, .lane = TEXT_OF_SUB_ACCOUNT};
	if (m->has_template_id || m->template_name.n)
		from_template(k, m, o);
	else if (m->flow.n)
		from_flow(k, m, o);
	if (!o->bad && (k->rule->header || k->rule->footer))
		add_affixes(k, o);
	check_length(k, o);
	return o;
}

/* -- what it becomes ------------------------------------------------------------------------------------------------ */

/* 255 parts are the most there can be. */
static bool too_long(struct str s)
{
	struct text_measure m;

	if (s.n <= UNITS_MAX)
		return false;
	text_measure(s, &m);
	return m.gsm ? m.septets > SEPTETS_MAX : m.units > UNITS_MAX;
}

static struct str keep(struct making *k, const struct buf *b)
{
	char *p = arena_strndup(k->arena, b->p ? b->p : "", b->n);

	ASSERT(p);
	return (struct str){p, b->n};
}

static void compose(struct making *k, struct send_item *m, struct origin *o, const struct place *at)
{
	struct buf *b = &k->work, invalid = BUF_INIT;
	char path[FAULT_FIELD_MAX];

	buf_clear(b);
	b->max = MADE_MAX;
	buf_str(b, o->header);
	if (o->made || m->param_count)
		template_render(b, o->text, m->params, m->param_count, &invalid);
	else
		buf_str(b, o->text);
	buf_str(b, o->footer);
	if (b->failed || too_long(buf_view(b))) {
		send_path(path, at, STR("params"));
		fault_add(k->faults, path, "make a text of more than %d parts", SPLIT_PARTS_MAX);
	} else if ((k->together += b->n + invalid.n) > TOGETHER_MAX) {
		fault_add(k->faults, "params", "make texts of more than %zu MiB together", TOGETHER_MAX >> 20);
	} else {
		m->final = keep(k, b);
		if (invalid.n)
			m->invalid = keep(k, &invalid);
	}
	buf_done(&invalid);
}

static bool same_params(const struct send_item *a, const struct send_item *b)
{
	return a->params == b->params && a->param_count == b->param_count;
}

static bool is_forbidden(const struct making *k, struct str text)
{
	return words_find(k->account_words, text) >= 0 || words_find(k->sub_words, text) >= 0;
}

static void make(struct making *k, struct send_item *m, const struct place *at)
{
	struct origin own = {.known = false}, *o = origin_of(k, m, &own);
	const struct send_item *last = o == &own ? NULL : k->last;

	if (o->bad)
		return;
	m->lane = o->lane;
	if (last && last->text_place.level == m->text_place.level && same_params(last, m)) {
		m->final = last->final;
		m->invalid = last->invalid;
		m->forbidden = last->forbidden;
		return;
	}
	if (o->made || m->param_count || o->header.n || o->footer.n)
		compose(k, m, o, at);
	else
		m->final = o->text;
	if (k->account_words || k->sub_words)
		m->forbidden = is_forbidden(k, m->final);
	if (o != &own)
		k->last = m;
}

static void find_campaign(struct making *k, struct send_item *m)
{
	const struct campaign *c = snapshot_campaign(k->sc->snap, k->sc->sub->account, m->campaign);
	char path[FAULT_FIELD_MAX];

	if (c) {
		m->campaign_id = c->id;
	} else if (snapshot_text_rule(k->sc->snap, k->sc->sub->account, 0)->closed_campaigns) {
		send_path(path, &m->campaign_place, STR("campaignAlias"));
		fault_add(k->faults, path, "unknown, and the account registers none by use");
	}
}

void send_texts(struct send_request *r, const struct text_scope *sc, struct arena *a, struct faults *f)
{
	struct making k = {.sc = sc, .arena = a, .faults = f};
	uint32_t account = sc->sub->account;
	bool complained[2] = {false, false};

	k.rule = snapshot_text_rule(sc->snap, account, sc->sub->id);
	k.account_words = snapshot_words(sc->snap, account, 0);
	k.sub_words = snapshot_words(sc->snap, account, sc->sub->id);
	for (size_t i = 0; i < r->count; i++) {
		struct send_item *m = &r->items[i];
		const struct place at = {r->bulk ? AT_MESSAGE : AT_ROOT, i};
		unsigned level = m->campaign_place.level, before;

		make(&k, m, &at);
		if (!m->campaign.n || (level < AT_MESSAGE && complained[level]))
			continue;
		before = f->count;
		find_campaign(&k, m);
		if (level < AT_MESSAGE)
			complained[level] = f->count > before;
	}
	buf_done(&k.work);
}
