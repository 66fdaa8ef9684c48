/* util.h - the few macros and helpers every room may use. Errors: int, 0 or -errno; the words go into *struct err*. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define OWNER(type, member, ptr) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define MUST __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* What went wrong, in words for a person. Set where the error is noticed, logged where it is handled. */
struct err {
	char text[512];
};
/* Formats into e (NULL allowed) and returns code, so that `return err_set(e, -EINVAL, "...")` reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Memory that never fails: zeroed, or the process ends with a message. Sizes from a peer are bounded by the caller first. */
void *xcalloc(size_t n, size_t size) MUST;
void *xrealloc(void *p, size_t n, size_t size) MUST;
char *xstrdup(const char *s) MUST;
char *xstrndup(const char *s, size_t n) MUST;
#define xnew(type) ((type *)xcalloc(1, sizeof(type)))

/* States an impossibility; stays on in production. Never used for bad input. */
#define ASSERT(c) ((c) ? (void)0 : assert_failed(#c, __FILE__, __LINE__))
_Noreturn void assert_failed(const char *cond, const char *file, int line);

/* A borrowed run of bytes; not NUL-terminated, p may be NULL when n is 0. */
struct str {
	const char *p;
	size_t n;
};
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
/* The same in the initialiser of a static table, where ISO C takes no compound literal. */
/* clang-format off */
#define STR_INIT(lit) {(lit), sizeof(lit) - 1}
/* clang-format on */
struct str str_of(const char *z); /* NULL gives the empty string */
bool str_eq(struct str a, struct str b);
bool str_eqz(struct str a, const char *z);
bool str_ieq(struct str a, struct str b); /* ASCII letter case ignored */
/* Takes z off the front, ASCII letter case ignored; false, s unchanged: it does not begin so. */
bool str_iskip(struct str *s, const char *z);
int hex_digit(char c); /* 0..15, -1: none */
/* v, doubled so many times (0 or less: not at all), at most `most`: the delay before the next try. */
int64_t doubled(int64_t v, int64_t times, int64_t most);
/* Whole text is a decimal number in [min, max]: 0 and *ret; else -EINVAL or -ERANGE. No blanks, no sign but one '-'. */
int str_i64(struct str s, int64_t min, int64_t max, int64_t *ret) MUST;
/* Copies at most size-1 bytes and terminates; returns false when it had to cut. */
bool str_copy(char *dst, size_t size, struct str s);
/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, no NUL. Counts code points into *points (may be NULL). */
bool utf8_valid(struct str s, size_t *points);
/* Next code point of valid UTF-8; advances *p; caller makes sure *p < end. */
uint32_t utf8_next(const char **p, const char *end);
/* Writes one code point, returns its length 1..4. */
int utf8_put(char out[4], uint32_t cp);
