/* judge.h - what the judge's files share: what is known of each message beside its durable events.
 *
 *   judge.c         hears what becomes durable; which states allow what; life
 *   judge_sent.c    whether the carriers' words bear out what a message says of itself
 *   judge_out.c     what leaves the process: answers, attempts, octets, webhook calls, answers to receipts
 *   judge_owner.c   cancel, pause, resume
 *   judge_credit.c  ledger and balances
 *   judge_state.c   between turns and at the end: what is in memory is what is durable, and everything is settled */
#pragma once
#include <string.h>

#include "core/ring.h"
#include "sim/sim.h"

#define ATTEMPTS_MAX 24
#define PARTS_SEEN 16
#define FORGOTTEN_MS ((int64_t)3600 * 1000) /* of calm, in which nothing leaves although something is ready */
#define LATE_MS 5000 /* how late the engine may be with a timer, once it gets its turns */

struct attempt_facts { /* what was said about one attempt */
	bool handed;
	uint16_t parts;             /* as the channel counts */
	uint32_t octets, accepted;  /* bits by part */
	uint32_t delivered, failed; /* by receipts that are durable */
	bool reported;              /* some final receipt of it was handed in */
	bool said[V_TEXT + 1];      /* verdicts */
	bool requeued;
	bool restarted; /* in doubt since a restart: how many parts the channel had made of it is lost */
	int requeue_reason;
};
struct hook_facts {
	int wanted, ended; /* changes to tell, calls settled: a newer change may take the place of an older one */
	bool settled;      /* the newest change was told, or given up */
	bool told;         /* the newest change is in a call */
	bool dead;         /* given up; may be replayed */
	uint64_t replayed;  /* when, in calls */
	int64_t seq, older; /* of the newest change, and the one before */
	int64_t not_before;
	int called;
};
struct message {
	struct node node, fresh;
	struct delivery *d; /* what the durable events make of it */
	bool acknowledged;
	bool cancel_asked, cancelled, paused; /* the latter two: acknowledged to the owner, and not resumed */
	bool ever_held;                       /* somebody paused it once */
	unsigned campaign;                    /* number + 1; 0 none */
	int64_t queued_at;
	bool guessed; /* got a receipt by its address that was that of an attempt long over: nobody can tell */
	struct attempt_facts attempt[ATTEMPTS_MAX + 1];
	struct hook_facts hook[HOOK_MO];
};
struct truth { /* whose a receipt really is */
	int64_t key;
	unsigned attempt, part, parts;
	uint8_t state;
	bool final, posted;
};

/* The engine's time does not go back while it runs; the wall clock may. */
static inline int64_t engine_now(const struct sim *s) { return s->e ? s->e->now : sim_wall(s); }
static inline uint64_t id_key(uint16_t connection, const char *id)
{
	return hash_bytes(id, strlen(id)) ^ connection;
}
static inline struct message *message_of(struct sim *s, int64_t key)
{
	return map_ptr(s->judge.messages, (uint64_t)key);
}
struct attempt_facts *facts_of(struct sim *s, int64_t key, unsigned attempt);
/* Its attempt under way, or the last one. */
static inline struct attempt_facts *current(struct message *m)
{
	return &m->attempt[MIN(m->d->attempts, ATTEMPTS_MAX)];
}
static inline uint32_t all_parts(unsigned n) { return (uint32_t)(((uint64_t)1 << n) - 1); }

/* judge_sent.c: objects to events that nothing bears out, before they are applied. */
uint32_t tag_in(const char *text, size_t n);
bool limited(const struct sim *s, const struct delivery *d);
uint32_t to_the_same(struct sim *s, const struct delivery *d);
int64_t receipt_wait(const struct sim *s, const struct delivery *d);
void check_receipt(struct sim *s, struct message *m, const struct event *e);
void note_receipt(const struct sim *s, struct message *m, const struct event *e);
void check_part(struct sim *s, struct message *m, const struct event *e);
void check_sent(struct sim *s, struct message *m, const struct event *e);
void check_delivered(struct sim *s, struct message *m, const struct event *e);

/* judge_out.c */
void on_hook_set(void *ctx, const struct hook_row *row);

/* judge_owner.c */
bool campaign_pause_asked(const struct sim *s, const struct message *m);
bool campaign_cancel_asked(const struct sim *s, const struct message *m);
void check_owner(struct sim *s, const struct message *m, const struct attempt *a); /* objects to an attempt against an owner's word */

/* judge_credit.c */
void note_credit(struct sim *s, const struct delivery *d, uint32_t held, uint32_t price, uint8_t from,
		 const struct event *e);
void on_ledger(void *ctx, const struct ledger_row *l);
void check_ledger(struct sim *s, uint64_t commit); /* ledger and events say the same */
void check_credit(struct sim *s);                  /* and the engine goes by it */
