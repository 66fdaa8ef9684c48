/* sim.h - the engine in simulated time: one seed decides who sends what, what carriers and receivers do, which links drop, and
 * when the process dies. The parts: client.c submits, carrier.c is the channel and smsc.c the SMSCs behind it, receiver.c the
 * webhook receivers, judge.c and its files know what is durable and object; plan.c draws what a seed is like, process.c starts the
 * engine and kills it, world.c moves the clock. */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/engine.h"
#include "core/intake.h"
#include "store/memory.h"

struct sim;
struct task { /* something that happens at a virtual time; embedded */
	struct heap_node node;
	void (*run)(struct sim *s, struct task *t);
};
void sim_at(struct sim *s, struct task *t, int64_t at, void (*run)(struct sim *s, struct task *t)); /* moves it when set */
void sim_off(struct sim *s, struct task *t);

/* What this seed is like; shares in percent. */
struct plan {
	int messages, bulk_max;
	int64_t gap_ms;    /* between two requests, at most */
	int64_t length_ms; /* of the troubled time; after it everything works and the rest must settle */
	int lag;           /* share of moments in which the engine does not get its turn */
	/* carriers */
	int connections, links, window;
	int64_t rtt_ms;
	int refused, bad_number, nack, temporary, text, silent, throttled, late_answer, other_part_count;
	int64_t drop_every_ms, down_ms; /* 0 = links hold */
	int receipt_never, receipt_failed, receipt_early, receipt_twice, receipt_enroute, receipt_two_forms,
		strangers, mos, mo_long;
	int64_t receipt_ms;
	/* messages */
	int long_text, same_number, short_validity, invalid, unrouted, no_reports, resend_doubt, marketing, idempotent;
	/* receivers */
	int hook_failing; /* share of time an endpoint fails */
	int64_t hook_ms;
	/* the process */
	int64_t crash_every_ms; /* 0 = never */
	int commit_fails;       /* share of crashes that are failing commits */
	int mid_effects;        /* share of crashes in the middle of a turn's effects */
	int control_ms;         /* between two words of owners, at most; 0 = they say nothing */
	bool conditions;        /* routes by class, operator and sub-account */
	struct breaker_setting breaker;
	bool reload;     /* routes change while it runs */
	int clock_steps; /* share of crashes replaced by a wall clock that is set */
	int graceful;    /* share that are restarts by the operator */
	int64_t memory;
	int credit;               /* share of what is needed that there is; 0 = no balances */
	bool sub_credit;          /* a sub-account has one as well */
	uint32_t per_destination; /* of sub-account 3, in per_destination_ms; 0 = any */
	int64_t per_destination_ms;
	bool redact; /* sub-account 2 */
};
#define CONNECTIONS_MAX 3
#define LINKS_MAX 2
#define SUBS 3
#define USERS 4

/* Schedules, windows and clocks: timing.c. */
struct timing {
	bool on;
	int scheduled, windowed; /* percent */
	bool hours;              /* a sub-account has sending hours */
	int64_t ahead_ms;        /* schedules are so far ahead at most */
	int64_t step_ms;         /* the clock is set by so much at most */
	int64_t set_back;        /* by how much in all */
	int64_t set_at;
	struct prng r;
};
void timing_draw(struct sim *s);
void timing_sub_accounts(const struct sim *s, struct sub_account *subs);
void timing_fill(struct sim *s, struct draft *d, uint64_t shape, int64_t now);
bool timing_allows(const struct sim *s, const struct delivery *d, int64_t ms);
void timing_check_leaves(struct sim *s, const struct delivery *d, int64_t now, const char *what);
void timing_check_end(struct sim *s, const struct delivery *d, const struct event *e);
void timing_step_clock(struct sim *s, int64_t by); /* some ms, or as the plan of timing has it */

/* -- carriers ------------------------------------------------------------------------------------------------------ */
struct link {
	struct conn *conn;
	bool up;
	uint32_t session; /* bumps with each bind */
	bool throttled;
	struct list waiting, outstanding; /* struct out */
	struct task pump, drop, bind;
};
struct conn {
	struct sim *s;
	uint16_t number;
	struct link link[LINKS_MAX];
	int links;
	int64_t balance;   /* parts the engine may still send, as far as the channel granted */
	int64_t unsettled; /* parts charged and not settled */
	int resets_unseen; /* posted, not yet taken by the engine: its sends may still use void credits */
	struct task grant;
	bool two_forms;   /* notation of its ids is not known: receipts are looked up in two */
	uint64_t next_id; /* the SMSC's message ids */
};
struct carrier {
	struct channel channel; /* first */
	struct conn conn[CONNECTIONS_MAX];
	int n;
	struct list flights; /* struct flight: attempts the channel has */
	struct list reports; /* struct report: receipts the SMSCs have not got an answer for */
	struct list posted;  /* struct posted: of them, what the engine holds */
	uint32_t next_tag, next_mo;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};
void carrier_open(struct sim *s);
void carrier_start(struct sim *s); /* a new process binds */
void carrier_die(struct sim *s);   /* the process is gone: links too; the SMSCs live on */
void carrier_close(struct sim *s);
size_t carrier_parts_away(const struct sim *s);

/* -- receivers ----------------------------------------------------------------------------------------------------- */
enum receiver_mode {
	RECEIVER_OK,
	RECEIVER_500,
	RECEIVER_TIMEOUT,
	RECEIVER_GONE,
	RECEIVER_SLOW,
	RECEIVER_BUSY,
	RECEIVER_404,
	RECEIVER_MODES
};
#define WEBHOOKS 3
struct receiver {
	struct list calls; /* struct call_away */
	struct {
		enum receiver_mode mode;
		struct task change;
		struct sim *s;
	} endpoint[WEBHOOKS + 1]; /* by webhook id */
};
void receiver_open(struct sim *s);
void receiver_die(struct sim *s);
extern const struct hook_sender_ops receiver_ops;

#define SIM_DRY "dry" /* correlation of what was only asked about */

/* -- clients ------------------------------------------------------------------------------------------------------- */
struct client {
	struct list orders; /* struct order: submissions not answered */
	struct list keys;   /* struct idem_use */
	int left;           /* messages still to be sent */
	uint32_t next_order;
	struct task next;
	uint64_t answered, refused, replayed;
};
/* -- owners: cancel, pause, resume ------------------------------------------------------------------------------------ */
#define CAMPAIGNS 3
struct owner {
	struct task next;
	struct list asks;
	uint64_t carried_out;
	uint32_t resumed[CAMPAIGNS]; /* so often */
};
void owner_open(struct sim *s);
void owner_calm(struct sim *s); /* the troubled time is over: what is paused is resumed, or left to expire */
void owner_die(struct sim *s);
/* What judge_owner.c knows of it. Scope: sub-account, 0 = all. */
struct uid judge_pick(struct sim *s); /* some message that was acknowledged; key 0: none */
void judge_asked(struct sim *s, int verb, int64_t key);
void judge_campaign_asked(struct sim *s, int verb, unsigned campaign, uint32_t sub);
void judge_resuming(struct sim *s, int64_t key); /* from here on it may leave */
void judge_campaign_resuming(struct sim *s, unsigned campaign, uint32_t sub);
void judge_told(struct sim *s, int verb, int64_t key, int result); /* acknowledged */
void judge_campaign_told(struct sim *s, int verb, unsigned campaign, uint32_t sub, int64_t until);
int64_t judge_newest(const struct sim *s);

void client_open(struct sim *s);
void client_die(struct sim *s);
void client_close(struct sim *s);

/* -- judge --------------------------------------------------------------------------------------------------------- */
struct judge {
	struct map *messages; /* key -> struct message */
	struct list all;
	int64_t last_seq;    /* durable */
	bool hungry;         /* the engine has more to do at once: what is due may still be open */
	struct map *tags;    /* receipt tag -> struct truth */
	struct map *durable; /* receipt tag -> it is in an event or a parked row */
	struct map *ids;     /* connection and carrier id -> struct truth */
	struct {
		bool paused[SUBS + 1];       /* acknowledged and not resumed, by scope */
		int64_t cancelled[SUBS + 1]; /* acknowledged up to that key */
		bool cancel_asked[SUBS + 1], pause_asked[SUBS + 1];
	} campaign[CAMPAIGNS];
	int64_t last_attempt; /* when the engine began one */
	int in_a_row;         /* marketing attempts while a transactional message waited for the same route */
	struct list fresh;    /* struct message.fresh: accepted by the batch that is told */
	struct map *said;     /* incoming message's tag -> struct said of mo.c */
	struct map *heard;    /* MO's key -> struct heard */
	struct list heard_all;
	struct node *look;                 /* where the comparison with the engine's memory goes on */
	struct {                           /* by enum balance_kind: the account's, and sub-account 1's */
		int64_t balance, reserved; /* as the durable events and the operator's durable changes make them */
		int64_t ledger_balance, ledger_reserved; /* as the ledger says */
		int64_t last_id;
		uint64_t rows;
	} credit[3];
	uint64_t accepts, events, attempts, calls, receipts, replays;
};
void judge_open(struct sim *s);
void judge_close(struct sim *s);
void judge_acknowledged(struct sim *s, const struct draft *d, struct uid id, uint32_t order, uint32_t index);
void judge_attempt(struct sim *s, const struct attempt *a);
void judge_octets(struct sim *s, int64_t key, unsigned attempt, unsigned part); /* left the house */
void judge_result(struct sim *s, const struct result *r);                       /* the channel said it */
void judge_receipt(struct sim *s, uint16_t connection, const char *id, int64_t key, unsigned attempt,
		   unsigned part, unsigned parts, uint32_t tag, uint8_t state, bool final);
void judge_stored(struct sim *s, uint32_t tag);
void judge_call(struct sim *s, const struct hook_call *c);
void judge_call_back(struct sim *s, const struct hook_call *c);
void judge_stopped(struct sim *s); /* the operator stopped it in peace */
void judge_restart(struct sim *s);
void judge_turn(struct sim *s, bool more); /* more: it wants another turn at once */
bool judge_settled(struct sim *s);         /* everything is over */
void judge_end(struct sim *s);

/* -- world --------------------------------------------------------------------------------------------------------- */
struct sim {
	uint64_t seed;
	struct prng r;
	struct plan plan;
	struct timing timing;
	int64_t start, now, troubled_until;
	struct heap tasks;
	struct settings *settings, *other; /* other: after a reload */
	bool reloaded;
	int64_t skew;          /* the wall clock against the world's */
	int64_t lenient_until; /* the clock was set: timers may be late */
	struct store *store;
	struct engine *e;
	unsigned life;    /* of the process */
	int effects_left; /* -1: not dying; else so many more effects get out of the process */
	bool stopping, stopped;
	int64_t stop_at, nap;
	bool calm;
	struct carrier carrier;
	struct receiver receiver;
	struct client client;
	struct owner owner;
	struct judge judge;
	struct task crash, reload, step_clock, replay, credit, read_mos;
	struct call *reading; /* at the engine */
	struct wishes *wishes;
	uint64_t turns;
	char failure[512]; /* the first one */
	bool verbose;
};
/* false: an invariant was broken, the words are in *s. The caller owns s, which is all zero. */
bool sim_run(struct sim *s, uint64_t seed, bool verbose);
void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_note(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3); /* trace, when verbose */
/* An effect is about to leave the process: false = it died before. */
bool sim_effect(struct sim *s);
static inline bool chance(struct sim *s, int percent) { return (int)prng_below(&s->r, 100) < percent; }
static inline int64_t between(struct sim *s, int64_t low, int64_t high)
{
	return low + (int64_t)prng_below(&s->r, (uint64_t)(high - low + 1));
}
/* What the process sees when it looks at the clock. */
static inline int64_t sim_wall(const struct sim *s) { return s->now + s->skew; }
uint32_t sim_webhook_of(uint32_t sub_account, uint32_t user, int kind); /* 0 = none */
uint32_t sim_sub_of(uint32_t user);
