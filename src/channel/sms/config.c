/* config.c - copies and checks the settings of one connection, so that the channel holds on to nothing of the caller's. */
#include "channel/sms/config.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cidr.h"

#define PORT_PLAIN 2775 /* IANA: smpp */
#define PORT_TLS 3550   /* IANA: ssmpp */
#define BINDS_MAX 64
#define WINDOW_MAX 100000
#define RATE_MAX 1000000

/* host, host:port, [v6], [v6]:port; a slash at the end is tolerated. */
static int parse_host(struct sms_host *h, const char *url)
{
	struct str s = str_of(url), name, port = {0};
	unsigned char addr[16];
	int64_t n;
	const char *colon;

	if (str_iskip(&s, "smpps://"))
		h->tls = true;
	else if (!str_iskip(&s, "smpp://"))
		return -EINVAL;
	if (s.n && s.p[s.n - 1] == '/')
		s.n--;
	if (s.n && *s.p == '[') {
		const char *end = memchr(s.p, ']', s.n);

		if (!end)
			return -EINVAL;
		name = (struct str){s.p + 1, (size_t)(end - s.p) - 1};
		s = (struct str){end + 1, s.n - name.n - 2};
		if (s.n && *s.p != ':')
			return -EINVAL;
		colon = s.n ? s.p : NULL;
	} else {
		colon = s.n ? memchr(s.p, ':', s.n) : NULL;
		name = (struct str){s.p, colon ? (size_t)(colon - s.p) : s.n};
	}
	if (colon)
		port = (struct str){colon + 1, (size_t)(s.p + s.n - colon) - 1};
	if (!name.n || name.n > 253 || (colon && str_i64(port, 1, 65535, &n) < 0))
		return -EINVAL;
	h->port = colon ? (uint16_t)n : h->tls ? PORT_TLS : PORT_PLAIN;
	h->name = xstrndup(name.p, name.n);
	h->url = xstrdup(url);
	h->numeric = address_parse(name, addr) > 0;
	return 0;
}

static int make_tls(struct sms_config *c, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	c->tls = ctx;
	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION))
		return err_set(e, -EINVAL, "connection %s: TLS cannot be set up", c->name);
	SSL_CTX_set_verify(ctx, c->tls_verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (!c->tls_verify)
		return 0;
	if (c->tls_ca && SSL_CTX_load_verify_locations(ctx, c->tls_ca, NULL) != 1) {
		ERR_clear_error();
		return err_set(e, -EINVAL, "connection %s: tls_ca %s holds no certificate that can be read",
			       c->name, c->tls_ca);
	}
	if (!c->tls_ca && SSL_CTX_set_default_verify_paths(ctx) != 1)
		return err_set(e, -EINVAL, "connection %s: the system's certificates cannot be read", c->name);
	return 0;
}

static int copy_hosts(struct sms_config *c, const struct connection_setting *s, struct err *e)
{
	bool tls = false;

	c->hosts = xcalloc(MAX(s->smpp_count, (size_t)1), sizeof(c->hosts[0]));
	for (size_t i = 0; i < s->smpp_count; i++) {
		if (parse_host(&c->hosts[i], s->smpp[i]) < 0)
			return err_set(e, -EINVAL, "connection %s: %s is not smpp://host:port or smpps://host:port",
				       c->name, s->smpp[i]);
		c->host_count++;
		tls |= c->hosts[i].tls;
	}
	if (!c->host_count)
		return err_set(e, -EINVAL, "connection %s: no address", c->name);
	return tls ? make_tls(c, e) : 0;
}

static int copy_rules(struct sms_config *c, const struct connection_setting *s, struct err *e)
{
	c->rules = xcalloc(MAX(s->status_count, (size_t)1), sizeof(c->rules[0]));
	for (size_t i = 0; i < s->status_count; i++) {
		struct status_rule *r = &c->rules[i];

		r->status = (uint32_t)s->statuses[i].status;
		if (status_class_parse(s->statuses[i].means, &r->means) < 0)
			return err_set(e, -EINVAL, "connection %s: status %lld: means is not final, temporary, throttled or bad_number",
				       c->name, (long long)s->statuses[i].status);
		c->rule_count++;
	}
	return 0;
}

static int64_t or_default(int64_t v, int64_t dflt) { return v > 0 ? v : dflt; }

static void copy_timers(struct smpp_timers *t, const struct smpp_timers *from)
{
	t->bind_ms = or_default(from->bind_ms, 10000);
	t->response_ms = or_default(from->response_ms, 30000);
	t->enquire_link_ms = or_default(from->enquire_link_ms, 30000);
	t->throttle_ms = or_default(from->throttle_ms, 1000);
	t->reconnect_ms = or_default(from->reconnect_ms, 1000);
	t->reconnect_max_ms = MAX(or_default(from->reconnect_max_ms, 60000), t->reconnect_ms);
}

static enum id_notation notation(enum ids_way ids)
{
	switch (ids) {
	case IDS_EXACT: return ID_EXACT;
	case IDS_DECIMAL: return ID_HEX_DEC;
	case IDS_HEX: return ID_DEC_HEX;
	case IDS_EITHER: break;
	}
	return ID_EITHER;
}

static char *text(const char *z) { return xstrdup(z ? z : ""); }

static int check_account(const struct sms_config *c, struct err *e)
{
	static const size_t system_id_max = 64, password_max = 64, system_type_max = 32, service_type_max = 5;

	if (strlen(c->system_id) > system_id_max || strlen(c->password) > password_max)
		return err_set(e, -EINVAL, "connection %s: system_id or password is too long for SMPP", c->name);
	if (strlen(c->system_type) > system_type_max || strlen(c->service_type) > service_type_max)
		return err_set(e, -EINVAL, "connection %s: system_type or service_type is too long for SMPP", c->name);
	return 0;
}

int sms_config_new(struct sms_config **ret, const struct settings *s, const struct connection_setting *from, struct err *e)
{
	struct sms_config *c = xnew(struct sms_config);
	int r;

	c->name = text(from->name);
	c->number = from->number;
	c->hold = from->hold;
	c->system_id = text(from->system_id);
	c->password = text(from->password);
	c->system_type = text(from->profile.system_type);
	c->service_type = text(from->profile.service_type);
	c->source = text(from->source && *from->source ? from->source
			 : s->sms.short_code_count     ? s->sms.short_codes[0]
						       : "");
	c->mode = from->mode;
	c->binds = (unsigned)MAX(MIN(from->binds, (int64_t)BINDS_MAX), (int64_t)1);
	c->window = (unsigned)MAX(MIN(from->window, (int64_t)WINDOW_MAX), (int64_t)1);
	c->rate = MAX(MIN(from->rate, (int64_t)RATE_MAX), (int64_t)0);
	c->profile = from->profile;
	c->profile.service_type = c->profile.system_type = NULL;
	c->notation = notation(from->profile.ids);
	copy_timers(&c->timers, &from->timers);
	c->tls_verify = from->tls_verify;
	c->tls_ca = from->tls_ca ? xstrdup(from->tls_ca) : NULL;
	c->short_codes = xcalloc(MAX(s->sms.short_code_count, (size_t)1), sizeof(c->short_codes[0]));
	for (; c->short_code_count < s->sms.short_code_count; c->short_code_count++)
		c->short_codes[c->short_code_count] = xstrdup(s->sms.short_codes[c->short_code_count]);
	r = check_account(c, e);
	if (r == 0)
		r = copy_rules(c, from, e);
	if (r == 0)
		r = copy_hosts(c, from, e);
	if (r < 0)
		sms_config_free(c);
	else
		*ret = c;
	return r;
}

void sms_config_free(struct sms_config *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->hosts && i < c->host_count; i++) {
		free(c->hosts[i].name);
		free(c->hosts[i].url);
	}
	for (size_t i = 0; i < c->short_code_count; i++)
		free(c->short_codes[i]);
	SSL_CTX_free(c->tls);
	free(c->hosts);
	free(c->short_codes);
	free(c->rules);
	free(c->name);
	free(c->system_id);
	free(c->password);
	free(c->system_type);
	free(c->service_type);
	free(c->source);
	free(c->tls_ca);
	free(c);
}

static bool same(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

bool sms_config_same_links(const struct sms_config *a, const struct sms_config *b)
{
	if (a->host_count != b->host_count || a->mode != b->mode || a->binds != b->binds || a->tls_verify != b->tls_verify)
		return false;
	for (size_t i = 0; i < a->host_count; i++) {
		if (!same(a->hosts[i].url, b->hosts[i].url))
			return false;
	}
	return a->number == b->number && same(a->name, b->name) && same(a->system_id, b->system_id) &&
	       same(a->password, b->password) && same(a->system_type, b->system_type) && same(a->tls_ca, b->tls_ca);
}
