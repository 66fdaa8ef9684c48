/* receiver.c - see receiver.h. */
#include "webhook/receiver.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define FIRST_LIMIT 8  /* of one that has not answered yet */
#define IDLE_KEPT 1024 /* with what was learned about them */

void receivers_init(struct receivers *rs)
{
	*rs = (struct receivers){.by_key = map_new(), .per_receiver = 1};
	list_init(&rs->ready);
	list_init(&rs->waiting);
	list_init(&rs->idle);
}

static void drop(struct receivers *rs, struct receiver *r)
{
	list_remove(&rs->idle, &r->idle);
	map_del(rs->by_key, r->key, NULL);
	free(r);
}

void receivers_done(struct receivers *rs)
{
	struct node *n;

	while ((n = list_first(&rs->idle)))
		drop(rs, OWNER(struct receiver, idle, n));
	ASSERT(!map_count(rs->by_key));
	map_free(rs->by_key);
}

/* Two receivers whose hashes meet would share their limits, nothing worse. */
static uint64_t key_of(const char *url, uint32_t webhook)
{
	const char *authority = strstr(url, "://");
	size_t n = authority ? (size_t)(authority - url) + 3 : 0;

	n += strcspn(url + n, "/?#\\");
	return hash_bytes(url, n) ^ ((uint64_t)webhook * 0x9e3779b97f4a7c15u);
}

/* Brings the lists in line with the numbers. */
static void place(struct receivers *rs, struct receiver *r)
{
	bool waiting = r->queued > 0, ready = waiting && r->under_way < MIN(r->limit, rs->per_receiver);
	bool idle = !waiting && !r->under_way;

	if (waiting != node_linked(&r->waiting))
		waiting ? list_push(&rs->waiting, &r->waiting) : list_remove(&rs->waiting, &r->waiting);
	if (ready != node_linked(&r->ready))
		ready ? list_push(&rs->ready, &r->ready) : list_remove(&rs->ready, &r->ready);
	if (idle != node_linked(&r->idle))
		idle ? list_push(&rs->idle, &r->idle) : list_remove(&rs->idle, &r->idle);
}

struct receiver *receiver_of(struct receivers *rs, const char *url, uint32_t webhook)
{
	uint64_t key = key_of(url, webhook);
	struct receiver *r = map_ptr(rs->by_key, key);
	struct node *oldest = list_first(&rs->idle);

	if (r)
		return r;
	if (oldest && rs->idle.count >= IDLE_KEPT)
		drop(rs, OWNER(struct receiver, idle, oldest));
	r = xnew(struct receiver);
	r->key = key;
	r->limit = FIRST_LIMIT;
	map_set_ptr(rs->by_key, key, r);
	place(rs, r);
	return r;
}

void receiver_queue(struct receivers *rs, struct receiver *r, struct hook_call *c)
{
	c->in.mail.next = NULL;
	if (r->last)
		r->last->next = &c->in.mail;
	else
		r->first = &c->in.mail;
	r->last = &c->in.mail;
	r->queued++;
	place(rs, r);
}

struct hook_call *receiver_take(struct receivers *rs, struct receiver *r, bool begun)
{
	struct mail *m = r->first;

	r->first = m->next;
	if (!r->first)
		r->last = NULL;
	m->next = NULL;
	r->queued--;
	r->under_way += begun;
	place(rs, r);
	return OWNER(struct hook_call, in.mail, m);
}

void receiver_ended(struct receivers *rs, struct receiver *r, bool answered, int64_t begun_us, int64_t now_us)
{
	r->under_way--;
	if (answered) {
		r->answered_us = now_us;
		r->failing = false;
		r->limit = MIN(r->limit * 2, rs->per_receiver);
	} else if (r->answered_us < begun_us) {
		r->failing = true;
		r->limit = 1;
	}
	place(rs, r);
}

struct receiver *receiver_next_ready(struct receivers *rs)
{
	struct node *n = list_pop(&rs->ready);

	if (n)
		list_push(&rs->ready, n);
	return n ? OWNER(struct receiver, ready, n) : NULL;
}
