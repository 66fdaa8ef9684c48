/* commands_connection.c - how the connections to the carriers are, as the channel and the engine's queues see them. */
#include <sysexits.h>

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

static void put_connection(struct buf *out, struct json *x, struct json *engine)
{
	struct json *binds = json_get(x, "binds"), *queue = queue_of(engine, json_str(json_get(x, "name")));

	put_text(out, json_get(x, "name"));
	buf_fmt(out, "  %s%s  window %lld of %lld", json_bool(json_get(x, "up")) ? "up" : "down",
		json_bool(json_get(x, "retired")) ? ", leaving" : "",
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
