/* config_table.h - config.def as data: what the reader walks by and the reference is printed from. */
#pragma once
#include "base/util.h"

enum config_tables {
	ROOT,
	HTTP,
	LIMITS,
	OPERATOR,
	SMS,
	DOUBT,
	RETRY,
	MO,
	CONNECTION,
	PROFILE,
	TIMERS,
	BREAKER,
	STATUS,
	ROUTE,
	VIA,
	WEBHOOKS,
	CREDIT,
	PRICE,
	RETENTION,
	LOG,
	CONFIG_TABLES
};
enum config_type {
	C_TEXT,        /* char * */
	C_SECRET,      /* char *; never shown */
	C_PATH,        /* char *; a file or folder that need not be there yet */
	C_FILE,        /* char *; a file that can be read */
	C_SECRET_FILE, /* char *; what the file holds */
	C_NUMBER,      /* integers of any size; words stand for numbers outside the range */
	C_CODE,        /* int64_t; decimal or 0x... */
	C_DURATION,    /* int64_t ms; a word may stand for a value */
	C_SIZE,        /* int64_t bytes */
	C_YESNO,       /* bool */
	C_WORD,        /* one of words: its value, into an integer of any size */
	C_CHOICE,      /* one of words: the word itself, char * */
	C_WORDS,       /* list of words: their values or'ed */
	C_TEXTS,       /* char **, size_t */
	C_SECTION,
	C_LIST, /* array of structs, size_t */
	C_LATER,
};
enum { REQUIRED = 1, RESTART = 2, SHORT = 4, FILLED = 8 };
struct config_word {
	const char *name; /* NULL ends the table */
	int64_t value;
};
/* NULL when the text will do, else what is wrong with it. */
typedef const char *config_check_fn(struct str text);
struct config_key {
	const char *name, *dflt, *help;
	uint8_t table, type, sub, flags;
	size_t at, width;      /* where in the struct, and how wide */
	size_t count_at, size; /* lists: where their count is, size of an element */
	int64_t low, high;
	const struct config_word *words;
	config_check_fn *check;
};
extern const struct config_key config_keys[];
extern const size_t config_key_count;
/* Where a table's keys are found: "", "limits.", "sms.connections[]." */
extern const char *const config_table_path[CONFIG_TABLES];

/* A number, duration ("10s") or size ("32MiB") as a person writes it. */
struct buf;
void config_print_value(const struct config_key *k, int64_t v, struct buf *out);

config_check_fn check_store, check_url, check_cidr, check_listen, check_prefix, check_prefix_or_empty,
	check_short_code, check_name, check_smpp;
