/* fixture.c - server and client for the tests of the API (fixture.h). */
#include "fixture.h"

#include <errno.h>
#include <pthread.h>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/metrics.h"
#include "wire/signature.h"

/* -- users --------------------------------------------------------------------------------------------------------- */

static void hash(const char *token, unsigned char out[TOKEN_HASH])
{
	struct token_hash h;

	token_hash(str_of(token), &h);
	memcpy(out, h.h, TOKEN_HASH);
}

static struct user user(uint32_t id, const char *name, const char *token, uint32_t account, uint32_t sub, enum role role)
{
	struct user u = {.id = id, .account = account, .sub_account = sub, .role = role, .answer_object = -1};

	str_copy(u.name, sizeof(u.name), str_of(name));
	snprintf(u.email, sizeof(u.email), "%.20s@example.com", name);
	hash(token, u.token);
	return u;
}

static char zero[] = "Oi {{param1}} e {{ param2 }}", bye[] = "Tchau", sale[] = "So hoje",
	    code[] = "Codigo {{n}}", other[] = "Outro", promo[] = "Promo", casino[] = "cassino",
	    bet[] = "Aposta certa", shop_head[] = "LOJA:", shop_foot[] = "SAIR p/ sair";
static const struct texts *texts_of_accounts(void)
{
	static struct text_template templates[] = {
		{.account = 1, .id = 0, .name = "zero", .lane = TEXT_OF_SUB_ACCOUNT, .text = zero},
		{.account = 1, .id = 7, .name = "bye", .lane = TEXT_OF_SUB_ACCOUNT, .text = bye},
		{.account = 1, .id = 9, .name = "sale", .lane = TEXT_MARKETING, .text = sale},
		{.account = 1, .id = 10, .name = "code", .lane = TEXT_TRANSACTIONAL, .text = code},
		{.account = 1, .sub_account = 11, .id = 8, .name = "Bye", .lane = TEXT_OF_SUB_ACCOUNT, .text = other},
		{.account = 2, .id = 7, .name = "theirs", .lane = TEXT_OF_SUB_ACCOUNT, .text = other},
	};
	static struct flow flows[] = {
		{.account = 1, .id = "14f8142d-e731-4971-8220-5a76a12c413f", .text = zero},
		{.account = 1, .sub_account = 11, .id = "24f8142d-e731-4971-8220-5a76a12c413f", .text = other},
	};
	static struct campaign campaigns[] = {{64, 1, promo, 1}, {65, 2, promo, 1}};
	static struct forbidden_word words[] = {{1, 0, casino}, {1, 11, bet}};
	static struct text_rule rules[] = {
		{.account = 1, .sub_account = 10, .header = shop_head},
		{.account = 1, .sub_account = 12, .max_length = 60, .header = shop_head, .footer = shop_foot},
		{.account = 2, .closed_campaigns = true},
	};
	static const struct texts all = {templates, COUNT_OF(templates), flows, COUNT_OF(flows),
					 campaigns, COUNT_OF(campaigns), words, COUNT_OF(words),
					 rules,     COUNT_OF(rules)};

	return &all;
}

static struct texts *with_campaigns(size_t n)
{
	static struct texts all;
	static struct campaign campaigns[CAMPAIGNS_MAX];
	static char aliases[CAMPAIGNS_MAX][8];

	all = *texts_of_accounts();
	for (size_t i = 0; i < n; i++) {
		snprintf(aliases[i], sizeof(aliases[i]), "c%zu", i);
		campaigns[i] = (struct campaign){100 + (uint32_t)i, 1, aliases[i], 1};
	}
	if (n) {
		all.campaigns = campaigns;
		all.campaign_count = n;
	}
	return &all;
}

static void publish(const char *disabled, const struct texts *texts)
{
	const struct account accounts[] = {{.id = 1, .name = "default"},
					   {.id = 2, .name = "other"},
					   {.id = 3, .name = "shut", .disabled = true}};
	const struct sub_account subs[] = {
		{.id = 10, .account = 1, .reference = "default"},
		{.id = 11, .account = 1, .reference = "marketing", .marketing = true},
		{.id = 12, .account = 1, .reference = "shop", .marketing = true},
		{.id = 20, .account = 2, .reference = "default"},
		{.id = 21, .account = 2, .reference = "theirs"},
		{.id = 30, .account = 3, .reference = "default"},
	};
	struct user users[] = {
		user(1, "ana", "t-ana", 1, 10, ROLE_REGULAR),
		user(2, "rui", "t-rui", 1, 11, ROLE_REGULAR),
		user(3, "Maria da Silva", "t-maria", 1, 10, ROLE_REGULAR),
		user(4, "root", "t-root", 1, 0, ROLE_ADMINISTRATOR),
		user(5, "plat", "t-plat", 1, 0, ROLE_PLATFORM),
		user(6, "gone", "t-gone", 1, 10, ROLE_REGULAR),
		user(7, "eva", "t-eva", 2, 20, ROLE_REGULAR),
		user(8, "old", "t-old", 1, 10, ROLE_REGULAR),
		user(9, "older", "t-older", 1, 10, ROLE_REGULAR),
		user(10, "shut", "t-shut", 3, 30, ROLE_REGULAR),
		user(11, "pia", "t-pia", 1, 12, ROLE_REGULAR),
	};

	users[2].answer_object = 1;
	users[5].disabled = true;
	hash("old-old", users[7].old_token);
	users[7].old_until = wall_ms() + 3600000;
	hash("older", users[8].old_token);
	users[8].old_until = wall_ms() - 1;
	for (size_t i = 0; i < COUNT_OF(users); i++)
		if (!strcmp(users[i].name, disabled))
			users[i].disabled = true;
	snapshot_publish(snapshot_new(&(struct snapshot_source){.accounts = accounts,
								.account_count = COUNT_OF(accounts),
								.sub_accounts = subs,
								.sub_account_count = COUNT_OF(subs),
								.users = users,
								.user_count = COUNT_OF(users),
								.texts = texts}));
}

void publish_users_without(const char *disabled) { publish(disabled, texts_of_accounts()); }

void publish_campaigns(size_t n) { publish("", with_campaigns(n)); }

void publish_users(void) { publish_users_without(""); }

/* -- server -------------------------------------------------------------------------------------------------------- */

static bool ready(void *ctx, struct buf *why)
{
	struct fixture *f = ctx;

	if (!f->ready)
		buf_puts(why, "the store recovers");
	return f->ready;
}

static void *registered(void *arg)
{
	struct campaign_ask *ask = arg;

	ask->done(ask);
	return NULL;
}

/* In the application's place: ids from 1000 on, by the number of letters, given on a thread of its own. */
static bool campaigns(void *ctx, struct campaign_ask *ask)
{
	struct fixture *f = ctx;
	pthread_t t;

	if (ask->phase != CAMPAIGNS_ASKED) {
		f->campaigns_settled[ask->phase == CAMPAIGNS_ACCEPTED] += (unsigned)ask->count;
		assert_int_equal(pthread_create(&t, NULL, registered, ask), 0);
		pthread_detach(t);
		return true;
	}
	if (f->campaign_error == -EAGAIN)
		return false;
	ask->error = f->campaign_error;
	for (size_t i = 0; i < ask->count; i++)
		ask->ids[i] = 1000 + (uint32_t)ask->aliases[i].n;
	f->campaigns_asked += (unsigned)ask->count;
	assert_int_equal(pthread_create(&t, NULL, registered, ask), 0);
	pthread_detach(t);
	return true;
}

void fixture_init(struct fixture *f)
{
	static char vivo[] = "VIVO";
	static struct operator_setting operators[] = {{.id = 1, .name = vivo}};

	memset(f, 0, sizeof(*f));
	f->settings.http = f->listen;
	f->settings.http_count = 1;
	f->settings.http_threads = 2;
	f->settings.operators = operators;
	f->settings.operator_count = 1;
	f->settings.limits.connections = 1000;
	f->settings.limits.body = 1 << 20;
	f->settings.limits.inflight = 16 << 20;
	f->settings.limits.request_deadline_ms = 20000;
	f->settings.limits.idle_ms = 20000;
	f->settings.sms.validity_ms = 86400000;
	f->settings.retention.status_ms = 3 * 86400000LL;
	f->settings.retention.mo_ms = 5 * 86400000LL;
	f->ready = true;
}

void fixture_start(struct fixture *f)
{
	struct api_config c = {
		.settings = &f->used[0], .ready = ready, .ready_ctx = f, .campaigns = campaigns, .campaigns_ctx = f};
	static char first[] = "127.0.0.1:0";
	struct err e;

	f->listen[0].listen = first;
	f->used[0] = f->settings;
	publish_users();
	f->engine = fake_engine_new();
	c.engine = f->engine;
	if (api_open(&f->api, &c, &e)) {
		print_error("%s\n", e.text);
		fail();
	}
}

void fixture_change(struct fixture *f)
{
	f->slot = !f->slot;
	f->used[f->slot] = f->settings;
	api_settings(f->api, &f->used[f->slot]);
}

void fixture_await_requests(int64_t since, int64_t n)
{
	while (metric_get(M_REQUESTS) < since + n)
		usleep(1000);
}

void fixture_stop(struct fixture *f)
{
	api_stop(f->api, 5000);
	fake_engine_free(f->engine);
	api_close(f->api);
	fake_forget();
	snapshot_publish(NULL);
}

/* -- client -------------------------------------------------------------------------------------------------------- */

static int dial(unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct timeval ten = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten, sizeof(ten));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ten, sizeof(ten));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

struct client client_open(const struct fixture *f)
{
	return (struct client){.fd = dial(api_port(f->api, 0))};
}

struct client client_open_tls(const struct fixture *f, unsigned listener, const char *priorities, bool *ok)
{
	struct client c = {.fd = dial(api_port(f->api, listener))};
	gnutls_certificate_credentials_t cred;
	gnutls_session_t s;
	int r;

	assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
	assert_int_equal(gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
	assert_int_equal(gnutls_priority_set_direct(s, priorities, NULL), 0);
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_transport_set_int(s, c.fd);
	do {
		r = gnutls_handshake(s);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	*ok = r == 0;
	c.tls = s;
	c.credentials = cred;
	return c;
}

void client_close(struct client *c)
{
	if (c->tls) {
		gnutls_deinit(c->tls);
		gnutls_certificate_free_credentials(c->credentials);
	}
	close(c->fd);
	buf_done(&c->in);
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

void client_send(struct client *c, const char *p, size_t n)
{
	while (n) {
		ssize_t r = c->tls ? gnutls_record_send(c->tls, p, n) : send(c->fd, p, n, MSG_NOSIGNAL);

		if (r <= 0)
			return; /* the server has closed; what it said is read later */
		p += r;
		n -= (size_t)r;
	}
}

void client_puts(struct client *c, const char *z) { client_send(c, z, strlen(z)); }

/* Octets added, 0 at the end, -1 after 10 s. */
static ssize_t more(struct client *c)
{
	char *to = buf_space(&c->in, 65536);
	ssize_t r;

	assert_non_null(to);
	r = c->tls ? gnutls_record_recv(c->tls, to, 65536) : recv(c->fd, to, 65536, 0);
	if (r > 0)
		c->in.n += (size_t)r;
	return r;
}

static size_t length_of(struct str head)
{
	const struct answer a = {.head = head};
	const char *n = answer_header(&a, "Content-Length");

	return n ? strtoul(n, NULL, 10) : 0;
}

static struct answer read_answer(struct client *c, bool head_only)
{
	struct answer a = {0};
	const char *end;
	size_t head, body;

	while (!(end = c->in.n ? memmem(c->in.p, c->in.n, "\r\n\r\n", 4) : NULL))
		if (more(c) <= 0)
			return a;
	head = (size_t)(end - c->in.p) + 4;
	if (sscanf(buf_cstr(&c->in), "HTTP/1.%*d %d", &a.status) != 1)
		return a;
	if (a.status == 100) {
		buf_consume(&c->in, head);
		return read_answer(c, head_only);
	}
	body = head_only ? 0 : length_of((struct str){c->in.p, head});
	while (c->in.n < head + body)
		if (more(c) <= 0)
			return (struct answer){0};
	static struct buf kept;

	buf_clear(&kept);
	buf_put(&kept, c->in.p, head + body);
	buf_consume(&c->in, head + body);
	a.head = (struct str){kept.p, head};
	a.body = (struct str){kept.p + head, body};
	return a;
}

struct answer client_read(struct client *c)
{
	struct answer a = read_answer(c, false);

	if (!a.status)
		print_error("no answer, but: %s\n", buf_cstr(&c->in));
	assert_int_not_equal(a.status, 0);
	return a;
}

struct answer client_read_head(struct client *c)
{
	struct answer a = read_answer(c, true);

	assert_int_not_equal(a.status, 0);
	return a;
}

bool client_eof(struct client *c)
{
	size_t had = c->in.n;

	while (more(c) > 0)
		;
	return c->in.n == had && !had;
}

const char *answer_header(const struct answer *a, const char *name)
{
	static char value[256];
	size_t n = strlen(name);
	const char *p = a->head.p, *end = p + a->head.n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
		if ((size_t)(end - p) > n && !strncasecmp(p, name, n) && p[n] == ':') {
			const char *cr = memchr(p, '\r', (size_t)(end - p));

			p += n + 1;
			while (*p == ' ')
				p++;
			str_copy(value, sizeof(value), (struct str){p, (size_t)(cr - p)});
			return value;
		}
	}
	return NULL;
}

const char *answer_text_of(const struct answer *a)
{
	static struct buf b;

	buf_clear(&b);
	buf_str(&b, a->body);
	return buf_cstr(&b);
}

bool answer_has(const struct answer *a, const char *text)
{
	bool has = a->body.n && memmem(a->body.p, a->body.n, text, strlen(text));

	if (!has)
		print_error("not there: %s\nin: %s\n", text, answer_text_of(a));
	return has;
}

static const char *token_of(const char *user)
{
	static char token[64];

	snprintf(token, sizeof(token), "t-%s", !strcmp(user, "Maria da Silva") ? "maria" : user);
	return token;
}

struct answer ask(const struct fixture *f, struct client *c, const char *method, const char *target,
		  const char *user, const char *headers, const char *body)
{
	struct buf b = BUF_INIT;
	struct answer a;

	(void)f;
	buf_fmt(&b, "%s %s HTTP/1.1\r\nHost: x\r\n", method, target);
	if (user)
		buf_fmt(&b, "username: %s\r\nauthenticationtoken: %s\r\n", user, token_of(user));
	buf_puts(&b, headers);
	if (body)
		buf_fmt(&b, "Content-Length: %zu\r\n", strlen(body));
	buf_puts(&b, "\r\n");
	buf_puts(&b, body ? body : "");
	client_send(c, b.p, b.n);
	buf_done(&b);
	a = read_answer(c, !strcmp(method, "HEAD"));
	assert_int_not_equal(a.status, 0);
	return a;
}

const char *expect_answer(const struct fixture *f, int status, const char *method, const char *target,
			  const char *user, const char *headers, const char *body)
{
	struct client c = client_open(f);
	struct answer a = ask(f, &c, method, target, user, headers, body);
	const char *text = answer_text_of(&a);

	if (a.status != status)
		print_error("%s %s: %d %s\n", method, target, a.status, text);
	assert_int_equal(a.status, status);
	if (status >= 400)
		assert_non_null(strstr(text, "{\"errorCode\":"));
	client_close(&c);
	return text;
}

/* -- certificates -------------------------------------------------------------------------------------------------- */

static void save(const char *file, const gnutls_datum_t *d)
{
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(d->data, 1, d->size, out), d->size);
	assert_int_equal(fclose(out), 0);
}

void write_certificate(const char *certificate_file, const char *key_file, const char *name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;
	unsigned char serial[8] = {1};

	gnutls_x509_privkey_init(&key);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
			 0);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(crt, wall_ms() / 1000 - 3600);
	gnutls_x509_crt_set_expiration_time(crt, wall_ms() / 1000 + 86400);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	save(certificate_file, &pem);
	gnutls_free(pem.data);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
	save(key_file, &pem);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
}

void client_peer_name(struct client *c, char out[64])
{
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(c->tls, &n);
	gnutls_x509_crt_t crt;
	size_t size = 64;

	assert_true(n >= 1);
	gnutls_x509_crt_init(&crt);
	assert_int_equal(gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER), 0);
	assert_int_equal(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &size), 0);
	gnutls_x509_crt_deinit(crt);
}
