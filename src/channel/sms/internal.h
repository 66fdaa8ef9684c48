/* internal.h - the objects of the SMS channel and who may call whom. All of it on the loop's thread unless said otherwise.
 *
 *   sms.c      channel: mailboxes from the engine, the end of each turn, reload, stop, status
 *   conn.c     connection: its links, which link takes an attempt, what it grants to the core
 *   session.c  one link: bind state machine, timers; session_bound.c while it is bound: what is written, enquire_link, draining
 *   input.c    PDUs that come in on a link
 *   dial.c     name -> address -> socket -> TLS
 *   submit.c   attempt -> parts -> submit_sm; submit_answer.c what the responses mean; submit_job.c jobs and their ends
 *   address.c  the addresses and times of a submit_sm
 *   deliver.c  receipts and MOs, acknowledged once they are stored
 *
 * Events only move objects between queues and mark the channel as touched. At the end of the loop's turn sms.c lets each
 * connection write what it can: one write and one grant a turn, however many PDUs came. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/loop.h"
#include "base/map.h"
#include "base/metric.h"
#include "channel/sms/config.h"
#include "channel/sms/dial.h"
#include "channel/sms/pace.h"
#include "channel/sms/window.h"

struct bufferevent;

#define PDU_MAX ((size_t)70 * 1024) /* holds a message_payload of 64 KiB */
#define OUTPUT_HIGH \
	((size_t)64 * 1024) /* no submits beyond this much unsent; also bounds what a late enquire_link waits for */
#define OUTPUT_LOW ((size_t)16 * 1024)     /* with so little unsent what waited for room goes on */
#define OUTPUT_STUCK ((size_t)1024 * 1024) /* the peer sends but does not read: stop reading it */
#define UNBIND_MS 5000
#define DRAIN_MS 10000

/* Where stored() hands receipts back, from any thread. Outlives the channel until the last object is back. */
struct door {
	pthread_mutex_t lock;
	struct mailbox *acks; /* NULL: the channel is gone */
	unsigned refs;        /* objects out, and the channel */
};

struct sms {
	struct channel ch;
	struct loop *loop;
	struct channel_env env;
	struct mailbox *work;    /* attempts */
	struct mailbox *control; /* struct order */
	struct door *door;
	struct map *links; /* generation -> session, bound ones */
	uint64_t generations;
	struct dial_dns dns;
	struct split scratch; /* the parts of scratch_job */
	const struct job *scratch_job;
	uint16_t *refs; /* next concatenation reference by hash of the number */
	bool touched;   /* the end of this turn is ours */
	bool stopping, forced, stopped, dead;
	struct timer stop_timer;
	void (*stopped_fn)(void *ctx);
	void *stopped_ctx;
	unsigned unstored;                     /* receipts and MOs at the engine */
	pthread_mutex_t lock;                  /* guards conns and what status() shows of them */
	struct list conns;                     /* retired ones at the end */
	struct conn *by_number[UINT8_MAX + 1]; /* hash of the number; chained by conn.chain; never retired ones */
};

struct conn {
	struct node node; /* sms.conns */
	struct conn *chain;
	struct sms *ch;
	struct sms_config *set;
	struct session **links;
	unsigned link_count, pump_from;
	struct pace pace;
	struct timer pace_timer, tick;
	bool retired;   /* replaced or removed: finishes, grants nothing */
	enum hold hold; /* the operator's word; only HOLD_NONE takes attempts */
	bool was_up;    /* as last told to the core */
	int64_t held;   /* credits at the core: granted and not yet come back as attempts */
	atomic_int shown_used, shown_queued, shown_window, shown_rate, shown_hold;
	struct metric_cell *cell_binds, *cell_window, *cell_hold;
};

#define SESSION_STATES(X) /* id, text, states it may go to */                             \
	X(CLOSED, "closed", BIT(CONNECTING))                                              \
	X(CONNECTING, "connecting", BIT(TLS) | BIT(BINDING) | BIT(BACKOFF) | BIT(CLOSED)) \
	X(TLS, "tls", BIT(BINDING) | BIT(BACKOFF) | BIT(CLOSED))                          \
	X(BINDING, "binding", BIT(BOUND) | BIT(BACKOFF) | BIT(CLOSED))                    \
	X(BOUND, "bound", BIT(UNBINDING) | BIT(BACKOFF) | BIT(CLOSED))                    \
	X(UNBINDING, "unbinding", BIT(BACKOFF) | BIT(CLOSED))                             \
	X(BACKOFF, "backoff", BIT(CONNECTING) | BIT(CLOSED))
enum session_state {
#define STATE_ID(id, text, next) SESSION_##id,
	SESSION_STATES(STATE_ID)
#undef STATE_ID
};
enum role { ROLE_TRANSCEIVER, ROLE_TRANSMITTER, ROLE_RECEIVER };

struct session {
	struct conn *conn;
	enum role role;
	unsigned index;           /* in conn.links */
	enum session_state state; /* written by session_go() alone */
	struct timer timer;       /* limit of the state; bound: next thing due */
	int64_t timer_at;         /* mono us when it fires, bound only */
	/* dialling */
	unsigned host;                /* of the configuration; may be out of its range after a reload */
	unsigned tries, fails, round; /* addresses tried; failures in a row; hosts that failed in this round */
	struct dial dial;
	int64_t bound_at;
	/* a life of the link */
	struct bufferevent *bev;
	bool tls;
	uint64_t generation;
	uint32_t seq, bind_seq;
	struct buf out;                /* staged in this turn */
	uint64_t added;                /* octets ever given to bev */
	int64_t heard_at, enquired_at; /* mono us; enquired_at 0: no enquire_link unanswered */
	bool output_full;              /* submits wait for room */
	bool stuck;                    /* far more unsent: reading is off */
	bool close_when_sent;
	bool refusing; /* the engine was full for too long: receipts are put off at once */
	bool draining;
	int64_t drain_until;
	/* submits */
	struct window window;
	struct list queue; /* jobs with parts never written */
	struct list again; /* pieces the SMSC throttled, in order */
	uint64_t next_order;
	int64_t unwritten; /* parts in queue and again */
	/* delivers */
	struct input *stalled; /* refused by a full engine: reading is off until it is taken */
	int64_t stalled_at;
	struct timer retry;
	unsigned unacked; /* posted and not yet answered */
	/* for status(), under sms.lock */
	enum session_state shown_state;
	int64_t shown_since; /* wall ms */
	int64_t shown_retry_ms;
	char shown_why[160];
	char shown_host[160];
};

/* One attempt on its link. Lives until all its parts are answered, or the link's life ends. */
struct job;
struct piece {
	struct window_entry w;
	struct node again;
	struct job *job;
	uint16_t index;
	uint64_t begin; /* offset of its first octet in the link's output */
};
struct job {
	struct node node;  /* session.queue */
	struct attempt *a; /* NULL once it ended */
	int64_t key;
	uint64_t order;
	uint16_t ref;
	uint16_t n;    /* parts; 0 = not split yet */
	uint16_t next; /* first part never written */
	uint16_t accepted;
	uint16_t out; /* pieces in the window, late ones included */
	uint8_t attempt;
	bool ended, doubted; /* a message-wide result was posted; it was V_DOUBT */
	bool left;           /* link lost: octets of an unanswered part may have left */
	struct piece *pieces, one;
};

static inline struct piece *piece_of(struct window_entry *e) { return OWNER(struct piece, w, e); }
static inline struct job *queue_head(const struct session *s)
{
	struct node *n = list_first(&s->queue);

	return n ? OWNER(struct job, node, n) : NULL;
}
static inline struct piece *again_head(const struct session *s)
{
	struct node *n = list_first(&s->again);

	return n ? OWNER(struct piece, again, n) : NULL;
}
/* Parts of a job in the queue that were never written; before the split as many as the core thought. */
static inline int64_t never_written(const struct job *j)
{
	return (j->n ? j->n : MAX(j->a->parts, 1)) - j->next;
}

/* sms.c */
void sms_touch(struct sms *ch);
void sms_post(struct sms *ch, struct input *in);        /* results and capacities */
uint16_t *sms_ref(struct sms *ch, struct str number);   /* next concatenation reference for that number */
struct conn *sms_conn(struct sms *ch, uint16_t number); /* NULL when there is none, or only a retired one */

/* conn.c */
struct conn *conn_new(struct sms *ch, struct sms_config *take); /* dials at once */
void conn_free(struct conn *c);
void conn_take(struct conn *c, struct attempt *a); /* one attempt from the core */
void conn_turn(struct conn *c);
void conn_lost(struct conn *c, const struct session *s); /* s takes no more: all credits are void; s NULL: just that */
void conn_configure(struct conn *c, struct sms_config *take);
void conn_hold(struct conn *c, enum hold hold);
void conn_retire(struct conn *c); /* drains; conn_gone() is true when nothing is left */
bool conn_gone(const struct conn *c);
void conn_status(struct conn *c, struct buf *json); /* under sms.lock */

/* session.c, session_bound.c */
struct session *session_new(struct conn *c, enum role role, unsigned index);
void session_free(struct session *s);
void session_start(struct session *s);
void session_drain(struct session *s);         /* finishes what is out, unbinds, closes */
void session_undrain(struct session *s);       /* goes on, or begins anew */
bool session_submits(const struct session *s); /* bound, and takes new attempts */
void session_fail(struct session *s, const char *why);
void session_bind_answer(struct session *s, uint32_t status);
void session_unbound(struct session *s, uint32_t seq); /* the SMSC unbinds */
void session_flush(struct session *s);                 /* the staged octets leave for bev */
void session_turn(struct session *s);                  /* unbinds once drained */
void session_wake_at(struct session *s, int64_t us);   /* the timer fires no later than that, bound only */
uint32_t session_seq(struct session *s);
void session_stage(struct session *s, const struct smpp_pdu *m);
void session_answer(struct session *s, uint32_t response, uint32_t seq, uint32_t status);
size_t session_unsent(const struct session *s); /* octets staged or in bev's output */
void session_reading(struct session *s);        /* on or off, as stalled and stuck say */
/* Between session.c and session_bound.c. limit_ms: when the timer fires, 0 = it stays off. */
void session_go(struct session *s, enum session_state to, int64_t limit_ms, const char *why);
void session_on_write(struct bufferevent *bev, void *ctx);
void session_serve(struct session *s); /* what is due on a bound link */
const char *session_state_name(enum session_state st);
static inline struct sms *session_sms(const struct session *s) { return s->conn->ch; }

/* input.c */
void session_input(struct session *s); /* takes what is in the input buffer */

/* submit.c, submit_answer.c, submit_job.c */
void submit_refuse(struct sms *ch, struct attempt *take, enum verdict v, int32_t status); /* never taken by a link */
void submit_queue(struct session *s, struct attempt *take);
void submit_pump(struct session *s, int64_t now_us, int64_t now_ms);
void submit_response(struct session *s, const struct smpp_pdu *m, bool readable);
bool submit_nack(struct session *s, const struct smpp_pdu *m);
int64_t submit_overdue(struct session *s, int64_t now_us); /* ends them; returns when the next is due, INT64_MAX = none */
void submit_sweep(struct session *s, int64_t now_ms); /* ends what expired in the queue */
void submit_drain(struct session *s);                 /* what has not begun goes back */
void submit_put_back(struct session *s);              /* and what the SMSC only ever threw back */
void submit_lost(struct session *s);                  /* the link's life ended: everything is answered */
bool submit_idle(const struct session *s);

/* submit_job.c, for the other two */
void job_post_accepted(struct session *s, const struct piece *p, const struct smpp_pdu *m);
void job_free_if_answered(struct session *s, struct job *j);
void job_take_from_again(struct session *s, struct piece *p);
void job_end(struct session *s, struct job *j, enum verdict v, int32_t status); /* j may be gone after it */
bool job_shut(const struct job *j, int64_t now_ms);

/* address.c */
struct smpp_pdu;
bool address_dest(const struct sms_config *set, struct str number, struct smpp_addr *ret);
void address_source(const struct sms_config *set, struct str source, struct smpp_addr *ret);
void validity_write(char out[17], enum validity_way how, int64_t now_ms, int64_t expires_at);

/* deliver.c */
void deliver_handle(struct session *s, const struct smpp_pdu *m);
void deliver_retry(struct session *s);
void deliver_lost(struct session *s);
void deliver_acks(void *ch, struct mail *first);
struct door *door_new(void);
void door_close(struct door *d); /* the channel goes; what is out frees itself */
