/* lifecycle_life.h - a delivery's life as rows: a fact each, and what is to follow from it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/lifecycle.h"

#define T0 1790000000000
#define VALIDITY 600000
#define UNDELIVERED 5
#define ENROUTE 1

enum op { END, DISPATCH, RESULT, RECEIPT, TIMER, RESTART, REFUSE, CANCEL, PAUSE, RESUME, OPS };
struct row {
	enum op op;
	int a, b, c;   /* RESULT: verdict, part, parts. RECEIPT: part, state. REFUSE: code, reason */
	int64_t after; /* ms since the row before */
	int events[3]; /* expected, in order */
	int state;
	int code, reason; /* expected at the end of the row: sent code (or delivered, when there is one), reason */
};
struct life {
	const char *name;
	int parts, flags;
	bool no_receipt_fails;
	struct row rows[10];
};

extern const struct policy policy;
struct delivery *fresh(const struct life *l); /* free it */
/* What lifecycle_step() says to the fact of that row. */
void decide(const struct delivery *d, const struct row *row, const struct policy *p, int64_t now, struct decision *out);
