/* mailbox.h - bounded hand-over of whole objects between threads: many posters, one taker. Ownership moves with the node. */
#pragma once
#include "base/util.h"

struct mail {
	struct mail *next;
};
struct mailbox;                            /* opaque */
struct mailbox *mailbox_new(size_t limit); /* limit in weight units */
void mailbox_free(struct mailbox *m);      /* must be empty or its content lost to the caller's knowledge */
/* Adds m (weight counted against the limit until mailbox_release). false: full or closed, the caller keeps the object. What
 * weighs more than the whole limit passes when nothing else is held, so that it is not refused for ever. */
bool mailbox_post(struct mailbox *mb, struct mail *m, size_t weight) MUST;
/* For objects whose number is bounded elsewhere (results of work the taker itself handed out): never refused. */
void mailbox_post_always(struct mailbox *mb, struct mail *m);
/* All that is there, oldest first, linked by next; NULL when empty. Never blocks. One thread only. Posters signal the eventfd
 * only after a NULL (or inside mailbox_wait), so whoever sleeps on mailbox_fd() takes until NULL first. */
struct mail *mailbox_take(struct mailbox *mb);
/* Waits until something is there, or timeout_ms (-1: for ever) passed, or mailbox_wake() was called. */
void mailbox_wait(struct mailbox *mb, int timeout_ms);
void mailbox_wake(struct mailbox *mb);
int mailbox_fd(struct mailbox *mb); /* eventfd, readable when something is there; for event loops */
void mailbox_release(struct mailbox *mb, size_t weight); /* the taker is done with that much; any thread */
void mailbox_close(struct mailbox *mb); /* posts are refused from now on (post_always still works) */
size_t mailbox_weight(const struct mailbox *mb);
