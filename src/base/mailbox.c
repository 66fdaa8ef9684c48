/* mailbox.c - many posters, one taker.
 *
 * Posters push onto a stack by compare-and-swap; the taker swaps the whole stack out and turns it round. The eventfd costs a
 * system call, so it is written only when the taker has said (armed) that it may sleep:
 *
 *   taker:   armed = true;  look at head again;  sleep
 *   poster:  push to head;  if armed: armed = false, write the eventfd
 *
 * All four accesses are sequentially consistent, so at least one side sees the other.
 */
#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/time.h"

#define CLOSED ((size_t)1 << (sizeof(size_t) * 8 - 1)) /* top bit of weight */

struct mailbox {
	alignas(64) _Atomic(struct mail *) head; /* newest first */
	alignas(64) atomic_size_t weight;
	alignas(64) atomic_bool armed;
	atomic_bool woken;
	size_t limit;
	int fd;
};

struct mailbox *mailbox_new(size_t limit)
{
	struct mailbox *mb = aligned_alloc(64, sizeof(*mb));

	ASSERT(mb && limit < CLOSED);
	*mb = (struct mailbox){.limit = limit, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	ASSERT(mb->fd >= 0);
	atomic_store(&mb->armed, true);
	return mb;
}

void mailbox_free(struct mailbox *mb)
{
	if (!mb)
		return;
	close(mb->fd);
	free(mb);
}

static void signal_fd(struct mailbox *mb)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(mb->fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so it is readable already. */
}

static void quiet_fd(struct mailbox *mb)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(mb->fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
}

static void push(struct mailbox *mb, struct mail *m)
{
	struct mail *head = atomic_load_explicit(&mb->head, memory_order_relaxed);

	do
		m->next = head;
	while (!atomic_compare_exchange_weak(&mb->head, &head, m));
	if (atomic_load(&mb->armed) && atomic_exchange(&mb->armed, false))
		signal_fd(mb);
}

bool mailbox_post(struct mailbox *mb, struct mail *m, size_t weight)
{
	size_t before = atomic_fetch_add_explicit(&mb->weight, weight, memory_order_relaxed);
	size_t held = before & ~CLOSED;

	if (before & CLOSED || (held && (held > mb->limit || weight > mb->limit - held))) {
		atomic_fetch_sub_explicit(&mb->weight, weight, memory_order_relaxed);
		return false;
	}
	push(mb, m);
	return true;
}

void mailbox_post_always(struct mailbox *mb, struct mail *m) { push(mb, m); }

static struct mail *swap_out(struct mailbox *mb)
{
	struct mail *newest, *oldest = NULL;

	/* A plain look first: most looks of an idle taker find nothing, and a swap would take the line from the posters. */
	if (!atomic_load(&mb->head))
		return NULL;
	newest = atomic_exchange(&mb->head, NULL);
	while (newest) {
		struct mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

struct mail *mailbox_take(struct mailbox *mb)
{
	struct mail *first = swap_out(mb);

	if (first)
		return first;
	quiet_fd(mb);
	atomic_store(&mb->armed, true);
	return swap_out(mb);
}

void mailbox_wait(struct mailbox *mb, int timeout_ms)
{
	int64_t end = timeout_ms > 0 ? mono_us() + (int64_t)timeout_ms * 1000 : 0;
	struct pollfd pfd = {.fd = mb->fd, .events = POLLIN};
	int left = timeout_ms;

	atomic_store(&mb->armed, true);
	while (!atomic_load(&mb->head) && !atomic_load(&mb->woken)) {
		if (poll(&pfd, 1, left) > 0) {
			/* A signal left over from what was taken meanwhile wakes once more; then it is silent. */
			quiet_fd(mb);
			atomic_store(&mb->armed, true);
		}
		if (timeout_ms >= 0) {
			int64_t us = end - mono_us();

			if (timeout_ms == 0 || us <= 0)
				break;
			left = (int)((us + 999) / 1000);
		}
	}
	atomic_store(&mb->armed, false);
	atomic_store(&mb->woken, false);
}

void mailbox_wake(struct mailbox *mb)
{
	atomic_store(&mb->woken, true);
	signal_fd(mb);
}

int mailbox_fd(struct mailbox *mb) { return mb->fd; }

void mailbox_release(struct mailbox *mb, size_t weight)
{
	atomic_fetch_sub_explicit(&mb->weight, weight, memory_order_relaxed);
}

void mailbox_close(struct mailbox *mb) { atomic_fetch_or(&mb->weight, CLOSED); }

size_t mailbox_weight(const struct mailbox *mb)
{
	return atomic_load_explicit(&mb->weight, memory_order_relaxed) & ~CLOSED;
}
