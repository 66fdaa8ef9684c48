/* gate.c - what a request must pass before its body is read: endpoint, rate limits, user, kind and size of the body. Whatever
 * is refused here has had no effect and cost little. */
#include <errno.h>
#include <sodium/crypto_generichash.h>
#include <string.h>

#include "api/auth.h"
#include "api/server.h"
#include "base/log.h"
#include "base/time.h"

/* Keys of buckets that do not stand for an address's requests. */
#define STATUS_BUCKET 0x5bd1e9955bd1e995u
#define USER_BUCKET ((uint64_t)1 << 32)
#define ACCOUNT_BUCKET ((uint64_t)2 << 32)
#define KEY_MAX 255

static bool check_route(struct request *q)
{
	if (!q->route) {
		request_refuse(q, MHD_HTTP_NOT_FOUND, "no such endpoint");
		return false;
	}
	if (!(q->route->methods & q->method)) {
		request_refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed here; use %s", q->route->allow);
		q->allow = q->route->allow;
		return false;
	}
	return true;
}

struct limited { /* what a bucket counts, in words */
	const char *one, *many, *of;
};

static bool pass_rate(struct request *q, struct rate_table *t, uint64_t key, int64_t per_second, const struct limited *what)
{
	int64_t wait = rate_take(t, key, per_second, mono_us());

	if (!wait)
		return true;
	request_refuse(q, MHD_HTTP_TOO_MANY_REQUESTS, "more than %lld %s a second %s", (long long)per_second,
		       per_second == 1 ? what->one : what->many, what->of);
	q->retry_after_s = (unsigned)((wait + 999999) / 1000000);
	return false;
}

static struct ip client_of(const struct request *q, const struct head *h)
{
	const struct api *a = q->api;
	struct ip client = q->peer;

	if (!a->proxy_count)
		return client;
	for (unsigned i = h->count; i-- > 0;)
		if (str_ieq(h->field[i].name, STR("x-forwarded-for")))
			ip_forwarded(&client, h->field[i].value, a->proxies, a->proxy_count);
	return client;
}

/* *key: of the client's buckets. */
static bool count_request(struct request *q, const struct settings *s, const struct head *h, uint64_t *key)
{
	static const struct limited what = {"request", "requests", "from one address"};
	struct ip client = client_of(q, h);

	*key = ip_key(&client);
	return pass_rate(q, q->api->addresses, *key, s->limits.requests_per_second, &what);
}

static bool count_query(struct request *q, const struct settings *s, uint64_t key)
{
	static const struct limited what = {"status query", "status queries", "from one address"};

	return !(q->route->flags & ROUTE_STATUS) ||
	       pass_rate(q, q->api->addresses, key ^ STATUS_BUCKET, s->limits.status_queries_per_second, &what);
}

static bool check_principal_limits(struct request *q, const struct settings *s)
{
	static const struct limited of_user = {"request", "requests", "from one user"},
				    of_account = {"request", "requests", "from one account"};
	const struct user *u = q->user;

	return pass_rate(q, q->api->principals, USER_BUCKET | u->id, s->limits.user_requests_per_second, &of_user) &&
	       pass_rate(q, q->api->principals, ACCOUNT_BUCKET | u->account,
			 s->limits.account_requests_per_second, &of_account);
}

static bool read_query_string(struct request *q)
{
	int r = 0;

	if (q->method != METHOD_GET)
		return true;
	/* The copy is ours; only the view of it is constant. */
	if (q->raw_query.n)
		r = query_read((char *)(uintptr_t)q->raw_query.p, q->raw_query.n, &q->query);
	if (!r)
		return true;
	if (r == -E2BIG)
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "the query holds more than %d parameters", QUERY_PAIRS_MAX);
	else
		request_refuse(q, MHD_HTTP_BAD_REQUEST, "the query holds a %% without two hexadecimal digits");
	return false;
}

static void refuse_login(struct request *q, const char *why)
{
	request_refuse(q, MHD_HTTP_UNAUTHORIZED, "%s", why);
}

static bool authenticate(struct request *q, const struct head *h)
{
	struct str name = head_get(h, "username"), token = head_get(h, "authenticationtoken");

	if (q->method == METHOD_GET) {
		if (!name.n)
			name = query_get(&q->query, "username", true, NULL);
		if (!token.n)
			token = query_get(&q->query, "authenticationtoken", true, NULL);
	}
	if (!name.n || !token.n) {
		refuse_login(q, "the headers username and authenticationtoken are needed");
		return false;
	}
	q->snap = snapshot_get();
	token_hash(token, &q->token);
	q->user = q->snap ? auth_find(q->snap, name, &q->token, wall_ms()) : NULL;
	if (!q->user) {
		char from[48];

		log_debug("authentication", "failed peer=%s", ip_print(from, &q->peer));
		refuse_login(q, "unknown user or wrong token");
		return false;
	}
	q->user_id = q->user->id;
	return true;
}

static struct str blanks_off(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* application/json, no charset or utf-8. Other parameters mean nothing. */
static bool is_json(struct str type)
{
	const char *semicolon = memchr(type.p, ';', type.n);
	struct str rest = {NULL, 0};

	if (semicolon) {
		rest = (struct str){semicolon + 1, (size_t)(type.p + type.n - semicolon) - 1};
		type.n = (size_t)(semicolon - type.p);
	}
	if (!str_ieq(blanks_off(type), STR("application/json")))
		return false;
	while (rest.n) {
		const char *next = memchr(rest.p, ';', rest.n);
		struct str one = blanks_off((struct str){rest.p, next ? (size_t)(next - rest.p) : rest.n});

		if (one.n >= 8 && str_ieq((struct str){one.p, 8}, STR("charset="))) {
			struct str set = {one.p + 8, one.n - 8};

			if (set.n >= 2 && set.p[0] == '"' && set.p[set.n - 1] == '"')
				set = (struct str){set.p + 1, set.n - 2};
			if (!str_ieq(set, STR("utf-8")) && !str_ieq(set, STR("utf8")) && !str_ieq(set, STR("us-ascii")))
				return false;
		}
		rest = next ? (struct str){next + 1, (size_t)(rest.p + rest.n - next) - 1} : (struct str){NULL, 0};
	}
	return true;
}

static bool check_body(struct request *q, const struct settings *s, const struct head *h, const struct head_facts *f)
{
	struct str type = head_get(h, "content-type"), coding = head_get(h, "content-encoding");
	struct api *a = q->api;
	int64_t max = s->limits.body > 0 ? s->limits.body : (int64_t)BUF_MAX_DEFAULT, now;

	q->body.max = (size_t)max;
	if (q->method != METHOD_POST)
		return true;
	if (type.n && !is_json(type)) {
		request_refuse(q, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type: only application/json in UTF-8 is understood");
		return false;
	}
	if (coding.n && !str_ieq(coding, STR("identity"))) {
		request_refuse(q, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Encoding: not understood; send the body as it is");
		return false;
	}
	if (f->length > (uint64_t)max) {
		request_refuse(q, MHD_HTTP_CONTENT_TOO_LARGE, "the body is larger than %lld octets", (long long)max);
		return false;
	}
	now = atomic_load(&a->inflight);
	max = atomic_load(&a->inflight_max);
	if (max > 0 && now > 0 && (int64_t)f->length > max - now) {
		request_refuse_later(q, MHD_HTTP_SERVICE_UNAVAILABLE, 1, "too many requests in memory; send it again");
		return false;
	}
	return true;
}

/* 64 bits of BLAKE2b: two callers' keys must not meet, even on purpose. Never 0. */
static uint64_t short_hash(const struct str *parts, size_t n)
{
	crypto_generichash_state st;
	unsigned char out[crypto_generichash_BYTES_MIN];
	uint64_t h = 0;

	crypto_generichash_init(&st, NULL, 0, sizeof(out));
	for (size_t i = 0; i < n; i++)
		crypto_generichash_update(&st, (const unsigned char *)parts[i].p, parts[i].n);
	crypto_generichash_final(&st, out, sizeof(out));
	for (int i = 0; i < 8; i++)
		h = h << 8 | out[i];
	return h ? h : 1;
}

uint64_t body_hash(struct str body) { return short_hash(&body, 1); }

static bool read_key(struct request *q, const struct head *h, struct str *ret)
{
	*ret = (struct str){NULL, 0};
	if (!(q->route->flags & ROUTE_SEND))
		return true;
	for (unsigned i = 0; i < h->count; i++)
		if (str_ieq(h->field[i].name, STR("idempotency-key")))
			*ret = blanks_off(h->field[i].value);
	if (!ret->p)
		return true;
	for (size_t i = 0; i < ret->n; i++)
		if (ret->p[i] <= 0x20 || ret->p[i] >= 0x7f)
			ret->n = 0;
	if (ret->n && ret->n <= KEY_MAX)
		return true;
	request_refuse(q, MHD_HTTP_BAD_REQUEST, "Idempotency-Key: 1 to %d visible ASCII characters", KEY_MAX);
	return false;
}

static void hash_key_of(struct request *q, struct str key)
{
	const char *method = q->method == METHOD_GET ? "GET " : "POST ";
	const struct str parts[] = {
		{(const char *)&q->user_id, sizeof(q->user_id)}, str_of(method), q->route->path, STR(" "), key};

	q->idem_hash = short_hash(parts, COUNT_OF(parts));
}

void gate_broken(struct request *q, const struct settings *s, const struct head *h)
{
	uint64_t client;

	(void)!count_request(q, s, h, &client);
}

void gate_head(struct request *q, const struct settings *s, const struct head *h, const struct head_facts *f)
{
	struct str key;
	uint64_t client;

	if (q->route && q->route->flags & ROUTE_OPEN && q->route->methods & q->method)
		return;
	/* Whoever asks for what is not there is counted too. */
	if (!count_request(q, s, h, &client) || !check_route(q) || !count_query(q, s, client) || !read_key(q, h, &key))
		return;
	if (key.n && q->method == METHOD_GET)
		q->body_hash = body_hash(q->raw_query); /* before it is decoded in place */
	if (!read_query_string(q) || !authenticate(q, h) || !check_principal_limits(q, s))
		return;
	if (check_body(q, s, h, f) && key.n)
		hash_key_of(q, key);
}

void gate_whole(struct request *q)
{
	if ((q->route->flags & ROUTE_OPEN) || q->user)
		return;
	q->snap = snapshot_get();
	q->user = q->snap ? auth_again(q->snap, q->user_id, &q->token, wall_ms()) : NULL;
	if (!q->user)
		refuse_login(q, "unknown user or wrong token");
}
