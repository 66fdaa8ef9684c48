/* context.c - see context.h. */
#include "app/context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/control_folder.h"
#include "app/number_keeper.h"

#define FLUSH_AT ((size_t)16 << 10)

const char *context_file(const char *given)
{
	const char *env = getenv("POMBO_CONFIG"); /* NOLINT(concurrency-mt-unsafe): nobody sets variables */

	if (given)
		return given;
	return env && *env ? env : "/etc/pombo/pombo.yaml";
}

void say_flush(struct context *c)
{
	if (c->out.n)
		c->write(c->ctx, false, buf_view(&c->out));
	buf_clear(&c->out);
}

PRINTF_LIKE(2, 0) static void append(struct buf *b, const char *fmt, va_list ap)
{
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);

	ASSERT(n >= 0);
	buf_put(b, text, (size_t)n);
	free(text);
}

void say(struct context *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(&c->out, fmt, ap);
	va_end(ap);
	if (c->out.n >= FLUSH_AT)
		say_flush(c);
}

int complain(struct context *c, int code, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	va_list ap;

	say_flush(c);
	buf_fmt(&b, "pombo%s%s: ", c->name ? " " : "", c->name ? c->name : "");
	va_start(ap, fmt);
	append(&b, fmt, ap);
	va_end(ap);
	buf_putc(&b, '\n');
	c->write(c->ctx, true, buf_view(&b));
	buf_done(&b);
	return code;
}

int complain_errno(struct context *c, int error, const struct err *e)
{
	int code;

	switch (-error) {
	case EINVAL:
	case ERANGE: code = EX_DATAERR; break;
	case ENOENT: code = EX_NOINPUT; break;
	case EEXIST: code = EX_CANTCREAT; break;
	case EACCES:
	case EPERM: code = EX_NOPERM; break;
	case EPROTO: code = EX_CONFIG; break;
	case ENOTSUP:
	case EADDRINUSE:
	case ETIMEDOUT: code = EX_UNAVAILABLE; break;
	default: code = EX_IOERR;
	}
	return complain(c, code, "%s", e->text);
}

bool context_gone(const struct context *c) { return c->gone && c->gone(c->ctx); }

char *context_path(const struct context *c, const char *path)
{
	struct buf b = BUF_INIT;
	char *ret;

	if (*path != '/' && c->cwd)
		buf_fmt(&b, "%s/", c->cwd);
	buf_puts(&b, path);
	ret = xstrdup(buf_cstr(&b));
	buf_done(&b);
	return ret;
}

int context_settings(struct context *c)
{
	struct config_faults faults = {0};
	int r = config_read(context_file(c->file), &c->own_settings, &faults);

	if (r < 0)
		r = complain(c, EX_CONFIG, "%s", faults.count ? faults.list[0].text : strerrordesc_np(-r));
	c->settings = c->own_settings;
	config_faults_done(&faults);
	return r;
}

int context_open(struct context *c, unsigned flags)
{
	struct store_options o = {.data = c->settings->data,
				  .status_retention_ms = c->settings->retention.status_ms,
				  .message_retention_ms = c->settings->retention.message_ms};
	struct err e;
	int r = 0;

	if (flags & (CMD_ADMIN | CMD_STORE)) {
		r = admin_open(&c->admin, c->settings->data, &e);
		if (r == 0)
			r = gateway_numbers(c->own_settings, c->admin, &e);
		if (r == 0)
			r = gateway_publish(c->admin, &e);
	}
	if (r == 0 && (flags & CMD_NUMBERS))
		r = keeper_open(&c->numbers, c->settings->data, false, &e);
	if (r == 0 && (flags & CMD_STORE))
		r = store_sqlite_open(&c->store, &o, &e);
	return r < 0 ? complain_errno(c, r, &e) : 0;
}

void context_borrow(struct context *c, struct gateway *g)
{
	c->g = g;
	c->file = g->file;
	pthread_mutex_lock(&g->lock);
	c->settings = g->settings;
	pthread_mutex_unlock(&g->lock);
	c->admin = g->admin;
	c->numbers = g->numbers;
	c->store = g->store;
}

void context_done(struct context *c)
{
	query_close(c->query);
	if (!c->g) {
		if (c->store)
			c->store->ops->close(c->store);
		keeper_close(c->numbers);
		admin_close(c->admin);
		folder_unlock(c->folder);
		settings_free(c->own_settings);
		snapshot_publish(NULL);
	}
	buf_done(&c->out);
}

struct query *context_query(struct context *c, int *code)
{
	struct err e;
	int r = 0;

	if (!c->query)
		r = c->g ? query_open(&c->query, c->g->engine, &e) : query_open_store(&c->query, c->store, &e);
	*code = r < 0 ? complain_errno(c, r, &e) : 0;
	return c->query;
}

int context_audit(struct context *c, const char *action, const char *fmt, ...)
{
	struct buf b = BUF_INIT;
	struct err e;
	va_list ap;
	int r;

	va_start(ap, fmt);
	append(&b, fmt, ap);
	va_end(ap);
	r = admin_audit(c->admin, str_of(c->actor), str_of(action), buf_view(&b), &e);
	buf_done(&b);
	return r < 0 ? complain_errno(c, r, &e) : 0;
}
