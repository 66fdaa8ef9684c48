/* send_request.h - a request to send, from JSON or a query string into checked values, and from there into drafts for the
 * engine. Pure but for the arena. */
#pragma once
#include "api/faults.h"
#include "api/query_string.h"
#include "base/arena.h"
#include "model/account.h"
#include "model/input.h"
#include "model/settings.h"
#include "wire/json.h"

#define SEND_MESSAGES_MAX 1000
#define SEND_TEXT_MAX 1280 /* code points, counted in NFC */
#define SEND_CORRELATION_MAX 64
#define SEND_EXTRA_MAX 255
#define SEND_DESTINATION_MAX 64

struct send_item {              /* one message; texts are valid UTF-8 without NUL, empty = not given */
	struct str destination; /* as the caller wrote it */
	struct str text;        /* NFC */
	struct str correlation, extra;
	int8_t flash; /* -1 not said, 0, 1 */
};
struct send_request {
	bool has_sub_account;
	struct str sub_account; /* reference or id, may be empty */
	size_t count;
	struct send_item *items; /* in the arena */
};
/* Fills ret and f; the request is good when f->count stays 0. bulk: root, defaultValues and messages; else the root is the
 * message. Texts borrow from root's document and the arena. */
void send_read_json(struct json *root, bool bulk, struct arena *a, struct send_request *ret, struct faults *f);
/* Texts borrow from q and the arena. */
void send_read_query(const struct query_string *q, struct arena *a, struct send_request *ret, struct faults *f);
/* One draft for each item; numbers that cannot be reached and numbers without a route become drafts that end at once (202,
 * 102). sub: whose class and in-doubt rule count. Drafts borrow from r, s and the arena. */
struct draft *send_drafts(const struct send_request *r, const struct settings *s,
			  const struct sub_account *sub, struct arena *a);
