/* config.h - the configuration file: read, checked, explained. One YAML mapping, described by the table in config.def; all its
 * faults are reported at once, each with line and key.
 *
 * Text "${NAME}" inside any value takes an environment variable; "$${" stands for "${". Relative file names (data, certificates,
 * password files) count from the folder of the configuration file, so that every command finds the same data from anywhere. */
#pragma once
#include "base/buf.h"
#include "model/settings.h"

struct config_fault {
	int line;   /* from 1; 0 = the file as a whole */
	char *key;  /* "sms.connections[0].window"; "" = none */
	char *text; /* the whole line for a person: "pombo.yaml:12: sms.connections[0].window: ..." */
};
struct config_faults { /* zeroed before use */
	struct config_fault *list;
	size_t count; /* in the order of lines; at most CONFIG_FAULTS_MAX */
};
#define CONFIG_FAULTS_MAX 100
#define CONFIG_FILE_MAX ((size_t)1 << 20)
void config_faults_done(struct config_faults *f);
void config_faults_print(const struct config_faults *f, struct buf *out); /* a line each */

/* 0 and *ret, owned by the caller (settings_free()); -errno when the file cannot be read, -EINVAL when it has faults. faults holds
 * at least one then, *ret is untouched. connection_setting.number is left 0. */
int config_read(const char *file, struct settings **ret, struct config_faults *faults) MUST;
/* The same from memory; file is what faults call it, and relative names count from its folder. */
int config_parse(const char *file, struct str text, struct settings **ret, struct config_faults *faults) MUST;

/* Which keys differ that take effect only at a restart, separated by ", "; nothing when none. */
void config_reload_diff(const struct settings *old_settings, const struct settings *new_settings, struct buf *note);
/* docs/configuration.md: every key with unit, range, default and reload behaviour. */
void config_reference(struct buf *markdown);
