/* contract.h - the checks that every store driver passes: one suite, a table of drivers. A check gets a fresh, open store with a
 * clock of its own; check_reopen() is a crash and a start. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/store.h"

#define DAY ((int64_t)86400000)
#define START (20000 * DAY + 36000000) /* 10:00 of some day */

struct driver {
	const char *name;
	bool files;               /* keeps days apart, has backup and check of files */
	char *(*place_new)(void); /* where its data goes; owned by the caller, NULL ok */
	void (*place_free)(char *take);
	int (*open)(struct store **ret, const struct store_options *o, struct err *e);
	struct store *(*crash)(struct store *s, const struct store_options *o); /* s is gone afterwards */
};
struct fixture {
	const struct driver *driver;
	char *place;
	struct store_options options;
	int64_t now; /* wall ms, what the store sees */
	struct store *s;
	const struct store_ops *o;
};
struct check {
	const char *name;
	void (*fn)(struct fixture *f);
};
#define CHECK(name)         \
	{                   \
#name, name \
	}
extern const struct check batch_checks[], due_checks[], live_checks[], credit_checks[], number_checks[],
	merge_checks[], reader_checks[], day_checks[], mo_checks[];
extern const size_t batch_check_count, due_check_count, live_check_count, credit_check_count,
	number_check_count, merge_check_count, reader_check_count, day_check_count, mo_check_count;

void fixture_open(struct fixture *f);
void check_reopen(struct fixture *f);

static inline int64_t key_at(const struct fixture *f, int64_t i) { return uid_key_at(f->now) + i; }
static inline void begin(struct fixture *f) { f->o->begin(f->s); }
void commit(struct fixture *f);                  /* must succeed */
struct delivery *sample(int64_t key);            /* every field set; free it */
void accept_one(struct fixture *f, int64_t key); /* sample, QUEUED */
void accept_with(struct fixture *f, int64_t key, const char *correlation, int state);
void event_one(struct fixture *f, int64_t seq, int64_t key, int kind);
void event_full(struct fixture *f, const struct event *e);
/* Sets the state of key in its row, with these events merged. */
void merge_one(struct fixture *f, int64_t key, int state, const int64_t *seqs, size_t n);
bool same_delivery(const struct delivery *a, const struct delivery *b);
bool has(struct fixture *f, int64_t key);
int state_of(struct fixture *f, int64_t key); /* -1 when there is none */
struct str bytes_of(const int64_t *v);        /* a mark's value */
void set_mark(struct fixture *f, const char *key, int64_t v);

struct list {
	int64_t a[4096];
	size_t n, stop;              /* stop: 0 = never, else after so many */
	size_t events;               /* told with the last one, and */
	int64_t first_seq, last_seq; /* their seqs; 0 none */
	struct {
		size_t events;
		int64_t first, last;
	} each[64];
};
bool list_delivery(void *ctx, struct delivery *take); /* collects keys */
bool list_recovered(void *ctx, struct delivery *take, const struct event *ev, size_t n);
bool list_event(void *ctx, const struct event *e); /* seqs */
bool list_due(void *ctx, const struct due *d);
bool list_hook(void *ctx, const struct hook_row *h);
bool list_parked(void *ctx, const struct parked_row *p); /* ids */
bool list_scanned(void *ctx, const struct delivery *d);
#define assert_list(l, ...)                                        \
	do {                                                       \
		const int64_t want_[] = {__VA_ARGS__};             \
		assert_int_equal((l)->n, COUNT_OF(want_));         \
		assert_memory_equal((l)->a, want_, sizeof(want_)); \
	} while (0)
