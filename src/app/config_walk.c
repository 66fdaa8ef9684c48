/* config_walk.c - the document, walked by the table.
 *
 * The walk goes on after a fault, so that one run shows them all. It is as deep as the tables are, whatever the file's nesting (an
 * alias can make a document its own child); how many elements a list has and how often aliases unfold is limited. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/config_reader.h"

#define NODES_MAX 100000
#define TEXTS_MAX 10000
#define ELEMENTS_MAX 1000

/* -- unknown keys --------------------------------------------------------------------------------------------------- */
static size_t distance(const char *a, struct str b)
{
	size_t row[64], n = strlen(a);

	if (b.n >= COUNT_OF(row) || !n)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = diagonal + (a[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			row[j] = MIN(MIN(row[j] + 1, row[j - 1] + 1), change);
		}
	}
	return row[b.n];
}

static void unknown_key(struct config_reader *r, int table, struct str name, const char *path, int line)
{
	const char *best = NULL;
	size_t least = (name.n < 4 ? 1 : MAX(name.n / 3, 2)) + 1;

	if (str_eqz(name, "<<")) {
		config_fault(r, line, path, "merge keys are not taken; an alias may stand for a whole value");
		return;
	}
	for (size_t i = 0; i < config_key_count; i++) {
		size_t d = config_keys[i].table == table ? distance(config_keys[i].name, name) : SIZE_MAX;

		if (d < least) {
			least = d;
			best = config_keys[i].name;
		}
	}
	if (best)
		config_fault(r, line, path, "unknown key; did you mean %s?", best);
	else
		config_fault(r, line, path, "unknown key");
}

/* -- the walk ------------------------------------------------------------------------------------------------------- */
static void read_table(struct config_reader *r, int table, void *base, yaml_node_t *node, const char *path);

static int line_of(const yaml_node_t *n) { return (int)n->start_mark.line + 1; }

static const char *kind_of(const yaml_node_t *n)
{
	return n->type == YAML_MAPPING_NODE    ? "a mapping"
	       : n->type == YAML_SEQUENCE_NODE ? "a list"
					       : "a single value";
}

/* NULL and a fault when the node is of another kind, has a tag, or is one too many. */
static yaml_node_t *expect(struct config_reader *r, int node, yaml_node_type_t type, const char *path, int line)
{
	yaml_node_t *n = yaml_document_get_node(r->document, node);
	const char *tag, *plain;

	if (!n)
		return NULL;
	if (++r->nodes > NODES_MAX) {
		if (r->nodes == NODES_MAX + 1)
			config_fault(r, line, path, "the file holds too much");
		return NULL;
	}
	plain = n->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
		: n->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
						: YAML_MAP_TAG;
	tag = (const char *)n->tag;
	if (tag && strcmp(tag, plain) != 0) {
		config_fault(r, line_of(n), path, "tags are not taken");
		return NULL;
	}
	if (n->type == type)
		return n;
	config_fault(r, line_of(n), path, "must be %s, not %s",
		     type == YAML_MAPPING_NODE    ? "a mapping"
		     : type == YAML_SEQUENCE_NODE ? "a list"
						  : "a single value",
		     kind_of(n));
	return NULL;
}

static struct str scalar(const yaml_node_t *n)
{
	return (struct str){(const char *)n->data.scalar.value, n->data.scalar.length};
}

static bool is_plain(const yaml_node_t *n) { return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }

/* The expanded text of a scalar; false after a fault. */
static bool read_scalar(struct config_reader *r, int node, struct buf *out, bool *plain, const char *path, int line)
{
	yaml_node_t *n = expect(r, node, YAML_SCALAR_NODE, path, line);

	buf_clear(out);
	if (!n)
		return false;
	*plain = is_plain(n);
	if (*plain && (!scalar(n).n || str_eqz(scalar(n), "~") || str_eqz(scalar(n), "null"))) {
		config_fault(r, line_of(n), path, "has no value");
		return false;
	}
	/* In a flow mapping YAML wants quotes around ${...}; what a variable holds is no text for that. */
	return config_expand(r, scalar(n), out, plain, path, line_of(n));
}

static size_t element_count(const yaml_node_t *n)
{
	return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static yaml_node_t *read_sequence(struct config_reader *r, int node, size_t max, const char *path, int line)
{
	yaml_node_t *n = expect(r, node, YAML_SEQUENCE_NODE, path, line);

	if (n && element_count(n) > max) {
		config_fault(r, line_of(n), path, "has more than %zu elements", max);
		return NULL;
	}
	return n;
}

static void read_texts(struct config_reader *r, const struct config_key *k, void *base, int node, const char *path, int line)
{
	yaml_node_t *n = read_sequence(r, node, TEXTS_MAX, path, line);
	char ***list = (char ***)(void *)((char *)base + k->at);
	size_t *count = (size_t *)(void *)((char *)base + k->count_at);
	struct buf text = BUF_INIT;

	if (n && !element_count(n) && k->flags & (REQUIRED | FILLED))
		config_fault(r, line_of(n), path, "must not be empty");
	if (n && element_count(n))
		*list = xcalloc(element_count(n), sizeof(**list));
	for (size_t i = 0; n && i < element_count(n) && !config_full(r); i++) {
		struct config_path at = config_path("%s[%zu]", path, i);
		int item = n->data.sequence.items.start[i];
		const yaml_node_t *e = yaml_document_get_node(r->document, item);
		int item_line = e ? line_of(e) : line;
		bool plain;

		if (read_scalar(r, item, &text, &plain, at.s, item_line) &&
		    config_check_text(r, k, buf_view(&text), at.s, item_line)) {
			config_remember(r, at.s, item_line);
			(*list)[(*count)++] = xstrndup(buf_cstr(&text), text.n);
		}
	}
	buf_done(&text);
}

static void read_words(struct config_reader *r, const struct config_key *k, void *base, int node, const char *path, int line)
{
	yaml_node_t *n = read_sequence(r, node, TEXTS_MAX, path, line);
	struct buf text = BUF_INIT;
	bool plain;

	if (n && !element_count(n))
		config_fault(r, line_of(n), path, "must not be empty");
	for (size_t i = 0; n && i < element_count(n) && !config_full(r); i++)
		if (read_scalar(r, n->data.sequence.items.start[i], &text, &plain, path, line))
			config_add_word(r, k, base, buf_view(&text), path, line_of(n));
	buf_done(&text);
}

/* route.connections: [main] stands for [{name: main}]. */
static void read_short(struct config_reader *r, const struct config_key *k, void *element, int node,
		       const char *path, int line)
{
	const struct config_key *first = config_keys;
	struct buf text = BUF_INIT;
	bool plain;

	while (first->table != k->sub)
		first++;
	read_table(r, k->sub, element, NULL, path);
	if (read_scalar(r, node, &text, &plain, path, line))
		config_set(r, first, element, buf_view(&text), plain, path, line);
	buf_done(&text);
}

static void read_list(struct config_reader *r, const struct config_key *k, void *base, int node, const char *path, int line)
{
	yaml_node_t *n = read_sequence(r, node, ELEMENTS_MAX, path, line);
	void **list = (void **)(void *)((char *)base + k->at);
	size_t *count = (size_t *)(void *)((char *)base + k->count_at);

	if (n && !element_count(n) && k->flags & (REQUIRED | FILLED))
		config_fault(r, line_of(n), path, "must not be empty");
	if (n && element_count(n))
		*list = xcalloc(element_count(n), k->size);
	for (size_t i = 0; n && i < element_count(n) && !config_full(r); i++) {
		int item = n->data.sequence.items.start[i];
		yaml_node_t *e = yaml_document_get_node(r->document, item);
		void *element = (char *)*list + (*count)++ * k->size;
		struct config_path at = config_path("%s[%zu]", path, i);

		if (e)
			config_remember(r, at.s, line_of(e));
		if (k->flags & SHORT && e && e->type == YAML_SCALAR_NODE) {
			read_short(r, k, element, item, at.s, line_of(e));
			continue;
		}
		e = expect(r, item, YAML_MAPPING_NODE, at.s, line);
		if (e)
			read_table(r, k->sub, element, e, at.s);
	}
}

static void read_value(struct config_reader *r, const struct config_key *k, void *base, int node, const char *path, int line)
{
	struct buf text = BUF_INIT;
	yaml_node_t *n;
	bool plain;

	switch ((enum config_type)k->type) {
	case C_LATER: config_fault(r, line, path, "not supported yet"); break;
	case C_SECTION:
		n = expect(r, node, YAML_MAPPING_NODE, path, line);
		if (n)
			read_table(r, k->sub, base, n, path);
		break;
	case C_LIST: read_list(r, k, base, node, path, line); break;
	case C_TEXTS: read_texts(r, k, base, node, path, line); break;
	case C_WORDS: read_words(r, k, base, node, path, line); break;
	case C_TEXT:
	case C_SECRET:
	case C_PATH:
	case C_FILE:
	case C_SECRET_FILE:
	case C_NUMBER:
	case C_CODE:
	case C_DURATION:
	case C_SIZE:
	case C_YESNO:
	case C_WORD:
	case C_CHOICE:
		if (read_scalar(r, node, &text, &plain, path, line))
			config_set(r, k, base, buf_view(&text), plain, path, line);
		break;
	}
	buf_done(&text);
}

/* "[gsm7, ucs2]" of the table. */
static void default_words(struct config_reader *r, const struct config_key *k, void *base, const char *path)
{
	const char *p = k->dflt + 1;

	while (*p && *p != ']') {
		size_t n = strcspn(p, ",]");

		config_add_word(r, k, base, (struct str){p, n}, path, 0);
		p += n + strspn(p + n, ", ");
	}
}

static void default_texts(const struct config_key *k, void *base)
{
	char ***list = (char ***)(void *)((char *)base + k->at);
	size_t *count = (size_t *)(void *)((char *)base + k->count_at), room = 0;
	const char *p = k->dflt + 1;

	while (*p && *p != ']') {
		size_t n = strcspn(p, ",]");

		if (*count == room) {
			room = room ? 2 * room : 16;
			*list = xrealloc(*list, room, sizeof(char *));
		}
		(*list)[*count] = xcalloc(1, n + 1);
		memcpy((*list)[(*count)++], p, n);
		p += n + strspn(p + n, ", ");
	}
}

static void set_default(struct config_reader *r, const struct config_key *k, void *base, const char *path, int line)
{
	if (k->flags & REQUIRED)
		config_fault(r, line, path, "is missing");
	else if (k->type == C_SECTION)
		read_table(r, k->sub, base, NULL, path);
	else if (k->dflt && k->type == C_WORDS)
		default_words(r, k, base, path);
	else if (k->dflt && k->type == C_TEXTS)
		default_texts(k, base);
	else if (k->dflt)
		config_set(r, k, base, str_of(k->dflt), true, path, line);
}

static void join(char out[CONFIG_PATH_MAX], const char *path, struct str name)
{
	size_t n = MIN(name.n, (size_t)60);

	while (n && n < name.n && (name.p[n] & 0xC0) == 0x80) /* not inside a character */
		n--;
	snprintf(out, CONFIG_PATH_MAX, "%s%s%.*s", path, path[0] ? "." : "", (int)n, name.p);
}

/* One pair of a mapping; marks the key as seen. */
static void read_pair(struct config_reader *r, int table, void *base, const yaml_node_pair_t *pair,
		      const char *path, bool *seen)
{
	yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
	char at[CONFIG_PATH_MAX];
	size_t i = 0;

	if (!name || name->type != YAML_SCALAR_NODE || !utf8_valid(scalar(name), NULL)) {
		config_fault(r, name ? line_of(name) : 0, path, "a key must be a word");
		return;
	}
	join(at, path, scalar(name));
	while (i < config_key_count && (config_keys[i].table != table || !str_eqz(scalar(name), config_keys[i].name)))
		i++;
	if (i == config_key_count) {
		for (char *p = at; *p; p++) /* it goes to a terminal */
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				*p = '?';
		unknown_key(r, table, scalar(name), at, line_of(name));
		return;
	}
	if (seen[i]) {
		config_fault(r, line_of(name), at, "is given twice");
		return;
	}
	seen[i] = true;
	config_remember(r, at, line_of(name));
	read_value(r, &config_keys[i], base, pair->value, at, line_of(name));
}

/* node NULL: nothing is given, every key takes its default. Required keys are not asked for then: the list element that has
 * them is written in short, or the section holds none. */
static void read_table(struct config_reader *r, int table, void *base, yaml_node_t *node, const char *path)
{
	bool *seen = xcalloc(config_key_count, sizeof(*seen));
	int line = node ? line_of(node) : 0;

	if (node)
		for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
		     p < node->data.mapping.pairs.top && !config_full(r); p++)
			read_pair(r, table, base, p, path, seen);
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *k = &config_keys[i];
		char at[CONFIG_PATH_MAX];

		if (k->table != table || seen[i] || (!node && k->flags & REQUIRED))
			continue;
		join(at, path, str_of(k->name));
		set_default(r, k, base, at, line);
	}
	free(seen);
}

bool config_walk(struct config_reader *r)
{
	yaml_node_t *root = expect(r, 1, YAML_MAPPING_NODE, "", 1);

	if (root)
		read_table(r, ROOT, r->s, root, "");
	return root != NULL;
}
