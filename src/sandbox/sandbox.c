/* sandbox.c - the parts put together: settings, telephones, SMSC, HTTP. */
#include "sandbox/sandbox.h"
#include <stdlib.h>
#include "sandbox/http.h"

struct sandbox {
	struct sandbox_settings settings;
	struct handset *handset;
	struct smsc *smsc;
	struct sandbox_http *http;
	void (*fn)(void *ctx, const struct handset_message *m);
	void *ctx;
};

static void on_message(void *ctx, const struct handset_message *m)
{
	struct sandbox *s = ctx;

	if (s->fn)
		s->fn(s->ctx, m);
}

int sandbox_open(struct sandbox **ret, struct loop *l, const struct sandbox_settings *settings, struct err *e)
{
	struct sandbox *s = xnew(struct sandbox);
	int r;

	s->settings = *settings;
	s->handset = handset_new((size_t)s->settings.messages, on_message, s);
	r = smsc_open(&s->smsc, l, &s->settings, s->handset, e);
	if (r == 0)
		r = sandbox_http_open(&s->http, s->smsc, e);
	if (r < 0) {
		sandbox_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

void sandbox_close(struct sandbox *s)
{
	if (!s)
		return;
	sandbox_http_close(s->http);
	smsc_close(s->smsc);
	handset_free(s->handset);
	free(s);
}

void sandbox_on_message(struct sandbox *s, void (*fn)(void *ctx, const struct handset_message *m), void *ctx)
{
	s->fn = fn;
	s->ctx = ctx;
}

const char *sandbox_smpp(const struct sandbox *s) { return s->smsc->at[0].address; }
const char *sandbox_smpps(const struct sandbox *s) { return s->smsc->at[1].address; }
const char *sandbox_http(const struct sandbox *s) { return sandbox_http_address(s->http); }
