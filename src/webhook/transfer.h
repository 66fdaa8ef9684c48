/* transfer.h - one webhook call on the wire: a reusable curl handle with its buffers, how it is set up and how its end is judged. */
#pragma once
#include "base/list.h"
#include "core/outbox.h"
#include "core/snapshot.h"
#include "webhook/address_guard.h"
#include "webhook/head.h"
#include "webhook/poller.h"

/* What the sender needs of the settings, copied so that a reload may free them. */
struct hook_config {
	uint64_t generation; /* transfers compare it to learn that their fixed options are old */
	struct address_guard guard;
	int64_t timeout_ms;
	unsigned per_receiver, total;
	char *ca;               /* NULL = system's only */
	struct settings *names; /* just the operators, for carrier_of() */
};
struct hook_config *hook_config_new(const struct settings *s);
void hook_config_free(struct hook_config *c); /* NULL ok */

struct receiver;
struct transfer {
	struct node node; /* in the sender's list of free ones or of those under way */
	CURL *easy;
	struct poller *poller;
	const struct hook_config *config; /* the current one, as long as it is under way */
	struct hook_call *call;
	struct receiver *receiver;
	int64_t begun_us;
	uint64_t generation;
	char *url; /* as last given to curl */
	bool get;  /* the same */
	struct buf body;
	struct hook_head head;
	struct curl_slist lines[HEAD_LINES];
	size_t head_bytes, body_bytes;
	bool answered;           /* a final status line and its head came whole */
	char refused[GUARD_WHY]; /* by the guard; "" = no */
	char error[CURL_ERROR_SIZE];
};
struct transfer *transfer_new(struct poller *p);
void transfer_free(struct transfer *t);
/* Sets everything up and adds it to the poller. The target is copied. 0 or -errno with call->why filled. */
int transfer_start(struct transfer *t, struct hook_call *call, const struct hook_target *target,
		   const struct hook_config *config, int64_t now_us, int64_t wall) MUST;
/* Takes it off the poller and fills the outcome of t->call. */
void transfer_end(struct transfer *t, CURLcode code, int64_t now_us);
