/* head.h - the header lines of a webhook call: signature (Standard Webhooks), credentials, and those the customer asked for. */
#pragma once
#include "base/buf.h"
#include "model/account.h"

#define HEAD_LINES 32
struct hook_head {
	struct buf text;       /* the lines, each terminated by NUL */
	size_t at[HEAD_LINES]; /* where each begins in text */
	size_t count;
};
/* "<id>-sent", "<id>-delivered", "<id>-mo": the same for every try of one event. Returns out. */
#define HOOK_ID_MAX 56
char *hook_id(char out[HOOK_ID_MAX], int64_t key, uint64_t rest, int kind);
/* Replaces what h holds. Lines of w->headers that would break the request (no name, control characters) or change what is ours
 * (framing, Content-Type, webhook-*) are left out. now_ms: wall time of this try. */
void hook_head(struct hook_head *h, const struct webhook *w, struct str id, int64_t now_ms, struct str body);
void hook_head_done(struct hook_head *h);
