/* hooks.h - shared by hooks.c (which calls are open), hooks_out.c (out to the sender) and hooks_back.c (their outcomes, replay). */
#pragma once
#include "core/ring.h"

#ifndef ENDPOINT_MEMORY        /* the simulation is also built with small limits */
#define ENDPOINT_MEMORY 8192   /* calls of one owner in memory; more go to disk */
#define ENDPOINT_AWAY_FACTOR 8 /* handed to the sender, per call it makes at once */
#define TOTAL_AWAY_FACTOR 8
#endif

static inline uint64_t hook_id(int64_t key, uint8_t kind)
{
	return (uint64_t)key << 2 | kind; /* keys fit in 61 bits until the year 4199 */
}
struct endpoint *hooks_endpoint(struct engine *e, uint32_t webhook); /* made when new */
size_t hooks_away_limit(const struct engine *e); /* calls of one owner that may be at the sender */
void hooks_stored(struct engine *e, struct endpoint *p, int by); /* rows on disk: by more */
/* After its calls, rows or times changed: whether it is looked at in a turn, and when its rows are. */
void hooks_place(struct engine *e, struct endpoint *p);
void hooks_due(struct engine *e, struct endpoint *p, int64_t at); /* a row of it is due then */
void hooks_enqueue(struct engine *e, struct hook_pending *h);
void hooks_store(struct engine *e, const struct hook_pending *h, int64_t due, bool dead, const struct hook_call *c);
/* Its place in memory is given up (h is freed); the row on disk has it from now on. */
void hooks_to_disk(struct engine *e, struct hook_pending *h, int64_t due, const struct hook_call *c);
/* It was made, given up, or is about nothing any more: out of memory and out of the counts. h and its row stay the caller's. */
void hooks_forget(struct engine *e, struct hook_pending *h);
/* A call for that change is to be made, now or behind another. */
void hooks_open(struct engine *e, struct live *lv, int64_t key, int64_t seq, uint8_t kind, uint32_t webhook);
