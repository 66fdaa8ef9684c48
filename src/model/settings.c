/* Freeing the configuration; filling it is app/config.c's. Copes with half-filled ones, which is what a faulty file leaves. */
#include "model/settings.h"
#include <stdlib.h>

static void texts_free(char **list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

static void connection_done(struct connection_setting *c)
{
	free(c->name);
	texts_free(c->smpp, c->smpp_count);
	free(c->system_id);
	free(c->password);
	free(c->source);
	free(c->tls_ca);
	free(c->profile.service_type);
	free(c->profile.system_type);
	for (size_t i = 0; c->statuses && i < c->status_count; i++)
		free(c->statuses[i].means);
	free(c->statuses);
}

static void route_done(struct route_setting *r)
{
	free(r->prefix);
	free(r->sub_account);
	for (size_t i = 0; r->connections && i < r->connection_count; i++)
		free(r->connections[i].name);
	free(r->connections);
}

static void lists_done(struct settings *s)
{
	for (size_t i = 0; s->http && i < s->http_count; i++) {
		free(s->http[i].listen);
		free(s->http[i].certificate);
		free(s->http[i].key);
	}
	free(s->http);
	for (size_t i = 0; s->operators && i < s->operator_count; i++) {
		free(s->operators[i].name);
		texts_free(s->operators[i].prefixes, s->operators[i].prefix_count);
	}
	free(s->operators);
	for (size_t i = 0; s->sms.connections && i < s->sms.connection_count; i++)
		connection_done(&s->sms.connections[i]);
	free(s->sms.connections);
	for (size_t i = 0; s->sms.routes && i < s->sms.route_count; i++)
		route_done(&s->sms.routes[i]);
	free(s->sms.routes);
	for (size_t i = 0; s->credit.prices && i < s->credit.price_count; i++)
		free(s->credit.prices[i].prefix);
	free(s->credit.prices);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	lists_done(s);
	free(s->file);
	free(s->data);
	free(s->store);
	free(s->public_url);
	texts_free(s->trusted_proxies, s->trusted_proxy_count);
	texts_free(s->sms.short_codes, s->sms.short_code_count);
	texts_free(s->sms.mobile_prefixes, s->sms.mobile_prefix_count);
	texts_free(s->sms.mo.opt_out, s->sms.mo.opt_out_count);
	texts_free(s->sms.mo.opt_in, s->sms.mo.opt_in_count);
	texts_free(s->webhooks.allow, s->webhooks.allow_count);
	free(s->webhooks.ca);
	free(s->log.level);
	free(s->log.format);
	free(s);
}
