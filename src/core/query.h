/* query.h - reading for the API and the command line. A query object belongs to one thread at a time and has its own read
 * connection; calls may wait for the engine (milliseconds) and for the disk, so they run on look-up threads, never on the engine
 * or an event loop. Results are copies, freed by the caller. */
#pragma once
#include "model/delivery.h"
#include "model/event.h"
#include "model/input.h"
#include "model/ledger.h"
#include "model/mo.h"
#include "model/texts.h"

struct engine;
struct query;
struct scope {
	uint32_t account;
	uint32_t sub_account; /* 0 = every sub-account of the account */
	bool everything;      /* operator's command line: no limits of scope */
};
int query_open(struct query **ret, struct engine *e, struct err *err) MUST;
/* Beside no engine: a stopped installation's store, for the command line. Lists are not possible. */
struct store;
int query_open_store(struct query **ret, struct store *s, struct err *err) MUST;
void query_close(struct query *q);

/* out[i] = copy of the current state, or NULL when unknown, foreign or out of scope. 0 or -errno (-ETIMEDOUT: look-up took longer
 * than deadline_ms). */
int query_ids(struct query *q, const struct scope *sc, const struct uid *ids, size_t n, struct delivery **out,
	      int64_t deadline_ms) MUST;
/* The newest max deliveries with that correlationId in scope, newest first; returns the number or -errno. */
ssize_t query_correlation(struct query *q, const struct scope *sc, struct str correlation,
			  struct delivery **out, size_t max, int64_t deadline_ms) MUST;
/* One delivery with all its events, oldest first (*events owned by the caller). -ENOENT when unknown. */
int query_history(struct query *q, const struct scope *sc, struct uid id, struct delivery **ret,
		  struct event **events, size_t *n) MUST;
struct search {
	struct str number, correlation, campaign; /* empty = any; number matches the normalised destination */
	int status;                               /* sent or delivered code; -1 = any */
	int64_t since, until;                     /* acceptance time; 0 = any */
	size_t limit;
};
/* Newest first; calls fn until it returns false. Scans by time, so bounded by since/until and limit. */
int query_search(struct query *q, const struct scope *sc, const struct search *s,
		 bool (*fn)(void *ctx, const struct delivery *d), void *ctx) MUST;

/* Status list: each change once per user (api.md section 6). query_list leases what it returns; exactly one of lease_consume and
 * lease_release must follow. A lease ends by itself (released) after 30 s. */
struct lease;
struct list_ask {
	uint32_t user;
	struct scope scope;
	size_t limit;       /* 1..1000 */
	int64_t start, end; /* time of change, 0 = any */
	bool narrow; /* an administrator asked for one of his sub-accounts (what is of the others stays unread) */
};
ssize_t query_list(struct query *q, const struct list_ask *ask, struct delivery **out, struct lease **ret,
		   int64_t deadline_ms) MUST;
void lease_consume(struct engine *e, struct lease *take, void (*done)(void *ctx), void *ctx); /* any thread; done (may be NULL) after the commit */
void lease_release(struct engine *e, struct lease *take);

/* Messages from handsets. */
#define MO_LIST_MS ((int64_t)3 * 86400000) /* how far the list reaches back [api.md section 8] */
/* The user's MO list, as query_list() does it; what an administrator asks of one sub-account leaves the others' unread. */
ssize_t query_mo_list(struct query *q, const struct list_ask *ask, struct mo **out, struct lease **ret,
		      int64_t deadline_ms) MUST;
/* MOs received in [since, until], oldest first. */
ssize_t query_mo_range(struct query *q, const struct scope *sc, int64_t since, int64_t until, struct mo **out,
		       size_t max, int64_t deadline_ms) MUST;
/* One with its events, oldest first (*events owned by the caller). -ENOENT when unknown. */
int query_mo(struct query *q, const struct scope *sc, struct uid id, struct mo **ret, struct event **events,
	     size_t *n) MUST;
/* Newest first; number (of the handset) empty = any; calls fn until it returns false. */
int query_mo_search(struct query *q, const struct scope *sc, struct str number, int64_t since, int64_t until,
		    bool (*fn)(void *ctx, const struct mo *m), void *ctx) MUST;
struct parked { /* a receipt that matches nothing (yet) */
	int64_t id;
	uint16_t connection;
	int64_t at;
	uint8_t state;
	char carrier_id[CARRIER_ID_MAX], source[24], destination[24], err[16];
};
int query_parked(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct parked *p), void *ctx) MUST; /* newest first */
struct dead_hook {
	int64_t key;
	uint64_t rest;
	uint8_t kind;
	uint32_t webhook;
	int64_t since, last;
	int16_t status;
	char why[96];
	uint16_t tries;
};
int query_dead_hooks(struct query *q, size_t limit, bool (*fn)(void *ctx, const struct dead_hook *h), void *ctx) MUST;
/* Credit: every balance; ledger rows of one, newest first. Until fn returns false. */
int query_balances(struct query *q, bool (*fn)(void *ctx, const struct balance_row *b), void *ctx) MUST;
int query_ledger(struct query *q, uint8_t kind, uint32_t owner,
		 bool (*fn)(void *ctx, const struct ledger_row *l), void *ctx) MUST;
/* Everything of one number (digits of E.164), oldest first: reads all that is stored. */
struct number_item {
	struct uid id;
	bool mo;                              /* a reply; else a message, which query_history() tells */
	int64_t at;                           /* of a reply, as are these */
	struct str source, destination, text; /* borrowed */
};
int query_number(struct query *q, struct str number, bool (*fn)(void *ctx, const struct number_item *i), void *ctx) MUST;

/* What owners say about messages that have not left, see core/control.h. */
enum control_verb { CONTROL_CANCEL, CONTROL_PAUSE, CONTROL_RESUME };
enum control_result {
	CONTROL_UNKNOWN, /* no such message or batch, or none of the scope */
	CONTROL_DONE,    /* cancelled, paused, resumed: now or before */
	CONTROL_LEFT,    /* it is with the carrier, or was */
	CONTROL_DOUBT,   /* it left, or did not: nobody knows yet */
	CONTROL_ENDED,   /* it ended otherwise before it left */
	CONTROL_NOT_PAUSED,
	CONTROL_HELD, /* resumed, but its campaign is paused */
	CONTROL_FULL, /* too many campaigns under orders */
	CONTROL_RESULTS
};
#define CONTROL_ALIAS_MAX (4 * CAMPAIGN_ALIAS_MAX) /* octets */
struct control_item {
	struct uid id;
	enum control_result result;
	struct str correlation; /* the caller's; owned by the request */
};
#define CONTROL_MESSAGES_MAX 1000
struct control_request {
	enum control_verb verb;
	struct scope scope;
	struct uid batch;                     /* key 0: none */
	uint32_t campaign_id;                 /* 0: none, or not registered yet */
	char campaign[CONTROL_ALIAS_MAX + 1]; /* its alias; "": none, or not known */
	/* In: ids. Out: results; those of the batch follow those asked for. */
	struct control_item items[CONTROL_MESSAGES_MAX * 2];
	size_t n;
	enum control_result batch_result, campaign_result;
};
/* Carries it out; what it says is durable when it returns 0, and the results are filled in. -ETIMEDOUT: the engine did not answer in
 * time; it may still carry it out, and take is freed by whoever lets go last. After 0 it is the caller's again. */
int query_control(struct query *q, struct control_request *take, int64_t deadline_ms) MUST;
void control_request_free(struct control_request *r); /* NULL ok */

/* A campaign that is paused or being cancelled, or one whose cancellation is over (the newest of these since the process began). */
struct campaign_order {
	enum control_verb verb;               /* CANCEL or PAUSE */
	uint32_t sub_account;                 /* 0: every one of the account */
	uint32_t campaign_id;                 /* 0: it was not registered then */
	char campaign[CONTROL_ALIAS_MAX + 1]; /* "": it was not known by that id */
	int64_t at, over_at; /* when it was said; when a cancellation was over, 0 = not yet */
	uint64_t cancelled, left; /* of a cancellation, since the process began: ended by it; under way, so they cannot be */
};
/* Those of the scope, newest first, at most max; *ret is the caller's. The number, or -ETIMEDOUT. */
ssize_t query_orders(struct query *q, const struct scope *sc, struct campaign_order **ret, size_t max,
		     int64_t deadline_ms) MUST;
