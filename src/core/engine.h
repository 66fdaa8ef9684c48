/* engine.h - the ring: the one writer. Takes what has piled up, decides, commits once, then speaks. See engine.c for the
 * invariants. Life: engine_open (recovers) -> engine_attach_* -> engine_run on its own thread -> engine_stop from any other
 * -> engine_run returns -> engine_close. */
#pragma once
#include "core/channel.h"
#include "core/outbox.h"
#include "core/snapshot.h"
#include "model/number_list.h"

struct store;
struct engine;
struct engine_config {
	struct store *store;             /* borrowed, open */
	const struct settings *settings; /* borrowed until replaced by engine_settings() */
	int64_t (*now)(void *ctx);       /* wall ms; NULL = wall_ms */
	void *now_ctx;
	uint64_t seed; /* jitter; 0 = random */
	/* Puts an opt-out that an MO asked for (core/optout.h) in force at once (core/numbers.h), and into the lists' file in time, with the
	 * MO's key as the mark; on the engine thread, must not wait for the disk. NULL: lists in memory only. */
	void (*optout)(void *ctx, const struct number_change *c, int64_t key);
	void *optout_ctx;
	int64_t (*optout_written)(void *ctx); /* the mark that is in the file now */
	int64_t optout_mark;                  /* the mark that was in the file when it was opened */
};
int engine_open(struct engine **ret, const struct engine_config *c, struct err *e) MUST;
/* The env a channel is opened with; valid as long as the engine. */
const struct channel_env *engine_channel_env(struct engine *e);
void engine_attach_channel(struct engine *e, struct channel *ch);
void engine_attach_sender(struct engine *e, const struct hook_sender_ops *ops, void *sender);
/* Posts an input of any kind (the channel env and intake use it). */
bool engine_post(struct engine *e, struct input *in, bool must);
/* One turn: takes inputs and due timers, decides, commits, releases the effects. Returns ms until the next timer (-1 none, 0 more
 * to do at once), or -errno when the store failed: the engine is dead then. For engine_run and the simulation. */
int64_t engine_turn(struct engine *e, struct err *err);
/* Turns until engine_stop(); 0, or -errno when the store failed (the process must end, the next start recovers). */
int engine_run(struct engine *e, struct err *err) MUST;
/* Begins nothing more: no submissions, attempts or webhook calls; inputs are still taken. Returns once the turn under way has ended, so
 * that nothing is handed to channel or sender afterwards. Only while engine_run() runs on another thread; gives up after wait_ms. */
void engine_hold(struct engine *e, int64_t wait_ms);
/* No more submissions are taken; what is under way at the carriers finishes within grace_ms; then engine_run returns. */
void engine_stop(struct engine *e, int64_t grace_ms);
void engine_close(struct engine *e);
/* New settings after a reload; borrowed: the old ones too stay valid as long as the process (other threads hold them). */
void engine_settings(struct engine *e, const struct settings *s);
bool engine_accepting(const struct engine *e); /* any thread: for /readyz */
/* A dead webhook call is tried again from the start. done: 0, or -ENOENT when there is no such dead call; on the engine thread, after
 * the commit. Any thread. */
void engine_hook_replay(struct engine *e, int64_t key, uint8_t kind, void (*done)(void *ctx, int result), void *ctx);
void engine_status(struct engine *e, struct buf *json); /* any thread: queues, ages, links as gauges see them */
