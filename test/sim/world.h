/* world.h - what the parts of the world share: the plan (plan.c), the process (process.c) and the clock (world.c). */
#pragma once
#include "sim/sim.h"

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

void plan_draw(struct sim *s); /* from the seed: plan, settings, the snapshot */

void process_start(struct sim *s);
void process_end(struct sim *s); /* whatever it was doing: only what is durable remains */
int64_t sim_clock(void *ctx);    /* as the process sees it; ctx: the sim */
/* Tasks of the operator's. */
void on_reload(struct sim *s, struct task *t);
void on_step_clock(struct sim *s, struct task *t);
void on_replay(struct sim *s, struct task *t); /* his receivers are mended: he asks for everything again */
void on_credit(struct sim *s, struct task *t); /* buys, corrects, takes the limit away and sets it again, at any moment */
