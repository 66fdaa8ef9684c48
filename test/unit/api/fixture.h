/* fixture.h - a running API server over the fake core (fixture.c), whom it knows (fixture_users.c), and a client on raw sockets
 * (fixture_client.c). */
#pragma once
#include "api_test.h"
#include "api/api.h"
#include "base/time.h"
#include "fake_core.h"

/* -- server ---- */
struct fixture {
	struct engine *engine;
	struct api *api;
	struct settings settings; /* change before fixture_start(), or follow the change with fixture_change() */
	struct listen_setting listen[2];
	_Atomic bool ready;
	_Atomic int campaign_error;            /* -EAGAIN: no room; others: what registering ends with */
	_Atomic unsigned campaigns_asked;      /* new aliases */
	_Atomic unsigned campaigns_settled[2]; /* of these: not kept, kept */
	struct settings used[2];               /* the server's copies */
	int slot;
};
/* Users: ana (regular, sub-account 10 "default" of account 1), rui (regular, 11 "marketing"), "Maria da Silva" (regular, answers
 * as objects), root (administrator of account 1), plat (platform), gone (disabled), eva (regular, account 2, sub-account 20),
 * old (regular, its old token "old-old" is still good, "older" is not), shut (its account is disabled). The token of NAME is
 * "t-NAME" (Maria: "t-maria"), e-mail NAME@example.com. pia (regular, 12 "shop", marketing, with header, footer and 60 characters).
 * Templates, flows, campaigns, words and rules: see texts_of_accounts(). */
void publish_users(void);
void publish_users_without(const char *name); /* that one disabled */
void publish_campaigns(size_t n); /* the users, and account 1 has n campaigns, c0, c1, ...; 0: those it had */
void fixture_init(struct fixture *f); /* defaults, nothing running */
void fixture_start(struct fixture *f);
void fixture_change(struct fixture *f);                /* hands the server a copy of f->settings */
void fixture_await_requests(int64_t since, int64_t n); /* until n more than since have been begun (M_REQUESTS) */
void fixture_stop(struct fixture *f);                  /* api first, then the engine */

/* -- client ---- */
struct client {
	int fd;
	void *tls; /* gnutls_session_t, NULL = plain */
	void *credentials;
	struct buf in;
};
struct answer {
	int status;
	struct str head, body; /* into the client's buffer, until the next call */
};
struct client client_open(const struct fixture *f);
struct client client_open_tls(const struct fixture *f, unsigned listener, const char *priorities, bool *ok);
void client_close(struct client *c);
void client_send(struct client *c, const char *p, size_t n);
void client_puts(struct client *c, const char *z);
/* The next answer; fails the test when none comes whole within 10 s. head_only: an answer to HEAD. */
struct answer client_read(struct client *c);
struct answer client_read_head(struct client *c);
bool client_eof(struct client *c); /* waits for the end of the connection; false: octets came instead */
const char *answer_header(const struct answer *a, const char *name); /* NULL when absent; valid until the next call */
const char *answer_text_of(const struct answer *a); /* the body, terminated; valid until the next call */
bool answer_has(const struct answer *a, const char *text);

/* One request on a connection of its own. headers: lines with CR LF, may be "". body NULL: none. user NULL: no credentials. */
struct answer ask(const struct fixture *f, struct client *c, const char *method, const char *target,
		  const char *user, const char *headers, const char *body);
/* Asks, checks the status, closes. Returns the body (valid until the next call). */
const char *expect_answer(const struct fixture *f, int status, const char *method, const char *target,
			  const char *user, const char *headers, const char *body);

/* -- certificates ---- */
/* Writes a self-signed ECDSA certificate of that name and its key. */
void write_certificate(const char *certificate_file, const char *key_file, const char *name);
void client_peer_name(struct client *c, char out[64]); /* common name of the certificate the server showed */
