/* http.c - the handset over HTTP: page, JSON, settings.
 *
 * libmicrohttpd runs without a thread of its own: its epoll descriptor is watched by the loop, its time-outs are a timer. So all
 * of the sandbox has one thread and no locks. */
#include "sandbox/http.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event2/event.h>
#include <microhttpd.h>
#include "wire/json.h"

#define BODY_MAX (64 << 10)
#define LIST_MAX 1000
#define LIST_DEFAULT 100
#define CONNECTIONS_MAX 256
#define TIMEOUT_S 30

struct sandbox_http {
	struct smsc *smsc;
	struct MHD_Daemon *daemon;
	struct event *readable;
	struct timer timer;
	struct listening at;
};
struct request {
	struct buf body;
	bool too_long;
};

static enum MHD_Result answer(struct MHD_Connection *mc, unsigned status, const char *type, const void *p,
			      size_t n, enum MHD_ResponseMemoryMode mode)
{
	/* The library only reads what it is told to keep; its type lacks the const. */
	struct MHD_Response *r = MHD_create_response_from_buffer(n, (void *)(uintptr_t)p, mode);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(
		r, "Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	ok = MHD_queue_response(mc, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result answer_json(struct MHD_Connection *mc, unsigned status, struct buf *b)
{
	enum MHD_Result ok;

	buf_putc(b, '\n');
	ok = b->failed ? MHD_NO : answer(mc, status, "application/json", b->p, b->n, MHD_RESPMEM_MUST_COPY);
	buf_done(b);
	return ok;
}

static enum MHD_Result answer_error(struct MHD_Connection *mc, unsigned status, const char *text)
{
	struct buf b = BUF_INIT;
	struct str s = str_of(text);

	buf_fmt(&b, "{\"errorCode\":%u,\"errorMessage\":", status);
	buf_json(&b, utf8_valid(s, NULL) ? s : STR("unreadable"));
	buf_putc(&b, '}');
	return answer_json(mc, status, &b);
}

static struct str header(struct MHD_Connection *mc, const char *name)
{
	return str_of(MHD_lookup_connection_value(mc, MHD_HEADER_KIND, name));
}

static struct str query(struct MHD_Connection *mc, const char *name)
{
	return str_of(MHD_lookup_connection_value(mc, MHD_GET_ARGUMENT_KIND, name));
}

/* A page of another origin must not read or write here, not even by a DNS name that it makes point to this address: names
 * with dots are let in only when the settings name them. */
static bool host_allowed(const struct sandbox_settings *s, struct str host)
{
	bool digits = true, dot = false;

	if (host.n == 0 || host.p[0] == '[')
		return true;
	for (size_t i = host.n; i-- > 0;)
		if (host.p[i] == ':') {
			host.n = i;
			break;
		}
	for (size_t i = 0; i < host.n; i++) {
		dot |= host.p[i] == '.';
		digits &= host.p[i] == '.' || (host.p[i] >= '0' && host.p[i] <= '9');
	}
	return digits || !dot || (*s->http_name && str_ieq(host, str_of(s->http_name)));
}

static bool origin_allowed(struct str origin, struct str host)
{
	if (origin.n == 0)
		return true;
	for (size_t i = 0; i + 3 <= origin.n; i++)
		if (memcmp(origin.p + i, "://", 3) == 0)
			return str_ieq((struct str){origin.p + i + 3, origin.n - i - 3}, host);
	return false;
}

static enum MHD_Result get_messages(struct sandbox_http *h, struct MHD_Connection *mc)
{
	struct str number = query(mc, "number"), since = query(mc, "since"), limit = query(mc, "limit");
	int64_t from = -1, n = LIST_DEFAULT;
	struct buf b = BUF_INIT;

	if (since.n && str_i64(since, 0, INT64_MAX, &from) < 0)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, "since: must be the next of an earlier answer");
	if (limit.n && str_i64(limit, 1, LIST_MAX, &n) < 0)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, "limit: must be a number from 1 to 1000");
	handset_print(h->smsc->handset, number, from, (size_t)n, &b);
	return answer_json(mc, MHD_HTTP_OK, &b);
}

static enum MHD_Result get_numbers(struct sandbox_http *h, struct MHD_Connection *mc)
{
	struct str limit = query(mc, "limit");
	int64_t n = LIST_DEFAULT;
	struct buf b = BUF_INIT;

	if (limit.n && str_i64(limit, 1, LIST_MAX, &n) < 0)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, "limit: must be a number from 1 to 1000");
	handset_print_numbers(h->smsc->handset, (size_t)n, &b);
	return answer_json(mc, MHD_HTTP_OK, &b);
}

static enum MHD_Result get_settings(struct sandbox_http *h, struct MHD_Connection *mc)
{
	struct buf b = BUF_INIT;

	sandbox_settings_print(h->smsc->settings, &b);
	return answer_json(mc, MHD_HTTP_OK, &b);
}

static enum MHD_Result get_status(struct sandbox_http *h, struct MHD_Connection *mc)
{
	const struct smsc *c = h->smsc;
	const struct smsc_counts *n = &c->counts;
	const char *comma = "";
	struct buf b = BUF_INIT;

	buf_puts(&b, "{\"binds\":[");
	for (struct node *i = list_first(&c->sessions); i; i = list_next(&c->sessions, i)) {
		struct smsc_session *s = OWNER(struct smsc_session, node, i);

		if (s->state != SMSC_BOUND)
			continue;
		buf_fmt(&b, "%s{\"systemId\":", comma);
		buf_json(&b, utf8_valid(str_of(s->account->system_id), NULL) ? str_of(s->account->system_id) : STR("?"));
		buf_fmt(&b, ",\"transmits\":%s,\"receives\":%s,\"unanswered\":%zu}",
			s->transmits ? "true" : "false", s->receives ? "true" : "false", s->flying.count);
		comma = ",";
	}
	buf_fmt(&b, "],\"pending\":%zu,\"delivering\":%zu,\"messages\":%zu", c->coming.count, c->delivers,
		handset_count(c->handset));
#define COUNT_FIELD(f) buf_fmt(&b, ",\"" #f "\":%llu", (unsigned long long)n->f)
	COUNT_FIELD(submits);
	COUNT_FIELD(accepted);
	COUNT_FIELD(throttled);
	COUNT_FIELD(refused);
	COUNT_FIELD(receipts);
	COUNT_FIELD(receipts_acked);
	COUNT_FIELD(redelivered);
	COUNT_FIELD(expired);
	COUNT_FIELD(replies);
	buf_putc(&b, '}');
	return answer_json(mc, MHD_HTTP_OK, &b);
}

static enum MHD_Result put_settings(struct sandbox_http *h, struct MHD_Connection *mc, struct json *root)
{
	struct err e;

	if (sandbox_settings_json(h->smsc->settings, root, &e) < 0)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, e.text);
	return get_settings(h, mc);
}

static enum MHD_Result post_reply(struct sandbox_http *h, struct MHD_Connection *mc, struct json *root)
{
	struct json *text = json_get(root, "text");
	char a[JSON_SCRATCH], b[JSON_SCRATCH];
	struct smsc_mo reply = {.number = json_scalar(json_get(root, "number"), a),
				.short_code = json_scalar(json_get(root, "shortCode"), b),
				.text = json_str(text)};
	const char *wrong = smsc_mo_read(root, &reply);
	struct buf out = BUF_INIT;
	struct err e;
	uint64_t id;
	int r;

	if (!reply.number.n || !reply.short_code.n || json_kind(text) != JSON_KIND_STRING)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, "number, shortCode and text are needed");
	if (wrong)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, wrong);
	r = smsc_mo_send(h->smsc, &reply, &id, &e);
	if (r < 0)
		return answer_error(mc, r == -EINVAL ? MHD_HTTP_BAD_REQUEST : MHD_HTTP_SERVICE_UNAVAILABLE, e.text);
	buf_fmt(&out, "{\"id\":%llu}", (unsigned long long)id);
	return answer_json(mc, MHD_HTTP_OK, &out);
}

static enum MHD_Result with_body(struct sandbox_http *h, struct MHD_Connection *mc, struct request *q,
				 enum MHD_Result (*fn)(struct sandbox_http *, struct MHD_Connection *, struct json *))
{
	struct str type = header(mc, "Content-Type");
	struct json_doc *doc;
	enum MHD_Result r;
	struct err e;

	if (q->too_long)
		return answer_error(mc, MHD_HTTP_CONTENT_TOO_LARGE, "body: longer than 64 KiB");
	if (type.n < 16 || !str_ieq((struct str){type.p, 16}, STR("application/json")))
		return answer_error(mc, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type: must be application/json");
	doc = json_read(q->body.p, q->body.n, &e);
	if (!doc)
		return answer_error(mc, MHD_HTTP_BAD_REQUEST, e.text);
	r = fn(h, mc, json_root(doc));
	json_free(doc);
	return r;
}

static enum MHD_Result get(struct sandbox_http *h, struct MHD_Connection *mc, const char *url)
{
	if (strcmp(url, "/messages") == 0)
		return get_messages(h, mc);
	if (strcmp(url, "/numbers") == 0)
		return get_numbers(h, mc);
	if (strcmp(url, "/settings") == 0)
		return get_settings(h, mc);
	if (strcmp(url, "/status") == 0)
		return get_status(h, mc);
	if (strcmp(url, "/healthz") == 0)
		return answer(mc, MHD_HTTP_OK, "text/plain", "ok\n", 3, MHD_RESPMEM_PERSISTENT);
	for (size_t i = 0; i < sandbox_page_count; i++)
		if (strcmp(url, sandbox_pages[i].path) == 0)
			return answer(mc, MHD_HTTP_OK, sandbox_pages[i].type, sandbox_pages[i].p,
				      sandbox_pages[i].n, MHD_RESPMEM_PERSISTENT);
	return answer_error(mc, MHD_HTTP_NOT_FOUND, "no such page");
}

static enum MHD_Result route(struct sandbox_http *h, struct MHD_Connection *mc, const char *url,
			     const char *method, struct request *q)
{
	struct str host = header(mc, "Host");

	if (!host_allowed(h->smsc->settings, host) || !origin_allowed(header(mc, "Origin"), host))
		return answer_error(mc, MHD_HTTP_FORBIDDEN, "this name is not the handset's: see http_name");
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return get(h, mc, url);
	if (strcmp(method, "PUT") == 0 && strcmp(url, "/settings") == 0)
		return with_body(h, mc, q, put_settings);
	if (strcmp(method, "POST") == 0 && strcmp(url, "/reply") == 0)
		return with_body(h, mc, q, post_reply);
	return answer_error(mc, MHD_HTTP_METHOD_NOT_ALLOWED, "not here");
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mc, const char *url, const char *method,
				  const char *version, const char *data, size_t *n, void **state)
{
	struct request *q = *state;

	(void)version;
	if (!q) {
		*state = q = xnew(struct request);
		q->body.max = BODY_MAX;
		return MHD_YES;
	}
	if (*n) {
		buf_put(&q->body, data, *n);
		q->too_long |= q->body.failed;
		*n = 0;
		return MHD_YES;
	}
	return route(ctx, mc, url, method, q);
}

static void on_done(void *ctx, struct MHD_Connection *mc, void **state, enum MHD_RequestTerminationCode why)
{
	struct request *q = *state;

	(void)ctx;
	(void)mc;
	(void)why;
	if (!q)
		return;
	buf_done(&q->body);
	free(q);
	*state = NULL;
}

static void run(struct sandbox_http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	smsc_enter(h->smsc);
	MHD_run(h->daemon);
	smsc_leave(h->smsc);
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
		timer_set(&h->timer, (int64_t)MIN(ms, 60000));
	else
		timer_off(&h->timer);
}

static void on_timer(struct timer *t) { run(OWNER(struct sandbox_http, timer, t)); }

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run(ctx);
}

static int start(struct sandbox_http *h, int fd, struct err *e)
{
	const union MHD_DaemonInfo *info;

	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET,
				     fd, MHD_OPTION_NOTIFY_COMPLETED, on_done, h, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned)TIMEOUT_S, MHD_OPTION_END);
	if (!h->daemon) {
		close(fd);
		return err_set(e, -ENOMEM, "http: the server does not start");
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return err_set(e, -ENOTSUP, "http: no epoll");
	h->readable = event_new(loop_base(h->smsc->loop), info->epoll_fd, EV_READ | EV_PERSIST, on_readable, h);
	if (!h->readable || event_add(h->readable, NULL) < 0)
		return err_set(e, -ENOMEM, "http: out of memory");
	return 0;
}

int sandbox_http_open(struct sandbox_http **ret, struct smsc *c, struct err *e)
{
	struct sandbox_http *h;
	int fd = -1, r = 0;

	h = xnew(struct sandbox_http);
	h->smsc = c;
	timer_init(&h->timer, c->loop, on_timer);
	if (*c->settings->http)
		fd = r = listen_tcp(&h->at, "http:", c->settings->http, SANDBOX_BACKLOG, e);
	if (fd >= 0)
		r = start(h, fd, e);
	if (r < 0) {
		sandbox_http_close(h);
		return r;
	}
	*ret = h;
	return 0;
}

void sandbox_http_close(struct sandbox_http *h)
{
	if (!h)
		return;
	if (h->readable)
		event_free(h->readable);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	timer_done(&h->timer);
	free(h);
}

const char *sandbox_http_address(const struct sandbox_http *h) { return h->at.address; }
