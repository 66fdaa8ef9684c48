/* config_reading.h - for the tests of the configuration: a text is read, and either has these settings or just these faults. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/config.h"

#define CONNECTION "{name: main, smpp: [\"smpp://127.0.0.1:2775\"], system_id: u, password: p}"

char *faults_of(const char *text, size_t n);       /* one a line, without the file's name; free it */
void expect(const char *text, const char *faults); /* just these */
struct settings *good(const char *text);           /* no fault; free it */
