/* sender_bench.h - for the tests of the sender: one sender, one receiver, the calls that came back. The snapshot and the operators' names
 * are core's; here they are plain tables: sub-account n has webhook n. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "core/snapshot.h"
#include "http_receiver.h"
#include "model/settings.h"
#include "webhook/sender.h"

#define HOOKS 16
extern struct webhook hooks[HOOKS];
extern pthread_mutex_t hooks_lock;
extern struct http_receiver *receiver;
extern struct sender *sender; /* NULL once the test has closed it */

int bench_setup(void **state); /* a receiver, a secret for webhook 1, no sender */
int bench_teardown(void **state);
#define ON_BENCH(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
void bench_quiet(void); /* once, first: metrics are there, the log is kept */

struct settings settings_for(int64_t timeout_ms, int64_t per_endpoint, int64_t total); /* of this machine all is allowed */
void open_sender(const struct settings *s);
void open_default(void);
void point(unsigned hook, const char *fmt, ...) PRINTF_LIKE(2, 3); /* at an URL, or at that path of the receiver */

struct hook_call *call_new(unsigned hook);
void send_calls(unsigned hook, int n);
struct hook_call *call_path(const char *path); /* by webhook 1, and back */
struct hook_call *wait_one(void);              /* fails the test when none comes back for a minute; free it */
size_t came_back(void);                        /* and have not been waited for */
void call_free(struct hook_call *c);
