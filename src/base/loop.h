/* loop.h - one thread's event loop (libevent behind it): one-shot timers, mailboxes, deferred frees. Everything here is called
 * from the loop's own thread, except loop_stop(). Sockets of the carriers use bufferevents on loop_base(). */
#pragma once
#include "base/mailbox.h"

struct event_base;
struct event;
struct loop; /* opaque */
struct loop *loop_new(void);
void loop_free(struct loop *l); /* after timer_done() of all its timers; runs what is still deferred */
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l); /* from any thread; the loop returns after its current turn */
struct event_base *loop_base(struct loop *l);

/* A timer that fires once and is then off. Embedded; zero it (or timer_init) before first use. */
struct timer {
	struct event *ev;
	void (*fn)(struct timer *t);
};
void timer_init(struct timer *t, struct loop *l, void (*fn)(struct timer *t));
void timer_set(struct timer *t, int64_t delay_ms); /* replaces a running one */
void timer_off(struct timer *t);
bool timer_on(const struct timer *t);
void timer_done(struct timer *t); /* off and frees; tolerates a zeroed timer */
/* Calls fn(ctx, first) with all that the mailbox holds whenever something arrives. */
int loop_attach(struct loop *l, struct mailbox *mb, void (*fn)(void *ctx, struct mail *first), void *ctx) MUST;
/* Calls fn(ctx) at the end of the current turn; for freeing objects outside their own callbacks. */
void loop_defer(struct loop *l, void (*fn)(void *ctx), void *ctx);
