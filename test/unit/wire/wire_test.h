/* wire_test.h - what the tests of the codecs share. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/buf.h"

#define TEST(name) static void name(void **state_ __attribute__((unused)))
#define RUN(name) cmocka_unit_test(name)

static inline int nibble(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

/* Blanks are allowed. The block has exactly the size of the octets, so that the address sanitizer sees a read past it. */
static inline uint8_t *unhex(const char *hex, size_t *n)
{
	uint8_t *p = malloc(strlen(hex) / 2 + 1), *exact;

	assert_non_null(p);
	*n = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		p[(*n)++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
		hex++;
	}
	exact = malloc(*n ? *n : 1);
	assert_non_null(exact);
	memcpy(exact, p, *n);
	free(p);
	return exact;
}

static inline void assert_hex(const void *p, size_t n, const char *want)
{
	size_t wn;
	uint8_t *w = unhex(want, &wn);

	assert_int_equal(n, wn);
	if (n)
		assert_memory_equal(p, w, n);
	free(w);
}

static inline void assert_buf_hex(const struct buf *b, const char *want) { assert_hex(b->p, b->n, want); }

static inline void assert_buf_text(struct buf *b, const char *want)
{
	assert_string_equal(buf_cstr(b), want);
}

/* s so many times, then tail; free it. */
static inline char *repeat(const char *s, size_t times, const char *tail)
{
	size_t n = strlen(s);
	char *z = malloc(n * times + strlen(tail) + 1);

	assert_non_null(z);
	for (size_t i = 0; i < times; i++)
		memcpy(z + i * n, s, n);
	strcpy(z + n * times, tail);
	return z;
}
