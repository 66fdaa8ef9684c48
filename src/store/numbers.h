/* numbers.h - block and opt-out lists on the disk, numbers.db: who is on a list since when and why, and what was taken off. Thread-safe
 * (one lock inside); a change is durable when the call returns. Memory works with a copy (core/numbers.h). */
#pragma once
#include "model/number_list.h"

struct numbers_db;
/* -EPROTO: written by a newer program. */
int numbers_db_open(struct numbers_db **ret, const char *data_folder, struct err *e) MUST;
void numbers_db_close(struct numbers_db *db); /* NULL ok */

/* Applies the changes in their order in one transaction. Who is on a list already stays there as he is; who is taken off goes to the
 * history, with the change's time, source and reason. changed (may be NULL): how many made a difference. mark > 0 becomes the mark
 * unless it is behind it. */
int numbers_db_change(struct numbers_db *db, const struct number_change *c, size_t n, int64_t mark,
		      size_t *changed, struct err *e) MUST;
int numbers_db_mark(struct numbers_db *db, int64_t *ret, struct err *e) MUST; /* 0: none yet */

/* An entry as it stands. why is borrowed for the call. false: no more. The call-back must not come back to db. */
typedef bool numbers_db_fn(void *ctx, const struct number_change *entry);
/* Every entry of every list, for memory. */
int numbers_db_each(struct numbers_db *db, numbers_db_fn *fn, void *ctx, struct err *e) MUST;
/* Of one list, numbers above `after`, in their order, at most limit. */
int numbers_db_page(struct numbers_db *db, enum number_list list, uint32_t owner, uint64_t after,
		    size_t limit, numbers_db_fn *fn, void *ctx, struct err *e) MUST;
/* All there ever was about one number in one list, oldest first. An entry of the past has `on` false, and in `end` when, by whom
 * and why it was taken off; for one that stands end is NULL. */
typedef bool numbers_db_past_fn(void *ctx, const struct number_change *entry, const struct number_change *end);
int numbers_db_history(struct numbers_db *db, enum number_list list, uint32_t owner, uint64_t number,
		       numbers_db_past_fn *fn, void *ctx, struct err *e) MUST;
