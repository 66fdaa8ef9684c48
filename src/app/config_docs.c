/* config_docs.c - the reference, and what a reload cannot apply; both from the table. */
#include <string.h>

#include "app/config.h"
#include "app/config_table.h"

/* -- reference ------------------------------------------------------------------------------------------------------ */
static void range(const struct config_key *k, struct buf *out)
{
	config_print_value(k, k->low, out);
	buf_puts(out, " to ");
	config_print_value(k, k->high, out);
	if (k->words)
		buf_fmt(out, ", or `%s`", k->words->name);
}

static void words(const struct config_key *k, struct buf *out)
{
	for (const struct config_word *w = k->words; w->name; w++)
		buf_fmt(out, "%s`%s`", w == k->words ? "" : ", ", w->name);
}

static void type(const struct config_key *k, struct buf *out)
{
	switch ((enum config_type)k->type) {
	case C_TEXT:
	case C_SECRET: buf_fmt(out, "text, up to %lld octets", (long long)k->high); break;
	case C_PATH: buf_puts(out, "folder"); break;
	case C_FILE:
	case C_SECRET_FILE: buf_puts(out, "file"); break;
	case C_NUMBER:
		buf_puts(out, "number, ");
		range(k, out);
		break;
	case C_CODE: buf_puts(out, "number"); break;
	case C_DURATION:
		buf_puts(out, "duration, ");
		range(k, out);
		break;
	case C_SIZE:
		buf_puts(out, "size, ");
		range(k, out);
		break;
	case C_YESNO: buf_puts(out, "`true`, `false`"); break;
	case C_WORD:
	case C_CHOICE: words(k, out); break;
	case C_WORDS:
		buf_puts(out, "list of ");
		words(k, out);
		break;
	case C_TEXTS: buf_puts(out, "list of texts"); break;
	case C_SECTION: buf_puts(out, "mapping, see below"); break;
	case C_LIST:
		buf_puts(out, k->flags & SHORT ? "list of names or mappings, see below" : "list of mappings, see below");
		break;
	case C_LATER: buf_puts(out, "not supported yet"); break;
	}
}

static void row(const struct config_key *k, struct buf *out)
{
	buf_fmt(out, "| `%s` | ", k->name);
	type(k, out);
	if (k->flags & REQUIRED)
		buf_puts(out, " | required | ");
	else if (k->dflt && k->dflt[0])
		buf_fmt(out, " | `%s` | ", k->dflt);
	else
		buf_puts(out, k->dflt ? " | empty | " : " | | ");
	buf_puts(out, k->type == C_LATER ? "" : k->flags & RESTART ? "restart" : "reload");
	buf_fmt(out, " | %s |\n", k->help);
}

void config_reference(struct buf *out)
{
	buf_puts(out,
		 "# Configuration\n\n"
		 "Generated from `src/app/config.def`; do not edit. An example is `pombo.example.yaml`.\n\n"
		 "The file is YAML in UTF-8, at most 1 MiB. `pombo check --config FILE` names every fault "
		 "with its line. Unknown keys "
		 "are faults.\n\n"
		 "- `${NAME}` inside any value takes an environment variable; one that is not set is a "
		 "fault. `$${` stands for `${`.\n"
		 "- Quoted numbers are text. Numbers are decimal, also with leading zeros. Durations have a "
		 "unit: `500ms`, `10s`, `5m`, "
		 "`48h`, `3d`. Sizes: `64KiB`, `32MiB`, `1GiB`, or octets.\n"
		 "- Anchors and aliases may be used, merge keys (`<<`) and tags may not.\n"
		 "- Relative file names count from the folder of the configuration file.\n"
		 "- *reload*: SIGHUP applies a change. *restart*: the next start does.\n");
	for (int t = 0; t < CONFIG_TABLES; t++) {
		size_t n = strlen(config_table_path[t]);

		if (n)
			buf_fmt(out, "\n## %.*s\n", (int)n - 1, config_table_path[t]);
		buf_puts(out, "\n| key | type and range | default | change | meaning |\n| --- | --- | --- | "
			      "--- | --- |\n");
		for (size_t i = 0; i < config_key_count; i++)
			if (config_keys[i].table == t)
				row(&config_keys[i], out);
	}
}

/* -- reload --------------------------------------------------------------------------------------------------------- */
static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static void differs(struct buf *note, const char *key)
{
	if (note->n)
		buf_puts(note, ", ");
	buf_puts(note, key);
}

static bool same_listeners(const struct settings *a, const struct settings *b)
{
	if (a->http_count != b->http_count)
		return false;
	for (size_t i = 0; i < a->http_count; i++)
		if (!same_text(a->http[i].listen, b->http[i].listen) ||
		    !same_text(a->http[i].certificate, b->http[i].certificate) ||
		    !same_text(a->http[i].key, b->http[i].key))
			return false;
	return true;
}

static bool same_value(const struct config_key *k, const struct settings *a, const struct settings *b)
{
	const char *x = (const char *)a + k->at, *y = (const char *)b + k->at;

	if (k->type == C_LIST)
		return same_listeners(a, b);
	if (k->type == C_TEXT || k->type == C_PATH)
		return same_text(*(char *const *)(const void *)x, *(char *const *)(const void *)y);
	return memcmp(x, y, k->width) == 0;
}

void config_reload_diff(const struct settings *old_settings, const struct settings *new_settings, struct buf *note)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *k = &config_keys[i];

		if (k->table == ROOT && k->flags & RESTART && !same_value(k, old_settings, new_settings))
			differs(note, k->name);
	}
}
