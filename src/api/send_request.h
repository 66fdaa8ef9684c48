/* send_request.h - a request to send, from JSON or a query string into checked values, and from there into drafts for the
 * engine. Pure but for the arena. */
#pragma once
#include "api/faults.h"
#include "api/query_string.h"
#include "base/arena.h"
#include "core/schedule.h"
#include "model/account.h"
#include "model/input.h"
#include "model/settings.h"
#include "model/texts.h"
#include "wire/json.h"
#include "wire/template.h"

struct phone;
#define SEND_MESSAGES_MAX 1000
#define SEND_TEXT_MAX 1280 /* code points, counted in NFC */
#define SEND_CORRELATION_MAX 64
#define SEND_EXTRA_MAX 255
#define SEND_DESTINATION_MAX 64

/* Where a field stands, for the path in its fault. */
struct place {
	enum { AT_ROOT, AT_DEFAULTS, AT_MESSAGE } level;
	size_t index; /* of the message */
};
enum send_time_field {
	SEND_START_AT,
	SEND_START_DATE,
	SEND_START_MINUTES,
	SEND_EXPIRY_AT,
	SEND_EXPIRY_DATE,
	SEND_EXPIRY_MINUTES,
	SEND_ZONE
};
struct send_time {
	struct when start, expiry;
	const char *start_path, *expiry_path; /* where they were given, in the arena; NULL = not given */
	uint32_t window;                      /* bit h, 0 = not given */
	struct str zone;  /* as given; after send_times() that of the window, in one form */
	struct times out; /* of send_times(); zero when nothing was said */
};
struct send_item {              /* one message; texts are valid UTF-8 without NUL, empty = not given */
	struct str destination; /* as the caller wrote it */
	struct str text;        /* NFC */
	struct str correlation, extra;
	int8_t flash; /* -1 not said, 0, 1 */
	struct send_time time;

	/* Its text: the nearest level that names any of text, template or flow; there a template or flow comes before a text. */
	bool has_template_id;
	int64_t template_id;
	struct str template_name, flow;
	struct place text_place;
	struct str campaign;
	struct place campaign_place;
	const struct template_param *params; /* of all levels, each name once */
	size_t param_count;

	/* filled by send_texts() */
	struct str final;     /* what goes on the air */
	struct str invalid;   /* as delivery_text.invalid */
	int8_t lane;          /* enum text_class */
	bool forbidden;       /* holds a forbidden word */
	uint32_t campaign_id; /* 0: none, or not registered yet */
};
struct send_request {
	bool bulk;
	int8_t dry_run; /* 1: only say what would happen */
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
/* What a text is looked up with. */
struct snapshot;
struct text_scope {
	const struct snapshot *snap;
	const struct sub_account *sub; /* that sends */
	uint32_t sees; /* its templates and flows beside the account's; 0: all of the account */
};
/* After reading, once it is known who sends: finds templates and flows, puts params, header and footer in, checks lengths, words and
 * campaigns. What is wrong goes to f. Texts borrow from r, the snapshot and the arena. */
void send_texts(struct send_request *r, const struct text_scope *sc, struct arena *a, struct faults *f);
/* "messages[3].destination", "defaultValues.params", "params" */
void send_path(char out[FAULT_FIELD_MAX], const struct place *at, struct str name);

/* Reading params (send_params.c). What is wrong goes to f; names and values are copied into the arena, in NFC. */
struct param_list {
	struct template_param *p;
	size_t n;
};
#define SEND_PARAMS_MAX 100 /* of one level */
void params_read(struct json *object, const struct place *at, struct arena *a, struct param_list *ret, struct faults *f);
/* The params of a query: params={"a":"b"}, params[a]=b, or both. */
void params_read_query(const struct query_string *q, struct arena *a, struct param_list *ret, struct faults *f);
/* m's own, then those of from that it does not name. */
void params_inherit(struct send_item *m, const struct send_item *from, struct arena *a);
struct str send_nfc(struct arena *a, struct str s); /* s, or a copy in NFC */

/* Reads a number and brings it into its canonical form; true when it is a mobile by the numbering plans or by the operator's own word
 * (sms.mobile_prefixes). Else a message to it ends in 202. */
bool send_usable(const struct settings *s, struct str written, struct phone *ret);
/* After send_texts(): of class marketing, by its template or else its sub-account. */
bool send_is_marketing(const struct send_item *m, const struct sub_account *sub);
/* After send_texts() and send_times(). One draft for each item; numbers that cannot be reached and numbers without a route become drafts that end at once (202,
 * 102). sub: whose class and in-doubt rule count. Drafts borrow from r, s and the arena. */
struct draft *send_drafts(const struct send_request *r, const struct settings *s,
			  const struct sub_account *sub, struct arena *a);
/* What a connection makes of a text. */
struct send_parts {
	uint16_t parts; /* 1..PARTS_MAX */
	bool ucs2;
	bool fits; /* false: the connection's alphabets cannot spell it, or not in PARTS_MAX parts; the channel refuses it */
};
/* profile NULL: that of a connection of which nothing is said. */
struct send_parts send_parts(struct str text, const struct profile_setting *profile);

/* -- send_time.c ---------------------------------------------------------------------------------------------------- */

/* One field into the level's times: NULL, or the rule that it broke. An empty value counts as none. */
const char *send_time_read(struct arena *a, enum send_time_field field, const char *path, struct str v,
			   struct send_time *to);
const char *send_time_hours(struct str text, struct send_time *to); /* adds hours to the window */
/* What a level does not say is as above; a schedule or an expiry counts whole, whichever of its fields says it. */
void send_time_inherit(struct send_time *m, const struct send_time *from);
struct send_who {                      /* whose request it is; borrowed */
	const struct user *user;       /* NULL: nobody's in particular */
	const struct account *account; /* NULL: unknown */
	const struct sub_account *sub;
	const struct settings *settings;
	int64_t now; /* receipt, wall ms */
};
/* After send_texts(). Works out the times of every message, which send_drafts() then takes; adds to f what cannot be. */
void send_times(struct send_request *r, const struct send_who *who, struct arena *a, struct faults *f);
