/* number_keeper.h - keeps the lists of numbers on the disk and those in memory the same, and the table of ported numbers in use.
 *
 * Every change by command goes to the disk first, then to memory, under one lock, so that both end with the same last word. What an MO
 * asked for (core/optout.h) is durable with the MO: it goes to memory at once and is written by a thread of its own. */
#pragma once
#include "store/numbers.h"

struct number_keeper;
/* Opens the lists' file. With `fill` memory is filled from it and the table of ported numbers is opened when there is one: for a
 * server. Commands beside no server need neither. */
int keeper_open(struct number_keeper **ret, const char *data_folder, bool fill, struct err *e) MUST;
/* Writes down what is still waiting. NULL ok. */
void keeper_close(struct number_keeper *k);
struct numbers_db *keeper_db(struct number_keeper *k);
/* Durable and in force when it returns 0. Any thread. */
int keeper_change(struct number_keeper *k, const struct number_change *c, size_t n, size_t *changed, struct err *e) MUST;

/* For engine_config.optout: ctx is the keeper. Waits only when 65536 changes have not found their way to the disk. */
void keeper_optout(void *ctx, const struct number_change *c, int64_t key);
int keeper_start(struct number_keeper *k, struct err *e) MUST; /* the thread that writes them */
int64_t keeper_mark(const struct number_keeper *k);            /* every change up to that MO is in the file */
int64_t keeper_written(void *ctx);                             /* the same for engine_config.optout_written */

/* Where the table of ported numbers lies; the caller frees. */
char *keeper_ported_path(const char *data_folder) MUST;
int keeper_ported_load(const char *data_folder, struct err *e) MUST; /* takes it into use; none is no error */
