/* Any octets as a configuration: either settings that hold together, or at least one fault; never both, never neither. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static bool known(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->sms.connection_count; i++)
		if (strcmp(s->sms.connections[i].name, name) == 0)
			return true;
	return false;
}

static void check(const struct settings *s)
{
	struct buf note = BUF_INIT;

	must(s->data && s->http_count && s->http_threads > 0 && s->memory > 0 && s->webhooks.total > 0);
	for (size_t i = 0; i < s->http_count; i++)
		must(s->http[i].listen && !s->http[i].certificate == !s->http[i].key);
	for (size_t i = 0; i < s->sms.connection_count; i++) {
		const struct connection_setting *c = &s->sms.connections[i];

		must(c->name && c->smpp_count && c->system_id && c->password && c->source && c->window > 0 &&
		     c->binds > 0);
		must(c->profile.alphabets && c->profile.service_type && c->profile.system_type &&
		     c->timers.response_ms > 0);
	}
	for (size_t i = 0; i < s->sms.route_count; i++) {
		must(s->sms.routes[i].prefix && s->sms.routes[i].connection_count);
		for (size_t k = 0; k < s->sms.routes[i].connection_count; k++)
			must(known(s, s->sms.routes[i].connections[k].name));
	}
	config_reload_diff(s, s, &note);
	must(!note.n);
	buf_done(&note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_faults f = {0};
	struct settings *s = NULL;
	int r = config_parse("fuzz.yaml", (struct str){(const char *)data, size}, &s, &f);

	must((r == 0) == (s != NULL) && (r == 0) == (f.count == 0) && f.count <= CONFIG_FAULTS_MAX);
	if (s)
		check(s);
	for (size_t i = 0; i < f.count; i++)
		must(utf8_valid(str_of(f.list[i].text), NULL) && !strpbrk(f.list[i].text, "\n\033"));
	config_faults_done(&f);
	settings_free(s);
	return 0;
}
