/* log.h - one line per event on standard error: level, time, event and key=value pairs (or JSON). Thread-safe. Bodies and
 * tokens never go here; telephone numbers through log_number(). */
#pragma once
#include "base/util.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };
void log_setup(enum log_level level, enum log_format format);
bool log_on(enum log_level level);
/* log_info("link", "from=%s to=%s why=\"%s\"", ...): pairs are key=value, values with blanks quoted by the caller with %s
 * through log_quote() when they come from outside. */
#define log_error(event, ...) log_line(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...) log_line(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...) log_line(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) (log_on(LOG_DEBUG) ? log_line(LOG_DEBUG, event, __VA_ARGS__) : (void)0)
void log_line(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
struct log_text {
	char s[160];
};
/* Quoted and escaped text of a peer, cut to fit; use as log_quote(x).s within one call. */
struct log_text log_quote(struct str s);
struct log_text log_number(struct str s); /* 55119…0001 : the middle is masked */
/* Tests: lines go to fn instead of standard error. NULL restores. */
void log_capture(void (*fn)(void *ctx, const char *line), void *ctx);
