/* sms.h - the SMS channel: an ESME of SMPP 3.4 with any number of connections (carriers), each with its binds.
 *
 * Threads: sms_open() before the loop runs, or on its thread. send(), reload(), stop() and status() may be called from any
 * thread, all else happens on the loop's; so do the calls of env and stopped(). Receipts and MOs may be stored() on any thread,
 * even after the channel is gone. free() after stopped(), when the loop has returned from loop_run() and before loop_free().
 * Inputs: results and capacities are single allocations for the engine to free(); receipts and MOs come back by stored(). */
#pragma once
#include "core/channel.h"

struct loop;
/* Starts dialling at once. Copies what it needs of s and env (whose ctx is borrowed for the channel's life). -EINVAL: an address or
 * a certificate file that cannot be used, said in e. */
int sms_open(struct channel **ret, struct loop *loop, const struct settings *s, const struct channel_env *env,
	     struct err *e) MUST;
