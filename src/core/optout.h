/* optout.h - opt-outs and opt-ins that recipients ask for by an MO. Engine thread only.
 *
 * The lists have a file of their own (store/numbers.h), a batch of messages commits to today's. So the change is derived: the MO's row
 * says what it asked for and is durable with its batch; the change follows the commit, at once in memory (core/numbers.h), a moment
 * later in the lists' file, where the highest key that was applied is kept in the same transaction (the mark). After a crash, what is
 * stored above the mark is applied again, which changes nothing the second time. */
#pragma once
#include "base/util.h"

struct engine;
struct optout {
	uint32_t sub_account;
	struct str digits; /* of the recipient, canonical (wire/phone.h: phone_canonical); borrowed */
	bool out;          /* onto the list; false: off it */
	int64_t at;        /* when it was received, wall ms */
	int64_t key;       /* of the MO (struct uid.key): rises from one MO to the next */
	struct str proof; /* what to show when asked why: MO's id, short code, words; UTF-8, cut at NUMBER_WHY_MAX; borrowed */
};
/* In the batch that stores the MO: takes effect when that batch is durable. */
void optout_change(struct engine *e, const struct optout *o);
/* An opt-in counts for this turn already, so that a keyword's reply to it may leave with it; nothing of the turn leaves before the commit.
 * Does nothing for an opt-out: whoever asks for it may get the word that it was heard. */
void optout_early(const struct optout *o);
/* At the start, for each stored MO above the mark that asked for it, in the order of keys: takes effect at once. */
void optout_again(struct engine *e, const struct optout *o);
/* What every MO up to this key asked for is in the lists' file. */
int64_t optout_mark(struct engine *e);
