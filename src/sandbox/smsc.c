/* smsc.c - the SMSC as a whole: its life, listeners, turns and their timer, accounts. */
#include "sandbox/smsc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <event2/listener.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "base/map.h"
#include "base/time.h"

void smsc_job_off(struct smsc *c, struct smsc_job *j) { heap_remove(&c->jobs, &j->due); }

void smsc_job_at(struct smsc *c, struct smsc_job *j, int64_t delay_ms)
{
	heap_remove(&c->jobs, &j->due);
	heap_push(&c->jobs, &j->due, c->now_ms + delay_ms);
}

void smsc_enter(struct smsc *c) { c->now_ms = mono_us() / 1000; }

void smsc_leave(struct smsc *c)
{
	struct heap_node *top;

	for (struct node *n; (n = list_pop(&c->dirty));)
		smsc_session_write(OWNER(struct smsc_session, dirty, n));
	for (struct node *n; (n = list_pop(&c->dead));)
		smsc_session_free(c, OWNER(struct smsc_session, node, n));
	top = heap_top(&c->jobs);
	if (!top || (c->timer_at && c->timer_at <= top->at))
		return;
	c->timer_at = MAX(top->at, c->now_ms + 1);
	timer_set(&c->timer, c->timer_at - c->now_ms);
}

static void on_timer(struct timer *t)
{
	struct smsc *c = OWNER(struct smsc, timer, t);
	struct heap_node *n;

	smsc_enter(c);
	c->timer_at = 0;
	while ((n = heap_top(&c->jobs)) && n->at <= c->now_ms) {
		struct smsc_job *j = OWNER(struct smsc_job, due, n);

		heap_remove(&c->jobs, n);
		j->run(c, j);
	}
	smsc_leave(c);
}

static const char *tls_why(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return why ? why : "unusable";
}

static int open_tls(struct smsc *c, struct err *e)
{
	const struct sandbox_settings *s = c->settings;

	if (!*s->certificate || !*s->key)
		return err_set(e, -EINVAL, "smpps: needs certificate and key");
	ERR_clear_error();
	c->tls = SSL_CTX_new(TLS_server_method());
	if (!c->tls || !SSL_CTX_set_min_proto_version(c->tls, TLS1_2_VERSION))
		return err_set(e, -ENOMEM, "smpps: TLS: %s", tls_why());
	if (SSL_CTX_use_certificate_chain_file(c->tls, s->certificate) != 1)
		return err_set(e, -EINVAL, "certificate: %s: %s", s->certificate, tls_why());
	if (SSL_CTX_use_PrivateKey_file(c->tls, s->key, SSL_FILETYPE_PEM) != 1)
		return err_set(e, -EINVAL, "key: %s: %s", s->key, tls_why());
	return 0;
}

static int open_listener(struct smsc *c, int i, const char *name, const char *address, struct err *e)
{
	int fd;

	if (!*address)
		return 0;
	fd = listen_tcp(&c->at[i], name, address, SANDBOX_BACKLOG, e);
	if (fd < 0)
		return fd;
	c->listener[i] = evconnlistener_new(loop_base(c->loop), smsc_accept, c,
					    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener[i]) {
		evutil_closesocket(fd);
		return err_set(e, -ENOMEM, "%s cannot listen", name);
	}
	return 0;
}

int smsc_open(struct smsc **ret, struct loop *l, struct sandbox_settings *s, struct handset *h, struct err *e)
{
	struct smsc *c = xnew(struct smsc);
	int r = 0;

	c->loop = l;
	c->settings = s;
	c->handset = h;
	list_init(&c->sessions);
	list_init(&c->dead);
	list_init(&c->dirty);
	list_init(&c->coming);
	list_init(&c->history);
	c->by_session = map_new();
	c->by_id = map_new();
	c->accounts = map_new();
	c->throttled = map_new();
	c->answered = map_new();
	prng_seed(&c->rng, rng_u64());
	c->last_id = (uint32_t)(rng_u64() & 0x7fffffff); /* ids of an earlier run must not come again soon */
	timer_init(&c->timer, l, on_timer);
	smsc_enter(c);
	c->bucket_at_us = mono_us();
	c->bucket = 1e9; /* full, whatever the rate; over_rate() cuts it */
	c->sweep.run = smsc_sweep;
	if (*s->smpps)
		r = open_tls(c, e);
	if (r == 0)
		r = open_listener(c, 0, "smpp:", s->smpp, e);
	if (r == 0)
		r = open_listener(c, 1, "smpps:", s->smpps, e);
	if (r < 0) {
		smsc_close(c);
		return r;
	}
	smsc_job_at(c, &c->sweep, 100);
	smsc_leave(c);
	*ret = c;
	return 0;
}

struct smsc_account *smsc_account(struct smsc *c, struct str system_id)
{
	uint64_t key = hash_bytes(system_id.p, system_id.n);
	struct smsc_account *a;

	for (; (a = map_ptr(c->accounts, key)); key++)
		if (str_eqz(system_id, a->system_id))
			return a;
	if (map_count(c->accounts) >= SMSC_ACCOUNTS_MAX)
		return NULL;
	a = xnew(struct smsc_account);
	a->system_id = xstrndup(system_id.p ? system_id.p : "", system_id.n);
	list_init(&a->receivers);
	list_init(&a->queue);
	map_set_ptr(c->accounts, key, a);
	return a;
}

static bool free_message(void *ctx, uint64_t key, uint64_t value)
{
	struct smsc_message *m = (void *)(uintptr_t)value;

	(void)ctx;
	(void)key;
	free(m->addr);
	free(m);
	return true;
}

static bool free_account(void *ctx, uint64_t key, uint64_t value)
{
	struct smsc_account *a = (void *)(uintptr_t)value;

	(void)key;
	for (struct node *n; (n = list_pop(&a->queue));)
		smsc_deliver_free(ctx, OWNER(struct smsc_deliver, node, n));
	free(a->system_id);
	free(a);
	return true;
}

static void free_jobs(struct smsc *c)
{
	for (struct heap_node *n; (n = heap_top(&c->jobs));) {
		struct smsc_job *j = OWNER(struct smsc_job, due, n);

		heap_remove(&c->jobs, n);
		if (j->drop)
			j->drop(c, j);
	}
}

void smsc_close(struct smsc *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < COUNT_OF(c->listener); i++)
		if (c->listener[i])
			evconnlistener_free(c->listener[i]);
	for (struct node *n; (n = list_first(&c->sessions));)
		smsc_drop(OWNER(struct smsc_session, node, n));
	for (struct node *n; (n = list_pop(&c->dead));)
		smsc_session_free(c, OWNER(struct smsc_session, node, n));
	free_jobs(c);
	map_each(c->accounts, free_account, c);
	map_each(c->by_id, free_message, c);
	map_free(c->accounts);
	map_free(c->by_id);
	map_free(c->by_session);
	map_free(c->throttled);
	map_free(c->answered);
	timer_done(&c->timer);
	heap_done(&c->jobs);
	buf_done(&c->scratch);
	SSL_CTX_free(c->tls);
	free(c);
}
