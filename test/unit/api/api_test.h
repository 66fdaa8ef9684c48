/* api_test.h - what the tests of the API share. */
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

/* So many of them; valid until the next call. */
static inline const char *repeat(const char *what, int n)
{
	static struct buf b;

	buf_clear(&b);
	while (n--)
		buf_puts(&b, what);
	return buf_cstr(&b);
}
