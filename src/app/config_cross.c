/* config_cross.c - what no key can be judged by alone, and defaults that depend on other keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config_reader.h"
#include "base/buf.h"

#define ROUTE_VIA_MAX 16 /* what core keeps of one route */

/* Reports at the line of the key that path names. */
static void fault_at(struct config_reader *r, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fault_at(struct config_reader *r, const char *path, const char *fmt, ...)
{
	char words[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	config_fault(r, config_line(r, path), path, "%s", words);
}

static bool same(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

/* -- repeated things: sorted once, so that long lists stay cheap ---------------------------------------------------- */
struct claim {
	const char *text;
	struct config_path path;
};
struct claims {
	struct claim *a;
	size_t n, cap;
};

static void claim(struct claims *c, const char *text, struct config_path p)
{
	if (!text)
		return;
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 16;
		c->a = xrealloc(c->a, c->cap, sizeof(*c->a));
	}
	c->a[c->n++] = (struct claim){text, p};
}

static int by_text(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static void claims_check(struct config_reader *r, struct claims *c)
{
	if (c->n)
		qsort(c->a, c->n, sizeof(*c->a), by_text);
	for (size_t i = 1; i < c->n; i++) {
		const struct claim *first = &c->a[i - 1], *second = &c->a[i];
		int line = config_line(r, first->path.s);

		if (strcmp(first->text, second->text) != 0)
			continue;
		/* The later one is the fault. */
		if (line > config_line(r, second->path.s)) {
			first = &c->a[i];
			second = &c->a[i - 1];
			line = config_line(r, first->path.s);
		}
		fault_at(r, second->path.s, "\"%s\" is taken by %s in line %d", second->text, first->path.s, line);
	}
	free(c->a);
	*c = (struct claims){0};
}

/* -- the parts ------------------------------------------------------------------------------------------------------ */
static void check_http(struct config_reader *r)
{
	struct settings *s = r->s;
	struct claims c = {0};

	for (size_t i = 0; i < s->http_count; i++) {
		const struct listen_setting *l = &s->http[i];
		size_t n = l->listen ? strlen(l->listen) : 0;

		if (n < 2 || strcmp(l->listen + n - 2, ":0") != 0)
			claim(&c, l->listen, config_path("http[%zu].listen", i));
		/* A name that could not be read is no certificate, but it was given. */
		if (l->certificate && !l->key && !config_given(r, config_path("http[%zu].key", i).s))
			fault_at(r, config_path("http[%zu].certificate", i).s, "needs key as well");
		if (l->key && !l->certificate && !config_given(r, config_path("http[%zu].certificate", i).s))
			fault_at(r, config_path("http[%zu].key", i).s, "needs certificate as well");
	}
	claims_check(r, &c);
	if (!s->http_count && !config_given(r, "http")) {
		s->http = xcalloc(1, sizeof(*s->http));
		s->http[0].listen = xstrdup("127.0.0.1:8080");
		s->http_count = 1;
	}
	if (!s->http_threads)
		s->http_threads = MIN(MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), 256);
	if (s->limits.inflight && s->limits.inflight < s->limits.body)
		fault_at(r, "limits.inflight", "must not be less than limits.body");
}

static const struct operator_setting *operator_of(const struct settings *s, int64_t id)
{
	for (size_t i = 0; i < s->operator_count; i++)
		if (s->operators[i].id == id)
			return &s->operators[i];
	return NULL;
}

static void check_operators(struct config_reader *r)
{
	struct claims ids = {0}, prefixes = {0};
	char(*texts)[24] = xcalloc(r->s->operator_count + 1, sizeof(*texts));

	for (size_t i = 0; i < r->s->operator_count; i++) {
		const struct operator_setting *o = &r->s->operators[i];

		snprintf(texts[i], sizeof(texts[i]), "%lld", (long long)o->id);
		if (o->id)
			claim(&ids, texts[i], config_path("operators[%zu].id", i));
		for (size_t k = 0; k < o->prefix_count; k++)
			claim(&prefixes, o->prefixes[k], config_path("operators[%zu].prefixes[%zu]", i, k));
	}
	claims_check(r, &ids);
	claims_check(r, &prefixes);
	free(texts);
}

static void check_statuses(struct config_reader *r, const struct connection_setting *c, size_t i)
{
	for (size_t k = 1; k < c->status_count; k++)
		for (size_t j = 0; j < k; j++)
			if (c->statuses[k].status && c->statuses[k].status == c->statuses[j].status) {
				fault_at(r, config_path("sms.connections[%zu].statuses[%zu].status", i, k).s, "is given twice");
				break;
			}
}

static void check_connections(struct config_reader *r)
{
	struct settings *s = r->s;
	struct claims names = {0};

	for (size_t i = 0; i < s->sms.connection_count; i++) {
		struct connection_setting *c = &s->sms.connections[i];
		struct config_path p = config_path("sms.connections[%zu]", i);

		claim(&names, c->name, config_path("%s.name", p.s));
		if (!c->password && !config_given(r, config_path("%s.password", p.s).s) &&
		    !config_given(r, config_path("%s.password_file", p.s).s))
			fault_at(r, config_path("%s.password", p.s).s, "is missing, and password_file as well");
		if (c->operator_id && !operator_of(s, c->operator_id))
			fault_at(r, config_path("%s.operator", p.s).s, "no operator has the id %lld",
				 (long long)c->operator_id);
		if (c->timers.reconnect_max_ms && c->timers.reconnect_ms > c->timers.reconnect_max_ms)
			fault_at(r, config_path("%s.timers.reconnect", p.s).s, "must not be more than reconnect_max");
		if (c->breaker.pause_max_ms && c->breaker.pause_ms > c->breaker.pause_max_ms)
			fault_at(r, config_path("%s.breaker.pause", p.s).s, "must not be more than pause_max");
		if (c->status_count <= 1000)
			check_statuses(r, c, i);
		else
			fault_at(r, config_path("%s.statuses", p.s).s, "has more than 1000 elements");
		if (c->source && !c->source[0] && s->sms.short_code_count) {
			free(c->source);
			c->source = xstrdup(s->sms.short_codes[0]);
		}
	}
	claims_check(r, &names);
}

static const struct connection_setting *connection_of(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->sms.connection_count; i++)
		if (same(s->sms.connections[i].name, name))
			return &s->sms.connections[i];
	return NULL;
}

static void check_route(struct config_reader *r, size_t i)
{
	const struct route_setting *route = &r->s->sms.routes[i];
	struct config_path p = config_path("sms.routes[%zu].connections", i);

	if (route->operator_id && !operator_of(r->s, route->operator_id))
		fault_at(r, config_path("sms.routes[%zu].operator", i).s, "no operator has the id %lld",
			 (long long)route->operator_id);
	if (route->sub_account && (route->sub_account[0] == '/' || !*route->sub_account ||
				   route->sub_account[strlen(route->sub_account) - 1] == '/'))
		fault_at(r, config_path("sms.routes[%zu].sub_account", i).s, "must be a reference, or account/reference");
	if (route->connection_count > ROUTE_VIA_MAX) {
		fault_at(r, p.s, "has more than %d connections", ROUTE_VIA_MAX);
		return;
	}
	for (size_t k = 0; k < route->connection_count; k++) {
		const char *name = route->connections[k].name;

		if (name && !connection_of(r->s, name))
			fault_at(r, config_path("%s[%zu]", p.s, k).s, "no connection is called \"%s\"", name);
		for (size_t j = 0; j < k; j++)
			if (same(route->connections[j].name, name)) {
				fault_at(r, config_path("%s[%zu]", p.s, k).s, "\"%s\" is in this route already", name);
				break;
			}
	}
}

/* Two routes for just the same messages: one would never be used. NULL when its prefix could not be read. */
static char *whom_it_fits(const struct route_setting *route)
{
	static const char *const classes[] = {"", ", transactional", ", marketing"};
	struct buf b = BUF_INIT;
	char *text;

	if (!route->prefix)
		return NULL;
	buf_puts(&b, route->prefix);
	if (route->operator_id)
		buf_fmt(&b, ", operator %lld", (long long)route->operator_id);
	if (route->sub_account)
		buf_fmt(&b, ", sub-account %s", route->sub_account);
	buf_puts(&b, classes[route->class]);
	text = xstrdup(buf_cstr(&b));
	buf_done(&b);
	return text;
}

static void default_route(struct config_reader *r)
{
	struct settings *s = r->s;
	struct route_setting *route;

	if (s->sms.connection_count > ROUTE_VIA_MAX) {
		fault_at(r, "sms.routes", "is needed with more than %d connections", ROUTE_VIA_MAX);
		return;
	}
	route = s->sms.routes = xcalloc(1, sizeof(*route));
	s->sms.route_count = 1;
	route->prefix = xstrdup("");
	route->connections = xcalloc(s->sms.connection_count, sizeof(*route->connections));
	for (size_t i = 0; i < s->sms.connection_count; i++) {
		if (!s->sms.connections[i].name)
			continue;
		route->connections[route->connection_count].name = xstrdup(s->sms.connections[i].name);
		route->connections[route->connection_count++].weight = 1;
	}
}

static void check_sms(struct config_reader *r)
{
	struct settings *s = r->s;
	struct claims prefixes = {0}, codes = {0};
	char **fits = xcalloc(s->sms.route_count + 1, sizeof(char *));

	for (size_t i = 0; i < s->sms.route_count; i++) {
		check_route(r, i);
		fits[i] = whom_it_fits(&s->sms.routes[i]);
		claim(&prefixes, fits[i], config_path("sms.routes[%zu].prefix", i));
	}
	claims_check(r, &prefixes);
	for (size_t i = 0; i < s->sms.route_count; i++)
		free(fits[i]);
	free(fits);
	for (size_t i = 0; i < s->sms.short_code_count; i++)
		claim(&codes, s->sms.short_codes[i], config_path("sms.short_codes[%zu]", i));
	claims_check(r, &codes);
	if (!config_given(r, "sms.routes") && s->sms.connection_count)
		default_route(r);
	if (s->sms.retry_delay_max_ms && s->sms.retry_delay_ms > s->sms.retry_delay_max_ms)
		fault_at(r, "sms.retry.delay", "must not be more than max_delay");
}

static void check_credit(struct config_reader *r)
{
	const struct settings *s = r->s;
	struct claims prefixes = {0};

	for (size_t i = 0; i < s->credit.price_count; i++)
		claim(&prefixes, s->credit.prices[i].prefix, config_path("credit.prices[%zu].prefix", i));
	claims_check(r, &prefixes);
}

static void check_webhooks(struct config_reader *r)
{
	const struct settings *s = r->s;

	if (s->webhooks.retry_max_ms && s->webhooks.retry_first_ms > s->webhooks.retry_max_ms)
		fault_at(r, "webhooks.retry_first", "must not be more than retry_max");
	if (s->webhooks.total && s->webhooks.per_endpoint > s->webhooks.total)
		fault_at(r, "webhooks.per_endpoint", "must not be more than total");
}

static void check_retention(struct config_reader *r)
{
	const struct settings *s = r->s;

	if (s->retention.message_ms && s->retention.mo_ms > s->retention.message_ms)
		fault_at(r, "retention.mo", "must not be more than retention.messages");
}

void config_cross(struct config_reader *r)
{
	check_retention(r);
	check_http(r);
	check_operators(r);
	check_connections(r);
	check_sms(r);
	check_webhooks(r);
	check_credit(r);
}
