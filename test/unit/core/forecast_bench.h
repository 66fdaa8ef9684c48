/* forecast_bench.h - for the tests of dry runs: an engine with two connections, one and two, that is asked what would become of messages.
 * 55 goes to both in turn (3 to 1), 351 to one and to two if it must, as does 5599 for marketing alone; 5521 costs 4. */
#pragma once
#include "engine_bench.h"

#include "core/intake.h"
#include "core/ring.h"

#define NOON 1795348800000 /* 2026-11-22T12:00:00Z, a Sunday */
#define HOUR_MS ((int64_t)3600000)
#define DAY_MS (24 * HOUR_MS)
#define MOST 16
#define SUB 7
#define ROUTES 3

extern struct fixture {
	struct engine_bench b;
	struct account account;
	struct sub_account sub;
	struct channel channel;
	int sent[MOST + 1]; /* attempts by connection */
	struct draft drafts[MOST];
	struct forecast told[MOST];
	struct uid ids[MOST];
	struct submission ask;
	bool answered;
} f;

int forecast_setup(void **state);
int forecast_teardown(void **state);
#define FORETOLD(name) cmocka_unit_test_setup_teardown(name, forecast_setup, forecast_teardown)
void publish(void); /* the account and the sub-account as they are now */
void credit(int64_t units);

struct draft *draft(const char *number); /* the next message of the request */
enum submit_status post(bool dry);
void done(struct submission *s); /* of f.ask */
void foretell(void);
void fresh(void); /* the next request */
/* Message i: as told. */
void refused(int i, int code, int reason);
void goes_by(int i, int connection);

/* All that a dry run could have touched. */
struct traces {
	int64_t key, seq, store_key, store_seq;
	size_t live, queued, reach, owners, unfinished;
	int currents[ROUTES][2];
	int64_t accepted, commits, attempts, ledger;
	struct breaker breakers[2];
	int32_t credits[2];
};
struct traces traces(void);
void no_trace(const struct traces *before);
