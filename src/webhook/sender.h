/* sender.h - makes the webhook calls the engine hands over, on a thread of its own, and gives each back with its outcome.
 *
 * Every call that was sent comes back through post() exactly once, on the sender's thread (or, for what was still unread when it
 * was closed, on the closing one). What comes back unanswered is the engine's to try again:
 *   ok                       2xx; or nobody wants the call any more (status 0, why "no webhook")
 *   status > 0, not ok       answered: "HTTP 503"
 *   status 0, not ok         no answer: "timeout", "connection refused", "private address 10.0.0.1 is not allowed", ...;
 *                            "not tried: ..." when the receiver had just failed; "shutting down" */
#pragma once
#include "core/outbox.h"

struct sender;
/* s is copied. The process ignores SIGPIPE. */
int sender_open(struct sender **ret, const struct settings *s,
		void (*post)(void *ctx, struct hook_call *done), void *ctx, struct err *e) MUST;
extern const struct hook_sender_ops sender_ops; /* its void *sender is the struct sender */
/* New settings; what is under way ends by the old time-outs. Any thread; s is copied. */
void sender_settings(struct sender *s, const struct settings *new_settings);
/* Begins no more calls (they come back), lets those under way finish within grace_ms. Returns at once. */
void sender_stop(struct sender *s, int64_t grace_ms);
/* Stops, waits for the thread, gives back what is left, frees. No send() may run beside it. NULL ok. */
void sender_close(struct sender *s);
