/* settings.h - the sandbox's settings: defaults, YAML file, flags, and JSON while it runs. The table is settings.def. */
#pragma once
#include "base/buf.h"

struct json;

struct sandbox_settings {
#define TEXT(field, size, dflt, help) char field[size];
#define TIME(field, dflt, min, max, live, help) int64_t field;
#define COUNT(field, dflt, min, max, live, help) int64_t field;
#define SHARE(field, help) double field;
#define CHOICE(field, dflt, words, help) int64_t field;
#include "sandbox/settings.def"
#undef TEXT
#undef TIME
#undef COUNT
#undef SHARE
#undef CHOICE
};
enum { SANDBOX_IDS_HEX, SANDBOX_IDS_DECIMAL };                    /* ids */
enum { SANDBOX_SECOND_PART_RECEIPT, SANDBOX_SECOND_PART_REFUSE }; /* second_part */

void sandbox_settings_default(struct sandbox_settings *s);
/* One setting from text. -EINVAL with e filled: unknown name or unusable value; s is untouched then. */
int sandbox_settings_set(struct sandbox_settings *s, struct str name, struct str value, struct err *e) MUST;
/* A YAML file: one mapping of names to scalars. -errno or -EINVAL, e telling the line; s may be half changed then. */
int sandbox_settings_load(struct sandbox_settings *s, const char *path, struct err *e) MUST;
/* An object of live settings: all are taken, or none and -EINVAL with e naming the key. */
int sandbox_settings_json(struct sandbox_settings *s, struct json *object, struct err *e) MUST;
/* All live settings as a JSON object. */
void sandbox_settings_print(const struct sandbox_settings *s, struct buf *out);
/* The table as lines of "name  default  help", for --help. */
void sandbox_settings_help(struct buf *out);
