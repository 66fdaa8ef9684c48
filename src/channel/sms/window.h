/* window.h - requests without a response, found by sequence number, oldest first. Entries are embedded in their owner's objects.
 *
 * An entry is waiting until it is taken, or until its response is overdue; then it may be kept for a while among the late ones,
 * where its response still finds it but which no longer fill the window. Numbers start anew with each link, so a window belongs
 * to one life of a link and is emptied with it. */
#pragma once
#include "base/list.h"

struct window_entry {
	struct node node;           /* waiting or late, oldest first */
	struct window_entry *chain; /* same bucket */
	uint32_t seq;
	bool late;
	int64_t written_us; /* mono */
};
struct window {
	struct window_entry **buckets;
	uint32_t mask;
	struct list waiting, late;
};
void window_init(struct window *w, unsigned size); /* size: entries expected, not a limit */
void window_done(struct window *w);                /* must be empty; tolerates a zeroed one */
void window_add(struct window *w, struct window_entry *e, uint32_t seq, int64_t now_us);
/* The entry of that number, waiting or late, no longer in the window; NULL when there is none. */
struct window_entry *window_take(struct window *w, uint32_t seq);
void window_remove(struct window *w, struct window_entry *e);
struct window_entry *window_oldest(const struct window *w);      /* of the waiting ones; NULL when none */
void window_make_late(struct window *w, struct window_entry *e); /* a waiting one */
struct window_entry *window_any(const struct window *w);         /* waiting before late; NULL when empty */
static inline size_t window_used(const struct window *w) { return w->waiting.count; }
