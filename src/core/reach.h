/* reach.h - how much a sub-account may send: so many marketing messages to one number in a period (205), so many messages in all in a
 * period (refused, 429). Engine thread only.
 *
 * Messages to a number count from their acceptance on, and no longer when they failed: what did not reach anybody bothered nobody. They
 * are counted in memory, at most REACH_MAX over all sub-accounts; beyond it a sub-account forgets its oldest ones early. A start counts
 * them again from the rows. What was accepted before a sub-account got its limit is not counted until then. */
#pragma once
#include "model/account.h"
#include "model/delivery.h"
#include "model/event.h"

#define REACH_MAX ((size_t)1 << 21) /* messages remembered; 16 octets each and as much for their numbers */

struct engine;
struct map;
struct reach {
	struct map *subs; /* sub-account -> struct reach_sub */
	size_t counted;   /* sub-accounts that remember numbers */
};
void reach_init(struct engine *e);
void reach_recover(struct engine *e); /* after the deliveries are back */
void reach_done(struct engine *e);

/* True when the number has got all that sub allows for now; beside: so many more are as good as accepted. */
bool reach_spent(struct engine *e, const struct sub_account *sub, const struct delivery *d, uint32_t beside);
void reach_accepted(struct engine *e, const struct sub_account *sub, const struct delivery *d);
void reach_failed(struct engine *e, const struct delivery *d); /* it ended, not sent */
/* May sub send n messages more? 0, or ms until so many may be sent; nothing is taken then. */
int64_t reach_velocity(struct engine *e, const struct sub_account *sub, uint32_t n);
int64_t reach_velocity_wait(const struct engine *e, const struct sub_account *sub, uint32_t n); /* the same; takes nothing */
