/* mo.h - messages from handsets on their way in: parts waiting for their fellows, and what came lately, so that what the carrier sends
 * again is known. Shared by mo.c (arrival, joining), mo_recover.c (the start) and mo_match.c (whose it is, and what
 * follows). Engine thread only. */
#pragma once
#include "base/words.h"
#include "core/ring.h"

#ifndef MO_PARTS_HELD       /* the simulation is also built with small limits */
#define MO_PARTS_HELD 16384 /* in memory; beyond it the oldest incomplete message goes with what came */
#define MO_SEEN_HELD 65536  /* remembered against repetition; beyond it the oldest is forgotten */
#endif
#define MO_MATCH_MS ((int64_t)5 * 86400000) /* an MT this old is not answered any more [api.md section 8] */
#define MO_MATCH_DAYS 6
#define MO_REPLY_MS 10000 /* one keyword's replies to one handset are this far apart */
#define MO_REPLIES_MS \
	3600000 /* in which there are at most sms.mo.replies_per_hour from one short code to one handset */
#define MO_REPLY_DIGITS 8 /* a number shorter than this is a service and gets none */

/* A message that is whole, or as whole as it gets. */
struct mo_arrival {
	uint16_t connection;
	uint8_t total, came;
	uint64_t hash;
	const char *source, *short_code;
	struct str text;
	struct str parts; /* their keys, see struct mo */
};
void mo_accept(struct engine *e, const struct mo_arrival *a);
/* What it asks for, if anything: with the open batch, or again at the start. */
void mo_wish(struct engine *e, const struct mo *m, bool again);
/* Hash of a handset and a sender, never 0; what EV_ATTEMPT carries and an MO is matched by. */
uint64_t mo_handset(const struct engine *e, struct str number, struct str sender);
/* What came at that moment over that link (0: of an earlier run), answered late or not; told apart from a repetition by mo_take(). */
void mo_remember(struct engine *e, uint64_t hash, uint64_t link, int64_t at, bool late);
/* A part that is stored: to its fellows; the message is accepted when it was the last. part is 1..total. */
void mo_join(struct engine *e, const struct mo_part *p);
/* True when nothing with that hash came within span ms; remembers that it did now. */
bool mo_first(struct engine *e, uint64_t hash, int64_t span);
/* An event of an MO, which is no delivery: numbered and stored. */
void mo_record(struct engine *e, int64_t key, uint32_t sub_account, uint32_t user, struct event *ev);
