/* loop.c - one thread's event loop.
 *
 * A turn: mailboxes that were left full last time, then whatever libevent finds ready (waiting for it when there is nothing
 * else to do), then the deferred calls. Deferred calls are not events of a low priority, for those starve under load. */
#include "base/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/list.h"

#define TAKES_PER_TURN 8 /* of one mailbox, so that sockets get their turn beside busy posters */
#define DELAY_MAX_MS ((int64_t)10 * 366 * 86400 * 1000)

struct attachment {
	struct node node; /* loop.attached */
	struct loop *loop;
	struct mailbox *mb;
	struct event *ev;
	void (*fn)(void *ctx, struct mail *first);
	void *ctx;
	bool again; /* not seen empty since it last was ready */
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct event *stop_ev;
	int stop_fd;
	atomic_bool stop;
	struct list attached;
	bool again; /* of any attachment */
	struct deferred *deferred, **deferred_end;
};

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t n;

	(void)what;
	(void)ctx;
	(void)!read(fd, &n, sizeof(n)); /* the flag says it all */
}

struct loop *loop_new(void)
{
	struct loop *l = xnew(struct loop);
	struct event_config *cfg = event_config_new();

	list_init(&l->attached);
	l->deferred_end = &l->deferred;
	/* One thread, so no locks; and timers that do not fire up to 4 ms early, as with the coarse clock. */
	ASSERT(cfg && event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER) == 0);
	l->base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(l->base && l->stop_fd >= 0);
	l->stop_ev = event_new(l->base, l->stop_fd, EV_READ | EV_PERSIST, on_stop, l);
	ASSERT(l->stop_ev && event_add(l->stop_ev, NULL) == 0);
	return l;
}

static void run_deferred(struct loop *l)
{
	struct deferred *d = l->deferred;

	/* What these defer in their turn waits for the next turn, else a chain could hold the loop. */
	l->deferred = NULL;
	l->deferred_end = &l->deferred;
	while (d) {
		struct deferred *next = d->next;

		d->fn(d->ctx);
		free(d);
		d = next;
	}
}

void loop_free(struct loop *l)
{
	struct node *n;

	if (!l)
		return;
	while (l->deferred)
		run_deferred(l);
	while ((n = list_pop(&l->attached)) != NULL) {
		struct attachment *a = OWNER(struct attachment, node, n);

		event_free(a->ev);
		free(a);
	}
	event_free(l->stop_ev);
	event_base_free(l->base);
	close(l->stop_fd);
	free(l);
}

static void drain(struct attachment *a)
{
	for (int i = 0; i < TAKES_PER_TURN; i++) {
		struct mail *first = mailbox_take(a->mb);

		if (!first) {
			a->again = false;
			return;
		}
		a->fn(a->ctx, first);
	}
	/* Not seen empty, so posters do not signal: look again without waiting. */
	a->again = true;
	a->loop->again = true;
}

static void on_mailbox(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drain(ctx);
}

static void drain_again(struct loop *l)
{
	if (!l->again)
		return;
	l->again = false;
	for (struct node *n = list_first(&l->attached); n; n = list_next(&l->attached, n)) {
		struct attachment *a = OWNER(struct attachment, node, n);

		if (a->again)
			drain(a);
	}
}

void loop_run(struct loop *l)
{
	while (!atomic_load(&l->stop)) {
		int flags = EVLOOP_ONCE;

		drain_again(l);
		if (l->again || l->deferred)
			flags |= EVLOOP_NONBLOCK;
		event_base_loop(l->base, flags);
		run_deferred(l);
	}
	atomic_store(&l->stop, false);
}

void loop_stop(struct loop *l)
{
	uint64_t one = 1;

	atomic_store(&l->stop, true);
	(void)!write(l->stop_fd, &one, sizeof(one));
}

struct event_base *loop_base(struct loop *l) { return l->base; }

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct timer *t = ctx;

	(void)fd;
	(void)what;
	t->fn(t);
}

void timer_init(struct timer *t, struct loop *l, void (*fn)(struct timer *t))
{
	t->fn = fn;
	t->ev = event_new(l->base, -1, 0, on_timer, t);
	ASSERT(t->ev);
}

void timer_set(struct timer *t, int64_t delay_ms)
{
	int64_t ms = delay_ms < 0 ? 0 : MIN(delay_ms, DELAY_MAX_MS);
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	ASSERT(event_add(t->ev, &tv) == 0);
}

void timer_off(struct timer *t)
{
	if (t->ev)
		event_del(t->ev);
}

bool timer_on(const struct timer *t) { return t->ev && event_pending(t->ev, EV_TIMEOUT, NULL); }

void timer_done(struct timer *t)
{
	if (!t->ev)
		return;
	event_free(t->ev);
	t->ev = NULL;
}

int loop_attach(struct loop *l, struct mailbox *mb, void (*fn)(void *ctx, struct mail *first), void *ctx)
{
	struct attachment *a = xnew(struct attachment);

	*a = (struct attachment){.loop = l, .mb = mb, .fn = fn, .ctx = ctx, .again = true};
	a->ev = event_new(l->base, mailbox_fd(mb), EV_READ | EV_PERSIST, on_mailbox, a);
	if (!a->ev || event_add(a->ev, NULL) < 0) {
		if (a->ev)
			event_free(a->ev);
		free(a);
		return -ENOMEM;
	}
	list_push(&l->attached, &a->node);
	l->again = true; /* what was posted before may have been signalled to nobody */
	return 0;
}

void loop_defer(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct deferred *d = xnew(struct deferred);

	*d = (struct deferred){.fn = fn, .ctx = ctx};
	*l->deferred_end = d;
	l->deferred_end = &d->next;
}
