/* commands_connection.c - how the connections to the carriers are, as the channel and the engine's queues see them. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "app/commands.h"
#include "app/commands_timeline.h"
#include "base/time.h"
#include "core/channel.h"
#include "wire/json.h"

static void put_text(struct buf *out, struct json *j) { timeline_safe(out, json_str(j)); }

static void put_bind(struct buf *out, struct json *bind)
{
	int64_t since = json_int(json_get(bind, "since"));
	char at[ISO_MAX];

	buf_puts(out, "  ");
	put_text(out, json_get(bind, "role"));
	buf_putc(out, ' ');
	put_text(out, json_get(bind, "state"));
	buf_puts(out, "  ");
	put_text(out, json_get(bind, "host"));
	if (since > 0)
		buf_fmt(out, "  since %s", iso_utc(at, since, false));
	if (json_int(json_get(bind, "retryMs")) > 0)
		buf_fmt(out, "  next try in %lld ms", (long long)json_int(json_get(bind, "retryMs")));
	if (json_str(json_get(bind, "why")).n)
		buf_puts(out, "  ");
	put_text(out, json_get(bind, "why"));
	buf_putc(out, '\n');
}

/* The engine's row for a connection: what waits for it. */
static struct json *queue_of(struct json *engine, struct str name)
{
	struct json *all = json_get(engine, "connections");

	for (size_t i = 0; i < json_count(all); i++)
		if (str_eq(json_str(json_get(json_at(all, i), "name")), name))
			return json_at(all, i);
	return NULL;
}

/* Only when there is something to say: it is not well. */
static void put_breaker(struct buf *out, struct json *breaker)
{
	struct str state = json_str(json_get(breaker, "state"));
	int64_t retry = json_int(json_get(breaker, "retryMs"));

	if (str_eqz(state, "open"))
		buf_puts(out, "  sick: gets nothing");
	else if (str_eqz(state, "half-open"))
		buf_puts(out, "  was sick: gets a few messages to see");
	else
		return;
	if (retry > 0)
		buf_fmt(out, " for %lld s", (long long)(retry + 999) / 1000);
	buf_puts(out, "  (");
	put_text(out, json_get(breaker, "why"));
	buf_puts(out, ")\n");
}

/* Nothing when it is not held. */
static int hold_words(const char *word) { return strcmp(word, ", none") == 0 ? 0 : (int)strlen(word); }

static void put_connection(struct buf *out, struct json *x, struct json *engine)
{
	struct json *binds = json_get(x, "binds"), *queue = queue_of(engine, json_str(json_get(x, "name")));
	char hold[32];

	put_text(out, json_get(x, "name"));
	snprintf(hold, sizeof hold, ", %.*s", (int)json_str(json_get(x, "hold")).n,
		 json_str(json_get(x, "hold")).p);
	buf_fmt(out, "  %s%s%.*s  window %lld of %lld", json_bool(json_get(x, "up")) ? "up" : "down",
		json_bool(json_get(x, "retired")) ? ", leaving" : "", hold_words(hold), hold,
		(long long)json_int(json_get(x, "used")), (long long)json_int(json_get(x, "window")));
	if (json_int(json_get(x, "rate")) > 0)
		buf_fmt(out, "  %lld parts/s", (long long)json_int(json_get(x, "rate")));
	buf_fmt(out, "  %lld waiting, the oldest for %lld s\n", (long long)json_int(json_get(queue, "queued")),
		(long long)json_int(json_get(queue, "oldestMs")) / 1000);
	put_breaker(out, json_get(queue, "breaker"));
	for (size_t i = 0; i < json_count(binds); i++)
		put_bind(out, json_at(binds, i));
}

static int print_table(struct context *c, struct str carriers, struct str engine)
{
	struct err e;
	struct json_doc *a = json_read(carriers.p, carriers.n, &e), *b = json_read(engine.p, engine.n, &e);
	struct buf out = BUF_INIT;
	int code = a && b ? EX_OK : complain(c, EX_SOFTWARE, "the status cannot be read: %s", e.text);

	for (size_t i = 0; code == EX_OK && i < json_count(json_root(a)); i++)
		put_connection(&out, json_at(json_root(a), i), json_root(b));
	say(c, "%s", buf_cstr(&out));
	buf_done(&out);
	json_free(a);
	json_free(b);
	return code;
}

int connection_list(struct context *c, const struct args *a)
{
	struct buf carriers = BUF_INIT, engine = BUF_INIT;
	int code = EX_OK;

	(void)a;
	c->g->sms->ops->status(c->g->sms, &carriers);
	engine_status(c->g->engine, &engine);
	if (c->json)
		say(c, "{\"carriers\":%s,\"engine\":%s}\n", buf_cstr(&carriers), buf_cstr(&engine));
	else
		code = print_table(c, buf_view(&carriers), buf_view(&engine));
	buf_done(&carriers);
	buf_done(&engine);
	return code;
}

/* -- the operator's word -------------------------------------------------------------------------------------------- */

#define HOLD_WAIT_S 5 /* the carriers' thread is never busy for long */

/* Shared with the carriers' thread; whoever lets go last frees it. */
struct holding {
	sem_t done;
	atomic_int refs;
	bool found;
};

static void let_go(struct holding *h)
{
	if (atomic_fetch_sub(&h->refs, 1) != 1)
		return;
	sem_destroy(&h->done);
	free(h);
}

static void in_force(void *ctx, bool found)
{
	struct holding *h = ctx;

	h->found = found;
	sem_post(&h->done);
	let_go(h);
}

/* Only once nothing leaves any more is it said. */
static int tell_channel(struct context *c, uint16_t number, enum hold hold)
{
	struct holding *h = xnew(struct holding);
	struct timespec until;
	bool done;

	sem_init(&h->done, 0, 0);
	atomic_store(&h->refs, 2);
	c->g->sms->ops->hold(c->g->sms, number, hold, in_force, h);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HOLD_WAIT_S;
	done = sem_timedwait(&h->done, &until) == 0 && h->found;
	let_go(h);
	return done ? EX_OK : complain(c, EX_TEMPFAIL, "it is noted, but not in force yet");
}

static int set_hold(struct context *c, const char *name, enum hold hold, const char *action, const char *now)
{
	const struct connection_setting *found = NULL;
	uint16_t number;
	struct err e;
	int r;

	for (size_t i = 0; i < c->settings->sms.connection_count; i++)
		if (strcmp(c->settings->sms.connections[i].name, name) == 0)
			found = &c->settings->sms.connections[i];
	if (!found)
		return complain(c, EX_NOINPUT, "no connection is called \"%s\"", name);
	r = admin_connection_number(c->admin, str_of(name), &number, &e);
	if (r == 0)
		r = admin_connection_hold_set(c->admin, str_of(name), (int)hold, &e);
	if (r < 0)
		return complain_errno(c, r, &e);
	r = context_audit(c, action, "%s", name);
	if (r == 0 && c->g)
		r = tell_channel(c, number, hold);
	if (r)
		return r;
	if (c->json)
		say(c, "{\"name\":\"%s\",\"hold\":\"%s\"}\n", name, now);
	else
		say(c, "%s: %s\n", name, hold ? now : "resumed");
	return EX_OK;
}

int connection_pause(struct context *c, const struct args *a)
{
	return set_hold(c, a->argument[0], HOLD_PAUSED, "connection pause", "paused");
}

int connection_resume(struct context *c, const struct args *a)
{
	return set_hold(c, a->argument[0], HOLD_NONE, "connection resume", "none");
}

int connection_drain(struct context *c, const struct args *a)
{
	return set_hold(c, a->argument[0], HOLD_DRAINED, "connection drain", c->g ? "draining" : "drained");
}
