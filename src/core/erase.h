/* erase.h - a number's data taken out of memory and store, message by message. What is on its way is left alone: its number is needed. */
#pragma once
#include "base/util.h"

struct engine;
struct store;
struct erase_result {
	size_t erased, open; /* open: not final, or a webhook call is still to be made */
};
/* keys: of messages and of replies. On the engine thread, durable when done is called; NULL: the engine ended before. Any thread.
 * At most ERASE_MAX at once, so that nobody waits long behind it. The first call of a number also takes it from parked receipts. */
#define ERASE_MAX 16
void engine_erase(struct engine *e, struct str number, const int64_t *keys, size_t n,
		  void (*done)(void *ctx, const struct erase_result *r), void *ctx);
/* The same beside no engine. */
int store_erase(struct store *s, struct str number, const int64_t *keys, size_t n, struct erase_result *ret,
		struct err *e) MUST;
