/* world.h - for the tests of the SMS channel: a core that only collects what the channel posts, and a scripted SMSC, both on the
 * channel's own loop, so that a test is one thread and can look at everything. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/time.h"
#include "channel/sms/internal.h"
#include "channel/sms/sms.h"

#define WAIT_MS 20000 /* how long a test waits for what must come */
#define PDUS_MAX 4096

struct evconnlistener;
struct bufferevent;
struct ssl_ctx_st;

/* -- the SMSC ------------------------------------------------------------------------------------------------------ */

struct smsc_pdu {
	struct smpp_pdu m; /* points into octets */
	uint8_t *octets;
	unsigned link; /* index in smsc.links */
};
struct smsc_link {
	struct smsc *smsc;
	struct bufferevent *bev; /* NULL once closed */
	uint32_t bound_as;       /* command id of the bind, 0 before */
	uint32_t seq;
	bool closed; /* by the ESME */
};
struct smsc {
	struct event_base *base;
	struct evconnlistener *listener;
	struct ssl_ctx_st *tls;
	int port;
	/* behaviour */
	int64_t bind_status;                                         /* -1: no answer */
	bool mute_submits, mute_enquire, mute_unbind, deaf;          /* deaf: accepts, reads nothing */
	bool forget;                                                 /* keeps no PDUs: for many */
	uint32_t (*judge)(struct smsc *s, const struct smpp_pdu *m); /* status for a submit_sm; NULL = 0 */
	unsigned count;                                              /* for judge() */
	void (*on_submit)(struct smsc *s, unsigned index); /* does what an SMSC does with pdus[index] */
	void *ctx;
	/* what happened */
	struct smsc_link links[64];
	unsigned link_count;            /* connections ever accepted */
	struct smsc_pdu pdus[PDUS_MAX]; /* all but binds and enquire_links, in order of arrival */
	unsigned pdu_count;
	unsigned binds, enquires, answers; /* answers: deliver_sm_resp */
	struct smpp_pdu last_bind;
};

/* -- the core ------------------------------------------------------------------------------------------------------ */

#define INPUTS_MAX 40000
struct world {
	struct loop *loop;
	struct timer tick;
	struct channel *ch;
	struct settings settings;
	struct connection_setting conn;
	char *urls[4];
	struct smsc smsc, second;
	struct result *results[INPUTS_MAX];
	unsigned result_count;
	struct capacity caps[INPUTS_MAX];
	unsigned cap_count;
	int64_t credits; /* as the core counts them */
	bool up;
	struct receipt_in *receipts[256];
	unsigned receipt_count;
	struct mo_in *mos[256];
	unsigned mo_count;
	bool full; /* refuses receipts and MOs */
	unsigned refused;
	bool stopped;
	char log[1 << 16]; /* lines of the channel */
};

struct world *world_start(void);    /* on the heap, set up */
void world_finish(struct world *w); /* ended and freed */
/* One connection "main" (number 1) to smsc, with timers that suit a test; change w->conn before world_open(). */
void world_setup(struct world *w);
void world_open(struct world *w);
void world_bound(struct world *w); /* open, and wait until all links are bound and credits are there */
void world_end(struct world *w);   /* closes the channel without asking it to stop, frees all */
void world_stop(struct world *w);  /* stop() and wait for stopped() */
void world_turn(struct world *w);  /* about 1 ms of the loop */
void world_run(struct world *w, int64_t ms);
void smsc_open(struct smsc *s, struct event_base *base, struct ssl_ctx_st *tls);
void smsc_close(struct smsc *s);
char *smsc_url(const struct smsc *s, const char *scheme, const char *host); /* malloc'ed */
void smsc_send(struct smsc *s, unsigned link, const struct smpp_pdu *m);
void smsc_raw(struct smsc *s, unsigned link, const void *p, size_t n);
void smsc_drop(struct smsc *s, unsigned link);
void smsc_answer(struct smsc *s, unsigned index, uint32_t status, const char *id); /* to pdus[index] */
unsigned smsc_count(const struct smsc *s, uint32_t command);
const struct smpp_pdu *smsc_nth(const struct smsc *s, uint32_t command, unsigned n);
unsigned smsc_index(const struct smsc *s, uint32_t command, unsigned n);

struct attempt *attempt_make(int64_t key, const char *number, const char *text, uint16_t parts);
void world_send(struct world *w, struct attempt *a); /* counts its credits */
void world_text(struct world *w, int64_t key, const char *number, const char *text, uint16_t parts);
struct result *result_of(struct world *w, int64_t key, unsigned n); /* the nth for that key, NULL if not there */
unsigned results_with(const struct world *w, int verdict);
bool world_logged(const struct world *w, const char *words);
struct session *world_link(struct world *w, unsigned i);
char *repeat(char c, size_t n); /* malloc'ed text */
static inline char *words(const char *z) { return (char *)(uintptr_t)z; }

#define WAIT_FOR(w, condition)                                      \
	do {                                                        \
		int64_t end_ = mono_us() + (int64_t)WAIT_MS * 1000; \
		while (!(condition)) {                              \
			if (mono_us() > end_)                       \
				fail_msg("never: %s", #condition);  \
			world_turn(w);                              \
		}                                                   \
	} while (0)

/* Waits for so many submit_sm. */
static inline void sent(struct world *w, unsigned n)
{
	WAIT_FOR(w, smsc_count(&w->smsc, SMPP_SUBMIT_SM) == n);
}
