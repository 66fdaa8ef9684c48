/* buf.h - growing bytes with a ceiling. A failure (ceiling reached) sticks: check buf->failed once at the end. */
#pragma once
#include "base/util.h"

struct buf {
	char *p; /* owned; not NUL-terminated unless buf_cstr() was called */
	size_t n, cap;
	size_t max; /* ceiling in bytes; 0 = BUF_MAX_DEFAULT */
	bool failed;
};
#define BUF_MAX_DEFAULT ((size_t)64 << 20)
/* clang-format off */
#define BUF_INIT {0}
/* clang-format on */

void buf_done(struct buf *b);             /* frees; b may be reused after it as if zeroed */
void buf_clear(struct buf *b);            /* keeps the memory, resets n and failed */
char *buf_space(struct buf *b, size_t n); /* room for n bytes at the end (not yet counted), NULL when over the ceiling */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *z);
void buf_str(struct buf *b, struct str s);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_i64(struct buf *b, int64_t v);               /* decimal, fast */
void buf_json(struct buf *b, struct str s);           /* "..." with JSON escapes; input is valid UTF-8 */
void buf_json_or_null(struct buf *b, struct str s);   /* the same; null when it is empty */
void buf_hex(struct buf *b, const void *p, size_t n); /* lower case */
void buf_urlencode(struct buf *b, struct str s);      /* RFC 3986 unreserved stay, the rest is %XX */
void buf_base64(struct buf *b, const void *p, size_t n);
const char *buf_cstr(struct buf *b); /* terminates; "" when empty or failed */
struct str buf_view(const struct buf *b);
void buf_consume(struct buf *b, size_t n); /* drops n bytes at the front */
