/* smsc.h - inside the sandbox: the SMSC's sessions, accounts, messages and what is on its way to the ESMEs.
 *
 * An account is a system_id. Messages (struct smsc_message) belong to the account that submitted them; receipts and replies
 * (struct smsc_deliver) wait in their account's queue for any of its binds that receives, and go back there when the bind ends
 * before the answer. Everything that takes time is a job in one heap under one timer.
 *
 * smsc.c          its life, listeners, the timer, accounts
 * smsc_session.c  a session's socket and life, output
 * smsc_bind.c     requests of a session: bind, unbind, enquire_link, dispatch
 * smsc_submit.c   submit_sm, data_sm and the message's end
 * smsc_query.c    query_sm, cancel_sm, replace_sm
 * smsc_deliver.c  receipts and replies to the ESMEs
 * smsc_mo.c       what handsets send
 */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/listen.h"
#include "base/loop.h"
#include "sandbox/handset.h"
#include "sandbox/outcome.h"
#include "sandbox/settings.h"

struct bufferevent;
struct evconnlistener;
struct map;
struct ssl_ctx_st;
struct smsc;

#define SMSC_PDU_MAX (72 << 10) /* a message_payload of 64 KiB fits */
#define SMSC_SESSIONS_MAX 1000
#define SMSC_ACCOUNTS_MAX 1000
#define SMSC_HISTORY_MAX 100000   /* messages at their end that query_sm still knows */
#define SMSC_BIND_MS 10000        /* from connection to bind; from enquire_link to its answer */
#define SMSC_OUTPUT_MAX (1 << 20) /* octets; a peer that reads no more than that is not read from either */

struct smsc_job {
	struct heap_node due; /* milliseconds of the monotonic clock */
	void (*run)(struct smsc *c, struct smsc_job *j);
	void (*drop)(struct smsc *c, struct smsc_job *j); /* frees its owner at the end of all; NULL: somebody else does */
};

/*   OPEN ──bind──► BOUND ──unbind, either side──► CLOSING ──output written──► DEAD
 *     └────────── error, time-out, bind refused twice ──────────────────────►┘        freed at the end of the turn */
enum smsc_state { SMSC_OPEN, SMSC_BOUND, SMSC_CLOSING, SMSC_DEAD };

struct smsc_account {
	char *system_id;
	struct list receivers; /* of smsc_session.rx; rotates */
	struct list queue;     /* of smsc_deliver.node, oldest first */
};
struct smsc_session {
	struct smsc_job watch; /* next look at silence */
	struct smsc *smsc;
	struct node node;  /* in smsc.sessions, or smsc.dead */
	struct node rx;    /* in account.receivers */
	struct node dirty; /* in smsc.dirty: out is to be written */
	struct bufferevent *bev;
	struct buf out;
	struct smsc_account *account; /* once bound */
	struct list flying;           /* of smsc_deliver.node: sent, not answered, oldest first */
	uint64_t id;                  /* never reused */
	uint32_t seq;                 /* of our last request */
	enum smsc_state state;
	bool transmits, receives;
	bool paused;                /* not read from, as it does not read itself */
	uint8_t version;            /* interface_version of the bind */
	int64_t heard_ms, asked_ms; /* last octet; last enquire_link not answered yet, or 0 */
};
struct smsc_message {
	struct smsc_job end; /* due while pending */
	struct node node;    /* in smsc.coming, or in smsc.history once at its end */
	struct smsc_account *account;
	struct smsc_receipt_plan {
		uint8_t wanted; /* registered_delivery's low bits */
		uint8_t count;  /* final receipts to send */
		bool other_notation, out_of_order;
	} plan;
	enum receipt_state state; /* NONE while pending */
	enum receipt_state fate;  /* what it will be */
	uint32_t id;
	uint64_t handset;
	uint8_t seq;           /* part */
	int64_t at_ms, end_ms; /* wall clock */
	const char *answer;
	char sample[21];        /* of the text, ASCII, for the receipt */
	struct smpp_addr *addr; /* [0] source, [1] destination */
};
struct smsc_deliver {
	struct smsc_job again; /* due while it waits after a temporary error */
	struct node node;      /* in account.queue or session.flying */
	struct smsc_account *account;
	int64_t born_ms, sent_ms;
	uint32_t seq;
	unsigned tries;
	uint64_t handset; /* of a reply */
	uint8_t part;     /* of a reply, 1.. */
	uint8_t esm_class, data_coding;
	uint8_t state; /* enum receipt_state, or 0: no TLVs */
	uint8_t error;
	bool payload;      /* the text is in message_payload */
	uint8_t sar_total; /* of a reply whose parts are joined by SAR parameters; else 0 */
	uint16_t sar_ref;
	char id[12]; /* receipted_message_id */
	struct smpp_addr source, dest;
	size_t n;
	uint8_t text[];
};
#define SANDBOX_BACKLOG 256
struct smsc_counts {
	uint64_t submits, accepted, throttled, refused, receipts, receipts_acked, redelivered, expired, replies;
};
struct smsc {
	struct loop *loop;
	struct sandbox_settings *settings; /* borrowed; changes while it runs */
	struct handset *handset;           /* borrowed */
	struct ssl_ctx_st *tls;
	struct evconnlistener *listener[2]; /* plain, TLS */
	struct listening at[2];
	struct list sessions, dead, dirty;
	struct list coming, history; /* of smsc_message.node: pending; at their end */
	struct map *by_session;      /* session id -> session */
	struct map *by_id;           /* message id -> smsc_message */
	struct map *accounts;        /* hash of system_id -> account */
	struct map *answered;        /* hash of a number ending in 9007 -> when it last wrote SAIR */
	struct map *throttled; /* hash of a number ending in 9058 -> refusals since the last acceptance */
	struct heap jobs;
	struct timer timer;
	int64_t timer_at;      /* when it fires, 0: off */
	struct smsc_job sweep; /* unanswered deliveries and those nobody fetches */
	struct prng rng;
	struct buf scratch;
	uint64_t last_session;
	uint32_t last_id;
	uint16_t last_ref; /* of replies in several parts */
	int64_t now_ms;    /* monotonic, of this turn */
	int64_t bucket_at_us;
	double bucket;   /* submits that may come now, when rate is set */
	size_t delivers; /* receipts and replies on their way */
	struct smsc_counts counts;
};

int smsc_open(struct smsc **ret, struct loop *l, struct sandbox_settings *s, struct handset *h, struct err *e) MUST;
void smsc_close(struct smsc *c); /* NULL ok */

/* Every way into the SMSC (socket, timer, HTTP) begins with enter and ends with leave, which writes what is to be written and
 * frees what has died. In between sessions stay allocated. */
void smsc_enter(struct smsc *c);
void smsc_leave(struct smsc *c);
void smsc_send(struct smsc_session *s, const struct smpp_pdu *m);
void smsc_drop(struct smsc_session *s);                                 /* at once, unsent output is lost */
void smsc_finish(struct smsc_session *s);                               /* once the output is written */
void smsc_job_at(struct smsc *c, struct smsc_job *j, int64_t delay_ms); /* replaces a running one */
void smsc_job_off(struct smsc *c, struct smsc_job *j);
struct smsc_account *smsc_account(struct smsc *c, struct str system_id); /* NULL: there are too many */

void smsc_session_write(struct smsc_session *s);                /* its output, at the end of a turn */
void smsc_session_free(struct smsc *c, struct smsc_session *s); /* a dead one, at the end of a turn */
struct sockaddr;
void smsc_accept(struct evconnlistener *l, int fd, struct sockaddr *sa, int n, void *ctx); /* ctx: the smsc */

void smsc_request(struct smsc_session *s, const struct smpp_pdu *m, uint32_t fault);
void smsc_reply(struct smsc_session *s, const struct smpp_pdu *req, uint32_t status); /* a response without members */
void smsc_watch(struct smsc *c, struct smsc_job *j);

void smsc_submit(struct smsc_session *s, const struct smpp_pdu *m);
void smsc_end(struct smsc *c, struct smsc_message *m, enum receipt_state state); /* its end: handset, receipts, history */
void smsc_message_free(struct smsc *c, struct smsc_message *m);
void smsc_print_id(const struct smsc *c, uint32_t id, bool other, char out[12]);
bool smsc_read_id(const struct smsc *c, const char *text, uint32_t *ret);

void smsc_query(struct smsc_session *s, const struct smpp_pdu *m);
void smsc_cancel(struct smsc_session *s, const struct smpp_pdu *m);
void smsc_replace(struct smsc_session *s, const struct smpp_pdu *m);

void smsc_deliver_receipt(struct smsc *c, const struct smsc_message *m, enum receipt_state state);
struct json;
struct smsc_deliver *smsc_deliver_new(struct smsc *c, struct smsc_account *a, const void *text, size_t n); /* queued */
/* What a handset sends, and what the network makes of it. */
struct smsc_mo {
	struct str number, short_code, text; /* borrowed */
	unsigned alphabet;                   /* enum split_alphabet; 0: the smallest that holds the text */
	enum split_join join;
	bool shuffle;  /* parts go out in any order but the right one */
	unsigned skip; /* this part (1..) gets lost, 0: none */
};
/* What the network does to it: "alphabet", "join", "shuffle" and "skip" of a JSON object, all may be missing. NULL, or what is wrong. */
const char *smsc_mo_read(struct json *object, struct smsc_mo *ret);
/* In parts when it is long. 0 and *id of the handset's message; -EINVAL: too long, or not in the alphabet; -ENOSPC: too much waits;
 * -ENOTCONN: no ESME that was ever there could take it. */
int smsc_mo_send(struct smsc *c, const struct smsc_mo *asked, uint64_t *id, struct err *e) MUST;
void smsc_deliver_answered(struct smsc_session *s, const struct smpp_pdu *resp);
void smsc_deliver_back(struct smsc_session *s); /* the session ends: what flies returns to the queue */
void smsc_pump(struct smsc *c, struct smsc_account *a);
void smsc_sweep(struct smsc *c, struct smsc_job *j);
void smsc_deliver_free(struct smsc *c, struct smsc_deliver *d);
