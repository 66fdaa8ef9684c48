/* request.h - one connection and the request it is at. Internal to the room.
 *
 * stage:   IDLE ──head──► READING ──whole──► (answered at once) ──► IDLE
 *                                  └─► WAITING ──claimed by who has the result──► READY ──► answered ──► IDLE
 *                                         └─claimed by api_stop()──► GONE ──► answered 503, connection closed
 *
 * A connection belongs to one HTTP thread (worker.h). While it is WAITING (suspended there) the engine or the look-up thread
 * owns the fields marked (result); exactly one of those who want to end the wait wins the change of stage and resumes. The
 * object is counted: the connection holds one reference, whoever it waits for another, so that neither a vanished client nor a
 * forced stop frees what the engine still uses. */
#pragma once
#include <microhttpd.h>
#include <stdatomic.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/head.h"
#include "api/ip.h"
#include "api/send_request.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/mailbox.h"
#include "core/query.h"
#include "core/snapshot.h"
#include "wire/signature.h"

struct api;
struct arrival;
struct listener;
struct worker;
struct request;

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_HEAD = 4, METHOD_OTHER = 8 };
enum route_flag {
	ROUTE_OPEN = 1,   /* no credentials, no rate limit; HEAD works too */
	ROUTE_STATUS = 2, /* counts as a status query */
	ROUTE_SEND = 4,   /* Idempotency-Key is read */
};
struct route {
	struct str path;
	unsigned methods; /* enum method */
	unsigned flags;   /* enum route_flag */
	const char *allow;
	/* The request is whole and, unless ROUTE_OPEN, its user known (q->user, q->snap). Either leaves an answer (q->status and
	 * q->out, request_refuse()) or calls request_wait() and hands the request on. */
	void (*run)(struct request *q, const struct settings *s);
	void (*finish)(struct request *q, const struct settings *s); /* after the wait: the answer; NULL: it is there */
	void (*sent)(struct request *q, bool whole); /* the answer left, or will not; may be NULL */
};
const struct route *route_find(struct str path);

enum stage { STAGE_IDLE, STAGE_READING, STAGE_WAITING, STAGE_READY, STAGE_GONE };

struct lookup {
	struct node node; /* in the look-up queue; guarded by its lock */
	enum {
		LOOKUP_ONE,
		LOOKUP_SEARCH,
		LOOKUP_LIST,
		LOOKUP_MO_LIST,
		LOOKUP_MO_SEARCH,
		LOOKUP_CONTROL,
		LOOKUP_ORDERS
	} kind;
	struct scope scope;
	struct uid *ids; /* in the arena */
	size_t id_count;
	struct str *correlations; /* in the arena or the document */
	size_t correlation_count;
	struct list_ask ask;
	/* control */
	enum control_verb verb;
	struct uid batch;     /* key 0: none */
	uint32_t campaign_id; /* 0: none */
	struct str campaign;  /* in the document */
	int64_t deadline_us;  /* mono */
	struct lease *lease;  /* (result) to be consumed or released */
};

struct request {
	/* the connection */
	struct api *api;
	struct worker *worker; /* its HTTP thread */
	struct mail mail;      /* on its way back there */
	struct node node;      /* in api->connections; guarded by its lock */
	struct MHD_Connection *mhd;
	int fd;
	struct ip peer;
	_Atomic int refs, stage;
	struct arrival *_Atomic arrival; /* an answer that must arrive; changed under api->arrivals.lock */
	_Atomic int64_t deadline_ms;     /* mono; the watch shuts the socket down then; 0 = none */

	/* the request */
	const struct route *route;
	enum method method;
	bool head_done;
	bool chunked;
	bool discard;              /* what comes of a body is not wanted */
	bool close;                /* after the answer */
	struct str target;         /* where the library holds the target; for head_seamless() only */
	struct buf uri;            /* copy of the target, its query decoded in place; reused */
	struct str raw_query;      /* into uri */
	struct query_string query; /* GET only; into uri */
	struct buf body;
	uint64_t discarded;          /* octets of a body that is not wanted */
	int64_t charged;             /* octets this request counts in api->inflight */
	const struct snapshot *snap; /* held while user is used */
	const struct user *user;     /* into snap */
	uint32_t user_id;
	struct token_hash token;       /* of the token given */
	uint64_t idem_hash, body_hash; /* 0 = no Idempotency-Key; of the query (GET) */
	int64_t received_us;           /* mono: request whole */

	/* the work */
	struct arena arena;
	struct json_doc *doc;
	struct send_request send;
	int8_t answer_object;          /* the user's setting */
	struct submission submission;  /* (result) status, batch, ids */
	struct campaign_ask campaigns; /* before it is posted: aliases that are new */
	struct lookup lookup;

	/* the answer */
	int status;       /* (result of a look-up) 0 = none yet */
	struct buf out;   /* (result of a look-up); reused */
	struct str fixed; /* instead of out, for ever valid */
	const char *type; /* Content-Type */
	const char *allow;
	unsigned retry_after_s;
};

/* The answer is an error envelope; formats the text. Whatever answer was begun is forgotten. */
void request_refuse(struct request *q, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void request_refuse_later(struct request *q, int status, unsigned retry_after_s, const char *text); /* with Retry-After */
void request_refuse_faults(struct request *q, int status, const struct faults *f);
void request_refuse_field(struct request *q, const char *field, const char *rule); /* 400 with that one fault */
/* Suspends the connection. Call before the hand-over; from then on only request_settle() may end it. HTTP thread. */
void request_wait(struct request *q);
/* Tries to take the waiting request for its result. false: api_stop() has taken it; the result is not wanted any more. */
bool request_claim(struct request *q);
/* Resumes a claimed request, and drops the reference of whoever it waited for. Any thread. */
void request_settle(struct request *q, bool claimed);
void request_put(struct request *q);
