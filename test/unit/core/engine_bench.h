/* engine_bench.h - an engine over the memory store for tests, with a clock of theirs. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine.h"
#include "store/memory.h"

struct engine_bench {
	struct store *s;
	struct engine *e;
	struct settings settings; /* room for a megabyte, a day of validity and of waiting for receipts */
	struct engine_config config;
	_Atomic int64_t now; /* ms */
};
void engine_bench_make(struct engine_bench *b, int64_t now); /* a store, no engine; b all zero */
void engine_bench_open(struct engine_bench *b); /* the engine, by settings and config; again after a close of it: a restart */
void engine_bench_turn(struct engine_bench *b);
void engine_bench_close(struct engine_bench *b); /* engine, if there is one, and store */
