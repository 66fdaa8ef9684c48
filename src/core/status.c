/* status.c - what the engine shows of itself: once a second it writes depth and age of its queues and backlogs into metrics, and
 * a picture as JSON that any thread may read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ring.h"

#define CONNECTIONS_SHOWN 256
#define HEADS_LOOKED_AT 256

/* Keys of what expired meanwhile stay in the window until their turn; they are not what waits longest. */
static int64_t oldest_of(struct engine *e, struct queue *k)
{
	for (int left = HEADS_LOOKED_AT; left-- && queue_peek(k);) {
		const struct live *lv = live_get(&e->lives, queue_peek(k));

		if (lv && lv->d->state == D_QUEUED && !delivery_paused(lv->d))
			break;
		queue_pop(&e->queues, k);
	}
	if (k->count)
		return uid_key_ms(queue_peek(k));
	return k->spilled ? uid_key_ms(k->spill_from) : 0;
}

static void gauge(const char *name, const char *help, const char *label, const char *value, int64_t v)
{
	metric_cell_set(metric_cell(name, help, METRIC_GAUGE, label, value), v);
}

/* A queue belongs to a route; it is shown with the connection that the route would use first. */
static void count_queues(struct engine *e)
{
	for (size_t i = 0; i < e->routes.connection_count; i++) {
		e->routes.connections[i]->depth = 0;
		e->routes.connections[i]->oldest = 0;
	}
	for (struct node *n = list_first(&e->queues.all); n; n = list_next(&e->queues.all, n)) {
		struct queue *k = OWNER(struct queue, all, n);
		const struct route *r = k->set ? k->set->way : NULL;
		struct connection *c = r && r->n ? r->to[0].c : NULL;
		int64_t at;

		if (!c || !k->waiting)
			continue;
		at = oldest_of(e, k);
		c->depth += k->waiting;
		if (at)
			c->oldest = c->oldest ? MIN(c->oldest, at) : at;
	}
}

static void connections(struct engine *e, struct buf *json)
{
	count_queues(e);
	buf_puts(json, "\"connections\":[");
	for (size_t i = 0; i < MIN(e->routes.connection_count, CONNECTIONS_SHOWN); i++) {
		const struct connection *c = e->routes.connections[i];
		size_t depth = c->depth;
		int64_t oldest = c->oldest ? MAX(e->now - c->oldest, 0) : 0;

		if (!c->configured)
			continue;
		gauge("pombo_queue_depth", "Messages waiting for a connection", "connection", c->name, (int64_t)depth);
		gauge("pombo_queue_oldest_seconds", "Age of the oldest message waiting for a connection",
		      "connection", c->name, oldest / 1000);
		gauge("pombo_connection_up", "1 when a bind of the connection can submit", "connection", c->name, c->up);
		gauge("pombo_connection_breaker", "0 the connection is well, 1 it is being tried, 2 it is sick and gets nothing",
		      "connection", c->name, (int64_t)c->breaker.state);
		if (json->p[json->n - 1] == '}')
			buf_putc(json, ',');
		buf_puts(json, "{\"name\":");
		buf_json(json, str_of(c->name));
		buf_fmt(json, ",\"up\":%s,\"credits\":%d,\"window\":%d,\"queued\":%zu,\"oldestMs\":%lld,\"breaker\":{\"state\":\"%s\"",
			c->up ? "true" : "false", c->credits, c->window, depth, (long long)oldest,
			breaker_name(c->breaker.state));
		buf_fmt(json, ",\"opened\":%llu,\"retryMs\":%lld,\"why\":\"%s\"}}",
			(unsigned long long)c->breaker.opened,
			(long long)(c->breaker.state == BREAKER_OPEN ? MAX(c->breaker.until - e->now, (int64_t)0) : 0),
			c->breaker.why ? c->breaker.why : "");
	}
	buf_putc(json, ']');
}

static void endpoints(struct engine *e, struct buf *json)
{
	buf_puts(json, "\"webhooks\":[");
	for (size_t i = 0; i < e->hooks.count; i++) {
		const struct endpoint *p = e->hooks.all[i];
		struct node *n = list_first(&p->fifo);
		int64_t age = n ? e->now - OWNER(struct hook_pending, fifo, n)->born : 0;
		char id[16];

		snprintf(id, sizeof id, "%u", p->webhook);
		gauge("pombo_webhook_backlog", "Webhook calls not done, in memory and on disk", "webhook", id,
		      (int64_t)(p->fifo.count + p->away + p->stored));
		gauge("pombo_webhook_oldest_seconds", "Age of the oldest call waiting in memory", "webhook",
		      id, age / 1000);
		buf_fmt(json, "%s{\"id\":%u,\"waiting\":%zu,\"away\":%zu,\"onDisk\":%zu,\"oldestMs\":%lld}",
			i ? "," : "", p->webhook, p->fifo.count, p->away, p->stored, (long long)age);
	}
	buf_putc(json, ']');
}

void status_second(struct engine *e)
{
	struct buf json = BUF_INIT, old;

	buf_putc(&json, '{');
	connections(e, &json);
	buf_putc(&json, ',');
	endpoints(e, &json);
	buf_fmt(&json, ",\"inDoubt\":%zu,\"parkedReceipts\":%zu,\"underWay\":%zu}", e->receipts.doubt.count,
		e->receipts.count, e->under_way);
	pthread_mutex_lock(&e->status_lock);
	old = e->status;
	e->status = json;
	pthread_mutex_unlock(&e->status_lock);
	buf_done(&old);
}

void engine_status(struct engine *e, struct buf *json)
{
	pthread_mutex_lock(&e->status_lock);
	buf_str(json, e->status.n ? buf_view(&e->status) : STR("{}"));
	pthread_mutex_unlock(&e->status_lock);
}
