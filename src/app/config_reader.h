/* config_reader.h - what the parts of the configuration's reader share. */
#pragma once
#include <yaml.h>

#include "app/config.h"
#include "app/config_table.h"

#define CONFIG_PATH_MAX 200
struct config_place {
	char *path;
	int line;
};
struct config_reader {
	const char *file;
	yaml_document_t *document;
	struct settings *s;
	struct config_faults *faults;
	struct config_place *places; /* keys that were given, for faults found later */
	size_t place_count;
	size_t nodes; /* visited, against files that unfold by aliases */
};
struct config_path {
	char s[CONFIG_PATH_MAX];
};
struct config_path config_path(const char *fmt, ...) PRINTF_LIKE(1, 2); /* cut to fit */
/* One more fault; beyond CONFIG_FAULTS_MAX it is dropped. */
void config_fault(struct config_reader *r, int line, const char *path, const char *fmt, ...) PRINTF_LIKE(4, 5);
bool config_full(const struct config_reader *r); /* no use in looking further */
/* Line of the key, or of the nearest one above it that was given. */
int config_line(const struct config_reader *r, const char *path);
void config_remember(struct config_reader *r, const char *path, int line);
bool config_given(const struct config_reader *r, const char *path); /* the file has that key, well or badly */

/* config_scalar.c: sets one key from its text. plain: not quoted. Faults are reported. */
void config_set(struct config_reader *r, const struct config_key *k, void *base, struct str text, bool plain,
		const char *path, int line);
/* Adds to the mask of a C_WORDS key. */
void config_add_word(struct config_reader *r, const struct config_key *k, void *base, struct str text,
		     const char *path, int line);
/* ${NAME} replaced (*expanded becomes true then), and made sure that it is clean text. false: a fault was reported. */
bool config_expand(struct config_reader *r, struct str raw, struct buf *out, bool *expanded, const char *path, int line);
bool config_check_text(struct config_reader *r, const struct config_key *k, struct str text, const char *path, int line);
void config_put_int(const struct config_key *k, void *base, int64_t v);
/* config_walk.c: the whole document. false: it is no mapping. */
bool config_walk(struct config_reader *r);
/* config_cross.c: what spans several keys, and what is filled in at the end. */
void config_cross(struct config_reader *r);
