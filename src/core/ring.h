/* ring.h - the engine's inside, shared by its files: engine.c (the turn), engine_life.c, intake.c, dispatch.c, due.c, rehome.c,
 * receipts.c, hooks.c, lists.c, recover.c. Everything here belongs to the engine thread. */
#pragma once
#include <pthread.h>

#include "base/heap.h"
#include "base/rng.h"
#include "core/credit.h"
#include "core/control.h"
#include "core/engine.h"
#include "core/lifecycle.h"
#include "core/queue.h"
#include "core/reach.h"
#include "core/route.h"
#include "model/metrics.h"
#include "store/store.h"

/* A webhook call that is not done: in memory until it is away, done, or written to the store's hook rows. */
struct hook_pending {
	struct node order; /* hooks.order, by seq: the oldest one sets the low-water mark; not linked when stored */
	struct node fifo; /* its endpoint's queue; not linked while away or waiting */
	int64_t key, seq, first_at, born;
	uint32_t webhook;
	uint16_t tries;
	uint8_t kind;
	bool stored; /* has a hook row */
	bool away;
	int64_t told;  /* the newest change it tells; seq is the oldest */
	int64_t again; /* a newer change came while it was away: told next */
	bool waiting;  /* delivered behind an open sent */
};
struct endpoint { /* one webhook owner's backlog */
	uint32_t webhook;
	struct list fifo;
	size_t away;
	size_t stored;        /* rows on disk that are not dead */
	int64_t next_due;     /* earliest of them that is not in memory; INT64_MAX none */
	struct node ready;    /* hooks.ready_list: it has calls and may hand one over */
	struct heap_node due; /* hooks.due: rows are to be read back at next_due */
};
struct hooks {
	struct list order;
	struct map *pending;   /* hook_id() -> struct hook_pending */
	struct map *endpoints; /* webhook id -> struct endpoint */
	struct endpoint **all;
	struct list ready_list;
	struct heap due;
	size_t count, total_away;
	size_t ready;  /* endpoints' fifo lengths together */
	size_t stored; /* rows on disk, dead ones apart */
};
struct receipts {
	struct map *parked;  /* id hash -> number of parked rows with it */
	struct list rows;    /* struct parked_live, newest last, bounded */
	struct map *sending; /* connection and handset -> attempts under way */
	size_t count;        /* rows on disk */
	int64_t next_id;
	struct list doubt; /* struct live.doubt */
};
struct words;
struct mos {                /* messages from handsets, see mo.c */
	struct map *open;   /* struct assembly by source, short code, reference and count */
	struct list order;  /* of them, oldest first */
	size_t parts;       /* in them */
	struct map *seen;   /* hash of the content -> struct seen */
	struct list recent; /* of them, oldest first */
	struct words *opt_out, *opt_in;
	int64_t last; /* key of the newest: end of the lists */
};
/* What a user has read of the changes, see lists.c. */
struct list_reader;

struct engine {
	struct store *store;
	const struct store_ops *ops;
	const struct settings *settings;
	struct policy policy;
	const struct snapshot *snap; /* held for the turn */
	int64_t (*clock)(void *ctx);
	void *clock_ctx;
	struct prng prng;
	struct mailbox *mail;
	struct mail *backlog; /* taken and not yet looked at */
	int64_t now;          /* of this turn */
	struct uid_source ids;
	int64_t seq; /* last event's */
	struct lives lives;
	struct queues queues;
	struct routes routes;
	struct receipts receipts;
	struct hooks hooks;
	struct credit credit;
	struct reach reach;
	struct mos mos;
	struct control control;
	struct map *readers;    /* user -> struct list_reader */
	struct map *unfinished; /* key >> UNFINISHED_SHIFT -> deliveries QUEUED, SENDING or DOUBT */
	int64_t unfinished_low; /* lowest chunk that may have some */
	int64_t sweep;          /* every key up to it is settled or has a due row for its receipt wait */
	int64_t rehome, rehome_until; /* rows to find their queue again after a reload changed the routes */
	size_t under_way;             /* attempts at the channel */
	int dispatch_left, scans_left;
	size_t dispatch_from; /* connection that is looked at first */
	struct list searching; /* struct queue.later: they look for their rows on disk again in the next turn */
	bool more_to_find;
	uint64_t snap_seen; /* serial of the snapshot that the routes' sub-accounts are from */
	int64_t next_second, next_marks;
	int64_t latest; /* the wall clock at its latest, as the marks knew it: it may have been set back since */
	int64_t expired; /* every delivery up to it that was queued past the usual validity has ended */
	bool expiring;   /* there are more whose time is over */
	void (*optout)(void *ctx, const struct number_change *c, int64_t key);
	void *optout_ctx;
	int64_t (*optout_written)(void *ctx);
	int64_t optout_mark, optout_last; /* see optout_mark(); key of the last MO that asked for something */
	struct channel *channel;
	const struct hook_sender_ops *sender_ops;
	void *sender;
	struct channel_env env;
	struct hash_key hash_key;
	/* the open batch and what waits for its commit */
	bool batch;
	size_t batch_inputs;
	struct attempt *send_first, *send_last;
	struct hook_call *hook_first, *hook_last;
	struct mail *done_first, *done_last; /* inputs whose call-backs run after the commit */
	_Atomic bool accepting, hold, stopping, stop_now;
	int64_t stop_at;
	bool dead;
	char last_error[256];
	pthread_mutex_t status_lock;
	struct buf status; /* JSON, swapped once a second */
};
#define MARKS_MS 1000       /* marks on disk are so old at most */
#define UNFINISHED_SHIFT 31 /* 15 bits of counter and 65.5 s */

extern const struct queue_id engine_timers; /* the queue of timers: no route, no sub-account */

bool engine_batch(void *e); /* opens the batch if none is; true */
/* Stores and applies one event and does what follows from it inside the core (queues, timers, hooks). */
void engine_record(struct engine *e, struct live *lv, struct event *ev);
/* Runs the step function for a fact and records what it decided. Returns true when it says send. */
bool engine_step(struct engine *e, struct live *lv, struct fact *f);
void engine_after_commit(struct engine *e, struct mail *m); /* queues an input's call-back */
struct queue *engine_queue_of(void *e, const struct delivery *d);
struct route *engine_route_of(struct engine *e, const struct delivery *d); /* NULL: none */
void engine_waiting(struct engine *e, const struct delivery *d, int n); /* n deliveries more wait in its queue */
void engine_due_set(struct engine *e, const struct queue_id *q, int64_t at, int64_t key);
/* The first moment, now or later, at which d may leave by its schedule, window, retry time and sending hours; SCHEDULE_NEVER. When that is
 * now, *shuts is when it ends, 0 = not within a week. */
int64_t engine_departs(const struct engine *e, const struct delivery *d, int64_t *shuts);
/* Puts it into the due table until then, or, when its expiry is sooner, among the timers until that. */
void engine_postpone(struct engine *e, const struct queue_id *q, const struct delivery *d, int64_t until);
/* Most have nothing to ask: the plain path. */
static inline bool engine_may_leave(const struct engine *e, const struct delivery *d, int64_t *shuts, int64_t *at)
{
	*shuts = 0;
	if (!d->window && !d->not_before && !d->due_at && !(d->flags & DF_MARKETING))
		return true;
	*at = engine_departs(e, d, shuts);
	return *at <= e->now;
}
int64_t engine_receipt_wait(const struct engine *e, const struct delivery *d); /* ms; some operators have their own */
double engine_chance(struct engine *e);                                        /* 0..1 */
void unfinished_add(struct engine *e, int64_t key, int n);
int64_t unfinished_mark(struct engine *e);

void engine_see_clock(struct engine *e); /* sets e->now for the turn */

void intake_submission(struct engine *e, struct submission *s);
struct intake_sender { /* what all messages of a submission have from who sends them; for one turn */
	const struct sub_account *sub; /* NULL: unknown */
	bool resend;                   /* when in doubt */
	struct str source;             /* unless the draft names another */
};
struct intake_sender intake_sender(const struct engine *e, uint32_t sub_account);
/* What the draft becomes, owned by the caller and not stored; fills in its source. *departs is set when d->due_at is: then it may not leave
 * before that. */
struct delivery *intake_delivery(struct engine *e, const struct submission *s, uint32_t i,
				 const struct intake_sender *from, struct uid id, int64_t *departs);
struct intake_before {        /* that others will have taken, which are not accepted yet */
	uint32_t same_number; /* messages that count for its number's limit */
	int64_t units;        /* of credit */
};
/* Acceptance would end it at once, with that code. Changes nothing. */
struct refusal;
bool intake_refused(struct engine *e, const struct sub_account *sub, const struct draft *m,
		    const struct delivery *d, const struct intake_before *before, struct refusal *r);
/* forecast.c: what would become of it, into s->forecasts. */
void intake_forecast(struct engine *e, struct submission *s, const struct intake_sender *from);
/* A message of the sub-account's system user, in the open batch. confirms: it answers who asked for no more. */
void intake_reply(struct engine *e, const struct sub_account *sub, struct str number, struct str source,
		  struct str text, bool confirms);

void dispatch_turn(struct engine *e);
/* The key at the head of that queue; 0 when there is none for now. */
int64_t dispatch_head(struct engine *e, struct queue *k);
/* Rows looked at in one go when a queue comes back from disk, or finds its rows again. */
#ifndef REFILL_SCAN /* the simulation is also built with small limits */
#define REFILL_SCAN 4096
#endif
/* rehome.c */
void dispatch_routes_changed(struct engine *e);
void rehome_rows(struct engine *e);   /* in each turn: the walk over the rows */
void rehome_queues(struct engine *e); /* and what came back to a queue whose route is gone */
/* due.c */
void dispatch_timers(struct engine *e); /* due rows, expiry at queue heads, the sweep for receipts that never came */
int64_t dispatch_next(const struct engine *e); /* wall ms of the next due row */

void receipts_init(struct engine *e);
void receipts_done(struct engine *e);
void receipts_take(struct engine *e, struct receipt_in *r);
void receipts_for(struct engine *e, struct live *lv, uint64_t id_hash); /* a part got its id: parked ones may be its */
void receipts_for_doubt(struct engine *e, struct live *lv);
void receipts_sending(struct engine *e, const struct delivery *d, int by); /* attempts under way: by more */
void receipts_answered(struct engine *e, const struct delivery *d); /* one of them was answered: parked ones may be clear now */

void mos_init(struct engine *e);
void mos_done(struct engine *e);
void mos_settings(struct engine *e, const struct settings *s);
void mo_take(struct engine *e, struct mo_in *m);
void mo_turn(struct engine *e); /* messages whose missing parts are waited for no longer */
int64_t mo_next(const struct engine *e);
void mo_second(struct engine *e);
void mo_set_back(struct engine *e, int64_t by); /* the wall clock */
int64_t mo_mark(const struct engine *e);        /* every part below it is in a message */
int mo_recover(struct engine *e, int64_t mark, int64_t wishes) MUST;
uint64_t mo_attempt_hash(const struct engine *e, const struct delivery *d, uint16_t connection); /* 0: no reply can come */

void hooks_init(struct engine *e);
void hooks_done(struct engine *e);
void hooks_event(struct engine *e, struct live *lv, const struct event *ev); /* a change that a webhook may want */
void hooks_mo(struct engine *e, const struct mo *m);
void hooks_back(struct engine *e, struct hook_call *c);
void hooks_turn(struct engine *e); /* hands ready calls to the sender, reads due ones back from disk */
int64_t hooks_next(const struct engine *e);
int64_t hooks_mark(const struct engine *e); /* every change before it is done, dead, or has a row */
void hooks_pend(struct engine *e, int64_t key, int64_t seq, uint8_t kind, uint32_t webhook); /* recovery */

void hooks_pend_mo(struct engine *e, int64_t key);              /* recovery */
void hooks_set_back(struct engine *e, int64_t was, int64_t by); /* the wall clock: what was planned from it comes sooner */
void hooks_row_found(struct engine *e, const struct hook_row *row); /* recovery */

void lists_init(struct engine *e);
void lists_done(struct engine *e);
void lists_second(struct engine *e); /* leases that ran out */
void lists_set_back(struct engine *e, int64_t by);

void status_second(struct engine *e);

int recover_all(struct engine *e, struct err *err);
