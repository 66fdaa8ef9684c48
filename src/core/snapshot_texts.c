/* snapshot_texts.c - templates, flows, campaigns, forbidden words and rules, found by hash maps made once. Word lists are compiled
 * here, so that a message costs one look-up a word whatever their length. */
#include "core/snapshot_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "core/snapshot.h"

struct word_list {
	uint32_t account, sub_account;
	struct words *words;
};
struct snapshot_texts {
	struct texts t; /* its texts are in the arena */
	struct arena arena;
	size_t *same_name; /* of a template: index + 1 of the next one with the same hash of its name */
	struct word_list *lists;
	size_t list_count;
	/* Values are index + 1; what is found is compared with what was asked for. */
	struct map *template_by_id, *template_by_name, *flow_by_id, *campaign_by_alias, *list_by_owner, *rule_by_owner;
	struct map *campaigns_of; /* account -> how many */
};

static uint64_t owner_key(uint32_t account, uint32_t sub_account)
{
	return (uint64_t)account << 32 | sub_account;
}

/* Letter case of ASCII does not count. */
static uint64_t text_key(uint32_t account, struct str s)
{
	char fold[CAMPAIGN_ALIAS_MAX * 4];
	size_t n = MIN(s.n, sizeof fold);

	for (size_t i = 0; i < n; i++)
		fold[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	return hash_bytes(fold, n) ^ ((uint64_t)account * 0x9e3779b97f4a7c15u);
}

static uint64_t id_key(uint32_t account, int64_t id)
{
	char bytes[12];

	memcpy(bytes, &account, 4);
	memcpy(bytes + 4, &id, 8);
	return hash_bytes(bytes, sizeof bytes);
}

/* -- making one ----------------------------------------------------------------------------------------------------- */

static void *copy(const void *p, size_t n, size_t size)
{
	void *c = xcalloc(n ? n : 1, size);

	if (n)
		memcpy(c, p, n * size);
	return c;
}

static char *keep(struct snapshot_texts *s, const char *text)
{
	char *p = text ? arena_strndup(&s->arena, text, strlen(text)) : NULL;

	ASSERT(!text || p); /* the arena has no ceiling */
	return p;
}

static void copy_all(struct snapshot_texts *s, const struct texts *from)
{
	struct texts *t = &s->t;

	*t = *from;
	t->templates = copy(from->templates, from->template_count, sizeof *t->templates);
	t->flows = copy(from->flows, from->flow_count, sizeof *t->flows);
	t->campaigns = copy(from->campaigns, from->campaign_count, sizeof *t->campaigns);
	t->rules = copy(from->rules, from->rule_count, sizeof *t->rules);
	t->words = NULL; /* compiled instead */
	t->word_count = 0;
	for (size_t i = 0; i < t->template_count; i++)
		t->templates[i].text = keep(s, t->templates[i].text);
	for (size_t i = 0; i < t->flow_count; i++)
		t->flows[i].text = keep(s, t->flows[i].text);
	for (size_t i = 0; i < t->campaign_count; i++)
		t->campaigns[i].alias = keep(s, t->campaigns[i].alias);
	for (size_t i = 0; i < t->rule_count; i++) {
		t->rules[i].header = keep(s, t->rules[i].header);
		t->rules[i].footer = keep(s, t->rules[i].footer);
	}
}

static void index_all(struct snapshot_texts *s)
{
	struct texts *t = &s->t;

	for (size_t i = 0; i < t->template_count; i++) {
		uint64_t name = text_key(t->templates[i].account, str_of(t->templates[i].name)), first = 0;

		map_get(s->template_by_name, name, &first);
		s->same_name[i] = (size_t)first;
		map_set(s->template_by_name, name, i + 1);
		map_set(s->template_by_id, id_key(t->templates[i].account, t->templates[i].id), i + 1);
	}
	for (size_t i = 0; i < t->flow_count; i++)
		map_set(s->flow_by_id, text_key(t->flows[i].account, str_of(t->flows[i].id)), i + 1);
	for (size_t i = 0; i < t->campaign_count; i++) {
		uint64_t n = 0;

		map_set(s->campaign_by_alias, text_key(t->campaigns[i].account, str_of(t->campaigns[i].alias)), i + 1);
		map_get(s->campaigns_of, t->campaigns[i].account, &n);
		map_set(s->campaigns_of, t->campaigns[i].account, n + 1);
	}
	for (size_t i = 0; i < t->rule_count; i++)
		map_set(s->rule_by_owner, owner_key(t->rules[i].account, t->rules[i].sub_account), i + 1);
}

static bool same_owner(const struct forbidden_word *a, const struct forbidden_word *b)
{
	return a->account == b->account && a->sub_account == b->sub_account;
}

/* One list for each owner; the rows come ordered by it. */
static void compile_words(struct snapshot_texts *s, const struct texts *from)
{
	struct str *entries = xcalloc(from->word_count + 1, sizeof *entries);

	for (size_t i = 0, n; i < from->word_count; i += n) {
		const struct forbidden_word *w = &from->words[i];

		for (n = 0; i + n < from->word_count && same_owner(w, &w[n]); n++)
			entries[n] = str_of(w[n].word);
		s->lists = xrealloc(s->lists, s->list_count + 1, sizeof *s->lists);
		s->lists[s->list_count++] = (struct word_list){w->account, w->sub_account, words_new(entries, n)};
		map_set(s->list_by_owner, owner_key(w->account, w->sub_account), s->list_count);
	}
	free(entries);
}

struct snapshot_texts *snapshot_texts_new(const struct texts *from)
{
	static const struct texts nothing = {0};
	struct snapshot_texts *s = xnew(struct snapshot_texts);

	from = from ? from : &nothing;
	copy_all(s, from);
	s->same_name = xcalloc(from->template_count + 1, sizeof *s->same_name);
	s->template_by_id = map_new();
	s->template_by_name = map_new();
	s->flow_by_id = map_new();
	s->campaign_by_alias = map_new();
	s->campaigns_of = map_new();
	s->list_by_owner = map_new();
	s->rule_by_owner = map_new();
	index_all(s);
	compile_words(s, from);
	return s;
}

void snapshot_texts_free(struct snapshot_texts *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->list_count; i++)
		words_free(s->lists[i].words);
	free(s->lists);
	free(s->same_name);
	free(s->t.templates);
	free(s->t.flows);
	free(s->t.campaigns);
	free(s->t.rules);
	arena_done(&s->arena);
	map_free(s->template_by_id);
	map_free(s->template_by_name);
	map_free(s->flow_by_id);
	map_free(s->campaign_by_alias);
	map_free(s->campaigns_of);
	map_free(s->list_by_owner);
	map_free(s->rule_by_owner);
	free(s);
}

/* -- asking --------------------------------------------------------------------------------------------------------- */

static size_t find(const struct map *m, uint64_t key)
{
	uint64_t v = 0;

	map_get(m, key, &v);
	return (size_t)v;
}

static bool visible(uint32_t owner, uint32_t sub_account)
{
	return !owner || !sub_account || owner == sub_account;
}

const struct text_template *snapshot_template(const struct snapshot *snap, uint32_t account, uint32_t sub_account, int64_t id)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t i = find(s->template_by_id, id_key(account, id));
	const struct text_template *t = i ? &s->t.templates[i - 1] : NULL;

	return t && t->account == account && t->id == id && visible(t->sub_account, sub_account) ? t : NULL;
}

size_t snapshot_templates_named(const struct snapshot *snap, uint32_t account, uint32_t sub_account,
				struct str name, const struct text_template **ret)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t n = 0;

	*ret = NULL;
	for (size_t i = find(s->template_by_name, text_key(account, name)); i; i = s->same_name[i - 1]) {
		const struct text_template *t = &s->t.templates[i - 1];

		if (t->account != account || !visible(t->sub_account, sub_account) || !str_ieq(str_of(t->name), name))
			continue;
		*ret = t;
		n++;
	}
	return n;
}

const struct flow *snapshot_flow(const struct snapshot *snap, uint32_t account, uint32_t sub_account, struct str id)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t i = find(s->flow_by_id, text_key(account, id));
	const struct flow *f = i ? &s->t.flows[i - 1] : NULL;

	return f && f->account == account && visible(f->sub_account, sub_account) && str_ieq(str_of(f->id), id) ? f : NULL;
}

const struct campaign *snapshot_campaign(const struct snapshot *snap, uint32_t account, struct str alias)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t i = find(s->campaign_by_alias, text_key(account, alias));
	const struct campaign *c = i ? &s->t.campaigns[i - 1] : NULL;

	return c && c->account == account && str_ieq(str_of(c->alias), alias) ? c : NULL;
}

const struct campaign *snapshot_campaign_id(const struct snapshot *snap, uint32_t account, uint32_t id)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);

	for (size_t i = 0; i < s->t.campaign_count; i++)
		if (s->t.campaigns[i].id == id && s->t.campaigns[i].account == account)
			return &s->t.campaigns[i];
	return NULL;
}

size_t snapshot_campaign_count(const struct snapshot *snap, uint32_t account)
{
	return find(snapshot_texts_of(snap)->campaigns_of, account);
}

const struct words *snapshot_words(const struct snapshot *snap, uint32_t account, uint32_t sub_account)
{
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t i = find(s->list_by_owner, owner_key(account, sub_account));

	return i ? s->lists[i - 1].words : NULL;
}

const struct text_rule *snapshot_text_rule(const struct snapshot *snap, uint32_t account, uint32_t sub_account)
{
	static const struct text_rule none = {0};
	const struct snapshot_texts *s = snapshot_texts_of(snap);
	size_t i = find(s->rule_by_owner, owner_key(account, sub_account));

	return i ? &s->t.rules[i - 1] : &none;
}
