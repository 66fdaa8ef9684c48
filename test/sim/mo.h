/* mo.h - messages from handsets in the simulation, see mo.c. */
#pragma once
#include "sim/sim.h"

#define LIST_LIMIT 50
#define PATIENT_MS ((int64_t)20 * 86400000) /* a wait for parts that never ends here */
void mo_judge_open(struct sim *s);
void mo_judge_close(struct sim *s);
void mo_judge_end(struct sim *s);
bool mo_settled(const struct sim *s);
void mo_said(struct sim *s, uint32_t tag, unsigned total); /* a handset sends so many parts */
void mo_part_text(char *out, size_t size, uint32_t tag, unsigned part);
void mo_durable(struct sim *s, const struct mo *m);
void mo_part_durable(struct sim *s, const struct mo_part *p);
void mo_acknowledged(struct sim *s, uint32_t tag, unsigned part);
/* false: it is none of an MO's. */
bool mo_event(struct sim *s, const struct event *e);
bool mo_call(struct sim *s, const struct hook_call *c);
bool mo_hook_set(struct sim *s, const struct hook_row *row);
void mo_reader_start(struct sim *s); /* a new process */
void mo_reader_die(struct sim *s);
/* wishes.c */
void wishes_open(struct sim *s);
void wishes_close(struct sim *s);
void wishes_start(struct sim *s, struct engine_config *c); /* a new process */
void wishes_die(struct sim *s);
void wishes_say(struct sim *s, char *text, size_t size); /* perhaps puts a word in front */
int wishes_read(struct str *text);                       /* takes it away: enum mo_wish */
void wishes_durable(struct sim *s, const struct mo *m);
void wishes_attempt(struct sim *s, const struct delivery *d); /* leaves the engine */
bool wishes_refuse(struct sim *s, const struct delivery *d);  /* 204 is right */
bool wishes_settled(const struct sim *s);
void wishes_end(struct sim *s);
/* judge.c */
const struct delivery *judge_last_sent(struct sim *s, struct str number, struct str short_code);
const struct delivery *judge_some(struct sim *s); /* some delivery that was accepted, NULL when there is none */
