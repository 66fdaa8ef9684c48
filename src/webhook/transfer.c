/* transfer.c - curl's options, the guard at the moment of connecting, and what an answer or its absence means.
 *
 * A call is answered once a final status line and its whole head have come: the receiver has spoken then, whatever becomes of the
 * body. The body is read and thrown away so that the connection can be used again, up to BODY_LIMIT. */
#include "webhook/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "model/metrics.h"
#include "webhook/body.h"
#include "webhook/mo_body.h"

#define BODY_LIMIT ((size_t)64 << 10)
#define HEAD_LIMIT ((size_t)64 << 10)
#define RETRY_AFTER_MAX_S 86400
#define CONNECTION_LIFE_S 120L /* so that a changed address, allow list or certificate counts soon */
#define CA_CACHE_S 600L

struct hook_config *hook_config_new(const struct settings *s)
{
	static _Atomic uint64_t generations;
	struct hook_config *c = xnew(struct hook_config);
	struct operator_setting *o = xcalloc(s->operator_count + 1, sizeof(*o));

	c->generation = ++generations;
	guard_init(&c->guard, s->webhooks.allow, s->webhooks.allow_count);
	c->timeout_ms = MAX(s->webhooks.timeout_ms, 1);
	c->per_receiver = (unsigned)MIN(MAX(s->webhooks.per_endpoint, 1), 10000);
	c->total = (unsigned)MIN(MAX(s->webhooks.total, 1), 10000);
	c->ca = s->webhooks.ca ? xstrdup(s->webhooks.ca) : NULL;
	for (size_t i = 0; i < s->operator_count; i++) {
		o[i].id = s->operators[i].id;
		o[i].name = xstrdup(s->operators[i].name);
	}
	c->names = xnew(struct settings);
	c->names->operators = o;
	c->names->operator_count = s->operator_count;
	return c;
}

void hook_config_free(struct hook_config *c)
{
	if (!c)
		return;
	guard_done(&c->guard);
	free(c->ca);
	settings_free(c->names);
	free(c);
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	int fd;

	(void)purpose;
	if (!guard_permits(&t->config->guard, &a->addr, a->addrlen, t->refused))
		return CURL_SOCKET_BAD;
	fd = poller_socket(t->poller, a->family, a->socktype, a->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static size_t on_head(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	n *= size;
	t->head_bytes += n;
	if (t->head_bytes > HEAD_LIMIT)
		return 0;
	if (n && n <= 2 && (p[0] == '\n' || p[0] == '\r')) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		t->answered = status >= 200;
	}
	return n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	(void)p;
	t->body_bytes += size * n;
	return t->body_bytes > BODY_LIMIT ? 0 : size * n;
}

struct transfer *transfer_new(struct poller *p)
{
	struct transfer *t = xnew(struct transfer);
	CURL *c = curl_easy_init();

	ASSERT(c);
	t->easy = c;
	t->poller = p;
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "pombo/" POMBO_VERSION);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(c, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
	curl_easy_setopt(c, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 8192L);
	/* Without it curl waits for a name server's answer after the call's time is over, and everybody waits with it. */
	curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETFUNCTION, poller_closed);
	curl_easy_setopt(c, CURLOPT_CLOSESOCKETDATA, p);
	return t;
}

void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	free(t->url);
	buf_done(&t->body);
	hook_head_done(&t->head);
	free(t);
}

static void apply_config(struct transfer *t, const struct hook_config *c)
{
	const curl_version_info_data *v;

	t->config = c;
	if (t->generation == c->generation)
		return;
	t->generation = c->generation;
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->timeout_ms);
	/* The file takes the place of the system's bundle; its folder of single certificates stays, so both count. */
	v = curl_version_info(CURLVERSION_NOW);
	curl_easy_setopt(t->easy, CURLOPT_CAINFO, c->ca ? c->ca : v->cainfo);
	curl_easy_setopt(t->easy, CURLOPT_CAPATH, v->capath);
}

static void set_lines(struct transfer *t)
{
	for (size_t i = 0; i < t->head.count; i++) {
		t->lines[i].data = t->head.text.p + t->head.at[i];
		t->lines[i].next = i + 1 < t->head.count ? &t->lines[i + 1] : NULL;
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines);
}

static void set_url(struct transfer *t, const char *url)
{
	if (t->url && strcmp(t->url, url) == 0)
		return;
	free(t->url);
	t->url = xstrdup(url);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
}

static void set_method(struct transfer *t, bool get)
{
	if (t->get == get)
		return;
	t->get = get;
	curl_easy_setopt(t->easy, get ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
}

/* t->body is what is signed: the JSON, or of a GET the query that we add. */
static void set_call(struct transfer *t, const struct hook_call *call, const struct hook_target *target, int64_t wall)
{
	struct carrier_told carrier =
		carrier_of(t->config->names, call->mo ? call->mo->operator_id : call->d->operator_id);
	bool get = call->mo && target->webhook->mo_get;
	char id[HOOK_ID_MAX];

	buf_clear(&t->body);
	set_method(t, get);
	if (get)
		hook_mo_query(&t->body, call->mo, &call->names, &carrier);
	else if (call->mo)
		hook_mo_body(&t->body, call->mo, &call->names, &carrier);
	else
		hook_body(&t->body, call->d, call->kind, &carrier);
	if (get) {
		struct buf url = BUF_INIT;

		hook_mo_url(&url, target->url, buf_view(&t->body));
		set_url(t, buf_cstr(&url));
		buf_done(&url);
	} else {
		set_url(t, target->url);
	}
	hook_id(id, call->key, call->mo ? call->mo->rest : call->d->rest, call->kind);
	hook_head(&t->head, target->webhook, str_of(id), wall, buf_view(&t->body));
}

int transfer_start(struct transfer *t, struct hook_call *call, const struct hook_target *target,
		   const struct hook_config *config, int64_t now_us, int64_t wall)
{
	apply_config(t, config);
	set_call(t, call, target, wall);
	if (t->body.failed || t->head.text.failed) {
		snprintf(call->why, sizeof(call->why), "the call is too large");
		return -E2BIG;
	}
	set_lines(t);
	if (!t->get) {
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.p);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)t->body.n);
	}
	t->head_bytes = t->body_bytes = 0;
	t->answered = false;
	t->refused[0] = t->error[0] = '\0';
	t->call = call;
	t->begun_us = now_us;
	if (curl_multi_add_handle(t->poller->multi, t->easy) != CURLM_OK) {
		t->call = NULL;
		snprintf(call->why, sizeof(call->why), "libcurl does not take the call");
		return -EIO;
	}
	return 0;
}

/* Words for what people meet; for the rest curl's own. */
static const char *network_words(struct transfer *t, CURLcode code)
{
	curl_off_t asked = 0;
	long os = 0;

	if (t->refused[0])
		return t->refused;
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os);
	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &asked);
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT: return "timeout";
	case CURLE_COULDNT_RESOLVE_HOST: return "host not found";
	case CURLE_GOT_NOTHING: return "closed without an answer";
	case CURLE_COULDNT_CONNECT: return os == ECONNREFUSED ? "connection refused" : "cannot connect";
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR: return os == ECONNRESET || !os ? "connection reset" : "connection lost";
	/* Also what curl says to an answer that does not begin as HTTP; then the request had gone out. */
	case CURLE_UNSUPPORTED_PROTOCOL: return asked > 0 ? "not an HTTP answer" : "not an HTTP URL";
	case CURLE_WEIRD_SERVER_REPLY: return "not an HTTP answer";
	case CURLE_WRITE_ERROR: return "answer too long";
	case CURLE_URL_MALFORMAT: return "not a URL";
	default: return t->error[0] ? t->error : curl_easy_strerror(code);
	}
}

static void put_words(char *out, size_t size, const char *words)
{
	size_t n = 0;

	for (; words[n] && n < size - 1; n++)
		out[n] = words[n] >= 0x20 && words[n] < 0x7f ? words[n] : '?';
	out[n] = '\0';
}

static void judge_status(struct transfer *t, struct hook_call *c)
{
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	c->status = (int16_t)status;
	c->ok = status >= 200 && status < 300;
	c->gone = status == 410;
	if (status == 429 || status == 503) {
		curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after); /* both forms; a past date is 0 */
		c->retry_after_ms = (int64_t)MIN(MAX(after, 0), RETRY_AFTER_MAX_S) * 1000;
	}
	if (!c->ok)
		snprintf(c->why, sizeof(c->why), "HTTP %ld%s", status,
			 status >= 300 && status < 400 ? ", redirects are not followed" : "");
}

void transfer_end(struct transfer *t, CURLcode code, int64_t now_us)
{
	struct hook_call *c = t->call;

	if (code == CURLE_OK || t->answered)
		judge_status(t, c);
	else
		put_words(c->why, sizeof(c->why), network_words(t, code));
	c->took_ms = (now_us - t->begun_us) / 1000;
	metric_observe_us(M_HOOK_TIME, now_us - t->begun_us);
	curl_multi_remove_handle(t->poller->multi, t->easy);
	t->call = NULL;
}
